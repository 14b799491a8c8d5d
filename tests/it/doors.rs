//! Every door of the API, tried by nobody, by a stranger and by every role.
//!
//! The table of doors is compared with the contract and the contract with the routes: an
//! operation that is added without a row here fails the tests.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use uuid::Uuid;

use crate::contract::{expect_problem, operations};
use crate::on_every_ground;
use crate::support::{Answer, Caller, Sample, TestApp, form, invoice, samples};

on_every_ground!(
    nobody_and_an_invalid_token_get_in_nowhere,
    another_clinics_admin_sees_nothing_of_this_one,
    who_may_not_see_a_thing_is_told_that_there_is_none,
);

/// What has to be there before a door is tried.
#[derive(Clone, Copy, PartialEq)]
pub enum Needs {
    /// Nothing but the two patients.
    Nothing,
    /// An available document.
    Document,
    /// An upload whose object is there.
    Uploaded,
    /// A document in the trash.
    Deleted,
    /// An upload that was announced; nothing has come yet.
    Begun,
    /// An upload in parts that are all there.
    Parts,
    /// A webhook with a message that waits.
    Webhook,
    /// A user who can sign in.
    User,
    /// An API key of the clinic.
    Key,
    /// A form with a file in its body.
    Form,
}

pub struct Door {
    pub method: &'static str,
    pub path: &'static str,
    pub needs: Needs,
    /// A query.
    pub variant: &'static str,
}

const fn door(
    method: &'static str,
    path: &'static str,
    needs: Needs,
    variant: &'static str,
) -> Door {
    Door { method, path, needs, variant }
}

