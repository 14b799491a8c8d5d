//! `/api/webhooks`: addresses of an app that are told what happens to documents.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, SchemaType, Type};

use super::{Asked, Changes, Delivery, Webhook, WebhookError};
use crate::access::Call;
use crate::app::App;
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Code, Nothing};
use crate::ids::{DeliveryId, DocumentId, WebhookId};
use crate::outbox::Happening;
use crate::time::Timestamp;

impl From<WebhookError> for ApiError {
    fn from(e: WebhookError) -> Self {
        match e {
            WebhookError::NotFound => Self::not_found(),
            WebhookError::Refused(refusal) => refusal.into(),
            WebhookError::Fields(errors) => Self::fields(errors),
            WebhookError::TooMany => {
                let detail = format!("A clinic has at most {} webhooks.", super::MOST);
                Self::new(Code::WrongState, detail)
            }
            WebhookError::Off => {
                let detail = "The webhook is off; switch it on first: PATCH {\"enabled\": true}.";
                Self::new(Code::WrongState, detail)
            }
            WebhookError::Db(e) => e.into(),
        }
    }
}

/// A webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookJson {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    id: WebhookId,
    /// Where messages go.
    url: String,
    /// What it is told of; `*`: everything.
    events: Vec<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Whether messages are sent.
    enabled: bool,
    /// Why not: `by hand`, `gone` (it answered 410) or `failing` (it took nothing for five days).
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
    /// Since when it has been off.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    disabled_at: Option<Timestamp>,
    /// Since when it has taken no message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    failing_since: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// By whom.
    created_by: String,
}

impl From<Webhook> for WebhookJson {
    fn from(w: Webhook) -> Self {
        Self {
            id: w.id,
            url: w.url,
            events: w.events.split_whitespace().map(str::to_owned).collect(),
            description: w.description,
            enabled: w.disabled_at.is_none(),
            disabled_reason: w.disabled_reason,
            disabled_at: w.disabled_at,
            failing_since: w.failing_since,
            created_at: w.created_at,
            created_by: w.created_by,
        }
    }
}

/// A webhook and the secret that nobody is shown again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewWebhook {
    /// The webhook.
    #[serde(flatten)]
    webhook: WebhookJson,
    /// What its messages are signed with (`whsec_…`); shown this once.
    secret: String,
}

/// Names of events, or `*` alone.
fn events() -> Array {
    let names = Happening::ALL.iter().filter(|h| **h != Happening::Test).map(|h| h.as_str());
    let name = ObjectBuilder::new().schema_type(Type::String);
    let name = name.enum_values(Some(names.chain(["*"])));
    let kinds = SchemaType::from_iter([Type::Array, Type::Null]);
    ArrayBuilder::new().schema_type(kinds).items(name).min_items(Some(1)).build()
}

/// What is asked of a new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWebhook {
    /// Where messages go; https.
    #[schema(pattern = "^https?://.", max_length = 2048)]
    url: String,
    /// What it is told of, such as `document.available`; everything when left out.
    #[schema(schema_with = events)]
    events: Option<Vec<String>>,
    /// What it is for.
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    description: Option<String>,
}

/// Have an address told what happens to the clinic's documents.
#[utoipa::path(post, path = "/api/webhooks",
    operation_id = "createWebhook", tag = "webhooks",
    request_body = CreateWebhook,
    responses((status = 201, body = NewWebhook)))]
pub async fn create(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<CreateWebhook>,
) -> Result<(StatusCode, ApiJson<NewWebhook>), ApiError> {
    let CreateWebhook { url, events, description } = body;
    let (webhook, secret) = super::create(&app, &call, Asked { url, events, description }).await?;
    let secret = secret.text().into_revealed();
    Ok((StatusCode::CREATED, ApiJson(NewWebhook { webhook: webhook.into(), secret })))
}

/// A clinic's webhooks.
#[derive(Serialize, ToSchema)]
pub struct Webhooks {
    /// All of them, oldest first.
    items: Vec<WebhookJson>,
}

/// The clinic's webhooks.
#[utoipa::path(get, path = "/api/webhooks",
    operation_id = "listWebhooks", tag = "webhooks",
    responses((status = 200, body = Webhooks)))]
pub async fn list(
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<Webhooks>, ApiError> {
    let webhooks = super::list(&call).await?;
    Ok(ApiJson(Webhooks { items: webhooks.into_iter().map(WebhookJson::from).collect() }))
}

/// A message to a webhook.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryJson {
    /// Its id, which goes with it as `webhook-id`.
    #[schema(value_type = String, format = "uuid")]
    id: DeliveryId,
    /// What happened.
    event: String,
    /// To which document.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    document_id: Option<DocumentId>,
    /// `pending`, `delivered` or `failed`.
    state: String,
    /// How often it was sent.
    attempts: i64,
    /// When it happened.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When it was last sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    attempted_at: Option<Timestamp>,
    /// When it is sent next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    due_at: Option<Timestamp>,
    /// The status it was answered with, or what went wrong before there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

impl From<Delivery> for DeliveryJson {
    fn from(d: Delivery) -> Self {
        Self {
            id: d.id,
            event: d.event,
            document_id: d.document_id,
            due_at: (d.state == "pending").then_some(d.due_at),
            state: d.state,
            attempts: d.attempts,
            created_at: d.created_at,
            attempted_at: d.attempted_at,
            answer: d.answer,
        }
    }
}

/// A webhook and what it was told lately.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookDetails {
    /// The webhook.
    #[serde(flatten)]
    webhook: WebhookJson,
    /// Its newest 50 messages, newest first.
    deliveries: Vec<DeliveryJson>,
}

