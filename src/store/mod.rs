//! The object store: where the bytes of documents are.
//!
//! One trait with few methods and errors that mean something; the rest of the house cannot tell
//! which store it has. Presigning makes no network call and no disk access.
//!
//! This must never log a presigned URL (it is a key to the object) or an object's content.

mod abilities;
mod error;
mod key;
pub mod local;
mod object;
mod presign;
mod presign_form;
mod requests;
pub mod s3;

use std::time::Duration;

use async_trait::async_trait;

use crate::time::Timestamp;

pub use abilities::Abilities;
pub use error::StoreError;
pub use key::{ObjectKey, ObjectKeyError};
pub use object::{
    Archive, ByteRange, ByteStream, ListedObject, NewObject, ObjectBody, ObjectInfo, PartialUpload,
    Size, UploadedPart,
};
pub use presign::{Presigner, PresignerConfig};
pub use requests::{AnswerHeaders, PresignPut, PresignedRequest, UploadMethod};
pub use s3::{Finding, TellFinding, Verdict};

/// A bucket of objects.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// What kind of store this is, as the database names it: `local`, `s3`.
    fn provider(&self) -> &'static str;

    /// The bucket's name.
    fn bucket(&self) -> &str;

    /// Whether what it reads is proved to be what was written (sealed bytes); if not, whoever reads
    /// has to check.
    fn seals(&self) -> bool;

    /// What the store was seen to do. Fails with the reason while it cannot be used; no network.
    fn abilities(&self) -> Result<Abilities, StoreError>;

    /// A request that uploads exactly what `put` describes. No network. A second one is refused
    /// where the store can do that (see [`Abilities::can_be_reused`]).
    fn presign_put(
        &self,
        put: &PresignPut,
        method: UploadMethod,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError>;

    /// A request that downloads one version. No network.
    fn presign_get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        answer: &AnswerHeaders,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError>;

    /// A request that uploads one part, of exactly `size` bytes where that is known; a part of the
    /// same number is replaced. No network.
    fn presign_part(
        &self,
        upload: &PartialUpload,
        number: u32,
        size: Option<u64>,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError>;

    /// Begins an upload in parts.
    async fn begin_parts(&self, object: &NewObject) -> Result<PartialUpload, StoreError>;

    /// Every part that is there, by number. [`StoreError::NotFound`]: there is no such upload
    /// (any more).
    async fn parts(&self, upload: &PartialUpload) -> Result<Vec<UploadedPart>, StoreError>;

    /// Makes the object of the parts, all of them, in order. [`StoreError::NotFound`]: there is no
    /// such upload (any more); it may be complete.
    async fn complete_parts(
        &self,
        upload: &PartialUpload,
        parts: &[UploadedPart],
    ) -> Result<(), StoreError>;

    /// Forgets an upload and its parts. Nothing there is no error.
    async fn abort_parts(&self, upload: &PartialUpload) -> Result<(), StoreError>;

    /// Writes an object from a stream of `size` bytes, with bounded memory. When it fails, also
    /// because the stream is longer or shorter than that, nothing is there; or, if every answer of
    /// the store was lost, the whole of it.
    async fn put(
        &self,
        object: &NewObject,
        size: Size,
        body: ByteStream,
    ) -> Result<ObjectInfo, StoreError>;

    /// Copies the object as it is now to another key, inside the store.
    /// [`StoreError::Precondition`]: it is not the one with this ETag.
    async fn copy(
        &self,
        from: &ObjectKey,
        etag: &str,
        to: &NewObject,
    ) -> Result<ObjectInfo, StoreError>;

    /// What the store knows of an object.
    async fn head(&self, key: &ObjectKey, version: Option<&str>) -> Result<ObjectInfo, StoreError>;

    /// The objects whose keys begin with `prefix`, by key, as they are now; no more than the first
    /// 1,000 of them.
    async fn list_under(&self, prefix: &str) -> Result<Vec<ListedObject>, StoreError>;

    /// Begins to read an object or a range of it.
    async fn get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        range: Option<ByteRange>,
    ) -> Result<ObjectBody, StoreError>;

    /// Destroys every version of an object for good. Nothing there is no error.
    async fn purge(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// Asks for a readable copy of an archived object for this many days; to ask again is no
    /// error. What has become of it is in [`ObjectInfo::archive`].
    async fn retrieve(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        days: u32,
    ) -> Result<(), StoreError>;

    /// The tags of one version of an object: name and value.
    async fn tags(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let _ = (key, version);
        Err(StoreError::Unsupported("it keeps no tags"))
    }

    /// Tries each ability of the store, and tells of each as soon as it is known; takes seconds,
    /// and removes what it wrote. Nothing where there is nothing to be found out.
    async fn examine(&self, tell: TellFinding<'_>) {
        let _ = tell;
    }

    /// All that an examination finds.
    async fn findings(&self) -> Vec<Finding> {
        let mut all = Vec::new();
        self.examine(&mut |found| all.push(found)).await;
        all
    }

    /// Whether the store can be used now.
    async fn check(&self) -> Result<(), StoreError>;
}
