//! All SQL of tickets for uploads.

use crate::access::Audited;
use crate::db::{Connection, DbError, execute, fetch_optional};
use crate::ids::{ApiKeyId, ClinicId, DocumentId, PatientId, SessionId, TicketId};
use crate::time::Timestamp;

/// A ticket as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TicketRow {
    /// Its public part.
    pub id: TicketId,
    /// SHA-256 of its secret part.
    pub secret_hash: Vec<u8>,
    /// The clinic of whoever made it.
    pub clinic_id: ClinicId,
    /// With what kind of credential it was made.
    pub caller_kind: String,
    /// Who made it.
    pub user_id: String,
    /// Their roles, separated by spaces.
    pub roles: String,
    /// Their own patients, as JSON.
    pub patients: String,
    /// The person a service made it for.
    pub acting_user: Option<String>,
    /// That person's role.
    pub acting_role: Option<String>,
    /// The API key it was made with.
    pub api_key_id: Option<ApiKeyId>,
    /// The session it was made in.
    pub session_id: Option<SessionId>,
    /// The patient it is for.
    pub patient_id: Option<PatientId>,
    /// The category it is for.
    pub category: Option<String>,
    /// What else its uploads belong to.
    pub entity_type: Option<String>,
    /// The id of that.
    pub entity_id: Option<String>,
    /// The largest file, bytes.
    pub max_size: Option<i64>,
    /// How many uploads may begin with it.
    pub max_files: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Adds a ticket.
pub async fn insert_ticket(tx: &mut Audited, row: &TicketRow) -> Result<(), DbError> {
    execute!(
        *tx,
        "insert into upload_tickets (clinic_id, id, secret_hash, caller_kind, user_id, roles, \
         patients, acting_user, acting_role, api_key_id, session_id, patient_id, category, \
         entity_type, entity_id, max_size, max_files, files, created_at, expires_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, \
         $18, $19)",
        row.clinic_id,
        row.id,
        row.secret_hash.as_slice(),
        row.caller_kind.as_str(),
        row.user_id.as_str(),
        row.roles.as_str(),
        row.patients.as_str(),
        &row.acting_user,
        &row.acting_role,
        row.api_key_id,
        row.session_id,
        &row.patient_id,
        &row.category,
        &row.entity_type,
        &row.entity_id,
        row.max_size,
        row.max_files,
        row.created_at,
        row.expires_at,
    )?;
    Ok(())
}

/// One ticket, also one that has ended.
pub async fn find_ticket(
    conn: &mut impl Connection,
    id: TicketId,
) -> Result<Option<TicketRow>, DbError> {
    fetch_optional!(
        *conn,
        TicketRow,
        "select id, secret_hash, clinic_id, caller_kind, user_id, roles, patients, acting_user, \
         acting_role, api_key_id, session_id, patient_id, category, entity_type, entity_id, \
         max_size, max_files, created_at, expires_at from upload_tickets where id = $1",
        id,
    )
}

/// Notes that an upload begins with a ticket; false when as many have begun as may.
pub async fn take_ticket(
    tx: &mut Audited,
    clinic: ClinicId,
    id: TicketId,
    document: DocumentId,
) -> Result<bool, DbError> {
    let taken = execute!(
        *tx,
        "update upload_tickets set files = files + 1 \
         where clinic_id = $1 and id = $2 and files < max_files",
        clinic,
        id,
    )?;
    if taken == 0 {
        return Ok(false);
    }
    let noted = execute!(
        *tx,
        "insert into upload_ticket_files (ticket_id, document_id) values ($1, $2)",
        id,
        document,
    )?;
    Ok(noted == 1)
}

/// Whether an upload began with a ticket.
pub async fn is_of_ticket(
    conn: &mut impl Connection,
    id: TicketId,
    document: DocumentId,
) -> Result<bool, DbError> {
    let row: Option<(DocumentId,)> = fetch_optional!(
        *conn,
        (DocumentId,),
        "select document_id from upload_ticket_files where ticket_id = $1 and document_id = $2",
        id,
        document,
    )?;
    Ok(row.is_some())
}

/// Forgets tickets that ended before a time.
pub async fn delete_tickets_before(tx: &mut Audited, before: Timestamp) -> Result<(), DbError> {
    execute!(
        *tx,
        "delete from upload_ticket_files where ticket_id in \
         (select id from upload_tickets where expires_at < $1)",
        before,
    )?;
    execute!(*tx, "delete from upload_tickets where expires_at < $1", before)?;
    Ok(())
}
