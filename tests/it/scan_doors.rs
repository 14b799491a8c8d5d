//! Malware comes in by no door unseen and goes out by none, its name is told to nobody whom it
//! would help, and what no scanner looked at is neither stuck nor forgotten.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use strongroom::documents::{Looked, scan_due, scan_unscanned, standing, tell_it_is_off};
use strongroom::scanning::test_file;

use crate::clamd::{SIGNATURE, infected, infected_text, on_every_ground_with_clamd, shared};
use crate::content::Door;
use crate::support::{Answer, Caller, Sample, TestApp, form, pdf};

on_every_ground_with_clamd!(
    malware_comes_in_by_no_door_unseen_and_goes_out_by_none,
    the_name_of_what_was_found_is_for_admins_behind_every_door,
    what_is_quarantined_or_waits_can_be_purged_for_good,
    what_was_there_before_the_scanner_is_scanned_while_it_is_served,
);

async fn fetch(app: &TestApp, who: &Caller, method: Method, path: &str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(&who.header.0, &who.header.1);
    app.send(request.body(Body::empty()).unwrap()).await
}

/// No door that reads gives a byte of it, whoever asks.
async fn is_locked(app: &TestApp, document: &Value) {
    let (id, key) = (document["id"].as_str().unwrap(), document["key"].as_str().unwrap());
    let doors = [
        format!("/api/docs/{id}/download"),
        format!("/api/docs/{id}/download?redirect=true"),
        format!("/api/docs/{id}/content"),
        format!("/api/docs/{id}/content?disposition=inline"),
        format!("/api/docs/{id}/content?harmless=true"),
        format!("/api/docs/{id}/preview"),
        format!("/api/patients/patient-1/records/{id}/download"),
        format!("/api/patients/patient-1/records/{id}/download?disposition=inline"),
        format!("/api/v2/aws/s3/download?key={key}"),
        format!("/api/v2/aws/s3/download?key={key}&presigned=true"),
    ];
    let sent = test_file();
    for who in [app.admin(), app.service(), app.clinician()] {
        for door in &doors {
            let answer = fetch(app, &who, Method::GET, door).await;
            assert!(answer.status.is_client_error(), "{door}: {}", answer.status);
            assert!(!answer.headers.contains_key("location"), "{door}");
            assert!(!answer.body.windows(sent.len()).any(|bytes| bytes == sent), "{door}");
            let told = String::from_utf8_lossy(&answer.body);
            assert!(!told.contains("X-Amz-Signature"), "{door}: {told}");
            let bare = fetch(app, &who, Method::HEAD, door).await;
            assert_eq!(bare.status, answer.status, "{door}");
        }
        let answer = fetch(app, &app.admin(), Method::GET, &doors[2]).await.expect(409);
        assert_eq!(answer.code(), "wrong_state");
    }
}

fn asked(sample: &Sample) -> Value {
    json!({
        "patientId": "patient-1", "filename": sample.name, "contentType": sample.mime,
        "size": sample.bytes.len(), "category": "other",
    })
}

async fn read(app: &TestApp, who: &Caller, id: &str) -> Value {
    app.get(who, &format!("/api/docs/{id}")).await.expect(200).json()
}

async fn malware_comes_in_by_no_door_unseen_and_goes_out_by_none(app: &TestApp) {
    app.care("patient-1").await;
    let mut documents = Vec::new();
    for sample in infected() {
        for door in Door::EVERY {
            let (_, answer) = door.bring(app, asked(&sample), &sample.bytes).await;
            assert!(answer.status.is_success(), "{door:?}: {}", answer.status);
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let document = read(app, &app.admin(), &id).await;
            let state = document["state"].as_str().unwrap();
            assert!(["scanning", "quarantined"].contains(&state), "{door:?}: {document}");
            documents.push(document);
        }
    }
    for document in documents.iter().take(Door::EVERY.len()) {
        is_locked(app, document).await;
    }
    let done = scan_due(&app.app, false).await.unwrap();
    assert_eq!((done.passed, done.failed, done.waiting), (0, 0, 0));
    for document in &documents {
        let now = read(app, &app.admin(), document["id"].as_str().unwrap()).await;
        assert_eq!(
            (&now["state"], &now["scanVerdict"]),
            (&json!("quarantined"), &json!(SIGNATURE))
        );
    }
    for document in documents.iter().take(Door::EVERY.len()) {
        is_locked(app, document).await;
    }
}

