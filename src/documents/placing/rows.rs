//! The SQL of placings: keys that bytes are being placed under.

use crate::db::{Connection, DbError, Tx, execute, fetch_all};
use crate::documents::Document;
use crate::time::Timestamp;

/// Notes that a document's bytes are about to be placed under a key.
pub async fn add_placing(
    tx: &mut Tx,
    d: &Document,
    key: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    execute!(
        *tx,
        "insert into placings (bucket, object_key, clinic_id, document_id, placed_at) \
         values ($1, $2, $3, $4, $5)",
        &d.bucket,
        key,
        d.clinic_id,
        d.id,
        now,
    )?;
    Ok(())
}

/// Forgets a placing: the document has the key now, or the bytes are gone.
pub async fn remove_placing(
    mut tx: &mut impl Connection,
    bucket: &str,
    key: &str,
) -> Result<(), DbError> {
    execute!(tx, "delete from placings where bucket = $1 and object_key = $2", bucket, key)?;
    Ok(())
}

/// Keys of this bucket that were placed before a time and that no document has, with that time,
/// in order, after a time and key.
pub async fn stale_placings(
    mut conn: &mut impl Connection,
    bucket: &str,
    before: Timestamp,
    after: &(Timestamp, String),
    limit: i64,
) -> Result<Vec<(Timestamp, String)>, DbError> {
    fetch_all!(
        conn,
        (Timestamp, String),
        "select placed_at, object_key from placings p where bucket = $1 and placed_at < $2 \
         and (placed_at, object_key) > ($3, $4) and not exists \
         (select 1 from document_assets d where d.bucket = p.bucket \
          and d.object_key = p.object_key) order by placed_at, object_key limit $5",
        bucket,
        before,
        after.0,
        &after.1,
        limit
    )
}
