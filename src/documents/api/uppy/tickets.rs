//! `POST /api/uppy/tickets`: for pages whose client sends neither a header nor a cookie.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Call, CallerKind, ShownTicket};
use crate::app::App;
use crate::documents::api::limits::LimitsAnswer;
use crate::documents::api::requests::read_entity;
use crate::documents::api::schemas;
use crate::documents::{self, AskTicket, Category};
use crate::http::fields::Fields;
use crate::http::{ApiError, ApiJson, ApiQuery, Nothing};
use crate::ids::PatientId;
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// What the ticket is for; what is left out stays open to the page.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TicketRequest {
    /// Uploads for this patient only.
    #[schema(schema_with = schemas::id_text)]
    patient_id: Option<String>,
    /// Uploads of this category only.
    #[schema(schema_with = schemas::category)]
    category: Option<String>,
    /// Uploads that belong to this only: `provider`, `appointment`, …
    #[schema(schema_with = schemas::id_text)]
    entity_type: Option<String>,
    /// The id of that.
    #[schema(schema_with = schemas::id_text)]
    entity_id: Option<String>,
    /// How many uploads may begin with it, 1 to 1000; 100 when left out.
    #[schema(minimum = 1, maximum = 1000)]
    max_files: Option<u32>,
    /// The largest file in bytes; what the type allows when left out.
    #[schema(minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    max_size: Option<u64>,
    /// Seconds it lives, at most 43200; 3600 when left out, and never longer than the credential
    /// it is made with.
    #[schema(minimum = 1, maximum = 43200)]
    expires_in: Option<u64>,
}

/// A ticket. It is told once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketAnswer {
    /// The ticket.
    ticket: String,
    /// What to give Uppy as `companionEndpoint` (or `endpoint`); the ticket is in it.
    companion_endpoint: String,
    /// When it ends.
    #[schema(value_type = String, format = "date-time")]
    expires_at: Timestamp,
    /// Names what it is good for (clinic, patient, category, entity) and who it stands for: the
    /// same text for the same, another for anything else. None of it can be read out of it. By this
    /// a page tells whether an upload that a reload interrupted is one of its own.
    scope: String,
    /// What may come in by it, since the ticket itself reads nothing.
    limits: LimitsAnswer,
}

/// Make a ticket that stands for the caller, for uploads of one kind.
#[utoipa::path(post, path = "/api/uppy/tickets",
    operation_id = "uppyTicket", tag = "uppy",
    request_body = TicketRequest,
    responses((status = 201, body = TicketAnswer)))]
pub async fn issue(
    State(app): State<App>,
    call: Call,
    headers: HeaderMap,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<TicketRequest>,
) -> Result<(StatusCode, ApiJson<TicketAnswer>), ApiError> {
    let most = body.max_size.unwrap_or(u64::MAX);
    let mut asked = read(body)?;
    if call.caller.kind == CallerKind::Session {
        asked.session = app.gate.authenticator.session_id(&headers);
    }
    let issued = documents::issue_ticket(&app, &call, asked).await?;
    let ticket = issued.text.reveal().clone();
    let companion_endpoint = format!("{}/api/uppy/t/{ticket}", app.config.server.public_url);
    let limits = LimitsAnswer::of(&app.config.uploads).at_most(most);
    let documents::IssuedTicket { expires_at, scope, .. } = issued;
    let answer = TicketAnswer { ticket, companion_endpoint, expires_at, scope, limits };
    Ok((StatusCode::CREATED, ApiJson(answer)))
}

fn read(body: TicketRequest) -> Result<AskTicket, ApiError> {
    let mut fields = Fields::default();
    let category = fields.read::<Category>("category", body.category.as_deref());
    let asked = AskTicket {
        patient: body.patient_id.map(PatientId::new),
        category,
        entity: read_entity(&mut fields, body.entity_type, body.entity_id),
        max_files: body.max_files,
        max_size: body.max_size,
        expires_in: body.expires_in.map(Duration::from_secs),
        session: None,
    };
    fields.done(asked)
}

/// The layer around the routes that take a ticket in their path: `/api/uppy/t/{ticket}/…`.
pub async fn show_ticket(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let ticket = path.strip_prefix("/api/uppy/t/").and_then(|rest| rest.split('/').next());
    let ticket = ShownTicket(Secret::new(ticket.unwrap_or_default().to_owned()));
    request.extensions_mut().insert(ticket);
    next.run(request).await
}
