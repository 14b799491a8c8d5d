//! Uploads whose size nobody knows beforehand: by form, in parts, through the server.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::{Body, Bytes};
use futures::stream;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::made_files::made_pdf::around_pdf;
use crate::on_every_ground;
use crate::process::Seeded;
use crate::support::{Answer, Sample, TestApp, pdf};

on_every_ground!(
    a_form_may_leave_open_how_long_the_file_is,
    what_is_said_of_the_size_at_confirm_must_still_be_true,
    a_put_may_leave_open_how_long_the_file_is,
    a_put_of_open_length_beyond_the_limit_brings_no_document,
    parts_may_leave_open_how_long_the_file_is,
    parts_of_a_file_of_unknown_size_must_be_the_ones_that_are_named,
    a_body_of_unknown_size_goes_through_the_server;
    local_only("what its own wire does; the conformance suite shows the others'"):
    a_form_beyond_the_limit_is_refused_by_the_store,
    parts_beyond_the_limit_are_refused_by_the_store,
);

const PART: usize = 5 << 20;

/// What is announced when nobody knows the size.
fn open(sample: &Sample, method: &str) -> Value {
    let mut asked = sample.asked("patient-1");
    asked.as_object_mut().unwrap().remove("size");
    if !method.is_empty() {
        asked["method"] = json!(method);
    }
    asked
}

fn dicom(size: usize) -> Vec<u8> {
    Seeded(7).dicom(size)
}

fn ct() -> Value {
    json!({
        "patientId": "patient-1", "filename": "ct.dcm", "contentType": "application/dicom",
        "category": "imaging",
    })
}

async fn document(app: &TestApp, id: &Value) -> Value {
    let path = format!("/api/docs/{}", id.as_str().unwrap());
    app.get(&app.admin(), &path).await.expect(200).json()
}

async fn form(app: &TestApp) -> Value {
    let asked = open(&pdf(), "POST");
    app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json()
}

async fn confirm(app: &TestApp, body: Value) -> Answer {
    app.post(&app.admin(), "/api/docs/confirm", body).await
}

async fn a_form_may_leave_open_how_long_the_file_is(app: &TestApp) {
    let form = form(app).await;
    let pending = document(app, &form["id"]).await;
    assert_eq!((&pending["sizeIsLimit"], &pending["size"]), (&json!(true), &json!(25_000_000)));
    let sample = pdf();
    let sent = app.send_form(&form, &[], &sample.bytes).await;
    assert!(sent.status.is_success(), "{}", sent.status);
    let confirmed = confirm(app, json!({ "id": form["id"] })).await.expect(201).json();
    assert_eq!(confirmed["size"], json!(sample.bytes.len()));
    assert_eq!(confirmed["sha256"], json!(hex::encode(digest(&SHA256, &sample.bytes))));
    assert_eq!(confirmed["sizeIsLimit"], Value::Null);
    assert_eq!(document(app, &form["id"]).await, confirmed);
    let again = json!({ "id": form["id"], "size": sample.bytes.len() - 1 });
    assert_eq!(confirm(app, again).await.expect(422).code(), "content_mismatch");
}

async fn what_is_said_of_the_size_at_confirm_must_still_be_true(app: &TestApp) {
    let form = form(app).await;
    let sample = pdf();
    app.send_form(&form, &[], &sample.bytes).await;
    let wrong = json!({ "id": form["id"], "size": sample.bytes.len() + 1 });
    assert_eq!(confirm(app, wrong).await.expect(422).code(), "content_mismatch");
    assert_eq!(document(app, &form["id"]).await["state"], "refused");
}

async fn a_put_may_leave_open_how_long_the_file_is(app: &TestApp) {
    let asked = open(&pdf(), "");
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    assert_eq!(begun["headers"]["content-length"], Value::Null);
    let sample = pdf();
    app.put(&begun, sample.bytes.clone()).await.expect(200);
    let wrong = json!({ "id": begun["id"], "contentType": "image/png" });
    confirm(app, wrong).await.expect(422);
    let asked = open(&pdf(), "");
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    app.put(&begun, sample.bytes.clone()).await.expect(200);
    let confirmed = confirm(app, json!({ "id": begun["id"], "size": sample.bytes.len() })).await;
    let confirmed = confirmed.expect(201).json();
    assert_eq!(confirmed["size"], json!(sample.bytes.len()));
    assert_eq!(document(app, &begun["id"]).await, confirmed);
}

