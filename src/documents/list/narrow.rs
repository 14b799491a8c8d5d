//! Which lists are so narrow that all of their documents are gathered and sorted, and which may be.

use super::Sort;
use super::runs::{Asked, Team};
use super::scope::{Branch, Need, Whose};
use crate::documents::State;

/// What holds so few documents that each of them is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrow {
    Patient,
    Own,
    Team,
    Entity,
    Held,
    Owner,
    Temporary,
    Unreleased,
}

impl Narrow {
    /// The index that holds them, in SQLite's words.
    pub const fn index(self) -> &'static str {
        match self {
            Self::Patient | Self::Own | Self::Team => "indexed by document_assets_patient",
            Self::Entity => "indexed by document_assets_entity",
            Self::Held => "indexed by document_assets_held",
            Self::Owner => "indexed by document_assets_owner",
            Self::Temporary => "indexed by document_assets_passing",
            Self::Unreleased => "indexed by document_assets_unreleased",
        }
    }
}

/// By what a branch is narrowed to few documents, if by anything.
pub fn gathered(asked: &Asked<'_>, branch: &Branch) -> Option<Narrow> {
    let filter = asked.filter;
    let few = matches!(asked.team, Some(Team::Few(_)));
    [
        (filter.patient.is_some(), Narrow::Patient),
        (matches!(branch.whose, Whose::Own(_)), Narrow::Own),
        (filter.entity.is_some(), Narrow::Entity),
        (filter.held == Some(true), Narrow::Held),
        (branch.whose == Whose::Team && few, Narrow::Team),
        (filter.uploader.is_some(), Narrow::Owner),
        (filter.temporary == Some(true), Narrow::Temporary),
        (filter.released == Some(false), Narrow::Unreleased),
    ]
    .into_iter()
    .find_map(|(holds, narrow)| holds.then_some(narrow))
}

/// What may be so rare that a list which goes along the order passes the whole clinic by, and is
/// gathered then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rare {
    /// Words of names.
    Words,
    /// The documents of a care team.
    Team,
    /// A type.
    Type,
    /// A span of time, in an order that is not of time.
    Span,
}

/// What of a branch that goes along the order may be rare. Where words or the type fit more than a
/// few documents of the clinic, what a care team or nobody has may still be less.
pub fn rare(asked: &Asked<'_>, branch: &Branch, few: bool) -> Option<Rare> {
    let filter = asked.filter;
    if gathered(asked, branch).is_some() {
        return None;
    }
    let by_time = matches!(filter.sort, Sort::Newest | Sort::Oldest);
    let sought = few || !has_little(branch);
    [
        (sought && !filter.words.is_empty(), Rare::Words),
        (sought && !filter.types.is_empty(), Rare::Type),
        (branch.whose == Whose::Team, Rare::Team),
        (!by_time && (filter.from.is_some() || filter.to.is_some()), Rare::Span),
    ]
    .into_iter()
    .find_map(|(holds, rare)| holds.then_some(rare))
}

/// Whether a list has runs that go along an order and may pass very much by.
pub fn is_rare(asked: &Asked<'_>) -> bool {
    asked.branches.iter().any(|branch| rare(asked, branch, true).is_some())
}

/// Whether a list may leave out nearly all it passes, by what no index holds: unless words or types
/// fit few documents, it is given step by step, in pages that may be short.
pub fn is_sparse(asked: &Asked<'_>) -> bool {
    let filter = asked.filter;
    let not = |asked: Option<bool>| asked == Some(false);
    let leaves_out = filter.released == Some(true) || not(filter.held) || not(filter.temporary);
    asked.branches.iter().any(|branch| match gathered(asked, branch) {
        // Of one person's uploads only what is available has an index.
        Some(Narrow::Owner) => branch.kinds.iter().any(|(state, _)| *state != State::Available),
        Some(_) => false,
        None => leaves_out || branch.need != Need::Nothing,
    })
}

/// Whether words or types are looked for.
pub fn is_sought(asked: &Asked<'_>) -> bool {
    !asked.filter.words.is_empty() || !asked.filter.types.is_empty()
}

/// Whether a list has branches for which it matters how much words or a type fit.
pub fn is_undecided(asked: &Asked<'_>) -> bool {
    is_sought(asked) && asked.branches.iter().any(|b| has_little(b) && gathered(asked, b).is_none())
}

fn has_little(branch: &Branch) -> bool {
    matches!(branch.whose, Whose::Team | Whose::Nobody)
}
