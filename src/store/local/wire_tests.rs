//! The wire over real HTTP: presigned requests replayed right and wrong.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::tests::{bytes, config};
use super::wire_writing::Writing;
use super::*;
use crate::store::{
    AnswerHeaders, NewObject, ObjectStore as _, PartialUpload, PresignPut, PresignedRequest, Size,
    UploadMethod,
};

#[derive(Default)]
struct Watcher {
    seen: Mutex<Vec<WireAccess>>,
    refuses: std::sync::atomic::AtomicBool,
}

#[async_trait]
impl WireObserver for Watcher {
    async fn before(&self, access: &WireAccess) -> Result<Most, WireRefusal> {
        self.seen.lock().unwrap().push(access.clone());
        let refuses = self.refuses.load(std::sync::atomic::Ordering::Relaxed);
        if refuses { Err(WireRefusal::NotRecorded) } else { Ok(Most::default()) }
    }
}

pub(super) struct Server {
    store: Arc<LocalStore>,
    watcher: Arc<Watcher>,
    pub(super) writing: Writing,
    client: reqwest::Client,
    pub(super) base: String,
    _dir: TempDir,
    _tasks: JoinSet<()>,
}

pub(super) async fn serve() -> Server {
    serve_with(Duration::from_secs(30)).await
}
pub(super) async fn serve_with(patience: Duration) -> Server {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let mut config = config(dir.path());
    config.endpoint = base.clone();
    let store = LocalStore::open(config).await.unwrap();
    let watcher = Arc::new(Watcher::default());
    let wire = store.wire(watcher.clone(), vec!["https://app.example".to_owned()]);
    let (writing, wire) = (wire.endpoint.writing.clone(), wire.with_patience(patience));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let wire = wire.clone();
            connections.spawn(async move {
                let service = hyper::service::service_fn(move |request: http::Request<_>| {
                    let wire = wire.clone();
                    async move {
                        let request = request.map(axum::body::Body::new);
                        Ok::<_, std::convert::Infallible>(wire.handle(request).await)
                    }
                });
                let io = TokioIo::new(stream);
                let _ = Builder::new(TokioExecutor::new()).serve_connection(io, service).await;
            });
        }
    });
    let client = reqwest::Client::new();
    Server { store, watcher, writing, client, base, _dir: dir, _tasks: tasks }
}

pub(super) fn upload_of(name: &str, data: &[u8]) -> PresignPut {
    let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    PresignPut {
        key: ObjectKey::new(name).unwrap(),
        content_type: "application/pdf".to_owned(),
        size: Size::Exactly(data.len() as u64),
        sha256: sha256.as_ref().try_into().ok(),
    }
}

impl Server {
    pub(super) fn presign(&self, put: &PresignPut) -> PresignedRequest {
        let now = Clock::default().now();
        self.store.presign_put(put, UploadMethod::Put, Duration::from_mins(1), now).unwrap()
    }

