//! The contract: the committed document, its structure, and what every answer has in common.

use std::collections::BTreeSet;

use axum::body::Body;
use http::{HeaderMap, Method, Request, header};
use serde_json::{Value, json};
use strongroom::http::Code;
use strongroom::openapi;

use crate::on_every_ground;
use crate::support::{Answer, TestApp, pdf};

on_every_ground!(
    every_refusal_is_a_problem_with_a_code_of_the_table,
    a_body_that_is_not_right_gets_the_right_problem,
);

/// Every operation of the document: method, path, operation.
pub fn operations() -> Vec<(String, String, Value)> {
    let api = serde_json::to_value(openapi::document()).unwrap();
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

#[test]
fn the_committed_contract_is_the_one_the_server_serves() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == openapi::json(), "run `strongroom openapi > openapi.json`");
}

#[test]
fn the_contract_is_sound() {
    let api = serde_json::to_value(openapi::document()).unwrap();
    assert!(api["openapi"].as_str().unwrap().starts_with("3.1."), "{}", api["openapi"]);
    let mut references = Vec::new();
    find_references(&api, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference}"));
        assert!(api.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{name}: no id"));
        assert!(ids.insert(id.to_owned()), "{name}: the operationId {id} is taken");
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(!summary.is_empty(), "{name} has no summary");
        for status in [400, 401, 403, 404, 422, 429, 500, 503] {
            let refused = &operation["responses"][status.to_string()]["$ref"];
            assert_eq!(*refused, format!("#/components/responses/Refused{status}"), "{name}");
        }
        let good = operation["responses"].as_object().unwrap().keys();
        assert!(good.filter(|status| status.starts_with('2')).count() > 0, "{name}");
        check_path_parameters(&name, &path, &operation);
    }
}

fn find_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| find_references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| find_references(value, found)),
        _ => {}
    }
}

fn check_path_parameters(name: &str, path: &str, operation: &Value) {
    let in_path: BTreeSet<&str> =
        path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
    let none = Vec::new();
    let said = operation["parameters"].as_array().unwrap_or(&none);
    let said: BTreeSet<&str> = said
        .iter()
        .filter(|p| p["in"] == "path")
        .map(|p| {
            assert_eq!(p["required"], true, "{name}");
            p["name"].as_str().unwrap()
        })
        .collect();
    assert_eq!(in_path, said, "{name}");
}

#[test]
fn codes_are_unique_and_fit_their_status() {
    let codes: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), Code::ALL.len());
    for code in Code::ALL {
        let status = code.status();
        assert!(status.is_client_error() || status.is_server_error(), "{}", code.as_str());
        assert!(!code.title().is_empty());
    }
}

/// Whether an answer is a whole problem document, with this status and code.
#[track_caller]
pub fn expect_problem(answer: &Answer, status: u16, code: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status.as_u16(), status, "{text}");
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    let problem = answer.json();
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    let known = known.unwrap_or_else(|| panic!("{code} is not in the table"));
    assert_eq!(known.status().as_u16(), status);
    assert_eq!(problem["code"], code, "{text}");
    assert_eq!(problem["status"], status);
    assert_eq!(problem["title"], known.title());
    assert_eq!(problem["type"], format!("/docs#{code}"));
    let detail = problem["detail"].as_str().unwrap();
    assert!(!detail.is_empty());
    assert_eq!(problem["error"], detail);
    assert_eq!(problem["requestId"], answer.headers["x-request-id"].to_str().unwrap());
}

async fn every_refusal_is_a_problem_with_a_code_of_the_table(app: &TestApp) {
    let admin = app.admin();
    let none = [("x-request-id", "0123456789")];
    let nobody = app.request(Method::GET, "/api/docs", &none, None).await;
    expect_problem(&nobody, 401, "unauthenticated");
    assert!(nobody.headers.contains_key(header::WWW_AUTHENTICATE));
    expect_problem(&app.get(&admin, "/api/nowhere").await, 404, "not_found");
    expect_problem(&app.get(&admin, "/nowhere").await, 404, "not_found");
    let patch = app.call(&admin, Method::PATCH, "/api/audit", None).await;
    expect_problem(&patch, 405, "method_not_allowed");
    let missing = format!("/api/docs/{}", uuid::Uuid::now_v7());
    expect_problem(&app.get(&admin, &missing).await, 404, "not_found");
    let missing = app.get(&admin, "/api/docs/not-a-uuid").await;
    assert!([404, 422].contains(&missing.status.as_u16()), "{}", missing.status);
    expect_problem(&missing, missing.status.as_u16(), &missing.code());
    let unknown = app.get(&admin, "/api/docs?colour=red").await;
    expect_problem(&unknown, unknown.status.as_u16(), &unknown.code());
    assert!([400, 422].contains(&unknown.status.as_u16()), "{}", unknown.status);
}

