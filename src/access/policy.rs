//! What a caller may do: a Cedar policy, asked with facts only.
//!
//! What the policy may look at is gathered in one small value, `Facts`, and the Cedar request is
//! built from that value and nothing else. So two calls with the same facts are the same
//! request, and the answer can be remembered: that makes a decision cheap (one look into a map),
//! and it is exact by construction. Ids of documents and patients never reach the policy.
//!
//! Invariants:
//! - A target of another clinic is refused here, before the policy is asked.
//! - Any error while a policy is evaluated refuses the request: Cedar alone would pass over the
//!   rule that failed, also where that rule is a `forbid`.
//! - The memory of answers is bounded.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use cedar_policy as cedar;
use cedar_policy::{EntityId, EntityTypeName, EntityUid, RestrictedExpression, ffi::DetailedError};

use super::{Action, Caller, CallerKind, Decision, PolicyContext, Role, Target, TargetKind};
use crate::ids::{ClinicId, UserId};

/// The rules an installation starts with.
const DEFAULT: &str = include_str!("../../policies/default.cedar");
/// What rules can ask about.
const SCHEMA: &str = include_str!("../../policies/strongroom.cedarschema");
/// How many answers are remembered before all are forgotten; some hundred are ever in use.
const REMEMBERED: usize = 8192;

/// A policy file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The file could not be read.
    #[error("the policy file {} could not be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What stands in it is wrong; every problem, one a line, each with its line in the file.
    #[error("the policy cannot be used:\n{}", problems.join("\n"))]
    Refused {
        /// `line 12: …`
        problems: Vec<String>,
    },
}

/// Everything a policy can ask about one call. See the file's head.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "they are facts, independent of each other")]
struct Facts {
    /// Filled only where the policy names single users.
    user: Option<UserId>,
    kind: CallerKind,
    acting: bool,
    /// One bit a role, in the order of `Role::ALL`.
    roles: u8,
    /// Of the caller and, the wall being behind us, of the target.
    clinic: ClinicId,
    action: Action,
    target: TargetKind,
    category: Option<&'static str>,
    state: Option<&'static str>,
    released: bool,
    has_patient: bool,
    care_team: bool,
    own_patient: bool,
    owner: bool,
}

/// The rules in force.
pub struct Policy {
    /// As it was read.
    text: String,
    rules: cedar::PolicySet,
    authorizer: cedar::Authorizer,
    /// Whether a rule names a single user.
    names_users: bool,
    names: Names,
    answers: RwLock<HashMap<Facts, bool>>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({} rules)", self.rules.policies().count())
    }
}

impl Policy {
    /// Loads an operator's file, or the built-in rules, and checks them against the schema.
    pub fn load(path: Option<&Path>) -> Result<Self, PolicyError> {
        match path {
            None => Self::parse(DEFAULT),
            Some(path) => Self::parse(
                &std::fs::read_to_string(path)
                    .map_err(|source| PolicyError::Read { path: path.to_owned(), source })?,
            ),
        }
    }

    /// The rules as text, checked; every problem is told at once.
    fn parse(text: &str) -> Result<Self, PolicyError> {
        let refused = |problems| PolicyError::Refused { problems };
        let rules = cedar::PolicySet::from_str(text).map_err(|errors| {
            refused(errors.iter().map(|e| told(text, &DetailedError::from(e))).collect())
        })?;
        let schema = cedar::Schema::from_str(SCHEMA)
            .map_err(|e| refused(vec![format!("the built-in schema is broken: {e}")]))?;
        let checked = cedar::Validator::new(schema).validate(&rules, cedar::ValidationMode::Strict);
        let mut problems: Vec<String> =
            checked.validation_errors().map(|e| told(text, &DetailedError::from(e))).collect();
        let mut names_users = false;
        for rule in rules.policies() {
            for literal in rule.entity_literals() {
                match literal.type_name().basename() {
                    "Role" | "Action" => {}
                    "User" => names_users = true,
                    _ => problems.push(format!(
                        "line {}: {literal} names one thing; a rule can speak of the properties \
                         of documents, patients and clinics, not of single ones",
                        line_of(text, rule),
                    )),
                }
            }
        }
        if !problems.is_empty() {
            return Err(refused(problems));
        }
        let names = Names::new().map_err(|e| refused(vec![e.to_string()]))?;
        let (authorizer, answers) = (cedar::Authorizer::new(), RwLock::default());
        Ok(Self { text: text.to_owned(), rules, authorizer, names_users, names, answers })
    }

