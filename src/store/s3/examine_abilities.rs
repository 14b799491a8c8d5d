//! Keys, bucket, and the abilities the house depends on, each tried by itself. The probe at each
//! start tries the last ones too, side by side.

use super::bucket::Bucket;
use super::credentials::EXPIRED;
use super::errors::chain;
use super::examine::{Examined, Verdict, seen};
use super::probe::{CreateOnly, FIRST};
use super::purge::Unpurged;
use super::watch::Bad;
use crate::store::StoreError;

impl From<Bad> for (Verdict, String) {
    fn from(bad: Bad) -> Self {
        seen(Verdict::Failed, &*bad.reason)
    }
}

/// `yes` where it works, `no` in `otherwise`.
fn either(works: bool, yes: &str, otherwise: Verdict, no: &str) -> (Verdict, String) {
    if works { seen(Verdict::Works, yes) } else { seen(otherwise, no) }
}

impl Bucket {
    /// Whether there are keys and the store takes them, whatever it lets them do.
    pub async fn examine_credentials(&self) -> Examined {
        let signing = self.keys.get().map_err(|reason| seen(Verdict::Failed, &*reason))?;
        if signing.expires.is_some_and(|end| end <= self.clock.now()) {
            return Err(seen(Verdict::Failed, EXPIRED));
        }
        let lasting = match signing.expires {
            Some(end) => format!("The temporary credentials last until {end}"),
            None => "There is an access key".to_owned(),
        };
        match self.see().await {
            Err(bad) if bad.unknown_keys => Err(bad.into()),
            Err(_) => {
                let what = format!("{lasting}; whether the store takes it cannot be told.");
                Ok(seen(Verdict::Unknown, what))
            }
            Ok(()) => Ok(seen(Verdict::Works, format!("{lasting}, and the store takes it."))),
        }
    }

    pub async fn examine_reach(&self) -> Examined {
        self.see().await?;
        let what = format!("The bucket {} answers.", self.place.bucket);
        Ok(seen(Verdict::Works, what))
    }

    pub async fn examine_write(&self, key: &str) -> Examined {
        self.write_first(key).await?;
        let read = self.probe_get(key, None).await.map_err(|e| self.reading(e))?;
        let versions = self.abilities().ok().map(|abilities| abilities.versions);
        let removed = self.remove_probe(key, versions).await;
        if read != FIRST {
            return Err(seen(Verdict::Failed, "Other bytes came back than were written."));
        }
        removed.map_err(kept)?;
        Ok(seen(Verdict::Works, "An object was written, read and removed."))
    }

    pub async fn examine_versions(&self, key: &str) -> Examined {
        let version = self.write_first(key).await?;
        Ok(either(
            self.try_versions(key, version, false).await?,
            "A key was written twice and its first version could still be read.",
            Verdict::Missing,
            "A key was written twice; its first content is gone.",
        ))
    }

    pub async fn examine_create_only(&self, key: &str, new: &str) -> Examined {
        self.write_first(key).await?;
        Ok(match self.try_create_only(key, new).await? {
            CreateOnly::Works => seen(
                Verdict::Works,
                "A second PUT with If-None-Match: * was refused, one of a new object was taken.",
            ),
            CreateOnly::Lies => seen(
                Verdict::Lies,
                "A second PUT with If-None-Match: * was answered 200 and replaced the object.",
            ),
            CreateOnly::Foreign(what) => seen(Verdict::Missing, what),
        })
    }

    pub async fn examine_sha256(&self, key: &str) -> Examined {
        Ok(either(
            self.try_sha256(key).await?,
            "A PUT whose bytes do not have the SHA-256 it announces was refused.",
            Verdict::Lies,
            "A PUT whose bytes do not have the SHA-256 it announces was taken.",
        ))
    }

    pub async fn examine_forms(&self, key: &str) -> Examined {
        Ok(either(
            self.try_form(key).await?,
            "A form of the wrong size was refused and one of the right size taken.",
            Verdict::Missing,
            "Upload forms are not taken, or their policy is not enforced.",
        ))
    }

    pub async fn examine_archives(&self) -> Examined {
        Ok(either(
            self.try_archives().await?,
            "A lifecycle rule moves objects to an archive, or the rules may not be read.",
            Verdict::Missing,
            "No lifecycle rule moves objects to an archive.",
        ))
    }
}

/// What was written and could not be removed.
fn kept(Unpurged { error, permission }: Unpurged) -> (Verdict, String) {
    let why = match error {
        StoreError::Denied => format!("{permission} must be allowed."),
        other => format!("{permission} failed: {}.", chain(&other)),
    };
    let what = format!("An object was written and read, but could not be removed: {why}");
    seen(Verdict::Failed, what)
}
