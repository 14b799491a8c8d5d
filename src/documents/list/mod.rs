//! Listing: what the caller asked for, narrowed to what the caller may see.
//!
//! The policy decides. It is asked once per category up front, which narrows the SQL, and once
//! more per row (remembered per class of row), so a list never shows what a read would hide.

mod rows;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::access::{Action, Call, Role, Target, TargetKind};
use crate::app::App;
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
    /// A piece of the file name.
    pub name_contains: Option<String>,
    /// Not uploaded before.
    pub from: Option<Timestamp>,
    /// Uploaded before.
    pub to: Option<Timestamp>,
    /// What else they belong to: a kind and its id.
    pub entity: Option<(String, String)>,
    /// Only those that may be cleaned up on their own, or only the others.
    pub temporary: Option<bool>,
    /// The order.
    pub sort: Sort,
}

/// What of the clinic the caller can see at all.
#[derive(Clone, Debug)]
pub struct Scope {
    /// These categories.
    pub categories: Vec<Category>,
    /// Only these patients (a patient's own).
    pub own_patients: Option<Vec<PatientId>>,
    /// Only patients whose care team holds this user, and documents of no patient.
    pub care_team_of: Option<UserId>,
}

/// Where a page ended: the value it was sorted by, and the document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Position {
    /// Microseconds since 1970.
    #[serde(rename = "t")]
    Time(i64, DocumentId),
    /// A file name.
    #[serde(rename = "n")]
    Name(String, DocumentId),
    /// Bytes.
    #[serde(rename = "s")]
    Size(i64, DocumentId),
}

impl Position {
    fn of(document: &Document, sort: Sort) -> Self {
        match sort {
            Sort::Newest | Sort::Oldest => Self::Time(document.created_at.micros(), document.id),
            Sort::Name => Self::Name(document.file_name.reveal().clone(), document.id),
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

    const fn fits(&self, sort: Sort) -> bool {
        matches!(
            (self, sort),
            (Self::Time(..), Sort::Newest | Sort::Oldest)
                | (Self::Name(..), Sort::Name)
                | (Self::Size(..), Sort::Largest)
        )
    }
}

/// How many times the database is asked for one page before a shorter page is given.
const MAX_ROUNDS: u32 = 8;

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
    let scope = scope(call, filter);
    let mut seen = HashMap::new();
    let mut shown: Vec<Document> = Vec::new();
    let mut position = after;
    let mut more = !scope.categories.is_empty();
    let mut reader = app.db.reader().await?;
    for _ in 0..MAX_ROUNDS {
        let wanted = limit - u32::try_from(shown.len()).unwrap_or(limit);
        if wanted == 0 || !more {
            break;
        }
        let found =
            rows::list(&mut reader, call.clinic(), filter, &scope, position.as_ref(), wanted + 1)
                .await?;
        let rows = grant.look(&found);
        more = rows.len() > wanted as usize;
        let page = &rows[..rows.len().min(wanted as usize)];
        if let Some(last) = page.last() {
            position = Some(Position::of(last, filter.sort));
        }
        shown.extend(page.iter().filter(|d| visible(call, d, &mut seen)).cloned());
    }
    drop(reader);
    let detail = serde_json::json!({ "count": shown.len() });
    grant.begin().await?.commit(Some(detail)).await?;
    Ok((shown, position.filter(|_| more)))
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

fn scope(call: &Call, filter: &Filter) -> Scope {
    let caller = &call.caller;
    let own_patients = only_patient(call).then(|| caller.patients.clone());
    let asked = if filter.categories.is_empty() {
        Category::ALL.to_vec()
    } else {
        filter.categories.clone()
    };
    // The most favourable document of each category: if not even that may be read, none may.
    let best = |category: &Category| {
        let patients = std::iter::once(None).chain(caller.patients.first().cloned().map(Some));
        patients.into_iter().any(|patient| {
            let target = Target {
                kind: TargetKind::Document,
                id: None,
                clinic: caller.clinic,
                patient,
                category: Some(category.as_str()),
                state: Some(State::Available.as_str()),
                released: true,
                owner: Some(caller.effective_user().clone()),
            };
            call.could(Action::ReadDocument, &target, true)
        })
    };
    Scope {
        categories: asked.into_iter().filter(best).collect(),
        own_patients,
        care_team_of: call.needs_care_team().then(|| caller.effective_user().clone()),
    }
}

/// What a decision depends on, beside the caller.
type Class = (Option<PatientId>, Category, State, bool, bool);

fn visible(call: &Call, document: &Document, seen: &mut HashMap<Class, bool>) -> bool {
    let own = document.owner_user_id == *call.caller.effective_user();
    // Which patient it is matters only to patients.
    let patient = if call.caller.patients.is_empty() {
        document.patient_id.as_ref().map(|_| PatientId::new(""))
    } else {
        document.patient_id.clone()
    };
    let class = (patient, document.category, document.state, document.released, own);
    *seen.entry(class).or_insert_with(|| call.could(Action::ReadDocument, &document.target(), true))
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