async fn a_body_that_is_not_right_gets_the_right_problem(app: &TestApp) {
    let path = "/api/docs/presign-upload";
    let send = async |kind: &str, body: Vec<u8>| {
        let (name, token) = app.admin().header;
        let mut request = Request::builder().method(Method::POST).uri(path).header(name, token);
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        app.send(request.body(Body::from(body)).unwrap()).await
    };
    let good = pdf().asked("patient-1").to_string();
    send("application/json; charset=utf-8", good.clone().into_bytes()).await.expect(201);
    for kind in ["", "text/plain", "application/x-www-form-urlencoded"] {
        let answer = send(kind, good.clone().into_bytes()).await;
        expect_problem(&answer, 415, "wrong_content_type");
    }
    for bad in ["", "{", "{\"filename\": }", "not json", &format!("{good} {good}")] {
        let answer = send("application/json", bad.as_bytes().to_vec()).await;
        expect_problem(&answer, 400, "bad_request");
    }
    let mut unknown = pdf().asked("patient-1");
    unknown["colour"] = json!("red");
    let answer = send("application/json", unknown.to_string().into_bytes()).await;
    expect_problem(&answer, 422, "invalid_fields");
    assert!(answer.json()["errors"]["colour"].is_string(), "{}", answer.json());
    let mut lacking = pdf().asked("patient-1");
    lacking.as_object_mut().unwrap().remove("filename");
    let answer = send("application/json", lacking.to_string().into_bytes()).await;
    expect_problem(&answer, 422, "invalid_fields");
    assert_eq!(answer.json()["errors"]["filename"], "is required");
    let mut long = pdf().asked("patient-1");
    long["filename"] = json!("x".repeat(2 * 1024 * 1024));
    let answer = send("application/json", long.to_string().into_bytes()).await;
    expect_problem(&answer, 413, "body_too_large");
}

#[tokio::test]
async fn the_contract_and_its_page_are_served() {
    let app = TestApp::sqlite().await;
    let served = app.request(Method::GET, "/openapi.json", &[], None).await.expect(200);
    assert!(served.body == openapi::json().into_bytes());
    assert_eq!(served.headers[header::CONTENT_TYPE], "application/json");
    let page = app.request(Method::GET, "/docs", &[], None).await.expect(200);
    let text = String::from_utf8(page.body).unwrap();
    for (_, path, _) in operations() {
        assert!(text.contains(&path), "{path} is not on the page");
    }
    for code in Code::ALL {
        assert!(text.contains(&format!("id=\"{}\"", code.as_str())), "{}", code.as_str());
    }
    assert!(!text.contains("<script") && !text.contains("src="), "the page loads something");
}

#[tokio::test]
async fn a_browser_that_opens_the_bare_address_is_led_to_the_pages() {
    let app = TestApp::sqlite().await;
    let led = app.request(Method::GET, "/", &[], None).await.expect(303);
    assert_eq!(led.headers[header::LOCATION], "/storage");
    app.request(Method::POST, "/", &[], None).await.expect(404);
    // What is signed is for the embedded S3 endpoint: a list of its buckets.
    let signed = [("authorization", "AWS4-HMAC-SHA256 made-up")];
    let refused = app.request(Method::GET, "/", &signed, None).await;
    assert!(refused.status.is_client_error(), "{}", refused.status);
}

#[tokio::test]
async fn every_path_tells_which_methods_it_takes() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let id = uuid::Uuid::now_v7().to_string();
    for (_, path, _) in operations() {
        let taken: BTreeSet<String> =
            operations().into_iter().filter(|o| o.1 == path).map(|o| o.0).collect();
        let asked = path.replace(['{', '}'], "").replace("/id", &format!("/{id}"));
        let allowed = |answer: &Answer| -> BTreeSet<String> {
            let said = answer.headers[header::ALLOW].to_str().unwrap();
            said.split(',').map(|m| m.trim().to_owned()).filter(|m| m != "HEAD").collect()
        };
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
            if !taken.contains(method) {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let answer = app.call(&admin, method.clone(), &asked, None).await;
                expect_problem(&answer, 405, "method_not_allowed");
                assert_eq!(allowed(&answer), taken, "{method} {path}");
            }
        }
        let answer = app.call(&admin, Method::OPTIONS, &asked, None).await.expect(200);
        assert_eq!(allowed(&answer), taken, "OPTIONS {path}");
        if taken.contains("GET") {
            let get = app.get(&admin, &asked).await;
            let head = app.call(&admin, Method::HEAD, &asked, None).await;
            assert_eq!(head.status, get.status, "HEAD {path}");
            assert_eq!(
                head.headers.get(header::CONTENT_TYPE),
                get.headers.get(header::CONTENT_TYPE)
            );
        }
    }
}

