//! The wire's operations on uploads in parts.

use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm, ChecksumType,
    CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CopyPartResult,
    CreateMultipartUploadInput, CreateMultipartUploadOutput, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, Part, Range,
    StreamingBlob, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::checksum::Algorithm;
use super::intake::Length;
use super::multipart::{Begin, Complete, MAX_PARTS, NamedPart};
use super::rows;
use super::rows::{PartRow, UploadRow};
use super::wire::{Endpoint, Most};
use super::wire_convert::{
    MAX_SINGLE, announced_length, attributes, checksum_type, condition, expected, object_key,
    read_checksums, refuse_unsupported, show_checksums, stamp, strong, trailers,
};
use super::wire_errors::{fail, multipart_error, store_error};
use super::wire_lists::Shown;
use super::wire_reads::requested;

fn part_number(number: i32) -> S3Result<i64> {
    let number = i64::from(number);
    if (1..=MAX_PARTS).contains(&number) {
        return Ok(number);
    }
    Err(fail(
        S3ErrorCode::InvalidArgument,
        "Part number must be an integer between 1 and 10000, inclusive",
    ))
}

fn shown_type(upload: &UploadRow) -> Option<ChecksumType> {
    upload.algorithm.as_ref()?;
    let kind = if upload.full_object { ChecksumType::FULL_OBJECT } else { ChecksumType::COMPOSITE };
    Some(ChecksumType::from_static(kind))
}

fn shown_algorithm(upload: &UploadRow) -> Option<ChecksumAlgorithm> {
    upload.algorithm.clone().map(ChecksumAlgorithm::from)
}

