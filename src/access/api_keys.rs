//! API keys: `srk_<id, 32 hex digits>_<secret, 43 characters of base64url>`.
//!
//! The secret is 256 random bits, so SHA-256 is all the hashing it needs: there is no dictionary
//! to try, and a slow hash would only make each call slow. The text is shown once, when the key
//! is made, and only the hash is kept.
//!
//! A key that was looked up is remembered for at most five seconds. So a key that is revoked,
//! also by the command line beside a running server, works for at most five seconds more. Expiry
//! is checked on every call and takes effect at once.
//!
//! Invariant: unknown, tampered, expired and revoked keys get the same answer; only the reason
//! in the log differs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::acting::Credential;
use super::authenticate::AuthError;
use super::rows::{self, ApiKeyRow};
use super::{CallerKind, Role};
use crate::db::{Connection, Db, DbError};
use crate::ids::{ApiKeyId, ClinicId, Ids, UserId};
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// What every key's text begins with.
pub const PREFIX: &str = "srk_";
/// How long a looked-up key is believed.
const BELIEVED: Duration = Duration::from_secs(5);
/// How many looked-up keys are remembered.
const REMEMBERED: usize = 1024;

/// A key to make.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for, in its maker's words.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The clinic it is bound to; none: `X-Clinic-Id` of a service, else the default clinic.
    pub clinic: Option<ClinicId>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

/// A key as it may be shown: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its public part.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// What it may do; none where a newer version wrote a role this one does not know.
    pub role: Option<Role>,
    /// The clinic it is bound to.
    pub clinic: Option<ClinicId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            role: row.role.parse().ok(),
            clinic: row.clinic_id,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}

impl ApiKey {
    /// `valid`, `expired` or `revoked`.
    pub fn state(&self, now: Timestamp) -> &'static str {
        if self.revoked_at.is_some() {
            "revoked"
        } else if self.expires_at.is_some_and(|at| at <= now) {
            "expired"
        } else {
            "valid"
        }
    }
}

/// Makes a key; the text is returned here and never again.
pub async fn create_key(
    conn: &mut impl Connection,
    ids: &Ids,
    now: Timestamp,
    new: NewKey,
) -> Result<(ApiKey, Secret<String>), DbError> {
    let secret = random::<32>();
    let id = ids.next();
    let row = ApiKeyRow {
        id: ApiKeyId::from_uuid(id),
        name: new.name,
        secret_hash: hash(&secret),
        role: new.role.as_str().to_owned(),
        clinic_id: new.clinic,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
    };
    rows::insert_key(conn, &row).await?;
    let text = format!("{PREFIX}{}_{}", id.simple(), URL_SAFE_NO_PAD.encode(secret));
    Ok((row.into(), Secret::new(text)))
}

/// Every key, the newest first.
pub async fn list_keys(conn: &mut impl Connection) -> Result<Vec<ApiKey>, DbError> {
    Ok(rows::all_keys(conn).await?.into_iter().map(ApiKey::from).collect())
}

/// The keys that are bound to a clinic, the newest first.
pub async fn keys_of_clinic(
    conn: &mut impl Connection,
    clinic: ClinicId,
) -> Result<Vec<ApiKey>, DbError> {
    Ok(rows::keys_of_clinic(conn, clinic).await?.into_iter().map(ApiKey::from).collect())
}

/// Ends a key; false when there is no such key or it has been revoked before. A running server
/// notices within five seconds.
pub async fn revoke_key(
    conn: &mut impl Connection,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<bool, DbError> {
    rows::revoke_key(conn, id, now).await
}

/// `N` bytes nobody can guess.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[allow(clippy::expect_used, reason = "without randomness no secret may be made at all")]
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random source answers");
    bytes
}

/// SHA-256, for secrets that are random already.
pub(super) fn hash(secret: &[u8]) -> Vec<u8> {
    digest(&SHA256, secret).as_ref().to_vec()
}

/// Reads `<id, 32 hex>_<secret, 43 base64url>`.
pub(super) fn read_pair(text: &str) -> Option<(Uuid, [u8; 32])> {
    let (id, secret) = text.split_at_checked(32)?;
    let secret = secret.strip_prefix('_')?;
    let id = id.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some(id)?;
    let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
    Some((Uuid::try_parse(id).ok()?, secret.try_into().ok()?))
}

/// The keys of a running server.
pub(super) struct ApiKeys {
    db: Db,
    seen: Mutex<HashMap<ApiKeyId, (ApiKeyRow, Timestamp)>>,
}

impl ApiKeys {
    pub fn new(db: Db) -> Self {
        Self { db, seen: Mutex::default() }
    }

    /// The holder of a key, given its whole text.
    pub async fn check(&self, text: &str, now: Timestamp) -> Result<Credential, AuthError> {
        let (id, secret) = text
            .strip_prefix(PREFIX)
            .and_then(read_pair)
            .ok_or_else(|| refused("the key is not of the form srk_<id>_<secret>"))?;
        let id = ApiKeyId::from_uuid(id);
        let row = self.find(id, now).await?.ok_or_else(|| refused("no key has this id"))?;
        if verify_slices_are_equal(&hash(&secret), &row.secret_hash).is_err() {
            return Err(refused("the key's secret is wrong"));
        }
        if row.revoked_at.is_some() {
            return Err(refused("the key was revoked"));
        }
        if row.expires_at.is_some_and(|end| end <= now) {
            return Err(refused("the key has expired"));
        }
        let role = row.role.parse().map_err(|_| refused("the key has a role nobody knows"))?;
        Ok(Credential {
            kind: CallerKind::ApiKey,
            user: UserId::new(format!("key:{id}")),
            roles: vec![role],
            clinic: row.clinic_id,
            patients: Vec::new(),
            api_key: Some(id),
            until: row.expires_at,
        })
    }

    /// Whether a key that was good before still is.
    pub async fn is_good(&self, id: ApiKeyId, now: Timestamp) -> Result<bool, AuthError> {
        let row = self.find(id, now).await?;
        Ok(row.is_some_and(|row| {
            row.revoked_at.is_none() && row.expires_at.is_none_or(|end| now < end)
        }))
    }

    async fn find(&self, id: ApiKeyId, now: Timestamp) -> Result<Option<ApiKeyRow>, AuthError> {
        if let Some(row) = self.remembered(id, now) {
            return Ok(Some(row));
        }
        let mut reader = self.db.reader().await.map_err(AuthError::unavailable)?;
        let row = rows::find_key(&mut reader, id).await.map_err(AuthError::unavailable)?;
        if let Some(row) = &row {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.len() >= REMEMBERED {
                seen.retain(|_, (_, at)| fresh(*at, now));
            }
            if seen.len() >= REMEMBERED {
                seen.clear();
            }
            seen.insert(id, (row.clone(), now));
        }
        Ok(row)
    }

    fn remembered(&self, id: ApiKeyId, now: Timestamp) -> Option<ApiKeyRow> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&id).filter(|(_, at)| fresh(*at, now)).map(|(row, _)| row.clone())
    }
}

fn fresh(at: Timestamp, now: Timestamp) -> bool {
    at <= now && now < at + BELIEVED
}

fn refused(reason: &'static str) -> AuthError {
    AuthError::Invalid {
        reason,
        message: "the API key is unknown, expired or revoked; make a new one with \
                  `strongroom key create`",
    }
}

#[cfg(test)]
#[path = "api_keys_tests.rs"]
mod tests;
