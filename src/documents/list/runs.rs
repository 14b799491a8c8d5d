//! The texts of lists: pieces that stand here, put together to fit what was asked.
//!
//! What is listed is the sum of several *runs*: pieces of an index that are in the order of the
//! page. The engines merge them and stop when the page is full, so a page costs as much as it
//! shows, not as much as there is. Which index a run takes is decided here and not by guesses about
//! the data: SQLite is told, and PostgreSQL is left one that fits.

use super::narrow::{Narrow, Rare, gathered, rare};
use super::order::{beyond, merged, within};
use super::scope::{Branch, Need, Whose};
use super::{Filter, Position, Sort};
use crate::db::Where;
use crate::documents::rows::columns;
use crate::documents::{Category, State};
use crate::ids::{ClinicId, PatientId, UserId};
use crate::time::Timestamp;

/// Who asks, for what.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The clinic.
    pub clinic: ClinicId,
    /// The caller, who may own documents.
    pub user: &'a UserId,
    /// What they look for.
    pub filter: &'a Filter,
    /// What they can see.
    pub branches: &'a [Branch],
    /// The patients they care for, where their view is narrowed to them.
    pub team: Option<&'a Team>,
}

/// The patients a caller cares for.
#[derive(Debug, PartialEq, Eq)]
pub enum Team {
    /// So few that their documents are gathered.
    Few(Vec<PatientId>),
    /// So many that it is quicker to ask of each document.
    Many,
}

/// From where on, how far, how many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span<'a> {
    /// Where the page before ended.
    pub after: Option<&'a Position>,
    /// The last position that counts.
    pub until: Option<&'a Position>,
    /// At most so many.
    pub limit: u32,
}

/// Where a list reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Along the order; what was asked for is compared on the way.
    Along,
    /// Along the order, comparing nothing: steps are counted.
    Steps,
    /// Beginning with what is rare, all of which is gathered. `few`: of what the words or the type
    /// fit, there is little in the clinic.
    Rare { few: bool },
}

/// Which engine a text is for: only where it may look, and how words are found, differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// The query of one page.
pub fn page(engine: Engine, asked: &Asked<'_>, span: Span<'_>, way: Way) -> Where {
    let mut query = Where::new(concat!("select ", columns!(), ", file_name_folded,"));
    if asked.team.is_some() {
        query.then(
            "exists (select 1 from care_team t where t.clinic_id = document_assets.clinic_id \
             and t.patient_id = document_assets.patient_id and t.user_id = ?) as in_team",
            [asked.user.clone().into()],
        );
    } else {
        query.then("cast(0 as boolean) as in_team", []);
    }
    query.then("from (", []);
    runs(&mut query, engine, asked, span, (way, span.limit));
    query.then(merged(asked.filter.sort), []);
    query.then("limit ?", [i64::from(span.limit).into()]);
    query.then(") k join document_assets on id = k_id", []);
    query
}

/// The query of the position `steps` documents further on, whatever else was asked for: so many
/// entries of an index are passed and no more.
pub fn further_on(
    engine: Engine,
    asked: &Asked<'_>,
    after: Option<&Position>,
    steps: u32,
) -> Where {
    let mut query = Where::new("select k_id, k_at from (");
    let span = Span { after, until: None, limit: 0 };
    let filter = Filter { words: Vec::new(), ..asked.filter.clone() };
    let asked = &Asked { filter: &filter, ..*asked };
    runs(&mut query, engine, asked, span, (Way::Steps, steps.saturating_add(1)));
    query.then(merged(asked.filter.sort), []);
    query.then("limit 1 offset ?) k", [i64::from(steps).into()]);
    query
}

/// Every run, one after the other; of each, at most so many are wanted.
fn runs(
    query: &mut Where,
    engine: Engine,
    asked: &Asked<'_>,
    span: Span<'_>,
    (way, most): (Way, u32),
) {
    let (before, after) = match engine {
        Engine::Sqlite => ("", ""),
        Engine::Postgres => ("select k_id, k_at from (", ") u"),
    };
    query.then(before, []);
    let mut writer = Runs { query, engine, asked, span, most, way, first: true };
    for branch in asked.branches {
        let narrow = gathered(asked, branch);
        let rare = match way {
            Way::Rare { few } => rare(asked, branch, few),
            Way::Along | Way::Steps => None,
        };
        match (narrow, rare) {
            (Some(Narrow::Owner), _) => writer.uploads(branch),
            (Some(narrow), _) => writer.gather(branch, narrow),
            (None, Some(Rare::Words)) => writer.words(branch),
            (None, Some(Rare::Team)) => writer.team(branch),
            (None, Some(Rare::Type)) => writer.types(branch),
            (None, Some(Rare::Span)) => writer.span(branch),
            (None, None) => writer.walk(branch),
        }
    }
    if writer.first {
        writer.begin("");
        writer.query.then("1 = 0", []);
    }
    writer.end();
    query.then(after, []);
}

