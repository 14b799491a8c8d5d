//! The bucket with everything that is needed to use it: clients, keys, and what is known of its
//! health. Calls go through here, so that none is made to a bucket that cannot be used and never
//! too many at once.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use serde::Serialize;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};

use super::client::Clients;
use super::credentials::Keys;
use super::errors::{Failure, Trouble};
use super::memory::Memory;
use super::place::Place;
use super::reasons::reason;
use crate::store::{Abilities, StoreError};
use crate::time::{Clock, Timestamp};

/// How many calls may be under way at once. A store that is half dead holds each for as long as
/// the time-outs allow.
const CALLS: usize = 256;
/// How long a call waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// What is known of the bucket.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Since when it can, or cannot, be used.
    pub since: Timestamp,
    /// When it was looked at last; none: not yet.
    pub checked_at: Option<Timestamp>,
    /// Why it cannot be used; none: it can.
    pub reason: Option<Arc<str>>,
    /// What it was seen to do.
    pub abilities: Option<Abilities>,
}

impl Health {
    /// Whether the bucket can be used.
    pub const fn is_usable(&self) -> bool {
        self.reason.is_none()
    }
}

/// The bucket and what belongs to it.
pub(super) struct Bucket {
    pub place: Place,
    pub clock: Clock,
    pub clients: Clients,
    pub keys: Arc<Keys>,
    pub health: watch::Sender<Health>,
    /// Asks the watch to look at once.
    pub wake: Notify,
    /// Whether the store was not yet seen to be without a list of versions.
    pub lists_versions: AtomicBool,
    /// Whether it was told that uploads in parts may not be listed.
    pub told_no_uploads: AtomicBool,
    /// What uploads may hold in memory.
    pub memory: Memory,
    calls: Semaphore,
}

impl Bucket {
    pub fn new(place: Place, clock: Clock) -> Self {
        let keys = Arc::new(Keys::new(place.clone()));
        let health = Health {
            since: clock.now(),
            checked_at: None,
            reason: Some(format!("The bucket {} has not been looked at yet.", place.bucket).into()),
            abilities: None,
        };
        Self {
            clients: Clients::new(&place, Arc::clone(&keys)),
            keys,
            health: watch::Sender::new(health),
            wake: Notify::new(),
            lists_versions: AtomicBool::new(true),
            told_no_uploads: AtomicBool::new(false),
            calls: Semaphore::new(CALLS),
            memory: Memory::new(),
            place,
            clock,
        }
    }

    /// What the store does, or why the bucket cannot be used.
    pub fn abilities(&self) -> Result<Abilities, StoreError> {
        let health = self.health.borrow();
        match (&health.reason, health.abilities) {
            (None, Some(abilities)) => Ok(abilities),
            (Some(reason), _) => Err(StoreError::Unusable(Arc::clone(reason))),
            (None, None) => Err(StoreError::Unusable("The store is being looked at.".into())),
        }
    }

    /// A turn for one call to a bucket that can be used. Let go of it when the answer's head is
    /// there: bodies are bounded by who reads them.
    pub async fn enter(&self) -> Result<SemaphorePermit<'_>, StoreError> {
        self.abilities()?;
        let turn = tokio::time::timeout(TURN, self.calls.acquire()).await;
        let busy = "too many calls to the object store are under way";
        turn.map_err(|_| StoreError::unavailable(busy))?.map_err(StoreError::unavailable)
    }

    /// What a failed call means for its caller. Failures that are not about the call itself make
    /// the watch look at once.
    pub fn failed<E>(&self, error: SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.failure(Failure::new(error))
    }

    /// As [`Self::failed`], of a failure that was looked at already.
    pub fn failure(&self, failure: Failure) -> StoreError {
        match failure.trouble() {
            Trouble::UnknownKey
            | Trouble::WrongSecret
            | Trouble::ExpiredToken
            | Trouble::NoBucket
            | Trouble::OtherRegion
            | Trouble::Skew => {
                self.wake.notify_one();
                let now = self.clock.now();
                StoreError::Unusable(reason(&failure, &self.place, "the call", now))
            }
            Trouble::AccessDenied | Trouble::Unreachable => {
                self.wake.notify_one();
                failure.into_store_error()
            }
            // An answer to HEAD says only that something is wrong.
            Trouble::Other if failure.code().is_empty() => {
                self.wake.notify_one();
                failure.into_store_error()
            }
            Trouble::Busy | Trouble::Other => failure.into_store_error(),
        }
    }
}
