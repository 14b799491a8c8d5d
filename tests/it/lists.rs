//! Lists: what a caller finds, in which order, and that nothing is missed or shown twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::db::Db;
use strongroom::documents::names;
use uuid::Uuid;

use crate::on_every_ground;
use crate::support::{Caller, TestApp};

on_every_ground!(
    a_list_shows_what_a_read_shows_whoever_asks,
    a_large_care_team_sees_the_same_as_a_small_one,
    each_filter_leaves_what_it_says,
    names_are_ordered_and_found_whatever_their_case_and_accents,
    every_word_has_to_begin_a_word_of_the_name,
    a_query_that_means_nothing_is_refused_with_what_would_be_right,
    no_document_is_missed_or_shown_twice_while_others_come_and_go,
    what_is_rare_is_found_behind_thousands_that_do_not_fit,
);

/// A row of the table, made without an upload: it has no object.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: Uuid,
    pub patient: Option<&'static str>,
    pub category: &'static str,
    pub state: &'static str,
    pub owner: &'static str,
    pub released: bool,
    pub name: String,
    pub size: i64,
    /// Seconds since 1970.
    pub at: i64,
    pub more: &'static str,
}

pub fn row(n: u32) -> Row {
    Row {
        id: Uuid::now_v7(),
        patient: Some("patient-1"),
        category: "other",
        state: "available",
        owner: "somebody",
        released: true,
        name: format!("letter-{n}.pdf"),
        size: i64::from(n) + 1,
        at: 1_700_000_000 + i64::from(n),
        more: "",
    }
}

