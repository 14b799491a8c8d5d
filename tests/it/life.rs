//! The life of a document by presigned URL, on both engines.

use aws_lc_rs::digest::{SHA256, digest};
use http::header;
use serde_json::{Value, json};

use crate::made_files::made_pdf::around_pdf;
use crate::on_every_ground;
use crate::support::{Sample, TestApp, pdf, samples};

on_every_ground!(
    every_sample_goes_in_and_comes_out_identical,
    an_upload_that_is_not_confirmed_is_not_served,
    confirming_twice_answers_the_same_document,
    two_confirm_at_once_and_one_document_comes_of_it,
    confirm_without_an_object_says_so_and_the_upload_can_still_be_made,
    content_that_is_not_what_was_announced_is_removed,
    what_is_said_again_at_confirm_must_be_as_announced,
    a_lying_type_is_found_out_at_confirm,
    what_may_not_come_in_is_refused_before_it_is_sent,
    every_wrong_field_is_named_at_once,
    delete_puts_a_document_into_the_trash_and_restore_brings_it_back,
    a_range_of_the_content_is_served,
    a_download_can_redirect,
    lists_are_filtered_sorted_and_paged,
    a_key_confirms_as_well_as_an_id,
    a_replacement_names_what_it_replaces,
    uploads_can_be_switched_off,
);

async fn every_sample_goes_in_and_comes_out_identical(app: &TestApp) {
    let admin = app.admin();
    for sample in samples() {
        let document = app.upload(&admin, "patient-1", &sample).await;
        let sha = hex::encode(digest(&SHA256, &sample.bytes));
        assert_eq!(document["state"], "available", "{}", sample.name);
        assert_eq!(document["sha256"], json!(sha), "{}", sample.name);
        let id = document["id"].as_str().unwrap();
        let key = document["key"].as_str().unwrap();
        assert!(!key.contains("patient-1") && !key.contains(sample.name), "{key}");

        let link = app.get(&admin, &format!("/api/docs/{id}/download")).await.expect(200).json();
        assert_eq!(link["sha256"], json!(sha));
        assert!(!link["url"].as_str().unwrap().contains(sample.name), "a name in a URL");
        let fetched = app.fetch(link["url"].as_str().unwrap()).await.expect(200);
        assert!(fetched.body == sample.bytes, "{} came back changed", sample.name);
        assert_eq!(fetched.headers[header::CONTENT_TYPE], sample.mime);

        let streamed = app.get(&admin, &format!("/api/docs/{id}/content")).await.expect(200);
        assert!(streamed.body == sample.bytes, "{} was streamed changed", sample.name);
        assert_eq!(streamed.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(streamed.headers[header::CACHE_CONTROL], "no-store");
        let shown = streamed.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
        assert_eq!(shown, format!("attachment; filename=\"{}\"", sample.name));
    }
}

async fn begin(app: &TestApp, sample: &Sample) -> Value {
    let asked = sample.asked("patient-1");
    app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json()
}

async fn confirm(app: &TestApp, begun: &Value) -> crate::support::Answer {
    app.post(&app.admin(), "/api/docs/confirm", json!({ "id": begun["id"] })).await
}

async fn an_upload_that_is_not_confirmed_is_not_served(app: &TestApp) {
    let begun = begin(app, &pdf()).await;
    app.put(&begun, pdf().bytes).await.expect(200);
    let id = begun["id"].as_str().unwrap();
    for path in ["download", "content"] {
        let answer = app.get(&app.admin(), &format!("/api/docs/{id}/{path}")).await.expect(409);
        assert_eq!(answer.code(), "wrong_state");
    }
    let listed = app.get(&app.admin(), "/api/docs").await.expect(200).json();
    assert_eq!(listed["items"], json!([]));
}

async fn confirming_twice_answers_the_same_document(app: &TestApp) {
    let begun = begin(app, &pdf()).await;
    app.put(&begun, pdf().bytes).await.expect(200);
    let first = confirm(app, &begun).await.expect(201).json();
    let second = confirm(app, &begun).await.expect(200).json();
    assert_eq!(first, second);
}

async fn two_confirm_at_once_and_one_document_comes_of_it(app: &TestApp) {
    for _ in 0..5 {
        let begun = begin(app, &pdf()).await;
        app.put(&begun, pdf().bytes).await.expect(200);
        let (a, b) = tokio::join!(confirm(app, &begun), confirm(app, &begun));
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 201]);
        assert_eq!(a.json()["id"], b.json()["id"]);
    }
}

