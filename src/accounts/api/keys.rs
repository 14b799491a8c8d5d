//! `/api/keys`: API keys of the clinic. A key's text is in the answer that made it and nowhere
//! else.

use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::api_keys::{ApiKey, NewKey, create_key, keys_of_clinic};
use crate::access::{Call, Role, Target, TargetKind, rows};
use crate::app::App;
use crate::http::fields::{is_label, label_schema};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Nothing, page};
use crate::ids::ApiKeyId;
use crate::time::Timestamp;

const DAY: Duration = Duration::from_hours(24);
/// The longest life that can be asked for, in days.
const MAX_DAYS: u32 = 3650;

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyJson {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// What it is for.
    name: String,
    /// What it may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    /// `valid`, `expired` or `revoked`.
    state: &'static str,
    /// When it was made.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    revoked_at: Option<Timestamp>,
}

/// The keys of the clinic.
#[derive(Serialize, ToSchema)]
pub struct Keys {
    /// The newest first.
    keys: Vec<KeyJson>,
}

/// 1 to 128 characters, not blank, none of them a control character.
/// A key to make.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewKeyRequest {
    /// What it is for, 1 to 128 characters.
    #[schema(schema_with = label_schema)]
    name: String,
    /// Its role; `service` for an app that names the people it acts for.
    #[schema(pattern = "^(admin|clinician|staff|service|auditor)$")]
    role: String,
    /// After how many days it ends; never when left out.
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<u32>,
}

/// A new key.
#[derive(Serialize, ToSchema)]
pub struct NewKeyAnswer {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The key itself: shown this once.
    key: String,
}

/// The clinic's keys.
#[utoipa::path(get, path = "/api/keys", operation_id = "listKeys", tag = "accounts",
    responses((status = 200, body = Keys)))]
pub async fn list(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<Keys>, ApiError> {
    let grant = call.authorize(target(&call, None)).await?;
    let mut tx = grant.begin().await?;
    let found = keys_of_clinic(&mut tx, call.clinic()).await?;
    tx.commit(Some(serde_json::json!({ "count": found.len() }))).await?;
    let now = app.clock.now();
    Ok(ApiJson(Keys { keys: found.into_iter().map(|key| json(key, now)).collect() }))
}

fn json(key: ApiKey, now: Timestamp) -> KeyJson {
    KeyJson {
        id: key.id.to_string(),
        role: key.role.map(Role::as_str),
        state: key.state(now),
        name: key.name,
        created_at: key.created_at,
        expires_at: key.expires_at,
        revoked_at: key.revoked_at,
    }
}

fn target(call: &Call, id: Option<ApiKeyId>) -> Target {
    let id = id.map(|id| id.to_string());
    Target { id, ..Target::new(TargetKind::ApiKey, call.clinic()) }
}

/// Make a key for the clinic; its text is shown in this answer only.
#[utoipa::path(post, path = "/api/keys", operation_id = "makeKey", tag = "accounts",
    request_body = NewKeyRequest, responses((status = 201, body = NewKeyAnswer)))]
pub async fn make(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<NewKeyRequest>,
) -> Result<(StatusCode, ApiJson<NewKeyAnswer>), ApiError> {
    let grant = call.authorize(target(&call, None)).await?;
    let now = app.clock.now();
    let new = read(&call, body, now)?;
    let mut tx = grant.begin().await?;
    let (key, text) = create_key(&mut tx, &app.ids, now, new).await?;
    tx.about(key.id.to_string());
    let detail = serde_json::json!({ "create": true, "role": key.role.map(Role::as_str) });
    tx.commit(Some(detail)).await?;
    let answer = NewKeyAnswer { id: key.id.to_string(), key: text.reveal().clone() };
    Ok((StatusCode::CREATED, ApiJson(answer)))
}

fn read(call: &Call, body: NewKeyRequest, now: Timestamp) -> Result<NewKey, ApiError> {
    if !is_label(&body.name) {
        let right = "must have 1 to 128 characters, none of them control characters";
        return Err(page::field("name", right));
    }
    let unknown = "must be admin, clinician, staff, service or auditor";
    let role = body.role.parse().ok().filter(|role| *role != Role::Patient);
    let role = role.ok_or_else(|| page::field("role", unknown))?;
    if body.expires_in_days.is_some_and(|days| days == 0 || days > MAX_DAYS) {
        return Err(page::field("expiresInDays", "must be from 1 to 3650"));
    }
    let expires_at = body.expires_in_days.map(|days| now + DAY * days);
    Ok(NewKey { name: body.name, role, clinic: Some(call.clinic()), expires_at })
}

/// End a key; it works for at most five seconds more.
#[utoipa::path(delete, path = "/api/keys/{id}", operation_id = "revokeKey", tag = "accounts",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 204, description = "The key is not valid any more.")))]
pub async fn revoke(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<ApiKeyId>,
) -> Result<StatusCode, ApiError> {
    let grant = call.authorize(target(&call, Some(id))).await?;
    let mut tx = grant.begin().await?;
    if !rows::revoke_key_of_clinic(&mut tx, call.clinic(), id, app.clock.now()).await? {
        return Err(ApiError::not_found());
    }
    tx.commit(Some(serde_json::json!({ "revoke": true }))).await?;
    Ok(StatusCode::NO_CONTENT)
}
