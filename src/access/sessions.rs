//! Sessions of the pages: signing in, and the cookie.
//!
//! The cookie holds `<id>_<256 random bits>`; the database holds the hash. A session ends after
//! a quarter of an hour without use (configurable), 12 hours after it began, when its user signs
//! out, gets a new password or is shut out.
//!
//! Invariants:
//! - A name that nobody has is answered like one that somebody has: as slowly, and locked as
//!   soon.
//! - At most two passwords are hashed at once (19 MiB each), and a name's lock is looked at only
//!   once it is a caller's turn, so that many guesses sent at once do not all slip past it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::Semaphore;

use super::acting::Credential;
use super::api_keys::{hash, random, read_pair};
use super::authenticate::AuthError;
use super::users::{MAX_NAME, MAX_PASSWORD, lock_after, verify_password};
use super::{CallerKind, Role, rows};
use crate::db::{Connection, Db, DbError};
use crate::ids::{SessionId, UserId};
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// How many passwords are hashed at once.
const AT_ONCE: usize = 2;
/// How long a log-in waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a wrong password takes at least: longer than hashing it and writing it down, so that
/// the time does not tell whether anything was written.
const WRONG_TAKES: Duration = Duration::from_millis(250);
/// How many names that nobody has are remembered with their failures.
const STRANGERS: usize = 10_000;
/// How long a session lasts at most.
pub const LIFETIME: Duration = Duration::from_hours(12);
/// How often `last_seen_at` is written at most.
const TOUCH: Duration = Duration::from_mins(1);

/// Why somebody could not sign in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// Name and password do not belong together; which of them is wrong is not said.
    #[error("the name or the password is wrong")]
    Wrong,
    /// Too many wrong passwords for this name.
    #[error("too many wrong passwords; this name can sign in again after {until}")]
    Locked {
        /// When the name can be tried again.
        until: Timestamp,
    },
    /// Too many people sign in at once.
    #[error("too many people are signing in at once; try again in a few seconds")]
    Busy,
    /// The database failed.
    #[error("signing in is not possible at the moment")]
    Unavailable(#[from] DbError),
}

/// What a browser is given to hold.
#[derive(Debug)]
pub struct SessionCookie {
    /// The session it opens.
    pub session: SessionId,
    token: Secret<String>,
    https: bool,
}

impl SessionCookie {
    /// The value of `Set-Cookie` that begins the session in the browser.
    pub fn set_cookie(&self) -> Option<HeaderValue> {
        cookie(self.https, self.token.reveal(), LIFETIME)
    }

    /// The value of `Set-Cookie` that takes the cookie away.
    pub fn clear(https: bool) -> Option<HeaderValue> {
        cookie(https, "", Duration::ZERO)
    }
}

/// `__Host-` keeps other hosts of the same domain from setting it; it needs https.
const fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-strongroom_session" } else { "strongroom_session" }
}

fn cookie(https: bool, value: &str, age: Duration) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Max-Age={}; Path=/; HttpOnly; SameSite=Strict{secure}",
        cookie_name(https),
        age.as_secs(),
    );
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// The session cookie of a request, if it has one.
pub(super) fn find_cookie(headers: &HeaderMap, https: bool) -> Result<Option<&str>, AuthError> {
    let mut found = None;
    for header in headers.get_all(header::COOKIE) {
        // Other cookies may hold what they like; one that is not text is not ours.
        let Ok(text) = header.to_str() else { continue };
        for pair in text.split(';') {
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            if name != cookie_name(https) {
                continue;
            }
            if found.is_some_and(|other| other != value) {
                return Err(AuthError::BadRequest {
                    field: "Cookie",
                    detail: "holds two different sessions; send one".to_owned(),
                });
            }
            found = Some(value);
        }
    }
    Ok(found)
}

/// The session a cookie's value speaks of; not yet whether it is true.
pub(super) fn session_of(token: &str) -> Option<SessionId> {
    read_pair(token).map(|(id, _)| SessionId::from_uuid(id))
}

/// The sessions of a running server.
pub(super) struct Sessions {
    db: Db,
    idle: Duration,
    https: bool,
    turns: Semaphore,
    /// Names that nobody has: failures so far, and until when they are locked.
    strangers: Mutex<HashMap<String, (i64, Timestamp)>>,
}

impl Sessions {
    pub fn new(db: Db, idle: Duration, https: bool) -> Self {
        Self { db, idle, https, turns: Semaphore::new(AT_ONCE), strangers: Mutex::default() }
    }

    /// Signs somebody in.
    pub async fn log_in(
        &self,
        name: &str,
        password: Secret<String>,
        now: Timestamp,
    ) -> Result<SessionCookie, LogInError> {
        let proven = self.prove(name, password, now).await?;
        let mut tx = self.db.begin().await?;
        // What ends all sessions of a user waits for this, or was before it.
        if !rows::clear_failures(&mut tx, name, &proven).await? {
            return Err(LogInError::Wrong);
        }
        let cookie = self.begin(&mut tx, name, now).await?;
        tx.commit().await?;
        Ok(cookie)
    }