    /// The rules as their author wrote them.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a caller may do an action to a target.
    pub fn decide(
        &self,
        caller: &Caller,
        action: Action,
        target: &Target,
        context: PolicyContext,
    ) -> Decision {
        if caller.clinic != target.clinic {
            return Decision::Deny { visible: false };
        }
        if self.allows(&self.facts(caller, action, target, context)) {
            return Decision::Allow;
        }
        let seeing: &[Action] = match target.kind {
            TargetKind::Document | TargetKind::Ticket => &[Action::ReadDocument],
            TargetKind::Patient => &[Action::ListDocuments, Action::ReadCareTeam],
            // That the clinic, its keys and its users exist is no secret from its members.
            TargetKind::Clinic
            | TargetKind::System
            | TargetKind::ApiKey
            | TargetKind::User
            | TargetKind::Webhook
            | TargetKind::Session => return Decision::Deny { visible: true },
        };
        let visible = seeing.iter().any(|&seeing| {
            seeing != action && self.allows(&self.facts(caller, seeing, target, context))
        });
        Decision::Deny { visible }
    }

    /// Whether a caller may see a document's metadata: the test each row of a list has to pass.
    pub fn readable(&self, caller: &Caller, target: &Target, context: PolicyContext) -> bool {
        self.decide(caller, Action::ReadDocument, target, context).is_allow()
    }

