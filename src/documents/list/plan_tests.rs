//! No list reads the whole table: what the engines do with every query of every kind of list, over
//! 50,000 documents of three clinics.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use uuid::Uuid;

use super::runs::{Asked, Engine, Span, Team, Way, further_on, page};
use super::scope::{Branch, Need, Whose};
use super::{Filter, Position, STRIDE, Sort, gathering, narrow, rows};
use crate::db::{DatabaseUrl, Db, Reader, Value, Where};
use crate::documents::{Category, State};
use crate::ids::{ClinicId, DocumentId, PatientId, UserId};
use crate::time::Timestamp;

#[path = "../../../benches/load/seed.rs"]
mod seed;

const DOCUMENTS: i64 = 50_000;
const PATIENTS: i64 = 800;
/// Half-way through the time of the documents, in microseconds.
const HALF: i64 = 1_704_067_200_000_000 + 25_000 * 30_000_000;
/// How many rows of documents a page may look at, of 16,700 of the asking clinic: what is passed on
/// the way, what 30 patients have, and a few for each run.
const MOST: u64 = 3_500;
/// How many thousand steps SQLite's machine may make for it; for a whole clinic it makes more.
const THOUSANDS: u64 = 250;

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

/// A kind of caller: what they are called, their id, what they can see, their care team.
type Caller = (&'static str, &'static str, Vec<Branch>, Option<Team>);

fn callers(states: &[State]) -> Vec<Caller> {
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
    let few = || Some(Team::Few(team.clone()));
    let uploads = branch(Whose::Anyone, states, &Category::ALL);
    vec![
        ("admin", "admin", vec![branch(Whose::Anyone, states, &Category::ALL)], None),
        ("staff", "staff", vec![branch(Whose::Anyone, states, &OPEN)], None),
        ("clinician", seed::CLINICIAN, theirs(states), few()),
        ("clinician of many", seed::BUSY_CLINICIAN, theirs(states), Some(Team::Many)),
        ("clinician of old", seed::FORMER_CLINICIAN, theirs(states), Some(Team::Many)),
        ("clinician and staff", seed::CLINICIAN, both, few()),
        ("patient", "patient", vec![own], None),
        ("uploader", "user-7", vec![Branch { need: Need::Owner, ..uploads }], None),
    ]
}

/// Of about a thousand documents of the clinic.
fn day(filter: &mut Filter) {
    filter.from = Some(Timestamp::from_micros(HALF - 43_200_000_000));
    filter.to = Some(Timestamp::from_micros(HALF + 43_200_000_000));
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
        ("released", with(|f| f.released = Some(true))),
        ("not held, by name", with(|f| (f.held, f.sort) = (Some(false), Sort::Name))),
        ("not temporary, largest", with(|f| (f.temporary, f.sort) = (Some(false), Sort::Largest))),
        ("a rare type", with(|f| f.types = vec!["application/dicom"])),
        (
            "a rare type by name",
            with(|f| (f.types, f.sort) = (vec!["application/dicom"], Sort::Name)),
        ),
        ("a common type", with(|f| f.types = vec!["application/pdf"])),
        ("a day", with(day)),
        (
            "a day by name",
            with(|f| {
                day(f);
                f.sort = Sort::Name;
            }),
        ),
        (
            "a day, largest",
            with(|f| {
                day(f);
                f.sort = Sort::Largest;
            }),
        ),
        ("half of the time", with(|f| f.from = Some(Timestamp::from_micros(HALF)))),
        ("until half-way", with(|f| f.to = Some(Timestamp::from_micros(HALF + 1)))),
        ("a rare word", with(|f| f.words = vec!["rheuma".into()])),
        ("a common word", with(|f| f.words = vec!["letter".into()])),
    ]
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

/// What lists do that they should not.
type Wrong = Vec<String>;

/// An engine that is watched.
enum Watched {
    /// With how many thousand steps its machine has made.
    Sqlite(SqliteConnection, Arc<AtomicU64>),
    Postgres(PgConnection),
}

