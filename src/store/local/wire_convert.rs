//! Between the protocol library's types and ours.

use http::HeaderMap;
use s3s::dto::{self, ChecksumType, ETag, ETagCondition};
use s3s::{S3ErrorCode, S3Result};

use super::checksum::{Algorithm, Checksums, Expected};
use super::intake::IntakeError;
use super::object::Attributes;
use super::rows::Condition;
use super::wire_errors::{fail, intake_error, key_error};
use crate::store::ObjectKey;
use crate::time::Timestamp;

/// Largest object one request may bring, in bytes (S3's own limit).
pub const MAX_SINGLE: u64 = 5 * 1024 * 1024 * 1024;

/// A time in the library's words.
pub fn stamp(at: Timestamp) -> dto::Timestamp {
    at.date_time().into()
}

/// Whole seconds since 1970.
pub fn seconds(at: &dto::Timestamp) -> i64 {
    time::OffsetDateTime::from(at.clone()).unix_timestamp()
}

/// An ETag in the library's words, whose outputs all have it optional.
#[allow(clippy::unnecessary_wraps)] // saves every caller the `Some`
pub fn strong(etag: &str) -> Option<ETag> {
    Some(ETag::Strong(etag.to_owned()))
}

/// A checked key.
pub fn object_key(key: &str) -> S3Result<ObjectKey> {
    ObjectKey::new(key).map_err(key_error)
}

/// A number of the protocol that cannot be negative.
fn count(n: i64) -> S3Result<u64> {
    u64::try_from(n).map_err(|_| fail(S3ErrorCode::InvalidArgument, "A length is negative."))
}

/// How long a body says it is: an aws-chunked one names its decoded length apart.
pub fn announced_length(length: Option<i64>, headers: &HeaderMap) -> S3Result<u64> {
    let decoded = headers.get("x-amz-decoded-content-length").and_then(|v| v.to_str().ok());
    let length = decoded.and_then(|text| text.parse().ok()).or(length).ok_or_else(|| {
        let text = "You must provide the Content-Length HTTP header.";
        fail(S3ErrorCode::MissingContentLength, text)
    })?;
    count(length)
}

/// When a write may happen, from its two headers.
pub fn condition(
    if_none_match: Option<&ETagCondition>,
    if_match: Option<&ETagCondition>,
) -> S3Result<Condition> {
    match (if_none_match, if_match) {
        (None, None) => Ok(Condition::None),
        (Some(ETagCondition::Any), None) => Ok(Condition::Absent),
        (None, Some(ETagCondition::Any)) => Ok(Condition::Matches("*".to_owned())),
        (None, Some(ETagCondition::ETag(etag))) => Ok(Condition::Matches(etag.value().to_owned())),
        _ => Err(fail(
            S3ErrorCode::NotImplemented,
            "Of If-None-Match only * is implemented, and not together with If-Match.",
        )),
    }
}

/// The checksums among the headers of a request or the fields of a form.
pub fn named_checksums<'v>(text: impl Fn(&str) -> Option<&'v str>) -> S3Result<Expected> {
    let mut expected = Expected::default();
    for algorithm in Algorithm::ALL {
        if let Some(value) = text(algorithm.header()) {
            let added = expected.add(algorithm, value);
            added.map_err(|_| intake_error(IntakeError::InvalidChecksum))?;
        }
    }
    if let Some(value) = text("content-md5") {
        expected.add_md5(value).map_err(|_| intake_error(IntakeError::InvalidDigest))?;
    }
    Ok(expected)
}

/// The checksums that headers announce or carry.
pub fn expected(headers: &HeaderMap) -> S3Result<Expected> {
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    let mut expected = named_checksums(text)?;
    expected.compute = match (announced(headers), text("x-amz-sdk-checksum-algorithm")) {
        (Some(algorithm), _) => Some(algorithm),
        (None, Some(name)) => Algorithm::parse(name),
        (None, None) => None,
    };
    Ok(expected)
}

fn announced(headers: &HeaderMap) -> Option<Algorithm> {
    let trailer = headers.get("x-amz-trailer")?.to_str().ok()?;
    let named =
        |a: &Algorithm| trailer.split(',').any(|name| name.trim().eq_ignore_ascii_case(a.header()));
    Algorithm::ALL.into_iter().find(named)
}

/// Reads the checksum that a trailer was announced to carry, once the body has ended.
pub fn trailers(
    headers: &HeaderMap,
    handle: Option<s3s::TrailingHeaders>,
) -> impl FnOnce(&mut Expected) -> Result<(), IntakeError> + Send + 'static {
    let announced = announced(headers);
    move |expected| {
        let Some(algorithm) = announced else { return Ok(()) };
        let value = handle.and_then(|h| h.take()).and_then(|t| t.get(algorithm.header()).cloned());
        let text = value.as_ref().and_then(|v| v.to_str().ok());
        let text = text.ok_or(IntakeError::InvalidChecksum)?;
        expected.add(algorithm, text).map_err(|_| IntakeError::InvalidChecksum)
    }
}

