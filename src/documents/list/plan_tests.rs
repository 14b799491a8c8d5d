//! No list reads the whole table: what the engines say they would do with every query there is,
//! over 50,000 documents of three clinics.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use super::runs::{Asked, Engine, Span, Team, Way, further_on, page};
use super::scope::{Branch, Need, Whose};
use super::{Filter, Position, Sort};
use crate::db::{DatabaseUrl, Db, Value, Where};
use crate::documents::{Category, State};
use crate::ids::{ClinicId, DocumentId, PatientId, UserId};

#[path = "../../../benches/load/seed.rs"]
mod seed;

const DOCUMENTS: i64 = 50_000;
const PATIENTS: i64 = 800;
/// Of the asking clinic.
const OURS: u64 = 16_700;

const USED: [State; 3] = [State::Available, State::Scanning, State::Quarantined];
const OPEN: [Category; 5] = [
    Category::Insurance,
    Category::ConsentForms,
    Category::IntakeForms,
    Category::Invoices,
    Category::Other,
];

fn branch(whose: Whose, states: &[State], categories: &[Category]) -> Branch {
    let kinds = states.iter().map(|state| (*state, categories.to_vec())).collect();
    Branch { whose, kinds, need: Need::Nothing }
}

/// What the callers of each kind can see, and their care team.
fn callers(states: &[State]) -> Vec<(&'static str, Vec<Branch>, Option<Team>)> {
    let team: Vec<_> = (0..30).map(|n| PatientId::new(seed::patient(n))).collect();
    let theirs = |states: &[State]| {
        vec![
            branch(Whose::Nobody, states, &Category::ALL),
            branch(Whose::Team, states, &Category::ALL),
        ]
    };
    let mut both = theirs(states);
    both.push(branch(Whose::Anyone, states, &OPEN));
    let own = Whose::Own(vec![PatientId::new(seed::patient(3))]);
    let own = Branch { need: Need::Released, ..branch(own, &[State::Available], &Category::ALL) };
    vec![
        ("admin", vec![branch(Whose::Anyone, states, &Category::ALL)], None),
        ("staff", vec![branch(Whose::Anyone, states, &OPEN)], None),
        ("clinician", theirs(states), Some(Team::Few(team.clone()))),
        ("clinician of many", theirs(states), Some(Team::Many)),
        ("clinician and staff", both, Some(Team::Few(team))),
        ("patient", vec![own], None),
    ]
}

/// What is asked for.
fn filters() -> Vec<(&'static str, Filter)> {
    let all = Filter { states: USED.to_vec(), ..Filter::default() };
    let with = |change: fn(&mut Filter)| {
        let mut filter = all.clone();
        change(&mut filter);
        filter
    };
    vec![
        ("everything", all.clone()),
        ("quarantined", with(|f| f.states = vec![State::Quarantined])),
        ("oldest", with(|f| f.sort = Sort::Oldest)),
        ("by name", with(|f| f.sort = Sort::Name)),
        ("largest", with(|f| f.sort = Sort::Largest)),
        ("one patient", with(|f| f.patient = Some(PatientId::new(seed::patient(7))))),
        ("an appointment", with(|f| f.entity = Some(("appointment".into(), Some("a-7".into()))))),
        ("an uploader", with(|f| f.uploader = Some(UserId::new("user-7")))),
        ("held", with(|f| f.held = Some(true))),
        ("temporary", with(|f| f.temporary = Some(true))),
        ("not released", with(|f| f.released = Some(false))),
        ("a rare word", with(|f| f.words = vec!["rheuma".into()])),
        ("a common word", with(|f| f.words = vec!["letter".into()])),
    ]
}

/// Every query, by name; and how many rows of documents it may look at.
fn queries(engine: Engine) -> Vec<(String, Where, u64)> {
    let clinic = ClinicId::from_uuid(seed::CLINIC.parse().unwrap());
    let user = UserId::new(seed::BUSY_CLINICIAN);
    let half = DocumentId::from_uuid(Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_61a8));
    let mut found = Vec::new();
    for (what, filter) in filters() {
        for (who, branches, team) in callers(&filter.states) {
            let (branches, team) = (&*branches, team.as_ref());
            let asked = Asked { clinic, user: &user, filter: &filter, branches, team };
            let half = match filter.sort {
                Sort::Newest | Sort::Oldest => {
                    Position::Time(1_704_067_200_000_000 + 25_000 * 30_000_000, half)
                }
                Sort::Name => Position::Name("report visit v 7 pdf".into(), half),
                Sort::Largest => Position::Size(1_000_000, half),
            };
            for (place, after) in [("", None), (", half-way", Some(&half))] {
                let name = format!("{who}: {what}{place}");
                let span = Span { after, until: None, limit: 51 };
                if filter.words.is_empty() {
                    found.push((name, page(engine, &asked, span, Way::Along), 3_000));
                    continue;
                }
                let further = further_on(engine, &asked, after, 2_000);
                found.push((format!("{name}, 2,000 on"), further, 4_200));
                if what == "a rare word" {
                    let words = page(engine, &asked, span, Way::Words);
                    found.push((format!("{name}, by words"), words, 3_000));
                } else {
                    // A caller may see none that has the word; what is looked at in use ends with
                    // the first 2,000, and here with the clinic.
                    found.push((name, page(engine, &asked, span, Way::Along), OURS));
                }
            }
        }
    }
    found
}

