//! What the indexes of words are asked. Each word stands there with the clinic and the category of
//! its document (migration 0012): what a caller may not see costs them no time.

use super::runs::{Asked, Engine};
use crate::db::Where;
use crate::documents::{Category, State};

/// For each category that is asked for, all the words in it; `begins` and `ends` stand around the
/// beginning of a word.
pub(super) fn sought(
    asked: &Asked<'_>,
    kinds: &[(State, Vec<Category>)],
    (begins, ends, and): (&str, &str, &str),
) -> Vec<String> {
    let clinic = asked.clinic.as_uuid().simple().to_string().to_uppercase();
    let some = |category: &&Category| kinds.iter().any(|(_, of)| of.contains(category));
    let all_words = |category: &Category| {
        let words = asked.filter.words.iter();
        let words = words.map(|w| format!("{begins}{clinic}:{}:{w}{ends}", category.as_str()));
        format!("({})", words.collect::<Vec<_>>().join(and))
    };
    Category::ALL.iter().filter(some).map(all_words).collect()
}

/// Asks how many documents of the clinic the words fit, or else the types, and counts no further
/// than `most`.
pub(super) fn how_many(engine: Engine, asked: &Asked<'_>, most: u32) -> Where {
    let kinds: Vec<_> = asked.branches.iter().flat_map(|branch| branch.kinds.clone()).collect();
    let most = i64::from(most);
    let mut query = Where::new("select count(*) from (");
    if asked.filter.words.is_empty() {
        query.then("select 1 from document_assets", []);
        if engine == Engine::Sqlite {
            query.then("indexed by document_assets_type", []);
        }
        query.then("where clinic_id = ? and state in", [asked.clinic.into()]);
        query.list(kinds.iter().map(|(state, _)| state.as_str().into()));
        query.then("and category in", []);
        let of = |category: &&Category| kinds.iter().any(|(_, of)| of.contains(category));
        query.list(Category::ALL.iter().filter(of).map(|c| c.as_str().into()));
        query.then("and content_type in", []);
        query.list(asked.filter.types.iter().map(|mime| (*mime).into()));
        query.then("limit ?) found", [most.into()]);
        return query;
    }
    match engine {
        Engine::Sqlite => {
            let words = sought(asked, &kinds, ("\"", "\"*", " AND ")).join(" OR ");
            query.then("select rowid from name_search where name_search match ?", [words.into()]);
        }
        Engine::Postgres => {
            for (number, words) in sought(asked, &kinds, ("'", "':*", " & ")).iter().enumerate() {
                query.then(if number > 0 { "union all" } else { "" }, []);
                // As where they are looked for: see there.
                query.then(
                    "(select id from document_assets where \
                     name_tokens(clinic_id, category, file_words) @@ ?::text::tsquery \
                     and state <> 'pending' and (clinic_id = ?) is true offset 0)",
                    [words.as_str().into(), asked.clinic.into()],
                );
            }
        }
    }
    query.then("limit ?) found", [most.into()]);
    query
}
