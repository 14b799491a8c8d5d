//! The figures of a clinic: they equal a recount, whatever has happened.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use strongroom::access::Role;
use strongroom::db::Db;
use strongroom::documents::stats::{Piece, keep_figures};
use strongroom::{fetch_all, upkeep};

use crate::lists::{Row, add, row, run, uuid};
use crate::on_every_ground;
use crate::support::{OTHER_CLINIC, TestApp, invoice, pdf};

on_every_ground!(
    figures_tell_what_there_is_of_what_kind,
    figures_equal_a_recount_whatever_has_happened,
    figures_that_are_wrong_are_found_told_and_put_right,
    figures_are_for_admins_and_the_app,
    many_uploads_at_once_are_all_counted,
    all_that_writers_have_noted_is_added_up_in_one_run,
    a_task_that_cannot_be_done_keeps_no_other_from_being_done,
);

const PATH: &str = "/api/v2/aws/s3/stats";

async fn figures(app: &TestApp) -> Value {
    app.get(&app.admin(), PATH).await.expect(200).json()
}

async fn figures_tell_what_there_is_of_what_kind(app: &TestApp) {
    let admin = app.admin();
    let empty = figures(app).await;
    assert_eq!(empty["totals"], json!({ "count": 0, "bytes": 0 }));
    assert_eq!(empty["uploadsPerDay"].as_array().unwrap().len(), 30);
    let first = app.upload(&admin, "patient-1", &pdf()).await;
    let second = app.upload(&admin, "patient-1", &invoice()).await;
    let asked = pdf().asked("patient-1");
    app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201);
    app.delete(&admin, &format!("/api/docs/{}", first["id"].as_str().unwrap())).await.expect(200);
    let (one, two) = (first["size"].as_u64().unwrap(), second["size"].as_u64().unwrap());

    let now = figures(app).await;
    assert_eq!(now["totals"], json!({ "count": 2, "bytes": one + two }), "the trash counts");
    let of = |list: &str, name: &str, value: &str| {
        let all = now[list].as_array().unwrap().clone();
        let found: Vec<_> = all.into_iter().filter(|one| one[name] == value).collect();
        let [one] = found.as_slice() else { panic!("{list} {value}: {now}") };
        (one["count"].as_i64().unwrap(), one["bytes"].as_u64().unwrap())
    };
    assert_eq!(of("byState", "state", "available"), (1, two));
    assert_eq!(of("byState", "state", "deleted"), (1, one));
    assert_eq!(of("byState", "state", "pending"), (1, one));
    assert_eq!(of("byCategory", "category", "invoices"), (1, two));
    assert_eq!(of("byCategory", "category", "imaging"), (0, 0));
    assert_eq!(of("byStorageClass", "storageClass", "STANDARD"), (2, one + two));
    let provider = app.app.store.provider();
    assert_eq!(now["byStorageClass"][0]["storageProvider"], provider);
    let today = now["uploadsPerDay"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((today["count"].clone(), today["bytes"].clone()), (json!(2), json!(one + two)));
    let day = second["createdAt"].as_str().unwrap()[..10].to_owned();
    assert_eq!(today["day"], json!(day));
    assert_eq!(now["growth"]["count"], 2);
    assert_eq!(now["growth"]["before"], json!({ "count": 0, "bytes": 0 }));
    let recent = now["recentUploads"].as_array().unwrap();
    assert_eq!(recent.len(), 1, "neither the trash nor what has not come");
    assert_eq!(recent[0]["id"], second["id"]);
    // Forty days later they are growth of the time before.
    app.clock.shift_seconds(40 * 86_400);
    let later = app.get(&admin, &format!("{PATH}?days=90")).await;
    assert_eq!(later.status, 401, "the token has expired");
    let later = figures(app).await;
    assert_eq!(
        (&later["growth"]["count"], &later["growth"]["before"]["count"]),
        (&json!(0), &json!(2))
    );
    let later = app.get(&app.admin(), &format!("{PATH}?days=90")).await.expect(200).json();
    assert_eq!(later["growth"]["count"], 2);
    assert_eq!(later["uploadsPerDay"].as_array().unwrap().len(), 90);
    for wrong in ["days=0", "days=367", "days=all", "since=1"] {
        app.get(&app.admin(), &format!("{PATH}?{wrong}")).await.expect(422);
    }
    app.clock.shift_seconds(-40 * 86_400);
}

