//! Writing a new version of an object in one piece.

use std::sync::Arc;

use bytes::Bytes;
use futures::Stream;

use super::checksum::{Checksums, Expected, etag};
use super::folder::Placed;
use super::intake::{BodyError, IntakeError, Length, Target, take_in};
use super::object::Attributes;
use super::rows::{Condition, VersionRow};
use super::{LocalStore, rows};
use crate::keys::DataKey;
use crate::store::{ObjectInfo, ObjectKey, StoreError};

/// A new version of an object.
#[derive(Clone, Debug)]
pub struct Put {
    /// Its name.
    pub key: ObjectKey,
    /// Its media type.
    pub content_type: Option<String>,
    /// Headers and metadata.
    pub attributes: Attributes,
    /// How long it is or may be.
    pub length: Length,
    /// What its bytes must hash to.
    pub expected: Expected,
    /// When it may be written.
    pub condition: Condition,
}

/// A version that was written.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it is.
    pub info: ObjectInfo,
    /// The checksums that are kept of it.
    pub checksums: Checksums,
}

impl LocalStore {
    /// Takes in a body as a new version. Returns once it is on disk.
    pub async fn put_object<S>(
        &self,
        put: Put,
        body: S,
        trailers: impl FnOnce(&mut Expected) -> Result<(), IntakeError> + Send,
    ) -> Result<Stored, IntakeError>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Unpin + Send,
    {
        if put.condition != Condition::None {
            // Asked before the body comes so that a second upload is not taken in for nothing;
            // what counts is asked again in the commit.
            self.check_condition(&put).await?;
        }
        let data_key = DataKey::random().map_err(StoreError::from)?;
        let file_id = self.new_id();
        let target =
            Target { folder: Arc::clone(&self.folder), data_key: data_key.clone(), file_id };
        let mut taken = take_in(target, body, put.length, put.expected.clone(), trailers).await?;
        let version_id = self.new_id().simple().to_string();
        let kept = taken.computed.kept();
        let mut row = VersionRow {
            seq: 0,
            latest: true,
            marker: false,
            size: taken.size.cast_signed(),
            etag: etag(&taken.computed.sha256, 1),
            content_type: put.content_type,
            modified: self.now(),
            sha256: Some(taken.computed.sha256.to_vec()),
            checksums: encode(&kept)?,
            composite: false,
            attributes: put.attributes.seal(&data_key, &version_id)?,
            wrapped_key: None,
            file_id: Some(file_id),
            key: put.key.as_str().to_owned(),
            version_id,
        };
        let segment = super::Segment { file_id, size: taken.size };
        row.bind_key(&self.config.ring, &data_key, &[segment])?;
        self.insert(&row, &put.condition, &mut taken.file).await?;
        Ok(Stored { info: super::object::info(&row), checksums: super::object::checksums(&row) })
    }

    /// Without a row the file goes again. Whether a commit that failed kept the row is not sure:
    /// the file stays then, the sweep decides.
    async fn insert(
        &self,
        row: &VersionRow,
        condition: &Condition,
        file: &mut Placed,
    ) -> Result<(), StoreError> {
        let mut tx = self.index.begin().await?;
        if rows::insert_version(tx.conn(), row, condition).await?.is_none() {
            return Err(refused(condition));
        }
        file.keep();
        Ok(tx.commit().await?)
    }

    async fn check_condition(&self, put: &Put) -> Result<(), StoreError> {
        let current = self.row(&put.key, None).await?.filter(|row| !row.marker);
        let holds = match (&put.condition, &current) {
            (Condition::None, _) | (Condition::Absent, None) => true,
            (Condition::Absent, Some(_)) => false,
            (Condition::Matches(_), None) => return Err(StoreError::NotFound),
            (Condition::Matches(etag), Some(row)) => etag == "*" || *etag == row.etag,
        };
        if holds { Ok(()) } else { Err(refused(&put.condition)) }
    }
}

/// What a condition that does not hold is called.
pub(super) fn refused(condition: &Condition) -> StoreError {
    match condition {
        Condition::Absent => StoreError::AlreadyExists,
        Condition::None | Condition::Matches(_) => StoreError::Precondition,
    }
}

/// Checksums as the index keeps them.
pub(super) fn encode(checksums: &Checksums) -> Result<Option<String>, StoreError> {
    if checksums.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(checksums).map(Some).map_err(StoreError::unavailable)
}
