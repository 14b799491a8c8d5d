//! The layer around every route of the API: it names the action, and sees to it that a call
//! which was denied or failed leaves its event too.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::ledger::Ledger;
use super::{Gate, write};
use crate::access::Action;
use crate::audit::{Event, Outcome};
use crate::http::layers::RequestInfo;
use crate::http::{ApiError, Code};

/// The layer that names a route's action, and writes an event for a call that was denied or
/// failed before it could write its own.
pub async fn record_refusals(
    State((gate, action)): State<(Arc<Gate>, Action)>,
    mut request: Request,
    next: Next,
) -> Response {
    let ledger = Ledger::default();
    request.extensions_mut().insert(action);
    request.extensions_mut().insert(ledger.clone());
    let info = request.extensions().get::<RequestInfo>().cloned();
    let mut response = next.run(request).await;
    let Some(error) = response.extensions().get::<Arc<ApiError>>().cloned() else {
        return response;
    };
    let entry = ledger.with(|entry| entry.clone());
    if entry.runs_the_server
        && let Some(told) = error.with_all_told()
    {
        response.extensions_mut().insert(Arc::new(told));
    }
    let action = entry.action.unwrap_or(action);
    let (Some((actor, clinic)), false, Some(info)) = (entry.caller, entry.recorded, info) else {
        return response;
    };
    let detail = ledger.with(|entry| entry.detail(None));
    let slowed = error.code == Code::TooManyRequests;
    if slowed && (entry.quiet || error.limit.is_none()) {
        // Who is slowed down must not be able to fill the trail: the metrics count every refusal,
        // the trail holds the first of each caller and minute.
        return response;
    }
    let denied = matches!(error.code, Code::Forbidden | Code::NotFound | Code::WrongPassword);
    let event = Event {
        outcome: if denied { Outcome::Denied } else { Outcome::Failed },
        code: Some(error.code.as_str()),
        detail,
        ..gate.event(entry.action.unwrap_or(action), (actor, clinic), entry.subject, &info)
    };
    match write(&gate.db, &event).await {
        Ok(()) => response,
        Err(e) => ApiError::from(e).into_response(),
    }
}
