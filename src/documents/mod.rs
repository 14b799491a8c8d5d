//! Documents: one domain type, one life.
//!
//! ```text
//! pending ──confirm──> scanning ──clean──> available ──delete──> deleted ──purge──> purged
//!    │                    │  ^                ^                    │
//!    │                    │  └─again──┐       └──────restore───────┘
//!    │                    └─found─> quarantined ──purge──> purged
//!    ├─expired──> abandoned
//!    └─not what was announced──> refused
//! ```
//!
//! Invariants:
//! - Only `available` is served. Where a scanner is on, nothing is available that it did not let
//!   pass; while it cannot say, a document stays `scanning`.
//! - An object key is never used twice, and a row outlives its object.
//! - Bytes that were confirmed lie under a key, or a version of it, that no signed URL can write:
//!   where the store has neither versions nor conditional writes, confirming moves them.
//! - `version_id`, `sha256_hex` and `byte_size` are pinned when the upload is confirmed; every
//!   read asks the store for that version.
//! - Between two short transactions there may be a network call, never inside one; each change
//!   of state is `update … where state = …`, and zero rows changed means somebody was there
//!   first.

mod announced;
pub mod api;
mod begin_upload;
pub mod category;
mod clean_rendition;
mod close_uploads;
mod confirm_upload;
pub mod content;
mod error;
mod folder;
mod issue_download;
mod issue_ticket;
mod key_layout;
mod life;
mod list;
mod look;
mod multipart;
pub mod names;
mod placing;
mod preview;
mod quota;
mod read;
mod receive_upload;
mod retrieve;
mod rows;
mod scan;
pub mod stats;
mod stream_download;
mod successors;
mod suggest;
mod take_in;
mod wire_trail;

use std::fmt;

use sqlx::FromRow;

pub use announced::Announced;
pub use begin_upload::{BeginUpload, BegunUpload, UNKNOWN_SIZE, begin_upload};
pub use category::Category;
pub use clean_rendition::clean_rendition;
pub use close_uploads::{Closed, close_uploads};
pub use confirm_upload::{Confirmed, confirm_upload};
pub use error::DocumentError;
pub use folder::folder;
use issue_download::shown;
pub use issue_download::{IssuedDownload, issue_download};
pub use issue_ticket::{AskTicket, IssuedTicket, issue_ticket};
pub use life::{
    Change, Edit, Emptied, Purge, Release, Versions, change, edit, empty_trash, purge, read_trail,
    versions,
};
pub use list::{Filter, Sort, cursor, list, position};
pub use multipart::{
    BegunParts, PART_NUMBERS, Progress, abort_upload, begin_parts, complete_upload, sign_parts,
    upload_progress,
};
pub use preview::{AskPreview, Preview, Shown, preview};
pub use quota::forget_days;
pub use read::read;
pub use read::{named, read_named};
pub use receive_upload::receive_upload;
pub use retrieve::{Retrieval, read_retrieval, request_retrieval};
pub use rows::Reference;
pub use scan::{
    Looked, Queue, Scanned, Standing, ask_again, is_overdue, keep_scanning, rescan, scan_due,
    scan_queue, scan_unscanned, standing, tell_it_is_off,
};
pub use stream_download::{Streamed, Wanted, stream_download};
pub use suggest::{Suggestion, suggest_category};
pub use take_in::{Arriving, Meaning, take_in};
pub use wire_trail::WireTrail;

use crate::access::{Target, TargetKind};
use crate::documents::content::FileType;
use crate::ids::{ClinicId, DocumentId, PatientId, UserId};
use crate::sensitive::Phi;
use crate::store::Size;
use crate::time::Timestamp;

/// Where a document is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// An upload was allowed; its bytes are not confirmed.
    Pending,
    /// Confirmed, waiting for the scanner.
    Scanning,
    /// Served to those who may see it.
    Available,
    /// The scanner found something, or could not say.
    Quarantined,
    /// In the trash.
    Deleted,
    /// The bytes are gone; the row stays as a tombstone.
    Purged,
    /// Nobody confirmed in time.
    Abandoned,
    /// The bytes were not what was announced; they were removed.
    Refused,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Scanning,
        Self::Available,
        Self::Quarantined,
        Self::Deleted,
        Self::Purged,
        Self::Abandoned,
        Self::Refused,
    ];

    /// Whether the scanner has not let the bytes pass.
    pub const fn awaits_scanner(self) -> bool {
        matches!(self, Self::Scanning | Self::Quarantined)
    }

    /// As stored, shown and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Scanning => "scanning",
            Self::Available => "available",
            Self::Quarantined => "quarantined",
            Self::Deleted => "deleted",
            Self::Purged => "purged",
            Self::Abandoned => "abandoned",
            Self::Refused => "refused",
        }
    }
}

