//! The bucket as the rest of the house uses it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::credentials::Signing;
use super::{S3Store, TellFinding};
use crate::store::{
    Abilities, AnswerHeaders, ByteRange, ByteStream, ListedObject, NewObject, ObjectBody,
    ObjectInfo, ObjectKey, ObjectStore, PartialUpload, PresignPut, PresignedRequest, Size,
    StoreError, UploadMethod, UploadedPart,
};
use crate::time::Timestamp;

impl S3Store {
    /// What signs, and for how long it may.
    fn signing(
        &self,
        expires: Duration,
        now: Timestamp,
    ) -> Result<(Arc<Signing>, Duration), StoreError> {
        let signing = self.bucket.keys.get().map_err(StoreError::Unusable)?;
        let expires = signing.lasting(expires, now)?;
        Ok((signing, expires))
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    fn provider(&self) -> &'static str {
        "s3"
    }

    fn bucket(&self) -> &str {
        &self.bucket.place.bucket
    }

    fn seals(&self) -> bool {
        false
    }

    fn abilities(&self) -> Result<Abilities, StoreError> {
        self.bucket.abilities()
    }

    fn presign_put(
        &self,
        put: &PresignPut,
        method: UploadMethod,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        let abilities = self.bucket.abilities()?;
        let (signing, expires) = self.signing(expires, now)?;
        // A promise the store does not keep is not made.
        let sha256 = put.sha256.filter(|_| abilities.sha256);
        let put = PresignPut { sha256, ..put.clone() };
        match method {
            UploadMethod::Put => signing.presigner.put(&put, abilities.create_only, expires, now),
            UploadMethod::Form if abilities.forms => signing.presigner.form(&put, expires, now),
            UploadMethod::Form => {
                Err(StoreError::Unsupported("it takes no uploads by form; use PUT"))
            }
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
        self.bucket.abilities()?;
        if let Some(cloudfront) = &self.cloudfront {
            return cloudfront.sign_get(key, version, answer, expires, now);
        }
        let (signing, expires) = self.signing(expires, now)?;
        signing.presigner.get(key, version, answer, expires, now)
    }

    fn presign_part(
        &self,
        upload: &PartialUpload,
        number: u32,
        size: Option<u64>,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        self.bucket.abilities()?;
        let (signing, expires) = self.signing(expires, now)?;
        signing.presigner.part(upload, number, size, expires, now)
    }

    async fn begin_parts(&self, object: &NewObject) -> Result<PartialUpload, StoreError> {
        self.bucket.begin(object).await
    }

    async fn parts(&self, upload: &PartialUpload) -> Result<Vec<UploadedPart>, StoreError> {
        self.bucket.list_parts(upload).await
    }

    async fn complete_parts(
        &self,
        upload: &PartialUpload,
        parts: &[UploadedPart],
    ) -> Result<(), StoreError> {
        self.bucket.complete(upload, parts, false).await.map(drop)
    }

    async fn abort_parts(&self, upload: &PartialUpload) -> Result<(), StoreError> {
        let _turn = self.bucket.enter().await?;
        self.bucket.abort(upload).await
    }

    async fn put(
        &self,
        object: &NewObject,
        size: Size,
        body: ByteStream,
    ) -> Result<ObjectInfo, StoreError> {
        self.bucket.put_key(object, size, body).await
    }

    async fn copy(
        &self,
        from: &ObjectKey,
        etag: &str,
        to: &NewObject,
    ) -> Result<ObjectInfo, StoreError> {
        Box::pin(self.bucket.copy_key(from, etag, to)).await
    }

    async fn head(&self, key: &ObjectKey, version: Option<&str>) -> Result<ObjectInfo, StoreError> {
        self.bucket.head_key(key, version).await
    }

    async fn list_under(&self, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        self.bucket.list_prefix(prefix).await
    }

    async fn get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        range: Option<ByteRange>,
    ) -> Result<ObjectBody, StoreError> {
        self.bucket.get_key(key, version, range).await
    }

    async fn purge(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let _turn = self.bucket.enter().await?;
        self.bucket.purge_key(key).await
    }

    async fn retrieve(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        days: u32,
    ) -> Result<(), StoreError> {
        self.bucket.retrieve_key(key, version, days).await
    }

    async fn tags(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        self.bucket.tags_of_key(key, version).await
    }

    async fn examine(&self, tell: TellFinding<'_>) {
        self.bucket.examine(tell).await;
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.bucket.check().await
    }
}
