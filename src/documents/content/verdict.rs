//! What is said of bytes that may not become a document.

use std::fmt;

use crate::store::StoreError;

/// Why bytes of the announced type are refused all the same. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Macros: code that runs when an Office document is opened.
    Macros,
    /// Encrypted: nobody here can look inside.
    Encrypted,
    /// Something that runs or is fetched when the file is opened: controls, embedded objects,
    /// remote templates, pages, scripts.
    ActiveContent,
    /// A ZIP that unpacks to too much, to the wrong place, or twice to the same.
    ArchiveBounds,
    /// A second file in, before or behind the first.
    Polyglot,
    /// Cut short, or not built as its format asks for.
    Damaged,
    /// A picture with more pixels than may be shown.
    Dimensions,
    /// So much to look at that it was given up.
    TooComplex,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::Macros,
        Self::Encrypted,
        Self::ActiveContent,
        Self::ArchiveBounds,
        Self::Polyglot,
        Self::Damaged,
        Self::Dimensions,
        Self::TooComplex,
    ];

    /// As answered, stored and recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Macros => "macros",
            Self::Encrypted => "encrypted",
            Self::ActiveContent => "active_content",
            Self::ArchiveBounds => "archive_bounds",
            Self::Polyglot => "polyglot",
            Self::Damaged => "damaged",
            Self::Dimensions => "dimensions",
            Self::TooComplex => "too_complex",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an upload does not become a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// This is not as announced: `type`, `size`, `checksum`, `patient`.
    Differs(&'static str),
    /// The bytes are of another type than was announced: this one, as far as their beginning tells.
    OtherType(Option<&'static str>),
    /// It is of the announced type, and not taken.
    Refused(Reason, &'static str),
}

impl fmt::Display for Unfit {
    /// As the row's reason has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(what) => write!(f, "content_mismatch: {what}"),
            Self::OtherType(_) => f.write_str("content_mismatch: type"),
            Self::Refused(reason, _) => write!(f, "content_refused: {reason}"),
        }
    }
}

/// Why an inspection ended before its end.
#[derive(Debug)]
pub enum Stop {
    /// The bytes may not come in.
    Unfit(Unfit),
    /// The bytes could not be read: that says nothing of them.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

/// The bytes are of another type.
pub(super) fn other_type<T>() -> Result<T, Stop> {
    Err(Stop::Unfit(Unfit::OtherType(None)))
}

/// The bytes are refused. `sentence`: what is wrong, and what would be right.
pub(super) fn refuse<T>(reason: Reason, sentence: &'static str) -> Result<T, Stop> {
    Err(Stop::Unfit(Unfit::Refused(reason, sentence)))
}

/// The file is cut short or broken.
pub(super) fn damaged<T>() -> Result<T, Stop> {
    refuse(Reason::Damaged, "The file is cut short or broken; send the whole of a sound one.")
}
