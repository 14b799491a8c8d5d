//! Writing an object from a stream, with memory that is bounded for all uploads together.
//!
//! A small object is one PUT with its SHA-256. A larger one goes in parts: one is sent while the
//! next is filled, each held until the store has it, so that it can be sent again. Where the memory
//! is taken, by others whose senders are slow perhaps, bytes are passed on as they come: nobody
//! waits for somebody else's line. Only a body of unknown size has to wait for memory, since S3
//! wants to know the length of what it is sent (`memory.rs`). Whatever goes wrong, also being
//! dropped, the upload is aborted: nothing is there then.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::operation::upload_part::builders::UploadPartFluentBuilder;
use aws_sdk_s3::primitives::ByteStream as SdkStream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use md5::{Digest as _, Md5};

use super::bucket::Bucket;
use super::client::{patient, sending};
use super::errors::Failure;
use super::incoming::{Incoming, passing};
use super::memory::Leave;
use super::objects::{etag, version_id};
use crate::store::{
    ByteStream, NewObject, ObjectInfo, PartialUpload, Size, StoreError, UploadedPart,
};

const MIB: u64 = 1024 * 1024;
/// Up to this an object is sent at once.
const AT_ONCE: u64 = 8 * MIB;
/// The size of a part: S3's smallest.
const PART: u64 = 5 * MIB;
/// S3's most parts.
const MOST_PARTS: u64 = super::parts::MOST_PARTS;

/// The size of the parts of an object of this size.
const fn part_size(size: u64) -> u64 {
    let least = size.div_ceil(MOST_PARTS);
    if least > PART { least.next_multiple_of(MIB) } else { PART }
}

/// A part in memory, with the leave to be there.
struct Filled<'a> {
    bytes: Bytes,
    /// `Content-MD5`: a part damaged on the way is refused by the store.
    md5: String,
    _memory: Leave<'a>,
}

