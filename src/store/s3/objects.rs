//! Calls on whole objects: what they are, their bytes, copies, retrieval from an archive.

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::ByteStream as SdkStream;
use aws_sdk_s3::types::{
    ArchiveStatus, ChecksumMode, ChecksumType, GlacierJobParameters, Object, RestoreRequest,
    ServerSideEncryption, StorageClass, Tag, Tier,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use percent_encoding::utf8_percent_encode;

use super::bucket::Bucket;
use super::errors::{Failure, http_date, timestamp};
use crate::store::presign::PATH;
use crate::store::{
    Archive, ByteRange, ByteStream, ListedObject, NewObject, ObjectBody, ObjectInfo, ObjectKey,
    StoreError,
};
use crate::time::Timestamp;

impl Bucket {
    /// What an object is.
    pub async fn head_key(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
    ) -> Result<ObjectInfo, StoreError> {
        let abilities = self.abilities()?;
        let turn = self.enter().await?;
        let call = self.clients.ordinary.head_object().bucket(&self.place.bucket);
        let call = call.key(key.as_str()).set_version_id(version.map(str::to_owned));
        match call.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(found) => from_head(found, abilities.versions),
            Err(e) => {
                drop(turn);
                let failure = Failure::new(e);
                // A bucket that is gone has no objects either, and that must not pass for one
                // object that was never sent.
                if failure.status == Some(404) {
                    self.check().await?;
                }
                Err(self.failure_of(failure, version))
            }
        }
    }

    /// The first page of the objects whose keys begin so.
    pub async fn list_prefix(&self, prefix: &str) -> Result<Vec<ListedObject>, StoreError> {
        let _turn = self.enter().await?;
        let call = self.clients.ordinary.list_objects_v2().bucket(&self.place.bucket);
        let found = call.prefix(prefix).send().await.map_err(|e| self.failed(e))?;
        let listed = |object: Object| {
            let key = object.key.ok_or_else(|| wrong("it lists an object without a key"))?;
            Ok(ListedObject { key, size: length(object.size)? })
        };
        found.contents.unwrap_or_default().into_iter().map(listed).collect()
    }

    /// Begins to read an object.
    pub async fn get_key(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        range: Option<ByteRange>,
    ) -> Result<ObjectBody, StoreError> {
        let abilities = self.abilities()?;
        let _turn = self.enter().await?;
        let call = self.clients.ordinary.get_object().bucket(&self.place.bucket);
        let call = call.key(key.as_str()).set_version_id(version.map(str::to_owned));
        let header = range.map(range_header).transpose()?;
        let found = call.set_range(header).send().await;
        let found = found.map_err(|e| self.failure_of(Failure::new(e), version))?;
        body(found, range, abilities.versions)
    }

    /// What a failed look at one version means: what is no id of a version is refused as such,
    /// where the store says more than a status.
    fn failure_of(&self, failure: Failure, version: Option<&str>) -> StoreError {
        match failure.code() {
            "InvalidArgument" if version.is_some() => StoreError::Precondition,
            _ => self.failure(failure),
        }
    }

    /// Copies the object as it is now, if it is still the one with this ETag.
    pub async fn copy_key(
        &self,
        from: &ObjectKey,
        etag: &str,
        to: &NewObject,
    ) -> Result<ObjectInfo, StoreError> {
        let versions = self.abilities()?.versions;
        let turn = self.enter().await?;
        let source = format!("{}/{}", self.place.bucket, from.as_str());
        let call = self.clients.long.copy_object().bucket(&self.place.bucket);
        let copied = call
            .key(to.key.as_str())
            .copy_source(utf8_percent_encode(&source, PATH).to_string())
            .copy_source_if_match(format!("\"{etag}\""))
            .set_server_side_encryption(self.encryption())
            .set_ssekms_key_id(self.place.kms_key.clone())
            .send()
            .await
            .map_err(|e| self.failed(e))?;
        drop(turn);
        let version = version_id(copied.version_id, versions);
        let (there, source) =
            futures::join!(self.head_key(&to.key, version.as_deref()), self.head_key(from, None));
        // Not every store keeps to the condition. What still has its ETag had it before.
        let failed = match (source, there) {
            (Ok(source), Ok(there)) if source.etag == etag => return Ok(there),
            (Ok(source), Err(e)) if source.etag == etag => match e {
                // To the caller that would be the original.
                StoreError::NotFound => wrong("it made a copy that is not there"),
                other => other,
            },
            (Ok(_) | Err(StoreError::NotFound), _) => StoreError::Precondition,
            // Nobody knows whether it is the one: to be tried again.
            (Err(e), _) => e,
        };
        self.purge_key(&to.key).await?;
        Err(failed)
    }

    /// Asks for a readable copy of what lies in an archive.
    pub async fn retrieve_key(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        days: u32,
    ) -> Result<(), StoreError> {
        let info = self.head_key(key, version).await?;
        if matches!(info.archive, None | Some(Archive::Retrieving)) {
            return Ok(());
        }
        let _turn = self.enter().await?;
        // What a tier of Intelligent-Tiering gives back stays; it takes no number of days.
        let tiering = info.storage_class.as_deref() == Some("INTELLIGENT_TIERING");
        let days = (!tiering).then(|| i32::try_from(days).unwrap_or(i32::MAX));
        let tier = GlacierJobParameters::builder().tier(Tier::Standard).build();
        let tier = tier.map_err(StoreError::unavailable)?;
        let wish = RestoreRequest::builder().set_days(days).glacier_job_parameters(tier).build();
        let call = self.clients.ordinary.restore_object().bucket(&self.place.bucket);
        let call = call.key(key.as_str()).set_version_id(version.map(str::to_owned));
        match call.restore_request(wish).send().await {
            Ok(_) => Ok(()),
            Err(e) => match Failure::new(e) {
                failure if failure.code() == "RestoreAlreadyInProgress" => Ok(()),
                failure => Err(self.failure(failure)),
            },
        }
    }

    /// An object's tags, as name and value.
    pub async fn tags_of_key(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let _turn = self.enter().await?;
        let call = self.clients.ordinary.get_object_tagging().bucket(&self.place.bucket);
        let call = call.key(key.as_str()).set_version_id(version.map(str::to_owned));
        let found = call.send().await;
        let found = found.map_err(|e| self.failure_of(Failure::new(e), version))?;
        let pair = |tag: Tag| (tag.key, tag.value);
        Ok(found.tag_set.into_iter().map(pair).collect())
    }

    /// What new objects are told about encryption.
    pub fn encryption(&self) -> Option<ServerSideEncryption> {
        self.place.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }
}

