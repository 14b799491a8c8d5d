//! Tickets for uploads: `srt_<id, 32 hex digits>_<secret, 43 characters of base64url>`, shown in
//! the path of a request by pages whose upload client can send neither a header nor a cookie.
//!
//! A ticket stands for the person who made it, as they were then. It is made for uploads of one
//! kind (a patient, a category, …) and reaches only the uploads that began with it.
//!
//! Invariants:
//! - Only the hash of the secret is kept. A path is written down by many a proxy, so a ticket is
//!   short-lived, good for nothing but uploads, and looked at only on the routes made for it.
//! - It ends with the credential it was made with: at the end of a token, with a key that is
//!   revoked, with a session that is ended.
//! - Unknown, forged, expired and revoked tickets get the same answer; the reason goes to the log.

pub mod rows;

use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, header};

use self::rows::TicketRow;
use super::api_keys::{hash, random, read_pair};
use super::authenticate::AuthError;
use super::{Acting, Audited, Call, Caller, CallerKind};
use crate::db::{Db, DbError};
use crate::ids::{DocumentId, PatientId, SessionId, TicketId, UserId};
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// What every ticket's text begins with.
pub const PREFIX: &str = "srt_";
/// How long a ticket that has ended is kept, so that the log can say so.
const KEPT: Duration = Duration::from_hours(24);

/// The ticket in the path of a request; put there by the layer around the routes that take one.
#[derive(Clone, Debug)]
pub struct ShownTicket(pub Secret<String>);

/// What a ticket is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketScope {
    /// Uploads for this patient.
    pub patient: Option<PatientId>,
    /// Uploads of this category.
    pub category: Option<String>,
    /// Uploads that belong to this: kind and id.
    pub entity: Option<(String, String)>,
    /// The largest file, bytes.
    pub max_size: Option<u64>,
}

/// A ticket that was shown and is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Names it in the trail.
    pub id: TicketId,
    /// What it is good for.
    pub scope: TicketScope,
}

/// A ticket to make.
#[derive(Debug, Clone)]
pub struct NewTicket {
    /// Its public part.
    pub id: TicketId,
    /// What it is good for.
    pub scope: TicketScope,
    /// How many uploads may begin with it.
    pub max_files: u32,
    /// The session it is made in.
    pub session: Option<SessionId>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Makes a ticket that stands for the caller; the text is returned here and never again.
pub async fn create_ticket(
    tx: &mut Audited,
    call: &Call,
    new: NewTicket,
    now: Timestamp,
) -> Result<Secret<String>, DbError> {
    let (caller, secret) = (&call.caller, random::<32>());
    let roles: Vec<_> = caller.roles.iter().map(|role| role.as_str()).collect();
    let entity = new.scope.entity.unzip();
    let row = TicketRow {
        id: new.id,
        secret_hash: hash(&secret),
        clinic_id: caller.clinic,
        caller_kind: caller.kind.as_str().to_owned(),
        user_id: caller.user.as_str().to_owned(),
        roles: roles.join(" "),
        patients: serde_json::json!(caller.patients).to_string(),
        acting_user: caller.acting.as_ref().map(|a| a.user.as_str().to_owned()),
        acting_role: caller.acting.as_ref().map(|a| a.role.to_string()),
        api_key_id: caller.api_key,
        session_id: new.session,
        patient_id: new.scope.patient,
        category: new.scope.category,
        entity_type: entity.0,
        entity_id: entity.1,
        max_size: new.scope.max_size.map(|size| i64::try_from(size).unwrap_or(i64::MAX)),
        max_files: i64::from(new.max_files),
        created_at: now,
        expires_at: new.expires_at,
    };
    rows::delete_tickets_before(tx, now - KEPT).await?;
    rows::insert_ticket(tx, &row).await?;
    let id = new.id.as_uuid().simple();
    Ok(Secret::new(format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret))))
}

/// What a ticket that was shown says.
pub(super) struct Found {
    /// Who made it, as they were then.
    pub caller: Caller,
    /// The session it was made in.
    pub session: Option<SessionId>,
    /// What it is good for.
    pub ticket: Ticket,
}

