//! The wire's operations on single objects.

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, DeleteObjectInput,
    DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, ETagCondition,
    GetObjectAttributesInput, GetObjectAttributesOutput, GetObjectInput, GetObjectOutput,
    HeadObjectInput, HeadObjectOutput, MetadataDirective, ObjectAttributes, PutObjectInput,
    PutObjectOutput, Range, StorageClass, StreamingBlob, Timestamp,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::copy::Replaced;
use super::intake::Length;
use super::object::Found;
use super::put::Put;
use super::rows::VersionRow;
use super::wire::{Endpoint, WireAccess};
use super::wire_convert::{
    MAX_SINGLE, attributes, checksum_type, condition, count, expected, object_key,
    refuse_unsupported, seconds, show_attributes, show_checksums, stamp, strong, trailers,
};
use super::wire_errors::{fail, intake_error, store_error, with_headers};
use crate::store::{ByteRange, ObjectKey, StoreError};

/// The conditions a read may carry.
struct Conditions<'r> {
    if_match: Option<&'r ETagCondition>,
    if_none_match: Option<&'r ETagCondition>,
    if_modified_since: Option<&'r Timestamp>,
    if_unmodified_since: Option<&'r Timestamp>,
}

fn names(condition: &ETagCondition, etag: &str) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(named) => named.value() == etag,
    }
}

impl Conditions<'_> {
    /// In the order of RFC 9110, section 13.2.2.
    fn check(&self, row: &VersionRow) -> S3Result<()> {
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

    pub(super) async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let (headers, mut input) = (req.headers, req.input);
        refuse_unsupported!(input);
        let length = input.content_length.ok_or_else(|| {
            fail(
                S3ErrorCode::MissingContentLength,
                "You must provide the Content-Length HTTP header.",
            )
        })?;
        let put = Put {
            key: object_key(&input.key)?,
            length: Length::exactly(count(length)?, MAX_SINGLE),
            expected: expected(&headers)?,
            condition: condition(input.if_none_match.as_ref(), input.if_match.as_ref())?,
            content_type: input.content_type.take(),
            attributes: attributes!(input),
        };
        let body = input.body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
        let trailers = trailers(&headers, req.trailing_headers);
        let stored = self.store.put(put, body, trailers).await.map_err(intake_error)?;
        let mut output = PutObjectOutput {
            e_tag: strong(&stored.info.etag),
            version_id: stored.info.version_id,
            checksum_type: checksum_type(&stored.checksums, false),
            ..PutObjectOutput::default()
        };
        show_checksums!(output, stored.checksums);
        Ok(S3Response::new(output))
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
        Ok(S3Response::new(output))
    }

    pub(super) async fn get_object_attributes(
        &self,
        req: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = req.input;
        let found = self.find(&input.key, input.version_id.as_deref()).await?;
        let wants = |name: &str| input.object_attributes.iter().any(|a| a.as_str() == name);
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
            presigned: false,
            access_key_id: req
                .credentials
                .as_ref()
                .map_or_else(String::new, |c| c.access_key.clone()),
        })
        .await?;
        self.find(key, version_id.as_deref()).await
    }

    pub(super) async fn copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        refuse_unsupported!(req.input);
        let found = self.copy_source(&req.input.copy_source, &req).await?;
        let mut input = req.input;
        Conditions {
            if_match: input.copy_source_if_match.as_ref(),
            if_none_match: input.copy_source_if_none_match.as_ref(),
            if_modified_since: input.copy_source_if_modified_since.as_ref(),
            if_unmodified_since: input.copy_source_if_unmodified_since.as_ref(),
        }
        .check(&found.row)
        .map_err(|_| store_error(StoreError::Precondition))?;
        let directive = input.metadata_directive.as_ref().map(MetadataDirective::as_str);
        let replaced = (directive == Some(MetadataDirective::REPLACE)).then(|| Replaced {
            content_type: input.content_type.take(),
            attributes: attributes!(input),
        });
        if replaced.is_none() && found.row.latest && found.row.key == input.key {
            return Err(fail(
                S3ErrorCode::InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself \
                 without changing the object's metadata.",
            ));
        }
        let to = object_key(&input.key)?;
        let stored = self.store.copy(&found, &to, replaced).await.map_err(store_error)?;
        let mut result = CopyObjectResult {
            e_tag: strong(&stored.info.etag),
            last_modified: Some(stamp(stored.info.modified)),
            checksum_type: checksum_type(&stored.checksums, found.row.composite),
            ..CopyObjectResult::default()
        };
        show_checksums!(result, stored.checksums);
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result),
            copy_source_version_id: Some(found.row.version_id),
            version_id: stored.info.version_id,
            ..CopyObjectOutput::default()
        }))
    }

    pub(super) async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let input = req.input;
        if input.if_match.is_some() {
            return Err(fail(S3ErrorCode::NotImplemented, "If-Match is not implemented here."));
        }
        let key = object_key(&input.key)?;
        let deleted = self.store.delete(&key, input.version_id.as_deref()).await;
        let deleted = deleted.map_err(store_error)?;
        Ok(S3Response::new(DeleteObjectOutput {
            delete_marker: deleted.marker.then_some(true),
            version_id: deleted.version_id,
            ..DeleteObjectOutput::default()
        }))
    }

    pub(super) async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let access_key_id =
            req.credentials.as_ref().map_or_else(String::new, |c| c.access_key.clone());
        let delete = req.input.delete;
        if delete.objects.len() > 1000 {
            return Err(fail(S3ErrorCode::MalformedXML, "At most 1000 keys can be deleted."));
        }
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            let version = object.version_id.clone();
            match self.delete_one(&object.key, version.as_deref(), &access_key_id).await {
                Ok(deleted) => done.push(deleted),
                Err(e) => errors.push(s3s::dto::Error {
                    code: Some(e.code().as_str().to_owned()),
                    message: e.message().map(str::to_owned),
                    key: Some(object.key),
                    version_id: version,
                }),
            }
        }
        let quiet = delete.quiet.unwrap_or(false);
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: (!quiet).then_some(done),
            errors: (!errors.is_empty()).then_some(errors),
            ..DeleteObjectsOutput::default()
        }))
    }

    async fn delete_one(
        &self,
        key: &str,
        version: Option<&str>,
        access_key_id: &str,
    ) -> S3Result<DeletedObject> {
        let key: ObjectKey = object_key(key)?;
        self.observe(WireAccess {
            operation: "DeleteObject",
            key: Some(key.clone()),
            version_id: version.map(str::to_owned),
            presigned: false,
            access_key_id: access_key_id.to_owned(),
        })
        .await?;
        let deleted = self.store.delete(&key, version).await.map_err(store_error)?;
        Ok(DeletedObject {
            delete_marker: deleted.marker.then_some(true),
            delete_marker_version_id: deleted.version_id.filter(|_| deleted.marker),
            key: Some(key.as_str().to_owned()),
            version_id: version.map(str::to_owned),
        })
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
