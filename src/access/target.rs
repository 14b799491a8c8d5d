//! What an action is done to, in words the policy knows, and what the policy answers.

use crate::ids::{ClinicId, PatientId, UserId};

/// What kind of thing an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// One document, also one that is about to be made.
    Document,
    /// One patient: their list of documents, their care team.
    Patient,
    /// The clinic as a whole: its documents, its trail.
    Clinic,
    /// The installation: configuration, the embedded store.
    System,
    /// An API key.
    ApiKey,
    /// A person who signs in to the pages.
    User,
    /// A webhook.
    Webhook,
    /// A session of the pages.
    Session,
    /// A ticket for uploads; the policy takes it for a document that is about to be made.
    Ticket,
}

impl TargetKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Document,
        Self::Patient,
        Self::Clinic,
        Self::System,
        Self::ApiKey,
        Self::User,
        Self::Webhook,
        Self::Session,
        Self::Ticket,
    ];

    /// The kind as the trail spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Document => "document",
            Self::Patient => "patient",
            Self::Clinic => "clinic",
            Self::System => "system",
            Self::ApiKey => "api_key",
            Self::User => "user",
            Self::Webhook => "webhook",
            Self::Session => "session",
            Self::Ticket => "ticket",
        }
    }
}

/// What an action is done to, in words the policy knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Its id, for the trail; the policy does not see it.
    pub id: Option<String>,
    /// The clinic it belongs to.
    pub clinic: ClinicId,
    /// The patient it is about.
    pub patient: Option<PatientId>,
    /// A document's category (`lab-results`).
    pub category: Option<&'static str>,
    /// A document's state (`available`); none before its upload has begun.
    pub state: Option<&'static str>,
    /// Whether a document has been released to the patient.
    pub released: bool,
    /// Who uploaded a document.
    pub owner: Option<UserId>,
}

impl Target {
    /// A target of which nothing but its kind and clinic is known.
    pub const fn new(kind: TargetKind, clinic: ClinicId) -> Self {
        Self {
            kind,
            id: None,
            clinic,
            patient: None,
            category: None,
            state: None,
            released: false,
            owner: None,
        }
    }
}

/// What the caller of `decide` had to look up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PolicyContext {
    /// The caller is in the patient's care team, or the clinic is open to its clinicians.
    pub care_team: bool,
}

/// The answer of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The caller may do it.
    Allow,
    /// The caller may not do it.
    Deny {
        /// Whether the caller may at least know of the thing: then the answer is 403, else 404.
        visible: bool,
    },
}

impl Decision {
    /// Whether the caller may do it.
    pub const fn is_allow(self) -> bool {
        matches!(self, Self::Allow)
    }
}