impl std::str::FromStr for State {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|s| s.as_str()).collect();
            format!("must be one of {}", known.join(", "))
        })
    }
}

impl TryFrom<String> for State {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One document, as its row tells.
#[derive(Clone, Debug, FromRow)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// The patient, unless it is a general document of the clinic.
    pub patient_id: Option<PatientId>,
    /// The clinic.
    pub clinic_id: ClinicId,
    /// Who uploaded it.
    pub owner_user_id: UserId,
    /// `local` or `s3`.
    pub storage_provider: String,
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub object_key: String,
    /// Its media type.
    pub content_type: String,
    /// Its size in bytes; before confirmation, what was announced.
    #[sqlx(try_from = "i64")]
    pub byte_size: u64,
    /// Whether that is only the most it may be: nobody knew the size beforehand.
    pub size_is_limit: bool,
    /// SHA-256 of its bytes; before confirmation, what was announced.
    pub sha256_hex: Option<String>,
    /// When the upload was allowed.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
    /// Where it is in its life.
    #[sqlx(try_from = "String")]
    pub state: State,
    /// Why it is there, where that needs saying.
    pub state_reason: Option<String>,
    /// When a pending upload is given up.
    pub upload_expires_at: Timestamp,
    /// When its bytes were confirmed.
    pub confirmed_at: Option<Timestamp>,
    /// When it went to the trash.
    pub deleted_at: Option<Timestamp>,
    /// Who put it there.
    pub deleted_by: Option<String>,
    /// The version of the object that was confirmed.
    pub version_id: Option<String>,
    /// The object's entity tag.
    pub etag: Option<String>,
    /// Its category.
    #[sqlx(try_from = "String")]
    pub category: Category,
    /// The name the uploader gave it.
    pub file_name: Phi<String>,
    /// What else it belongs to (`provider`, `appointment`, …).
    pub entity_type: Option<String>,
    /// The id of that.
    pub entity_id: Option<String>,
    /// Whether it may be cleaned up on its own.
    pub temporary: bool,
    /// Whether the patient may see it, and why not.
    #[sqlx(rename = "release_state", try_from = "String")]
    pub release: Release,
    /// When somebody decided that; none: it is as its category's rule says. When it was created:
    /// its patient handed it in.
    pub release_set_at: Option<Timestamp>,
    /// The document it replaces.
    pub supersedes: Option<DocumentId>,
    /// The key a URL was signed for, where the object was then moved to a key of its own.
    pub upload_key: Option<String>,
    /// The store's id of an upload in parts.
    pub multipart_id: Option<String>,
    /// The size of every part but the last, in bytes.
    pub part_size: Option<i64>,
    /// What the scanner said: `clean`, `unscannable`, or the name of what it found.
    pub scan_verdict: Option<String>,
    /// When it said so.
    pub scanned_at: Option<Timestamp>,
    /// When its bytes were destroyed; none in state `purged`: it is decided and under way.
    pub purged_at: Option<Timestamp>,
    /// Before this it must not be purged.
    pub retain_until: Option<Timestamp>,
    /// Why it is under legal hold, if it is.
    pub hold_reason: Option<Phi<String>>,
    /// Since when.
    pub held_at: Option<Timestamp>,
    /// Who put it there.
    pub held_by: Option<String>,
    /// The available document that replaces it.
    pub superseded_by: Option<DocumentId>,
}

impl Document {
    /// Its type.
    pub fn file_type(&self) -> Option<&'static FileType> {
        FileType::find(&self.content_type)
    }

    /// The extension of its type; what its uploader called it says nothing here.
    pub fn extension(&self) -> &'static str {
        self.file_type().map_or("bin", FileType::extension)
    }

    /// How long its bytes are, or may be.
    pub const fn size(&self) -> Size {
        if self.size_is_limit {
            Size::AtMost(self.byte_size)
        } else {
            Size::Exactly(self.byte_size)
        }
    }

    /// SHA-256 of its bytes, or what was announced.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        let mut sha = [0; 32];
        hex::decode_to_slice(self.sha256_hex.as_deref()?, &mut sha).ok()?;
        Some(sha)
    }

    /// The facts the policy decides by.
    pub fn target(&self) -> Target {
        Target {
            kind: TargetKind::Document,
            id: Some(self.id.to_string()),
            clinic: self.clinic_id,
            patient: self.patient_id.clone(),
            category: Some(self.category.as_str()),
            state: Some(self.state.as_str()),
            released: self.release.shows(),
            owner: Some(self.owner_user_id.clone()),
        }
    }
}
