//! What clients send to `/api/docs`, and how it is read into the domain's words.

use serde::Deserialize;
use utoipa::ToSchema;

use super::schemas;
use crate::access::Call;
use crate::documents::content::{Family, FileType, TYPES};
use crate::documents::{
    Announced, BeginUpload, Category, Filter, Reference, Sort, State, UNKNOWN_SIZE, names,
};
use crate::http::ApiError;
use crate::http::fields::Fields;
use crate::ids::{ClinicId, PatientId, UserId};
use crate::sensitive::Phi;
use crate::store::{Size, UploadMethod};

/// What is to be uploaded.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PresignUploadRequest {
    /// The patient; leave out for a general document of the clinic.
    #[schema(schema_with = schemas::id_text)]
    patient_id: Option<String>,
    /// The clinic; when given it must be the caller's.
    #[schema(schema_with = schemas::uuid)]
    clinic_id: Option<String>,
    /// The file's name, at most 255 bytes.
    #[schema(min_length = 1, max_length = 255)]
    filename: String,
    /// Its media type.
    #[schema(schema_with = schemas::content_type)]
    content_type: String,
    /// Its exact size in bytes. May be left out where nobody knows it: then its limit holds.
    #[schema(minimum = 1)]
    size: Option<u64>,
    /// Its category; when left out, that of the document it replaces, or `other`.
    #[schema(schema_with = schemas::category)]
    category: Option<String>,
    /// What else it belongs to: `provider`, `appointment`, …
    #[schema(schema_with = schemas::id_text)]
    entity_type: Option<String>,
    /// The id of that.
    #[schema(schema_with = schemas::id_text)]
    entity_id: Option<String>,
    /// SHA-256 of the file, as hexadecimal or base64; the store then checks it.
    #[schema(schema_with = schemas::sha256)]
    sha256: Option<String>,
    /// The document it replaces.
    #[schema(schema_with = schemas::uuid)]
    supersedes: Option<String>,
    /// Whether it may be cleaned up on its own.
    #[serde(default)]
    temporary: bool,
    /// `PUT` (default), or `POST` for a form: the answer then has `fields`.
    #[schema(schema_with = schemas::method)]
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
    let category = fields.read::<Category>("category", body.category.as_deref());
    let entity = read_entity(&mut fields, body.entity_type, body.entity_id);
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

/// What else an upload belongs to: kind and id, both or neither.
pub(super) fn read_entity(
    fields: &mut Fields,
    kind: Option<String>,
    id: Option<String>,
) -> Option<(String, String)> {
    match (kind, id) {
        (Some(kind), Some(id)) => return Some((kind, id)),
        (None, None) => {}
        (Some(_), None) => fields.wrong("entityId", "goes with entityType".to_owned()),
        (None, Some(_)) => fields.wrong("entityType", "goes with entityId".to_owned()),
    }
    None
}

