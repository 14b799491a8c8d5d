//! Presigned requests that were changed on their way: S3's own refusals, over real HTTP.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::header::HeaderMap;
use strongroom::sensitive::Secret;
use strongroom::store::PresignedRequest;
use strongroom::time::Clock;

use crate::process::{Read, Seeded, Server, asked};
use crate::s3::S3;

struct Wire {
    server: Server,
    s3: S3,
    bytes: Vec<u8>,
    number: u32,
}

impl Wire {
    async fn start() -> Self {
        let server = Server::start(&[]).await;
        let s3 = S3::of(&server);
        Self { server, s3, bytes: Seeded(9).pdf(10_000), number: 0 }
    }

    fn presign(&mut self) -> PresignedRequest {
        self.number += 1;
        let sha: [u8; 32] = digest(&SHA256, &self.bytes).as_ref().try_into().unwrap();
        let key = format!("try/{}", self.number);
        let now = Clock::default().now();
        self.s3.presign_put(&key, "application/pdf", self.bytes.len(), Some(sha), now)
    }

    async fn send(&self, url: &str, headers: &[(String, String)], bytes: &[u8]) -> Read {
        let mut request = self.server.http.put(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Read::of(request.body(bytes.to_vec()).send().await).await
    }

    /// The same with one header changed, or left out.
    async fn with(&mut self, name: &str, value: Option<&str>) -> (u16, String) {
        let request = self.presign();
        let mut headers = request.headers.clone();
        let before = headers.len();
        headers.retain(|(known, _)| known != name);
        assert_eq!(headers.len(), before - 1, "{name} is not among what is signed");
        headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        let read = self.send(&request.url, &headers, &self.bytes).await;
        (read.status, read.s3_code())
    }
}

fn told(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_header_breaks_the_signature() {
    let mut wire = Wire::start().await;
    let refused = told(403, "SignatureDoesNotMatch");
    assert_eq!(wire.with("content-type", Some("text/html")).await, refused);
    assert_eq!(wire.with("content-type", None).await, refused);
    assert_eq!(wire.with("if-none-match", None).await, refused);
    let other = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(wire.with("x-amz-checksum-sha256", Some(other)).await, refused);
    assert_eq!(wire.with("x-amz-checksum-sha256", None).await, refused);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_url_breaks_the_signature() {
    let mut wire = Wire::start().await;
    let request = wire.presign();
    let url = &request.url;
    for changed in [
        url.replace("/try/1", "/try/other"),
        url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        format!("{url}&x-id=PutObject"),
        {
            let (front, last) = url.split_at(url.len() - 1);
            format!("{front}{}", if last == "0" { "1" } else { "0" })
        },
    ] {
        assert_ne!(changed, *url);
        let read = wire.send(&changed, &request.headers, &wire.bytes).await;
        assert_eq!((read.status, read.s3_code()), told(403, "SignatureDoesNotMatch"), "{changed}");
    }
    // Another method, with the signature of a PUT.
    let read = Read::of(wire.server.http.get(url).send().await).await;
    assert_eq!((read.status, read.s3_code()), told(403, "SignatureDoesNotMatch"));
    wire.send(url, &request.headers, &wire.bytes).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_bytes_or_another_length_are_refused() {
    let mut wire = Wire::start().await;
    let request = wire.presign();
    let mut other = wire.bytes.clone();
    other[5000] ^= 1;
    let read = wire.send(&request.url, &request.headers, &other).await;
    assert_eq!((read.status, read.s3_code()), told(400, "BadDigest"));
    // The client sends the length of what it sends; it is not what was signed.
    let mut headers = request.headers.clone();
    headers.retain(|(name, _)| name != "content-length");
    for bytes in [&wire.bytes[..9000], &[&wire.bytes[..], b"more"].concat()] {
        let read = wire.send(&request.url, &headers, bytes).await;
        assert_eq!((read.status, read.s3_code()), told(403, "SignatureDoesNotMatch"));
    }
    // None of it left anything behind: the name is still free.
    wire.send(&request.url, &request.headers, &wire.bytes).await.expect(200);
    let again = wire.send(&request.url, &request.headers, &wire.bytes).await;
    assert_eq!((again.status, again.s3_code()), told(412, "PreconditionFailed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expired_and_foreign_signatures_are_refused() {
    let mut wire = Wire::start().await;
    let long_ago = Clock::default().now() - Duration::from_hours(1);
    let late = wire.s3.presign_put("try/late", "application/pdf", 10_000, None, long_ago);
    let read = wire.send(&late.url, &late.headers, &wire.bytes).await;
    assert_eq!((read.status, read.s3_code()), told(403, "AccessDenied"));
    let text = String::from_utf8_lossy(&read.body).into_owned();
    assert!(text.contains("Request has expired"), "{text}");

    let secret = Secret::new("another-secret-of-forty-characters-00000".to_owned());
    wire.s3.secret_access_key = secret.reveal().clone();
    let foreign = wire.presign();
    let read = wire.send(&foreign.url, &foreign.headers, &wire.bytes).await;
    assert_eq!((read.status, read.s3_code()), told(403, "SignatureDoesNotMatch"));
    wire.s3.access_key_id = "SR00000000000000NONE".to_owned();
    let foreign = wire.presign();
    let read = wire.send(&foreign.url, &foreign.headers, &wire.bytes).await;
    assert_eq!((read.status, read.s3_code()), told(403, "InvalidAccessKeyId"));
    // Nobody's request at all.
    let url = format!("{}/{}/try/1", wire.s3.endpoint, wire.s3.bucket);
    let read = wire.send(&url, &[], &wire.bytes).await;
    assert_eq!((read.status, read.s3_code()), told(403, "AccessDenied"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_link_cannot_be_made_into_a_copy_of_another_object() {
    let mut wire = Wire::start().await;
    let token = wire.server.token("admin");
    let document = wire.server.upload(&token, &wire.bytes).await;
    let begun = wire.server.post(&token, "/api/docs/presign-upload", &asked(10)).await;
    let begun = begun.expect(201).json();
    let source = format!("/{}/{}", wire.s3.bucket, document["key"].as_str().unwrap());
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-copy-source", source.parse().unwrap());
    let request = crate::process::put(&wire.server.http, &begun).headers(headers);
    let read = Read::of(request.body("0123456789").send().await).await;
    assert_eq!((read.status, read.s3_code()), told(403, "AccessDenied"));
    wire.server.confirm(&token, &begun).await.expect(409);
    wire.number += 1;
}
