//! The SQL of a document's later life. Each change is made only from the states it may be made
//! from; false says that it was not.

use crate::access::{Audited, Unread};
use crate::db::{Connection, DbError, execute, fetch_all};
use crate::documents::rows::{columns, documents};
use crate::documents::{Document, Release, names};
use crate::ids::{ClinicId, DocumentId, PatientId};
use crate::sensitive::Phi;
use crate::time::Timestamp;

/// A document of a clinic.
type Of = (ClinicId, DocumentId);

/// A document as it was when the policy decided: whose it is, and of what category. A change is
/// made only while that is so, since elsewhere the policy might have decided otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided<'a> {
    of: Of,
    patient: &'a Option<PatientId>,
    category: &'static str,
}

impl<'a> Decided<'a> {
    /// This document.
    pub fn on(document: &'a Document) -> Self {
        Self {
            of: (document.clinic_id, document.id),
            patient: &document.patient_id,
            category: document.category.as_str(),
        }
    }
}

macro_rules! change {
    ($tx:expr, $decided:expr, $set:literal, $condition:literal, $($value:expr),* $(,)?) => {{
        let decided = $decided;
        let changed = execute!(
            *$tx,
            concat!(
                "update document_assets set ",
                $set,
                " where clinic_id = $1 and id = $2 and coalesce(patient_id, '') = coalesce($3, '') \
                 and category = $4 and ",
                $condition
            ),
            decided.of.0,
            decided.of.1,
            decided.patient,
            decided.category,
            $($value),*
        )?;
        Ok(changed == 1)
    }};
}

/// Moves an available document to the trash.
pub async fn mark_deleted(
    tx: &mut Audited,
    decided: Decided<'_>,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    change!(
        tx,
        decided,
        "state = 'deleted', deleted_at = $5, deleted_by = $6, updated_at = $5",
        "state = 'available'",
        now,
        by
    )
}

/// Brings a document back from the trash. A unique violation: its place in the chain of versions
/// is taken by now.
pub async fn mark_restored(
    tx: &mut Audited,
    decided: Decided<'_>,
    now: Timestamp,
) -> Result<bool, DbError> {
    change!(
        tx,
        decided,
        "state = 'available', deleted_at = null, deleted_by = null, updated_at = $5",
        "state = 'deleted'",
        now
    )
}

/// Puts what has bytes under legal hold.
pub async fn set_hold(
    tx: &mut Audited,
    decided: Decided<'_>,
    reason: &Phi<String>,
    by: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    change!(
        tx,
        decided,
        "hold_reason = $5, held_at = $6, held_by = $7, updated_at = $6",
        "state in ('scanning', 'available', 'quarantined', 'deleted')",
        reason,
        now,
        by
    )
}

/// Frees a document of its legal hold.
pub async fn lift_hold(
    tx: &mut Audited,
    decided: Decided<'_>,
    now: Timestamp,
) -> Result<bool, DbError> {
    change!(
        tx,
        decided,
        "hold_reason = null, held_at = null, held_by = null, updated_at = $5",
        "hold_reason is not null",
        now
    )
}

/// Decides whether the patient may see a document.
pub async fn set_release(
    tx: &mut Audited,
    decided: Decided<'_>,
    release: Release,
    now: Timestamp,
) -> Result<bool, DbError> {
    change!(
        tx,
        decided,
        "release_state = $5, release_set_at = $6, updated_at = $6",
        "state in ('pending', 'scanning', 'available', 'quarantined', 'deleted')",
        release.as_str(),
        now
    )
}

/// Lets an upload replace nothing where what it was to replace is of another patient by now. False:
/// nothing was changed.
pub async fn leave_foreign(tx: &mut Audited, upload: &Document) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set supersedes = null \
         where clinic_id = $1 and id = $2 and state = 'pending' and not exists ( \
         select 1 from document_assets old where old.clinic_id = $1 \
         and old.id = document_assets.supersedes \
         and coalesce(old.patient_id, '') = coalesce(document_assets.patient_id, ''))",
        upload.clinic_id,
        upload.id,
    )?;
    Ok(changed == 1)
}

/// Holds back what becomes a document now where what it replaces is not for its patient's eyes, by
/// a later word than the last one on its own release; never what the patient handed in. False:
/// nothing was changed.
pub async fn hold_behind(tx: &mut Audited, of: Of, replaced: DocumentId) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set release_state = 'held' \
         where clinic_id = $1 and id = $2 and state in ('pending', 'scanning') \
         and release_state = 'released' \
         and exists (select 1 from document_assets old where old.clinic_id = $1 and old.id = $3 \
         and old.release_state <> 'released' and (document_assets.release_set_at is null \
         or document_assets.release_set_at <> document_assets.created_at \
         and document_assets.release_set_at < coalesce(old.release_set_at, old.created_at)))",
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
         file_words = $11, release_set_at = $12 \
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
        edited.release_set_at,
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
/// signed URL is still out, its upload is open again until that has expired. With `known`, only
/// where nothing was changed since then.
pub async fn mark_purged(
    tx: &mut Audited,
    of: Of,
    by: &str,
    now: Timestamp,
    known: Option<Timestamp>,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'purged', file_name = '', file_name_folded = '', \
         file_words = '', deleted_at = coalesce(deleted_at, $3), \
         deleted_by = coalesce(deleted_by, $4), updated_at = $3, \
         upload_closed_at = case when upload_expires_at > $3 then null \
         else upload_closed_at end where clinic_id = $1 and id = $2 \
         and state in ('scanning', 'available', 'deleted', 'quarantined') and hold_reason is null \
         and (retain_until is null or retain_until <= $3) \
         and ($5 is null or updated_at = $5)",
        of.0,
        of.1,
        now,
        by,
        known,
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
            "storage_provider = $1 and bucket = $2 and hold_reason is null \
             and (retain_until is null or retain_until <= $3) and ",
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
    documents!(
        conn,
        due!("state = 'deleted' and deleted_at < $4 order by deleted_at limit $5"),
        bucket.0,
        bucket.1,
        now,
        before,
        limit
    )
}

/// Temporary documents of this bucket, in any clinic, from before a time.
pub async fn temporary(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    now: Timestamp,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    documents!(
        conn,
        due!(
            "temporary and confirmed_at < $4 and state in ('available', 'quarantined') \
             order by confirmed_at limit $5"
        ),
        bucket.0,
        bucket.1,
        now,
        before,
        limit
    )
}

/// Purged documents of this bucket, in any clinic, whose bytes may still be there, after an id.
pub async fn to_erase(
    mut conn: &mut impl Connection,
    bucket: (&str, &str),
    after: DocumentId,
    limit: i64,
) -> Result<Vec<Unread<Document>>, DbError> {
    documents!(
        conn,
        "state = 'purged' and purged_at is null \
         and storage_provider = $1 and bucket = $2 and id > $3 order by id limit $4",
        bucket.0,
        bucket.1,
        after,
        limit
    )
}
