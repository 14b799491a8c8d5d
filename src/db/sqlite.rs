//! SQLite with one writer whose waiting transactions share one fsync.
//!
//! Every writing transaction is a savepoint inside one outer SQLite transaction, the batch. The
//! first transaction of a batch to be done steps to the end of the queue and commits for all when
//! its turn comes: those who waited meanwhile have done their work in the same batch. So 16
//! callers at once cost one fsync, and one caller alone waits for nobody.
//!
//! Invariants:
//! - `commit` returns `Ok` only after the batch that holds the transaction is on disk.
//! - A failed statement undoes its own savepoint only; a failed commit of the batch fails every
//!   transaction in it, and each of them is told.
//! - A transaction dropped half-way (its caller went away) is rolled back before the next
//!   statement runs on the connection, and before the batch is committed.
//! - A batch in which a transaction is done always has a task that will commit it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::DbError;
use super::readers::{Readers, SqliteReader};
use super::writer::{Batch, Later, Writer};

/// How long to wait for another process (the CLI beside a running server) that is writing.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A SQLite database: one writing connection, a few reading ones. Cheap to clone.
#[derive(Clone)]
pub struct SqliteDb {
    writer: Arc<Mutex<Writer>>,
    /// Transactions that wait to begin.
    waiting: Arc<AtomicUsize>,
    readers: Arc<Readers>,
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
            // Pages that change often are copied from the log into the file once in 16 MiB of
            // log, not once in 4.
            .pragma("wal_autocheckpoint", "4096")
            .create_if_missing(true)
            .disable_statement_logging();
        let conn = options.connect().await?;
        let readers = Arc::new(Readers::new(options));
        let writer = Arc::new(Mutex::new(Writer::new(conn)));
        Ok(Self { writer, waiting: Arc::default(), readers })
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self, migrations: &Migrator) -> Result<(), DbError> {
        let mut writer = self.writer.lock().await;
        Ok(migrations.run(writer.conn()?).await?)
    }

    /// Begins a transaction that is ready: its turn has come.
    pub async fn begin(&self) -> Result<SqliteTx, DbError> {
        let mut tx = self.begin_later();
        tx.ready().await?;
        Ok(tx)
    }

    /// Begins a transaction that takes its turn when it must.
    pub fn begin_later(&self) -> SqliteTx {
        SqliteTx { db: self.clone(), turn: None, later: None }
    }

    async fn queue(&self) -> OwnedMutexGuard<Writer> {
        let _place = Place::queue(&self.waiting);
        Arc::clone(&self.writer).lock_owned().await
    }

    /// Lets those who wait join the batch, then commits it.
    async fn finish(&self, mut writer: OwnedMutexGuard<Writer>, batch: &Arc<Batch>) {
        if self.waiting.load(Ordering::Acquire) > 0 {
            drop(writer);
            writer = Arc::clone(&self.writer).lock_owned().await;
        }
        if writer.holds(batch) {
            writer.commit().await;
        }
    }

    /// A connection that only reads.
    pub async fn reader(&self) -> Result<SqliteReader, DbError> {
        self.readers.take().await
    }

    /// Commits what is open and closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        let mut writer = self.writer.lock().await;
        writer.commit().await;
        if let Some(conn) = writer.take() {
            let _ = conn.close().await;
        }
    }
}

/// One place in the queue of those who wait to begin; given back even when the wait is cut off.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn queue(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::AcqRel);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One writing transaction. It takes its turn at the first statement that has to be answered,
/// or when it is committed.
pub struct SqliteTx {
    db: SqliteDb,
    turn: Option<Turn>,
    /// What nobody waits for the answer of.
    later: Option<Later>,
}

/// The use of the connection, and the batch the transaction is in.
struct Turn {
    writer: OwnedMutexGuard<Writer>,
    batch: Arc<Batch>,
}

impl SqliteTx {
    /// Waits for the transaction's turn, if it has not come, and sends what waits to be sent.
    pub async fn ready(&mut self) -> Result<(), DbError> {
        if self.turn.is_none() {
            let writer = self.db.queue().await;
            // It holds the writer before anything is begun: from here on `Drop` cleans up after
            // a caller who goes away.
            let turn = self.turn.insert(Turn { writer, batch: Arc::default() });
            turn.batch = turn.writer.open().await?;
        }
        let Some(turn) = &mut self.turn else { return Ok(()) };
        match self.later.take() {
            Some(later) => turn.writer.send(later).await,
            None => Ok(()),
        }
    }

    /// The connection, for the macros, once [`Self::ready`] was waited for.
    ///
    /// # Panics
    /// Before that.
    pub fn conn(&mut self) -> &mut SqliteConnection {
        self.turn
            .as_mut()
            .and_then(|turn| turn.writer.conn().ok())
            .expect("a transaction that is ready holds the writer until it is committed")
    }

    /// Statements that need no answer until the commit, for the macros.
    pub fn later(&mut self) -> &mut Later {
        self.later.get_or_insert_default()
    }

    /// Returns once the batch is on disk.
    pub async fn commit(mut self) -> Result<(), DbError> {
        if self.turn.is_some() {
            self.ready().await?;
        }
        let (db, turn, later) = (self.db.clone(), self.turn.take(), self.later.take());
        // A task of its own: a caller who goes away must leave no transaction half-way.
        #[expect(clippy::disallowed_methods, reason = "each commit owns its task")]
        let done = tokio::spawn(async move {
            let Turn { mut writer, batch } = match (turn, later) {
                (Some(turn), _) => turn,
                (None, None) => return Ok(()),
                (None, Some(later)) => {
                    let mut writer = db.queue().await;
                    let batch = writer.whole(later).await?;
                    Turn { writer, batch }
                }
            };
            if writer.keep() {
                db.finish(writer, &batch).await;
            } else {
                drop(writer);
            }
            batch.wait().await
        });
        done.await.map_err(|e| DbError::Commit(e.to_string()))?
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        let Some(Turn { mut writer, .. }) = self.turn.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        // Without this the batch would keep the write lock until the next caller.
        runtime.spawn(async move {
            let _ = writer.settle().await;
        });
    }
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
