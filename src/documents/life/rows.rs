//! The SQL of a document's later life. Each change is made only from the states it may be made
//! from; false says that it was not.

use crate::access::{Audited, Unread};
use crate::db::{Connection, DbError, execute, fetch_all};
use crate::documents::rows::columns;
use crate::documents::{Document, Release, names};
use crate::ids::{ClinicId, DocumentId};
use crate::sensitive::Phi;
use crate::time::Timestamp;

/// A document of a clinic.
type Of = (ClinicId, DocumentId);

/// Moves an available document to the trash.
pub async fn mark_deleted(
    tx: &mut Audited,
    of: Of,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'deleted', deleted_at = $3, deleted_by = $4, \
         updated_at = $3 where clinic_id = $1 and id = $2 and state = 'available'",
        of.0,
        of.1,
        now,
        by,
    )?;
    Ok(changed == 1)
}

/// Brings a document back from the trash. A unique violation: its place in the chain of versions
/// is taken by now.
pub async fn mark_restored(tx: &mut Audited, of: Of, now: Timestamp) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'available', deleted_at = null, deleted_by = null, \
         updated_at = $3 where clinic_id = $1 and id = $2 and state = 'deleted'",
        of.0,
        of.1,
        now,
    )?;
    Ok(changed == 1)
}

/// Puts what has bytes under legal hold.
pub async fn set_hold(
    tx: &mut Audited,
    of: Of,
    reason: &Phi<String>,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set hold_reason = $3, held_at = $4, held_by = $5, \
         updated_at = $4 where clinic_id = $1 and id = $2 \
         and state in ('scanning', 'available', 'quarantined', 'deleted')",
        of.0,
        of.1,
        reason,
        now,
        by,
    )?;
    Ok(changed == 1)
}

/// Frees a document of its legal hold.
pub async fn lift_hold(tx: &mut Audited, of: Of, now: Timestamp) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set hold_reason = null, held_at = null, held_by = null, \
         updated_at = $3 where clinic_id = $1 and id = $2 and hold_reason is not null",
        of.0,
        of.1,
        now,
    )?;
    Ok(changed == 1)
}

/// Decides whether the patient may see a document.
pub async fn set_release(
    tx: &mut Audited,
    of: Of,
    release: Release,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set release_state = $3, updated_at = $4 \
         where clinic_id = $1 and id = $2 \
         and state in ('pending', 'scanning', 'available', 'quarantined', 'deleted')",
        of.0,
        of.1,
        release.as_str(),
        now,
    )?;
    Ok(changed == 1)
}

/// Holds an upload back where what it replaces was taken from its patient's sight after the last
/// word on the upload's own release. False: nothing was changed.
pub async fn hold_behind(tx: &mut Audited, of: Of, replaced: DocumentId) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set release_state = 'held' \
         where clinic_id = $1 and id = $2 and state = 'pending' and release_state = 'released' \
         and exists (select 1 from document_assets old where old.clinic_id = $1 and old.id = $3 \
         and old.release_state <> 'released' and old.updated_at >= document_assets.updated_at)",
        of.0,
        of.1,
        replaced,
    )?;
    Ok(changed == 1)
}

/// Writes what was edited, if the row is as it was read: available, without hold, not changed.
pub async fn update(
    tx: &mut Audited,
    edited: &Document,
    known: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set category = $3, file_name = $4, file_name_folded = $5, \
         patient_id = $6, release_state = $7, supersedes = $8, updated_at = $9, \
         file_words = $11 \
         where clinic_id = $1 and id = $2 and state = 'available' and hold_reason is null \
         and updated_at = $10",
        edited.clinic_id,
        edited.id,
        edited.category.as_str(),
        &edited.file_name,
        names::folded(edited.file_name.reveal()),
        &edited.patient_id,
        edited.release.as_str(),
        edited.supersedes,
        edited.updated_at,
        known,
        names::words(edited.file_name.reveal()),
    )?;
    Ok(changed == 1)
}

/// Lets uploads under way, and what lies in the trash, replace this document no longer.
pub async fn detach_successors(tx: &mut Audited, of: Of) -> Result<(), DbError> {
    execute!(
        *tx,
        "update document_assets set supersedes = null \
         where clinic_id = $1 and supersedes = $2 and state in ('pending', 'deleted')",
        of.0,
        of.1,
    )?;
    Ok(())
}

