//! Requests that somebody else will make: what is to be signed, and what was.

use super::{ObjectKey, Size};
use crate::time::Timestamp;

/// What an upload must be to be let in by its presigned request.
#[derive(Clone, Debug)]
pub struct PresignPut {
    /// The name it will have.
    pub key: ObjectKey,
    /// The media type that must be sent.
    pub content_type: String,
    /// The length in bytes. A store holds a form to its limit; of a PUT whose length is open, the
    /// limit holds only where the store itself is ours.
    pub size: Size,
    /// The SHA-256 the bytes must have, where known.
    pub sha256: Option<[u8; 32]>,
}

/// How the sender of an upload wants to send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadMethod {
    /// One PUT of the bytes.
    Put,
    /// A form of a page ("Browser-Based Uploads Using POST", Amazon S3 API reference).
    Form,
}

/// Headers that the answer to a presigned download will carry.
#[derive(Clone, Debug, Default)]
pub struct AnswerHeaders {
    /// `Content-Type` of the answer.
    pub content_type: Option<String>,
    /// `Content-Disposition` of the answer, ready to send (RFC 6266).
    pub content_disposition: Option<String>,
}

/// A request anybody may make until it expires.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedRequest {
    /// The HTTP method.
    pub method: &'static str,
    /// The whole URL with its signature. A secret while it lasts: never logged.
    pub url: String,
    /// Exactly what must be sent beside the body; `Host` is left out.
    pub headers: Vec<(String, String)>,
    /// Fields of a form, in the order they must stand in before the field `file`; empty for what
    /// is no form.
    pub fields: Vec<(String, String)>,
    /// When the store stops honouring it.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for PresignedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresignedRequest")
            .field("method", &self.method)
            .field("url", &"[secret]")
            .field("headers", &self.headers)
            .field("fields", &self.fields.len())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}
