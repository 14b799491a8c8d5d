//! Every SQL function of the main database is called on both engines.
//!
//! Most are called by the stories of the other files; those of `access` are called here one by
//! one. The table below names every function, so that one that is added has to find its caller.

use std::time::Duration;

use serde_json::json;
use strongroom::access::rows::{self, ApiKeyRow};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::ids::{ApiKeyId, PatientId, SessionId, UserId};
use uuid::Uuid;

use crate::on_every_ground;
use crate::support::{OTHER_CLINIC, TestApp, pdf};

on_every_ground!(
    api_keys_are_kept_found_listed_and_revoked,
    users_are_kept_found_locked_and_shut_out,
    sessions_are_kept_touched_ended_and_removed,
    care_teams_are_kept_by_clinic,
    documents_pass_through_every_statement_of_theirs,
    no_two_documents_lie_under_one_key,
);

async fn no_two_documents_lie_under_one_key(app: &TestApp) {
    for _ in 0..2 {
        app.upload(&app.admin(), "patient-1", &pdf()).await;
    }
    let same = "update document_assets set object_key = 'the-same', upload_key = null";
    let refused = app.sql(same).await.unwrap_err();
    let told = refused.as_database_error().expect("an answer of the database");
    assert!(told.is_unique_violation(), "{refused}");
}

/// File, and the functions in it.
const CALLED: &[(&str, &str, &[&str])] = &[
    (
        "src/access/rows.rs",
        include_str!("../../src/access/rows.rs"),
        &[
            "insert_key",
            "find_key",
            "all_keys",
            "keys_of_clinic",
            "revoke_key_of_clinic",
            "revoke_key",
            "insert_user",
            "find_user",
            "list_users",
            "has_users",
            "disable_user",
            "enable_user",
            "count_failure",
            "lock_user",
            "clear_failures",
            "insert_session",
            "find_session",
            "touch_session",
            "end_session",
            "delete_sessions_before",
        ],
    ),
    (
        "src/access/people/rows.rs",
        include_str!("../../src/access/people/rows.rs"),
        &[
            "insert_patient_of_user",
            "patients_of_users",
            "patients_of_user",
            "note_setup",
            "set_password",
            "end_sessions",
        ],
    ),
    (
        "src/access/care_team/rows.rs",
        include_str!("../../src/access/care_team/rows.rs"),
        &["is_in_care_team", "add_to_care_team", "remove_from_care_team", "list_care_team"],
    ),
    (
        // By the tests of Uppy's doors.
        "src/access/tickets/rows.rs",
        include_str!("../../src/access/tickets/rows.rs"),
        &["insert_ticket", "find_ticket", "take_ticket", "is_of_ticket", "delete_tickets_before"],
    ),
    (
        // By every call, and by the tests of the trail.
        "src/audit/rows.rs",
        include_str!("../../src/audit/rows.rs"),
        &["insert", "search"],
    ),
    (
        "src/documents/rows.rs",
        include_str!("../../src/documents/rows.rs"),
        &[
            "find",
            "find_all",
            "insert_pending",
            "mark_confirmed",
            "set_multipart",
            "mark_ended",
            "state",
            "owner_of_key",
            // By the tests of forms, and of folders.
            "set_meaning",
            "has_patient",
            "patients_in_folder",
        ],
    ),
    (
        // By the tests of scanning and scan_doors.
        "src/documents/scan/rows.rs",
        include_str!("../../src/documents/scan/rows.rs"),
        &[
            "due_scans",
            "scan_queue",
            "move_scan",
            "defer_scan",
            "mark_scanned",
            "mark_rescan",
            "mark_waiting",
            "make_due",
            "count_waiting",
            "count_unscanned",
            "unscanned",
            "mark_judged",
        ],
    ),
    (
        // By the stories of afterlife.rs and repair.rs.
        "src/documents/life/rows.rs",
        include_str!("../../src/documents/life/rows.rs"),
        &[
            "mark_deleted",
            "mark_restored",
            "set_hold",
            "lift_hold",
            "set_release",
            "hold_behind",
            "leave_foreign",
            "update",
            "detach_successors",
            "has_successor",
            "mark_purged",
            "mark_erased",
            "chain",
            "trashed",
            "temporary",
            "to_erase",
        ],
    ),
    (
        // By the tests of previews.
        "src/documents/preview/rows.rs",
        include_str!("../../src/documents/preview/rows.rs"),
        &["find", "hold_available", "object_of", "put", "objects", "forget"],
    ),
    (
        // By the tests of lists.
        "src/documents/list/rows.rs",
        include_str!("../../src/documents/list/rows.rs"),
        &["team", "list", "further", "fit_few"],
    ),
    (
        // By the tests of figures, and by upkeep.
        "src/documents/stats/rows.rs",
        include_str!("../../src/documents/stats/rows.rs"),
        &[
            "counts",
            "days",
            "clinics",
            "missing_counts",
            "missing_days",
            "add_count",
            "add_day",
            "fold",
            "deltas",
            "wordless",
            "set_words",
        ],
    ),
    (
        // By the tests of limits.
        "src/documents/quota/rows.rs",
        include_str!("../../src/documents/quota/rows.rs"),
        &[
            "open_uploads",
            "charge_day",
            "give_back",
            "begun_by",
            "of_day",
            "forget_days",
            "kept_bytes",
        ],
    ),
    (
        // By the tests of webhooks, as is what follows.
        "src/outbox/rows.rs",
        include_str!("../../src/outbox/rows.rs"),
        &["listeners", "insert_delivery"],
    ),
    (
        "src/webhooks/rows.rs",
        include_str!("../../src/webhooks/rows.rs"),
        &[
            "insert",
            "count",
            "of_clinic",
            "find",
            "find_to_change",
            "update",
            "delete",
            "insert_test",
            "latest",
            "make_due",
            "health",
        ],
    ),
    (
        "src/webhooks/deliver/rows.rs",
        include_str!("../../src/webhooks/deliver/rows.rs"),
        &[
            "webhooks_due",
            "due",
            "claim",
            "settle",
            "mark_working",
            "mark_failing",
            "switch_off",
            "forget",
            "forget_waiting",
        ],
    ),
    (
        // By opening a server at all.
        "src/keys/rows.rs",
        include_str!("../../src/keys/rows.rs"),
        &["insert_if_absent", "find"],
    ),
];

