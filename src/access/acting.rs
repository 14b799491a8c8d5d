//! From a checked credential and the request's headers to a `Caller`.
//!
//! A service may name the person it acts for (`X-Acting-User`, `X-Acting-Role`,
//! `X-Acting-Patient`) and, where its key belongs to no clinic, the clinic (`X-Clinic-Id`).
//! Headers that a caller may not use are refused, never ignored: an app that believes it acts
//! for somebody must not act as itself instead.

use http::HeaderMap;

use super::authenticate::{AuthError, MAX_ID};
use super::{Acting, Caller, CallerKind, DEFAULT_CLINIC, Role};
use crate::ids::{ApiKeyId, ClinicId, PatientId, UserId};
use crate::time::Timestamp;

const USER: &str = "x-acting-user";
const ROLE: &str = "x-acting-role";
const PATIENT: &str = "x-acting-patient";
const CLINIC: &str = "x-clinic-id";

/// How many patients one call may name.
const MAX_PATIENTS: usize = 100;

/// What a credential says about its holder.
#[derive(Debug)]
pub struct Credential {
    pub kind: CallerKind,
    pub user: UserId,
    pub roles: Vec<Role>,
    /// The clinic it is bound to, if any.
    pub clinic: Option<ClinicId>,
    pub patients: Vec<PatientId>,
    pub api_key: Option<ApiKeyId>,
    /// When it ends by itself, where it says so.
    pub until: Option<Timestamp>,
}

impl Credential {
    /// The caller this credential and these headers make.
    pub fn into_caller(self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        let clinic = self.clinic(headers)?;
        let acting = self.acting(headers)?;
        let patients = self.patients(headers, acting.as_ref())?;
        let Self { kind, user, roles, api_key, until, .. } = self;
        Ok(Caller { kind, user, roles, clinic, patients, acting, api_key, until })
    }

    fn is_service(&self) -> bool {
        self.roles.contains(&Role::Service)
    }

    fn clinic(&self, headers: &HeaderMap) -> Result<ClinicId, AuthError> {
        let named = match single(headers, CLINIC)? {
            None => return Ok(self.clinic.unwrap_or(DEFAULT_CLINIC)),
            Some(text) => text
                .parse::<ClinicId>()
                .map_err(|_| bad("X-Clinic-Id", "must be a UUID, given once"))?,
        };
        let free = self.clinic.is_none() && self.is_service();
        if free || named == self.clinic.unwrap_or(DEFAULT_CLINIC) {
            return Ok(named);
        }
        Err(bad(
            "X-Clinic-Id",
            "names another clinic than the one this credential belongs to; leave it out, or use \
             a service key that was made without a clinic",
        ))
    }

    fn acting(&self, headers: &HeaderMap) -> Result<Option<Acting>, AuthError> {
        let (user, role) = (single(headers, USER)?, single(headers, ROLE)?);
        let patients = headers.contains_key(PATIENT);
        if user.is_none() && role.is_none() && !patients {
            return Ok(None);
        }
        if !self.is_service() {
            return Err(bad(
                "X-Acting-User",
                "only a key with the role service may act for another person; leave out the \
                 X-Acting headers",
            ));
        }
        let Some(user) = user else {
            return Err(bad("X-Acting-User", "must name the person the other headers are about"));
        };
        let Some(role) = role else {
            return Err(bad(
                "X-Acting-Role",
                "must be given with X-Acting-User: one of clinician, staff, patient, auditor",
            ));
        };
        if user.len() > MAX_ID {
            return Err(bad("X-Acting-User", "must be at most 256 characters long"));
        }
        let role = match role.parse::<Role>() {
            Ok(Role::Admin) if !self.roles.contains(&Role::Admin) => {
                return Err(bad(
                    "X-Acting-Role",
                    "a service may act as admin only where its own credential has that role too",
                ));
            }
            Ok(
                role
                @ (Role::Admin | Role::Clinician | Role::Staff | Role::Patient | Role::Auditor),
            ) => role,
            Ok(Role::Service) | Err(_) => {
                return Err(bad(
                    "X-Acting-Role",
                    "must be the role of a person: one of clinician, staff, patient, auditor",
                ));
            }
        };
        Ok(Some(Acting { user: UserId::new(user), role }))
    }

    fn patients(
        &self,
        headers: &HeaderMap,
        acting: Option<&Acting>,
    ) -> Result<Vec<PatientId>, AuthError> {
        let Some(acting) = acting else { return Ok(self.patients.clone()) };
        let mut patients = Vec::new();
        for value in headers.get_all(PATIENT) {
            let value = value.to_str().map_err(|_| unreadable("X-Acting-Patient"))?;
            let ids = value.split(',').map(str::trim).filter(|id| !id.is_empty());
            patients.extend(ids.map(PatientId::new));
        }
        if !patients.is_empty() && acting.role != Role::Patient {
            return Err(bad("X-Acting-Patient", "belongs with X-Acting-Role: patient only"));
        }
        if patients.len() > MAX_PATIENTS || patients.iter().any(|p| p.as_str().len() > MAX_ID) {
            return Err(bad(
                "X-Acting-Patient",
                "must be at most 100 ids of at most 256 characters",
            ));
        }
        Ok(patients)
    }
}

/// A header that may stand at most once and must say something.
fn single<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, AuthError> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| unreadable(shown(name)))?.trim();
    if values.next().is_some() || text.is_empty() {
        return Err(bad(shown(name), "must be given once, with a value, or left out"));
    }
    Ok(Some(text))
}

fn shown(name: &'static str) -> &'static str {
    match name {
        USER => "X-Acting-User",
        ROLE => "X-Acting-Role",
        CLINIC => "X-Clinic-Id",
        other => other,
    }
}

fn unreadable(field: &'static str) -> AuthError {
    bad(field, "must be visible ASCII characters")
}

fn bad(field: &'static str, detail: &str) -> AuthError {
    AuthError::BadRequest { field, detail: detail.to_owned() }
}

#[cfg(test)]
#[path = "acting_tests.rs"]
mod tests;
