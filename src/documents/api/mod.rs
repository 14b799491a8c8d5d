//! The doors to documents. Each is thin: it reads a request, calls one operation, writes its
//! answer. `docs` is guide 003's.

pub mod docs;
mod errors;
mod json;
pub mod multipart;
mod requests;
pub mod retrieval;

pub use json::DocumentJson;
