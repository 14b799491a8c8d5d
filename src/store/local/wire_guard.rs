//! Who may speak to the wire: what is refused before the protocol library sees it, the one access
//! key, and the observer's say before anything is done.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts};
use percent_encoding::percent_decode_str;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::LocalStore;
use super::wire::{Most, WireAccess, WireObserver, WireRefusal, remote, request_id};
use super::wire_convert::announced_length;
use super::wire_errors::{fail, key_error, store_error};
use crate::keys::S3Credentials;
use crate::store::ObjectKey;
use crate::time::Timestamp;

/// Longest life of a presigned request in seconds (seven days).
const MAX_EXPIRES: u64 = 604_800;

/// How far the clock of whoever signs may be ahead of ours.
const CLOCK_SKEW: Duration = Duration::from_mins(15);

/// Headers that are kept with an object and sent to whoever downloads it: who signs an upload
/// decides on them, not who sends it.
const SHOWN: [&str; 5] =
    ["cache-control", "content-disposition", "content-encoding", "content-language", "expires"];

/// The operations served, and whether each touches objects and is shown to the observer.
const SERVED: &[(&str, bool)] = &[
    ("GetObject", true),
    ("HeadObject", true),
    ("PutObject", true),
    ("DeleteObject", true),
    ("DeleteObjects", true),
    ("CopyObject", true),
    ("GetObjectAttributes", true),
    ("ListObjects", true),
    ("ListObjectsV2", true),
    ("ListObjectVersions", true),
    ("CreateMultipartUpload", true),
    ("UploadPart", true),
    ("UploadPartCopy", true),
    ("CompleteMultipartUpload", true),
    ("AbortMultipartUpload", true),
    ("ListParts", true),
    ("ListMultipartUploads", true),
    ("CreateBucket", false),
    ("HeadBucket", false),
    ("ListBuckets", false),
    ("GetBucketLocation", false),
    ("GetBucketVersioning", false),
];

/// One parameter of a query, decoded.
pub fn query_param(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs
        .into_iter()
        .find(|(n, _)| percent_decode_str(n).decode_utf8().is_ok_and(|n| n == name))?;
    percent_decode_str(value).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// Refuses what the protocol library would let pass.
///
/// - Signature Version 2, in header or query.
/// - A presigned request that lives longer than seven days.
/// - A presigned request that is not valid yet; the library calls it skewed.
/// - An `x-amz-…` header that is not signed: with one (`x-amz-copy-source`) whoever holds a
///   presigned upload could turn it into another operation. S3 refuses such requests too.
/// - In a presigned upload, a header of [`SHOWN`] that is not signed.
pub fn refuse(parts: &Parts, now: Timestamp) -> Result<(), S3Error> {
    let authorization = parts.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let v2 = authorization.is_some_and(|v| v.starts_with(b"AWS "))
        || ["AWSAccessKeyId", "Signature"].iter().any(|n| query_param(&parts.uri, n).is_some());
    if v2 {
        return Err(fail(
            S3ErrorCode::InvalidRequest,
            "The authorization mechanism you have provided is not supported. Please use \
             AWS4-HMAC-SHA256.",
        ));
    }
    if let Some(expires) = query_param(&parts.uri, "X-Amz-Expires")
        && !expires.parse::<u64>().is_ok_and(|e| (1..=MAX_EXPIRES).contains(&e))
    {
        return Err(fail(
            S3ErrorCode::AuthorizationQueryParametersError,
            "X-Amz-Expires must be between 1 and 604800 seconds",
        ));
    }
    if query_param(&parts.uri, "X-Amz-Date").is_some_and(|date| is_early(&date, now)) {
        return Err(fail(S3ErrorCode::AccessDenied, "Request is not valid yet"));
    }
    let in_query = query_param(&parts.uri, "X-Amz-SignedHeaders");
    // A page that is loaded again sends `Cache-Control` with what it reads; nothing is kept of it.
    let presigned_write =
        in_query.is_some() && (parts.method == Method::PUT || parts.method == Method::POST);
    let signed = match (in_query, authorization) {
        (Some(signed), _) => signed,
        (None, Some(header)) => signed_headers(&String::from_utf8_lossy(header)).to_owned(),
        (None, None) => return Ok(()),
    };
    // The payload's hash is checked against the payload itself.
    let unsigned = |name: &&str| {
        let ours = name.starts_with("x-amz-") && *name != "x-amz-content-sha256";
        (ours || (presigned_write && SHOWN.contains(name))) && !lists(&signed, name)
    };
    if !lists(&signed, "host")
        || parts.headers.keys().map(header::HeaderName::as_str).any(|n| unsigned(&n))
    {
        return Err(fail(
            S3ErrorCode::AccessDenied,
            "There were headers present in the request which were not signed",
        ));
    }
    Ok(())
}

/// What browsers say of their own cache, whoever wrote the request: `max-age=0` along with
/// `If-None-Match`, which our uploads have; `no-cache` while their developer tools are open. In an
/// upload it would be kept with the object if it were signed; it is not, and means nothing.
pub fn forget_reload(parts: &mut Parts) {
    let unsigned = query_param(&parts.uri, "X-Amz-SignedHeaders")
        .is_some_and(|signed| !lists(&signed, "cache-control"));
    let said = parts.headers.get(header::CACHE_CONTROL).map(HeaderValue::as_bytes);
    if unsigned && (said == Some(b"max-age=0") || said == Some(b"no-cache")) {
        parts.headers.remove(header::CACHE_CONTROL);
    }
}

/// Whether a header is among the signed ones.
fn lists(signed: &str, name: &str) -> bool {
    signed.split(';').any(|s| s.eq_ignore_ascii_case(name))
}

/// How long the body is by its headers.
fn body_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
    announced_length(length, headers).ok()
}

