//! What can go wrong with a store, without a word of HTTP.
//!
//! Nothing here holds a credential, a signed URL or a byte of an object.

use std::sync::Arc;

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
    /// The object lies in an archive and must be retrieved first.
    #[error("the object is archived")]
    Archived,
    /// A part that is named was not uploaded, is another one by now, or is too small.
    #[error("a part is missing, has another ETag, or is too small")]
    InvalidParts,
    /// The store has no such ability.
    #[error("the object store cannot do this: {0}")]
    Unsupported(&'static str),
    /// The bucket cannot be used until somebody changes something. The text says what is wrong
    /// and what would be right, for an operator or a developer; it holds nothing secret.
    #[error("{0}")]
    Unusable(Arc<str>),
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
