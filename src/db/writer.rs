//! SQLite's one writing connection, and the state of what is open on it.
//!
//! Each statement is a trip to the connection's thread and back, which costs more than the
//! statement itself. So statements travel together: a savepoint is not released when its
//! transaction is done but in the trip that makes the next one, and a transaction that asks no
//! question in between ([`Later`]) is one trip in all.
//!
//! Two savepoint names are used in turn. So rolling back to the newest can never undo the one
//! before, whatever became of the trip that was to release it.
//!
//! Invariant: whoever changes what is open notes it before the statement is on its way, so that a
//! caller who goes away at an await leaves a state that [`Writer::settle`] knows how to clean up.

use std::sync::{Arc, OnceLock};

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, AssertSqlSafe, SqliteConnection};
use tokio::sync::Notify;

use super::DbError;

/// Statements that wait to be sent together.
#[derive(Default)]
pub struct Later {
    sql: String,
    values: SqliteArguments,
}

impl Later {
    /// Adds a statement with `$1, $2, …` and its values.
    pub fn push(
        &mut self,
        sql: &'static str,
        bind: impl FnOnce(&mut SqliteArguments) -> Result<(), sqlx::error::BoxDynError>,
    ) -> Result<(), DbError> {
        let before = self.values.len();
        if !self.sql.is_empty() {
            self.sql.push_str("; ");
        }
        // All statements share one list of values: the numbers count on.
        let mut pieces = sql.split('$');
        self.sql.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = piece[..digits].parse().unwrap_or(0);
            self.sql.push('$');
            self.sql.push_str(&(number + before).to_string());
            self.sql.push_str(&piece[digits..]);
        }
        bind(&mut self.values).map_err(|e| DbError::Sqlx(sqlx::Error::Encode(e)))
    }
}

/// One outer transaction: whether it reached the disk, and who waits to hear that.
#[derive(Default)]
pub struct Batch {
    outcome: OnceLock<Result<(), String>>,
    settled: Notify,
}

impl Batch {
    fn settle(&self, outcome: Result<(), String>) {
        let _ = self.outcome.set(outcome);
        self.settled.notify_waiters();
    }

    /// Waits until it is known whether this is on disk.
    pub async fn wait(&self) -> Result<(), DbError> {
        let mut settled = std::pin::pin!(self.settled.notified());
        // Listening comes first: what is settled after the look wakes us.
        settled.as_mut().enable();
        if self.outcome.get().is_none() {
            settled.await;
        }
        let outcome = self.outcome.get().cloned();
        outcome.unwrap_or_else(|| Err("not settled".to_owned())).map_err(DbError::Commit)
    }
}

/// Which of the two savepoint names is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    A,
    B,
}

impl Name {
    const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    const fn make(self) -> &'static str {
        match self {
            Self::A => "savepoint a",
            Self::B => "savepoint b",
        }
    }

    /// Releases the other one and makes this one.
    const fn change(self) -> &'static str {
        match self {
            Self::A => "release b; savepoint a",
            Self::B => "release a; savepoint b",
        }
    }

    const fn undo(self) -> &'static str {
        match self {
            Self::A => "rollback to a",
            Self::B => "rollback to b",
        }
    }
}

/// What is known of the savepoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    /// There is none.
    Absent,
    /// It is there and empty.
    Empty(Name),
    /// It holds a transaction that is done.
    Done(Name),
    /// A caller went away while it was made: it may be there, and then it is empty.
    Unsure,
    /// It holds a transaction that is not done.
    Working(Name),
}

/// The connection and what is open on it.
pub struct Writer {
    conn: Option<SqliteConnection>,
    /// The outer transaction that is open, if any.
    batch: Option<Arc<Batch>>,
    /// Whether a transaction of the batch is done; then a task is on its way to commit it.
    kept: bool,
    point: Point,
}

impl Writer {
    /// A writer with nothing open.
    pub const fn new(conn: SqliteConnection) -> Self {
        Self { conn: Some(conn), batch: None, kept: false, point: Point::Absent }
    }

    /// The connection.
    pub fn conn(&mut self) -> Result<&mut SqliteConnection, DbError> {
        self.conn.as_mut().ok_or(DbError::Sqlx(sqlx::Error::PoolClosed))
    }

    /// The connection, to close it.
    pub const fn take(&mut self) -> Option<SqliteConnection> {
        self.conn.take()
    }

    async fn run(&mut self, sql: &'static str) -> Result<(), DbError> {
        sqlx::query(sql).execute(self.conn()?).await?;
        Ok(())
    }

    /// What has to be sent to have a savepoint in a batch, and that savepoint.
    fn prefix(&self) -> (&'static str, Name) {
        match (&self.batch, self.point) {
            (None, _) => ("begin immediate; savepoint a", Name::A),
            (Some(_), Point::Done(name)) => (name.other().change(), name.other()),
            (Some(_), Point::Empty(name)) => ("", name),
            (Some(_), _) => (Name::A.make(), Name::A),
        }
    }

