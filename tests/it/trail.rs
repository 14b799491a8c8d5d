//! The trail: one event for each call, whatever becomes of it, and no call without its event.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::body::Body;
use http::{Method, header};
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use strongroom::audit::rows::EventRow;
use strongroom::db::Db;
use strongroom::http::layers::Peer;
use uuid::Uuid;

use crate::doors::{DOORS, Door, Needs, imaging, is_log_in, open};
use crate::on_every_ground;
use crate::support::{Caller, TestApp, at, pdf};

on_every_ground!(
    a_call_that_succeeds_leaves_exactly_one_granted_event,
    a_call_that_is_denied_leaves_exactly_one_denied_event,
    a_call_that_fails_leaves_exactly_one_failed_event_with_its_code,
    nobody_and_an_invalid_token_leave_no_event,
    both_persons_of_an_acting_call_stand_in_the_event,
    the_whole_story_is_told,
    rows_of_the_trail_cannot_be_changed_or_removed,
    the_trail_is_searched_by_each_of_its_fields,
    pages_of_the_trail_hold_still_while_it_grows,
    the_trail_is_for_admins_and_auditors_of_the_clinic;
    local_only("only its own wire tells the trail of what is read by URL"):
    a_presigned_read_is_an_event_of_the_documents_clinic,
    a_presigned_read_is_found_by_the_id_and_the_address_of_its_request,
    without_the_trail_nothing_is_changed_and_no_byte_is_served,
);

/// What an operation is called in the trail, and what it is done to.
fn told(door: &Door) -> (&'static str, &'static str) {
    match (door.method, door.path) {
        ("POST", "/api/docs/presign-upload" | "/api/docs/multipart" | "/api/uppy/s3/multipart")
        | ("GET", "/api/uppy/s3/params") => ("upload.begin", "document"),
        ("POST", "/api/docs/confirm" | "/api/docs/multipart/{uploadId}/complete") => {
            ("upload.confirm", "document")
        }
        ("GET", "/api/docs") if door.variant.is_empty() => ("document.list", "clinic"),
        ("GET", "/api/docs") => ("document.list", "patient"),
        ("GET", "/api/docs/category-suggestion") => ("category.suggest", "clinic"),
        ("GET", "/api/docs/limits") => ("limits.read", "clinic"),
        ("GET", "/api/docs/{id}" | "/api/docs/{id}/retrieval" | "/api/docs/{id}/versions") => {
            ("document.read", "document")
        }
        ("PATCH", "/api/docs/{id}") => ("document.edit", "document"),
        ("DELETE", "/api/docs/{id}") if door.variant.is_empty() => ("document.delete", "document"),
        ("DELETE", "/api/docs/{id}") => ("document.purge", "document"),
        (_, "/api/docs/{id}/hold") => ("document.hold", "document"),
        ("PUT", "/api/docs/{id}/release") => ("document.release", "document"),
        ("GET", "/api/docs/{id}/audit") => ("document.trail", "document"),
        ("GET", "/api/docs/{id}/download") => ("download.issue", "document"),
        ("GET", "/api/docs/{id}/content") => ("content.read", "document"),
        ("GET", "/api/docs/{id}/preview") => ("preview.read", "document"),
        ("PUT", "/api/docs/{id}/content") => ("upload.receive", "document"),
        ("POST", "/api/docs/{id}/retrieval") => ("document.retrieve", "document"),
        ("POST", "/api/docs/multipart/{uploadId}/parts") => ("upload.sign_parts", "document"),
        ("GET", "/api/docs/multipart/{uploadId}/parts" | "/api/uppy/s3/multipart/{uploadId}") => {
            ("upload.read", "document")
        }
        ("DELETE", "/api/docs/multipart/{uploadId}" | "/api/uppy/s3/multipart/{uploadId}") => {
            ("upload.abort", "document")
        }
        ("POST", "/api/docs/{id}/restore") => ("document.restore", "document"),
        ("POST", "/api/docs/{id}/scan") => ("document.rescan", "document"),
        ("GET", "/api/patients/{patientId}/care-team") => ("care_team.read", "patient"),
        (_, "/api/patients/{patientId}/care-team/{userId}") => ("care_team.manage", "patient"),
        (_, path) if path.starts_with("/api/webhooks") => ("webhooks.manage", "webhook"),
        ("POST", "/api/patients/{patientId}/records" | "/api/v2/aws/s3/upload") => {
            ("upload.begin", "document")
        }
        ("GET", "/api/patients/{patientId}/records/{recordId}") => ("document.read", "document"),
        ("DELETE", "/api/patients/{patientId}/records/{recordId}" | "/api/v2/aws/s3/delete") => {
            ("document.delete", "document")
        }
        ("GET", "/api/v2/aws/s3/download") if door.variant.ends_with("presigned=true") => {
            ("download.issue", "document")
        }
        (
            "GET",
            "/api/v2/aws/s3/download" | "/api/patients/{patientId}/records/{recordId}/download",
        ) => ("content.read", "document"),
        ("GET", "/api/v2/aws/s3/list") if door.variant.is_empty() => ("document.list", "clinic"),
        ("GET", "/api/v2/aws/s3/list" | "/api/patients/{patientId}/records") => {
            ("document.list", "patient")
        }
        (_, "/api/v2/aws/s3/test") => ("self_test.run", "system"),
        (_, "/api/config" | "/api/v2/aws/s3/config") => ("config.read", "system"),
        ("POST", "/api/uppy/tickets") => ("upload.ticket", "ticket"),
        ("GET", path) if path.starts_with("/api/uppy") => ("upload.sign_parts", "document"),
        ("POST", path) if path.starts_with("/api/uppy") => ("upload.confirm", "document"),
        ("GET", "/api/v2/aws/s3/stats") => ("stats.read", "clinic"),
        ("GET", "/api/audit") => ("trail.read", "clinic"),
        (_, path) if path.starts_with("/api/users") => ("users.manage", "user"),
        (_, path) if path.starts_with("/api/keys") => ("keys.manage", "api_key"),
        ("POST", "/api/setup") => ("setup.complete", "session"),
        ("POST", "/api/session") => ("session.begin", "session"),
        ("GET", "/api/session") => ("session.read", "session"),
        ("DELETE", "/api/session") => ("session.end", "session"),
        ("POST", "/api/session/password") => ("session.password", "session"),
        other => panic!("{other:?} has no row here"),
    }
}