#[tokio::test]
async fn a_plain_request_id_is_echoed_and_any_other_is_replaced() {
    let app = TestApp::sqlite().await;
    let id_for = async |sent: &str| {
        let answer = app.request(Method::GET, "/healthz", &[("x-request-id", sent)], None).await;
        answer.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    for plain in ["12345678", "a-b_c.d-0123", &"x".repeat(64)] {
        assert_eq!(id_for(plain).await, *plain);
    }
    for other in ["short", "with space 123", "<script>12", "quote\"12345", &"x".repeat(65), ""] {
        let given = id_for(other).await;
        assert_ne!(given, *other);
        assert_eq!(given.len(), 32, "{given}");
    }
    assert_ne!(id_for("").await, id_for("").await);
}

fn assert_guarded(what: &str, headers: &HeaderMap) {
    assert!(headers.contains_key(header::X_CONTENT_TYPE_OPTIONS), "{what}: {headers:?}");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{what}");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store", "{what}");
    assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY", "{what}");
    assert_eq!(headers[header::REFERRER_POLICY], "no-referrer", "{what}");
}

#[tokio::test]
async fn every_answer_says_not_to_sniff_and_not_to_keep_it() {
    let app = TestApp::sqlite().await;
    let admin = app.admin();
    let id = app.upload(&admin, "patient-1", &pdf()).await["id"].as_str().unwrap().to_owned();
    for path in [
        "/api/docs",
        &format!("/api/docs/{id}"),
        &format!("/api/docs/{id}/download"),
        &format!("/api/docs/{id}/download?redirect=true"),
        &format!("/api/docs/{id}/content"),
        "/api/audit",
        "/api/docs/nothing",
        "/healthz",
        "/docs",
        "/openapi.json",
    ] {
        assert_guarded(path, &app.get(&admin, path).await.headers);
    }
    let refused = app.call(&admin, Method::PATCH, "/api/audit", None).await;
    assert_guarded("a wrong method", &refused.headers);
    assert_guarded("nobody", &app.request(Method::GET, "/api/docs", &[], None).await.headers);
    assert_guarded("no such path", &app.get(&admin, "/api/nowhere").await.headers);
}

#[tokio::test]
async fn pages_of_configured_origins_may_call_and_upload_and_others_may_not() {
    let own = "https://app.example.com";
    let app = TestApp::with(&[("STRONGROOM_ALLOWED_ORIGINS", own)]).await;
    let asked = pdf().asked("patient-1");
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    let url: http::Uri = begun["url"].as_str().unwrap().parse().unwrap();
    let wire = url.path_and_query().unwrap().as_str();
    for (path, method, wanted) in [
        ("/api/docs/presign-upload", "POST", "authorization,content-type"),
        ("/api/docs", "GET", "authorization"),
        ("/api/uppy/s3/params", "GET", "accept,authorization,uppy-auth-token,uppy-versions"),
        ("/api/uppy/t/x/s3/multipart", "POST", "content-type"),
        (wire, "PUT", "content-type"),
    ] {
        for (origin, allowed) in [(own, true), ("https://evil.example.com", false)] {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", method),
                ("access-control-request-headers", wanted),
            ];
            let answer = app.request(Method::OPTIONS, path, &headers, None).await;
            let said = answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            let said = said.map(|value| value.to_str().unwrap());
            assert_eq!(said, allowed.then_some(own), "{method} {path} from {origin}");
            if allowed {
                let methods = answer.headers[header::ACCESS_CONTROL_ALLOW_METHODS].to_str();
                assert!(methods.unwrap().contains(method), "{path}");
                let headers = answer.headers[header::ACCESS_CONTROL_ALLOW_HEADERS].to_str();
                let headers = headers.unwrap().to_ascii_lowercase();
                let fits = |name| headers == "*" || headers.contains(name);
                assert!(wanted.split(',').all(fits), "{path}: {headers}");
            }
        }
    }
    let got = app.request(Method::GET, "/api/docs", &[("origin", own)], None).await;
    assert_eq!(got.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], own);
    assert!(!got.headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
}
