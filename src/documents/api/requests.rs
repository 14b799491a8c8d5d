//! What clients send to `/api/docs`, and how it is read into the domain's words.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::access::Call;
use crate::documents::{Announced, BeginUpload, Category, Filter, Reference, Sort, UNKNOWN_SIZE};
use crate::http::ApiError;
use crate::http::fields::Fields;
use crate::ids::{ClinicId, PatientId};
use crate::sensitive::Phi;
use crate::store::{Size, UploadMethod};

/// What is to be uploaded.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PresignUploadRequest {
    /// The patient; leave out for a general document of the clinic.
    #[schema(max_length = 128)]
    patient_id: Option<String>,
    /// The clinic; when given it must be the caller's.
    clinic_id: Option<String>,
    /// The file's name, at most 255 bytes.
    filename: String,
    /// Its media type.
    content_type: String,
    /// Its exact size in bytes. May be left out where nobody knows it, for a form and for parts.
    size: Option<u64>,
    /// Its category; `other` when left out.
    category: Option<String>,
    /// What else it belongs to: `provider`, `appointment`, …
    entity_type: Option<String>,
    /// The id of that.
    entity_id: Option<String>,
    /// SHA-256 of the file, as hexadecimal or base64; the store then checks it.
    sha256: Option<String>,
    /// The document it replaces.
    supersedes: Option<String>,
    /// Whether it may be cleaned up on its own.
    #[serde(default)]
    temporary: bool,
    /// `PUT` (default), or `POST` for a form: the answer then has `fields`.
    method: Option<String>,
    /// The size of a part in bytes, for an upload in parts; chosen when left out.
    part_size: Option<u64>,
}

/// An upload as a client asks for it.
pub(super) struct AskedUpload {
    /// What is announced.
    pub(super) begin: BeginUpload,
    /// How it is to be sent.
    pub(super) method: UploadMethod,
    /// The size of its parts.
    pub(super) part_size: Option<u64>,
}

/// Checks each field by itself and names all that are wrong.
pub(super) fn read_presign(
    call: &Call,
    body: PresignUploadRequest,
    in_parts: bool,
) -> Result<AskedUpload, ApiError> {
    let mut fields = Fields::default();
    if in_parts && body.method.is_some() {
        fields.wrong("method", "parts always go by PUT; leave it out".to_owned());
    } else if !in_parts && body.part_size.is_some() {
        fields.wrong("partSize", "goes with POST /api/docs/multipart".to_owned());
    }
    let clinic: Option<ClinicId> = fields.parse("clinicId", body.clinic_id.as_deref(), "a UUID");
    if clinic.is_some_and(|clinic| clinic != call.clinic()) {
        return Err(ApiError::not_found());
    }
    let category = body.category.as_deref().map(str::parse::<Category>);
    let category = match category.transpose() {
        Ok(category) => category.unwrap_or(Category::Other),
        Err(e) => {
            fields.wrong("category", e.to_string());
            Category::Other
        }
    };
    let entity = match (body.entity_type, body.entity_id) {
        (Some(kind), Some(id)) => Some((kind, id)),
        (None, None) => None,
        (Some(_), None) => {
            fields.wrong("entityId", "goes with entityType".to_owned());
            None
        }
        (None, Some(_)) => {
            fields.wrong("entityType", "goes with entityId".to_owned());
            None
        }
    };
    let method = match body.method.as_deref() {
        None | Some("PUT") => UploadMethod::Put,
        Some("POST") => UploadMethod::Form,
        Some(_) => {
            fields.wrong("method", "must be PUT or POST".to_owned());
            UploadMethod::Put
        }
    };
    let begin = BeginUpload {
        patient: body.patient_id.map(PatientId::new),
        file_name: Phi::new(body.filename),
        content_type: body.content_type,
        size: body.size.map_or(UNKNOWN_SIZE, Size::Exactly),
        category,
        entity,
        sha256: fields.sha256(body.sha256.as_deref()),
        supersedes: fields.parse("supersedes", body.supersedes.as_deref(), "a document's id"),
        temporary: body.temporary,
    };
    fields.done(AskedUpload { begin, method, part_size: body.part_size })
}

/// Which upload is complete; what is said again must be as announced.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmRequest {
    /// The object key (or `id`).
    key: Option<String>,
    /// The document's id (or `key`).
    id: Option<String>,
    /// The patient, as announced.
    patient_id: Option<String>,
    /// The media type, as announced.
    content_type: Option<String>,
    /// The size in bytes, as announced.
    size: Option<u64>,
    /// SHA-256 of the file.
    sha256: Option<String>,
}

/// Which upload, and what is said again of it.
pub(super) fn read_confirm(
    bucket: &str,
    body: ConfirmRequest,
) -> Result<(Reference, Announced), ApiError> {
    let mut fields = Fields::default();
    let reference = match (body.id, body.key) {
        (Some(id), None) => fields.parse("id", Some(&id), "a document's id").map(Reference::Id),
        (None, Some(key)) => Some(Reference::Key { bucket: bucket.to_owned(), key }),
        _ => {
            fields.wrong("key", "give key or id, one of them".to_owned());
            None
        }
    };
    let announced = Announced {
        patient: body.patient_id.map(PatientId::new),
        content_type: body.content_type,
        size: body.size,
        sha256: fields.sha256(body.sha256.as_deref()),
    };
    let reference = fields.done(reference)?;
    reference.map(|r| (r, announced)).ok_or_else(ApiError::not_found)
}

/// What to list.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// One patient's documents.
    patient_id: Option<String>,
    /// Categories, comma separated.
    category: Option<String>,
    /// States, comma separated; `available,scanning,quarantined` when left out.
    state: Option<String>,
    /// A piece of the file name.
    q: Option<String>,
    /// Uploaded at or after this time (RFC 3339).
    from: Option<String>,
    /// Uploaded before this time (RFC 3339).
    to: Option<String>,
    /// `-created` (newest first), `created`, `filename` or `-size`.
    sort: Option<String>,
    /// `nextCursor` of the page before.
    pub(super) cursor: Option<String>,
    /// How many, 1 to 1000; 50 when left out.
    pub(super) limit: Option<u32>,
}

/// What to list, and in which order.
pub(super) fn read_filter(query: ListQuery) -> Result<Filter, ApiError> {
    let mut fields = Fields::default();
    if query.q.as_ref().is_some_and(|q| q.len() > 255) {
        fields.wrong("q", "must have at most 255 bytes".to_owned());
    }
    if query.patient_id.as_ref().is_some_and(|id| id.len() > 128) {
        fields.wrong("patientId", "must have at most 128 bytes".to_owned());
    }
    let states = query.state.as_deref().unwrap_or("available,scanning,quarantined");
    let sort = match query.sort.as_deref() {
        None | Some("-created") => Sort::Newest,
        Some("created") => Sort::Oldest,
        Some("filename") => Sort::Name,
        Some("-size") => Sort::Largest,
        Some(_) => {
            fields.wrong("sort", "must be -created, created, filename or -size".to_owned());
            Sort::Newest
        }
    };
    let filter = Filter {
        patient: query.patient_id.map(PatientId::new),
        categories: fields.several("category", query.category.as_deref().unwrap_or_default()),
        states: fields.several("state", states),
        name_contains: query.q.filter(|q| !q.trim().is_empty()),
        from: fields.time("from", query.from.as_deref()),
        to: fields.time("to", query.to.as_deref()),
        sort,
        ..Filter::default()
    };
    fields.done(filter)
}