/// Runs SQL that a test put together.
pub async fn run(app: &TestApp, sql: String) {
    match &app.app.db {
        Db::Postgres(pool) => {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.unwrap();
        }
        Db::Sqlite(db) => {
            let mut tx = db.begin().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx.conn()).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

pub fn uuid(app: &TestApp, id: Uuid) -> String {
    match &app.app.db {
        Db::Postgres(_) => format!("'{id}'"),
        Db::Sqlite(_) => format!("x'{}'", id.simple()),
    }
}

fn time(app: &TestApp, seconds: i64) -> String {
    match &app.app.db {
        Db::Postgres(_) => format!("to_timestamp({seconds})"),
        Db::Sqlite(_) => format!("{seconds}000000"),
    }
}

/// Adds rows.
pub async fn add(app: &TestApp, rows: &[Row]) {
    let mut sql = String::new();
    for row in rows {
        let (id, at) = (uuid(app, row.id), time(app, row.at));
        let patient = row.patient.map_or("null".to_owned(), |p| format!("'{p}'"));
        let confirmed = !["pending", "abandoned", "refused"].contains(&row.state);
        let confirmed = if confirmed { &*at } else { "null" };
        let columns = if row.more.is_empty() { "" } else { row.more.split_once('=').unwrap().0 };
        let value = row.more.split_once('=').map_or("", |(_, value)| value);
        let comma = if row.more.is_empty() { "" } else { ", " };
        let _ = write!(
            sql,
            "insert into document_assets (id, clinic_id, patient_id, owner_user_id, bucket, \
             object_key, content_type, byte_size, sha256_hex, created_at, updated_at, state, \
             upload_expires_at, upload_closed_at, confirmed_at, category, release_state, file_name, \
             file_name_folded, file_words{comma}{columns}) values ({id}, {}, {patient}, '{}', \
             'nowhere', '{}', 'application/pdf', {}, '00', {at}, {at}, '{}', {at}, {at}, \
             {confirmed}, '{}', '{}', '{}', '{}', '{}'{comma}{value});",
            uuid(app, DEFAULT_CLINIC.as_uuid()),
            row.owner,
            row.id,
            row.size,
            row.state,
            row.category,
            if row.released { "released" } else { "held" },
            row.name,
            names::folded(&row.name),
            names::words(&row.name),
        );
    }
    run(app, sql).await;
}

/// Every document of a list, page by page, and how many pages it took.
async fn pages(app: &TestApp, who: &Caller, query: &str) -> (Vec<Value>, usize) {
    let (mut all, mut cursor, mut count) = (Vec::new(), String::new(), 0);
    loop {
        let page = app.get(who, &format!("/api/docs?{query}{cursor}")).await.expect(200).json();
        all.extend(page["items"].as_array().unwrap().clone());
        count += 1;
        let Some(next) = page["nextCursor"].as_str() else { return (all, count) };
        assert!(count < 1000, "the list does not end");
        cursor = format!("&cursor={next}");
    }
}

fn ids(items: &[Value]) -> Vec<Uuid> {
    items.iter().map(|item| item["id"].as_str().unwrap().parse().unwrap()).collect()
}

async fn names(app: &TestApp, query: &str) -> Vec<String> {
    let (items, _) = pages(app, &app.admin(), query).await;
    items.iter().map(|item| item["filename"].as_str().unwrap().to_owned()).collect()
}

const EVERY_STATE: &str =
    "state=pending,scanning,available,quarantined,deleted,purged,abandoned,refused";

/// Documents that differ in everything the policy looks at.
async fn one_of_each(app: &TestApp) -> Vec<Uuid> {
    let mut rows = Vec::new();
    for category in ["lab-results", "insurance"] {
        for state in ["available", "pending", "quarantined"] {
            for patient in [Some("patient-1"), Some("patient-2"), None] {
                for (owner, released) in
                    [("caller", true), ("caller", false), ("somebody", true), ("somebody", false)]
                {
                    let n = u32::try_from(rows.len()).unwrap();
                    // Several of them at the same instant.
                    let at = 1_700_000_000 + i64::from(n / 5);
                    let more = Row { patient, category, state, owner, released, at, ..row(n) };
                    rows.push(more);
                }
            }
        }
    }
    add(app, &rows).await;
    rows.iter().map(|row| row.id).collect()
}

fn everybody(app: &TestApp) -> Vec<(&'static str, Caller)> {
    let with = |roles: &[Role]| app.token_with("caller", roles, DEFAULT_CLINIC, &["patient-2"]);
    vec![
        ("admin", with(&[Role::Admin])),
        ("clinician", with(&[Role::Clinician])),
        ("staff", with(&[Role::Staff])),
        ("clinician and staff", with(&[Role::Clinician, Role::Staff])),
        ("clinician and admin", with(&[Role::Clinician, Role::Admin])),
        ("patient", with(&[Role::Patient])),
        ("patient and staff", with(&[Role::Patient, Role::Staff])),
        ("patient and clinician", with(&[Role::Patient, Role::Clinician])),
        ("service", with(&[Role::Service])),
        ("auditor", app.auditor()),
        ("other clinic", app.stranger()),
    ]
}

/// What the list shows is what can be read by id, for every caller, in every order.
async fn lists_are_reads(
    app: &TestApp,
    documents: &[Uuid],
    only: &[&str],
) -> BTreeMap<&'static str, usize> {
    let mut seen = BTreeMap::new();
    for (name, who) in everybody(app) {
        if !only.is_empty() && !only.contains(&name) {
            continue;
        }
        let mut readable = BTreeSet::new();
        for id in documents {
            let answer = app.get(&who, &format!("/api/docs/{id}")).await;
            assert!([200, 403, 404].contains(&answer.status.as_u16()), "{name}");
            if answer.status.is_success() {
                readable.insert(*id);
            }
        }
        seen.insert(name, readable.len());
        if app.get(&who, "/api/docs").await.status == 403 {
            assert!(readable.is_empty(), "{name} may read and not list");
            continue;
        }
        for (sort, limit) in [("-created", 7), ("created", 50), ("filename", 9), ("-size", 1000)] {
            let query = format!("{EVERY_STATE}&sort={sort}&limit={limit}");
            let (items, _) = pages(app, &who, &query).await;
            let listed = ids(&items);
            assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "{name}: twice");
            assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), readable, "{name}: {sort}");
        }
        for narrow in ["q=letter", "uploadedBy=caller", "released=false", "category=insurance"] {
            let (all, _) = pages(app, &who, &format!("{EVERY_STATE}&{narrow}&limit=8")).await;
            let mut allowed = ids(&all);
            allowed.retain(|id| !readable.contains(id));
            assert!(allowed.is_empty(), "{name}: {narrow} shows more than a read");
        }
    }
    seen
}

async fn a_list_shows_what_a_read_shows_whoever_asks(app: &TestApp) {
    let documents = one_of_each(app).await;
    join(app, "patient-1", 1).await;
    let seen = lists_are_reads(app, &documents, &[]).await;
    // Not all the same, or nothing was tried.
    assert_eq!(seen["admin"], documents.len());
    assert_eq!((seen["auditor"], seen["other clinic"]), (0, 0), "{seen:?}");
    assert!(seen["clinician and staff"] > seen["clinician"].max(seen["staff"]), "{seen:?}");
    clear(app).await;
}

