//! Malware scanning with real scanners: what becomes of each upload, and what happens while the
//! scanner cannot say.

use aws_sdk_s3::types::{Tag, Tagging};
use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::documents::{Scanned, ask_again, scan_due};
use strongroom::scanning::{TAG, test_file};

use crate::clamd::{
    Clamd, Impostor, Manner, SIGNATURE, infected, infected_text, locked_pdf,
    on_every_ground_with_clamd, shared,
};
use crate::garage::Account;
use crate::made_files::{part, zip};
use crate::process::{PATIENCE, PAUSE};
use crate::samples::{DOCX, Sample, samples};
use crate::support::{Answer, Caller, TestApp, pdf};

on_every_ground_with_clamd!(
    a_clean_upload_waits_for_the_scanner_and_is_then_available,
    malware_is_quarantined_whichever_way_it_comes_in,
    every_clean_sample_passes,
    two_workers_at_once_scan_once,
    what_a_dead_server_had_claimed_is_taken_up,
    each_step_of_a_scan_is_in_the_trail,
    an_admin_has_a_document_scanned_again,
);

async fn app_with(address: &str, more: &[(&str, &str)]) -> TestApp {
    let mut variables = vec![("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", address)];
    variables.extend_from_slice(more);
    TestApp::with(&variables).await
}

async fn scan(app: &TestApp) -> Scanned {
    scan_due(&app.app, false).await.unwrap()
}

async fn read(app: &TestApp, who: &Caller, document: &Value) -> Value {
    let id = document["id"].as_str().unwrap();
    app.get(who, &format!("/api/docs/{id}")).await.expect(200).json()
}

/// Sends the bytes through the server.
async fn send_through(app: &TestApp, who: &Caller, sample: &Sample) -> Answer {
    let begun = app.post(who, "/api/docs/presign-upload", sample.asked("patient-1")).await;
    let begun = begun.expect(201).json();
    let path = format!("/api/docs/{}/content", begun["id"].as_str().unwrap());
    let request = Request::builder().method(Method::PUT).uri(path);
    let request = request.header(&who.header.0, &who.header.1);
    app.send(request.body(Body::from(sample.bytes.clone())).unwrap()).await
}

async fn in_parts(app: &TestApp, who: &Caller, sample: &Sample) -> Value {
    let id = app.upload_parts(who, sample.asked("patient-1"), &sample.bytes).await;
    let path = format!("/api/docs/multipart/{id}/complete");
    app.post(who, &path, json!({})).await.expect(201).json()
}

/// Nothing of the document comes out by any path of the API.
async fn is_locked(app: &TestApp, document: &Value, code: &str) {
    let id = document["id"].as_str().unwrap();
    for who in [app.admin(), app.service()] {
        for path in ["download", "download?redirect=true", "content", "content?disposition=inline"]
        {
            let answer = app.get(&who, &format!("/api/docs/{id}/{path}")).await.expect(409);
            assert_eq!(answer.code(), code, "{path}");
            assert!(!answer.headers.contains_key("location"));
            let held = test_file();
            assert!(!answer.body.windows(held.len()).any(|bytes| bytes == held), "{path}");
        }
    }
}

async fn a_clean_upload_waits_for_the_scanner_and_is_then_available(app: &TestApp) {
    let admin = app.admin();
    let presigned = app.upload(&admin, "patient-1", &pdf()).await;
    let parts = in_parts(app, &admin, &pdf()).await;
    for document in [&presigned, &parts] {
        assert_eq!(document["state"], "scanning", "{document}");
        assert_eq!(document["stateReason"], "waits for the scanner");
        is_locked(app, document, "wrong_state").await;
        // To confirm again is still no error, and says what is true.
        let again = app.post(&admin, "/api/docs/confirm", json!({ "id": document["id"] })).await;
        assert_eq!(again.expect(200).json()["state"], "scanning");
    }
    let listed = app.get(&admin, "/api/docs?state=scanning").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let done = scan(app).await;
    assert_eq!((done.passed, done.quarantined, done.waiting, done.failed), (2, 0, 0, 0));
    for document in [&presigned, &parts] {
        let now = read(app, &admin, document).await;
        assert_eq!(now["state"], "available", "{now}");
        assert_eq!(now["scanVerdict"], "clean");
        assert!(now["scannedAt"].is_string() && now.get("stateReason").is_none(), "{now}");
        let path = format!("/api/docs/{}/content", now["id"].as_str().unwrap());
        assert_eq!(app.get(&admin, &path).await.expect(200).body, pdf().bytes);
    }
}