/// Which upload is complete; what is said again must be as announced.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ConfirmRequest {
    /// The object key (or `id`).
    key: Option<String>,
    /// The document's id (or `key`).
    #[schema(schema_with = schemas::uuid)]
    id: Option<String>,
    /// The patient, as announced.
    patient_id: Option<String>,
    /// The media type, as announced.
    content_type: Option<String>,
    /// The size in bytes, as announced.
    size: Option<u64>,
    /// SHA-256 of the file.
    #[schema(schema_with = schemas::sha256)]
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
    #[param(schema_with = schemas::some_id)]
    patient_id: Option<String>,
    /// Categories, comma separated.
    #[param(schema_with = schemas::some_categories)]
    category: Option<String>,
    /// States, comma separated; `available,scanning,quarantined` when left out.
    #[param(schema_with = schemas::some_states)]
    state: Option<String>,
    /// Media types or families (`image`, `document`, `medical`, `sealed`), comma separated.
    #[param(schema_with = schemas::some_types)]
    r#type: Option<String>,
    /// What else it belongs to: `provider`, `appointment`, …
    #[param(schema_with = schemas::some_id)]
    entity_type: Option<String>,
    /// The id of that; goes with `entityType`.
    #[param(schema_with = schemas::some_id)]
    entity_id: Option<String>,
    /// Who uploaded it.
    #[param(schema_with = schemas::some_id)]
    uploaded_by: Option<String>,
    /// Whether it is under legal hold.
    held: Option<bool>,
    /// Whether the patient may see it.
    released: Option<bool>,
    /// Whether it may be cleaned up on its own.
    temporary: Option<bool>,
    /// Words of the file name; the beginning of a word is enough.
    #[param(max_length = 255)]
    q: Option<String>,
    /// Uploaded at or after this time (RFC 3339).
    from: Option<String>,
    /// Uploaded before this time (RFC 3339).
    to: Option<String>,
    /// `-created` (newest first), `created`, `filename` or `-size`.
    #[param(pattern = "^(-created|created|filename|-size)$")]
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
    if query.patient_id.as_ref().is_some_and(|id| id.chars().count() > 128) {
        fields.wrong("patientId", "must have at most 128 characters".to_owned());
    }
    let states = query.state.as_deref().unwrap_or("available,scanning,quarantined");
    if states.split(',').all(|state| state.trim().is_empty()) {
        fields.wrong("state", "names no state; leave it out for those in use".to_owned());
    }
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
    let states: Vec<State> = fields.several("state", states);
    let (from, to) =
        (fields.time("from", query.from.as_deref()), fields.time("to", query.to.as_deref()));
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        fields.wrong("to", "must be after from; nothing lies between them".to_owned());
    }
    if query.entity_id.is_some() && query.entity_type.is_none() {
        fields.wrong("entityType", "goes with entityId".to_owned());
    }
    let types = read_types(&mut fields, query.r#type.as_deref());
    let words = read_words(&mut fields, query.q.as_deref());
    let mut bounded = |name: &str, text: Option<String>| {
        if text.as_ref().is_some_and(|text| text.is_empty() || text.len() > 128) {
            fields.wrong(name, "must have from 1 to 128 bytes".to_owned());
        }
        text
    };
    let filter = Filter {
        patient: bounded("patientId", query.patient_id).map(PatientId::new),
        entity: bounded("entityType", query.entity_type)
            .zip(Some(bounded("entityId", query.entity_id))),
        uploader: bounded("uploadedBy", query.uploaded_by).map(UserId::new),
        categories: fields.several("category", query.category.as_deref().unwrap_or_default()),
        states,
        types,
        held: query.held,
        released: query.released,
        temporary: query.temporary,
        words,
        from,
        to,
        sort,
    };
    fields.done(filter)
}

/// The media types that are named, or whose family is.
fn read_types(fields: &mut Fields, text: Option<&str>) -> Vec<&'static str> {
    let mut found = Vec::new();
    for name in text.unwrap_or_default().split(',').map(str::trim).filter(|t| !t.is_empty()) {
        let family = match name {
            "image" => Some(Family::Image),
            "document" => Some(Family::Document),
            "medical" => Some(Family::Medical),
            "sealed" => Some(Family::Sealed),
            _ => None,
        };
        let named = FileType::find(name);
        let of = |t: &&FileType| family.map_or(named == Some(*t), |family| t.family == family);
        let types: Vec<_> = TYPES.iter().filter(of).map(|t| t.mime).collect();
        if types.is_empty() {
            let right =
                "must be image, document, medical, sealed or a media type that is accepted here";
            fields.wrong("type", right.to_owned());
        }
        found.extend(types);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The words that are looked for.
fn read_words(fields: &mut Fields, text: Option<&str>) -> Vec<String> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Vec::new() };
    let words = if text.len() > 255 { Vec::new() } else { names::sought(text) };
    if text.len() > 255 {
        fields.wrong("q", "must have at most 255 bytes".to_owned());
    } else if words.is_empty() {
        fields.wrong("q", "must have a letter or a digit to look for".to_owned());
    }
    words
}
