//! Connections to a PostgreSQL server.

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, PgPool, Postgres};
use sqlx::{Executor as _, Transaction};

use super::{ACQUIRE_TIMEOUT, DbError, READ_LIMIT};

/// A transaction takes as long as it takes: it may wait for another one's rows.
const BEGIN: &str = "begin; set local statement_timeout = 0";

/// The pool waits for a server that is just starting, and then says only that it waited: why nobody
/// answers, a connection by itself tells.
pub(super) async fn connect(options: PgConnectOptions) -> Result<PgPool, DbError> {
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|conn, _| Box::pin(prepare(conn)))
        .connect_with(options.clone());
    match pool.await {
        Err(sqlx::Error::PoolTimedOut) => {
            let reason = tokio::time::timeout(ACQUIRE_TIMEOUT, options.connect()).await;
            Err(reason.ok().and_then(Result::err).unwrap_or(sqlx::Error::PoolTimedOut).into())
        }
        opened => Ok(opened?),
    }
}

/// Compiling a query takes PostgreSQL some hundred milliseconds; ours take one. Lists look costly
/// to it, since it counts what they could read and not where they stop. What is read has a time
/// limit, so that a few calls that take very long do not keep every connection.
async fn prepare(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    let limit = READ_LIMIT.as_millis();
    let sql = AssertSqlSafe(format!("set jit = off; set statement_timeout = {limit}"));
    conn.execute(sqlx::raw_sql(sql)).await.map(|_| ())
}

/// Begins a transaction whose statements have no time limit.
pub(super) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, DbError> {
    Ok(pool.begin_with(BEGIN).await?)
}

/// Brings the schema up to date, however long that takes, or another server's doing it.
pub(super) async fn migrate(pool: &PgPool, migrations: &Migrator) -> Result<(), DbError> {
    let mut conn = pool.acquire().await?.detach();
    conn.execute("set statement_timeout = 0").await?;
    let done = migrations.run(&mut conn).await;
    let _ = conn.close().await;
    Ok(done?)
}
