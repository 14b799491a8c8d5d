//! Listing by key in UTF-8 byte order: pages, prefixes, common prefixes.
//!
//! Everything under a common prefix is skipped by asking the index for what comes behind it, so a
//! listing by delimiter costs by what it shows, not by what lies underneath.

use super::rows::VersionRow;
use super::{LocalStore, rows};
use crate::store::StoreError;

/// Most entries of a page.
pub const MAX_KEYS: usize = 1000;

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Only keys that begin so.
    pub prefix: String,
    /// Keys that share what follows the prefix up to this are shown as one common prefix.
    pub delimiter: Option<String>,
    /// Where to go on.
    pub after: After,
    /// Most entries, common prefixes included.
    pub limit: usize,
}

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum After {
    /// At the beginning.
    #[default]
    Start,
    /// Behind this key.
    Key(String),
    /// Behind everything that begins so.
    Prefix(String),
    /// Behind this version (by its seq) of a key; for listings of versions.
    Version(String, i64),
}

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Versions, in order.
    pub entries: Vec<VersionRow>,
    /// Common prefixes, in order.
    pub prefixes: Vec<String>,
    /// Where the next page begins; nothing where this is the last one.
    pub next: Option<After>,
}

/// The least text greater than every text that begins with `prefix`; nothing where there is none.
fn behind(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // The next scalar value: UTF-8 sorts as code points do; surrogates are none.
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            c => char::from_u32(u32::from(c) + 1),
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

impl Query {
    /// The first key to look at and, of it, the seq to stay below; nothing where the listing is
    /// over.
    fn begin(&self) -> Option<(String, i64)> {
        let (from, before) = match &self.after {
            After::Start => (String::new(), i64::MAX),
            // No key holds a NUL, so this is the next text.
            After::Key(key) => (format!("{key}\0"), i64::MAX),
            After::Prefix(prefix) => (behind(prefix)?, i64::MAX),
            After::Version(key, seq) => (key.clone(), *seq),
        };
        Some(if from < self.prefix { (self.prefix.clone(), i64::MAX) } else { (from, before) })
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref().filter(|d| !d.is_empty())?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let at = rest.find(delimiter)?;
        Some(&key[..self.prefix.len() + at + delimiter.len()])
    }
}

impl LocalStore {
    /// Current versions (delete markers are none), a page at a time.
    pub(super) async fn list(&self, query: &Query) -> Result<Page, StoreError> {
        self.page(query, false).await
    }

    /// Every version and delete marker, the newest of a key first.
    pub(super) async fn list_versions(&self, query: &Query) -> Result<Page, StoreError> {
        self.page(query, true).await
    }

    async fn page(&self, query: &Query, versions: bool) -> Result<Page, StoreError> {
        let mut page = Page::default();
        let Some((mut from, mut before)) = query.begin() else { return Ok(page) };
        if query.limit == 0 {
            return Ok(page);
        }
        let mut reader = self.reader().await?;
        let mut last = After::Start;
        loop {
            let taken = page.entries.len() + page.prefixes.len();
            // One more than fits tells whether there is a next page.
            let want = query.limit - taken + 1;
            let want = if query.delimiter.is_some() { want.min(64) } else { want };
            let most = i64::try_from(want).unwrap_or(i64::MAX);
            let rows = if versions {
                rows::versions_from(&mut reader, &from, before, most).await?
            } else {
                rows::live_from(&mut reader, &from, most).await?
            };
            let exhausted = rows.len() < want;
            let mut skip = None;
            for row in rows {
                if !row.key.starts_with(&query.prefix) {
                    return Ok(page);
                }
                if page.entries.len() + page.prefixes.len() == query.limit {
                    page.next = Some(last);
                    return Ok(page);
                }
                if let Some(common) = query.common_prefix(&row.key) {
                    last = After::Prefix(common.to_owned());
                    page.prefixes.push(common.to_owned());
                    skip = Some(behind(common));
                    break;
                }
                (from, before) = (row.key.clone(), row.seq);
                if versions {
                    last = After::Version(row.key.clone(), row.seq);
                } else {
                    last = After::Key(row.key.clone());
                    from.push('\0');
                }
                page.entries.push(row);
            }
            match skip {
                Some(Some(next)) => (from, before) = (next, i64::MAX),
                Some(None) => return Ok(page),
                None if exhausted => return Ok(page),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::behind;

    #[test]
    fn what_comes_behind_a_prefix_is_the_least_such_text() {
        assert_eq!(behind("a/").as_deref(), Some("a0"));
        assert_eq!(behind("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(behind("\u{10ffff}"), None);
        assert_eq!(behind(""), None);
    }
}
