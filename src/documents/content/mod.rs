//! What may come in: types, families, size limits, names, and whether bytes are what they claim.
//!
//! The declared type, the extension and the bytes must agree, the bytes by their structure and not
//! by their beginning alone. The extension of an object key comes from here, never from a file
//! name. Nothing here knows where bytes are or what becomes of a refused upload.

mod age;
mod archive;
mod boxes;
mod compound;
mod dicom;
mod foreign;
mod gif;
mod heic;
mod inspect;
mod jpeg;
mod names;
mod ooxml;
mod pdf;
mod pixels;
mod png;
mod reader;
mod svg;
#[cfg(test)]
mod tests;
mod text;
mod tiff;
mod trailer;
mod verdict;
mod webp;

use crate::config::UploadConfig;
use crate::documents::Category;

pub use inspect::inspect;
pub use names::name_problem;
pub use reader::Source;
pub use svg::{MAX_CLEANED, clean};
pub use verdict::{Reason, Stop, Unfit};

/// How many bytes from the start of an object `looks_like` wants to see.
pub const HEAD_BYTES: usize = 16 * 1024;

/// How much of a file one look may read, in bytes. Formats that are walked from end to end cannot
/// be larger.
pub const MAX_WALKED: u64 = 512 << 20;

/// Which size limit a type falls under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Pictures.
    Image,
    /// PDF, Office, text.
    Document,
    /// DICOM.
    Medical,
    /// Files that were sealed before they came: what is in them nobody here can know.
    Sealed,
}

/// How the bytes of a type are built, and so which rules look at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Heic,
    Tiff,
    Svg,
    Pdf,
    Doc,
    Docx,
    Xls,
    Xlsx,
    Text,
    Dicom,
    Age,
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
    /// How its bytes are built.
    format: Format,
    /// Extensions that go with it; the first is used in object keys.
    pub extensions: &'static [&'static str],
    /// Whether a browser may show it in the page without a sandbox.
    pub inline: bool,
}

const fn ty(
    mime: &'static str,
    format: Format,
    extensions: &'static [&'static str],
    inline: bool,
) -> FileType {
    let family = match format {
        Format::Jpeg
        | Format::Png
        | Format::Gif
        | Format::WebP
        | Format::Heic
        | Format::Tiff
        | Format::Svg => Family::Image,
        Format::Pdf | Format::Doc | Format::Docx | Format::Xls | Format::Xlsx | Format::Text => {
            Family::Document
        }
        Format::Dicom => Family::Medical,
        Format::Age => Family::Sealed,
    };
    FileType { mime, aliases: &[], family, format, extensions, inline }
}

const JPEG: FileType = FileType {
    aliases: &["image/jpg", "image/pjpeg"],
    ..ty("image/jpeg", Format::Jpeg, &["jpg", "jpeg"], true)
};

/// Every accepted type (guides 001 and 003); sealed files where the operator says so.
pub static TYPES: &[FileType] = &[
    JPEG,
    ty("image/png", Format::Png, &["png"], true),
    ty("image/gif", Format::Gif, &["gif"], true),
    ty("image/webp", Format::WebP, &["webp"], true),
    FileType {
        aliases: &["image/heif"],
        ..ty("image/heic", Format::Heic, &["heic", "heif"], true)
    },
    ty("image/tiff", Format::Tiff, &["tiff", "tif"], true),
    // Active content: kept as it is, never shown in the page.
    ty("image/svg+xml", Format::Svg, &["svg"], false),
    ty("application/pdf", Format::Pdf, &["pdf"], true),
    ty("application/msword", Format::Doc, &["doc"], false),
    ty(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Format::Docx,
        &["docx"],
        false,
    ),
    ty("application/vnd.ms-excel", Format::Xls, &["xls"], false),
    ty(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Format::Xlsx,
        &["xlsx"],
        false,
    ),
    ty("text/plain", Format::Text, &["txt"], true),
    ty("text/csv", Format::Text, &["csv"], false),
    ty("application/dicom", Format::Dicom, &["dcm", "dicom"], false),
    FileType {
        // What programs called it before its name was registered.
        aliases: &["application/x-age-encryption"],
        ..ty("application/vnd.age", Format::Age, &["age"], false)
    },
];