#[test]
fn every_sql_function_is_in_the_table() {
    for (file, source, called) in CALLED {
        let mut found = Vec::new();
        for (at, _) in source.match_indices("async fn ") {
            let rest = &source[at + "async fn ".len()..];
            found.push(rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap());
        }
        found.sort_unstable();
        let mut called = called.to_vec();
        called.sort_unstable();
        assert_eq!(found, called, "{file}");
    }
}

/// Runs one statement function in a transaction of its own.
macro_rules! write {
    ($app:expr, $call:ident($($arg:expr),* $(,)?)) => {{
        let mut tx = $app.app.db.begin().await.unwrap();
        let answer = rows::$call(&mut tx, $($arg),*).await.unwrap();
        tx.commit().await.unwrap();
        answer
    }};
}

/// Runs one query function.
macro_rules! read {
    ($app:expr, $call:ident($($arg:expr),* $(,)?)) => {{
        let mut reader = $app.app.db.reader().await.unwrap();
        rows::$call(&mut reader, $($arg),*).await.unwrap()
    }};
}

async fn api_keys_are_kept_found_listed_and_revoked(app: &TestApp) {
    let now = app.clock.now();
    let key = ApiKeyRow {
        id: ApiKeyId::from_uuid(Uuid::now_v7()),
        name: "Anmeldung".into(),
        secret_hash: vec![0, 1, 255],
        role: "service".into(),
        clinic_id: Some(DEFAULT_CLINIC),
        created_at: now,
        expires_at: Some(now + Duration::from_secs(1)),
        revoked_at: None,
    };
    let other = ApiKeyId::from_uuid(Uuid::now_v7());
    write!(app, insert_key(&key));
    let free = ApiKeyRow { id: other, clinic_id: None, expires_at: None, ..key.clone() };
    write!(app, insert_key(&free));
    let found = read!(app, find_key(key.id)).unwrap();
    assert_eq!(format!("{found:?}"), format!("{key:?}"));
    assert_eq!(format!("{:?}", read!(app, find_key(other)).unwrap()), format!("{free:?}"));
    assert_eq!(read!(app, all_keys()).len(), 2);
    assert!(write!(app, revoke_key(key.id, now)));
    assert!(read!(app, keys_of_clinic(OTHER_CLINIC)).is_empty());
    assert!(!write!(app, revoke_key_of_clinic(OTHER_CLINIC, key.id, now)));
    assert!(!write!(app, revoke_key(key.id, now)));
    assert_eq!(read!(app, find_key(key.id)).unwrap().revoked_at, Some(now));
    assert!(read!(app, find_key(ApiKeyId::from_uuid(Uuid::now_v7()))).is_none());
}

