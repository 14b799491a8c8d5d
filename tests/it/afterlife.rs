//! Trash, legal hold and purge: what is destroyed, what must not be, and what was cut off.

use http::Method;
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use strongroom::store::ObjectKey;
use strongroom::upkeep::{self, Ran};

use crate::faulty_proxy::{Fault, Proxy};
use crate::garage::Account;
use crate::on_every_ground;
use crate::support::{Answer, TestApp, pdf};

on_every_ground!(
    purging_destroys_the_bytes_and_leaves_a_tombstone_without_a_name,
    what_is_held_or_must_be_kept_is_not_purged,
    a_hold_needs_a_reason_and_bytes_to_hold,
    the_trash_is_emptied_when_its_days_are_over,
    what_is_restored_while_the_trash_is_emptied_stays,
    temporary_documents_go_after_a_week,
    a_purge_that_was_cut_off_is_finished,
    a_url_that_is_still_out_brings_nothing_back_for_good,
    two_purge_at_once_and_one_erasure_is_told,
    a_hold_and_a_purge_at_once_do_not_both_happen,
    what_cannot_be_removed_does_not_keep_the_rest_waiting,
);

const DAY: i64 = 24 * 3600;

fn path(document: &Value) -> String {
    format!("/api/docs/{}", document["id"].as_str().unwrap())
}

async fn purge(app: &TestApp, document: &Value) -> Answer {
    app.delete(&app.admin(), &format!("{}?permanent=true", path(document))).await
}

async fn hold(app: &TestApp, document: &Value, reason: &str) -> Answer {
    let body = Some(json!({ "reason": reason }));
    app.call(&app.admin(), Method::PUT, &format!("{}/hold", path(document)), body).await
}

async fn lift(app: &TestApp, document: &Value) -> Answer {
    let body = Some(json!({ "reason": "the claim is settled" }));
    app.call(&app.admin(), Method::DELETE, &format!("{}/hold", path(document)), body).await
}

async fn is_stored(app: &TestApp, key: &Value) -> bool {
    let key = ObjectKey::new(key.as_str().unwrap()).unwrap();
    app.app.store.head(&key, None).await.is_ok()
}

async fn empty_trash(app: &TestApp) -> Ran {
    upkeep::run_once(&app.app, false).await.unwrap().remove(1)
}

fn did(purged: usize, temporary: usize, erased: usize) -> Vec<(&'static str, usize)> {
    vec![("purged", purged), ("temporary", temporary), ("erased", erased)]
}

/// How many events of an action a document has.
async fn told(app: &TestApp, document: &Value, action: &str) -> usize {
    let id = document["id"].as_str();
    let events = app.events(DEFAULT_CLINIC).await;
    events.iter().filter(|e| e.action == action && e.target_id.as_deref() == id).count()
}

async fn purging_destroys_the_bytes_and_leaves_a_tombstone_without_a_name(app: &TestApp) {
    let admin = app.admin();
    for from_trash in [false, true] {
        let document = app.upload(&admin, "patient-1", &pdf()).await;
        if from_trash {
            app.delete(&admin, &path(&document)).await.expect(200);
        }
        let link = path(&document);
        let gone = purge(app, &document).await.expect(200).json();
        assert_eq!((&gone["state"], &gone["filename"]), (&json!("purged"), &json!("")));
        assert!(gone["purgedAt"].is_string(), "{gone}");
        assert_eq!(gone["sha256"], document["sha256"]);
        assert!(!is_stored(app, &document["key"]).await, "the bytes are still there");
        assert_eq!(app.get(&admin, &link).await.expect(200).json(), gone);
        assert_eq!(purge(app, &document).await.expect(200).json(), gone);
        for (method, path) in [
            (Method::GET, format!("{link}/content")),
            (Method::GET, format!("{link}/download")),
            (Method::POST, format!("{link}/restore")),
            (Method::DELETE, link.clone()),
        ] {
            let answer = app.call(&admin, method, &path, None).await.expect(409);
            assert_eq!(answer.code(), "wrong_state");
        }
        assert_eq!(told(app, &document, "document.purge").await, 2);
        assert_eq!(told(app, &document, "content.erase").await, 1);
    }
    let found = app.get(&admin, "/api/docs?state=purged&q=letter").await.expect(200).json();
    assert_eq!(found["items"], json!([]), "a tombstone has a name");
    app.get(&app.patient("patient-1"), "/api/docs?state=purged").await.expect(200);
    let pending = app.post(&admin, "/api/docs/presign-upload", pdf().asked("p")).await.expect(201);
    assert_eq!(purge(app, &pending.json()).await.expect(409).code(), "wrong_state");
}

