//! Uploads in parts, through the server, by form; and what is cleared up after them.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::{Body, Bytes};
use futures::stream;
use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::store::ObjectKey;
use strongroom::upkeep;

use crate::on_every_ground;
use crate::process::Seeded;
use crate::support::{Answer, TestApp, pdf};

on_every_ground!(
    a_large_file_goes_up_in_parts_and_comes_out_identical,
    parts_that_are_missing_or_wrong_are_named_and_nothing_is_lost,
    completing_twice_answers_the_same_document,
    parts_that_are_not_what_was_announced_end_the_upload,
    an_aborted_upload_leaves_nothing,
    what_an_upload_in_parts_may_be_is_limited,
    an_upload_nobody_completes_is_ended_by_upkeep,
    an_upload_goes_through_the_server_in_one_call,
    a_body_that_breaks_off_leaves_nothing_and_can_be_sent_again,
    a_form_uploads_what_was_announced,
    a_document_that_is_not_archived_needs_no_retrieval,
    a_completion_that_comes_late_takes_nothing_from_the_trash,
    what_an_attempt_that_was_cut_off_has_placed_is_removed_by_upkeep,
);

const PART: usize = 5 << 20;

fn large(seed: u64) -> Vec<u8> {
    Seeded(seed).dicom(2 * PART + 12_345)
}

fn asked(bytes: &[u8]) -> Value {
    json!({
        "patientId": "patient-1", "filename": "ct.dcm", "contentType": "application/dicom",
        "size": bytes.len(), "category": "imaging", "partSize": PART,
    })
}

async fn sign(app: &TestApp, id: &str, numbers: &[u32]) -> Answer {
    let path = format!("/api/docs/multipart/{id}/parts");
    app.post(&app.admin(), &path, json!({ "partNumbers": numbers })).await
}

async fn complete(app: &TestApp, id: &str, body: Value) -> Answer {
    app.post(&app.admin(), &format!("/api/docs/multipart/{id}/complete"), body).await
}

async fn state(app: &TestApp, id: &str) -> Value {
    app.get(&app.admin(), &format!("/api/docs/{id}")).await.expect(200).json()["state"].clone()
}

/// Whether the store has anything under a key.
async fn stored(app: &TestApp, key: &Value) -> bool {
    let key = ObjectKey::new(key.as_str().unwrap()).unwrap();
    app.app.store.head(&key, None).await.is_ok()
}

async fn a_large_file_goes_up_in_parts_and_comes_out_identical(app: &TestApp) {
    let bytes = large(1);
    let id = app.upload_parts(&app.admin(), asked(&bytes), &bytes).await;
    let path = format!("/api/docs/multipart/{id}/parts");
    let there = app.get(&app.admin(), &path).await.expect(200).json();
    let sizes: Vec<_> = there["parts"].as_array().unwrap().iter().map(|p| &p["size"]).collect();
    assert_eq!(sizes, [&json!(PART), &json!(PART), &json!(12_345)]);
    assert_eq!((&there["partCount"], &there["size"]), (&json!(3), &json!(bytes.len())));
    let document = complete(app, &id, json!({ "parts": there["parts"].as_array().unwrap().iter()
        .map(|p| json!({ "partNumber": p["partNumber"], "etag": p["etag"] })).collect::<Vec<_>>() }))
    .await
    .expect(201)
    .json();
    assert_eq!(document["sha256"], json!(hex::encode(digest(&SHA256, &bytes))));
    assert_eq!((&document["state"], &document["size"]), (&json!("available"), &json!(bytes.len())));
    let content = app.get(&app.admin(), &format!("/api/docs/{id}/content")).await.expect(200);
    assert!(content.body == bytes, "it came back changed");
    let link = app.get(&app.admin(), &format!("/api/docs/{id}/download")).await.expect(200).json();
    assert!(app.fetch(link["url"].as_str().unwrap()).await.expect(200).body == bytes);
}

