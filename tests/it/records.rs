//! `/api/patients/{patientId}/records`, as guide 000's app uses it.

use http::header;
use serde_json::{Value, json};

use crate::on_every_ground;
use crate::support::{TestApp, form, invoice, pdf, samples};

on_every_ground!(
    a_record_goes_in_by_form_and_comes_out_identical,
    the_fields_may_stand_before_the_file_or_behind_it,
    a_record_of_another_patient_is_not_found_under_this_one,
    records_are_listed_in_pages,
    a_deleted_record_is_served_no_more,
    who_may_not_upload_for_a_patient_is_refused_and_nothing_is_left,
    a_patient_hands_in_a_document_of_their_own_and_no_other,
    a_category_that_comes_behind_the_file_is_asked_about,
);

const RECORDS: &str = "/api/patients/patient-1/records";

async fn a_record_goes_in_by_form_and_comes_out_identical(app: &TestApp) {
    for sample in samples() {
        let sent = form(&[], &sample, &[("category", sample.category)]);
        let record = app.post_form(&app.admin(), RECORDS, sent).await.expect(201).json();
        for (name, same) in [("recordId", "id"), ("fileName", "filename"), ("fileSize", "size")] {
            assert_eq!(record[name], record[same], "{name}");
        }
        for (name, same) in [("mimeType", "contentType"), ("s3Key", "key"), ("s3Bucket", "bucket")]
        {
            assert_eq!(record[name], record[same], "{name}");
        }
        assert_eq!(record["storageType"], app.app.store.provider());
        assert_eq!((&record["state"], &record["filePath"]), (&json!("available"), &Value::Null));
        assert_eq!(record["category"], sample.category);
        assert_eq!(record["patientId"], "patient-1");
        assert_eq!(record["size"], json!(sample.bytes.len()));
        assert!(!record["s3Key"].as_str().unwrap().contains("incoming"));
        let path = format!("{RECORDS}/{}", record["id"].as_str().unwrap());
        assert_eq!(app.get(&app.admin(), &path).await.expect(200).json(), record);
        let sent = app.get(&app.admin(), record["downloadUrl"].as_str().unwrap()).await;
        let sent = sent.expect(200);
        assert!(sent.body == sample.bytes, "{} came back changed", sample.name);
        assert_eq!(sent.headers[header::CONTENT_TYPE], sample.mime);
    }
    let trail = app.trail().await;
    let ours = "test-admin upload.begin granted document";
    assert_eq!(trail.iter().filter(|line| line.contains("upload")).count(), samples().len());
    assert!(trail.iter().filter(|l| l.contains("upload")).all(|line| line == ours), "{trail:?}");
}

async fn the_fields_may_stand_before_the_file_or_behind_it(app: &TestApp) {
    let of = [("category", "invoices"), ("temporary", "true")];
    for (before, behind) in [(&of[..], &[][..]), (&[][..], &of[..]), (&of[..1], &of[1..])] {
        let sent = form(before, &invoice(), behind);
        let record = app.post_form(&app.admin(), RECORDS, sent).await.expect(201).json();
        let said = (&record["category"], &record["temporary"], &record["filename"]);
        assert_eq!(said, (&json!("invoices"), &json!(true), &json!("fee-schedule.xlsx")));
    }
    let sent = form(&[], &pdf(), &[]);
    let record = app.post_form(&app.admin(), RECORDS, sent).await.expect(201).json();
    assert_eq!(record["category"], "other");
    for (before, behind, field) in [
        (&[("category", "other")][..], &[("category", "imaging")][..], "category"),
        (&[][..], &[("patientId", "patient-2")][..], "patientId"),
        (&[][..], &[("entityType", "patient"), ("entityId", "patient-2")][..], "entityId"),
        (&[][..], &[("colour", "red")][..], "colour"),
        (&[("colour", "red")][..], &[][..], "colour"),
        (&[][..], &[("category", "surprise")][..], "category"),
        (&[][..], &[("sha256", "00")][..], "sha256"),
    ] {
        let sent = form(before, &pdf(), behind);
        let refused = app.post_form(&app.admin(), RECORDS, sent).await.expect(422);
        assert!(refused.json()["errors"][field].is_string(), "{}", refused.json());
    }
    let other = "00".repeat(32);
    let sent = form(&[], &pdf(), &[("sha256", other.as_str())]);
    let refused = app.post_form(&app.admin(), RECORDS, sent).await.expect(422);
    assert_eq!(refused.code(), "content_mismatch");
    assert!(app.rows().await.iter().all(|(_, state)| state != "pending"));
}