async fn a_put_of_open_length_beyond_the_limit_brings_no_document(app: &TestApp) {
    let mut asked = open(&pdf(), "");
    asked["contentType"] = json!("image/png");
    asked["filename"] = json!("large.png");
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    let sent = app.put(&begun, vec![7; 10_000_001]).await;
    let public = &app.app.config.server.public_url;
    if begun["url"].as_str().unwrap().starts_with(public) {
        // Our own store looks at the row; nothing of it is taken.
        assert!(String::from_utf8_lossy(&sent.body).contains("EntityTooLarge"), "{}", sent.status);
        confirm(app, json!({ "id": begun["id"] })).await.expect(409);
    } else {
        sent.expect(200);
        confirm(app, json!({ "id": begun["id"] })).await.expect(422);
        assert_eq!(document(app, &begun["id"]).await["state"], "refused");
    }
}

async fn a_form_beyond_the_limit_is_refused_by_the_store(app: &TestApp) {
    let mut asked = open(&pdf(), "POST");
    asked["contentType"] = json!("image/png");
    asked["filename"] = json!("large.png");
    let form = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    for size in [0, 10_000_001] {
        let sent = app.send_form(&form, &[], &vec![7; size]).await;
        assert!(sent.status.is_client_error(), "{size}: {}", sent.status);
        let text = String::from_utf8_lossy(&sent.body).into_owned();
        assert!(text.contains("EntityTooLarge") || text.contains("EntityTooSmall"), "{text}");
    }
    let missing = confirm(app, json!({ "id": form["id"] })).await.expect(409);
    assert_eq!(missing.code(), "upload_missing");
}

/// Begins an upload in parts and sends these.
async fn send(app: &TestApp, parts: &[&[u8]]) -> (String, Value) {
    let begun = app.post(&app.admin(), "/api/docs/multipart", ct()).await.expect(201).json();
    assert_eq!(begun["partCount"], 10_000);
    let id = begun["uploadId"].as_str().unwrap().to_owned();
    let numbers: Vec<_> = (1..=parts.len()).collect();
    let path = format!("/api/docs/multipart/{id}/parts");
    let signed = app.post(&app.admin(), &path, json!({ "partNumbers": numbers })).await;
    let signed = signed.expect(200).json();
    let mut named = Vec::new();
    for (part, bytes) in signed["parts"].as_array().unwrap().iter().zip(parts) {
        let sent = app.put(part, *bytes).await.expect(200);
        let etag = sent.headers["etag"].to_str().unwrap();
        named.push(json!({ "partNumber": part["partNumber"], "etag": etag }));
    }
    (id, json!(named))
}

async fn complete(app: &TestApp, id: &str, parts: &Value) -> Answer {
    let path = format!("/api/docs/multipart/{id}/complete");
    app.post(&app.admin(), &path, json!({ "parts": parts })).await
}

async fn parts_may_leave_open_how_long_the_file_is(app: &TestApp) {
    let bytes = dicom(2 * PART + 99);
    // Cut as no two clients would.
    let (id, named) = send(app, &[&bytes[..PART + 17], &bytes[PART + 17..]]).await;
    let document = complete(app, &id, &named).await.expect(201).json();
    assert_eq!(document["size"], json!(bytes.len()));
    assert_eq!(document["sha256"], json!(hex::encode(digest(&SHA256, &bytes))));
    let content = app.get(&app.admin(), &format!("/api/docs/{id}/content")).await.expect(200);
    assert!(content.body == bytes, "it came back changed");
    complete(app, &id, &named).await.expect(200);
}

async fn parts_of_a_file_of_unknown_size_must_be_the_ones_that_are_named(app: &TestApp) {
    let bytes = dicom(PART + 99);
    let (id, named) = send(app, &[&bytes[..PART], &bytes[PART..]]).await;
    let said = async |body: Value| {
        let path = format!("/api/docs/multipart/{id}/complete");
        let refused = app.post(&app.admin(), &path, body).await.expect(422).json();
        refused["errors"]["parts"].as_str().unwrap().to_owned()
    };
    assert!(said(json!({})).await.starts_with("must name every part"));
    assert_eq!(said(json!({ "parts": [named[0]] })).await, "part 2 is not named");
    let more = json!([named[0], named[1], { "partNumber": 3, "etag": "x" }]);
    assert!(said(json!({ "parts": more })).await.ends_with("; part 3 is missing"));
    let far = json!([named[0], named[1], { "partNumber": 10_000, "etag": "x" }]);
    assert!(said(json!({ "parts": far })).await.ends_with("and 9989 more"));
    let none = json!([named[0], named[1], { "partNumber": 4_000_000_000_u32, "etag": "x" }]);
    assert_eq!(said(json!({ "parts": none })).await, "must be numbered from 1 to 10000");
    complete(app, &id, &named).await.expect(201);
}

