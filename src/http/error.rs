//! The one table of errors, and the only `IntoResponse` for them.
//!
//! An answer is RFC 9457 `application/problem+json` with a stable `code`; `error` repeats the
//! detail for clients of older guides. The source of an error is logged once, here, and never
//! shown.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::causes;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $status:ident, $title:literal;)*) => {
        /// A stable error code, with its status and title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, in the order of the table in docs/api.md.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as clients see it; it never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What it means, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The request cannot be read: not JSON, a bad query, a header that makes no sense.
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be understood";
    /// No credential came with the request.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Who is calling is not known";
    /// A credential came and is not valid (any more).
    InvalidCredential = "invalid_credential", UNAUTHORIZED, "The credential is not valid";
    /// The name or the password is wrong.
    WrongPassword = "wrong_password", UNAUTHORIZED, "The name or the password is wrong";
    /// The caller may see the thing but not do this to it.
    Forbidden = "forbidden", FORBIDDEN, "This is not allowed";
    /// There is no such thing, or the caller may not know of it.
    NotFound = "not_found", NOT_FOUND, "There is no such thing here";
    /// The path exists but not with this method.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "This method does not apply";
    /// The body of the request did not come in time.
    TooSlow = "too_slow", REQUEST_TIMEOUT, "The request took too long to arrive";
    /// The upload was never made, or is not complete.
    UploadMissing = "upload_missing", CONFLICT, "No object has been uploaded";
    /// The upload was given up: its time ran out or its content was refused.
    UploadEnded = "upload_ended", CONFLICT, "The upload has ended";
    /// As many uploads have begun with the ticket as it was made for.
    TicketUsedUp = "ticket_used_up", CONFLICT, "The ticket is used up";
    /// The bytes are in an archive: they have to be retrieved first.
    Archived = "archived", CONFLICT, "The document is in an archive";
    /// The document is not in a state that allows this.
    WrongState = "wrong_state", CONFLICT, "The document's state does not allow this";
    /// The document is under legal hold.
    OnHold = "on_hold", CONFLICT, "The document is under legal hold";
    /// The document must be kept for longer.
    Retention = "retention", CONFLICT, "The document must be kept for longer";
    /// There are no previews of such documents.
    NoPreview = "no_preview", CONFLICT, "There are no previews of this type";
    /// Another document has taken this one's place.
    Superseded = "superseded", CONFLICT, "The document has been replaced";
    /// Somebody else was faster.
    ChangedMeanwhile = "changed_meanwhile", CONFLICT, "The document was changed meanwhile";
    /// A condition of the request (`If-Match`) does not hold.
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED,
        "A condition of the request does not hold";
    /// The body stood still, or trickles.
    BodyTooSlow = "body_too_slow", REQUEST_TIMEOUT, "The request's body came too slowly";
    /// One request may not carry that much.
    FileTooLarge = "file_too_large", PAYLOAD_TOO_LARGE, "The file is too large for one request";
    /// The body of the request is larger than any request of this kind.
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The request's body is too large";
    /// Files of this type are not taken.
    UnsupportedType = "unsupported_type", UNSUPPORTED_MEDIA_TYPE, "This type is not accepted";
    /// The request's body is of a kind that this call does not read.
    WrongContentType = "wrong_content_type", UNSUPPORTED_MEDIA_TYPE,
        "The request's body is of another kind";
    /// No part of the document lies in the range asked for.
    RangeNotSatisfiable = "range_not_satisfiable", RANGE_NOT_SATISFIABLE,
        "The range lies outside the document";
    /// One or more fields are wrong; `errors` says which and how.
    InvalidFields = "invalid_fields", UNPROCESSABLE_ENTITY, "Some fields are not right";
    /// A file without content.
    EmptyFile = "empty_file", UNPROCESSABLE_ENTITY, "The file is empty";
    /// What was uploaded is not what was announced.
    ContentMismatch = "content_mismatch", UNPROCESSABLE_ENTITY,
        "The content is not what was announced";
    /// What was uploaded is of the announced type and may not come in.
    ContentRefused = "content_refused", UNPROCESSABLE_ENTITY, "The content is refused";
    /// No preview can be made of this document, today or tomorrow.
    PreviewFailed = "preview_failed", UNPROCESSABLE_ENTITY, "No preview can be made";
    /// Too many calls.
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "Too many requests";
    /// Too many uploads have been begun and not completed.
    TooManyOpenUploads = "too_many_open_uploads", TOO_MANY_REQUESTS,
        "Too many uploads are open";
    /// What may be uploaded in a day has been.
    DailyQuotaExceeded = "daily_quota_exceeded", TOO_MANY_REQUESTS, "The day's quota is used up";
    /// The stored bytes failed their authentication: never served.
    Damaged = "damaged", INTERNAL_SERVER_ERROR, "The stored document is damaged";
    /// A fault of the server's own.
    Internal = "internal", INTERNAL_SERVER_ERROR, "The server failed";
    /// The object store cannot be used.
    StoreUnavailable = "store_unavailable", SERVICE_UNAVAILABLE,
        "The object store cannot be used now";
    /// Too many previews are being made.
    PreviewBusy = "preview_busy", SERVICE_UNAVAILABLE, "No preview could be made in time";
    /// The database or the trail cannot be written; nothing is served without its trail.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The server cannot do this now";
    /// No space is left for the bytes.
    StorageFull = "storage_full", INSUFFICIENT_STORAGE, "The storage is full";
    /// The clinic keeps as much as it may.
    QuotaExceeded = "quota_exceeded", INSUFFICIENT_STORAGE, "The clinic's quota is used up";
}