async fn parts_that_are_missing_or_wrong_are_named_and_nothing_is_lost(app: &TestApp) {
    let bytes = large(2);
    let begun = app.post(&app.admin(), "/api/docs/multipart", asked(&bytes)).await;
    let id = begun.expect(201).json()["uploadId"].as_str().unwrap().to_owned();
    let signed = sign(app, &id, &[1, 2, 3]).await.expect(200).json();
    let part = |n: usize| &signed["parts"][n - 1];
    // The signature holds a part to its length.
    let short = app.put(part(1), &bytes[..PART - 1]).await;
    assert!(short.status.is_client_error(), "{}", short.status);
    app.put(part(1), &bytes[..PART]).await.expect(200);
    app.put(part(3), &bytes[2 * PART..]).await.expect(200);
    let refused = complete(app, &id, json!({})).await.expect(422).json();
    assert_eq!(refused["errors"]["parts"], "part 2 is missing");
    app.put(part(2), &bytes[PART..2 * PART]).await.expect(200);
    let named = json!({ "parts": [{ "partNumber": 1, "etag": "x" }] });
    let refused = complete(app, &id, named).await.expect(422).json();
    let said = refused["errors"]["parts"].as_str().unwrap();
    assert_eq!(said, "part 1 has another ETag; part 2 is not named; part 3 is not named");
    for wrong in [&[][..], &[0], &[4], &[1; 1001]] {
        assert_eq!(sign(app, &id, wrong).await.expect(422).code(), "invalid_fields");
    }
    complete(app, &id, json!({})).await.expect(201);
    assert_eq!(sign(app, &id, &[1]).await.expect(409).code(), "wrong_state");
}

async fn completing_twice_answers_the_same_document(app: &TestApp) {
    let bytes = large(3);
    let id = app.upload_parts(&app.admin(), asked(&bytes), &bytes).await;
    let (a, b) = tokio::join!(complete(app, &id, json!({})), complete(app, &id, json!({})));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201], "{} {}", a.json(), b.json());
    assert_eq!(a.json(), b.json());
    assert_eq!(complete(app, &id, json!({})).await.expect(200).json(), a.json());
    // What cannot be the number of a part is wrong then, too.
    for number in [0, 10_001] {
        let named = json!({ "parts": [{ "partNumber": number, "etag": "" }] });
        let refused = complete(app, &id, named).await.expect(422).json();
        assert_eq!(refused["errors"]["parts"], "must be numbered from 1 to 10000");
    }
}

async fn parts_that_are_not_what_was_announced_end_the_upload(app: &TestApp) {
    let bytes = large(4);
    let mut lying = asked(&bytes);
    lying["sha256"] = json!(hex::encode(digest(&SHA256, b"something else")));
    let id = app.upload_parts(&app.admin(), lying, &bytes).await;
    let answer = complete(app, &id, json!({})).await.expect(422);
    assert_eq!(answer.code(), "content_mismatch");
    assert!(answer.json()["detail"].as_str().unwrap().contains("checksum"));
    assert_eq!(state(app, &id).await, "refused");
    let mut other = asked(&bytes);
    other["contentType"] = json!("application/pdf");
    other["filename"] = json!("ct.pdf");
    let id = app.upload_parts(&app.admin(), other, &bytes).await;
    assert_eq!(complete(app, &id, json!({})).await.expect(422).code(), "content_mismatch");
}

async fn an_aborted_upload_leaves_nothing(app: &TestApp) {
    let bytes = large(5);
    let id = app.upload_parts(&app.admin(), asked(&bytes), &bytes).await;
    let path = format!("/api/docs/multipart/{id}");
    app.delete(&app.admin(), &path).await.expect(204);
    app.delete(&app.admin(), &path).await.expect(204);
    assert_eq!(state(app, &id).await, "abandoned");
    assert_eq!(complete(app, &id, json!({})).await.expect(409).code(), "upload_ended");
    assert_eq!(sign(app, &id, &[1]).await.expect(409).code(), "upload_ended");
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let path = format!("/api/docs/multipart/{}", document["id"].as_str().unwrap());
    assert_eq!(app.delete(&app.admin(), &path).await.expect(409).code(), "wrong_state");
}

