//! What there is to say of an object: what it is, which part of it is meant, its bytes.

use bytes::Bytes;
use futures::stream::BoxStream;

use super::{ObjectKey, StoreError};
use crate::time::Timestamp;

/// An object to be written.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// The name it will have.
    pub key: ObjectKey,
    /// Its media type.
    pub content_type: String,
    /// Whose upload it is, where it comes through the server: one caller's uploads do not take all
    /// of the memory there is for them.
    pub sender: Option<String>,
}

impl NewObject {
    /// One that no caller sends.
    pub const fn new(key: ObjectKey, content_type: String) -> Self {
        Self { key, content_type, sender: None }
    }
}

/// How long a body is, or may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Exactly this long.
    Exactly(u64),
    /// Anything up to this; how long it is shows when it has ended.
    AtMost(u64),
}

impl Size {
    /// The most it can be.
    pub const fn most(self) -> u64 {
        match self {
            Self::Exactly(size) | Self::AtMost(size) => size,
        }
    }

    /// What it is, where that is known.
    pub const fn exact(self) -> Option<u64> {
        match self {
            Self::Exactly(size) => Some(size),
            Self::AtMost(_) => None,
        }
    }

    /// Whether a body of this many bytes is one.
    pub const fn holds(self, size: u64) -> bool {
        match self {
            Self::Exactly(exact) => size == exact,
            Self::AtMost(most) => size <= most,
        }
    }
}

/// An upload in parts that is neither complete nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialUpload {
    /// The name the object will have.
    pub key: ObjectKey,
    /// The store's id of the upload.
    pub upload_id: String,
}

/// A part that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedPart {
    /// Its number, from 1 to 10,000.
    pub number: u32,
    /// Its length in bytes.
    pub size: u64,
    /// Its ETag, without quotes.
    pub etag: String,
}

/// An object as a list of the store names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedObject {
    /// Its name.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
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
    /// The storage class as the store names it; none: the store's ordinary one.
    pub storage_class: Option<String>,
    /// Where the bytes are, if they are in an archive or have been taken out of one.
    pub archive: Option<Archive>,
}

/// An object in an archive class cannot be read until a copy has been retrieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archive {
    /// Nobody has asked for it.
    Archived,
    /// A retrieval is under way.
    Retrieving,
    /// A copy can be read until then; none: the store does not say until when.
    Retrieved(Option<Timestamp>),
}

impl ObjectInfo {
    /// Whether the bytes can be read now.
    pub const fn is_readable(&self) -> bool {
        matches!(self.archive, None | Some(Archive::Retrieved(_)))
    }
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
