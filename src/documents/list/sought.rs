//! What the indexes of words are asked. Each word stands there with the clinic and the category of
//! its document (migration 0012): what a caller may not see costs them no time.

use super::runs::Asked;
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
