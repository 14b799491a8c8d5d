//! What may come in: types, families, size limits, and whether bytes are what they claim.
//!
//! The declared type, the extension and the bytes must agree. The extension of an object key
//! comes from here, never from a file name.

use crate::config::UploadConfig;
use crate::documents::Category;

/// How many bytes from the start of an object `looks_like` wants to see.
pub const HEAD_BYTES: u64 = 16 * 1024;

/// Which size limit a type falls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Pictures.
    Image,
    /// PDF, Office, text.
    Document,
    /// DICOM.
    Medical,
}

/// One accepted type.
#[derive(Debug, PartialEq, Eq)]
pub struct FileType {
    /// The media type, as stored and signed.
    pub mime: &'static str,
    /// Other spellings of the same.
    aliases: &'static [&'static str],
    /// Its family.
    pub family: Family,
    /// Extensions that go with it; the first is used in object keys.
    pub extensions: &'static [&'static str],
    /// Whether a browser may show it in the page without a sandbox.
    pub inline: bool,
}

const fn ty(
    mime: &'static str,
    family: Family,
    extensions: &'static [&'static str],
    inline: bool,
) -> FileType {
    FileType { mime, aliases: &[], family, extensions, inline }
}

const JPEG: FileType = FileType {
    aliases: &["image/jpg", "image/pjpeg"],
    ..ty("image/jpeg", Family::Image, &["jpg", "jpeg"], true)
};

/// Every accepted type (guides 001 and 003).
pub static TYPES: &[FileType] = &[
    JPEG,
    ty("image/png", Family::Image, &["png"], true),
    ty("image/gif", Family::Image, &["gif"], true),
    ty("image/webp", Family::Image, &["webp"], true),
    FileType {
        aliases: &["image/heif"],
        ..ty("image/heic", Family::Image, &["heic", "heif"], true)
    },
    ty("image/tiff", Family::Image, &["tiff", "tif"], true),
    // Active content: kept as it is, never shown in the page.
    ty("image/svg+xml", Family::Image, &["svg"], false),
    ty("application/pdf", Family::Document, &["pdf"], true),
    ty("application/msword", Family::Document, &["doc"], false),
    ty(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Family::Document,
        &["docx"],
        false,
    ),
    ty("application/vnd.ms-excel", Family::Document, &["xls"], false),
    ty(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Family::Document,
        &["xlsx"],
        false,
    ),
    ty("text/plain", Family::Document, &["txt"], true),
    ty("text/csv", Family::Document, &["csv"], false),
    ty("application/dicom", Family::Medical, &["dcm", "dicom"], false),
];

/// The largest file of a category that may come in parts, in bytes.
pub fn limit_of_parts(config: &UploadConfig, category: Category) -> u64 {
    let of_category = config.max_by_category.get(category.as_str());
    of_category.map_or(config.max_upload, |&limit| limit.min(config.max_upload))
}

impl FileType {
    /// The accepted type of this name; parameters such as `; charset=utf-8` are left aside.
    pub fn find(mime: &str) -> Option<&'static Self> {
        let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        TYPES.iter().find(|t| t.mime == essence || t.aliases.contains(&essence.as_str()))
    }

    /// The accepted type whose extension a file name has.
    pub fn of_name(file_name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|t| file_name.contains('.') && t.fits_name(file_name))
    }

    /// The extension object keys carry.
    pub const fn extension(&self) -> &'static str {
        self.extensions[0]
    }

    /// Whether a file name's extension goes with the type. DICOM files often have none.
    pub fn fits_name(&self, file_name: &str) -> bool {
        match file_name.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() => {
                self.extensions.contains(&extension.to_ascii_lowercase().as_str())
            }
            _ => self.family == Family::Medical,
        }
    }

    /// The largest such file one request may carry, in bytes.
    pub fn limit(&self, config: &UploadConfig, category: Category) -> u64 {
        let family = match self.family {
            Family::Image => config.max_image,
            Family::Document => config.max_document,
            Family::Medical => config.max_medical,
        };
        config.max_by_category.get(category.as_str()).map_or(family, |&limit| limit.min(family))
    }

    /// Whether the first bytes of a file are of this type.
    pub fn looks_like(&self, head: &[u8]) -> bool {
        let found = infer::get(head).map(|t| t.mime_type());
        match self.mime {
            "text/plain" | "text/csv" => {
                let markup = found.is_some_and(|m| m.starts_with("text/") || m.contains("html"));
                (found.is_none() || !markup)
                    && found.is_none_or(|m| !m.contains('/'))
                    && is_text(head)
            }
            "image/svg+xml" => is_text(head) && contains(head, b"<svg"),
            "image/heic" => matches!(found, Some("image/heif" | "image/heic")),
            // Both are OLE compound files; which one shows deep inside.
            "application/msword" | "application/vnd.ms-excel" => {
                head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
            }
            mime if mime.ends_with("wordprocessingml.document") => is_ooxml(head, b"word/"),
            mime if mime.ends_with("spreadsheetml.sheet") => is_ooxml(head, b"xl/"),
            mime => found == Some(mime),
        }
    }
}