/// The largest file of a category that may come in parts, in bytes; its type may allow less.
pub fn limit_of_parts(config: &UploadConfig, category: Category) -> u64 {
    let of_category = config.category_limit(category.as_str());
    of_category.map_or(config.max_upload, |limit| limit.min(config.max_upload))
}

impl FileType {
    /// The accepted type of this name; parameters such as `; charset=utf-8` are left aside.
    pub fn find(mime: &str) -> Option<&'static Self> {
        let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        TYPES.iter().find(|t| t.mime == essence || t.aliases.contains(&essence.as_str()))
    }

    /// The accepted type of a file that is declared to be of one. On Windows a browser takes the
    /// type of `.csv` from the program that opens it, which is Excel.
    pub fn of_file(mime: &str, file_name: &str) -> Option<&'static Self> {
        let found = Self::find(mime)?;
        let table = Self::of_name(file_name).filter(|named| named.mime == "text/csv");
        Some(table.filter(|_| found.format == Format::Xls).unwrap_or(found))
    }

    /// The accepted type whose extension a file name has.
    pub fn of_name(file_name: &str) -> Option<&'static Self> {
        TYPES.iter().find(|t| file_name.contains('.') && t.fits_name(file_name))
    }

    /// Whether files of this type come in, as it is configured.
    pub fn is_taken(&self, config: &UploadConfig) -> bool {
        self.family != Family::Sealed || config.sealed
    }

    /// Whether looking into it means to unpack something.
    pub const fn is_archive(&self) -> bool {
        matches!(self.format, Format::Docx | Format::Xlsx)
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

    /// The largest such file that can be looked into, in bytes: what is walked from end to end is
    /// read whole, what is found by places is not.
    const fn walked(&self) -> u64 {
        match self.format {
            Format::Jpeg
            | Format::Png
            | Format::Gif
            | Format::Svg
            | Format::Doc
            | Format::Docx
            | Format::Xls
            | Format::Xlsx => MAX_WALKED,
            Format::WebP
            | Format::Heic
            | Format::Tiff
            | Format::Pdf
            | Format::Text
            | Format::Dicom
            | Format::Age => u64::MAX,
        }
    }

    /// The largest such file that may come in parts, in bytes; its category may allow less.
    pub fn parts_limit(&self, config: &UploadConfig) -> u64 {
        config.max_upload.min(self.walked())
    }

    /// The largest such file of a category that may come in parts, in bytes.
    pub fn limit_in_parts(&self, config: &UploadConfig, category: Category) -> u64 {
        limit_of_parts(config, category).min(self.walked())
    }

    /// The largest such file one request may carry, in bytes; its category may allow less.
    pub fn family_limit(&self, config: &UploadConfig) -> u64 {
        let of_family = match self.family {
            Family::Image => config.max_image,
            Family::Document => config.max_document,
            Family::Medical => config.max_medical,
            // Of which family the file inside is, cannot be seen.
            Family::Sealed => config.largest_family(),
        };
        of_family.min(self.walked())
    }

    /// The largest such file of a category that one request may carry, in bytes.
    pub fn limit(&self, config: &UploadConfig, category: Category) -> u64 {
        let family = self.family_limit(config);
        config.category_limit(category.as_str()).map_or(family, |limit| limit.min(family))
    }

    /// The media type that the first bytes of a file speak for, also one that may not come in.
    pub fn guess(head: &[u8]) -> Option<&'static str> {
        let ours = TYPES.iter().find(|one| one.looks_like(head)).map(|one| one.mime);
        ours.or_else(|| infer::get(head).map(|found| found.mime_type()))
    }

    /// Whether the first bytes of a file are of this type: a guess, for files without a name.
    /// Whether they are, [`inspect`] tells.
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
            "application/vnd.age" => head.starts_with(age::BEGIN),
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
