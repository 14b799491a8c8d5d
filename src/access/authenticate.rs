//! From a request's headers to who is calling.
//!
//! One credential a request: `Authorization: Bearer` with a JWT or an API key, `X-Api-Key`, or
//! the session cookie. More than one is refused, because which of them counts would be a guess.

use std::time::Duration;

use http::{HeaderMap, Method};

use super::acting::Credential;
use super::api_keys::{ApiKeys, PREFIX};
use super::caller::Caller;
use super::jwt::{JwtConfig, Verifier};
use super::origin::Origins;
use super::sessions::{LogInError, SessionCookie, Sessions, find_cookie, session_of};
use super::tickets::{self, Ticket, Tickets};
use crate::db::Db;
use crate::ids::SessionId;
use crate::sensitive::Secret;
use crate::time::Clock;

/// The longest id of a person or patient that is taken, in bytes.
pub(super) const MAX_ID: usize = 256;

/// Everything that is configured about who may call.
#[derive(Debug, Clone)]
pub struct AuthConfig {
    /// How tokens are checked.
    pub jwt: JwtConfig,
    /// Where browsers reach this server; https makes the cookie `Secure`.
    pub public_url: url::Url,
    /// Other origins whose pages may write with a session.
    pub allowed_origins: Vec<url::Url>,
    /// How long a session lasts without use; 15 minutes unless configured.
    pub session_idle: Duration,
}

/// A configuration with which nobody could be recognised safely.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The secret of HS256 can be guessed.
    #[error("the JWT secret must have at least 32 bytes (RFC 7518, section 3.2); it has {0}")]
    WeakSecret(usize),
    /// The client that fetches key sets could not be made.
    #[error("the client that fetches the JWKS could not be made")]
    Client(#[source] reqwest::Error),
}

/// Why it is not known who is calling. `Display` is for the caller; `reason` for the log.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// No credential at all. 401.
    #[error(
        "send `Authorization: Bearer` with a token or an API key, `X-Api-Key`, or sign in to the \
         pages"
    )]
    Missing,
    /// A credential that is not good. 401.
    #[error("{message}")]
    Invalid {
        /// What exactly is wrong, for the log.
        reason: &'static str,
        /// What the caller is told.
        message: &'static str,
    },
    /// A credential that was good. 401.
    #[error("the token or session has expired; get a new one")]
    Expired,
    /// A request that contradicts itself or uses headers it may not. 400.
    #[error("{field}: {detail}")]
    BadRequest {
        /// The header.
        field: &'static str,
        /// What would be right.
        detail: String,
    },
    /// A write with a session that some other site's page may have asked for. 403.
    #[error(
        "Origin: a change made with the session cookie must come from Strongroom's own pages \
         (STRONGROOM_PUBLIC_URL) or an allowed origin; other programs use a token or an API key"
    )]
    ForeignOrigin,
    /// Who is calling cannot be found out at the moment. 503.
    #[error("who is calling cannot be checked at the moment; try again in a few seconds")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuthError {
    pub(super) fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }
}

/// Knows who is calling.
pub struct Authenticator {
    clock: Clock,
    https: bool,
    origins: Origins,
    tokens: Verifier,
    keys: ApiKeys,
    sessions: Sessions,
    tickets: Tickets,
}

