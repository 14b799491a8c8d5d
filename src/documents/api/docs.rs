//! `/api/docs`: guide 003's door.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::DocumentJson;
use crate::access::Call;
use crate::app::App;
use crate::documents::{self, Announced, BeginUpload, Category, Confirmed, DocumentError};
use crate::documents::{Document, Filter, Reference, Sort, list, stream_download};
use crate::http::disposition::{Disposition, header_value};
use crate::http::page::{self, Page};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, range};
use crate::ids::{ClinicId, DocumentId, PatientId};
use crate::sensitive::Phi;
use crate::time::Timestamp;

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
    /// Its exact size in bytes.
    size: u64,
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
}

/// Where to send the file, and how.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignUploadAnswer {
    /// The document to be.
    id: String,
    /// Its object key.
    key: String,
    /// Always `PUT`.
    method: &'static str,
    /// Where to send the file.
    url: String,
    /// Exactly the headers to send with it.
    headers: BTreeMap<String, String>,
    /// Seconds until the URL expires.
    expires_in: u64,
    /// When the URL expires.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// Allow one upload and say where the file goes.
#[utoipa::path(post, path = "/api/docs/presign-upload", tag = "documents",
    request_body = PresignUploadRequest,
    responses((status = 201, body = PresignUploadAnswer)))]
pub async fn presign_upload(
    State(app): State<App>,
    call: Call,
    ApiJson(body): ApiJson<PresignUploadRequest>,
) -> Result<(StatusCode, ApiJson<PresignUploadAnswer>), ApiError> {
    let begun = documents::begin_upload(&app, &call, read_presign(&call, body)?).await?;
    let expires_in = app.config.uploads.presign_expires.as_secs();
    Ok((
        StatusCode::CREATED,
        ApiJson(PresignUploadAnswer {
            id: begun.id.to_string(),
            key: begun.key,
            method: begun.request.method,
            url: begun.request.url,
            headers: begun.request.headers.into_iter().collect(),
            expires_in,
            expires_at: begun.request.expires_at,
        }),
    ))
}

/// Checks each field by itself and names all that are wrong.
fn read_presign(call: &Call, body: PresignUploadRequest) -> Result<BeginUpload, ApiError> {
    let mut fields = Fields::default();
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
    let asked = BeginUpload {
        patient: body.patient_id.map(PatientId::new),
        file_name: Phi::new(body.filename),
        content_type: body.content_type,
        size: body.size,
        category,
        entity,
        sha256: fields.sha256(body.sha256.as_deref()),
        supersedes: fields.parse("supersedes", body.supersedes.as_deref(), "a document's id"),
        temporary: body.temporary,
    };
    fields.done(asked)
}

/// Collects what is wrong with a request's fields.
#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Fields {
    fn wrong(&mut self, name: &str, right: String) {
        self.0.insert(name.to_owned(), right);
    }

    fn parse<T: std::str::FromStr>(
        &mut self,
        name: &str,
        text: Option<&str>,
        expected: &str,
    ) -> Option<T> {
        let text = text?;
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong(name, format!("must be {expected}"));
        }
        value
    }

    /// 64 hexadecimal digits, or 44 characters of base64.
    fn sha256(&mut self, text: Option<&str>) -> Option<[u8; 32]> {
        let text = text?;
        let bytes = hex::decode(text).or_else(|_| STANDARD.decode(text)).ok();
        let sha = bytes.and_then(|b| <[u8; 32]>::try_from(b).ok());
        if sha.is_none() {
            let right = "must be a SHA-256: 64 hexadecimal digits, or base64 of 32 bytes";
            self.wrong("sha256", right.to_owned());
        }
        sha
    }

    fn done<T>(self, value: T) -> Result<T, ApiError> {
        if self.0.is_empty() { Ok(value) } else { Err(ApiError::fields(self.0)) }
    }
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

