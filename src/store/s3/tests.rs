//! The store against servers that answer what real ones answer when something is wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_s3::config::timeout::TimeoutConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::S3Store;
use crate::config::{S3Config, S3Keys, StoreConfig};
use crate::sensitive::Secret;
use crate::store::{
    Abilities, NewObject, ObjectKey, ObjectStore as _, PartialUpload, Size, StoreError,
    UploadedPart, Verdict,
};
use crate::time::Clock;

/// What the server says to a request, told by its head.
type Answers = fn(&str) -> (&'static str, String);

/// A server that gives every request its answer.
async fn server(answers: Answers) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a server of the test's own")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    let mut bytes = [0; 4096];
                    match stream.read(&mut bytes).await {
                        Ok(count) if count > 0 => request.extend_from_slice(&bytes[..count]),
                        _ => return,
                    }
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                let (asked, rest) = text.split_once("\r\n\r\n").unwrap();
                let size = asked.lines().find_map(|line| line.strip_prefix("content-length: "));
                let size = size.map_or(0, |size| size.parse::<usize>().unwrap());
                let mut left = size.saturating_sub(rest.len());
                while left > 0 {
                    match stream.read(&mut [0; 8_192]).await {
                        Ok(count) if count > 0 => left = left.saturating_sub(count),
                        _ => return,
                    }
                }
                let (head, body) = answers(asked);
                let body = if asked.starts_with("HEAD") { String::new() } else { body };
                // Of an answer to HEAD the size is the object's.
                let size = if head.contains("Content-Length") {
                    String::new()
                } else {
                    format!("\r\nContent-Length: {}", body.len())
                };
                let answer = format!("HTTP/1.1 {head}{size}\r\nConnection: close\r\n\r\n{body}");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    endpoint
}

fn error(code: &str, message: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>")
}

async fn open(endpoint: String) -> Arc<S3Store> {
    let store = StoreConfig {
        bucket: "room".to_owned(),
        region: "us-east-1".to_owned(),
        folder_prefix: String::new(),
        uploads_enabled: true,
        s3: None,
    };
    let s3 = S3Config {
        endpoint: Some(endpoint),
        path_style: true,
        accelerate: false,
        kms_key: None,
        keys: S3Keys::Given {
            id: Secret::new("AKIAIOSFODNN7EXAMPLE".to_owned()),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned()),
            session_token: None,
        },
        cloudfront: None,
    };
    S3Store::open(&store, &s3, Clock::default()).await.unwrap()
}

async fn reason(answers: Answers) -> String {
    let store = open(server(answers).await).await;
    let reason = store.health().reason.expect("the bucket cannot be used");
    assert!(matches!(store.abilities(), Err(StoreError::Unusable(said)) if said == reason));
    reason.to_string()
}

#[tokio::test]
async fn a_bucket_elsewhere_is_told_with_both_regions() {
    let header = reason(|_| {
        let head = "301 Moved Permanently\r\nx-amz-bucket-region: eu-west-2";
        (head, error("PermanentRedirect", "The bucket must be addressed elsewhere."))
    });
    let right = "is in the region eu-west-2, but AWS_REGION is us-east-1. Set AWS_REGION=eu-west-2";
    let header = header.await;
    assert!(header.contains(right), "{header}");
    let message = reason(|_| {
        let text = "The authorization header is malformed; the region 'us-east-1' is wrong; \
                    expecting 'eu-west-2'";
        ("400 Bad Request", error("AuthorizationHeaderMalformed", text))
    });
    let message = message.await;
    assert!(message.contains(right), "{message}");
}

#[tokio::test]
async fn each_kind_of_refused_keys_has_its_own_words() {
    let unknown = reason(|_| ("403 Forbidden", error("InvalidAccessKeyId", "Unknown.")));
    assert!(unknown.await.contains("does not know the access key"));
    let wrong = reason(|_| ("403 Forbidden", error("SignatureDoesNotMatch", "No match.")));
    assert!(wrong.await.contains("AWS_SECRET_ACCESS_KEY"));
    let over = reason(|_| ("400 Bad Request", error("ExpiredToken", "Over.")));
    assert!(over.await.contains("have expired"));
    let denied = reason(|_| ("403 Forbidden", error("AccessDenied", "Not you.")));
    assert!(denied.await.contains("must be allowed s3:ListBucket"));
    let missing = reason(|_| ("404 Not Found", error("NoSuchBucket", "None.")));
    assert!(missing.await.contains("The bucket room does not exist"));
}

