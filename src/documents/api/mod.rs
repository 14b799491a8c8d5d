//! The doors to documents. Each is thin: it reads a request, calls one operation, writes its
//! answer. `docs`, `multipart` and `retrieval` are guide 003's,
//! `storage` and `stats` are guide 001's, `uppy` is what Uppy's clients ask for.

pub mod docs;
mod errors;
mod json;
pub mod life;
pub mod multipart;
pub mod rendition;
mod requests;
pub mod retrieval;
mod schemas;
pub mod stats;
pub mod storage;
pub mod uppy;

pub use json::DocumentJson;