/// Say that the upload is complete; makes the document.
#[utoipa::path(post, path = "/api/docs/confirm", tag = "documents",
    operation_id = "confirm_upload",
    request_body = ConfirmRequest,
    responses((status = 201, body = DocumentJson), (status = 200, body = DocumentJson,
        description = "It had been confirmed before.")))]
pub async fn confirm(
    State(app): State<App>,
    call: Call,
    ApiJson(body): ApiJson<ConfirmRequest>,
) -> Result<(StatusCode, ApiJson<DocumentJson>), ApiError> {
    let (reference, announced) = read_confirm(body)?;
    Ok(match documents::confirm_upload(&app, &call, &reference, &announced).await? {
        Confirmed::Now(document) => (StatusCode::CREATED, ApiJson(document.into())),
        Confirmed::Before(document) => (StatusCode::OK, ApiJson(document.into())),
    })
}

fn read_confirm(body: ConfirmRequest) -> Result<(Reference, Announced), ApiError> {
    let mut fields = Fields::default();
    let reference = match (body.id, body.key) {
        (Some(id), None) => fields.parse("id", Some(&id), "a document's id").map(Reference::Id),
        (None, Some(key)) => Some(Reference::Key(key)),
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

/// One document.
#[utoipa::path(get, path = "/api/docs/{id}", tag = "documents",
    operation_id = "get_document",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = DocumentJson)))]
pub async fn get(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    Ok(ApiJson(documents::read(&app, &call, id).await?.into()))
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
    cursor: Option<String>,
    /// How many, 1 to 1000; 50 when left out.
    limit: Option<u32>,
}

/// A page of documents the caller may see.
#[utoipa::path(get, path = "/api/docs", tag = "documents", params(ListQuery),
    responses((status = 200, body = Page<DocumentJson>)))]
pub async fn list_documents(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<ApiJson<Page<DocumentJson>>, ApiError> {
    let limit = page::limit(query.limit)?;
    let after = documents::position(query.cursor.as_deref())?;
    let filter = read_filter(query)?;
    let (documents, next) = list(&app, &call, &filter, after, limit).await?;
    Ok(ApiJson(Page {
        items: documents.into_iter().map(DocumentJson::from).collect(),
        next_cursor: next.as_ref().and_then(page::encode),
    }))
}

fn read_filter(query: ListQuery) -> Result<Filter, ApiError> {
    let mut fields = Fields::default();
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
    };
    fields.done(filter)
}

impl Fields {
    fn several<T>(&mut self, name: &str, text: &str) -> Vec<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let mut values = Vec::new();
        for item in items {
            match item.parse::<T>() {
                Ok(value) => values.push(value),
                Err(e) => self.wrong(name, e.to_string()),
            }
        }
        values
    }

    fn time(&mut self, name: &str, text: Option<&str>) -> Option<Timestamp> {
        let text = text?;
        let time = Timestamp::parse(text).ok();
        if time.is_none() {
            self.wrong(name, "must be a time such as 2026-02-03T04:05:06Z".to_owned());
        }
        time
    }
}

/// How the file is to be shown.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DownloadQuery {
    /// `attachment` (default) or `inline`.
    disposition: Option<String>,
    /// `true` answers 303 to the URL instead of JSON.
    #[serde(default)]
    redirect: bool,
}

/// A link to the bytes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadAnswer {
    /// Fetch it from here.
    url: String,
    /// Seconds until the URL expires.
    expires_in: u64,
    /// When the URL expires.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// The file's name.
    filename: String,
    /// Its media type.
    content_type: String,
    /// Its size in bytes.
    size: u64,
    /// SHA-256 of its bytes, hexadecimal.
    sha256: Option<String>,
}

/// A short-lived link to the document's bytes.
#[utoipa::path(get, path = "/api/docs/{id}/download", tag = "documents",
    operation_id = "issue_download",
    params(("id" = String, Path, format = "uuid"), DownloadQuery),
    responses((status = 200, body = DownloadAnswer),
        (status = 303, description = "With `redirect=true`: the URL is in Location.")))]
