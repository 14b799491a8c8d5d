//! The whole examination of a store, for `doctor` and for who chooses one: every ability that
//! matters to documents, seen by trying it, with what Strongroom does where it is missing.
//!
//! It writes a few small objects under `strongroom-probe/` in the folder and removes them.
//! [`Verdict::Lies`] is the verdict on a store that answers yes and does nothing.

use std::future::Future;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use serde::Serialize;

use super::bucket::Bucket;
use super::errors::{Failure, chain};
use super::examine_words::{advice, consequence};
use super::probe::Tried;
use crate::ids::Ids;

/// How long one examination may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came out of an examination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It was seen to work.
    Works,
    /// The store says that it has no such thing, or openly does without.
    Missing,
    /// The store says yes and does nothing.
    Lies,
    /// Nobody can tell: looking is not allowed.
    Unknown,
    /// Something else went wrong.
    Failed,
}

/// One thing that was examined.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is about, as a stable name.
    pub name: &'static str,
    /// What came out.
    pub verdict: Verdict,
    /// What was done and seen.
    pub what: String,
    /// What Strongroom does about it.
    pub consequence: &'static str,
    /// What to do, where something should be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<&'static str>,
    /// How long it took, in milliseconds.
    #[serde(rename = "tookMs", serialize_with = "crate::time::milliseconds")]
    pub took: Duration,
}

/// Verdict and what was seen; the error ends an examination early with both as well.
pub(super) type Seen = (Verdict, String);
pub(super) type Examined = Result<Seen, Seen>;

pub(super) fn seen(verdict: Verdict, what: impl Into<String>) -> Seen {
    (verdict, what.into())
}

/// Told of each finding as it is made.
pub type TellFinding<'a> = &'a mut (dyn FnMut(Finding) + Send);

/// The objects an examination writes.
const PARTS: &[&str] = &[
    "write",
    "versions",
    "create",
    "create-new",
    "sha256",
    "form",
    "tags",
    "lock",
    "encryption",
    "archive",
    "multipart",
    "copy",
    "copy-2",
    "ranges",
    "presigned",
];

impl Bucket {
    /// Examines everything, one thing after the other, and tells of each as soon as it is known.
    /// Where keys, bucket or writing fail it ends: the rest would only say so again.
    pub async fn examine(&self, tell: TellFinding<'_>) {
        let credentials = run("credentials", self.examine_credentials()).await;
        if !told(credentials, tell) || !told(run("reach", self.examine_reach()).await, tell) {
            return;
        }
        tell(run("clock", self.examine_clock()).await);
        let stem = self.place.key(&format!("strongroom-probe/{}", Ids::Random.next().simple()));
        let key = |part: &str| format!("{stem}-{part}");
        if told(run("write", self.examine_write(&key("write"))).await, tell) {
            self.examine_each(&key, tell).await;
        }
        let versions = self.abilities().ok().map(|abilities| abilities.versions);
        for part in PARTS {
            let _ = self.remove_probe(&key(part), versions).await;
        }
    }

    async fn examine_each(&self, key: &(dyn Fn(&str) -> String + Sync), tell: TellFinding<'_>) {
        let (create, new) = (key("create"), key("create-new"));
        tell(run("versions", self.examine_versions(&key("versions"))).await);
        tell(run("createOnly", self.examine_create_only(&create, &new)).await);
        tell(run("sha256", self.examine_sha256(&key("sha256"))).await);
        tell(run("forms", self.examine_forms(&key("form"))).await);
        tell(run("archives", self.examine_archives()).await);
        tell(run("tags", self.examine_tags(&key("tags"))).await);
        tell(run("objectLock", self.examine_lock(&key("lock"))).await);
        tell(run("encryption", self.examine_encryption(&key("encryption"))).await);
        tell(run("archiveClasses", self.examine_archive(&key("archive"))).await);
        tell(run("multipart", self.examine_multipart(&key("multipart"))).await);
        tell(run("copyCondition", self.examine_copy(&key("copy"))).await);
        tell(run("ranges", self.examine_ranges(&key("ranges"))).await);
        tell(run("presignedPut", self.examine_presigned(&key("presigned"))).await);
    }

    /// The end of an examination that a failure brings.
    pub(super) fn broken(&self, failure: &Failure, permission: &str) -> Seen {
        let what = format!("It answered {}.", described(failure));
        if failure.is_not_implemented() {
            return seen(Verdict::Missing, what);
        }
        if failure.status == Some(403) {
            return seen(Verdict::Unknown, format!("{what} {permission} is needed to tell."));
        }
        seen(Verdict::Failed, &*self.bad(failure, permission).reason)
    }
}

/// Status and code.
pub(super) fn described(failure: &Failure) -> String {
    let status = failure.status.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
    match failure.code() {
        "" => status,
        code => format!("{status} {code}"),
    }
}

/// A request that must be refused, of which `what` tells.
pub(super) fn refused(tried: Tried, what: &str) -> Examined {
    match tried {
        Tried::Refused => Ok(seen(Verdict::Works, format!("{what} was refused."))),
        Tried::Taken => Err(seen(Verdict::Lies, format!("{what} was taken."))),
    }
}

/// One examination. Each is a large future: it has the SDK's in it.
fn run<'a>(
    name: &'static str,
    work: impl Future<Output = Examined> + Send + 'a,
) -> BoxFuture<'a, Finding> {
    Box::pin(timed(name, work))
}

async fn timed(name: &'static str, work: impl Future<Output = Examined>) -> Finding {
    let begun = Instant::now();
    let out = tokio::time::timeout(PATIENCE, work).await;
    let late = || seen(Verdict::Failed, "It was not done within 20 seconds.");
    let seen = out.map_or_else(|_| late(), |done| done.unwrap_or_else(|early| early));
    finding(name, seen, begun.elapsed())
}

fn finding(name: &'static str, (verdict, what): Seen, took: Duration) -> Finding {
    let consequence = consequence(name, verdict == Verdict::Works);
    Finding { name, verdict, what, consequence, advice: advice(name, verdict), took }
}

/// Tells of a finding; whether it makes sense to go on.
fn told(found: Finding, tell: TellFinding<'_>) -> bool {
    let goes_on = found.verdict != Verdict::Failed;
    tell(found);
    goes_on
}

/// A failure to send at all.
pub(super) fn unsent(error: &reqwest::Error) -> Seen {
    // The URL in it is signed.
    let source = std::error::Error::source(error).map(chain).unwrap_or_default();
    seen(Verdict::Failed, format!("The request could not be sent: {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_written_for_programs_too() {
        let took = Duration::from_millis(12);
        let found = finding("createOnly", seen(Verdict::Lies, "It said yes."), took);
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["verdict"], "lies");
        assert_eq!(json["tookMs"], 12);
        assert!(json["consequence"].as_str().unwrap().contains("used again"));
    }
}
