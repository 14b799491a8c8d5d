//! The runs of lists that are gathered: all that is few is looked at, and sorted.

use super::narrow::Narrow;
use super::runs::{Engine, Runs};
use super::scope::{Branch, Whose};
use super::sought::sought;
use crate::documents::{Category, State};

impl Runs<'_, '_> {
    /// All of a branch's few documents.
    pub(super) fn gather(&mut self, branch: &Branch, narrow: Narrow) {
        self.begin(narrow.index());
        self.clinic();
        self.kinds(&branch.kinds);
        self.rest(branch);
    }

    /// One person's uploads: their index holds what is available; of other states there are few.
    pub(super) fn uploads(&mut self, branch: &Branch) {
        let (available, others): (Vec<_>, Vec<_>) =
            branch.kinds.iter().cloned().partition(|(state, _)| *state == State::Available);
        if !available.is_empty() {
            self.begin(Narrow::Owner.index());
            self.clinic();
            self.state(State::Available);
            self.kinds(&available);
            self.rest(branch);
        }
        if !others.is_empty() {
            self.walk(&Branch { kinds: others, ..branch.clone() });
        }
    }

    /// The documents of a large care team, patient by patient.
    pub(super) fn team(&mut self, branch: &Branch) {
        let member = [self.asked.clinic.into(), self.asked.user.clone().into()];
        self.next();
        match self.engine {
            Engine::Sqlite => {
                self.select("from (select patient_id as of_patient from care_team");
                self.query.then("where clinic_id = ? and user_id = ?) t", member);
                // What stands left of a cross join is gone through first.
                self.query.then("cross join document_assets", []);
                self.query.then(Narrow::Team.index(), []);
                self.query.then("where", []);
            }
            Engine::Postgres => {
                self.query.then("select k_id, k_at from", []);
                self.query.then("(select patient_id as of_patient from care_team", []);
                self.query.then("where clinic_id = ? and user_id = ?) t", member);
                self.query.then("cross join lateral (", []);
                self.select("from document_assets where");
            }
        }
        self.clinic();
        self.query.then("and patient_id = of_patient", []);
        self.kinds(&branch.kinds);
        // Whose they are has been said.
        self.rest(&Branch { whose: Whose::Anyone, ..branch.clone() });
        if self.engine == Engine::Postgres {
            self.most();
            self.query.then(") d", []);
        }
    }

    /// The documents of the types that are asked for, in no order.
    pub(super) fn types(&mut self, branch: &Branch) {
        for (state, categories) in &branch.kinds {
            self.begin("indexed by document_assets_type");
            self.clinic();
            self.state(*state);
            self.categories(categories);
            self.rest(branch);
        }
    }

    /// The documents of a time, which is not the order.
    pub(super) fn span(&mut self, branch: &Branch) {
        for (state, categories) in &branch.kinds {
            self.begin(if categories.len() == Category::ALL.len() {
                "indexed by document_assets_clinic"
            } else {
                "indexed by document_assets_category"
            });
            self.clinic();
            self.state(*state);
            if categories.len() < Category::ALL.len() {
                self.categories(categories);
            }
            self.rest(branch);
        }
    }

    /// The documents whose names have the words, all of them. In passing states there are few, and
    /// while an upload is pending its name has no words: those are compared.
    pub(super) fn words(&mut self, branch: &Branch) {
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
}
