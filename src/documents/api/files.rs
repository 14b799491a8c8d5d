//! `/api/v2/aws/s3`: guide 001's door, by object key. A key is only a name here: each call finds
//! the document behind it and asks the policy about that.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::docs::{read_disposition, seconds_until};
use super::form::{Said, receive};
use super::records::FileForm;
use super::{DocumentJson, Sight, bytes, schemas};
use crate::access::{Action, Call};
use crate::app::App;
use crate::documents::{self, Change, Document, Reference, list};
use crate::http::{ApiError, ApiJson, ApiQuery, Nothing, page};
use crate::time::Timestamp;

/// A file as guide 001 sees it: a document with its key, and where to fetch it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileJson {
    /// The document.
    #[serde(flatten)]
    document: DocumentJson,
    /// The file's name.
    file_name: String,
    /// When it last changed.
    #[schema(value_type = String, format = "date-time")]
    last_modified: Timestamp,
    /// Its bytes, for who may read them: this server asks for a credential.
    url: String,
    /// Answers a presigned URL that needs no credential, for who may have one.
    presigned_url: String,
}

impl FileJson {
    fn new(app: &App, sight: Sight, d: Document) -> Self {
        let key = utf8_percent_encode(&d.object_key, NON_ALPHANUMERIC);
        let public = &app.config.server.public_url;
        let url = format!("{public}/api/v2/aws/s3/download?key={key}");
        Self {
            file_name: d.file_name.reveal().clone(),
            last_modified: d.updated_at,
            presigned_url: format!("{url}&presigned=true"),
            url,
            document: DocumentJson::seen(sight, d),
        }
    }
}

/// Upload a file. The fields may stand before the file or behind it.
#[utoipa::path(post, path = "/api/v2/aws/s3/upload",
    operation_id = "uploadFile", tag = "storage",
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 201, body = FileJson)))]
pub async fn upload(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, ApiJson<FileJson>), ApiError> {
    let sight = Sight::of(&call);
    let document = receive(app.clone(), call, &headers, body, Said::default()).await?;
    Ok((StatusCode::CREATED, ApiJson(FileJson::new(&app, sight, document))))
}

/// Which file, and how.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// The object key.
    key: String,
    /// `true` answers a presigned URL instead of the bytes.
    #[serde(default)]
    presigned: bool,
    /// Seconds the URL is to live; cut to what is allowed.
    #[param(schema_with = schemas::seconds)]
    expires: Option<u64>,
    /// `attachment` (default) or `inline`.
    #[param(schema_with = schemas::disposition)]
    disposition: Option<String>,
}

/// A presigned URL.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresignedFile {
    /// Fetch it from here.
    url: String,
    /// Seconds until the URL expires.
    expires_in: u64,
    /// When the URL expires.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// Whether a longer life was asked for than is allowed.
    expires_cut: bool,
    /// The object key.
    key: String,
    /// The file's name.
    file_name: String,
    /// Its media type.
    content_type: String,
    /// Its size in bytes.
    size: u64,
}

fn reference(app: &App, key: String) -> Reference {
    Reference::Key { bucket: app.store.bucket().to_owned(), key }
}

/// The bytes of a file, or a presigned URL to them.
#[utoipa::path(get, path = "/api/v2/aws/s3/download",
    operation_id = "downloadFile", tag = "storage",
    params(FileQuery),
    responses((status = 200, description = "The bytes; with `presigned=true` a URL.",
            content((Vec<u8> = "*/*"), (PresignedFile = "application/json"))),
        (status = 206, description = "The range asked for.", body = Vec<u8>, content_type = "*/*"),
        (status = 304, description = "The bytes are those of the ETag given.")))]
pub async fn download(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<FileQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if query.presigned {
        let call = call.becomes(Action::IssueDownload);
        return Ok(ApiJson(presigned(&app, &call, query).await?).into_response());
    }
    if query.expires.is_some() {
        return Err(page::field("expires", "goes with presigned=true"));
    }
    let disposition = read_disposition(query.disposition.as_deref())?;
    let reference = reference(&app, query.key);
    bytes::serve(&app, &call, &reference, &method, &headers, disposition).await
}

async fn presigned(app: &App, call: &Call, query: FileQuery) -> Result<PresignedFile, ApiError> {
    let disposition = read_disposition(query.disposition.as_deref())?;
    let limits = &app.config.uploads;
    let asked = query.expires.map_or(limits.presign_expires, Duration::from_secs);
    if asked.is_zero() {
        return Err(page::field("expires", "must be at least 1 second"));
    }
    let expires = asked.min(limits.presign_max_expires);
    let reference = reference(app, query.key);
    let issued = documents::issue_download(app, call, &reference, disposition, expires).await?;
    Ok(PresignedFile {
        url: issued.request.url,
        expires_in: seconds_until(app, issued.request.expires_at, expires),
        expires_at: issued.request.expires_at,
        expires_cut: asked > expires,
        key: issued.document.object_key,
        file_name: issued.document.file_name.into_revealed(),
        content_type: issued.document.content_type,
        size: issued.document.byte_size,
    })
}

/// Which files to list.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FilesQuery {
    /// A folder of guide 001: `patients/{id}`, `patients/{id}/lab-results`, `providers/{id}`,
    /// `appointments/{id}`, `prescriptions`, `temp`; all when left out.
    prefix: Option<String>,
    /// How many, 1 to 1000; 50 when left out.
    #[param(schema_with = schemas::max_keys)]
    max_keys: Option<u32>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// A page of files.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FilesPage {
    /// The files, newest first.
    files: Vec<FileJson>,
    /// Give this as `cursor` to get what follows; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// The files of a folder, as far as the caller may see them.
#[utoipa::path(get, path = "/api/v2/aws/s3/list",
    operation_id = "listFiles", tag = "storage",
    params(FilesQuery),
    responses((status = 200, body = FilesPage)))]
pub async fn list_files(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<FilesQuery>,
) -> Result<ApiJson<FilesPage>, ApiError> {
    let bad = "must be from 1 to 1000";
    let limit = page::limit(query.max_keys).map_err(|_| page::field("maxKeys", bad))?;
    let after = documents::position(&app, query.cursor.as_deref())?;
    let prefix = query.prefix.unwrap_or_default();
    let filter = documents::folder(&app, &call, &prefix).await?;
    let (documents, next) = list(&app, &call, &filter, after, limit).await?;
    let sight = Sight::of(&call);
    Ok(ApiJson(FilesPage {
        files: documents.into_iter().map(|d| FileJson::new(&app, sight, d)).collect(),
        next_cursor: next.and_then(|position| documents::cursor(&app, &position)),
    }))
}

/// Which file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteFileRequest {
    /// The object key.
    key: String,
}

/// A file that is in the trash now.
#[derive(Serialize, ToSchema)]
pub struct DeletedFile {
    /// Always true: what went wrong has another status.
    success: bool,
    /// The object key.
    key: String,
    /// The document.
    file: DocumentJson,
}

/// Move a file to the trash.
#[utoipa::path(delete, path = "/api/v2/aws/s3/delete",
    operation_id = "deleteFile", tag = "storage",
    request_body = DeleteFileRequest,
    responses((status = 200, body = DeletedFile)))]
pub async fn delete(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<DeleteFileRequest>,
) -> Result<ApiJson<DeletedFile>, ApiError> {
    let id = documents::named(&app, &call, &reference(&app, body.key)).await?;
    let document = documents::change(&app, &call, id, &Change::Trash).await?;
    let key = document.object_key.clone();
    Ok(ApiJson(DeletedFile { success: true, key, file: DocumentJson::seen_by(&call, document) }))
}
