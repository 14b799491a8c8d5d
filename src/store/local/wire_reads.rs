//! The wire's operations that read single objects.

use s3s::dto::{
    CopySource, ETagCondition, GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput,
    GetObjectOutput, HeadObjectInput, HeadObjectOutput, ObjectAttributes, Range, StorageClass,
    StreamingBlob, Timestamp,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::object::Found;
use super::rows::VersionRow;
use super::wire::{Endpoint, WireAccess};
use super::wire_convert::{
    checksum_type, object_key, seconds, show_attributes, show_checksums, stamp, strong,
};
use super::wire_errors::{fail, store_error, with_headers};
use crate::store::{ByteRange, StoreError};

/// The conditions a read may carry.
#[allow(clippy::struct_field_names)] // the names of the headers
pub(super) struct Conditions<'r> {
    pub if_match: Option<&'r ETagCondition>,
    pub if_none_match: Option<&'r ETagCondition>,
    pub if_modified_since: Option<&'r Timestamp>,
    pub if_unmodified_since: Option<&'r Timestamp>,
}

fn names(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(named) => named.value() == etag,
    }
}

impl Conditions<'_> {
    /// In the order of RFC 9110, section 13.2.2.
    pub fn check(&self, row: &VersionRow) -> S3Result<()> {
        let modified = row.modified.seconds();
        let holds = match (self.if_match, self.if_unmodified_since) {
            (Some(condition), _) => names(condition, &row.etag),
            (None, Some(since)) => modified <= seconds(since),
            (None, None) => true,
        };
        if !holds {
            return Err(store_error(StoreError::Precondition));
        }
        let changed = match (self.if_none_match, self.if_modified_since) {
            (Some(condition), _) => !names(condition, &row.etag),
            (None, Some(since)) => modified > seconds(since),
            (None, None) => true,
        };
        if changed {
            return Ok(());
        }
        let error = fail(S3ErrorCode::NotModified, "Not Modified");
        Err(with_headers(error, &[("etag", &format!("\"{}\"", row.etag))]))
    }
}

impl Endpoint {
    /// Finds what a read is of; a delete marker is answered as S3 does.
    async fn find(&self, key: &str, version: Option<&str>) -> S3Result<Found> {
        let key = object_key(key)?;
        let row = self.store.row(&key, version).await.map_err(store_error)?;
        let row = match (row, version) {
            (Some(row), _) if !row.marker => row,
            (Some(row), None) => {
                let error = store_error(StoreError::NotFound);
                let headers =
                    [("x-amz-delete-marker", "true"), ("x-amz-version-id", &row.version_id)];
                return Err(with_headers(error, &headers));
            }
            (Some(_), Some(_)) => {
                let text = "The specified method is not allowed against this resource.";
                let error = fail(S3ErrorCode::MethodNotAllowed, text);
                return Err(with_headers(error, &[("x-amz-delete-marker", "true")]));
            }
            (None, Some(_)) => {
                let text = "The specified version does not exist.";
                return Err(fail(S3ErrorCode::NoSuchVersion, text));
            }
            (None, None) => return Err(store_error(StoreError::NotFound)),
        };
        self.store.found(row).await.map_err(store_error)
    }