async fn users_are_kept_found_locked_and_shut_out(app: &TestApp) {
    let now = app.clock.now();
    assert!(!read!(app, has_users()));
    write!(app, insert_user("erin", "hash", Role::Staff, DEFAULT_CLINIC, now));
    write!(app, insert_user("anna", "hash", Role::Admin, DEFAULT_CLINIC, now));
    write!(app, insert_user("otto", "hash", Role::Admin, OTHER_CLINIC, now));
    assert!(read!(app, has_users()));
    let mut tx = app.app.db.begin().await.unwrap();
    let taken = rows::insert_user(&mut tx, "erin", "x", Role::Admin, OTHER_CLINIC, now).await;
    assert!(taken.unwrap_err().is_unique_violation());
    drop(tx);
    let listed = read!(app, list_users(DEFAULT_CLINIC));
    assert_eq!(listed.iter().map(|u| u.name.as_str()).collect::<Vec<_>>(), ["anna", "erin"]);
    assert_eq!(write!(app, count_failure("erin")), 1);
    assert_eq!(write!(app, count_failure("erin")), 2);
    assert_eq!(write!(app, count_failure("nobody")), 0);
    write!(app, lock_user("erin", now));
    let user = read!(app, find_user("erin")).unwrap();
    assert_eq!((user.failed_attempts, user.locked_until), (2, Some(now)));
    assert_eq!((user.role.as_str(), user.clinic_id), ("staff", DEFAULT_CLINIC));
    assert!(!write!(app, clear_failures("erin", "another")));
    assert!(write!(app, clear_failures("erin", &user.password_hash)));
    let user = read!(app, find_user("erin")).unwrap();
    assert_eq!((user.failed_attempts, user.locked_until), (0, None));
    assert!(!write!(app, set_password(OTHER_CLINIC, "erin", "new", None, now)));
    assert!(write!(app, set_password(DEFAULT_CLINIC, "erin", "new", None, now)));
    assert_eq!(read!(app, find_user("erin")).unwrap().password_hash, "new");
    assert!(!write!(app, disable_user(OTHER_CLINIC, "erin", now)));
    assert!(write!(app, disable_user(DEFAULT_CLINIC, "erin", now)));
    assert!(!write!(app, disable_user(DEFAULT_CLINIC, "erin", now)));
    assert_eq!(read!(app, find_user("erin")).unwrap().disabled_at, Some(now));
    assert!(!write!(app, enable_user(OTHER_CLINIC, "erin")));
    assert!(write!(app, enable_user(DEFAULT_CLINIC, "erin")));
    assert!(!write!(app, enable_user(DEFAULT_CLINIC, "erin")));
    let patient = PatientId::new("patient-1");
    write!(app, insert_patient_of_user("erin", &patient));
    write!(app, insert_patient_of_user("erin", &patient));
    assert_eq!(read!(app, patients_of_user("erin")).len(), 1);
    assert_eq!(read!(app, patients_of_users(DEFAULT_CLINIC))[0].user_name, "erin");
    assert!(read!(app, patients_of_users(OTHER_CLINIC)).is_empty());
    assert!(write!(app, note_setup(now)));
    assert!(!write!(app, note_setup(now)));
    assert!(read!(app, find_user("nobody")).is_none());
}

async fn sessions_are_kept_touched_ended_and_removed(app: &TestApp) {
    let now = app.clock.now();
    let later = now + Duration::from_secs(90);
    write!(app, insert_user("erin", "hash", Role::Staff, DEFAULT_CLINIC, now));
    let ids: Vec<_> = (0..3).map(|_| SessionId::from_uuid(Uuid::now_v7())).collect();
    for id in &ids {
        write!(app, insert_session(*id, &[7; 32], "erin", now));
    }
    let session = read!(app, find_session(ids[0])).unwrap();
    assert_eq!((session.user_name.as_str(), session.secret_hash.len()), ("erin", 32));
    assert_eq!((session.role.as_str(), session.clinic_id), ("staff", DEFAULT_CLINIC));
    assert_eq!((session.created_at, session.last_seen_at), (now, now));
    let seen = async || read!(app, find_session(ids[0])).unwrap().last_seen_at;
    write!(app, touch_session(ids[0], now - Duration::from_secs(1), later));
    assert_eq!(seen().await, now, "it was noted lately");
    write!(app, touch_session(ids[0], now, later));
    assert_eq!(seen().await, later);
    assert!(write!(app, end_session(ids[0], later)));
    assert!(!write!(app, end_session(ids[0], later)));
    assert_eq!(read!(app, find_session(ids[0])).unwrap().ended_at, Some(later));
    // A new password ends what is open, but for the session in which somebody chose it.
    let (own, name) = (ids[2], "erin");
    assert!(write!(app, set_password(DEFAULT_CLINIC, name, "chosen", Some(own), later)));
    assert!(!write!(app, set_password(OTHER_CLINIC, name, "chosen", Some(own), later)));
    assert_eq!(read!(app, find_session(ids[1])).unwrap().ended_at, Some(later));
    assert_eq!(read!(app, find_session(own)).unwrap().ended_at, None);
    assert!(write!(app, set_password(DEFAULT_CLINIC, name, "new", None, later)));
    assert_eq!(read!(app, find_session(own)).unwrap().ended_at, Some(later));
    assert_eq!(write!(app, delete_sessions_before(now)), 0);
    assert_eq!(write!(app, delete_sessions_before(later)), 3);
    assert!(read!(app, find_session(ids[2])).is_none());
}

