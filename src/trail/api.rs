//! `GET /api/audit`: the clinic's events, newest first.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use crate::access::{Action, Call, Target, TargetKind};
use crate::app::App;
use crate::audit::rows::{EventRow, Search, search};
use crate::http::page::{self, Page};
use crate::http::{ApiError, ApiJson, ApiQuery};
use crate::time::Timestamp;

/// Which events.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// One action, such as `download.issue`.
    #[param(schema_with = action_names)]
    action: Option<String>,
    /// `granted`, `denied` or `failed`.
    #[param(pattern = "^(granted|denied|failed)$")]
    outcome: Option<String>,
    /// Who did it, or on whose behalf it was done.
    actor: Option<String>,
    /// The id of what it was done to.
    target_id: Option<String>,
    /// The patient concerned.
    patient_id: Option<String>,
    /// One request.
    request_id: Option<String>,
    /// At or after this time (RFC 3339).
    from: Option<String>,
    /// Before this time (RFC 3339).
    to: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// How many, 1 to 1000; 50 when left out.
    limit: Option<u32>,
}

fn action_names() -> Object {
    let names = Action::ALL.iter().map(|action| action.as_str());
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}

/// One event of the trail.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// Its place in the trail.
    seq: i64,
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// When.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// What was asked for.
    action: String,
    /// `granted`, `denied` or `failed`.
    outcome: String,
    /// The error code, where it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Who asked.
    actor: AuditActor,
    /// What it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_kind: Option<String>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    target_id: Option<String>,
    /// The patient concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<String>,
    /// Ties it to the answer and the log.
    request_id: String,
    /// Where the call came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_address: Option<String>,
    /// More facts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    detail: Option<Box<serde_json::value::RawValue>>,
}

/// Who did something.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditActor {
    /// `user`, `api_key`, `session`, `s3`, `command`, `unknown`.
    kind: String,
    /// The user's id, or the key's.
    id: String,
    /// The roles they came with.
    roles: Vec<String>,
    /// The person a service acted for.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<String>,
    /// The role it acted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_role: Option<String>,
}

impl From<EventRow> for AuditEvent {
    fn from(row: EventRow) -> Self {
        Self {
            seq: row.seq,
            id: row.id.to_string(),
            at: row.at,
            action: row.action,
            outcome: row.outcome,
            code: row.code,
            actor: AuditActor {
                kind: row.actor_kind,
                id: row.actor_id,
                roles: row.actor_roles.split_whitespace().map(str::to_owned).collect(),
                on_behalf_of: row.on_behalf_of,
                in_role: row.behalf_role,
            },
            target_kind: row.target_kind,
            target_id: row.target_id,
            patient_id: row.patient_id,
            request_id: row.request_id,
            remote_address: row.remote_addr,
            detail: row.detail.and_then(|d| serde_json::value::RawValue::from_string(d).ok()),
        }
    }
}

/// The trail of the caller's clinic, newest first.
#[utoipa::path(get, path = "/api/audit",
    operation_id = "listAudit", tag = "audit",
    params(AuditQuery),
    responses((status = 200, body = Page<AuditEvent>)))]
pub async fn list(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<AuditQuery>,
) -> Result<ApiJson<Page<AuditEvent>>, ApiError> {
    let limit = page::limit(query.limit)?;
    let wanted = read_search(query)?;
    let grant = call.authorize(Target::new(TargetKind::Clinic, call.clinic())).await?;
    let mut reader = app.db.reader().await?;
    let mut rows = search(&mut reader, call.clinic(), &wanted, limit + 1).await?;
    drop(reader);
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = rows.last().filter(|_| more).and_then(|row| page::encode(&row.seq));
    let detail = serde_json::json!({ "count": rows.len() });
    grant.begin().await?.commit(Some(detail)).await?;
    Ok(ApiJson(Page { items: rows.into_iter().map(AuditEvent::from).collect(), next_cursor }))
}

fn read_search(query: AuditQuery) -> Result<Search, ApiError> {
    let time = |name: &str, text: Option<&str>| {
        text.map(Timestamp::parse)
            .transpose()
            .map_err(|_| page::field(name, "must be a time such as 2026-02-03T04:05:06Z"))
    };
    if let Some(outcome) = &query.outcome
        && !["granted", "denied", "failed"].contains(&outcome.as_str())
    {
        return Err(page::field("outcome", "must be granted, denied or failed"));
    }
    if let Some(action) = &query.action
        && !Action::ALL.iter().any(|known| known.as_str() == action)
    {
        let right = "must be the name of an action, such as download.issue; openapi.json has them";
        return Err(page::field("action", right));
    }
    Ok(Search {
        from: time("from", query.from.as_deref())?,
        to: time("to", query.to.as_deref())?,
        before_seq: query.cursor.as_deref().map(page::decode).transpose()?,
        action: query.action,
        outcome: query.outcome,
        actor: query.actor,
        target: query.target_id,
        patient: query.patient_id,
        request_id: query.request_id,
    })
}
