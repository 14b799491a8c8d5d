//! The watch over the bucket: whether it can be used, and if not, why, in words that help.
//!
//! It looks every few seconds, asks for nothing that costs, and lets the house go on as soon as
//! the bucket can be used again. One answer that the store is busy, or one broken connection, does
//! not close the house.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_credential_types::Credentials;
use aws_sdk_s3::config::SharedCredentialsProvider;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;

use super::bucket::{Bucket, Health};
use super::client::at_once;
use super::credentials::{EXPIRED, Source, renewal, same};
use super::errors::{Failure, Trouble};
use super::reasons::reason;
use crate::store::{Abilities, StoreError};

/// Between two looks at a bucket that can be used.
const CALM: Duration = Duration::from_secs(15);
/// Between two probes of one that can: somebody may switch versions off, or on.
const PROBE: Duration = Duration::from_hours(1);
/// Between two looks at one that cannot.
const ALERT: Duration = Duration::from_secs(2);
/// Not more often than this, whatever asks for it.
const PACE: Duration = Duration::from_millis(500);
/// How long a look waits for one answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Between two looks at the files of the keys.
const FILES: Duration = Duration::from_secs(1);
/// Between two questions to a chain that has no keys.
const CHAIN: Duration = Duration::from_secs(15);
/// How often a changed pair is tried at every look; afterwards seldom.
const EAGER_TRIALS: u32 = 10;
/// A pair that is the same at so many looks is whole, not read between two writes.
const WHOLE: u32 = 3;

/// Why the bucket cannot be used.
pub(super) struct Bad {
    pub reason: Arc<str>,
    /// It may go away within moments.
    pub may_pass: bool,
    /// The store does not take the keys at all.
    pub unknown_keys: bool,
}

impl Bad {
    pub fn lasting(reason: impl Into<Arc<str>>) -> Self {
        Self { reason: reason.into(), may_pass: false, unknown_keys: false }
    }
}

/// Looks after the bucket until it is dropped.
pub(super) async fn watch(bucket: Arc<Bucket>) {
    let mut doubted = false;
    let mut probed = Instant::now();
    loop {
        let anew = probed.elapsed() >= PROBE;
        if anew {
            probed = Instant::now();
        }
        let found = Box::pin(bucket.look(anew)).await;
        let was_usable = bucket.health.borrow().is_usable();
        let doubt = matches!(&found, Err(bad) if bad.may_pass && was_usable && !doubted);
        if !doubt {
            bucket.set(found);
        }
        doubted = doubt;
        let usable = bucket.health.borrow().is_usable();
        let wait = if usable && !doubted { CALM } else { ALERT };
        tokio::time::sleep(PACE).await;
        let _ = tokio::time::timeout(wait.saturating_sub(PACE), bucket.wake.notified()).await;
    }
}

impl Bucket {
    /// One look: keys, bucket and, where it was not usable until now or `anew` is said, what the
    /// store does.
    async fn look(&self, anew: bool) -> Result<Abilities, Bad> {
        let signing = self.keys.get().map_err(Bad::lasting)?;
        if signing.expires.is_some_and(|end| end <= self.clock.now()) {
            return Err(Bad::lasting(EXPIRED));
        }
        self.see().await?;
        match self.abilities() {
            Ok(abilities) if !anew => Ok(abilities),
            _ => Box::pin(self.probe()).await,
        }
    }

    /// Whether the bucket is there for us, by one small request.
    pub async fn see(&self) -> Result<(), Bad> {
        let Err(first) = self.head_bucket(None).await else { return Ok(()) };
        // The answer to HEAD has no body, so no code: a second request is told what is wrong.
        let failure = if first.way.is_some() {
            first
        } else {
            let list = self.clients.ordinary.list_objects_v2().bucket(&self.place.bucket);
            let folder = self.place.key("");
            let list = list.max_keys(1).prefix(folder).customize();
            match list.config_override(at_once(PATIENCE)).send().await {
                // A store without HeadBucket.
                Ok(_) => return Ok(()),
                Err(e) => {
                    let mut second = Failure::new(e);
                    second.region = second.region.or(first.region);
                    second
                }
            }
        };
        Err(self.bad(&failure, "s3:ListBucket"))
    }

    /// What a failure says of the bucket.
    pub fn bad(&self, failure: &Failure, permission: &str) -> Bad {
        let trouble = failure.trouble();
        Bad {
            reason: reason(failure, &self.place, permission, self.clock.now()),
            may_pass: trouble.may_pass(),
            unknown_keys: trouble.is_about_keys() && trouble != Trouble::AccessDenied,
        }
    }

    async fn head_bucket(&self, with: Option<Credentials>) -> Result<(), Failure> {
        let mut config = at_once(PATIENCE);
        if let Some(credentials) = with {
            config = config.credentials_provider(SharedCredentialsProvider::new(credentials));
        }
        let call = self.clients.ordinary.head_bucket().bucket(&self.place.bucket).customize();
        let answer = call.config_override(config).send().await;
        answer.map(drop).map_err(Failure::new::<HeadBucketError>)
    }

    /// Whether the bucket can be used, asked now.
    pub async fn check(&self) -> Result<(), StoreError> {
        self.abilities()?;
        self.see().await.map_err(|bad| {
            self.wake.notify_one();
            StoreError::Unusable(bad.reason)
        })
    }

