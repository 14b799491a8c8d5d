//! `/api/v2/aws/s3`, as guide 001's app uses it: files by key.

use http::Method;
use serde_json::{Value, json};

use crate::on_every_ground;
use crate::support::{Answer, Caller, TestApp, form, invoice, pdf, samples};

on_every_ground!(
    a_file_goes_in_as_the_guides_client_sends_it_and_comes_out_by_its_key,
    a_presigned_url_lives_no_longer_than_is_allowed_and_the_answer_says_so,
    folders_of_the_guide_are_listed,
    a_prefix_that_means_nothing_says_what_would,
    a_key_is_only_a_name_and_the_policy_decides,
    a_file_is_deleted_by_its_key,
    the_policy_is_asked_for_what_an_upload_turns_out_to_be,
    uploads_that_are_switched_off_say_why,
);

const S3: &str = "/api/v2/aws/s3";

async fn upload(app: &TestApp, who: &Caller, of: &[(&str, &str)]) -> Answer {
    // As FileUploader does: the file first.
    app.post_form(who, &format!("{S3}/upload"), form(&[], &pdf(), of)).await
}

const OF_PATIENT: &[(&str, &str)] =
    &[("category", "medical-records"), ("entityId", "patient-1"), ("entityType", "patient")];

fn path(key: &Value, rest: &str) -> String {
    format!("{S3}/download?key={}{rest}", key.as_str().unwrap())
}

async fn a_file_goes_in_as_the_guides_client_sends_it_and_comes_out_by_its_key(app: &TestApp) {
    let file = upload(app, &app.admin(), OF_PATIENT).await.expect(201).json();
    assert_eq!((&file["patientId"], &file["entityType"]), (&json!("patient-1"), &Value::Null));
    assert_eq!(file["category"], "medical-records");
    let key = file["key"].as_str().unwrap();
    assert!(key.starts_with("patients/") && !key.contains("patient-1"), "{key}");
    let sent = app.get(&app.admin(), &path(&file["key"], "")).await.expect(200);
    assert!(sent.body == pdf().bytes, "it came back changed");
    let public = &app.app.config.server.public_url;
    for (name, expected) in [("url", "application/pdf"), ("presignedUrl", "application/json")] {
        let url = file[name].as_str().unwrap().strip_prefix(public.as_str()).unwrap();
        let sent = app.get(&app.admin(), url).await.expect(200);
        assert_eq!(sent.headers["content-type"], expected);
    }
    let link = app.get(&app.admin(), &path(&file["key"], "&presigned=true")).await.expect(200);
    assert!(app.fetch(link.json()["url"].as_str().unwrap()).await.expect(200).body == pdf().bytes);
    for who in ["providers", "appointments"] {
        let kind = who.trim_end_matches('s');
        let of = [("category", "other"), ("entityId", "e-1"), ("entityType", kind)];
        let file = upload(app, &app.admin(), &of).await.expect(201).json();
        assert!(file["key"].as_str().unwrap().starts_with(who), "{}", file["key"]);
        assert_eq!((&file["entityType"], &file["entityId"]), (&json!(kind), &json!("e-1")));
    }
}

async fn a_presigned_url_lives_no_longer_than_is_allowed_and_the_answer_says_so(app: &TestApp) {
    let file = upload(app, &app.admin(), OF_PATIENT).await.expect(201).json();
    for (asked, lives, cut) in [(3600, 900, true), (900, 900, false), (60, 60, false)] {
        let query = format!("&presigned=true&expires={asked}");
        let link = app.get(&app.admin(), &path(&file["key"], &query)).await.expect(200).json();
        assert_eq!((&link["expiresIn"], &link["expiresCut"]), (&json!(lives), &json!(cut)));
        let url = link["url"].as_str().unwrap();
        assert!(url.contains(&format!("X-Amz-Expires={lives}")), "{url}");
    }
    let query = "&presigned=true&expires=0";
    app.get(&app.admin(), &path(&file["key"], query)).await.expect(422);
    app.get(&app.admin(), &path(&file["key"], "&expires=60")).await.expect(422);
}

