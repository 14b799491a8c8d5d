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
//! - Each call leaves exactly one event. A call without a valid credential is counted in the
//!   metrics and leaves none: anybody could flood the trail otherwise.

mod audited;
mod ledger;
mod refusals;
mod steward;
mod visitor;

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::Method;
use http::request::Parts;

pub use audited::{Audited, Grant, Unread};
use ledger::Ledger;
pub use refusals::record_refusals;
pub use steward::Steward;
pub use visitor::Visitor;

use super::{
    Action, AuthError, Authenticator, Caller, CallerKind, Decision, Policy, PolicyContext,
};
use super::{Role, ShownTicket, Target, TargetKind, Ticket, rows};
use crate::audit::{self, Actor, Event, Subject};
use crate::db::{Db, DbError};
use crate::http::layers::RequestInfo;
use crate::http::{ApiError, Code};
use crate::ids::{ClinicId, EventId, Ids};
use crate::limits::{RateLimits, Scope, TooSoon};
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
    /// How many calls a minute there may be.
    pub rates: RateLimits,
    /// Wakes whoever sends what the outbox holds.
    pub outbox: tokio::sync::Notify,
}

impl Gate {
    /// The event of something that is allowed and happens now.
    fn event(
        &self,
        action: Action,
        who: (Actor, Option<ClinicId>),
        subject: Subject,
        request: &RequestInfo,
    ) -> Event {
        let stamp = (EventId::from_uuid(self.ids.next()), self.clock.now());
        let origin = (request.id.to_string(), request.remote);
        Event::granted(stamp, action.as_str(), who, subject, origin)
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
    ticket: Option<Ticket>,
}

impl<S> FromRequestParts<S> for Call
where
    S: Send + Sync,
    Arc<Gate>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let gate = Arc::<Gate>::from_ref(state);
        let (action, ledger, request) = set_up(parts)?;
        let (caller, ticket) = match identify(&gate.authenticator, parts, action).await {
            Ok(known) => known,
            Err(e) => return Err(gate.stranger(&request, e)),
        };
        ledger.with(|entry| {
            entry.caller = Some((actor(&caller), Some(caller.clinic)));
            entry.ticket = ticket.as_ref().map(|ticket| ticket.id);
            let trusted = caller.has_role(Role::Admin) || caller.has_role(Role::Service);
            entry.runs_the_server = trusted && ticket.is_none();
        });
        let person = caller.acting.as_ref().map(|acting| &acting.user);
        let counted = gate.rates.call(caller.clinic, &caller.user, person, gate.clock.now());
        if let Err(e) = counted {
            ledger.with(|entry| entry.quiet = !e.first);
            return Err(slow_down(e));
        }
        Ok(Self { gate, caller, request, action, ledger, ticket })
    }
}

/// Who is calling, and by which ticket where one was shown.
async fn identify(
    authenticator: &Authenticator,
    parts: &Parts,
    action: Action,
) -> Result<(Caller, Option<Ticket>), AuthError> {
    let headers = &parts.headers;
    if let Some(ShownTicket(ticket)) = parts.extensions.get::<ShownTicket>() {
        let found = authenticator.identify_by_ticket(ticket.reveal(), headers).await;
        return found.map(|(caller, ticket)| (caller, Some(ticket)));
    }
    let caller = authenticator.identify(headers, &parts.method).await?;
    // HEAD is answered by what answers GET.
    let by_get = matches!(parts.method, Method::GET | Method::HEAD);
    if by_get && action == Action::BeginUpload && caller.kind == CallerKind::Session {
        authenticator.check_get(headers)?;
    }
    Ok((caller, None))
}

impl Gate {
    /// The answer to somebody without a valid credential. Only those who show none are counted by
    /// their address, so that a flood of them slows down nobody else who comes through the same
    /// proxy.
    fn stranger(&self, request: &RequestInfo, e: AuthError) -> ApiError {
        let counted = match e {
            AuthError::Missing | AuthError::Invalid { .. } | AuthError::Expired => {
                self.rates.stranger(request.remote, self.clock.now())
            }
            AuthError::BadRequest { .. } | AuthError::ForeignOrigin | AuthError::Unavailable(_) => {
                Ok(())
            }
        };
        counted.err().map_or_else(|| refuse(e), slow_down)
    }
}

/// The answer to a call that came too soon.
fn slow_down(e: TooSoon) -> ApiError {
    metrics::counter!("strongroom_rate_limited_total", "scope" => e.scope.as_str()).increment(1);
    let whose = match e.scope {
        Scope::Caller => "from you",
        Scope::Person => "for this person",
        Scope::Clinic => "from your clinic",
        Scope::Address => "without a valid credential from your address",
    };
    let detail = format!(
        "More than {} calls a minute came {whose}; the next one is let through in {} s.",
        e.per_minute, e.retry_after
    );
    let slow = ApiError::new(Code::TooManyRequests, detail).retry_after(e.retry_after);
    slow.limited(e.scope.as_str(), e.per_minute)
}

