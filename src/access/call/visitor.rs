//! A call by somebody who is about to say who they are: signing in.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::ledger::Ledger;
use super::{Gate, set_up, slow_down, write};
use crate::access::{Action, rows};
use crate::audit::{Actor, Subject};
use crate::db::DbError;
use crate::http::ApiError;
use crate::http::layers::RequestInfo;

/// A call by somebody who is about to say who they are: signing in.
pub struct Visitor {
    gate: Arc<Gate>,
    request: RequestInfo,
    action: Action,
    ledger: Ledger,
}

impl<S> FromRequestParts<S> for Visitor
where
    S: Send + Sync,
    Arc<Gate>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let gate = Arc::<Gate>::from_ref(state);
        let (action, ledger, request) = set_up(parts)?;
        gate.rates.stranger(request.remote, gate.clock.now()).map_err(slow_down)?;
        Ok(Self { gate, request, action, ledger })
    }
}

impl Visitor {
    /// Notes who the visitor says they are. If there is a user of this name, a refusal from here
    /// on is an event in that user's clinic.
    pub async fn claims(&self, name: &str) -> Result<(), DbError> {
        let mut reader = self.gate.db.reader().await?;
        let user = rows::find_user(&mut reader, name).await?;
        // A name that nobody has leaves no event: it may be a password typed in the wrong field.
        if let Some(user) = user {
            let actor =
                Actor { kind: "session", id: user.name, roles: user.role, on_behalf_of: None };
            self.ledger.with(|entry| entry.caller = Some((actor, Some(user.clinic_id))));
        }
        Ok(())
    }

    /// Writes the event of a successful sign-in.
    pub async fn signed_in(&self, session: String) -> Result<(), DbError> {
        let Some((actor, clinic)) = self.ledger.with(|entry| entry.caller.clone()) else {
            return Err(DbError::Commit("nobody has claimed to be anybody".to_owned()));
        };
        let subject = Subject { kind: Some("session"), id: Some(session), patient: None };
        let event = self.gate.event(self.action, (actor, clinic), subject, &self.request);
        write(&self.gate.db, &event).await?;
        self.ledger.with(|entry| entry.recorded = true);
        Ok(())
    }
}
