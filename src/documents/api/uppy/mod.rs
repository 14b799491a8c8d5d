//! `/api/uppy/s3`: what `@uppy/aws-s3` 4 to 6 asks of a Companion, over the same operations as
//! every other door.
//!
//! Every success is 200 with JSON, and no answer has a field `error` (the clients take one for a
//! failure). The document's id is the `uploadId`. Keys are told because the clients want to know
//! them.

mod requests;
pub mod tickets;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use self::requests::{
    CompleteRequest, CreateRequest, check_key, read_create, read_number, read_numbers, read_params,
    read_parts,
};
use super::docs::seconds_until;
use super::requests::{ConfirmRequest, read_confirm};
use super::{DocumentJson, schemas};
use crate::access::Call;
use crate::app::App;
use crate::documents::{self, Confirmed};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Code, Nothing};
use crate::ids::DocumentId;
use crate::store::UploadMethod;

/// How long the URL of a part lives at least. Uppy 6 signs a part once and never again, and sends
/// the parts of a file one after the other: a URL must outlast its part on a slow line. It is worth
/// nothing once the upload is complete or given up.
const PART_LIFE: Duration = Duration::from_hours(1);

/// Where some clients ask for credentials of the bucket; see [`sts`].
pub const STS: &str = "/api/uppy/s3/sts";

/// Where one of these operations is found: without a ticket, and behind one. A client whose base
/// ends in a slash asks with two. None: it is another door's.
pub fn spellings(path: &str) -> Option<[[String; 2]; 2]> {
    let rest = path.strip_prefix("/api/uppy/s3")?;
    let of = |base: &str| ["/s3", "//s3"].map(|s3| format!("{base}{s3}{rest}"));
    Some([of("/api/uppy"), of("/api/uppy/t/{ticket}")])
}

/// How to send a file in one request.
#[derive(Serialize, ToSchema)]
pub struct ParamsAnswer {
    /// `POST`: a form.
    method: &'static str,
    /// Where to send it.
    url: String,
    /// The fields of the form, before the field `file`.
    fields: BTreeMap<String, String>,
    /// Seconds it can be sent for.
    expires: u64,
    /// The document to be.
    id: String,
}

/// What is said of a file in a query.
#[derive(utoipa::IntoParams)]
#[expect(dead_code, reason = "it only describes the query")]
#[into_params(parameter_in = Query)]
pub struct ParamsQuery {
    /// The file's name.
    #[param(schema_with = schemas::file_name, required)]
    filename: String,
    /// Its media type.
    #[param(schema_with = schemas::browser_type)]
    r#type: Option<String>,
    /// `metadata[patientId]`, `[category]`, `[entityType]`, `[entityId]`, `[size]`, `[sha256]`,
    /// `[supersedes]`, `[temporary]`.
    #[param(schema_with = schemas::metadata)]
    metadata: Option<String>,
}

/// Allow one upload in one request. Afterwards nothing calls the server by itself: the page
/// confirms it, see docs/api.md.
#[utoipa::path(get, path = "/api/uppy/s3/params",
    operation_id = "uppyParams", tag = "uppy",
    params(ParamsQuery),
    responses((status = 200, body = ParamsAnswer)))]
pub async fn params(
    State(app): State<App>,
    call: Call,
    RawQuery(query): RawQuery,
) -> Result<ApiJson<ParamsAnswer>, ApiError> {
    let asked = read_params(&call, query.as_deref().unwrap_or_default())?;
    if !app.store.abilities()?.forms {
        let detail = "This store takes no upload forms, which Uppy sends small files by. Set \
                      shouldUseMultipart: true, so that every file goes in parts.";
        return Err(ApiError::new(Code::BadRequest, detail));
    }
    let begun = documents::begin_upload(&app, &call, asked, UploadMethod::Form).await?;
    let mut fields: BTreeMap<String, String> = begun.request.fields.into_iter().collect();
    fields.insert("bucket".to_owned(), app.store.bucket().to_owned());
    Ok(ApiJson(ParamsAnswer {
        method: begun.request.method,
        url: begun.request.url,
        fields,
        expires: seconds_until(&app, begun.request.expires_at, app.config.uploads.presign_expires),
        id: begun.id.to_string(),
    }))
}

