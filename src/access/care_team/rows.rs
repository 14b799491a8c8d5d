//! All SQL of care teams. A clinic's teams are seen from that clinic only.

use crate::db::{Connection, DbError, execute, fetch_all, fetch_optional};
use crate::ids::{ClinicId, PatientId, UserId};
use crate::time::Timestamp;

/// Whether a user cares for a patient.
pub async fn is_in_care_team(
    conn: &mut impl Connection,
    clinic: ClinicId,
    patient: &PatientId,
    user: &UserId,
) -> Result<bool, DbError> {
    let row: Option<(String,)> = fetch_optional!(
        *conn,
        (String,),
        "select user_id from care_team \
         where clinic_id = $1 and patient_id = $2 and user_id = $3",
        clinic,
        patient,
        user,
    )?;
    Ok(row.is_some())
}

/// Adds a user to a patient's care team; false when they were in it.
pub async fn add_to_care_team(
    conn: &mut impl Connection,
    clinic: ClinicId,
    patient: &PatientId,
    user: &UserId,
    added_by: &UserId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let added = execute!(
        *conn,
        "insert into care_team (clinic_id, patient_id, user_id, added_at, added_by) \
         values ($1, $2, $3, $4, $5) on conflict do nothing",
        clinic,
        patient,
        user,
        now,
        added_by,
    )?;
    Ok(added > 0)
}

/// Takes a user out of a patient's care team; false when they were not in it.
pub async fn remove_from_care_team(
    conn: &mut impl Connection,
    clinic: ClinicId,
    patient: &PatientId,
    user: &UserId,
) -> Result<bool, DbError> {
    let removed = execute!(
        *conn,
        "delete from care_team where clinic_id = $1 and patient_id = $2 and user_id = $3",
        clinic,
        patient,
        user,
    )?;
    Ok(removed > 0)
}

/// One member of a patient's care team.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CareTeamRow {
    /// Who cares for the patient.
    pub user_id: UserId,
    /// Since when.
    pub added_at: Timestamp,
    /// Who said so.
    pub added_by: UserId,
}

/// Who cares for a patient, in the order they were added.
pub async fn list_care_team(
    conn: &mut impl Connection,
    clinic: ClinicId,
    patient: &PatientId,
) -> Result<Vec<CareTeamRow>, DbError> {
    fetch_all!(
        *conn,
        CareTeamRow,
        "select user_id, added_at, added_by from care_team \
         where clinic_id = $1 and patient_id = $2 order by added_at, user_id",
        clinic,
        patient,
    )
}
