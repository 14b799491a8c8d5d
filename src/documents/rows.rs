//! All SQL of documents. What reads gives [`Unread`]; what writes takes [`Audited`].

use crate::access::{Audited, Unread};
use crate::db::{
    Connection, DbError, Tx, Where, execute, execute_later, fetch_all, fetch_optional, fetch_where,
};
use crate::documents::scan::Landing;
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
         file_name, entity_type, entity_id, temporary, release_state, release_set_at, \
         supersedes, upload_key, multipart_id, part_size, size_is_limit, scan_verdict, \
         scanned_at, purged_at, retain_until, hold_reason, held_at, held_by, \
         (select s.id from document_assets s where s.supersedes = document_assets.id \
          and s.state in ('scanning', 'available', 'quarantined') and s.state = 'available') \
         as superseded_by"
    };
}

/// How a caller names a document.
#[derive(Clone, Debug)]
pub enum Reference {
    /// By its id.
    Id(DocumentId),
    /// By its id, under its patient's.
    OfPatient(PatientId, DocumentId),
    /// By its object key.
    Key {
        /// The bucket it is in.
        bucket: String,
        /// The key.
        key: String,
    },
}

/// The documents that a condition selects, in its order; the values of its numbers follow.
macro_rules! documents {
    ($conn:expr, $condition:expr, $($value:expr),+ $(,)?) => {
        $crate::db::fetch_all!(
            $conn,
            $crate::documents::Document,
            concat!("select ", $crate::documents::rows::columns!(),
                " from document_assets where ", $condition),
            $($value),+
        ).map($crate::access::Unread::all)
    };
}

pub(super) use {columns, documents};

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
        Reference::OfPatient(patient, id) => {
            let of_patient = select_one!("id = $2 and patient_id = $3");
            fetch_optional!(conn, Document, of_patient, clinic, id, patient)?
        }
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

/// The documents of these ids in this clinic, in no order.
pub async fn find_all(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    ids: &[DocumentId],
) -> Result<Vec<Unread<Document>>, DbError> {
    let mut query = Where::new(concat!("select ", columns!(), " from document_assets"));
    query.and("clinic_id = ?", [clinic.into()]);
    query.and_in("id", ids.iter().map(|id| (*id).into()));
    Ok(Unread::all(fetch_where!(conn, Document, query)?))
}

/// How many uploads may be open before one is added; below zero: any number.
#[derive(Clone, Copy, Debug)]
pub struct OpenUploads {
    /// Of the caller; also of a service, whoever it acts for.
    pub caller: i64,
    /// Of the clinic.
    pub clinic: i64,
}

impl OpenUploads {
    /// So many fewer; none where there would be nothing left.
    pub fn less(&self, by: i64) -> Option<Self> {
        let less =
            |most: i64| if most < 0 { Some(most) } else { Some(most - by).filter(|m| *m > 0) };
        Some(Self { caller: less(self.caller)?, clinic: less(self.clinic)? })
    }
}

