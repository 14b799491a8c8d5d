//! The SQL of it.

use crate::db::{Connection, DbError, execute, fetch_all};
use crate::ids::{ClinicId, PatientId, SessionId};
use crate::time::Timestamp;

/// A patient whose documents a user sees.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct PatientOfUser {
    /// The user.
    pub user_name: String,
    /// The patient.
    pub patient_id: PatientId,
}

/// Lets a user with the role `patient` see a patient's documents.
pub async fn insert_patient_of_user(
    conn: &mut impl Connection,
    name: &str,
    patient: &PatientId,
) -> Result<(), DbError> {
    execute!(
        *conn,
        "insert into user_patients (user_name, patient_id) values ($1, $2) \
         on conflict (user_name, patient_id) do nothing",
        name,
        patient,
    )?;
    Ok(())
}

/// The patients of every user of a clinic.
pub async fn patients_of_users(
    conn: &mut impl Connection,
    clinic: ClinicId,
) -> Result<Vec<PatientOfUser>, DbError> {
    fetch_all!(
        *conn,
        PatientOfUser,
        "select p.user_name, p.patient_id from user_patients p \
         join users u on u.name = p.user_name where u.clinic_id = $1 \
         order by p.user_name, p.patient_id",
        clinic,
    )
}

/// The patients of one user.
pub async fn patients_of_user(
    conn: &mut impl Connection,
    name: &str,
) -> Result<Vec<PatientOfUser>, DbError> {
    fetch_all!(
        *conn,
        PatientOfUser,
        "select user_name, patient_id from user_patients where user_name = $1 order by patient_id",
        name,
    )
}

/// Ends every session of a user, but for one.
pub async fn end_sessions(
    conn: &mut impl Connection,
    name: &str,
    but: Option<SessionId>,
    now: Timestamp,
) -> Result<(), DbError> {
    // No session has this id.
    let none = SessionId::from_uuid(uuid::Uuid::nil());
    execute!(
        *conn,
        "update sessions set ended_at = $3 \
         where user_name = $1 and id <> $2 and ended_at is null",
        name,
        but.unwrap_or(none),
        now,
    )?;
    Ok(())
}

/// Gives a user of a clinic a new password and ends their sessions, but for one. False when nobody
/// has that name.
pub async fn set_password(
    conn: &mut impl Connection,
    clinic: ClinicId,
    name: &str,
    password_hash: &str,
    but: Option<SessionId>,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "update users set password_hash = $3, failed_attempts = 0, locked_until = null \
         where clinic_id = $1 and name = $2",
        clinic,
        name,
        password_hash,
    )?;
    if changed > 0 {
        end_sessions(conn, name, but, now).await?;
    }
    Ok(changed > 0)
}

/// Writes down that the first user is being made. False when that had been done before.
pub async fn note_setup(conn: &mut impl Connection, now: Timestamp) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "insert into setup (done, done_at) values (1, $1) on conflict (done) do nothing",
        now,
    )?;
    Ok(changed > 0)
}