/// Whether the event of a call that was let through names what it was done to.
fn names_one(door: &Door, kind: &str) -> bool {
    match kind {
        "document" | "ticket" => true,
        "webhook" => (door.method, door.path) != ("GET", "/api/webhooks"),
        "user" | "api_key" => door.method != "GET",
        _ => false,
    }
}

/// Without a scanner it fails; the tests of scanning see it succeed.
fn needs_scanner(door: &Door) -> bool {
    door.path.ends_with("/scan")
}

/// A token has no password; the tests of accounts see it succeed.
fn needs_password(door: &Door) -> bool {
    door.path == "/api/session/password"
}

/// Tries a door and returns the status and the events that this one request left.
async fn probe(app: &TestApp, door: &Door, who: &Caller) -> (u16, Vec<EventRow>) {
    let id = format!("probe-{}", Uuid::now_v7().simple());
    let headers = [(who.header.0.as_str(), who.header.1.as_str()), ("x-request-id", &id)];
    let answer = open(app, door, &imaging(), &headers).await;
    (answer.status.as_u16(), of_request(app, &id).await)
}

async fn of_request(app: &TestApp, id: &str) -> Vec<EventRow> {
    let mut events = app.events(DEFAULT_CLINIC).await;
    events.retain(|event| event.request_id == id);
    events
}

async fn a_call_that_succeeds_leaves_exactly_one_granted_event(app: &TestApp) {
    let open = |door: &&Door| !is_log_in(door) && !needs_scanner(door) && !needs_password(door);
    for door in DOORS.iter().filter(open) {
        let (status, events) = probe(app, door, &app.admin()).await;
        let name = format!("{} {}{}", door.method, door.path, door.variant);
        assert!((200..300).contains(&status), "{name}: {status}");
        let [event] = events.as_slice() else { panic!("{name}: {events:?}") };
        let (action, kind) = told(door);
        assert_eq!(event.action, action, "{name}");
        assert_eq!((event.outcome.as_str(), &event.code), ("granted", &None), "{name}");
        assert_eq!((event.actor_kind.as_str(), event.actor_id.as_str()), ("user", "test-admin"));
        assert_eq!(event.actor_roles, "admin");
        assert_eq!(event.target_kind.as_deref(), Some(kind), "{name}");
        assert_eq!(event.target_id.is_some(), names_one(door, kind), "{name}");
        let patient = matches!(kind, "document" | "patient" | "ticket").then_some("patient-1");
        assert_eq!(event.patient_id.as_deref(), patient, "{name}");
    }
}

