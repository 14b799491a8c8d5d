//! Destroying an object for good: every version, every delete marker, every open upload of
//! exactly this key.
//!
//! Never is a list that names nothing taken for the end of an object unless the store is known to
//! list what it has.

use std::sync::atomic::Ordering;

use super::bucket::Bucket;
use super::errors::{Failure, Trouble};
use crate::store::{ObjectKey, PartialUpload, StoreError};

/// Why something could not be destroyed.
#[derive(Debug)]
pub(super) struct Unpurged {
    pub error: StoreError,
    /// What was done then, as AWS names the permission.
    pub permission: &'static str,
}

/// Says of an error what it was about.
const fn at(permission: &'static str) -> impl FnOnce(StoreError) -> Unpurged {
    move |error| Unpurged { error, permission }
}

impl Bucket {
    /// Destroys all that is under the key. Nothing there is no error.
    pub async fn purge_key(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let versions = self.abilities().ok().map(|abilities| abilities.versions);
        self.purge_knowing(key, versions).await.map_err(|unpurged| unpurged.error)
    }

    /// The same by what is known of versions; none: nothing.
    pub async fn purge_knowing(
        &self,
        key: &ObjectKey,
        versions: Option<bool>,
    ) -> Result<(), Unpurged> {
        self.abort_all(key).await?;
        let listed = self.lists_versions.load(Ordering::Relaxed);
        let deleted = if listed { self.delete_versions(key, versions).await? } else { None };
        match (deleted, versions) {
            (Some(1..), _) | (Some(0), Some(true)) => Ok(()),
            // A list of versions that names none may be that of a store that has none. Where that
            // is not known, a look saves a delete marker for what was never there.
            (Some(0), None) if self.is_missing(key).await => Ok(()),
            _ => self.delete(key, None).await.map_err(at("s3:DeleteObject")),
        }
    }

    /// Whether the store says that there is no such object. The bucket has just answered.
    async fn is_missing(&self, key: &ObjectKey) -> bool {
        let call = self.clients.ordinary.head_object().bucket(&self.place.bucket);
        let found = call.key(key.as_str()).send().await;
        found.is_err_and(|e| Failure::new(e).status == Some(404))
    }

    /// Deletes version by version: how many; none where the store has no list of them.
    async fn delete_versions(
        &self,
        key: &ObjectKey,
        versions: Option<bool>,
    ) -> Result<Option<usize>, Unpurged> {
        const LIST: &str = "s3:ListBucketVersions";
        let mut deleted = 0;
        let (mut from_key, mut from_version) = (None::<String>, None::<String>);
        loop {
            let call = self.clients.ordinary.list_object_versions().bucket(&self.place.bucket);
            let call = call
                .prefix(key.as_str())
                .set_key_marker(from_key.clone())
                .set_version_id_marker(from_version.clone());
            let page = match call.send().await {
                Ok(page) => page,
                Err(e) => {
                    let failure = Failure::new(e);
                    if failure.is_not_implemented() {
                        self.lists_versions.store(false, Ordering::Relaxed);
                        return Ok(None);
                    }
                    // Whoever has no versions need not be allowed to list them.
                    if versions == Some(false) && failure.trouble() == Trouble::AccessDenied {
                        return Ok(None);
                    }
                    return Err(at(LIST)(self.failure(failure)));
                }
            };
            let found = page.versions().iter().map(|found| (found.key(), found.version_id()));
            let markers = page.delete_markers().iter();
            let markers = markers.map(|found| (found.key(), found.version_id()));
            // Other keys may begin with this one.
            let ours = found.chain(markers).filter(|(found, _)| *found == Some(key.as_str()));
            for (_, version) in ours {
                self.delete(key, version).await.map_err(at(permission(version)))?;
                deleted += 1;
            }
            let next = page.next_key_marker().filter(|next| *next == key.as_str());
            if page.is_truncated() != Some(true) || next.is_none() {
                return Ok(Some(deleted));
            }
            let marker = page.next_version_id_marker();
            if next == from_key.as_deref() && marker == from_version.as_deref() {
                let stuck = "its list of versions does not go on";
                return Err(at(LIST)(StoreError::unavailable(stuck)));
            }
            from_key = next.map(str::to_owned);
            from_version = marker.map(str::to_owned);
        }
    }

    /// Deletes one version, or the object where there are none.
    async fn delete(&self, key: &ObjectKey, version: Option<&str>) -> Result<(), StoreError> {
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
    async fn abort_all(&self, key: &ObjectKey) -> Result<(), Unpurged> {
        let call = self.clients.ordinary.list_multipart_uploads().bucket(&self.place.bucket);
        let page = match call.prefix(key.as_str()).send().await {
            Ok(page) => page,
            Err(e) => {
                let failure = Failure::new(e);
                if failure.is_not_implemented() {
                    return Ok(());
                }
                // The bucket's lifecycle rule aborts them then.
                if failure.trouble() == Trouble::AccessDenied {
                    if !self.told_no_uploads.swap(true, Ordering::Relaxed) {
                        tracing::debug!(
                            "s3:ListBucketMultipartUploads is not allowed; uploads in parts that \
                             were left behind are not looked for"
                        );
                    }
                    return Ok(());
                }
                return Err(at("s3:ListBucketMultipartUploads")(self.failure(failure)));
            }
        };
        for found in page.uploads().iter().filter(|found| found.key() == Some(key.as_str())) {
            let Some(upload_id) = found.upload_id() else { continue };
            let upload_id = upload_id.to_owned();
            let upload = PartialUpload { key: key.clone(), upload_id };
            self.abort(&upload).await.map_err(at("s3:AbortMultipartUpload"))?;
        }
        Ok(())
    }
}

/// What deleting this needs.
fn permission(version: Option<&str>) -> &'static str {
    if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" }
}
