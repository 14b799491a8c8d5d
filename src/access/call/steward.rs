//! What the server does by itself: upkeep. Nobody calls and no policy is asked, but what it
//! changes is in the trail like everything else.

use std::sync::Arc;

use super::ledger::Ledger;
use super::{Audited, Gate, Target, subject};
use crate::access::{Action, Unread};
use crate::audit::Actor;
use crate::db::DbError;
use crate::http::layers::RequestInfo;

/// The server itself, at work on a task.
pub struct Steward {
    gate: Arc<Gate>,
    task: &'static str,
}

impl Steward {
    /// For a task of this name; the trail shows it as the actor.
    pub const fn new(gate: Arc<Gate>, task: &'static str) -> Self {
        Self { gate, task }
    }

    /// Begins the transaction that the work on `target` and its event share.
    pub async fn begin(&self, action: Action, target: &Target) -> Result<Audited, DbError> {
        let (id, roles) = (self.task.to_owned(), String::new());
        let actor = Actor { kind: "system", id, roles, on_behalf_of: None };
        let origin =
            RequestInfo { id: self.gate.ids.next().simple().to_string().into(), remote: None };
        let who = (actor, Some(target.clinic));
        let event = self.gate.event(action, who, subject(target), &origin);
        let (tx, gate) = (self.gate.db.begin().await?, Arc::clone(&self.gate));
        Ok(Audited { tx, event, also: Vec::new(), ledger: Ledger::default(), gate })
    }

    /// Looks at a row in order to work on it; nobody is shown it.
    pub const fn look<'u, T>(&self, found: &'u Unread<T>) -> &'u T {
        found.closed()
    }
}
