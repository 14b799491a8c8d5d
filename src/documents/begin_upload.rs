//! Allowing an upload: content rules, limits, a key nobody has used, a row, a presigned request.

use std::collections::BTreeMap;

use crate::access::{Action, Call, Grant, Target, TargetKind};
use crate::app::App;
use crate::documents::content::{self, FileType};
use crate::documents::placing::{Place, object_key};
use crate::documents::quota::add_pending;
use crate::documents::rows::{self, Reference};
use crate::documents::{Category, Document, DocumentError, Release, State};
use crate::http::fields::is_label;
use crate::ids::{DocumentId, PatientId};
use crate::sensitive::Phi;
use crate::store::{PresignPut, PresignedRequest, Size, UploadMethod};

/// How long after its URL has expired an upload may still be confirmed.
const CONFIRM_GRACE: std::time::Duration = std::time::Duration::from_hours(1);

/// Announced of a file whose size nobody knows: up to what is allowed.
pub const UNKNOWN_SIZE: Size = Size::AtMost(u64::MAX);

/// What a caller announces.
#[derive(Debug)]
pub struct BeginUpload {
    /// The patient, unless it is a general document.
    pub patient: Option<PatientId>,
    /// The name on the uploader's disk.
    pub file_name: Phi<String>,
    /// The media type.
    pub content_type: String,
    /// The size in bytes; where nobody knows it, the most that the caller wants to send, or
    /// [`UNKNOWN_SIZE`].
    pub size: Size,
    /// The category; when not given, that of the document it replaces, or `other`.
    pub category: Option<Category>,
    /// What else it belongs to.
    pub entity: Option<(String, String)>,
    /// SHA-256 of the bytes, where the caller knows it.
    pub sha256: Option<[u8; 32]>,
    /// The document it replaces.
    pub supersedes: Option<DocumentId>,
    /// Whether it may be cleaned up on its own.
    pub temporary: bool,
}

impl BeginUpload {
    /// The category as far as it is said.
    pub fn category(&self) -> Category {
        self.category.unwrap_or(Category::Other)
    }

    /// What is uploaded without a category in the place of a document has that document's: nobody
    /// sees more of it by its being replaced.
    #[must_use]
    pub(super) fn inherit(mut self, replaced: Option<&Replaced>) -> Self {
        self.category = self.category.or(replaced.map(|replaced| replaced.category));
        self
    }
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

/// Allows one upload of exactly what was announced, by `method`. How long it is may be left open,
/// up to the limit of its kind.
pub async fn begin_upload(
    app: &App,
    call: &Call,
    asked: BeginUpload,
    method: UploadMethod,
) -> Result<BegunUpload, DocumentError> {
    let abilities = app.store.abilities()?;
    if method == UploadMethod::Form && !abilities.forms {
        return Err(DocumentError::field("method", "must be PUT; this store takes no forms"));
    }
    let place = Place::for_upload(abilities.can_be_reused(method));
    let (grant, mut document) = announce(app, call, asked, place, Limit::OneRequest).await?;
    let put = PresignPut {
        key: object_key(&document)?,
        content_type: document.content_type.clone(),
        size: document.size(),
        sha256: document.sha256(),
    };
    let now = document.created_at;
    let request = app.store.presign_put(&put, method, app.config.uploads.presign_expires, now)?;
    document.upload_expires_at = request.expires_at + CONFIRM_GRACE;
    add_pending(app, &grant, &document).await?;
    Ok(BegunUpload { id: document.id, key: document.object_key, request })
}

/// Which limit holds for an upload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// What one request may carry.
    OneRequest,
    /// What may come in parts.
    Parts,
    /// What one request may carry in any category: it is not yet known which.
    AnyCategory,
}

/// Checks what was announced and asks the policy: the grant, and the row to be.
pub(super) async fn announce<'c>(
    app: &App,
    call: &'c Call,
    asked: BeginUpload,
    place: Place,
    limit: Limit,
) -> Result<(Grant<'c>, Document), DocumentError> {
    let replaced = find_replaced(app, call, &asked).await?;
    let asked = asked.inherit(replaced.as_ref());
    let (file_type, size) = check(app, &asked, limit)?;
    let id = DocumentId::from_uuid(app.ids.next());
    let grant = call.authorize(target(call, id, &asked)).await?;
    check_replaced(&asked, replaced.as_ref())?;
    let asked = BeginUpload { size, ..asked };
    let mut document = row(app, call, id, asked, file_type, replaced.as_ref());
    let key = place.key(app, &document, id.as_uuid())?;
    key.as_str().clone_into(&mut document.object_key);
    Ok((grant, document))
}

/// The content rules; every field that is wrong is named. Gives the type, and the size within its
/// limit.
pub(super) fn check(
    app: &App,
    asked: &BeginUpload,
    limit: Limit,
) -> Result<(&'static FileType, Size), DocumentError> {
    if !app.config.store.uploads_enabled {
        return Err(DocumentError::UploadsOff);
    }
    let mut errors = BTreeMap::new();
    if let Some(problem) = content::name_problem(asked.file_name.reveal()) {
        errors.insert("filename".to_owned(), problem.to_owned());
    }
    wrong_ids(asked.patient.as_ref(), asked.entity.as_ref(), &mut errors);
    let limits = &app.config.uploads;
    let file_type = FileType::of_file(&asked.content_type, asked.file_name.reveal())
        .filter(|found| found.is_taken(limits))
        .ok_or(DocumentError::UnsupportedType { sealed: limits.sealed });
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
    let in_parts = limit == Limit::Parts;
    let limit = match limit {
        Limit::OneRequest => file_type.limit(limits, asked.category()),
        Limit::Parts => file_type.limit_in_parts(limits, asked.category()),
        Limit::AnyCategory => {
            let each = Category::ALL.map(|category| file_type.limit(limits, category));
            each.into_iter().max().unwrap_or(0)
        }
    };
    match asked.size {
        Size::Exactly(0) | Size::AtMost(0) => Err(DocumentError::EmptyFile),
        Size::Exactly(size) if size > limit => {
            Err(DocumentError::TooLarge { size, limit, in_parts })
        }
        Size::Exactly(_) => Ok((file_type, asked.size)),
        Size::AtMost(most) => Ok((file_type, Size::AtMost(most.min(limit)))),
    }
}

