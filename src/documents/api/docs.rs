//! `/api/docs`: guide 003's door.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::{
    ConfirmRequest, ListQuery, PresignUploadRequest, read_confirm, read_filter, read_presign,
};
use super::{DocumentJson, Sight, answer, bytes, rendition, schemas};
use crate::access::Call;
use crate::app::App;
use crate::documents::{self, Confirmed, Reference, list};
use crate::http::disposition::Disposition;
use crate::http::paced::paced;
use crate::http::page::{self, Page};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Nothing, to_the_end};
use crate::ids::DocumentId;
use crate::store::StoreError;
use crate::time::Timestamp;

/// Where to send the file, and how.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignUploadAnswer {
    /// The document to be.
    id: String,
    /// Its object key.
    key: String,
    /// `PUT`, or `POST` where a form was asked for.
    method: &'static str,
    /// Where to send the file.
    url: String,
    /// Exactly the headers to send with it.
    headers: BTreeMap<String, String>,
    /// The fields of a form; the file follows them under the name `file`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
    /// Seconds until the URL expires.
    expires_in: u64,
    /// When the URL expires.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
}

/// Allow one upload and say where the file goes.
#[utoipa::path(post, path = "/api/docs/presign-upload",
    operation_id = "presignUpload", tag = "documents",
    request_body = PresignUploadRequest,
    responses((status = 201, body = PresignUploadAnswer)))]
pub async fn presign_upload(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<PresignUploadRequest>,
) -> Result<(StatusCode, ApiJson<PresignUploadAnswer>), ApiError> {
    let asked = read_presign(&call, body, false)?;
    let begun = documents::begin_upload(&app, &call, asked.begin, asked.method).await?;
    let expires_in =
        seconds_until(&app, begun.request.expires_at, app.config.uploads.presign_expires);
    Ok((
        StatusCode::CREATED,
        ApiJson(PresignUploadAnswer {
            id: begun.id.to_string(),
            key: begun.key,
            method: begun.request.method,
            url: begun.request.url,
            headers: begun.request.headers.into_iter().collect(),
            fields: begun.request.fields.into_iter().collect(),
            expires_in,
            expires_at: begun.request.expires_at,
        }),
    ))
}

/// How long a URL lives that was signed just now: what was asked for, or as long as temporary
/// credentials last.
pub(super) fn seconds_until(app: &App, end: Timestamp, asked: Duration) -> u64 {
    let left = end.seconds() - app.clock.now().seconds();
    // A second may have passed since.
    let left = u64::try_from(left.saturating_add(1)).unwrap_or_default();
    left.min(asked.as_secs())
}

/// Say that the upload is complete; makes the document.
#[utoipa::path(post, path = "/api/docs/confirm",
    operation_id = "confirmUpload", tag = "documents",
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
    Ok(answer(&call, confirmed))
}

/// Send the bytes of an announced upload through the server, and confirm it in one go.
#[utoipa::path(put, path = "/api/docs/{id}/content",
    operation_id = "receiveContent", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = DocumentJson)))]
pub async fn receive(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, ApiJson<DocumentJson>), ApiError> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    let body = paced(body.into_data_stream(), app.config.uploads.body_timeout);
    let body = body.map_err(StoreError::unavailable).boxed();
    let sight = Sight::of(&call);
    let received =
        to_the_end(
            async move { Ok(documents::receive_upload(&app, &call, id, length, body).await?) },
        );
    let (Confirmed::Now(document) | Confirmed::Before(document)) = received.await?;
    Ok((StatusCode::CREATED, ApiJson(DocumentJson::seen(sight, document))))
}

/// One document.
#[utoipa::path(get, path = "/api/docs/{id}",
    operation_id = "getDocument", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = DocumentJson)))]
pub async fn get(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    let document = documents::read(&app, &call, id).await?;
    Ok(ApiJson(DocumentJson::seen_by(&call, document)))
}

/// A page of documents the caller may see.
#[utoipa::path(get, path = "/api/docs",
    operation_id = "listDocuments", tag = "documents",
    params(ListQuery),
    responses((status = 200, body = Page<DocumentJson>)))]
pub async fn list_documents(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<ListQuery>,
) -> Result<ApiJson<Page<DocumentJson>>, ApiError> {
    let limit = page::limit(query.limit)?;
    let after = documents::position(&app, query.cursor.as_deref())?;
    let filter = read_filter(query)?;
    let (documents, next) = list(&app, &call, &filter, after, limit).await?;
    Ok(ApiJson(Page {
        items: documents.into_iter().map(|d| DocumentJson::seen_by(&call, d)).collect(),
        next_cursor: next.and_then(|position| documents::cursor(&app, &position)),
    }))
}

/// How the file is to be shown.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DownloadQuery {
    /// `attachment` (default) or `inline`.
    #[param(schema_with = schemas::disposition)]
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
#[utoipa::path(get, path = "/api/docs/{id}/download",
    operation_id = "downloadDocument", tag = "documents",
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
    let (reference, expires) = (Reference::Id(id), app.config.uploads.presign_expires);
    let issued = documents::issue_download(&app, &call, &reference, disposition, expires).await?;
    if query.redirect {
        let url = HeaderValue::from_str(&issued.request.url).map_err(|e| {
            ApiError::new(crate::http::Code::Internal, "The link is no header.").with_source(e)
        })?;
        return Ok((StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response());
    }
    let answer = DownloadAnswer {
        url: issued.request.url,
        expires_in: seconds_until(&app, issued.request.expires_at, expires),
        expires_at: issued.request.expires_at,
        filename: issued.document.file_name.into_revealed(),
        content_type: issued.document.content_type,
        size: issued.document.byte_size,
        sha256: issued.document.sha256_hex,
    };
    Ok(ApiJson(answer).into_response())
}

pub(super) fn read_disposition(text: Option<&str>) -> Result<Disposition, ApiError> {
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
    #[param(schema_with = schemas::disposition)]
    disposition: Option<String>,
    /// `true`: an SVG without scripts and links to elsewhere; other types have no such rendition.
    #[serde(default)]
    harmless: bool,
}

/// The bytes themselves, streamed; `Range` is honoured.
#[utoipa::path(get, path = "/api/docs/{id}/content",
    operation_id = "documentContent", tag = "documents",
    params(("id" = String, Path, format = "uuid"), ContentQuery),
    responses((status = 200, description = "The bytes.", body = Vec<u8>, content_type = "*/*"),
        (status = 206, description = "The range asked for.", body = Vec<u8>, content_type = "*/*"),
        (status = 304, description = "The bytes are those of the ETag given.")))]
pub async fn content(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(query): ApiQuery<ContentQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let disposition = read_disposition(query.disposition.as_deref())?;
    if query.harmless {
        let (document, bytes) = documents::clean_rendition(&app, &call, id).await?;
        return Ok(rendition::cleaned(&document, bytes, disposition));
    }
    bytes::serve(&app, &call, &Reference::Id(id), &method, &headers, disposition).await
}

/// Have a document scanned again; until the scanner has spoken it is not served.
#[utoipa::path(post, path = "/api/docs/{id}/scan",
    operation_id = "rescanDocument", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 202, body = DocumentJson)))]
pub async fn rescan(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<(StatusCode, ApiJson<DocumentJson>), ApiError> {
    let document = documents::rescan(&app, &call, id).await?;
    Ok((StatusCode::ACCEPTED, ApiJson(DocumentJson::seen_by(&call, document))))
}
