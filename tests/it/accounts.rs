//! Users, API keys and the first user of all, over HTTP.

use http::{Method, header};
use serde_json::{Value, json};

use crate::contract::expect_problem;
use crate::on_every_ground;
use crate::support::{Answer, Caller, TestApp, pdf, samples};

on_every_ground!(
    the_first_user_is_made_by_the_link_and_only_once,
    of_two_who_set_up_at_once_one_is_the_first,
    a_wrong_link_makes_nobody,
    who_changes_their_password_keeps_this_session_and_no_other,
    who_guesses_the_password_in_somebodys_session_locks_the_name,
    an_admin_adds_changes_and_shuts_out_users_of_their_clinic,
    a_patient_who_signs_in_sees_the_documents_of_their_own,
    what_a_user_cannot_be_is_said,
    a_key_of_the_clinic_is_shown_once_works_and_ends,
    a_key_that_cannot_be_is_said,
);

const PASSWORD: &str = "correct horse battery";

async fn set_up(app: &TestApp, token: &str, name: &str) -> Answer {
    let origin = ("origin", app.app.config.server.public_url.as_str());
    let body = json!({ "token": token, "username": name, "password": PASSWORD });
    app.request(Method::POST, "/api/setup", &[origin], Some(body)).await
}

fn cookie(answer: &Answer) -> Caller {
    let set = answer.headers[header::SET_COOKIE].to_str().unwrap();
    Caller { header: ("cookie".into(), set.split(';').next().unwrap().to_owned()) }
}

async fn log_in(app: &TestApp, name: &str, password: &str) -> Answer {
    let origin = ("origin", app.app.config.server.public_url.as_str());
    let body = json!({ "username": name, "password": password });
    app.request(Method::POST, "/api/session", &[origin], Some(body)).await
}

async fn the_first_user_is_made_by_the_link_and_only_once(app: &TestApp) {
    let token = app.app.secrets.setup_token();
    let first = set_up(app, token.reveal(), "nora").await.expect(204);
    let session = app.get(&cookie(&first), "/api/session").await.expect(200).json();
    assert_eq!((session["user"].as_str(), &session["roles"]), (Some("nora"), &json!(["admin"])));
    let event = app.events(strongroom::access::DEFAULT_CLINIC).await.remove(0);
    assert_eq!((event.action.as_str(), event.actor_id.as_str()), ("setup.complete", "nora"));
    expect_problem(&set_up(app, token.reveal(), "mallory").await, 409, "wrong_state");
    log_in(app, "mallory", PASSWORD).await.expect(401);
}

async fn of_two_who_set_up_at_once_one_is_the_first(app: &TestApp) {
    let token = app.app.secrets.setup_token();
    let (one, two) =
        tokio::join!(set_up(app, token.reveal(), "one"), set_up(app, token.reveal(), "two"));
    let mut codes = [one.status.as_u16(), two.status.as_u16()];
    codes.sort_unstable();
    assert_eq!(codes, [204, 409]);
}

async fn a_wrong_link_makes_nobody(app: &TestApp) {
    let right = app.app.secrets.setup_token();
    let mut changed = right.reveal().clone();
    changed.replace_range(3..4, if &changed[3..4] == "A" { "B" } else { "A" });
    for wrong in ["", "x", &changed] {
        expect_problem(&set_up(app, wrong, "mallory").await, 401, "invalid_credential");
    }
    let elsewhere = [("origin", "https://evil.example")];
    let body = json!({ "token": right.reveal(), "username": "mallory", "password": PASSWORD });
    let answer = app.request(Method::POST, "/api/setup", &elsewhere, Some(body)).await;
    expect_problem(&answer, 403, "forbidden");
    set_up(app, right.reveal(), "nora").await.expect(204);
}

async fn change_password(app: &TestApp, who: &Caller, current: &str, new: &str) -> Answer {
    let origin = ("origin", app.app.config.server.public_url.as_str());
    let who = (who.header.0.as_str(), who.header.1.as_str());
    let body = json!({ "current": current, "password": new });
    app.request(Method::POST, "/api/session/password", &[who, origin], Some(body)).await
}