/// Writes runs into a query.
pub(super) struct Runs<'q, 'a> {
    pub(super) query: &'q mut Where,
    pub(super) engine: Engine,
    pub(super) asked: &'q Asked<'a>,
    span: Span<'q>,
    pub(super) most: u32,
    way: Way,
    first: bool,
}

impl Runs<'_, '_> {
    /// Begins a run, up to its first condition.
    pub(super) fn begin(&mut self, index: &'static str) {
        self.next();
        self.select("from document_assets");
        self.query.then(if self.engine == Engine::Sqlite { index } else { "" }, []);
        self.query.then("where", []);
    }

    /// Ends the run before and opens the next.
    pub(super) fn next(&mut self) {
        if !std::mem::replace(&mut self.first, false) {
            self.end();
            self.query.then("union all", []);
        }
        if self.engine == Engine::Postgres {
            self.query.then("(", []);
        }
    }

    /// What a run gives, and where from.
    pub(super) fn select(&mut self, from: &'static str) {
        self.query.then(
            match self.asked.filter.sort {
                Sort::Newest | Sort::Oldest => "select id as k_id, created_at as k_at",
                Sort::Name => "select id as k_id, file_name_folded as k_at",
                Sort::Largest => "select id as k_id, byte_size as k_at",
            },
            [],
        );
        self.query.then(from, []);
    }

    /// Ends a run. SQLite merges runs by itself; PostgreSQL would rather sort them all, unless each
    /// is told its order and how much of it is wanted.
    fn end(&mut self) {
        if self.engine == Engine::Postgres {
            self.most();
            self.query.then(")", []);
        }
    }

    /// In order, and no more than are wanted.
    pub(super) fn most(&mut self) {
        self.query.then(merged(self.asked.filter.sort), []);
        self.query.then("limit ?", [i64::from(self.most).into()]);
    }

    /// A run for each piece of the index that has its documents in order.
    pub(super) fn walk(&mut self, branch: &Branch) {
        let by_time = self.is_by_time();
        for (state, categories) in &branch.kinds {
            if branch.whose == Whose::Nobody {
                self.nobody(branch, *state, categories);
                continue;
            }
            if by_time && categories.len() == Category::ALL.len() {
                self.begin("indexed by document_assets_clinic");
                self.clinic();
                self.state(*state);
                self.on_the_way(branch);
                continue;
            }
            for category in categories {
                let available = *state == State::Available;
                self.begin(match self.asked.filter.sort {
                    Sort::Name if available => "indexed by document_assets_name",
                    Sort::Largest if available => "indexed by document_assets_size",
                    _ => "indexed by document_assets_category",
                });
                self.clinic();
                self.state(*state);
                self.query.then("and category = ?", [category.as_str().into()]);
                self.on_the_way(branch);
            }
        }
    }

    /// Documents of no patient have indexes of their own.
    fn nobody(&mut self, branch: &Branch, state: State, categories: &[Category]) {
        let available = state == State::Available;
        self.begin(match self.asked.filter.sort {
            Sort::Name if available => "indexed by document_assets_nobody_name",
            Sort::Largest if available => "indexed by document_assets_nobody_size",
            _ => "indexed by document_assets_nobody",
        });
        self.clinic();
        self.state(state);
        if categories.len() < Category::ALL.len() {
            self.categories(categories);
        }
        self.on_the_way(branch);
    }

    pub(super) const fn is_by_time(&self) -> bool {
        matches!(self.asked.filter.sort, Sort::Newest | Sort::Oldest)
    }

    /// Where steps are counted, nothing is compared that an index does not hold.
    fn on_the_way(&mut self, branch: &Branch) {
        if self.way != Way::Steps {
            return self.rest(branch);
        }
        if branch.whose == Whose::Nobody {
            self.query.then("and patient_id is null", []);
        }
        self.place();
    }

    pub(super) fn clinic(&mut self) {
        self.query.then("clinic_id = ?", [self.asked.clinic.into()]);
    }

    pub(super) fn state(&mut self, state: State) {
        if state == State::Available {
            // The literal lets the engines see that the indexes of what is available hold these.
            self.query.then("and state = 'available'", []);
        } else {
            self.query.then("and state = ?", [state.as_str().into()]);
        }
    }