async fn a_large_care_team_sees_the_same_as_a_small_one(app: &TestApp) {
    let documents = one_of_each(app).await;
    join(app, "patient-1", 1).await;
    join(app, "far", 300).await;
    let some = ["clinician", "staff", "clinician and staff", "patient and clinician"];
    let seen = lists_are_reads(app, &documents, &some).await;
    assert!(seen["clinician and staff"] > seen["clinician"].max(seen["staff"]), "{seen:?}");
    clear(app).await;
}

/// Puts `caller` into the care teams of so many patients: `name` itself, then `name-1` and so on.
async fn join(app: &TestApp, name: &str, many: u32) {
    let (clinic, at) = (uuid(app, DEFAULT_CLINIC.as_uuid()), time(app, 0));
    let patient = |n| if n == 0 { name.to_owned() } else { format!("{name}-{n}") };
    let rows = (0..many).map(|n| format!("({clinic}, '{}', 'caller', {at}, 'x')", patient(n)));
    let columns = "(clinic_id, patient_id, user_id, added_at, added_by)";
    let rows = rows.collect::<Vec<_>>().join(", ");
    run(app, format!("insert into care_team {columns} values {rows}")).await;
}

/// Rows without an object do not outlive a test.
async fn clear(app: &TestApp) {
    run(app, "delete from document_assets".to_owned()).await;
}

async fn each_filter_leaves_what_it_says(app: &TestApp) {
    let held = match &app.app.db {
        Db::Postgres(_) => "held_at=now()",
        Db::Sqlite(_) => "held_at=1",
    };
    let png = "storage_class=null";
    let mut rows = vec![
        Row { name: "a.pdf".into(), category: "imaging", ..row(1) },
        Row { name: "b.pdf".into(), state: "quarantined", ..row(2) },
        Row { name: "c.pdf".into(), state: "deleted", ..row(3) },
        Row { name: "d.pdf".into(), owner: "erin", ..row(4) },
        Row { name: "e.pdf".into(), released: false, ..row(5) },
        Row { name: "f.pdf".into(), more: "temporary=true", ..row(6) },
        Row { name: "g.pdf".into(), more: held, ..row(7) },
        Row { name: "h.pdf".into(), patient: Some("patient-2"), ..row(8) },
        Row { name: "i.pdf".into(), more: png, ..row(9) },
    ];
    rows.push(Row { name: "j.pdf".into(), patient: None, ..row(10) });
    add(app, &rows).await;
    let set = "update document_assets set content_type = 'image/png' where file_name = 'i.pdf'";
    run(app, set.to_owned()).await;
    let set = "update document_assets set entity_type = 'appointment', entity_id = 'x-1' \
               where file_name in ('a.pdf', 'h.pdf')";
    run(app, set.to_owned()).await;
    for (query, expected) in [
        ("", "jihgfedba"),
        ("category=imaging", "a"),
        ("category=imaging,other&sort=created", "abdefghij"),
        ("state=quarantined", "b"),
        ("state=deleted,quarantined", "cb"),
        ("type=image", "i"),
        ("type=image/png,document", "jihgfedba"),
        ("type=application/pdf&state=available", "jhgfeda"),
        ("entityType=appointment", "ha"),
        ("entityType=appointment&entityId=x-1&patientId=patient-2", "h"),
        ("entityType=provider&entityId=x-1", ""),
        ("uploadedBy=erin", "d"),
        ("released=false", "e"),
        ("released=true&patientId=patient-2", "h"),
        ("temporary=true", "f"),
        ("held=true", "g"),
        ("held=false&temporary=false&released=true", "jihdba"),
        ("patientId=patient-2", "h"),
        ("from=2023-11-14T22:13:28Z", "jih"),
        ("to=2023-11-14T22:13:23Z", "ba"),
        ("from=2023-11-14T22:13:24Z&to=2023-11-14T22:13:26Z&sort=created", "de"),
        ("sort=-size", "jihgfedba"),
        ("sort=filename&q=b", "b"),
    ] {
        let found: String = names(app, query).await.iter().map(|name| &name[..1]).collect();
        assert_eq!(found, expected, "{query}");
        // Page by page it is the same.
        let query = format!("{query}&limit=2").trim_start_matches('&').to_owned();
        let found: String = names(app, &query).await.iter().map(|name| &name[..1]).collect();
        assert_eq!(found, expected, "{query}");
    }
    clear(app).await;
}

