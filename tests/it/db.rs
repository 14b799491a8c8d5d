//! SQLite's shared commit: many writers, one fsync, and nobody's mistake or absence is another's.

use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::join_all;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use strongroom::db::{DatabaseUrl, Db, DbError, Tx};
use strongroom::http::{ApiError, Code};
use strongroom::sensitive::Secret;
use strongroom::time::Timestamp;
use strongroom::{execute, fetch_all};
use tempfile::TempDir;

use crate::on_every_ground;
use crate::support::TestApp;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

async fn database() -> (TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("db.sqlite"));
    let db = Db::open(&url).await.unwrap();
    (folder, db)
}

/// Adds one row; a name that is taken is refused.
async fn insert(tx: &mut Tx, name: &str) -> Result<u64, DbError> {
    execute!(
        *tx,
        "insert into secrets (name, sealed, created_at) values ($1, $2, $3)",
        name,
        b"x".as_slice(),
        NOW,
    )
}

async fn write(db: &Db, name: &str) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    insert(&mut tx, name).await?;
    tx.commit().await
}

/// Another program's connection to the same file.
async fn beside(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("db.sqlite"));
    options.busy_timeout(Duration::from_secs(3)).connect().await.unwrap()
}

async fn names(folder: &Path) -> Vec<String> {
    let mut conn = beside(folder).await;
    let rows: Vec<(String,)> = sqlx::query_as("select name from secrets order by name")
        .fetch_all(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    rows.into_iter().map(|row| row.0).collect()
}

/// Writes from beside: fails where our side holds the file's lock.
async fn write_beside(folder: &Path, name: &str) -> Result<(), sqlx::Error> {
    let mut conn = beside(folder).await;
    let sql = "insert into secrets (name, sealed, created_at) values ($1, x'00', 0)";
    let done = sqlx::query(sql).bind(name).execute(&mut conn).await;
    conn.close().await?;
    done.map(drop)
}

/// How many commits the write-ahead log holds: frames whose second word is not zero (SQLite,
/// "WAL-mode File Format").
fn commits(folder: &Path) -> usize {
    let log = std::fs::read(folder.join("db.sqlite-wal")).unwrap();
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let (page, salt) = (word(8) as usize, (word(16), word(20)));
    (32..log.len().saturating_sub(23))
        .step_by(24 + page)
        .take_while(|&frame| (word(frame + 8), word(frame + 12)) == salt)
        .filter(|&frame| word(frame + 4) != 0)
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_writers_at_once_all_reach_the_disk() {
    let (folder, db) = database().await;
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let (db, folder) = (db.clone(), folder.path().to_owned());
            #[allow(clippy::disallowed_methods, reason = "the test is about tasks at once")]
            tokio::spawn(async move {
                let name = format!("row {n:02}");
                write(&db, &name).await.unwrap();
                // What was committed is there for everybody by the time `commit` returns.
                assert!(names(&folder).await.contains(&name), "{name}");
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let expected: Vec<_> = (0..64).map(|n| format!("row {n:02}")).collect();
    assert_eq!(names(folder.path()).await, expected);
    db.close().await;
    let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("db.sqlite"))).await.unwrap();
    assert_eq!(names(folder.path()).await, expected);
    db.close().await;
}

#[tokio::test]
async fn transactions_that_wait_share_one_commit_and_one_alone_has_its_own() {
    let (folder, db) = database().await;
    write(&db, "first").await.unwrap();
    let before = commits(folder.path());
    for n in 0..5 {
        write(&db, &format!("alone {n}")).await.unwrap();
    }
    assert_eq!(commits(folder.path()), before + 5);
    let mut holder = db.begin().await.unwrap();
    insert(&mut holder, "holder").await.unwrap();
    let waiting: Vec<_> = (0..63).map(|n| format!("together {n}")).collect();
    let mut all = pin!(join_all(waiting.iter().map(|name| write(&db, name))));
    assert!(futures::poll!(all.as_mut()).is_pending());
    let (held, written) = tokio::join!(holder.commit(), all);
    held.unwrap();
    written.into_iter().for_each(Result::unwrap);
    assert_eq!(commits(folder.path()), before + 6, "64 transactions in one commit");
    assert_eq!(names(folder.path()).await.len(), 1 + 5 + 64);
}

#[tokio::test]
async fn a_statement_that_fails_undoes_its_own_transaction_only() {
    let (folder, db) = database().await;
    write(&db, "taken").await.unwrap();
    let failing = async || {
        let mut tx = db.begin().await?;
        insert(&mut tx, "undone").await?;
        insert(&mut tx, "taken").await?;
        tx.commit().await
    };
    let mut holder = db.begin().await.unwrap();
    insert(&mut holder, "before").await.unwrap();
    let mut others = pin!(async { tokio::join!(failing(), write(&db, "after"), failing()) });
    assert!(futures::poll!(others.as_mut()).is_pending());
    let (held, (first, good, last)) = tokio::join!(holder.commit(), others);
    held.unwrap();
    good.unwrap();
    assert!(first.unwrap_err().is_unique_violation());
    assert!(last.unwrap_err().is_unique_violation());
    assert_eq!(names(folder.path()).await, ["after", "before", "taken"]);
    write_beside(folder.path(), "beside").await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_and_gives_the_file_back() {
    let (folder, db) = database().await;
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, "dropped").await.unwrap();
    drop(tx);
    write_beside(folder.path(), "beside").await.unwrap();
    drop(db.begin().await.unwrap());
    write_beside(folder.path(), "beside too").await.unwrap();
    write(&db, "next").await.unwrap();
    assert_eq!(names(folder.path()).await, ["beside", "beside too", "next"]);
}

/// A future that is given up once it has been looked at so many times.
struct Cut<F> {
    inner: F,
    looks: usize,
}

impl<F: Future + Unpin> Future for Cut<F> {
    type Output = Option<F::Output>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.looks == 0 {
            return Poll::Ready(None);
        }
        self.looks -= 1;
        let inner = Pin::new(&mut self.inner).poll(context);
        if inner.is_pending() && self.looks == 0 {
            return Poll::Ready(None);
        }
        inner.map(Some)
    }
}

/// Gives a future up at its first await, its second, and so on, many times over.
async fn cut_everywhere<F: Future>(
    folder: &Path,
    db: &Db,
    begin: impl Fn(String) -> F,
) -> Vec<(usize, String)> {
    let mut cut = Vec::new();
    // How often an await is looked at depends on how quick SQLite's thread is: many tries.
    for (round, looks) in (0..48).map(|round| (round, 1 + round % 6)) {
        let name = format!("cut {round:03}");
        let whole = Cut { inner: Box::pin(begin(name.clone())), looks }.await.is_some();
        let aside = format!("beside {round:03}");
        write_beside(folder, &aside).await.unwrap_or_else(|e| {
            panic!("cut at look {looks}, the file is still locked: {e}");
        });
        let own = format!("next {round:03}");
        let next = tokio::time::timeout(Duration::from_secs(20), write(db, &own));
        next.await.expect("the next transaction is not blocked").unwrap();
        if !whole {
            cut.push((looks, name));
        }
    }
    cut
}

#[tokio::test]
async fn a_caller_who_goes_away_at_any_await_leaves_nothing_and_blocks_nobody() {
    let (folder, db) = database().await;
    let unfinished = async |name: String| {
        let mut tx = db.begin().await.unwrap();
        insert(&mut tx, &name).await.unwrap();
        // Dropped here: never committed.
    };
    let cut = cut_everywhere(folder.path(), &db, unfinished).await;
    assert!(!cut.is_empty(), "no await was reached");
    let there = names(folder.path()).await;
    assert!(!there.iter().any(|name| name.starts_with("cut")), "{there:?}");
}

#[tokio::test]
async fn a_caller_who_goes_away_while_committing_blocks_nobody() {
    let (folder, db) = database().await;
    let whole = async |name: String| write(&db, &name).await.unwrap();
    let cut = cut_everywhere(folder.path(), &db, whole).await;
    assert!(cut.len() >= 8, "{} of 48 were cut", cut.len());
    // Whether the row is there depends on how far its commit had come; all others' are.
    let others = |name: &String| !name.starts_with("cut");
    assert_eq!(names(folder.path()).await.into_iter().filter(others).count(), 2 * 48);
}

#[tokio::test]
async fn why_no_server_answers_is_told_and_not_only_that_it_was_waited_for() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = DatabaseUrl::Postgres(Secret::new(format!("postgres://test@{closed}/test")));
    let Err(error) = Db::open(&url).await else { panic!("nobody listens there") };
    let told = strongroom::causes::in_one_line(&error);
    assert!(told.to_lowercase().contains("connection refused"), "{told}");
}

