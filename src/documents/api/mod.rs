//! The doors to documents. Each is thin: it reads a request, calls one operation, writes its
//! answer. `docs`, `multipart` and `retrieval` are guide 003's, `records` is guide 000's,
//! `storage` and `files` are guide 001's. `bytes` and `form` are how bytes go out and come in,
//! behind all of them.

mod bytes;
pub mod docs;
mod errors;
pub mod files;
mod form;
mod json;
pub mod multipart;
pub mod records;
mod requests;
pub mod retrieval;
pub mod storage;

use http::StatusCode;

use crate::documents::Confirmed;
use crate::http::ApiJson;

pub use json::DocumentJson;

/// What a confirm is answered with: the document, and whether this call made it.
fn answer(confirmed: Confirmed) -> (StatusCode, ApiJson<DocumentJson>) {
    match confirmed {
        Confirmed::Now(document) => (StatusCode::CREATED, ApiJson(document.into())),
        Confirmed::Before(document) => (StatusCode::OK, ApiJson(document.into())),
    }
}
