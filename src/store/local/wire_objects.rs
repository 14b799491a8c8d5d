//! The wire's operations that write, copy and delete single objects.

use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, DeleteObjectInput, DeleteObjectOutput,
    DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, MetadataDirective, PutObjectInput,
    PutObjectOutput, StreamingBlob,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::copy::Replaced;
use super::intake::Length;
use super::put::Put;
use super::wire::{Endpoint, WireAccess};
use super::wire_convert::{
    MAX_SINGLE, announced_length, attributes, checksum_type, condition, expected, object_key,
    refuse_unsupported, show_checksums, stamp, strong, trailers,
};
use super::wire_errors::{fail, intake_error, store_error};
use super::wire_reads::Conditions;
use crate::store::{ObjectKey, StoreError};

impl Endpoint {
    pub(super) async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let (headers, mut input) = (req.headers, req.input);
        refuse_unsupported!(input);
        let length = announced_length(input.content_length, &headers)?;
        let put = Put {
            key: object_key(&input.key)?,
            length: Length::exactly(length, MAX_SINGLE),
            expected: expected(&headers)?,
            condition: condition(input.if_none_match.as_ref(), input.if_match.as_ref())?,
            content_type: input.content_type.take(),
            attributes: attributes!(input)?,
        };
        let body = input.body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
        let trailers = trailers(&headers, req.trailing_headers);
        let _turn = self.writing.turn(&put.key, None)?;
        let stored = self.store.put_object(put, body, trailers).await.map_err(intake_error)?;
        let mut output = PutObjectOutput {
            e_tag: strong(&stored.info.etag),
            version_id: stored.info.version_id,
            checksum_type: checksum_type(&stored.checksums, false),
            ..PutObjectOutput::default()
        };
        show_checksums!(output, stored.checksums);
        Ok(S3Response::new(output))
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
        let replaced = if directive == Some(MetadataDirective::REPLACE) {
            let content_type = input.content_type.take();
            Some(Replaced { content_type, attributes: attributes!(input)? })
        } else {
            None
        };
        if replaced.is_none() && found.row.latest && found.row.key == input.key {
            return Err(fail(
                S3ErrorCode::InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself \
                 without changing the object's metadata.",
            ));
        }
        let to = object_key(&input.key)?;
        let stored = self.store.copy_object(&found, &to, replaced).await.map_err(store_error)?;
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
        let (access, delete) = (WireAccess::of(&req), req.input.delete);
        if delete.objects.len() > 1000 {
            return Err(fail(S3ErrorCode::MalformedXML, "At most 1000 keys can be deleted."));
        }
        let (mut done, mut errors) = (Vec::new(), Vec::new());
        for object in delete.objects {
            let version = object.version_id.clone();
            match self.delete_one(&object.key, version.as_deref(), &access).await {
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
        access: &WireAccess,
    ) -> S3Result<DeletedObject> {
        let key: ObjectKey = object_key(key)?;
        self.observe(WireAccess {
            operation: "DeleteObject",
            key: Some(key.clone()),
            version_id: version.map(str::to_owned),
            ..access.clone()
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
