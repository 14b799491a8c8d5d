//! AWS S3 and every S3-compatible store.
//!
//! What a store does is seen by trying it (`probe`), whether it can be used is watched (`watch`),
//! and both are known without asking again: presigning makes no network call, and a call to a
//! bucket that cannot be used fails at once with the reason.
//!
//! This must never send an ACL, ask for encryption that was not configured, or log a signed URL.

mod bucket;
mod client;
mod cloudfront;
mod credentials;
mod errors;
mod examine;
mod examine_abilities;
mod examine_each;
mod examine_presigned;
mod examine_words;
mod incoming;
mod memory;
mod object_store;
mod objects;
mod parts;
mod place;
mod probe;
mod purge;
mod put;
mod reasons;
mod watch;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::bucket::Bucket;
use self::credentials::Source;
use self::place::Place;
use crate::config::{S3Config, StoreConfig};
use crate::store::StoreError;
use crate::time::Clock;

pub use self::bucket::Health;
pub use self::cloudfront::CloudFront;
pub use self::examine::{Finding, TellFinding, Verdict};

/// How long a start waits for the first look at the bucket.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// The origins that browsers reach objects at: the bucket's, and the distribution's in front of it.
pub fn browser_origins(store: &StoreConfig, s3: &S3Config) -> Vec<String> {
    let cloudfront = s3.cloudfront.iter().map(|cloudfront| cloudfront.url.clone());
    std::iter::once(Place::new(store, s3).origin()).chain(cloudfront).collect()
}

/// A bucket of AWS S3 or of a store that speaks its protocol.
pub struct S3Store {
    bucket: Arc<Bucket>,
    /// Signs downloads where they go through a distribution.
    cloudfront: Option<CloudFront>,
    /// Look after the bucket and the keys; they end with the store.
    tasks: [JoinHandle<()>; 2],
}

impl S3Store {
    /// Prepares the client and begins to look after the bucket; whether it can be used shows in
    /// [`Self::health`]. Waits for the first look, but not for long. Fails only where the
    /// configuration can never work.
    pub async fn open(
        store: &StoreConfig,
        s3: &S3Config,
        clock: Clock,
    ) -> Result<Arc<Self>, StoreError> {
        let cloudfront = s3.cloudfront.as_ref().map(CloudFront::new).transpose()?;
        let bucket = Arc::new(Bucket::new(Place::new(store, s3), clock));
        let source = Source::new(&s3.keys, &store.region).await;
        let first = Arc::clone(&bucket);
        let (ready, have_keys) = oneshot::channel();
        let begin = async move {
            match tokio::time::timeout(FIRST_LOOK, source.read()).await {
                Ok(Ok(credentials)) => first.keys.adopt(credentials),
                Ok(Err(reason)) => first.keys.missing(&reason),
                Err(_) => first.keys.missing("The credentials did not come within 5 seconds."),
            }
            let _ = ready.send(());
            watch::keep_keys(first, source).await;
        };
        let watched = Arc::clone(&bucket);
        let watched = async move {
            // Without keys the first look would say so and nothing else.
            let _ = have_keys.await;
            watch::watch(watched).await;
        };
        let mut health = bucket.health.subscribe();
        #[expect(clippy::disallowed_methods, reason = "the store owns these tasks and ends them")]
        let tasks = [tokio::spawn(begin), tokio::spawn(watched)];
        let looked = health.wait_for(|health| health.checked_at.is_some());
        // Late or never: then the reason says so until the watch knows better.
        let _ = tokio::time::timeout(FIRST_LOOK, looked).await.is_ok();
        Ok(Arc::new(Self { bucket, cloudfront, tasks }))
    }

    /// Whether the bucket can be used, since when, and why not.
    pub fn health(&self) -> Health {
        self.bucket.health.borrow().clone()
    }

    /// The same whenever it changes or is looked at again.
    pub fn follow_health(&self) -> tokio::sync::watch::Receiver<Health> {
        self.bucket.health.subscribe()
    }
}

impl Drop for S3Store {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