async fn parts_beyond_the_limit_are_refused_by_the_store(_: &TestApp) {
    let limited = TestApp::with(&[("STRONGROOM_MAX_UPLOAD", "12MB")]).await;
    let bytes = dicom(3 * PART);
    let pieces: Vec<_> = bytes.chunks(PART).collect();
    let (id, _) = send(&limited, &pieces[..2]).await;
    let path = format!("/api/docs/multipart/{id}/parts");
    let asked = json!({ "partNumbers": [1, 3] });
    let signed = limited.post(&limited.admin(), &path, asked).await.expect(200).json();
    let [again, third] = &signed["parts"].as_array().unwrap()[..] else { panic!("{signed}") };
    // None of them is too large; all of them together would be.
    let refused = limited.put(third, pieces[2]).await;
    assert!(
        String::from_utf8_lossy(&refused.body).contains("EntityTooLarge"),
        "{}",
        refused.status
    );
    // One in the place of another is not counted twice.
    limited.put(again, pieces[0]).await.expect(200);
    limited.put(third, &pieces[2][..1_000_000]).await.expect(200);
    limited.delete(&limited.admin(), &format!("/api/docs/multipart/{id}")).await.expect(204);
    let (upload, dir) = (limited.dir.path().join("data/store/objects"), std::fs::read_dir);
    let left: usize = dir(upload).unwrap().map(|d| dir(d.unwrap().path()).unwrap().count()).sum();
    assert_eq!(left, 0, "parts are left in the store");
    limited.check().await;
}

/// Somebody else's store takes any part; the end of it comes when they are put together.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_beyond_the_limit_end_the_upload_and_leave_nothing() {
    let limited = TestApp::garage_with(&[("STRONGROOM_MAX_UPLOAD", "12MB")]).await;
    let bytes = dicom(3 * PART);
    let pieces: Vec<_> = bytes.chunks(PART).collect();
    let (id, named) = send(&limited, &pieces).await;
    let refused = complete(&limited, &id, &named).await.expect(422);
    assert_eq!(refused.code(), "content_mismatch");
    assert_eq!(document(&limited, &json!(id)).await["state"], "refused");
    let path = format!("/api/docs/multipart/{id}/parts");
    limited.get(&limited.admin(), &path).await.expect(409);
    assert_eq!(limited.unfinished().await, [], "parts are left in the store");
    limited.check().await;
    limited.leave().await;
}

async fn receive(app: &TestApp, id: &str, bytes: &[u8]) -> Answer {
    let admin = app.admin();
    let pieces: Vec<_> =
        bytes.chunks(65_537).map(|b| Ok::<_, std::io::Error>(Bytes::copy_from_slice(b))).collect();
    let request = Request::builder().method(Method::PUT).uri(format!("/api/docs/{id}/content"));
    let request = request.header(&admin.header.0, &admin.header.1);
    app.send(request.body(Body::from_stream(stream::iter(pieces))).unwrap()).await
}

async fn a_body_of_unknown_size_goes_through_the_server(app: &TestApp) {
    let begun = form(app).await;
    let (id, sample) = (begun["id"].as_str().unwrap(), pdf());
    let document = receive(app, id, &sample.bytes).await.expect(201).json();
    assert_eq!(document["size"], json!(sample.bytes.len()));
    let begun = form(app).await;
    let id = begun["id"].as_str().unwrap();
    let mut large = sample.bytes.clone();
    large.resize(25_000_001, b' ');
    assert_eq!(receive(app, id, &large).await.expect(413).code(), "file_too_large");
    // Nothing was kept, and it can be sent again.
    let eleven = 11 << 20;
    let (mut large, tail) = around_pdf(eleven as u64);
    large.resize(eleven - tail.len(), b' ');
    large.extend(tail);
    let document = receive(app, id, &large).await.expect(201).json();
    assert_eq!(document["size"], json!(eleven));
}
