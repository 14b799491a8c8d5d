//! `/api/docs/multipart`: guide 003's door for large files.

use std::collections::BTreeMap;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::{PresignUploadRequest, read_presign};
use super::{DocumentJson, answer};
use crate::access::Call;
use crate::app::App;
use crate::documents::{self, DocumentError, PART_NUMBERS};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Nothing};
use crate::ids::DocumentId;
use crate::store::UploadedPart;
use crate::time::Timestamp;

/// An upload in parts.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MultipartAnswer {
    /// Names the upload in the calls that follow.
    upload_id: String,
    /// The document to be.
    id: String,
    /// Its object key.
    key: String,
    /// The size of every part but the last, in bytes.
    part_size: u64,
    /// How many parts there are; numbers begin at 1. At most, where nobody knows the size.
    part_count: u64,
    /// When the upload is given up if it is not complete.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// Allow one upload in parts.
#[utoipa::path(post, path = "/api/docs/multipart",
    operation_id = "beginMultipart", tag = "documents",
    request_body = PresignUploadRequest,
    responses((status = 201, body = MultipartAnswer)))]
pub async fn begin(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<PresignUploadRequest>,
) -> Result<(StatusCode, ApiJson<MultipartAnswer>), ApiError> {
    let asked = read_presign(&call, body, true)?;
    let begun = documents::begin_parts(&app, &call, asked.begin, asked.part_size).await?;
    let document = begun.document;
    let answer = MultipartAnswer {
        upload_id: document.id.to_string(),
        id: document.id.to_string(),
        part_size: document.part_size.unwrap_or_default().cast_unsigned(),
        part_count: begun.part_count,
        expires_at: document.upload_expires_at,
        key: document.object_key,
    };
    Ok((StatusCode::CREATED, ApiJson(answer)))
}

/// Which parts are to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignPartsRequest {
    /// Their numbers, at most 1,000.
    #[schema(min_items = 1, max_items = 1000)]
    part_numbers: Vec<u32>,
}

/// Where to send one part.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedPart {
    /// Its number.
    part_number: u32,
    /// Where to PUT it.
    url: String,
    /// Exactly the headers to send with it.
    headers: BTreeMap<String, String>,
    /// When the URL expires.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// Where to send some parts.
#[derive(Serialize, ToSchema)]
pub struct SignedParts {
    parts: Vec<SignedPart>,
}

/// Say where some parts go; may be asked again when a URL has expired.
#[utoipa::path(post, path = "/api/docs/multipart/{uploadId}/parts",
    operation_id = "signParts", tag = "documents",
    params(("uploadId" = String, Path, format = "uuid")),
    request_body = SignPartsRequest,
    responses((status = 200, body = SignedParts)))]
pub async fn sign(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<SignPartsRequest>,
) -> Result<ApiJson<SignedParts>, ApiError> {
    let expires = app.config.uploads.presign_expires;
    let signed = documents::sign_parts(&app, &call, id, &body.part_numbers, expires).await?;
    let parts = signed.into_iter().map(|(part_number, request)| SignedPart {
        part_number,
        url: request.url,
        headers: request.headers.into_iter().collect(),
        expires_at: request.expires_at,
    });
    Ok(ApiJson(SignedParts { parts: parts.collect() }))
}

/// A part that is there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartJson {
    /// Its number.
    part_number: u32,
    /// Its size in bytes.
    size: u64,
    /// Its ETag, without quotes.
    etag: String,
}

impl From<UploadedPart> for PartJson {
    fn from(part: UploadedPart) -> Self {
        Self { part_number: part.number, size: part.size, etag: part.etag }
    }
}

/// How far an upload in parts has come.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProgressAnswer {
    /// The parts that are there.
    parts: Vec<PartJson>,
    /// The size of every part but the last, in bytes.
    part_size: u64,
    /// How many parts there will be.
    part_count: u64,
    /// The size of the file in bytes.
    size: u64,
    /// When the upload is given up if it is not complete.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// The parts that are there, so that an upload can go on where it ended.
#[utoipa::path(get, path = "/api/docs/multipart/{uploadId}/parts",
    operation_id = "listParts", tag = "documents",
    params(("uploadId" = String, Path, format = "uuid")),
    responses((status = 200, body = ProgressAnswer)))]
pub async fn progress(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<ProgressAnswer>, ApiError> {
    let progress = documents::upload_progress(&app, &call, id).await?;
    Ok(ApiJson(ProgressAnswer {
        parts: progress.parts.into_iter().map(PartJson::from).collect(),
        part_size: progress.document.part_size.unwrap_or_default().cast_unsigned(),
        part_count: progress.part_count,
        size: progress.document.byte_size,
        expires_at: progress.document.upload_expires_at,
    }))
}

/// What the client knows of its parts.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CompleteRequest {
    /// Every part; when left out, what is there is taken.
    parts: Option<Vec<NamedPart>>,
}

/// A part as the client names it.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamedPart {
    /// Its number.
    #[schema(minimum = 1, maximum = 10_000)]
    part_number: u32,
    /// The ETag that its upload was answered with.
    etag: String,
}

/// Put the parts together; makes the document. All its bytes are read once to check them.
#[utoipa::path(post, path = "/api/docs/multipart/{uploadId}/complete",
    operation_id = "completeMultipart", tag = "documents",
    params(("uploadId" = String, Path, format = "uuid")),
    request_body = CompleteRequest,
    responses((status = 201, body = DocumentJson), (status = 200, body = DocumentJson,
        description = "It had been completed before.")))]
pub async fn complete(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<CompleteRequest>,
) -> Result<(StatusCode, ApiJson<DocumentJson>), ApiError> {
    let named = body.parts.map(|parts| -> Vec<(u32, String)> {
        parts.into_iter().map(|part| (part.part_number, part.etag)).collect()
    });
    // Also of an upload that was completed before, whose parts nobody compares any more.
    if named.iter().flatten().any(|(number, _)| !PART_NUMBERS.contains(number)) {
        let right = "must be numbered from 1 to 10000";
        return Err(DocumentError::field("parts", right).into());
    }
    let confirmed = documents::complete_upload(&app, &call, id, named.as_deref()).await?;
    Ok(answer(&call, confirmed))
}

/// Give an upload up; nothing of it stays.
#[utoipa::path(delete, path = "/api/docs/multipart/{uploadId}",
    operation_id = "abortMultipart", tag = "documents",
    params(("uploadId" = String, Path, format = "uuid")),
    responses((status = 204)))]
pub async fn abort(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<StatusCode, ApiError> {
    documents::abort_upload(&app, &call, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
