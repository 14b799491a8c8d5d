//! What is known of a call while it is under way, for the one event it will leave.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::access::Action;
use crate::audit::{Actor, Subject};
use crate::ids::{ClinicId, TicketId};

/// What is known of a call so far, for the event it will leave.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Entry>>);

#[derive(Clone, Default)]
pub(super) struct Entry {
    pub(super) caller: Option<(Actor, Option<ClinicId>)>,
    /// Whether the answer goes to who runs the server, or to the app: to no page of somebody else.
    pub(super) runs_the_server: bool,
    pub(super) subject: Subject,
    /// Where a parameter makes the call another one than its route stands for.
    pub(super) action: Option<Action>,
    pub(super) recorded: bool,
    /// Whether the event of a call that was told to slow down is to be left out.
    pub(super) quiet: bool,
    /// The ticket the call was made with.
    pub(super) ticket: Option<TicketId>,
}

impl Entry {
    /// What the event says beside its fields: what the work has to tell, and the ticket.
    pub(super) fn detail(&self, told: Option<Value>) -> Option<Value> {
        let Some(ticket) = self.ticket else { return told };
        let mut detail = match told {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        detail.insert("ticket".to_owned(), ticket.to_string().into());
        Some(Value::Object(detail))
    }
}

impl Ledger {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Entry) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
