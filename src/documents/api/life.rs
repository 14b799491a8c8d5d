//! `/api/docs/{id}`: what becomes of a document after its upload.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DocumentJson, Sight, schemas};
use crate::access::{Action, Call};
use crate::app::App;
use crate::audit::rows::EventRow;
use crate::documents::{self, Category, Change, Edit, Purge, Release};
use crate::http::fields::Fields;
use crate::http::page::{self, Page};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Nothing};
use crate::ids::{DocumentId, PatientId};
use crate::sensitive::Phi;
use crate::time::Timestamp;
use crate::trail::api::AuditEvent;

/// How a document is to be deleted.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeleteQuery {
    /// `true` destroys its bytes now, from the trash or not; they cannot be brought back.
    #[serde(default)]
    permanent: bool,
}

/// Move a document to the trash, or purge it.
#[utoipa::path(delete, path = "/api/docs/{id}",
    operation_id = "deleteDocument", tag = "documents",
    params(("id" = String, Path, format = "uuid"), DeleteQuery),
    responses((status = 200, body = DocumentJson),
        (status = 202, body = DocumentJson, description = "Purged for good and served no more; \
            the object store did not answer, and the server goes on asking it.")))]
pub async fn delete(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<DeleteQuery>,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<(StatusCode, ApiJson<DocumentJson>), ApiError> {
    if !query.permanent {
        let document = documents::change(&app, &call, id, &Change::Trash).await?;
        return Ok((StatusCode::OK, ApiJson(DocumentJson::seen_by(&call, document))));
    }
    let call = call.becomes(Action::PurgeDocument);
    Ok(match documents::purge(&app, &call, id).await? {
        Purge::Done(document) => (StatusCode::OK, ApiJson(DocumentJson::seen_by(&call, document))),
        Purge::Decided(document) => {
            (StatusCode::ACCEPTED, ApiJson(DocumentJson::seen_by(&call, document)))
        }
    })
}

/// Bring a document back from the trash.
#[utoipa::path(post, path = "/api/docs/{id}/restore",
    operation_id = "restoreDocument", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = DocumentJson)))]
pub async fn restore(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    let document = documents::change(&app, &call, id, &Change::Restore).await?;
    Ok(ApiJson(DocumentJson::seen_by(&call, document)))
}

/// What is to be otherwise; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EditRequest {
    /// Another category.
    #[schema(schema_with = schemas::category)]
    category: Option<String>,
    /// Another name; its extension must go with the type.
    #[schema(schema_with = schemas::optional_file_name)]
    filename: Option<String>,
    /// The patient it belongs to, where it was filed under another one.
    #[schema(schema_with = schemas::id_text)]
    patient_id: Option<String>,
    /// Why; required with another patient. It stands in the trail.
    #[schema(schema_with = schemas::optional_reason)]
    reason: Option<String>,
    /// `updatedAt` as you read it: if the document has changed since, nothing is done.
    #[schema(schema_with = schemas::time)]
    updated_at: Option<String>,
}

/// Repair a document's record: category, name, patient.
#[utoipa::path(patch, path = "/api/docs/{id}",
    operation_id = "editDocument", tag = "documents",
    params(("id" = String, Path, format = "uuid")), request_body = EditRequest,
    responses((status = 200, body = DocumentJson)))]
pub async fn edit(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
    ApiJson(body): ApiJson<EditRequest>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    let edit = read_edit(body)?;
    let document = documents::edit(&app, &call, id, &edit).await?;
    Ok(ApiJson(DocumentJson::seen_by(&call, document)))
}

fn read_edit(body: EditRequest) -> Result<Edit, ApiError> {
    let mut fields = Fields::default();
    let category = match body.category.as_deref().map(str::parse::<Category>).transpose() {
        Ok(category) => category,
        Err(e) => {
            fields.wrong("category", e.to_string());
            None
        }
    };
    let edit = Edit {
        category,
        file_name: body.filename.map(Phi::new),
        patient: body.patient_id.map(PatientId::new),
        reason: body.reason.map(Phi::new),
        known: fields.time("updatedAt", body.updated_at.as_deref()),
    };
    fields.done(edit)
}

/// Why something is done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonRequest {
    /// For people who read the trail later; 1 to 500 bytes.
    #[schema(schema_with = schemas::reason)]
    reason: String,
}

/// Put a document under legal hold.
#[utoipa::path(put, path = "/api/docs/{id}/hold",
    operation_id = "holdDocument", tag = "documents",
    params(("id" = String, Path, format = "uuid")), request_body = ReasonRequest,
    responses((status = 200, body = DocumentJson)))]
