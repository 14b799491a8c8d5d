//! The SQL of the table `secrets`.

use crate::db::{DbError, Reader, Tx, execute, fetch_optional};
use crate::time::Timestamp;

/// Keeps a sealed secret unless one of that name is there.
pub(super) async fn insert_if_absent(
    tx: &mut Tx,
    name: &str,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), DbError> {
    execute!(
        *tx,
        "insert into secrets (name, sealed, created_at) values ($1, $2, $3)
         on conflict (name) do nothing",
        name,
        sealed,
        now
    )?;
    Ok(())
}

/// The sealed secret of that name.
pub(super) async fn find(reader: &mut Reader, name: &str) -> Result<Option<Vec<u8>>, DbError> {
    let row: Option<(Vec<u8>,)> =
        fetch_optional!(*reader, (Vec<u8>,), "select sealed from secrets where name = $1", name)?;
    Ok(row.map(|r| r.0))
}