/// The figures as the rows themselves tell them.
async fn recount(app: &TestApp) -> (BTreeMap<String, (i64, i64)>, BTreeMap<String, (i64, i64)>) {
    const COUNTS: &str = "select clinic_id, category || ' ' || state || ' ' || \
        storage_provider || ' ' || coalesce(storage_class, ''), count(*), \
        cast(sum(byte_size) as bigint) from document_assets group by 1, 2";
    type Counted = (uuid::Uuid, String, i64, i64);
    type Day = (uuid::Uuid, i64, String, i64, i64);
    let (counts, days): (Vec<Counted>, Vec<Day>) = match &app.app.db {
        Db::Postgres(pool) => {
            const DAYS: &str = "select clinic_id, \
                floor(extract(epoch from confirmed_at) / 86400)::bigint, category, count(*), \
                sum(byte_size)::bigint from document_assets where confirmed_at is not null \
                group by 1, 2, 3";
            (
                sqlx::query_as(COUNTS).fetch_all(pool).await.unwrap(),
                sqlx::query_as(DAYS).fetch_all(pool).await.unwrap(),
            )
        }
        Db::Sqlite(db) => {
            const DAYS: &str = "select clinic_id, confirmed_at / 86400000000, category, count(*), \
                sum(byte_size) from document_assets where confirmed_at is not null \
                group by 1, 2, 3";
            let mut reader = db.reader().await.unwrap();
            (
                sqlx::query_as(COUNTS).fetch_all(&mut *reader).await.unwrap(),
                sqlx::query_as(DAYS).fetch_all(&mut *reader).await.unwrap(),
            )
        }
    };
    let named = |(clinic, kind, count, bytes)| (format!("{clinic} {kind}"), (count, bytes));
    let day =
        |(clinic, day, kind, count, bytes)| (format!("{clinic} {day} {kind}"), (count, bytes));
    (counts.into_iter().map(named).collect(), days.into_iter().map(day).collect())
}

/// The figures as they are kept.
async fn kept(app: &TestApp) -> (BTreeMap<String, (i64, i64)>, BTreeMap<String, (i64, i64)>) {
    const COUNTS: &str = "select clinic_id, category || ' ' || state || ' ' || \
        storage_provider || ' ' || storage_class, cast(sum(documents) as bigint), \
        cast(sum(bytes) as bigint) from (select clinic_id, category, state, storage_provider, \
        storage_class, documents, bytes from document_counts union all select clinic_id, category, \
        state, storage_provider, storage_class, documents, bytes from document_count_deltas) c \
        group by 1, 2 having sum(documents) <> 0 or sum(bytes) <> 0";
    const DAYS: &str = "select clinic_id, day, category, cast(sum(documents) as bigint), \
        cast(sum(bytes) as bigint) from (select clinic_id, day, category, documents, bytes \
        from document_days union all select clinic_id, day, category, documents, bytes \
        from document_day_deltas) d group by 1, 2, 3 having sum(documents) <> 0 or sum(bytes) <> 0";
    type Counted = (uuid::Uuid, String, i64, i64);
    type Day = (uuid::Uuid, i64, String, i64, i64);
    let (counts, days): (Vec<Counted>, Vec<Day>) = match &app.app.db {
        Db::Postgres(pool) => (
            sqlx::query_as(COUNTS).fetch_all(pool).await.unwrap(),
            sqlx::query_as(DAYS).fetch_all(pool).await.unwrap(),
        ),
        Db::Sqlite(db) => {
            let mut reader = db.reader().await.unwrap();
            (
                sqlx::query_as(COUNTS).fetch_all(&mut *reader).await.unwrap(),
                sqlx::query_as(DAYS).fetch_all(&mut *reader).await.unwrap(),
            )
        }
    };
    let named = |(clinic, kind, count, bytes)| (format!("{clinic} {kind}"), (count, bytes));
    let day =
        |(clinic, day, kind, count, bytes)| (format!("{clinic} {day} {kind}"), (count, bytes));
    (counts.into_iter().map(named).collect(), days.into_iter().map(day).collect())
}

/// A number that looks random and is the same in every run.
fn next(seed: &mut u32) -> u32 {
    *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *seed >> 8
}

