//! All SQL of documents. What reads gives [`Unread`]; what writes takes [`Audited`].

use crate::access::{Audited, Unread};
use crate::db::{Connection, DbError, Tx, execute, execute_later, fetch_optional};
use crate::documents::{Document, State, names};
use crate::ids::{ClinicId, DocumentId, PatientId, UserId};
use crate::store::ObjectInfo;
use crate::time::Timestamp;

/// The columns that make a [`Document`].
macro_rules! columns {
    () => {
        "id, patient_id, clinic_id, owner_user_id, storage_provider, bucket, object_key, \
         content_type, byte_size, sha256_hex, created_at, updated_at, state, state_reason, \
         upload_expires_at, confirmed_at, deleted_at, deleted_by, version_id, etag, category, \
         file_name, entity_type, entity_id, temporary, released, supersedes, upload_key, \
         multipart_id, part_size"
    };
}

/// How a caller names a document.
#[derive(Clone, Debug)]
pub enum Reference {
    /// By its id.
    Id(DocumentId),
    /// By its object key.
    Key {
        /// The bucket it is in.
        bucket: String,
        /// The key.
        key: String,
    },
}

pub(super) use columns;

macro_rules! select_one {
    ($condition:literal) => {
        concat!(
            "select ",
            columns!(),
            " from document_assets where clinic_id = $1 and ",
            $condition
        )
    };
}

/// The document of this name in this clinic. A key that was signed for an upload stays its name.
pub async fn find(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    reference: &Reference,
) -> Result<Option<Unread<Document>>, DbError> {
    let found = match reference {
        Reference::Id(id) => fetch_optional!(conn, Document, select_one!("id = $2"), clinic, id)?,
        Reference::Key { bucket, key } => {
            let by_key = select_one!("bucket = $2 and object_key = $3");
            let by_upload = select_one!("bucket = $2 and upload_key = $3");
            match fetch_optional!(conn, Document, by_key, clinic, bucket, key)? {
                Some(found) => Some(found),
                None => fetch_optional!(conn, Document, by_upload, clinic, bucket, key)?,
            }
        }
    };
    Ok(found.map(Unread::new))
}

/// Adds the row of an upload that was allowed; that it could not be added is told by the commit.
pub async fn insert_pending(tx: &mut Audited, d: &Document) -> Result<(), DbError> {
    execute_later!(
        *tx,
        "insert into document_assets (clinic_id, id, patient_id, owner_user_id, \
         storage_provider, bucket, object_key, content_type, byte_size, sha256_hex, created_at, \
         updated_at, state, upload_expires_at, category, file_name, entity_type, entity_id, \
         temporary, released, supersedes, part_size, file_name_folded, file_words) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending', $13, $14, $15, \
         $16, $17, $18, $19, $20, $21, $22, $23)",
        d.clinic_id,
        d.id,
        &d.patient_id,
        &d.owner_user_id,
        &d.storage_provider,
        &d.bucket,
        &d.object_key,
        &d.content_type,
        i64::try_from(d.byte_size).unwrap_or(i64::MAX),
        &d.sha256_hex,
        d.created_at,
        d.updated_at,
        d.upload_expires_at,
        d.category.as_str(),
        &d.file_name,
        &d.entity_type,
        &d.entity_id,
        d.temporary,
        d.released,
        d.supersedes,
        d.part_size,
        names::folded(d.file_name.reveal()),
        names::words(d.file_name.reveal()),
    )
}

/// What is pinned when an upload is confirmed.
#[derive(Debug)]
pub struct Pinned<'a> {
    /// Where the bytes are now.
    pub object_key: &'a str,
    /// Where a URL was signed to put them, if that is another key.
    pub upload_key: Option<&'a str>,
    /// What the store knows of them.
    pub object: &'a ObjectInfo,
    /// SHA-256 of all of them.
    pub sha256_hex: &'a str,
    /// Since when nothing can come in any more; none while a signed URL is out.
    pub closed_at: Option<Timestamp>,
}