/// The tickets of a running server.
pub(super) struct Tickets {
    db: Db,
}

impl Tickets {
    pub const fn new(db: Db) -> Self {
        Self { db }
    }

    /// What a ticket says, given its whole text. Whether the credential behind it is still good is
    /// for the caller of this to find out.
    pub async fn check(&self, text: &str, now: Timestamp) -> Result<Found, AuthError> {
        let (id, secret) = text
            .strip_prefix(PREFIX)
            .and_then(read_pair)
            .ok_or_else(|| refused("the ticket is not of the form srt_<id>_<secret>"))?;
        let mut reader = self.db.reader().await.map_err(AuthError::unavailable)?;
        let row = rows::find_ticket(&mut reader, TicketId::from_uuid(id)).await;
        drop(reader);
        let row = row.map_err(AuthError::unavailable)?;
        let row = row.ok_or_else(|| refused("no ticket has this id"))?;
        if verify_slices_are_equal(&hash(&secret), &row.secret_hash).is_err() {
            return Err(refused("the ticket's secret is wrong"));
        }
        if row.expires_at <= now {
            return Err(refused("the ticket has expired"));
        }
        read(row).ok_or_else(|| refused("the ticket was written by another version"))
    }
}

fn read(row: TicketRow) -> Option<Found> {
    let kinds = [CallerKind::User, CallerKind::ApiKey, CallerKind::Session];
    let acting = match row.acting_user.zip(row.acting_role) {
        Some((user, role)) => Some(Acting { user: UserId::new(user), role: role.parse().ok()? }),
        None => None,
    };
    let roles = row.roles.split(' ').map(str::parse).collect::<Result<Vec<_>, _>>().ok()?;
    let caller = Caller {
        kind: kinds.into_iter().find(|kind| kind.as_str() == row.caller_kind)?,
        user: UserId::new(row.user_id),
        roles,
        clinic: row.clinic_id,
        patients: serde_json::from_str(&row.patients).ok()?,
        acting,
        api_key: row.api_key_id,
        until: Some(row.expires_at),
    };
    let scope = TicketScope {
        patient: row.patient_id,
        category: row.category,
        entity: row.entity_type.zip(row.entity_id),
        max_size: row.max_size.map(i64::unsigned_abs),
    };
    Some(Found { caller, session: row.session_id, ticket: Ticket { id: row.id, scope } })
}

/// A browser sends the session's cookie by itself, so beside a ticket that says nothing. Whoever
/// shows a token or key, or names somebody to act for, means something else than the ticket.
pub(super) fn refuse_others(headers: &HeaderMap) -> Result<(), AuthError> {
    let others = [
        (header::AUTHORIZATION.as_str(), "Authorization"),
        ("x-api-key", "X-Api-Key"),
        ("x-acting-user", "X-Acting-User"),
        ("x-acting-role", "X-Acting-Role"),
        ("x-acting-patient", "X-Acting-Patient"),
        ("x-clinic-id", "X-Clinic-Id"),
    ];
    match others.into_iter().find(|(name, _)| headers.contains_key(*name)) {
        None => Ok(()),
        Some((_, field)) => Err(AuthError::BadRequest {
            field,
            detail: "the ticket in the path says who is calling; leave this header out, or use \
                     the path without a ticket"
                .to_owned(),
        }),
    }
}

/// Why a ticket is no credential (any more).
pub(super) const fn refused(reason: &'static str) -> AuthError {
    AuthError::Invalid {
        reason,
        message: "the ticket is unknown, expired or revoked; make a new one with \
                  POST /api/uppy/tickets",
    }
}

impl Ticket {
    /// Whether an upload that is to begin is one it was made for.
    pub(super) fn fits(&self, patient: Option<&PatientId>, category: Option<&str>) -> bool {
        let scope = &self.scope;
        scope.patient.as_ref().is_none_or(|own| Some(own) == patient)
            && scope.category.as_deref().is_none_or(|own| Some(own) == category)
    }

    /// Whether it reaches an upload.
    pub(super) async fn reaches(&self, db: &Db, document: DocumentId) -> Result<bool, DbError> {
        rows::is_of_ticket(&mut db.reader().await?, self.id, document).await
    }
}