    /// Whether a password is somebody's, and the hash of it. Each wrong one counts, whatever it was
    /// asked for.
    pub async fn prove(
        &self,
        name: &str,
        password: Secret<String>,
        now: Timestamp,
    ) -> Result<String, LogInError> {
        if name.len() > MAX_NAME || password.reveal().len() > MAX_PASSWORD {
            return Err(LogInError::Wrong);
        }
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        let Ok(Ok(turn)) = turn else { return Err(LogInError::Busy) };
        let answer_at = tokio::time::Instant::now() + WRONG_TAKES;
        let mut reader = self.db.reader().await?;
        let user = rows::find_user(&mut reader, name).await?;
        drop(reader);
        let locked_until = match &user {
            Some(user) => user.locked_until,
            None => self.stranger(name),
        };
        if let Some(until) = locked_until.filter(|&until| now < until) {
            return Err(LogInError::Locked { until });
        }
        let known = user.is_some();
        let (hash, disabled) =
            user.map_or((None, true), |u| (Some(u.password_hash), u.disabled_at.is_some()));
        // The time tells of somebody who is shut out no more than of anybody else.
        if !verify_password(password, hash.clone()).await || disabled {
            self.note_failure(name, known, now).await?;
            drop(turn);
            tokio::time::sleep_until(answer_at).await;
            return Err(LogInError::Wrong);
        }
        hash.ok_or(LogInError::Wrong)
    }

    async fn begin(
        &self,
        conn: &mut impl Connection,
        name: &str,
        now: Timestamp,
    ) -> Result<SessionCookie, DbError> {
        // Not ordered by time and not from `Ids`: a browser holds it.
        let id = uuid::Builder::from_random_bytes(random()).into_uuid();
        let (session, secret) = (SessionId::from_uuid(id), random::<32>());
        rows::insert_session(conn, session, &hash(&secret), name, now).await?;
        let token = format!("{}_{}", id.simple(), URL_SAFE_NO_PAD.encode(secret));
        Ok(SessionCookie { session, token: Secret::new(token), https: self.https })
    }

    async fn note_failure(&self, name: &str, known: bool, now: Timestamp) -> Result<(), DbError> {
        if !known {
            self.note_stranger(name, now);
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        let failures = rows::count_failure(&mut tx, name).await?;
        if let Some(lock) = lock_after(failures) {
            rows::lock_user(&mut tx, name, now + lock).await?;
        }
        tx.commit().await
    }

    fn stranger(&self, name: &str) -> Option<Timestamp> {
        let strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        strangers.get(name).map(|(_, until)| *until)
    }

    fn note_stranger(&self, name: &str, now: Timestamp) {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        if strangers.len() >= STRANGERS {
            strangers.clear();
        }
        let (failures, until) = strangers.entry(name.to_owned()).or_insert((0, now));
        *failures += 1;
        if let Some(lock) = lock_after(*failures) {
            *until = now + lock;
        }
    }

    /// Whether a session that was good before has neither been ended nor its user shut out.
    pub async fn is_open(&self, id: SessionId) -> Result<bool, AuthError> {
        let mut reader = self.db.reader().await.map_err(AuthError::unavailable)?;
        let row = rows::find_session(&mut reader, id).await.map_err(AuthError::unavailable)?;
        Ok(row.is_some_and(|row| row.ended_at.is_none() && row.disabled_at.is_none()))
    }

    /// The user of a session, given the cookie's value.
    pub async fn check(&self, token: &str, now: Timestamp) -> Result<Credential, AuthError> {
        let (id, secret) = read_pair(token).ok_or_else(|| refused("the cookie is malformed"))?;
        let id = SessionId::from_uuid(id);
        let mut reader = self.db.reader().await.map_err(AuthError::unavailable)?;
        let row = rows::find_session(&mut reader, id).await.map_err(AuthError::unavailable)?;
        let row = row.ok_or_else(|| refused("no session has this id"))?;
        if verify_slices_are_equal(&hash(&secret), &row.secret_hash).is_err() {
            return Err(refused("the session's secret is wrong"));
        }
        if row.ended_at.is_some() {
            return Err(refused("the session was ended"));
        }
        if row.disabled_at.is_some() {
            return Err(refused("the session's user is shut out"));
        }
        if now >= row.created_at + LIFETIME || now >= row.last_seen_at + self.idle {
            return Err(AuthError::Expired);
        }
        let role = row.role.parse().map_err(|_| refused("the user has a role nobody knows"))?;
        let patients = if role == Role::Patient {
            let own = rows::patients_of_user(&mut reader, &row.user_name).await;
            own.map_err(AuthError::unavailable)?.into_iter().map(|p| p.patient_id).collect()
        } else {
            Vec::new()
        };
        drop(reader);
        let seldom = TOUCH.min(self.idle / 4);
        if now >= row.last_seen_at + seldom {
            let mut tx = self.db.begin().await.map_err(AuthError::unavailable)?;
            rows::touch_session(&mut tx, id, now - seldom, now)
                .await
                .map_err(AuthError::unavailable)?;
            tx.commit().await.map_err(AuthError::unavailable)?;
        }
        Ok(Credential {
            kind: CallerKind::Session,
            user: UserId::new(row.user_name),
            roles: vec![role],
            clinic: Some(row.clinic_id),
            patients,
            api_key: None,
            until: Some(row.created_at + LIFETIME),
        })
    }
}

fn refused(reason: &'static str) -> AuthError {
    AuthError::Invalid { reason, message: "the session has ended; sign in again" }
}

#[cfg(test)]
#[path = "sessions_tests.rs"]
mod tests;