async fn confirm_without_an_object_says_so_and_the_upload_can_still_be_made(app: &TestApp) {
    let begun = begin(app, &pdf()).await;
    assert_eq!(confirm(app, &begun).await.expect(409).code(), "upload_missing");
    app.put(&begun, pdf().bytes).await.expect(200);
    confirm(app, &begun).await.expect(201);
}

async fn content_that_is_not_what_was_announced_is_removed(app: &TestApp) {
    let png = samples().remove(2);
    let begun = begin(app, &Sample { bytes: png.bytes.clone(), ..pdf() }).await;
    app.put(&begun, png.bytes).await.expect(200);
    let answer = confirm(app, &begun).await.expect(422);
    assert_eq!(answer.code(), "content_mismatch");
    let id = begun["id"].as_str().unwrap();
    let document = app.get(&app.admin(), &format!("/api/docs/{id}")).await.expect(200).json();
    assert_eq!(document["state"], "refused");
    assert_eq!(document["stateReason"], "content_mismatch: type");
    let key = strongroom::store::ObjectKey::new(begun["key"].as_str().unwrap()).unwrap();
    assert!(app.app.store.head(&key, None).await.is_err(), "the object is still there");
    assert_eq!(confirm(app, &begun).await.expect(409).code(), "upload_ended");
}

async fn what_is_said_again_at_confirm_must_be_as_announced(app: &TestApp) {
    for (field, value) in [
        ("patientId", json!("somebody-else")),
        ("size", json!(1)),
        ("contentType", json!("image/png")),
        ("sha256", json!("00".repeat(32))),
    ] {
        let begun = begin(app, &pdf()).await;
        app.put(&begun, pdf().bytes).await.expect(200);
        let mut body = json!({ "key": begun["key"] });
        body[field] = value;
        let answer = app.post(&app.admin(), "/api/docs/confirm", body).await.expect(422);
        assert_eq!(answer.code(), "content_mismatch", "{field}");
        assert_eq!(
            app.state_of_key(begun["key"].as_str().unwrap()).await.as_deref(),
            Some("refused")
        );
    }
}

async fn a_lying_type_is_found_out_at_confirm(app: &TestApp) {
    let programs: [&[u8]; 3] =
        [b"MZ\x90\0\x03\0\0\0 a program", b"#!/bin/sh\necho hello\n", b"<html><script>x</script>"];
    for bytes in programs {
        let sample = Sample { bytes: bytes.to_vec(), ..pdf() };
        let begun = begin(app, &sample).await;
        app.put(&begun, bytes).await.expect(200);
        assert_eq!(confirm(app, &begun).await.expect(422).code(), "content_mismatch");
    }
}

async fn what_may_not_come_in_is_refused_before_it_is_sent(app: &TestApp) {
    let ask = |changes: Value| {
        let mut asked = pdf().asked("patient-1");
        for (name, value) in changes.as_object().unwrap() {
            asked[name] = value.clone();
        }
        async move { app.post(&app.admin(), "/api/docs/presign-upload", asked).await }
    };
    let exe = json!({ "filename": "a.exe", "contentType": "application/x-msdownload" });
    assert_eq!(ask(exe).await.expect(415).code(), "unsupported_type");
    assert_eq!(ask(json!({ "size": 0 })).await.expect(422).code(), "empty_file");
    let large = ask(json!({ "size": 60_000_000 })).await.expect(413);
    assert_eq!(large.code(), "file_too_large");
    assert!(large.json()["detail"].as_str().unwrap().contains("use multipart"));
    let wrong = ask(json!({ "filename": "letter.jpg" })).await.expect(422);
    assert!(wrong.json()["errors"]["filename"].as_str().unwrap().contains(".pdf"));
    assert_eq!(ask(json!({ "size": -1 })).await.expect(422).code(), "invalid_fields");
    assert_eq!(ask(json!({ "surprise": 1 })).await.expect(422).code(), "invalid_fields");
    assert!(app.rows().await.is_empty(), "a refused upload left a row");
}