impl Endpoint {
    pub(super) async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let mut input = req.input;
        refuse_unsupported!(input);
        let algorithm = match &input.checksum_algorithm {
            Some(name) => Some(Algorithm::parse(name.as_str()).ok_or_else(|| {
                fail(S3ErrorCode::InvalidRequest, "The checksum algorithm is not known.")
            })?),
            None => None,
        };
        // S3's defaults: CRC-64/NVME is always of the whole object, the others of the parts.
        let asked = input.checksum_type.as_ref().map(ChecksumType::as_str);
        let full = |a: Algorithm| {
            a == Algorithm::Crc64nvme || (a.combines() && asked == Some(ChecksumType::FULL_OBJECT))
        };
        let begin = Begin {
            key: object_key(&input.key)?,
            content_type: input.content_type.take(),
            attributes: attributes!(input)?,
            algorithm: algorithm.map(|a| (a, full(a))),
        };
        let upload_id = self.store.begin_multipart(&begin).await.map_err(store_error)?;
        let kind = |full| {
            ChecksumType::from_static(if full {
                ChecksumType::FULL_OBJECT
            } else {
                ChecksumType::COMPOSITE
            })
        };
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(upload_id),
            checksum_algorithm: input.checksum_algorithm,
            checksum_type: begin.algorithm.map(|(_, full)| kind(full)),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let most = req.extensions.get::<Most>().copied().unwrap_or_default();
        let (headers, input) = (req.headers, req.input);
        let number = part_number(input.part_number)?;
        let length = announced_length(input.content_length, &headers)?;
        let length = Length::exactly(length, MAX_SINGLE);
        let key = object_key(&input.key)?;
        let upload = self.store.upload(&key, &input.upload_id).await.map_err(multipart_error)?;
        let body = input.body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
        let trailers = trailers(&headers, req.trailing_headers);
        let _turn = self.writing.turn(&key, Some((&input.upload_id, number)))?;
        let part = self
            .store
            .put_part(&upload, number, (length, most), expected(&headers)?, body, trailers)
            .await
            .map_err(multipart_error)?;
        let mut output =
            UploadPartOutput { e_tag: strong(&part.etag), ..UploadPartOutput::default() };
        show_checksums!(output, part.checksums());
        Ok(S3Response::new(output))
    }

    pub(super) async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let found = self.copy_source(&req.input.copy_source, &req).await?;
        let input = req.input;
        let number = part_number(input.part_number)?;
        let range = input.copy_source_range.as_deref().map(Range::parse).transpose();
        let range = range
            .map_err(|_| fail(S3ErrorCode::InvalidArgument, "The range to copy is not valid."))?;
        let range = requested(&found, range.as_ref(), None)?.unwrap_or(0..found.size());
        let key = object_key(&input.key)?;
        let upload = self.store.upload(&key, &input.upload_id).await.map_err(multipart_error)?;
        let length = Length::exactly(range.end - range.start, MAX_SINGLE);
        let size = (length, Most::default());
        let blocks = self.store.read(&found, range).await.map_err(store_error)?;
        let body = StreamingBlob::wrap(blocks);
        let part = self
            .store
            .put_part(&upload, number, size, super::Expected::default(), body, |_| Ok(()))
            .await
            .map_err(multipart_error)?;
        let mut result = CopyPartResult {
            e_tag: strong(&part.etag),
            last_modified: Some(stamp(part.modified)),
            ..CopyPartResult::default()
        };
        show_checksums!(result, part.checksums());
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(result),
            copy_source_version_id: Some(found.row.version_id),
            ..UploadPartCopyOutput::default()
        }))
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = req.input;
        let parts = input.multipart_upload.as_ref().and_then(|m| m.parts.clone());
        let parts = parts.unwrap_or_default().into_iter().map(|p| {
            Ok(NamedPart {
                number: part_number(p.part_number.unwrap_or_default())?,
                etag: p.e_tag.as_ref().map(|e| e.value().to_owned()).unwrap_or_default(),
                checksums: read_checksums!(p),
            })
        });
        let complete = Complete {
            key: object_key(&input.key)?,
            upload_id: input.upload_id.clone(),
            parts: parts.collect::<S3Result<Vec<_>>>()?,
            expected: read_checksums!(input),
            condition: condition(input.if_none_match.as_ref(), input.if_match.as_ref())?,
        };
        let stored = self.store.complete_multipart(&complete).await.map_err(multipart_error)?;
        let composite = stored.checksums.values().any(|value| value.contains('-'));
        let endpoint = self.store.config.endpoint.trim_end_matches('/');
        let mut output = CompleteMultipartUploadOutput {
            location: Some(format!("{endpoint}/{}/{}", input.bucket, input.key)),
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: strong(&stored.info.etag),
            version_id: stored.info.version_id,
            checksum_type: checksum_type(&stored.checksums, composite),
            ..CompleteMultipartUploadOutput::default()
        };
        show_checksums!(output, stored.checksums);
        Ok(S3Response::new(output))
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let key = object_key(&req.input.key)?;
        let aborted = self.store.abort_multipart(&key, &req.input.upload_id).await;
        aborted.map_err(multipart_error)?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) async fn list_parts(
        &self,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = req.input;
        let key = object_key(&input.key)?;
        let upload = self.store.upload(&key, &input.upload_id).await.map_err(multipart_error)?;
        let max = input.max_parts.unwrap_or(1000).clamp(0, 1000);
        let marker = input.part_number_marker.unwrap_or(0);
        let mut reader = self.store.reader().await.map_err(store_error)?;
        let limit = i64::from(max) + 1;
        let mut parts = rows::parts_after(&mut reader, &upload.upload_id, i64::from(marker), limit)
            .await
            .map_err(|e| store_error(e.into()))?;
        let more = parts.len() as u64 > u64::from(max.unsigned_abs());
        parts.truncate(usize::try_from(max).unwrap_or_default());
        let last = parts.last().and_then(|p| i32::try_from(p.number).ok());
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(input.upload_id),
            checksum_algorithm: shown_algorithm(&upload),
            checksum_type: shown_type(&upload),
            is_truncated: Some(more),
            max_parts: Some(max),
            part_number_marker: Some(marker),
            next_part_number_marker: last.filter(|_| more),
            parts: Some(parts.iter().map(shown_part).collect()),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = req.input;
        if input.delimiter.is_some() {
            let text = "A delimiter is not implemented for uploads.";
            return Err(fail(S3ErrorCode::NotImplemented, text));
        }
        let shown = Shown::new(input.encoding_type.as_ref())?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let max = input.max_uploads.unwrap_or(1000).clamp(0, 1000);
        let marker = input.key_marker.clone().unwrap_or_default();
        // Without an upload id the marker stands for every upload of its key.
        let id_marker = match (&input.upload_id_marker, marker.is_empty()) {
            (Some(id), _) if !id.is_empty() => id.clone(),
            (_, true) => String::new(),
            (_, false) => "\u{10ffff}".to_owned(),
        };
        let (key, id) = if marker < prefix { (prefix.clone(), "") } else { (marker, &*id_marker) };
        let mut reader = self.store.reader().await.map_err(store_error)?;
        let mut found = rows::uploads_after(&mut reader, &key, id, i64::from(max) + 1)
            .await
            .map_err(|e| store_error(e.into()))?;
        found.retain(|upload| upload.key.starts_with(&prefix));
        let more = found.len() as u64 > u64::from(max.unsigned_abs());
        found.truncate(usize::try_from(max).unwrap_or_default());
        let last = found.last().filter(|_| more);
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            encoding_type: input.encoding_type.clone(),
            is_truncated: Some(more),
            key_marker: Some(shown.text(&input.key_marker.unwrap_or_default())),
            max_uploads: Some(max),
            next_key_marker: last.map(|u| shown.text(&u.key)),
            next_upload_id_marker: last.map(|u| u.upload_id.clone()),
            prefix: Some(shown.text(&prefix)),
            upload_id_marker: input.upload_id_marker,
            uploads: Some(found.iter().map(|upload| shown_upload(upload, &shown)).collect()),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

fn shown_upload(upload: &UploadRow, shown: &Shown) -> MultipartUpload {
    MultipartUpload {
        checksum_algorithm: shown_algorithm(upload),
        checksum_type: shown_type(upload),
        initiated: Some(stamp(upload.created)),
        key: Some(shown.text(&upload.key)),
        upload_id: Some(upload.upload_id.clone()),
        ..MultipartUpload::default()
    }
}

fn shown_part(row: &PartRow) -> Part {
    let mut part = Part {
        e_tag: strong(&row.etag),
        last_modified: Some(stamp(row.modified)),
        part_number: i32::try_from(row.number).ok(),
        size: Some(row.size),
        ..Part::default()
    };
    show_checksums!(part, row.checksums());
    part
}
