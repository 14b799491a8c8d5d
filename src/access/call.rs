//! One call: who makes it, whether the policy allows it, and its row in the trail.
//!
//! The way through: [`Call`] (caller known) → [`Call::authorize`] → [`Grant`] → either
//! [`Grant::begin`] (an [`Audited`] transaction, for what changes something) or [`Grant::read`]
//! (for what only looks). SQL that touches patient data takes `&mut Audited` or hands out
//! [`Unread`], and only a grant opens one: what is not audited does not compile.
//!
//! Invariants:
//! - The event and what it tells of are one commit. If the trail cannot be written, nothing is
//!   changed and nothing is served.
//! - A call that is denied or fails leaves an event too ([`record_refusals`]).
//! - Each call leaves exactly one event. A call without any credential is counted in the metrics
//!   and leaves none: anybody could flood the trail otherwise.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use serde_json::Value;

use super::{Action, AuthError, Authenticator, Caller, Decision, Policy, PolicyContext, Role};
use super::{Target, rows};
use crate::audit::{self, Actor, Event, Outcome, Subject};
use crate::db::{Conn, Connection, Db, DbError, Later, Tx};
use crate::http::layers::RequestInfo;
use crate::http::{ApiError, Code};
use crate::ids::{ClinicId, EventId, Ids};
use crate::time::Clock;

/// What every call passes through.
pub struct Gate {
    /// Tells who is calling.
    pub authenticator: Authenticator,
    /// Tells what they may do.
    pub policy: Policy,
    /// Where the trail is.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// Whether clinicians see every patient of their clinic.
    pub clinic_wide: bool,
}

/// What is known of a call so far, for the event it will leave.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<Entry>>);

#[derive(Clone, Default)]
struct Entry {
    caller: Option<(Actor, Option<ClinicId>)>,
    subject: Subject,
    recorded: bool,
}

impl Ledger {
    fn with<T>(&self, look: impl FnOnce(&mut Entry) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A call whose caller is known.
pub struct Call {
    gate: Arc<Gate>,
    /// Who is calling.
    pub caller: Caller,
    /// The request's id and origin.
    pub request: RequestInfo,
    action: Action,
    ledger: Ledger,
}

impl<S> FromRequestParts<S> for Call
where
    S: Send + Sync,
    Arc<Gate>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let gate = Arc::<Gate>::from_ref(state);
        let missing = || ApiError::new(Code::Internal, "This route is not set up.");
        let action = parts.extensions.get::<Action>().copied().ok_or_else(missing)?;
        let ledger = parts.extensions.get::<Ledger>().cloned().ok_or_else(missing)?;
        let request = parts.extensions.get::<RequestInfo>().cloned().ok_or_else(missing)?;
        let identified = gate.authenticator.identify(&parts.headers, &parts.method).await;
        let caller = identified.map_err(|e| refuse(&ledger, e))?;
        ledger.with(|entry| entry.caller = Some((actor(&caller), Some(caller.clinic))));
        Ok(Self { gate, caller, request, action, ledger })
    }
}

/// The answer to a credential that is missing or not valid; an invalid one is an event.
fn refuse(ledger: &Ledger, e: AuthError) -> ApiError {
    if !matches!(e, AuthError::Missing | AuthError::Unavailable(_)) {
        let nobody =
            Actor { kind: "unknown", id: String::new(), roles: String::new(), on_behalf_of: None };
        ledger.with(|entry| entry.caller = Some((nobody, None)));
    }
    match e {
        AuthError::Missing => ApiError::new(Code::Unauthenticated, e.to_string()),
        AuthError::Invalid { .. } | AuthError::Expired => {
            ApiError::new(Code::InvalidCredential, e.to_string())
        }
        AuthError::BadRequest { .. } => ApiError::new(Code::BadRequest, e.to_string()),
        AuthError::Unavailable(_) => {
            ApiError::new(Code::Unavailable, "Credentials cannot be checked now.").with_source(e)
        }
    }
}

fn actor(caller: &Caller) -> Actor {
    let roles: Vec<_> = caller.roles.iter().map(|r| r.as_str()).collect();
    let acting = caller.acting.as_ref();
    Actor {
        kind: caller.kind.as_str(),
        id: caller.user.as_str().to_owned(),
        roles: roles.join(" "),
        on_behalf_of: acting.map(|a| (a.user.as_str().to_owned(), a.role.to_string())),
    }
}

