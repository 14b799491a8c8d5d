//! The local store examines itself: whether it keeps versions, and whether what lies on the disk
//! can be read there.

use std::time::Instant;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};

use super::{Attributes, Condition, Expected, Length, LocalStore, Put, blocking};
use crate::causes;
use crate::store::{
    Finding, ObjectInfo, ObjectKey, ObjectStore as _, StoreError, TellFinding, Verdict,
};

/// What is looked for on the disk.
const MARK: &[u8] = b"strongroom examination";

/// What was found, or why nothing could be.
type Seen = Result<(Verdict, &'static str), StoreError>;

impl LocalStore {
    /// Tries what documents rest on.
    pub(super) async fn examine_each(&self, tell: TellFinding<'_>) {
        let begun = Instant::now();
        let seen = self.see_versions().await;
        let consequence = "Each document is pinned to the version that was checked.";
        tell(finding("versions", seen, consequence, begun));
        let begun = Instant::now();
        let seen = self.see_sealing().await;
        tell(finding(
            "encryption",
            seen,
            "Every file is sealed before it reaches the disk.",
            begun,
        ));
    }

    /// Writes an object twice, reads its first version, and removes both.
    async fn see_versions(&self) -> Seen {
        let key = self.probe_key()?;
        let kept = self.keeps_the_first(&key).await;
        self.purge(&key).await?;
        Ok(if kept? {
            (Verdict::Works, "A key was written twice and its first version could still be read.")
        } else {
            (Verdict::Lies, "A key was written twice; its first version holds something else.")
        })
    }

    async fn keeps_the_first(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        let first = self.write_probe(key, MARK.into()).await?;
        self.write_probe(key, b"something else".as_slice().into()).await?;
        let kept = self.get(key, first.version_id.as_deref(), None).await?;
        let kept: Vec<Bytes> = kept.stream.try_collect().await?;
        Ok(kept.concat() == MARK)
    }

    /// Writes an object, looks for its content in the file it became, and removes it.
    async fn see_sealing(&self) -> Seen {
        let key = self.probe_key()?;
        let readable = self.is_readable_on_disk(&key).await;
        self.purge(&key).await?;
        Ok(if readable? {
            (Verdict::Lies, "The file on the disk holds what was written.")
        } else {
            let sealed = "What was written cannot be found in the file on the disk: sealed with \
                          AES-256-GCM under a key of its own.";
            (Verdict::Works, sealed)
        })
    }

    async fn is_readable_on_disk(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        self.write_probe(key, MARK.repeat(100).into()).await?;
        let found = self.find(key, None).await?;
        self.any_holds(&found.segments).await
    }

    fn probe_key(&self) -> Result<ObjectKey, StoreError> {
        let key = format!("strongroom-probe/{}", self.config.ids.next().simple());
        ObjectKey::new(key).map_err(StoreError::unavailable)
    }

    /// Writes, also over what is there.
    async fn write_probe(&self, key: &ObjectKey, bytes: Bytes) -> Result<ObjectInfo, StoreError> {
        let size = bytes.len() as u64;
        let put = Put {
            key: key.clone(),
            content_type: Some("text/plain".to_owned()),
            attributes: Attributes::default(),
            length: Length { exact: Some(size), most: size, least: 0 },
            expected: Expected::default(),
            condition: Condition::None,
        };
        let body = futures::stream::iter([Ok(bytes)]).boxed();
        Ok(self.put_object(put, body, |_| Ok(())).await?.info)
    }

    async fn any_holds(&self, segments: &[super::blocks::Segment]) -> Result<bool, StoreError> {
        let paths: Vec<_> = segments.iter().map(|one| self.folder.path(one.file_id)).collect();
        blocking(move || {
            for path in paths {
                let on_disk = std::fs::read(path)?;
                if on_disk.windows(MARK.len()).any(|piece| piece == MARK) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }
}

fn finding(name: &'static str, seen: Seen, consequence: &'static str, begun: Instant) -> Finding {
    let (verdict, what) = match seen {
        Ok((verdict, what)) => (verdict, what.to_owned()),
        Err(e) => (Verdict::Failed, causes::in_one_line(&e)),
    };
    let works = verdict == Verdict::Works;
    let advice = "look at the disk of STRONGROOM_DATA_DIR and into the server's log";
    let (consequence, advice) =
        if works { (consequence, None) } else { ("Uploads may be lost.", Some(advice)) };
    Finding { name, verdict, what, consequence, advice, took: begun.elapsed() }
}
