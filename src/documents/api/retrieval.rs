//! `/api/docs/{id}/retrieval`: documents in an archive class.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Call;
use crate::app::App;
use crate::documents::{self, Retrieval};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Nothing};
use crate::ids::DocumentId;
use crate::store::Archive;
use crate::time::Timestamp;

/// How a document stands with the archive.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetrievalAnswer {
    /// `not_archived`, `archived`, `retrieving` or `retrieved`.
    state: &'static str,
    /// The storage class, as the store names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<String>,
    /// Until when a retrieved copy can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    readable_until: Option<Timestamp>,
}

impl From<Retrieval> for RetrievalAnswer {
    fn from(retrieval: Retrieval) -> Self {
        let (state, readable_until) = match retrieval.archive {
            None => ("not_archived", None),
            Some(Archive::Archived) => ("archived", None),
            Some(Archive::Retrieving) => ("retrieving", None),
            Some(Archive::Retrieved(until)) => ("retrieved", until),
        };
        Self { state, storage_class: retrieval.storage_class, readable_until }
    }
}

/// Whether the bytes can be read, or what has become of a retrieval.
#[utoipa::path(get, path = "/api/docs/{id}/retrieval",
    operation_id = "getRetrieval", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, body = RetrievalAnswer)))]
pub async fn get(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<RetrievalAnswer>, ApiError> {
    Ok(ApiJson(documents::read_retrieval(&app, &call, id).await?.into()))
}

/// For how long a readable copy is wanted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetrievalRequest {
    /// Days the copy stays readable, 1 to 365; 7 when left out.
    #[schema(minimum = 1, maximum = 365)]
    days: Option<u32>,
}

/// Ask for a readable copy of an archived document.
#[utoipa::path(post, path = "/api/docs/{id}/retrieval",
    operation_id = "requestRetrieval", tag = "documents",
    params(("id" = String, Path, format = "uuid")),
    request_body = RetrievalRequest,
    responses((status = 202, body = RetrievalAnswer), (status = 200, body = RetrievalAnswer,
        description = "It can be read already.")))]
pub async fn request(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<RetrievalRequest>,
) -> Result<(StatusCode, ApiJson<RetrievalAnswer>), ApiError> {
    let retrieval = documents::request_retrieval(&app, &call, id, body.days).await?;
    let status = match retrieval.archive {
        Some(Archive::Archived | Archive::Retrieving) => StatusCode::ACCEPTED,
        _ => StatusCode::OK,
    };
    Ok((status, ApiJson(retrieval.into())))
}
