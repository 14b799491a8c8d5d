//! What becomes of a document after it was confirmed: trash, legal hold, release to the patient,
//! repairs, newer versions, and its end.
//!
//! Invariants:
//! - Nothing under legal hold and nothing before its retention ends is purged, nor is the record
//!   of what is under hold changed. The statements say so themselves, so that nobody slips through
//!   between a look and a change.
//! - A purge is decided once and for good by the row (`purged`, nothing served, no name left), and
//!   then carried out: the store is told to destroy every version of every key, and only then the
//!   row says that the bytes are gone (`purged_at`). What is cut off between is upkeep's to finish.
//! - A document has one living successor at most; an index of the database sees to it.

mod change;
mod edit;
mod purge;
mod release;
pub(super) mod rows;
mod trail;
mod trash;
mod versions;

pub use change::{Change, change};
pub use edit::{Edit, edit};
pub use purge::{Purge, purge};
pub use release::{Release, becoming, release_now};
pub use trail::read_trail;
pub use trash::{Emptied, empty_trash};
pub use versions::{Versions, versions};

use crate::db::DbError;
use crate::documents::{Document, DocumentError};
use crate::sensitive::Phi;
use crate::time::Timestamp;

/// Longest reason that is kept, in bytes.
const MAX_REASON: usize = 500;

/// A reason is read by people later, in the trail.
fn check_reason(reason: &Phi<String>) -> Result<(), DocumentError> {
    let text = reason.reveal();
    let fits = !text.trim().is_empty() && text.len() <= MAX_REASON;
    if fits && !text.chars().any(|c| c.is_control() && c != '\n') {
        return Ok(());
    }
    let right = "must have 1 to 500 bytes, no control characters";
    Err(DocumentError::field("reason", right))
}

/// Why a change that needs a free document in some other state was not made to this one.
fn refused(document: &Document, now: Timestamp) -> DocumentError {
    match document.retain_until {
        _ if document.hold_reason.is_some() => DocumentError::OnHold,
        Some(until) if until > now => DocumentError::Retained(until),
        _ => DocumentError::WrongState(document.state),
    }
}

/// What the database says where a second successor would have come to life.
pub(super) fn one_successor(e: DbError) -> DocumentError {
    if e.is_unique_violation() { DocumentError::Superseded } else { e.into() }
}
