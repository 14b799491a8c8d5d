//! The gate before a patient: what they may see is decided by somebody, and not by accident.

use http::Method;
use serde_json::{Value, json};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::documents::{Scanned, scan_due};

use crate::on_every_ground;
use crate::repair::{confirm, patch, path, release, replace, send_replacement};
use crate::support::{Caller, TestApp, invoice, pdf};

on_every_ground!(
    who_is_also_a_patient_releases_nothing_of_others,
    what_is_decided_of_an_upload_holds_behind_what_it_replaces,
    a_decision_is_outlived_by_later_decisions_alone,
    a_change_is_made_only_where_it_was_allowed,
    an_upload_does_not_replace_what_is_of_another_patient_by_now,
    that_there_is_a_newer_one_is_told_to_those_who_may_see_it,
);

const HELD: (&str, &str) = ("STRONGROOM_HELD_CATEGORIES", "imaging, medical-records");

async fn shown(app: &TestApp, document: &Value) -> Value {
    app.get(&app.admin(), &path(document)).await.expect(200).json()
}

#[tokio::test]
async fn held_categories_wait_for_release_but_not_what_patients_hand_in() {
    let app = TestApp::with(&[("STRONGROOM_HELD_CATEGORIES", "imaging, medical-records")]).await;
    let (admin, patient) = (app.admin(), app.patient("patient-1"));
    let held = app.upload(&admin, "patient-1", &pdf()).await;
    assert_eq!(held["release"], "held");
    app.get(&patient, &path(&held)).await.expect(404);
    release(&app, &admin, &held, "released").await.expect(200);
    app.get(&patient, &path(&held)).await.expect(200);
    let bill = app.upload(&admin, "patient-1", &invoice()).await;
    assert_eq!(bill["release"], "released");
    let own = app.upload(&patient, "patient-1", &pdf()).await;
    assert_eq!(own["release"], "released");
    app.get(&patient, &path(&own)).await.expect(200);
    // With another patient nobody has looked at it yet.
    let body = json!({ "patientId": "patient-2", "reason": "a mistake" });
    assert_eq!(patch(&app, &admin, &own, body).await.expect(200).json()["release"], "held");
    app.check().await;
}

/// A clinician who has their own file in the same clinic.
fn clinician_and_patient(app: &TestApp) -> Caller {
    let roles = [Role::Clinician, Role::Patient];
    app.token_with("test-clinician", &roles, DEFAULT_CLINIC, &["patient-2"])
}

async fn who_is_also_a_patient_releases_nothing_of_others(app: &TestApp) {
    app.care("patient-1").await;
    let (admin, both) = (app.admin(), clinician_and_patient(app));
    let hidden = app.upload(&admin, "patient-1", &pdf()).await;
    release(app, &admin, &hidden, "withdrawn").await.expect(200);
    let begun = send_replacement(app, &both, &hidden).await;
    let newer = confirm(app, &both, &begun).await.expect(201).json();
    assert_eq!(newer["release"], "held");
    app.get(&app.patient("patient-1"), &path(&newer)).await.expect(404);
}

#[tokio::test]
async fn a_clinicians_upload_waits_although_they_are_a_patient_too() {
    let app = TestApp::with(&[HELD]).await;
    app.care("patient-1").await;
    let both = clinician_and_patient(&app);
    assert_eq!(app.upload(&both, "patient-1", &pdf()).await["release"], "held");
    assert_eq!(app.upload(&both, "patient-2", &pdf()).await["release"], "released");
    app.check().await;
}

async fn what_is_decided_of_an_upload_holds_behind_what_it_replaces(app: &TestApp) {
    let (admin, patient) = (app.admin(), app.patient("patient-1"));
    let old = app.upload(&admin, "patient-1", &pdf()).await;
    let begun = send_replacement(app, &admin, &old).await;
    release(app, &admin, &old, "withdrawn").await.expect(200);
    app.clock.shift_seconds(1);
    // Somebody looks at the upload and says that it may be seen, as it could from the beginning.
    release(app, &admin, &begun, "released").await.expect(200);
    assert_eq!(confirm(app, &admin, &begun).await.expect(201).json()["release"], "released");
    app.get(&patient, &path(&begun)).await.expect(200);
}