async fn what_an_upload_in_parts_may_be_is_limited(app: &TestApp) {
    let ask = async |name: &str, value: Value| {
        let mut body = asked(&[0; 10]);
        body["size"] = json!(100 << 20);
        body[name] = value;
        app.post(&app.admin(), "/api/docs/multipart", body).await
    };
    assert_eq!(ask("size", json!(6_000_000_000_u64)).await.expect(413).code(), "file_too_large");
    assert_eq!(ask("size", json!(0)).await.expect(422).code(), "empty_file");
    assert_eq!(ask("partSize", json!(1024)).await.expect(422).code(), "invalid_fields");
    assert_eq!(ask("method", json!("POST")).await.expect(422).code(), "invalid_fields");
    let begun = ask("partSize", Value::Null).await.expect(201).json();
    assert_eq!((&begun["partSize"], &begun["partCount"]), (&json!(8 << 20), &json!(13)));
    let single = app.post(&app.admin(), "/api/docs/presign-upload", asked(&[0; 10])).await;
    assert!(single.expect(422).json()["errors"]["partSize"].is_string());
}

async fn an_upload_nobody_completes_is_ended_by_upkeep(app: &TestApp) {
    let bytes = large(6);
    let parts = app.upload_parts(&app.admin(), asked(&bytes), &bytes).await;
    let single = pdf().asked("patient-1");
    let single = app.post(&app.admin(), "/api/docs/presign-upload", single).await;
    let single = single.expect(201).json();
    app.put(&single, pdf().bytes).await.expect(200);
    let ran = upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!(ran[0].did[0], ("abandoned", 0), "their time is not over");
    app.clock.shift_seconds(3 * 3600);
    assert_eq!(upkeep::run_once(&app.app, true).await.unwrap()[0].did[0], ("abandoned", 1));
    assert_eq!(state(app, single["id"].as_str().unwrap()).await, "pending", "it was a dry run");
    assert_eq!(upkeep::run_once(&app.app, false).await.unwrap()[0].did[0], ("abandoned", 1));
    assert_eq!(state(app, single["id"].as_str().unwrap()).await, "abandoned");
    assert!(!stored(app, &single["key"]).await, "the object is still there");
    let confirm = json!({ "id": single["id"] });
    let confirm = app.post(&app.admin(), "/api/docs/confirm", confirm).await.expect(409);
    assert_eq!(confirm.code(), "upload_ended");
    app.clock.shift_seconds(24 * 3600);
    assert_eq!(upkeep::run_once(&app.app, false).await.unwrap()[0].did[0], ("abandoned", 1));
    app.clock.shift_seconds(-27 * 3600);
    assert_eq!(state(app, &parts).await, "abandoned");
    let trail = app.trail().await;
    let ended = "upkeep.uploads upload.abandon granted document";
    assert_eq!(trail.iter().filter(|line| *line == ended).count(), 2, "{trail:?}");
}

/// An announced PDF, and its bytes sent through the server.
async fn receive(app: &TestApp, begun: &Value, body: Body, length: Option<usize>) -> Answer {
    let path = format!("/api/docs/{}/content", begun["id"].as_str().unwrap());
    let admin = app.admin();
    let mut request = Request::builder().method(Method::PUT).uri(path);
    request = request.header(&admin.header.0, &admin.header.1);
    if let Some(length) = length {
        request = request.header("content-length", length);
    }
    app.send(request.body(body).unwrap()).await
}

async fn announce(app: &TestApp, sha256: Option<&[u8]>) -> Value {
    let mut asked = pdf().asked("patient-1");
    asked["sha256"] =
        sha256.map_or(Value::Null, |bytes| json!(hex::encode(digest(&SHA256, bytes))));
    app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json()
}

