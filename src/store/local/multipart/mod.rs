//! Uploads in parts. Completing one copies nothing: the new version's row names the parts' files.

pub(super) mod rows;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::Stream;

use self::rows::{PartRow, UploadRow};
use super::blocks::Segment;
use super::checksum::{Algorithm, Checksums, Expected, etag};
use super::delete::unnamed;
use super::intake::{BodyError, IntakeError, Length, Target, take_in};
use super::object::{Attributes, upload_manifest};
use super::put::{Stored, encode, refused};
use super::rows::{Condition, VersionRow};
use super::wire::Most;
use super::{LocalStore, rows as index};
use crate::keys::DataKey;
use crate::store::{ObjectKey, StoreError};

/// Smallest part that is not the last, in bytes (S3: "multipart upload limits").
pub const MIN_PART: u64 = 5 * 1024 * 1024;
/// Highest part number.
pub const MAX_PARTS: i64 = 10_000;

/// What can go wrong with an upload in parts.
#[derive(Debug, thiserror::Error)]
pub enum MultipartError {
    /// There is no such upload of that key.
    #[error("there is no such upload")]
    NoSuchUpload,
    /// A part that is named was not uploaded, or is another one by now.
    #[error("a part is missing or has another ETag")]
    InvalidPart,
    /// The parts are not in ascending order.
    #[error("the parts are not in order")]
    InvalidPartOrder,
    /// A part that is not the last one is too small.
    #[error("a part is too small")]
    TooSmall,
    /// No part is named.
    #[error("no part is named")]
    NoParts,
    /// The body of a part was not taken in, or a checksum does not match.
    #[error(transparent)]
    Intake(#[from] IntakeError),
}

impl From<StoreError> for MultipartError {
    fn from(e: StoreError) -> Self {
        Self::Intake(e.into())
    }
}

impl From<crate::db::DbError> for MultipartError {
    fn from(e: crate::db::DbError) -> Self {
        StoreError::from(e).into()
    }
}

/// A new upload.
#[derive(Clone, Debug)]
pub struct Begin {
    /// The name the object will have.
    pub key: ObjectKey,
    /// Its media type.
    pub content_type: Option<String>,
    /// Headers and metadata.
    pub attributes: Attributes,
    /// The checksum the client means to use, and whether it will be of the whole object.
    pub algorithm: Option<(Algorithm, bool)>,
}

/// A part as the client names it when completing.
#[derive(Clone, Debug)]
pub struct NamedPart {
    /// Its number.
    pub number: i64,
    /// Its ETag, without quotes.
    pub etag: String,
    /// Checksums the client remembers of it.
    pub checksums: Checksums,
}

/// What completes an upload.
#[derive(Clone, Debug)]
pub struct Complete {
    /// The object's name.
    pub key: ObjectKey,
    /// The upload.
    pub upload_id: String,
    /// The parts, in order.
    pub parts: Vec<NamedPart>,
    /// Checksums the client expects of the object.
    pub expected: Checksums,
    /// When the object may be written.
    pub condition: Condition,
}

impl PartRow {
    /// The kept checksums of the part, SHA-256 always among them.
    pub fn checksums(&self) -> Checksums {
        let kept = self.checksums.as_deref().and_then(|json| serde_json::from_str(json).ok());
        let mut kept: Checksums = kept.unwrap_or_default();
        kept.insert(Algorithm::Sha256, STANDARD.encode(&self.sha256));
        kept
    }
}

impl LocalStore {
    /// Begins an upload; its id.
    pub async fn begin_multipart(&self, begin: &Begin) -> Result<String, StoreError> {
        let upload_id = self.new_id().simple().to_string();
        let key = DataKey::random()?;
        let bound = upload_manifest(&upload_id, begin.key.as_str());
        let row = UploadRow {
            key: begin.key.as_str().to_owned(),
            created: self.now(),
            content_type: begin.content_type.clone(),
            attributes: begin.attributes.seal(&key, &upload_id)?,
            wrapped_key: self.config.ring.wrap(&key, &bound)?,
            algorithm: begin.algorithm.map(|(a, _)| a.name().to_owned()),
            full_object: begin.algorithm.is_some_and(|(_, full)| full),
            upload_id,
        };
        let mut tx = self.index.begin().await?;
        rows::insert_upload(tx.conn(), &row).await?;
        tx.commit().await?;
        Ok(row.upload_id)
    }

    /// An upload of a key.
    pub(super) async fn upload(
        &self,
        key: &ObjectKey,
        upload_id: &str,
    ) -> Result<UploadRow, MultipartError> {
        let found = rows::upload(&mut *self.reader().await?, key.as_str(), upload_id).await?;
        found.ok_or(MultipartError::NoSuchUpload)
    }

