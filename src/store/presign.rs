//! Presigned requests by AWS Signature Version 4 in the query ("Authenticating Requests: Using
//! Query Parameters", Amazon S3 API reference).
//!
//! What the sender must keep to (type, length, checksum, create-only) is signed as headers, never
//! moved into the query: a server then refuses a request whose headers differ.
//!
//! Invariant: no I/O; the time is an argument.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningParams,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{AnswerHeaders, ObjectKey, PartialUpload, PresignPut, PresignedRequest, StoreError};
use crate::keys::S3Credentials;
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// Everything but RFC 3986's unreserved characters.
pub(super) const QUERY: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// As [`QUERY`], but `/` stays: it separates the parts of a key.
pub(super) const PATH: &AsciiSet = &QUERY.remove(b'/');

/// Whose name and bucket the requests are signed for.
#[derive(Clone, Debug)]
pub struct PresignerConfig {
    /// The bucket.
    pub bucket: String,
    /// The URL of the bucket as clients reach it, with or without a trailing slash.
    pub bucket_url: String,
    /// The region in the credential scope.
    pub region: String,
    /// The access key.
    pub credentials: S3Credentials,
    /// The token that goes with temporary credentials.
    pub session_token: Option<Secret<String>>,
    /// Headers that every new object is sent with (encryption at the store).
    pub object_headers: Vec<(String, String)>,
}

/// Makes presigned requests for one bucket.
pub struct Presigner {
    bucket: String,
    base: String,
    region: String,
    credentials: Credentials,
    object_headers: Vec<(String, String)>,
}

impl Presigner {
    /// Takes the bucket's address and credentials.
    pub fn new(config: &PresignerConfig) -> Self {
        let credentials = Credentials::new(
            config.credentials.access_key_id.clone(),
            config.credentials.secret_access_key.reveal().clone(),
            config.session_token.as_ref().map(|token| token.reveal().clone()),
            None,
            "strongroom",
        );
        let base = format!("{}/", config.bucket_url.trim_end_matches('/'));
        let object_headers = config.object_headers.clone();
        let bucket = config.bucket.clone();
        Self { bucket, base, region: config.region.clone(), credentials, object_headers }
    }

    pub(super) fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The bucket's URL, with a trailing slash.
    pub(super) fn bucket_url(&self) -> &str {
        &self.base
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    pub(super) const fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(super) fn object_headers(&self) -> &[(String, String)] {
        &self.object_headers
    }

    /// A PUT of exactly what `put` describes; with `create_only` it never replaces. S3 has no
    /// header for a limit: where the size is open, so is what it takes.
    pub fn put(
        &self,
        put: &PresignPut,
        create_only: bool,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        let mut headers = vec![("content-type".to_owned(), put.content_type.clone())];
        if let Some(size) = put.size.exact() {
            headers.push(("content-length".to_owned(), size.to_string()));
        }
        if create_only {
            headers.push(("if-none-match".to_owned(), "*".to_owned()));
        }
        if let Some(sha256) = &put.sha256 {
            headers.push(("x-amz-checksum-sha256".to_owned(), STANDARD.encode(sha256)));
        }
        headers.extend(self.object_headers.iter().cloned());
        self.sign("PUT", self.url(&put.key), headers, expires, now)
    }

    /// A GET of one version whose answer carries the given headers.
    pub fn get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        answer: &AnswerHeaders,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        let mut url = self.url(key);
        let mut separator = '?';
        let query = [
            ("response-content-type", answer.content_type.as_deref()),
            ("response-content-disposition", answer.content_disposition.as_deref()),
            ("versionId", version),
        ];
        for (name, value) in query {
            let Some(value) = value else { continue };
            push_query(&mut url, &mut separator, name, value);
        }
        self.sign("GET", url, Vec::new(), expires, now)
    }

    /// A PUT of one part of an upload, of exactly `size` bytes where that is known.
    pub fn part(
        &self,
        upload: &PartialUpload,
        number: u32,
        size: Option<u64>,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        let (mut url, mut separator) = (self.url(&upload.key), '?');
        push_query(&mut url, &mut separator, "partNumber", &number.to_string());
        push_query(&mut url, &mut separator, "uploadId", &upload.upload_id);
        let length = size.map(|size| ("content-length".to_owned(), size.to_string()));
        self.sign("PUT", url, length.into_iter().collect(), expires, now)
    }

    fn url(&self, key: &ObjectKey) -> String {
        let mut url = String::with_capacity(self.base.len() + key.as_str().len() + 640);
        url.push_str(&self.base);
        url.extend(utf8_percent_encode(key.as_str(), PATH));
        url
    }

    fn sign(
        &self,
        method: &'static str,
        mut url: String,
        headers: Vec<(String, String)>,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(expires);
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(now.system_time())
            .settings(settings)
            .build()
            .map_err(StoreError::unavailable)?;
        let signed = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request =
            SignableRequest::new(method, url.as_str(), signed, SignableBody::UnsignedPayload)
                .map_err(StoreError::unavailable)?;
        let output = sign(request, &SigningParams::V4(params)).map_err(StoreError::unavailable)?;
        let (instructions, _) = output.into_parts();
        let mut separator = if url.contains('?') { '&' } else { '?' };
        for (name, value) in instructions.params() {
            push_query(&mut url, &mut separator, name, value);
        }
        // The signature's date has whole seconds: what it says is when it ends.
        let expires_at = now.whole_seconds() + expires;
        Ok(PresignedRequest { method, url, headers, fields: Vec::new(), expires_at })
    }
}

fn push_query(url: &mut String, separator: &mut char, name: &str, value: &str) {
    url.push(*separator);
    *separator = '&';
    url.push_str(name);
    url.push('=');
    url.extend(utf8_percent_encode(value, QUERY));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Size;

    fn presigner() -> Presigner {
        Presigner::new(&PresignerConfig {
            bucket: "room".to_owned(),
            bucket_url: "http://127.0.0.1:8080/room/".to_owned(),
            region: "us-east-1".to_owned(),
            credentials: S3Credentials {
                access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into()),
            },
            session_token: None,
            object_headers: Vec::new(),
        })
    }

    #[test]
    fn what_an_upload_must_keep_to_is_signed_as_headers() {
        let put = PresignPut {
            key: ObjectKey::new("a/ü b+c.pdf").unwrap(),
            content_type: "application/pdf".to_owned(),
            size: Size::Exactly(7),
            sha256: Some([1; 32]),
        };
        let now = Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap();
        let signed = presigner().put(&put, true, Duration::from_mins(15), now).unwrap();
        assert!(signed.url.starts_with("http://127.0.0.1:8080/room/a/%C3%BC%20b%2Bc.pdf?"));
        let signed_headers = "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost\
                              %3Bif-none-match%3Bx-amz-checksum-sha256";
        assert!(signed.url.contains(signed_headers), "{}", signed.url);
        assert!(signed.url.contains("X-Amz-Expires=900"));
        assert_eq!(signed.headers.len(), 4);
        assert_eq!(signed.expires_at.to_string(), "2026-01-02T03:19:05Z");
        assert!(!format!("{signed:?}").contains("Signature"));
    }
}