    pub(super) fn categories(&mut self, categories: &[Category]) {
        self.query.then("and category in", []);
        self.query.list(categories.iter().map(|c| c.as_str().into()));
    }

    /// `state` and `category` are one of these pairs.
    pub(super) fn kinds(&mut self, kinds: &[(State, Vec<Category>)]) {
        self.query.then("and (1 = 0", []);
        for (state, categories) in kinds {
            self.query.then("or (state = ? and", [state.as_str().into()]);
            self.query.then("category in", []);
            self.query.list(categories.iter().map(|c| c.as_str().into()));
            self.query.then(")", []);
        }
        self.query.then(")", []);
    }

    /// What every run of the branch has to fulfil.
    pub(super) fn rest(&mut self, branch: &Branch) {
        self.of_whom(branch);
        let filter = self.asked.filter;
        let query = &mut *self.query;
        if let Some(patient) = &filter.patient {
            query.then("and patient_id = ?", [patient.clone().into()]);
        }
        if let Some((kind, id)) = &filter.entity {
            query.then("and entity_type = ?", [kind.as_str().into()]);
            if let Some(id) = id {
                query.then("and entity_id = ?", [id.as_str().into()]);
            }
        }
        if let Some(uploader) = &filter.uploader {
            query.then("and owner_user_id = ?", [uploader.clone().into()]);
        }
        if !filter.types.is_empty() {
            query.then("and content_type in", []);
            query.list(filter.types.iter().map(|mime| (*mime).into()));
        }
        for (asked, yes, no) in [
            (filter.held, "and held_at is not null", "and held_at is null"),
            (filter.temporary, "and temporary", "and not temporary"),
            (filter.released, "and released", "and not released"),
        ] {
            if let Some(asked) = asked {
                query.then(if asked { yes } else { no }, []);
            }
        }
        for word in &filter.words {
            // Not `like`: PostgreSQL takes that for so rare that it would read the whole clinic.
            let begins = match self.engine {
                Engine::Sqlite => "and instr(' ' || file_words, ?) > 0",
                Engine::Postgres => "and strpos(' ' || file_words, ?) > 0",
            };
            query.then(begins, [format!(" {word}").into()]);
        }
        if !self.is_by_time() {
            self.within_time(filter.from, filter.to);
        }
        self.place();
    }

    fn within_time(&mut self, from: Option<Timestamp>, to: Option<Timestamp>) {
        for (condition, value) in [("and created_at >= ?", from), ("and created_at < ?", to)] {
            if let Some(value) = value {
                self.query.then(condition, [value.into()]);
            }
        }
    }

    /// Where in the order. A time that the page before has passed is not said again: an index is
    /// entered at one place, and the engine might take the farther one.
    fn place(&mut self) {
        let filter = self.asked.filter;
        if self.is_by_time() {
            let passed = self.span.after.and_then(Position::time);
            let newest = filter.sort == Sort::Newest;
            let from = filter.from.filter(|from| newest || passed.is_none_or(|at| at < *from));
            let to = filter.to.filter(|to| !newest || passed.is_none_or(|at| at >= *to));
            self.within_time(from, to);
        }
        if let Some(position) = self.span.after {
            self.query.then(beyond(filter.sort), position.values());
        }
        if let Some(position) = self.span.until {
            self.query.then(within(filter.sort), position.values());
        }
    }

    fn of_whom(&mut self, branch: &Branch) {
        match (&branch.whose, self.asked.team) {
            (Whose::Anyone, _) => {}
            (Whose::Nobody, _) => self.query.then("and patient_id is null", []),
            (Whose::Own(patients), _) | (Whose::Team, Some(Team::Few(patients))) => {
                self.query.then("and patient_id in", []);
                self.query.list(patients.iter().map(|p| p.clone().into()));
            }
            (Whose::Team, _) => {
                self.query.then(
                    "and exists (select 1 from care_team t \
                     where t.clinic_id = document_assets.clinic_id \
                     and t.patient_id = document_assets.patient_id and t.user_id = ?",
                    [self.asked.user.clone().into()],
                );
                // Asked of each document on the way: PostgreSQL would join the whole clinic.
                let end = if self.engine == Engine::Postgres { "offset 0)" } else { ")" };
                self.query.then(end, []);
            }
        }
        match branch.need {
            Need::Nothing => {}
            Need::Released => self.query.then("and released", []),
            Need::Owner => {
                self.query.then("and owner_user_id = ?", [self.asked.user.clone().into()]);
            }
        }
    }
}
