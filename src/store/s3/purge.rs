//! Destroying an object for good: every version, every delete marker, every open upload of
//! exactly this key.

use std::sync::atomic::Ordering;

use super::bucket::Bucket;
use super::errors::Failure;
use crate::store::{ObjectKey, PartialUpload, StoreError};

impl Bucket {
    /// Destroys all that is under the key. Nothing there is no error.
    pub async fn purge_key(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.abort_all(key).await?;
        let listed = self.lists_versions.load(Ordering::Relaxed);
        let deleted = if listed { self.delete_versions(key).await? } else { None };
        // A list of versions that names none may be that of a store that has none.
        let plain = self.abilities().is_ok_and(|abilities| !abilities.versions);
        match deleted {
            None => self.delete(key, None).await,
            Some(0) if plain => self.delete(key, None).await,
            Some(_) => Ok(()),
        }
    }

    /// Deletes version by version: how many; none where the store has no list of them.
    async fn delete_versions(&self, key: &ObjectKey) -> Result<Option<usize>, StoreError> {
        let mut deleted = 0;
        let (mut from_key, mut from_version) = (None::<String>, None::<String>);
        loop {
            let call = self.clients.ordinary.list_object_versions().bucket(&self.place.bucket);
            let call = call
                .prefix(key.as_str())
                .set_key_marker(from_key.take())
                .set_version_id_marker(from_version.take());
            let page = match call.send().await {
                Ok(page) => page,
                Err(e) => {
                    let failure = Failure::new(e);
                    if failure.is_not_implemented() {
                        self.lists_versions.store(false, Ordering::Relaxed);
                        return Ok(None);
                    }
                    return Err(self.failure(failure));
                }
            };
            let versions = page.versions().iter().map(|found| (found.key(), found.version_id()));
            let markers = page.delete_markers().iter();
            let markers = markers.map(|found| (found.key(), found.version_id()));
            // Other keys may begin with this one.
            let ours = versions.chain(markers).filter(|(found, _)| *found == Some(key.as_str()));
            for (_, version) in ours {
                self.delete(key, version).await?;
                deleted += 1;
            }
            let next = page.next_key_marker().filter(|next| *next == key.as_str());
            if page.is_truncated() != Some(true) || next.is_none() {
                return Ok(Some(deleted));
            }
            from_key = next.map(str::to_owned);
            from_version = page.next_version_id_marker().map(str::to_owned);
        }
    }

    /// Deletes one version, or the object where there are none.
    pub async fn delete(&self, key: &ObjectKey, version: Option<&str>) -> Result<(), StoreError> {
        let call = self.clients.ordinary.delete_object().bucket(&self.place.bucket);
        let call = call.key(key.as_str()).set_version_id(version.map(str::to_owned));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(e) => match self.failed(e) {
                StoreError::NotFound => Ok(()),
                other => Err(other),
            },
        }
    }

    /// Aborts uploads in parts that would make the object again.
    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let call = self.clients.ordinary.list_multipart_uploads().bucket(&self.place.bucket);
        let page = match call.prefix(key.as_str()).send().await {
            Ok(page) => page,
            Err(e) => {
                let failure = Failure::new(e);
                let missing = failure.is_not_implemented();
                return if missing { Ok(()) } else { Err(self.failure(failure)) };
            }
        };
        for found in page.uploads().iter().filter(|found| found.key() == Some(key.as_str())) {
            let Some(upload_id) = found.upload_id() else { continue };
            let upload_id = upload_id.to_owned();
            self.abort(&PartialUpload { key: key.clone(), upload_id }).await?;
        }
        Ok(())
    }
}