pub const DOORS: &[Door] = &[
    door("POST", "/api/docs/presign-upload", Needs::Nothing, ""),
    door("POST", "/api/docs/confirm", Needs::Uploaded, ""),
    door("GET", "/api/docs", Needs::Document, "?patientId=patient-1"),
    door("GET", "/api/docs", Needs::Document, ""),
    door("GET", "/api/docs/category-suggestion", Needs::Nothing, "?filename=lab.pdf"),
    door("GET", "/api/docs/limits", Needs::Nothing, ""),
    door("GET", "/api/docs/{id}", Needs::Document, ""),
    door("PATCH", "/api/docs/{id}", Needs::Document, ""),
    door("DELETE", "/api/docs/{id}", Needs::Document, ""),
    door("DELETE", "/api/docs/{id}", Needs::Document, "?permanent=true"),
    door("GET", "/api/docs/{id}/download", Needs::Document, ""),
    door("GET", "/api/docs/{id}/content", Needs::Document, ""),
    door("GET", "/api/docs/{id}/preview", Needs::Document, ""),
    door("PUT", "/api/docs/{id}/content", Needs::Begun, ""),
    door("GET", "/api/docs/{id}/retrieval", Needs::Document, ""),
    door("POST", "/api/docs/{id}/retrieval", Needs::Document, ""),
    door("POST", "/api/docs/multipart", Needs::Nothing, ""),
    door("POST", "/api/docs/multipart/{uploadId}/parts", Needs::Parts, ""),
    door("GET", "/api/docs/multipart/{uploadId}/parts", Needs::Parts, ""),
    door("POST", "/api/docs/multipart/{uploadId}/complete", Needs::Parts, ""),
    door("DELETE", "/api/docs/multipart/{uploadId}", Needs::Parts, ""),
    door("POST", "/api/docs/{id}/scan", Needs::Document, ""),
    door("POST", "/api/docs/{id}/restore", Needs::Deleted, ""),
    door("GET", "/api/docs/{id}/hold", Needs::Document, ""),
    door("PUT", "/api/docs/{id}/hold", Needs::Document, ""),
    door("DELETE", "/api/docs/{id}/hold", Needs::Document, ""),
    door("PUT", "/api/docs/{id}/release", Needs::Document, ""),
    door("GET", "/api/docs/{id}/versions", Needs::Document, ""),
    door("GET", "/api/docs/{id}/audit", Needs::Document, ""),
    door("GET", "/api/patients/{patientId}/care-team", Needs::Nothing, ""),
    door("PUT", "/api/patients/{patientId}/care-team/{userId}", Needs::Nothing, ""),
    door("DELETE", "/api/patients/{patientId}/care-team/{userId}", Needs::Nothing, ""),
    door("POST", "/api/webhooks", Needs::Nothing, ""),
    door("GET", "/api/webhooks", Needs::Nothing, ""),
    door("GET", "/api/webhooks/{webhookId}", Needs::Webhook, ""),
    door("PATCH", "/api/webhooks/{webhookId}", Needs::Webhook, ""),
    door("POST", "/api/webhooks/{webhookId}/rotate-secret", Needs::Webhook, ""),
    door("POST", "/api/webhooks/{webhookId}/test", Needs::Webhook, ""),
    door("POST", "/api/webhooks/{webhookId}/deliveries/{deliveryId}/retry", Needs::Webhook, ""),
    door("DELETE", "/api/webhooks/{webhookId}", Needs::Webhook, ""),
    door("POST", "/api/patients/{patientId}/records", Needs::Form, ""),
    door("GET", "/api/patients/{patientId}/records", Needs::Document, ""),
    door("GET", "/api/patients/{patientId}/records/{recordId}", Needs::Document, ""),
    door("GET", "/api/patients/{patientId}/records/{recordId}/download", Needs::Document, ""),
    door("DELETE", "/api/patients/{patientId}/records/{recordId}", Needs::Document, ""),
    door("POST", "/api/v2/aws/s3/upload", Needs::Form, ""),
    door("GET", "/api/v2/aws/s3/download", Needs::Document, "?key={key}"),
    door("GET", "/api/v2/aws/s3/download", Needs::Document, "?key={key}&presigned=true"),
    door("GET", "/api/v2/aws/s3/list", Needs::Document, "?prefix=patients/patient-1"),
    door("GET", "/api/v2/aws/s3/list", Needs::Document, ""),
    door("DELETE", "/api/v2/aws/s3/delete", Needs::Document, ""),
    door("GET", "/api/v2/aws/s3/config", Needs::Nothing, ""),
    door("POST", "/api/v2/aws/s3/test", Needs::Nothing, ""),
    door("POST", "/api/uppy/tickets", Needs::Nothing, ""),
    door("GET", "/api/uppy/s3/params", Needs::Nothing, ""),
    door("POST", "/api/uppy/s3/confirm", Needs::Uploaded, ""),
    door("POST", "/api/uppy/s3/multipart", Needs::Nothing, ""),
    door("GET", "/api/uppy/s3/multipart/{uploadId}", Needs::Parts, "?key=k"),
    door("DELETE", "/api/uppy/s3/multipart/{uploadId}", Needs::Parts, "?key=k"),
    door("GET", "/api/uppy/s3/multipart/{uploadId}/batch", Needs::Parts, "?key=k&partNumbers=1"),
    door("GET", "/api/uppy/s3/multipart/{uploadId}/{partNumber}", Needs::Parts, "?key=k"),
    door("POST", "/api/uppy/s3/multipart/{uploadId}/complete", Needs::Parts, "?key=k"),
    door("GET", "/api/v2/aws/s3/stats", Needs::Document, ""),
    door("GET", "/api/audit", Needs::Nothing, ""),
    door("GET", "/api/config", Needs::Nothing, ""),
    door("GET", "/api/users", Needs::Nothing, ""),
    door("POST", "/api/users", Needs::Nothing, ""),
    door("DELETE", "/api/users/{name}", Needs::User, ""),
    door("POST", "/api/users/{name}/enable", Needs::User, ""),
    door("PUT", "/api/users/{name}/password", Needs::User, ""),
    door("GET", "/api/keys", Needs::Nothing, ""),
    door("POST", "/api/keys", Needs::Nothing, ""),
    door("DELETE", "/api/keys/{id}", Needs::Key, ""),
    door("POST", "/api/setup", Needs::Nothing, ""),
    door("POST", "/api/session", Needs::Nothing, ""),
    door("GET", "/api/session", Needs::Nothing, ""),
    door("DELETE", "/api/session", Needs::Nothing, ""),
    door("POST", "/api/session/password", Needs::Nothing, ""),
];

