//! What somebody tries who means harm, or has an old client: each found by trying it.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, Request, header};
use serde_json::json;
use strongroom::access::DEFAULT_CLINIC;

use crate::on_every_ground;
use crate::support::{Sample, TestApp, pdf};

on_every_ground!(
    a_cursor_tells_nothing_of_what_its_reader_may_not_see,
    a_patient_cannot_end_an_upload_that_somebody_else_began,
    a_log_in_that_nobody_made_leaves_no_event,
    what_is_not_known_in_a_query_is_refused_and_changes_nothing,
    names_are_found_whatever_their_case_and_alphabet,
    a_search_beyond_reason_is_refused,
    a_confirmed_document_is_not_confirmed_with_other_words,
    content_that_is_known_is_not_sent_again,
    the_character_nul_is_refused_before_anything_is_asked,
    a_body_is_what_it_is_called;
    local_only("only its own wire asks the trail before a byte is taken"):
    a_write_over_a_document_by_presigned_url_is_an_event,
    the_url_of_a_refused_upload_is_worth_nothing,
);

async fn a_cursor_tells_nothing_of_what_its_reader_may_not_see(app: &TestApp) {
    let sample = Sample { name: "secret-result.pdf", ..pdf() };
    for _ in 0..3 {
        app.post(&app.admin(), "/api/docs/presign-upload", sample.asked("patient-1"))
            .await
            .expect(201);
    }
    let path = "/api/docs?state=pending&sort=filename&limit=1";
    for caller in [app.patient("patient-1"), app.admin()] {
        let page = app.get(&caller, path).await.expect(200).json();
        let Some(cursor) = page["nextCursor"].as_str() else { continue };
        let opened = URL_SAFE_NO_PAD.decode(cursor).unwrap();
        assert!(!String::from_utf8_lossy(&opened).contains("secret"), "{page}");
        // It still leads on, and a changed one does not.
        app.get(&caller, &format!("{path}&cursor={cursor}")).await.expect(200);
        let changed = format!("{path}&cursor={}A", &cursor[..cursor.len() - 1]);
        let answer = app.get(&caller, &changed).await;
        assert!(answer.status.as_u16() == 422 || cursor.ends_with('A'));
    }
}

async fn a_patient_cannot_end_an_upload_that_somebody_else_began(app: &TestApp) {
    let admin = app.admin();
    let begun = app.post(&admin, "/api/docs/presign-upload", pdf().asked("patient-1")).await;
    let begun = begun.expect(201).json();
    app.put(&begun, pdf().bytes).await.expect(200);
    let lie = json!({ "id": begun["id"], "size": 1 });
    app.post(&app.patient("patient-1"), "/api/docs/confirm", lie).await.expect(404);
    let confirm = json!({ "id": begun["id"] });
    app.post(&admin, "/api/docs/confirm", confirm.clone()).await.expect(201);
    // Now they may read it, and still not confirm it.
    app.post(&app.patient("patient-1"), "/api/docs/confirm", confirm).await.expect(403);
    // Their own they begin and confirm.
    app.upload(&app.patient("patient-1"), "patient-1", &pdf()).await;
}

async fn a_log_in_that_nobody_made_leaves_no_event(app: &TestApp) {
    let user = strongroom::access::users::NewUser {
        name: "test-nurse".to_owned(),
        password: strongroom::sensitive::Secret::new("a long enough password".to_owned()),
        role: strongroom::access::Role::Staff,
        clinic: None,
    };
    strongroom::access::users::add_user(&app.app.db, user, app.clock.now()).await.unwrap();
    let public = app.app.config.server.public_url.clone();
    let long = "x".repeat(5000);
    for (origin, password) in [("https://evil.example", "guess"), (public.as_str(), long.as_str())]
    {
        let body = json!({ "username": "test-nurse", "password": password });
        let request = Request::builder()
            .method(Method::POST)
            .uri("/api/session")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ORIGIN, origin)
            .body(Body::from(body.to_string()));
        let answer = app.send(request.unwrap()).await;
        assert!([401, 403].contains(&answer.status.as_u16()), "{}", answer.status);
    }
    assert!(app.events(DEFAULT_CLINIC).await.is_empty());
}

async fn what_is_not_known_in_a_query_is_refused_and_changes_nothing(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    let answer = app.delete(&admin, &format!("{path}?forever=true")).await.expect(422);
    assert!(answer.json()["errors"]["forever"].is_string());
    let now = app.get(&admin, &path).await.expect(200).json();
    assert_eq!(now["state"], "available");
}

