//! The object store: where the bytes of documents are.
//!
//! One trait with few methods and errors that mean something; the rest of the house cannot tell
//! which store it has. Presigning makes no network call and no disk access.
//!
//! This must never log a presigned URL (it is a key to the object) or an object's content.

mod key;
pub mod local;
mod presign;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;

use crate::time::Timestamp;

pub use key::{ObjectKey, ObjectKeyError};
pub use presign::{Presigner, PresignerConfig};

/// What can go wrong with a store. The source is logged, never shown to a caller.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object or version.
    #[error("there is no such object")]
    NotFound,
    /// A conditional create found the name taken.
    #[error("the object exists already")]
    AlreadyExists,
    /// A condition of the request does not hold, or the request makes no sense (a range beyond
    /// the end).
    #[error("a condition of the request does not hold")]
    Precondition,
    /// The store refused our credentials.
    #[error("the store denied access")]
    Denied,
    /// The object lies in an archive and must be restored first.
    #[error("the object is archived")]
    Archived,
    /// No space is left.
    #[error("the store is full")]
    Full,
    /// A sealed file is not what was written: changed, cut short, swapped, gone, or another key
    /// ring.
    #[error("a stored object is missing or failed its authentication")]
    Damaged,
    /// The store cannot be used now; trying again later may help.
    #[error("the store is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Wraps any error as [`Self::Unavailable`].
    pub fn unavailable(e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(e.into())
    }
}

impl From<std::io::Error> for StoreError {
    fn from(e: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match e.kind() {
            StorageFull | QuotaExceeded => Self::Full,
            // A file or folder that should be there: never an object that is not.
            _ => Self::unavailable(e),
        }
    }
}

impl From<crate::db::DbError> for StoreError {
    fn from(e: crate::db::DbError) -> Self {
        if e.is_disk_full() { Self::Full } else { Self::unavailable(e) }
    }
}

impl From<crate::keys::KeyError> for StoreError {
    fn from(e: crate::keys::KeyError) -> Self {
        use crate::keys::KeyError::{Damaged, UnknownKey};
        match e {
            Damaged | UnknownKey(_) => Self::Damaged,
            other => Self::unavailable(other),
        }
    }
}

/// What an upload must be to be let in by its presigned request.
#[derive(Clone, Debug)]
pub struct PresignPut {
    /// The name it will have.
    pub key: ObjectKey,
    /// The media type that must be sent.
    pub content_type: String,
    /// The exact length in bytes.
    pub content_length: u64,
    /// The SHA-256 the bytes must have, where known.
    pub sha256: Option<[u8; 32]>,
}

/// Headers that the answer to a presigned download will carry.
#[derive(Clone, Debug, Default)]
pub struct AnswerHeaders {
    /// `Content-Type` of the answer.
    pub content_type: Option<String>,
    /// `Content-Disposition` of the answer, ready to send (RFC 6266).
    pub content_disposition: Option<String>,
}

/// A request anybody may make until it expires.
#[derive(Clone)]
pub struct PresignedRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// The whole URL with its signature. A secret while it lasts: never logged.
    pub url: String,
    /// Exactly what must be sent beside the body; `Host` is left out.
    pub headers: Vec<(String, String)>,
    /// When the store stops honouring it.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for PresignedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresignedRequest")
            .field("method", &self.method)
            .field("url", &"[secret]")
            .field("headers", &self.headers)
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// What the store knows of one version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// Length in bytes.
    pub size: u64,
    /// The entity tag, without quotes.
    pub etag: String,
    /// The media type it was stored with.
    pub content_type: Option<String>,
    /// SHA-256 of the whole object, where the store knows it (not for multipart uploads).
    pub sha256: Option<[u8; 32]>,
    /// When it was stored.
    pub modified: Timestamp,
}

/// A part of an object, as a client asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first byte to the last one named, both included.
    Inclusive(u64, u64),
    /// From this byte to the end.
    From(u64),
    /// This many bytes at the end.
    Last(u64),
}

impl ByteRange {
    /// The range within an object of `size` bytes as `start..end`; nothing where it holds no byte.
    /// Ends beyond the object are cut (RFC 9110, section 14.1.2).
    pub fn within(self, size: u64) -> Option<std::ops::Range<u64>> {
        let range = match self {
            Self::Inclusive(first, last) => first..last.saturating_add(1).min(size),
            Self::From(first) => first..size,
            Self::Last(count) => size.saturating_sub(count)..size,
        };
        (range.start < range.end).then_some(range)
    }
}

/// The bytes of an object, as they come.
pub type ByteStream = BoxStream<'static, Result<Bytes, StoreError>>;

/// An object being read.
pub struct ObjectBody {
    /// What it is.
    pub info: ObjectInfo,
    /// Which bytes of it follow, `start..end`; the whole where no range was asked for.
    pub range: std::ops::Range<u64>,
    /// The bytes. An error in the middle means: throw away what came.
    pub stream: ByteStream,
}

/// A bucket of objects.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// What kind of store this is, as the database names it: `local`, `s3`.
    fn provider(&self) -> &'static str;

    /// The bucket's name.
    fn bucket(&self) -> &str;

    /// A request that uploads exactly what `put` describes, once: a second one is refused.
    async fn presign_put(
        &self,
        put: &PresignPut,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError>;

    /// A request that downloads one version.
    async fn presign_get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        answer: &AnswerHeaders,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError>;

    /// What the store knows of an object.
    async fn head(&self, key: &ObjectKey, version: Option<&str>) -> Result<ObjectInfo, StoreError>;

    /// Begins to read an object or a range of it.
    async fn get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        range: Option<ByteRange>,
    ) -> Result<ObjectBody, StoreError>;

    /// Destroys every version of an object for good. Nothing there is no error.
    async fn purge(&self, key: &ObjectKey) -> Result<(), StoreError>;

    /// Whether the store can be used now.
    async fn check(&self) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use super::ByteRange::{From, Inclusive, Last};

    #[test]
    fn ranges_are_cut_to_the_object_and_empty_ones_are_refused() {
        assert_eq!(Inclusive(0, 9).within(10), Some(0..10));
        assert_eq!(Inclusive(3, u64::MAX).within(10), Some(3..10));
        assert_eq!(Inclusive(5, 4).within(10), None);
        assert_eq!(From(10).within(10), None);
        assert_eq!(Last(4).within(10), Some(6..10));
        assert_eq!(Last(40).within(10), Some(0..10));
        assert_eq!(Last(0).within(10), None);
        assert_eq!(From(0).within(0), None);
    }
}