async fn names_are_ordered_and_found_whatever_their_case_and_accents(app: &TestApp) {
    let given = [
        "Zebra.pdf",
        "ärztebrief.pdf",
        "Arztbrief.pdf",
        "arztbrief_2.pdf",
        "ÉCHOGRAPHIE.pdf",
        "echo.pdf",
        "Straße 9.pdf",
        "レントゲン.pdf",
        "_intern.pdf",
        "10.pdf",
        "9.pdf",
    ];
    let rows: Vec<_> =
        (0..).zip(given).map(|(n, name)| Row { name: name.to_owned(), ..row(n) }).collect();
    add(app, &rows).await;
    assert_eq!(
        names(app, "sort=filename&limit=3").await,
        [
            "10.pdf",
            "9.pdf",
            "_intern.pdf",
            "Arztbrief.pdf",
            "arztbrief_2.pdf",
            "ärztebrief.pdf",
            "echo.pdf",
            "ÉCHOGRAPHIE.pdf",
            "Straße 9.pdf",
            "Zebra.pdf",
            "レントゲン.pdf",
        ]
    );
    for (q, expected) in [
        ("ARZT", &["Arztbrief.pdf", "arztbrief_2.pdf", "ärztebrief.pdf"][..]),
        ("%C3%84rzt", &["Arztbrief.pdf", "arztbrief_2.pdf", "ärztebrief.pdf"]),
        ("echo", &["echo.pdf", "ÉCHOGRAPHIE.pdf"]),
        ("stra%C3%9Fe", &["Straße 9.pdf"]),
        ("%E3%83%AC%E3%83%B3", &["レントゲン.pdf"]),
    ] {
        assert_eq!(names(app, &format!("sort=filename&q={q}")).await, expected, "{q}");
    }
    clear(app).await;
}

async fn every_word_has_to_begin_a_word_of_the_name(app: &TestApp) {
    // More than are looked at on the way, so that the index of words is asked.
    let mut rows: Vec<_> =
        (0..2_300).map(|n| Row { name: format!("letter-{n}.pdf"), ..row(n) }).collect();
    rows[0].name = "MRT2024-Befund_Müller.pdf".into();
    rows[3].name = "Befund Mueller.pdf".into();
    rows[4].name = "befund%_.pdf".into();
    rows[5].name = "befundung or not.pdf".into();
    rows[6].state = "pending";
    rows[6].name = "befund-pending.pdf".into();
    for some in rows.chunks(500) {
        add(app, some).await;
    }
    for (q, expected) in [
        (
            "befund",
            &[
                "befundung or not.pdf",
                "befund%_.pdf",
                "Befund Mueller.pdf",
                "MRT2024-Befund_Müller.pdf",
            ][..],
        ),
        ("muller%20befund", &["MRT2024-Befund_Müller.pdf"]),
        ("mrt2024", &["MRT2024-Befund_Müller.pdf"]),
        ("2024%20b", &["MRT2024-Befund_Müller.pdf"]),
        ("efund", &[]),
        (
            "befund%25",
            &[
                "befundung or not.pdf",
                "befund%_.pdf",
                "Befund Mueller.pdf",
                "MRT2024-Befund_Müller.pdf",
            ],
        ),
        ("%22or%22%20NOT%20*", &["befundung or not.pdf"]),
        ("letter%20befund", &[]),
        ("letter%20117", &["letter-1179.pdf"]),
    ] {
        let mut found = names(app, &format!("q={q}&limit=3")).await;
        if q.ends_with("117") {
            assert_eq!(found.len(), 11, "117 and 1170 to 1179");
            found.truncate(1);
        }
        assert_eq!(found, expected, "{q}");
    }
    let pending = names(app, "q=befund&state=pending,available&sort=created").await;
    assert_eq!(pending.last().unwrap(), "befund-pending.pdf");
    // A name that is changed is found by its new words, and no longer by its old ones.
    let set = "update document_assets set file_name = 'x.pdf', file_words = 'knie pdf' \
               where file_name = 'Befund Mueller.pdf'";
    run(app, set.to_owned()).await;
    assert_eq!(names(app, "q=knie").await, ["x.pdf"]);
    assert_eq!(names(app, "q=mueller").await, [""; 0]);
    // The index knows of which category a word is, and hears when that changes.
    let set = "update document_assets set category = 'insurance' where file_name = 'x.pdf'";
    run(app, set.to_owned()).await;
    assert_eq!(names(app, "q=knie&category=other").await, [""; 0]);
    assert_eq!(names(app, "q=knie&category=insurance,imaging").await, ["x.pdf"]);
    assert_eq!(names(app, "q=knie").await, ["x.pdf"]);
    // As many words as a question may have.
    let words: Vec<_> =
        ('a'..='z').flat_map(|c| ["1", "2", "3", "4"].map(|n| format!("{c}{n}"))).collect();
    assert_eq!(names(app, &format!("q={}", &words.concat()[..208])).await, [""; 0]);
    // What has no words yet gets them from upkeep.
    let set = "update document_assets set file_words = null where file_name = 'x.pdf'";
    run(app, set.to_owned()).await;
    assert_eq!(names(app, "q=x").await, [""; 0]);
    let ran = strongroom::upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!(ran.iter().find(|ran| ran.task == "stats").unwrap().did[0], ("named", 1));
    assert_eq!(names(app, "q=x").await, ["x.pdf"]);
    clear(app).await;
}

