//! All SQL of who may call: API keys, users, sessions; beside them, care teams.
//!
//! Every function takes the connection it runs on, so that a caller can put it into the same
//! commit as the row of the trail that tells of it.

use super::Role;
pub use super::care_team::rows::{
    CareTeamRow, add_to_care_team, is_in_care_team, list_care_team, remove_from_care_team,
};
pub use super::people::rows::{
    PatientOfUser, end_sessions, insert_patient_of_user, note_setup, patients_of_user,
    patients_of_users, set_password,
};
use crate::db::{Connection, DbError, execute, fetch_all, fetch_optional};
use crate::ids::{ApiKeyId, ClinicId, SessionId};
use crate::time::Timestamp;

/// An API key as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ApiKeyRow {
    /// Its public part.
    pub id: ApiKeyId,
    /// What its maker called it.
    pub name: String,
    /// SHA-256 of its secret part.
    pub secret_hash: Vec<u8>,
    /// Its role, as [`Role`] spells it.
    pub role: String,
    /// The clinic it is bound to.
    pub clinic_id: Option<ClinicId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Adds a key.
pub async fn insert_key(conn: &mut impl Connection, key: &ApiKeyRow) -> Result<(), DbError> {
    execute!(
        *conn,
        "insert into api_keys (id, name, secret_hash, role, clinic_id, created_at, expires_at) \
         values ($1, $2, $3, $4, $5, $6, $7)",
        key.id,
        key.name.as_str(),
        key.secret_hash.as_slice(),
        key.role.as_str(),
        key.clinic_id,
        key.created_at,
        key.expires_at,
    )?;
    Ok(())
}

/// One key, also one that has ended.
pub async fn find_key(
    conn: &mut impl Connection,
    id: ApiKeyId,
) -> Result<Option<ApiKeyRow>, DbError> {
    fetch_optional!(
        *conn,
        ApiKeyRow,
        "select id, name, secret_hash, role, clinic_id, created_at, expires_at, revoked_at \
         from api_keys where id = $1",
        id,
    )
}

/// Every key, the newest first.
pub async fn all_keys(conn: &mut impl Connection) -> Result<Vec<ApiKeyRow>, DbError> {
    fetch_all!(
        *conn,
        ApiKeyRow,
        "select id, name, secret_hash, role, clinic_id, created_at, expires_at, revoked_at \
         from api_keys order by created_at desc, id",
    )
}

/// The keys that are bound to a clinic, the newest first.
pub async fn keys_of_clinic(
    conn: &mut impl Connection,
    clinic: ClinicId,
) -> Result<Vec<ApiKeyRow>, DbError> {
    fetch_all!(
        *conn,
        ApiKeyRow,
        "select id, name, secret_hash, role, clinic_id, created_at, expires_at, revoked_at \
         from api_keys where clinic_id = $1 order by created_at desc, id",
        clinic,
    )
}

/// Ends a key of a clinic; false when it has none of this id or it has been revoked before.
pub async fn revoke_key_of_clinic(
    conn: &mut impl Connection,
    clinic: ClinicId,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "update api_keys set revoked_at = $3 \
         where clinic_id = $1 and id = $2 and revoked_at is null",
        clinic,
        id,
        now,
    )?;
    Ok(changed > 0)
}

/// Ends a key; false when there is no such key or it has been revoked before.
pub async fn revoke_key(
    conn: &mut impl Connection,
    id: ApiKeyId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null",
        id,
        now,
    )?;
    Ok(changed > 0)
}

/// A person who signs in to the pages.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct UserRow {
    /// The name they sign in with.
    pub name: String,
    /// The argon2id hash of their password, as a PHC string.
    pub password_hash: String,
    /// Their role, as [`Role`] spells it.
    pub role: String,
    /// Their clinic.
    pub clinic_id: ClinicId,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were shut out.
    pub disabled_at: Option<Timestamp>,
    /// Wrong passwords since the last right one.
    pub failed_attempts: i64,
    /// Until when the name cannot sign in.
    pub locked_until: Option<Timestamp>,
}

/// Adds a user; a unique violation means that the name is taken.
pub async fn insert_user(
    conn: &mut impl Connection,
    name: &str,
    password_hash: &str,
    role: Role,
    clinic: ClinicId,
    now: Timestamp,
) -> Result<(), DbError> {
    execute!(
        *conn,
        "insert into users (name, password_hash, role, clinic_id, created_at) \
         values ($1, $2, $3, $4, $5)",
        name,
        password_hash,
        role.as_str(),
        clinic,
        now,
    )?;
    Ok(())
}

/// One user, also one who is shut out.
pub async fn find_user(conn: &mut impl Connection, name: &str) -> Result<Option<UserRow>, DbError> {
    fetch_optional!(
        *conn,
        UserRow,
        "select name, password_hash, role, clinic_id, created_at, disabled_at, \
         cast(failed_attempts as bigint) as failed_attempts, locked_until \
         from users where name = $1",
        name,
    )
}