async fn malware_is_quarantined_whichever_way_it_comes_in(app: &TestApp) {
    let admin = app.admin();
    let mut documents = Vec::new();
    for sample in infected() {
        documents.push(app.upload(&admin, "patient-1", &sample).await);
        documents.push(in_parts(app, &admin, &sample).await);
        // Scanned on its way in: the answer says it already.
        let through = send_through(app, &admin, &sample).await.expect(201).json();
        assert_eq!(through["state"], "quarantined", "{through}");
        documents.push(through);
    }
    let done = scan(app).await;
    assert_eq!((done.passed, done.quarantined, done.failed), (0, 6, 0));
    for document in &documents {
        let now = read(app, &admin, document).await;
        assert_eq!(
            (&now["state"], &now["stateReason"]),
            (&json!("quarantined"), &json!("infected"))
        );
        assert_eq!(now["scanVerdict"], SIGNATURE);
        is_locked(app, document, "wrong_state").await;
        let id = now["id"].as_str().unwrap();
        app.delete(&admin, &format!("/api/docs/{id}")).await.expect(409);
        app.post(&admin, &format!("/api/docs/{id}/restore"), json!({})).await.expect(409);
    }
    let listed = app.get(&admin, "/api/docs?state=quarantined").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 9);
    assert_eq!(listed["items"][0]["scanVerdict"], SIGNATURE);
    // Others who may read see that it is quarantined, and not by what: that would say what to change.
    app.care("patient-1").await;
    for who in [app.clinician(), app.service()] {
        let now = read(app, &who, &documents[0]).await;
        assert_eq!(
            (&now["state"], &now["scanVerdict"]),
            (&json!("quarantined"), &json!("infected"))
        );
        assert!(!now.to_string().contains(SIGNATURE), "{now}");
    }
}

async fn every_clean_sample_passes(app: &TestApp) {
    let samples = samples();
    for sample in &samples {
        app.upload(&app.admin(), "patient-1", sample).await;
        let through = send_through(app, &app.admin(), sample).await.expect(201).json();
        assert_eq!(through["state"], "available", "{through}");
        assert_eq!(through["scanVerdict"], "clean");
    }
    let done = scan(app).await;
    assert_eq!((done.passed, done.quarantined, done.failed), (samples.len(), 0, 0));
}

async fn two_workers_at_once_scan_once(app: &TestApp) {
    for _ in 0..6 {
        app.upload(&app.admin(), "patient-1", &pdf()).await;
    }
    let (one, two) = tokio::join!(scan_due(&app.app, false), scan_due(&app.app, false));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.passed + two.passed, 6, "{one:?} {two:?}");
    let scans = app.trail().await;
    let scans = scans.iter().filter(|line| line.contains("document.scan")).count();
    assert_eq!(scans, 6);
}

async fn what_a_dead_server_had_claimed_is_taken_up(app: &TestApp) {
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    // As a server leaves it that ends in the middle of a scan: claimed, for 45 seconds.
    let claimed = match &app.app.db {
        strongroom::db::Db::Postgres(_) => {
            "update document_assets set scan_next_at = now() + interval '45 seconds'"
        }
        strongroom::db::Db::Sqlite(_) => {
            "update document_assets set scan_next_at = scan_next_at + 45000000"
        }
    };
    assert_eq!(app.sql(claimed).await.unwrap(), 1);
    let done = scan(app).await;
    assert_eq!((done.passed, done.waiting), (0, 1));
    app.clock.shift_seconds(46);
    assert_eq!(scan(app).await.passed, 1);
    app.clock.shift_seconds(-46);
    assert_eq!(read(app, &app.admin(), &document).await["state"], "available");
}

