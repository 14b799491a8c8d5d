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
use super::probe::{CreateOnly, Probed, Tried};
use super::purge::Unpurged;
use crate::ids::Ids;
use crate::store::StoreError;

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

impl Bucket {
    /// Examines everything, one thing after the other.
    pub async fn examine(&self) -> Vec<Finding> {
        let reach = run("reach", self.examine_reach()).await;
        if reach.verdict != Verdict::Works {
            return vec![reach];
        }
        let stem = self.place.key(&format!("strongroom-probe/{}", Ids::Random.next().simple()));
        let key = |part: &str| format!("{stem}-{part}");
        let mut findings = vec![reach];
        findings.extend(Box::pin(self.examine_abilities()).await);
        findings.push(run("tags", self.examine_tags(&key("tags"))).await);
        findings.push(run("objectLock", self.examine_lock(&key("lock"))).await);
        findings.push(run("encryption", self.examine_encryption(&key("encryption"))).await);
        findings.push(run("archiveClasses", self.examine_archive(&key("archive"))).await);
        findings.push(run("multipart", self.examine_multipart(&key("multipart"))).await);
        findings.push(run("copyCondition", self.examine_copy(&key("copy"))).await);
        findings.push(run("ranges", self.examine_ranges(&key("ranges"))).await);
        findings.push(run("presignedPut", self.examine_presigned(&key("presigned"))).await);
        findings.push(run("clock", self.examine_clock()).await);
        let versions = self.abilities().ok().map(|abilities| abilities.versions);
        for part in
            ["tags", "lock", "encryption", "archive", "multipart", "copy", "ranges", "presigned"]
        {
            let _ = self.remove_probe(&key(part), versions).await;
        }
        let _ = self.remove_probe(&key("copy-2"), versions).await;
        findings
    }

    async fn examine_reach(&self) -> Examined {
        if let Err(reason) = self.keys.get() {
            return Err(seen(Verdict::Failed, &*reason));
        }
        self.see().await.map_err(|bad| seen(Verdict::Failed, &*bad.reason))?;
        let what = format!("The bucket {} answers.", self.place.bucket);
        Ok(seen(Verdict::Works, what))
    }

    /// The abilities the house depends on, as they are probed at each start.
    async fn examine_abilities(&self) -> Vec<Finding> {
        let begun = Instant::now();
        let Probed { abilities: found, create_only, left } = match Box::pin(self.probe()).await {
            Ok(probed) => probed,
            Err(bad) => {
                let what = bad.reason.to_string();
                return vec![finding("write", (Verdict::Failed, what), begun.elapsed())];
            }
        };
        let took = begun.elapsed();
        let of = |name, works: bool, yes: &str, no: &str| {
            let verdict = if works { Verdict::Works } else { Verdict::Missing };
            finding(name, seen(verdict, if works { yes } else { no }), took)
        };
        let conditional = match create_only {
            CreateOnly::Works => seen(
                Verdict::Works,
                "A second PUT with If-None-Match: * was refused, one of a new object was taken.",
            ),
            CreateOnly::Lies => seen(
                Verdict::Lies,
                "A second PUT with If-None-Match: * was answered 200 and replaced the object.",
            ),
            CreateOnly::Foreign(what) => seen(Verdict::Missing, what),
        };
        vec![
            written(left, took),
            of(
                "versions",
                found.versions,
                "A key was written twice and its first version could still be read.",
                "A key was written twice; its first content is gone.",
            ),
            finding("createOnly", conditional, took),
            of(
                "sha256",
                found.sha256,
                "A PUT whose bytes do not have the SHA-256 it announces was refused.",
                "A PUT whose bytes do not have the SHA-256 it announces was taken.",
            )
            .lying(!found.sha256),
            of(
                "forms",
                found.forms,
                "A form of the wrong size was refused and one of the right size taken.",
                "Upload forms are not taken, or their policy is not enforced.",
            ),
            of(
                "archives",
                found.archives,
                "A lifecycle rule moves objects to an archive, or the rules may not be read.",
                "No lifecycle rule moves objects to an archive.",
            ),
        ]
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

impl Finding {
    /// Says that the store answered yes, where it did.
    fn lying(mut self, lies: bool) -> Self {
        if lies {
            self.verdict = Verdict::Lies;
        }
        self
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
    let works = verdict == Verdict::Works;
    Finding { name, verdict, what, consequence: consequence(name, works), took }
}

/// What writing came to, with what became of the probe's own objects.
fn written(left: Option<Unpurged>, took: Duration) -> Finding {
    let Some(Unpurged { error, permission }) = left else {
        let what = "Objects were written, read and removed.";
        return finding("write", seen(Verdict::Works, what), took);
    };
    let why = match error {
        StoreError::Denied => format!("{permission} must be allowed."),
        other => format!("{permission} failed: {}.", chain(&other)),
    };
    let what = format!("Objects were written and read, but could not be removed: {why}");
    Finding {
        consequence: "What is deleted for good stays in the bucket until this is put right.",
        ..finding("write", seen(Verdict::Failed, what), took)
    }
}

/// What Strongroom does about it.
fn consequence(name: &str, works: bool) -> &'static str {
    match (name, works) {
        ("reach", false) => "Nothing that needs the store works; records stay readable.",
        ("write", false) => "Uploads answer 503 until this is put right.",
        ("versions", true) => "Each document is pinned to the version that was checked.",
        ("versions", false) => {
            "Where create-only writes are missing too, an upload is copied to a key that no URL \
             was ever signed for before it is checked."
        }
        ("createOnly", true) => "An upload URL works once.",
        ("createOnly", false) => {
            "An upload URL can be used again while it lasts; without versions its object is copied \
             away before it is checked."
        }
        ("sha256", true) => "A damaged upload is refused by the store itself.",
        ("sha256", false) => "The checksum is not signed; what the store cannot say is not shown.",
        ("forms", true) => "Uploads by form are offered.",
        ("forms", false) => "Uploads by form are refused; PUT is offered.",
        ("archives", true) => "Documents are looked at for being archived before they are served.",
        ("tags", false) => "A scanner that leaves its verdict in a tag cannot be used.",
        ("objectLock", false) => {
            "Holds are kept by Strongroom alone; the store does not add to it."
        }
        ("encryption", false) => "Encryption at rest is up to the store's disks; see to it there.",
        ("archiveClasses", false) => "Keep all documents in the store's ordinary class.",
        ("multipart", false) => "Large uploads fail; use another store for them.",
        ("copyCondition", false) => {
            "The original is looked at again after a copy; if it changed, the copy is removed."
        }
        ("ranges", false) => "Previews and resumed downloads fail.",
        ("presignedPut", false) => "What is uploaded is checked when it is confirmed, not before.",
        ("clock", false) => "Signed URLs expire early or late by as much; set the clock.",
        _ => "Nothing needs to be done.",
    }
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