#[tokio::test]
async fn what_is_no_store_is_not_taken_for_one_without_the_bucket() {
    let page = reason(|_| ("404 Not Found", "<html>Nothing here.</html>".to_owned())).await;
    assert!(page.contains("does not answer as S3 does"), "{page}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_how_much() {
    let skewed = reason(|_| {
        let head = "403 Forbidden\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT";
        (head, error("RequestTimeTooSkewed", "The difference is too large."))
    });
    let skewed = skewed.await;
    assert!(skewed.contains("seconds ahead of the store's"), "{skewed}");
}

#[tokio::test]
async fn a_bucket_that_may_be_looked_at_but_not_written_cannot_be_used() {
    let readonly = reason(|first| match first.split(' ').next() {
        Some("HEAD") => ("200 OK", String::new()),
        _ => ("403 Forbidden", error("AccessDenied", "Not you.")),
    });
    let readonly = readonly.await;
    assert!(readonly.contains("must be allowed s3:PutObject on room/*"), "{readonly}");
}

#[tokio::test]
async fn a_complete_that_fails_after_its_200_is_an_error() {
    // As if the probe had gone well, for the bucket itself.
    let endpoint = server(|first| {
        if first.contains("uploadId=") {
            ("200 OK", error("InternalError", "We encountered an internal error."))
        } else {
            ("503 Slow Down", error("SlowDown", "Later."))
        }
    });
    let store = open(endpoint.await).await;
    able(&store, false);
    let upload = upload();
    let part = UploadedPart { number: 1, size: 1, etag: "e".to_owned() };
    let parts = [part];
    let work = store.bucket.complete(&upload, &parts, false);
    let done = tokio::time::timeout(Duration::from_secs(20), work).await.unwrap();
    assert!(matches!(done, Err(StoreError::Unavailable(_))), "{done:?}");
}

#[tokio::test]
async fn an_ordinary_call_ends_within_half_a_minute_and_a_long_one_does_not() {
    let store = open(server(|_| busy()).await).await;
    let clients = &store.bucket.clients;
    let whole = |client: &aws_sdk_s3::Client| {
        client.config().timeout_config().and_then(TimeoutConfig::operation_timeout)
    };
    assert_eq!(whole(&clients.ordinary), Some(Duration::from_secs(30)));
    assert_eq!(whole(&clients.long), None);
}

/// As if the probe had gone well.
fn able(store: &S3Store, versions: bool) {
    let no = false;
    let abilities = Abilities { versions, create_only: no, sha256: no, forms: no, archives: no };
    store.bucket.set(Ok(abilities));
}

fn upload() -> PartialUpload {
    PartialUpload { key: ObjectKey::new("a").unwrap(), upload_id: "1".to_owned() }
}

fn object(name: &str) -> NewObject {
    NewObject::new(ObjectKey::new(name).unwrap(), "text/plain".to_owned())
}

fn busy() -> (&'static str, String) {
    ("503 Slow Down", error("SlowDown", "Later."))
}

/// A store without versions, forms and checksums, that removes nothing where `keeps`.
fn plain_store(asked: &str, keeps: bool) -> (&'static str, String) {
    match asked.split(' ').next().unwrap_or_default() {
        "HEAD" => ("200 OK", String::new()),
        "PUT" => ("200 OK\r\nETag: \"one\"", String::new()),
        "DELETE" if keeps => ("403 Forbidden", error("AccessDenied", "Not you.")),
        "DELETE" => ("204 No Content", String::new()),
        "GET" if asked.contains("strongroom-probe/") && !asked.contains("prefix=") => {
            ("200 OK\r\nETag: \"one\"", "strongroom probe: first".to_owned())
        }
        _ => ("403 Forbidden", error("AccessDenied", "Not you.")),
    }
}

#[tokio::test]
async fn a_store_that_refuses_the_header_of_create_only_writes_gets_none() {
    let create_only = async |answers: Answers| {
        let store = open(server(answers).await).await;
        store.abilities().map(|abilities| abilities.create_only).unwrap()
    };
    let foreign = create_only(|asked| match asked {
        _ if asked.contains("if-none-match: *") => {
            ("501 Not Implemented", error("NotImplemented", "A header is not implemented."))
        }
        _ => plain_store(asked, false),
    });
    let invalid = create_only(|asked| match asked {
        _ if asked.contains("if-none-match: *") => {
            ("400 Bad Request", error("InvalidArgument", "A header is wrong."))
        }
        _ => plain_store(asked, false),
    });
    let always = create_only(|asked| match asked {
        _ if asked.contains("if-none-match: *") => {
            ("412 Precondition Failed", error("PreconditionFailed", "It is there."))
        }
        _ => plain_store(asked, false),
    });
    let right = create_only(|asked| match asked {
        _ if asked.contains("if-none-match: *") && asked.contains("-versions") => {
            ("412 Precondition Failed", error("PreconditionFailed", "It is there."))
        }
        _ => plain_store(asked, false),
    });
    assert_eq!(futures::join!(foreign, invalid, always, right), (false, false, false, true));
}

#[tokio::test]
async fn an_examination_does_not_say_that_it_removed_what_it_could_not() {
    let write = async |answers: Answers| {
        let store = open(server(answers).await).await;
        let mut findings = store.findings().await;
        findings.swap_remove(findings.iter().position(|found| found.name == "write").unwrap())
    };
    let kept = write(|asked| plain_store(asked, true));
    let removed = write(|asked| match asked {
        // No versions either.
        _ if asked.contains("?versions") => ("501 Not Implemented", error("NotImplemented", "No.")),
        _ => plain_store(asked, false),
    });
    let (kept, removed) = futures::join!(kept, removed);
    assert_eq!(kept.verdict, Verdict::Failed, "{kept:?}");
    assert!(kept.what.contains("s3:DeleteObject must be allowed"), "{kept:?}");
    assert_eq!(removed.verdict, Verdict::Works, "{removed:?}");
}

#[tokio::test]
async fn an_examination_tells_of_each_thing_before_it_tries_the_next() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let answers: Answers = |asked| {
        ASKED.fetch_add(1, Ordering::Relaxed);
        plain_store(asked, false)
    };
    let store = open(server(answers).await).await;
    let begun = Instant::now();
    let mut told = Vec::new();
    store.examine(&mut |found| told.push((found, ASKED.load(Ordering::Relaxed)))).await;
    assert!(told.len() > 12, "{told:#?}");
    for pair in told.windows(2) {
        assert!(pair[0].1 < pair[1].1, "{} came with {}", pair[1].0.name, pair[0].0.name);
    }
    let took: Duration = told.iter().map(|(found, _)| found.took).sum();
    assert!(took <= begun.elapsed(), "each takes its own time: {told:#?}");
}