    /// What the other parts of an upload have brought; nothing where there is no such upload.
    pub(super) async fn parts_beside(
        &self,
        key: &ObjectKey,
        upload_id: &str,
        number: i64,
    ) -> Result<u64, StoreError> {
        let mut reader = self.reader().await?;
        let beside = rows::size_beside(&mut reader, key.as_str(), upload_id, number).await?;
        Ok(beside.cast_unsigned())
    }

    fn upload_key(&self, upload: &UploadRow) -> Result<DataKey, StoreError> {
        let bound = upload_manifest(&upload.upload_id, &upload.key);
        Ok(self.config.ring.unwrap(&upload.wrapped_key, &bound)?)
    }

    /// Takes in one part; one of the same number is replaced. It is no part where all of them would
    /// have more than they may: several may have been on their way at once.
    pub(super) async fn put_part<S>(
        &self,
        upload: &UploadRow,
        number: i64,
        (length, Most(most)): (Length, Most),
        mut expected: Expected,
        body: S,
        trailers: impl FnOnce(&mut Expected) -> Result<(), IntakeError> + Send,
    ) -> Result<PartRow, MultipartError>
    where
        S: Stream<Item = Result<Bytes, BodyError>> + Unpin + Send,
    {
        if expected.compute.is_none() && expected.values.is_empty() {
            expected.compute = upload.algorithm.as_deref().and_then(Algorithm::parse);
        }
        let target = Target {
            folder: std::sync::Arc::clone(&self.folder),
            data_key: self.upload_key(upload)?,
            file_id: self.new_id(),
        };
        let mut taken = take_in(target, body, length, expected, trailers).await?;
        let part = PartRow {
            number,
            file_id: taken.file.file_id(),
            size: taken.size.cast_signed(),
            etag: etag(&taken.computed.sha256, 1),
            modified: self.now(),
            sha256: taken.computed.sha256.to_vec(),
            checksums: encode(&taken.computed.kept())?,
        };
        let mut tx = self.index.begin().await?;
        if rows::upload(tx.conn(), &upload.key, &upload.upload_id).await?.is_none() {
            return Err(MultipartError::NoSuchUpload);
        }
        let beside = rows::size_beside(tx.conn(), &upload.key, &upload.upload_id, number).await?;
        if most.is_some_and(|most| (beside + part.size).cast_unsigned() > most) {
            return Err(IntakeError::Long.into());
        }
        let before = rows::parts_after(tx.conn(), &upload.upload_id, number - 1, 1).await?;
        rows::put_part(tx.conn(), &upload.upload_id, &part).await?;
        taken.file.keep();
        tx.commit().await?;
        let replaced = before.iter().filter(|p| p.number == number).map(|p| p.file_id).collect();
        self.remove_files(replaced).await?;
        Ok(part)
    }

    /// The parts of an upload that are there, in order.
    pub(super) async fn uploaded_parts(
        &self,
        key: &ObjectKey,
        upload_id: &str,
    ) -> Result<Vec<PartRow>, MultipartError> {
        let parts = {
            let mut reader = self.reader().await?;
            rows::parts_after(&mut reader, upload_id, 0, MAX_PARTS).await?
        };
        // Asked afterwards: an upload that is there now had its parts a moment ago. The other way
        // round one that is completed between the two would look as if it had none.
        self.upload(key, upload_id).await?;
        Ok(parts)
    }

    /// Makes the object out of its parts.
    pub async fn complete_multipart(&self, complete: &Complete) -> Result<Stored, MultipartError> {
        let mut tx = self.index.begin().await?;
        let upload = rows::upload(tx.conn(), complete.key.as_str(), &complete.upload_id).await?;
        let Some(upload) = upload else {
            // Who completed it may share this commit: what was seen must be what others see.
            tx.commit().await?;
            return Err(MultipartError::NoSuchUpload);
        };
        let have = rows::parts_after(tx.conn(), &complete.upload_id, 0, MAX_PARTS).await?;
        let parts = choose(&have, &complete.parts)?;
        let segments: Vec<Segment> = parts
            .iter()
            .map(|p| Segment { file_id: p.file_id, size: p.size.cast_unsigned() })
            .collect();
        let row = self.completed_row(&upload, complete, &parts, &segments)?;
        let seq = index::insert_version(tx.conn(), &row, &complete.condition).await?;
        let seq = seq.ok_or_else(|| refused(&complete.condition))?;
        index::insert_segments(tx.conn(), seq, &segments).await?;
        rows::delete_upload(tx.conn(), &complete.upload_id).await?;
        let left_out = unnamed(&mut tx, have.iter().map(|p| p.file_id).collect()).await?;
        tx.commit().await?;
        self.remove_files(left_out).await?;
        Ok(Stored { info: super::object::info(&row), checksums: super::object::checksums(&row) })
    }

