//! The metadata database: SQLite (embedded, default) or PostgreSQL behind one `Db` and one `Tx`.
//!
//! One SQL text serves both engines. What differs stays here: how a transaction begins, how it
//! commits, and how `Timestamp` is stored. The macros `execute!`, `fetch_optional!`, `fetch_all!`
//! and `fetch_one!` run a text with `$1, $2, …` on whichever engine the connection belongs to.
//!
//! Invariants:
//! - A `Tx` that is dropped without `commit` leaves nothing behind.
//! - `commit` returns only after the data is on disk (SQLite: `synchronous = FULL`).
//! - No network call is made while a `Tx` is open, except to the database itself.
//! - What is read for a caller has a time limit: readers are few.

mod bind;
mod look;
mod postgres;
mod readers;
mod reading;
mod sqlite;
mod steps;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool, Postgres, SqliteConnection};

use steps::STEPS;

pub use bind::{Condition, Value, Where};
pub use look::{Schema, look};
pub use readers::SqliteReader;
pub use reading::Reader;
pub use sqlite::{SqliteDb, SqliteTx};
pub use writer::Later;

/// Builds a migrator from named steps; the first step is version 1.
pub fn migrator(steps: impl IntoIterator<Item = (&'static str, &'static str)>) -> Migrator {
    let migrations = steps.into_iter().zip(1..).map(|((name, sql), version)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

/// How long a call waits for a free connection before it is answered 503.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a statement that only reads may take. Shorter than others wait for its connection.
const READ_LIMIT: Duration = Duration::from_secs(5);

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file; made when absent.
    Sqlite(PathBuf),
    /// A PostgreSQL connection string.
    Postgres(crate::sensitive::Secret<String>),
}

/// What can go wrong with the database. The source is logged, never shown to a caller.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database refused or failed a statement.
    #[error("the database failed")]
    Sqlx(#[from] sqlx::Error),
    /// The commit that this transaction shared with others failed; nothing of it was kept.
    #[error("the commit failed: {0}")]
    Commit(String),
    /// The schema could not be brought up to date.
    #[error("the database schema could not be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl DbError {
    /// Whether a unique constraint was violated.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Self::Sqlx(sqlx::Error::Database(e)) if e.is_unique_violation())
    }

    /// Whether a column that must hold something was given nothing.
    pub fn is_missing(&self, column: &str) -> bool {
        let Self::Sqlx(sqlx::Error::Database(e)) = self else { return false };
        // Both engines name the column in their message; only one tells it apart.
        e.kind() == sqlx::error::ErrorKind::NotNullViolation && e.message().contains(column)
    }

    /// Whether a statement was broken off because it took longer than reading may.
    pub fn is_out_of_time(&self) -> bool {
        // SQLITE_INTERRUPT is 9; PostgreSQL's query_canceled is 57014.
        matches!(self, Self::Sqlx(sqlx::Error::Database(e))
            if e.code().is_some_and(|c| c == "9" || c == "57014"))
    }

    /// Whether the disk under the database is full.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Sqlx(sqlx::Error::Database(e)) => {
                // SQLITE_FULL is 13; PostgreSQL's disk_full is 53100.
                e.code().is_some_and(|c| c == "13" || c == "53100")
            }
            Self::Commit(text) => text.contains("full"),
            _ => false,
        }
    }
}

/// The database, open and migrated. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// The embedded engine.
    Sqlite(SqliteDb),
    /// A PostgreSQL server.
    Postgres(PgPool),
}

impl Db {
    /// Opens the database and brings its schema up to date.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, DbError> {
        let db = match url {
            DatabaseUrl::Sqlite(path) => Self::Sqlite(SqliteDb::open(path).await?),
            DatabaseUrl::Postgres(url) => {
                let options: PgConnectOptions = url.reveal().parse()?;
                Self::Postgres(postgres::connect(options.application_name("strongroom")).await?)
            }
        };
        match &db {
            Self::Sqlite(sqlite) => {
                sqlite.migrate(&migrator(STEPS.iter().map(|s| (s.0, s.1)))).await?;
            }
            Self::Postgres(pool) => {
                postgres::migrate(pool, &migrator(STEPS.iter().map(|s| (s.0, s.2)))).await?;
            }
        }
        Ok(db)
    }

    /// Begins a transaction that writes. On SQLite there is one writer: the transaction waits its
    /// turn at its first statement that is not for later, or at its commit.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        Ok(match self {
            Self::Sqlite(db) => Tx::Sqlite(db.begin_later()),
            Self::Postgres(pool) => Tx::Postgres(postgres::begin(pool).await?),
        })
    }

    /// A connection for reading only; what it sees is committed. A statement that takes very long
    /// is broken off ([`DbError::is_out_of_time`]).
    pub async fn reader(&self) -> Result<Reader, DbError> {
        Ok(match self {
            Self::Sqlite(db) => Reader::Sqlite(db.reader().await?, Some(READ_LIMIT)),
            Self::Postgres(pool) => Reader::Postgres(pool.acquire().await?),
        })
    }

    /// The same for statements that take as long as they take: those of upkeep, which nobody calls
    /// for and which run one at a time.
    pub async fn long_reader(&self) -> Result<Reader, DbError> {
        Ok(match self {
            Self::Sqlite(db) => Reader::Sqlite(db.reader().await?, None),
            Self::Postgres(pool) => Reader::Long(postgres::begin(pool).await?),
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DbError> {
        let mut reader = self.reader().await?;
        let _: Option<(i64,)> = fetch_optional!(reader, (i64,), "select cast(1 as bigint)")?;
        Ok(())
    }

    /// Commits what is open and closes every connection.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }

    /// Whether one transaction writes at a time.
    pub const fn has_one_writer(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// The engine's name as operators know it.
    pub const fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}

/// One open connection of either engine; what the macros run on.
pub enum Conn<'c> {
    /// A SQLite connection.
    Sqlite(&'c mut SqliteConnection),
    /// A PostgreSQL connection.
    Postgres(&'c mut PgConnection),
}

/// Anything the macros can run on.
pub trait Connection: Send {
    /// Waits until statements can be run.
    fn ready(&mut self) -> impl Future<Output = Result<(), DbError>> + Send {
        std::future::ready(Ok(()))
    }

    /// The connection underneath, once it is ready.
    fn conn(&mut self) -> Conn<'_>;

    /// Where statements may be left whose answer nobody waits for; none: run them now.
    fn later(&mut self) -> Option<&mut Later> {
        None
    }
}

/// A transaction that writes.
pub enum Tx {
    /// A savepoint in SQLite's one shared write transaction.
    Sqlite(SqliteTx),
    /// A PostgreSQL transaction.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Tx {
    /// Waits until no other transaction is alone under this number, and is, until it ends: then
    /// what is counted cannot change before it is acted upon. On SQLite a transaction that has
    /// begun to write is alone anyway.
    pub async fn alone(&mut self, number: i64) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.ready().await,
            Self::Postgres(tx) => {
                let lock = sqlx::query("select pg_advisory_xact_lock($1)").bind(number);
                lock.execute(&mut **tx).await?;
                Ok(())
            }
        }
    }

    /// Makes everything done in this transaction durable, or nothing of it.
    pub async fn commit(self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => Ok(tx.commit().await?),
        }
    }
}

impl<C: Connection> Connection for &mut C {
    async fn ready(&mut self) -> Result<(), DbError> {
        (**self).ready().await
    }
    fn later(&mut self) -> Option<&mut Later> {
        (**self).later()
    }
    fn conn(&mut self) -> Conn<'_> {
        (**self).conn()
    }
}