async fn a_call_that_is_denied_leaves_exactly_one_denied_event(app: &TestApp) {
    let other = app.patient("patient-2");
    let mut denied = 0;
    for door in DOORS.iter().filter(|door| !is_log_in(door)) {
        let (status, events) = probe(app, door, &other).await;
        let name = format!("{} {}{}", door.method, door.path, door.variant);
        let [event] = events.as_slice() else { panic!("{name}: {events:?}") };
        if status < 300 {
            // A patient's list is their own, whoever is named in it; so is their session. A
            // suggestion is about nobody.
            let own = [
                "/api/docs",
                "/api/session",
                "/api/docs/category-suggestion",
                "/api/docs/limits",
                "/api/v2/aws/s3/list",
            ];
            assert!(own.contains(&door.path), "{name}");
            continue;
        }
        denied += 1;
        let (action, kind) = told(door);
        assert_eq!(event.action, action, "{name}");
        let code = if status == 403 { "forbidden" } else { "not_found" };
        assert_eq!((event.outcome.as_str(), event.code.as_deref()), ("denied", Some(code)));
        assert_eq!(event.actor_id, "test-patient-user");
        assert_eq!(event.target_kind.as_deref(), Some(kind), "{name}");
        let named = match kind {
            // Nobody has made one yet.
            "user" | "api_key" => door.path.contains('{'),
            _ => names_one(door, kind),
        };
        assert_eq!(event.target_id.is_some(), named, "{name}");
        let patient = matches!(kind, "document" | "patient" | "ticket").then_some("patient-1");
        assert_eq!(event.patient_id.as_deref(), patient, "{name}");
    }
    assert!(denied >= 11, "{denied}");
    // Somebody who guesses ids leaves the ids that were guessed.
    let guessed = Uuid::now_v7().to_string();
    app.get(&other, &format!("/api/docs/{guessed}")).await.expect(404);
    let events = app.events(DEFAULT_CLINIC).await;
    let last = events.last().unwrap();
    assert_eq!((last.outcome.as_str(), last.target_id.as_ref()), ("denied", Some(&guessed)));
}

async fn a_call_that_fails_leaves_exactly_one_failed_event_with_its_code(app: &TestApp) {
    let admin = app.admin();
    let begin = async || {
        let asked = pdf().asked("patient-1");
        app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201).json()
    };
    let with = |name: &str, value: Value| {
        let mut asked = pdf().asked("patient-1");
        asked[name] = value;
        asked
    };
    let lost = begin().await;
    let lying = begin().await;
    app.put(&lying, vec![b'x'; pdf().bytes.len()]).await.expect(200);
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let id = document["id"].as_str().unwrap();
    let deleted = app.upload(&admin, "patient-1", &pdf()).await;
    let gone = deleted["id"].as_str().unwrap();
    app.delete(&admin, &format!("/api/docs/{gone}")).await.expect(200);
    let (presign, confirm) = ("/api/docs/presign-upload", "/api/docs/confirm");
    let cases = [
        ("POST", confirm.to_owned(), Some(json!({ "id": lost["id"] })), 409, "upload_missing"),
        ("POST", confirm.to_owned(), Some(json!({ "id": lying["id"] })), 422, "content_mismatch"),
        ("POST", confirm.to_owned(), Some(json!({ "id": lying["id"] })), 409, "upload_ended"),
        ("POST", confirm.to_owned(), Some(json!({ "id": gone })), 409, "wrong_state"),
        ("POST", confirm.to_owned(), Some(json!({})), 422, "invalid_fields"),
        ("DELETE", format!("/api/docs/{gone}"), None, 409, "wrong_state"),
        ("POST", format!("/api/docs/{id}/restore"), None, 409, "wrong_state"),
        ("GET", format!("/api/docs/{gone}/download"), None, 409, "wrong_state"),
        ("GET", format!("/api/docs/{gone}/content"), None, 409, "wrong_state"),
        ("GET", format!("/api/docs/{id}/download?disposition=up"), None, 422, "invalid_fields"),
        (
            "POST",
            presign.to_owned(),
            Some(with("filename", json!("a/b.pdf"))),
            422,
            "invalid_fields",
        ),
        ("POST", presign.to_owned(), Some(with("size", json!(0))), 422, "empty_file"),
        ("POST", presign.to_owned(), Some(with("size", json!(1u64 << 40))), 413, "file_too_large"),
        (
            "POST",
            presign.to_owned(),
            Some(with("contentType", json!("text/html"))),
            415,
            "unsupported_type",
        ),
        ("GET", "/api/docs?limit=0".to_owned(), None, 422, "invalid_fields"),
        ("GET", "/api/audit?outcome=maybe".to_owned(), None, 422, "invalid_fields"),
    ];
    for (method, path, body, status, code) in cases {
        let request = format!("failed-{}", Uuid::now_v7().simple());
        let headers = [("authorization", admin.header.1.as_str()), ("x-request-id", &request)];
        let method: Method = method.parse().unwrap();
        let answer = app.request(method.clone(), &path, &headers, body).await.expect(status);
        assert_eq!(answer.code(), code, "{method} {path}");
        let events = of_request(app, &request).await;
        let [event] = events.as_slice() else { panic!("{method} {path}: {events:?}") };
        let said = (event.outcome.as_str(), event.code.as_deref(), event.actor_id.as_str());
        assert_eq!(said, ("failed", Some(code), "test-admin"), "{method} {path}");
    }
    let request = "failed-range";
    let headers = [
        ("authorization", admin.header.1.as_str()),
        ("x-request-id", request),
        ("range", "bytes=99999999-"),
    ];
    let path = format!("/api/docs/{id}/content");
    app.request(Method::GET, &path, &headers, None).await.expect(416);
    let events = of_request(app, request).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].code.as_deref(), Some("range_not_satisfiable"));
}

