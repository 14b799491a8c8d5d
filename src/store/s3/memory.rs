//! What uploads through the server may hold in memory, all of them together.
//!
//! A body of a known length takes leave for a whole part, and is passed on as it comes where there
//! is none. One whose length nobody knows has to be held, since S3 wants to know what it is sent:
//! it takes leave as its bytes come, so that slow senders hold what they have sent and not what
//! they might send. Where nothing is left, one of those that need more goes on into a part kept
//! for that, and comes to its end; so they cannot all wait for one another. And while somebody
//! waits, whoever sends next to nothing is ended. Nobody holds more than half of it: beside one
//! sender's uploads, however many, those of others go on.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::store::StoreError;

/// What bodies of known length may hold altogether, in KiB.
const STOCK_KIB: usize = 14 * 1024;
/// What the others may, in KiB, beside the one part that is kept for the last of them.
const OPEN_KIB: usize = 10 * 1024;
/// What the uploads of one sender may hold of that.
const SHARE_KIB: usize = OPEN_KIB / 2;
/// How they take it, in KiB.
const STEP_KIB: u64 = 64;
/// The same in bytes.
pub(super) const STEP: usize = 64 * 1024;
/// How long a body of known length waits for memory before it goes on without.
const STOCK_WAIT: Duration = Duration::from_millis(100);
/// How long one waits that cannot.
const ROOM_WAIT: Duration = Duration::from_secs(30);
/// While others wait, this much has to come within each [`SPAN`], bytes.
const LEAST: usize = 160 * 1024;
/// See [`LEAST`].
const SPAN: Duration = Duration::from_secs(10);

/// The memory of all uploads to one bucket.
pub(super) struct Memory {
    stock: Semaphore,
    open: Semaphore,
    last: Semaphore,
    /// How many wait for some that others hold.
    short: AtomicUsize,
    /// How many wait for the kept part, whatever else they wait for.
    waiting: AtomicUsize,
    /// Of those whose uploads are under way.
    shares: Mutex<HashMap<String, Weak<Share>>>,
}

/// What one sender may hold.
pub(super) struct Share {
    left: Arc<Semaphore>,
    /// How many of the sender's own wait for some.
    short: AtomicUsize,
}

impl Default for Share {
    fn default() -> Self {
        Self { left: Arc::new(Semaphore::new(SHARE_KIB)), short: AtomicUsize::new(0) }
    }
}

/// Leave to hold bytes; given back when it is dropped.
pub(super) enum Leave<'a> {
    /// For so many from the beginning.
    Whole { _held: SemaphorePermit<'a> },
    /// For what has come.
    Grown { _held: Room<'a> },
}

/// Of a sender's share, and of what there is for all.
type Taken<'a> = (OwnedSemaphorePermit, SemaphorePermit<'a>);

/// Leave that grows with what comes.
pub(super) struct Room<'a> {
    memory: &'a Memory,
    share: Arc<Share>,
    held: Option<Taken<'a>>,
    kib: u64,
    last: Option<SemaphorePermit<'a>>,
}

/// One that waits, for as long as it does.
struct Short<'a>(&'a AtomicUsize);

impl<'a> Short<'a> {
    fn count(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Short<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Memory {
    pub fn new() -> Self {
        Self {
            stock: Semaphore::new(STOCK_KIB),
            open: Semaphore::new(OPEN_KIB),
            last: Semaphore::new(1),
            short: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            shares: Mutex::default(),
        }
    }

    /// What this sender may hold, together with their other uploads; nobody's is by itself.
    pub fn share(&self, sender: Option<&str>) -> Arc<Share> {
        let Some(sender) = sender else { return Arc::default() };
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(sender).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::default();
        shares.insert(sender.to_owned(), Arc::downgrade(&share));
        share
    }

    /// Leave to hold this many bytes; none: there is no room.
    pub async fn whole(&self, bytes: u64) -> Option<Leave<'_>> {
        let kib = u32::try_from(bytes.div_ceil(1024)).ok()?;
        let leave = tokio::time::timeout(STOCK_WAIT, self.stock.acquire_many(kib)).await;
        leave.ok()?.ok().map(|held| Leave::Whole { _held: held })
    }

    /// Leave for an upload that nobody knows the length of: nothing as yet.
    pub fn room(&self, share: &Arc<Share>) -> Room<'_> {
        Room { memory: self, share: Arc::clone(share), held: None, kib: 0, last: None }
    }
}

impl<'a> Room<'a> {
    /// Waits until so many bytes may be held in all; whether it had to wait.
    pub async fn reach(&mut self, bytes: usize) -> Result<bool, StoreError> {
        let goal = (bytes as u64).div_ceil(1024).next_multiple_of(STEP_KIB);
        let missing = goal.saturating_sub(self.kib);
        if self.last.is_some() || missing == 0 {
            return Ok(false);
        }
        let more = u32::try_from(missing).map_err(StoreError::unavailable)?;
        let memory = self.memory;
        let share = Arc::clone(&self.share);
        let mut taking = std::pin::pin!(take(memory, &share, more));
        if let Poll::Ready(taken) = futures::poll!(taking.as_mut()) {
            self.grow(goal, taken.map_err(StoreError::unavailable)?);
            return Ok(false);
        }
        let _waiting = Short::count(&memory.waiting);
        let busy = "too many uploads of unknown size are under way";
        tokio::select! {
            biased;
            taken = taking => self.grow(goal, taken.map_err(StoreError::unavailable)?),
            last = memory.last.acquire() => {
                self.last = Some(last.map_err(StoreError::unavailable)?);
            }
            () = tokio::time::sleep(ROOM_WAIT) => return Err(StoreError::unavailable(busy)),
        }
        Ok(true)
    }

