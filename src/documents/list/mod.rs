//! Listing: what the caller asked for, narrowed to what the caller may see.
//!
//! The policy decides. It is asked once per kind of document up front, which narrows the SQL, and
//! once more per row (remembered per class of row), so a list shows what a read would show, no more
//! and no less.
//!
//! Invariant: pages follow each other by position and not by number, so a document that was there
//! from the first page to the last is on exactly one of them, whatever comes and goes meanwhile.

mod gathers;
mod narrow;
mod order;
mod rows;
mod runs;
mod scope;
mod sought;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use self::rows::Listed;
use self::runs::{Asked, Span, Team, Way};
use self::scope::{Branch, Whose, branches};
use crate::access::{Action, Call, Grant, Role, Target, TargetKind, Unread};
use crate::app::App;
use crate::db::{DbError, Reader};
use crate::documents::successors::as_listed;
use crate::documents::{Category, Document, DocumentError, State};
use crate::ids::{DocumentId, PatientId, UserId};
use crate::time::Timestamp;

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Newest first.
    #[default]
    Newest,
    /// Oldest first.
    Oldest,
    /// By file name.
    Name,
    /// Largest first.
    Largest,
}

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One patient's documents.
    pub patient: Option<PatientId>,
    /// These categories; empty: all.
    pub categories: Vec<Category>,
    /// These states.
    pub states: Vec<State>,
    /// These media types; empty: all.
    pub types: Vec<&'static str>,
    /// What else they belong to, and its id.
    pub entity: Option<(String, Option<String>)>,
    /// Who uploaded them.
    pub uploader: Option<UserId>,
    /// Whether they are under legal hold.
    pub held: Option<bool>,
    /// Whether they are released to the patient.
    pub released: Option<bool>,
    /// Whether they may be cleaned up on their own.
    pub temporary: Option<bool>,
    /// Words of the file name, as `names::sought` gives them.
    pub words: Vec<String>,
    /// Not uploaded before.
    pub from: Option<Timestamp>,
    /// Uploaded before.
    pub to: Option<Timestamp>,
    /// The order.
    pub sort: Sort,
}

/// Where a page ended: the value it was sorted by, and the document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Position {
    /// Microseconds since 1970.
    #[serde(rename = "t")]
    Time(i64, DocumentId),
    /// A file name, folded.
    #[serde(rename = "n")]
    Name(String, DocumentId),
    /// Bytes.
    #[serde(rename = "s")]
    Size(i64, DocumentId),
}

impl Position {
    fn of(row: &Listed, sort: Sort) -> Self {
        let document = &row.document;
        match sort {
            Sort::Newest | Sort::Oldest => Self::Time(document.created_at.micros(), document.id),
            Sort::Name => Self::Name(row.file_name_folded.clone(), document.id),
            Sort::Largest => {
                Self::Size(i64::try_from(document.byte_size).unwrap_or(i64::MAX), document.id)
            }
        }
    }

    /// The document the page ended with.
    pub const fn id(&self) -> DocumentId {
        match self {
            Self::Time(_, id) | Self::Name(_, id) | Self::Size(_, id) => *id,
        }
    }