/// The actions of the events that belong to no clinic.
async fn of_no_clinic(app: &TestApp) -> Vec<(String,)> {
    const SQL: &str = "select action from audit_events where clinic_id is null order by seq";
    match &app.app.db {
        Db::Postgres(pool) => sqlx::query_as(SQL).fetch_all(pool).await.unwrap(),
        Db::Sqlite(db) => {
            let mut reader = db.reader().await.unwrap();
            sqlx::query_as(SQL).fetch_all(&mut *reader).await.unwrap()
        }
    }
}

async fn nobody_and_an_invalid_token_leave_no_event(app: &TestApp) {
    let doors = || DOORS.iter().filter(|d| d.needs == Needs::Nothing && !is_log_in(d));
    for door in doors() {
        open(app, door, &imaging(), &[]).await.expect(401);
    }
    assert!(app.events(DEFAULT_CLINIC).await.is_empty());
    assert!(of_no_clinic(app).await.is_empty());
    for door in doors() {
        let headers = [("authorization", "Bearer not.a.token")];
        open(app, door, &imaging(), &headers).await.expect(401);
    }
    assert!(app.events(DEFAULT_CLINIC).await.is_empty());
    assert!(of_no_clinic(app).await.is_empty());
}

async fn both_persons_of_an_acting_call_stand_in_the_event(app: &TestApp) {
    let service = app.service();
    let acting = |role: &'static str| {
        [("x-acting-user", "dr-who"), ("x-acting-role", role), ("x-request-id", "acting-call")]
            .into_iter()
            .chain([("authorization", service.header.1.as_str())])
            .collect::<Vec<_>>()
    };
    app.request(Method::GET, "/api/docs", &acting("clinician"), None).await.expect(200);
    let events = of_request(app, "acting-call").await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.actor_id.as_str(), event.actor_roles.as_str()), ("test-service", "service"));
    assert_eq!(event.on_behalf_of.as_deref(), Some("dr-who"));
    assert_eq!(event.behalf_role.as_deref(), Some("clinician"));
    // Their role's rules hold, and a refusal names both as well.
    app.request(Method::GET, "/api/audit", &acting("staff"), None).await.expect(403);
    let events = of_request(app, "acting-call").await;
    assert_eq!(events.len(), 2);
    assert_eq!(events[1].outcome, "denied");
    assert_eq!(events[1].on_behalf_of.as_deref(), Some("dr-who"));
    let shown = app.get(&app.admin(), "/api/audit?actor=dr-who").await.expect(200).json();
    assert_eq!(shown["items"].as_array().unwrap().len(), 2);
    assert_eq!(shown["items"][0]["actor"]["onBehalfOf"], "dr-who");
    assert_eq!(shown["items"][0]["actor"]["inRole"], "staff");
}