    /// Holds more, so many KiB in all.
    fn grow(&mut self, kib: u64, (own, open): Taken<'a>) {
        self.kib = kib;
        match &mut self.held {
            Some(held) => {
                held.0.merge(own);
                held.1.merge(open);
            }
            None => self.held = Some((own, open)),
        }
    }

    /// Whether somebody waits for what is held here.
    fn is_wanted(&self) -> bool {
        let somebody = |waits: &AtomicUsize| waits.load(Ordering::Relaxed) > 0;
        let memory = self.memory;
        somebody(&memory.short)
            || somebody(&self.share.short)
            || (self.last.is_some() && somebody(&memory.waiting))
    }
}

/// Takes so many KiB, first of the sender's share, then of what there is for all.
async fn take<'a>(memory: &'a Memory, share: &Share, kib: u32) -> Result<Taken<'a>, AcquireError> {
    let own = {
        let _short = Short::count(&share.short);
        Arc::clone(&share.left).acquire_many_owned(kib).await?
    };
    let _short = Short::count(&memory.short);
    Ok((own, memory.open.acquire_many(kib).await?))
}

/// How fast a body comes. It matters only while others wait.
pub(super) struct Pace {
    since: Instant,
    came: usize,
}

impl Pace {
    pub fn begin() -> Self {
        Self { since: Instant::now(), came: 0 }
    }

    /// Notes what came.
    pub const fn note(&mut self, bytes: usize) {
        self.came += bytes;
    }

    /// When to look again whether it comes.
    pub fn until(&self) -> Instant {
        self.since + SPAN
    }

    /// Looks whether the body came too slowly while others wait for memory.
    pub fn check(&mut self, room: &Room<'_>) -> Result<(), StoreError> {
        if self.since.elapsed() < SPAN {
            return Ok(());
        }
        if self.came < LEAST && room.is_wanted() {
            let slow = "the body came too slowly while others waited for memory";
            return Err(StoreError::unavailable(slow));
        }
        *self = Self::begin();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room<'a>(memory: &'a Memory, sender: &str) -> Room<'a> {
        memory.room(&memory.share(Some(sender)))
    }

    #[tokio::test]
    async fn one_sender_holds_half_and_others_go_on() {
        let memory = Memory::new();
        let share = memory.share(Some("one"));
        let mut rooms: Vec<_> = (0..3).map(|_| memory.room(&share)).collect();
        let third = 1664 * 1024;
        for room in &mut rooms {
            assert!(!room.reach(third).await.unwrap());
        }
        assert!(rooms[0].reach(2 * third).await.unwrap(), "it has the part that is kept");
        let (greedy, others) = rooms.split_at_mut(1);
        let more = others[0].reach(2 * third);
        let meanwhile = async {
            tokio::task::yield_now().await;
            let mut other = room(&memory, "other");
            assert!(!other.reach(SHARE_KIB * 1024).await.unwrap(), "half is left to others");
            assert!(greedy[0].is_wanted() && !other.is_wanted());
            greedy[0].last = None;
        };
        let (waited, ()) = tokio::join!(more, meanwhile);
        assert!(waited.unwrap());
    }

    #[tokio::test]
    async fn the_uploads_of_a_sender_share_and_who_has_none_is_forgotten() {
        let memory = Memory::new();
        let share = memory.share(Some("one"));
        assert!(Arc::ptr_eq(&share, &memory.share(Some("one"))));
        assert!(!Arc::ptr_eq(&memory.share(None), &memory.share(None)));
        drop(share);
        let _other = memory.share(Some("other"));
        assert_eq!(memory.shares.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn who_needs_more_when_nothing_is_left_comes_to_an_end_one_after_the_other() {
        let memory = Memory::new();
        let half = OPEN_KIB * 1024 / 2;
        let (mut one, mut two) = (room(&memory, "one"), room(&memory, "two"));
        assert!(!one.reach(half).await.unwrap() && !two.reach(half).await.unwrap());
        assert!(!one.is_wanted());
        assert!(one.reach(half + 1).await.unwrap(), "it has the part that is kept");
        assert!(!one.reach(half + 5_000_000).await.unwrap(), "and goes on in it");
        let second = async {
            let waited = two.reach(half + 1).await.unwrap();
            assert!(waited);
        };
        let first = async {
            tokio::task::yield_now().await;
            assert!(one.is_wanted());
            drop(one);
        };
        tokio::join!(second, first);
        drop(two);
        let mut three = room(&memory, "other");
        let _all = three.reach(half).await;
        assert!(room(&memory, "other").reach(1).await.is_ok(), "the kept part is free again");
    }

    #[tokio::test]
    async fn a_body_that_hardly_comes_is_ended_only_while_others_wait() {
        let memory = Memory::new();
        let mut slow = room(&memory, "other");
        slow.reach(SHARE_KIB * 1024).await.unwrap();
        let mut beside = room(&memory, "beside");
        beside.reach(SHARE_KIB * 1024).await.unwrap();
        let over = |came| Pace { since: Instant::now().checked_sub(SPAN).unwrap(), came };
        let mut pace = over(0);
        assert!(pace.check(&slow).is_ok());
        let mut last = room(&memory, "third");
        last.reach(1).await.unwrap();
        let mut other = room(&memory, "fourth");
        let waiting = other.reach(1);
        let looking = async {
            tokio::task::yield_now().await;
            assert!(Pace::begin().check(&slow).is_ok(), "it has hardly begun");
            assert!(over(LEAST).check(&slow).is_ok());
            assert!(over(LEAST - 1).check(&slow).is_err());
            drop(last);
        };
        let (waited, ()) = tokio::join!(waiting, looking);
        assert!(waited.unwrap());
    }
}
