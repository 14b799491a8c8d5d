//! The SQL of clearing up after uploads, in every clinic.

use crate::access::Unread;
use crate::db::{Connection, DbError, Tx, execute};
use crate::documents::Document;
use crate::documents::rows::documents;
use crate::ids::{ClinicId, DocumentId};
use crate::time::Timestamp;

/// Pending uploads whose time is over, in any clinic and bucket, oldest first; for upkeep.
pub async fn expired_uploads(
    mut conn: &mut impl Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    documents!(
        conn,
        "upload_closed_at is null and upload_expires_at < $1 \
         and state = 'pending' order by upload_expires_at limit $2",
        now,
        limit
    )
}

/// Uploads to this bucket that have ended one way or another, whose URLs have expired, and whose
/// left-overs are still to be removed, in any clinic, in order, after a deadline and id.
pub async fn ended_uploads(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    now: Timestamp,
    after: (Timestamp, DocumentId),
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    documents!(
        conn,
        "upload_closed_at is null and upload_expires_at < $1 \
         and state <> 'pending' and storage_provider = $2 and bucket = $3 \
         and (upload_expires_at, id) > ($4, $5) order by upload_expires_at, id limit $6",
        now,
        bucket.0,
        bucket.1,
        after.0,
        after.1,
        limit
    )
}

/// Notes that nothing of an upload is left over.
pub async fn mark_closed(
    tx: &mut Tx,
    clinic: ClinicId,
    id: DocumentId,
    now: Timestamp,
) -> Result<(), DbError> {
    execute!(
        *tx,
        "update document_assets set upload_closed_at = $3 where clinic_id = $1 and id = $2",
        clinic,
        id,
        now,
    )?;
    Ok(())
}
