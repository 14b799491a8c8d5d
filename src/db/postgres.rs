//! Connections to a PostgreSQL server.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgConnection, PgPool};

use super::{ACQUIRE_TIMEOUT, DbError};

/// The pool waits for a server that is just starting, and then says only that it waited: why nobody
/// answers, a connection by itself tells.
pub(super) async fn connect(options: PgConnectOptions) -> Result<PgPool, DbError> {
    let pool = PgPoolOptions::new()
        .max_connections(16)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .after_connect(|conn, _| Box::pin(without_jit(conn)))
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
/// to it, since it counts what they could read and not where they stop.
async fn without_jit(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("set jit = off").execute(conn).await.map(|_| ())
}
