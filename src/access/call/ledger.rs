//! What is known of a call while it is under way, for the one event it will leave.

use std::sync::{Arc, Mutex, PoisonError};

use crate::access::Action;
use crate::audit::{Actor, Subject};
use crate::ids::ClinicId;

/// What is known of a call so far, for the event it will leave.
#[derive(Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Entry>>);

#[derive(Clone, Default)]
pub(super) struct Entry {
    pub(super) caller: Option<(Actor, Option<ClinicId>)>,
    pub(super) subject: Subject,
    pub(super) recorded: bool,
    /// What the call turned out to be, where that is not what its route says.
    pub(super) action: Option<Action>,
}

impl Ledger {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Entry) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
