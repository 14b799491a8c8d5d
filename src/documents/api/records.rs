//! `/api/patients/{patientId}/records`: guide 000's door. A record is a document of that patient; a
//! document of another one is not found here.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::docs::read_disposition;
use super::form::{Said, receive};
use super::{DocumentJson, Sight, bytes, schemas};
use crate::access::Call;
use crate::app::App;
use crate::documents::{self, Category, Change, Document, Filter, Reference, State as Life, list};
use crate::http::fields::label_schema;
use crate::http::page::{self, Page};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Nothing};
use crate::ids::{DocumentId, PatientId};

/// A patient's record: a document, and under guide 000's names what that guide names.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordJson {
    /// The document.
    #[serde(flatten)]
    document: DocumentJson,
    /// The same as `id`.
    record_id: String,
    /// `local` or `s3`.
    storage_type: String,
    /// The bucket.
    s3_bucket: String,
    /// The object key.
    s3_key: String,
    /// Where a record lies that is a plain file of an older installation: none of ours is.
    file_path: Option<String>,
    /// The same as `filename`.
    file_name: String,
    /// The same as `contentType`.
    mime_type: String,
    /// The same as `size`.
    file_size: u64,
    /// Where its bytes are, on this server.
    download_url: String,
}

impl RecordJson {
    fn seen(sight: Sight, d: Document) -> Self {
        let patient = d.patient_id.as_ref().map(PatientId::as_str).unwrap_or_default();
        let patient = utf8_percent_encode(patient, NON_ALPHANUMERIC);
        Self {
            record_id: d.id.to_string(),
            storage_type: d.storage_provider.clone(),
            s3_bucket: d.bucket.clone(),
            s3_key: d.object_key.clone(),
            file_path: None,
            file_name: d.file_name.reveal().clone(),
            mime_type: d.content_type.clone(),
            file_size: d.byte_size,
            download_url: format!("/api/patients/{patient}/records/{}/download", d.id),
            document: DocumentJson::seen(sight, d),
        }
    }
}

/// A form with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes the form")]
#[schema(rename_all = "camelCase")]
pub struct FileForm {
    /// The file.
    #[schema(value_type = String, format = "binary")]
    file: Vec<u8>,
    /// Its category; when left out, that of the document it replaces, or `other`.
    #[schema(schema_with = schemas::plain_category)]
    category: Option<String>,
    /// The patient.
    #[schema(schema_with = label_schema)]
    patient_id: Option<String>,
    /// What else it belongs to; `patient` names the patient.
    #[schema(schema_with = label_schema)]
    entity_type: Option<String>,
    /// The id of that.
    #[schema(schema_with = label_schema)]
    entity_id: Option<String>,
    /// SHA-256 of the file, as hexadecimal or base64.
    #[schema(schema_with = schemas::plain_sha256)]
    sha256: Option<String>,
    /// The document it replaces.
    #[schema(schema_with = schemas::plain_uuid)]
    supersedes: Option<String>,
    /// Whether it may be cleaned up on its own.
    #[schema(schema_with = schemas::flag)]
    temporary: Option<bool>,
}

/// Add a file to a patient's records. The fields may stand before the file or behind it.
#[utoipa::path(post, path = "/api/patients/{patientId}/records",
    operation_id = "addRecord", tag = "records",
    params(("patientId" = String, Path)),
    request_body(content = FileForm, content_type = "multipart/form-data"),
    responses((status = 201, body = RecordJson)))]
pub async fn add(
    State(app): State<App>,
    call: Call,
    ApiPath(patient): ApiPath<PatientId>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, ApiJson<RecordJson>), ApiError> {
    let sight = Sight::of(&call);
    let document = receive(app, call, &headers, body, Said::of(patient)).await?;
    Ok((StatusCode::CREATED, ApiJson(RecordJson::seen(sight, document))))
}

/// Which records to list.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordsQuery {
    /// One category.
    #[param(schema_with = schemas::plain_category)]
    category: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 1000; 50 when left out.
    limit: Option<u32>,
}

