//! What can go wrong in the life of a document, without a word of HTTP.

use std::collections::BTreeMap;

use crate::access::Refusal;
use crate::db::DbError;
use crate::documents::State;
use crate::documents::content::{self, Reason};
use crate::documents::quota::Whose;
use crate::rendering::Unfit;
use crate::store::{Archive, Size, StoreError};
use crate::time::Timestamp;

/// Why an operation on a document was not done.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// There is no such document in the caller's clinic.
    #[error("there is no such document")]
    NotFound,
    /// The policy does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Fields of the request are wrong: name → what would be right.
    #[error("fields of the request are wrong")]
    Fields(BTreeMap<String, String>),
    /// A file without content was announced.
    #[error("the file is empty")]
    EmptyFile,
    /// The file is larger than it may be, in one request or at all.
    #[error("the file has {size} bytes, the limit is {limit}")]
    TooLarge {
        /// What was announced, bytes.
        size: u64,
        /// What is allowed, bytes.
        limit: u64,
        /// Whether it would have come in parts.
        in_parts: bool,
    },
    /// Too many uploads were begun and not completed.
    #[error("{limit} uploads are open")]
    TooManyOpen {
        /// Whose limit.
        whose: Whose,
        /// How many may be.
        limit: u32,
        /// Seconds after which another look makes sense.
        retry_after: u64,
    },
    /// What may be uploaded in a day has been.
    #[error("{used} bytes of {limit} were uploaded today")]
    DailyQuota {
        /// Whose quota.
        whose: Whose,
        /// What was announced today, bytes.
        used: u64,
        /// What may be, bytes.
        limit: u64,
        /// Seconds to the next day.
        retry_after: u64,
    },
    /// The clinic keeps as much as it may.
    #[error("{used} bytes of {limit} are kept")]
    Quota {
        /// What is kept, bytes.
        used: u64,
        /// What may be, bytes.
        limit: u64,
    },
    /// Files of this type are not taken.
    #[error("files of this type are not accepted")]
    UnsupportedType {
        /// Whether sealed ones are.
        sealed: bool,
    },
    /// As many uploads have begun with the ticket as may.
    #[error("the ticket is used up")]
    TicketUsedUp,
    /// Uploads are switched off.
    #[error("uploads are switched off")]
    UploadsOff,
    /// No object is there to confirm.
    #[error("no object has been uploaded")]
    UploadMissing,
    /// The upload has ended without a document.
    #[error("the upload has ended: {0}")]
    UploadEnded(State),
    /// The upload was not begun as one in parts.
    #[error("the upload is not one in parts")]
    NotInParts,
    /// The upload was begun as one in parts.
    #[error("the upload is one in parts")]
    InParts,
    /// An object has been uploaded before.
    #[error("an object has been uploaded before")]
    AlreadyUploaded,
    /// The body broke off, or is longer than announced; nothing of it was kept.
    #[error("the body broke off after {came} bytes of {size:?}")]
    BodyBroke {
        /// What came, bytes.
        came: u64,
        /// What was announced.
        size: Size,
    },
    /// The body stood still; nothing of it was kept.
    #[error("the body stood still after {0} bytes")]
    BodyStalled(u64),
    /// The form that brings a file cannot be read.
    #[error("the form cannot be read: {0}")]
    BadForm(&'static str),
    /// A condition of the request does not hold for the document.
    #[error("a condition of the request does not hold")]
    Condition,
    /// The bytes are in an archive.
    #[error("the document is in an archive: {0:?}")]
    Archived(Archive),
    /// What was uploaded is not what was announced; it was removed. The type that the bytes
    /// look like, where that is another.
    #[error("the content is not what was announced: {0}")]
    ContentMismatch(&'static str, Option<&'static str>),
    /// What was uploaded is what was announced and may not come in; it was removed. Why, and what
    /// would be right.
    #[error("the content is refused: {0}")]
    ContentRefused(Reason, &'static str),
    /// There is no cleaned rendition of the document, and why.
    #[error("there is no cleaned rendition: {0}")]
    NoRendition(&'static str),
    /// There are no previews of such a document, and what there is instead.
    #[error("there is no preview: {0}")]
    NoPreview(&'static str),
    /// No preview can be made of the document.
    #[error("no preview can be made: {}", .0.as_str())]
    PreviewUnfit(Unfit),
    /// Too many previews are being made.
    #[error("no preview could be made in time")]
    PreviewBusy,
    /// What the caller says of a confirmed document is not so; nothing was changed.
    #[error("the document was confirmed with another {0}")]
    NotAsConfirmed(&'static str),
    /// The document's state does not allow this.
    #[error("the document is {0}")]
    WrongState(State),
    /// There is no scanner.
    #[error("no malware scanner is switched on")]
    ScannerOff,
    /// The document is under legal hold.
    #[error("the document is under legal hold")]
    OnHold,
    /// The document must be kept until a time.
    #[error("the document must be kept until {0}")]
    Retained(Timestamp),
    /// Another document has replaced it.
    #[error("another document has replaced it")]
    Superseded,
    /// The document is not what the caller has seen any more.
    #[error("the document was changed meanwhile")]
    ChangedMeanwhile,
    /// The range asked for lies outside the document.
    #[error("the range lies outside the document's {0} bytes")]
    Range(u64),
    /// The object store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl DocumentError {
    /// One field and what would be right.
    pub fn field(name: &str, message: impl Into<String>) -> Self {
        Self::Fields(BTreeMap::from([(name.to_owned(), message.into())]))
    }
}

impl From<content::Unfit> for DocumentError {
    fn from(unfit: content::Unfit) -> Self {
        match unfit {
            content::Unfit::Differs(what) => Self::ContentMismatch(what, None),
            content::Unfit::OtherType(seen) => Self::ContentMismatch("type", seen),
            content::Unfit::Refused(reason, sentence) => Self::ContentRefused(reason, sentence),
        }
    }
}