/// An upload in parts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateAnswer {
    /// Its object key.
    key: String,
    /// Names the upload in the calls that follow; the document's id.
    upload_id: String,
    /// The bucket.
    bucket: String,
}

/// Allow one upload in parts.
#[utoipa::path(post, path = "/api/uppy/s3/multipart",
    operation_id = "uppyCreateMultipart", tag = "uppy",
    request_body = CreateRequest,
    responses((status = 200, body = CreateAnswer)))]
pub async fn create(
    State(app): State<App>,
    call: Call,
    ApiJson(body): ApiJson<CreateRequest>,
) -> Result<ApiJson<CreateAnswer>, ApiError> {
    let asked = read_create(&app.config.uploads, &call, body)?;
    let document = documents::begin_parts(&app, &call, asked, None).await?.document;
    Ok(ApiJson(CreateAnswer {
        key: document.object_key,
        upload_id: document.id.to_string(),
        bucket: document.bucket,
    }))
}

/// An upload, by its place in the path; a ticket before it is not looked at here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadPath {
    upload_id: DocumentId,
}

/// A part of an upload.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartPath {
    upload_id: DocumentId,
    part_number: String,
}

/// A part that is there, in S3's words.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ListedPart {
    /// Its number.
    part_number: u32,
    /// Its size in bytes.
    size: u64,
    /// Its ETag, with quotes.
    #[serde(rename = "ETag")]
    etag: String,
}

/// Which parts are there, so that an upload can go on where it ended.
#[utoipa::path(get, path = "/api/uppy/s3/multipart/{uploadId}",
    operation_id = "uppyListParts", tag = "uppy",
    params(("uploadId" = String, Path, format = "uuid"), ("key" = String, Query)),
    responses((status = 200, body = Vec<ListedPart>)))]
pub async fn list_parts(
    State(app): State<App>,
    call: Call,
    ApiPath(path): ApiPath<UploadPath>,
    RawQuery(query): RawQuery,
) -> Result<ApiJson<Vec<ListedPart>>, ApiError> {
    check_key(query.as_deref())?;
    let progress = documents::upload_progress(&app, &call, path.upload_id).await?;
    let parts = progress.parts.into_iter().map(|part| ListedPart {
        part_number: part.number,
        size: part.size,
        etag: format!("\"{}\"", part.etag),
    });
    Ok(ApiJson(parts.collect()))
}

/// Where to send one part.
#[derive(Serialize, ToSchema)]
pub struct SignPartAnswer {
    /// Where to PUT it.
    url: String,
    /// Seconds a client waits for it at most; the URL lives no shorter.
    expires: u64,
}

/// Say where one part goes; may be asked again.
#[utoipa::path(get, path = "/api/uppy/s3/multipart/{uploadId}/{partNumber}",
    operation_id = "uppySignPart", tag = "uppy",
    params(("uploadId" = String, Path, format = "uuid"), ("partNumber" = String, Path),
        ("key" = String, Query)),
    responses((status = 200, body = SignPartAnswer)))]
pub async fn sign_part(
    State(app): State<App>,
    call: Call,
    ApiPath(path): ApiPath<PartPath>,
    RawQuery(query): RawQuery,
) -> Result<ApiJson<SignPartAnswer>, ApiError> {
    check_key(query.as_deref())?;
    let number = read_number(&path.part_number)?;
    let url = sign(&app, &call, path.upload_id, &[number]).await?.remove(&number);
    let expires = app.config.uploads.presign_expires.as_secs();
    let answer = url.map(|url| ApiJson(SignPartAnswer { url, expires }));
    answer.ok_or_else(|| ApiError::new(Code::Internal, "The part was not signed."))
}

/// The URLs of some parts, by number.
async fn sign(
    app: &App,
    call: &Call,
    id: DocumentId,
    numbers: &[u32],
) -> Result<BTreeMap<u32, String>, ApiError> {
    let life = app.config.uploads.presign_expires.max(PART_LIFE);
    let signed = documents::sign_parts(app, call, id, numbers, life).await?;
    Ok(signed.into_iter().map(|(number, request)| (number, request.url)).collect())
}

/// Where to send several parts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Part number → URL.
    presigned_urls: BTreeMap<String, String>,
}

