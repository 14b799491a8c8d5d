//! Allowing an upload: content rules, limits, a key nobody has used, a row, a presigned request.

use std::collections::BTreeMap;

use crate::access::{Call, Target, TargetKind};
use crate::app::App;
use crate::documents::content::{self, FileType};
use crate::documents::key_layout::{KeyParts, object_key};
use crate::documents::rows::{self, Reference};
use crate::documents::{Category, Document, DocumentError, State};
use crate::ids::{DocumentId, PatientId};
use crate::sensitive::Phi;
use crate::store::{ObjectKey, PresignPut, PresignedRequest, UploadMethod};
use crate::time::Timestamp;

/// How long after its URL has expired an upload may still be confirmed.
const CONFIRM_GRACE: std::time::Duration = std::time::Duration::from_hours(1);

/// What a caller announces.
#[derive(Debug)]
pub struct BeginUpload {
    /// The patient, unless it is a general document.
    pub patient: Option<PatientId>,
    /// The name on the uploader's disk.
    pub file_name: Phi<String>,
    /// The media type.
    pub content_type: String,
    /// The size in bytes.
    pub size: u64,
    /// The category; `other` when not given.
    pub category: Category,
    /// What else it belongs to.
    pub entity: Option<(String, String)>,
    /// SHA-256 of the bytes, where the caller knows it.
    pub sha256: Option<[u8; 32]>,
    /// The document it replaces.
    pub supersedes: Option<DocumentId>,
    /// Whether it may be cleaned up on its own.
    pub temporary: bool,
}

/// An upload that may be made.
#[derive(Debug)]
pub struct BegunUpload {
    /// The document to be.
    pub id: DocumentId,
    /// Its object key.
    pub key: String,
    /// What to send where.
    pub request: PresignedRequest,
}

/// Allows one upload of exactly what was announced.
pub async fn begin_upload(
    app: &App,
    call: &Call,
    asked: BeginUpload,
) -> Result<BegunUpload, DocumentError> {
    let file_type = check(app, &asked)?;
    let id = DocumentId::from_uuid(app.ids.next());
    let grant = call.authorize(target(call, id, &asked)).await?;
    if let Some(replaced) = asked.supersedes {
        check_replaced(app, call, replaced, asked.patient.as_ref()).await?;
    }
    let now = app.clock.now();
    let put = PresignPut {
        key: key(app, id, &asked, file_type, now)?,
        content_type: file_type.mime.to_owned(),
        content_length: asked.size,
        sha256: asked.sha256,
    };
    let expires = app.config.uploads.presign_expires;
    let request = app.store.presign_put(&put, UploadMethod::Put, expires, now)?;
    let document = row(app, call, id, asked, &put, request.expires_at + CONFIRM_GRACE, now);
    let mut tx = grant.begin().await?;
    rows::insert_pending(&mut tx, &document).await?;
    let detail = serde_json::json!({
        "size": document.byte_size,
        "contentType": document.content_type,
        "category": document.category,
    });
    tx.commit(Some(detail)).await?;
    Ok(BegunUpload { id, key: document.object_key, request })
}

