//! The trail's SQL.

use sqlx::FromRow;
use uuid::Uuid;

use super::Event;
use crate::db::{Connection, DbError, Value, Where, execute_later, fetch_where};
use crate::ids::ClinicId;
use crate::time::Timestamp;

/// Adds one event; that it could not be added is told by the commit, if not here.
pub async fn insert(mut conn: &mut impl Connection, event: &Event) -> Result<(), DbError> {
    let behalf = event.actor.on_behalf_of.as_ref();
    execute_later!(
        conn,
        "insert into audit_events (clinic_id, id, at, action, outcome, code, actor_kind, \
         actor_id, actor_roles, on_behalf_of, behalf_role, target_kind, target_id, patient_id, \
         request_id, remote_addr, detail) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        event.clinic,
        event.id,
        event.at,
        event.action,
        event.outcome.as_str(),
        event.code,
        event.actor.kind,
        &event.actor.id,
        &event.actor.roles,
        behalf.map(|b| b.0.as_str()),
        behalf.map(|b| b.1.as_str()),
        event.subject.kind,
        &event.subject.id,
        &event.subject.patient,
        &event.request_id,
        event.remote.map(|ip| ip.to_string()),
        event.detail.as_ref().map(ToString::to_string),
    )
}

/// An event as it was written.
#[derive(Debug, FromRow)]
pub struct EventRow {
    /// Its place in the trail.
    pub seq: i64,
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What was asked for.
    pub action: String,
    /// `granted`, `denied` or `failed`.
    pub outcome: String,
    /// The error code, if any.
    pub code: Option<String>,
    /// What kind of caller.
    pub actor_kind: String,
    /// Who.
    pub actor_id: String,
    /// With which roles.
    pub actor_roles: String,
    /// For whom a service acted.
    pub on_behalf_of: Option<String>,
    /// In which role.
    pub behalf_role: Option<String>,
    /// What it was done to.
    pub target_kind: Option<String>,
    /// Its id.
    pub target_id: Option<String>,
    /// The patient concerned.
    pub patient_id: Option<String>,
    /// The request's id.
    pub request_id: String,
    /// Where the call came from.
    pub remote_addr: Option<String>,
    /// More facts, as JSON.
    pub detail: Option<String>,
}

/// What to look for; every field narrows.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// One action.
    pub action: Option<String>,
    /// One outcome.
    pub outcome: Option<String>,
    /// One caller, by their own id or as the person acted for.
    pub actor: Option<String>,
    /// One target's id.
    pub target: Option<String>,
    /// One patient.
    pub patient: Option<String>,
    /// One request.
    pub request_id: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Only events before this place in the trail.
    pub before_seq: Option<i64>,
}

/// One clinic's events that match, newest first.
pub async fn search(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    search: &Search,
    limit: u32,
) -> Result<Vec<EventRow>, DbError> {
    let mut query = Where::new(
        "select seq, id, at, action, outcome, code, actor_kind, actor_id, actor_roles, \
         on_behalf_of, behalf_role, target_kind, target_id, patient_id, request_id, \
         remote_addr, detail from audit_events",
    );
    query.and("clinic_id = ?", [clinic.into()]);
    for (condition, value) in [
        ("action = ?", &search.action),
        ("outcome = ?", &search.outcome),
        ("target_id = ?", &search.target),
        ("patient_id = ?", &search.patient),
        ("request_id = ?", &search.request_id),
    ] {
        if let Some(value) = value {
            query.and(condition, [Value::from(value.as_str())]);
        }
    }
    if let Some(actor) = &search.actor {
        let actor = Value::from(actor.as_str());
        query.and("actor_id = ? or on_behalf_of = ?", [actor.clone(), actor]);
    }
    for (condition, value) in [("at >= ?", search.from), ("at < ?", search.to)] {
        if let Some(value) = value {
            query.and(condition, [value.into()]);
        }
    }
    if let Some(seq) = search.before_seq {
        query.and("seq < ?", [seq.into()]);
    }
    query.then("order by seq desc limit ?", [i64::from(limit).into()]);
    fetch_where!(conn, EventRow, query)
}