/// Operations that are about the caller's own clinic or session, where another clinic's admin is
/// at home: what they touch is looked at by `another_clinics_admin_sees_nothing_of_this_one`.
const ABOUT_OWN: &[(&str, &str)] = &[
    ("GET", "/api/docs"),
    ("GET", "/api/docs/category-suggestion"),
    ("GET", "/api/docs/limits"),
    ("POST", "/api/patients/{patientId}/records"),
    ("GET", "/api/patients/{patientId}/records"),
    ("POST", "/api/v2/aws/s3/upload"),
    ("GET", "/api/v2/aws/s3/list"),
    ("GET", "/api/patients/{patientId}/care-team"),
    ("PUT", "/api/patients/{patientId}/care-team/{userId}"),
    ("DELETE", "/api/patients/{patientId}/care-team/{userId}"),
    ("POST", "/api/webhooks"),
    ("GET", "/api/webhooks"),
    ("GET", "/api/v2/aws/s3/config"),
    ("POST", "/api/v2/aws/s3/test"),
    ("POST", "/api/uppy/tickets"),
    ("GET", "/api/v2/aws/s3/stats"),
    ("GET", "/api/audit"),
    ("GET", "/api/config"),
    ("GET", "/api/users"),
    ("POST", "/api/users"),
    ("GET", "/api/keys"),
    ("POST", "/api/keys"),
    ("POST", "/api/setup"),
    ("POST", "/api/session"),
    ("GET", "/api/session"),
    ("DELETE", "/api/session"),
    ("POST", "/api/session/password"),
];

#[test]
fn every_operation_of_the_contract_has_a_row_in_this_table() {
    let said: BTreeSet<_> = operations().into_iter().map(|(m, p, _)| format!("{m} {p}")).collect();
    let tried: BTreeSet<_> = DOORS.iter().map(|d| format!("{} {}", d.method, d.path)).collect();
    assert_eq!(said, tried);
}

#[test]
fn every_route_is_in_the_contract_and_nothing_else_is() {
    let source = include_str!("../../src/routes.rs");
    let mut routed = BTreeSet::new();
    for (at, _) in source.match_indices("\"/api/") {
        let path = source[at + 1..].split('"').next().unwrap();
        let method = source[at..].split("Action::").nth(1).unwrap();
        let method = method.split_once(',').unwrap().1.trim_start();
        let method = method.split('(').next().unwrap().to_uppercase();
        // The list answers with and without a slash at its end; the contract has it once.
        routed.insert(format!("{method} {}", path.trim_end_matches('/')));
    }
    assert!(routed.len() > 10, "the routes are not found: {routed:?}");
    let said: BTreeSet<_> = operations().into_iter().map(|(m, p, _)| format!("{m} {p}")).collect();
    assert_eq!(routed, said);
}

pub fn imaging() -> Sample {
    samples().remove(1)
}

/// A sample of another patient than the care team's, so that lists have something to hide.
async fn furnish(app: &TestApp) {
    app.care("patient-1").await;
    app.upload(&app.admin(), "patient-2", &imaging()).await;
}