/// What the layers around a route have put into its requests.
fn set_up(parts: &Parts) -> Result<(Action, Ledger, RequestInfo), ApiError> {
    let found = (
        parts.extensions.get::<Action>().copied(),
        parts.extensions.get::<Ledger>().cloned(),
        parts.extensions.get::<RequestInfo>().cloned(),
    );
    match found {
        (Some(action), Some(ledger), Some(request)) => Ok((action, ledger, request)),
        _ => Err(ApiError::new(Code::Internal, "This route is not set up.")),
    }
}

/// The answer to a credential that is missing or not valid. It is counted and logged but leaves
/// no event: nobody is known, and anybody could flood the trail (decision 0004).
fn refuse(e: AuthError) -> ApiError {
    if let AuthError::Invalid { reason, .. } = &e {
        tracing::info!(reason, "a credential was refused");
    }
    match e {
        AuthError::Missing => ApiError::new(Code::Unauthenticated, e.to_string()),
        AuthError::Invalid { .. } | AuthError::Expired => {
            ApiError::new(Code::InvalidCredential, e.to_string())
        }
        AuthError::BadRequest { .. } => ApiError::new(Code::BadRequest, e.to_string()),
        AuthError::ForeignOrigin => ApiError::new(Code::Forbidden, e.to_string()),
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
                let detail = "Your role does not allow this, or not for this patient or category: \
                              clinicians must be in the patient's care team, patients have \
                              their own documents, staff the categories that are not clinical.";
                Self::new(Code::Forbidden, detail)
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
        if e.is_out_of_time() {
            let detail = "This takes the database longer than a call may take. Ask for less at \
                          once: one patient, one category, a shorter time.";
            return Self::new(Code::Unavailable, detail).with_source(e).retry_after(5);
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

    /// The same call as another action than its route stands for, where a parameter makes it one.
    #[must_use]
    pub fn becomes(mut self, action: Action) -> Self {
        self.ledger.with(|entry| entry.action = Some(action));
        self.action = action;
        self
    }

    /// Notes what the call is after, for the event of one that finds nothing: ids that somebody
    /// guesses belong into the trail. Never a name or a key, which could say more than an id.
    pub fn seeks(&self, kind: TargetKind, id: String) {
        let subject = Subject { kind: Some(kind.as_str()), id: Some(id), patient: None };
        self.ledger.with(|entry| entry.subject = subject);
    }

    /// Asks the policy whether this call may be made on `target`.
    pub async fn authorize(&self, target: Target) -> Result<Grant<'_>, Refusal> {
        self.ledger.with(|entry| entry.subject = subject(&target));
        if !self.is_in_reach(&target).await? {
            return Err(Refusal::Hidden);
        }
        let context = self.context(&target).await?;
        match self.gate.policy.decide(&self.caller, self.action, &target, context) {
            Decision::Allow => Ok(Grant { call: self, subject: subject(&target) }),
            Decision::Deny { visible: true } => Err(Refusal::Forbidden),
            Decision::Deny { visible: false } => Err(Refusal::Hidden),
        }
    }

    /// The ticket the call was made with.
    pub const fn ticket(&self) -> Option<&Ticket> {
        self.ticket.as_ref()
    }

    /// Whether the ticket, if the call was made with one, is good for this: for an upload of its
    /// kind that is to begin, and for what began with it.
    async fn is_in_reach(&self, target: &Target) -> Result<bool, DbError> {
        let Some(ticket) = &self.ticket else { return Ok(true) };
        if target.kind != TargetKind::Document {
            return Ok(false);
        }
        if self.action == Action::BeginUpload {
            return Ok(ticket.fits(target.patient.as_ref(), target.category));
        }
        match target.id.as_deref().map(str::parse) {
            Some(Ok(document)) => ticket.reaches(&self.gate.db, document).await,
            _ => Ok(false),
        }
    }

    /// Whether the event of this call is written.
    pub fn is_recorded(&self) -> bool {
        self.ledger.with(|entry| entry.recorded)
    }

    /// Whether the caller may see what they otherwise act on; a change may be allowed to those who
    /// must not read.
    pub async fn may_read(&self, target: &Target) -> Result<bool, DbError> {
        let context = self.context(target).await?;
        Ok(self.gate.policy.readable(&self.caller, target, context))
    }

    /// Whether the caller may also do something else, for what a call brings with it.
    pub async fn may(&self, action: Action, target: &Target) -> Result<bool, DbError> {
        let context = self.context(target).await?;
        Ok(self.gate.policy.decide(&self.caller, action, target, context).is_allow())
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

    fn event(&self, subject: &Subject) -> Event {
        let who = (actor(&self.caller), Some(self.clinic()));
        self.gate.event(self.action, who, subject.clone(), &self.request)
    }
}

fn subject(target: &Target) -> Subject {
    Subject {
        kind: Some(target.kind.as_str()),
        id: target.id.clone(),
        patient: target.patient.clone(),
    }
}

/// Writes one event in a commit of its own.
pub async fn write(db: &Db, event: &Event) -> Result<(), DbError> {
    let mut tx = db.begin().await?;
    audit::rows::insert(&mut tx, event).await?;
    tx.commit().await
}
