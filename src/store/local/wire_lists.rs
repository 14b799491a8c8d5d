//! The wire's operations on the bucket: what is in it, and what it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::utf8_percent_encode;
use s3s::dto::{
    Bucket, BucketLocationConstraint, BucketVersioningStatus, CommonPrefix, CreateBucketInput,
    CreateBucketOutput, DeleteMarkerEntry, EncodingType, GetBucketLocationInput,
    GetBucketLocationOutput, GetBucketVersioningInput, GetBucketVersioningOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

use super::listing::{After, MAX_KEYS, Query};
use super::rows::VersionRow;
use super::wire::Endpoint;
use super::wire_convert::{stamp, strong};
use super::wire_errors::{fail, store_error};
use crate::store::ObjectKey;
use crate::store::presign::PATH;

/// How keys are written in an answer: as they are, or percent-encoded where the client asks.
pub struct Shown {
    encoded: bool,
}

impl Shown {
    /// From the client's `encoding-type`.
    pub fn new(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { encoded: false }),
            Some(EncodingType::URL) => Ok(Self { encoded: true }),
            Some(_) => {
                let text = "Invalid Encoding Method specified in Request";
                Err(fail(S3ErrorCode::InvalidArgument, text))
            }
        }
    }

    /// A key, a prefix, a delimiter or a marker as it is shown.
    pub fn text(&self, text: &str) -> String {
        if self.encoded { utf8_percent_encode(text, PATH).to_string() } else { text.to_owned() }
    }

    fn prefixes(&self, prefixes: &[String]) -> Option<Vec<CommonPrefix>> {
        let shown = |p: &String| CommonPrefix { prefix: Some(self.text(p)) };
        (!prefixes.is_empty()).then(|| prefixes.iter().map(shown).collect())
    }

    fn object(&self, row: &VersionRow) -> Object {
        Object {
            e_tag: strong(&row.etag),
            key: Some(self.text(&row.key)),
            last_modified: Some(stamp(row.modified)),
            size: Some(row.size),
            storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
            ..Object::default()
        }
    }

    fn version(&self, row: &VersionRow) -> ObjectVersion {
        let class = ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD);
        ObjectVersion {
            e_tag: strong(&row.etag),
            is_latest: Some(row.latest),
            key: Some(self.text(&row.key)),
            last_modified: Some(stamp(row.modified)),
            size: Some(row.size),
            storage_class: Some(class),
            version_id: Some(row.version_id.clone()),
            ..ObjectVersion::default()
        }
    }

    fn marker(&self, row: &VersionRow) -> DeleteMarkerEntry {
        DeleteMarkerEntry {
            is_latest: Some(row.latest),
            key: Some(self.text(&row.key)),
            last_modified: Some(stamp(row.modified)),
            version_id: Some(row.version_id.clone()),
            ..DeleteMarkerEntry::default()
        }
    }
}

fn max_keys(asked: Option<i32>) -> S3Result<(i32, usize)> {
    let asked = asked.unwrap_or(1000);
    let limit = usize::try_from(asked)
        .map_err(|_| fail(S3ErrorCode::InvalidArgument, "max-keys must not be negative"))?;
    Ok((asked, limit.min(MAX_KEYS)))
}

fn token(after: &After) -> String {
    let text = match after {
        After::Start => String::new(),
        After::Key(key) | After::Version(key, _) => format!("k{key}"),
        After::Prefix(prefix) => format!("p{prefix}"),
    };
    URL_SAFE_NO_PAD.encode(text)
}

fn from_token(token: &str) -> S3Result<After> {
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|t| String::from_utf8(t).ok());
    let after = text.and_then(|text| match text.split_at_checked(1) {
        Some(("k", key)) => Some(After::Key(key.to_owned())),
        Some(("p", prefix)) => Some(After::Prefix(prefix.to_owned())),
        _ => None,
    });
    let wrong =
        || fail(S3ErrorCode::InvalidArgument, "The continuation token provided is incorrect");
    after.ok_or_else(wrong)
}

/// A marker as the first version of listings writes it: a common prefix stands for all under it.
fn from_marker(marker: String, prefix: &str, delimiter: Option<&str>) -> After {
    let common = delimiter.filter(|d| !d.is_empty()).is_some_and(|d| {
        let rest = marker.strip_prefix(prefix).unwrap_or_default();
        rest.find(d).is_some_and(|at| at + d.len() == rest.len())
    });
    match (marker.is_empty(), common) {
        (true, _) => After::Start,
        (false, true) => After::Prefix(marker),
        (false, false) => After::Key(marker),
    }
}

