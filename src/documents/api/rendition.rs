//! Renditions of a document, and what its name speaks for.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Call, Target, TargetKind};
use crate::documents::content::name_problem;
use crate::documents::{self, Document};
use crate::http::disposition::{Disposition, header_value};
use crate::http::{ApiError, ApiJson, ApiQuery, page};

/// A cleaned drawing, shown as asked: still in a sandbox, and with nothing from elsewhere.
pub(super) fn cleaned(document: &Document, bytes: Vec<u8>, asked: Disposition) -> Response {
    let mut headers = HeaderMap::new();
    let named = header_value(asked, document.file_name.reveal());
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";
    for (name, value) in [
        (header::CONTENT_TYPE, document.content_type.as_str()),
        (header::CONTENT_DISPOSITION, &named),
        (header::CONTENT_SECURITY_POLICY, policy),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    (headers, Body::from(bytes)).into_response()
}

/// A file's name.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestQuery {
    /// The name on the uploader's disk.
    filename: String,
}

/// What a name speaks for.
#[derive(Serialize, ToSchema)]
pub struct SuggestionAnswer {
    /// The category; null where the name says nothing.
    category: Option<&'static str>,
    /// The word that speaks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyword: Option<&'static str>,
}

/// Which category a file name speaks for. A suggestion: a document has the category it is given.
#[utoipa::path(get, path = "/api/docs/category-suggestion",
    operation_id = "suggestCategory", tag = "documents",
    params(SuggestQuery),
    responses((status = 200, body = SuggestionAnswer)))]
pub async fn suggest(
    call: Call,
    ApiQuery(query): ApiQuery<SuggestQuery>,
) -> Result<ApiJson<SuggestionAnswer>, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::Clinic, call.clinic())).await?;
    if let Some(problem) = name_problem(&query.filename) {
        return Err(page::field("filename", problem));
    }
    grant.begin().await?.commit(None).await?;
    let found = documents::suggest_category(&query.filename);
    Ok(ApiJson(SuggestionAnswer {
        category: found.map(|found| found.category.as_str()),
        keyword: found.map(|found| found.keyword),
    }))
}