async fn what_is_held_or_must_be_kept_is_not_purged(app: &TestApp) {
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let held = hold(app, &document, "a claim is expected").await.expect(200).json();
    assert_eq!(held["onHold"], true);
    assert_eq!(purge(app, &document).await.expect(409).code(), "on_hold");
    // The trash keeps the bytes, so it is open; its end is not.
    app.delete(&app.admin(), &path(&document)).await.expect(200);
    assert_eq!(purge(app, &document).await.expect(409).code(), "on_hold");
    app.clock.shift_seconds(400 * DAY);
    assert_eq!(empty_trash(app).await.did, did(0, 0, 0));
    lift(app, &document).await.expect(200);
    app.sql("update document_assets set retain_until = upload_expires_at").await.unwrap();
    app.clock.shift_seconds(-400 * DAY);
    let kept = purge(app, &document).await.expect(409);
    assert_eq!(kept.code(), "retention");
    assert!(kept.json()["detail"].as_str().unwrap().contains("until 20"));
    let restored = app.post(&app.admin(), &format!("{}/restore", path(&document)), json!({})).await;
    assert!(restored.expect(200).json()["retainUntil"].is_string());
    app.delete(&app.admin(), &path(&document)).await.expect(200);
    app.clock.shift_seconds(DAY);
    purge(app, &document).await.expect(200);
    app.clock.shift_seconds(-DAY);
}

async fn a_hold_needs_a_reason_and_bytes_to_hold(app: &TestApp) {
    let admin = app.admin();
    let begun = app.post(&admin, "/api/docs/presign-upload", pdf().asked("p")).await.expect(201);
    assert_eq!(hold(app, &begun.json(), "why not").await.expect(409).code(), "wrong_state");
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    for wrong in ["", "  ", "a\u{7}", &"x".repeat(501)] {
        let answer = hold(app, &document, wrong).await.expect(422);
        assert!(answer.json()["errors"]["reason"].is_string(), "{wrong:?}");
    }
    let link = format!("{}/hold", path(&document));
    let free = app.get(&admin, &link).await.expect(200).json();
    assert_eq!(free, json!({ "onHold": false }));
    hold(app, &document, "a claim is expected").await.expect(200);
    hold(app, &document, "a claim is expected").await.expect(200);
    let held = app.get(&admin, &link).await.expect(200).json();
    assert_eq!(
        (&held["reason"], &held["by"]),
        (&json!("a claim is expected"), &json!("test-admin"))
    );
    let listed = app.get(&admin, "/api/docs?held=true").await.expect(200).json();
    assert_eq!(listed["items"][0]["holdReason"], "a claim is expected");
    assert_eq!(listed["items"][0]["heldSince"], held["since"]);
    let shown = app.get(&app.patient("patient-1"), &path(&document)).await.expect(200).json();
    assert!(!shown.to_string().contains("claim"), "{shown}");
    app.get(&app.patient("patient-1"), &link).await.expect(403);
    let edit = json!({ "filename": "other.pdf" });
    let edit = app.call(&admin, Method::PATCH, &path(&document), Some(edit)).await;
    assert_eq!(edit.expect(409).code(), "on_hold");
    lift(app, &document).await.expect(200);
    let free = lift(app, &document).await.expect(200).json();
    assert_eq!(free["onHold"], false);
}

async fn the_trash_is_emptied_when_its_days_are_over(app: &TestApp) {
    let (early, late) = (
        app.upload(&app.admin(), "patient-1", &pdf()).await,
        app.upload(&app.admin(), "patient-1", &pdf()).await,
    );
    app.delete(&app.admin(), &path(&early)).await.expect(200);
    app.delete(&app.admin(), &path(&late)).await.expect(200);
    app.clock.shift_seconds(30 * DAY - 60);
    assert_eq!(empty_trash(app).await.did, did(0, 0, 0));
    app.clock.shift_seconds(120);
    // Its time is over, but nobody has emptied the trash yet.
    app.post(&app.admin(), &format!("{}/restore", path(&late)), json!({})).await.expect(200);
    let dry = upkeep::run_once(&app.app, true).await.unwrap().remove(1);
    assert_eq!(dry.did, did(1, 0, 0));
    assert_eq!(empty_trash(app).await.did, did(1, 0, 1));
    assert_eq!(empty_trash(app).await.did, did(0, 0, 0));
    assert!(!is_stored(app, &early["key"]).await);
    assert!(is_stored(app, &late["key"]).await);
    let tombstone = app.get(&app.admin(), &path(&early)).await.expect(200).json();
    assert_eq!((&tombstone["state"], &tombstone["filename"]), (&json!("purged"), &json!("")));
    assert_eq!(told(app, &early, "document.purge").await, 1);
    assert_eq!(told(app, &early, "content.erase").await, 1);
    app.clock.shift_seconds(-30 * DAY - 60);
}