async fn every_wrong_field_is_named_at_once(app: &TestApp) {
    let body = json!({
        "patientId": "p", "filename": "x.pdf", "contentType": "application/pdf", "size": 9,
        "category": "gossip", "sha256": "abc", "supersedes": "me", "entityType": "provider",
    });
    let answer = app.post(&app.admin(), "/api/docs/presign-upload", body).await.expect(422);
    let json = answer.json();
    let errors = json["errors"].as_object().unwrap();
    let named: Vec<_> = errors.keys().map(String::as_str).collect();
    assert_eq!(named, ["category", "entityId", "sha256", "supersedes"]);
    assert_eq!(json["error"], json["detail"]);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert_eq!(json["requestId"], answer.headers["x-request-id"].to_str().unwrap());
}

async fn delete_puts_a_document_into_the_trash_and_restore_brings_it_back(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    let deleted = app.delete(&admin, &path).await.expect(200).json();
    assert_eq!(deleted["state"], "deleted");
    app.get(&admin, &format!("{path}/content")).await.expect(409);
    app.get(&admin, &format!("{path}/download")).await.expect(409);
    assert_eq!(app.delete(&admin, &path).await.expect(409).code(), "wrong_state");
    let listed = app.get(&admin, "/api/docs").await.json();
    assert_eq!(listed["items"], json!([]));
    let trash = app.get(&admin, "/api/docs?state=deleted").await.json();
    assert_eq!(trash["items"][0]["id"], document["id"]);
    let back = app.post(&admin, &format!("{path}/restore"), json!({})).await.expect(200).json();
    assert_eq!(back["state"], "available");
    let streamed = app.get(&admin, &format!("{path}/content")).await.expect(200);
    assert!(streamed.body == pdf().bytes);
    app.post(&admin, &format!("{path}/restore"), json!({})).await.expect(409);
}

async fn a_range_of_the_content_is_served(app: &TestApp) {
    let admin = app.admin();
    let sample = Sample { bytes: large_pdf(300_000), ..pdf() };
    let document = app.upload(&admin, "patient-1", &sample).await;
    let id = document["id"].as_str().unwrap();
    let path = format!("/api/docs/{id}/content");
    for (range, expected) in [
        ("bytes=0-9", 0..10),
        ("bytes=65530-65550", 65_530..65_551),
        ("bytes=299990-", 299_990..300_000),
        ("bytes=-7", 299_993..300_000),
    ] {
        let request = http::Request::builder()
            .uri(&path)
            .header(&admin.header.0, &admin.header.1)
            .header(header::RANGE, range);
        let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await.expect(206);
        assert!(answer.body == sample.bytes[expected.clone()], "{range}");
        let content_range = answer.headers[header::CONTENT_RANGE].to_str().unwrap();
        assert_eq!(content_range, format!("bytes {}-{}/300000", expected.start, expected.end - 1));
    }
    let request = http::Request::builder()
        .uri(&path)
        .header(&admin.header.0, &admin.header.1)
        .header(header::RANGE, "bytes=300000-");
    let answer = app.send(request.body(axum::body::Body::empty()).unwrap()).await.expect(416);
    assert_eq!(answer.code(), "range_not_satisfiable");
}

/// A PDF of numbers: every chunk differs.
fn large_pdf(size: usize) -> Vec<u8> {
    let (mut bytes, tail) = around_pdf(size as u64);
    let mut n = 0u64;
    while bytes.len() < size {
        n += 1;
        bytes.extend_from_slice(format!("{n:>12} ").as_bytes());
    }
    bytes.truncate(size - tail.len());
    bytes.extend_from_slice(&tail);
    bytes
}