/// Whether a date (`YYYYMMDDThhmmssZ`) lies further ahead than clocks may differ. What is no date
/// is the library's to refuse.
fn is_early(date: &str, now: Timestamp) -> bool {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(date, FORMAT)
        .is_ok_and(|date| date.assume_utc() > now.date_time() + CLOCK_SKEW)
}

fn signed_headers(authorization: &str) -> &str {
    let mut fields = authorization.split([' ', ',']).map(str::trim);
    fields.find_map(|f| f.strip_prefix("SignedHeaders=")).unwrap_or_default()
}

/// Knows the one access key.
pub struct OneKey(pub S3Credentials);

#[async_trait::async_trait]
impl S3Auth for OneKey {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.0.access_key_id {
            return Ok(SecretKey::from(self.0.secret_access_key.reveal().as_str()));
        }
        Err(fail(
            S3ErrorCode::InvalidAccessKeyId,
            "The AWS Access Key Id you provided does not exist in our records.",
        ))
    }
}

/// Lets only signed requests for the one bucket through, each after the observer.
pub struct Gate {
    /// Whose bucket it is, and what lies in it.
    pub store: Arc<LocalStore>,
    /// Told before anything is done.
    pub observer: Arc<dyn WireObserver>,
}

/// Asks the observer; its refusal is 503.
pub async fn observe(observer: &dyn WireObserver, access: &WireAccess) -> S3Result<Most> {
    observer.before(access).await.map_err(|refusal| match refusal {
        WireRefusal::NotRecorded => fail(
            S3ErrorCode::ServiceUnavailable,
            "The access cannot be recorded. Please try again.",
        ),
        WireRefusal::Ended => {
            fail(S3ErrorCode::AccessDenied, "The upload that this URL was made for has ended.")
        }
        WireRefusal::TooLarge => fail(
            S3ErrorCode::EntityTooLarge,
            "Your proposed upload exceeds the maximum allowed object size.",
        ),
        WireRefusal::Unscanned => fail(
            S3ErrorCode::AccessDenied,
            "The document waits for the malware scanner or is quarantined; nobody may read it.",
        ),
    })
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(credentials) = cx.credentials() else {
            return Err(fail(S3ErrorCode::AccessDenied, "Access Denied"));
        };
        let access_key_id = credentials.access_key.clone();
        let name = cx.s3_op().name();
        let Some((operation, observed)) = SERVED.iter().find(|(served, _)| *served == name) else {
            return Err(fail(
                S3ErrorCode::NotImplemented,
                "A header or operation you provided implies functionality that is not implemented.",
            ));
        };
        let path = cx.s3_path();
        if path.get_bucket_name().is_some_and(|bucket| bucket != self.store.config.bucket) {
            return Err(fail(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist"));
        }
        if !observed {
            return Ok(());
        }
        let key = path.get_object_key().map(ObjectKey::new).transpose().map_err(key_error)?;
        let beside = match (&key, query_param(cx.uri(), "uploadId")) {
            (Some(key), Some(upload)) if name == "UploadPart" => {
                let number = query_param(cx.uri(), "partNumber").and_then(|n| n.parse().ok());
                let beside = self.store.parts_beside(key, &upload, number.unwrap_or(0)).await;
                beside.map_err(store_error)?
            }
            _ => 0,
        };
        let access = WireAccess {
            operation,
            beside,
            key,
            version_id: query_param(cx.uri(), "versionId"),
            length: body_length(cx.headers()),
            presigned: is_presigned(cx.uri()),
            access_key_id,
            remote: remote(cx.extensions_mut()),
            request_id: request_id(cx.extensions_mut()),
        };
        let most = observe(&*self.observer, &access).await?;
        // For the part's own commit: others may come meanwhile.
        cx.extensions_mut().insert(most);
        Ok(())
    }
}

/// Whether the signature is in the query.
pub fn is_presigned(uri: &Uri) -> bool {
    query_param(uri, "X-Amz-Signature").is_some()
}

/// Whether this is an upload by a form of a page.
pub fn is_form_upload(parts: &Parts) -> bool {
    let content_type = parts.headers.get(header::CONTENT_TYPE);
    let form = content_type.and_then(|v| v.to_str().ok()).is_some_and(|v| {
        v.get(..19).is_some_and(|v| v.eq_ignore_ascii_case("multipart/form-data"))
    });
    parts.method == Method::POST && form
}