/// What else is done to the document it replaces is no word on the release.
async fn a_decision_is_outlived_by_later_decisions_alone(app: &TestApp) {
    let admin = app.admin();
    let first = app.upload(&admin, "patient-1", &pdf()).await;
    release(app, &admin, &first, "held").await.expect(200);
    // Held because of the first, without a word of anybody.
    let old = replace(app, &first).await;
    assert_eq!(old["release"], "held");
    let begun = send_replacement(app, &admin, &old).await;
    app.clock.shift_seconds(1);
    release(app, &admin, &begun, "released").await.expect(200);
    app.clock.shift_seconds(1);
    let hold = json!({ "reason": "a test" });
    app.call(&admin, Method::PUT, &format!("{}/hold", path(&old)), Some(hold)).await.expect(200);
    assert_eq!(confirm(app, &admin, &begun).await.expect(201).json()["release"], "released");
}

/// A document that comes to wait by its new category is held from that moment on.
#[tokio::test]
async fn what_comes_to_wait_holds_back_what_was_released_before() {
    let app = TestApp::with(&[("STRONGROOM_HELD_CATEGORIES", "imaging")]).await;
    let admin = app.admin();
    let old = app.upload(&admin, "patient-1", &pdf()).await;
    release(&app, &admin, &old, "held").await.expect(200);
    release(&app, &admin, &old, "released").await.expect(200);
    let begun = send_replacement(&app, &admin, &old).await;
    app.clock.shift_seconds(1);
    release(&app, &admin, &begun, "released").await.expect(200);
    app.clock.shift_seconds(1);
    let moved = patch(&app, &admin, &old, json!({ "category": "imaging" })).await.expect(200);
    assert_eq!(moved.json()["release"], "held");
    assert_eq!(confirm(&app, &admin, &begun).await.expect(201).json()["release"], "held");
    app.check().await;
}

#[tokio::test]
async fn a_document_waits_when_it_comes_into_a_category_that_does() {
    let app = TestApp::with(&[HELD]).await;
    let (admin, patient) = (app.admin(), app.patient("patient-1"));
    let bill = app.upload(&admin, "patient-1", &invoice()).await;
    app.get(&patient, &path(&bill)).await.expect(200);
    let moved = patch(&app, &admin, &bill, json!({ "category": "imaging" })).await.expect(200);
    assert_eq!(moved.json()["release"], "held");
    app.get(&patient, &path(&bill)).await.expect(404);
    let told = app.events(DEFAULT_CLINIC).await;
    let told = told.iter().rfind(|event| event.action == "document.edit").unwrap();
    assert!(format!("{:?}", told.detail).contains("held"), "{told:?}");
    // Between two of them nothing changes what was decided, nor on the way out.
    release(&app, &admin, &bill, "released").await.expect(200);
    for category in ["medical-records", "invoices"] {
        let moved = patch(&app, &admin, &bill, json!({ "category": category })).await.expect(200);
        assert_eq!(moved.json()["release"], "released", "{category}");
    }
    // What patients hand in they know.
    let own = app.upload(&patient, "patient-1", &invoice()).await;
    let moved = patch(&app, &admin, &own, json!({ "category": "imaging" })).await.expect(200);
    assert_eq!(moved.json()["release"], "released");
    app.check().await;
}

