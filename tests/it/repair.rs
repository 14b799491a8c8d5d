//! Repairs of a document's record, its versions, and its release to the patient.

use http::Method;
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;

use crate::on_every_ground;
use crate::support::{Answer, Caller, Sample, TestApp, form_of, invoice, pdf};

on_every_ground!(
    category_and_name_are_repaired_by_the_rules_of_an_upload,
    a_document_of_the_wrong_patient_is_moved_and_told_to_both,
    nobody_moves_a_document_to_where_they_could_not_upload_it,
    two_editors_do_not_overwrite_each_other,
    versions_are_a_chain_with_one_end,
    two_replace_a_document_at_once_and_one_of_them_does,
    the_version_before_is_current_again_when_the_newest_goes,
    to_replace_a_document_one_must_be_able_to_edit_it,
    a_moved_document_leaves_its_chain,
    what_is_not_released_is_hidden_from_the_patient_everywhere,
    replacing_a_document_does_not_release_it,
    what_is_withdrawn_while_it_is_being_replaced_stays_hidden,
    replacing_a_document_without_a_category_keeps_that_of_the_old_one,
    a_documents_trail_is_paged_and_shown_to_those_who_may_read_it,
);

pub fn path(document: &Value) -> String {
    format!("/api/docs/{}", document["id"].as_str().unwrap())
}

pub async fn patch(app: &TestApp, who: &Caller, document: &Value, body: Value) -> Answer {
    app.call(who, Method::PATCH, &path(document), Some(body)).await
}

pub async fn release(app: &TestApp, who: &Caller, document: &Value, state: &str) -> Answer {
    let path = format!("{}/release", path(document));
    app.call(who, Method::PUT, &path, Some(json!({ "state": state, "reason": "looked at" }))).await
}

fn replacing(document: &Value, sample: &Sample) -> Value {
    let mut asked = sample.asked("patient-1");
    asked["supersedes"] = document["id"].clone();
    asked
}

/// Uploads a replacement as far as its bytes.
pub async fn send_replacement(app: &TestApp, who: &Caller, document: &Value) -> Value {
    let asked = replacing(document, &pdf());
    let begun = app.post(who, "/api/docs/presign-upload", asked).await.expect(201).json();
    app.put(&begun, pdf().bytes).await.expect(200);
    begun
}

pub async fn confirm(app: &TestApp, who: &Caller, begun: &Value) -> Answer {
    app.post(who, "/api/docs/confirm", json!({ "id": begun["id"] })).await
}

pub async fn replace(app: &TestApp, document: &Value) -> Value {
    let begun = send_replacement(app, &app.admin(), document).await;
    confirm(app, &app.admin(), &begun).await.expect(201).json()
}

