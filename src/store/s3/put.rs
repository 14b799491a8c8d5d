//! Writing an object from a stream, with memory that is bounded for all uploads together.
//!
//! A small object is one PUT with its SHA-256. A larger one goes in parts: one is sent while the
//! next is filled, each held until the store has it, so that it can be sent again. Whatever goes
//! wrong, also being dropped, the upload is aborted: nothing is there then.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use aws_sdk_s3::primitives::ByteStream as SdkStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use tokio::sync::SemaphorePermit;

use super::bucket::Bucket;
use super::errors::Failure;
use super::objects::plain_etag;
use crate::store::{ByteStream, NewObject, ObjectInfo, PartialUpload, StoreError, UploadedPart};

const MIB: u64 = 1024 * 1024;
/// Up to this an object is sent at once.
const AT_ONCE: u64 = 8 * MIB;
/// The size of a part: S3's smallest.
const PART: u64 = 5 * MIB;
/// S3's most parts.
const MOST_PARTS: u64 = 10_000;

/// The size of the parts of an object of this size.
const fn part_size(size: u64) -> u64 {
    let least = size.div_ceil(MOST_PARTS);
    if least > PART { least.next_multiple_of(MIB) } else { PART }
}

/// A part in memory, with the leave to be there.
struct Filled<'a> {
    bytes: Bytes,
    _memory: SemaphorePermit<'a>,
}

/// What is still to come.
struct Incoming {
    body: ByteStream,
    /// What came beyond the part that was being filled.
    rest: Bytes,
    left: u64,
}

impl Incoming {
    /// The next bytes, never more than announced; none at the end.
    async fn next(&mut self, most: usize) -> Result<Option<Bytes>, StoreError> {
        while self.rest.is_empty() {
            match self.body.next().await {
                Some(bytes) => self.rest = bytes?,
                None => return Ok(None),
            }
        }
        let bytes = self.rest.split_to(most.min(self.rest.len()));
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(count).ok_or_else(|| length("longer"))?;
        Ok(Some(bytes))
    }

    /// The next `size` bytes.
    async fn fill(&mut self, size: u64, sum: &mut Option<Context>) -> Result<Bytes, StoreError> {
        let size = usize::try_from(size).map_err(StoreError::unavailable)?;
        let mut buffer = BytesMut::new();
        while buffer.len() < size {
            let bytes = self.next(size - buffer.len()).await?.ok_or_else(|| length("shorter"))?;
            if let Some(sum) = sum {
                sum.update(&bytes);
            }
            if bytes.len() == size {
                return Ok(bytes);
            }
            if buffer.is_empty() {
                buffer.reserve(size);
            }
            buffer.extend_from_slice(&bytes);
        }
        Ok(buffer.freeze())
    }

    /// Makes sure that nothing more comes.
    async fn end(&mut self) -> Result<(), StoreError> {
        match self.next(1).await? {
            None => Ok(()),
            Some(_) => Err(length("longer")),
        }
    }
}

fn length(how: &str) -> StoreError {
    StoreError::unavailable(format!("the body is {how} than announced"))
}

/// Aborts an upload that was not completed.
struct Unfinished {
    bucket: Arc<Bucket>,
    upload: PartialUpload,
    done: bool,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let (bucket, upload) = (Arc::clone(&self.bucket), self.upload.clone());
        let abort = async move {
            if let Err(error) = bucket.abort(&upload).await {
                let key = &upload.key;
                tracing::warn!(%key, %error, "an unfinished upload could not be aborted");
            }
        };
        // Without a runtime the process is ending; the bucket's lifecycle rule aborts it then.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(abort);
        }
    }
}

impl Bucket {
    /// Writes an object of exactly `size` bytes.
    pub async fn put_key(
        self: &Arc<Self>,
        object: &NewObject,
        size: u64,
        body: ByteStream,
    ) -> Result<ObjectInfo, StoreError> {
        let create_only = self.abilities()?.create_only;
        let mut incoming = Incoming { body, rest: Bytes::new(), left: size };
        if size <= AT_ONCE {
            self.put_at_once(object, size, &mut incoming, create_only).await
        } else {
            self.put_in_parts(object, size, &mut incoming, create_only).await
        }
    }