impl Watched {
    const fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(..) => Engine::Sqlite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// What a query does must be bounded; how many rows it gives, and its plan.
    async fn hold(&mut self, name: &str, query: &Where, wrong: &mut Wrong) -> (usize, Vec<String>) {
        let sql = query.sql();
        match self {
            Self::Sqlite(conn, thousands) => {
                let explain = AssertSqlSafe(format!("explain query plan {sql}"));
                let plan = bound!(sqlx::query_as::<_, Step>(explain), query.clone().into_values());
                let plan =
                    plan.fetch_all(&mut *conn).await.unwrap_or_else(|e| panic!("{name}: {e}"));
                let plan: Vec<_> = plan.into_iter().map(|(.., detail)| detail).collect();
                let ours = |begin: &str| plan.iter().any(|step| step.starts_with(begin));
                if ours("SCAN document_assets") || !ours("SEARCH document_assets") {
                    wrong.push(format!("{name}: {plan:#?}"));
                }
                thousands.store(0, Ordering::Relaxed);
                let query = bound!(sqlx::query(AssertSqlSafe(sql)), query.clone().into_values());
                let found = query.fetch_all(&mut *conn).await.unwrap();
                let made = thousands.load(Ordering::Relaxed);
                if made >= THOUSANDS {
                    wrong.push(format!("{name} made {made} thousand steps: {plan:#?}"));
                }
                (found.len(), plan)
            }
            Self::Postgres(conn) => {
                let explain = AssertSqlSafe(format!("explain (analyze, timing off) {sql}"));
                let plan =
                    bound!(sqlx::query_as::<_, (String,)>(explain), query.clone().into_values());
                let plan =
                    plan.fetch_all(&mut *conn).await.unwrap_or_else(|e| panic!("{name}: {e}"));
                let plan: Vec<_> = plan.into_iter().map(|(line,)| line).collect();
                let read = looked_at(&plan);
                if read >= MOST {
                    wrong.push(format!("{name} looked at {read} rows: {plan:#?}"));
                }
                let query = bound!(sqlx::query(AssertSqlSafe(sql)), query.clone().into_values());
                (query.fetch_all(&mut *conn).await.unwrap().len(), plan)
            }
        }
    }
}

/// Holds every query that a list of each kind makes, in the order `find` makes them.
async fn hold_lists(watched: &mut Watched, reader: &mut Reader) -> Wrong {
    let mut wrong = Wrong::new();
    let clinic = ClinicId::from_uuid(seed::CLINIC.parse().unwrap());
    let half = DocumentId::from_uuid(Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_61a8));
    let engine = watched.engine();
    for (what, filter) in filters() {
        for (who, user, branches, team) in callers(&filter.states) {
            let (user, branches, team) = (&UserId::new(user), &*branches, team.as_ref());
            let asked = Asked { clinic, user, filter: &filter, branches, team };
            let half = match filter.sort {
                Sort::Newest | Sort::Oldest => Position::Time(HALF, half),
                Sort::Name => Position::Name("report visit v 7 pdf".into(), half),
                Sort::Largest => Position::Size(1_000_000, half),
            };
            for (place, after) in [("", None), (", half-way", Some(&half))] {
                let name = format!("{who}: {what}{place}");
                let span = Span { after, until: None, limit: 51 };
                if !narrow::is_rare(&asked) && !narrow::is_sparse(&asked) {
                    let along = page(engine, &asked, span, Way::Along);
                    let (_, plan) = watched.hold(&name, &along, &mut wrong).await;
                    in_order_already(&name, &plan);
                    continue;
                }
                let steps = further_on(engine, &asked, after, STRIDE);
                watched.hold(&format!("{name}, steps"), &steps, &mut wrong).await;
                let until = rows::further(reader, &asked, after, STRIDE).await.unwrap();
                let near = page(engine, &asked, Span { until: until.as_ref(), ..span }, Way::Along);
                let (found, _) = watched.hold(&name, &near, &mut wrong).await;
                if until.is_some()
                    && found < 51
                    && let Some(way) = gathering(reader, &asked).await.unwrap()
                {
                    let rare = page(engine, &asked, span, way);
                    watched.hold(&format!("{name}, gathered"), &rare, &mut wrong).await;
                }
            }
        }
    }
    wrong
}

/// What SQLite finds in the order of the page is not sorted once more.
fn in_order_already(name: &str, plan: &[String]) {
    let sorted = plan.iter().any(|step| step.contains("TEMP B-TREE FOR ORDER BY"));
    let ordered = [
        "admin: everything",
        "admin: everything, half-way",
        "staff: everything",
        "admin: quarantined",
        "admin: oldest",
    ];
    assert!(!sorted || !ordered.contains(&name), "{name}: {plan:#?}");
}

#[tokio::test]
async fn no_list_scans_documents_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("test.sqlite");
    let db = Db::open(&DatabaseUrl::Sqlite(path.clone())).await.unwrap();
    let mut conn = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    seed::sqlite(&mut conn, DOCUMENTS, PATIENTS).await.unwrap();
    let thousands = Arc::<AtomicU64>::default();
    let counted = Arc::clone(&thousands);
    conn.lock_handle().await.unwrap().set_progress_handler(1_000, move || {
        counted.fetch_add(1, Ordering::Relaxed);
        true
    });
    let mut watched = Watched::Sqlite(conn, thousands);
    let wrong = hold_lists(&mut watched, &mut db.reader().await.unwrap()).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
    let db = Db::open(&opened).await.unwrap();
    let mut conn = PgConnection::connect(&url).await.unwrap();
    seed::postgres(&mut conn, DOCUMENTS, PATIENTS).await.unwrap();
    let mut watched = Watched::Postgres(conn);
    let wrong = hold_lists(&mut watched, &mut db.reader().await.unwrap()).await;
    db.close().await;
    let drop = AssertSqlSafe(format!("drop database {name} with (force)"));
    sqlx::query(drop).execute(&mut admin).await.unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
