//! Confirming an upload: is the object there, and is it what was announced?
//!
//! Two callers may confirm at once: both look at the object, one changes the row, the other
//! reads the row again and answers what is true.

use futures::TryStreamExt as _;

use crate::access::{Audited, Call, Grant};
use crate::app::App;
use crate::documents::content::{FileType, HEAD_BYTES};
use crate::documents::read::locate;
use crate::documents::rows::{self, Reference};
use crate::documents::{Document, DocumentError, State};
use crate::http::Code;
use crate::ids::PatientId;
use crate::store::{ByteRange, ObjectInfo, ObjectKey, StoreError};

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

/// A confirmed document.
#[derive(Debug)]
pub enum Confirmed {
    /// By this call.
    Now(Document),
    /// It had been before.
    Before(Document),
}

/// Makes a document of an upload whose object is there and as announced.
pub async fn confirm_upload(
    app: &App,
    call: &Call,
    reference: &Reference,
    announced: &Announced,
) -> Result<Confirmed, DocumentError> {
    let found = locate(app, call, reference).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    match document.state {
        State::Pending => {}
        State::Scanning | State::Available | State::Quarantined => {
            check_repeated(call, document, announced).await?;
            let repeated = serde_json::json!({ "repeated": true });
            return Ok(Confirmed::Before(grant.read(found, Some(repeated)).await?));
        }
        State::Abandoned | State::Refused => {
            return Err(DocumentError::UploadEnded(document.state));
        }
        State::Deleted | State::Purged => return Err(DocumentError::WrongState(document.state)),
    }
    let key = object_key(document)?;
    let object = match app.store.head(&key, None).await {
        Ok(object) => object,
        Err(StoreError::NotFound) => return Err(DocumentError::UploadMissing),
        Err(e) => return Err(e.into()),
    };
    let difference = match difference(document, announced, &object) {
        None => content_difference(app, document, &key, &object).await?,
        found => found,
    };
    if let Some(what) = difference {
        refuse(app, call, &grant, document, &key, what).await?;
        return Err(DocumentError::ContentMismatch(what));
    }
    pin(app, call, grant, document, &object).await
}

/// A repeated confirm must still say what is true, and answers only those who may read.
async fn check_repeated(
    call: &Call,
    document: &Document,
    announced: &Announced,
) -> Result<(), DocumentError> {
    if !call.may_read(&document.target()).await? {
        return Err(DocumentError::NotFound);
    }
    match said_otherwise(document, announced) {
        Some(what) => Err(DocumentError::NotAsConfirmed(what)),
        None => Ok(()),
    }
}

/// The stored key as the store takes it.
pub(super) fn object_key(document: &Document) -> Result<ObjectKey, DocumentError> {
    ObjectKey::new(document.object_key.clone())
        .map_err(|e| DocumentError::Store(StoreError::unavailable(e)))
}

/// What the caller says now and the row says otherwise.
fn said_otherwise(document: &Document, said: &Announced) -> Option<&'static str> {
    let known = document.sha256_hex.as_deref();
    let other_sha = said.sha256.zip(known).is_some_and(|(sha, known)| hex::encode(sha) != known);
    if said.patient.is_some() && said.patient != document.patient_id {
        Some("patient")
    } else if said.size.is_some_and(|size| size != document.byte_size) {
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
    FileType::find(mime).is_some_and(|t| t.mime == document.content_type)
}

/// What differs from what was presigned, without looking into the bytes.
fn difference(document: &Document, said: &Announced, object: &ObjectInfo) -> Option<&'static str> {
    let stored = object.sha256;
    let known = document.sha256_hex.as_deref();
    let other_sha = stored.zip(known).is_some_and(|(sha, known)| hex::encode(sha) != known)
        || stored.zip(said.sha256).is_some_and(|(stored, said)| stored != said);
    let otherwise = said_otherwise(document, said);
    if otherwise.is_some() {
        otherwise
    } else if object.size != document.byte_size {
        Some("size")
    } else if other_sha {
        Some("checksum")
    } else if !object.content_type.as_deref().is_none_or(|mime| is_type(document, mime)) {
        Some("type")
    } else {
        None
    }
}

/// Whether the object's first bytes are of the presigned type.
async fn content_difference(
    app: &App,
    document: &Document,
    key: &ObjectKey,
    object: &ObjectInfo,
) -> Result<Option<&'static str>, DocumentError> {
    let head = ByteRange::Inclusive(0, HEAD_BYTES - 1);
    let body = app.store.get(key, object.version_id.as_deref(), Some(head)).await?;
    let bytes: Vec<bytes::Bytes> = body.stream.try_collect().await?;
    let fits = FileType::find(&document.content_type)
        .is_some_and(|file_type| file_type.looks_like(&bytes.concat()));
    Ok((!fits).then_some("type"))
}

/// Ends the upload: the row says why, then the object goes.
async fn refuse(
    app: &App,
    call: &Call,
    grant: &Grant<'_>,
    document: &Document,
    key: &ObjectKey,
    what: &'static str,
) -> Result<(), DocumentError> {
    let mut tx = grant.begin().await?;
    let reason = format!("content_mismatch: {what}");
    let now = app.clock.now();
    let ended = rows::mark_refused(&mut tx, call.clinic(), document.id, &reason, now).await?;
    tx.commit_failed(Code::ContentMismatch, Some(serde_json::json!({ "differs": what }))).await?;
    if ended {
        app.store.purge(key).await?;
    }
    Ok(())
}

async fn pin(
    app: &App,
    call: &Call,
    grant: Grant<'_>,
    document: &Document,
    object: &ObjectInfo,
) -> Result<Confirmed, DocumentError> {
    // Stores that know no checksum of the whole leave us with what was announced and signed.
    let sha256_hex = object.sha256.map(hex::encode).or_else(|| document.sha256_hex.clone());
    let Some(sha256_hex) = sha256_hex else {
        return Err(StoreError::unavailable("the store tells no SHA-256 of the object").into());
    };
    let now = app.clock.now();
    let mut tx = grant.begin().await?;
    let pinned =
        rows::mark_available(&mut tx, call.clinic(), document.id, object, &sha256_hex, now).await?;
    if !pinned {
        return read_again(tx, call, &grant, document).await;
    }
    let detail = serde_json::json!({ "size": object.size, "sha256": sha256_hex });
    tx.commit(Some(detail)).await?;
    Ok(Confirmed::Now(Document {
        state: State::Available,
        version_id: object.version_id.clone(),
        etag: Some(object.etag.clone()),
        sha256_hex: Some(sha256_hex),
        confirmed_at: Some(now),
        updated_at: now,
        ..document.clone()
    }))
}

/// Somebody else changed the row first: answer what is true now. It is read in the transaction
/// that lost, since on SQLite the one that won may not be committed yet.
async fn read_again(
    mut tx: Audited,
    call: &Call,
    grant: &Grant<'_>,
    document: &Document,
) -> Result<Confirmed, DocumentError> {
    let found = rows::find(&mut tx, call.clinic(), &Reference::Id(document.id)).await?;
    let found = found.ok_or(DocumentError::NotFound)?;
    match grant.look(&found).state {
        State::Scanning | State::Available | State::Quarantined => {
            let repeated = serde_json::json!({ "repeated": true });
            Ok(Confirmed::Before(tx.read(found, Some(repeated)).await?))
        }
        state => Err(DocumentError::UploadEnded(state)),
    }
}
