//! The local store as the rest of the house uses it.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;

use super::multipart::rows::PartRow;
use super::rows::VersionRow;
use super::{
    Attributes, Begin, Checksums, Complete, Condition, Expected, IntakeError, Length, LocalStore,
    MultipartError, NamedPart, Put, blocking, listing, rows,
};
use crate::store::{
    Abilities, AnswerHeaders, ByteRange, ByteStream, ListedObject, NewObject, ObjectBody,
    ObjectInfo, ObjectKey, ObjectStore, PartialUpload, PresignPut, PresignedRequest, Size,
    StoreError, TellFinding, UploadMethod, UploadedPart,
};
use crate::time::Timestamp;

impl From<MultipartError> for StoreError {
    fn from(e: MultipartError) -> Self {
        use MultipartError::{InvalidPart, InvalidPartOrder, NoParts, NoSuchUpload, TooSmall};
        match e {
            NoSuchUpload => Self::NotFound,
            InvalidPart | InvalidPartOrder | NoParts | TooSmall => Self::InvalidParts,
            MultipartError::Intake(e) => e.into(),
        }
    }
}

impl From<IntakeError> for StoreError {
    fn from(e: IntakeError) -> Self {
        match e {
            IntakeError::Store(e) => e,
            other => Self::unavailable(other),
        }
    }
}

fn shown(row: PartRow) -> UploadedPart {
    UploadedPart {
        // Part numbers end at 10,000.
        number: u32::try_from(row.number).unwrap_or(u32::MAX),
        size: row.size.cast_unsigned(),
        etag: row.etag,
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    fn provider(&self) -> &'static str {
        "local"
    }

    fn bucket(&self) -> &str {
        &self.config.bucket
    }

    fn seals(&self) -> bool {
        true
    }

    fn abilities(&self) -> Result<Abilities, StoreError> {
        Ok(Abilities {
            versions: true,
            create_only: true,
            sha256: true,
            forms: true,
            archives: false,
        })
    }

    fn presign_put(
        &self,
        put: &PresignPut,
        method: UploadMethod,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        match method {
            UploadMethod::Put => self.presigner.put(put, true, expires, now),
            UploadMethod::Form => self.presigner.form(put, expires, now),
        }
    }

    fn presign_get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        answer: &AnswerHeaders,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        self.presigner.get(key, version, answer, expires, now)
    }

    fn presign_part(
        &self,
        upload: &PartialUpload,
        number: u32,
        size: Option<u64>,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        self.presigner.part(upload, number, size, expires, now)
    }

    async fn begin_parts(&self, object: &NewObject) -> Result<PartialUpload, StoreError> {
        let begin = Begin {
            key: object.key.clone(),
            content_type: Some(object.content_type.clone()),
            attributes: Attributes::default(),
            algorithm: None,
        };
        let upload_id = self.begin_multipart(&begin).await?;
        Ok(PartialUpload { key: object.key.clone(), upload_id })
    }

    async fn parts(&self, upload: &PartialUpload) -> Result<Vec<UploadedPart>, StoreError> {
        let parts = self.uploaded_parts(&upload.key, &upload.upload_id).await?;
        Ok(parts.into_iter().map(shown).collect())
    }

    async fn complete_parts(
        &self,
        upload: &PartialUpload,
        parts: &[UploadedPart],
    ) -> Result<(), StoreError> {
        let named = |part: &UploadedPart| NamedPart {
            number: part.number.into(),
            etag: part.etag.clone(),
            checksums: Checksums::default(),
        };
        let complete = Complete {
            key: upload.key.clone(),
            upload_id: upload.upload_id.clone(),
            parts: parts.iter().map(named).collect(),
            expected: Checksums::default(),
            condition: Condition::Absent,
        };
        self.complete_multipart(&complete).await?;
        Ok(())
    }

    async fn abort_parts(&self, upload: &PartialUpload) -> Result<(), StoreError> {
        match self.abort_multipart(&upload.key, &upload.upload_id).await {
            Ok(()) | Err(MultipartError::NoSuchUpload) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    async fn put(
        &self,
        object: &NewObject,
        size: Size,
        body: ByteStream,
    ) -> Result<ObjectInfo, StoreError> {
        let put = Put {
            key: object.key.clone(),
            content_type: Some(object.content_type.clone()),
            attributes: Attributes::default(),
            length: Length { exact: size.exact(), most: size.most(), least: 0 },
            expected: Expected::default(),
            condition: Condition::Absent,
        };
        let body = body.map(|piece| piece.map_err(Into::into));
        Ok(self.put_object(put, body, |_| Ok(())).await?.info)
    }

    async fn copy(
        &self,
        from: &ObjectKey,
        etag: &str,
        to: &NewObject,
    ) -> Result<ObjectInfo, StoreError> {
        let found = self.find(from, None).await?;
        if found.row.etag != etag {
            return Err(StoreError::Precondition);
        }
        Ok(self.copy_object(&found, &to.key, None).await?.info)
    }

    async fn examine(&self, tell: TellFinding<'_>) {
        self.examine_each(tell).await;
    }

    async fn head(&self, key: &ObjectKey, version: Option<&str>) -> Result<ObjectInfo, StoreError> {
        Ok(self.find(key, version).await?.info())
    }

    async fn list_under(&self, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        let query = listing::Query {
            prefix: prefix.to_owned(),
            limit: listing::MAX_KEYS,
            ..listing::Query::default()
        };
        let page = self.list(&query).await?;
        let listed =
            |row: VersionRow| ListedObject { key: row.key, size: row.size.cast_unsigned() };
        Ok(page.entries.into_iter().map(listed).collect())
    }

    async fn get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        range: Option<ByteRange>,
    ) -> Result<ObjectBody, StoreError> {
        let found = self.find(key, version).await?;
        let size = found.size();
        let range = match range {
            Some(range) => range.within(size).ok_or(StoreError::Precondition)?,
            None => 0..size,
        };
        let stream = self.read(&found, range.clone()).await?.boxed();
        Ok(ObjectBody { info: found.info(), range, stream })
    }

    async fn purge(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.purge_versions(key).await
    }

    async fn retrieve(&self, _: &ObjectKey, _: Option<&str>, _: u32) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("it has no archive"))
    }

    async fn check(&self) -> Result<(), StoreError> {
        let mut reader = self.reader().await?;
        rows::current(&mut reader, "").await?;
        let (folder, id) = (std::sync::Arc::clone(&self.folder), self.new_id());
        blocking(move || folder.probe(id)).await
    }
}