/// One webhook, and what it was told lately.
#[utoipa::path(get, path = "/api/webhooks/{webhookId}",
    operation_id = "getWebhook", tag = "webhooks",
    params(("webhookId" = String, Path, format = "uuid")),
    responses((status = 200, body = WebhookDetails)))]
pub async fn get(
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<ApiJson<WebhookDetails>, ApiError> {
    let (webhook, deliveries) = super::read(&call, id).await?;
    let deliveries = deliveries.into_iter().map(DeliveryJson::from).collect();
    Ok(ApiJson(WebhookDetails { webhook: webhook.into(), deliveries }))
}

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWebhook {
    /// Where messages go.
    #[schema(pattern = "^https?://.", max_length = 2048)]
    url: Option<String>,
    /// What it is told of.
    #[schema(schema_with = events)]
    events: Option<Vec<String>>,
    /// What it is for; empty: nothing.
    #[schema(max_length = 200, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    description: Option<String>,
    /// `false` switches it off: nothing is noted for it any more, what waits stays. `true` switches
    /// it on again.
    enabled: Option<bool>,
}

/// Change a webhook, or switch it off and on.
#[utoipa::path(patch, path = "/api/webhooks/{webhookId}",
    operation_id = "changeWebhook", tag = "webhooks",
    params(("webhookId" = String, Path, format = "uuid")),
    request_body = ChangeWebhook,
    responses((status = 200, body = WebhookJson)))]
pub async fn change(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<WebhookId>,
    ApiJson(body): ApiJson<ChangeWebhook>,
) -> Result<ApiJson<WebhookJson>, ApiError> {
    let ChangeWebhook { url, events, description, enabled } = body;
    let changes = Changes { url, events, description, enabled };
    Ok(ApiJson(super::change(&app, &call, id, changes).await?.into()))
}

/// Remove a webhook and everything that waits for it.
#[utoipa::path(delete, path = "/api/webhooks/{webhookId}",
    operation_id = "removeWebhook", tag = "webhooks",
    params(("webhookId" = String, Path, format = "uuid")),
    responses((status = 204, description = "It is gone.")))]
pub async fn remove(
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<StatusCode, ApiError> {
    super::remove(&call, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A new secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSecret {
    /// The webhook.
    #[schema(value_type = String, format = "uuid")]
    id: WebhookId,
    /// What its messages are signed with from now on; shown this once.
    secret: String,
    /// Until when they are signed with the one before as well.
    #[schema(value_type = String, format = "date-time")]
    old_secret_until: Timestamp,
}

/// Give a webhook a new secret; for a day, messages carry the signatures of both.
#[utoipa::path(post, path = "/api/webhooks/{webhookId}/rotate-secret",
    operation_id = "rotateWebhookSecret", tag = "webhooks",
    params(("webhookId" = String, Path, format = "uuid")),
    responses((status = 200, body = NewSecret)))]
pub async fn rotate(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<ApiJson<NewSecret>, ApiError> {
    let rotated = super::rotate(&app, &call, id).await?;
    let secret = rotated.secret.text().into_revealed();
    Ok(ApiJson(NewSecret { id, secret, old_secret_until: rotated.old_until }))
}

/// A message that waits to be sent.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Queued {
    /// Its id, to find it among the webhook's messages.
    #[schema(value_type = String, format = "uuid")]
    delivery_id: DeliveryId,
}

/// Send a message of the event `webhook.test`, to see whether it arrives.
#[utoipa::path(post, path = "/api/webhooks/{webhookId}/test",
    operation_id = "testWebhook", tag = "webhooks",
    params(("webhookId" = String, Path, format = "uuid")),
    responses((status = 202, body = Queued)))]
pub async fn test(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(id): ApiPath<WebhookId>,
) -> Result<(StatusCode, ApiJson<Queued>), ApiError> {
    let delivery_id = super::test(&app, &call, id).await?;
    Ok((StatusCode::ACCEPTED, ApiJson(Queued { delivery_id })))
}

/// Send a message once more, with the same id.
#[utoipa::path(post, path = "/api/webhooks/{webhookId}/deliveries/{deliveryId}/retry",
    operation_id = "retryDelivery", tag = "webhooks",
    params(("webhookId" = String, Path, format = "uuid"),
        ("deliveryId" = String, Path, format = "uuid")),
    responses((status = 202, body = Queued)))]
pub async fn retry(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath((id, delivery_id)): ApiPath<(WebhookId, DeliveryId)>,
) -> Result<(StatusCode, ApiJson<Queued>), ApiError> {
    super::redeliver(&app, &call, id, delivery_id).await?;
    Ok((StatusCode::ACCEPTED, ApiJson(Queued { delivery_id })))
}