pub async fn download(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(query): ApiQuery<DownloadQuery>,
) -> Result<Response, ApiError> {
    let disposition = read_disposition(query.disposition.as_deref())?;
    let issued = documents::issue_download(&app, &call, id, disposition).await?;
    if query.redirect {
        let url = HeaderValue::from_str(&issued.request.url).map_err(|e| {
            ApiError::new(crate::http::Code::Internal, "The link is no header.").with_source(e)
        })?;
        return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response());
    }
    let answer = DownloadAnswer {
        url: issued.request.url,
        expires_in: app.config.uploads.presign_expires.as_secs(),
        expires_at: issued.request.expires_at,
        filename: issued.document.file_name.into_revealed(),
        content_type: issued.document.content_type,
        size: issued.document.byte_size,
        sha256: issued.document.sha256_hex,
    };
    Ok(ApiJson(answer).into_response())
}

fn read_disposition(text: Option<&str>) -> Result<Disposition, ApiError> {
    match text {
        None | Some("attachment") => Ok(Disposition::Attachment),
        Some("inline") => Ok(Disposition::Inline),
        Some(_) => Err(page::field("disposition", "must be inline or attachment")),
    }
}

/// Which way the bytes are to be shown.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// `attachment` (default) or `inline`.
    disposition: Option<String>,
}

/// The bytes themselves, streamed; `Range` is honoured.
#[utoipa::path(get, path = "/api/docs/{id}/content", tag = "documents",
    operation_id = "get_content",
    params(("id" = String, Path, format = "uuid"), ContentQuery),
    responses((status = 200, description = "The bytes.", content_type = "application/octet-stream"),
        (status = 206, description = "The range asked for."),
        (status = 304, description = "The bytes are those of the ETag given.")))]
pub async fn content(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(query): ApiQuery<ContentQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let disposition = read_disposition(query.disposition.as_deref())?;
    let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    let pick = |d: &Document| {
        let span = range::parse(asked, d.byte_size);
        span.map_err(|_| DocumentError::Range(d.byte_size)).map(|span| span.map(|s| s.start..s.end))
    };
    let streamed = stream_download(&app, &call, id, pick).await?;
    Ok(bytes_response(streamed, disposition))
}

fn bytes_response(streamed: documents::Streamed, asked: Disposition) -> Response {
    let document = &streamed.document;
    let shown = documents::shown(document, asked);
    let size = document.byte_size;
    let mut headers = HeaderMap::new();
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, &document.content_type);
    set(header::CONTENT_DISPOSITION, &header_value(shown, document.file_name.reveal()));
    set(header::ACCEPT_RANGES, "bytes");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    if let Some(sha) = &document.sha256_hex {
        set(header::ETAG, &format!("\"{sha}\""));
    }
    let status = match &streamed.range {
        Some(range) => {
            set(header::CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
            set(header::CONTENT_LENGTH, &(range.end - range.start).to_string());
            StatusCode::PARTIAL_CONTENT
        }
        None => {
            set(header::CONTENT_LENGTH, &size.to_string());
            StatusCode::OK
        }
    };
    (status, headers, Body::from_stream(streamed.stream)).into_response()
}

/// Move a document to the trash.
#[utoipa::path(delete, path = "/api/docs/{id}", tag = "documents",
    operation_id = "delete_document",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = DocumentJson)))]
pub async fn delete(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    Ok(ApiJson(documents::delete(&app, &call, id).await?.into()))
}

/// Bring a document back from the trash.
#[utoipa::path(post, path = "/api/docs/{id}/restore", tag = "documents",
    operation_id = "restore_document",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = DocumentJson)))]
pub async fn restore(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    Ok(ApiJson(documents::restore(&app, &call, id).await?.into()))
}
