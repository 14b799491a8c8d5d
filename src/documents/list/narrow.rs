//! Which lists are so narrow that all of their documents are gathered and sorted.

use super::runs::{Asked, Team};
use super::scope::{Branch, Whose};

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
    Nobody,
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
            Self::Nobody => "indexed by document_assets_general",
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
        (branch.whose == Whose::Nobody, Narrow::Nobody),
    ]
    .into_iter()
    .find_map(|(holds, narrow)| holds.then_some(narrow))
}