    /// How two rows of the same list follow each other.
    fn follows(&self, other: &Self, sort: Sort) -> Ordering {
        let order = match (self, other) {
            (Self::Time(a, _), Self::Time(b, _)) | (Self::Size(a, _), Self::Size(b, _)) => a.cmp(b),
            (Self::Name(a, _), Self::Name(b, _)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        let order = order.then_with(|| self.id().as_uuid().cmp(&other.id().as_uuid()));
        match sort {
            Sort::Newest | Sort::Largest => order.reverse(),
            Sort::Oldest | Sort::Name => order,
        }
    }

    const fn fits(&self, sort: Sort) -> bool {
        matches!(
            (self, sort),
            (Self::Time(..), Sort::Newest | Sort::Oldest)
                | (Self::Name(..), Sort::Name)
                | (Self::Size(..), Sort::Largest)
        )
    }
}

/// How many times the database is asked for one page before a shorter one is given that leads on.
const MAX_ROUNDS: u32 = 8;
/// Of how many patients the documents are gathered at once; where a care team has more, the next
/// documents of the clinic are asked first whether they are theirs.
const FEW_PATIENTS: u32 = 200;
/// How many documents are compared with what is looked for (words, a type, a span of time, a large
/// care team) before all that fit are gathered: what is common fills its page on the way.
const STRIDE: u32 = 2_000;

/// One page of what the caller may see, and where it ended if more may follow.
pub async fn list(
    app: &App,
    call: &Call,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
) -> Result<(Vec<Document>, Option<Position>), DocumentError> {
    if after.as_ref().is_some_and(|position| !position.fits(filter.sort)) {
        let right = "belongs to another order; start without a cursor";
        return Err(DocumentError::field("cursor", right));
    }
    let grant = call.authorize(target(call, filter)).await?;
    let (shown, position) = visible_page(app, call, &grant, filter, after, limit).await?;
    let detail = serde_json::json!({ "count": shown.len() });
    grant.begin().await?.commit(Some(detail)).await?;
    Ok((shown, position))
}

/// The same for a call that is about more than a list; it writes its own event before it shows
/// anything.
pub(super) async fn visible_page(
    app: &App,
    call: &Call,
    grant: &Grant<'_>,
    filter: &Filter,
    after: Option<Position>,
    limit: u32,
) -> Result<(Vec<Document>, Option<Position>), DocumentError> {
    let categories =
        if filter.categories.is_empty() { &Category::ALL } else { &*filter.categories };
    let branches = branches(call, &filter.states, categories, filter.patient.is_some());
    let user = call.caller.effective_user();
    let mut reader = app.db.reader().await?;
    let team = if call.needs_care_team() {
        let patients = rows::team(&mut reader, call.clinic(), user, FEW_PATIENTS).await?;
        let many = patients.len() > FEW_PATIENTS as usize;
        Some(if many { Team::Many } else { Team::Few(patients) })
    } else {
        None
    };
    let branches = seen(branches, team.as_ref());
    let asked =
        Asked { clinic: call.clinic(), user, filter, branches: &branches, team: team.as_ref() };
    let (mut remembered, mut shown) = (HashMap::new(), Vec::new());
    let mut in_team = HashSet::new();
    let (mut position, mut more) = (after, !branches.is_empty());
    for _ in 0..MAX_ROUNDS {
        let wanted = limit - u32::try_from(shown.len()).unwrap_or(limit);
        if wanted == 0 || !more {
            break;
        }
        let span = Span { after: position.as_ref(), until: None, limit: wanted + 1 };
        let (found, reached) = find(&mut reader, grant, &asked, span).await?;
        let rows = grant.look(&found);
        let full = rows.len() > wanted as usize;
        more = full || reached.is_some();
        let page = in_order(rows, filter.sort);
        let page = &page[..page.len().min(wanted as usize)];
        if let Some(reached) = reached.filter(|_| !full) {
            position = Some(reached);
        } else if let Some((last, _)) = page.last() {
            position = Some(last.clone());
        }
        for (_, row) in page.iter().filter(|(_, row)| visible(call, row, &mut remembered)) {
            in_team.extend(row.in_team.then_some(row.document.id));
            shown.push(row.document.clone());
        }
    }
    drop(reader);
    as_listed(app, call, &mut shown, &in_team).await?;
    Ok((shown, position.filter(|_| more)))
}

/// The branches that can hold anything.
fn seen(mut branches: Vec<Branch>, team: Option<&Team>) -> Vec<Branch> {
    let alone = *team.unwrap_or(&Team::Many) == Team::Few(Vec::new());
    branches.retain(|branch| !alone || branch.whose != Whose::Team);
    branches
}

/// One more row than fits on the page, if there are as many; and, where there may be more than were
/// looked at, how far it was looked. What is common is met on the way along the order; what is not
/// is gathered, or looked for step by step. So a list looks at few documents or at few that do not
/// fit, and never at all the clinic has.
async fn find(
    reader: &mut Reader,
    grant: &Grant<'_>,
    asked: &Asked<'_>,
    span: Span<'_>,
) -> Result<(Unread<Vec<Listed>>, Option<Position>), DbError> {
    if !narrow::is_rare(asked) && !narrow::is_sparse(asked) {
        return Ok((rows::list(reader, asked, span, Way::Along).await?, None));
    }
    let until = rows::further(reader, asked, span.after, STRIDE).await?;
    let near = Span { until: until.as_ref(), ..span };
    let found = rows::list(reader, asked, near, Way::Along).await?;
    if until.is_none() || grant.look(&found).len() >= span.limit as usize {
        return Ok((found, until));
    }
    let Some(way) = gathering(reader, asked).await? else { return Ok((found, until)) };
    Ok((rows::list(reader, asked, span, way).await?, None))
}

/// How what the first step did not meet is gathered; none where too many may be left, which are
/// looked for step by step.
async fn gathering(reader: &mut Reader, asked: &Asked<'_>) -> Result<Option<Way>, DbError> {
    let sparse = narrow::is_sparse(asked);
    let undecided = narrow::is_undecided(asked) || (sparse && narrow::is_sought(asked));
    let few = if undecided { rows::fit_few(reader, asked, STRIDE).await? } else { !sparse };
    Ok((few || !sparse).then_some(Way::Rare { few }))
}

/// The rows in the order of the list, each once: one may have been found in several ways.
fn in_order(rows: &[Listed], sort: Sort) -> Vec<(Position, &Listed)> {
    let mut page: Vec<_> = rows.iter().map(|row| (Position::of(row, sort), row)).collect();
    page.sort_unstable_by(|(a, _), (b, _)| a.follows(b, sort));
    page.dedup_by_key(|(position, _)| position.id());
    page
}

/// Listing one patient is about that patient, anything else about the clinic; what a patient
/// lists is always about themselves.
fn target(call: &Call, filter: &Filter) -> Target {
    let own = only_patient(call).then(|| call.caller.patients.first()).flatten();
    let patient = filter.patient.as_ref().or(own).cloned();
    let kind = if patient.is_some() { TargetKind::Patient } else { TargetKind::Clinic };
    Target { patient, ..Target::new(kind, call.clinic()) }
}

fn only_patient(call: &Call) -> bool {
    call.caller.effective_roles() == [Role::Patient]
}

/// What a decision depends on, beside the caller.
type Class = (Option<PatientId>, Category, State, bool, bool, bool);

fn visible(call: &Call, row: &Listed, remembered: &mut HashMap<Class, bool>) -> bool {
    let document = &row.document;
    let own = document.owner_user_id == *call.caller.effective_user();
    // Which patient it is matters only to patients.
    let patient = if call.caller.patients.is_empty() {
        document.patient_id.as_ref().map(|_| PatientId::new(""))
    } else {
        document.patient_id.clone()
    };
    let (category, state, released) = (document.category, document.state, document.release.shows());
    *remembered
        .entry((patient, category, state, released, own, row.in_team))
        .or_insert_with(|| call.could(Action::ReadDocument, &document.target(), row.in_team))
}

/// A position as a cursor. It is sealed: it names a document that its reader may not see, and a
/// file name has no place in a URL.
pub fn cursor(app: &App, position: &Position) -> Option<String> {
    let json = serde_json::to_vec(position).ok()?;
    app.secrets.seal_cursor(&json)
}

/// Reads a cursor back.
pub fn position(app: &App, cursor: Option<&str>) -> Result<Option<Position>, DocumentError> {
    let Some(cursor) = cursor else { return Ok(None) };
    let opened = app.secrets.open_cursor(cursor);
    let position = opened.and_then(|json| serde_json::from_slice(&json).ok());
    let wrong = "is not one this server gave; start without a cursor";
    position.map(Some).ok_or_else(|| DocumentError::field("cursor", wrong))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
