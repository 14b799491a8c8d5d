//! SQLite's shared commit: who is told what, and what is left when somebody goes away.

use std::pin::pin;

use futures::future::join_all;
use sqlx::{Arguments as _, AssertSqlSafe};
use tempfile::TempDir;

use super::*;

async fn opened() -> (SqliteDb, TempDir) {
    let dir = TempDir::new().unwrap();
    let db = SqliteDb::open(&dir.path().join("db")).await.unwrap();
    let steps = [("t", "create table t (n integer primary key)")];
    db.migrate(&crate::db::migrator(steps)).await.unwrap();
    (db, dir)
}

async fn insert(tx: &mut SqliteTx, n: i64) -> Result<(), sqlx::Error> {
    sqlx::query("insert into t (n) values ($1)").bind(n).execute(tx.conn()).await.map(|_| ())
}

async fn kept(db: &SqliteDb) -> Vec<i64> {
    let mut reader = db.reader().await.unwrap();
    let rows = sqlx::query_as::<_, (i64,)>("select n from t order by n").fetch_all(&mut *reader);
    rows.await.unwrap().into_iter().map(|(n,)| n).collect()
}

async fn in_one_trip(db: &SqliteDb, numbers: &[i64]) -> Result<(), DbError> {
    let mut tx = db.begin_later();
    for n in numbers {
        tx.later().push("insert into t (n) values ($1)", |v| v.add(*n))?;
    }
    tx.commit().await
}

/// One transaction of many at once. The last digit tells how it ends: 1 fails at its second
/// statement, 2 is dropped half-way, 3 goes away while it waits for the commit, the others commit;
/// 4 to 6 travel in one trip, where 5 fails at its second statement and 6 goes away.
async fn one(db: &SqliteDb, n: i64) -> Result<(), DbError> {
    match n % 10 {
        4 => return in_one_trip(db, &[n]).await,
        5 => return in_one_trip(db, &[n, n]).await,
        6 => {
            let alone = [n];
            let mut commit = pin!(in_one_trip(db, &alone));
            let _ = futures::poll!(commit.as_mut());
            return Ok(());
        }
        _ => {}
    }
    let mut tx = db.begin().await?;
    insert(&mut tx, n).await?;
    match n % 10 {
        1 => {
            let twice = insert(&mut tx, n).await;
            return twice.map_err(DbError::from);
        }
        2 => return Ok(()),
        3 => {
            let mut commit = pin!(tx.commit());
            let _ = futures::poll!(commit.as_mut());
            return Ok(());
        }
        _ => {}
    }
    tokio::task::yield_now().await;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn among_many_at_once_exactly_those_that_committed_are_kept() {
    let (db, _dir) = opened().await;
    for round in 0..5 {
        let all = (0..60).map(|i| one(&db, round * 100 + i));
        for (i, ended) in join_all(all).await.into_iter().enumerate() {
            assert_eq!(ended.is_err(), [1, 5].contains(&(i % 10)), "{i}: {ended:?}");
        }
    }
    // A transaction of its own is behind everything the dropped ones left to be done.
    one(&db, 1000).await.unwrap();
    let there = kept(&db).await;
    let expected = |n: &i64| ![1, 2, 5].contains(&(n % 10));
    let wanted: Vec<i64> = (0..5).flat_map(|r| (0..60).map(move |i| r * 100 + i)).collect();
    let wanted: Vec<i64> = wanted.into_iter().filter(expected).chain([1000]).collect();
    assert_eq!(there, wanted);
}

#[tokio::test]
async fn what_is_committed_is_seen_by_readers_when_commit_returns() {
    let (db, _dir) = opened().await;
    let commits = (0..20).map(|n| {
        let db = db.clone();
        async move {
            one(&db, n * 10).await.unwrap();
            assert!(kept(&db).await.contains(&(n * 10)));
        }
    });
    join_all(commits).await;
}

#[tokio::test]
async fn a_caller_who_goes_away_at_any_await_leaves_nothing_and_blocks_nobody() {
    let (db, dir) = opened().await;
    for polls in 0..40 {
        let neighbour = one(&db, 1000 + i64::from(polls) * 10);
        let leaving = async {
            let mut leaving = pin!(one(&db, 7));
            for _ in 0..polls {
                if futures::poll!(leaving.as_mut()).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        };
        let (stayed, ()) = tokio::join!(neighbour, leaving);
        stayed.unwrap();
        let mut tx = db.begin().await.unwrap();
        sqlx::query("delete from t where n = 7").execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        // Another connection can write: no lock was left behind.
        let path = dir.path().join("db");
        let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
        let sql = AssertSqlSafe(format!("insert into t (n) values ({})", 100_000 + polls));
        sqlx::query(sql).execute(&mut other).await.unwrap();
    }
    let there = kept(&db).await;
    assert_eq!(there.len(), 80, "{there:?}");
}

#[tokio::test]
async fn when_the_batch_cannot_be_committed_everyone_in_it_is_told() {
    let (db, _dir) = opened().await;
    let mut first = db.begin().await.unwrap();
    insert(&mut first, 1).await.unwrap();
    let second = async {
        let mut second = db.begin().await.unwrap();
        insert(&mut second, 2).await.unwrap();
        // As SQLite does by itself when the disk is full: the whole transaction is gone.
        sqlx::query("rollback").execute(second.conn()).await.unwrap();
        second.commit().await
    };
    let first = async {
        tokio::task::yield_now().await;
        first.commit().await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(first, Err(DbError::Commit(_))), "{first:?}");
    assert!(matches!(second, Err(DbError::Commit(_))), "{second:?}");
    assert_eq!(kept(&db).await, Vec::<i64>::new());
    one(&db, 3 * 10).await.unwrap();
    assert_eq!(kept(&db).await, vec![30]);
}