/// The policy said no, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The caller may not know that the thing exists.
    #[error("not visible to the caller")]
    Hidden,
    /// The caller may see the thing and not do this.
    #[error("not allowed")]
    Forbidden,
    /// The database did not answer.
    #[error("the policy could not be asked")]
    Db(#[from] DbError),
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Hidden => Self::not_found(),
            Refusal::Forbidden => {
                Self::new(Code::Forbidden, "Your role does not allow this; see docs/api.md#roles.")
            }
            Refusal::Db(e) => e.into(),
        }
    }
}

impl From<DbError> for ApiError {
    fn from(e: DbError) -> Self {
        if e.is_disk_full() {
            let detail = "The disk under the database is full; nothing was changed.";
            return Self::new(Code::StorageFull, detail).with_source(e);
        }
        let detail = "The database did not answer; nothing was changed. Try again shortly.";
        Self::new(Code::Unavailable, detail).with_source(e).retry_after(5)
    }
}

impl Call {
    /// The clinic the call is in.
    pub const fn clinic(&self) -> ClinicId {
        self.caller.clinic
    }

    /// What the route stands for.
    pub const fn action(&self) -> Action {
        self.action
    }

    /// Asks the policy whether this call may be made on `target`.
    pub async fn authorize(&self, target: Target) -> Result<Grant<'_>, Refusal> {
        self.ledger.with(|entry| entry.subject = subject(&target));
        let context = self.context(&target).await?;
        match self.gate.policy.decide(&self.caller, self.action, &target, context) {
            Decision::Allow => Ok(Grant { call: self, subject: subject(&target) }),
            Decision::Deny { visible: true } => Err(Refusal::Forbidden),
            Decision::Deny { visible: false } => Err(Refusal::Hidden),
        }
    }

    /// Whether the caller could do `action` to `target`, without doing it; for what a list shows.
    /// `care_team` says whether the caller is in the patient's care team.
    pub fn could(&self, action: Action, target: &Target, care_team: bool) -> bool {
        let care_team = care_team || self.gate.clinic_wide;
        let context = PolicyContext { care_team };
        self.gate.policy.decide(&self.caller, action, target, context) == Decision::Allow
    }

    /// Whether this caller's view is narrowed to the patients of their care teams.
    pub fn needs_care_team(&self) -> bool {
        let roles = self.caller.effective_roles();
        !self.gate.clinic_wide && roles.contains(&Role::Clinician) && !roles.contains(&Role::Admin)
    }

    async fn context(&self, target: &Target) -> Result<PolicyContext, DbError> {
        let care_team = match &target.patient {
            Some(patient) if self.needs_care_team() => {
                let mut reader = self.gate.db.reader().await?;
                let user = self.caller.effective_user();
                rows::is_in_care_team(&mut reader, target.clinic, patient, user).await?
            }
            _ => self.gate.clinic_wide,
        };
        Ok(PolicyContext { care_team })
    }

    fn event(&self, subject: &Subject, outcome: Outcome) -> Event {
        Event {
            id: EventId::from_uuid(self.gate.ids.next()),
            at: self.gate.clock.now(),
            clinic: Some(self.clinic()),
            action: self.action.as_str(),
            outcome,
            code: None,
            actor: actor(&self.caller),
            subject: subject.clone(),
            request_id: self.request.id.to_string(),
            remote: self.request.remote,
            detail: None,
        }
    }
}

fn subject(target: &Target) -> Subject {
    Subject {
        kind: Some(target.kind.as_str()),
        id: target.id.clone(),
        patient: target.patient.clone(),
    }
}

/// Permission for one call on one target.
pub struct Grant<'c> {
    call: &'c Call,
    subject: Subject,
}

impl Grant<'_> {
    /// Begins the transaction that the work and its event share.
    pub async fn begin(&self) -> Result<Audited, DbError> {
        Ok(Audited {
            tx: self.call.gate.db.begin().await?,
            event: self.call.event(&self.subject, Outcome::Granted),
            ledger: self.call.ledger.clone(),
        })
    }

    /// Writes the event, and only then hands out what was found.
    pub async fn read<T>(self, found: Unread<T>, detail: Option<Value>) -> Result<T, DbError> {
        self.begin().await?.read(found, detail).await
    }

    /// Looks at what was found in order to decide; what is seen so must not be answered before
    /// an event is written.
    pub const fn look<'u, T>(&self, found: &'u Unread<T>) -> &'u T {
        &found.0
    }
}

/// A row of patient data that nobody has been allowed to see yet.
#[derive(Debug)]
pub struct Unread<T>(T);

impl<T> Unread<T> {
    /// Closes a row; only SQL does this.
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    /// The facts the policy decides by.
    pub(crate) fn facts<U>(&self, look: impl FnOnce(&T) -> U) -> U {
        look(&self.0)
    }
}