async fn who_changes_their_password_keeps_this_session_and_no_other(app: &TestApp) {
    let admin = app.admin();
    let asked = json!({ "name": "erin", "role": "patient", "password": PASSWORD,
        "patientIds": ["patient-1"] });
    app.post(&admin, "/api/users", asked).await.expect(201);
    let here = cookie(&log_in(app, "erin", PASSWORD).await);
    let elsewhere = cookie(&log_in(app, "erin", PASSWORD).await);
    let new = "another horse battery";
    let wrong = change_password(app, &here, "wrong horse battery", new).await;
    expect_problem(&wrong, 422, "invalid_fields");
    assert_eq!(wrong.json()["errors"], json!({ "current": "is not your password" }));
    let short = change_password(app, &here, PASSWORD, "too short").await;
    expect_problem(&short, 422, "invalid_fields");
    assert!(short.json()["errors"]["password"].is_string());
    app.get(&elsewhere, "/api/session").await.expect(200);
    change_password(app, &here, PASSWORD, new).await.expect(204);
    app.get(&here, "/api/session").await.expect(200);
    app.get(&elsewhere, "/api/session").await.expect(401);
    log_in(app, "erin", PASSWORD).await.expect(401);
    log_in(app, "erin", new).await.expect(204);
    // A token and a key have no password.
    expect_problem(&change_password(app, &admin, PASSWORD, new).await, 403, "forbidden");
    let events = app.events(strongroom::access::DEFAULT_CLINIC).await;
    let told: Vec<_> = events.iter().filter(|event| event.action == "session.password").collect();
    let outcomes: Vec<_> = told.iter().map(|event| event.outcome.as_str()).collect();
    assert_eq!(outcomes, ["failed", "failed", "granted", "denied"]);
    assert_eq!((told[2].actor_id.as_str(), told[2].target_id.is_some()), ("erin", true));
    for secret in [PASSWORD, new, "wrong horse battery"] {
        assert!(!format!("{events:?}").contains(secret), "the trail holds a password");
    }
}

async fn who_guesses_the_password_in_somebodys_session_locks_the_name(app: &TestApp) {
    let asked = json!({ "name": "erin", "role": "staff", "password": PASSWORD });
    app.post(&app.admin(), "/api/users", asked).await.expect(201);
    let session = cookie(&log_in(app, "erin", PASSWORD).await);
    for _ in 0..5 {
        let wrong = change_password(app, &session, "wrong horse battery", PASSWORD).await;
        expect_problem(&wrong, 422, "invalid_fields");
    }
    let locked = change_password(app, &session, PASSWORD, "another horse battery").await;
    expect_problem(&locked, 429, "too_many_requests");
    assert!(locked.headers.contains_key(header::RETRY_AFTER));
    expect_problem(&log_in(app, "erin", PASSWORD).await, 429, "too_many_requests");
    app.clock.shift_seconds(61);
    change_password(app, &session, PASSWORD, "another horse battery").await.expect(204);
}

async fn an_admin_adds_changes_and_shuts_out_users_of_their_clinic(app: &TestApp) {
    let admin = app.admin();
    let asked = json!({ "name": "erin", "role": "staff", "password": PASSWORD });
    let added = app.post(&admin, "/api/users", asked.clone()).await.expect(201).json();
    assert_eq!(added, json!({ "name": "erin" }), "a password that was given is not repeated");
    expect_problem(&app.post(&admin, "/api/users", asked).await, 422, "invalid_fields");
    let session = cookie(&log_in(app, "erin", PASSWORD).await.expect(204));
    app.get(&session, "/api/users").await.expect(403);
    // A new password ends the sessions, and is shown where the server made it.
    let path = "/api/users/erin/password";
    let made = app.call(&admin, Method::PUT, path, Some(json!({}))).await.expect(200).json();
    app.get(&session, "/api/session").await.expect(401);
    let session = cookie(&log_in(app, "erin", made["password"].as_str().unwrap()).await);
    app.get(&session, "/api/session").await.expect(200);
    // Another clinic's admin changes nothing.
    app.delete(&app.stranger(), "/api/users/erin").await.expect(404);
    app.delete(&admin, "/api/users/erin").await.expect(204);
    app.get(&session, "/api/session").await.expect(401);
    log_in(app, "erin", made["password"].as_str().unwrap()).await.expect(401);
    let listed = app.get(&admin, "/api/users").await.expect(200).json();
    assert_eq!(listed["users"].as_array().unwrap().len(), 1);
    assert!(listed["users"][0]["disabledAt"].is_string());
    app.post(&admin, "/api/users/erin/enable", json!({})).await.expect(204);
    log_in(app, "erin", made["password"].as_str().unwrap()).await.expect(204);
}

