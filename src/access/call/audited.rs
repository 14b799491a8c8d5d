//! Permission, the transaction that ends with its event, and rows nobody may see yet.

use std::sync::Arc;

use serde_json::Value;

use super::ledger::Ledger;
use super::{Call, Gate, subject};
use crate::access::tickets::rows::take_ticket;
use crate::access::{Role, Target};
use crate::audit::{self, Event, Outcome, Subject};
use crate::db::{Conn, Connection, DbError, Later, Tx};
use crate::http::Code;
use crate::ids::{DocumentId, PatientId, UserId};
use crate::outbox;

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
            event: self.call.event(&self.subject),
            also: Vec::new(),
            ledger: self.call.ledger.clone(),
            gate: Arc::clone(&self.call.gate),
        })
    }

    /// Tells the same of another target in an event of its own: a document that leaves one patient
    /// for another stands in the trail of both.
    pub fn also(&self, tx: &mut Audited, target: &Target) {
        tx.also.push(self.call.event(&subject(target)));
    }

    /// The service that calls, whoever it acts for: what it may begin is limited as its own too.
    pub fn service(&self) -> Option<&UserId> {
        let caller = &self.call.caller;
        // Its own roles: those of the person it acts for are another's.
        caller.roles.contains(&Role::Service).then_some(&caller.user)
    }

    /// Notes that an upload begins, where the call was made with a ticket; false when as many have
    /// begun with it as may.
    pub async fn take_ticket(
        &self,
        tx: &mut Audited,
        document: DocumentId,
    ) -> Result<bool, DbError> {
        match self.call.ticket() {
            Some(ticket) => take_ticket(tx, self.call.clinic(), ticket.id, document).await,
            None => Ok(true),
        }
    }

    /// Writes the event, and only then hands out what was found.
    pub async fn read<T>(self, found: Unread<T>, detail: Option<Value>) -> Result<T, DbError> {
        let mut tx = self.begin().await?;
        tx.event.detail = detail;
        tx.finish(false).await?;
        Ok(found.0)
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

    /// Closes each of some rows; only SQL does this.
    pub(crate) fn all(rows: Vec<T>) -> Vec<Self> {
        rows.into_iter().map(Self).collect()
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
    pub(super) also: Vec<Event>,
    pub(super) ledger: Ledger,
    pub(super) gate: Arc<Gate>,
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

    /// Waits until this is the only transaction under a number; see [`Tx::alone`].
    pub async fn alone(&mut self, number: i64) -> Result<(), DbError> {
        self.tx.alone(number).await
    }

    /// Writes the event and commits it with the work; whoever asked to be told of the change will
    /// be.
    pub async fn commit(mut self, detail: Option<Value>) -> Result<(), DbError> {
        self.event.detail = detail;
        self.finish(true).await
    }

    /// The same for an upload that begins and is nothing yet, which nobody is to be told of: to
    /// ask who listens would cost the busiest call a statement.
    pub async fn commit_begun(mut self, detail: Value) -> Result<(), DbError> {
        self.event.detail = Some(detail);
        self.finish(false).await
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
        self.finish(true).await
    }

    /// The same for a call whose work is to note a failure.
    pub async fn commit_failed(mut self, code: Code, detail: Option<Value>) -> Result<(), DbError> {
        self.event.outcome = Outcome::Failed;
        self.event.code = Some(code.as_str());
        self.event.detail = detail;
        self.finish(true).await
    }

    async fn finish(mut self, tells: bool) -> Result<(), DbError> {
        let told = self.event.detail.take();
        self.event.detail = self.ledger.with(|entry| entry.detail(told));
        let told = tells && outbox::note(&mut self.tx, &self.event, &self.gate.ids).await?;
        audit::rows::insert(&mut self.tx, &self.event).await?;
        for other in self.also {
            let (outcome, code) = (self.event.outcome, self.event.code);
            let event = Event { outcome, code, detail: self.event.detail.clone(), ..other };
            audit::rows::insert(&mut self.tx, &event).await?;
        }
        self.tx.commit().await?;
        self.ledger.with(|entry| entry.recorded = true);
        if told {
            self.gate.outbox.notify_one();
        }
        Ok(())
    }
}
