//! Copying an object inside the bucket: a new row over the same sealed files.

use std::sync::Arc;

use super::object::Attributes;
use super::put::Stored;
use super::rows::{Condition, VersionRow};
use super::{Found, LocalStore, blocking, rows};
use crate::store::{ObjectKey, StoreError};

/// What the copy gets instead of what the source has.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// Its media type.
    pub content_type: Option<String>,
    /// Its headers and metadata.
    pub attributes: Attributes,
}

impl LocalStore {
    /// Copies a version that was found to a key.
    pub(super) async fn copy_object(
        &self,
        source: &Found,
        to: &ObjectKey,
        replaced: Option<Replaced>,
    ) -> Result<Stored, StoreError> {
        // A copy reads no byte, but it must not vouch for a file that is gone.
        let folder = Arc::clone(&self.folder);
        let files: Vec<_> = source.segments.iter().map(|segment| segment.file_id).collect();
        blocking(move || files.iter().try_for_each(|id| folder.read(*id).map(drop))).await?;
        let replaced = match replaced {
            Some(replaced) => replaced,
            None => Replaced {
                content_type: source.row.content_type.clone(),
                attributes: source.attributes()?,
            },
        };
        let version_id = self.new_id().simple().to_string();
        let mut row = VersionRow {
            key: to.as_str().to_owned(),
            content_type: replaced.content_type,
            modified: self.now(),
            attributes: replaced.attributes.seal(&source.data_key, &version_id)?,
            version_id,
            ..source.row.clone()
        };
        row.bind_key(&self.config.ring, &source.data_key, &source.segments)?;
        let mut tx = self.index.begin().await?;
        // The source may have gone since it was found, and its files with it.
        let from = &source.row;
        if rows::version(tx.conn(), &from.key, &from.version_id).await?.is_none() {
            return Err(StoreError::NotFound);
        }
        let seq = rows::insert_version(tx.conn(), &row, &Condition::None).await?;
        if row.file_id.is_none() {
            rows::insert_segments(tx.conn(), seq.unwrap_or_default(), &source.segments).await?;
        }
        tx.commit().await?;
        Ok(Stored { info: super::object::info(&row), checksums: super::object::checksums(&row) })
    }
}
