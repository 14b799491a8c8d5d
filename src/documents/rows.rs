//! All SQL of documents. What reads gives [`Unread`]; what writes takes [`Audited`].

use crate::access::{Audited, Unread};
use crate::db::{
    Connection, DbError, Value, Where, execute, execute_later, fetch_optional, fetch_where,
};
use crate::documents::list::{Filter, Position, Scope, Sort};
use crate::documents::{Document, State};
use crate::ids::{ClinicId, DocumentId, PatientId, UserId};
use crate::store::ObjectInfo;
use crate::time::Timestamp;

macro_rules! columns {
    () => {
        "id, patient_id, clinic_id, owner_user_id, storage_provider, bucket, object_key, \
         content_type, byte_size, sha256_hex, created_at, updated_at, state, state_reason, \
         upload_expires_at, confirmed_at, deleted_at, deleted_by, version_id, etag, category, \
         file_name, entity_type, entity_id, temporary, released, supersedes"
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

/// The document of this name in this clinic.
pub async fn find(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    reference: &Reference,
) -> Result<Option<Unread<Document>>, DbError> {
    let found = match reference {
        Reference::Id(id) => fetch_optional!(
            conn,
            Document,
            concat!(
                "select ",
                columns!(),
                " from document_assets where clinic_id = $1 and id = $2"
            ),
            clinic,
            id
        ),
        Reference::Key { bucket, key } => fetch_optional!(
            conn,
            Document,
            concat!(
                "select ",
                columns!(),
                " from document_assets where clinic_id = $1 and bucket = $2 and object_key = $3"
            ),
            clinic,
            bucket,
            key
        ),
    }?;
    Ok(found.map(Unread::new))
}

/// Adds the row of an upload that was allowed; that it could not be added is told by the commit.
pub async fn insert_pending(tx: &mut Audited, d: &Document) -> Result<(), DbError> {
    execute_later!(
        *tx,
        "insert into document_assets (clinic_id, id, patient_id, owner_user_id, \
         storage_provider, bucket, object_key, content_type, byte_size, sha256_hex, created_at, \
         updated_at, state, upload_expires_at, category, file_name, entity_type, entity_id, \
         temporary, released, supersedes, file_name_folded) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'pending', $13, $14, $15, \
         $16, $17, $18, $19, $20, $21)",
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
        d.file_name.reveal().to_lowercase(),
    )
}

/// Pins the object to a pending document and makes it available. False when it was not pending.
pub async fn mark_available(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
    object: &ObjectInfo,
    sha256_hex: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'available', version_id = $3, etag = $4, \
         sha256_hex = $5, confirmed_at = $6, updated_at = $6 \
         where clinic_id = $1 and id = $2 and state = 'pending'",
        clinic,
        id,
        &object.version_id,
        &object.etag,
        sha256_hex,
        now,
    )?;
    Ok(changed == 1)
}

/// Ends a pending upload whose content was not what was announced.
pub async fn mark_refused(
    tx: &mut Audited,
    clinic: ClinicId,
    id: DocumentId,
    reason: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update document_assets set state = 'refused', state_reason = $3, updated_at = $4 \
         where clinic_id = $1 and id = $2 and state = 'pending'",
        clinic,
        id,
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

/// The documents that match, in order, from a position on.
pub async fn list(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    filter: &Filter,
    scope: &Scope,
    after: Option<&Position>,
    limit: u32,
) -> Result<Unread<Vec<Document>>, DbError> {
    let mut query = Where::new(concat!("select ", columns!(), " from document_assets"));
    query.and("clinic_id = ?", [clinic.into()]);
    narrow(&mut query, clinic, filter, scope);
    if let Some(position) = after {
        query.and(beyond(filter.sort), position.values());
    }
    query.then(order(filter.sort), [i64::from(limit).into()]);
    fetch_where!(conn, Document, query).map(Unread::new)
}

fn narrow(query: &mut Where, clinic: ClinicId, filter: &Filter, scope: &Scope) {
    query.and_in("state", filter.states.iter().map(|s| s.as_str().into()));
    query.and_in("category", scope.categories.iter().map(|c| c.as_str().into()));
    if let Some(patient) = &filter.patient {
        query.and("patient_id = ?", [patient.clone().into()]);
    }
    if let Some(patients) = &scope.own_patients {
        query.and_in("patient_id", patients.iter().map(|p| p.clone().into()));
    }
    if let Some(member) = &scope.care_team_of {
        query.and(
            "patient_id is null or patient_id in \
             (select patient_id from care_team where clinic_id = ? and user_id = ?)",
            [clinic.into(), member.clone().into()],
        );
    }
    if let Some(text) = &filter.name_contains {
        let pattern = format!("%{}%", escape_like(&text.to_lowercase()));
        query.and("file_name_folded like ? escape '\\'", [pattern.into()]);
    }
    for (condition, value) in [("created_at >= ?", filter.from), ("created_at < ?", filter.to)] {
        if let Some(value) = value {
            query.and(condition, [value.into()]);
        }
    }
}

fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

const fn beyond(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "(created_at, id) < (?, ?)",
        Sort::Oldest => "(created_at, id) > (?, ?)",
        Sort::Name => "(file_name, id) > (?, ?)",
        Sort::Largest => "(byte_size, id) < (?, ?)",
    }
}

const fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "order by created_at desc, id desc limit ?",
        Sort::Oldest => "order by created_at, id limit ?",
        Sort::Name => "order by file_name, id limit ?",
        Sort::Largest => "order by byte_size desc, id desc limit ?",
    }
}

impl Position {
    fn values(&self) -> [Value; 2] {
        let at = match self {
            Self::Time(at, _) => Value::Time(Timestamp::from_micros(*at)),
            Self::Name(name, _) => Value::Text(name.clone()),
            Self::Size(size, _) => Value::Int(*size),
        };
        [at, Value::Uuid(self.id().as_uuid())]
    }
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
    fetch_optional!(
        conn,
        KeyOwner,
        "select id, clinic_id, patient_id, state from document_assets \
         where bucket = $1 and object_key = $2",
        bucket,
        key
    )
}
