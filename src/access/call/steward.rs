//! What the server does by itself: upkeep. Nobody calls and no policy is asked, but what it
//! changes is in the trail like everything else.

use std::sync::Arc;

use super::ledger::Ledger;
use super::{Audited, Gate, Target, subject};
use crate::access::{Action, Unread};
use crate::audit::{Actor, Event, Outcome};
use crate::db::DbError;
use crate::ids::EventId;

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
        let event = Event {
            id: EventId::from_uuid(self.gate.ids.next()),
            at: self.gate.clock.now(),
            clinic: Some(target.clinic),
            action: action.as_str(),
            outcome: Outcome::Granted,
            code: None,
            actor: Actor {
                kind: "system",
                id: self.task.to_owned(),
                roles: String::new(),
                on_behalf_of: None,
            },
            subject: subject(target),
            request_id: self.gate.ids.next().simple().to_string(),
            remote: None,
            detail: None,
        };
        let (tx, gate) = (self.gate.db.begin().await?, Arc::clone(&self.gate));
        Ok(Audited { tx, event, ledger: Ledger::default(), gate })
    }

    /// Looks at a row in order to work on it; nobody is shown it.
    pub const fn look<'u, T>(&self, found: &'u Unread<T>) -> &'u T {
        found.closed()
    }
}
