//! `/api/docs/{id}/preview`: a picture of a document.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::{bytes, schemas};
use crate::access::Call;
use crate::app::App;
use crate::documents::{self, AskPreview, Shown};
use crate::http::{ApiError, ApiPath, ApiQuery, page};
use crate::ids::DocumentId;
use crate::rendering::{PictureSize, Window};

/// How many pages or frames the document has.
const PAGES: HeaderName = HeaderName::from_static("x-page-count");
/// Which values of a DICOM picture are shown: the middle.
const CENTER: HeaderName = HeaderName::from_static("x-window-center");
/// The same: from black to white.
const WIDTH: HeaderName = HeaderName::from_static("x-window-width");
/// The last page that can be asked for.
const MAX_PAGE: u32 = 100_000;

/// What is to be seen.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// `thumb` (default; at most 320 pixels on the longer side) or `page` (1,600).
    #[param(schema_with = schemas::preview_size)]
    size: Option<String>,
    /// Which page of a PDF or TIFF, or frame of a DICOM file; the first is 1.
    #[param(schema_with = schemas::preview_page)]
    page: Option<u32>,
    /// DICOM: the value in the middle of what is shown; goes with `ww`.
    #[param(schema_with = schemas::window_center)]
    wc: Option<f64>,
    /// DICOM: how many values lie between black and white; goes with `wc`.
    #[param(schema_with = schemas::window_width)]
    ww: Option<f64>,
}

/// A picture of a document: a thumbnail, or a page to read. It never stands for the document.
///
/// `X-Page-Count` says how many pages or frames there are; for DICOM in steps of grey
/// `X-Window-Center` and `X-Window-Width` say which values are shown.
#[utoipa::path(get, path = "/api/docs/{id}/preview",
    operation_id = "documentPreview", tag = "documents",
    params(("id" = String, Path, format = "uuid"), PreviewQuery),
    responses((status = 200, description = "The picture.",
            content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png")),
            headers(("X-Page-Count" = u32, description = "How many pages or frames there are."))),
        (status = 304, description = "The picture is that of the ETag given.")))]
pub async fn preview(
    State(app): State<App>,
    call: Call,
    ApiPath(id): ApiPath<DocumentId>,
    ApiQuery(query): ApiQuery<PreviewQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let ask = read_ask(&query)?;
    let has =
        |etag: &str| bytes::listed(&headers, &header::IF_NONE_MATCH, etag, false) == Some(true);
    let preview = documents::preview(&app, &call, id, &ask, has).await?;
    let mut answer = match preview.picture {
        Some(shown) => picture(shown),
        None => StatusCode::NOT_MODIFIED.into_response(),
    };
    if let Ok(etag) = HeaderValue::from_str(&preview.etag) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    Ok(answer)
}

fn read_ask(query: &PreviewQuery) -> Result<AskPreview, ApiError> {
    let size = match query.size.as_deref() {
        None | Some("thumb") => PictureSize::Thumb,
        Some("page") => PictureSize::Page,
        Some(_) => return Err(page::field("size", "must be thumb or page")),
    };
    let page = query.page.unwrap_or(1);
    if !(1..=MAX_PAGE).contains(&page) {
        return Err(page::field("page", "must be from 1 to 100000"));
    }
    let sound = |value: f64| (-1e6..=1e6).contains(&value);
    let window = match (query.wc, query.ww) {
        (None, None) => None,
        (Some(center), Some(width)) if sound(center) && (1.0..=1e6).contains(&width) => {
            Some(Window { center, width })
        }
        (Some(_), Some(_)) => {
            return Err(page::field("ww", "must be from 1 to 1000000, wc within a million"));
        }
        _ => return Err(page::field("wc", "goes with ww, and ww with wc")),
    };
    Ok(AskPreview { size, page, window })
}

fn picture(shown: Shown) -> Response {
    let mut headers = HeaderMap::new();
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, shown.content_type);
    set(header::CONTENT_DISPOSITION, "inline");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox");
    set(PAGES, &shown.facts.pages.to_string());
    if let Some(window) = shown.facts.window {
        set(CENTER, &window.center.to_string());
        set(WIDTH, &window.width.to_string());
    }
    (headers, Body::from(shown.bytes)).into_response()
}