async fn the_name_of_what_was_found_is_for_admins_behind_every_door(app: &TestApp) {
    let admin = app.admin();
    let bad = infected_text();
    app.care("patient-1").await;
    let scanned = app.upload(&admin, "patient-1", &bad).await;
    scan_due(&app.app, false).await.unwrap();
    // Answers of the calls that bring it in.
    let began = app.post(&admin, "/api/docs/presign-upload", bad.asked("patient-1")).await;
    let path = format!("/api/docs/{}/content", began.expect(201).json()["id"].as_str().unwrap());
    let request = Request::builder().method(Method::PUT).uri(&path);
    let request = request.header(&admin.header.0, &admin.header.1);
    let sent = app.send(request.body(Body::from(bad.bytes.clone())).unwrap()).await.expect(201);
    assert_eq!(sent.json()["scanVerdict"], SIGNATURE);
    for path in ["/api/patients/patient-1/records", "/api/v2/aws/s3/upload"] {
        for (who, told) in [(&admin, SIGNATURE), (&app.clinician(), "infected")] {
            let said = [("patientId", "patient-1"), ("category", "intake-forms")];
            let said = if path.ends_with("upload") { &said[..] } else { &said[1..] };
            let sent = app.post_form(who, path, form(said, &bad, &[])).await.expect(201).json();
            assert_eq!(sent["scanVerdict"], told, "{path}: {sent}");
        }
    }
    let id = scanned["id"].as_str().unwrap();
    let again = app.post(&admin, "/api/docs/confirm", json!({ "id": id })).await.expect(200);
    assert_eq!(again.json()["scanVerdict"], SIGNATURE);
    let prefix = scanned["key"].as_str().unwrap().rsplit_once('/').unwrap().0.to_owned();
    let doors = [
        format!("/api/docs/{id}"),
        "/api/docs?patientId=patient-1&state=quarantined".to_owned(),
        format!("/api/docs/{id}/versions"),
        format!("/api/docs/{id}/audit"),
        "/api/patients/patient-1/records".to_owned(),
        format!("/api/patients/patient-1/records/{id}"),
        format!("/api/v2/aws/s3/list?prefix={prefix}"),
        "/api/v2/aws/s3/stats".to_owned(),
    ];
    for door in &doors {
        let told = app.get(&admin, door).await.expect(200).json().to_string();
        let named = told.contains(SIGNATURE);
        // What a folder shows depends on the layout; nothing of it may be told to others.
        assert!(named || door.contains("list?prefix"), "{door}: {told}");
        for who in [app.clinician(), app.staff(), app.service()] {
            let answer = app.get(&who, door).await;
            let told = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!told.contains(SIGNATURE), "{door}: {told}");
        }
    }
    // They do read the trail of what they may read, and see in it what became of the file.
    let trail = format!("/api/docs/{id}/audit");
    for who in [app.clinician(), app.staff()] {
        let told = app.get(&who, &trail).await.expect(200).json().to_string();
        assert!(
            told.contains(r#""scan":"infected""#) && told.contains(r#""scan":"waits""#),
            "{told}"
        );
    }
    assert!(
        app.get(&app.auditor(), &trail).await.expect(200).json().to_string().contains(SIGNATURE)
    );
}

async fn what_is_quarantined_or_waits_can_be_purged_for_good(app: &TestApp) {
    let admin = app.admin();
    let bad = app.upload(&admin, "patient-1", &infected_text()).await;
    scan_due(&app.app, false).await.unwrap();
    let waits = app.upload(&admin, "patient-1", &pdf()).await;
    // As a server without its scanner says it, and the doctor counts it.
    assert_eq!(tell_it_is_off(&app.app).await.unwrap(), 1);
    let bucket = (app.app.store.provider(), app.app.store.bucket());
    let standing = standing(&app.app.db, bucket).await.unwrap();
    assert_eq!((standing.waiting, standing.unscanned), (1, 0));
    for (document, state) in [(&bad, "quarantined"), (&waits, "scanning")] {
        let id = document["id"].as_str().unwrap();
        assert_eq!(read(app, &admin, id).await["state"], state);
        let path = format!("/api/docs/{id}?permanent=true");
        app.care("patient-1").await;
        app.delete(&app.clinician(), &path).await.expect(403);
        let gone = app.delete(&admin, &path).await.expect(200).json();
        assert_eq!(gone["state"], "purged", "{gone}");
        assert!(gone["purgedAt"].is_string() && gone["filename"] == "", "{gone}");
        let key = document["key"].as_str().unwrap().to_owned();
        assert!(!app.objects().await.contains(&key), "{state}");
        let last = app.events(DEFAULT_CLINIC).await;
        let purged = last.iter().rfind(|event| event.action == "document.purge").unwrap();
        assert!(purged.detail.as_deref().unwrap().contains(state), "{purged:?}");
    }
    // What was to be scanned is gone, and that is no failure.
    let done = scan_due(&app.app, false).await.unwrap();
    assert_eq!((done.passed, done.failed, done.waiting), (0, 0, 0));
}