    /// Notes what a look has found.
    pub fn set(&self, found: Result<Abilities, Bad>) {
        let now = self.clock.now();
        self.health.send_modify(|health| {
            let (reason, abilities) = match found {
                Ok(abilities) => (None, Some(abilities)),
                Err(bad) => (Some(bad.reason), None),
            };
            if health.reason != reason {
                if let Some(reason) = &reason {
                    tracing::warn!(%reason, "the object store cannot be used");
                } else {
                    tracing::info!(?abilities, "the object store can be used");
                }
            }
            let since = if health.is_usable() == reason.is_none() { health.since } else { now };
            *health = Health { since, checked_at: Some(now), reason, abilities };
        });
    }
}

/// Keeps the keys fresh until it is dropped.
pub(super) async fn keep_keys(bucket: Arc<Bucket>, source: Source) {
    match source {
        Source::Given(_) => {}
        Source::Files { .. } => Box::pin(follow_files(&bucket, &source)).await,
        Source::Chain(_) => renew(&bucket, &source).await,
    }
}

/// Fetches temporary keys anew before they end.
async fn renew(bucket: &Bucket, source: &Source) {
    let mut told = String::new();
    loop {
        let expires = bucket.keys.current().map(|signing| signing.expires);
        let wait = match expires {
            None => CHAIN,
            Some(expires) => match renewal(expires, bucket.clock.now()) {
                Some(wait) => wait,
                // A profile's keys may be replaced in its file at any time.
                None => Duration::from_mins(1),
            },
        };
        tokio::time::sleep(wait).await;
        match source.read().await {
            Ok(new) => {
                let current = bucket.keys.current();
                let known = current.is_some_and(|signing| {
                    let old = &signing.credentials;
                    same(old, &new) && old.expiry() == new.expiry()
                });
                if !known {
                    bucket.keys.adopt(new);
                    bucket.wake.notify_one();
                }
            }
            Err(reason) => {
                bucket.keys.missing(&reason);
                if reason != told {
                    tracing::warn!(%reason, "the credentials could not be renewed");
                    told = reason;
                }
                // Where there are none at all, the wait above is long enough.
                if expires.is_some() {
                    tokio::time::sleep(CHAIN).await;
                }
            }
        }
    }
}

/// What is known of a pair in the files that is not the one in use.
#[derive(Default)]
struct Candidate {
    pair: Option<Credentials>,
    seen: u32,
}

impl Candidate {
    /// Notes what the files say; whether it should be tried now.
    fn see(&mut self, pair: &Credentials) -> bool {
        let known = self.pair.as_ref().is_some_and(|known| same(known, pair));
        if !known {
            *self = Self { pair: Some(pair.clone()), seen: 0 };
        }
        self.seen = self.seen.saturating_add(1);
        self.seen <= EAGER_TRIALS || self.seen.is_multiple_of(15)
    }

    /// Whether to adopt it after its trial. While the pair in use is refused itself there is
    /// nothing to lose, and the reason shown should be about the pair that is in the files.
    fn is_adopted(&self, trial: Result<(), Trouble>, old_is_usable: bool) -> bool {
        match trial {
            Ok(()) => true,
            Err(trouble) if trouble.may_pass() => false,
            Err(trouble) if !trouble.is_about_keys() && trouble != Trouble::Other => true,
            Err(_) => !old_is_usable && self.seen >= WHOLE,
        }
    }
}

async fn follow_files(bucket: &Bucket, source: &Source) {
    let mut candidate = Candidate::default();
    loop {
        tokio::time::sleep(FILES).await;
        let pair = match source.read().await {
            Ok(pair) => pair,
            Err(reason) => {
                bucket.keys.missing(&reason);
                continue;
            }
        };
        let current = bucket.keys.current();
        if current.is_some_and(|signing| same(&signing.credentials, &pair)) {
            candidate = Candidate::default();
            continue;
        }
        if !candidate.see(&pair) {
            continue;
        }
        let trial = bucket.head_bucket(Some(pair.clone())).await.map_err(|f| f.trouble());
        let usable = bucket.health.borrow().is_usable();
        if candidate.is_adopted(trial, usable) {
            tracing::info!("the access key in the files has changed and is used from now on");
            bucket.keys.adopt(pair);
            bucket.wake.notify_one();
        } else if candidate.seen == WHOLE {
            tracing::warn!(
                "the access key in the files has changed, but the store does not accept it; the \
                 old one stays in use"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(id: &str, secret: &str) -> Credentials {
        Credentials::new(id, secret, None, None, "test")
    }

    #[test]
    fn a_torn_pair_is_tried_but_never_adopted_while_the_old_one_works() {
        let mut candidate = Candidate::default();
        for _ in 0..5 {
            assert!(candidate.see(&pair("new", "old")));
            for trouble in [Trouble::WrongSecret, Trouble::UnknownKey, Trouble::AccessDenied] {
                assert!(!candidate.is_adopted(Err(trouble), true));
            }
        }
        assert!(candidate.see(&pair("new", "new")), "a changed pair is tried at once");
        assert!(!candidate.is_adopted(Err(Trouble::Unreachable), true));
        assert!(candidate.is_adopted(Ok(()), true));
    }

    #[test]
    fn a_whole_pair_replaces_one_that_is_refused_even_if_it_is_refused_too() {
        let mut candidate = Candidate::default();
        for looks in 1..=WHOLE {
            candidate.see(&pair("new", "wrong"));
            let adopted = candidate.is_adopted(Err(Trouble::WrongSecret), false);
            assert_eq!(adopted, looks == WHOLE);
        }
    }

    #[test]
    fn a_pair_that_stays_refused_is_tried_seldom() {
        let mut candidate = Candidate::default();
        let tried = (0..100).filter(|_| candidate.see(&pair("a", "b"))).count();
        assert_eq!(tried, 16);
    }
}
