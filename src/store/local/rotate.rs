//! Wrapping data keys anew under the current master key. No sealed file is touched.

use super::object::upload_manifest;
use super::{LocalStore, rows};
use crate::store::StoreError;

/// Rows of one transaction.
const BATCH: i64 = 200;

impl LocalStore {
    /// Wraps every data key that an older master key wraps under the current one; how many. Can
    /// be broken off and begun again at any time.
    pub async fn rewrap(&self) -> Result<u64, StoreError> {
        let ring = &self.config.ring;
        let current = ring.current_id();
        let (mut after, mut count) = (0, 0);
        loop {
            let mut reader = self.reader().await?;
            let old = rows::wrapped_otherwise(&mut reader, after, &current, BATCH).await?;
            drop(reader);
            let Some(last) = old.last() else { break };
            after = last.seq;
            let mut fresh = Vec::with_capacity(old.len());
            for row in old {
                let before = row.wrapped_key.clone().unwrap_or_default();
                let mut found = self.found(row).await?;
                found.row.bind_key(ring, &found.data_key, &found.segments)?;
                fresh.push((found.row.seq, before, found.row.wrapped_key.unwrap_or_default()));
            }
            let mut tx = self.index.begin().await?;
            for (seq, before, wrapped) in fresh {
                count += u64::from(rows::rewrap_version(tx.conn(), seq, &before, &wrapped).await?);
            }
            tx.commit().await?;
        }
        loop {
            let mut tx = self.index.begin().await?;
            let old = rows::uploads_wrapped_otherwise(tx.conn(), &current, BATCH).await?;
            if old.is_empty() {
                return Ok(count);
            }
            for upload in old {
                let bound = upload_manifest(&upload.upload_id, &upload.key);
                let key = ring.unwrap(&upload.wrapped_key, &bound)?;
                let wrapped = ring.wrap(&key, &bound)?;
                rows::rewrap_upload(tx.conn(), &upload.upload_id, &wrapped).await?;
                count += 1;
            }
            tx.commit().await?;
        }
    }
}