/// The content rules; every field that is wrong is named.
fn check(app: &App, asked: &BeginUpload) -> Result<&'static FileType, DocumentError> {
    if !app.config.store.uploads_enabled {
        return Err(DocumentError::UploadsOff);
    }
    let mut errors = BTreeMap::new();
    if let Some(problem) = content::name_problem(asked.file_name.reveal()) {
        errors.insert("filename".to_owned(), problem.to_owned());
    }
    for (field, id) in [
        ("patientId", asked.patient.as_ref().map(PatientId::as_str)),
        ("entityType", asked.entity.as_ref().map(|e| e.0.as_str())),
        ("entityId", asked.entity.as_ref().map(|e| e.1.as_str())),
    ] {
        if id.is_some_and(|id| id.trim().is_empty() || id.len() > 128 || has_control(id)) {
            let right = "must have 1 to 128 characters, none of them control characters";
            errors.insert(field.to_owned(), right.to_owned());
        }
    }
    let file_type = FileType::find(&asked.content_type).ok_or(DocumentError::UnsupportedType);
    if let Ok(found) = file_type
        && !found.fits_name(asked.file_name.reveal())
    {
        let right = format!("must end in .{} for {}", found.extensions.join(" or ."), found.mime);
        errors.entry("filename".to_owned()).or_insert(right);
    }
    if !errors.is_empty() {
        return Err(DocumentError::Fields(errors));
    }
    let file_type = file_type?;
    let limit = file_type.limit(&app.config.uploads, asked.category);
    match asked.size {
        0 => Err(DocumentError::EmptyFile),
        size if size > limit => Err(DocumentError::TooLarge { size, limit }),
        _ => Ok(file_type),
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn target(call: &Call, id: DocumentId, asked: &BeginUpload) -> Target {
    Target {
        kind: TargetKind::Document,
        id: Some(id.to_string()),
        clinic: call.clinic(),
        patient: asked.patient.clone(),
        category: Some(asked.category.as_str()),
        state: Some(State::Pending.as_str()),
        released: true,
        owner: Some(call.caller.effective_user().clone()),
    }
}

/// The replaced document must be one the caller could replace: same patient, available.
async fn check_replaced(
    app: &App,
    call: &Call,
    id: DocumentId,
    patient: Option<&PatientId>,
) -> Result<(), DocumentError> {
    let mut reader = app.db.reader().await?;
    let found = rows::find(&mut reader, call.clinic(), &Reference::Id(id)).await?;
    // The caller may upload for this patient, so this tells nothing they may not know.
    let fits = found.is_some_and(|d| {
        d.facts(|d| d.patient_id.as_ref() == patient && d.state == State::Available)
    });
    if fits {
        return Ok(());
    }
    Err(DocumentError::field("supersedes", "must be an available document of the same patient"))
}

fn key(
    app: &App,
    id: DocumentId,
    asked: &BeginUpload,
    file_type: &FileType,
    at: Timestamp,
) -> Result<ObjectKey, DocumentError> {
    let entity = asked.entity.as_ref();
    let parts = KeyParts {
        id,
        patient: asked.patient.as_ref().map(|p| app.secrets.patient_ref(p)),
        entity: entity
            .map(|(kind, id)| (kind.as_str(), app.secrets.patient_ref(&PatientId::new(id)))),
        temporary: asked.temporary,
        category: asked.category,
        at,
        extension: file_type.extension(),
    };
    let key = object_key(app.config.uploads.key_layout, &app.config.store.folder_prefix, &parts);
    ObjectKey::new(key).map_err(|e| DocumentError::Store(crate::store::StoreError::unavailable(e)))
}

fn row(
    app: &App,
    call: &Call,
    id: DocumentId,
    asked: BeginUpload,
    put: &PresignPut,
    upload_expires_at: Timestamp,
    now: Timestamp,
) -> Document {
    let (entity_type, entity_id) = asked.entity.unzip();
    Document {
        id,
        patient_id: asked.patient,
        clinic_id: call.clinic(),
        owner_user_id: call.caller.effective_user().clone(),
        storage_provider: app.store.provider().to_owned(),
        bucket: app.store.bucket().to_owned(),
        object_key: put.key.as_str().to_owned(),
        content_type: put.content_type.clone(),
        byte_size: put.content_length,
        sha256_hex: put.sha256.map(hex::encode),
        created_at: now,
        updated_at: now,
        state: State::Pending,
        state_reason: None,
        upload_expires_at,
        confirmed_at: None,
        deleted_at: None,
        deleted_by: None,
        version_id: None,
        etag: None,
        category: asked.category,
        file_name: asked.file_name,
        entity_type,
        entity_id,
        temporary: asked.temporary,
        released: true,
        supersedes: asked.supersedes,
    }
}
