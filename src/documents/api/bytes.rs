//! A document's bytes as HTTP: ranges, conditions, names. The same behind every door.
//!
//! Conditions are looked at in the order of RFC 9110, section 13.2.2. The entity tag is the
//! SHA-256 of the bytes, so it is a strong one. There is no date to compare: what `If-Range` says
//! with a date never holds, and the answer is the whole.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::access::Call;
use crate::app::App;
use crate::documents::{
    self, Document, DocumentError, Reference, Streamed, Wanted, stream_download,
};
use crate::http::disposition::{Disposition, header_value};
use crate::http::{ApiError, range};

/// Streams what is asked for of a document.
pub(super) async fn serve(
    app: &App,
    call: &Call,
    reference: &Reference,
    method: &Method,
    headers: &HeaderMap,
    asked: Disposition,
) -> Result<Response, ApiError> {
    let mut known = false;
    let pick = |document: &Document| {
        let etag = etag(document);
        if listed(headers, &header::IF_MATCH, &etag, true) == Some(false) {
            return Err(DocumentError::Condition);
        }
        known = listed(headers, &header::IF_NONE_MATCH, &etag, false) == Some(true);
        if known || method == Method::HEAD {
            return Ok(Wanted::Nothing);
        }
        wanted(document, headers, &etag)
    };
    let streamed = stream_download(app, call, reference, pick).await?;
    if known {
        let mut answer = StatusCode::NOT_MODIFIED.into_response();
        if let Ok(etag) = HeaderValue::from_str(&etag(&streamed.document)) {
            answer.headers_mut().insert(header::ETAG, etag);
        }
        return Ok(answer);
    }
    Ok(response(streamed, asked))
}

fn etag(document: &Document) -> String {
    format!("\"{}\"", document.sha256_hex.as_deref().unwrap_or_default())
}

/// Whether one of the tags in a header is this one; none: there is no such header. A strong
/// comparison takes no weak tag.
pub(super) fn listed(
    headers: &HeaderMap,
    name: &HeaderName,
    etag: &str,
    strong: bool,
) -> Option<bool> {
    let mut found = None;
    for value in headers.get_all(name) {
        let tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
        let same = |tag: &str| {
            tag == "*" || tag == etag || (!strong && tag.strip_prefix("W/") == Some(etag))
        };
        found = Some(found.unwrap_or(false) || tags.into_iter().any(same));
    }
    found
}

/// The range that is asked for, unless it is one of another document.
fn wanted(document: &Document, headers: &HeaderMap, etag: &str) -> Result<Wanted, DocumentError> {
    if headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes()) {
        return Ok(Wanted::Whole);
    }
    let asked = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    match range::parse(asked, document.byte_size) {
        Ok(Some(span)) => Ok(Wanted::Range(span.start..span.end)),
        Ok(None) => Ok(Wanted::Whole),
        Err(_) => Err(DocumentError::Range(document.byte_size)),
    }
}

fn response(streamed: Streamed, asked: Disposition) -> Response {
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
    set(header::ETAG, &etag(document));
    let status = if let Some(range) = &streamed.range {
        set(header::CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
        set(header::CONTENT_LENGTH, &(range.end - range.start).to_string());
        StatusCode::PARTIAL_CONTENT
    } else {
        set(header::CONTENT_LENGTH, &size.to_string());
        StatusCode::OK
    };
    (status, headers, Body::from_stream(streamed.stream)).into_response()
}
