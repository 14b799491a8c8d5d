//! `/api/patients/{patientId}/care-team`: whose documents a clinician may see.

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Call, Target, TargetKind, rows};
use crate::app::App;
use crate::http::fields::is_label;
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Nothing, page};
use crate::ids::{PatientId, UserId};
use crate::time::Timestamp;

/// One member of a care team.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CareTeamMember {
    /// Who.
    user_id: String,
    /// Since when.
    #[schema(value_type = String, format = "date-time")]
    added_at: Timestamp,
    /// Who said so.
    added_by: String,
}

/// A patient's care team.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CareTeam {
    /// The members, in the order they were added.
    members: Vec<CareTeamMember>,
}

fn target(call: &Call, patient: &PatientId) -> Target {
    Target { patient: Some(patient.clone()), ..Target::new(TargetKind::Patient, call.clinic()) }
}

fn check(name: &str, id: &str) -> Result<(), ApiError> {
    if !is_label(id) {
        return Err(page::field(name, "must have 1 to 128 characters, no control characters"));
    }
    Ok(())
}

/// Who cares for a patient.
#[utoipa::path(get, path = "/api/patients/{patientId}/care-team",
    operation_id = "listCareTeam", tag = "patients",
    params(("patientId" = String, Path)), responses((status = 200, body = CareTeam)))]
pub async fn list(
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(patient): ApiPath<PatientId>,
) -> Result<ApiJson<CareTeam>, ApiError> {
    check("patientId", patient.as_str())?;
    let grant = call.authorize(target(&call, &patient)).await?;
    let mut tx = grant.begin().await?;
    let rows = rows::list_care_team(&mut tx, call.clinic(), &patient).await?;
    tx.commit(Some(serde_json::json!({ "count": rows.len() }))).await?;
    let members = rows.into_iter().map(|row| CareTeamMember {
        user_id: row.user_id.as_str().to_owned(),
        added_at: row.added_at,
        added_by: row.added_by.as_str().to_owned(),
    });
    Ok(ApiJson(CareTeam { members: members.collect() }))
}

/// Put somebody into a patient's care team.
#[utoipa::path(put, path = "/api/patients/{patientId}/care-team/{userId}",
    operation_id = "addToCareTeam", tag = "patients",
    params(("patientId" = String, Path), ("userId" = String, Path)),
    responses((status = 204, description = "They are in it now.")))]
pub async fn add(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath((patient, user)): ApiPath<(PatientId, UserId)>,
) -> Result<StatusCode, ApiError> {
    check("patientId", patient.as_str())?;
    check("userId", user.as_str())?;
    let grant = call.authorize(target(&call, &patient)).await?;
    let mut tx = grant.begin().await?;
    let (clinic, by, now) = (call.clinic(), call.caller.effective_user(), app.clock.now());
    let added = rows::add_to_care_team(&mut tx, clinic, &patient, &user, by, now).await?;
    tx.commit(Some(serde_json::json!({ "add": user, "changed": added }))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take somebody out of a patient's care team.
#[utoipa::path(delete, path = "/api/patients/{patientId}/care-team/{userId}",
    operation_id = "removeFromCareTeam", tag = "patients",
    params(("patientId" = String, Path), ("userId" = String, Path)),
    responses((status = 204, description = "They are not in it any more.")))]
pub async fn remove(
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath((patient, user)): ApiPath<(PatientId, UserId)>,
) -> Result<StatusCode, ApiError> {
    check("patientId", patient.as_str())?;
    check("userId", user.as_str())?;
    let grant = call.authorize(target(&call, &patient)).await?;
    let mut tx = grant.begin().await?;
    let removed = rows::remove_from_care_team(&mut tx, call.clinic(), &patient, &user).await?;
    tx.commit(Some(serde_json::json!({ "remove": user, "changed": removed }))).await?;
    Ok(StatusCode::NO_CONTENT)
}