    /// The pairs of category and state whose documents a caller may see, everything else being
    /// as in `sample`: what a list asks the database for.
    pub fn readable_kinds(
        &self,
        caller: &Caller,
        sample: &Target,
        context: PolicyContext,
        categories: &[&'static str],
        states: &[&'static str],
    ) -> Vec<(&'static str, &'static str)> {
        let mut target = sample.clone();
        let mut kinds = Vec::with_capacity(categories.len() * states.len());
        for &category in categories {
            for &state in states {
                (target.category, target.state) = (Some(category), Some(state));
                if self.readable(caller, &target, context) {
                    kinds.push((category, state));
                }
            }
        }
        kinds
    }

    fn facts(
        &self,
        caller: &Caller,
        action: Action,
        target: &Target,
        context: PolicyContext,
    ) -> Facts {
        let user = caller.effective_user();
        Facts {
            user: self.names_users.then(|| user.clone()),
            kind: caller.kind,
            acting: caller.acting.is_some(),
            roles: caller.effective_roles().iter().fold(0, |bits, &role| bits | bit(role)),
            clinic: target.clinic,
            action,
            target: target.kind,
            category: target.category,
            state: target.state,
            released: target.released,
            has_patient: target.patient.is_some(),
            care_team: context.care_team,
            own_patient: caller.has_role(Role::Patient)
                && target.patient.as_ref().is_some_and(|patient| caller.patients.contains(patient)),
            owner: target.owner.as_ref() == Some(user),
        }
    }

    fn allows(&self, facts: &Facts) -> bool {
        let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(&answer) = answers.get(facts) {
            return answer;
        }
        drop(answers);
        let answer = self.ask(facts).unwrap_or_else(|e| {
            tracing::error!(error = %e, action = %facts.action, "a policy question was refused");
            false
        });
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= REMEMBERED {
            answers.clear();
        }
        answers.insert(facts.clone(), answer);
        answer
    }

    /// Asks Cedar, without looking at remembered answers.
    fn ask(&self, facts: &Facts) -> Result<bool, Box<dyn std::error::Error>> {
        let (request, entities) = self.names.request(facts)?;
        let response = self.authorizer.is_authorized(&request, &self.rules, &entities);
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(error.to_string().into());
        }
        Ok(response.decision() == cedar::Decision::Allow)
    }
}

const fn bit(role: Role) -> u8 {
    1 << role as u8
}

/// One problem with its line, as `line 12: …`.
fn told(text: &str, error: &DetailedError) -> String {
    let help = error.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    match error.source_locations.first() {
        Some(at) => format!("line {}: {}{help}", line(text, at.loc.start), error.message),
        None => format!("{}{help}", error.message),
    }
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

fn line_of(text: &str, rule: &cedar::Policy) -> usize {
    text.find(&rule.to_string()).map_or(1, |offset| line(text, offset))
}

/// Names that every Cedar request uses, parsed once.
struct Names {
    user: EntityTypeName,
    document: EntityTypeName,
    patient: EntityTypeName,
    clinic: EntityTypeName,
    system: EntityTypeName,
    roles: Vec<EntityUid>,
    actions: HashMap<Action, EntityUid>,
}

impl Names {
    fn new() -> Result<Self, Box<cedar::ParseErrors>> {
        let kind = |name: &str| name.parse::<EntityTypeName>().map_err(Box::new);
        let (role, action) = (kind("Role")?, kind("Action")?);
        let named = |kind: &EntityTypeName, id: &str| {
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
        };
        Ok(Self {
            user: kind("User")?,
            document: kind("Document")?,
            patient: kind("Patient")?,
            clinic: kind("Clinic")?,
            system: kind("System")?,
            roles: Role::ALL.iter().map(|r| named(&role, r.as_str())).collect(),
            actions: Action::ALL.iter().map(|&a| (a, named(&action, a.as_str()))).collect(),
        })
    }

    /// The Cedar request that stands for these facts, and for no others.
    fn request(
        &self,
        facts: &Facts,
    ) -> Result<(cedar::Request, cedar::Entities), Box<dyn std::error::Error>> {
        let text = |s: &str| RestrictedExpression::new_string(s.to_owned());
        let truth = RestrictedExpression::new_bool;
        let clinic = facts.clinic.to_string();

        let id = facts.user.as_ref().map_or("caller", UserId::as_str);
        let user = EntityUid::from_type_name_and_id(self.user.clone(), EntityId::new(id));
        let roles =
            Role::ALL.iter().zip(&self.roles).filter(|(role, _)| facts.roles & bit(**role) != 0);
        let principal = cedar::Entity::new(
            user.clone(),
            HashMap::from([
                ("clinic".to_owned(), text(&clinic)),
                ("kind".to_owned(), text(facts.kind.as_str())),
                ("acting".to_owned(), truth(facts.acting)),
            ]),
            roles.map(|(_, uid)| uid.clone()).collect(),
        )?;

        let mut attributes = HashMap::from([("clinic".to_owned(), text(&clinic))]);
        let kind = match facts.target {
            TargetKind::Document | TargetKind::Ticket => {
                let category = facts.category.map(|c| ("category".to_owned(), text(c)));
                let state = facts.state.map(|s| ("state".to_owned(), text(s)));
                attributes.extend(category.into_iter().chain(state));
                attributes.insert("released".to_owned(), truth(facts.released));
                attributes.insert("has_patient".to_owned(), truth(facts.has_patient));
                &self.document
            }
            TargetKind::Patient => &self.patient,
            TargetKind::Clinic => &self.clinic,
            TargetKind::System
            | TargetKind::ApiKey
            | TargetKind::User
            | TargetKind::Webhook
            | TargetKind::Session => &self.system,
        };
        let target = EntityUid::from_type_name_and_id(kind.clone(), EntityId::new("target"));
        let resource = cedar::Entity::new(target.clone(), attributes, HashSet::new())?;

        let context = cedar::Context::from_pairs([
            ("care_team".to_owned(), truth(facts.care_team)),
            ("own_patient".to_owned(), truth(facts.own_patient)),
            ("owner".to_owned(), truth(facts.owner)),
        ])?;
        let action = self.actions.get(&facts.action).cloned().ok_or("no such action")?;
        let entities = cedar::Entities::from_entities([principal, resource], None)?;
        Ok((cedar::Request::new(user, action, target, context, None)?, entities))
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
