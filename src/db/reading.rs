//! A connection that only reads, of either engine.

use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Postgres, Transaction};

use super::{Conn, Connection, SqliteReader};

/// A connection that only reads.
pub enum Reader {
    /// A read-only SQLite connection, and how long a statement may take.
    Sqlite(SqliteReader, Option<Duration>),
    /// A PostgreSQL connection.
    Postgres(PoolConnection<Postgres>),
    /// A PostgreSQL connection without a time limit.
    Long(Transaction<'static, Postgres>),
}

impl Connection for Reader {
    fn conn(&mut self) -> Conn<'_> {
        match self {
            // The macros ask for the connection once a statement.
            Self::Sqlite(c, limit) => {
                c.within(*limit);
                Conn::Sqlite(c)
            }
            Self::Postgres(c) => Conn::Postgres(c),
            Self::Long(tx) => Conn::Postgres(tx),
        }
    }
}
