//! Whether a patient may see a document about them.

use std::fmt;
use std::str::FromStr;

use super::rows;
use crate::access::Audited;
use crate::config::UploadConfig;
use crate::db::DbError;
use crate::documents::{Category, Document};

/// Whether the patient may see a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Release {
    /// Not yet: somebody looks at it first.
    Held,
    /// Yes.
    Released,
    /// Not any more.
    Withdrawn,
}

impl Release {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Held, Self::Released, Self::Withdrawn];

    /// As stored, shown and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether the patient may see the document, as the policy asks.
    pub fn shows(self) -> bool {
        self == Self::Released
    }

    /// What holds for a document of a category until somebody decides.
    pub fn of_category(config: &UploadConfig, category: Category) -> Self {
        if config.waits_for_release(category.as_str()) { Self::Held } else { Self::Released }
    }

    /// What holds for a new document that replaces another one, or none: what a patient may not
    /// see is not shown to them by being replaced. What patients hand in themselves they know.
    pub fn of_upload(
        config: &UploadConfig,
        category: Category,
        replaced: Option<Self>,
        is_own: bool,
    ) -> Self {
        match replaced {
            _ if is_own => Self::Released,
            Some(Self::Held | Self::Withdrawn) => Self::Held,
            _ => Self::of_category(config, category),
        }
    }
}

/// An upload as it becomes a document now: what it replaces may have gone to another patient, been
/// held or withdrawn since it was begun.
pub async fn becoming(tx: &mut Audited, upload: &Document) -> Result<Document, DbError> {
    let mut upload = upload.clone();
    if upload.supersedes.is_some() && rows::leave_foreign(tx, &upload).await? {
        upload.supersedes = None;
    }
    upload.release = release_now(tx, &upload).await?;
    Ok(upload)
}

/// What holds for an upload that becomes a document now, or is scanned.
pub async fn release_now(tx: &mut Audited, upload: &Document) -> Result<Release, DbError> {
    let Some(replaced) = upload.supersedes else { return Ok(upload.release) };
    let held = rows::hold_behind(tx, (upload.clinic_id, upload.id), replaced).await?;
    Ok(if held { Release::Held } else { upload.release })
}

impl FromStr for Release {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|release| release.as_str() == text);
        found.ok_or_else(|| "must be held, released or withdrawn".to_owned())
    }
}

impl TryFrom<String> for Release {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