fn from_head(found: HeadObjectOutput, versions: bool) -> Result<ObjectInfo, StoreError> {
    let sha256 = whole_sha256(found.checksum_sha256.as_deref(), found.checksum_type.as_ref());
    let class = storage_class(found.storage_class.as_ref());
    let tier = found.archive_status.as_ref();
    Ok(ObjectInfo {
        archive: archive(class.as_deref(), tier, found.restore.as_deref()),
        version_id: version_id(found.version_id, versions),
        size: length(found.content_length)?,
        etag: etag(found.e_tag.as_deref())?,
        content_type: found.content_type,
        sha256,
        modified: found.last_modified.map_or(Timestamp::from_micros(0), |at| timestamp(&at)),
        storage_class: class,
    })
}

fn body(
    found: GetObjectOutput,
    asked: Option<ByteRange>,
    versions: bool,
) -> Result<ObjectBody, StoreError> {
    let sent = length(found.content_length)?;
    let (range, size) = match found.content_range.as_deref() {
        Some(text) => {
            content_range(text).ok_or_else(|| wrong("its Content-Range makes no sense"))?
        }
        None => (0..sent, sent),
    };
    let wanted = match asked {
        Some(asked) => asked.within(size).ok_or(StoreError::Precondition)?,
        None => 0..size,
    };
    if range != wanted || range.end - range.start != sent {
        return Err(wrong("it sends another range than was asked for"));
    }
    let class = storage_class(found.storage_class.as_ref());
    let info = ObjectInfo {
        archive: archive(class.as_deref(), None, found.restore.as_deref()),
        version_id: version_id(found.version_id, versions),
        size,
        etag: etag(found.e_tag.as_deref())?,
        content_type: found.content_type,
        sha256: whole_sha256(found.checksum_sha256.as_deref(), found.checksum_type.as_ref()),
        modified: found.last_modified.map_or(Timestamp::from_micros(0), |at| timestamp(&at)),
        storage_class: class,
    };
    Ok(ObjectBody { info, range, stream: exactly(found.body, sent) })
}