async fn what_was_there_before_the_scanner_is_scanned_while_it_is_served(app: &TestApp) {
    let admin = app.admin();
    let hook = json!({ "url": "https://hooks.example/", "events": ["*"] });
    let mut ids = Vec::new();
    for sample in [pdf(), infected_text(), pdf()] {
        let document = app.upload(&admin, "patient-1", &sample).await;
        ids.push(document["id"].as_str().unwrap().to_owned());
    }
    scan_due(&app.app, false).await.unwrap();
    // As they are that came in while there was no scanner.
    app.sql(
        "update document_assets set state = 'available', state_reason = null, \
         scan_verdict = null, scanned_at = null",
    )
    .await
    .unwrap();
    let hook = app.post(&admin, "/api/webhooks", hook).await.expect(201).json();
    let counted = scan_unscanned(&app.app, true, |_| ()).await.unwrap();
    assert_eq!(counted, Looked { found: 3, ..Looked::default() });
    let content = |id: &str| format!("/api/docs/{id}/content");
    app.get(&admin, &content(&ids[1])).await.expect(200);
    let mut told = Vec::new();
    let done = scan_unscanned(&app.app, false, |looked| told.push(looked.looked)).await.unwrap();
    let right = Looked { found: 3, looked: 3, passed: 2, quarantined: 1, failed: 0, away: false };
    assert_eq!((done, told), (right, vec![1, 2, 3]));
    for (id, verdict) in [(&ids[0], "clean"), (&ids[1], SIGNATURE), (&ids[2], "clean")] {
        let now = read(app, &admin, id).await;
        assert_eq!(now["scanVerdict"], verdict, "{now}");
        let status = if verdict == "clean" { 200 } else { 409 };
        app.get(&admin, &content(id)).await.expect(status);
    }
    // Nothing is left to do; a verdict is in the trail, and what changed is told, nothing else.
    let again = scan_unscanned(&app.app, false, |_| ()).await.unwrap();
    assert_eq!(again, Looked::default());
    let path = format!("/api/webhooks/{}", hook["id"].as_str().unwrap());
    let shown = app.get(&admin, &path).await.expect(200).json();
    let sent = shown["deliveries"].as_array().unwrap();
    let [sent] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(sent.to_string().contains("document.quarantined"), "{sent}");
    let events = app.events(DEFAULT_CLINIC).await;
    let scans = events.iter().filter(|event| event.actor_id == "command.scan");
    assert_eq!(scans.filter(|event| event.action == "document.scan").count(), 3);
}

async fn with_clamd() -> TestApp {
    let address = shared();
    TestApp::with(&[("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", &address)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_of_an_earlier_bucket_is_not_put_before_the_scanner() {
    let app = with_clamd().await;
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    scan_due(&app.app, false).await.unwrap();
    app.sql("update document_assets set bucket = 'an-earlier-one'").await.unwrap();
    let id = document["id"].as_str().unwrap();
    let answer = app.post(&admin, &format!("/api/docs/{id}/scan"), json!({})).await.expect(503);
    assert!(answer.json()["detail"].as_str().unwrap().contains("an-earlier-one"));
    assert_eq!(read(&app, &admin, id).await["state"], "available");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_a_scanner_that_is_off_says_so() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let ready = app.get(&admin, "/readyz").await.expect(200).json();
    assert_eq!(ready["scanner"], json!({ "kind": "off", "status": "ok" }));
    assert_eq!(tell_it_is_off(&app.app).await.unwrap(), 0);
    app.sql(
        "update document_assets set state = 'scanning', scan_next_at = created_at, \
         state_reason = 'waits for the scanner'",
    )
    .await
    .unwrap();
    let ready = app.get(&admin, "/readyz").await.expect(200).json();
    assert_eq!(ready["status"], "ok");
    assert_eq!(ready["scanner"], json!({ "kind": "off", "status": "unavailable" }));
    assert_eq!(tell_it_is_off(&app.app).await.unwrap(), 1);
    let now = read(&app, &admin, document["id"].as_str().unwrap()).await;
    assert_eq!(now["stateReason"], "waits for the scanner: it is off");
    assert_eq!(tell_it_is_off(&app.app).await.unwrap(), 0);
    app.check().await;
}
