//! SQLite with one writer whose waiting transactions share one fsync.
//!
//! Every writing transaction is a savepoint inside one outer SQLite transaction. When a
//! transaction is done and others already wait, it does not commit at once: it steps to the end
//! of the queue and lets them do their work in the same outer transaction; whoever's turn comes
//! first commits for all. So 16 callers at once cost one fsync, and one caller alone waits for
//! nobody.
//!
//! Invariants:
//! - `commit` returns `Ok` only after the outer transaction that holds the savepoint is on disk.
//! - A failed statement undoes its own savepoint only; a failed outer commit fails every
//!   transaction in it, and each of them is told.
//! - A transaction dropped half-way (its caller went away) is rolled back before the next
//!   statement runs on the connection.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Sqlite, SqliteConnection, SqlitePool};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::DbError;

/// How long to wait for another process (the CLI beside a running server) that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 4;

/// A SQLite database: one writing connection, a few reading ones. Cheap to clone.
#[derive(Clone)]
pub struct SqliteDb {
    writer: Arc<Mutex<Writer>>,
    /// Transactions that wait to begin.
    waiting: Arc<AtomicUsize>,
    readers: SqlitePool,
}

/// Whether one outer transaction reached the disk; known once.
type Outcome = Arc<OnceLock<Result<(), String>>>;

struct Writer {
    conn: Option<SqliteConnection>,
    /// The outer transaction that is open, if any.
    batch: Option<Outcome>,
    /// A savepoint was left open by a transaction that was dropped.
    abandoned: bool,
}

impl SqliteDb {
    /// Opens (or makes) the file with write-ahead log and full durability.
    pub async fn open(path: &Path) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            // What is deleted is overwritten with zeros, so that erased rows do not linger.
            .pragma("secure_delete", "on")
            .create_if_missing(true)
            .disable_statement_logging();
        let conn = options.connect().await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(super::ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "on"))
            .await?;
        let writer = Writer { conn: Some(conn), batch: None, abandoned: false };
        Ok(Self { writer: Arc::new(Mutex::new(writer)), waiting: Arc::default(), readers })
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self, migrations: &Migrator) -> Result<(), DbError> {
        let mut writer = self.writer.lock().await;
        Ok(migrations.run(writer.conn()?).await?)
    }

    /// Waits its turn and begins a transaction.
    pub async fn begin(&self) -> Result<SqliteTx, DbError> {
        let turn = Turn::queue(&self.waiting);
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        drop(turn);
        let outcome = writer.open().await?;
        Ok(SqliteTx { db: self.clone(), writer: Some(writer), outcome })
    }

    /// A connection that only reads.
    pub async fn reader(&self) -> Result<PoolConnection<Sqlite>, DbError> {
        Ok(self.readers.acquire().await?)
    }

    /// Commits what is open and closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        let mut writer = self.writer.lock().await;
        let _ = writer.settle().await;
        writer.commit().await;
        if let Some(conn) = writer.conn.take() {
            let _ = conn.close().await;
        }
    }
}

/// One place in the queue of those who wait to begin; given back even when the wait is cut off.
struct Turn<'a>(&'a AtomicUsize);

impl<'a> Turn<'a> {
    fn queue(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(waiting)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Writer {
    fn conn(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.conn.as_mut().ok_or(DbError::Sqlx(sqlx::Error::PoolClosed))
    }

    /// Opens the outer transaction if none is open, and a savepoint in it.
    async fn open(&mut self) -> Result<Outcome, DbError> {
        self.settle().await?;
        let outcome = if let Some(outcome) = &self.batch {
            Arc::clone(outcome)
        } else {
            let outcome = Outcome::default();
            // Noted before it is true: a caller who goes away while SQLite begins leaves a
            // transaction that the next one continues.
            self.batch = Some(Arc::clone(&outcome));
            if let Err(e) = sqlx::query("begin immediate").execute(self.conn()?).await {
                self.batch = None;
                return Err(e.into());
            }
            outcome
        };
        // Until the savepoint is released the writer counts as abandoned, so that a caller who
        // goes away at any await leaves the next one something it knows how to clean up.
        self.abandoned = true;
        sqlx::query("savepoint work").execute(self.conn()?).await?;
        Ok(outcome)
    }

    /// Rolls back a savepoint that a dropped transaction left open.
    async fn settle(&mut self) -> Result<(), DbError> {
        if self.abandoned {
            // The savepoint may not exist (the caller left before it was made): then the
            // rollback to it fails, and there is nothing to undo.
            let undone = sqlx::query("rollback to work").execute(self.conn()?).await;
            if undone.is_ok() {
                sqlx::query("release work").execute(self.conn()?).await?;
            }
            self.abandoned = false;
        }
        Ok(())
    }

    /// Commits the outer transaction and tells everyone who is in it.
    async fn commit(&mut self) {
        let Some(outcome) = self.batch.clone() else { return };
        let result = match self.conn() {
            Ok(conn) => match sqlx::query("commit").execute(&mut *conn).await {
                Ok(_) => Ok(()),
                Err(e) => {
                    let _ = sqlx::query("rollback").execute(conn).await;
                    Err(e.to_string())
                }
            },
            Err(e) => Err(e.to_string()),
        };
        self.batch = None;
        let _ = outcome.set(result);
    }
}

/// One writing transaction: a savepoint, and the turn to use the connection.
pub struct SqliteTx {
    db: SqliteDb,
    writer: Option<OwnedMutexGuard<Writer>>,
    outcome: Outcome,
}

impl SqliteTx {
    /// The connection, for the macros.
    ///
    /// # Panics
    /// Never: the writer is given up only by `commit`, which consumes the transaction.
    pub fn conn(&mut self) -> &mut SqliteConnection {
        self.writer
            .as_mut()
            .and_then(|writer| writer.conn.as_mut())
            .expect("a transaction holds the writer until it is committed")
    }

    /// Releases the savepoint and returns once the outer transaction is on disk.
    pub async fn commit(mut self) -> Result<(), DbError> {
        let Some(mut writer) = self.writer.take() else {
            return Err(DbError::Sqlx(sqlx::Error::PoolClosed));
        };
        sqlx::query("release work").execute(writer.conn()?).await?;
        writer.abandoned = false;
        let (db, outcome) = (self.db.clone(), Arc::clone(&self.outcome));
        // A task of its own: a caller who goes away must not leave the outer transaction open.
        #[expect(clippy::disallowed_methods, reason = "the writer owns this task")]
        let settled = tokio::spawn(finish(db, writer, outcome)).await;
        match (settled, self.outcome.get()) {
            (Ok(()), Some(Ok(()))) => Ok(()),
            (_, Some(Err(text))) => Err(DbError::Commit(text.clone())),
            _ => Err(DbError::Commit("the transaction was not settled".to_owned())),
        }
    }
}

/// Lets those who wait join the outer transaction, then commits it unless one of them has.
async fn finish(db: SqliteDb, mut writer: OwnedMutexGuard<Writer>, outcome: Outcome) {
    if db.waiting.load(Ordering::Acquire) > 0 {
        drop(writer);
        writer = Arc::clone(&db.writer).lock_owned().await;
    }
    if outcome.get().is_none() && writer.settle().await.is_ok() {
        writer.commit().await;
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        let Some(mut writer) = self.writer.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let waiting = Arc::clone(&self.db.waiting);
        // Without this the outer transaction would keep the write lock until the next caller.
        runtime.spawn(async move {
            if writer.settle().await.is_ok() && waiting.load(Ordering::Acquire) == 0 {
                writer.commit().await;
            }
        });
    }
}
