//! Our errors in S3's words ("Error responses", Amazon S3 API reference).

use http::{HeaderMap, HeaderValue, StatusCode};
use s3s::{S3Error, S3ErrorCode};

use super::intake::{BodyError, IntakeError};
use super::multipart::MultipartError;
use crate::store::{ObjectKeyError, StoreError};

/// An error with S3's code and a message.
pub fn fail(code: S3ErrorCode, message: &'static str) -> S3Error {
    S3Error::with_message(code, message)
}

fn custom(code: &'static str, status: StatusCode, message: &'static str) -> S3Error {
    let mut error = fail(S3ErrorCode::Custom(code.into()), message);
    error.set_status_code(status);
    error
}

/// Adds headers to an error's answer; its content type has to be among them.
pub fn with_headers(mut error: S3Error, headers: &[(&'static str, &str)]) -> S3Error {
    let mut map = HeaderMap::new();
    map.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            map.insert(*name, value);
        }
    }
    error.set_headers(map);
    error
}

/// What a failing store is called.
pub fn store_error(e: StoreError) -> S3Error {
    use S3ErrorCode as Code;
    match e {
        StoreError::NotFound => fail(Code::NoSuchKey, "The specified key does not exist."),
        StoreError::AlreadyExists | StoreError::Precondition => fail(
            Code::PreconditionFailed,
            "At least one of the pre-conditions you specified did not hold",
        ),
        StoreError::Denied => fail(Code::AccessDenied, "Access Denied"),
        StoreError::Archived => {
            fail(Code::InvalidObjectState, "The object is in an archive and must be restored")
        }
        StoreError::Full => {
            let status = StatusCode::INSUFFICIENT_STORAGE;
            custom("InsufficientStorage", status, "The store has no space left.")
        }
        StoreError::Damaged => {
            tracing::error!("a stored object is missing or failed its authentication");
            fail(Code::InternalError, "The object's stored bytes are damaged.")
        }
        StoreError::InvalidParts => {
            fail(Code::InvalidPart, "One or more of the specified parts could not be found.")
        }
        StoreError::Unsupported(_) | StoreError::Unusable(_) => {
            fail(Code::NotImplemented, "The store cannot do this.")
        }
        StoreError::Unavailable(source) => {
            tracing::error!(error = ?source, "the local store failed");
            fail(Code::ServiceUnavailable, "The store cannot be used now. Please try again.")
        }
    }
}

/// What a body that was not taken in is called.
pub fn intake_error(e: IntakeError) -> S3Error {
    use S3ErrorCode as Code;
    match e {
        IntakeError::Store(e) => store_error(e),
        IntakeError::Body(e) => body_error(&e),
        IntakeError::Short => fail(
            Code::IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        IntakeError::Small => fail(
            Code::EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed object size.",
        ),
        IntakeError::Long => fail(
            Code::EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed object size.",
        ),
        IntakeError::BadDigest => {
            fail(Code::BadDigest, "A checksum you specified did not match the calculated checksum.")
        }
        IntakeError::InvalidChecksum => {
            fail(Code::InvalidRequest, "The value of a checksum header is invalid.")
        }
        IntakeError::InvalidDigest => {
            fail(Code::InvalidDigest, "The Content-MD5 you specified is not valid.")
        }
    }
}

/// What a body that broke off is called. The protocol library's stream errors have no public
/// types: their texts are what there is to go by.
fn body_error(e: &BodyError) -> S3Error {
    let text = e.to_string();
    if text.contains("Sha256Mismatch") {
        custom(
            "XAmzContentSHA256Mismatch",
            StatusCode::BAD_REQUEST,
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
    } else if text.contains("SignatureMismatch") {
        fail(
            S3ErrorCode::SignatureDoesNotMatch,
            "The signature of a chunk does not match the signature you provided.",
        )
    } else if text.contains("stood still") || text.contains("nothing more of the body came") {
        fail(
            S3ErrorCode::RequestTimeout,
            "Your socket connection to the server was not read from or written to within the \
             timeout period. Idle connections will be closed.",
        )
    } else if text.contains("FormatError") {
        fail(S3ErrorCode::InvalidRequest, "The aws-chunked body is malformed.")
    } else {
        intake_error(IntakeError::Short)
    }
}

/// What a failing upload in parts is called.
pub fn multipart_error(e: MultipartError) -> S3Error {
    use S3ErrorCode as Code;
    match e {
        MultipartError::NoSuchUpload => fail(
            Code::NoSuchUpload,
            "The specified multipart upload does not exist. The upload ID may be invalid, or the \
             upload may have been aborted or completed.",
        ),
        MultipartError::InvalidPart => fail(
            Code::InvalidPart,
            "One or more of the specified parts could not be found, or the specified entity tag \
             or checksum did not match the part's.",
        ),
        MultipartError::InvalidPartOrder => fail(
            Code::InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        ),
        MultipartError::TooSmall => fail(
            Code::EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed object size.",
        ),
        MultipartError::NoParts => fail(Code::MalformedXML, "You must specify at least one part"),
        MultipartError::Intake(e) => intake_error(e),
    }
}

/// What a key that is none is called.
pub fn key_error(e: ObjectKeyError) -> S3Error {
    match e {
        ObjectKeyError::TooLong => fail(S3ErrorCode::KeyTooLongError, "Your key is too long"),
        ObjectKeyError::Empty | ObjectKeyError::Nul => {
            fail(S3ErrorCode::InvalidArgument, "The object key is not valid.")
        }
    }
}