/// The users of a clinic, by name.
pub async fn list_users(
    conn: &mut impl Connection,
    clinic: ClinicId,
) -> Result<Vec<UserRow>, DbError> {
    fetch_all!(
        *conn,
        UserRow,
        "select name, password_hash, role, clinic_id, created_at, disabled_at, \
         cast(failed_attempts as bigint) as failed_attempts, locked_until \
         from users where clinic_id = $1 order by name",
        clinic,
    )
}

/// Whether anybody can sign in at all.
pub async fn has_users(conn: &mut impl Connection) -> Result<bool, DbError> {
    let row: Option<(String,)> =
        fetch_optional!(*conn, (String,), "select name from users limit 1")?;
    Ok(row.is_some())
}

/// Shuts a user of a clinic out; their sessions end with them. False when nothing changed.
pub async fn disable_user(
    conn: &mut impl Connection,
    clinic: ClinicId,
    name: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "update users set disabled_at = $3 \
         where clinic_id = $1 and name = $2 and disabled_at is null",
        clinic,
        name,
        now,
    )?;
    if changed > 0 {
        end_sessions(conn, name, None, now).await?;
    }
    Ok(changed > 0)
}

/// Lets a user of a clinic who was shut out sign in again. False when nothing changed.
pub async fn enable_user(
    conn: &mut impl Connection,
    clinic: ClinicId,
    name: &str,
) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "update users set disabled_at = null, failed_attempts = 0, locked_until = null \
         where clinic_id = $1 and name = $2 and disabled_at is not null",
        clinic,
        name,
    )?;
    Ok(changed > 0)
}

/// Counts one wrong password and returns how many there have been since the last right one.
pub async fn count_failure(conn: &mut impl Connection, name: &str) -> Result<i64, DbError> {
    execute!(
        *conn,
        "update users set failed_attempts = failed_attempts + 1 where name = $1",
        name,
    )?;
    let row: Option<(i64,)> = fetch_optional!(
        *conn,
        (i64,),
        "select cast(failed_attempts as bigint) from users where name = $1",
        name,
    )?;
    Ok(row.map_or(0, |(failures,)| failures))
}

/// Keeps a name from signing in for a while.
pub async fn lock_user(
    conn: &mut impl Connection,
    name: &str,
    until: Timestamp,
) -> Result<(), DbError> {
    execute!(*conn, "update users set locked_until = $2 where name = $1", name, until)?;
    Ok(())
}

/// Forgets wrong passwords after a right one. False when the user was shut out or has another
/// password meanwhile.
pub async fn clear_failures(
    conn: &mut impl Connection,
    name: &str,
    password_hash: &str,
) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "update users set failed_attempts = 0, locked_until = null \
         where name = $1 and password_hash = $2 and disabled_at is null",
        name,
        password_hash,
    )?;
    Ok(changed > 0)
}

/// A session and the user it belongs to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct SessionRow {
    /// Its public part.
    pub id: SessionId,
    /// SHA-256 of its secret part.
    pub secret_hash: Vec<u8>,
    /// Whose it is.
    pub user_name: String,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When they signed out.
    pub ended_at: Option<Timestamp>,
    /// The user's role.
    pub role: String,
    /// The user's clinic.
    pub clinic_id: ClinicId,
    /// When the user was shut out.
    pub disabled_at: Option<Timestamp>,
}

/// Adds a session.
pub async fn insert_session(
    conn: &mut impl Connection,
    id: SessionId,
    secret_hash: &[u8],
    user_name: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    execute!(
        *conn,
        "insert into sessions (id, secret_hash, user_name, created_at, last_seen_at) \
         values ($1, $2, $3, $4, $4)",
        id,
        secret_hash,
        user_name,
        now,
    )?;
    Ok(())
}

/// One session, also one that has ended.
pub async fn find_session(
    conn: &mut impl Connection,
    id: SessionId,
) -> Result<Option<SessionRow>, DbError> {
    fetch_optional!(
        *conn,
        SessionRow,
        "select s.id, s.secret_hash, s.user_name, s.created_at, s.last_seen_at, s.ended_at, \
         u.role, u.clinic_id, u.disabled_at \
         from sessions s join users u on u.name = s.user_name where s.id = $1",
        id,
    )
}

/// Notes that a session is in use, unless that was noted since `before`.
pub async fn touch_session(
    conn: &mut impl Connection,
    id: SessionId,
    before: Timestamp,
    now: Timestamp,
) -> Result<(), DbError> {
    execute!(
        *conn,
        "update sessions set last_seen_at = $3 \
         where id = $1 and last_seen_at <= $2 and ended_at is null",
        id,
        before,
        now,
    )?;
    Ok(())
}

/// Ends a session; false when it had ended.
pub async fn end_session(
    conn: &mut impl Connection,
    id: SessionId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *conn,
        "update sessions set ended_at = $2 where id = $1 and ended_at is null",
        id,
        now,
    )?;
    Ok(changed > 0)
}

/// Removes sessions that began before a time; how many.
pub async fn delete_sessions_before(
    conn: &mut impl Connection,
    before: Timestamp,
) -> Result<u64, DbError> {
    execute!(*conn, "delete from sessions where created_at < $1", before)
}