async fn listed(app: &TestApp, who: &Caller, query: &str) -> Vec<String> {
    let page = app.get(who, &format!("{S3}/list{query}")).await.expect(200).json();
    let files = page["files"].as_array().unwrap().iter();
    let mut names: Vec<_> = files.map(|f| f["fileName"].as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

async fn folders_of_the_guide_are_listed(app: &TestApp) {
    let uuid = "0b8f7c2e-3a53-4f0f-9a3e-0a9f6f1f7a11";
    let admin = app.admin();
    let put = async |sample: usize, of: &[(&str, &str)]| {
        let sent = form(&[], &samples()[sample], of);
        app.post_form(&admin, &format!("{S3}/upload"), sent).await.expect(201).json()
    };
    let letter = put(0, OF_PATIENT).await;
    put(6, &[("category", "billing"), ("entityId", "patient-1"), ("entityType", "patient")]).await;
    put(1, &[("category", "imaging"), ("entityId", uuid), ("entityType", "patient")]).await;
    put(11, &[("entityId", "dr-1"), ("entityType", "provider")]).await;
    put(7, &[("entityId", "a-1"), ("entityType", "appointment"), ("temporary", "true")]).await;
    let pseudonym = letter["key"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
    let folder = letter["key"].as_str().unwrap().rsplit_once('/').unwrap().0.to_owned();
    let of_one = ["fee-schedule.xlsx", "referral-letter.pdf"];
    for (prefix, expected) in [
        ("patients/patient-1", &of_one[..]),
        ("patients/patient-1/", &of_one[..]),
        (format!("patients/{pseudonym}").as_str(), &of_one[..]),
        (folder.as_str(), &of_one[..]),
        ("patients/patient-1/billing", &of_one[..1]),
        ("patients/patient-1/medical-records/", &of_one[1..]),
        ("patients/patient-1/1999/01", &of_one[..0]),
        (format!("patients/{uuid}").as_str(), &["knee-xray.jpg"][..]),
        ("patients/nobody", &of_one[..0]),
        ("providers/dr-1", &["notes.txt"][..]),
        ("appointments/a-1", &["home-exercises.csv"][..]),
        ("temp/", &["home-exercises.csv"][..]),
        ("imaging", &["knee-xray.jpg"][..]),
        ("prescriptions/", &of_one[..0]),
    ] {
        assert_eq!(listed(app, &admin, &format!("?prefix={prefix}")).await, expected, "{prefix}");
    }
    assert_eq!(listed(app, &admin, "").await.len(), 5);
    let page = app.get(&admin, &format!("{S3}/list?maxKeys=2")).await.expect(200).json();
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(listed(app, &admin, &format!("?maxKeys=1000&cursor={cursor}")).await.len(), 3);
    // Nothing that a list would not show.
    assert_eq!(listed(app, &app.patient(uuid), "").await, ["knee-xray.jpg"]);
    app.get(&app.patient(uuid), &format!("{S3}/list?prefix=patients/patient-1")).await.expect(404);
    assert_eq!(listed(app, &app.stranger(), "?prefix=patients/patient-1").await.len(), 0);
}

async fn a_prefix_that_means_nothing_says_what_would(app: &TestApp) {
    for prefix in ["archived", "patients", "patients/p/colour", "../etc", "patients/p/2026/13"] {
        let answer = app.get(&app.admin(), &format!("{S3}/list?prefix={prefix}")).await.expect(422);
        assert!(answer.json()["errors"]["prefix"].is_string(), "{prefix}");
    }
    for query in ["?maxKeys=0", "?maxKeys=1001", "?cursor=x", "?colour=red"] {
        app.get(&app.admin(), &format!("{S3}/list{query}")).await.expect(422);
    }
}

async fn a_key_is_only_a_name_and_the_policy_decides(app: &TestApp) {
    let file = upload(app, &app.admin(), OF_PATIENT).await.expect(201).json();
    for who in [app.stranger(), app.patient("patient-2"), app.clinician(), app.auditor()] {
        app.get(&who, &path(&file["key"], "")).await.expect(404);
        app.get(&who, &path(&file["key"], "&presigned=true")).await.expect(404);
        let body = Some(json!({ "key": file["key"] }));
        app.call(&who, Method::DELETE, &format!("{S3}/delete"), body).await.expect(404);
    }
    app.get(&app.patient("patient-1"), &path(&file["key"], "")).await.expect(200);
    for key in ["nothing", "../strongroom.sqlite", "patients/", "%01"] {
        app.get(&app.admin(), &format!("{S3}/download?key={key}")).await.expect(404);
    }
    app.get(&app.admin(), &format!("{S3}/download")).await.expect(422);
    let trail = app.trail().await;
    assert_eq!(trail.iter().filter(|l| l.contains("download.issue denied")).count(), 3);
}

async fn a_file_is_deleted_by_its_key(app: &TestApp) {
    let file = upload(app, &app.admin(), OF_PATIENT).await.expect(201).json();
    let delete = async || {
        let body = Some(json!({ "key": file["key"] }));
        app.call(&app.admin(), Method::DELETE, &format!("{S3}/delete"), body).await
    };
    let answer = delete().await.expect(200).json();
    assert_eq!((&answer["success"], &answer["key"]), (&json!(true), &file["key"]));
    assert_eq!(answer["file"]["state"], "deleted");
    delete().await.expect(409);
    app.get(&app.admin(), &path(&file["key"], "")).await.expect(409);
    assert_eq!(listed(app, &app.admin(), "").await.len(), 0);
}

async fn the_policy_is_asked_for_what_an_upload_turns_out_to_be(app: &TestApp) {
    app.care("patient-1").await;
    let of = |patient| [("category", "imaging"), ("entityId", patient), ("entityType", "patient")];
    upload(app, &app.clinician(), &of("patient-1")).await.expect(201);
    upload(app, &app.clinician(), &of("patient-2")).await.expect(403);
    upload(app, &app.patient("patient-1"), &of("patient-1")).await.expect(201);
    upload(app, &app.patient("patient-1"), &of("patient-2")).await.expect(403);
    upload(app, &app.auditor(), &of("patient-1")).await.expect(403);
    let states: Vec<_> = app.rows().await.into_iter().map(|(_, state)| state).collect();
    assert_eq!(states.iter().filter(|state| *state == "available").count(), 2);
    assert_eq!(states.iter().filter(|state| *state == "refused").count(), 2);
    assert_eq!(states.len(), 4, "who may upload nothing makes no row");
    let left = app.get(&app.admin(), "/api/docs?state=refused,pending").await.expect(200).json();
    for row in left["items"].as_array().unwrap() {
        assert_eq!(
            (&row["filename"], &row["stateReason"]),
            (&json!("upload"), &json!("not_allowed"))
        );
    }
    let trail = app.trail().await;
    let count = |what: &str| trail.iter().filter(|line| line.contains(what)).count();
    assert_eq!((count("begin granted"), count("begin denied")), (2, 3), "{trail:?}");
}

async fn uploads_that_are_switched_off_say_why(_: &TestApp) {
    let off = TestApp::with(&[("NEXT_PUBLIC_ENABLE_AWS_S3_STORAGE", "false")]).await;
    let answer = upload(&off, &off.admin(), OF_PATIENT).await.expect(503);
    assert!(answer.json()["detail"].as_str().unwrap().contains("switched off"));
    let records = "/api/patients/patient-1/records";
    off.post_form(&off.admin(), records, form(&[], &invoice(), &[])).await.expect(503);
    assert!(off.rows().await.is_empty());
}
