//! Deleting: a marker on top, or a version gone for good.
//!
//! Invariant: a file is removed only when no row names it any more (a copy shares its files).

use uuid::Uuid;

use super::multipart::MAX_PARTS;
use super::rows::VersionRow;
use super::{LocalStore, rows};
use crate::db::SqliteTx;
use crate::store::{ObjectKey, StoreError};

/// What a delete did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// The version that is gone, or the marker that was added.
    pub version_id: Option<String>,
    /// Whether that is a delete marker.
    pub marker: bool,
}

impl LocalStore {
    /// Without a version: adds a delete marker. With one: removes it for good; one that is not
    /// there is no error.
    pub(super) async fn delete(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
    ) -> Result<Deleted, StoreError> {
        let mut tx = self.index.begin().await?;
        let Some(version) = version else {
            let row = self.marker(key);
            rows::insert_version(tx.conn(), &row, &rows::Condition::None).await?;
            tx.commit().await?;
            return Ok(Deleted { version_id: Some(row.version_id), marker: true });
        };
        let row = rows::version(tx.conn(), key.as_str(), version).await?;
        let marker = row.as_ref().is_some_and(|row| row.marker);
        let files = match row {
            Some(row) => forget(&mut tx, &[row]).await?,
            None => Vec::new(),
        };
        tx.commit().await?;
        self.remove_files(files).await?;
        Ok(Deleted { version_id: Some(version.to_owned()), marker })
    }

    /// Removes every version of a key, markers and unfinished uploads too.
    pub(super) async fn purge_versions(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let mut tx = self.index.begin().await?;
        let all = rows::versions_of(tx.conn(), key.as_str()).await?;
        let mut files = forget(&mut tx, &all).await?;
        for upload in rows::uploads_of(tx.conn(), key.as_str()).await? {
            let parts = rows::parts_after(tx.conn(), &upload, 0, MAX_PARTS).await?;
            files.extend(parts.iter().map(|part| part.file_id));
            rows::delete_upload(tx.conn(), &upload).await?;
        }
        tx.commit().await?;
        self.remove_files(files).await
    }

    fn marker(&self, key: &ObjectKey) -> VersionRow {
        VersionRow {
            seq: 0,
            key: key.as_str().to_owned(),
            version_id: self.new_id().simple().to_string(),
            latest: true,
            marker: true,
            size: 0,
            etag: String::new(),
            content_type: None,
            modified: self.now(),
            sha256: None,
            checksums: None,
            composite: false,
            attributes: None,
            wrapped_key: None,
            file_id: None,
        }
    }
}

/// Removes rows; the files that nothing names any more.
async fn forget(tx: &mut SqliteTx, gone: &[VersionRow]) -> Result<Vec<Uuid>, StoreError> {
    let mut files = Vec::new();
    for row in gone {
        match row.file_id {
            Some(file_id) => files.push(file_id),
            None if row.marker => {}
            None => {
                let segments = rows::segments(tx.conn(), row.seq).await?;
                files.extend(segments.iter().map(|segment| segment.file_id));
            }
        }
        rows::delete_version(tx.conn(), row).await?;
    }
    unnamed(tx, files).await
}

/// Those of the files that no row names.
pub(super) async fn unnamed(tx: &mut SqliteTx, files: Vec<Uuid>) -> Result<Vec<Uuid>, StoreError> {
    let mut free = Vec::with_capacity(files.len());
    for file_id in files {
        if !rows::names_file(tx.conn(), file_id).await? {
            free.push(file_id);
        }
    }
    Ok(free)
}
