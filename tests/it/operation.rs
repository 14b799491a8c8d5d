//! `GET /api/config`: what administrators are told of the server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;

use crate::on_every_ground;
use crate::support::TestApp;

on_every_ground!(
    the_configuration_is_shown_to_admins_and_holds_nothing_secret,
    the_session_says_when_it_ends_by_itself_and_whose_documents_a_patient_sees,
);

async fn the_configuration_is_shown_to_admins_and_holds_nothing_secret(app: &TestApp) {
    let shown = app.get(&app.admin(), "/api/config").await.expect(200).json();
    assert_eq!(shown["categories"].as_array().unwrap().len(), 9);
    let of = |name: &str| {
        let all = shown["categories"].as_array().unwrap();
        all.iter().find(|one| one["category"] == name).unwrap().clone()
    };
    assert_eq!(of("invoices")["waitsForRelease"], json!(false));
    assert_eq!(shown["trashDays"], json!(app.app.config.uploads.trash_days));
    assert_eq!(shown["sealedUploads"], json!(false));
    assert_eq!(shown["policy"]["builtIn"], json!(true));
    let rules = include_str!("../../policies/default.cedar");
    assert_eq!(shown["policy"]["text"], json!(rules));
    assert_eq!(shown.get("upkeep"), None, "none has ended in this process");
    let storage = app.get(&app.admin(), "/api/v2/aws/s3/config").await.expect(200).json();
    let text = format!("{shown}{storage}");
    for secret in secrets_of(app) {
        assert!(!secret.is_empty() && !text.contains(&secret));
    }
    for who in [app.clinician(), app.staff(), app.auditor()] {
        app.get(&who, "/api/config").await.expect(403);
    }
}

/// Every secret that this server knows, in the forms it could be shown in.
fn secrets_of(app: &TestApp) -> Vec<String> {
    let (secrets, config) = (&app.app.secrets, &app.app.config);
    let keys = secrets.s3_credentials();
    let jwt = secrets.jwt_secret().reveal();
    let given = [&config.access.jwt_secret, &config.data.master_key, &config.data.database];
    let given = given.into_iter().flatten().map(|secret| secret.reveal().clone());
    let made = [
        secrets.setup_token().reveal().clone(),
        keys.secret_access_key.reveal().clone(),
        hex::encode(jwt),
        STANDARD.encode(jwt),
    ];
    let as_text = String::from_utf8(jwt.clone()).ok();
    made.into_iter().chain(given).chain(as_text).collect()
}

async fn the_session_says_when_it_ends_by_itself_and_whose_documents_a_patient_sees(app: &TestApp) {
    let admin = app.get(&app.admin(), "/api/session").await.expect(200).json();
    assert_eq!(admin["idleSeconds"], json!(app.app.config.access.session_idle.as_secs()));
    assert_eq!(admin.get("patientIds"), None);
    let patient = app.patient("patient-1");
    let request = app.request(Method::GET, "/api/session", &[], None);
    request.await.expect(401);
    let shown = app.get(&patient, "/api/session").await.expect(200).json();
    assert_eq!(shown["patientIds"], json!(["patient-1"]));
}