async fn scan(app: &TestApp) -> Scanned {
    scan_due(&app.app, false).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_withdrawn_while_its_replacement_is_scanned_stays_hidden() {
    let address = crate::clamd::shared();
    let variables = [("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", address.as_str())];
    for app in [TestApp::with(&variables).await, TestApp::postgres_with(&variables).await] {
        let (admin, patient) = (app.admin(), app.patient("patient-1"));
        let old = app.upload(&admin, "patient-1", &pdf()).await;
        scan(&app).await;
        let newer = replace(&app, &old).await;
        assert_eq!((&newer["state"], &newer["release"]), (&json!("scanning"), &json!("released")));
        app.clock.shift_seconds(1);
        release(&app, &admin, &old, "withdrawn").await.expect(200);
        scan(&app).await;
        let now = shown(&app, &newer).await;
        assert_eq!((&now["state"], &now["release"]), (&json!("available"), &json!("held")));
        app.get(&patient, &path(&newer)).await.expect(404);
        let told = app.events(DEFAULT_CLINIC).await;
        let told = told.iter().rfind(|event| event.action == "document.scan").unwrap();
        assert!(format!("{:?}", told.detail).contains("held"), "{told:?}");
        // What the patient could see is not hidden by being scanned again.
        let seen = replace(&app, &newer).await;
        scan(&app).await;
        release(&app, &admin, &seen, "released").await.expect(200);
        let last = replace(&app, &seen).await;
        scan(&app).await;
        release(&app, &admin, &seen, "withdrawn").await.expect(200);
        app.clock.shift_seconds(1);
        app.post(&admin, &format!("{}/scan", path(&last)), json!({})).await.expect(202);
        scan(&app).await;
        let now = shown(&app, &last).await;
        assert_eq!((&now["state"], &now["release"]), (&json!("available"), &json!("released")));
        // To scan again what waits by itself is no word on its release either.
        release(&app, &admin, &last, "held").await.expect(200);
        let waits = replace(&app, &last).await;
        scan(&app).await;
        let begun = send_replacement(&app, &admin, &waits).await;
        app.clock.shift_seconds(1);
        release(&app, &admin, &begun, "released").await.expect(200);
        app.clock.shift_seconds(1);
        app.post(&admin, &format!("{}/scan", path(&waits)), json!({})).await.expect(202);
        scan(&app).await;
        let newest = confirm(&app, &admin, &begun).await.expect(201).json();
        assert_eq!(newest["release"], "released");
        app.check().await;
        app.leave().await;
    }
}

/// One moves a document to a patient of whom the other may know nothing, while the other throws it
/// away: whoever is second finds it changed.
async fn a_change_is_made_only_where_it_was_allowed(app: &TestApp) {
    app.care("patient-1").await;
    let (admin, clinician) = (app.admin(), app.clinician());
    let elsewhere = json!({ "patientId": "patient-2", "reason": "a mistake" });
    for _ in 0..20 {
        let document = app.upload(&admin, "patient-1", &pdf()).await;
        let at = path(&document);
        let moving = patch(app, &admin, &document, elsewhere.clone());
        let (moved, thrown) = tokio::join!(moving, app.delete(&clinician, &at));
        let ended = (moved.status.as_u16(), thrown.status.as_u16());
        let now = shown(app, &document).await;
        let there = (now["patientId"].as_str().unwrap(), now["state"].as_str().unwrap());
        match ended {
            (200, 404 | 409) => assert_eq!(there, ("patient-2", "available")),
            (409, 200) => assert_eq!(there, ("patient-1", "deleted")),
            _ => panic!("both were let through, or neither: {ended:?}, {there:?}"),
        }
    }
}

/// The move may come between a look at what is to be replaced and the upload's own row.
async fn an_upload_does_not_replace_what_is_of_another_patient_by_now(app: &TestApp) {
    let admin = app.admin();
    let old = app.upload(&admin, "patient-1", &pdf()).await;
    let begun = send_replacement(app, &admin, &old).await;
    let elsewhere = json!({ "patientId": "patient-2", "reason": "a mistake" });
    patch(app, &admin, &old, elsewhere).await.expect(200);
    let as_if_just_begun = "update document_assets set supersedes = \
         (select id from document_assets where patient_id = 'patient-2') where state = 'pending'";
    assert_eq!(app.sql(as_if_just_begun).await.unwrap(), 1);
    let newer = confirm(app, &admin, &begun).await.expect(201).json();
    assert_eq!((&newer["patientId"], &newer["supersedes"]), (&json!("patient-1"), &Value::Null));
    assert_eq!(shown(app, &newer).await["supersedes"], Value::Null);
    assert_eq!(shown(app, &old).await["supersededBy"], Value::Null);
}

async fn that_there_is_a_newer_one_is_told_to_those_who_may_see_it(app: &TestApp) {
    app.care("patient-1").await;
    let (admin, clinician) = (app.admin(), app.clinician());
    let (patient, staff) = (app.patient("patient-1"), app.staff());
    let old = app.upload(&admin, "patient-1", &invoice()).await;
    let newer = replace(app, &old).await;
    release(app, &admin, &newer, "held").await.expect(200);
    // A clinical document takes the place of a bill, held from the patient.
    patch(app, &admin, &newer, json!({ "category": "imaging" })).await.expect(200);
    let (link, list) = (path(&old), "/api/docs?patientId=patient-1");
    for (who, told) in [(&admin, true), (&clinician, true), (&patient, false), (&staff, false)] {
        let one = app.get(who, &link).await.expect(200).json();
        let all = app.get(who, list).await.expect(200).json();
        let listed = all["items"].as_array().unwrap().iter().find(|d| d["id"] == old["id"]);
        let versions = app.get(who, &format!("{link}/versions")).await.expect(200).json();
        let wanted = if told { newer["id"].clone() } else { Value::Null };
        for shown in [&one, listed.unwrap(), &versions["items"][0]] {
            assert_eq!(shown["supersededBy"], wanted, "{shown}");
        }
    }
}