#[tokio::test]
async fn keys_that_the_store_does_not_take_are_told_from_a_bucket_that_is_not_there() {
    let found = async |answers: Answers| {
        let findings = open(server(answers).await).await.findings().await;
        findings.into_iter().map(|found| (found.name, found.verdict, found.advice)).collect()
    };
    let unknown: Vec<_> = found(|_| ("403 Forbidden", error("InvalidAccessKeyId", "No."))).await;
    let [(name, verdict, advice)] = unknown[..] else { panic!("{unknown:?}") };
    assert_eq!((name, verdict), ("credentials", Verdict::Failed));
    assert!(advice.unwrap().contains("AWS_ACCESS_KEY_ID"));
    let missing: Vec<_> = found(|_| ("404 Not Found", error("NoSuchBucket", "None."))).await;
    let [(first, unsure, _), (second, failed, advice)] = missing[..] else { panic!("{missing:?}") };
    assert_eq!((first, unsure), ("credentials", Verdict::Unknown));
    assert_eq!((second, failed), ("reach", Verdict::Failed));
    assert!(advice.unwrap().contains("AWS_S3_DOCUMENTS_BUCKET_NAME"));
}

#[tokio::test]
async fn what_a_list_does_not_name_is_gone_only_where_versions_are_listed() {
    static DELETED: AtomicBool = AtomicBool::new(false);
    let endpoint = server(|asked| {
        let versions = "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>";
        match asked {
            _ if asked.contains("?versions") => ("200 OK", versions.to_owned()),
            _ if asked.starts_with("DELETE") => {
                DELETED.store(true, Ordering::Relaxed);
                ("204 No Content", String::new())
            }
            _ if asked.starts_with("HEAD /room/a") => ("200 OK\r\nETag: \"one\"", String::new()),
            // Nor may uploads in parts be listed.
            _ => ("403 Forbidden", error("AccessDenied", "Not you.")),
        }
    });
    let store = open(endpoint.await).await;
    let key = ObjectKey::new("a").unwrap();
    store.bucket.purge_knowing(&key, Some(true)).await.unwrap();
    assert!(!DELETED.load(Ordering::Relaxed), "a delete marker would be left");
    for unsure in [None, Some(false)] {
        store.bucket.purge_knowing(&key, unsure).await.unwrap();
        assert!(DELETED.swap(false, Ordering::Relaxed), "{unsure:?}");
    }
}