/// UTF-8 (perhaps cut at the end) or an 8-bit encoding, and no control characters.
fn is_text(head: &[u8]) -> bool {
    head.iter().all(|&b| b >= 0x20 || matches!(b, b'\t' | b'\n' | b'\r' | 0x0C))
}

/// A ZIP whose first entries are those of an Office document with this folder in it.
fn is_ooxml(head: &[u8], folder: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04")
        && (contains(head, b"[Content_Types].xml") || contains(head, b"_rels/.rels"))
        && contains(head, folder)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

/// What is wrong with a file name, if anything (OWASP File Upload Cheat Sheet: length, control
/// characters, direction overrides, path separators).
pub fn name_problem(file_name: &str) -> Option<&'static str> {
    let hidden = |c: char| {
        matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}')
    };
    if file_name.trim().is_empty() {
        Some("is required")
    } else if file_name.len() > 255 {
        Some("must have at most 255 bytes")
    } else if file_name.chars().any(|c| c.is_control() || hidden(c)) {
        Some("must not hold control or direction-changing characters")
    } else if file_name.contains(['/', '\\']) {
        Some("must be a name, not a path")
    } else if file_name.ends_with(['.', ' ']) || file_name.starts_with('.') {
        Some("must not begin with a dot or end in a dot or space")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str) -> Vec<u8> {
        let path = format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).unwrap();
        bytes.into_iter().take(usize::try_from(HEAD_BYTES).unwrap()).collect()
    }

    const SAMPLES: &[(&str, &str)] = &[
        ("referral-letter.pdf", "application/pdf"),
        ("knee-xray.jpg", "image/jpeg"),
        ("wound-photo.png", "image/png"),
        ("phone-photo.heic", "image/heic"),
        ("chest-ct.dcm", "application/dicom"),
        (
            "treatment-plan.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        ("fee-schedule.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("home-exercises.csv", "text/csv"),
        ("notes.txt", "text/plain"),
        ("consent.tiff", "image/tiff"),
        ("scan.webp", "image/webp"),
        ("diagram.gif", "image/gif"),
    ];

    #[test]
    fn every_sample_looks_like_its_type_and_like_no_other() {
        for (name, mime) in SAMPLES {
            let head = sample(name);
            for other in TYPES {
                let text_twins = mime.starts_with("text/") && other.mime.starts_with("text/");
                let fits = other.mime == *mime || text_twins;
                assert_eq!(other.looks_like(&head), fits, "{name} as {}", other.mime);
            }
        }
    }

    #[test]
    fn programs_and_pages_look_like_nothing_we_take() {
        for head in [
            &b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"[..],
            b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00",
            b"#!/bin/sh\nrm -rf /\n",
            b"<!DOCTYPE html><html><script>alert(1)</script>",
            b"PK\x03\x04\x14\x00\x00\x00\x00\x00evil.exe",
        ] {
            for t in TYPES {
                assert!(!t.looks_like(head), "{:?} as {}", &head[..4], t.mime);
            }
        }
    }

    #[test]
    fn names_that_hide_something_are_refused() {
        for bad in ["", " ", "a\u{202E}fdp.exe", "a\0.pdf", "../x.pdf", "x.pdf.", ".pdf"] {
            assert!(name_problem(bad).is_some(), "{bad:?}");
        }
        assert!(name_problem(&"n".repeat(256)).is_some());
        for good in ["a.pdf", "Röntgen links (2).jpg", "報告.pdf"] {
            assert_eq!(name_problem(good), None, "{good:?}");
        }
    }

    #[test]
    fn the_extension_must_go_with_the_type() {
        let pdf = FileType::find("application/pdf; charset=x").unwrap();
        assert!(pdf.fits_name("a.PDF"));
        for bad in ["a.jpg", "a.pdf.php", "pdf", ".pdf"] {
            assert!(!pdf.fits_name(bad), "{bad}");
        }
        assert!(FileType::find("application/dicom").unwrap().fits_name("IM000001"));
    }
}