/// Say where several parts go, for clients before Uppy 3.3.
#[utoipa::path(get, path = "/api/uppy/s3/multipart/{uploadId}/batch",
    operation_id = "uppySignBatch", tag = "uppy",
    params(("uploadId" = String, Path, format = "uuid"), ("key" = String, Query),
        ("partNumbers" = String, Query, description = "Comma separated.")),
    responses((status = 200, body = BatchAnswer)))]
pub async fn sign_batch(
    State(app): State<App>,
    call: Call,
    ApiPath(path): ApiPath<UploadPath>,
    RawQuery(query): RawQuery,
) -> Result<ApiJson<BatchAnswer>, ApiError> {
    check_key(query.as_deref())?;
    let numbers = read_numbers(query.as_deref())?;
    let signed = sign(&app, &call, path.upload_id, &numbers).await?;
    let presigned_urls = signed.into_iter().map(|(number, url)| (number.to_string(), url));
    Ok(ApiJson(BatchAnswer { presigned_urls: presigned_urls.collect() }))
}

/// A document that came in parts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CompleteAnswer {
    /// Where its content is, for those who may see it.
    location: String,
    /// Its object key.
    key: String,
    /// The bucket.
    bucket: String,
    /// The document.
    id: String,
    /// The same.
    document_id: String,
}

/// Make the document of the parts; may be said again.
#[utoipa::path(post, path = "/api/uppy/s3/multipart/{uploadId}/complete",
    operation_id = "uppyComplete", tag = "uppy",
    params(("uploadId" = String, Path, format = "uuid"), ("key" = String, Query)),
    request_body = CompleteRequest,
    responses((status = 200, body = CompleteAnswer)))]
pub async fn complete(
    State(app): State<App>,
    call: Call,
    ApiPath(path): ApiPath<UploadPath>,
    RawQuery(query): RawQuery,
    ApiJson(body): ApiJson<CompleteRequest>,
) -> Result<ApiJson<CompleteAnswer>, ApiError> {
    check_key(query.as_deref())?;
    let parts = read_parts(body)?;
    let done = documents::complete_upload(&app, &call, path.upload_id, Some(&parts)).await?;
    let (Confirmed::Now(document) | Confirmed::Before(document)) = done;
    let id = document.id.to_string();
    Ok(ApiJson(CompleteAnswer {
        location: format!("{}/api/docs/{id}/content", app.config.server.public_url),
        key: document.object_key,
        bucket: document.bucket,
        document_id: id.clone(),
        id,
    }))
}

/// Give an upload up; nothing of it stays.
#[utoipa::path(delete, path = "/api/uppy/s3/multipart/{uploadId}",
    operation_id = "uppyAbort", tag = "uppy",
    params(("uploadId" = String, Path, format = "uuid"), ("key" = String, Query)),
    responses((status = 200, description = "An empty object.")))]
pub async fn abort(
    State(app): State<App>,
    call: Call,
    ApiPath(path): ApiPath<UploadPath>,
    RawQuery(query): RawQuery,
) -> Result<ApiJson<Value>, ApiError> {
    check_key(query.as_deref())?;
    documents::abort_upload(&app, &call, path.upload_id).await?;
    Ok(ApiJson(json!({})))
}

/// Say that an upload in one request is complete; as `/api/docs/confirm`, for pages that hold no
/// more than a ticket.
#[utoipa::path(post, path = "/api/uppy/s3/confirm",
    operation_id = "uppyConfirm", tag = "uppy",
    request_body = ConfirmRequest,
    responses((status = 201, body = DocumentJson), (status = 200, body = DocumentJson,
        description = "It had been confirmed before.")))]
pub async fn confirm(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<ConfirmRequest>,
) -> Result<(StatusCode, ApiJson<DocumentJson>), ApiError> {
    let (reference, announced) = read_confirm(app.store.bucket(), body)?;
    let confirmed = documents::confirm_upload(&app, &call, &reference, &announced).await?;
    Ok(super::answer(&call, confirmed))
}

/// Credentials of the bucket itself are for nobody: they would reach every object.
pub async fn sts() -> ApiError {
    let detail = "This server does not support STS credentials; leave \
                  getTemporarySecurityCredentials out.";
    ApiError::new(Code::BadRequest, detail)
}