    fn completed_row(
        &self,
        upload: &UploadRow,
        complete: &Complete,
        parts: &[&PartRow],
        segments: &[Segment],
    ) -> Result<VersionRow, MultipartError> {
        let (checksums, composite) = whole(upload, parts);
        for (algorithm, value) in &complete.expected {
            if checksums.get(algorithm).is_some_and(|have| have != value) {
                return Err(IntakeError::BadDigest.into());
            }
        }
        let key = self.upload_key(upload)?;
        let attributes = Attributes::open(upload.attributes.as_deref(), &key, &upload.upload_id)?;
        let version_id = self.new_id().simple().to_string();
        let all: Vec<u8> = parts.iter().flat_map(|p| p.sha256.iter().copied()).collect();
        let mut row = VersionRow {
            seq: 0,
            key: upload.key.clone(),
            latest: true,
            marker: false,
            size: parts.iter().map(|p| p.size).sum(),
            etag: etag(digest(&SHA256, &all).as_ref(), parts.len()),
            content_type: upload.content_type.clone(),
            modified: self.now(),
            // One part is the whole; of several, nobody has hashed the whole.
            sha256: (parts.len() == 1).then(|| parts[0].sha256.clone()),
            checksums: encode(&checksums)?,
            composite,
            attributes: attributes.seal(&key, &version_id)?,
            wrapped_key: None,
            file_id: None,
            version_id,
        };
        row.bind_key(&self.config.ring, &key, segments)?;
        Ok(row)
    }

    /// Gives an upload up; its parts are gone for good.
    pub async fn abort_multipart(
        &self,
        key: &ObjectKey,
        upload_id: &str,
    ) -> Result<(), MultipartError> {
        let mut tx = self.index.begin().await?;
        if rows::upload(tx.conn(), key.as_str(), upload_id).await?.is_none() {
            return Err(MultipartError::NoSuchUpload);
        }
        let parts = rows::parts_after(tx.conn(), upload_id, 0, MAX_PARTS).await?;
        rows::delete_upload(tx.conn(), upload_id).await?;
        tx.commit().await?;
        Ok(self.remove_files(parts.iter().map(|p| p.file_id).collect()).await?)
    }
}

/// The parts that are named, checked.
fn choose<'p>(
    have: &'p [PartRow],
    named: &[NamedPart],
) -> Result<Vec<&'p PartRow>, MultipartError> {
    if named.is_empty() {
        return Err(MultipartError::NoParts);
    }
    if named.windows(2).any(|two| two[0].number >= two[1].number) {
        return Err(MultipartError::InvalidPartOrder);
    }
    let mut chosen = Vec::with_capacity(named.len());
    for name in named {
        let at = have.binary_search_by_key(&name.number, |p| p.number);
        let part = &have[at.map_err(|_| MultipartError::InvalidPart)?];
        let kept = part.checksums();
        let agrees = |(a, value): (&Algorithm, &String)| kept.get(a).is_none_or(|k| k == value);
        if part.etag != name.etag || !name.checksums.iter().all(agrees) {
            return Err(MultipartError::InvalidPart);
        }
        chosen.push(part);
    }
    let (_, all_but_last) = chosen.split_last().ok_or(MultipartError::NoParts)?;
    if all_but_last.iter().any(|p| p.size.cast_unsigned() < MIN_PART) {
        return Err(MultipartError::TooSmall);
    }
    Ok(chosen)
}

/// The checksum of the object in the algorithm of the upload, where every part has it; and
/// whether it is one of the parts' checksums.
fn whole(upload: &UploadRow, parts: &[&PartRow]) -> (Checksums, bool) {
    let none = (Checksums::new(), false);
    let Some(algorithm) = upload.algorithm.as_deref().and_then(Algorithm::parse) else {
        return none;
    };
    let values: Option<Vec<(Vec<u8>, u64)>> = parts
        .iter()
        .map(|p| {
            let value = STANDARD.decode(p.checksums().get(&algorithm)?).ok()?;
            Some((value, p.size.cast_unsigned()))
        })
        .collect();
    let Some(values) = values else { return none };
    if upload.full_object && algorithm.combines() {
        let mut values = values.into_iter();
        let Some((first, _)) = values.next() else { return none };
        let all = values.try_fold(first, |a, (b, length)| algorithm.combine(&a, &b, length));
        return match all {
            Some(all) => (Checksums::from([(algorithm, STANDARD.encode(all))]), false),
            None => none,
        };
    }
    let joined: Vec<u8> = values.into_iter().flat_map(|(value, _)| value).collect();
    let text = format!("{}-{}", STANDARD.encode(algorithm.of(&joined)), parts.len());
    (Checksums::from([(algorithm, text)]), true)
}