/// What is wrong with an id that a caller gave, if anything.
pub(super) fn id_problem(id: &str) -> Option<&'static str> {
    (!is_label(id)).then_some("must have 1 to 128 characters, none of them control characters")
}

/// Names the ids that cannot be ids.
pub(super) fn wrong_ids(
    patient: Option<&PatientId>,
    entity: Option<&(String, String)>,
    errors: &mut BTreeMap<String, String>,
) {
    for (field, id) in [
        ("patientId", patient.map(PatientId::as_str)),
        ("entityType", entity.map(|e| e.0.as_str())),
        ("entityId", entity.map(|e| e.1.as_str())),
    ] {
        if let Some(problem) = id.and_then(id_problem) {
            errors.insert(field.to_owned(), problem.to_owned());
        }
    }
}

pub(super) fn target(call: &Call, id: DocumentId, asked: &BeginUpload) -> Target {
    Target {
        kind: TargetKind::Document,
        id: Some(id.to_string()),
        clinic: call.clinic(),
        patient: asked.patient.clone(),
        category: Some(asked.category().as_str()),
        state: Some(State::Pending.as_str()),
        released: false,
        owner: Some(call.caller.effective_user().clone()),
    }
}

/// What matters of a document that is to be replaced.
pub(super) struct Replaced {
    category: Category,
    release: Release,
    /// Whether another one has taken its place already.
    already: bool,
}

/// The document to be replaced, if it is one the caller could replace: same patient, available,
/// theirs or one they may edit.
pub(super) async fn find_replaced(
    app: &App,
    call: &Call,
    asked: &BeginUpload,
) -> Result<Option<Replaced>, DocumentError> {
    let (Some(id), patient) = (asked.supersedes, asked.patient.as_ref()) else {
        return Ok(None);
    };
    let mut reader = app.db.reader().await?;
    let found = rows::find(&mut reader, call.clinic(), &Reference::Id(id)).await?;
    drop(reader);
    let Some(found) = found else { return Ok(None) };
    let (target, fits, replaced) = found.facts(|d| {
        let fits = d.patient_id.as_ref() == patient && d.state == State::Available;
        let already = d.superseded_by.is_some();
        (d.target(), fits, Replaced { category: d.category, release: d.release, already })
    });
    let own = target.owner.as_ref() == Some(call.caller.effective_user());
    let may = fits && (own || call.may(Action::EditDocument, &target).await?);
    Ok(may.then_some(replaced))
}

/// An error where something is to be replaced that may not be, or is already.
pub(super) fn check_replaced(
    asked: &BeginUpload,
    replaced: Option<&Replaced>,
) -> Result<(), DocumentError> {
    match replaced {
        Some(replaced) if replaced.already => Err(DocumentError::Superseded),
        None if asked.supersedes.is_some() => {
            // One answer for every way not to fit: it tells nothing the caller may not know.
            let right = "must be an available document of the same patient that you may edit";
            Err(DocumentError::field("supersedes", right))
        }
        _ => Ok(()),
    }
}

pub(super) fn row(
    app: &App,
    call: &Call,
    id: DocumentId,
    asked: BeginUpload,
    file_type: &FileType,
    replaced: Option<&Replaced>,
) -> Document {
    let (now, category) = (app.clock.now(), asked.category());
    let (entity_type, entity_id) = asked.entity.unzip();
    let is_own = call.caller.is_patient(asked.patient.as_ref());
    let replaced = replaced.map(|replaced| replaced.release);
    let release = Release::of_upload(&app.config.uploads, category, replaced, is_own);
    Document {
        id,
        patient_id: asked.patient,
        clinic_id: call.clinic(),
        owner_user_id: call.caller.effective_user().clone(),
        storage_provider: app.store.provider().to_owned(),
        bucket: app.store.bucket().to_owned(),
        object_key: String::new(),
        content_type: file_type.mime.to_owned(),
        byte_size: asked.size.most(),
        size_is_limit: asked.size.exact().is_none(),
        sha256_hex: asked.sha256.map(hex::encode),
        created_at: now,
        updated_at: now,
        state: State::Pending,
        state_reason: None,
        upload_expires_at: now,
        confirmed_at: None,
        deleted_at: None,
        deleted_by: None,
        version_id: None,
        etag: None,
        category,
        file_name: asked.file_name,
        entity_type,
        entity_id,
        temporary: asked.temporary,
        release,
        release_set_at: is_own.then_some(now),
        supersedes: asked.supersedes,
        upload_key: None,
        multipart_id: None,
        part_size: None,
        scan_verdict: None,
        scanned_at: None,
        purged_at: None,
        retain_until: None,
        hold_reason: None,
        held_at: None,
        held_by: None,
        superseded_by: None,
    }
}