async fn an_upload_goes_through_the_server_in_one_call(app: &TestApp) {
    let bytes = pdf().bytes;
    let begun = announce(app, Some(&bytes)).await;
    let document = receive(app, &begun, Body::from(bytes.clone()), Some(bytes.len())).await;
    let document = document.expect(201).json();
    assert_eq!(document["sha256"], json!(hex::encode(digest(&SHA256, &bytes))));
    let path = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
    assert!(app.get(&app.admin(), &path).await.expect(200).body == bytes);
    let again = receive(app, &begun, Body::from(bytes.clone()), None).await;
    assert_eq!(again.expect(409).code(), "wrong_state");
    // What is not what was announced ends the upload here too.
    let begun = announce(app, None).await;
    let answer = receive(app, &begun, Body::from(vec![b'x'; bytes.len()]), None).await;
    assert_eq!(answer.expect(422).code(), "content_mismatch");
    assert_eq!(state(app, begun["id"].as_str().unwrap()).await, "refused");
    let begun = announce(app, Some(b"something else")).await;
    let answer = receive(app, &begun, Body::from(bytes.clone()), None).await.expect(422);
    assert!(answer.json()["detail"].as_str().unwrap().contains("checksum"));
}

async fn a_body_that_breaks_off_leaves_nothing_and_can_be_sent_again(app: &TestApp) {
    let bytes = pdf().bytes;
    let begun = announce(app, None).await;
    let piece = Bytes::from(bytes[..1000].to_vec());
    let broken = [Ok(piece.clone()), Err(std::io::Error::other("the line is dead"))];
    let answer = receive(app, &begun, Body::from_stream(stream::iter(broken)), None).await;
    assert_eq!(answer.expect(400).code(), "bad_request");
    for wrong in [bytes[..bytes.len() - 1].to_vec(), [bytes.clone(), vec![0]].concat()] {
        let answer = receive(app, &begun, Body::from(wrong.clone()), None).await;
        assert!(answer.status.is_client_error(), "{}", answer.json());
        let answer = receive(app, &begun, Body::from(wrong.clone()), Some(wrong.len())).await;
        assert_eq!(answer.expect(422).code(), "invalid_fields");
    }
    assert!(!stored(app, &begun["key"]).await, "something is there");
    receive(app, &begun, Body::from(bytes), None).await.expect(201);
}

async fn a_form_uploads_what_was_announced(app: &TestApp) {
    let sample = pdf();
    let mut asked = sample.asked("patient-1");
    asked["method"] = json!("POST");
    let presign = async || {
        app.post(&app.admin(), "/api/docs/presign-upload", asked.clone()).await.expect(201).json()
    };
    let begun = presign().await;
    assert_eq!(
        (&begun["method"], begun["headers"].as_object().unwrap().len()),
        (&json!("POST"), 0)
    );
    let answer = app.send_form(&begun, &[], &sample.bytes).await;
    assert!(answer.status.is_success(), "{}", answer.status);
    let confirm = json!({ "id": begun["id"] });
    app.post(&app.admin(), "/api/docs/confirm", confirm).await.expect(201);
    let begun = presign().await;
    let longer = [sample.bytes.clone(), vec![0]].concat();
    assert!(app.send_form(&begun, &[], &longer).await.status.is_client_error());
    let other = [("key", "somewhere/else.pdf")];
    assert!(app.send_form(&begun, &other, &sample.bytes).await.status.is_client_error());
    let other = [("Content-Type", "text/html")];
    assert!(app.send_form(&begun, &other, &sample.bytes).await.status.is_client_error());
}