async fn a_record_of_another_patient_is_not_found_under_this_one(app: &TestApp) {
    let sent = form(&[], &pdf(), &[]);
    let record = app.post_form(&app.admin(), RECORDS, sent).await.expect(201).json();
    let path = format!("/api/patients/patient-2/records/{}", record["id"].as_str().unwrap());
    app.get(&app.admin(), &path).await.expect(404);
    app.get(&app.admin(), &format!("{path}/download")).await.expect(404);
    app.delete(&app.admin(), &path).await.expect(404);
    let path = path.replace("patient-2", "patient-1");
    assert_eq!(app.get(&app.admin(), &path).await.expect(200).json()["state"], "available");
}

async fn records_are_listed_in_pages(app: &TestApp) {
    for sample in samples().into_iter().take(5) {
        let sent = form(&[], &sample, &[("category", sample.category)]);
        app.post_form(&app.admin(), RECORDS, sent).await.expect(201);
    }
    app.upload(&app.admin(), "patient-2", &pdf()).await;
    let mut path = format!("{RECORDS}?limit=2");
    let mut found = Vec::new();
    loop {
        let page = app.get(&app.admin(), &path).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["patientId"] == "patient-1"));
        found.extend(items.iter().map(|item| item["recordId"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        path = format!("{RECORDS}?limit=2&cursor={cursor}");
    }
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), 5);
    let imaging = app.get(&app.admin(), &format!("{RECORDS}?category=imaging")).await.expect(200);
    assert_eq!(imaging.json()["items"].as_array().unwrap().len(), 4);
}

async fn a_deleted_record_is_served_no_more(app: &TestApp) {
    let sent = form(&[], &pdf(), &[]);
    let record = app.post_form(&app.admin(), RECORDS, sent).await.expect(201).json();
    let path = format!("{RECORDS}/{}", record["id"].as_str().unwrap());
    assert_eq!(app.delete(&app.admin(), &path).await.expect(200).json()["state"], "deleted");
    app.get(&app.admin(), &format!("{path}/download")).await.expect(409);
    app.delete(&app.admin(), &path).await.expect(409);
}

async fn who_may_not_upload_for_a_patient_is_refused_and_nothing_is_left(app: &TestApp) {
    // Neither of the care team, nor with a role that uploads.
    for (who, status) in [(app.clinician(), 403), (app.auditor(), 403), (app.stranger(), 201)] {
        let sent = form(&[], &pdf(), &[]);
        let answer = app.post_form(&who, RECORDS, sent).await.expect(status);
        if status == 201 {
            // Somebody of the stranger's own clinic.
            assert_ne!(answer.json()["clinicId"], json!(null));
        }
    }
    let rows = app.rows().await;
    assert_eq!(rows.len(), 1, "a row was made for who may not: {rows:?}");
    assert_eq!(
        app.trail().await,
        [
            "test-clinician upload.begin denied:forbidden document",
            "test-auditor upload.begin denied:forbidden document",
        ]
    );
}

async fn a_patient_hands_in_a_document_of_their_own_and_no_other(app: &TestApp) {
    let patient = app.patient("patient-1");
    let sent = form(&[], &pdf(), &[("category", "insurance")]);
    app.post_form(&patient, RECORDS, sent).await.expect(201);
    let sent = form(&[], &pdf(), &[]);
    app.post_form(&patient, "/api/patients/patient-2/records", sent).await.expect(403);
}

async fn a_category_that_comes_behind_the_file_is_asked_about(app: &TestApp) {
    // Staff sees invoices and no lab results.
    let staff = app.staff();
    let sent = form(&[], &invoice(), &[("category", "invoices")]);
    app.post_form(&staff, RECORDS, sent).await.expect(201);
    let sent = form(&[], &pdf(), &[("category", "lab-results")]);
    app.post_form(&staff, RECORDS, sent).await.expect(403);
    let sent = form(&[("category", "lab-results")], &pdf(), &[]);
    app.post_form(&staff, RECORDS, sent).await.expect(403);
    let rows = app.rows().await;
    let states: Vec<_> = rows.iter().map(|(_, state)| state.as_str()).collect();
    assert!(states.contains(&"available") && states.contains(&"refused"), "{states:?}");
    assert_eq!(states.len(), 2);
    let events = app.events(strongroom::access::DEFAULT_CLINIC).await;
    assert!(
        events
            .iter()
            .all(|event| event.patient_id.as_ref().is_some_and(|p| p.as_str() == "patient-1"))
    );
    let denied = "test-staff upload.begin denied:forbidden document";
    let granted = "test-staff upload.begin granted document";
    assert_eq!(app.trail().await, [granted, denied, denied]);
}