async fn figures_equal_a_recount_whatever_has_happened(app: &TestApp) {
    let mut seed = 7;
    let admin = app.admin();
    let mut documents = Vec::new();
    for step in 0..60_u32 {
        let roll = next(&mut seed);
        let some = documents.get(roll as usize % documents.len().max(1)).cloned();
        match (roll % 9, some) {
            (0 | 1, _) | (_, None) => {
                let sample = if roll.is_multiple_of(2) { pdf() } else { invoice() };
                let who = if roll.is_multiple_of(5) { app.stranger() } else { admin.clone() };
                let id = app.upload(&who, "patient-1", &sample).await["id"].clone();
                documents.push(id.as_str().unwrap().to_owned());
            }
            (2, _) => {
                let asked = pdf().asked("patient-1");
                app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201);
            }
            (3, _) => {
                // A lie: it is refused.
                let asked = pdf().asked("patient-1");
                let begun = app.post(&admin, "/api/docs/presign-upload", asked).await.json();
                app.put(&begun, vec![b'x'; pdf().bytes.len()]).await.expect(200);
                let confirm = json!({ "id": begun["id"] });
                app.post(&admin, "/api/docs/confirm", confirm).await.expect(422);
            }
            (4, Some(id)) => {
                app.delete(&admin, &format!("/api/docs/{id}")).await;
            }
            (5, Some(id)) => {
                app.post(&admin, &format!("/api/docs/{id}/restore"), json!({})).await;
            }
            (6, Some(id)) => {
                // What later features will do: another category, another class, another day.
                let id = uuid(app, id.parse().unwrap());
                let set = [
                    "category = 'imaging'",
                    "storage_class = 'GLACIER_IR'",
                    "byte_size = byte_size + 1",
                    "state = 'quarantined'",
                ];
                let set = set[next(&mut seed) as usize % set.len()];
                run(app, format!("update document_assets set {set} where id = {id}")).await;
            }
            (7, Some(_)) => {
                let state = if roll.is_multiple_of(2) { "purged" } else { "abandoned" };
                add(app, &[Row { state, category: "insurance", ..row(step) }]).await;
            }
            (_, Some(_)) => {
                run(app, "delete from document_assets where bucket = 'nowhere'".to_owned()).await;
                upkeep::run_once(&app.app, false).await.unwrap();
            }
        }
        assert_eq!(kept(app).await, recount(app).await, "after step {step}");
    }
    // A transaction that is given up counts nothing.
    let before = kept(app).await;
    let mut tx = app.app.db.begin().await.unwrap();
    rolled_back(&mut tx).await;
    drop(tx);
    assert_eq!(kept(app).await, before);
    // Folding changes nothing that is shown.
    keep_figures(&app.app, Piece::All, false).await.unwrap();
    assert_eq!(kept(app).await, before);
    // And what is shown is that.
    let shown = figures(app).await;
    let clinic = DEFAULT_CLINIC.to_string();
    let sum = |state: &str| {
        let here = |name: &str| name.starts_with(&clinic) && name.contains(&format!(" {state} "));
        let found = before.0.iter().filter(|(name, _)| here(name));
        found.fold((0, 0), |all, (_, one)| (all.0 + one.0, all.1 + one.1))
    };
    for of_state in shown["byState"].as_array().unwrap() {
        let state = of_state["state"].as_str().unwrap();
        let shown = (of_state["count"].as_i64().unwrap(), of_state["bytes"].as_i64().unwrap());
        assert_eq!(shown, sum(state), "{state}");
    }
    run(app, "delete from document_assets where bucket = 'nowhere'".to_owned()).await;
}

async fn rolled_back(tx: &mut strongroom::db::Tx) {
    use strongroom::db::{Conn, Connection as _};
    tx.ready().await.unwrap();
    let sql = "update document_assets set byte_size = byte_size + 1000, category = 'other'";
    match tx.conn() {
        Conn::Postgres(c) => sqlx::raw_sql(sql).execute(c).await.map(|_| ()).unwrap(),
        Conn::Sqlite(c) => sqlx::raw_sql(sql).execute(c).await.map(|_| ()).unwrap(),
    }
}

async fn figures_that_are_wrong_are_found_told_and_put_right(app: &TestApp) {
    app.upload(&app.admin(), "patient-1", &pdf()).await;
    app.upload(&app.stranger(), "patient-1", &invoice()).await;
    keep_figures(&app.app, Piece::All, false).await.unwrap();
    let right = recount(app).await;
    assert_eq!(kept(app).await, right);
    run(app, "update document_counts set documents = documents + 3, bytes = 5".to_owned()).await;
    run(app, "delete from document_days".to_owned()).await;
    assert_ne!(kept(app).await, right);
    let ran = upkeep::run_once(&app.app, true).await.unwrap();
    let told = ran.iter().find(|ran| ran.task == "stats").unwrap();
    let (name, wrong) = told.did[2];
    assert!(name == "put right" && wrong >= 4, "{told:?}");
    assert_ne!(kept(app).await, right, "a dry run changes nothing");
    let ran = upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!(ran.iter().find(|ran| ran.task == "stats").unwrap().did[2].1, wrong);
    assert_eq!(kept(app).await, right);
    // Beside a server each minute looks at one category; in nine all have had their turn.
    run(app, "update document_counts set bytes = bytes + 1".to_owned()).await;
    for _ in 0..9 {
        keep_figures(&app.app, Piece::InTurn, false).await.unwrap();
        app.clock.shift_seconds(60);
    }
    app.clock.shift_seconds(-9 * 60);
    assert_eq!(kept(app).await, right);
    let nothing = keep_figures(&app.app, Piece::All, true).await.unwrap();
    assert_eq!(nothing.repaired, 0);
    // Several servers that see the same fault put it right once.
    run(app, "update document_counts set documents = documents + 1".to_owned()).await;
    run(app, "delete from document_days".to_owned()).await;
    let all = (0..4).map(|_| keep_figures(&app.app, Piece::All, false));
    let all = futures::future::try_join_all(all).await.unwrap();
    assert!(all.iter().any(|kept| kept.repaired > 0));
    assert_eq!(kept(app).await, right, "{all:?}");
}

