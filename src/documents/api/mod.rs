//! The doors to documents. Each is thin: it reads a request, calls one operation, writes its
//! answer. `docs`, `multipart` and `retrieval` are guide 003's, `records` is guide 000's,
//! `storage`, `files` and `stats` are guide 001's, `uppy` is what Uppy's clients ask for. `bytes`
//! and `form` are how bytes go out and come in behind all of them.

mod bytes;
pub mod docs;
mod errors;
pub mod files;
mod form;
mod json;
pub mod life;
pub mod limits;
pub mod multipart;
pub mod preview;
pub mod records;
pub mod rendition;
mod requests;
pub mod retrieval;
mod schemas;
pub mod stats;
pub mod storage;
pub mod uppy;

use http::StatusCode;

use crate::access::Call;
use crate::documents::Confirmed;
use crate::http::ApiJson;

pub use json::{DocumentJson, Sight};

/// What a confirm is answered with: the document, and whether this call made it.
fn answer(call: &Call, confirmed: Confirmed) -> (StatusCode, ApiJson<DocumentJson>) {
    let (status, document) = match confirmed {
        Confirmed::Now(document) => (StatusCode::CREATED, document),
        Confirmed::Before(document) => (StatusCode::OK, document),
    };
    (status, ApiJson(DocumentJson::seen_by(call, document)))
}
