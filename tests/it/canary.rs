//! What a caller tells us in confidence turns up nowhere but where it belongs: canaries go in by
//! every way, and then everything that was written is searched for them.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use strongroom::time::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::process::{Read, Server, files};
use crate::s3::S3;

const CONTENT: &str = "canary-in-the-content-sings-of-a-fracture";
const FILE_NAME: &str = "canary-in-the-file-name-Jane-Doe";
const PATIENT: &str = "canary-patient-MRN-0815";

/// Where a text hides in bytes: as it is, in hexadecimal, in base64 at each of its three turns, and
/// as URLs write it.
fn disguises(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![text.as_bytes().to_vec(), hex::encode(text).into_bytes()];
    for skip in 0..3 {
        let whole = &text.as_bytes()[skip..];
        let whole = &whole[..whole.len() / 3 * 3];
        all.push(STANDARD_NO_PAD.encode(whole).into_bytes());
        all.push(URL_SAFE_NO_PAD.encode(whole).into_bytes());
    }
    all
}

#[track_caller]
fn is_not_in(what: &str, secret: &str, bytes: &[u8]) {
    for disguise in disguises(secret) {
        if let Some(at) = bytes.windows(disguise.len()).position(|window| window == disguise) {
            let around =
                &bytes[at.saturating_sub(300)..(at + disguise.len() + 50).min(bytes.len())];
            panic!("{secret:.20}… stands in {what}: {}", String::from_utf8_lossy(around));
        }
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn text() -> Vec<u8> {
    format!("Made-up sample.\n{CONTENT}\n{}\n", "Nothing else. ".repeat(50)).into_bytes()
}

fn asked(mime: &str, extension: &str, size: usize) -> Value {
    json!({
        "patientId": PATIENT, "filename": format!("{FILE_NAME}.{extension}"),
        "contentType": mime, "size": size, "category": "other",
        "entityType": "appointment", "entityId": PATIENT,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn canaries_stay_where_they_belong() {
    let mut server =
        Server::start(&[("STRONGROOM_LOG", "trace"), ("STRONGROOM_LOG_FORMAT", "json")]).await;
    let token = server.token("admin");
    let key = server.told(&["key", "create", "--name", "app", "--role", "service"]);
    let s3 = S3::of(&server);
    // Every secret that is used: none may be in the log.
    let mut secrets = vec![token.clone(), key.clone(), s3.secret_access_key.clone()];
    good_uploads(&server, &token, &s3, &mut secrets).await;
    refused_uploads(&server, &token, &s3, &mut secrets).await;
    by_ticket(&server, &token, &mut secrets).await;
    other_calls(&server, &token, &key).await;
    let metrics = Read::of(server.http.get(format!("{}/metrics", server.url)).send().await).await;
    let metrics = metrics.expect(200).body;
    assert!(metrics.windows(15).any(|w| w == b"strongroom_http"));
    server.stop().await;

    let log = server.log().into_bytes();
    // Nothing of ours is traced, and libraries that could print headers or queries are kept quiet.
    assert!(log.windows(7).any(|w| w == b"\"DEBUG\""), "the log does not tell everything it can");
    for canary in [CONTENT, FILE_NAME, PATIENT] {
        is_not_in("the log", canary, &log);
        is_not_in("the metrics", canary, &metrics);
    }
    for secret in &secrets {
        // A text of the secret that no other value shares; the whole of a token is long.
        let end = &secret[secret.len().saturating_sub(30)..];
        is_not_in("the log", end, &log);
        is_not_in("the metrics", end, &metrics);
    }
    let (mut looked_into, mut database) = (0, Vec::new());
    for path in files(&server.data) {
        let (name, bytes) = (path.display().to_string(), std::fs::read(&path).unwrap());
        is_not_in(&name, CONTENT, &bytes);
        for secret in &secrets {
            is_not_in(&name, &secret[secret.len().saturating_sub(30)..], &bytes);
        }
        // Names of files and patients are readable in the database (decision 0005).
        if name.contains("strongroom.sqlite") {
            database.extend(bytes);
        } else {
            is_not_in(&name, FILE_NAME, &bytes);
            is_not_in(&name, PATIENT, &bytes);
        }
        looked_into += 1;
    }
    assert!(looked_into > 4, "{looked_into} files");
    // That they are found there shows that the search finds.
    for canary in [FILE_NAME, PATIENT] {
        assert!(database.windows(canary.len()).any(|w| w == canary.as_bytes()), "{canary}");
    }
    assert_eq!(mode(&server.data), 0o700);
    assert_eq!(mode(&server.data.join("master.key")), 0o600);
}

fn signature(url: &str) -> String {
    url.split("X-Amz-Signature=").nth(1).unwrap().split('&').next().unwrap().to_owned()
}

async fn begin(server: &Server, token: &str, asked: &Value, secrets: &mut Vec<String>) -> Value {
    let begun = server.post(token, "/api/docs/presign-upload", asked).await.expect(201).json();
    secrets.push(signature(begun["url"].as_str().unwrap()));
    begun
}

async fn good_uploads(server: &Server, token: &str, s3: &S3, secrets: &mut Vec<String>) {
    let bytes = text();
    let begun = begin(server, token, &asked("text/plain", "txt", bytes.len()), secrets).await;
    server.put(&begun, bytes.clone()).await.expect(200);
    let document = server.confirm(token, &begun).await.expect(201).json();
    let path = format!("/api/docs/{}/download?disposition=inline", begun["id"].as_str().unwrap());
    let link = server.get(token, &path).await.expect(200).json();
    secrets.push(signature(link["url"].as_str().unwrap()));
    assert_eq!(server.fetch(link["url"].as_str().unwrap()).await.expect(200).body, bytes);
    assert_eq!(server.content(token, &document).await.expect(200).body, bytes);
    // With the store's own key: metadata, a form, parts.
    let headers = [("content-type", "text/plain"), ("x-amz-meta-title", FILE_NAME)];
    s3.send(Method::PUT, "/wire/one.txt", &headers, bytes.clone()).await.expect(200);
    s3.send(Method::GET, "/wire/one.txt", &[], "").await.expect(200);
    let named = format!("{FILE_NAME}.txt");
    s3.post_form("wire/two.txt", "text/plain", &named, &bytes).await.expect(204);
    s3.multipart("wire/three.txt", "text/plain", &[&bytes]).await.unwrap().expect(200);
    let listed = server.get(token, &format!("/api/docs?q={FILE_NAME}&patientId={PATIENT}")).await;
    assert_eq!(listed.expect(200).json()["items"].as_array().unwrap().len(), 1);
}

/// Tickets stand in paths, and what Uppy says of a file in a query.
async fn by_ticket(server: &Server, token: &str, secrets: &mut Vec<String>) {
    let made = json!({ "patientId": PATIENT });
    let made = server.post(token, "/api/uppy/tickets", &made).await.expect(201).json();
    let base = made["companionEndpoint"].as_str().unwrap().to_owned();
    secrets.push(made["ticket"].as_str().unwrap().to_owned());
    let query = format!("filename={FILE_NAME}.txt&type=text/plain&metadata[patientId]={PATIENT}");
    for (path, status) in [
        ("/s3/params", 200),
        ("//s3/params", 200),
        ("/s3/multipart/x", 404),
        ("/s3/nothing", 404),
        ("/s3/confirm", 405),
        ("", 404),
    ] {
        server.fetch(&format!("{base}{path}?{query}")).await.expect(status);
    }
    let forged = format!("{}{}", &base[..base.len() - 4], "AAAA");
    server.fetch(&format!("{forged}/s3/params?{query}")).await.expect(401);
    let wrong = json!({ "filename": format!("{FILE_NAME}/{CONTENT}"), "type": "text/plain" });
    let refused = server.http.post(format!("{base}/s3/multipart")).json(&wrong).send().await;
    Read::of(refused).await.expect(422);
}

async fn refused_uploads(server: &Server, token: &str, s3: &S3, secrets: &mut Vec<String>) {
    let bytes = text();
    // Text that says it is a PDF: found out at confirm.
    let begun = begin(server, token, &asked("application/pdf", "pdf", bytes.len()), secrets).await;
    server.put(&begun, bytes.clone()).await.expect(200);
    assert_eq!(server.confirm(token, &begun).await.expect(422).code(), "content_mismatch");
    // A checksum that is not that of the bytes.
    let mut lie = asked("text/plain", "txt", bytes.len());
    lie["sha256"] = json!("00".repeat(32));
    let begun = begin(server, token, &lie, secrets).await;
    server.put(&begun, bytes.clone()).await.expect(400);
    // Other bytes than announced, a wrong signature, an upload by a request that has expired.
    let begun = begin(server, token, &asked("text/plain", "txt", 10), secrets).await;
    let url = begun["url"].as_str().unwrap();
    let sent = server.http.put(url).header("content-type", "text/plain").body(bytes.clone());
    assert!(sent.send().await.is_ok_and(|answer| answer.status().is_client_error()));
    let long_ago = Clock::default().now() - Duration::from_hours(1);
    let late = s3.presign_put("wire/late.txt", "text/plain", bytes.len(), None, long_ago);
    secrets.push(signature(&late.url));
    let sent = server.http.put(&late.url).headers(headers(&late.headers)).body(bytes.clone());
    Read::of(sent.send().await).await.expect(403);
    // An upload that breaks off.
    let begun = begin(server, token, &asked("text/plain", "txt", bytes.len() + 100), secrets).await;
    break_off(server, &begun, &bytes).await;
    // Fields that are wrong, and a body that is none.
    let mut wrong = asked("text/plain", "txt", bytes.len());
    wrong["filename"] = json!(format!("{FILE_NAME}/../{CONTENT}"));
    wrong["category"] = json!(FILE_NAME);
    server.post(token, "/api/docs/presign-upload", &wrong).await.expect(422);
    let path = "/api/docs/presign-upload";
    for body in [format!("{{\"filename\": \"{FILE_NAME}\", {PATIENT}"), format!("\"{CONTENT}\"")] {
        let request = server.request(Method::POST, path, token);
        let sent = request.header("content-type", "application/json").body(body);
        let status = Read::of(sent.send().await).await.status;
        assert!((400..500).contains(&status), "{status}");
    }
}

fn headers(pairs: &[(String, String)]) -> http::HeaderMap {
    let pair = |(name, value): &(String, String)| {
        (name.parse::<http::HeaderName>().unwrap(), value.parse::<http::HeaderValue>().unwrap())
    };
    pairs.iter().map(pair).collect()
}

/// Sends the header and a part of what it announces, and hangs up.
async fn break_off(server: &Server, begun: &Value, bytes: &[u8]) {
    let (_, rest) = begun["url"].as_str().unwrap().split_once("://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut head = format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\n");
    for (name, value) in begun["headers"].as_object().unwrap() {
        let _ = write!(head, "{name}: {}\r\n", value.as_str().unwrap());
    }
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert!(!server.log().is_empty());
}

async fn other_calls(server: &Server, token: &str, key: &str) {
    let team = format!("/api/patients/{PATIENT}/care-team/somebody");
    Read::of(server.request(Method::PUT, &team, token).send().await).await.expect(204);
    server.get(token, &format!("/api/patients/{PATIENT}/care-team")).await.expect(200);
    server.get(token, &format!("/api/audit?patientId={PATIENT}")).await;
    // As the app that acts for somebody, and as nobody.
    let acting = server.request(Method::GET, "/api/docs", key);
    let acting = acting.header("x-acting-user", "test-user").header("x-acting-role", "clinician");
    Read::of(acting.send().await).await;
    server.get("not-a-token", &format!("/api/docs?patientId={PATIENT}")).await.expect(401);
    server.get(&format!("{token}x"), "/api/docs").await.expect(401);
    // Paths that are nobody's.
    server.get(token, &format!("/api/docs/{FILE_NAME}")).await;
    server.get(token, &format!("/nothing/{PATIENT}/{FILE_NAME}?name={CONTENT}")).await.expect(404);
    let log_in = json!({ "username": PATIENT, "password": CONTENT });
    let request = server.http.post(format!("{}/api/session", server.url)).json(&log_in);
    Read::of(request.header("origin", &server.url).send().await).await.expect(401);
}