async fn care_teams_are_kept_by_clinic(app: &TestApp) {
    let now = app.clock.now();
    let (patient, other) = (PatientId::new("p-1"), PatientId::new("p-2"));
    let (user, by) = (UserId::new("erin"), UserId::new("anna"));
    assert!(write!(app, add_to_care_team(DEFAULT_CLINIC, &patient, &user, &by, now)));
    assert!(!write!(app, add_to_care_team(DEFAULT_CLINIC, &patient, &user, &by, now)));
    assert!(read!(app, is_in_care_team(DEFAULT_CLINIC, &patient, &user)));
    assert!(!read!(app, is_in_care_team(OTHER_CLINIC, &patient, &user)));
    assert!(!read!(app, is_in_care_team(DEFAULT_CLINIC, &other, &user)));
    assert!(!read!(app, is_in_care_team(DEFAULT_CLINIC, &patient, &by)));
    let team = read!(app, list_care_team(DEFAULT_CLINIC, &patient));
    assert_eq!(team.len(), 1);
    assert_eq!((&team[0].user_id, &team[0].added_by, team[0].added_at), (&user, &by, now));
    assert!(read!(app, list_care_team(OTHER_CLINIC, &patient)).is_empty());
    assert!(!write!(app, remove_from_care_team(OTHER_CLINIC, &patient, &user)));
    assert!(write!(app, remove_from_care_team(DEFAULT_CLINIC, &patient, &user)));
    assert!(!write!(app, remove_from_care_team(DEFAULT_CLINIC, &patient, &user)));
}

async fn documents_pass_through_every_statement_of_theirs(app: &TestApp) {
    let admin = app.admin();
    // insert_pending, find by key, mark_confirmed.
    let asked = pdf().asked("patient-1");
    let begun = app.post(&admin, "/api/docs/presign-upload", asked.clone()).await.expect(201);
    let begun = begun.json();
    app.put(&begun, pdf().bytes).await.expect(200);
    let by_key = json!({ "key": begun["key"] });
    app.post(&admin, "/api/docs/confirm", by_key).await.expect(201);
    // find by id, list with every filter there is, owner_of_key.
    let path = format!("/api/docs/{}", begun["id"].as_str().unwrap());
    app.get(&admin, &path).await.expect(200);
    let everything = "/api/docs?patientId=patient-1&category=medical-records,imaging&q=letter\
                      &state=available&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";
    for who in [&admin, &app.patient("patient-1")] {
        let page = app.get(who, everything).await.expect(200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    }
    app.get(&app.clinician(), "/api/docs?sort=-size").await.expect(200);
    let link = app.get(&admin, &format!("{path}/download")).await.expect(200).json();
    app.fetch(link["url"].as_str().unwrap()).await.expect(200);
    // mark_deleted, state, mark_restored.
    app.delete(&admin, &path).await.expect(200);
    app.delete(&admin, &path).await.expect(409);
    app.post(&admin, &format!("{path}/restore"), json!({})).await.expect(200);
    // set_multipart, and the statements of upkeep, mark_ended among them.
    let parts = app.post(&admin, "/api/docs/multipart", asked.clone()).await.expect(201).json();
    app.clock.shift_seconds(25 * 3600);
    let ran = strongroom::upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!((ran[0].did[0], ran[0].failed), (("abandoned", 1), 0), "{ran:?}");
    assert_eq!(app.state_of_key(parts["key"].as_str().unwrap()).await.unwrap(), "abandoned");
    let ran = strongroom::upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!(ran[0].did[1], ("closed", 0), "what is closed stays closed");
    app.clock.shift_seconds(-25 * 3600);
    // mark_ended again.
    let begun = app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201).json();
    app.put(&begun, vec![b'x'; pdf().bytes.len()]).await.expect(200);
    let confirm = json!({ "id": begun["id"] });
    app.post(&admin, "/api/docs/confirm", confirm).await.expect(422);
    assert_eq!(app.state_of_key(begun["key"].as_str().unwrap()).await.unwrap(), "refused");
}
