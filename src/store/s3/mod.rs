//! AWS S3 and every S3-compatible store.

mod cloudfront;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::config::{S3Config, StoreConfig};
use crate::store::{
    Abilities, AnswerHeaders, ByteRange, ByteStream, NewObject, ObjectBody, ObjectInfo, ObjectKey,
    ObjectStore, PartialUpload, PresignPut, PresignedRequest, StoreError, UploadMethod,
    UploadedPart,
};
use crate::time::{Clock, Timestamp};

pub use cloudfront::CloudFront;

/// A bucket of AWS S3 or of a store that speaks its protocol.
pub struct S3Store {
    bucket: String,
}

impl S3Store {
    /// Prepares the client and begins to look after the bucket; whether it can be used shows in
    /// [`ObjectStore::check`]. Fails only where the configuration can never work.
    pub async fn open(
        store: &StoreConfig,
        _s3: &S3Config,
        _clock: Clock,
    ) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self { bucket: store.bucket.clone() }))
    }
}

#[async_trait]
impl ObjectStore for S3Store {
    fn provider(&self) -> &'static str {
        "s3"
    }

    fn bucket(&self) -> &str {
        &self.bucket
    }

    fn abilities(&self) -> Result<Abilities, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    fn presign_put(
        &self,
        _: &PresignPut,
        _: UploadMethod,
        _: Duration,
        _: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    fn presign_get(
        &self,
        _: &ObjectKey,
        _: Option<&str>,
        _: &AnswerHeaders,
        _: Duration,
        _: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    fn presign_part(
        &self,
        _: &PartialUpload,
        _: u32,
        _: u64,
        _: Duration,
        _: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn begin_parts(&self, _: &NewObject) -> Result<PartialUpload, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn parts(&self, _: &PartialUpload) -> Result<Vec<UploadedPart>, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn complete_parts(
        &self,
        _: &PartialUpload,
        _: &[UploadedPart],
    ) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn abort_parts(&self, _: &PartialUpload) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn put(&self, _: &NewObject, _: u64, _: ByteStream) -> Result<ObjectInfo, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn copy(&self, _: &ObjectKey, _: &str, _: &NewObject) -> Result<ObjectInfo, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn head(&self, _: &ObjectKey, _: Option<&str>) -> Result<ObjectInfo, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn get(
        &self,
        _: &ObjectKey,
        _: Option<&str>,
        _: Option<ByteRange>,
    ) -> Result<ObjectBody, StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn purge(&self, _: &ObjectKey) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn retrieve(&self, _: &ObjectKey, _: Option<&str>, _: u32) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("s3"))
    }

    async fn check(&self) -> Result<(), StoreError> {
        Err(StoreError::Unsupported("s3"))
    }
}
