//! The SQL of it.

use crate::db::{Connection, DbError, execute, fetch_all};
use crate::ids::{ClinicId, PatientId};
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

/// Writes down that the first user is being made. False when that had been done before.
pub async fn note_setup(conn: &mut impl Connection, now: Timestamp) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "insert into setup (done, done_at) values (1, $1) on conflict (done) do nothing",
        now,
    )?;
    Ok(changed > 0)
}