impl Connection for Tx {
    async fn ready(&mut self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(tx) => tx.ready().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    fn later(&mut self) -> Option<&mut Later> {
        match self {
            Self::Sqlite(tx) => Some(tx.later()),
            Self::Postgres(_) => None,
        }
    }

    fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Sqlite(tx) => Conn::Sqlite(tx.conn()),
            Self::Postgres(tx) => Conn::Postgres(tx),
        }
    }
}

/// Runs something on a connection once it is ready.
#[doc(hidden)]
#[macro_export]
macro_rules! on_ready {
    ($conn:expr, $sqlite:ident => $do_sqlite:expr, $postgres:ident => $do_postgres:expr) => {
        match $crate::db::Connection::ready(&mut $conn).await {
            Err(e) => Err(e),
            Ok(()) => match $crate::db::Connection::conn(&mut $conn) {
                $crate::db::Conn::Sqlite($sqlite) => $do_sqlite,
                $crate::db::Conn::Postgres($postgres) => $do_postgres,
            }
            .map_err($crate::db::DbError::from),
        }
    };
}

/// Runs a statement; the number of rows it changed.
#[macro_export]
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::on_ready!(
            $conn,
            c => sqlx::query($sql)$(.bind($arg))*.execute(c).await.map(|done| done.rows_affected()),
            c => sqlx::query($sql)$(.bind($arg))*.execute(c).await.map(|done| done.rows_affected())
        )
    };
}

/// Runs a statement whose effect nobody asks about before the commit. What is wrong with it may
/// be told by a later statement or by the commit. Inside a transaction on SQLite it travels with
/// what follows.
#[macro_export]
macro_rules! execute_later {
    ($conn:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        match $crate::db::Connection::later(&mut $conn) {
            Some(later) => later.push($sql, |values| {
                $(sqlx::Arguments::add(values, $arg)?;)*
                Ok(())
            }),
            None => $crate::execute!($conn, $sql $(, $arg)*).map(|_| ()),
        }
    };
}

/// Runs a query; its first row as `$row`, if there is one.
#[macro_export]
macro_rules! fetch_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::on_ready!(
            $conn,
            c => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_optional(c).await,
            c => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_optional(c).await
        )
    };
}

/// Runs a query; every row as `$row`.
#[macro_export]
macro_rules! fetch_all {
    ($conn:expr, $row:ty, $sql:expr $(, $arg:expr)* $(,)?) => {
        $crate::on_ready!(
            $conn,
            c => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_all(c).await,
            c => sqlx::query_as::<_, $row>($sql)$(.bind($arg))*.fetch_all(c).await
        )
    };
}

/// Binds the values of a [`Where`] and fetches every row.
#[doc(hidden)]
#[macro_export]
macro_rules! fetch_filtered {
    ($conn:expr, $row:ty, $filter:expr) => {{
        let sql = sqlx::AssertSqlSafe($filter.sql());
        let mut query = sqlx::query_as::<_, $row>(sql);
        for value in $filter.into_values() {
            query = match value {
                $crate::db::Value::Uuid(v) => query.bind(v),
                $crate::db::Value::Text(v) => query.bind(v),
                $crate::db::Value::Int(v) => query.bind(v),
                $crate::db::Value::Time(v) => query.bind(v),
            };
        }
        query.fetch_all($conn).await
    }};
}

/// Runs a query built at run time from fixed pieces by [`Where`]; every row as `$row`.
#[macro_export]
macro_rules! fetch_where {
    ($conn:expr, $row:ty, $where:expr) => {{
        let filter: $crate::db::Where = $where;
        $crate::on_ready!(
            $conn,
            c => $crate::fetch_filtered!(c, $row, filter),
            c => $crate::fetch_filtered!(c, $row, filter)
        )
    }};
}

pub use {execute, execute_later, fetch_all, fetch_optional, fetch_where};