pub async fn hold(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
    ApiJson(body): ApiJson<ReasonRequest>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    let hold = Change::Hold(Phi::new(body.reason));
    let document = documents::change(&app, &call, id, &hold).await?;
    Ok(ApiJson(DocumentJson::seen_by(&call, document)))
}

/// Lift a legal hold.
#[utoipa::path(delete, path = "/api/docs/{id}/hold",
    operation_id = "liftHold", tag = "documents",
    params(("id" = String, Path, format = "uuid")), request_body = ReasonRequest,
    responses((status = 200, body = DocumentJson)))]
pub async fn lift(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
    ApiJson(body): ApiJson<ReasonRequest>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    let lift = Change::Lift(Phi::new(body.reason));
    let document = documents::change(&app, &call, id, &lift).await?;
    Ok(ApiJson(DocumentJson::seen_by(&call, document)))
}

/// How a document stands with legal hold.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldAnswer {
    /// Whether it is under legal hold.
    on_hold: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    since: Option<Timestamp>,
    /// Who put it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

/// Why a document is under legal hold, for those who may put it there.
#[utoipa::path(get, path = "/api/docs/{id}/hold",
    operation_id = "readHold", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = HoldAnswer)))]
pub async fn read_hold(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<ApiJson<HoldAnswer>, ApiError> {
    let document = documents::read(&app, &call, id).await?;
    Ok(ApiJson(HoldAnswer {
        on_hold: document.hold_reason.is_some(),
        reason: document.hold_reason.map(Phi::into_revealed),
        since: document.held_at,
        by: document.held_by,
    }))
}

/// Whether the patient may see a document.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseRequest {
    /// `released`, `held` (not yet) or `withdrawn` (not any more).
    #[schema(schema_with = schemas::release)]
    state: String,
    /// Why. It stands in the trail.
    #[schema(schema_with = schemas::optional_reason)]
    reason: Option<String>,
}

/// Show a document to its patient, or take it from their sight.
#[utoipa::path(put, path = "/api/docs/{id}/release",
    operation_id = "releaseDocument", tag = "documents",
    params(("id" = String, Path, format = "uuid")), request_body = ReleaseRequest,
    responses((status = 200, body = DocumentJson)))]
pub async fn release(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
    ApiJson(body): ApiJson<ReleaseRequest>,
) -> Result<ApiJson<DocumentJson>, ApiError> {
    let state = body.state.parse::<Release>().map_err(|e| page::field("state", &e))?;
    let release = Change::Release(state, body.reason.map(Phi::new));
    let document = documents::change(&app, &call, id, &release).await?;
    Ok(ApiJson(DocumentJson::seen_by(&call, document)))
}

/// The versions of a document.
#[derive(Serialize, ToSchema)]
pub struct VersionsAnswer {
    /// Oldest first.
    items: Vec<DocumentJson>,
    /// The id of the newest one that is available.
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<String>,
}

/// Every version in the chain that a document belongs to.
#[utoipa::path(get, path = "/api/docs/{id}/versions",
    operation_id = "documentVersions", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = VersionsAnswer)))]
pub async fn versions(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<DocumentId>,
) -> Result<ApiJson<VersionsAnswer>, ApiError> {
    let chain = documents::versions(&app, &call, id).await?;
    Ok(ApiJson(VersionsAnswer {
        items: chain.documents.into_iter().map(|d| DocumentJson::seen_by(&call, d)).collect(),
        current: chain.current.map(|id| id.to_string()),
    }))
}

/// Which page of a document's trail.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TrailQuery {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 1000; 50 when left out.
    limit: Option<u32>,
}

/// What has happened to a document, newest first.
#[utoipa::path(get, path = "/api/docs/{id}/audit",
    operation_id = "documentTrail", tag = "documents",
    params(("id" = String, Path, format = "uuid"), TrailQuery),
    responses((status = 200, body = Page<AuditEvent>)))]
pub async fn trail(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(query): ApiQuery<TrailQuery>,
) -> Result<ApiJson<Page<AuditEvent>>, ApiError> {
    let limit = page::limit(query.limit)?;
    let before = query.cursor.as_deref().map(page::decode).transpose()?;
    let (events, more) = documents::read_trail(&app, &call, id, before, limit).await?;
    let next_cursor = events.last().filter(|_| more).and_then(|event| page::encode(&event.seq));
    let sight = Sight::of(&call);
    let seen = |mut event: EventRow| {
        event.detail = event.detail.map(|detail| sight.detail(detail));
        AuditEvent::from(event)
    };
    Ok(ApiJson(Page { items: events.into_iter().map(seen).collect(), next_cursor }))
}