/// Pins the object to a pending document and makes it available. False when it was not pending.
pub async fn mark_available(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
    pinned: &Pinned<'_>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'available', object_key = $3, upload_key = $4, \
         version_id = $5, etag = $6, sha256_hex = $7, confirmed_at = $8, updated_at = $8, \
         upload_closed_at = $9, storage_class = $10 \
         where clinic_id = $1 and id = $2 and state = 'pending'",
        clinic,
        id,
        pinned.object_key,
        &pinned.upload_key.map(str::to_owned),
        &pinned.object.version_id,
        &pinned.object.etag,
        pinned.sha256_hex,
        now,
        pinned.closed_at,
        &pinned.object.storage_class,
    )?;
    Ok(changed == 1)
}

/// Notes the store's id of an upload in parts, while it is pending. False when it is not.
pub async fn set_multipart(
    tx: &mut Tx,
    clinic: ClinicId,
    id: DocumentId,
    multipart_id: &str,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set multipart_id = $3 \
         where clinic_id = $1 and id = $2 and state = 'pending'",
        clinic,
        id,
        multipart_id,
    )?;
    Ok(changed == 1)
}

/// Ends a pending upload without a document: its content was not what was announced (`refused`),
/// or nobody will complete it (`abandoned`). False when it was not pending.
pub async fn mark_ended(
    tx: &mut Audited,
    (clinic, id): (ClinicId, DocumentId),
    ended: State,
    reason: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = $3, state_reason = $4, updated_at = $5 \
         where clinic_id = $1 and id = $2 and state = 'pending'",
        clinic,
        id,
        ended.as_str(),
        reason,
        now,
    )?;
    Ok(changed == 1)
}

/// Moves an available document to the trash.
pub async fn mark_deleted(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
    by: &UserId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'deleted', deleted_at = $3, deleted_by = $4, \
         updated_at = $3 where clinic_id = $1 and id = $2 and state = 'available'",
        clinic,
        id,
        now,
        by,
    )?;
    Ok(changed == 1)
}

/// Brings a document back from the trash.
pub async fn mark_restored(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'available', deleted_at = null, deleted_by = null, \
         updated_at = $3 where clinic_id = $1 and id = $2 and state = 'deleted'",
        clinic,
        id,
        now,
    )?;
    Ok(changed == 1)
}

/// The state a document is in now.
pub async fn state(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    id: DocumentId,
) -> Result<Option<State>, DbError> {
    let row = fetch_optional!(
        conn,
        (String,),
        "select state from document_assets where clinic_id = $1 and id = $2",
        clinic,
        id
    )?;
    Ok(row.and_then(|(state,)| state.parse().ok()))
}

/// Whose object a key is.
#[derive(Debug, sqlx::FromRow)]
pub struct KeyOwner {
    /// The document.
    pub id: DocumentId,
    /// Its clinic.
    pub clinic_id: ClinicId,
    /// Its patient.
    pub patient_id: Option<PatientId>,
    /// Where it is in its life.
    #[sqlx(try_from = "String")]
    pub state: State,
}

/// Whose object a key is, in any clinic; for the trail of the embedded S3 endpoint, which knows
/// no clinics.
pub async fn owner_of_key(
    mut conn: &mut impl Connection,
    bucket: &str,
    key: &str,
) -> Result<Option<KeyOwner>, DbError> {
    let by_key = "select id, clinic_id, patient_id, state from document_assets \
                  where bucket = $1 and object_key = $2";
    let by_upload = "select id, clinic_id, patient_id, state from document_assets \
                     where bucket = $1 and upload_key = $2";
    match fetch_optional!(conn, KeyOwner, by_key, bucket, key)? {
        Some(owner) => Ok(Some(owner)),
        None => fetch_optional!(conn, KeyOwner, by_upload, bucket, key),
    }
}
