//! The trail: what an event is and how it is written. Rows are only ever added.
//!
//! An event is written in the same commit as what it tells of (`access::Audited`), or in one of
//! its own for calls that were denied or failed. It must never hold a file name, a URL or
//! anything of a document's content.

pub mod rows;

use std::net::IpAddr;

use crate::ids::{ClinicId, EventId, PatientId};
use crate::time::Timestamp;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was allowed and done.
    Granted,
    /// The policy, or the credential, did not allow it.
    Denied,
    /// It was allowed and could not be done.
    Failed,
}

impl Outcome {
    /// As stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// Who did it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// `user`, `api_key`, `session`, `s3` (the embedded S3 endpoint), `system`, `command`.
    pub kind: &'static str,
    /// The user's id, or the key's.
    pub id: String,
    /// The roles they came with.
    pub roles: String,
    /// The person a service acts for, and in which role.
    pub on_behalf_of: Option<(String, String)>,
}

/// What it was done to.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// `document`, `patient`, `clinic`, `object`, …
    pub kind: Option<&'static str>,
    /// Its id.
    pub id: Option<String>,
    /// The patient it concerns.
    pub patient: Option<PatientId>,
}

/// One event, ready to be written.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// In which clinic; none for what concerns the whole server.
    pub clinic: Option<ClinicId>,
    /// What was asked for (`document.read`).
    pub action: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// The error code when it did not end well.
    pub code: Option<&'static str>,
    /// Who asked.
    pub actor: Actor,
    /// For what.
    pub subject: Subject,
    /// Ties it to the answer and the log.
    pub request_id: String,
    /// Where the call came from.
    pub remote: Option<IpAddr>,
    /// Facts worth keeping, without health information: counts, sizes, states.
    pub detail: Option<serde_json::Value>,
}

impl Event {
    /// Something that was allowed and done; `origin` is the request's id and where it came from.
    pub fn granted(
        (id, at): (EventId, Timestamp),
        action: &'static str,
        (actor, clinic): (Actor, Option<ClinicId>),
        subject: Subject,
        (request_id, remote): (String, Option<IpAddr>),
    ) -> Self {
        Self {
            id,
            at,
            clinic,
            action,
            outcome: Outcome::Granted,
            code: None,
            actor,
            subject,
            request_id,
            remote,
            detail: None,
        }
    }
}
