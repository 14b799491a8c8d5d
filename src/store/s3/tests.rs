//! The store against servers that answer what real ones answer when something is wrong.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::S3Store;
use crate::config::{S3Config, S3Keys, StoreConfig};
use crate::sensitive::Secret;
use crate::store::{ObjectKey, ObjectStore as _, PartialUpload, StoreError, UploadedPart};
use crate::time::Clock;

/// What the server says to a request, told by its first line.
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
                let first = text.lines().next().unwrap_or_default();
                let (head, body) = answers(first);
                let body = if first.starts_with("HEAD") { String::new() } else { body };
                let answer = format!(
                    "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
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
    store.bucket.set(Ok(crate::store::Abilities {
        versions: false,
        create_only: false,
        sha256: false,
        forms: false,
        archives: false,
    }));
    let key = ObjectKey::new("a").unwrap();
    let upload = PartialUpload { key, upload_id: "1".to_owned() };
    let part = UploadedPart { number: 1, size: 1, etag: "e".to_owned() };
    let parts = [part];
    let work = store.bucket.complete(&upload, &parts, false);
    let done = tokio::time::timeout(Duration::from_secs(20), work).await.unwrap();
    assert!(matches!(done, Err(StoreError::Unavailable(_))), "{done:?}");
}