fn wrong(what: &'static str) -> StoreError {
    StoreError::unavailable(what)
}

/// The bytes of a body, and an error where they are not as many as announced.
fn exactly(body: SdkStream, size: u64) -> ByteStream {
    let body = body.into_inner().into_data_stream();
    let read = stream::unfold(Some((body, size)), |state| async {
        let (mut body, left) = state?;
        match body.next().await {
            Some(Ok(bytes)) => {
                let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                match left.checked_sub(count) {
                    Some(left) => Some((Ok(bytes), Some((body, left)))),
                    None => Some((Err(wrong("it sends more bytes than announced")), None)),
                }
            }
            Some(Err(e)) => Some((Err::<Bytes, _>(StoreError::Unavailable(e)), None)),
            None if left > 0 => Some((Err(wrong("the bytes broke off")), None)),
            None => None,
        }
    });
    read.boxed()
}

fn range_header(range: ByteRange) -> Result<String, StoreError> {
    match range {
        ByteRange::Inclusive(first, last) if first > last => Err(StoreError::Precondition),
        ByteRange::Inclusive(first, last) => Ok(format!("bytes={first}-{last}")),
        ByteRange::From(first) => Ok(format!("bytes={first}-")),
        ByteRange::Last(0) => Err(StoreError::Precondition),
        ByteRange::Last(count) => Ok(format!("bytes=-{count}")),
    }
}

/// `bytes 0-9/10`: the range and the size of the whole (RFC 9110, section 14.4).
fn content_range(text: &str) -> Option<(std::ops::Range<u64>, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?);
    Some((first..last.checked_add(1)?, size.parse().ok()?))
}

/// What an answer says of the size; one that says nothing is not taken for an empty object.
fn length(length: Option<i64>) -> Result<u64, StoreError> {
    let length = length.and_then(|length| u64::try_from(length).ok());
    length.ok_or_else(|| wrong("its answer gives no length"))
}

/// The id of a version, where there are versions. `null` is the name of what was written while
/// versioning was off or suspended: the next such write replaces it, so it names no version.
pub(super) fn version_id(id: Option<String>, versions: bool) -> Option<String> {
    id.filter(|id| versions && !id.is_empty() && id != "null")
}

/// The ETag that an answer must have.
pub(super) fn etag(etag: Option<&str>) -> Result<String, StoreError> {
    let etag = Some(plain_etag(etag)).filter(|etag| !etag.is_empty());
    etag.ok_or_else(|| wrong("its answer has no ETag"))
}

/// An ETag without its quotes.
pub(super) fn plain_etag(etag: Option<&str>) -> String {
    etag.unwrap_or_default().trim_matches('"').to_owned()
}

/// The SHA-256 of the whole object, not of the checksums of its parts.
fn whole_sha256(sum: Option<&str>, kind: Option<&ChecksumType>) -> Option<[u8; 32]> {
    if kind.is_some_and(|kind| *kind != ChecksumType::FullObject) {
        return None;
    }
    // That of parts ends in their number: `…=-3`, which is no base64.
    STANDARD.decode(sum?).ok()?.try_into().ok()
}

fn storage_class(class: Option<&StorageClass>) -> Option<String> {
    class.filter(|class| **class != StorageClass::Standard).map(|class| class.as_str().to_owned())
}