async fn the_whole_story_is_told(app: &TestApp) {
    app.care("patient-1").await;
    let (clinician, patient) = (app.clinician(), app.patient("patient-1"));
    let document = app.upload(&clinician, "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    app.get(&patient, &path).await.expect(200);
    app.get(&app.patient("patient-2"), &path).await.expect(404);
    app.get(&app.staff(), &path).await.expect(404);
    app.delete(&patient, &path).await.expect(403);
    app.get(&patient, "/api/docs").await.expect(200);
    let link = app.get(&patient, &format!("{path}/download")).await.expect(200).json();
    app.fetch(link["url"].as_str().unwrap()).await.expect(200);
    app.get(&clinician, &format!("{path}/content")).await.expect(200);
    app.delete(&clinician, &path).await.expect(200);
    app.get(&clinician, &format!("{path}/content")).await.expect(409);
    app.post(&clinician, &format!("{path}/restore"), json!({})).await.expect(200);
    let team = "/api/patients/patient-1/care-team/test-clinician";
    app.delete(&app.admin(), team).await.expect(204);
    app.get(&clinician, &path).await.expect(404);
    app.get(&app.auditor(), "/api/audit").await.expect(200);
    let mut names = BTreeMap::from([(document["id"].as_str().unwrap().to_owned(), "the document")]);
    let mut story = String::new();
    for event in app.events(DEFAULT_CLINIC).await {
        if event.actor_kind == "presigned" {
            names.insert(event.actor_id.clone(), "holder of the link");
        }
        let who = |id: &str| names.get(id).map_or_else(|| id.to_owned(), |n| (*n).to_owned());
        let outcome = event.code.as_ref().unwrap_or(&event.outcome);
        let target = event.target_id.as_deref().map(who);
        let target = target.or(event.target_kind.clone()).unwrap_or_default();
        let patient = event.patient_id.as_deref().unwrap_or("-");
        let (actor, action) = (who(&event.actor_id), &event.action);
        let _ = writeln!(story, "{actor:<18} {action:<16} {outcome:<12} {target:<12} {patient}");
    }
    // Who holds a link to somebody else's store reads there, and only that store can tell.
    let local = app.app.store.provider() == "local";
    let name = if local { "the_whole_story" } else { "the_whole_story_with_s3" };
    insta::assert_snapshot!(name, story);
}

async fn rows_of_the_trail_cannot_be_changed_or_removed(app: &TestApp) {
    app.get(&app.admin(), "/api/docs").await.expect(200);
    let before = format!("{:?}", app.events(DEFAULT_CLINIC).await);
    let mut attempts = vec![
        "update audit_events set actor_id = 'somebody else'",
        "delete from audit_events",
        "delete from audit_events where seq = 1",
    ];
    if app.app.db.engine() == "postgres" {
        attempts.extend(["truncate audit_events", "truncate audit_events cascade"]);
    } else {
        // SQLite lets `replace` take rows away without asking the delete trigger.
        attempts.extend([
            "insert or replace into audit_events select * from audit_events",
            "insert or replace into audit_events (seq, id, at, action, outcome, actor_kind, \
             actor_id, actor_roles, request_id) values (1, x'00', 0, 'a', 'granted', 'k', 'i', \
             'r', 'q')",
        ]);
    }
    for sql in attempts {
        let e = app.sql(sql).await.expect_err(sql).to_string();
        assert!(e.contains("append-only"), "{sql}: {e}");
    }
    assert_eq!(format!("{:?}", app.events(DEFAULT_CLINIC).await), before);
}

async fn without_the_trail_nothing_is_changed_and_no_byte_is_served(app: &TestApp) {
    let admin = app.admin();
    let asked = pdf().asked("patient-1");
    let begin = async || {
        app.post(&admin, "/api/docs/presign-upload", asked.clone()).await.expect(201).json()
    };
    let (pending, lying) = (begin().await, begin().await);
    app.put(&pending, pdf().bytes).await.expect(200);
    app.put(&lying, vec![b'x'; pdf().bytes.len()]).await.expect(200);
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let id = document["id"].as_str().unwrap();
    let link = app.get(&admin, &format!("/api/docs/{id}/download")).await.expect(200).json();
    let (before, told) = (app.rows().await, app.trail().await);

    app.break_trail().await;
    let confirm = |upload: &Value| Some(json!({ "id": upload["id"] }));
    for (method, path, body) in [
        (Method::POST, "/api/docs/presign-upload", Some(asked.clone())),
        (Method::POST, "/api/docs/confirm", confirm(&pending)),
        (Method::POST, "/api/docs/confirm", confirm(&lying)),
        (Method::GET, "/api/docs", None),
        (Method::GET, &format!("/api/docs/{id}"), None),
        (Method::GET, &format!("/api/docs/{id}/download"), None),
        (Method::GET, &format!("/api/docs/{id}/download?redirect=true"), None),
        (Method::GET, &format!("/api/docs/{id}/content"), None),
        (Method::DELETE, &format!("/api/docs/{id}"), None),
        (Method::PUT, "/api/patients/patient-1/care-team/x", None),
        (Method::GET, "/api/patients/patient-1/care-team", None),
        (Method::GET, "/api/audit", None),
        (Method::GET, "/api/session", None),
        // What is denied or fails cannot be told either.
        (Method::POST, &format!("/api/docs/{id}/restore"), None),
        (Method::GET, &format!("/api/docs/{}", Uuid::now_v7()), None),
    ] {
        let answer = app.call(&admin, method.clone(), path, body).await.expect(503);
        assert_eq!(answer.code(), "unavailable", "{method} {path}");
        assert!(!answer.headers.contains_key(header::LOCATION), "{path}");
    }
    let fetched = app.fetch(link["url"].as_str().unwrap()).await.expect(503);
    assert!(!fetched.body.windows(5).any(|bytes| bytes == b"%PDF-"));
    assert_eq!(app.rows().await, before);
    app.mend_trail().await;

    assert_eq!(app.trail().await, told);
    let team = app.get(&admin, "/api/patients/patient-1/care-team").await.expect(200).json();
    assert_eq!(team["members"], json!([]));
    app.fetch(link["url"].as_str().unwrap()).await.expect(200);
    let confirmed = json!({ "id": pending["id"] });
    app.post(&admin, "/api/docs/confirm", confirmed).await.expect(201);
    let lie = json!({ "id": lying["id"] });
    app.post(&admin, "/api/docs/confirm", lie).await.expect(422);
}

async fn a_presigned_read_is_an_event_of_the_documents_clinic(app: &TestApp) {
    let stranger = app.stranger();
    let document = app.upload(&stranger, "patient-1", &pdf()).await;
    let id = document["id"].as_str().unwrap();
    let link = app.get(&stranger, &format!("/api/docs/{id}/download")).await.expect(200).json();
    let url = link["url"].as_str().unwrap();
    app.fetch(url).await.expect(200);
    let reads = async || {
        let mut events = app.events(crate::support::OTHER_CLINIC).await;
        events.retain(|event| event.action == "wire.read");
        events
    };
    let events = reads().await;
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((event.actor_kind.as_str(), event.outcome.as_str()), ("presigned", "granted"));
    assert_eq!(event.target_kind.as_deref(), Some("document"));
    assert_eq!(event.target_id.as_deref(), Some(id));
    assert_eq!(event.patient_id.as_deref(), Some("patient-1"));
    assert!(app.events(DEFAULT_CLINIC).await.is_empty());
    // A link that is not signed so reads nothing and is no read.
    let (head, last) = url.split_at(url.len() - 1);
    let forged = format!("{head}{}", if last == "0" { "1" } else { "0" });
    app.fetch(&forged).await.expect(403);
    assert_eq!(reads().await.len(), 1);
}

async fn a_presigned_read_is_found_by_the_id_and_the_address_of_its_request(app: &TestApp) {
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}/download", document["id"].as_str().unwrap());
    let link = app.get(&app.admin(), &path).await.expect(200).json();
    let read = async |id: Option<&str>| {
        let mut request = at(Method::GET, link["url"].as_str().unwrap());
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer(([192, 0, 2, 7], 4000).into()));
        let answer = app.send(request).await.expect(200);
        answer.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(read(Some("named-by-the-caller")).await, "named-by-the-caller");
    for id in ["named-by-the-caller".to_owned(), read(None).await] {
        let events = of_request(app, &id).await;
        let [event] = events.as_slice() else { panic!("{id}: {events:?}") };
        assert_eq!(event.action, "wire.read");
        assert_eq!(event.remote_addr.as_deref(), Some("192.0.2.7"));
    }
}

