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
    /// Where a parameter makes the call another one than its route stands for.
    pub(super) action: Option<Action>,
    pub(super) recorded: bool,
    /// Whether the event of a call that was told to slow down is to be left out.
    pub(super) quiet: bool,
}

impl Ledger {
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Entry) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
