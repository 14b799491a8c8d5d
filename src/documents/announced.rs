//! What was announced of an upload, what is said of it when it is confirmed, and what lies there:
//! each must be as the one before.

use crate::documents::Document;
use crate::documents::content::FileType;
use crate::ids::PatientId;
use crate::store::ObjectInfo;

/// What the caller says again when confirming; each must be as it was presigned.
#[derive(Debug, Default)]
pub struct Announced {
    /// The patient.
    pub patient: Option<PatientId>,
    /// The media type.
    pub content_type: Option<String>,
    /// The size in bytes.
    pub size: Option<u64>,
    /// SHA-256 of the bytes.
    pub sha256: Option<[u8; 32]>,
}

/// What the caller says now and the row says otherwise.
pub(super) fn said_otherwise(document: &Document, said: &Announced) -> Option<&'static str> {
    let known = document.sha256_hex.as_deref();
    let other_sha = said.sha256.zip(known).is_some_and(|(sha, known)| hex::encode(sha) != known);
    if said.patient.is_some() && said.patient != document.patient_id {
        Some("patient")
    } else if said.size.is_some_and(|size| !document.size().holds(size)) {
        Some("size")
    } else if other_sha {
        Some("checksum")
    } else if !said.content_type.as_deref().is_none_or(|mime| is_type(document, mime)) {
        Some("type")
    } else {
        None
    }
}

fn is_type(document: &Document, mime: &str) -> bool {
    let named = FileType::of_file(mime, document.file_name.reveal());
    named.is_some_and(|t| t.mime == document.content_type)
}

/// What differs from what was presigned, without looking into the bytes.
pub(super) fn difference(
    document: &Document,
    said: &Announced,
    object: &ObjectInfo,
) -> Option<&'static str> {
    let stored = object.sha256;
    let known = document.sha256_hex.as_deref();
    let other_sha = stored.zip(known).is_some_and(|(sha, known)| hex::encode(sha) != known)
        || stored.zip(said.sha256).is_some_and(|(stored, said)| stored != said);
    let otherwise = said_otherwise(document, said);
    if otherwise.is_some() {
        otherwise
    } else if !fits(document, said, object) {
        Some("size")
    } else if other_sha {
        Some("checksum")
    } else if !object.content_type.as_deref().is_none_or(|mime| is_type(document, mime)) {
        Some("type")
    } else {
        None
    }
}

/// Whether an object has the size that was announced, and the one that is said now; of a file
/// whose size nobody knew, any size but none.
fn fits(document: &Document, said: &Announced, object: &ObjectInfo) -> bool {
    object.size > 0
        && document.size().holds(object.size)
        && said.size.is_none_or(|size| size == object.size)
}
