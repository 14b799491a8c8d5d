//! The texts of lists: pieces that stand here, put together to fit what was asked.
//!
//! What is listed is the sum of several *runs*: pieces of an index that are in the order of the
//! page. The engines merge them and stop when the page is full, so a page costs as much as it
//! shows, not as much as there is. Which index a run takes is decided here and not by guesses about
//! the data: SQLite is told, and PostgreSQL is left one that fits.

use super::narrow::{Narrow, gathered};
use super::order::{beyond, merged, within};
use super::scope::{Branch, Need, Whose};
use super::sought::sought;
use super::{Filter, Position, Sort};
use crate::db::Where;
use crate::documents::rows::columns;
use crate::documents::{Category, State};
use crate::ids::{ClinicId, PatientId, UserId};

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
    /// Along the order; words of names are compared on the way.
    Along,
    /// Beginning with the words of names.
    Words,
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

/// The query of the position `steps` documents further on, words of names aside.
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
    runs(&mut query, engine, asked, span, (Way::Along, steps.saturating_add(1)));
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
    let mut writer = Runs { query, engine, asked, span, most, first: true };
    for branch in asked.branches {
        match gathered(asked, branch) {
            Some(Narrow::Owner) => writer.uploads(branch),
            Some(narrow) => writer.gather(branch, narrow),
            None if way == Way::Words => writer.words(branch),
            None => writer.walk(branch),
        }
    }
    if writer.first {
        writer.begin("");
        writer.query.then("1 = 0", []);
    }
    writer.end();
    query.then(after, []);
}

/// Whether a list has runs that go along the whole clinic's order.
pub fn is_wide(asked: &Asked<'_>) -> bool {
    asked.branches.iter().any(|branch| gathered(asked, branch).is_none())
}

/// Writes runs into a query.
struct Runs<'q, 'a> {
    query: &'q mut Where,
    engine: Engine,
    asked: &'q Asked<'a>,
    span: Span<'q>,
    most: u32,
    first: bool,
}

impl Runs<'_, '_> {
    /// Begins a run, up to its first condition.
    fn begin(&mut self, index: &'static str) {
        if !std::mem::replace(&mut self.first, false) {
            self.end();
            self.query.then("union all", []);
        }
        if self.engine == Engine::Postgres {
            self.query.then("(", []);
        }
        self.query.then(
            match self.asked.filter.sort {
                Sort::Newest | Sort::Oldest => "select id as k_id, created_at as k_at",
                Sort::Name => "select id as k_id, file_name_folded as k_at",
                Sort::Largest => "select id as k_id, byte_size as k_at",
            },
            [],
        );
        self.query.then("from document_assets", []);
        self.query.then(if self.engine == Engine::Sqlite { index } else { "" }, []);
        self.query.then("where", []);
    }

    /// Ends a run. SQLite merges runs by itself; PostgreSQL would rather sort them all, unless each
    /// is told its order and how much of it is wanted.
    fn end(&mut self) {
        if self.engine == Engine::Postgres {
            self.query.then(merged(self.asked.filter.sort), []);
            self.query.then("limit ?", [i64::from(self.most).into()]);
            self.query.then(")", []);
        }
    }

    /// All of a branch's few documents.
    fn gather(&mut self, branch: &Branch, narrow: Narrow) {
        self.begin(narrow.index());
        self.clinic();
        self.kinds(&branch.kinds);
        self.rest(branch);
    }

    /// One person's uploads: their index holds what is available; of other states there are few.
    fn uploads(&mut self, branch: &Branch) {
        let (available, others): (Vec<_>, Vec<_>) =
            branch.kinds.iter().cloned().partition(|(state, _)| *state == State::Available);
        if !available.is_empty() {
            self.begin(Narrow::Owner.index());
            self.clinic();
            self.query.then("and state = 'available'", []);
            self.kinds(&available);
            self.rest(branch);
        }
        if !others.is_empty() {
            self.walk(&Branch { kinds: others, ..branch.clone() });
        }
    }

    /// A run for each piece of the index that has its documents in order.
    fn walk(&mut self, branch: &Branch) {
        let by_time = matches!(self.asked.filter.sort, Sort::Newest | Sort::Oldest);
        for (state, categories) in &branch.kinds {
            if by_time && categories.len() == Category::ALL.len() {
                self.begin("indexed by document_assets_clinic");
                self.clinic();
                self.query.then("and state = ?", [state.as_str().into()]);
                self.rest(branch);
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
                if available {
                    // The literal lets the engines see that the index of names holds these.
                    self.query.then("and state = 'available'", []);
                } else {
                    self.query.then("and state = ?", [state.as_str().into()]);
                }
                self.query.then("and category = ?", [category.as_str().into()]);
                self.rest(branch);
            }
        }
    }

    /// The documents whose names have the words, all of them. In passing states there are few, and
    /// while an upload is pending its name has no words: those are compared.
    fn words(&mut self, branch: &Branch) {
        let passing = [State::Pending, State::Scanning, State::Quarantined];
        let (passing, lasting): (Vec<_>, Vec<_>) =
            branch.kinds.iter().cloned().partition(|(state, _)| passing.contains(state));
        if !passing.is_empty() {
            self.walk(&Branch { kinds: passing, ..branch.clone() });
        }
        if lasting.is_empty() {
            return;
        }
        // The index of the primary key.
        self.begin("indexed by sqlite_autoindex_document_assets_1");
        let clinic = self.asked.clinic;
        match self.engine {
            Engine::Sqlite => {
                let words = sought(self.asked, &lasting, ("\"", "\"*", " AND "));
                self.query.then(
                    "id in (select document_id from name_entries where number in \
                     (select rowid from name_search where name_search match ?))",
                    [words.join(" OR ").into()],
                );
                self.query.then("and clinic_id = ?", [clinic.into()]);
            }
            Engine::Postgres => {
                self.query.then("id in (", []);
                for (number, words) in
                    sought(self.asked, &lasting, ("'", "':*", " & ")).iter().enumerate()
                {
                    if number > 0 {
                        self.query.then("union all", []);
                    }
                    // One category at a time, and `is true`, keep the engine from reading the whole
                    // clinic beside: it takes beginnings of words for commoner than they are.
                    // `offset 0`: what is inside is done first.
                    self.query.then(
                        "(select id from document_assets where \
                         name_tokens(clinic_id, category, file_words) @@ ?::text::tsquery \
                         and state <> 'pending' and (clinic_id = ?) is true offset 0)",
                        [words.as_str().into(), clinic.into()],
                    );
                }
                self.query.then(")", []);
            }
        }
        self.kinds(&lasting);
        self.rest(branch);
    }

    fn clinic(&mut self) {
        self.query.then("clinic_id = ?", [self.asked.clinic.into()]);
    }

    /// `state` and `category` are one of these pairs.
    fn kinds(&mut self, kinds: &[(State, Vec<Category>)]) {
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
    fn rest(&mut self, branch: &Branch) {
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
        for (condition, value) in
            [("and created_at >= ?", filter.from), ("and created_at < ?", filter.to)]
        {
            if let Some(value) = value {
                query.then(condition, [value.into()]);
            }
        }
        if let Some(position) = self.span.after {
            query.then(beyond(filter.sort), position.values());
        }
        if let Some(position) = self.span.until {
            query.then(within(filter.sort), position.values());
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
