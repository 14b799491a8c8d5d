//! Uploads in parts ("Uploading and copying objects using multipart upload", Amazon S3 user
//! guide).

use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart, Part};

use super::bucket::Bucket;
use super::errors::Failure;
use super::objects::etag;
use crate::store::{NewObject, PartialUpload, StoreError, UploadedPart};

/// S3's most parts of an upload.
pub(super) const MOST_PARTS: u64 = 10_000;

fn listed(part: &Part) -> Result<UploadedPart, StoreError> {
    let number = part.part_number().and_then(|number| u32::try_from(number).ok());
    let size = part.size().and_then(|size| u64::try_from(size).ok());
    let (Some(number), Some(size)) = (number, size) else {
        return Err(StoreError::unavailable("it lists a part without a number or a size"));
    };
    Ok(UploadedPart { number, size, etag: etag(part.e_tag())? })
}

impl Bucket {
    /// Begins an upload in parts.
    pub async fn begin(&self, object: &NewObject) -> Result<PartialUpload, StoreError> {
        let _turn = self.enter().await?;
        let call = self.clients.ordinary.create_multipart_upload().bucket(&self.place.bucket);
        let begun = call
            .key(object.key.as_str())
            .content_type(&object.content_type)
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.place.kms_key.clone())
            .send()
            .await
            .map_err(|e| self.failed(e))?;
        let upload_id = begun.upload_id.filter(|id| !id.is_empty());
        let upload_id =
            upload_id.ok_or_else(|| StoreError::unavailable("it gave the upload no id"))?;
        Ok(PartialUpload { key: object.key.clone(), upload_id })
    }

    /// The parts that are there.
    pub async fn list_parts(
        &self,
        upload: &PartialUpload,
    ) -> Result<Vec<UploadedPart>, StoreError> {
        let _turn = self.enter().await?;
        let (mut found, mut marker) = (Vec::new(), 0_u32);
        loop {
            let call = self.clients.ordinary.list_parts().bucket(&self.place.bucket);
            let page = call
                .key(upload.key.as_str())
                .upload_id(&upload.upload_id)
                .set_part_number_marker((marker > 0).then(|| marker.to_string()))
                .send()
                .await
                .map_err(|e| self.failed(e))?;
            for part in page.parts() {
                found.push(listed(part)?);
            }
            if found.len() as u64 > MOST_PARTS {
                return Err(StoreError::unavailable("it lists more parts than an upload can have"));
            }
            if page.is_truncated() != Some(true) {
                found.sort_by_key(|part| part.number);
                return Ok(found);
            }
            // A list that does not go on would be read for ever, and half of one is none.
            let next = page.next_part_number_marker().and_then(|next| next.parse().ok());
            marker = next.filter(|next| *next > marker).ok_or_else(|| {
                StoreError::unavailable("its list of parts does not say where it goes on")
            })?;
        }
    }

    /// Makes the object of its parts. With `create_only` never over another.
    pub async fn complete(
        &self,
        upload: &PartialUpload,
        parts: &[UploadedPart],
        create_only: bool,
    ) -> Result<CompleteMultipartUploadOutput, StoreError> {
        let _turn = self.enter().await?;
        let parts = parts.iter().map(|part| {
            CompletedPart::builder()
                .set_part_number(i32::try_from(part.number).ok())
                .e_tag(format!("\"{}\"", part.etag))
                .build()
        });
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
        let call = self.clients.long.complete_multipart_upload().bucket(&self.place.bucket);
        call.key(upload.key.as_str())
            .upload_id(&upload.upload_id)
            .multipart_upload(parts)
            .set_if_none_match(create_only.then(|| "*".to_owned()))
            .send()
            .await
            .map_err(|e| {
                let failure = Failure::new(e);
                match failure.code() {
                    "PreconditionFailed" if create_only => StoreError::AlreadyExists,
                    // No parts at all, or twice the same.
                    "MalformedXML" | "InvalidRequest" => StoreError::InvalidParts,
                    _ => self.failure(failure),
                }
            })
    }

    /// Forgets an upload. Also while the bucket is in doubt: what is left behind costs money.
    pub async fn abort(&self, upload: &PartialUpload) -> Result<(), StoreError> {
        let call = self.clients.ordinary.abort_multipart_upload().bucket(&self.place.bucket);
        let call = call.key(upload.key.as_str()).upload_id(&upload.upload_id);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(e) => match self.failed(e) {
                StoreError::NotFound => Ok(()),
                other => Err(other),
            },
        }
    }
}