/// Whether another document stands behind this one in the chain of versions.
pub async fn has_successor(mut conn: &mut impl Connection, of: Of) -> Result<bool, DbError> {
    let found = fetch_all!(
        conn,
        (DocumentId,),
        "select id from document_assets where clinic_id = $1 and supersedes = $2 \
         and state in ('scanning', 'available', 'quarantined')",
        of.0,
        of.1
    )?;
    Ok(!found.is_empty())
}

/// Decides that the bytes of a document go: from here on it is a tombstone without a name. Where a
/// signed URL is still out, its upload is open again until that has expired.
pub async fn mark_purged(
    tx: &mut Audited,
    of: Of,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'purged', file_name = '', file_name_folded = '', \
         file_words = '', deleted_at = coalesce(deleted_at, $3), \
         deleted_by = coalesce(deleted_by, $4), updated_at = $3, \
         upload_closed_at = case when upload_expires_at > $3 then null \
         else upload_closed_at end where clinic_id = $1 and id = $2 \
         and state in ('scanning', 'available', 'deleted', 'quarantined') and hold_reason is null \
         and (retain_until is null or retain_until <= $3)",
        of.0,
        of.1,
        now,
        by,
    )?;
    Ok(changed == 1)
}

/// Notes that the bytes of a purged document are gone.
pub async fn mark_erased(tx: &mut Audited, of: Of, now: Timestamp) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set purged_at = $3, updated_at = $3 \
         where clinic_id = $1 and id = $2 and state = 'purged' and purged_at is null",
        of.0,
        of.1,
        now,
    )?;
    Ok(changed == 1)
}

/// Every version in a document's chain, oldest first.
pub async fn chain(
    mut conn: &mut impl Connection,
    of: Of,
) -> Result<Unread<Vec<Document>>, DbError> {
    let found = fetch_all!(
        conn,
        Document,
        concat!(
            "with recursive older (link, earlier, place) as ( \
             select id, supersedes, 0 from document_assets where clinic_id = $1 and id = $2 \
             union all select d.id, d.supersedes, o.place - 1 from older o \
             join document_assets d on d.id = o.earlier where o.place > -500), \
             newer (link, place) as ( \
             select id, 0 from document_assets where clinic_id = $1 and id = $2 \
             union all select d.id, n.place + 1 from newer n \
             join document_assets d on d.supersedes = n.link where n.place < 500 \
             and d.state in ('scanning', 'available', 'quarantined')) select ",
            columns!(),
            " from document_assets join (select link, place from older union \
             select link, place from newer) links on links.link = id \
             where clinic_id = $1 order by place"
        ),
        of.0,
        of.1
    )?;
    Ok(Unread::new(found))
}

macro_rules! due {
    ($condition:literal) => {
        concat!(
            "select ",
            columns!(),
            " from document_assets where storage_provider = $1 and bucket = $2 \
             and hold_reason is null and (retain_until is null or retain_until <= $3) and ",
            $condition
        )
    };
}

/// Documents of this bucket, in any clinic, that have been in the trash since before a time.
pub async fn trashed(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    now: Timestamp,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    let found = fetch_all!(
        conn,
        Document,
        due!("state = 'deleted' and deleted_at < $4 order by deleted_at limit $5"),
        bucket.0,
        bucket.1,
        now,
        before,
        limit
    )?;
    Ok(Unread::all(found))
}

/// Temporary documents of this bucket, in any clinic, from before a time.
pub async fn temporary(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    now: Timestamp,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    let found = fetch_all!(
        conn,
        Document,
        due!(
            "temporary and confirmed_at < $4 and state in ('available', 'quarantined') \
             order by confirmed_at limit $5"
        ),
        bucket.0,
        bucket.1,
        now,
        before,
        limit
    )?;
    Ok(Unread::all(found))
}

/// Purged documents of this bucket, in any clinic, whose bytes may still be there, after an id.
pub async fn to_erase(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    after: DocumentId,
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    let found = fetch_all!(
        conn,
        Document,
        concat!(
            "select ",
            columns!(),
            " from document_assets where state = 'purged' and purged_at is null \
             and storage_provider = $1 and bucket = $2 and id > $3 order by id limit $4"
        ),
        bucket.0,
        bucket.1,
        after,
        limit
    )?;
    Ok(Unread::all(found))
}
