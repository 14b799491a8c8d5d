//! The local store examines itself: whether what lies on the disk can be read there.

use std::time::Instant;

use futures::StreamExt as _;

use super::{LocalStore, blocking};
use crate::store::{Finding, NewObject, ObjectKey, ObjectStore as _, Size, StoreError, Verdict};

/// What is looked for on the disk.
const MARK: &[u8] = b"strongroom examination";

impl LocalStore {
    /// Writes an object, looks for its content in the file it became, and removes it.
    pub(super) async fn examine_sealing(&self) -> Finding {
        let begun = Instant::now();
        let (verdict, what) = match self.find_readable().await {
            Ok(false) => {
                let what = "What was written cannot be found in the file on the disk: sealed with \
                            AES-256-GCM under a key of its own.";
                (Verdict::Works, what.to_owned())
            }
            Ok(true) => (Verdict::Lies, "The file on the disk holds what was written.".to_owned()),
            Err(e) => (Verdict::Failed, crate::causes::in_one_line(&e)),
        };
        let consequence = "Every file is sealed before it reaches the disk.";
        Finding { name: "encryption", verdict, what, consequence, took: begun.elapsed() }
    }

    async fn find_readable(&self) -> Result<bool, StoreError> {
        let key = format!("strongroom-probe/{}", self.config.ids.next().simple());
        let key = ObjectKey::new(key).map_err(StoreError::unavailable)?;
        let object = NewObject { key: key.clone(), content_type: "text/plain".to_owned() };
        let written = MARK.repeat(100);
        let size = Size::Exactly(written.len() as u64);
        let body = futures::stream::iter([Ok(written.into())]).boxed();
        self.put(&object, size, body).await?;
        let found = self.find(&key, None).await;
        let readable = match found {
            Ok(found) => self.any_holds(&found.segments).await,
            Err(e) => Err(e),
        };
        self.purge(&key).await?;
        readable
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
