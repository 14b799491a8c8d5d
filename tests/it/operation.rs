//! `GET /api/config`: what administrators are told of the server.

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
    assert_eq!(shown["policy"]["builtIn"], json!(true));
    let rules = include_str!("../../policies/default.cedar");
    assert_eq!(shown["policy"]["text"], json!(rules));
    assert_eq!(shown.get("upkeep"), None, "none has ended in this process");
    let secrets = [app.app.secrets.setup_token().reveal().clone()];
    let text = shown.to_string();
    assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())));
    for who in [app.clinician(), app.staff(), app.auditor()] {
        app.get(&who, "/api/config").await.expect(403);
    }
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