#[tokio::test]
async fn versions_that_may_not_be_listed_are_not_taken_for_none() {
    let endpoint = server(|asked| match asked {
        _ if asked.starts_with("DELETE") => ("204 No Content", String::new()),
        _ => ("403 Forbidden", error("AccessDenied", "Not you.")),
    });
    let store = open(endpoint.await).await;
    let key = ObjectKey::new("a").unwrap();
    store.bucket.purge_knowing(&key, Some(false)).await.unwrap();
    for versions in [None, Some(true)] {
        let failed = store.bucket.purge_knowing(&key, versions).await.unwrap_err();
        assert!(matches!(failed.error, StoreError::Denied), "{failed:?}");
        assert_eq!(failed.permission, "s3:ListBucketVersions");
    }
}

#[tokio::test]
async fn a_list_of_parts_that_does_not_go_on_is_an_error() {
    let endpoint = server(|asked| match asked {
        _ if asked.contains("uploadId=") => (
            "200 OK",
            "<ListPartsResult><IsTruncated>true</IsTruncated>\
             <NextPartNumberMarker>1</NextPartNumberMarker><Part><PartNumber>1</PartNumber>\
             <ETag>e</ETag><Size>5</Size></Part></ListPartsResult>"
                .to_owned(),
        ),
        _ => busy(),
    });
    let store = open(endpoint.await).await;
    able(&store, false);
    let upload = upload();
    let listed = tokio::time::timeout(Duration::from_secs(10), store.parts(&upload));
    let listed = listed.await.expect("it ends");
    assert!(matches!(listed, Err(StoreError::Unavailable(_))), "{listed:?}");
}

#[tokio::test]
async fn an_upload_that_vanishes_before_its_end_is_not_taken_for_complete() {
    const SIZE: u64 = 9 * 1024 * 1024;
    let endpoint = server(|asked| match asked.split(' ').next().unwrap_or_default() {
        "POST" if asked.contains("?uploads") => {
            let begun = "<InitiateMultipartUploadResult><UploadId>1</UploadId>\
                         </InitiateMultipartUploadResult>";
            ("200 OK", begun.to_owned())
        }
        "PUT" | "DELETE" => ("404 Not Found", error("NoSuchUpload", "It is gone.")),
        // There was another object of this size.
        "HEAD" if asked.contains("/room/a") => {
            ("200 OK\r\nETag: \"one\"\r\nContent-Length: 9437184", String::new())
        }
        _ => busy(),
    });
    let store = open(endpoint.await).await;
    able(&store, false);
    let bytes = bytes::Bytes::from(vec![0; usize::try_from(SIZE).unwrap()]);
    let body = futures::StreamExt::boxed(futures::stream::iter([Ok(bytes)]));
    let put = store.put(&object("a"), Size::Exactly(SIZE), body).await;
    assert!(matches!(put, Err(StoreError::Unavailable(_))), "{put:?}");
}

#[tokio::test]
async fn a_look_at_the_original_that_fails_does_not_say_that_it_changed() {
    static DELETED: AtomicBool = AtomicBool::new(false);
    let endpoint = server(|asked| match asked.split(' ').next().unwrap_or_default() {
        "PUT" => ("200 OK", "<CopyObjectResult><ETag>one</ETag></CopyObjectResult>".to_owned()),
        "HEAD" if asked.contains("/room/to") => ("200 OK\r\nETag: \"one\"", String::new()),
        "DELETE" => {
            DELETED.store(true, Ordering::Relaxed);
            ("204 No Content", String::new())
        }
        "HEAD" => ("403 Forbidden", String::new()),
        _ => ("501 Not Implemented", error("NotImplemented", "No.")),
    });
    let store = open(endpoint.await).await;
    able(&store, false);
    let from = ObjectKey::new("from").unwrap();
    let copied = store.copy(&from, "one", &object("to")).await;
    assert!(matches!(copied, Err(StoreError::Denied)), "{copied:?}");
    assert!(DELETED.load(Ordering::Relaxed), "the copy is removed all the same");
}