async fn a_patient_who_signs_in_sees_the_documents_of_their_own(app: &TestApp) {
    let admin = app.admin();
    let own = app.upload(&admin, "patient-1", &pdf()).await;
    app.upload(&admin, "patient-2", &samples()[1]).await;
    let asked = json!({ "name": "pat", "role": "patient", "password": PASSWORD,
        "patientIds": ["patient-1"] });
    app.post(&admin, "/api/users", asked).await.expect(201);
    let pat = cookie(&log_in(app, "pat", PASSWORD).await.expect(204));
    let items = app.get(&pat, "/api/docs").await.expect(200).json()["items"].clone();
    let ids: Vec<&Value> = items.as_array().unwrap().iter().map(|d| &d["id"]).collect();
    assert_eq!(ids, [&own["id"]]);
}

async fn what_a_user_cannot_be_is_said(app: &TestApp) {
    let admin = app.admin();
    for (body, field) in [
        (json!({ "name": "a b", "role": "staff" }), "name"),
        (json!({ "name": "", "role": "staff" }), "name"),
        (json!({ "name": "x", "role": "service" }), "role"),
        (json!({ "name": "x", "role": "king" }), "role"),
        (json!({ "name": "x", "role": "staff", "password": "short" }), "password"),
        (json!({ "name": "x", "role": "patient" }), "patientIds"),
        (json!({ "name": "x", "role": "patient", "patientIds": [""] }), "patientIds"),
        (json!({ "name": "x", "role": "staff", "patientIds": ["p"] }), "patientIds"),
    ] {
        let answer = app.post(&admin, "/api/users", body.clone()).await;
        expect_problem(&answer, 422, "invalid_fields");
        assert!(answer.json()["errors"][field].is_string(), "{body}: {}", answer.json());
    }
    app.post(&app.staff(), "/api/users", json!({ "name": "x", "role": "admin" })).await.expect(403);
}

async fn a_key_of_the_clinic_is_shown_once_works_and_ends(app: &TestApp) {
    let admin = app.admin();
    let asked = json!({ "name": "our app", "role": "admin", "expiresInDays": 90 });
    let made = app.post(&admin, "/api/keys", asked).await.expect(201).json();
    let text = made["key"].as_str().unwrap();
    let by_key = Caller { header: ("x-api-key".into(), text.to_owned()) };
    app.upload(&by_key, "patient-1", &pdf()).await;
    let listed = app.get(&admin, "/api/keys").await.expect(200);
    // The secret is what stands behind `srk_<id>_`; there may be a `_` in it, too.
    let secret = text.splitn(3, '_').nth(2).unwrap();
    assert_eq!(secret.len(), 43, "{text}");
    assert!(!String::from_utf8_lossy(&listed.body).contains(secret));
    let listed = listed.json();
    assert_eq!(
        (&listed["keys"][0]["id"], &listed["keys"][0]["state"]),
        (&made["id"], &json!("valid"))
    );
    assert_eq!(app.get(&app.stranger(), "/api/keys").await.json()["keys"], json!([]));
    let path = format!("/api/keys/{}", made["id"].as_str().unwrap());
    app.delete(&app.stranger(), &path).await.expect(404);
    app.delete(&admin, &path).await.expect(204);
    app.delete(&admin, &path).await.expect(404);
    app.clock.shift_seconds(6);
    app.get(&by_key, "/api/session").await.expect(401);
    let listed = app.get(&admin, "/api/keys").await.expect(200).json();
    assert_eq!(listed["keys"][0]["state"], "revoked");
}

async fn a_key_that_cannot_be_is_said(app: &TestApp) {
    for (body, field) in [
        (json!({ "name": " ", "role": "service" }), "name"),
        (json!({ "name": "x\u{7}", "role": "service" }), "name"),
        (json!({ "name": "x", "role": "patient" }), "role"),
        (json!({ "name": "x", "role": "service", "expiresInDays": 0 }), "expiresInDays"),
        (json!({ "name": "x", "role": "service", "expiresInDays": 4000 }), "expiresInDays"),
    ] {
        let answer = app.post(&app.admin(), "/api/keys", body.clone()).await;
        expect_problem(&answer, 422, "invalid_fields");
        assert!(answer.json()["errors"][field].is_string(), "{body}: {}", answer.json());
    }
}
