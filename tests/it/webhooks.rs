//! Webhooks, with a real receiver: what is told, to whom, signed how, and what becomes of messages
//! that are not taken.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use strongroom::webhooks::{Sent, send_due};

use crate::contract::expect_problem;
use crate::process::{PATIENCE, PAUSE, Server, variable};
use crate::support::{Caller, TestApp, pdf};
use crate::webhooks_receiver::{Receiver, Reply};
use crate::with_variables;

with_variables!(
    &[("STRONGROOM_WEBHOOK_ALLOW_PRIVATE", "true")];
    each_change_of_a_document_is_told_once_with_a_signature_that_holds,
    what_a_webhook_did_not_ask_for_and_other_clinics_changes_are_not_told,
    a_repeated_call_tells_nothing_again,
    a_message_that_is_not_taken_comes_again_with_the_same_id_and_bytes,
    a_message_is_tried_ten_times_over_three_days_and_can_be_sent_again_by_hand,
    nothing_is_followed_read_to_the_end_or_waited_for_without_end,
    who_answers_gone_or_nothing_for_days_is_switched_off_and_can_be_switched_on,
    two_senders_at_once_send_each_message_once,
    changes_that_are_made_at_once_are_each_told_once,
    a_change_that_is_not_committed_is_not_told,
    both_secrets_sign_for_a_day_after_one_was_rotated,
    what_is_removed_or_off_is_sent_nothing,
    a_webhook_belongs_to_its_clinic_and_to_admins,
    wrong_fields_are_named_and_there_are_at_most_twenty,
);

pub async fn make(app: &TestApp, who: &Caller, receiver: &Receiver, events: Value) -> Value {
    let asked = json!({ "url": receiver.url, "events": events });
    app.post(who, "/api/webhooks", asked).await.expect(201).json()
}

pub async fn send(app: &TestApp) -> Sent {
    send_due(&app.app).await.unwrap()
}

pub fn path(webhook: &Value) -> String {
    format!("/api/webhooks/{}", webhook["id"].as_str().unwrap())
}

pub async fn deliveries(app: &TestApp, webhook: &Value) -> Vec<Value> {
    let shown = app.get(&app.admin(), &path(webhook)).await.expect(200).json();
    shown["deliveries"].as_array().unwrap().clone()
}