/// The ids of a document's versions, and the current one.
async fn versions(app: &TestApp, document: &Value) -> (Vec<Value>, Value) {
    let path = format!("{}/versions", path(document));
    let answer = app.get(&app.admin(), &path).await.expect(200).json();
    let ids = answer["items"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    (ids, answer["current"].clone())
}

async fn category_and_name_are_repaired_by_the_rules_of_an_upload(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    for (body, field) in [
        (json!({}), "category"),
        (json!({ "category": "gossip" }), "category"),
        (json!({ "filename": "letter.jpg" }), "filename"),
        (json!({ "filename": "a/b.pdf" }), "filename"),
        (json!({ "patientId": " ", "reason": "x" }), "patientId"),
        (json!({ "patientId": "patient-2" }), "reason"),
        (json!({ "filename": "x.pdf", "updatedAt": "now" }), "updatedAt"),
        (json!({ "state": "deleted" }), "state"),
    ] {
        let answer = patch(app, &admin, &document, body.clone()).await.expect(422);
        assert!(answer.json()["errors"][field].is_string(), "{body}: {}", answer.json());
    }
    let body = json!({ "category": "lab_results", "filename": "Blut März.pdf" });
    let edited = patch(app, &admin, &document, body.clone()).await.expect(200).json();
    assert_eq!(edited["category"], "lab-results");
    assert_eq!(edited["filename"], "Blut März.pdf");
    assert_eq!((&edited["key"], &edited["sha256"]), (&document["key"], &document["sha256"]));
    assert_eq!(app.get(&admin, &path(&document)).await.json(), edited);
    let found = app.get(&admin, "/api/docs?q=m%C3%84rz").await.expect(200).json();
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    // To say it again changes nothing.
    assert_eq!(patch(app, &admin, &document, body.clone()).await.expect(200).json(), edited);
    app.delete(&admin, &path(&document)).await.expect(200);
    let gone = patch(app, &admin, &document, json!({ "category": "other" })).await.expect(409);
    assert_eq!(gone.code(), "wrong_state");
}

async fn events_of(app: &TestApp, query: &str) -> Vec<Value> {
    let page = app.get(&app.admin(), &format!("/api/audit?{query}")).await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

async fn a_document_of_the_wrong_patient_is_moved_and_told_to_both(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let body = json!({ "patientId": "patient-2", "reason": "filed under her sister" });
    let moved = patch(app, &admin, &document, body).await.expect(200).json();
    assert_eq!((&moved["patientId"], &moved["key"]), (&json!("patient-2"), &document["key"]));
    app.get(&app.patient("patient-1"), &path(&document)).await.expect(404);
    let content = format!("{}/content", path(&document));
    assert!(app.get(&app.patient("patient-2"), &content).await.expect(200).body == pdf().bytes);
    for (patient, count) in [("patient-1", 0), ("patient-2", 1)] {
        let list = format!("/api/docs?patientId={patient}");
        let list = app.get(&admin, &list).await.expect(200).json();
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{patient}");
        let query = format!("patientId={patient}&action=document.edit");
        let events = events_of(app, &query).await;
        assert_eq!(events.len(), 1, "{patient}: {events:?}");
        assert_eq!(events[0]["detail"]["reason"], "filed under her sister");
        assert_eq!(events[0]["detail"]["changed"], json!(["patient"]));
        assert_eq!(events[0]["targetId"], document["id"]);
        // Neither trail names the other patient.
        let other = if patient == "patient-1" { "patient-2" } else { "patient-1" };
        assert!(!events[0].to_string().contains(other), "{}", events[0]);
    }
}

async fn nobody_moves_a_document_to_where_they_could_not_upload_it(app: &TestApp) {
    app.care("patient-1").await;
    let (admin, clinician, staff) = (app.admin(), app.clinician(), app.staff());
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let body = json!({ "patientId": "patient-2", "reason": "a mistake" });
    assert_eq!(
        patch(app, &clinician, &document, body.clone()).await.expect(403).code(),
        "forbidden"
    );
    patch(app, &clinician, &document, json!({ "category": "imaging" })).await.expect(200);
    let bill = app.upload(&admin, "patient-1", &invoice()).await;
    patch(app, &staff, &bill, json!({ "category": "lab-results" })).await.expect(403);
    patch(app, &staff, &bill, json!({ "category": "insurance" })).await.expect(200);
    patch(app, &staff, &document, json!({ "category": "insurance" })).await.expect(404);
    patch(app, &app.patient("patient-1"), &bill, json!({ "category": "other" })).await.expect(403);
    app.care("patient-2").await;
    patch(app, &clinician, &document, body).await.expect(200);
}

async fn two_editors_do_not_overwrite_each_other(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let known = document["updatedAt"].clone();
    let body = |category: &str| json!({ "category": category, "updatedAt": known });
    let (a, b) = tokio::join!(
        patch(app, &admin, &document, body("imaging")),
        patch(app, &admin, &document, body("other"))
    );
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let lost = if a.status == 409 { a } else { b };
    assert_eq!(lost.code(), "changed_meanwhile");
    let late = patch(app, &admin, &document, body("insurance")).await.expect(409);
    assert_eq!(late.code(), "changed_meanwhile");
    let now = app.get(&admin, &path(&document)).await.json();
    let body = json!({ "category": "insurance", "updatedAt": now["updatedAt"] });
    patch(app, &admin, &document, body).await.expect(200);
}

async fn versions_are_a_chain_with_one_end(app: &TestApp) {
    let first = app.upload(&app.admin(), "patient-1", &pdf()).await;
    assert_eq!(versions(app, &first).await, (vec![first["id"].clone()], first["id"].clone()));
    let second = replace(app, &first).await;
    let third = replace(app, &second).await;
    let all = vec![first["id"].clone(), second["id"].clone(), third["id"].clone()];
    for document in [&first, &second, &third] {
        assert_eq!(versions(app, document).await, (all.clone(), third["id"].clone()));
    }
    let shown = app.get(&app.admin(), &path(&first)).await.json();
    assert_eq!(shown["supersededBy"], second["id"]);
    let shown = app.get(&app.admin(), &path(&third)).await.json();
    assert_eq!(shown["supersededBy"], Value::Null);
    for old in [&first, &second] {
        let asked = replacing(old, &pdf());
        let fork = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(409);
        assert_eq!(fork.code(), "superseded");
    }
}

async fn two_replace_a_document_at_once_and_one_of_them_does(app: &TestApp) {
    let admin = app.admin();
    for _ in 0..4 {
        let first = app.upload(&admin, "patient-1", &pdf()).await;
        let one = send_replacement(app, &admin, &first).await;
        let two = send_replacement(app, &admin, &first).await;
        let (a, b) = tokio::join!(confirm(app, &admin, &one), confirm(app, &admin, &two));
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        let (won, lost) = if a.status == 201 { (a, b) } else { (b, a) };
        assert_eq!(lost.code(), "superseded");
        let won = won.json();
        let chain = vec![first["id"].clone(), won["id"].clone()];
        assert_eq!(versions(app, &first).await, (chain, won["id"].clone()));
    }
}

async fn the_version_before_is_current_again_when_the_newest_goes(app: &TestApp) {
    let admin = app.admin();
    let first = app.upload(&admin, "patient-1", &pdf()).await;
    let second = replace(app, &first).await;
    app.delete(&admin, &path(&second)).await.expect(200);
    assert_eq!(versions(app, &first).await.1, first["id"]);
    app.post(&admin, &format!("{}/restore", path(&second)), json!({})).await.expect(200);
    assert_eq!(versions(app, &first).await.1, second["id"]);
    app.delete(&admin, &path(&second)).await.expect(200);
    let third = replace(app, &first).await;
    assert_eq!(versions(app, &first).await.1, third["id"]);
    // Its place is taken: what comes out of the trash must not fork the chain.
    let back = app.post(&admin, &format!("{}/restore", path(&second)), json!({})).await.expect(409);
    assert_eq!(back.code(), "superseded");
    let trash = app.get(&admin, &path(&second)).await.json();
    assert_eq!(trash["state"], "deleted");
}

async fn to_replace_a_document_one_must_be_able_to_edit_it(app: &TestApp) {
    let (admin, staff, patient) = (app.admin(), app.staff(), app.patient("patient-1"));
    let letter = app.upload(&admin, "patient-1", &pdf()).await;
    // The front desk may not even know that there is a letter.
    let asked = replacing(&letter, &invoice());
    let refused = app.post(&staff, "/api/docs/presign-upload", asked).await.expect(422);
    let wrong = refused.json()["errors"]["supersedes"].clone();
    let mut asked = invoice().asked("patient-1");
    asked["supersedes"] = json!(uuid::Uuid::now_v7());
    let unknown = app.post(&staff, "/api/docs/presign-upload", asked).await.expect(422);
    assert_eq!(wrong, unknown.json()["errors"]["supersedes"]);
    let asked = replacing(&letter, &pdf());
    app.post(&patient, "/api/docs/presign-upload", asked).await.expect(422);
    // What a patient has handed in they may hand in again.
    let own = app.upload(&patient, "patient-1", &pdf()).await;
    let better = send_replacement(app, &patient, &own).await;
    confirm(app, &patient, &better).await.expect(201);
}

async fn a_moved_document_leaves_its_chain(app: &TestApp) {
    let admin = app.admin();
    let first = app.upload(&admin, "patient-1", &pdf()).await;
    let second = replace(app, &first).await;
    let elsewhere = || json!({ "patientId": "patient-2", "reason": "a mistake" });
    let old = patch(app, &admin, &first, elsewhere()).await.expect(409);
    assert_eq!(old.code(), "superseded");
    let moved = patch(app, &admin, &second, elsewhere()).await.expect(200).json();
    assert_eq!(moved["supersedes"], Value::Null);
    assert_eq!(versions(app, &first).await, (vec![first["id"].clone()], first["id"].clone()));
    // An upload that is under way for the one patient replaces nothing of the other.
    let begun = send_replacement(app, &admin, &first).await;
    patch(app, &admin, &first, elsewhere()).await.expect(200);
    let third = confirm(app, &admin, &begun).await.expect(201).json();
    assert_eq!(third["supersedes"], Value::Null);
    let events = events_of(app, "patientId=patient-2&action=document.edit").await;
    assert_eq!(events.len(), 2);
}

async fn what_is_not_released_is_hidden_from_the_patient_everywhere(app: &TestApp) {
    app.care("patient-1").await;
    let (admin, clinician, patient) = (app.admin(), app.clinician(), app.patient("patient-1"));
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    assert_eq!((&document["release"], &document["released"]), (&json!("released"), &json!(true)));
    let link = path(&document);
    for state in ["withdrawn", "held"] {
        let hidden = release(app, &clinician, &document, state).await.expect(200).json();
        assert_eq!((&hidden["release"], &hidden["released"]), (&json!(state), &json!(false)));
        for of in ["", "/download", "/content", "/versions"] {
            app.get(&patient, &format!("{link}{of}")).await.expect(404);
        }
        for query in ["", "?q=letter", "?patientId=patient-1", "?state=available&limit=1"] {
            let list = app.get(&patient, &format!("/api/docs{query}")).await.expect(200).json();
            assert_eq!(list["items"], json!([]), "{state} {query}");
        }
        app.get(&clinician, &link).await.expect(200);
    }
    release(app, &clinician, &document, "released").await.expect(200);
    release(app, &clinician, &document, "released").await.expect(200);
    app.get(&patient, &link).await.expect(200);
    release(app, &patient, &document, "held").await.expect(403);
    release(app, &app.staff(), &document, "held").await.expect(404);
    let wrong = release(app, &admin, &document, "hidden").await.expect(422);
    assert!(wrong.json()["errors"]["state"].is_string());
    purge_and_release(app, &document).await;
}

async fn replacing_a_document_does_not_release_it(app: &TestApp) {
    let (admin, patient) = (app.admin(), app.patient("patient-1"));
    for state in ["withdrawn", "held"] {
        let document = app.upload(&admin, "patient-1", &pdf()).await;
        release(app, &admin, &document, state).await.expect(200);
        let newer = replace(app, &document).await;
        assert_eq!(newer["release"], "held");
        app.get(&patient, &path(&newer)).await.expect(404);
        release(app, &admin, &newer, "released").await.expect(200);
        let seen = app.get(&patient, &path(&newer)).await.expect(200).json();
        let listed = app.get(&patient, "/api/docs").await.expect(200).json();
        let link = format!("{}/versions", path(&newer));
        let versions = app.get(&patient, &link).await.expect(200).json();
        let listed = listed["items"].as_array().unwrap().iter().find(|d| d["id"] == newer["id"]);
        for shown in [&seen, listed.unwrap(), &versions["items"][0]] {
            assert_eq!(shown["id"], newer["id"]);
            assert!(shown["supersedes"].is_null(), "what is hidden: {shown}");
        }
        let known = app.get(&admin, &path(&newer)).await.expect(200).json();
        assert_eq!(known["supersedes"], document["id"]);
        assert_eq!(replace(app, &newer).await["release"], "released");
        // A form answers with the document at once.
        let hidden = app.upload(&admin, "patient-1", &pdf()).await;
        release(app, &admin, &hidden, state).await.expect(200);
        let said = [("supersedes", hidden["id"].as_str().unwrap()), ("category", "other")];
        let sent = form_of(&said, (pdf().name, pdf().mime), &pdf().bytes, &[]);
        let path = "/api/patients/patient-1/records";
        let newer = app.post_form(&admin, path, sent).await.expect(201).json();
        assert_eq!((&newer["release"], &newer["released"]), (&json!("held"), &json!(false)));
    }
}

async fn what_is_withdrawn_while_it_is_being_replaced_stays_hidden(app: &TestApp) {
    let (admin, patient) = (app.admin(), app.patient("patient-1"));
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let begun = send_replacement(app, &admin, &document).await;
    release(app, &admin, &document, "withdrawn").await.expect(200);
    let newer = confirm(app, &admin, &begun).await.expect(201).json();
    assert_eq!((&newer["release"], &newer["released"]), (&json!("held"), &json!(false)));
    app.get(&patient, &path(&newer)).await.expect(404);
    let shown = app.get(&admin, &path(&newer)).await.expect(200).json();
    assert_eq!(shown["release"], "held");
    let events = app.events(DEFAULT_CLINIC).await;
    let confirmed = events.iter().rfind(|event| event.action == "upload.confirm").unwrap();
    let detail = format!("{:?}", confirmed.detail);
    assert!(detail.contains("release") && detail.contains("held"), "{detail}");
    // What patients hand in themselves they know.
    let own = app.upload(&patient, "patient-1", &pdf()).await;
    let begun = send_replacement(app, &patient, &own).await;
    release(app, &admin, &own, "withdrawn").await.expect(200);
    confirm(app, &patient, &begun).await.expect(201);
    app.get(&patient, &path(&begun)).await.expect(200);
}

/// Otherwise a clinical document would be an `other` one, which staff may read.
async fn replacing_a_document_without_a_category_keeps_that_of_the_old_one(app: &TestApp) {
    let admin = app.admin();
    let clinical = Sample { category: "imaging", ..pdf() };
    for door in ["presign", "parts", "form", "uppy"] {
        let old = app.upload(&admin, "patient-1", &clinical).await;
        let mut asked = replacing(&old, &clinical);
        asked.as_object_mut().unwrap().remove("category");
        let begun = match door {
            "presign" => app.post(&admin, "/api/docs/presign-upload", asked).await,
            "parts" => app.post(&admin, "/api/docs/multipart", asked).await,
            "form" => {
                let id = old["id"].as_str().unwrap();
                let said = [("supersedes", id)];
                let sent = form_of(&[], (clinical.name, clinical.mime), &clinical.bytes, &said);
                app.post_form(&admin, "/api/patients/patient-1/records", sent).await
            }
            _ => {
                let meta = json!({ "patientId": "patient-1", "supersedes": old["id"],
                    "size": clinical.bytes.len().to_string() });
                let asked = json!({ "filename": clinical.name, "type": clinical.mime,
                    "metadata": meta });
                app.post(&admin, "/api/uppy/s3/multipart", asked).await
            }
        };
        let newer = begun.json();
        let id = newer["id"].as_str().or(newer["uploadId"].as_str());
        let path = format!("/api/docs/{}", id.unwrap_or_else(|| panic!("{door}: {newer}")));
        let shown = app.get(&admin, &path).await.expect(200).json();
        assert_eq!(shown["category"], "imaging", "{door}");
        app.get(&app.staff(), &path).await.expect(404);
        // What is said holds.
        let said = app.upload(&admin, "patient-1", &clinical).await;
        let mut asked = replacing(&said, &clinical);
        asked["category"] = json!("insurance");
        let begun = app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201).json();
        let path = format!("/api/docs/{}", begun["id"].as_str().unwrap());
        assert_eq!(app.get(&admin, &path).await.expect(200).json()["category"], "insurance");
    }
    // Who may not edit the old one learns nothing of it.
    let old = app.upload(&admin, "patient-1", &clinical).await;
    let mut asked = replacing(&old, &clinical);
    asked.as_object_mut().unwrap().remove("category");
    let refused = app.post(&app.staff(), "/api/docs/presign-upload", asked).await.expect(422);
    assert!(refused.json()["errors"]["supersedes"].is_string());
}

async fn purge_and_release(app: &TestApp, document: &Value) {
    let purge = format!("{}?permanent=true", path(document));
    app.delete(&app.admin(), &purge).await.expect(200);
    let late = release(app, &app.admin(), document, "held").await.expect(409);
    assert_eq!(late.code(), "wrong_state");
}

async fn a_documents_trail_is_paged_and_shown_to_those_who_may_read_it(app: &TestApp) {
    app.care("patient-1").await;
    let (admin, clinician) = (app.admin(), app.clinician());
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let trail = format!("{}/audit", path(&document));
    for _ in 0..3 {
        app.get(&clinician, &path(&document)).await.expect(200);
    }
    app.upload(&admin, "patient-1", &pdf()).await;
    let (mut actions, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.get(&clinician, &format!("{trail}?limit=2{cursor}")).await.expect(200);
        let page = page.json();
        for event in page["items"].as_array().unwrap() {
            assert_eq!(event["targetId"], document["id"]);
            actions.push(event["action"].as_str().unwrap().to_owned());
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let read = "document.read";
    assert_eq!(actions, [read, read, read, "upload.confirm", "upload.begin"]);
    app.get(&app.auditor(), &trail).await.expect(200);
    app.get(&app.patient("patient-1"), &trail).await.expect(403);
    app.get(&app.stranger(), &trail).await.expect(404);
    for wrong in ["limit=0", "cursor=x", "actor=me"] {
        app.get(&admin, &format!("{trail}?{wrong}")).await.expect(422);
    }
    // What happened at another patient stays with those who read the whole trail.
    app.care("patient-2").await;
    let body = json!({ "patientId": "patient-2", "reason": "a mistake" });
    patch(app, &clinician, &document, body).await.expect(200);
    let shown = app.get(&clinician, &trail).await.expect(200).json();
    assert!(!shown.to_string().contains("patient-1"), "{shown}");
    assert_eq!(shown["items"].as_array().unwrap().len(), 1);
    let whole = app.get(&admin, &trail).await.expect(200).json();
    assert!(whole["items"].as_array().unwrap().len() > 8, "{whole}");
}
