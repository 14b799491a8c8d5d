//! Looking at a database without changing it: for an examination, before or beside a server.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{DatabaseUrl, DbError, STEPS};

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The last step of the schema that was done; sqlx keeps the list under this name.
const LAST: &str = "select max(version) from _sqlx_migrations where success";

/// How far a database's schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Steps that were done.
    pub done: i64,
    /// Steps this program knows.
    pub known: i64,
}

/// Looks at the schema; nothing where there is no SQLite file yet.
pub async fn look(url: &DatabaseUrl) -> Result<Option<Schema>, DbError> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    let looking = async {
        match url {
            DatabaseUrl::Sqlite(path) if !path.exists() => Ok(None),
            DatabaseUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).read_only(true);
                let mut conn = options.disable_statement_logging().connect().await?;
                let there = "select count(*) from sqlite_schema where name = '_sqlx_migrations'";
                let there: i64 = sqlx::query_scalar(there).fetch_one(&mut conn).await?;
                let done: Option<i64> = match there {
                    0 => None,
                    _ => sqlx::query_scalar(LAST).fetch_one(&mut conn).await?,
                };
                conn.close().await?;
                Ok(done)
            }
            DatabaseUrl::Postgres(url) => {
                let options: PgConnectOptions = url.reveal().parse()?;
                let mut conn = options.disable_statement_logging().connect().await?;
                let there = "select to_regclass('_sqlx_migrations') is not null";
                let there: bool = sqlx::query_scalar(there).fetch_one(&mut conn).await?;
                let done: Option<i64> =
                    if there { sqlx::query_scalar(LAST).fetch_one(&mut conn).await? } else { None };
                conn.close().await?;
                Ok(done)
            }
        }
    };
    let looked = tokio::time::timeout(PATIENCE, looking).await;
    let done: Result<Option<i64>, sqlx::Error> = looked.unwrap_or(Err(sqlx::Error::PoolTimedOut));
    let missing = matches!(url, DatabaseUrl::Sqlite(path) if !path.exists());
    Ok(if missing { None } else { Some(Schema { done: done?.unwrap_or(0), known }) })
}