/// What the reference library says of each message.
fn verified(cases: &[Value]) -> Vec<String> {
    let python = variable("STRONGROOM_TEST_PYTHON")
        .expect("STRONGROOM_TEST_PYTHON is set by `make test`, which makes the environment");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/verify_webhook.py");
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = json!({ "cases": cases }).to_string();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn case(secret: &Value, got: &crate::webhooks_receiver::Got) -> Value {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> =
        names.iter().map(|name| ((*name).to_owned(), json!(got.header(name)))).collect();
    json!({ "secret": secret, "headers": headers, "body": String::from_utf8_lossy(&got.body) })
}

async fn each_change_of_a_document_is_told_once_with_a_signature_that_holds(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let webhook = make(app, &admin, &receiver, json!(["*"])).await;
    assert!(webhook["secret"].as_str().unwrap().starts_with("whsec_"));
    let patient = "7f1c5c0e-4d7c-4c1b-9a54-2f0f3f1c2d3e";
    let document = app.upload(&admin, patient, &pdf()).await;
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    app.delete(&admin, &path).await.expect(200);
    app.post(&admin, &format!("{path}/restore"), json!({})).await.expect(200);
    let mut newer = pdf().asked(patient);
    newer["supersedes"] = document["id"].clone();
    let newer = app.post(&admin, "/api/docs/presign-upload", newer).await.expect(201).json();
    app.put(&newer, pdf().bytes).await.expect(200);
    app.post(&admin, "/api/docs/confirm", json!({ "id": newer["id"] })).await.expect(201);
    let lying = app.post(&admin, "/api/docs/presign-upload", pdf().asked("MRN-1")).await;
    let lying = lying.expect(201).json();
    app.put(&lying, vec![b'x'; pdf().bytes.len()]).await.expect(200);
    app.post(&admin, "/api/docs/confirm", json!({ "id": lying["id"] })).await.expect(422);
    app.post(&admin, "/api/docs/presign-upload", pdf().asked(patient)).await.expect(201);
    app.clock.shift_seconds(3 * 3600);
    strongroom::upkeep::run_once(&app.app, false).await.unwrap();
    app.clock.shift_seconds(-3 * 3600);

    app.clock.shift_seconds(1);
    let sent = send(app).await;
    assert_eq!(sent, Sent { delivered: 6, ..Sent::default() });
    app.clock.shift_seconds(3 * 3600);
    assert_eq!(send(app).await.delivered, 1, "the upload that was abandoned three hours later");
    assert_eq!(send(app).await, Sent::default());
    assert_eq!(
        receiver.events(),
        [
            "document.available",
            "document.available",
            "document.deleted",
            "document.refused",
            "document.restored",
            "document.superseded",
            "upload.abandoned",
        ]
    );
    let got = receiver.got();
    let of = |event: &str| got.iter().find(|got| got.json()["type"] == event).unwrap().json();
    let deleted = of("document.deleted");
    assert_eq!(deleted["data"]["id"], document["id"]);
    assert_eq!(deleted["data"]["clinicId"], DEFAULT_CLINIC.to_string());
    assert_eq!(deleted["data"]["patientId"], patient);
    assert_eq!(deleted["data"]["state"], "deleted");
    assert_eq!(deleted["data"]["category"], document["category"]);
    let superseded = of("document.superseded");
    assert_eq!(superseded["data"]["id"], document["id"]);
    assert_eq!(superseded["data"]["supersededBy"], newer["id"]);
    assert!(superseded["data"].get("category").is_none(), "that of the newer one");
    assert!(of("document.refused")["data"].get("patientId").is_none(), "a record number");
    let text: String = got.iter().map(|g| String::from_utf8_lossy(&g.body).into_owned()).collect();
    for secret in [pdf().name, "MRN-1", "whsec_", "http"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(got.iter().all(|g| g.method == Method::POST));
    assert!(got.iter().all(|g| g.header("content-type") == "application/json"));
    let ids: BTreeSet<_> = got.iter().map(|g| g.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 7);
    // The last was signed three hours from now: the library takes no message from the future.
    let mut cases: Vec<_> = got[..6].iter().map(|g| case(&webhook["secret"], g)).collect();
    let mut forged = cases[0].clone();
    forged["body"] = json!(format!("{} ", forged["body"].as_str().unwrap()));
    let other = json!("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    cases.extend([forged, case(&other, &got[0]), case(&webhook["secret"], &got[6])]);
    let said = verified(&cases);
    assert!(said[..6].iter().all(|said| said == "ok"), "{said:?}");
    assert!(said[6..].iter().all(|said| said != "ok"), "{said:?}");
    assert!(said[8].contains("timestamp"), "a replay window: {said:?}");
}

async fn what_a_webhook_did_not_ask_for_and_other_clinics_changes_are_not_told(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    make(app, &admin, &receiver, json!(["document.deleted"])).await;
    let ours = app.upload(&admin, "patient-1", &pdf()).await;
    let theirs = app.upload(&app.stranger(), "patient-1", &pdf()).await;
    let of = |document: &Value| format!("/api/docs/{}", document["id"].as_str().unwrap());
    app.delete(&app.stranger(), &of(&theirs)).await.expect(200);
    app.get(&admin, &of(&ours)).await.expect(200);
    app.get(&admin, &format!("{}/download", of(&ours))).await.expect(200);
    app.delete(&app.clinician(), &of(&ours)).await.expect(404);
    assert_eq!(send(app).await, Sent::default());
    app.delete(&admin, &of(&ours)).await.expect(200);
    assert_eq!(send(app).await.delivered, 1);
    assert_eq!(receiver.events(), ["document.deleted"]);
    assert_eq!(receiver.got()[0].json()["data"]["id"], ours["id"]);
}

async fn a_repeated_call_tells_nothing_again(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    make(app, &admin, &receiver, json!(["*"])).await;
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let again = json!({ "id": document["id"] });
    app.post(&admin, "/api/docs/confirm", again).await.expect(200);
    let parts = app.post(&admin, "/api/docs/multipart", pdf().asked("patient-1")).await;
    let parts = parts.expect(201).json();
    let upload = format!("/api/docs/multipart/{}", parts["uploadId"].as_str().unwrap());
    app.delete(&admin, &upload).await.expect(204);
    app.delete(&admin, &upload).await.expect(204);
    assert_eq!(send(app).await.delivered, 2);
    assert_eq!(receiver.events(), ["document.available", "upload.abandoned"]);
}

async fn a_message_that_is_not_taken_comes_again_with_the_same_id_and_bytes(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let webhook = make(app, &admin, &receiver, json!(["*"])).await;
    receiver.answers(&[Reply::Status(500), Reply::Status(404), Reply::Status(204)]);
    app.upload(&admin, "patient-1", &pdf()).await;
    assert_eq!(send(app).await, Sent { again: 1, ..Sent::default() });
    assert_eq!(send(app).await, Sent::default(), "not at once");
    let waits = deliveries(app, &webhook).await;
    assert_eq!((&waits[0]["state"], &waits[0]["answer"]), (&json!("pending"), &json!("500")));
    let shown = app.get(&admin, &path(&webhook)).await.expect(200).json();
    assert!(shown["failingSince"].is_string(), "{shown}");
    app.clock.shift_seconds(6);
    assert_eq!(send(app).await.again, 1, "after five seconds");
    app.clock.shift_seconds(6);
    assert_eq!(send(app).await, Sent::default());
    app.clock.shift_seconds(6 * 60);
    assert_eq!(send(app).await.delivered, 1, "after five minutes and a tenth");
    let got = receiver.got();
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|g| g.header("webhook-id") == got[0].header("webhook-id")));
    assert!(got.iter().all(|g| g.body == got[0].body));
    let times: BTreeSet<_> = got.iter().map(|g| g.header("webhook-timestamp").to_owned()).collect();
    assert_eq!(times.len(), 3, "each try is signed anew");
    let done = deliveries(app, &webhook).await;
    assert_eq!((&done[0]["state"], &done[0]["attempts"]), (&json!("delivered"), &json!(3)));
    let shown = app.get(&admin, &path(&webhook)).await.expect(200).json();
    assert!(shown.get("failingSince").is_none(), "{shown}");
}

async fn a_message_is_tried_ten_times_over_three_days_and_can_be_sent_again_by_hand(app: &TestApp) {
    let receiver = Receiver::start().await;
    let webhook = make(app, &app.admin(), &receiver, json!(["*"])).await;
    receiver.answers(&[Reply::Status(503); 10]);
    app.upload(&app.admin(), "patient-1", &pdf()).await;
    let mut tries = 0;
    let mut hours = 0;
    while deliveries(app, &webhook).await[0]["state"] == "pending" {
        let sent = send(app).await;
        tries += sent.again + sent.failed;
        app.clock.shift_seconds(3600);
        hours += 1;
        assert!(hours < 200, "{tries} tries");
    }
    assert_eq!(tries, 10);
    assert!((68..90).contains(&hours), "{hours}");
    let failed = deliveries(app, &webhook).await.remove(0);
    assert_eq!((&failed["state"], &failed["attempts"]), (&json!("failed"), &json!(10)));
    let retry = format!("{}/deliveries/{}/retry", path(&webhook), failed["id"].as_str().unwrap());
    app.call(&app.admin(), Method::POST, &retry, None).await.expect(202);
    assert_eq!(send(app).await.delivered, 1);
    let got = receiver.got();
    assert_eq!(got.len(), 11);
    assert_eq!(got[10].header("webhook-id"), failed["id"]);
    // A month later nothing of it is left.
    app.clock.shift_seconds(31 * 86_400);
    strongroom::upkeep::run_once(&app.app, false).await.unwrap();
    assert!(deliveries(app, &webhook).await.is_empty());
}

async fn nothing_is_followed_read_to_the_end_or_waited_for_without_end(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let webhook = make(app, &admin, &receiver, json!(["*"])).await;
    let away = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let asked = json!({ "url": away });
    let away = app.post(&admin, "/api/webhooks", asked).await.expect(201).json();
    let minute = Duration::from_mins(1);
    receiver.answers(&[Reply::Redirect, Reply::Huge, Reply::Slow(minute)]);
    app.upload(&admin, "patient-1", &pdf()).await;
    assert_eq!(send(app).await.again, 2);
    let told = async |webhook: &Value| deliveries(app, webhook).await[0]["answer"].clone();
    assert_eq!(told(&webhook).await, "307");
    assert_eq!(told(&away).await, "no connection");
    app.clock.shift_seconds(6);
    assert_eq!(send(app).await.delivered, 1, "a huge answer is an answer");
    app.upload(&admin, "patient-1", &pdf()).await;
    let began = Instant::now();
    send(app).await;
    assert!((10..30).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(told(&webhook).await, "no answer in time");
    assert_eq!(receiver.got().len(), 3, "nothing came to /elsewhere");
}

async fn who_answers_gone_or_nothing_for_days_is_switched_off_and_can_be_switched_on(
    app: &TestApp,
) {
    let (gone, failing) = (Receiver::start().await, Receiver::start().await);
    let of_gone = make(app, &app.admin(), &gone, json!(["*"])).await;
    let of_failing = make(app, &app.admin(), &failing, json!(["*"])).await;
    gone.answers(&[Reply::Status(410)]);
    failing.answers(&[Reply::Status(500); 20]);
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let sent = send(app).await;
    assert_eq!((sent.failed, sent.again), (1, 1));
    let shown = async |webhook: &Value| app.get(&app.admin(), &path(webhook)).await.json();
    let off = shown(&of_gone).await;
    assert_eq!((&off["enabled"], &off["disabledReason"]), (&json!(false), &json!("gone")));
    assert_eq!(shown(&of_failing).await["enabled"], true);
    for _ in 0..5 {
        app.clock.shift_seconds(86_400 + 600);
        assert_eq!(shown(&of_failing).await["enabled"], true);
        send(app).await;
    }
    let off = shown(&of_failing).await;
    assert_eq!((&off["enabled"], &off["disabledReason"]), (&json!(false), &json!("failing")));
    let trail = app.trail().await;
    let told = trail.iter().filter(|line| *line == "webhooks webhooks.manage granted webhook");
    assert_eq!(told.count(), 2, "{trail:?}");
    let test = format!("{}/test", path(&of_failing));
    let refused = app.call(&app.admin(), Method::POST, &test, None).await;
    expect_problem(&refused, 409, "wrong_state");
    // What happens meanwhile waits for the one that was failing, as does what waited before.
    let document = format!("/api/docs/{}", document["id"].as_str().unwrap());
    app.delete(&app.admin(), &document).await.expect(200);
    assert_eq!(send(app).await, Sent::default());
    app.clock.shift_seconds(86_400);
    let on = json!({ "enabled": true });
    let on = app.call(&app.admin(), Method::PATCH, &path(&of_failing), Some(on)).await;
    let on = on.expect(200).json();
    assert_eq!((&on["enabled"], on.get("failingSince")), (&json!(true), None));
    failing.answers(&[]);
    assert_eq!(deliveries(app, &of_failing).await.len(), 2);
    assert_eq!(deliveries(app, &of_gone).await.len(), 1, "it asked to be told no more");
    assert_eq!(send(app).await.again, 2);
}

async fn two_senders_at_once_send_each_message_once(app: &TestApp) {
    let receiver = Receiver::start().await;
    make(app, &app.admin(), &receiver, json!(["*"])).await;
    for _ in 0..6 {
        app.upload(&app.admin(), "patient-1", &pdf()).await;
    }
    let sent = join_all((0..4).map(|_| send(app))).await;
    assert_eq!(sent.iter().map(|sent| sent.delivered).sum::<usize>(), 6);
    assert_eq!(receiver.got().len(), 6);
}

async fn changes_that_are_made_at_once_are_each_told_once(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    make(app, &admin, &receiver, json!(["*"])).await;
    let sample = pdf();
    let uploads = join_all((0..12).map(|_| app.upload(&admin, "patient-1", &sample))).await;
    let changes = uploads.iter().map(|document| async {
        let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
        // Two at once: one of them deletes.
        let (a, b) = tokio::join!(app.delete(&admin, &path), app.delete(&admin, &path));
        let mut said = [a.status.as_u16(), b.status.as_u16()];
        said.sort_unstable();
        assert_eq!(said, [200, 409]);
    });
    let sending = async {
        for _ in 0..10 {
            send(app).await;
        }
    };
    tokio::join!(join_all(changes), sending);
    send(app).await;
    let mut told: Vec<_> = receiver
        .got()
        .iter()
        .map(|got| (got.json()["type"].to_string(), got.json()["data"]["id"].to_string()))
        .collect();
    told.sort();
    let mut expected: Vec<_> = uploads
        .iter()
        .flat_map(|document| {
            ["\"document.available\"", "\"document.deleted\""]
                .map(|event| (event.to_owned(), document["id"].to_string()))
        })
        .collect();
    expected.sort();
    assert_eq!(told, expected);
}

async fn a_change_that_is_not_committed_is_not_told(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    make(app, &admin, &receiver, json!(["*"])).await;
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    assert_eq!(send(app).await.delivered, 1);
    app.break_trail().await;
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    app.delete(&admin, &path).await.expect(503);
    app.mend_trail().await;
    assert_eq!(send(app).await, Sent::default());
    app.delete(&admin, &path).await.expect(200);
    assert_eq!(send(app).await.delivered, 1);
}

async fn both_secrets_sign_for_a_day_after_one_was_rotated(app: &TestApp) {
    let receiver = Receiver::start().await;
    let webhook = make(app, &app.admin(), &receiver, json!(["*"])).await;
    let rotate = format!("{}/rotate-secret", path(&webhook));
    let new = app.call(&app.admin(), Method::POST, &rotate, None).await.expect(200).json();
    assert_ne!(new["secret"], webhook["secret"]);
    let test = format!("{}/test", path(&webhook));
    let queued = app.call(&app.admin(), Method::POST, &test, None).await.expect(202).json();
    assert_eq!(send(app).await.delivered, 1);
    let got = receiver.got();
    assert_eq!(got[0].json()["type"], "webhook.test");
    assert_eq!(got[0].header("webhook-id"), queued["deliveryId"]);
    assert_eq!(got[0].header("webhook-signature").split(' ').count(), 2);
    let both = [case(&webhook["secret"], &got[0]), case(&new["secret"], &got[0])];
    assert_eq!(verified(&both), ["ok", "ok"]);
    // A day later only the new one signs.
    app.clock.shift_seconds(86_401);
    app.call(&app.admin(), Method::POST, &test, None).await.expect(202);
    assert_eq!(send(app).await.delivered, 1);
    assert_eq!(receiver.got()[1].header("webhook-signature").split(' ').count(), 1);
    // Nobody is shown a secret again.
    let shown = app.get(&app.admin(), &path(&webhook)).await.expect(200);
    assert!(!String::from_utf8_lossy(&shown.body).contains("whsec_"));
}

async fn what_is_removed_or_off_is_sent_nothing(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let removed = make(app, &admin, &receiver, json!(["*"])).await;
    let off = make(app, &admin, &receiver, json!(["*"])).await;
    app.upload(&admin, "patient-1", &pdf()).await;
    app.delete(&admin, &path(&removed)).await.expect(204);
    app.delete(&admin, &path(&removed)).await.expect(404);
    let body = json!({ "enabled": false });
    app.call(&admin, Method::PATCH, &path(&off), Some(body)).await.expect(200);
    app.upload(&admin, "patient-1", &pdf()).await;
    assert_eq!(send(app).await, Sent::default());
    assert_eq!(deliveries(app, &off).await.len(), 1, "what happens while it is off is not noted");
    let body = json!({ "enabled": true });
    app.call(&admin, Method::PATCH, &path(&off), Some(body)).await.expect(200);
    assert_eq!(send(app).await.delivered, 1);
}

async fn a_webhook_belongs_to_its_clinic_and_to_admins(app: &TestApp) {
    let receiver = Receiver::start().await;
    let webhook = make(app, &app.admin(), &receiver, json!(["*"])).await;
    let stranger = app.stranger();
    assert_eq!(app.get(&stranger, "/api/webhooks").await.expect(200).json()["items"], json!([]));
    expect_problem(&app.get(&stranger, &path(&webhook)).await, 404, "not_found");
    expect_problem(&app.delete(&stranger, &path(&webhook)).await, 404, "not_found");
    for who in [app.clinician(), app.staff(), app.service(), app.auditor(), app.patient("p")] {
        expect_problem(&app.get(&who, "/api/webhooks").await, 403, "forbidden");
        expect_problem(&app.get(&who, &path(&webhook)).await, 403, "forbidden");
    }
    assert_eq!(app.get(&app.admin(), &path(&webhook)).await.expect(200).json()["enabled"], true);
}

async fn wrong_fields_are_named_and_there_are_at_most_twenty(app: &TestApp) {
    let admin = app.admin();
    let asked = async |body: Value| app.post(&admin, "/api/webhooks", body).await;
    for (field, body) in [
        ("url", json!({ "url": "https://me:pw@example.com" })),
        ("url", json!({ "url": "http://169.254.169.254/latest/meta-data" })),
        ("url", json!({})),
        ("events", json!({ "url": "https://example.com", "events": ["document.eaten"] })),
        ("events", json!({ "url": "https://example.com", "events": [] })),
        ("description", json!({ "url": "https://example.com", "description": "a\nb" })),
        ("secret", json!({ "url": "https://example.com", "secret": "mine" })),
    ] {
        let refused = asked(body).await;
        expect_problem(&refused, 422, "invalid_fields");
        assert!(refused.json()["errors"][field].is_string(), "{field}: {}", refused.json());
    }
    let url = json!({ "url": "https://example.com/hooks", "description": "ours" });
    let made = join_all((0..25).map(|_| asked(url.clone()))).await;
    assert_eq!(made.iter().filter(|answer| answer.status == 201).count(), 20);
    assert_eq!(made.iter().filter(|answer| answer.status == 409).count(), 5);
}

#[tokio::test]
async fn without_leave_nothing_is_sent_inside_however_it_was_written_down() {
    let app = TestApp::sqlite().await;
    let receiver = Receiver::start().await;
    for inside in [&receiver.url, "https://127.0.0.1:1/", "https://10.0.0.1/", "https://[::1]/"] {
        let refused = app.post(&app.admin(), "/api/webhooks", json!({ "url": inside })).await;
        expect_problem(&refused, 422, "invalid_fields");
    }
    // A name says nothing yet: what it leads to is looked at when it is connected to.
    let by_name = json!({ "url": "https://localhost:1/hooks" });
    let webhook = app.post(&app.admin(), "/api/webhooks", by_name).await.expect(201).json();
    app.upload(&app.admin(), "patient-1", &pdf()).await;
    assert_eq!(send(&app).await.again, 1);
    assert_eq!(deliveries(&app, &webhook).await[0]["answer"], "the address is not allowed");
    // Written beside the API, or before private addresses were forbidden again.
    app.sql("update webhooks set url = 'http://127.0.0.1:1/'").await.unwrap();
    app.clock.shift_seconds(10);
    assert_eq!(send(&app).await.again, 1);
    assert_eq!(deliveries(&app, &webhook).await[0]["answer"], "the address is not allowed");
    assert!(receiver.got().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_sends_by_itself_and_goes_on_after_a_restart() {
    let receiver = Receiver::start().await;
    let mut server = Server::start(&[("STRONGROOM_WEBHOOK_ALLOW_PRIVATE", "true")]).await;
    let token = server.token("admin");
    let post = async |server: &Server, path: &str, body: Value| {
        let request = server.http.post(format!("{}{path}", server.url)).bearer_auth(&token);
        let answer = request.json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        answer.json::<Value>().await.unwrap()
    };
    let webhook = post(&server, "/api/webhooks", json!({ "url": receiver.url })).await;
    let test = format!("{}/test", path(&webhook));
    let arrived = async |count: usize| {
        let deadline = Instant::now() + PATIENCE;
        while receiver.got().len() < count {
            assert!(Instant::now() < deadline, "{} came", receiver.got().len());
            tokio::time::sleep(PAUSE).await;
        }
    };
    let began = Instant::now();
    post(&server, &test, json!({})).await;
    arrived(1).await;
    assert!(began.elapsed() < Duration::from_secs(4), "woken: {:?}", began.elapsed());
    receiver.answers(&[Reply::Status(500)]);
    post(&server, &test, json!({})).await;
    arrived(2).await;
    let answered = async || {
        let shown = server.get(&token, &path(&webhook)).await.expect(200).json();
        shown["deliveries"][0]["answer"] == "500"
    };
    while !answered().await {
        tokio::time::sleep(PAUSE).await;
    }
    server.kill9();
    server.restart().await;
    arrived(3).await;
    let got = receiver.got();
    assert_eq!(got[1].header("webhook-id"), got[2].header("webhook-id"));
    let checks: Value = serde_json::from_slice(&server.cli(&["doctor", "--json"]).stdout).unwrap();
    assert!(checks.to_string().contains("webhooks: 1; switched off by failing: 0"), "{checks}");
    let log = server.log();
    assert!(!log.contains("whsec_") && !log.contains("/hooks"), "{log}");
}