async fn each_step_of_a_scan_is_in_the_trail(app: &TestApp) {
    let admin = app.admin();
    let waits = app.upload(&admin, "patient-1", &infected_text()).await;
    let through = send_through(app, &admin, &infected_text()).await.expect(201).json();
    scan(app).await;
    let events = app.events(DEFAULT_CLINIC).await;
    let of = |document: &Value, action: &str| {
        let id = document["id"].as_str().unwrap();
        let found = |e: &&strongroom::audit::rows::EventRow| {
            e.action == action && e.target_id.as_deref() == Some(id)
        };
        let found: Vec<_> = events.iter().filter(found).collect();
        let [event] = found.as_slice() else { panic!("{action}: {events:?}") };
        let detail: Value = serde_json::from_str(event.detail.as_deref().unwrap()).unwrap();
        assert_eq!(
            (event.outcome.as_str(), event.patient_id.as_deref()),
            ("granted", Some("patient-1"))
        );
        (event.actor_kind.clone(), event.actor_id.clone(), detail)
    };
    assert_eq!(of(&waits, "upload.confirm").2["scan"], "waits");
    assert_eq!(of(&through, "upload.receive").2["scan"], SIGNATURE);
    let (kind, actor, detail) = of(&waits, "document.scan");
    assert_eq!((kind.as_str(), actor.as_str()), ("system", "upkeep.scan"));
    assert_eq!((&detail["scan"], &detail["state"]), (&json!(SIGNATURE), &json!("quarantined")));
}

