//! The object store: which bucket, where, and with whose keys.
//!
//! Invariant: what is half said (a key without its secret, CloudFront without its key) is a
//! problem at start, never a silent fallback to something else.

use std::path::PathBuf;

use super::Reader;
use crate::sensitive::Secret;

/// The object store.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The bucket.
    pub bucket: String,
    /// The region, for signatures.
    pub region: String,
    /// The folder that object keys stand under, without slashes at its ends.
    pub folder_prefix: String,
    /// Whether uploads are switched on (guide 001's flag).
    pub uploads_enabled: bool,
    /// Somebody else's bucket; none: the sealed store on this disk.
    pub s3: Option<S3Config>,
}

/// AWS S3 or a store that speaks its protocol.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// Its address, without a trailing slash; none: AWS.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path instead of the host name.
    pub path_style: bool,
    /// Whether presigned requests go to S3 Transfer Acceleration.
    pub accelerate: bool,
    /// Key of SSE-KMS; none: as the bucket decides.
    pub kms_key: Option<String>,
    /// With whose keys.
    pub keys: S3Keys,
    /// Downloads through CloudFront.
    pub cloudfront: Option<CloudFrontConfig>,
}

/// Where access keys come from.
#[derive(Clone, Debug)]
pub enum S3Keys {
    /// Given once.
    Given {
        /// The access key's id.
        id: Secret<String>,
        /// Its secret.
        secret: Secret<String>,
        /// The token of temporary keys.
        session_token: Option<Secret<String>>,
    },
    /// In files, read again when they change.
    Files {
        /// Holds the access key's id.
        id: PathBuf,
        /// Holds its secret.
        secret: PathBuf,
        /// Holds the token of temporary keys.
        session_token: Option<PathBuf>,
    },
    /// The SDK's own chain: environment, profile, SSO, web identity, container, instance role.
    Chain,
}

/// Downloads through a CloudFront distribution.
#[derive(Clone, Debug)]
pub struct CloudFrontConfig {
    /// The distribution, `https://…`, without a trailing slash.
    pub url: String,
    /// The id of the public key in the distribution's key group.
    pub key_pair_id: String,
    /// The private key, PEM.
    pub private_key: Secret<String>,
}

/// Reads the topic.
pub(super) fn store(r: &mut Reader) -> StoreConfig {
    let bucket = r.text("AWS_S3_DOCUMENTS_BUCKET_NAME");
    let region = r.text("AWS_REGION");
    let provider = r.text("STORAGE_PROVIDER");
    let is_s3 = match provider.as_deref() {
        Some("local") => false,
        Some("s3" | "aws-s3") => true,
        Some(other) => {
            let right = format!("{other:?} is not a provider; expected local, s3 or aws-s3");
            r.problem("STORAGE_PROVIDER", &right);
            false
        }
        None => bucket.is_some(),
    };
    // Read in any case, for their spelling.
    let s3 = s3(r, region.as_deref());
    if is_s3 && bucket.is_none() {
        let right = "STORAGE_PROVIDER=s3 needs a bucket";
        r.problem("AWS_S3_DOCUMENTS_BUCKET_NAME", right);
    }
    if is_s3 && region.is_none() {
        r.problem("AWS_REGION", "S3 needs the bucket's region, such as eu-west-2");
    }
    let bucket = bucket.unwrap_or_else(|| "strongroom".to_owned());
    if !is_bucket_name(&bucket) {
        let right = "expected 3 to 63 of a-z, 0-9, - and ., as S3 names buckets";
        r.problem("AWS_S3_DOCUMENTS_BUCKET_NAME", right);
    }
    let folder_prefix = r.text("AWS_S3_FOLDER_PREFIX").unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./".contains(&b);
    if !folder_prefix.bytes().all(plain) || folder_prefix.contains("..") {
        r.problem("AWS_S3_FOLDER_PREFIX", "expected letters, digits, -, _, . and /");
    }
    if s3.accelerate && (s3.endpoint.is_some() || s3.path_style || bucket.contains('.')) {
        let right = "goes with AWS's own endpoint, without path style, and a bucket without dots";
        r.problem("S3_USE_ACCELERATE", right);
    }
    StoreConfig {
        bucket,
        region: region.unwrap_or_else(|| "us-east-1".to_owned()),
        folder_prefix: folder_prefix.trim_matches('/').to_owned(),
        uploads_enabled: r.flag("NEXT_PUBLIC_ENABLE_AWS_S3_STORAGE", true),
        s3: is_s3.then_some(s3),
    }
}