impl Endpoint {
    pub(super) async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let shown = Shown::new(input.encoding_type.as_ref())?;
        let (asked, limit) = max_keys(input.max_keys)?;
        let after = match (&input.continuation_token, &input.start_after) {
            (Some(token), _) => from_token(token)?,
            (None, Some(key)) if !key.is_empty() => After::Key(key.clone()),
            (None, _) => After::Start,
        };
        let prefix = input.prefix.clone().unwrap_or_default();
        let query = Query { prefix, delimiter: input.delimiter.clone(), after, limit };
        let page = self.store.list(&query).await.map_err(store_error)?;
        let count = i32::try_from(page.entries.len() + page.prefixes.len()).unwrap_or(i32::MAX);
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(shown.text(&query.prefix)),
            delimiter: input.delimiter.as_deref().map(|d| shown.text(d)),
            encoding_type: input.encoding_type.clone(),
            start_after: input.start_after.as_deref().map(|s| shown.text(s)),
            max_keys: Some(asked),
            key_count: Some(count),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_ref().map(token),
            contents: Some(page.entries.iter().map(|row| shown.object(row)).collect()),
            common_prefixes: shown.prefixes(&page.prefixes),
            ..ListObjectsV2Output::default()
        }))
    }

    pub(super) async fn list_objects(
        &self,
        req: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = req.input;
        let shown = Shown::new(input.encoding_type.as_ref())?;
        let (asked, limit) = max_keys(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let marker = input.marker.clone().unwrap_or_default();
        let after = from_marker(marker, &prefix, input.delimiter.as_deref());
        let query = Query { prefix, delimiter: input.delimiter.clone(), after, limit };
        let page = self.store.list(&query).await.map_err(store_error)?;
        // Only with a delimiter; without one the last key is the marker of the next page.
        let delimited = input.delimiter.as_deref().is_some_and(|d| !d.is_empty());
        let next = page.next.as_ref().filter(|_| delimited).map(|after| match after {
            After::Start => String::new(),
            After::Key(text) | After::Prefix(text) | After::Version(text, _) => shown.text(text),
        });
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(shown.text(&query.prefix)),
            delimiter: input.delimiter.as_deref().map(|d| shown.text(d)),
            encoding_type: input.encoding_type.clone(),
            marker: Some(shown.text(&input.marker.unwrap_or_default())),
            max_keys: Some(asked),
            is_truncated: Some(page.next.is_some()),
            next_marker: next,
            contents: Some(page.entries.iter().map(|row| shown.object(row)).collect()),
            common_prefixes: shown.prefixes(&page.prefixes),
            ..ListObjectsOutput::default()
        }))
    }

    pub(super) async fn list_object_versions(
        &self,
        req: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = req.input;
        let shown = Shown::new(input.encoding_type.as_ref())?;
        let (asked, limit) = max_keys(input.max_keys)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        let marker = input.key_marker.clone().unwrap_or_default();
        let version = input.version_id_marker.clone().filter(|v| !v.is_empty());
        let after = match version {
            Some(version) => {
                let key = ObjectKey::new(marker.clone()).ok();
                let row = match &key {
                    Some(key) => self.store.row(key, Some(&version)).await.map_err(store_error)?,
                    None => None,
                };
                let wrong = || fail(S3ErrorCode::InvalidArgument, "Invalid version id specified");
                After::Version(marker, row.ok_or_else(wrong)?.seq)
            }
            None => from_marker(marker, &prefix, input.delimiter.as_deref()),
        };
        let query = Query { prefix, delimiter: input.delimiter.clone(), after, limit };
        let page = self.store.list_versions(&query).await.map_err(store_error)?;
        let (markers, versions): (Vec<_>, Vec<_>) = page.entries.iter().partition(|r| r.marker);
        let (next_key, next_version) = match &page.next {
            Some(After::Version(key, _)) => {
                (Some(shown.text(key)), page.entries.last().map(|r| r.version_id.clone()))
            }
            Some(After::Key(text) | After::Prefix(text)) => (Some(shown.text(text)), None),
            Some(After::Start) | None => (None, None),
        };
        Ok(S3Response::new(ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(shown.text(&query.prefix)),
            delimiter: input.delimiter.as_deref().map(|d| shown.text(d)),
            encoding_type: input.encoding_type.clone(),
            key_marker: Some(shown.text(&input.key_marker.unwrap_or_default())),
            version_id_marker: input.version_id_marker,
            max_keys: Some(asked),
            is_truncated: Some(page.next.is_some()),
            next_key_marker: next_key,
            next_version_id_marker: next_version,
            versions: Some(versions.into_iter().map(|row| shown.version(row)).collect()),
            delete_markers: Some(markers.into_iter().map(|row| shown.marker(row)).collect()),
            common_prefixes: shown.prefixes(&page.prefixes),
            ..ListObjectVersionsOutput::default()
        }))
    }

    #[allow(clippy::unused_async)] // the protocol's trait is async throughout
    pub(super) async fn create_bucket(
        &self,
        _req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        Err(fail(
            S3ErrorCode::BucketAlreadyOwnedByYou,
            "The bucket is there: it is the only one and cannot be made again.",
        ))
    }

    #[allow(clippy::unused_async)] // the protocol's trait is async throughout
    pub(super) async fn head_bucket(
        &self,
        _req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.store.config.region.clone()),
            ..HeadBucketOutput::default()
        }))
    }

    #[allow(clippy::unused_async)] // the protocol's trait is async throughout
    pub(super) async fn list_buckets(
        &self,
        _req: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let bucket = Bucket {
            name: Some(self.store.config.bucket.clone()),
            bucket_region: Some(self.store.config.region.clone()),
            creation_date: Some(stamp(crate::time::Timestamp::from_micros(0))),
        };
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(vec![bucket]),
            ..ListBucketsOutput::default()
        }))
    }

    #[allow(clippy::unused_async)] // the protocol's trait is async throughout
    pub(super) async fn get_bucket_location(
        &self,
        _req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        // S3 says nothing for its first region.
        let region = &self.store.config.region;
        let named = (region != "us-east-1").then(|| BucketLocationConstraint::from(region.clone()));
        Ok(S3Response::new(GetBucketLocationOutput { location_constraint: named }))
    }

    #[allow(clippy::unused_async)] // the protocol's trait is async throughout
    pub(super) async fn get_bucket_versioning(
        &self,
        _req: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        let enabled = BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED);
        Ok(S3Response::new(GetBucketVersioningOutput {
            status: Some(enabled),
            ..GetBucketVersioningOutput::default()
        }))
    }
}