async fn a_query_that_means_nothing_is_refused_with_what_would_be_right(app: &TestApp) {
    for (query, field, says) in [
        ("colour=red", "colour", "is not known here"),
        ("category=xrays", "category", "must be one of medical-records"),
        ("state=lost", "state", "must be one of pending"),
        ("state=,", "state", "names no state"),
        ("type=exe", "type", "must be image, document, medical"),
        ("sort=name", "sort", "must be -created, created, filename or -size"),
        ("limit=1001", "limit", "must be from 1 to 1000"),
        ("limit=many", "limit", ""),
        ("from=yesterday", "from", "must be a time such as"),
        ("from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z", "to", "must be after from"),
        ("held=perhaps", "held", ""),
        ("entityId=7", "entityType", "goes with entityId"),
        ("uploadedBy=", "uploadedBy", "must have from 1 to 128 bytes"),
        ("q=%21%21", "q", "must have a letter or a digit"),
        ("cursor=AAAA", "cursor", "is not one this server gave"),
    ] {
        let answer = app.get(&app.admin(), &format!("/api/docs?{query}")).await.expect(422);
        let problem = answer.json();
        let said =
            problem["errors"][field].as_str().unwrap_or_else(|| panic!("{query}: {problem}"));
        assert!(said.contains(says), "{query}: {said}");
    }
    add(app, &[row(1), row(2)]).await;
    let page = app.get(&app.admin(), "/api/docs?limit=1").await.expect(200).json();
    let cursor = page["nextCursor"].as_str().unwrap();
    let other = format!("/api/docs?limit=1&sort=filename&cursor={cursor}");
    let problem = app.get(&app.admin(), &other).await.expect(422).json();
    assert!(problem["errors"]["cursor"].as_str().unwrap().contains("another order"), "{problem}");
    clear(app).await;
}

/// What happens between two pages.
#[derive(Clone, Debug)]
enum Change {
    /// A document comes, somewhere in the order.
    Insert(u8),
    /// One that was there goes.
    Remove(u8),
}