on_every_ground!(a_read_that_takes_too_long_is_broken_off_and_told);

/// A trillion rows.
const ENDLESS: &str = "with recursive n (i) as (select 1 union all select i + 1 from n \
    where i < 10000) select count(*) from n a cross join n b cross join n c";

async fn a_read_that_takes_too_long_is_broken_off_and_told(app: &TestApp) {
    let db = &app.app.db;
    let mut reader = db.reader().await.unwrap();
    let error = fetch_all!(reader, (i64,), ENDLESS).unwrap_err();
    assert!(error.is_out_of_time(), "{error:?}");
    let told = ApiError::from(error);
    assert_eq!(told.code, Code::Unavailable);
    assert!(told.detail.contains("Ask for less"), "{}", told.detail);
    // The connection is as good as before, and its next statement has its own time.
    let one = fetch_all!(reader, (i64,), "select count(*) from secrets").unwrap();
    assert_eq!(one.len(), 1);
    drop(reader);
    if let Db::Postgres(_) = db {
        // What upkeep reads, and what is written, may wait for others.
        let limit = "select current_setting('statement_timeout')";
        let mut long = db.long_reader().await.unwrap();
        assert_eq!(fetch_all!(long, (String,), limit).unwrap(), [("0".to_owned(),)]);
        let mut tx = db.begin().await.unwrap();
        assert_eq!(fetch_all!(tx, (String,), limit).unwrap(), [("0".to_owned(),)]);
    }
}
