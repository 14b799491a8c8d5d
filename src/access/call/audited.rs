//! Permission, the transaction that ends with its event, and rows nobody may see yet.

use serde_json::Value;

use super::Call;
use super::ledger::Ledger;
use crate::audit::{self, Event, Outcome, Subject};
use crate::db::{Conn, Connection, DbError, Later, Tx};
use crate::http::Code;
use crate::ids::PatientId;

/// Permission for one call on one target.
#[derive(Clone)]
pub struct Grant<'c> {
    pub(super) call: &'c Call,
    pub(super) subject: Subject,
}

impl Grant<'_> {
    /// Begins the transaction that the work and its event share.
    pub async fn begin(&self) -> Result<Audited, DbError> {
        Ok(Audited {
            tx: self.call.gate.db.begin().await?,
            event: self.call.event(&self.subject, Outcome::Granted),
            ledger: self.call.ledger.clone(),
        })
    }

    /// Writes the event, and only then hands out what was found.
    pub async fn read<T>(self, found: Unread<T>, detail: Option<Value>) -> Result<T, DbError> {
        self.begin().await?.read(found, detail).await
    }

    /// Looks at what was found in order to decide; what is seen so must not be answered before
    /// an event is written.
    pub const fn look<'u, T>(&self, found: &'u Unread<T>) -> &'u T {
        &found.0
    }
}

/// A row of patient data that nobody has been allowed to see yet.
#[derive(Debug)]
pub struct Unread<T>(T);

impl<T> Unread<T> {
    /// Closes a row; only SQL does this.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// What is inside, for those who may look without showing it.
    pub(super) const fn closed(&self) -> &T {
        &self.0
    }

    /// The facts the policy decides by.
    pub(crate) fn facts<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        look(&self.0)
    }
}

/// A transaction that ends with its event in the trail, or not at all.
pub struct Audited {
    pub(super) tx: Tx,
    pub(super) event: Event,
    pub(super) ledger: Ledger,
}

impl Connection for Audited {
    async fn ready(&mut self) -> Result<(), DbError> {
        self.tx.ready().await
    }

    fn conn(&mut self) -> Conn<'_> {
        self.tx.conn()
    }

    fn later(&mut self) -> Option<&mut Later> {
        self.tx.later()
    }
}

impl Audited {
    /// Names what the call turned out to be about, where only the work could tell.
    pub fn about(&mut self, id: String) {
        self.event.subject.id = Some(id);
    }

    /// Writes the event and commits it with the work.
    pub async fn commit(mut self, detail: Option<Value>) -> Result<(), DbError> {
        self.event.detail = detail;
        self.finish().await
    }

    /// The same, and only then hands out what was found.
    pub async fn read<T>(self, found: Unread<T>, detail: Option<Value>) -> Result<T, DbError> {
        self.commit(detail).await?;
        Ok(found.0)
    }

    /// Commits the work and leaves the event to the end of the call. Only for a row that is
    /// pending and nobody's yet: where the call never comes to its end, upkeep ends the row with
    /// an event of its own.
    pub async fn commit_open(self) -> Result<(), DbError> {
        self.tx.commit().await
    }

    /// Names the patient whom the call turned out to be about.
    pub fn about_patient(&mut self, patient: Option<PatientId>) {
        self.event.subject.patient = patient;
    }

    /// The same for a call that was denied after its work had begun.
    pub async fn commit_denied(mut self, code: Code) -> Result<(), DbError> {
        self.event.outcome = Outcome::Denied;
        self.event.code = Some(code.as_str());
        self.finish().await
    }

    /// The same for a call whose work is to note a failure.
    pub async fn commit_failed(mut self, code: Code, detail: Option<Value>) -> Result<(), DbError> {
        self.event.outcome = Outcome::Failed;
        self.event.code = Some(code.as_str());
        self.event.detail = detail;
        self.finish().await
    }

    async fn finish(mut self) -> Result<(), DbError> {
        audit::rows::insert(&mut self.tx, &self.event).await?;
        self.tx.commit().await?;
        self.ledger.with(|entry| entry.recorded = true);
        Ok(())
    }
}
