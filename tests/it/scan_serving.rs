//! Malware scanning by a server as it runs: its own worker, the S3 endpoint, what operators see.

use std::time::Duration;

use reqwest::{Body, Method};
use serde_json::{Value, json};
use strongroom::scanning::test_file;
use strongroom::store::{AnswerHeaders, ObjectKey};
use strongroom::time::Clock;

use crate::clamd::{Clamd, Impostor, Manner, SIGNATURE, infected_text, shared};
use crate::process::{PATIENCE, PAUSE, Read, Server};
use crate::s3::S3;

async fn serving(address: &str) -> Server {
    Server::start(&[("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", address)]).await
}

/// Presign, PUT, confirm of the test file; the document.
async fn upload_infected(server: &Server, token: &str) -> Value {
    let sample = infected_text();
    let begun = server.post(token, "/api/docs/presign-upload", &sample.asked("patient-1")).await;
    let begun = begun.expect(201).json();
    server.put(&begun, Body::from(sample.bytes)).await.expect(200);
    server.confirm(token, &begun).await.expect(201).json()
}

/// The document as soon as it is in another state than `scanning`.
async fn settled(server: &Server, token: &str, document: &Value) -> Value {
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let now = server.get(token, &path).await.expect(200).json();
        if now["state"] != "scanning" {
            return now;
        }
        assert!(std::time::Instant::now() < deadline, "still {now}: {}", server.log());
        tokio::time::sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_scans_what_is_confirmed_at_once_and_shows_how_it_stands() {
    let server = serving(&shared()).await;
    let token = server.token("admin");
    let bytes = crate::support::pdf().bytes;
    let begun = std::time::Instant::now();
    let clean = server.upload(&token, &bytes).await;
    let clean = settled(&server, &token, &clean).await;
    assert_eq!((&clean["state"], &clean["scanVerdict"]), (&json!("available"), &json!("clean")));
    assert!(begun.elapsed() < Duration::from_secs(45), "it was woken, it did not wait its minute");
    assert_eq!(server.content(&token, &clean).await.expect(200).body, bytes);
    let bad = upload_infected(&server, &token).await;
    let bad = settled(&server, &token, &bad).await;
    assert_eq!((&bad["state"], &bad["scanVerdict"]), (&json!("quarantined"), &json!(SIGNATURE)));
    let figures = server.get(&token, "/metrics").await.expect(200);
    let figures = String::from_utf8(figures.body).unwrap();
    for figure in [
        "strongroom_scan_total{verdict=\"clean\"} 1",
        "strongroom_scan_total{verdict=\"infected\"} 1",
        "strongroom_scanner_up 1",
        "strongroom_scan_waiting 0",
    ] {
        assert!(figures.contains(figure), "{figure}: {figures}");
    }
    assert!(!figures.contains(SIGNATURE));
    let doctor: Value = serde_json::from_str(&server.told(&["doctor", "--json"])).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    let check = |name: &str| checks.iter().find(|c| c["name"] == name).unwrap();
    assert!(check("scanner")["seen"].as_str().unwrap().contains("ClamAV"), "{doctor}");
    assert_eq!(check("signatures")["verdict"], "warn", "the test's signatures have no date");
    assert!(check("malware detection")["seen"].as_str().unwrap().contains(SIGNATURE));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_and_no_copy_brings_malware_out_of_the_s3_endpoint() {
    let server = serving(&shared()).await;
    let (s3, token) = (S3::of(&server), server.token("admin"));
    let document = upload_infected(&server, &token).await;
    let document = settled(&server, &token, &document).await;
    assert_eq!(document["state"], "quarantined");
    let key = document["key"].as_str().unwrap();
    let version = document["versionId"].as_str().unwrap();
    let refused = async |what: &str, answer: Read| {
        let answer = answer.expect(403);
        assert_eq!(answer.s3_code(), "AccessDenied", "{what}");
    };
    for path in [format!("/{key}"), format!("/{key}?versionId={version}")] {
        refused(&path, s3.send(Method::GET, &path, &[], "").await).await;
        let range = s3.signed(Method::GET, &path, &[], "").header("range", "bytes=0-9");
        refused(&path, Read::of(range.send().await).await).await;
    }
    let (at, name) = (Clock::default().now(), ObjectKey::new(key).unwrap());
    for version in [None, Some(version)] {
        let headers = AnswerHeaders::default();
        let link = s3.presigner().get(&name, version, &headers, Duration::from_mins(5), at);
        refused("a link", server.fetch(&link.unwrap().url).await).await;
    }
    let source = format!("/{}/{key}", s3.bucket);
    let versioned = format!("{source}?versionId={version}");
    for source in [&source, &versioned] {
        let copy = [("x-amz-copy-source", source.as_str())];
        refused("a copy", s3.send(Method::PUT, "/copy.txt", &copy, "").await).await;
        let begun = s3.send(Method::POST, "/parts.txt?uploads=", &[], "").await.expect(200);
        let text = String::from_utf8(begun.body).unwrap();
        let id = text.split("<UploadId>").nth(1).unwrap().split('<').next().unwrap();
        let path = format!("/parts.txt?partNumber=1&uploadId={id}");
        refused("a copied part", s3.send(Method::PUT, &path, &copy, "").await).await;
    }
    // What the operator puts there and is no document is the operator's, as before.
    s3.send(Method::PUT, "/mine.txt", &[], "mine").await.expect(200);
    assert_eq!(s3.send(Method::GET, "/mine.txt", &[], "").await.expect(200).body, b"mine");
    let held = test_file();
    assert!(!server.log().as_bytes().windows(held.len()).any(|bytes| bytes == held));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_its_scanner_serves_what_is_there_and_goes_on_when_it_is_back() {
    let mut clamd = Clamd::start(&[]).await;
    let server = serving(&clamd.address()).await;
    let token = server.token("admin");
    let bytes = crate::support::pdf().bytes;
    let there = server.upload(&token, &bytes).await;
    let there = settled(&server, &token, &there).await;
    clamd.kill();
    let waits = server.upload(&token, &bytes).await;
    let bad = upload_infected(&server, &token).await;
    let ready = server.get(&token, "/readyz").await.expect(200).json();
    assert_eq!(
        (&ready["status"], &ready["scanner"]["status"]),
        (&json!("ok"), &json!("unavailable"))
    );
    let done = tokio::task::block_in_place(|| server.cli(&["doctor", "--json"]));
    let doctor: Value = serde_json::from_slice(&done.stdout).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    let scanner = checks.iter().find(|check| check["name"] == "scanner").unwrap();
    assert_eq!(scanner["verdict"], "fail", "{doctor}");
    assert_eq!(server.content(&token, &there).await.expect(200).body, bytes);
    server.content(&token, &waits).await.expect(409);
    clamd.restart().await;
    assert_eq!(settled(&server, &token, &waits).await["state"], "available");
    assert_eq!(settled(&server, &token, &bad).await["state"], "quarantined");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_in_the_middle_of_a_scan_scans_after_its_restart() {
    let impostor = Impostor::with(Manner::Hangs).await;
    let mut server = serving(&impostor.address).await;
    let token = server.token("admin");
    let bad = upload_infected(&server, &token).await;
    impostor.busy().await;
    server.kill9();
    server.set("CLAMD_ADDRESS", shared());
    server.restart().await;
    // Its claim runs out after 45 seconds: it might be another server's.
    let bad = settled(&server, &token, &bad).await;
    assert_eq!(bad["state"], "quarantined");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_left_when_the_scanner_was_switched_off_is_seen_and_goes_on_later() {
    // Nothing listens there.
    let mut server = serving("127.0.0.1:9").await;
    let token = server.token("admin");
    let waits = upload_infected(&server, &token).await;
    assert_eq!(waits["state"], "scanning");
    server.stop().await;
    server.set("STRONGROOM_SCANNER", "off".to_owned());
    server.restart().await;
    let path = format!("/api/docs/{}", waits["id"].as_str().unwrap());
    until_told(&server, &token, &path, "waits for the scanner: it is off").await;
    assert_eq!(unscanned(&server)["verdict"], "warn");
    // What comes in now is not scanned, and later no longer forgotten.
    let bytes = crate::support::pdf().bytes;
    let clean = server.upload(&token, &bytes).await;
    let bad = upload_infected(&server, &token).await;
    assert_eq!(bad["state"], "available");
    server.stop().await;
    server.set("STRONGROOM_SCANNER", "clamd".to_owned());
    server.set("CLAMD_ADDRESS", shared());
    assert!(unscanned(&server)["do"].as_str().unwrap().contains("scan --all"));
    let scan = |more: &[&str]| -> Value {
        let arguments = [&["scan", "--all", "--json"], more].concat();
        serde_json::from_str(&server.told(&arguments)).unwrap()
    };
    let would = scan(&["--dry-run"]);
    assert_eq!((&would["waited"]["waiting"], &would["all"]["found"]), (&json!(1), &json!(2)));
    let done = scan(&[]);
    assert_eq!(done["waited"]["quarantined"], 1, "{done}");
    assert_eq!((&done["all"]["passed"], &done["all"]["quarantined"]), (&json!(1), &json!(1)));
    assert_eq!(unscanned(&server)["verdict"], "ok");
    server.restart().await;
    for (document, state) in [(&waits, "quarantined"), (&bad, "quarantined"), (&clean, "available")]
    {
        assert_eq!(settled(&server, &token, document).await["state"], state);
    }
    assert_eq!(server.content(&token, &clean).await.expect(200).body, bytes);
    // Beside a server that has the local store, the command says what to do.
    let beside = server.cli(&["scan", "--all"]);
    assert!(!beside.status.success());
    let said = String::from_utf8(beside.stderr).unwrap();
    assert!(said.contains("stop the server first"), "{said}");
}

/// What `doctor` says of what no scanner looked at.
fn unscanned(server: &Server) -> Value {
    let done = tokio::task::block_in_place(|| server.cli(&["doctor", "--json"]));
    let doctor: Value = serde_json::from_slice(&done.stdout).unwrap();
    let checks = doctor["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "unscanned").cloned().unwrap_or_default()
}

/// Waits until the document says why.
async fn until_told(server: &Server, token: &str, path: &str, reason: &str) {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let now = server.get(token, path).await.expect(200).json();
        if now["stateReason"] == reason {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "{now}");
        tokio::time::sleep(PAUSE).await;
    }
}
