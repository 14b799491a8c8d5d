//! Who calls, over HTTP: API keys, sessions, care teams, and what each role gets to see.

use std::time::Duration;

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use strongroom::access::api_keys::{NewKey, create_key, revoke_key};
use strongroom::access::users::{NewUser, add_user};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::ids::ApiKeyId;
use strongroom::sensitive::Secret;
use strongroom::time::Timestamp;

use crate::contract::expect_problem;
use crate::on_every_ground;
use crate::support::{Answer, Caller, OTHER_CLINIC, TestApp, invoice, pdf, samples};

on_every_ground!(
    an_api_key_opens_by_bearer_and_by_its_own_header,
    a_revoked_key_ends_within_five_seconds_and_an_expired_one_at_once,
    a_key_has_its_role_and_its_clinic_and_no_others,
    a_session_begins_with_a_password_and_ends_with_log_out,
    a_write_with_a_session_must_come_from_our_own_pages,
    a_session_ends_by_itself_when_it_is_not_used,
    wrong_passwords_lock_a_name_and_a_name_nobody_has_alike,
    a_care_team_decides_what_a_clinician_sees,
    staff_see_open_categories_only,
    patients_see_their_own_available_released_documents_only,
);

const PASSWORD: &str = "correct horse battery";

async fn make_key(
    app: &TestApp,
    role: Role,
    clinic: Option<strongroom::ids::ClinicId>,
    expires_at: Option<Timestamp>,
) -> (ApiKeyId, String) {
    let new = NewKey { name: "test".into(), role, clinic, expires_at };
    let mut tx = app.app.db.begin().await.unwrap();
    let made = create_key(&mut tx, &app.app.ids, app.clock.now(), new).await.unwrap();
    tx.commit().await.unwrap();
    (made.0.id, made.1.reveal().clone())
}

fn by_key(text: &str) -> Caller {
    Caller { header: ("x-api-key".into(), text.into()) }
}

async fn an_api_key_opens_by_bearer_and_by_its_own_header(app: &TestApp) {
    let (id, text) = make_key(app, Role::Admin, None, None).await;
    let bearer = Caller { header: ("authorization".into(), format!("Bearer {text}")) };
    for who in [&bearer, &by_key(&text)] {
        app.upload(who, "patient-1", &pdf()).await;
        let session = app.get(who, "/api/session").await.expect(200).json();
        assert_eq!(session["roles"], json!(["admin"]));
        assert_eq!(session["user"], format!("key:{id}"));
    }
    let both = [("authorization", bearer.header.1.as_str()), ("x-api-key", &text)];
    let answer = app.request(Method::GET, "/api/docs", &both, None).await;
    expect_problem(&answer, 400, "bad_request");
    for event in app.events(DEFAULT_CLINIC).await {
        assert_eq!(event.actor_kind, "api_key", "{}", event.action);
        assert_eq!(event.actor_id, format!("key:{id}"));
        // `srk_{id}_{secret}`; the secret may hold that sign too.
        let secret = text.splitn(3, '_').nth(2).unwrap();
        assert!(!format!("{event:?}").contains(secret), "the trail holds a secret");
    }
    let (head, last) = text.split_at(text.len() - 2);
    let wrong = format!("{head}{}", if last == "AA" { "BA" } else { "AA" });
    expect_problem(&app.get(&by_key(&wrong), "/api/docs").await, 401, "invalid_credential");
}