async fn a_document_that_is_not_archived_needs_no_retrieval(app: &TestApp) {
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}/retrieval", document["id"].as_str().unwrap());
    let told = app.get(&app.admin(), &path).await.expect(200).json();
    assert_eq!(told, json!({ "state": "not_archived" }));
    let asked = app.post(&app.admin(), &path, json!({ "days": 3 })).await.expect(200).json();
    assert_eq!(asked["state"], "not_archived");
    let wrong = app.post(&app.admin(), &path, json!({ "days": 0 })).await.expect(422);
    assert_eq!(wrong.code(), "invalid_fields");
}

/// Lets a call run on until it waits for a turn that somebody else has; true: it is waiting still.
async fn runs_until_it_waits(call: &mut (impl Future<Output = Answer> + Unpin)) -> bool {
    for _ in 0..200 {
        if futures::poll!(&mut *call).is_ready() {
            return false;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    true
}

/// Two complete the same upload; when the first is through, the document goes to the trash. The
/// second must not take the bytes from there. How fast each comes to its turn is up to the machine,
/// so it is tried until they meet as they should.
async fn a_completion_that_comes_late_takes_nothing_from_the_trash(app: &TestApp) {
    let bytes = large(7);
    for _ in 0..5 {
        let id = app.upload_parts(&app.admin(), asked(&bytes), &bytes).await;
        let path = format!("/api/docs/{id}");
        let reads = &app.app.whole_reads;
        let all = u32::try_from(reads.available_permits()).unwrap();
        let held = reads.acquire_many(all).await.unwrap();
        // The turns are given in the order they are asked for: first, us, second.
        let mut first = Box::pin(complete(app, &id, json!({})));
        let mut ours = Box::pin(reads.acquire_many(all));
        let mut second = Box::pin(complete(app, &id, json!({})));
        let waits = runs_until_it_waits(&mut first).await
            && futures::poll!(&mut ours).is_pending()
            && runs_until_it_waits(&mut second).await;
        drop(held);
        let patience = std::time::Duration::from_secs(20);
        let Ok(done) = tokio::time::timeout(patience, first).await else { continue };
        if !waits {
            continue;
        }
        done.expect(201);
        let turns = ours.await.unwrap();
        app.delete(&app.admin(), &path).await.expect(200);
        drop(turns);
        assert_eq!(second.await.expect(409).code(), "wrong_state");
        app.post(&app.admin(), &format!("{path}/restore"), json!({})).await.expect(200);
        let content = app.get(&app.admin(), &format!("{path}/content")).await.expect(200);
        assert!(content.body == bytes, "the bytes are gone");
        return;
    }
    panic!("they never met");
}

async fn what_an_attempt_that_was_cut_off_has_placed_is_removed_by_upkeep(app: &TestApp) {
    let sample = pdf();
    let mut asked = sample.asked("patient-1");
    asked["method"] = json!("POST");
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    assert!(begun["key"].as_str().unwrap().contains("incoming/"), "{begun}");
    assert!(app.send_form(&begun, &[], &sample.bytes).await.status.is_success());
    let confirm = json!({ "id": begun["id"] });
    // The copy is made, and then nothing can be committed.
    app.break_trail().await;
    app.post(&app.admin(), "/api/docs/confirm", confirm.clone()).await.expect(503);
    app.mend_trail().await;
    let document = app.post(&app.admin(), "/api/docs/confirm", confirm).await.expect(201).json();
    assert!(!document["key"].as_str().unwrap().contains("incoming/"), "{document}");
    app.clock.shift_seconds(7 * 3600);
    let ran = upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!((ran[0].did[2], ran[0].failed), (("removed", 1), 0), "{ran:?}");
    let again = upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!(again[0].did[2], ("removed", 0));
    app.clock.shift_seconds(-7 * 3600);
    // Nothing is left under the signed key, and the document is whole.
    assert!(!stored(app, &begun["key"]).await);
    let path = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
    assert!(app.get(&app.admin(), &path).await.expect(200).body == sample.bytes);
    // The key that was signed stays a name of it.
    let by_key = json!({ "key": begun["key"] });
    app.post(&app.admin(), "/api/docs/confirm", by_key).await.expect(200);
}
