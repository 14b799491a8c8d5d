//! Where the bucket is and how its clients reach it: addresses and the headers of encryption.
//!
//! Invariant: pure; nothing here knows a key or makes a request.

use crate::config::{S3Config, StoreConfig};

/// A bucket's place in the world.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub bucket: String,
    pub region: String,
    /// Of a store that is not AWS, without a trailing slash.
    pub endpoint: Option<String>,
    pub path_style: bool,
    pub accelerate: bool,
    pub kms_key: Option<String>,
    /// The folder that keys stand under, without slashes at its ends.
    pub folder_prefix: String,
}

impl Place {
    pub fn new(store: &StoreConfig, s3: &S3Config) -> Self {
        // A certificate for `*.s3.…` covers no name with further dots.
        let dotted = s3.endpoint.is_none() && store.bucket.contains('.');
        Self {
            bucket: store.bucket.clone(),
            region: store.region.clone(),
            endpoint: s3.endpoint.clone(),
            path_style: s3.path_style || dotted,
            accelerate: s3.accelerate,
            kms_key: s3.kms_key.clone(),
            folder_prefix: store.folder_prefix.clone(),
        }
    }

    /// The bucket's URL for presigned requests, without a trailing slash ("Methods for accessing
    /// a bucket", Amazon S3 user guide; "Amazon S3 Transfer Acceleration").
    pub fn bucket_url(&self) -> String {
        let bucket = &self.bucket;
        if let Some(endpoint) = &self.endpoint {
            return match endpoint.split_once("://") {
                Some((scheme, host)) if !self.path_style => format!("{scheme}://{bucket}.{host}"),
                _ => format!("{endpoint}/{bucket}"),
            };
        }
        if self.accelerate {
            return format!("https://{bucket}.s3-accelerate.amazonaws.com");
        }
        let host = self.aws_host();
        if self.path_style {
            format!("https://{host}/{bucket}")
        } else {
            format!("https://{bucket}.{host}")
        }
    }

    /// The origin that a browser sends files to and fetches them from.
    pub fn origin(&self) -> String {
        let url = self.bucket_url();
        let after_scheme = url.find("://").map_or(0, |at| at + 3);
        let end = url[after_scheme..].find('/').map_or(url.len(), |at| after_scheme + at);
        url[..end].to_owned()
    }

    /// What an operator would call the other end.
    pub fn endpoint_name(&self) -> String {
        self.endpoint.clone().unwrap_or_else(|| format!("https://{}", self.aws_host()))
    }

    fn aws_host(&self) -> String {
        let top = if self.region.starts_with("cn-") { "com.cn" } else { "com" };
        format!("s3.{}.amazonaws.{top}", self.region)
    }

    /// Headers that every new object is sent with. None where the bucket decides: a policy may
    /// refuse headers as well as their absence.
    pub fn object_headers(&self) -> Vec<(String, String)> {
        let Some(key) = &self.kms_key else { return Vec::new() };
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![
            header("x-amz-server-side-encryption", "aws:kms"),
            header("x-amz-server-side-encryption-aws-kms-key-id", key),
        ]
    }

    /// A key under the folder.
    pub fn key(&self, rest: &str) -> String {
        if self.folder_prefix.is_empty() {
            rest.to_owned()
        } else {
            format!("{}/{rest}", self.folder_prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aws() -> Place {
        Place {
            bucket: "room".into(),
            region: "eu-west-2".into(),
            endpoint: None,
            path_style: false,
            accelerate: false,
            kms_key: None,
            folder_prefix: String::new(),
        }
    }

    #[test]
    fn the_bucket_of_every_kind_of_store_has_its_address() {
        assert_eq!(aws().bucket_url(), "https://room.s3.eu-west-2.amazonaws.com");
        let china = Place { region: "cn-north-1".into(), ..aws() };
        assert_eq!(china.bucket_url(), "https://room.s3.cn-north-1.amazonaws.com.cn");
        let in_path = Place { path_style: true, ..aws() };
        assert_eq!(in_path.bucket_url(), "https://s3.eu-west-2.amazonaws.com/room");
        let fast = Place { accelerate: true, ..aws() };
        assert_eq!(fast.bucket_url(), "https://room.s3-accelerate.amazonaws.com");
        let own = Place { endpoint: Some("http://127.0.0.1:3900".into()), ..in_path };
        assert_eq!(own.bucket_url(), "http://127.0.0.1:3900/room");
        let host = Place { endpoint: Some("https://s3.example.com".into()), ..aws() };
        assert_eq!(host.bucket_url(), "https://room.s3.example.com");
        assert_eq!(host.origin(), "https://room.s3.example.com");
        assert_eq!(own.origin(), "http://127.0.0.1:3900");
    }

    #[test]
    fn encryption_is_asked_for_only_where_a_key_is_configured() {
        assert!(aws().object_headers().is_empty());
        let kms = Place { kms_key: Some("arn:aws:kms:k".into()), ..aws() };
        assert_eq!(kms.object_headers()[0].1, "aws:kms");
        assert_eq!(kms.object_headers()[1].1, "arn:aws:kms:k");
    }

    #[test]
    fn keys_stand_under_the_folder() {
        assert_eq!(aws().key("a"), "a");
        assert_eq!(Place { folder_prefix: "x/y".into(), ..aws() }.key("a"), "x/y/a");
    }
}
