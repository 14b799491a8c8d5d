//! The caller: what is known about who sent a request once its credential has been checked.
//!
//! Invariant: a `Caller` has at least one role, and belongs to exactly one clinic.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::ids::{ApiKeyId, ClinicId, PatientId, UserId};
use crate::time::Timestamp;

/// The clinic of an installation that serves only one: used where a token, key or user names
/// none.
pub const DEFAULT_CLINIC: ClinicId =
    ClinicId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));

/// What somebody is in their clinic. The rules of each role stand in `policies/default.cedar`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Runs the installation: everything in the clinic.
    Admin,
    /// Treats patients.
    Clinician,
    /// Front desk and billing: nothing clinical.
    Staff,
    /// Sees their own released documents.
    Patient,
    /// The app itself, on its own behalf or on a named person's.
    Service,
    /// Reads the trail and the reports; no content.
    Auditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 6] =
        [Self::Admin, Self::Clinician, Self::Staff, Self::Patient, Self::Service, Self::Auditor];

    /// The role as tokens, tables and policies spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Clinician => "clinician",
            Self::Staff => "staff",
            Self::Patient => "patient",
            Self::Service => "service",
            Self::Auditor => "auditor",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of admin, clinician, staff, patient, service, auditor")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// What kind of credential a caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallerKind {
    /// A person with a token that the app issued.
    User,
    /// A program with an API key.
    ApiKey,
    /// A person signed in to the pages.
    Session,
}

impl CallerKind {
    /// The kind as the trail and the policy spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Session => "session",
        }
    }
}

/// The person a service acts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acting {
    /// Who that is, as the app names them.
    pub user: UserId,
    /// The role whose rules hold for the call.
    pub role: Role,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What kind of credential was shown.
    pub kind: CallerKind,
    /// Whose credential it is; `key:<id>` for an API key.
    pub user: UserId,
    /// The roles of the credential, at least one.
    pub roles: Vec<Role>,
    /// The clinic the call is in.
    pub clinic: ClinicId,
    /// The patients whose own documents these are, for the role `patient`.
    pub patients: Vec<PatientId>,
    /// The person a service acts for.
    pub acting: Option<Acting>,
    /// The API key that was shown.
    pub api_key: Option<ApiKeyId>,
    /// When the credential ends by itself, where it says so.
    pub until: Option<Timestamp>,
}

impl Caller {
    /// The roles whose rules hold: the acting person's alone where there is one.
    pub fn effective_roles(&self) -> &[Role] {
        match &self.acting {
            Some(acting) => std::slice::from_ref(&acting.role),
            None => &self.roles,
        }
    }

    /// The person (or program) on whose behalf the call is made: who owns what it uploads and
    /// whose care team counts.
    pub fn effective_user(&self) -> &UserId {
        self.acting.as_ref().map_or(&self.user, |acting| &acting.user)
    }

    /// Whether the rules of a role hold for this call.
    pub fn has_role(&self, role: Role) -> bool {
        self.effective_roles().contains(&role)
    }

    /// Whether this is the patient, and not somebody who is one as well.
    pub fn is_patient(&self, patient: Option<&PatientId>) -> bool {
        self.has_role(Role::Patient) && patient.is_some_and(|id| self.patients.contains(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_reads_back_as_it_is_spelled_and_other_words_are_refused() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse::<Role>(), Ok(role));
        }
        for word in ["", "Admin", "root", "admin "] {
            let refused = word.parse::<Role>().unwrap_err().to_string();
            for role in Role::ALL {
                assert!(refused.contains(role.as_str()), "{refused}");
            }
        }
    }
}
