//! Calls a minute by key: the generic cell rate algorithm (ITU-T I.371, "virtual scheduling").
//!
//! Of each key one time is kept: when it would be back at rest. A minute's worth may come at once;
//! after that a call is let through each `minute / limit`. A key that is at rest needs no entry,
//! so forgetting those changes nothing.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

use super::{Scope, TooSoon};
use crate::time::Timestamp;

const MINUTE: i64 = 60_000_000;
/// How many locks the keys are spread over.
const SHARDS: usize = 16;
/// Most keys under one lock; 40 bytes each, so that a full table has 2.5 MiB.
const MOST: usize = 4_096;
/// How much room is made at once.
const ROOM: usize = MOST / 8;

/// What is known of a key.
#[derive(Clone, Copy)]
struct Entry {
    /// When it is back at rest, microseconds.
    rest: i64,
    /// When a refusal was last told.
    told: i64,
}

/// One limit, for many keys.
pub struct Table {
    per_minute: u32,
    hasher: RandomState,
    shards: [Mutex<HashMap<u64, Entry>>; SHARDS],
}

impl Table {
    /// Nobody has called yet; 0: no limit.
    pub fn new(per_minute: u32) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { per_minute, hasher: RandomState::new(), shards }
    }

    /// Counts a call, unless it came too soon.
    pub fn take(&self, key: &impl Hash, scope: Scope, now: Timestamp) -> Result<(), TooSoon> {
        if self.per_minute == 0 {
            return Ok(());
        }
        // Keyed by a secret of this process: nobody can choose ids that fall together.
        let hash = self.hasher.hash_one(key);
        let shard = &self.shards[usize::try_from(hash % SHARDS as u64).unwrap_or(0)];
        let mut entries = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now.micros();
        if entries.len() >= MOST && !entries.contains_key(&hash) {
            make_room(&mut entries, now);
        }
        let entry = entries.entry(hash).or_insert(Entry { rest: now, told: now - MINUTE });
        let each = MINUTE / i64::from(self.per_minute);
        // Nobody is ever further from rest than a minute: the clock was set back.
        let before = if entry.rest > now + MINUTE { now } else { entry.rest.max(now) };
        let rest = before + each;
        if rest - now <= MINUTE {
            entry.rest = rest;
            return Ok(());
        }
        let wait = rest - now - MINUTE;
        let first = !(0..MINUTE).contains(&(now - entry.told));
        if first {
            entry.told = now;
        }
        let retry_after = wait.unsigned_abs().div_ceil(1_000_000).max(1);
        Err(TooSoon { scope, per_minute: self.per_minute, retry_after, first })
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }
}

/// Forgets those at rest; where they are too few, also who has the least to wait for. Many at once,
/// so that a flood of new keys does not look through all of them for each.
fn make_room(entries: &mut HashMap<u64, Entry>, now: i64) {
    entries.retain(|_, entry| entry.rest > now);
    let mut over = (entries.len() + ROOM).saturating_sub(MOST);
    if over == 0 {
        return;
    }
    let mut rests: Vec<i64> = entries.values().map(|entry| entry.rest).collect();
    let last = *rests.select_nth_unstable(over - 1).1;
    entries.retain(|_, entry| {
        let goes = over > 0 && entry.rest <= last;
        over -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_micros(millis * 1_000)
    }

    #[test]
    fn a_minutes_worth_comes_at_once_and_then_one_by_one_when_it_was_promised() {
        let table = Table::new(60);
        for _ in 0..60 {
            table.take(&"a", Scope::Caller, at(0)).unwrap();
        }
        let over = table.take(&"a", Scope::Caller, at(0)).unwrap_err();
        assert_eq!((over.retry_after, over.first), (1, true));
        assert!(!table.take(&"a", Scope::Caller, at(999)).unwrap_err().first);
        table.take(&"a", Scope::Caller, at(1_000)).unwrap();
        assert!(table.take(&"a", Scope::Caller, at(1_000)).is_err());
        table.take(&"b", Scope::Caller, at(1_000)).unwrap();
        // Refusals cost nothing: after a minute at rest all is as it was.
        for _ in 0..60 {
            table.take(&"a", Scope::Caller, at(61_000)).unwrap();
        }
        assert!(table.take(&"a", Scope::Caller, at(61_000)).unwrap_err().first, "a minute later");
    }

    #[test]
    fn waiting_as_long_as_was_said_is_always_enough_and_less_is_not() {
        for per_minute in [1, 7, 100, 3_600, 12_000] {
            let table = Table::new(per_minute);
            while table.take(&1, Scope::Caller, at(0)).is_ok() {}
            let wait = table.take(&1, Scope::Caller, at(0)).unwrap_err().retry_after;
            let whole = i64::try_from(wait).unwrap() * 1_000;
            if wait > 1 {
                assert!(table.take(&1, Scope::Caller, at(whole - 1_000)).is_err(), "{per_minute}");
            }
            table.take(&1, Scope::Caller, at(whole)).unwrap();
        }
    }

    #[test]
    fn no_flood_of_keys_makes_the_table_grow_without_end() {
        let table = Table::new(10);
        for key in 0..200_000 {
            table.take(&key, Scope::Address, at(0)).unwrap();
        }
        assert!(table.len() <= SHARDS * MOST, "{}", table.len());
        // Who has used up theirs is not forgotten for newcomers' sake.
        while table.take(&"busy", Scope::Address, at(0)).is_ok() {}
        for key in 0..100_000 {
            table.take(&(key, "new"), Scope::Address, at(1)).unwrap();
        }
        assert!(table.take(&"busy", Scope::Address, at(1)).is_err());
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let table = Table::new(1);
        table.take(&1, Scope::Caller, at(600_000)).unwrap();
        table.take(&1, Scope::Caller, at(0)).unwrap();
        assert!(table.take(&1, Scope::Caller, at(0)).unwrap_err().retry_after <= 60);
    }
}