async fn names_are_found_whatever_their_case_and_alphabet(app: &TestApp) {
    let admin = app.admin();
    let sample = Sample { name: "RÖNTGEN Ärztin.pdf", ..pdf() };
    app.upload(&admin, "patient-1", &sample).await;
    for q in ["r%C3%B6ntgen", "R%C3%96NTGEN", "%C3%A4rztin", "%C3%84RZTIN"] {
        let page = app.get(&admin, &format!("/api/docs?q={q}")).await.expect(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{q}");
    }
}

async fn a_search_beyond_reason_is_refused(app: &TestApp) {
    for path in [
        format!("/api/docs?q={}", "a".repeat(256)),
        format!("/api/docs?patientId={}", "a".repeat(129)),
    ] {
        let answer = app.get(&app.admin(), &path).await.expect(422);
        assert_eq!(answer.code(), "invalid_fields");
    }
}

async fn a_confirmed_document_is_not_confirmed_with_other_words(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    for (field, value) in [("patientId", json!("patient-2")), ("size", json!(1))] {
        let mut body = json!({ "id": document["id"] });
        body[field] = value;
        let answer = app.post(&admin, "/api/docs/confirm", body).await.expect(422);
        assert_eq!(answer.code(), "content_mismatch");
    }
    let path = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
    assert!(app.get(&admin, &path).await.expect(200).body == pdf().bytes);
}

async fn content_that_is_known_is_not_sent_again(app: &TestApp) {
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
    let etag = app.get(&admin, &path).await.expect(200).headers[header::ETAG].clone();
    let request = Request::builder()
        .uri(&path)
        .header(&admin.header.0, &admin.header.1)
        .header(header::IF_NONE_MATCH, etag);
    let answer = app.send(request.body(Body::empty()).unwrap()).await.expect(304);
    assert!(answer.body.is_empty());
}

async fn the_character_nul_is_refused_before_anything_is_asked(app: &TestApp) {
    let admin = app.admin();
    for (path, status) in [
        ("/api/docs?q=a%00b", 422),
        ("/api/docs?patientId=%00", 422),
        ("/api/docs?a%00b=c", 422),
        ("/api/audit?actor=%00", 422),
        ("/api/audit?requestId=%00", 422),
        ("/api/patients/a%00b/care-team", 404),
    ] {
        let answer = app.get(&admin, path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
    }
    let asked = |field: &str, value: &str| {
        let mut asked = pdf().asked("patient-1");
        asked[field] = json!(value);
        asked
    };
    for (field, value) in [("patientId", "a\0b"), ("filename", "a\0b.pdf"), ("sha256", "\0")] {
        let body = asked(field, value);
        let answer = app.post(&admin, "/api/docs/presign-upload", body).await.expect(422);
        assert_eq!(answer.code(), "invalid_fields");
    }
    let key = json!({ "key": "a\0b" });
    app.post(&admin, "/api/docs/confirm", key).await.expect(422);
    // Two backslashes are a text of their own.
    let body = asked("filename", "a\\u0000.pdf");
    let answer = app.post(&admin, "/api/docs/presign-upload", body).await.expect(422);
    assert!(answer.json()["errors"]["filename"].as_str().unwrap().contains("path"));
}

async fn a_body_is_what_it_is_called(app: &TestApp) {
    let body = pdf().asked("patient-1").to_string();
    for (headers, status) in [
        (&[("content-type", "application/json")][..], 201),
        (&[("content-type", "Application/JSON; charset=utf-8")], 201),
        (&[("content-type", "application/json"), ("content-encoding", "identity")], 201),
        (&[("content-type", "application/json"), ("content-encoding", "gzip")], 415),
        (&[("content-type", "application/jsonp")], 415),
        (&[("content-type", "application/json"), ("content-type", "text/plain")], 415),
        (&[], 415),
    ] {
        let (name, token) = app.admin().header;
        let mut request = Request::builder().method(Method::POST).uri("/api/docs/presign-upload");
        request = request.header(name, token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = app.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{headers:?}");
        assert!(status == 201 || answer.code() == "wrong_content_type", "{headers:?}");
    }
}

async fn a_write_over_a_document_by_presigned_url_is_an_event(app: &TestApp) {
    let admin = app.admin();
    let begun = app.post(&admin, "/api/docs/presign-upload", pdf().asked("patient-1")).await;
    let begun = begun.expect(201).json();
    app.put(&begun, pdf().bytes).await.expect(200);
    app.post(&admin, "/api/docs/confirm", json!({ "id": begun["id"] })).await.expect(201);
    app.put(&begun, pdf().bytes).await.expect(412);
    let last = app.events(DEFAULT_CLINIC).await.pop().unwrap();
    assert_eq!(last.action, "wire.write");
    assert_eq!(last.target_id.as_deref(), begun["id"].as_str());
}

async fn the_url_of_a_refused_upload_is_worth_nothing(app: &TestApp) {
    let admin = app.admin();
    let sample = Sample { bytes: b"MZ this is no PDF".to_vec(), ..pdf() };
    let begun = app.post(&admin, "/api/docs/presign-upload", sample.asked("patient-1")).await;
    let begun = begun.expect(201).json();
    app.put(&begun, sample.bytes.clone()).await.expect(200);
    app.post(&admin, "/api/docs/confirm", json!({ "id": begun["id"] })).await.expect(422);
    let again = app.put(&begun, sample.bytes).await.expect(403);
    assert!(String::from_utf8_lossy(&again.body).contains("<Code>AccessDenied</Code>"));
}