async fn an_admin_has_a_document_scanned_again(app: &TestApp) {
    let admin = app.admin();
    let document = send_through(app, &admin, &pdf()).await.expect(201).json();
    assert_eq!(document["state"], "available");
    let path = format!("/api/docs/{}/scan", document["id"].as_str().unwrap());
    app.care("patient-1").await;
    app.post(&app.clinician(), &path, json!({})).await.expect(403);
    app.post(&app.stranger(), &path, json!({})).await.expect(404);
    let again = app.post(&admin, &path, json!({})).await.expect(202).json();
    assert_eq!((&again["state"], again.get("scanVerdict")), (&json!("scanning"), None));
    is_locked(app, &document, "wrong_state").await;
    // While it waits, to ask once more is no error.
    app.post(&admin, &path, json!({})).await.expect(202);
    assert_eq!(scan(app).await.passed, 1);
    let bad = send_through(app, &admin, &infected_text()).await.expect(201).json();
    let path = format!("/api/docs/{}/scan", bad["id"].as_str().unwrap());
    app.post(&admin, &path, json!({})).await.expect(202);
    assert_eq!(scan(app).await.quarantined, 1);
    // In the trash it stays as it is.
    let id = document["id"].as_str().unwrap();
    app.delete(&admin, &format!("/api/docs/{id}")).await.expect(200);
    let gone = app.post(&admin, &format!("/api/docs/{id}/scan"), json!({})).await.expect(409);
    assert_eq!(gone.code(), "wrong_state");
    let asked = app.trail().await;
    let asked = asked.iter().filter(|l| l.contains("document.rescan granted")).count();
    assert_eq!(asked, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_scanner_nothing_can_be_scanned_again() {
    let app = TestApp::sqlite().await;
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    assert_eq!(document["state"], "available");
    let path = format!("/api/docs/{}/scan", document["id"].as_str().unwrap());
    let answer = app.post(&app.admin(), &path, json!({})).await.expect(503);
    assert!(answer.json()["detail"].as_str().unwrap().contains("STRONGROOM_SCANNER"));
    app.post(&app.staff(), &path, json!({})).await.expect(404);
    assert_eq!(read(&app, &app.admin(), &document).await["state"], "available");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_scanner_is_away_uploads_wait_and_go_on_when_it_is_back() {
    let mut clamd = Clamd::prepare(&[]);
    let app = app_with(&clamd.address(), &[]).await;
    let admin = app.admin();
    let first = app.upload(&admin, "patient-1", &pdf()).await;
    let second = app.upload(&admin, "patient-1", &infected_text()).await;
    // Bytes through the server are taken in all the same.
    let third = send_through(&app, &admin, &infected_text()).await.expect(201).json();
    assert_eq!(third["state"], "scanning");
    let done = scan(&app).await;
    assert!(done.away, "{done:?}");
    assert_eq!((done.passed, done.quarantined, done.waiting), (0, 0, 3));
    for document in [&first, &second, &third] {
        assert_eq!(read(&app, &admin, document).await["state"], "scanning");
        is_locked(&app, document, "wrong_state").await;
    }
    assert!(
        app.get(&admin, "/api/docs?state=scanning")
            .await
            .expect(200)
            .json()
            .to_string()
            .contains("it cannot be reached")
    );
    let ready = app.get(&admin, "/readyz").await.expect(200).json();
    assert_eq!(ready["scanner"], json!({ "kind": "clamd", "status": "unavailable" }));
    clamd.restart().await;
    let done = scan(&app).await;
    assert_eq!((done.passed, done.quarantined, done.waiting), (1, 2, 0), "{done:?}");
    assert_eq!(read(&app, &admin, &first).await["state"], "available");
    assert_eq!(read(&app, &admin, &third).await["state"], "quarantined");
    let ready = app.get(&admin, "/readyz").await.expect(200).json();
    assert_eq!(ready["scanner"]["status"], "ok");
    app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_that_does_not_answer_cleanly_lets_nothing_pass() {
    let large = Sample { bytes: vec![b'a'; 3_000_000], ..infected_text() };
    let cases = [
        (Manner::Hangs, "it took too long"),
        (Manner::Says(b""), "it fails on every file"),
        (Manner::Says(b"OK\0"), "it fails on every file"),
        (Manner::Says(b"stream: OK"), "it fails on every file"),
        (Manner::Says(b"stream: Can't create temporary file ERROR\0"), "it fails on every file"),
        (Manner::HangsUpAfter(1_000_000), "it fails on every file"),
    ];
    for (manner, why) in cases {
        let impostor = Impostor::with(manner).await;
        let app = app_with(&impostor.address, &[("STRONGROOM_SCAN_TIMEOUT", "1")]).await;
        let admin = app.admin();
        let document = app.upload(&admin, "patient-1", &large).await;
        let begun = std::time::Instant::now();
        let done = scan(&app).await;
        assert_eq!((done.passed, done.quarantined, done.failed), (0, 0, 1), "{why}");
        assert!(begun.elapsed().as_secs() < 10);
        let now = read(&app, &admin, &document).await;
        assert_eq!(now["state"], "scanning");
        assert!(now["stateReason"].as_str().unwrap().ends_with(why), "{why}: {now}");
        is_locked(&app, &document, "wrong_state").await;
        assert_eq!(done.away, why == "it fails on every file");
        // It is not asked again at once, and then it is.
        assert_eq!(scan(&app).await.failed, 0, "{why}");
        app.clock.shift_seconds(10);
        assert_eq!(scan(&app).await.failed, 1);
        app.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_scanner_fails_on_again_and_again_is_quarantined() {
    for answer in [&b"stream: Malformed ERROR\0"[..], b""] {
        let impostor = Impostor::with(Manner::ChokesSaying(answer)).await;
        let app = app_with(&impostor.address, &[]).await;
        let document = app.upload(&app.admin(), "patient-1", &infected_text()).await;
        for pause in [10, 20, 50, 120] {
            assert_eq!(scan(&app).await.failed, 1);
            app.clock.shift_seconds(pause);
        }
        assert_eq!(scan(&app).await.failed, 1, "often enough, and not for long enough");
        app.clock.shift_seconds(3500);
        assert_eq!(scan(&app).await.quarantined, 1);
        app.clock.shift_seconds(-3700);
        let now = read(&app, &app.admin(), &document).await;
        assert_eq!(now["stateReason"], "unscannable: the scanner failed on it");
        assert_eq!(now["scanVerdict"], "unscannable");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_without_room_is_no_word_about_a_file_however_long_it_lasts() {
    let clamd = Clamd::start(&[]).await;
    let app = app_with(&clamd.address(), &[]).await;
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    clamd.has_room(false);
    for _ in 0..10 {
        let done = scan(&app).await;
        assert_eq!((done.quarantined, done.failed, done.away), (0, 1, true));
        app.clock.shift_seconds(1800);
    }
    app.clock.shift_seconds(-18_000);
    let now = read(&app, &admin, &document).await;
    assert_eq!(now["state"], "scanning");
    assert_eq!(now["stateReason"], "waits for the scanner: it fails on every file");
    // What comes in meanwhile waits as well, and nothing is left of it all as soon as there is room.
    let meanwhile = send_through(&app, &admin, &pdf()).await.expect(201).json();
    assert_eq!(meanwhile["state"], "scanning");
    clamd.has_room(true);
    app.clock.shift_seconds(18_000);
    assert_eq!(scan(&app).await.passed, 2);
    app.clock.shift_seconds(-18_000);
    app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_file_does_not_keep_the_others_waiting() {
    let impostor = Impostor::with(Manner::HangsOver).await;
    let app = app_with(&impostor.address, &[]).await;
    let admin = app.admin();
    let slow = app.upload(&admin, "patient-1", &infected_text()).await;
    for _ in 0..55 {
        app.upload(&admin, "patient-1", &pdf()).await;
    }
    let scanned = async {
        let count = async |state: &str| {
            let path = format!("/api/docs?state={state}&limit=100");
            let listed = app.get(&admin, &path).await.expect(200).json();
            listed["items"].as_array().unwrap().len()
        };
        until_count(&count, "available", 55).await;
        // One that comes while nothing but the slow one is left is taken up as well.
        app.upload(&admin, "patient-1", &pdf()).await;
        until_count(&count, "available", 56).await;
        assert_eq!(read(&app, &admin, &slow).await["state"], "scanning");
    };
    tokio::select! {
        () = scanned => {}
        done = scan_due(&app.app, false) => panic!("it ended: {done:?}"),
    }
    app.check().await;
}

async fn until_count(count: &impl AsyncFn(&str) -> usize, state: &str, most: usize) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while count(state).await < most {
        assert!(std::time::Instant::now() < deadline, "{} of {most}", count(state).await);
        tokio::time::sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_through_the_server_outlives_a_scanner_that_breaks_off() {
    let large = Sample { bytes: vec![b'a'; 3_000_000], ..infected_text() };
    for manner in [Manner::HangsUpAfter(1_000_000), Manner::Says(b"stream: OK\0")] {
        let impostor = Impostor::with(manner).await;
        let app = app_with(&impostor.address, &[]).await;
        let document = send_through(&app, &app.admin(), &large).await.expect(201).json();
        assert_eq!(document["state"], "scanning", "an answer before the end is no verdict");
        app.check().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_quarantined_or_passes_as_the_operator_says() {
    let large = Sample { bytes: vec![b'a'; 200_001], ..infected_text() };
    let most = ("STRONGROOM_SCAN_MAX_SIZE", "200000");
    for (more, state) in [
        (&[most][..], "quarantined"),
        (&[most, ("STRONGROOM_SCAN_TOO_LARGE", "pass")], "available"),
    ] {
        let app = app_with(&shared(), more).await;
        let admin = app.admin();
        let documents = [
            app.upload(&admin, "patient-1", &large).await,
            send_through(&app, &admin, &large).await.expect(201).json(),
        ];
        for document in documents {
            assert_eq!(
                (&document["state"], &document["scanVerdict"]),
                (&json!(state), &json!("unscannable"))
            );
            let why = document["stateReason"].as_str().unwrap();
            assert!(why.ends_with("too large for the scanner"), "{document}");
        }
        let fits = Sample { bytes: vec![b'a'; 200_000], ..infected_text() };
        let fits = send_through(&app, &admin, &fits).await.expect(201).json();
        assert_eq!(fits["scanVerdict"], "clean");
        // Malware that fits is not let pass by that.
        let bad = send_through(&app, &admin, &infected_text()).await.expect(201).json();
        assert_eq!(bad["state"], "quarantined");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_of_clamds_own_is_heard_in_mid_stream() {
    let clamd = Clamd::start(&["StreamMaxLength 1M"]).await;
    let app = app_with(&clamd.address(), &[]).await;
    let large = Sample { bytes: vec![b'a'; 8_000_000], ..infected_text() };
    let admin = app.admin();
    let waits = app.upload(&admin, "patient-1", &large).await;
    let through = send_through(&app, &admin, &large).await.expect(201).json();
    assert_eq!(scan(&app).await.quarantined, 1 + usize::from(through["state"] == "scanning"));
    for document in [&waits, &through] {
        let now = read(&app, &admin, document).await;
        assert_eq!(now["stateReason"], "unscannable: too large for the scanner", "{now}");
    }
    app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clamd_cannot_open_is_quarantined_with_the_reason() {
    let clamd =
        Clamd::start(&["AlertEncrypted yes", "AlertExceedsMax yes", "MaxFileSize 100K"]).await;
    let app = app_with(&clamd.address(), &[]).await;
    let admin = app.admin();
    let locked = locked_pdf();
    let large = Sample { bytes: vec![b'a'; 300_000], ..infected_text() };
    let locked = send_through(&app, &admin, &locked).await.expect(201).json();
    assert_eq!(locked["stateReason"], "unscannable: encrypted", "{locked}");
    let large = send_through(&app, &admin, &large).await.expect(201).json();
    assert_eq!(large["stateReason"], "unscannable: beyond the scanner's limits", "{large}");
    assert_eq!(clamd.files_seen(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malware_in_a_bare_archive_comes_in_under_no_name() {
    let app = app_with(&shared(), &[]).await;
    let admin = app.admin();
    let bytes = zip(&[part("test.com", test_file())]);
    let archive = Sample { name: "a.zip", mime: "application/zip", category: "other", bytes };
    let asked = archive.asked("patient-1");
    app.post(&admin, "/api/docs/presign-upload", asked).await.expect(415);
    for (name, mime) in [("a.pdf", "application/pdf"), ("a.docx", DOCX)] {
        let lying = Sample { name, mime, ..archive.clone() };
        let refused = send_through(&app, &admin, &lying).await.expect(422);
        assert_eq!(refused.code(), "content_mismatch", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patients_see_what_becomes_of_what_they_hand_in() {
    let app = app_with(&shared(), &[]).await;
    let patient = app.patient("patient-1");
    let document = app.upload(&patient, "patient-1", &infected_text()).await;
    assert_eq!(read(&app, &patient, &document).await["state"], "scanning");
    scan(&app).await;
    let now = read(&app, &patient, &document).await;
    assert_eq!((&now["state"], &now["scanVerdict"]), (&json!("quarantined"), &json!("infected")));
    let id = document["id"].as_str().unwrap();
    app.get(&patient, &format!("/api/docs/{id}/content")).await.expect(403);
    // Somebody else who is the same patient did not hand it in.
    let other = app.token("somebody-else", Role::Patient, DEFAULT_CLINIC, &["patient-1"]);
    app.get(&other, &format!("/api/docs/{id}")).await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_issued_before_leads_to_nothing() {
    let app = app_with(&shared(), &[]).await;
    let admin = app.admin();
    let document = send_through(&app, &admin, &pdf()).await.expect(201).json();
    let id = document["id"].as_str().unwrap();
    let link = app.get(&admin, &format!("/api/docs/{id}/download")).await.expect(200).json();
    let url = link["url"].as_str().unwrap();
    assert_eq!(app.fetch(url).await.expect(200).body, pdf().bytes);
    app.post(&admin, &format!("/api/docs/{id}/scan"), json!({})).await.expect(202);
    for state in ["scanning", "quarantined"] {
        let answer = app.fetch(url).await.expect(403);
        let said = String::from_utf8(answer.body).unwrap();
        assert!(said.contains("<Code>AccessDenied</Code>"), "{said}");
        let events = app.events(DEFAULT_CLINIC).await;
        let last = events.last().unwrap();
        assert_eq!((last.action.as_str(), last.outcome.as_str()), ("wire.read", "denied"));
        assert_eq!(last.target_id.as_deref(), Some(id), "{state}");
        app.sql("update document_assets set state = 'quarantined', scan_next_at = null")
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_bytes_are_never_called_clean() {
    let app = app_with(&shared(), &[]).await;
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let objects = app.dir.path().join("data/store/objects");
    let files = crate::process::files(&objects);
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let mut bytes = std::fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(file, bytes).unwrap();
    let done = scan(&app).await;
    assert_eq!((done.passed, done.failed), (0, 1));
    let now = read(&app, &app.admin(), &document).await;
    assert_eq!(now["state"], "scanning");
    assert!(now["stateReason"].as_str().unwrap().contains("the store did not give"), "{now}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guardduty_is_asked_by_its_tag() {
    let bucket = Account::moto().versioned_bucket().await;
    let app = TestApp::in_bucket(bucket.clone(), &[("STRONGROOM_SCANNER", "guardduty")]).await;
    let admin = app.admin();
    for (said, state, reason) in [
        ("NO_THREATS_FOUND", "available", Value::Null),
        ("THREATS_FOUND", "quarantined", json!("infected")),
        ("UNSUPPORTED", "quarantined", json!("unscannable: of a kind the scanner does not read")),
        ("ACCESS_DENIED", "quarantined", json!("unscannable: not readable by the scanner")),
        ("FAILED", "quarantined", json!("unscannable: the scanner failed on it")),
    ] {
        let document = app.upload(&admin, "patient-1", &pdf()).await;
        assert_eq!(document["state"], "scanning");
        assert_eq!(scan(&app).await.failed, 1);
        let waits = read(&app, &admin, &document).await;
        assert_eq!(waits["stateReason"], "waits for the scanner: no verdict yet");
        is_locked(&app, &document, "wrong_state").await;
        let tag = Tag::builder().key(TAG).value(said).build().unwrap();
        let tags = Tagging::builder().tag_set(tag).build().unwrap();
        let put = bucket.client.put_object_tagging().bucket(&bucket.name);
        let put = put.key(document["key"].as_str().unwrap());
        let put = put.version_id(document["versionId"].as_str().unwrap()).tagging(tags);
        put.send().await.unwrap();
        app.clock.shift_seconds(7);
        let done = scan(&app).await;
        app.clock.shift_seconds(-7);
        assert_eq!(done.waiting, 0, "{said}: {done:?}");
        let now = read(&app, &admin, &document).await;
        assert_eq!((&now["state"], &now["stateReason"]), (&json!(state), &reason), "{said}");
    }
    // A tag that never comes: nothing is served, and after a day a person is told.
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let ready = async || app.get(&admin, "/readyz").await.json()["scanner"]["status"].clone();
    assert_eq!((scan(&app).await.failed, ready().await), (1, json!("ok")));
    app.clock.shift_seconds(24 * 3_600 + 10);
    assert_eq!((scan(&app).await.failed, ready().await), (1, json!("unavailable")));
    // By now it is asked for seldom, unless somebody wants to know at once.
    assert_eq!(scan(&app).await.failed, 0);
    assert_eq!(ask_again(&app.app).await.unwrap(), 1);
    assert_eq!(scan(&app).await.failed, 1);
    app.clock.shift_seconds(-24 * 3_600 - 10);
    is_locked(&app, &document, "wrong_state").await;
    app.check().await;
    app.leave().await;
}