/// Whatever comes and goes between the pages: what was there from the first to the last is on
/// exactly one of them, and in order.
async fn no_document_is_missed_or_shown_twice_while_others_come_and_go(app: &TestApp) {
    let change =
        prop_oneof![any::<u8>().prop_map(Change::Insert), any::<u8>().prop_map(Change::Remove)];
    let story = (
        prop::collection::vec(0_u8..20, 5..40),
        prop::collection::vec(prop::collection::vec(change, 0..3), 0..12),
        1_u32..6,
        prop::sample::select(vec!["-created", "created", "filename", "-size"]),
        prop::sample::select(vec![
            "",
            "&q=letter",
            "&category=other,imaging",
            "&patientId=patient-1",
        ]),
    );
    let mut runner =
        TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    let admin = app.admin();
    for _ in 0..12 {
        let (start, changes, limit, sort, narrow) = story.new_tree(&mut runner).unwrap().current();
        let made = |n: &u8| Row {
            category: if n.is_multiple_of(2) { "other" } else { "imaging" },
            state: if n.is_multiple_of(5) { "scanning" } else { "available" },
            patient: Some(if narrow.contains("patient") || n.is_multiple_of(3) {
                "patient-1"
            } else {
                "patient-2"
            }),
            ..row(u32::from(*n))
        };
        let rows: Vec<_> = start.iter().map(made).collect();
        add(app, &rows).await;
        let mut steady: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
        let (mut seen, mut cursor, mut changes) = (Vec::new(), String::new(), changes.iter());
        loop {
            let path = format!("/api/docs?sort={sort}&limit={limit}{narrow}{cursor}");
            let page = app.get(&admin, &path).await.expect(200).json();
            seen.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["nextCursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            for change in changes.next().into_iter().flatten() {
                match change {
                    Change::Insert(n) => add(app, &[made(&(n % 20))]).await,
                    Change::Remove(n) => {
                        let row = &rows[usize::from(*n) % rows.len()];
                        steady.remove(&row.id);
                        let id = uuid(app, row.id);
                        run(app, format!("delete from document_assets where id = {id}")).await;
                    }
                }
            }
        }
        let shown = ids(&seen);
        let unique: BTreeSet<_> = shown.iter().copied().collect();
        assert_eq!(unique.len(), shown.len(), "{sort}{narrow}: shown twice");
        assert!(steady.is_subset(&unique), "{sort}{narrow}: missed");
        let key = |item: &Value| match sort {
            "-created" | "created" => item["createdAt"].as_str().unwrap().to_owned(),
            "filename" => names::folded(item["filename"].as_str().unwrap()),
            _ => format!("{:09}", item["size"].as_u64().unwrap()),
        };
        let mut keys: Vec<_> = seen.iter().map(key).collect();
        if sort.starts_with('-') {
            keys.reverse();
        }
        assert!(keys.is_sorted(), "{sort}{narrow}: {keys:?}");
        clear(app).await;
    }
}

/// Four documents of which some fit, and 2,500 newer ones that do not: whatever is looked for, in
/// every order, those that fit are found, page by page.
async fn what_is_rare_is_found_behind_thousands_that_do_not_fit(app: &TestApp) {
    let rare = |n: u32, patient| Row { patient, name: format!("zebra-{n}.pdf"), size: 1, ..row(n) };
    let team = Some("patient-1");
    let mut rows = vec![rare(1, team), rare(2, team), rare(3, None), rare(4, None)];
    let old: Vec<_> = rows.iter().map(|row| row.id).collect();
    rows.extend((10..2_510).map(|n| Row {
        patient: Some("patient-2"),
        released: false,
        at: 1_800_000_000 + i64::from(n),
        ..row(n)
    }));
    for some in rows.chunks(500) {
        add(app, some).await;
    }
    let dicom = "update document_assets set content_type = 'application/dicom'";
    run(app, format!("{dicom} where file_name between 'zebra-1' and 'zebra-4'")).await;
    join(app, "patient-1", 1).await;
    join(app, "far", 300).await;
    let clinician = app.token_with("caller", &[Role::Clinician], DEFAULT_CLINIC, &[]);
    for sort in ["-created", "created", "filename", "-size"] {
        for (who, query, fit) in [
            (&app.admin(), "type=application/dicom", &old[..3]),
            (&app.admin(), "to=2023-11-15T00:00:00Z", &old[..]),
            (&app.admin(), "q=zebra", &old[..]),
            (&app.admin(), "released=true", &old[..]),
            (&clinician, "", &old[..]),
            (&clinician, "type=application/dicom", &old[..3]),
            (&clinician, "type=application/pdf", &old[3..]),
            (&clinician, "q=zebra", &old[..]),
            (&clinician, "q=pdf", &old[..]),
            (&clinician, "to=2023-11-15T00:00:00Z&type=application/dicom&q=zebra", &old[..3]),
        ] {
            let (items, _) = pages(app, who, &format!("sort={sort}&limit=2&{query}")).await;
            let mut found = ids(&items);
            found.sort_unstable();
            let mut fit = fit.to_vec();
            fit.sort_unstable();
            assert_eq!(found, fit, "{sort} {query}");
        }
    }
    clear(app).await;
}