async fn items(app: &TestApp, query: &str) -> Vec<Value> {
    let answer = app.get(&app.admin(), &format!("/api/audit?limit=1000&{query}")).await;
    answer.expect(200).json()["items"].as_array().unwrap().clone()
}

async fn the_trail_is_searched_by_each_of_its_fields(app: &TestApp) {
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let id = document["id"].as_str().unwrap();
    app.upload(&app.admin(), "patient-2", &pdf()).await;
    app.get(&app.staff(), &format!("/api/docs/{id}")).await.expect(404);
    app.clock.shift_seconds(3600);
    let border = app.clock.now().to_string();
    let headers = [("authorization", app.admin().header.1), ("x-request-id", "one-request".into())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    app.request(Method::GET, "/api/docs", &headers, None).await.expect(200);
    let every = |events: &[Value], pointer: &str, value: &str| {
        assert!(!events.is_empty(), "{pointer}");
        assert!(events.iter().all(|e| e.pointer(pointer).unwrap() == value), "{pointer}");
        events.len()
    };
    assert_eq!(every(&items(app, "action=upload.begin").await, "/action", "upload.begin"), 2);
    assert_eq!(every(&items(app, "outcome=denied").await, "/outcome", "denied"), 1);
    assert_eq!(every(&items(app, "actor=test-staff").await, "/actor/id", "test-staff"), 1);
    assert_eq!(every(&items(app, &format!("targetId={id}")).await, "/targetId", id), 3);
    assert_eq!(every(&items(app, "patientId=patient-2").await, "/patientId", "patient-2"), 2);
    assert_eq!(every(&items(app, "requestId=one-request").await, "/requestId", "one-request"), 1);
    let both = "patientId=patient-1&outcome=granted";
    assert_eq!(every(&items(app, both).await, "/patientId", "patient-1"), 2);
    assert_eq!(items(app, &format!("to={border}")).await.len(), 5);
    let later = items(app, &format!("from={border}&action=document.list")).await;
    assert_eq!(every(&later, "/requestId", "one-request"), 1);
    let misspelt = app.get(&app.admin(), "/api/audit?action=upload.begun").await.expect(422).json();
    assert!(
        misspelt["errors"]["action"].as_str().unwrap().contains("download.issue"),
        "{misspelt}"
    );
    for wrong in ["outcome=x", "from=today", "limit=0", "limit=1001", "cursor=x", "colour=red"] {
        let answer = app.get(&app.admin(), &format!("/api/audit?{wrong}")).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{wrong}: {}", answer.status);
    }
}

async fn pages_of_the_trail_hold_still_while_it_grows(app: &TestApp) {
    let admin = app.admin();
    for _ in 0..7 {
        app.get(&admin, "/api/docs").await.expect(200);
    }
    let there: Vec<i64> = app.events(DEFAULT_CLINIC).await.iter().rev().map(|e| e.seq).collect();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        // Reading a page is an event itself; so is what others do meanwhile.
        let page = app.get(&admin, &format!("/api/audit?limit=2{cursor}")).await.expect(200).json();
        app.get(&admin, "/api/docs").await.expect(200);
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|event| event["seq"].as_i64().unwrap()));
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, there);
}

async fn the_trail_is_for_admins_and_auditors_of_the_clinic(app: &TestApp) {
    app.upload(&app.admin(), "patient-1", &pdf()).await;
    for who in [app.clinician(), app.staff(), app.patient("patient-1"), app.service()] {
        let answer = app.get(&who, "/api/audit").await.expect(403);
        assert_eq!(answer.code(), "forbidden");
    }
    let seen = app.get(&app.auditor(), "/api/audit").await.expect(200).json();
    assert_eq!(seen["items"].as_array().unwrap().len(), 6);
    assert!(!seen.to_string().contains("referral"), "the trail holds a file name");
    let other = app.get(&app.stranger(), "/api/audit").await.expect(200).json();
    assert_eq!(other["items"], json!([]));
    let other = app.get(&app.stranger(), "/api/audit?patientId=patient-1").await.expect(200);
    assert_eq!(other.json()["items"], json!([]));
}