/// Where the bytes are (`x-amz-restore` of "`HeadObject`", Amazon S3 API reference). The class
/// `GLACIER_IR` is an archive by name only.
fn archive(
    class: Option<&str>,
    tier: Option<&ArchiveStatus>,
    restore: Option<&str>,
) -> Option<Archive> {
    if let Some(restore) = restore {
        if restore.contains("ongoing-request=\"true\"") {
            return Some(Archive::Retrieving);
        }
        let until = restore.split_once("expiry-date=\"").and_then(|(_, rest)| rest.split_once('"'));
        return Some(Archive::Retrieved(until.and_then(|(date, _)| http_date(date))));
    }
    (matches!(class, Some("GLACIER" | "DEEP_ARCHIVE")) || tier.is_some())
        .then_some(Archive::Archived)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_bytes_of_an_archived_object_are_is_read_from_its_headers() {
        let cold = Some("DEEP_ARCHIVE");
        assert_eq!(archive(None, None, None), None);
        assert_eq!(archive(Some("GLACIER_IR"), None, None), None);
        assert_eq!(archive(cold, None, None), Some(Archive::Archived));
        let tier = Some(&ArchiveStatus::ArchiveAccess);
        assert_eq!(archive(Some("INTELLIGENT_TIERING"), tier, None), Some(Archive::Archived));
        let asked = Some("ongoing-request=\"true\"");
        assert_eq!(archive(cold, None, asked), Some(Archive::Retrieving));
        let there = "ongoing-request=\"false\", expiry-date=\"Fri, 21 Dec 2012 00:00:00 GMT\"";
        let until = Timestamp::parse("2012-12-21T00:00:00Z").unwrap();
        assert_eq!(archive(cold, None, Some(there)), Some(Archive::Retrieved(Some(until))));
        let silent = Some("ongoing-request=\"false\"");
        assert_eq!(archive(cold, None, silent), Some(Archive::Retrieved(None)));
    }

    #[test]
    fn the_version_null_is_no_version() {
        let head = |version: &str| {
            let found = HeadObjectOutput::builder().content_length(3).e_tag("\"e\"");
            from_head(found.version_id(version).build(), true).unwrap().version_id
        };
        assert_eq!(head("null"), None);
        assert_eq!(head("3/L4kqtJlcpXroDTDmJ"), Some("3/L4kqtJlcpXroDTDmJ".to_owned()));
        assert_eq!(version_id(Some("v".to_owned()), false), None);
        assert_eq!(version_id(None, true), None);
    }

    #[test]
    fn an_answer_without_size_or_etag_is_no_empty_object() {
        let head = |size, etag: Option<&str>| {
            let found = HeadObjectOutput::builder().set_content_length(size);
            from_head(found.set_e_tag(etag.map(str::to_owned)).build(), false)
        };
        assert_eq!(head(Some(0), Some("\"e\"")).unwrap().size, 0);
        for bad in [head(None, Some("\"e\"")), head(Some(-1), Some("e")), head(Some(3), None)] {
            assert!(matches!(bad, Err(StoreError::Unavailable(_))), "{bad:?}");
        }
        assert!(matches!(head(Some(3), Some("\"\"")), Err(StoreError::Unavailable(_))));
        let got = |found: GetObjectOutput| body(found, None, false).map(|body| body.info);
        let silent = got(GetObjectOutput::builder().e_tag("e").build());
        assert!(matches!(silent, Err(StoreError::Unavailable(_))), "{silent:?}");
        let nameless = got(GetObjectOutput::builder().content_length(0).build());
        assert!(matches!(nameless, Err(StoreError::Unavailable(_))), "{nameless:?}");
    }

    #[test]
    fn only_a_sum_of_the_whole_is_a_sum() {
        let sum = STANDARD.encode([7; 32]);
        assert_eq!(whole_sha256(Some(&sum), None), Some([7; 32]));
        assert_eq!(whole_sha256(Some(&sum), Some(&ChecksumType::FullObject)), Some([7; 32]));
        assert_eq!(whole_sha256(Some(&sum), Some(&ChecksumType::Composite)), None);
        assert_eq!(whole_sha256(Some(&format!("{sum}-3")), None), None);
        assert_eq!(whole_sha256(None, None), None);
    }

    #[test]
    fn ranges_are_written_and_read() {
        assert_eq!(range_header(ByteRange::Last(5)).unwrap(), "bytes=-5");
        assert!(range_header(ByteRange::Last(0)).is_err());
        assert!(range_header(ByteRange::Inclusive(5, 4)).is_err());
        assert_eq!(content_range("bytes 3-9/20"), Some((3..10, 20)));
        assert_eq!(content_range("bytes 3-9/*"), None);
    }

    #[tokio::test]
    async fn a_body_that_is_cut_short_is_an_error() {
        let mut body = exactly(SdkStream::from_static(b"four"), 5);
        assert_eq!(body.next().await.unwrap().unwrap(), Bytes::from_static(b"four"));
        assert!(body.next().await.unwrap().is_err());
        assert!(body.next().await.is_none());
        let mut body = exactly(SdkStream::from_static(b"four"), 3);
        assert!(body.next().await.unwrap().is_err());
    }
}