/// Tries a door once, with a thing of its own behind it.
pub async fn open(app: &TestApp, door: &Door, sample: &Sample, headers: &[(&str, &str)]) -> Answer {
    let admin = app.admin();
    let mut body = None;
    let mut id = Uuid::now_v7().to_string();
    let mut delivery = id.clone();
    let (mut asked, mut key) = (sample.asked("patient-1"), String::new());
    match door.needs {
        Needs::Nothing | Needs::Form => {}
        Needs::Document | Needs::Deleted => {
            let document = app.upload(&admin, "patient-1", sample).await;
            document["id"].as_str().unwrap().clone_into(&mut id);
            document["key"].as_str().unwrap().clone_into(&mut key);
        }
        Needs::Webhook => {
            (id, delivery) = webhook(app).await;
            body = (door.method == "PATCH").then(|| json!({ "enabled": true }));
        }
        Needs::Parts => {
            id = app.upload_parts(&admin, asked.clone(), &sample.bytes).await;
            body = Some(if door.path.ends_with("/parts") {
                json!({ "partNumbers": [1] })
            } else {
                json!({})
            });
        }
        Needs::User => {
            let new = app.post(&admin, "/api/users", new_user()).await.expect(201).json();
            new["name"].as_str().unwrap().clone_into(&mut id);
        }
        Needs::Key => {
            let new = app.post(&admin, "/api/keys", new_key()).await.expect(201).json();
            new["id"].as_str().unwrap().clone_into(&mut id);
        }
        Needs::Begun => {
            let begun = app.post(&admin, "/api/docs/presign-upload", asked.clone()).await;
            begun.expect(201).json()["id"].as_str().unwrap().clone_into(&mut id);
        }
        Needs::Uploaded => {
            let begun = app.post(&admin, "/api/docs/presign-upload", asked.clone()).await;
            let begun = begun.expect(201).json();
            app.put(&begun, sample.bytes.clone()).await.expect(200);
            body = Some(json!({ "id": begun["id"] }));
        }
    }
    if door.needs == Needs::Deleted {
        app.delete(&admin, &format!("/api/docs/{id}")).await.expect(200);
    }
    let mut query = door.variant.to_owned();
    if door.path.starts_with("/api/uppy") {
        body = uppy(app, door, sample, &id, body, &mut query).await;
    } else if door.path.ends_with("retrieval") && door.method == "POST" {
        body = Some(json!({}));
    } else if door.path.ends_with("/hold") && door.method != "GET" {
        body = Some(json!({ "reason": "a claim is expected" }));
    } else if door.path.ends_with("/release") {
        body = Some(json!({ "state": "withdrawn" }));
    } else if (door.method, door.path) == ("PATCH", "/api/docs/{id}") {
        body = Some(json!({ "category": "other" }));
    } else if door.path.ends_with("presign-upload") || door.path.ends_with("/multipart") {
        asked["clinicId"] = json!(DEFAULT_CLINIC.to_string());
        body = Some(asked);
    } else if (door.method, door.path) == ("POST", "/api/webhooks") {
        body = Some(json!({ "url": "https://app.example.com/hooks" }));
    } else if (door.method, door.path) == ("POST", "/api/session") {
        // A name of its own each time: a name is locked after five wrong passwords.
        let name = Uuid::now_v7().simple().to_string();
        body = Some(json!({ "username": name, "password": "wrong horse battery" }));
    } else if let Some(of_accounts) = accounts_body(door) {
        body = Some(of_accounts);
    }
    let path = door.path.replace("{id}", &id).replace("{uploadId}", &id).replace("{name}", &id);
    let path = path.replace("{webhookId}", &id).replace("{deliveryId}", &delivery);
    let path = path.replace("{patientId}", "patient-1").replace("{recordId}", &id);
    let path = path.replace("{userId}", "somebody").replace("{partNumber}", "1") + &query;
    let path = path.replace("{key}", &key);
    if door.path.ends_with("/s3/delete") {
        body = Some(json!({ "key": key }));
    }
    let method: Method = door.method.parse().unwrap();
    let origin = ("origin", app.app.config.server.public_url.as_str());
    let headers: Vec<_> = headers.iter().copied().chain([origin]).collect();
    if door.needs == Needs::Form {
        let of = [("entityType", "patient"), ("entityId", "patient-1")];
        let mut behind = vec![("category", sample.category)];
        behind.extend(if door.path.ends_with("/upload") { &of[..] } else { &[] });
        let (kind, form) = form(&[], sample, &behind);
        let request = headers.iter().fold(Request::builder(), |r, (n, v)| r.header(*n, *v));
        let request = request.method(method).uri(&path).header("content-type", kind);
        return app.send(request.body(Body::from(form)).unwrap()).await;
    }
    if door.needs == Needs::Begun {
        let request = headers.iter().fold(Request::builder(), |r, (n, v)| r.header(*n, *v));
        let request = request.method(method).uri(&path).body(Body::from(sample.bytes.clone()));
        return app.send(request.unwrap()).await;
    }
    if body.is_some() && door.method == "GET" {
        body = None;
    }
    app.request(method, &path, &headers, body).await
}

/// What Uppy's doors are asked, in the words of its clients.
async fn uppy(
    app: &TestApp,
    door: &Door,
    sample: &Sample,
    id: &str,
    body: Option<Value>,
    query: &mut String,
) -> Option<Value> {
    let metadata = json!({ "patientId": "patient-1", "category": sample.category,
        "clinicId": DEFAULT_CLINIC.to_string() });
    match door.path {
        "/api/uppy/tickets" => {
            Some(json!({ "patientId": "patient-1", "category": sample.category }))
        }
        "/api/uppy/s3/params" => {
            let mut pairs = url::form_urlencoded::Serializer::new(String::new());
            pairs.append_pair("filename", sample.name).append_pair("type", sample.mime);
            for (name, value) in metadata.as_object().unwrap() {
                pairs.append_pair(&format!("metadata[{name}]"), value.as_str().unwrap());
            }
            *query = format!("?{}", pairs.finish());
            None
        }
        "/api/uppy/s3/multipart" => Some(json!({
            "filename": sample.name, "type": sample.mime, "metadata": metadata,
        })),
        path if path.ends_with("/complete") => {
            let listed = format!("/api/uppy/s3/multipart/{id}?key=k");
            Some(json!({ "parts": app.get(&app.admin(), &listed).await.json() }))
        }
        _ => body,
    }
}