/// A patient's records, newest first, as far as the caller may see them.
#[utoipa::path(get, path = "/api/patients/{patientId}/records",
    operation_id = "listRecords", tag = "records",
    params(("patientId" = String, Path), RecordsQuery),
    responses((status = 200, body = Page<RecordJson>)))]
pub async fn list_records(
    State(app): State<App>,
    call: Call,
    ApiPath(patient): ApiPath<PatientId>,
    ApiQuery(query): ApiQuery<RecordsQuery>,
) -> Result<ApiJson<Page<RecordJson>>, ApiError> {
    let limit = page::limit(query.limit)?;
    let after = documents::position(&app, query.cursor.as_deref())?;
    let category = query.category.map(|text| text.parse::<Category>());
    let category = category.transpose().map_err(|e| page::field("category", &e.to_string()))?;
    let filter = Filter {
        patient: Some(patient),
        categories: category.into_iter().collect(),
        states: vec![Life::Available, Life::Scanning, Life::Quarantined],
        ..Filter::default()
    };
    let (documents, next) = list(&app, &call, &filter, after, limit).await?;
    let sight = Sight::of(&call);
    Ok(ApiJson(Page {
        items: documents.into_iter().map(|d| RecordJson::seen(sight, d)).collect(),
        next_cursor: next.and_then(|position| documents::cursor(&app, &position)),
    }))
}

/// One record.
#[utoipa::path(get, path = "/api/patients/{patientId}/records/{recordId}",
    operation_id = "getRecord", tag = "records",
    params(("patientId" = String, Path), ("recordId" = String, Path, format = "uuid")),
    responses((status = 200, body = RecordJson)))]
pub async fn get(
    State(app): State<App>,
    call: Call,
    ApiPath((patient, id)): ApiPath<(PatientId, DocumentId)>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<RecordJson>, ApiError> {
    let record = Reference::OfPatient(patient, id);
    let document = documents::read_named(&app, &call, &record).await?;
    Ok(ApiJson(RecordJson::seen(Sight::of(&call), document)))
}

/// How the file is to be shown.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RecordQuery {
    /// `attachment` (default) or `inline`.
    #[param(schema_with = schemas::disposition)]
    disposition: Option<String>,
}

/// The bytes of a record, streamed; `Range` is honoured.
#[utoipa::path(get, path = "/api/patients/{patientId}/records/{recordId}/download",
    operation_id = "downloadRecord", tag = "records",
    params(("patientId" = String, Path), ("recordId" = String, Path, format = "uuid"),
        RecordQuery),
    responses((status = 200, description = "The bytes.", body = Vec<u8>, content_type = "*/*"),
        (status = 206, description = "The range asked for.", body = Vec<u8>, content_type = "*/*"),
        (status = 304, description = "The bytes are those of the ETag given.")))]
pub async fn download(
    State(app): State<App>,
    call: Call,
    ApiPath((patient, id)): ApiPath<(PatientId, DocumentId)>,
    ApiQuery(query): ApiQuery<RecordQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let disposition = read_disposition(query.disposition.as_deref())?;
    let record = Reference::OfPatient(patient, id);
    bytes::serve(&app, &call, &record, &method, &headers, disposition).await
}

/// Move a record to the trash.
#[utoipa::path(delete, path = "/api/patients/{patientId}/records/{recordId}",
    operation_id = "deleteRecord", tag = "records",
    params(("patientId" = String, Path), ("recordId" = String, Path, format = "uuid")),
    responses((status = 200, body = RecordJson)))]
pub async fn delete(
    State(app): State<App>,
    call: Call,
    ApiPath((patient, id)): ApiPath<(PatientId, DocumentId)>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<RecordJson>, ApiError> {
    let id = documents::named(&app, &call, &Reference::OfPatient(patient, id)).await?;
    let document = documents::change(&app, &call, id, &Change::Trash).await?;
    Ok(ApiJson(RecordJson::seen(Sight::of(&call), document)))
}