async fn figures_are_for_admins_and_the_app(app: &TestApp) {
    app.upload(&app.admin(), "patient-1", &pdf()).await;
    for who in [app.admin(), app.service()] {
        assert_eq!(app.get(&who, PATH).await.expect(200).json()["totals"]["count"], 1);
    }
    for who in [app.clinician(), app.staff(), app.patient("patient-1"), app.auditor()] {
        assert_eq!(app.get(&who, PATH).await.expect(403).code(), "forbidden");
    }
    let other = app.get(&app.stranger(), PATH).await.expect(200).json();
    assert_eq!(other["totals"]["count"], 0, "another clinic's are another clinic's");
    let both = app.token_with("u", &[Role::Service, Role::Staff], OTHER_CLINIC, &[]);
    app.get(&both, PATH).await.expect(200);
}

async fn many_uploads_at_once_are_all_counted(app: &TestApp) {
    let admin = app.admin();
    let asked = pdf().asked("patient-1");
    let begin = || app.post(&admin, "/api/docs/presign-upload", asked.clone());
    let all = futures::future::join_all((0..40).map(|_| begin())).await;
    assert!(all.iter().all(|answer| answer.status == 201));
    assert_eq!(kept(app).await, recount(app).await);
    let (folds, more) = futures::future::join(
        futures::future::join_all((0..4).map(|_| keep_figures(&app.app, Piece::All, false))),
        futures::future::join_all((0..20).map(|_| begin())),
    )
    .await;
    assert!(folds.iter().all(Result::is_ok), "{folds:?}");
    assert!(more.iter().all(|answer| answer.status == 201));
    keep_figures(&app.app, Piece::All, false).await.unwrap();
    assert_eq!(kept(app).await, recount(app).await);
    let pending = figures(app).await["byState"][0].clone();
    assert_eq!((&pending["state"], &pending["count"]), (&json!("pending"), &json!(60)));
}

/// How many rows wait to be added up.
async fn waiting(app: &TestApp) -> i64 {
    let mut reader = app.app.db.reader().await.unwrap();
    let sql = "select count(*) from document_count_deltas";
    fetch_all!(reader, (i64,), sql).unwrap()[0].0
}

/// Notes so many documents that come and go again.
async fn note(app: &TestApp, times: u32) {
    let clinic = uuid(app, DEFAULT_CLINIC.as_uuid());
    let sql = format!(
        "insert into document_count_deltas (clinic_id, category, state, storage_provider, \
         storage_class, documents, bytes) \
         with recursive n (i) as (select 1 union all select i + 1 from n where i < {times}) \
         select {clinic}, 'other', 'available', 'local', '', 1 - i % 2 * 2, 0 from n"
    );
    run(app, sql).await;
}

async fn all_that_writers_have_noted_is_added_up_in_one_run(app: &TestApp) {
    note(app, 120_000).await;
    keep_figures(&app.app, Piece::InTurn, false).await.unwrap();
    assert_eq!(waiting(app).await, 0);
    assert_eq!(kept(app).await, recount(app).await);
}

async fn a_task_that_cannot_be_done_keeps_no_other_from_being_done(app: &TestApp) {
    note(app, 2).await;
    app.sql("alter table placings rename to away").await.unwrap();
    let told = upkeep::run_once(&app.app, false).await.unwrap_err().to_string();
    assert_eq!(told, "uploads: the database failed");
    assert_eq!(waiting(app).await, 0, "figures come after uploads");
    app.sql("alter table away rename to placings").await.unwrap();
    upkeep::run_once(&app.app, false).await.unwrap();
}