/// `Content-Encoding` without what only the transport meant.
pub fn content_encoding(text: Option<String>) -> Option<String> {
    let text = text?;
    let kept: Vec<&str> =
        text.split(',').map(str::trim).filter(|e| !e.is_empty() && *e != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// Most bytes of user metadata, names and values together ("Working with object metadata", Amazon
/// S3 user guide).
const MAX_METADATA: usize = 2048;

/// The attributes, unless their user metadata is more than S3 takes.
pub fn limited(attributes: Attributes) -> S3Result<Attributes> {
    let size: usize = attributes.metadata.iter().map(|(n, v)| n.len() + v.len()).sum();
    if size > MAX_METADATA {
        return Err(fail(
            S3ErrorCode::MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    Ok(attributes)
}

/// The attributes in any of the library's inputs that carry them, or why they are refused.
macro_rules! attributes {
    ($input:expr) => {
        $crate::store::local::wire_convert::limited($crate::store::local::Attributes {
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $crate::store::local::wire_convert::content_encoding(
                $input.content_encoding.take(),
            ),
            content_language: $input.content_language.take(),
            expires: $input
                .expires
                .take()
                .as_ref()
                .map($crate::store::local::wire_convert::seconds),
            metadata: $input.metadata.take().unwrap_or_default().into_iter().collect(),
        })
    };
}
pub(super) use attributes;

/// Refuses what would otherwise be dropped silently.
macro_rules! refuse_unsupported {
    ($input:expr) => {
        let unsupported = $input.tagging.is_some()
            || $input.sse_customer_algorithm.is_some()
            || $input.object_lock_mode.is_some()
            || $input.object_lock_legal_hold_status.is_some()
            || $input.website_redirect_location.is_some();
        if unsupported {
            return Err($crate::store::local::wire_errors::fail(
                s3s::S3ErrorCode::NotImplemented,
                "Tags, customer keys, object locks and redirects are not implemented.",
            ));
        }
    };
}
pub(super) use refuse_unsupported;

/// Writes checksums into any of the library's outputs that show them.
macro_rules! show_checksums {
    ($output:expr, $checksums:expr) => {{
        use $crate::store::local::checksum::Algorithm;
        let mut checksums = $checksums;
        $output.checksum_crc32 = checksums.remove(&Algorithm::Crc32);
        $output.checksum_crc32c = checksums.remove(&Algorithm::Crc32c);
        $output.checksum_crc64nvme = checksums.remove(&Algorithm::Crc64nvme);
        $output.checksum_sha1 = checksums.remove(&Algorithm::Sha1);
        $output.checksum_sha256 = checksums.remove(&Algorithm::Sha256);
    }};
}
pub(super) use show_checksums;

/// Reads checksums out of any of the library's inputs that carry them.
macro_rules! read_checksums {
    ($input:expr) => {{
        use $crate::store::local::checksum::Algorithm;
        [
            (Algorithm::Crc32, $input.checksum_crc32.clone()),
            (Algorithm::Crc32c, $input.checksum_crc32c.clone()),
            (Algorithm::Crc64nvme, $input.checksum_crc64nvme.clone()),
            (Algorithm::Sha1, $input.checksum_sha1.clone()),
            (Algorithm::Sha256, $input.checksum_sha256.clone()),
        ]
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)))
        .collect()
    }};
}
pub(super) use read_checksums;

/// Whether the checksums are of the parts' checksums.
pub fn checksum_type(checksums: &Checksums, composite: bool) -> Option<ChecksumType> {
    if checksums.is_empty() {
        return None;
    }
    let kind = if composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
    Some(ChecksumType::from_static(kind))
}

/// The stored attributes in any of the library's outputs that show them.
macro_rules! show_attributes {
    ($output:expr, $attributes:expr) => {{
        let attributes: $crate::store::local::Attributes = $attributes;
        $output.cache_control = attributes.cache_control;
        $output.content_disposition = attributes.content_disposition;
        $output.content_encoding = attributes.content_encoding;
        $output.content_language = attributes.content_language;
        $output.expires = attributes.expires.map(|at| {
            let at = $crate::time::Timestamp::from_micros(at.saturating_mul(1_000_000));
            $crate::store::local::wire_convert::stamp(at)
        });
        if !attributes.metadata.is_empty() {
            $output.metadata = Some(attributes.metadata.into_iter().collect());
        }
    }};
}
pub(super) use show_attributes;

/// Attributes as a form's fields name them.
pub fn form_attributes(field: impl Fn(&str) -> Option<String>) -> Attributes {
    Attributes {
        cache_control: field("cache-control"),
        content_disposition: field("content-disposition"),
        content_encoding: field("content-encoding"),
        content_language: field("content-language"),
        ..Attributes::default()
    }
}