/// The same form again would put one more version on the disk each time, past every quota.
#[tokio::test]
async fn a_form_brings_one_file_and_nothing_once_that_is_a_document() {
    let app = TestApp::sqlite().await;
    let mut asked = pdf().asked("patient-1");
    asked["method"] = json!("POST");
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    let status = async || app.send_form(&begun, &[], &pdf().bytes).await.status.as_u16();
    assert_eq!(status().await, 204);
    assert_eq!(status().await, 412);
    let body = json!({ "id": begun["id"] });
    app.post(&app.admin(), "/api/docs/confirm", body).await.expect(201);
    assert_eq!(status().await, 403);
    app.check().await;
}

async fn what_is_restored_while_the_trash_is_emptied_stays(app: &TestApp) {
    let mut thrown = Vec::new();
    for _ in 0..40 {
        let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
        app.delete(&app.admin(), &path(&document)).await.expect(200);
        thrown.push(document);
    }
    app.clock.shift_seconds(31 * DAY);
    // The last of those that upkeep has found by then.
    let last = thrown.pop().unwrap();
    let (admin, restore) = (app.admin(), format!("{}/restore", path(&last)));
    let (ran, restored) = tokio::join!(empty_trash(app), app.post(&admin, &restore, json!({})));
    restored.expect(200);
    assert_eq!(ran.did, did(39, 0, 39));
    let kept = app.get(&app.admin(), &path(&last)).await.expect(200).json();
    assert_eq!(kept["state"], "available");
    assert!(is_stored(app, &last["key"]).await);
    app.clock.shift_seconds(-31 * DAY);
}

async fn temporary_documents_go_after_a_week(app: &TestApp) {
    let kept = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let mut asked = pdf().asked("patient-1");
    asked["temporary"] = json!(true);
    let mut temporary = Vec::new();
    for _ in 0..2 {
        let begun =
            app.post(&app.admin(), "/api/docs/presign-upload", asked.clone()).await.expect(201);
        let begun = begun.json();
        app.put(&begun, pdf().bytes).await.expect(200);
        let confirm = json!({ "id": begun["id"] });
        temporary
            .push(app.post(&app.admin(), "/api/docs/confirm", confirm).await.expect(201).json());
    }
    hold(app, &temporary[1], "needed after all").await.expect(200);
    app.clock.shift_seconds(7 * DAY - 60);
    assert_eq!(empty_trash(app).await.did, did(0, 0, 0));
    app.clock.shift_seconds(120);
    assert_eq!(empty_trash(app).await.did, did(0, 1, 1));
    assert!(!is_stored(app, &temporary[0]["key"]).await);
    assert!(is_stored(app, &temporary[1]["key"]).await);
    assert!(is_stored(app, &kept["key"]).await);
    app.clock.shift_seconds(-7 * DAY - 60);
}

/// The server is killed after the row was marked and before the store was asked, or before the
/// row could say that the bytes are gone: it stands as it would after a start.
async fn a_purge_that_was_cut_off_is_finished(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let cut = "update document_assets set state = 'purged', file_name = '', purged_at = null";
    app.sql(cut).await.unwrap();
    assert!(is_stored(app, &document["key"]).await);
    assert_eq!(empty_trash(app).await.did, did(0, 0, 1));
    assert!(!is_stored(app, &document["key"]).await);
    assert_eq!(told(app, &document, "content.erase").await, 1);
    // The bytes are gone, and the row does not say so.
    app.sql(cut).await.unwrap();
    assert_eq!(empty_trash(app).await.did, did(0, 0, 1));
    // Somebody who asks again does not have to wait for upkeep.
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    app.sql(cut).await.unwrap();
    assert!(purge(app, &document).await.expect(200).json()["purgedAt"].is_string());
    assert!(!is_stored(app, &document["key"]).await);
}