    /// Opens a batch if none is open, and a savepoint in it.
    pub async fn open(&mut self) -> Result<Arc<Batch>, DbError> {
        self.settle().await?;
        let (sql, name) = self.prefix();
        let batch = Arc::clone(self.batch.get_or_insert_default());
        self.point = Point::Unsure;
        if !sql.is_empty()
            && let Err(e) = self.run(sql).await
        {
            self.fail(&e).await;
            return Err(e);
        }
        self.point = Point::Working(name);
        Ok(batch)
    }

    /// A whole transaction in one trip. Its caller must not go away half-way: then it would not
    /// be known how far it came.
    pub async fn whole(&mut self, later: Later) -> Result<Arc<Batch>, DbError> {
        self.settle().await?;
        let (prefix, name) = self.prefix();
        let batch = Arc::clone(self.batch.get_or_insert_default());
        self.point = Point::Working(name);
        let separator = if prefix.is_empty() { "" } else { "; " };
        let sql = AssertSqlSafe([prefix, separator, &later.sql].concat());
        let done = sqlx::query_with(sql, later.values).execute(self.conn()?).await;
        if let Err(e) = done {
            // If not even the savepoint was made, undoing fails, and with it the batch.
            self.settle().await?;
            return Err(e.into());
        }
        Ok(batch)
    }

    /// Sends the statements of a transaction that is open.
    pub async fn send(&mut self, later: Later) -> Result<(), DbError> {
        let sql = AssertSqlSafe(later.sql);
        sqlx::query_with(sql, later.values).execute(self.conn()?).await?;
        Ok(())
    }

    /// Notes that the transaction is done and is to be kept; whether it is the batch's first.
    pub const fn keep(&mut self) -> bool {
        if let Point::Working(name) = self.point {
            self.point = Point::Done(name);
        }
        !std::mem::replace(&mut self.kept, true)
    }

    /// Cleans up what a dropped transaction, or a caller who went away, left open.
    pub async fn settle(&mut self) -> Result<(), DbError> {
        match self.point {
            Point::Absent | Point::Empty(_) | Point::Done(_) => {}
            Point::Unsure | Point::Working(_) if !self.kept => {
                // Nothing in the batch is to be kept. It may not even have begun: then there is
                // nothing to roll back, and that fails.
                (self.batch, self.point) = (None, Point::Absent);
                let _ = self.run("rollback").await;
            }
            Point::Unsure => {
                // What is there is empty or done, and stays as it is under the next savepoint.
                // SQLite refuses to begin inside a transaction; if it does not, ours is gone.
                if self.run("begin").await.is_ok() {
                    self.fail(&DbError::Commit("the transaction was lost".to_owned())).await;
                }
                self.point = Point::Absent;
            }
            Point::Working(name) => {
                if let Err(e) = self.run(name.undo()).await {
                    self.fail(&e).await;
                    return Err(e);
                }
                self.point = Point::Empty(name);
            }
        }
        Ok(())
    }

    /// Whether this batch is the one that is open.
    pub fn holds(&self, batch: &Arc<Batch>) -> bool {
        self.batch.as_ref().is_some_and(|open| Arc::ptr_eq(open, batch))
    }

    /// Commits the batch, if one is open, and tells everyone who is in it.
    pub async fn commit(&mut self) {
        // Settling may give the batch up, and then has told everyone.
        if self.settle().await.is_err() || self.batch.is_none() {
            return;
        }
        match self.run("commit").await {
            Ok(()) => self.end(Ok(())),
            Err(e) => self.fail(&e).await,
        }
    }

    /// Gives up the batch and tells everyone who is in it.
    async fn fail(&mut self, why: &DbError) {
        // Told first, so that nobody joins a batch that is being rolled back.
        self.end(Err(text(why)));
        let _ = self.run("rollback").await;
    }

    fn end(&mut self, outcome: Result<(), String>) {
        (self.kept, self.point) = (false, Point::Absent);
        if let Some(batch) = self.batch.take() {
            batch.settle(outcome);
        }
    }
}

/// The database's own words: they tell a full disk from other trouble.
fn text(e: &DbError) -> String {
    match e {
        DbError::Sqlx(e) => e.to_string(),
        DbError::Commit(text) => text.clone(),
        DbError::Migrate(e) => e.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_statements_that_travel_together_count_on() {
        let mut later = Later::default();
        later.push("a ($1, $2, $1)", |v| v.add(1).and_then(|()| v.add(2))).unwrap();
        later.push("b ($1)", |v| v.add(3)).unwrap();
        later.push("c", |_| Ok(())).unwrap();
        assert_eq!(later.sql, "a ($1, $2, $1); b ($3); c");
        assert_eq!(later.values.len(), 3);
    }
}
