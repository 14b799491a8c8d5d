//! How many bytes each clinic keeps, as far as is known: the sum the database gave a moment ago,
//! and what has been announced here since.
//!
//! It is summed once a minute at most while there is room, and again before anybody is refused, by
//! one caller for all who wait. Several servers each know of their own announcements only: a quota
//! may be passed by what they allow within that minute.

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
enum Room {
    /// There is, and they are counted.
    Reserved,
    /// It is to be summed again.
    Unknown,
    /// There is none.
    None {
        /// What is kept, bytes.
        used: u64,
    },
}

/// What is known of every clinic.
#[derive(Default)]
pub struct KeptBytes {
    clinics: Mutex<HashMap<ClinicId, Kept>>,
    /// Held by who asks the database.
    summing: tokio::sync::Mutex<()>,
}

impl KeptBytes {
    /// Counts `size` bytes more of a clinic that may keep `quota`, if there is room; if not, what
    /// is kept. `sum` asks the database, where that has to be.
    pub async fn reserve_or_sum<E>(
        &self,
        (clinic, size, quota): (ClinicId, u64, u64),
        now: impl Fn() -> Timestamp,
        sum: impl AsyncFnOnce() -> Result<u64, E>,
    ) -> Result<Option<u64>, E> {
        let mut room = self.reserve(clinic, size, quota, now());
        if room == Room::Unknown {
            let _turn = self.summing.lock().await;
            // Somebody else may have asked meanwhile.
            room = self.reserve(clinic, size, quota, now());
            if room == Room::Unknown {
                let asked_at = now();
                let bytes = sum().await?;
                self.summed(clinic, bytes, asked_at);
                room = self.reserve(clinic, size, quota, asked_at);
            }
        }
        Ok(match room {
            Room::None { used } => Some(used),
            Room::Reserved | Room::Unknown => None,
        })
    }

    fn reserve(&self, clinic: ClinicId, size: u64, quota: u64, now: Timestamp) -> Room {
        let mut clinics = self.clinics.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Gives back what was reserved for something that did not come about.
    pub fn give_back(&self, clinic: ClinicId, size: u64) {
        let mut clinics = self.clinics.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = clinics.get_mut(&clinic) {
            kept.since = kept.since.saturating_sub(size);
        }
    }

    /// Notes what the database said. Of several who asked at once the first is believed: what was
    /// reserved since is in none of their sums.
    fn summed(&self, clinic: ClinicId, bytes: u64, now: Timestamp) {
        let mut clinics = self.clinics.lock().unwrap_or_else(PoisonError::into_inner);
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
        kept.give_back(clinic, 10);
        assert_eq!(kept.reserve(clinic, 10, 100, at(61)), Room::Reserved, "it did not come about");
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

    #[tokio::test]
    async fn of_many_who_ask_at_once_one_asks_the_database_and_all_are_counted() {
        let (kept, clinic) = (KeptBytes::default(), ClinicId::from_uuid(uuid::Uuid::nil()));
        let asked = std::sync::atomic::AtomicU32::new(0);
        let one = async || {
            let sum = async || {
                asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, std::convert::Infallible>(10)
            };
            kept.reserve_or_sum((clinic, 2, 100), || Timestamp::from_micros(0), sum).await
        };
        let said = futures::future::join_all((0..50).map(|_| one())).await;
        assert_eq!(said.iter().filter(|said| **said == Ok(None)).count(), 45);
        assert_eq!(said.iter().filter(|said| **said == Ok(Some(100))).count(), 5);
        assert_eq!(asked.into_inner(), 1);
    }
}