async fn a_url_that_is_still_out_brings_nothing_back_for_good(app: &TestApp) {
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", pdf().asked("patient-1")).await;
    let begun = begun.expect(201).json();
    app.put(&begun, pdf().bytes).await.expect(200);
    let confirm = json!({ "id": begun["id"] });
    let document = app.post(&app.admin(), "/api/docs/confirm", confirm).await.expect(201).json();
    purge(app, &document).await.expect(200);
    // Our own store knows that the upload has ended. For another one nothing lies there any more.
    let ours = app.app.store.provider() == "local";
    app.put(&begun, pdf().bytes).await.expect(if ours { 403 } else { 200 });
    assert_eq!(is_stored(app, &begun["key"]).await, !ours);
    app.get(&app.admin(), &format!("{}/content", path(&document))).await.expect(409);
    app.clock.shift_seconds(2 * 3600);
    let ran = upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!((ran[0].did[1], ran[0].failed), (("closed", 1), 0), "{ran:?}");
    assert!(!is_stored(app, &begun["key"]).await, "an object is forgotten");
    app.clock.shift_seconds(-2 * 3600);
}

async fn two_purge_at_once_and_one_erasure_is_told(app: &TestApp) {
    for _ in 0..5 {
        let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
        let (a, b) = tokio::join!(purge(app, &document), purge(app, &document));
        a.expect(200);
        b.expect(200);
        assert_eq!(told(app, &document, "document.purge").await, 2);
        assert_eq!(told(app, &document, "content.erase").await, 1);
    }
}

async fn a_hold_and_a_purge_at_once_do_not_both_happen(app: &TestApp) {
    for _ in 0..5 {
        let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
        let (held, purged) = tokio::join!(hold(app, &document, "a claim"), purge(app, &document));
        let statuses = (held.status.as_u16(), purged.status.as_u16());
        assert!([(200, 409), (409, 200)].contains(&statuses), "{statuses:?}");
        assert_eq!(is_stored(app, &document["key"]).await, statuses.0 == 200);
    }
}

/// The head of the line can never be removed: its keys are none.
async fn what_cannot_be_removed_does_not_keep_the_rest_waiting(app: &TestApp) {
    app.upload(&app.admin(), "patient-1", &pdf()).await;
    let endless = "x".repeat(1100);
    let sql = format!(
        "with recursive n (i) as (select 1 union all select i + 1 from n where i < 250) \
         insert into placings (bucket, object_key, clinic_id, document_id, placed_at) \
         select bucket, '{endless}' || i, clinic_id, id, created_at from document_assets, n \
         union all select bucket, 'zzz/last', clinic_id, id, created_at from document_assets"
    );
    // A test's text lives as long as the test.
    app.sql(Box::leak(sql.into_boxed_str())).await.unwrap();
    app.clock.shift_seconds(7 * 3600);
    let ran = upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!((ran[0].did[2], ran[0].failed), (("removed", 1), 250), "{ran:?}");
    app.clock.shift_seconds(-7 * 3600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_that_the_store_does_not_carry_out_is_decided_and_finished_later() {
    let bucket = Account::garage().bucket().await;
    let proxy = Proxy::before(&bucket.account.endpoint).await;
    let app = TestApp::in_bucket(bucket.through(&proxy.url()), &[]).await;
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let other = app.upload(&app.admin(), "patient-1", &pdf()).await;
    proxy.plan(|request| match request.method {
        Method::GET | Method::HEAD => Fault::None,
        _ => Fault::Answer(503),
    });
    let decided = purge(&app, &document).await.expect(202).json();
    assert_eq!((&decided["state"], &decided["purgedAt"]), (&json!("purged"), &Value::Null));
    assert_eq!(purge(&app, &other).await.expect(202).json()["filename"], "");
    for refused in ["content", "download"] {
        app.get(&app.admin(), &format!("{}/{refused}", path(&document))).await.expect(409);
    }
    // While the store is away it is asked once, not once for each document.
    let ran = empty_trash(&app).await;
    assert_eq!((ran.did, ran.failed), (did(0, 0, 0), 1));
    proxy.always(Fault::None);
    let ran = empty_trash(&app).await;
    assert_eq!((ran.did, ran.failed), (did(0, 0, 2), 0));
    assert!(!is_stored(&app, &document["key"]).await);
    let gone = app.get(&app.admin(), &path(&document)).await.expect(200).json();
    assert!(gone["purgedAt"].is_string());
    app.check().await;
    app.leave().await;
}