/// The clinic's first webhook, made where there is none, and a message that waits for it.
async fn webhook(app: &TestApp) -> (String, String) {
    let admin = app.admin();
    let there = app.get(&admin, "/api/webhooks").await.expect(200).json();
    let webhook = if there["items"].as_array().unwrap().is_empty() {
        let asked = json!({ "url": "https://app.example.com/hooks" });
        app.post(&admin, "/api/webhooks", asked).await.expect(201).json()
    } else {
        there["items"][0].clone()
    };
    let id = webhook["id"].as_str().unwrap().to_owned();
    let test = app.call(&admin, Method::POST, &format!("/api/webhooks/{id}/test"), None).await;
    let queued = test.expect(202).json();
    (id, queued["deliveryId"].as_str().unwrap().to_owned())
}

/// A name of its own each time.
fn new_user() -> Value {
    json!({ "name": Uuid::now_v7().simple().to_string(), "role": "staff" })
}

fn new_key() -> Value {
    json!({ "name": "test", "role": "service" })
}

fn accounts_body(door: &Door) -> Option<Value> {
    Some(match (door.method, door.path) {
        ("POST", "/api/users") => new_user(),
        ("PUT", "/api/users/{name}/password") => json!({}),
        ("POST", "/api/keys") => new_key(),
        ("POST", "/api/session/password") => {
            json!({ "current": "wrong horse battery", "password": "another horse battery" })
        }
        ("POST", "/api/setup") => {
            json!({ "token": "x", "username": "mallory", "password": "wrong horse battery" })
        }
        _ => return None,
    })
}

/// Whether nobody has to be known for this: it is how one becomes known.
pub fn is_log_in(door: &Door) -> bool {
    door.method == "POST" && ["/api/session", "/api/setup"].contains(&door.path)
}

async fn open_as(app: &TestApp, door: &Door, sample: &Sample, who: &Caller) -> Answer {
    open(app, door, sample, &[(&who.header.0, &who.header.1)]).await
}

async fn nobody_and_an_invalid_token_get_in_nowhere(app: &TestApp) {
    let admin = app.admin().header.1;
    let tampered = format!("{}x", &admin[..admin.len() - 1]);
    let unsigned = "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4Iiwicm9sZXMiOlsiYWRtaW4iXX0.";
    let key = format!("Bearer srk_{}_{}", "0".repeat(32), "A".repeat(43));
    for door in DOORS.iter().filter(|d| !is_log_in(d)) {
        expect_problem(&open(app, door, &imaging(), &[]).await, 401, "unauthenticated");
        for wrong in [tampered.as_str(), unsigned, &key, "Bearer x", "Basic eDp5"] {
            let answer = open(app, door, &imaging(), &[("authorization", wrong)]).await;
            expect_problem(&answer, 401, "invalid_credential");
        }
        let cookie = format!("strongroom_session={}_{}", "0".repeat(32), "A".repeat(43));
        let answer = open(app, door, &imaging(), &[("cookie", &cookie)]).await;
        expect_problem(&answer, 401, "invalid_credential");
    }
}

async fn another_clinics_admin_sees_nothing_of_this_one(app: &TestApp) {
    furnish(app).await;
    let stranger = app.stranger();
    for door in DOORS.iter().filter(|door| !ABOUT_OWN.contains(&(door.method, door.path))) {
        let answer = open_as(app, door, &imaging(), &stranger).await;
        expect_problem(&answer, 404, "not_found");
    }
    for list in ["/api/docs", "/api/docs?patientId=patient-1"] {
        assert_eq!(app.get(&stranger, list).await.expect(200).json()["items"], json!([]));
    }
    // The same patient id names somebody else in another clinic.
    let team = "/api/patients/patient-1/care-team";
    assert_eq!(app.get(&stranger, team).await.expect(200).json()["members"], json!([]));
    let member = format!("{team}/test-clinician");
    app.delete(&stranger, &member).await.expect(204);
    let put = app.call(&stranger, Method::PUT, &format!("{team}/other"), None).await;
    put.expect(204);
    let ours = app.get(&app.admin(), team).await.expect(200).json();
    assert_eq!(ours["members"].as_array().unwrap().len(), 1, "{ours}");
    assert_eq!(ours["members"][0]["userId"], "test-clinician");
    let trail = app.get(&stranger, "/api/audit?limit=1000").await.expect(200).json();
    let trail = trail["items"].as_array().unwrap();
    assert!(!trail.is_empty());
    assert!(trail.iter().all(|event| event["actor"]["id"] == "test-stranger"));
}