/// A transaction that ends with its event in the trail, or not at all.
pub struct Audited {
    tx: Tx,
    event: Event,
    ledger: Ledger,
}

impl Connection for Audited {
    async fn ready(&mut self) -> Result<(), DbError> {
        self.tx.ready().await
    }

    fn conn(&mut self) -> Conn<'_> {
        self.tx.conn()
    }

    fn later(&mut self) -> Option<&mut Later> {
        self.tx.later()
    }
}

impl Audited {
    /// Names what the call turned out to be about, where only the work could tell.
    pub fn about(&mut self, id: String) {
        self.event.subject.id = Some(id);
    }

    /// Writes the event and commits it with the work.
    pub async fn commit(mut self, detail: Option<Value>) -> Result<(), DbError> {
        self.event.detail = detail;
        self.finish().await
    }

    /// The same, and only then hands out what was found.
    pub async fn read<T>(self, found: Unread<T>, detail: Option<Value>) -> Result<T, DbError> {
        self.commit(detail).await?;
        Ok(found.0)
    }

    /// The same for a call whose work is to note a failure.
    pub async fn commit_failed(mut self, code: Code, detail: Option<Value>) -> Result<(), DbError> {
        self.event.outcome = Outcome::Failed;
        self.event.code = Some(code.as_str());
        self.event.detail = detail;
        self.finish().await
    }

    async fn finish(mut self) -> Result<(), DbError> {
        audit::rows::insert(&mut self.tx, &self.event).await?;
        self.tx.commit().await?;
        self.ledger.with(|entry| entry.recorded = true);
        Ok(())
    }
}

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
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<Arc<ApiError>>().cloned() else {
        return response;
    };
    let entry = ledger.with(|entry| entry.clone());
    let (Some((actor, clinic)), false, Some(info)) = (entry.caller, entry.recorded, info) else {
        return response;
    };
    let denied = matches!(
        error.code,
        Code::Forbidden | Code::NotFound | Code::InvalidCredential | Code::WrongPassword
    );
    let event = Event {
        id: EventId::from_uuid(gate.ids.next()),
        at: gate.clock.now(),
        clinic,
        action: action.as_str(),
        outcome: if denied { Outcome::Denied } else { Outcome::Failed },
        code: Some(error.code.as_str()),
        actor,
        subject: entry.subject,
        request_id: info.id.to_string(),
        remote: info.remote,
        detail: None,
    };
    match write(&gate.db, &event).await {
        Ok(()) => response,
        Err(e) => ApiError::from(e).into_response(),
    }
}

/// Writes one event in a commit of its own.
pub async fn write(db: &Db, event: &Event) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    audit::rows::insert(&mut tx, event).await?;
    tx.commit().await
}

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
        let missing = || ApiError::new(Code::Internal, "This route is not set up.");
        let action = parts.extensions.get::<Action>().copied().ok_or_else(missing)?;
        let ledger = parts.extensions.get::<Ledger>().cloned().ok_or_else(missing)?;
        let request = parts.extensions.get::<RequestInfo>().cloned().ok_or_else(missing)?;
        Ok(Self { gate, request, action, ledger })
    }
}

impl Visitor {
    /// Notes who the visitor says they are. From here on a refusal is an event, in the clinic
    /// that a user of this name belongs to.
    pub async fn claims(&self, name: &str) -> Result<(), DbError> {
        let mut reader = self.gate.db.reader().await?;
        let user = rows::find_user(&mut reader, name).await?;
        let actor = Actor {
            kind: "session",
            id: name.chars().take(128).collect(),
            roles: user.as_ref().map_or_else(String::new, |u| u.role.clone()),
            on_behalf_of: None,
        };
        self.ledger.with(|entry| entry.caller = Some((actor, user.map(|u| u.clinic_id))));
        Ok(())
    }

    /// Writes the event of a successful sign-in.
    pub async fn signed_in(&self, session: String) -> Result<(), DbError> {
        let Some((actor, clinic)) = self.ledger.with(|entry| entry.caller.clone()) else {
            return Err(DbError::Commit("nobody has claimed to be anybody".to_owned()));
        };
        let event = Event {
            id: EventId::from_uuid(self.gate.ids.next()),
            at: self.gate.clock.now(),
            clinic,
            action: self.action.as_str(),
            outcome: Outcome::Granted,
            code: None,
            actor,
            subject: Subject { kind: Some("session"), id: Some(session), patient: None },
            request_id: self.request.id.to_string(),
            remote: self.request.remote,
            detail: None,
        };
        write(&self.gate.db, &event).await?;
        self.ledger.with(|entry| entry.recorded = true);
        Ok(())
    }
}