    pub(super) async fn send(&self, request: &PresignedRequest, body: &[u8]) -> (u16, String) {
        let method = request.method.parse().unwrap();
        let mut builder = self.client.request(method, &request.url);
        for (name, value) in request.headers.iter().filter(|(name, _)| name != "content-length") {
            builder = builder.header(name, value);
        }
        let answer = builder.body(body.to_vec()).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(super) async fn put(&self, name: &str, data: &[u8]) {
        let request = self.presign(&upload_of(name, data));
        let (status, text) = self.send(&request, data).await;
        assert_eq!(status, 200, "{text}");
    }

    fn presigned_get(&self, name: &str, answer: &AnswerHeaders) -> String {
        let (key, now) = (ObjectKey::new(name).unwrap(), Clock::default().now());
        let expires = Duration::from_mins(1);
        self.store.presign_get(&key, None, answer, expires, now).unwrap().url
    }
}

fn code(text: &str) -> &str {
    text.split_once("<Code>").and_then(|(_, t)| t.split_once("</Code>")).map_or(text, |(c, _)| c)
}

fn set(request: &mut PresignedRequest, name: &str, value: &str) {
    request.headers.retain(|(n, _)| n != name);
    request.headers.push((name.to_owned(), value.to_owned()));
}

#[tokio::test]
async fn a_presigned_upload_sent_as_it_was_made_is_stored_and_read_back() {
    let server = serve().await;
    for size in [1, 100_000, 3_000_000] {
        let data = bytes(size);
        let name = format!("patients/ü {size}+a.pdf");
        server.put(&name, &data).await;
        let answer = AnswerHeaders {
            content_type: Some("text/plain".to_owned()),
            content_disposition: Some("attachment; filename=\"a b.pdf\"".to_owned()),
        };
        let url = server.presigned_get(&name, &answer);
        let got = server.client.get(&url).send().await.unwrap();
        assert_eq!(got.status(), 200);
        assert_eq!(got.headers()["content-type"], "text/plain");
        assert_eq!(got.headers()["content-disposition"], "attachment; filename=\"a b.pdf\"");
        assert_eq!(got.headers()["content-length"], size.to_string());
        assert!(got.bytes().await.unwrap() == data);
    }
}

#[tokio::test]
async fn a_presigned_upload_sent_otherwise_is_refused_with_s3s_own_codes() {
    let server = serve().await;
    let data = bytes(5000);
    let good = server.presign(&upload_of("k", &data));
    let mut changed_type = good.clone();
    set(&mut changed_type, "content-type", "text/html");
    let mut changed_checksum = good.clone();
    set(&mut changed_checksum, "x-amz-checksum-sha256", &STANDARD.encode([0; 32]));
    let mut unconditional = good.clone();
    unconditional.headers.retain(|(name, _)| name != "if-none-match");
    let mut changed_key = good.clone();
    changed_key.url = good.url.replace("/room/k?", "/room/other?");
    let mut copy = good.clone();
    set(&mut copy, "x-amz-copy-source", "/room/secret");
    let mut v2 = good.clone();
    v2.url = format!("{}/room/k?AWSAccessKeyId=x&Signature=y&Expires=99999999999", server.base);
    let cases = [
        (changed_type, &data[..], 403, "SignatureDoesNotMatch"),
        (good.clone(), &data[1..], 403, "SignatureDoesNotMatch"),
        (changed_checksum, &data[..], 403, "SignatureDoesNotMatch"),
        (unconditional, &data[..], 403, "SignatureDoesNotMatch"),
        (changed_key, &data[..], 403, "SignatureDoesNotMatch"),
        (copy, &data[..], 403, "AccessDenied"),
        (v2, &data[..], 400, "InvalidRequest"),
    ];
    for (request, body, status, expected) in cases {
        let (got, text) = server.send(&request, body).await;
        assert_eq!((got, code(&text)), (status, expected), "{text}");
    }
    // Other bytes of the same length.
    let (status, text) = server.send(&good, &bytes(5001)[1..]).await;
    assert_eq!((status, code(&text)), (400, "BadDigest"), "{text}");
    assert!(server.watcher.seen.lock().unwrap().iter().all(|a| a.operation == "PutObject"));
    // Now as it was made, and once more.
    assert_eq!(server.send(&good, &data).await.0, 200);
    let (status, text) = server.send(&good, &data).await;
    assert_eq!((status, code(&text)), (412, "PreconditionFailed"), "{text}");
}

#[tokio::test]
async fn an_expired_and_an_unsigned_request_are_denied() {
    let server = serve().await;
    let past = Clock::default().now() - Duration::from_mins(2);
    let put = upload_of("k", b"x");
    let expired =
        server.store.presign_put(&put, UploadMethod::Put, Duration::from_mins(1), past).unwrap();
    let (status, text) = server.send(&expired, b"x").await;
    assert_eq!((status, code(&text)), (403, "AccessDenied"));
    assert!(text.contains("<Message>Request has expired</Message>"), "{text}");
    for path in ["/room/k", "/room", "/"] {
        let answer = server.client.get(format!("{}{path}", server.base)).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
    assert!(server.watcher.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_flows_when_the_observer_refuses() {
    let server = serve().await;
    server.put("k", b"x").await;
    server.watcher.refuses.store(true, std::sync::atomic::Ordering::Relaxed);
    let url = server.presigned_get("k", &AnswerHeaders::default());
    let answer = server.client.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.text().await.unwrap().contains("ServiceUnavailable"));
    let seen = server.watcher.seen.lock().unwrap();
    let last = seen.last().unwrap();
    assert_eq!((last.operation, last.presigned), ("GetObject", true));
    assert_eq!(last.key.as_ref().unwrap().as_str(), "k");
}

#[tokio::test]
async fn ranges_and_conditions_are_answered_as_s3_does() {
    let server = serve().await;
    let data = bytes(200_000);
    server.put("k", &data).await;
    let url = server.presigned_get("k", &AnswerHeaders::default());
    let get =
        |name: &'static str, value: String| server.client.get(&url).header(name, value).send();
    let part = get("range", "bytes=65530-131080".to_owned()).await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 65530-131080/200000");
    let etag = part.headers()["etag"].to_str().unwrap().to_owned();
    assert!(part.bytes().await.unwrap() == data[65_530..=131_080]);
    let beyond = get("range", "bytes=200000-".to_owned()).await.unwrap();
    assert_eq!(beyond.status(), 416);
    let same = get("if-none-match", etag.clone()).await.unwrap();
    assert_eq!(same.status(), 304);
    assert_eq!(same.headers()["etag"], etag.as_str());
    let other = get("if-match", "\"other\"".to_owned()).await.unwrap();
    assert_eq!(other.status(), 412);
}

#[tokio::test]
async fn pages_of_a_configured_origin_may_upload_and_read_what_they_need() {
    let server = serve().await;
    let request = server.presign(&upload_of("k", b"x"));
    let preflight = server
        .client
        .request(reqwest::Method::OPTIONS, &request.url)
        .header("origin", "https://app.example")
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", "content-type,if-none-match")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "https://app.example");
    let mut sent = request.clone();
    set(&mut sent, "origin", "https://app.example");
    let builder = sent
        .headers
        .iter()
        .filter(|(n, _)| n != "content-length")
        .fold(server.client.put(&sent.url), |builder, (name, value)| builder.header(name, value));
    let answer = builder.body("x").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["access-control-allow-origin"], "https://app.example");
    assert!(answer.headers().contains_key("x-amz-version-id"));
}

#[tokio::test]
async fn parts_go_up_by_presigned_requests_and_become_the_object() {
    let server = serve().await;
    let key = ObjectKey::new("big/k").unwrap();
    let object = NewObject::new(key, "image/tiff".to_owned());
    let upload = server.store.begin_parts(&object).await.unwrap();
    let whole = bytes(5 * 1024 * 1024 + 10);
    let pieces = whole.chunks(5 * 1024 * 1024);
    for (number, piece) in (1..).zip(pieces) {
        let (size, now) = (piece.len() as u64, Clock::default().now());
        let minute = Duration::from_mins(1);
        let presigner = server.store.presigner();
        let request = presigner.part(&upload, number, Some(size), minute, now).unwrap();
        let (status, text) = server.send(&request, &piece[1..]).await;
        assert_eq!((status, code(&text)), (403, "SignatureDoesNotMatch"), "{text}");
        assert_eq!(server.send(&request, piece).await.0, 200);
    }
    let there = server.store.parts(&upload).await.unwrap();
    server.store.complete_parts(&upload, &there).await.unwrap();
    let stored = server.store.head(&object.key, None).await.unwrap();
    assert_eq!(stored.size, whole.len() as u64);
    let url = server.presigned_get("big/k", &AnswerHeaders::default());
    let got = server.client.get(&url).send().await.unwrap();
    assert_eq!(got.headers()["content-type"], "image/tiff");
    assert!(got.bytes().await.unwrap() == whole);
}

/// A PUT whose body comes aws-chunked with a checksum in its trailer, signed in the header.
async fn send_chunked(server: &Server, name: &str, data: &[u8], crc: &str) -> (u16, String) {
    use aws_sigv4::http_request::{
        PayloadChecksumKind, SignableBody, SignableRequest, SigningSettings, sign,
    };
    let url = format!("{}/room/{name}", server.base);
    let length = data.len().to_string();
    let host = server.base.trim_start_matches("http://");
    let headers = [
        ("host", host),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", &length),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];
    let mut settings = SigningSettings::default();
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    let credentials = &server.store.config.credentials;
    let identity = aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        None,
        None,
        "test",
    )
    .into();
    let params = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(Clock::default().now().system_time())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let body = SignableBody::StreamingUnsignedPayloadTrailer;
    let request = SignableRequest::new("PUT", &*url, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let mut builder = server.client.put(&url);
    for (name, value) in headers.into_iter().skip(1).chain(instructions.headers()) {
        builder = builder.header(name, value);
    }
    let mut sent = Vec::new();
    for chunk in data.chunks(70_000) {
        sent.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        sent.extend_from_slice(chunk);
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(format!("0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n").as_bytes());
    let answer = builder.body(sent).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_chunked_upload_with_a_checksum_in_its_trailer_is_checked_against_it() {
    let server = serve().await;
    let data = bytes(300_000);
    let crc = STANDARD.encode(Algorithm::Crc32.of(&data));
    let (status, text) = send_chunked(&server, "k", &data, &crc).await;
    assert_eq!(status, 200, "{text}");
    let url = server.presigned_get("k", &AnswerHeaders::default());
    let got = server.client.get(&url).send().await.unwrap();
    assert!(!got.headers().contains_key("content-encoding"));
    assert!(got.bytes().await.unwrap() == data);
    let (status, text) = send_chunked(&server, "other", &data, "AAAAAA==").await;
    assert_eq!((status, code(&text)), (400, "BadDigest"), "{text}");
    let other = ObjectKey::new("other").unwrap();
    assert!(matches!(server.store.head(&other, None).await, Err(StoreError::NotFound)));
}

/// A form as a page would send it, its policy signed.
fn form(server: &Server, extra: &[(&str, &str)], expires: i64, file: &[u8]) -> (String, Vec<u8>) {
    let now = Clock::default().now();
    let stamp: String = now.to_string()[..19].chars().filter(|c| !"-:".contains(*c)).collect();
    let (stamp, day) = (format!("{stamp}Z"), &stamp[..8]);
    let credentials = &server.store.config.credentials;
    let credential = format!("{}/{day}/us-east-1/s3/aws4_request", credentials.access_key_id);
    let expiration = Timestamp::from_micros(now.micros() + expires * 1_000_000).to_string();
    let policy = serde_json::json!({
        "expiration": format!("{}Z", &expiration[..19]),
        "conditions": [
            {"bucket": "room"}, {"key": "form/k"}, ["starts-with", "$content-type", "image/"],
            ["content-length-range", 10, 1000], {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
            {"x-amz-credential": credential}, {"x-amz-date": stamp},
            {"success_action_status": "201"},
        ],
    });
    let policy = STANDARD.encode(policy.to_string());
    let hmac = |key: &[u8], text: &str| {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
        aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
    };
    let mut key = format!("AWS4{}", credentials.secret_access_key.reveal()).into_bytes();
    for step in [day, "us-east-1", "s3", "aws4_request"] {
        key = hmac(&key, step);
    }
    let signature = hex::encode(hmac(&key, &policy));
    let mut fields = vec![
        ("key", "form/k"),
        ("content-type", "image/png"),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", &credential),
        ("x-amz-date", &stamp),
        ("success_action_status", "201"),
        ("policy", &policy),
        ("x-amz-signature", &signature),
    ];
    for (name, value) in extra {
        fields.retain(|(n, _)| n != name);
        fields.push((name, value));
    }
    let mut body = Vec::new();
    for (name, value) in fields {
        let part =
            format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--B--\r\n");
    (format!("{}/room", server.base), body)
}

/// Fields to change, seconds to live, the file; the status and code it is answered with.
type Case<'c> = (&'c [(&'c str, &'c str)], i64, &'c [u8], u16, &'c str);

#[tokio::test]
async fn a_form_is_taken_in_by_its_policy_alone() {
    let server = serve().await;
    let file = bytes(500);
    let send = async |extra: &[(&str, &str)], expires, file: &[u8]| {
        let (url, body) = form(&server, extra, expires, file);
        let request =
            server.client.post(url).header("content-type", "multipart/form-data; boundary=B");
        let answer = request.body(body).send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.text().await.unwrap())
    };
    let refused: [Case; 7] = [
        (&[("key", "form/other")], 60, &file, 403, "AccessDenied"),
        (&[("content-type", "text/html")], 60, &file, 403, "AccessDenied"),
        (&[("x-amz-meta-more", "x")], 60, &file, 403, "AccessDenied"),
        (&[("x-amz-signature", "00")], 60, &file, 403, "SignatureDoesNotMatch"),
        (&[], -60, &file, 403, "AccessDenied"),
        (&[], 60, &file[..9], 400, "EntityTooSmall"),
        (&[], 60, &[0; 1001], 400, "EntityTooLarge"),
    ];
    for (extra, expires, file, status, expected) in refused {
        let (got, _, text) = send(extra, expires, file).await;
        assert_eq!((got, code(&text)), (status, expected), "{text}");
    }
    let key = ObjectKey::new("form/k").unwrap();
    assert!(matches!(server.store.head(&key, None).await, Err(StoreError::NotFound)));
    let (status, headers, text) = send(&[], 60, &file).await;
    assert_eq!(status, 201, "{text}");
    assert!(text.contains("<Key>form/k</Key>"));
    assert!(headers["location"].to_str().unwrap().ends_with("/room/form/k"));
    let info = server.store.head(&key, None).await.unwrap();
    assert_eq!(headers["etag"].to_str().unwrap(), format!("\"{}\"", info.etag));
    assert_eq!((info.size, info.content_type.as_deref()), (500, Some("image/png")));
}

#[tokio::test]
async fn the_files_name_goes_into_the_key_alone_and_only_once_the_policy_is_found_signed() {
    let server = serve().await;
    let send = async |extra: &[(&str, &str)], filename: &str| {
        let (url, body) = form(&server, extra, 60, &[1; 20]);
        let body = String::from_utf8(body).unwrap();
        let body = body.replace("filename=\"x\"", &format!("filename=\"{filename}\""));
        let request =
            server.client.post(url).header("content-type", "multipart/form-data; boundary=B");
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (many, long) = ("${filename}".repeat(1000), "n".repeat(100_000));
    let (status, text) = send(&[("key", &many)], &long).await;
    assert_eq!((status, code(&text)), (400, "KeyTooLongError"), "{text}");
    let forged = [("key", &*many), ("x-amz-signature", "00")];
    let (status, text) = send(&forged, &long).await;
    assert_eq!((status, code(&text)), (403, "SignatureDoesNotMatch"), "{text}");
    let asked = [("key", "form/${filename}"), ("content-type", "image/${filename}")];
    let (status, text) = send(&asked, "C:\\scans\\k").await;
    assert_eq!(status, 201, "{text}");
    let info = server.store.head(&ObjectKey::new("form/k").unwrap(), None).await.unwrap();
    assert_eq!(info.content_type.as_deref(), Some("image/${filename}"));
}

#[tokio::test]
async fn what_a_download_would_show_cannot_be_added_to_a_presigned_upload() {
    let server = serve().await;
    let good = server.presign(&upload_of("k", b"x"));
    let (key, now) = (ObjectKey::new("k").unwrap(), Clock::default().now());
    let upload = PartialUpload { key, upload_id: "u".to_owned() };
    let part = server.store.presign_part(&upload, 1, Some(1), Duration::from_mins(1), now).unwrap();
    for (name, value) in [
        ("cache-control", "public, max-age=31536000"),
        ("content-encoding", "gzip"),
        ("content-encoding", "aws-chunked"),
        ("content-disposition", "inline"),
        ("content-language", "de"),
        ("expires", "Wed, 21 Oct 2099 07:28:00 GMT"),
    ] {
        for request in [&good, &part] {
            let mut changed = request.clone();
            set(&mut changed, name, value);
            let (status, text) = server.send(&changed, b"x").await;
            assert_eq!((status, code(&text)), (403, "AccessDenied"), "{name}: {text}");
            assert!(text.contains("headers present in the request which were not signed"));
        }
    }
    assert!(server.watcher.seen.lock().unwrap().is_empty());
    // What browsers say of their own cache is neither kept nor refused.
    for said in ["max-age=0", "no-cache"] {
        let mut uncached = server.presign(&upload_of(said, b"x"));
        set(&mut uncached, "cache-control", said);
        assert_eq!(server.send(&uncached, b"x").await.0, 200, "{said}");
    }
    let url = server.presigned_get("no-cache", &AnswerHeaders::default());
    let kept = server.client.get(&url).send().await.unwrap();
    assert_eq!(kept.headers()["cache-control"], "private, no-store");
}

#[tokio::test]
async fn objects_are_neither_sniffed_nor_kept_unless_they_or_the_signed_request_say_so() {
    let server = serve().await;
    server.put("k", b"x").await;
    let url = server.presigned_get("k", &AnswerHeaders::default());
    let fresh = server.client.get(&url).send().await.unwrap();
    assert_eq!(fresh.headers()["x-content-type-options"], "nosniff");
    assert_eq!(fresh.headers()["cache-control"], "private, no-store");
    // What a reload sends along is not stored, and not refused.
    let reload = server.client.get(&url).header("cache-control", "no-cache").send().await.unwrap();
    assert_eq!(reload.status(), 200);
    let etag = fresh.headers()["etag"].clone();
    let same = server.client.get(&url).header("if-none-match", etag).send().await.unwrap();
    assert_eq!(same.headers()["x-content-type-options"], "nosniff");
    assert!(!same.headers().contains_key("cache-control"), "the first answer's stays");
    for method in ["GET", "HEAD"] {
        for (query, expected) in
            [("", "private, no-store"), ("?response-cache-control=max-age%3D60", "max-age=60")]
        {
            let url = presigned(&server, method, &format!("/room/k{query}"));
            let answer = server.client.request(method.parse().unwrap(), url).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{method} {query}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            assert_eq!(answer.headers()["cache-control"], expected, "{method} {query}");
        }
    }
    let put = Put {
        key: ObjectKey::new("kept").unwrap(),
        content_type: None,
        attributes: Attributes {
            cache_control: Some("max-age=5".to_owned()),
            ..Attributes::default()
        },
        length: Length { exact: None, most: 10, least: 0 },
        expected: Expected::default(),
        condition: Condition::None,
    };
    let body = futures::stream::iter([Ok(bytes::Bytes::from_static(b"x"))]);
    server.store.put_object(put, body, |_| Ok(())).await.unwrap();
    let url = server.presigned_get("kept", &AnswerHeaders::default());
    let kept = server.client.get(&url).send().await.unwrap();
    assert_eq!(kept.headers()["cache-control"], "max-age=5");
}

/// A URL of any method and path, signed for a minute.
fn presigned(server: &Server, method: &str, path: &str) -> String {
    use aws_sigv4::http_request::{
        SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
    };
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_mins(1));
    let credentials = &server.store.config.credentials;
    let identity = aws_credential_types::Credentials::new(
        &credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        None,
        None,
        "test",
    )
    .into();
    let params = aws_sigv4::sign::v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(Clock::default().now().system_time())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let url = format!("{}{path}", server.base);
    let body = SignableBody::UnsignedPayload;
    let request = SignableRequest::new(method, &*url, std::iter::empty(), body).unwrap();
    let (instructions, _) = sign(request, &params).unwrap().into_parts();
    let mut request = http::Request::builder().uri(url).body(()).unwrap();
    instructions.apply_to_request_http1x(&mut request);
    request.uri().to_string()
}