    async fn put_at_once(
        &self,
        object: &NewObject,
        size: u64,
        incoming: &mut Incoming,
        create_only: bool,
    ) -> Result<ObjectInfo, StoreError> {
        let _memory = self.memory(usize::try_from(size).unwrap_or(usize::MAX)).await?;
        let mut sum = Some(Context::new(&SHA256));
        let bytes = incoming.fill(size, &mut sum).await?;
        incoming.end().await?;
        let sum = sum.map(Context::finish);
        let sha256: Option<[u8; 32]> = sum.and_then(|sum| sum.as_ref().try_into().ok());
        let _turn = self.enter().await?;
        let call = self.clients.long.put_object().bucket(&self.place.bucket);
        let put = call
            .key(object.key.as_str())
            .content_type(&object.content_type)
            .set_checksum_sha256(sha256.map(|sum| STANDARD.encode(sum)))
            .set_if_none_match(create_only.then(|| "*".to_owned()))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.place.kms_key.clone())
            .body(SdkStream::from(bytes))
            .customize()
            // The checksum says it all; over TLS the signature need not say it again.
            .disable_payload_signing()
            .send()
            .await;
        match put {
            Ok(put) => {
                let etag = plain_etag(put.e_tag());
                Ok(self.written(object, size, etag, put.version_id, sha256))
            }
            Err(e) => match Failure::new(e) {
                failure if create_only && failure.code() == "PreconditionFailed" => {
                    self.perhaps_ours(object, size, sha256).await
                }
                failure => Err(self.failure(failure)),
            },
        }
    }

    /// A create-only write that was refused may have met itself: written, its answer lost, and
    /// sent again.
    async fn perhaps_ours(
        &self,
        object: &NewObject,
        size: u64,
        sha256: Option<[u8; 32]>,
    ) -> Result<ObjectInfo, StoreError> {
        let there = self.head_key(&object.key, None).await?;
        let age = self.clock.now().seconds() - there.modified.seconds();
        let same = there.size == size && sha256.is_some() && there.sha256 == sha256;
        if same && age < 60 { Ok(there) } else { Err(StoreError::AlreadyExists) }
    }

    async fn put_in_parts(
        self: &Arc<Self>,
        object: &NewObject,
        size: u64,
        incoming: &mut Incoming,
        create_only: bool,
    ) -> Result<ObjectInfo, StoreError> {
        let upload = self.begin(object).await?;
        let bucket = Arc::clone(self);
        let mut unfinished = Unfinished { bucket, upload: upload.clone(), done: false };
        let sent = self.send_parts(&upload, size, incoming).await;
        let written = match sent {
            Ok(parts) => self.complete(&upload, &parts, create_only).await,
            Err(e) => Err(e),
        };
        match written {
            Ok(done) => {
                unfinished.done = true;
                let etag = plain_etag(done.e_tag());
                Ok(self.written(object, size, etag, done.version_id, None))
            }
            // Completed, its answer lost, and sent again.
            Err(StoreError::NotFound) => {
                let there = self.head_key(&object.key, None).await?;
                unfinished.done = there.size == size;
                if there.size == size { Ok(there) } else { Err(StoreError::NotFound) }
            }
            Err(e) => {
                // Here rather than behind the caller's back: nothing is there when it fails.
                unfinished.done = self.abort(&upload).await.is_ok();
                Err(e)
            }
        }
    }

    async fn send_parts(
        &self,
        upload: &PartialUpload,
        size: u64,
        incoming: &mut Incoming,
    ) -> Result<Vec<UploadedPart>, StoreError> {
        let part = part_size(size);
        let mut parts = Vec::new();
        let mut filled = Some(self.fill(incoming, part).await?);
        while let Some(now) = filled.take() {
            let number = u32::try_from(parts.len() + 1).unwrap_or(u32::MAX);
            let more = incoming.left > 0;
            let next = async {
                if more {
                    self.fill(incoming, part).await.map(Some)
                } else {
                    incoming.end().await.map(|()| None)
                }
            };
            let (sent, next) = tokio::try_join!(self.send_part(upload, number, now), next)?;
            parts.push(sent);
            filled = next;
        }
        Ok(parts)
    }

    async fn fill(&self, incoming: &mut Incoming, part: u64) -> Result<Filled<'_>, StoreError> {
        let size = part.min(incoming.left);
        let memory = self.memory(usize::try_from(size).unwrap_or(usize::MAX)).await?;
        Ok(Filled { bytes: incoming.fill(size, &mut None).await?, _memory: memory })
    }

    async fn send_part(
        &self,
        upload: &PartialUpload,
        number: u32,
        part: Filled<'_>,
    ) -> Result<UploadedPart, StoreError> {
        let _turn = self.enter().await?;
        let size = u64::try_from(part.bytes.len()).unwrap_or(u64::MAX);
        let call = self.clients.long.upload_part().bucket(&self.place.bucket);
        let sent = call
            .key(upload.key.as_str())
            .upload_id(&upload.upload_id)
            .set_part_number(i32::try_from(number).ok())
            .body(SdkStream::from(part.bytes.clone()))
            .customize()
            .disable_payload_signing()
            .send()
            .await
            .map_err(|e| self.failed(e))?;
        Ok(UploadedPart { number, size, etag: plain_etag(sent.e_tag()) })
    }

    fn written(
        &self,
        object: &NewObject,
        size: u64,
        etag: String,
        version_id: Option<String>,
        sha256: Option<[u8; 32]>,
    ) -> ObjectInfo {
        // What the store does not check it does not know.
        let abilities = self.abilities().ok();
        let versions = abilities.is_some_and(|abilities| abilities.versions);
        let knows = abilities.is_some_and(|abilities| abilities.sha256);
        ObjectInfo {
            version_id: version_id.filter(|_| versions),
            size,
            etag,
            content_type: Some(object.content_type.clone()),
            sha256: sha256.filter(|_| knows),
            modified: self.clock.now(),
            storage_class: None,
            archive: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(chunks: &[&'static str], left: u64) -> Incoming {
        let chunks: Vec<_> = chunks.iter().map(|c| Ok(Bytes::from_static(c.as_bytes()))).collect();
        Incoming { body: futures::stream::iter(chunks).boxed(), rest: Bytes::new(), left }
    }

    #[test]
    fn parts_are_as_small_as_s3_allows_and_never_too_many() {
        assert_eq!(part_size(9 * MIB), PART);
        assert_eq!(part_size(PART * MOST_PARTS), PART);
        let large = PART * MOST_PARTS + 1;
        assert_eq!(part_size(large), 6 * MIB);
        assert!(large.div_ceil(part_size(large)) <= MOST_PARTS);
    }

    #[tokio::test]
    async fn chunks_are_cut_and_joined_to_parts() {
        let mut body = incoming(&["ab", "", "cdefg", "h"], 8);
        assert_eq!(body.fill(3, &mut None).await.unwrap(), "abc");
        assert_eq!(body.fill(3, &mut None).await.unwrap(), "def");
        assert_eq!(body.fill(2, &mut None).await.unwrap(), "gh");
        assert!(body.end().await.is_ok());
    }

    #[tokio::test]
    async fn a_body_of_another_length_is_an_error() {
        let short = incoming(&["ab"], 3).fill(3, &mut None).await;
        assert!(short.is_err());
        let mut long = incoming(&["abcd"], 3);
        assert_eq!(long.fill(3, &mut None).await.unwrap(), "abc");
        assert!(long.end().await.is_err());
    }
}
