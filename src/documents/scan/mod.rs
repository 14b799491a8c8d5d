//! What the scanner says, and what that makes of a document.
//!
//! Invariants:
//! - With a scanner on, a document becomes available only by a verdict that lets it pass. Whatever
//!   goes wrong on the way leaves it `scanning`: seen by those who may see it, served to nobody.
//! - What is scanned is the pinned version, read again with its SHA-256 where the store does not
//!   seal it; or the very bytes that went into the store while they passed by.
//! - A document is claimed before it is scanned, by moving the time at which it is due; who finds
//!   that time changed has lost it and changes nothing.

mod again;
mod attempt;
mod queue;
pub(super) mod rows;
mod unscanned;

pub use again::rescan;
pub use queue::{
    Queue, Scanned, ask_again, is_overdue, keep_scanning, scan_due, scan_queue, tell_it_is_off,
};
pub use unscanned::{Looked, Standing, scan_unscanned, standing};

use crate::documents::content::Family;
use crate::documents::{Document, State};
use crate::scanning::{Scanning, Unscannable, Verdict};
use crate::time::Timestamp;

/// What a row says while nothing has been said yet.
pub(super) const WAITS: &str = "waits for the scanner";

/// Where a document goes by what the scanner says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Landing {
    /// Its state.
    pub state: State,
    /// Why, where that needs saying.
    pub reason: Option<String>,
    /// The verdict as its row keeps it.
    pub verdict: Option<String>,
    /// When it was given.
    pub scanned_at: Option<Timestamp>,
}

impl Landing {
    /// Of an upload that is confirmed now; `verdict`: of a scan while the bytes passed by.
    pub fn confirmed(
        scanning: &Scanning,
        size: u64,
        verdict: Option<Verdict>,
        now: Timestamp,
    ) -> Self {
        if !scanning.is_on() {
            return Self { state: State::Available, reason: None, verdict: None, scanned_at: None };
        }
        match scanning.by_size(size).or(verdict) {
            Some(verdict) => {
                count(&verdict);
                Self::of(scanning, &verdict, now)
            }
            None => Self {
                state: State::Scanning,
                reason: Some(WAITS.to_owned()),
                verdict: None,
                scanned_at: None,
            },
        }
    }

    /// Of a verdict.
    pub fn of(scanning: &Scanning, verdict: &Verdict, now: Timestamp) -> Self {
        let passes = scanning.lets_pass(verdict);
        let (reason, kept) = match verdict {
            Verdict::Clean => (None, "clean".to_owned()),
            Verdict::Infected { signature } => (Some("infected".to_owned()), signature.clone()),
            Verdict::Unscannable(why) => {
                let unscanned = if passes { "not scanned" } else { "unscannable" };
                (Some(format!("{unscanned}: {}", why.as_str())), UNSCANNABLE.to_owned())
            }
        };
        let state = if passes { State::Available } else { State::Quarantined };
        Self { state, reason, verdict: Some(kept), scanned_at: Some(now) }
    }

    /// When the document is to be taken up by the scanner.
    pub fn next_at(&self, now: Timestamp) -> Option<Timestamp> {
        (self.state == State::Scanning).then_some(now)
    }

    /// The word for it in the trail.
    pub fn word(&self) -> Option<&str> {
        match (&self.verdict, self.state) {
            (Some(verdict), _) => Some(verdict),
            (None, State::Scanning) => Some("waits"),
            (None, _) => None,
        }
    }
}

/// What a scanner's word is worth: that nothing was found in ciphertext says nothing.
pub(super) fn weighed(verdict: Verdict, document: &Document) -> Verdict {
    let sealed = document.file_type().is_some_and(|of| of.family == Family::Sealed);
    if sealed && verdict == Verdict::Clean {
        return Verdict::Unscannable(Unscannable::Sealed);
    }
    verdict
}

/// What a row keeps of a file that could not be scanned.
pub(super) const UNSCANNABLE: &str = "unscannable";

/// Counts a verdict.
fn count(verdict: &Verdict) {
    metrics::counter!("strongroom_scan_total", "verdict" => verdict.word()).increment(1);
}