fn s3(r: &mut Reader, region: Option<&str>) -> S3Config {
    let endpoint = r.text("S3_ENDPOINT").map(|text| text.trim_end_matches('/').to_owned());
    if endpoint.as_deref().is_some_and(|text| super::origin_of(text).as_deref() != Some(text)) {
        let right = "must be scheme and host only, such as https://s3.example.com";
        r.problem("S3_ENDPOINT", right);
    }
    // Stores that are not AWS seldom have a host name for every bucket.
    let path_style = r.flag("S3_FORCE_PATH_STYLE", endpoint.is_some());
    if region.is_some_and(|r| !r.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))) {
        r.problem("AWS_REGION", "expected a region's name, such as eu-west-2");
    }
    S3Config {
        path_style,
        accelerate: r.flag("S3_USE_ACCELERATE", false),
        kms_key: r.text("AWS_KMS_KEY_ID"),
        keys: keys(r),
        cloudfront: cloudfront(r),
        endpoint,
    }
}

fn keys(r: &mut Reader) -> S3Keys {
    const ID: &str = "AWS_ACCESS_KEY_ID";
    const SECRET: &str = "AWS_SECRET_ACCESS_KEY";
    const TOKEN: &str = "AWS_SESSION_TOKEN";
    let files = (r.file(ID), r.file(SECRET));
    match (r.secret(ID), r.secret(SECRET)) {
        (Some(id), Some(secret)) => match files {
            (Some(id), Some(secret)) => S3Keys::Files { id, secret, session_token: r.file(TOKEN) },
            _ => S3Keys::Given { id, secret, session_token: r.secret(TOKEN) },
        },
        (None, None) => S3Keys::Chain,
        (id, _) => {
            let missing = if id.is_none() { ID } else { SECRET };
            r.problem(missing, "an access key has two halves; set both, or neither for a role");
            S3Keys::Chain
        }
    }
}

fn cloudfront(r: &mut Reader) -> Option<CloudFrontConfig> {
    const URL: &str = "AWS_CLOUDFRONT_URL";
    let url = r.text(URL).map(|text| text.trim_end_matches('/').to_owned());
    let pair = r.text("AWS_CLOUDFRONT_KEY_PAIR_ID");
    let key = r.secret("AWS_CLOUDFRONT_PRIVATE_KEY");
    match (url, pair, key) {
        (None, None, None) => None,
        (Some(url), Some(key_pair_id), Some(private_key)) => {
            if super::origin_of(&url).as_deref() != Some(&url) || !url.starts_with("https:") {
                r.problem(URL, "must be the distribution, such as https://d111.cloudfront.net");
            }
            Some(CloudFrontConfig { url, key_pair_id, private_key })
        }
        _ => {
            let right = "goes with AWS_CLOUDFRONT_KEY_PAIR_ID and AWS_CLOUDFRONT_PRIVATE_KEY \
                         (or …_FILE); set all three or none";
            r.problem(URL, right);
            None
        }
    }
}

/// Paths the server itself answers; a bucket of that name would shadow them.
const RESERVED_BUCKETS: &[&str] =
    &["api", "docs", "healthz", "readyz", "metrics", "storage", "test", "login", "setup"];

fn is_bucket_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    (3..=63).contains(&name.len())
        && name.bytes().all(plain)
        && edge(name.bytes().next())
        && edge(name.bytes().last())
        && !RESERVED_BUCKETS.contains(&name)
}