/// One line of SQLite's plan.
type Step = (i64, i64, i64, String);

/// Binds the values of a query.
macro_rules! bound {
    ($query:expr, $values:expr) => {{
        let mut query = $query;
        for value in $values {
            query = match value {
                Value::Uuid(v) => query.bind(v),
                Value::Text(v) => query.bind(v),
                Value::Int(v) => query.bind(v),
                Value::Time(v) => query.bind(v),
            };
        }
        query
    }};
}

#[tokio::test]
async fn no_list_scans_documents_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.sqlite");
    let db = Db::open(&DatabaseUrl::Sqlite(path.clone())).await.unwrap();
    let mut conn = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    seed::sqlite(&mut conn, DOCUMENTS, PATIENTS).await.unwrap();
    let mut sorted = BTreeMap::new();
    for (name, query, _) in queries(Engine::Sqlite) {
        let sql = AssertSqlSafe(format!("explain query plan {}", query.sql()));
        let plan = bound!(sqlx::query_as::<_, Step>(sql), query.into_values());
        let plan = plan.fetch_all(&mut conn).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let steps: Vec<_> = plan.into_iter().map(|(.., detail)| detail).collect();
        for step in &steps {
            assert!(!step.starts_with("SCAN document_assets"), "{name}: {steps:#?}");
        }
        assert!(
            steps.iter().any(|s| s.starts_with("SEARCH document_assets")),
            "{name}: {steps:#?}"
        );
        let sorts = steps.iter().filter(|s| s.contains("TEMP B-TREE FOR ORDER BY")).count();
        sorted.insert(name, sorts);
    }
    // What goes along an order is not sorted once more.
    for name in [
        "admin: everything",
        "admin: everything, half-way",
        "staff: everything",
        "admin: quarantined",
        "admin: oldest",
        "admin: a common word",
    ] {
        assert_eq!(sorted[name], 0, "{name}");
    }
    drop(db);
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a server and a name of the test's own")]
async fn no_list_scans_documents_on_postgres() {
    let server = std::env::var("STRONGROOM_TEST_POSTGRES")
        .expect("STRONGROOM_TEST_POSTGRES is set by `make test`, which starts PostgreSQL");
    let name = format!("t_{}", Uuid::now_v7().simple());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("create database {name}")))
        .execute(&mut admin)
        .await
        .unwrap();
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let opened = DatabaseUrl::Postgres(crate::sensitive::Secret::new(url.clone()));
    Db::open(&opened).await.unwrap().close().await;
    let mut conn = PgConnection::connect(&url).await.unwrap();
    seed::postgres(&mut conn, DOCUMENTS, PATIENTS).await.unwrap();
    for (name, query, most) in queries(Engine::Postgres) {
        let sql = format!("explain (analyze, timing off) {}", query.sql());
        let plan = bound!(sqlx::query_as::<_, (String,)>(AssertSqlSafe(sql)), query.into_values());
        let plan = plan.fetch_all(&mut conn).await.unwrap_or_else(|e| panic!("{name}: {e}"));
        let plan: Vec<_> = plan.into_iter().map(|(line,)| line).collect();
        let read = looked_at(&plan);
        assert!(read < most.min(OURS), "{name} looked at {read} rows: {plan:#?}");
    }
    conn.close().await.unwrap();
    let drop = AssertSqlSafe(format!("drop database {name} with (force)"));
    sqlx::query(drop).execute(&mut admin).await.unwrap();
}

/// How many rows of documents a plan has looked at.
fn looked_at(plan: &[String]) -> u64 {
    let (mut read, mut loops, mut ours) = (0.0, 0.0, false);
    for line in plan {
        let after = |mark: &str| {
            let rest = line.split_once(mark)?.1;
            rest.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.parse::<f64>().ok()
        };
        if let Some((node, rows)) = line.split_once('(').zip(after("(actual rows=")) {
            ours = node.0.contains("document_assets");
            loops = after(" loops=").unwrap_or(1.0);
            read += if ours { rows * loops } else { 0.0 };
        } else if let Some(removed) = after("Rows Removed by Filter: ").filter(|_| ours) {
            read += removed * loops;
        }
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    {
        read as u64
    }
}