/// The one credential of a request.
enum Shown<'h> {
    Token(&'h str),
    Key(&'h str),
    Cookie(&'h str),
}

impl Authenticator {
    /// An authenticator over a database of keys and users.
    pub fn new(config: AuthConfig, db: Db, clock: Clock) -> Result<Self, SetupError> {
        let https = config.public_url.scheme() == "https";
        Ok(Self {
            clock,
            https,
            origins: Origins::new(&config.public_url, &config.allowed_origins),
            tokens: Verifier::new(config.jwt)?,
            keys: ApiKeys::new(db.clone()),
            tickets: Tickets::new(db.clone()),
            sessions: Sessions::new(db, config.session_idle, https),
        })
    }

    /// Who sent a request with these headers.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        method: &Method,
    ) -> Result<Caller, AuthError> {
        let now = self.clock.now();
        let credential: Credential = match self.shown(headers)?.ok_or(AuthError::Missing)? {
            Shown::Token(token) => self.tokens.verify(token, now).await?.into(),
            Shown::Key(key) => self.keys.check(key, now).await?,
            Shown::Cookie(token) => {
                self.origins.check(headers, method)?;
                self.sessions.check(token, now).await?
            }
        };
        credential.into_caller(headers)
    }

    /// Who made the ticket that was shown, and what it is good for. It ends with the key or the
    /// session it was made with.
    pub(super) async fn identify_by_ticket(
        &self,
        ticket: &str,
        headers: &HeaderMap,
    ) -> Result<(Caller, Ticket), AuthError> {
        tickets::refuse_others(headers)?;
        let now = self.clock.now();
        let found = self.tickets.check(ticket, now).await?;
        if let Some(key) = found.caller.api_key
            && !self.keys.is_good(key, now).await?
        {
            return Err(tickets::refused("the key that the ticket was made with has ended"));
        }
        if let Some(session) = found.session
            && !self.sessions.is_open(session).await?
        {
            return Err(tickets::refused("the session that the ticket was made in has ended"));
        }
        Ok((found.caller, found.ticket))
    }

    /// Refuses a call that changes something by GET and rests on the cookie, where the browser says
    /// that another site's page asks for it.
    pub(super) fn check_get(&self, headers: &HeaderMap) -> Result<(), AuthError> {
        self.origins.check_get(headers)
    }

    /// Signs a user in; see [`LogInError`] for how guessing is slowed down.
    pub async fn log_in(
        &self,
        name: &str,
        password: Secret<String>,
    ) -> Result<SessionCookie, LogInError> {
        self.sessions.log_in(name, password, self.clock.now()).await
    }

    /// Whether a password is somebody's; guessing is slowed down as at the log-in.
    pub async fn prove(&self, name: &str, password: Secret<String>) -> Result<(), LogInError> {
        self.sessions.prove(name, password, self.clock.now()).await.map(|_| ())
    }

    /// Refuses a log-in that another site's page asks for. A log-in has no session yet that
    /// `identify` could check, but it sets one.
    pub fn check_origin(&self, headers: &HeaderMap, method: &Method) -> Result<(), AuthError> {
        self.origins.check(headers, method)
    }

    /// The session a request's cookie speaks of, for `rows::end_session`. True only of headers
    /// that [`Self::identify`] has accepted.
    pub fn session_id(&self, headers: &HeaderMap) -> Option<SessionId> {
        find_cookie(headers, self.https).ok().flatten().and_then(session_of)
    }

    /// Whether browsers reach this server by https; for [`SessionCookie::clear`].
    pub const fn is_https(&self) -> bool {
        self.https
    }

    fn shown<'h>(&self, headers: &'h HeaderMap) -> Result<Option<Shown<'h>>, AuthError> {
        let bearer = once(headers, "Authorization")?.map(bearer).transpose()?;
        let key = once(headers, "X-Api-Key")?.map(Shown::Key);
        let cookie = find_cookie(headers, self.https)?.map(Shown::Cookie);
        let mut shown = [bearer, key, cookie].into_iter().flatten();
        let first = shown.next();
        if shown.next().is_some() {
            return Err(AuthError::BadRequest {
                field: "Authorization",
                detail: "the request shows more than one credential; send one of a Bearer token, \
                         X-Api-Key and the session cookie"
                    .to_owned(),
            });
        }
        Ok(first)
    }
}

fn bearer(value: &str) -> Result<Shown<'_>, AuthError> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(AuthError::Invalid {
            reason: "the Authorization header is not a Bearer token",
            message: "the Authorization header must be `Bearer` and a token or an API key",
        });
    }
    Ok(if token.starts_with(PREFIX) { Shown::Key(token) } else { Shown::Token(token) })
}

fn once<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, AuthError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bad = |detail: &str| AuthError::BadRequest { field: name, detail: detail.to_owned() };
    if values.next().is_some() {
        return Err(bad("must be given once"));
    }
    value.to_str().map(Some).map_err(|_| bad("must be visible ASCII characters"))
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
