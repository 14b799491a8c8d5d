//! How many bytes each clinic keeps, as far as is known: the sum the database gave a moment ago,
//! and what has been announced here since.
//!
//! To sum is work in proportion to the documents of a clinic, so it is done once a minute at most
//! while there is room, and again before anybody is refused. Several servers each know of their
//! own announcements only: a quota may be passed by what they allow within that minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::ids::ClinicId;
use crate::time::Timestamp;

/// How long a sum is believed while there is room.
const FRESH: Duration = Duration::from_mins(1);
/// How long a sum is believed when somebody is to be refused.
const VERY_FRESH: Duration = Duration::from_secs(1);
/// Most clinics that are remembered.
const MOST: usize = 10_000;

#[derive(Clone, Copy)]
struct Kept {
    summed: u64,
    since: u64,
    at: Timestamp,
}

/// Whether there is room for some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// There is, and they are counted.
    Reserved,
    /// Sum again, tell with [`KeptBytes::summed`], and ask again.
    Unknown,
    /// There is none.
    None {
        /// What is kept, bytes.
        used: u64,
    },
}

/// What is known of every clinic.
#[derive(Default)]
pub struct KeptBytes(Mutex<HashMap<ClinicId, Kept>>);

impl KeptBytes {
    /// Counts `size` bytes more of a clinic that may keep `quota`, if there is room.
    pub fn reserve(&self, clinic: ClinicId, size: u64, quota: u64, now: Timestamp) -> Room {
        let mut clinics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = clinics.get_mut(&clinic) else { return Room::Unknown };
        let used = kept.summed.saturating_add(kept.since);
        let fits = used.saturating_add(size) <= quota;
        let believed = if fits { FRESH } else { VERY_FRESH };
        // A call that looked at the clock first may ask last.
        if now + VERY_FRESH < kept.at || kept.at + believed < now {
            return Room::Unknown;
        }
        if !fits {
            return Room::None { used };
        }
        kept.since += size;
        Room::Reserved
    }

    /// Notes what the database said. Of several who asked at once the first is believed: what was
    /// reserved since is in none of their sums.
    pub fn summed(&self, clinic: ClinicId, bytes: u64, now: Timestamp) {
        let mut clinics = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = clinics.get(&clinic);
        let close = |at: Timestamp| at <= now + VERY_FRESH && now <= at + VERY_FRESH;
        if known.is_some_and(|kept| close(kept.at)) {
            return;
        }
        if clinics.len() >= MOST && !clinics.contains_key(&clinic) {
            clinics.clear();
        }
        clinics.insert(clinic, Kept { summed: bytes, since: 0, at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_believed_for_a_minute_and_a_refusal_for_a_second() {
        let (kept, clinic) = (KeptBytes::default(), ClinicId::from_uuid(uuid::Uuid::nil()));
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        assert_eq!(kept.reserve(clinic, 40, 100, at(0)), Room::Unknown);
        kept.summed(clinic, 50, at(0));
        assert_eq!(kept.reserve(clinic, 40, 100, at(59)), Room::Reserved);
        assert_eq!(kept.reserve(clinic, 40, 100, at(59)), Room::Unknown, "something may have gone");
        kept.summed(clinic, 90, at(59));
        assert_eq!(kept.reserve(clinic, 11, 100, at(60)), Room::None { used: 90 });
        assert_eq!(kept.reserve(clinic, 10, 100, at(60)), Room::Reserved);
        assert_eq!(kept.reserve(clinic, 1, 200, at(120)), Room::Unknown, "a minute has passed");
    }

    #[test]
    fn a_call_that_looked_at_the_clock_first_and_asks_last_is_counted_too() {
        let (kept, clinic) = (KeptBytes::default(), ClinicId::from_uuid(uuid::Uuid::nil()));
        let (early, late) = (Timestamp::from_micros(5_000_000), Timestamp::from_micros(5_000_900));
        kept.summed(clinic, 0, late);
        assert_eq!(kept.reserve(clinic, 60, 100, late), Room::Reserved);
        kept.summed(clinic, 0, early);
        assert_eq!(kept.reserve(clinic, 60, 100, early), Room::None { used: 60 });
    }
}