async fn a_download_can_redirect(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let id = document["id"].as_str().unwrap();
    let path = format!("/api/docs/{id}/download?redirect=true&disposition=inline");
    let answer = app.get(&admin, &path).await.expect(303);
    let url = answer.headers[header::LOCATION].to_str().unwrap();
    let fetched = app.fetch(url).await.expect(200);
    let shown = fetched.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert_eq!(shown, format!("inline; filename=\"{id}.pdf\""));
    let wrong = app.get(&admin, &format!("/api/docs/{id}/download?disposition=flying")).await;
    assert_eq!(wrong.expect(422).code(), "invalid_fields");
}

async fn lists_are_filtered_sorted_and_paged(app: &TestApp) {
    let admin = app.admin();
    for patient in ["patient-1", "patient-2"] {
        for sample in samples().iter().take(4) {
            app.upload(&admin, patient, sample).await;
        }
    }
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|d| d["filename"].as_str().unwrap().to_owned()).collect()
    };
    let all = app.get(&admin, "/api/docs?patientId=patient-1&sort=filename").await.json();
    assert_eq!(
        names(&all),
        ["knee-xray.jpg", "phone-photo.heic", "referral-letter.pdf", "wound-photo.png"]
    );
    let pictures = app.get(&admin, "/api/docs?category=imaging&patientId=patient-2").await.json();
    assert_eq!(pictures["items"].as_array().unwrap().len(), 3);
    assert_eq!(names(&app.get(&admin, "/api/docs?q=X-RAY").await.json()).len(), 0);
    assert_eq!(names(&app.get(&admin, "/api/docs?q=XRAY").await.json()).len(), 2);
    assert_eq!(app.get(&admin, "/api/docs?q=%25").await.expect(422).code(), "invalid_fields");
    for sort in ["-created", "created", "filename", "-size"] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/api/docs?sort={sort}&limit=3{cursor}");
            let page = app.get(&admin, &path).await.expect(200).json();
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 3);
            seen.extend(items.iter().map(|d| d["id"].as_str().unwrap().to_owned()));
            match page["nextCursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let count = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((count, seen.len()), (8, 8), "{sort}");
    }
    for wrong in ["limit=0", "limit=1001", "cursor=x", "sort=up", "state=lost", "from=today"] {
        let answer = app.get(&admin, &format!("/api/docs?{wrong}")).await;
        assert_eq!(answer.expect(422).code(), "invalid_fields", "{wrong}");
    }
}

async fn a_key_confirms_as_well_as_an_id(app: &TestApp) {
    let begun = begin(app, &pdf()).await;
    app.put(&begun, pdf().bytes).await.expect(200);
    let sha = hex::encode(digest(&SHA256, &pdf().bytes));
    let body = json!({
        "key": begun["key"], "patientId": "patient-1", "contentType": "application/pdf",
        "size": pdf().bytes.len(), "sha256": sha,
    });
    app.post(&app.admin(), "/api/docs/confirm", body).await.expect(201);
    let neither = app.post(&app.admin(), "/api/docs/confirm", json!({})).await;
    assert_eq!(neither.expect(422).code(), "invalid_fields");
}

async fn a_replacement_names_what_it_replaces(app: &TestApp) {
    let admin = app.admin();
    let old = app.upload(&admin, "patient-1", &pdf()).await;
    let mut asked = pdf().asked("patient-1");
    asked["supersedes"] = old["id"].clone();
    let begun = app.post(&admin, "/api/docs/presign-upload", asked.clone()).await.expect(201);
    let begun = begun.json();
    app.put(&begun, pdf().bytes).await.expect(200);
    let new = confirm(app, &begun).await.expect(201).json();
    assert_eq!(new["supersedes"], old["id"]);
    asked["patientId"] = json!("patient-2");
    let answer = app.post(&admin, "/api/docs/presign-upload", asked).await.expect(422);
    assert!(answer.json()["errors"]["supersedes"].is_string());
}

async fn uploads_can_be_switched_off(_: &TestApp) {
    let app = TestApp::with(&[("NEXT_PUBLIC_ENABLE_AWS_S3_STORAGE", "false")]).await;
    let answer = app.post(&app.admin(), "/api/docs/presign-upload", pdf().asked("p")).await;
    assert_eq!(answer.expect(503).code(), "store_unavailable");
}