/// Adds the row of an upload that was allowed; that it could not be added is told by the commit.
/// Where too many are open, there is no value for the state, which it must have: that is
/// [`DbError::is_missing`], on both engines, without a statement of its own. At most as many rows
/// are counted as there may be.
pub async fn insert_pending(
    tx: &mut Audited,
    d: &Document,
    service: Option<&UserId>,
    most: &OpenUploads,
) -> Result<(), DbError> {
    execute_later!(
        *tx,
        "insert into document_assets (clinic_id, id, patient_id, owner_user_id, \
         storage_provider, bucket, object_key, content_type, byte_size, sha256_hex, created_at, \
         updated_at, state, upload_expires_at, category, file_name, entity_type, entity_id, \
         temporary, release_state, supersedes, part_size, file_name_folded, size_is_limit, \
         file_words, state_reason, begun_by, release_set_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, \
         case when $25 >= 0 and $25 <= (select count(*) from (select 1 from document_assets \
         where clinic_id = $1 and owner_user_id = $4 and state = 'pending' \
         limit abs($25)) as own) then null \
         when $28 is not null and $25 >= 0 and $25 <= (select count(*) from (select 1 \
         from document_assets where clinic_id = $1 and begun_by = $28 and state = 'pending' \
         limit abs($25)) as by_service) then null \
         when $26 >= 0 and $26 <= (select count(*) from (select 1 from document_assets \
         where clinic_id = $1 and state = 'pending' limit abs($26)) as everybody) then null \
         else 'pending' end, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $27, \
         $28, $29)",
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
        d.release.as_str(),
        d.supersedes,
        d.part_size,
        names::folded(d.file_name.reveal()),
        d.size_is_limit,
        names::words(d.file_name.reveal()),
        most.caller,
        most.clinic,
        &d.state_reason,
        service,
        d.release_set_at,
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
    /// Where the document goes, by what the scanner says.
    pub landing: &'a Landing,
}

/// Pins the object to a pending document. False when it was not pending. A unique violation:
/// another document has replaced what this one was to replace.
pub async fn mark_confirmed(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
    pinned: &Pinned<'_>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = $10, object_key = $3, upload_key = $4, \
         version_id = $5, etag = $6, sha256_hex = $7, confirmed_at = $8, updated_at = $8, \
         upload_closed_at = $9, byte_size = $15, size_is_limit = false, state_reason = $11, \
         scan_verdict = $12, scanned_at = $13, scan_next_at = $14, storage_class = $16 \
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
        pinned.landing.state.as_str(),
        &pinned.landing.reason,
        &pinned.landing.verdict,
        pinned.landing.scanned_at,
        pinned.landing.next_at(now),
        i64::try_from(pinned.object.size).unwrap_or(i64::MAX),
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

/// Says what an upload that is being received is about, which nobody knew when its bytes began to
/// come. False when it is not pending. The event that names it is that of the commit which pins
/// the bytes.
pub async fn set_meaning(tx: &mut Tx, d: &Document) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set patient_id = $3, category = $4, entity_type = $5, \
         entity_id = $6, temporary = $7, supersedes = $8, file_name = $9, \
         file_name_folded = $10, sha256_hex = $11, file_words = $12, release_state = $13, \
         release_set_at = $14, state_reason = null \
         where clinic_id = $1 and id = $2 and state = 'pending'",
        d.clinic_id,
        d.id,
        &d.patient_id,
        d.category.as_str(),
        &d.entity_type,
        &d.entity_id,
        d.temporary,
        d.supersedes,
        &d.file_name,
        names::folded(d.file_name.reveal()),
        &d.sha256_hex,
        names::words(d.file_name.reveal()),
        d.release.as_str(),
        d.release_set_at,
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

/// Whether any document is of this patient.
pub async fn has_patient(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    patient: &str,
) -> Result<bool, DbError> {
    let known = fetch_optional!(
        conn,
        (PatientId,),
        "select patient_id from document_assets where clinic_id = $1 and patient_id = $2 limit 1",
        clinic,
        patient
    )?;
    Ok(known.is_some())
}

/// Whose documents lie in a folder of keys, named with the slash at its end: one patient's, but
/// for what was filed anew since.
pub async fn patients_in_folder(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    bucket: &str,
    folder: &str,
) -> Result<Vec<PatientId>, DbError> {
    // '0' is the character after '/': the range is the folder's.
    let behind = format!("{}0", folder.trim_end_matches('/'));
    let found = fetch_all!(
        conn,
        (PatientId,),
        "select distinct patient_id from document_assets where bucket = $1 and object_key >= $2 \
         and object_key < $3 and clinic_id = $4 and patient_id is not null",
        bucket,
        folder,
        behind,
        clinic
    )?;
    Ok(found.into_iter().map(|(patient,)| patient).collect())
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
    /// How many bytes it has, or may have at most while that is not known.
    #[sqlx(try_from = "i64")]
    pub byte_size: u64,
}

/// Whose object a key is, in any clinic; for the trail of the embedded S3 endpoint, which knows
/// no clinics.
pub async fn owner_of_key(
    mut conn: &mut impl Connection,
    bucket: &str,
    key: &str,
) -> Result<Option<KeyOwner>, DbError> {
    let by_key = "select id, clinic_id, patient_id, state, byte_size from document_assets \
                  where bucket = $1 and object_key = $2";
    let by_upload = "select id, clinic_id, patient_id, state, byte_size from document_assets \
                     where bucket = $1 and upload_key = $2";
    let by_preview = "select d.id, d.clinic_id, d.patient_id, d.state, p.byte_size \
                      from document_previews p \
                      join document_assets d on d.id = p.document_id \
                      where p.bucket = $1 and p.object_key = $2";
    for sql in [by_key, by_upload, by_preview] {
        let found = fetch_optional!(conn, KeyOwner, sql, bucket, key)?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}
