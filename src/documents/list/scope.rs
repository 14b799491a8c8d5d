//! What of the clinic a caller can see: the policy's answer as conditions a database understands.
//!
//! The policy decides by facts (category, state, released, own upload) and by whose document it
//! is: nobody's, a patient's of the caller's care team, the caller's own, or somebody else's. It is
//! asked for every combination, and the answers become branches.
//!
//! Invariant: the branches together hold every document the caller may read. They may hold more:
//! each row is put to the policy once again before it is shown.

use std::collections::BTreeMap;

use crate::access::{Action, Call, Role, Target, TargetKind};
use crate::documents::{Category, State};
use crate::ids::PatientId;

/// Whose documents a branch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's and nobody's.
    Anyone,
    /// Those of no patient.
    Nobody,
    /// Those of the caller's care team.
    Team,
    /// Those of these patients, who are the caller.
    Own(Vec<PatientId>),
}

/// What else has to be true of a branch's documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// They are released to the patient.
    Released,
    /// The caller uploaded them.
    Owner,
}

/// A part of what the caller can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch {
    /// Whose they are.
    pub whose: Whose,
    /// Of these categories, by state.
    pub kinds: Vec<(State, Vec<Category>)>,
    /// What else has to be true.
    pub need: Need,
}

/// What may be read, and on which condition.
type Kinds = BTreeMap<(usize, usize), Need>;

/// The parts of what the caller can see, among these states and categories. With `of_one` the list
/// is about one patient, and whose a document is need not be asked.
pub fn branches(
    call: &Call,
    states: &[State],
    categories: &[Category],
    of_one: bool,
) -> Vec<Branch> {
    let caller = &call.caller;
    let other = Some(PatientId::new(""));
    let ask = |patient, team| kinds(call, states, categories, patient, team);
    let own = caller.patients.first().filter(|_| caller.has_role(Role::Patient));
    let own = own.map(|first| (Whose::Own(caller.patients.clone()), Some(first.clone()), false));
    let team = call.needs_care_team().then(|| (Whose::Team, other.clone(), true));
    let everybody = ask(other, false);
    let closer = [Some((Whose::Nobody, None, false)), team, own].into_iter().flatten();
    let closer: Vec<_> = closer.map(|(whose, patient, team)| (whose, ask(patient, team))).collect();
    if of_one {
        let mut all = everybody;
        for (whose, kinds) in closer {
            if whose != Whose::Nobody {
                for (kind, need) in kinds {
                    either(&mut all, kind, need);
                }
            }
        }
        return grouped(&Whose::Anyone, all, states, categories);
    }
    let mut found = Vec::new();
    for (whose, mut kinds) in closer {
        // What is seen of everybody is seen of these.
        kinds.retain(|kind, need| {
            everybody.get(kind).is_none_or(|known| *known != Need::Nothing && known != need)
        });
        found.extend(grouped(&whose, kinds, states, categories));
    }
    found.extend(grouped(&Whose::Anyone, everybody, states, categories));
    found
}

fn either(all: &mut Kinds, kind: (usize, usize), need: Need) {
    let known = all.entry(kind).or_insert(need);
    if *known != need {
        *known = Need::Nothing;
    }
}

/// Asks the policy about every kind of document of one patient, or of none.
fn kinds(
    call: &Call,
    states: &[State],
    categories: &[Category],
    patient: Option<PatientId>,
    care_team: bool,
) -> Kinds {
    let user = call.caller.effective_user();
    let mut target = Target { patient, ..Target::new(TargetKind::Document, call.clinic()) };
    let mut found = Kinds::new();
    for (s, state) in states.iter().enumerate() {
        for (c, category) in categories.iter().enumerate() {
            (target.state, target.category) = (Some(state.as_str()), Some(category.as_str()));
            let mut may = |released: bool, owner: bool| {
                target.released = released;
                target.owner = owner.then(|| user.clone());
                call.could(Action::ReadDocument, &target, care_team)
            };
            let need = if may(false, false) {
                Some(Need::Nothing)
            } else {
                // Whichever of the two is not enough alone may be asked for.
                match (may(true, false), may(false, true), may(true, true)) {
                    (false, false, false) => None,
                    (true, false, _) => Some(Need::Released),
                    (false, _, _) => Some(Need::Owner),
                    (true, true, _) => Some(Need::Nothing),
                }
            };
            if let Some(need) = need {
                found.insert((s, c), need);
            }
        }
    }
    found
}

fn grouped(whose: &Whose, kinds: Kinds, states: &[State], categories: &[Category]) -> Vec<Branch> {
    let mut needs: BTreeMap<Need, Vec<(State, Vec<Category>)>> = BTreeMap::new();
    for ((s, c), need) in kinds {
        let of_need = needs.entry(need).or_default();
        match of_need.last_mut() {
            Some((state, found)) if *state == states[s] => found.push(categories[c]),
            _ => of_need.push((states[s], vec![categories[c]])),
        }
    }
    needs.into_iter().map(|(need, kinds)| Branch { whose: whose.clone(), kinds, need }).collect()
}
