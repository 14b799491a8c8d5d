//! Whether a patient may see a document about them.

use std::fmt;
use std::str::FromStr;

use super::rows;
use crate::access::{Audited, Call, Role};
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

    /// What holds for a new document: what patients hand in themselves they may see.
    pub fn of_upload(config: &UploadConfig, call: &Call, category: Category) -> Self {
        if call.caller.has_role(Role::Patient) {
            Self::Released
        } else {
            Self::of_category(config, category)
        }
    }

    /// What this becomes behind a document that it replaces: what a patient may not see is not
    /// shown to them by being replaced. What patients hand in themselves they know.
    #[must_use]
    pub fn after(self, replaced: Option<Self>, call: &Call) -> Self {
        match replaced {
            Some(Self::Held | Self::Withdrawn) if !call.caller.has_role(Role::Patient) => {
                Self::Held
            }
            _ => self,
        }
    }
}

/// What holds for an upload that becomes a document now: what it replaces may have been held or
/// withdrawn since it was begun.
pub async fn release_now(
    tx: &mut Audited,
    call: &Call,
    upload: &Document,
) -> Result<Release, DbError> {
    match upload.supersedes {
        Some(replaced) if !call.caller.has_role(Role::Patient) => {
            let held = rows::hold_behind(tx, (call.clinic(), upload.id), replaced).await?;
            Ok(if held { Release::Held } else { upload.release })
        }
        _ => Ok(upload.release),
    }
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
