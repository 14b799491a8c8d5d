//! What may be uploaded, how large, and how it is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Reader, parse_bytes};

/// How object keys are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyLayout {
    /// `patients/{ref}/{yyyy}/{mm}/{uuid}.{ext}` (guide 003).
    ByMonth,
    /// `patients/{ref}/{category}/{uuid}.{ext}` (guide 001).
    ByCategory,
    /// `medical-files/{category}/{ref}/{uuid}.{ext}` (guide 004).
    CategoryFirst,
    /// `{uuid}.{ext}`.
    Flat,
}

impl KeyLayout {
    /// All of them.
    const ALL: [Self; 4] = [Self::ByMonth, Self::ByCategory, Self::CategoryFirst, Self::Flat];

    /// As it is configured.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByMonth => "by-month",
            Self::ByCategory => "by-category",
            Self::CategoryFirst => "category-first",
            Self::Flat => "flat",
        }
    }
}

/// What may be uploaded.
#[derive(Clone, Debug)]
pub struct UploadConfig {
    /// Life of a presigned URL when nobody says otherwise.
    pub presign_expires: Duration,
    /// Longest life that may be asked for.
    pub presign_max_expires: Duration,
    /// Largest image in one request, bytes.
    pub max_image: u64,
    /// Largest document in one request, bytes.
    pub max_document: u64,
    /// Largest DICOM file in one request, bytes.
    pub max_medical: u64,
    /// Largest file that may come in parts, bytes.
    pub max_upload: u64,
    /// Smaller limits per category, bytes.
    max_by_category: BTreeMap<String, u64>,
    /// How object keys are laid out.
    pub key_layout: KeyLayout,
    /// Days a deleted document can be restored.
    pub trash_days: u32,
    /// Days after which a temporary document is removed.
    pub temporary_days: u32,
    /// Categories that a patient sees only after somebody has released the document.
    held_categories: Vec<String>,
    /// Whether files come in that were sealed before, and that nobody here can look into.
    pub sealed: bool,
    /// How long the body of an upload may stand still.
    pub body_timeout: Duration,
}

impl UploadConfig {
    /// The largest file of a category, in bytes, where it has a limit of its own.
    pub fn category_limit(&self, category: &str) -> Option<u64> {
        self.max_by_category.get(category).copied()
    }

    /// The largest file of whatever family in one request, in bytes.
    pub const fn largest_family(&self) -> u64 {
        let mut largest = self.max_image;
        if self.max_document > largest {
            largest = self.max_document;
        }
        if self.max_medical > largest {
            largest = self.max_medical;
        }
        largest
    }

    /// Whether documents of a category wait to be released before their patient sees them.
    pub fn waits_for_release(&self, category: &str) -> bool {
        self.held_categories.iter().any(|held| held == category)
    }
}

pub(super) fn uploads(r: &mut Reader) -> UploadConfig {
    let max = r.parse("STRONGROOM_PRESIGN_MAX_EXPIRES", "seconds from 60 to 3600").unwrap_or(900);
    if !(60..=3600).contains(&max) {
        r.problem("STRONGROOM_PRESIGN_MAX_EXPIRES", "expected seconds from 60 to 3600");
    }
    let expires = r.parse("STRONGROOM_PRESIGN_EXPIRES", "seconds").unwrap_or_else(|| max.min(900));
    if !(30..=max).contains(&expires) {
        let right = format!("expected seconds from 30 to {max} (STRONGROOM_PRESIGN_MAX_EXPIRES)");
        r.problem("STRONGROOM_PRESIGN_EXPIRES", &right);
    }
    UploadConfig {
        presign_expires: Duration::from_secs(expires),
        presign_max_expires: Duration::from_secs(max),
        max_image: r.bytes("STRONGROOM_MAX_IMAGE", 10_000_000),
        max_document: r.bytes("STRONGROOM_MAX_DOCUMENT", 25_000_000),
        max_medical: r.bytes("STRONGROOM_MAX_MEDICAL", 50_000_000),
        max_upload: max_upload(r),
        max_by_category: by_category(r),
        key_layout: key_layout(r),
        trash_days: r.parse("STRONGROOM_TRASH_DAYS", "a number of days").unwrap_or(30),
        temporary_days: r.parse("STRONGROOM_TEMPORARY_DAYS", "a number of days").unwrap_or(7),
        held_categories: held_categories(r),
        sealed: r.flag("STRONGROOM_SEALED_UPLOADS", false),
        body_timeout: body_timeout(r),
    }
}

fn key_layout(r: &mut Reader) -> KeyLayout {
    let Some(asked) = r.text("STRONGROOM_KEY_LAYOUT") else { return KeyLayout::ByMonth };
    KeyLayout::ALL.into_iter().find(|layout| layout.as_str() == asked).unwrap_or_else(|| {
        let right = "expected by-month, by-category, category-first or flat";
        r.problem("STRONGROOM_KEY_LAYOUT", right);
        KeyLayout::ByMonth
    })
}

/// The categories, as documents have them; the words are the domain's, which stands above.
const CATEGORIES: [&str; 9] = [
    "medical-records",
    "prescriptions",
    "lab-results",
    "imaging",
    "insurance",
    "consent-forms",
    "intake-forms",
    "invoices",
    "other",
];

/// Tells of a word that is no category; whether it is one.
fn is_category(r: &mut Reader, name: &'static str, word: &str) -> bool {
    let known = CATEGORIES.contains(&word);
    if !known {
        let right = format!("{word:?} is no category; expected some of {}", CATEGORIES.join(", "));
        r.problem(name, &right);
    }
    known
}

fn held_categories(r: &mut Reader) -> Vec<String> {
    const NAME: &str = "STRONGROOM_HELD_CATEGORIES";
    let text = r.text(NAME).unwrap_or_default();
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    items.filter(|item| is_category(r, NAME, item)).map(str::to_owned).collect()
}

fn body_timeout(r: &mut Reader) -> Duration {
    let seconds = r.parse("STRONGROOM_BODY_TIMEOUT", "seconds from 1 to 600").unwrap_or(30);
    if !(1..=600).contains(&seconds) {
        r.problem("STRONGROOM_BODY_TIMEOUT", "expected seconds from 1 to 600");
    }
    Duration::from_secs(seconds)
}

/// One copy inside S3 carries 5 GiB (`CopyObject`, Amazon S3 API reference), and what came in
/// parts must be movable in one piece.
const MAX_UPLOAD: u64 = 5 << 30;

fn max_upload(r: &mut Reader) -> u64 {
    let max = r.bytes("STRONGROOM_MAX_UPLOAD", 5_000_000_000);
    if max > MAX_UPLOAD {
        r.problem("STRONGROOM_MAX_UPLOAD", "expected at most 5GiB");
    }
    max
}

fn by_category(r: &mut Reader) -> BTreeMap<String, u64> {
    const NAME: &str = "STRONGROOM_MAX_BY_CATEGORY";
    let text = r.text(NAME).unwrap_or_default();
    let mut limits = BTreeMap::new();
    for item in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        match item.split_once('=').and_then(|(c, size)| Some((c.trim(), parse_bytes(size)?))) {
            Some((category, limit)) if is_category(r, NAME, category) => {
                limits.insert(category.to_owned(), limit);
            }
            Some(_) => {}
            None => r.problem(
                NAME,
                &format!("{item:?} is not right; expected category=size, such as insurance=5MB"),
            ),
        }
    }
    limits
}