    pub(super) async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = req.input;
        let found = self.find(&input.key, input.version_id.as_deref()).await?;
        Conditions {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        }
        .check(&found.row)?;
        let size = found.size();
        let part = input.part_number;
        let range = requested(&found, input.range.as_ref(), part)?;
        let content_range =
            range.as_ref().map(|r| format!("bytes {}-{}/{size}", r.start, r.end - 1));
        let range = range.unwrap_or(0..size);
        let blocks = self.store.read(&found, range.clone()).await.map_err(store_error)?;
        let attributes = found.attributes().map_err(store_error)?;
        let mut output = GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(blocks)),
            content_length: Some((range.end - range.start).cast_signed()),
            content_type: Some(content_type(&found)),
            e_tag: strong(&found.row.etag),
            last_modified: Some(stamp(found.row.modified)),
            version_id: Some(found.row.version_id.clone()),
            parts_count: part.and_then(|_| parts_count(&found)),
            ..GetObjectOutput::default()
        };
        if input.checksum_mode.is_some() && content_range.is_none() {
            output.checksum_type = checksum_type(&found.checksums(), found.row.composite);
            show_checksums!(output, found.checksums());
        }
        output.content_range = content_range;
        show_attributes!(output, attributes);
        Ok(S3Response::new(output))
    }

    pub(super) async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let input = req.input;
        let found = self.find(&input.key, input.version_id.as_deref()).await?;
        Conditions {
            if_match: input.if_match.as_ref(),
            if_none_match: input.if_none_match.as_ref(),
            if_modified_since: input.if_modified_since.as_ref(),
            if_unmodified_since: input.if_unmodified_since.as_ref(),
        }
        .check(&found.row)?;
        let size = found.size();
        let part = input.part_number;
        let range = requested(&found, input.range.as_ref(), part)?;
        let whole = range.is_none();
        let content_range =
            range.as_ref().map(|r| format!("bytes {}-{}/{size}", r.start, r.end - 1));
        let length = range.map_or(size, |r| r.end - r.start);
        let mut output = HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            content_length: Some(length.cast_signed()),
            content_range,
            content_type: Some(content_type(&found)),
            e_tag: strong(&found.row.etag),
            last_modified: Some(stamp(found.row.modified)),
            version_id: Some(found.row.version_id.clone()),
            parts_count: part.and_then(|_| parts_count(&found)),
            ..HeadObjectOutput::default()
        };
        if input.checksum_mode.is_some() && whole {
            output.checksum_type = checksum_type(&found.checksums(), found.row.composite);
            show_checksums!(output, found.checksums());
        }
        show_attributes!(output, found.attributes().map_err(store_error)?);
        // For a GET the library does this.
        output.cache_control = input.response_cache_control.or(output.cache_control);
        Ok(S3Response::new(output))
    }

    pub(super) async fn get_object_attributes(
        &self,
        req: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = req.input;
        let found = self.find(&input.key, input.version_id.as_deref()).await?;
        // Clients name them in one header, separated by commas.
        let named =
            |a: &ObjectAttributes, name: &str| a.as_str().split(',').any(|a| a.trim() == name);
        let wants = |name: &str| input.object_attributes.iter().any(|a| named(a, name));
        let mut output = GetObjectAttributesOutput {
            last_modified: Some(stamp(found.row.modified)),
            version_id: Some(found.row.version_id.clone()),
            ..GetObjectAttributesOutput::default()
        };
        if wants(ObjectAttributes::ETAG) {
            output.e_tag = strong(&found.row.etag);
        }
        if wants(ObjectAttributes::OBJECT_SIZE) {
            output.object_size = Some(found.row.size);
        }
        if wants(ObjectAttributes::STORAGE_CLASS) {
            output.storage_class = Some(StorageClass::from_static(StorageClass::STANDARD));
        }
        if wants(ObjectAttributes::CHECKSUM) {
            let mut checksum = s3s::dto::Checksum {
                checksum_type: checksum_type(&found.checksums(), found.row.composite),
                ..s3s::dto::Checksum::default()
            };
            show_checksums!(checksum, found.checksums());
            output.checksum = Some(checksum);
        }
        Ok(S3Response::new(output))
    }

    /// Finds what a copy is made of; the observer is told that it is read.
    pub(super) async fn copy_source<T>(
        &self,
        source: &CopySource,
        req: &S3Request<T>,
    ) -> S3Result<Found> {
        let CopySource::Bucket { bucket, key, version_id } = source else {
            return Err(fail(S3ErrorCode::NotImplemented, "Only objects can be copied."));
        };
        if **bucket != *self.store.config.bucket {
            return Err(fail(S3ErrorCode::NoSuchBucket, "The specified bucket does not exist"));
        }
        self.observe(WireAccess {
            operation: "GetObject",
            key: Some(object_key(key)?),
            version_id: version_id.as_deref().map(str::to_owned),
            ..WireAccess::of(req)
        })
        .await?;
        self.find(key, version_id.as_deref()).await
    }
}

fn content_type(found: &Found) -> String {
    found.row.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())
}

fn parts_count(found: &Found) -> Option<i32> {
    found.row.file_id.is_none().then(|| i32::try_from(found.segments.len()).ok()).flatten()
}

/// The bytes a read is of; nothing where it is of all.
pub(super) fn requested(
    found: &Found,
    range: Option<&Range>,
    part: Option<i32>,
) -> S3Result<Option<std::ops::Range<u64>>> {
    if let Some(part) = part {
        let index = usize::try_from(part - 1).ok().filter(|i| *i < found.segments.len());
        let unknown = || fail(S3ErrorCode::InvalidPart, "There is no such part.");
        let index = index.ok_or_else(unknown)?;
        let begin: u64 = found.segments[..index].iter().map(|s| s.size).sum();
        let end = begin + found.segments[index].size;
        return Ok((begin < end).then_some(begin..end));
    }
    let Some(range) = range else { return Ok(None) };
    let range = match *range {
        Range::Int { first, last: Some(last) } => ByteRange::Inclusive(first, last),
        Range::Int { first, last: None } => ByteRange::From(first),
        Range::Suffix { length } => ByteRange::Last(length),
    };
    let within = range.within(found.size());
    within.map(Some).ok_or_else(|| {
        let error = fail(S3ErrorCode::InvalidRange, "The requested range is not satisfiable");
        with_headers(error, &[("content-range", &format!("bytes */{}", found.size()))])
    })
}
