//! People who sign in to the pages, and their passwords.
//!
//! Passwords are hashed with argon2id at the parameters of the OWASP Password Storage Cheat
//! Sheet (19 MiB, 2 passes, 1 lane), on a blocking thread, never inside a transaction. The
//! parameters stand in each hash, so they can be raised without asking anybody for a new
//! password.

use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::api_keys::random;
use super::{Role, rows};
use crate::db::{Connection, Db, DbError};
use crate::ids::ClinicId;
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// Memory for one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// The shortest password that is taken, in characters (NIST SP 800-63B asks for 8 at least).
pub const MIN_PASSWORD: usize = 12;
/// The longest password that is taken, in bytes.
pub const MAX_PASSWORD: usize = 1024;
/// The longest name, in bytes.
pub const MAX_NAME: usize = 128;
/// Wrong passwords before a name is locked.
pub(super) const FREE_FAILURES: i64 = 5;
const FIRST_LOCK: Duration = Duration::from_mins(1);
const LONGEST_LOCK: Duration = Duration::from_mins(15);

/// Why a user could not be added or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Somebody has that name.
    #[error("this name is taken")]
    Taken,
    /// The name cannot be one.
    #[error("a name has 1 to 128 characters, none of them a space or a control character")]
    BadName,
    /// The password is too short or too long.
    #[error("a password has at least 12 characters and at most 1024 bytes")]
    BadPassword,
    /// The hash could not be made (no memory).
    #[error("the password could not be hashed")]
    Hash,
    /// The database failed.
    #[error("the user could not be stored")]
    Db(#[from] DbError),
}

/// A user to add.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The name they sign in with.
    pub name: String,
    /// Their password.
    pub password: Secret<String>,
    /// What they may do.
    pub role: Role,
    /// Their clinic; none: the default one.
    pub clinic: Option<ClinicId>,
}

/// A user whose name and password have been checked and whose password has been hashed: ready
/// for a transaction.
#[derive(Debug)]
pub struct PreparedUser {
    name: String,
    password_hash: String,
    role: Role,
    clinic: ClinicId,
}

impl NewUser {
    /// Checks name and password and hashes the password (some 20 ms on another thread).
    pub async fn prepare(self) -> Result<PreparedUser, UserError> {
        let named = 1..=MAX_NAME;
        if !named.contains(&self.name.len())
            || self.name.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(UserError::BadName);
        }
        Ok(PreparedUser {
            name: self.name,
            password_hash: hash_password(self.password).await?,
            role: self.role,
            clinic: self.clinic.unwrap_or(super::DEFAULT_CLINIC),
        })
    }
}

/// A password nobody can guess (144 bits), for users who are given one.
pub fn make_password() -> Secret<String> {
    Secret::new(URL_SAFE_NO_PAD.encode(random::<18>()))
}

/// Adds a prepared user.
pub async fn insert_user(
    conn: &mut impl Connection,
    user: &PreparedUser,
    now: Timestamp,
) -> Result<(), UserError> {
    let PreparedUser { name, password_hash, role, clinic } = user;
    rows::insert_user(conn, name, password_hash, *role, *clinic, now)
        .await
        .map_err(|e| if e.is_unique_violation() { UserError::Taken } else { UserError::Db(e) })
}

/// Adds a user in a transaction of its own.
pub async fn add_user(db: &Db, user: NewUser, now: Timestamp) -> Result<(), UserError> {
    let prepared = user.prepare().await?;
    let mut tx = db.begin().await?;
    insert_user(&mut tx, &prepared, now).await?;
    Ok(tx.commit().await?)
}

/// Checks a password's length and hashes it; the PHC string for `rows::set_password`.
pub async fn hash_password(password: Secret<String>) -> Result<String, UserError> {
    let text = password.reveal();
    if text.chars().count() < MIN_PASSWORD || text.len() > MAX_PASSWORD {
        return Err(UserError::BadPassword);
    }
    let salt = random::<16>();
    tokio::task::spawn_blocking(move || {
        let hasher = hasher().ok_or(UserError::Hash)?;
        let hash: PasswordHash = hasher
            .hash_password_with_salt(password.reveal().as_bytes(), &salt)
            .map_err(|_| UserError::Hash)?;
        Ok(hash.to_string())
    })
    .await
    .unwrap_or(Err(UserError::Hash))
}

/// Whether a password fits a hash. Without a hash the same work is done for nothing, so that a
/// name nobody has takes as long as one somebody has.
pub(super) async fn verify_password(password: Secret<String>, hash: Option<String>) -> bool {
    let work = move || {
        let password = password.reveal().as_bytes();
        let hasher = hasher()?;
        let Some(hash) = hash else {
            let mut unused = [0; 32];
            let _ = hasher.hash_password_into(password, &[0; 16], &mut unused);
            return None;
        };
        let hash = PasswordHash::new(&hash).ok()?;
        hasher.verify_password(password, &hash).ok()
    };
    tokio::task::spawn_blocking(work).await.ok().flatten().is_some()
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, 2, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// How long a name is locked after its n-th wrong password in a row: not at all before the
/// fifth, then a minute, doubling up to 15 minutes.
pub(super) fn lock_after(failures: i64) -> Option<Duration> {
    let beyond = u32::try_from(failures - FREE_FAILURES).ok()?;
    Some(FIRST_LOCK.saturating_mul(1 << beyond.min(8)).min(LONGEST_LOCK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_begins_at_the_fifth_failure_and_doubles_to_a_quarter_of_an_hour() {
        let minutes = |n| lock_after(n).map(|lock| lock.as_secs() / 60);
        let locks: Vec<_> = (0..=10).map(minutes).collect();
        let (none, at) = (None, Some);
        assert_eq!(
            locks,
            [none, none, none, none, none, at(1), at(2), at(4), at(8), at(15), at(15)]
        );
        assert_eq!(minutes(i64::from(u32::MAX)), Some(15));
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only_and_the_hash_names_its_parameters() {
        let secret = |s: &str| Secret::new(s.to_owned());
        let hash = hash_password(secret("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify_password(secret("correct horse battery"), Some(hash.clone())).await);
        assert!(!verify_password(secret("correct horse batterx"), Some(hash)).await);
        assert!(!verify_password(secret("correct horse battery"), None).await);
        assert!(matches!(hash_password(secret("short")).await, Err(UserError::BadPassword)));
    }
}
