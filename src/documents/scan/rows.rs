//! The SQL of scanning. The queue is of one bucket, in every clinic.

use crate::access::{Audited, Unread};
use crate::db::{Connection, DbError, Tx, execute, fetch_all, fetch_optional};
use crate::documents::Document;
use crate::documents::rows::{columns, documents};
use crate::documents::scan::{Landing, WAITS};
use crate::ids::{ClinicId, DocumentId};
use crate::time::Timestamp;

/// A document that waits for the scanner.
#[derive(Debug, sqlx::FromRow)]
pub struct Waiting {
    /// The document.
    #[sqlx(flatten)]
    pub document: Document,
    /// How often a scan has failed for a reason of this file.
    pub scan_attempts: i64,
    /// When it is due; who claims it moves this.
    pub scan_next_at: Timestamp,
}

/// Documents of this bucket that are due, the longest due first.
pub async fn due_scans(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Unread<Waiting>>, DbError> {
    let found = fetch_all!(
        conn,
        Waiting,
        concat!(
            "select ",
            columns!(),
            ", scan_attempts, scan_next_at from document_assets where state = 'scanning' \
             and scan_next_at <= $1 and storage_provider = $2 and bucket = $3 \
             order by scan_next_at limit $4"
        ),
        now,
        bucket.0,
        bucket.1,
        limit
    )?;
    Ok(Unread::all(found))
}

/// How many documents of this bucket wait, since when the first of them has, and when the next one
/// is due.
pub async fn scan_queue(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
) -> Result<(i64, Option<Timestamp>, Option<Timestamp>), DbError> {
    let found = fetch_optional!(
        conn,
        (i64, Option<Timestamp>, Option<Timestamp>),
        "select count(*), min(updated_at), min(scan_next_at) from document_assets \
         where state = 'scanning' and storage_provider = $1 and bucket = $2",
        bucket.0,
        bucket.1
    )?;
    Ok(found.unwrap_or_default())
}

/// Moves the time at which a scan is due, if it is still what it was: a claim, and its renewal.
/// False when somebody else has it, or it is done.
pub async fn move_scan(
    tx: &mut Tx,
    document: (ClinicId, DocumentId),
    from: Timestamp,
    to: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set scan_next_at = $4 \
         where clinic_id = $1 and id = $2 and state = 'scanning' and scan_next_at = $3",
        document.0,
        document.1,
        from,
        to,
    )?;
    Ok(changed == 1)
}

/// Puts a claimed document back: why it still waits, and when it is due again. False when the
/// claim was lost.
pub async fn defer_scan(
    tx: &mut Tx,
    document: (ClinicId, DocumentId),
    claim: Timestamp,
    until: (Timestamp, i64),
    reason: &str,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set scan_next_at = $4, scan_attempts = $5, state_reason = $6 \
         where clinic_id = $1 and id = $2 and state = 'scanning' and scan_next_at = $3",
        document.0,
        document.1,
        claim,
        until.0,
        until.1,
        reason,
    )?;
    Ok(changed == 1)
}

/// Moves a claimed document to where its verdict sends it. False when the claim was lost.
pub async fn mark_scanned(
    tx: &mut Audited,
    document: (ClinicId, DocumentId),
    claim: Timestamp,
    landing: &Landing,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = $4, state_reason = $5, scan_verdict = $6, \
         scanned_at = $7, updated_at = $7, scan_next_at = null, scan_attempts = 0 \
         where clinic_id = $1 and id = $2 and state = 'scanning' and scan_next_at = $3",
        document.0,
        document.1,
        claim,
        landing.state.as_str(),
        &landing.reason,
        &landing.verdict,
        now,
    )?;
    Ok(changed == 1)
}

/// Puts a confirmed document before the scanner again. False when it is not one. What was shown
/// before stays shown after: it is not held back again behind what it replaces.
pub async fn mark_rescan(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'scanning', state_reason = $3, scan_verdict = null, \
         scanned_at = null, updated_at = $4, scan_next_at = $4, scan_attempts = 0, \
         release_set_at = case when state = 'available' and release_state = 'released' \
         then coalesce(release_set_at, $4) else release_set_at end \
         where clinic_id = $1 and id = $2 and state in ('scanning', 'available', 'quarantined')",
        clinic,
        id,
        WAITS,
        now,
    )?;
    Ok(changed == 1)
}

/// Writes why the documents of this bucket wait that are before the scanner; how many did not say
/// so before.
pub async fn mark_waiting(tx: &mut Tx, bucket: (&str, &str), reason: &str) -> Result<u64, DbError> {
    execute!(
        *tx,
        "update document_assets set state_reason = $3 where state = 'scanning' \
         and storage_provider = $1 and bucket = $2 \
         and (state_reason is null or state_reason <> $3)",
        bucket.0,
        bucket.1,
        reason,
    )
}

/// Makes the documents of this bucket due now that wait and would be due after a time; how many.
pub async fn make_due(
    tx: &mut Tx,
    bucket: (&str, &str),
    now: Timestamp,
    after: Timestamp,
) -> Result<u64, DbError> {
    execute!(
        *tx,
        "update document_assets set scan_next_at = $3 where state = 'scanning' \
         and storage_provider = $1 and bucket = $2 and scan_next_at > $4",
        bucket.0,
        bucket.1,
        now,
        after,
    )
}

/// How many documents wait for a scanner, in every bucket, and since when the first of them has.
pub async fn count_waiting(
    mut conn: &mut impl Connection,
) -> Result<(i64, Option<Timestamp>), DbError> {
    let found = fetch_optional!(
        conn,
        (i64, Option<Timestamp>),
        "select count(*), min(updated_at) from document_assets where state = 'scanning'"
    )?;
    Ok(found.unwrap_or_default())
}

/// How many documents of this bucket are available without a verdict.
pub async fn count_unscanned(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
) -> Result<i64, DbError> {
    let found = fetch_optional!(
        conn,
        (i64,),
        "select count(*) from document_assets where state = 'available' \
         and scan_verdict is null and storage_provider = $1 and bucket = $2",
        bucket.0,
        bucket.1
    )?;
    Ok(found.unwrap_or_default().0)
}

/// Documents of this bucket that are available without a verdict, in the order of their ids.
pub async fn unscanned(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    after: Option<DocumentId>,
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    documents!(
        conn,
        "state = 'available' and scan_verdict is null \
         and storage_provider = $1 and bucket = $2 and id > $3 order by id limit $4",
        bucket.0,
        bucket.1,
        after.unwrap_or(DocumentId::from_uuid(uuid::Uuid::nil())),
        limit
    )
}

/// Keeps the verdict on a document that was served without one, and moves it to where that sends
/// it. False when it is no longer what it was.
pub async fn mark_judged(
    tx: &mut Audited,
    document: &Document,
    landing: &Landing,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = $4, state_reason = $5, scan_verdict = $6, \
         scanned_at = $7, updated_at = $7 \
         where clinic_id = $1 and id = $2 and object_key = $3 and state = 'available' \
         and scan_verdict is null",
        document.clinic_id,
        document.id,
        &document.object_key,
        landing.state.as_str(),
        &landing.reason,
        &landing.verdict,
        now,
    )?;
    Ok(changed == 1)
}