/// What comes next of a body.
enum Next<'a> {
    /// A part in memory.
    Held(Filled<'a>),
    /// A part of this size to be passed on as it comes.
    Passing(u64),
    /// Nothing.
    End,
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
    /// Writes an object of this size.
    pub async fn put_key(
        self: &Arc<Self>,
        object: &NewObject,
        size: Size,
        body: ByteStream,
    ) -> Result<ObjectInfo, StoreError> {
        let create_only = self.abilities()?.create_only;
        let share = self.memory.share(object.sender.as_deref());
        let mut incoming = Incoming::new(body, size, share);
        match size {
            Size::Exactly(size) if size <= AT_ONCE => {
                self.put_at_once(object, size, &mut incoming, create_only).await
            }
            Size::Exactly(size) => {
                let (part, incoming) = (part_size(size), &mut incoming);
                let first = self.fill(incoming, part).await?;
                self.put_in_parts(object, part, first, incoming, create_only).await
            }
            Size::AtMost(most) => self.put_open(object, most, &mut incoming, create_only).await,
        }
    }

    /// Of unknown size: at once where it ends within what would be its first part.
    async fn put_open(
        self: &Arc<Self>,
        object: &NewObject,
        most: u64,
        incoming: &mut Incoming,
        create_only: bool,
    ) -> Result<ObjectInfo, StoreError> {
        let part = part_size(most);
        let mut room = self.memory.room(&incoming.share);
        let bytes = incoming.fill_open(part.min(most), &mut room, |_| ()).await?;
        if !incoming.more().await? {
            let sha256 = digest(&SHA256, &bytes).as_ref().try_into().ok();
            return self.send_at_once(object, bytes, sha256, create_only).await;
        }
        let md5 = STANDARD.encode(Md5::digest(&bytes));
        let first = Next::Held(Filled { bytes, md5, _memory: Leave::Grown { _held: room } });
        self.put_in_parts(object, part, first, incoming, create_only).await
    }

    async fn put_at_once(
        &self,
        object: &NewObject,
        size: u64,
        incoming: &mut Incoming,
        create_only: bool,
    ) -> Result<ObjectInfo, StoreError> {
        let Some(_memory) = self.memory.whole(size).await else {
            return self.put_passing(object, size, incoming, create_only).await;
        };
        let mut sum = Context::new(&SHA256);
        let bytes = incoming.fill(size, |bytes| sum.update(bytes)).await?;
        incoming.end().await?;
        let sha256: Option<[u8; 32]> = sum.finish().as_ref().try_into().ok();
        self.send_at_once(object, bytes, sha256, create_only).await
    }

    async fn send_at_once(
        &self,
        object: &NewObject,
        bytes: Bytes,
        sha256: Option<[u8; 32]>,
        create_only: bool,
    ) -> Result<ObjectInfo, StoreError> {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let put = self.put_request(object, create_only, SdkStream::from(bytes));
        let put = put.set_checksum_sha256(sha256.map(|sum| STANDARD.encode(sum)));
        let _turn = self.enter().await?;
        // The checksum says it all; over TLS the signature need not say it again.
        let put = put.customize().disable_payload_signing().config_override(sending(size));
        match put.send().await {
            Ok(put) => {
                let etag = etag(put.e_tag())?;
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

    fn put_request(
        &self,
        object: &NewObject,
        create_only: bool,
        body: SdkStream,
    ) -> PutObjectFluentBuilder {
        let call = self.clients.long.put_object().bucket(&self.place.bucket);
        call.key(object.key.as_str())
            .content_type(&object.content_type)
            .set_if_none_match(create_only.then(|| "*".to_owned()))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.place.kms_key.clone())
            .body(body)
    }

    /// The same without holding it in memory: it cannot be sent again, and its checksum is not
    /// known before its end.
    async fn put_passing(
        &self,
        object: &NewObject,
        size: u64,
        incoming: &mut Incoming,
        create_only: bool,
    ) -> Result<ObjectInfo, StoreError> {
        // As slow as the sender: not counted among the calls that the store keeps waiting.
        drop(self.enter().await?);
        let (feed, body) = passing(size);
        let body = SdkStream::from_body_1_x(body);
        let put = self.put_request(object, create_only, body);
        let put = put.set_content_length(i64::try_from(size).ok());
        let put = put.customize().disable_payload_signing().config_override(patient()).send();
        let (passed, put) = futures::join!(incoming.pass(size, feed), put);
        passed?;
        match put {
            Ok(put) => {
                let etag = etag(put.e_tag())?;
                Ok(self.written(object, size, etag, put.version_id, None))
            }
            Err(e) => match self.failed(e) {
                StoreError::Precondition if create_only => Err(StoreError::AlreadyExists),
                other => Err(other),
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
        part: u64,
        first: Next<'_>,
        incoming: &mut Incoming,
        create_only: bool,
    ) -> Result<ObjectInfo, StoreError> {
        let upload = self.begin(object).await?;
        let bucket = Arc::clone(self);
        let mut unfinished = Unfinished { bucket, upload: upload.clone(), done: false };
        let parts = match self.send_parts(&upload, part, first, incoming).await {
            Ok(parts) => parts,
            Err(e) => {
                // Here rather than behind the caller's back: nothing is there when it fails.
                unfinished.done = self.abort(&upload).await.is_ok();
                return Err(match e {
                    // It was aborted by somebody else, and to the caller this is no object.
                    StoreError::NotFound => {
                        StoreError::unavailable("it forgot the upload before all parts were sent")
                    }
                    other => other,
                });
            }
        };
        let size = parts.iter().map(|part| part.size).sum();
        match self.complete(&upload, &parts, create_only).await {
            Ok(done) => {
                unfinished.done = true;
                let etag = etag(done.e_tag())?;
                Ok(self.written(object, size, etag, done.version_id, None))
            }
            // Completed, its answer lost, and sent again.
            Err(StoreError::NotFound) => {
                let there = self.head_key(&object.key, None).await?;
                unfinished.done = there.size == size;
                if there.size == size { Ok(there) } else { Err(StoreError::NotFound) }
            }
            Err(e) => {
                unfinished.done = self.abort(&upload).await.is_ok();
                Err(e)
            }
        }
    }

    async fn send_parts<'a>(
        &'a self,
        upload: &PartialUpload,
        part: u64,
        first: Next<'a>,
        incoming: &mut Incoming,
    ) -> Result<Vec<UploadedPart>, StoreError> {
        let mut parts = Vec::new();
        let mut next = first;
        loop {
            let number = u32::try_from(parts.len() + 1).unwrap_or(u32::MAX);
            next = match next {
                Next::End => return Ok(parts),
                Next::Passing(size) => {
                    parts.push(self.pass_part(upload, number, size, incoming).await?);
                    self.fill(incoming, part).await?
                }
                Next::Held(now) => {
                    let sending = self.send_part(upload, number, now);
                    let (sent, next) = tokio::try_join!(sending, self.fill(incoming, part))?;
                    parts.push(sent);
                    next
                }
            };
        }
    }

    /// The next part in memory, if there is room for it.
    async fn fill(&self, incoming: &mut Incoming, part: u64) -> Result<Next<'_>, StoreError> {
        if !incoming.more().await? {
            return Ok(Next::End);
        }
        let (size, mut md5) = (part.min(incoming.left), Md5::new());
        let (bytes, memory) = if incoming.exact {
            let Some(memory) = self.memory.whole(size).await else {
                return Ok(Next::Passing(size));
            };
            (incoming.fill(size, |bytes| md5.update(bytes)).await?, memory)
        } else {
            let mut room = self.memory.room(&incoming.share);
            let bytes = incoming.fill_open(size, &mut room, |bytes| md5.update(bytes)).await?;
            (bytes, Leave::Grown { _held: room })
        };
        let md5 = STANDARD.encode(md5.finalize());
        Ok(Next::Held(Filled { bytes, md5, _memory: memory }))
    }

    /// Sends the next part as it comes: it cannot be sent again.
    async fn pass_part(
        &self,
        upload: &PartialUpload,
        number: u32,
        size: u64,
        incoming: &mut Incoming,
    ) -> Result<UploadedPart, StoreError> {
        // As slow as the sender: not counted among the calls that the store keeps waiting.
        drop(self.enter().await?);
        let (feed, body) = passing(size);
        let part = self.part_request(upload, number, SdkStream::from_body_1_x(body));
        let part = part.set_content_length(i64::try_from(size).ok());
        let sent = part.customize().disable_payload_signing().config_override(patient()).send();
        let (passed, sent) = futures::join!(incoming.pass(size, feed), sent);
        passed?;
        let sent = sent.map_err(|e| self.failed(e))?;
        Ok(UploadedPart { number, size, etag: etag(sent.e_tag())? })
    }

    fn part_request(
        &self,
        upload: &PartialUpload,
        number: u32,
        body: SdkStream,
    ) -> UploadPartFluentBuilder {
        let call = self.clients.long.upload_part().bucket(&self.place.bucket);
        call.key(upload.key.as_str())
            .upload_id(&upload.upload_id)
            .set_part_number(i32::try_from(number).ok())
            .body(body)
    }

    async fn send_part(
        &self,
        upload: &PartialUpload,
        number: u32,
        part: Filled<'_>,
    ) -> Result<UploadedPart, StoreError> {
        let _turn = self.enter().await?;
        let size = u64::try_from(part.bytes.len()).unwrap_or(u64::MAX);
        let request = self.part_request(upload, number, SdkStream::from(part.bytes.clone()));
        let request = request.content_md5(part.md5).customize().disable_payload_signing();
        let sent = request.config_override(sending(size)).send().await;
        let sent = sent.map_err(|e| self.failed(e))?;
        Ok(UploadedPart { number, size, etag: etag(sent.e_tag())? })
    }

    fn written(
        &self,
        object: &NewObject,
        size: u64,
        etag: String,
        version: Option<String>,
        sha256: Option<[u8; 32]>,
    ) -> ObjectInfo {
        // What the store does not check it does not know.
        let abilities = self.abilities().ok();
        let versions = abilities.is_some_and(|abilities| abilities.versions);
        let knows = abilities.is_some_and(|abilities| abilities.sha256);
        ObjectInfo {
            version_id: version_id(version, versions),
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

    #[test]
    fn parts_are_as_small_as_s3_allows_and_never_too_many() {
        assert_eq!(part_size(9 * MIB), PART);
        assert_eq!(part_size(PART * MOST_PARTS), PART);
        let large = PART * MOST_PARTS + 1;
        assert_eq!(part_size(large), 6 * MIB);
        assert!(large.div_ceil(part_size(large)) <= MOST_PARTS);
    }
}