async fn a_revoked_key_ends_within_five_seconds_and_an_expired_one_at_once(app: &TestApp) {
    let (id, text) = make_key(app, Role::Admin, None, None).await;
    let end = app.clock.now() + Duration::from_mins(1);
    let (_, short) = make_key(app, Role::Admin, None, Some(end)).await;
    app.get(&by_key(&text), "/api/docs").await.expect(200);
    app.get(&by_key(&short), "/api/docs").await.expect(200);
    let mut tx = app.app.db.begin().await.unwrap();
    assert!(revoke_key(&mut tx, id, app.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    app.clock.shift_seconds(6);
    expect_problem(&app.get(&by_key(&text), "/api/docs").await, 401, "invalid_credential");
    app.get(&by_key(&short), "/api/docs").await.expect(200);
    app.clock.shift_seconds(53);
    app.get(&by_key(&short), "/api/docs").await.expect(200);
    app.clock.shift_seconds(2);
    expect_problem(&app.get(&by_key(&short), "/api/docs").await, 401, "invalid_credential");
}

async fn a_key_has_its_role_and_its_clinic_and_no_others(app: &TestApp) {
    let (_, auditor) = make_key(app, Role::Auditor, None, None).await;
    app.get(&by_key(&auditor), "/api/audit").await.expect(200);
    app.get(&by_key(&auditor), "/api/docs").await.expect(403);
    let id = app.upload(&app.admin(), "patient-1", &pdf()).await["id"].clone();
    let path = format!("/api/docs/{}", id.as_str().unwrap());
    let (_, other) = make_key(app, Role::Admin, Some(OTHER_CLINIC), None).await;
    app.get(&by_key(&other), &path).await.expect(404);
    let ours = DEFAULT_CLINIC.to_string();
    let crossing = [("x-api-key", other.as_str()), ("x-clinic-id", &ours)];
    app.request(Method::GET, &path, &crossing, None).await.expect(400);
    let acting =
        [("x-api-key", other.as_str()), ("x-acting-user", "x"), ("x-acting-role", "staff")];
    app.request(Method::GET, &path, &acting, None).await.expect(400);
    let (_, service) = make_key(app, Role::Service, None, None).await;
    let theirs = OTHER_CLINIC.to_string();
    let free = [("x-api-key", service.as_str()), ("x-clinic-id", &theirs)];
    app.request(Method::GET, &path, &free, None).await.expect(404);
    let free = [("x-api-key", service.as_str()), ("x-clinic-id", &ours)];
    app.request(Method::GET, &path, &free, None).await.expect(200);
}

async fn add(app: &TestApp, name: &str, role: Role) {
    let password = Secret::new(PASSWORD.to_owned());
    let user = NewUser { name: name.into(), password, role, clinic: None };
    add_user(&app.app.db, user, app.clock.now()).await.unwrap();
}

async fn try_log_in(app: &TestApp, name: &str, password: &str) -> Answer {
    let origin = [("origin", app.app.config.server.public_url.as_str())];
    let body = json!({ "username": name, "password": password });
    app.request(Method::POST, "/api/session", &origin, Some(body)).await
}

/// The cookie, as a browser would send it back.
async fn log_in(app: &TestApp, name: &str) -> String {
    let answer = try_log_in(app, name, PASSWORD).await.expect(204);
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{part} is not in the cookie");
    }
    cookie.split(';').next().unwrap().to_owned()
}

async fn with_cookie(app: &TestApp, cookie: &str, method: Method, path: &str) -> Answer {
    let origin = app.app.config.server.public_url.as_str();
    app.request(method, path, &[("cookie", cookie), ("origin", origin)], None).await
}

async fn a_session_begins_with_a_password_and_ends_with_log_out(app: &TestApp) {
    add(app, "erin", Role::Admin).await;
    let wrong = try_log_in(app, "erin", "wrong horse battery").await;
    expect_problem(&wrong, 401, "wrong_password");
    assert!(!wrong.headers.contains_key(header::SET_COOKIE));
    let (cookie, second) = (log_in(app, "erin").await, log_in(app, "erin").await);
    assert_ne!(cookie, second);
    let session = with_cookie(app, &cookie, Method::GET, "/api/session").await.expect(200).json();
    assert_eq!(
        session,
        json!({
            "user": "erin", "roles": ["admin"], "clinicId": DEFAULT_CLINIC.to_string(),
            "idleSeconds": 900, "trashDays": 30,
        })
    );
    let out = with_cookie(app, &cookie, Method::DELETE, "/api/session").await.expect(204);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    let after = with_cookie(app, &cookie, Method::GET, "/api/session").await;
    expect_problem(&after, 401, "invalid_credential");
    with_cookie(app, &second, Method::GET, "/api/session").await.expect(200);
    let trail = app.trail().await;
    assert_eq!(
        trail,
        [
            "erin session.begin denied:wrong_password -",
            "erin session.begin granted session",
            "erin session.begin granted session",
            "erin session.read granted session",
            "erin session.end granted session",
            "erin session.read granted session",
        ]
    );
}

async fn a_write_with_a_session_must_come_from_our_own_pages(app: &TestApp) {
    add(app, "erin", Role::Admin).await;
    let cookie = log_in(app, "erin").await;
    let path = "/api/patients/patient-1/care-team/somebody";
    for origin in [None, Some("https://evil.example.com"), Some("null")] {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let answer = app.request(Method::PUT, path, &headers, None).await;
        assert!([400, 403].contains(&answer.status.as_u16()), "{origin:?}: {}", answer.status);
        // Reading changes nothing: a browser keeps the answer from other origins.
        app.request(Method::GET, "/api/session", &headers, None).await.expect(200);
        let body = json!({ "username": "erin", "password": PASSWORD });
        let answer = app.request(Method::POST, "/api/session", &headers[1..], Some(body)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?}");
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
    }
    with_cookie(app, &cookie, Method::PUT, path).await.expect(204);
}

async fn a_session_ends_by_itself_when_it_is_not_used(app: &TestApp) {
    add(app, "erin", Role::Auditor).await;
    let cookie = log_in(app, "erin").await;
    for _ in 0..3 {
        app.clock.shift_seconds(14 * 60);
        with_cookie(app, &cookie, Method::GET, "/api/session").await.expect(200);
    }
    app.clock.shift_seconds(15 * 60 + 1);
    let answer = with_cookie(app, &cookie, Method::GET, "/api/session").await;
    expect_problem(&answer, 401, "invalid_credential");
    let cookie = log_in(app, "erin").await;
    // Twelve hours is the longest, however busy it is.
    for _ in 0..51 {
        app.clock.shift_seconds(14 * 60);
        with_cookie(app, &cookie, Method::GET, "/api/session").await.expect(200);
    }
    app.clock.shift_seconds(14 * 60);
    with_cookie(app, &cookie, Method::GET, "/api/session").await.expect(401);
}

async fn wrong_passwords_lock_a_name_and_a_name_nobody_has_alike(app: &TestApp) {
    add(app, "erin", Role::Admin).await;
    for name in ["erin", "nobody"] {
        for _ in 0..5 {
            let wrong = try_log_in(app, name, "wrong horse battery").await;
            expect_problem(&wrong, 401, "wrong_password");
        }
        let locked = try_log_in(app, name, PASSWORD).await;
        expect_problem(&locked, 429, "too_many_requests");
        let wait: u64 = locked.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        app.clock.shift_seconds(61);
    }
    log_in(app, "erin").await;
    expect_problem(&try_log_in(app, "nobody", PASSWORD).await, 401, "wrong_password");
}

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn listed(app: &TestApp, who: &Caller, query: &str) -> Vec<String> {
    ids(&app.get(who, &format!("/api/docs{query}")).await.expect(200).json())
}

async fn a_care_team_decides_what_a_clinician_sees(app: &TestApp) {
    let (admin, clinician) = (app.admin(), app.clinician());
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    app.upload(&admin, "patient-2", &pdf()).await;
    let id = document["id"].as_str().unwrap().to_owned();
    let paths = [
        format!("/api/docs/{id}"),
        format!("/api/docs/{id}/download"),
        format!("/api/docs/{id}/content"),
    ];
    let sees = async |yes: bool| {
        for path in &paths {
            app.get(&clinician, path).await.expect(if yes { 200 } else { 404 });
        }
        let expected = if yes { vec![id.clone()] } else { Vec::new() };
        assert_eq!(listed(app, &clinician, "").await, expected);
        let of_patient = app.get(&clinician, "/api/docs?patientId=patient-1").await;
        let of_patient = of_patient.expect(if yes { 200 } else { 404 });
        if yes {
            assert_eq!(ids(&of_patient.json()), expected);
        }
        app.get(&clinician, "/api/docs?patientId=patient-2").await.expect(404);
    };
    sees(false).await;
    let team = "/api/patients/patient-1/care-team";
    app.care("patient-1").await;
    app.care("patient-1").await;
    let members = app.get(&admin, team).await.expect(200).json();
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
    assert_eq!(members["members"][0]["userId"], "test-clinician");
    assert_eq!(members["members"][0]["addedBy"], "test-admin");
    sees(true).await;
    let asked = pdf().asked("patient-2");
    app.post(&clinician, "/api/docs/presign-upload", asked).await.expect(403);
    for _ in 0..2 {
        app.delete(&admin, &format!("{team}/test-clinician")).await.expect(204);
    }
    sees(false).await;
    // A document about no patient is the whole clinic's.
    let mut general = pdf().asked("x");
    general.as_object_mut().unwrap().remove("patientId");
    let begun = app.post(&admin, "/api/docs/presign-upload", general).await.expect(201).json();
    app.put(&begun, pdf().bytes).await.expect(200);
    let confirmed = json!({ "id": begun["id"] });
    app.post(&admin, "/api/docs/confirm", confirmed).await.expect(201);
    assert_eq!(listed(app, &clinician, "").await, [begun["id"].as_str().unwrap()]);
}

async fn staff_see_open_categories_only(app: &TestApp) {
    let mut open = Vec::new();
    for sample in samples() {
        let document = app.upload(&app.admin(), "patient-1", &sample).await;
        let id = document["id"].as_str().unwrap().to_owned();
        let may = !["medical-records", "imaging"].contains(&sample.category);
        let status = if may { 200 } else { 404 };
        for path in ["", "/download", "/content"] {
            app.get(&app.staff(), &format!("/api/docs/{id}{path}")).await.expect(status);
        }
        if may {
            open.push(id);
        }
    }
    assert!(open.len() >= 4, "{}", open.len());
    for query in ["?sort=created", "?sort=created&patientId=patient-1"] {
        assert_eq!(listed(app, &app.staff(), query).await, open);
    }
    assert!(listed(app, &app.staff(), "?category=imaging").await.is_empty());
    let asked = pdf().asked("patient-1");
    app.post(&app.staff(), "/api/docs/presign-upload", asked).await.expect(403);
}

async fn patients_see_their_own_available_released_documents_only(app: &TestApp) {
    let (admin, patient) = (app.admin(), app.patient("patient-1"));
    let upload = async |patient| {
        let document = app.upload(&admin, patient, &invoice()).await;
        document["id"].as_str().unwrap().to_owned()
    };
    let (own, kept) = (upload("patient-1").await, upload("patient-1").await);
    let (deleted, others) = (upload("patient-1").await, upload("patient-2").await);
    app.delete(&admin, &format!("/api/docs/{deleted}")).await.expect(200);
    let asked = invoice().asked("patient-1");
    let begun = app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201).json();
    let pending = begun["id"].as_str().unwrap();
    let held = json!({ "state": "held" });
    app.call(&admin, Method::PUT, &format!("/api/docs/{kept}/release"), Some(held))
        .await
        .expect(200);
    for (id, status) in
        [(own.as_str(), 200), (&kept, 404), (&deleted, 404), (&others, 404), (pending, 404)]
    {
        for path in ["", "/download", "/content"] {
            app.get(&patient, &format!("/api/docs/{id}{path}")).await.expect(status);
        }
    }
    let all = "?state=available,deleted,pending,refused,abandoned";
    assert_eq!(listed(app, &patient, all).await, std::slice::from_ref(&own));
    assert_eq!(listed(app, &patient, "?patientId=patient-1").await, [own]);
    app.get(&patient, "/api/docs?patientId=patient-2").await.expect(404);
    let theirs = invoice().asked("patient-2");
    app.post(&patient, "/api/docs/presign-upload", theirs).await.expect(403);
    // What they hand in themselves they may follow and confirm.
    app.upload(&patient, "patient-1", &invoice()).await;
}

#[tokio::test]
async fn where_the_clinic_is_open_a_clinician_sees_every_patient_and_staff_no_more_than_before() {
    let app = TestApp::with(&[("STRONGROOM_CARE_TEAM", "clinic")]).await;
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    let id = document["id"].as_str().unwrap();
    for path in ["", "/download", "/content"] {
        app.get(&app.clinician(), &format!("/api/docs/{id}{path}")).await.expect(200);
        app.get(&app.staff(), &format!("/api/docs/{id}{path}")).await.expect(404);
    }
    assert_eq!(listed(&app, &app.clinician(), "").await, [id]);
    assert_eq!(listed(&app, &app.clinician(), "?patientId=patient-1").await, [id]);
    let other = app.token("c", Role::Clinician, OTHER_CLINIC, &[]);
    app.get(&other, &format!("/api/docs/{id}")).await.expect(404);
    assert!(listed(&app, &other, "").await.is_empty());
    app.check().await;
}