fn callers(app: &TestApp) -> Vec<(&'static str, Caller)> {
    let role =
        |name| (name, app.token(name, strongroom::access::Role::Clinician, DEFAULT_CLINIC, &[]));
    vec![
        ("admin", app.admin()),
        ("clinician", app.clinician()),
        role("clinician outside"),
        ("staff", app.staff()),
        ("patient", app.patient("patient-1")),
        ("other patient", app.patient("patient-2")),
        ("service", app.service()),
        ("auditor", app.auditor()),
        ("stranger", app.stranger()),
    ]
}

/// The status, and of a list how much of patient-1 and of patient-2 it shows.
fn cell(answer: &Answer) -> String {
    let status = answer.status.as_u16().to_string();
    if status != "200" || answer.headers[http::header::CONTENT_TYPE] != "application/json" {
        return status;
    }
    let json = answer.json();
    let items = json["items"].as_array().or(json["files"].as_array()).cloned();
    let Some(items) = items else { return status };
    let of = |patient: &str| items.iter().any(|item| item["patientId"] == patient);
    match (of("patient-1"), of("patient-2")) {
        _ if items.iter().any(|item| item.get("actor").is_some()) => status,
        (true, true) => format!("{status} 1+2"),
        (true, false) => format!("{status} 1"),
        (false, true) => format!("{status} 2"),
        (false, false) => format!("{status} none"),
    }
}

/// Every cell of the table for one kind of document, a row a door.
async fn matrix(app: &TestApp, sample: &Sample) -> Vec<(String, Vec<String>)> {
    let mut rows = Vec::new();
    for door in DOORS {
        let mut cells = Vec::new();
        for (_, who) in callers(app) {
            cells.push(cell(&open_as(app, door, sample, &who).await));
        }
        rows.push((format!("{} {}{}", door.method, door.path, door.variant), cells));
    }
    rows
}

#[tokio::test]
async fn access_matrix() {
    let mut text = String::new();
    for (title, sample) in [("imaging", imaging()), ("invoices", invoice())] {
        let app = TestApp::sqlite().await;
        furnish(&app).await;
        let names: Vec<_> = callers(&app).iter().map(|(name, _)| *name).collect();
        let wide = |name: &str| name.len().max(8);
        let _ = write!(text, "{:<62}", format!("a document of patient-1, {title}"));
        for name in &names {
            let _ = write!(text, "  {name:<8}");
        }
        text.push('\n');
        for (row, cells) in matrix(&app, &sample).await {
            let _ = write!(text, "{row:<62}");
            for (cell, name) in cells.iter().zip(&names) {
                let _ = write!(text, "  {cell:<width$}", width = wide(name));
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text.push('\n');
        app.check().await;
    }
    text.push_str(
        "clinician: in patient-1's care team. patient: is patient-1. stranger: another clinic's \
         admin, for whom\npatient-1 is somebody of their own. 1, 2: the list shows documents of \
         that patient.\n",
    );
    insta::assert_snapshot!("access_matrix", text);
}

/// 403 only to somebody who may read the thing; everybody else is told there is none.
async fn who_may_not_see_a_thing_is_told_that_there_is_none(app: &TestApp) {
    furnish(app).await;
    for sample in [imaging(), invoice()] {
        for (name, who) in callers(app) {
            for door in DOORS.iter().filter(|door| {
                ["/api/docs/{id}", "/api/patients/{patientId}/records/"]
                    .iter()
                    .any(|of| door.path.starts_with(of))
            }) {
                let answer = open_as(app, door, &sample, &who).await;
                let status = answer.status.as_u16();
                // To whoever may ask for a scan, only that there is no scanner here.
                let no_scanner = door.path.ends_with("/scan") && status == 503;
                // To whoever may see one, only that there is none of a workbook.
                let no_preview = door.path.ends_with("/preview") && status == 409;
                if answer.status.is_success() || no_scanner || no_preview {
                    continue;
                }
                let sees = sees_same(app, door, &sample, &who).await;
                let expected = if sees { 403 } else { 404 };
                assert_eq!(status, expected, "{name}: {} {}", door.method, door.path);
                let code = if sees { "forbidden" } else { "not_found" };
                expect_problem(&answer, expected, code);
            }
        }
    }
}

/// Whether a caller may read what stands behind a door.
async fn sees_same(app: &TestApp, door: &Door, sample: &Sample, who: &Caller) -> bool {
    let read = Door { method: "GET", path: "/api/docs/{id}", variant: "", ..*door };
    let answer: Value = open_as(app, &read, sample, who).await.json();
    answer["id"].is_string()
}