/// What a limit on calls is (draft-ietf-httpapi-ratelimit-headers).
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left of it, and when there is more (the same draft).
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// An error on its way to the caller.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// What kind it is.
    pub code: Code,
    /// What happened and what would be right, for a person.
    pub detail: String,
    /// Per field: what would be right.
    pub errors: BTreeMap<String, String>,
    /// What only those who run the server are told: addresses, names of settings.
    pub for_operators: Option<Box<str>>,
    /// Seconds after which a retry makes sense.
    pub retry_after: Option<NonZeroU64>,
    /// The limit on calls that was reached: whose it is, and how many a minute.
    pub limit: Option<Box<(&'static str, u32)>>,
    /// How many bytes there are, where a range of them was asked for that is not there.
    pub size: Option<u64>,
    /// The cause, for the log only.
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// An error with its explanation.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: BTreeMap::new(),
            for_operators: None,
            retry_after: None,
            limit: None,
            size: None,
            source: None,
        }
    }

    /// Attaches the cause, for the log.
    #[must_use]
    pub fn with_source(mut self, e: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(e));
        self
    }

    /// Adds what only those who run the server are told.
    #[must_use]
    pub fn for_operators(mut self, told: &str) -> Self {
        self.for_operators = Some(told.into());
        self
    }

    /// The same error as those are told who run the server; none where that is no more.
    pub fn with_all_told(&self) -> Option<Self> {
        let more = self.for_operators.as_deref()?;
        Some(Self { detail: format!("{} {more}", self.detail), ..self.clone() })
    }

    /// Says after how many seconds a retry makes sense.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = NonZeroU64::new(seconds);
        self
    }

    /// Names the limit on calls that was reached: whose it is, and how many a minute.
    #[must_use]
    pub fn limited(mut self, whose: &'static str, per_minute: u32) -> Self {
        self.limit = Some(Box::new((whose, per_minute)));
        self
    }

    /// Says how many bytes there are (`Content-Range: bytes */…`).
    #[must_use]
    pub const fn of_size(mut self, size: u64) -> Self {
        self.size = Some(size);
        self
    }

    /// The fields that are wrong, each with what would be right.
    pub fn fields(errors: BTreeMap<String, String>) -> Self {
        let detail = match errors.iter().next() {
            Some((field, message)) if errors.len() == 1 => format!("{field}: {message}"),
            _ => format!("{} fields are not right; see errors.", errors.len()),
        };
        Self { errors, ..Self::new(Code::InvalidFields, detail) }
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here under this name that you may see.")
    }

    /// The body for a request with this id.
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            r#type: format!("/docs#{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status().as_u16(),
            code: self.code.as_str().to_owned(),
            detail: self.detail.clone(),
            error: self.detail.clone(),
            message: self.detail.clone(),
            request_id: request_id.to_owned(),
            errors: self.errors.clone(),
        }
    }

    /// Writes the cause to the log, once.
    pub fn log(&self) {
        if !self.code.status().is_server_error() {
            return;
        }
        let cause = self.source.as_ref().map(|e| causes::in_one_line(e.as_ref()));
        let cause = cause.unwrap_or_default();
        tracing::error!(code = self.code.as_str(), cause, "{}", self.code.title());
    }
}

/// `application/problem+json` (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Where the code is explained.
    r#type: String,
    /// The code in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    code: String,
    /// What happened and what would be right.
    detail: String,
    /// The same as `detail`, for clients that look here.
    error: String,
    /// The same, for Uppy's clients.
    message: String,
    /// To find the call in the log and in the trail.
    request_id: String,
    /// Per field: what would be right.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    errors: BTreeMap<String, String>,
}

impl IntoResponse for ApiError {
    /// The status only; the outermost layer writes the body, since it knows the request id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.code.status();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds.get()));
        }
        if let Some((whose, per_minute)) = self.limit.as_deref() {
            let wait = self.retry_after.map_or(0, NonZeroU64::get);
            let (policy, now) =
                (format!("\"{whose}\";q={per_minute};w=60"), format!("\"{whose}\";r=0;t={wait}"));
            for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, now)] {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        if let Some(size) = self.size
            && let Ok(range) = HeaderValue::try_from(format!("bytes */{size}"))
        {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"strongroom\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
