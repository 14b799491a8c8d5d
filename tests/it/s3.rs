//! A small S3 client for tests: signed and presigned requests with the credentials that
//! `strongroom s3-credentials` prints, as plain HTTP.

use std::fmt::Write as _;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_lc_rs::hmac;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningParams,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use strongroom::keys::S3Credentials;
use strongroom::sensitive::Secret;
use strongroom::store::{
    ObjectKey, PresignPut, PresignedRequest, Presigner, PresignerConfig, Size,
};
use strongroom::time::{Clock, Timestamp};

use crate::process::{Read, Server};

/// The access that an operator has.
pub struct S3 {
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    pub access_key_id: String,
    pub secret_access_key: String,
    http: reqwest::Client,
}

impl S3 {
    pub fn of(server: &Server) -> Self {
        let told: Value =
            serde_json::from_str(&server.told(&["s3-credentials", "--json"])).unwrap();
        let text = |name: &str| told[name].as_str().unwrap().to_owned();
        Self {
            endpoint: text("endpoint"),
            region: text("region"),
            bucket: text("bucket"),
            access_key_id: text("accessKeyId"),
            secret_access_key: text("secretAccessKey"),
            http: server.http.clone(),
        }
    }

    /// A request signed in its headers; `path` begins behind the bucket and may have a query.
    pub fn signed(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> RequestBuilder {
        let url = format!("{}/{}{path}", self.endpoint, self.bucket);
        let body = body.into();
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let (key, secret) = (self.access_key_id.clone(), self.secret_access_key.clone());
        let identity = Credentials::new(key, secret, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(Clock::default().now().system_time())
            .settings(settings)
            .build()
            .unwrap();
        let signable = SignableRequest::new(
            method.as_str(),
            url.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(&body),
        );
        let (instructions, _) =
            sign(signable.unwrap(), &SigningParams::V4(params)).unwrap().into_parts();
        let mut request = self.http.request(method, &url).body(body);
        for (name, value) in headers.iter().copied().chain(instructions.headers()) {
            request = request.header(name, value);
        }
        request
    }

    /// Sends what [`Self::signed`] makes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Read {
        Read::of(self.signed(method, path, headers, body).send().await).await
    }

    /// Uploads to a key in parts; what the completion answered.
    pub async fn multipart(&self, key: &str, mime: &str, parts: &[&[u8]]) -> Option<Read> {
        let begun = self.signed(
            Method::POST,
            &format!("/{key}?uploads="),
            &[("content-type", mime)],
            Vec::new(),
        );
        let begun = Read::of(Ok(begun.send().await.ok()?)).await;
        let text = String::from_utf8_lossy(&begun.body).into_owned();
        let id = text.split("<UploadId>").nth(1)?.split('<').next()?.to_owned();
        let mut list = String::new();
        for (number, part) in (1..).zip(parts) {
            let path = format!("/{key}?partNumber={number}&uploadId={id}");
            let answer = self.signed(Method::PUT, &path, &[], *part).send().await.ok()?;
            let etag = answer.headers().get("etag")?.to_str().ok()?.to_owned();
            let _ =
                write!(list, "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
        }
        let body = format!("<CompleteMultipartUpload>{list}</CompleteMultipartUpload>");
        let path = format!("/{key}?uploadId={id}");
        let answer = self.signed(Method::POST, &path, &[], body).send().await.ok()?;
        Some(Read::of(Ok(answer)).await)
    }

    /// A presigned upload, made at any time of our choice.
    pub fn presign_put(
        &self,
        key: &str,
        mime: &str,
        size: usize,
        sha256: Option<[u8; 32]>,
        at: Timestamp,
    ) -> PresignedRequest {
        let put = PresignPut {
            key: ObjectKey::new(key).unwrap(),
            content_type: mime.to_owned(),
            size: Size::Exactly(size as u64),
            sha256,
        };
        self.presigner().put(&put, true, Duration::from_mins(5), at).unwrap()
    }

    pub fn presigner(&self) -> Presigner {
        Presigner::new(&PresignerConfig {
            bucket: self.bucket.clone(),
            bucket_url: format!("{}/{}", self.endpoint, self.bucket),
            region: self.region.clone(),
            credentials: S3Credentials {
                access_key_id: self.access_key_id.clone(),
                secret_access_key: Secret::new(self.secret_access_key.clone()),
            },
            session_token: None,
            object_headers: Vec::new(),
        })
    }

    /// Uploads by a form of a page with a signed policy ("Browser-Based Uploads Using POST").
    pub async fn post_form(&self, key: &str, mime: &str, file_name: &str, bytes: &[u8]) -> Read {
        let now = Clock::default().now();
        let stamp: String = now.to_string().chars().filter(|c| !"-:".contains(*c)).collect();
        let (day, date) = (&stamp[..8], format!("{}Z", &stamp[..15]));
        let credential = format!("{}/{day}/{}/s3/aws4_request", self.access_key_id, self.region);
        let fields = [
            ("key", key),
            ("Content-Type", mime),
            ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
            ("x-amz-credential", &credential),
            ("x-amz-date", &date),
        ];
        let mut conditions: Vec<Value> = fields.iter().map(|(n, v)| json!({ *n: v })).collect();
        conditions.push(json!({ "bucket": self.bucket }));
        let expires = now + Duration::from_mins(5);
        let policy = json!({ "expiration": expires.to_string(), "conditions": conditions });
        let policy = STANDARD.encode(policy.to_string());
        let secret = format!("AWS4{}", self.secret_access_key).into_bytes();
        let signature = [day, &self.region, "s3", "aws4_request", &policy]
            .iter()
            .fold(secret, |key, text| hmac_sha256(&key, text.as_bytes()));
        let signature = hex::encode(signature);
        let mut body = Vec::new();
        let more = [("policy", policy.as_str()), ("x-amz-signature", &signature)];
        for (name, value) in fields.iter().chain(&more) {
            let part = format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"{file_name}\"\r\nContent-Type: {mime}\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let request = self
            .http
            .post(format!("{}/{}", self.endpoint, self.bucket))
            .header("content-type", "multipart/form-data; boundary=edge")
            .body(body);
        Read::of(request.send().await).await
    }
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}
