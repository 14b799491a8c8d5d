//! Figures of a clinic: how many documents, how large, of what kind, how many a day.
//!
//! They are not counted when somebody asks: triggers in the database keep them in the same commit
//! as the change, and upkeep compares them with the rows, a piece at a time.
//!
//! Invariant: what is shown is the sum of what is counted and of the deltas that are not folded in
//! yet, read by one statement; so it equals a recount at every moment.

mod keep;
mod rows;

use std::collections::BTreeMap;

use crate::access::{Action, Call, Target, TargetKind};
use crate::app::App;
use crate::documents::list::visible_page;
use crate::documents::{Category, Document, DocumentError, Filter, State};
use crate::ids::PatientId;
use crate::time::Timestamp;

pub use keep::{Kept, Piece, keep_figures, keep_words};

/// How many recent uploads are shown.
const RECENT: u32 = 10;
/// Microseconds of a day.
const DAY: i64 = 86_400 * 1_000_000;
/// Documents whose bytes are kept; the totals are of these.
const KEPT: [State; 4] = [State::Scanning, State::Available, State::Quarantined, State::Deleted];

/// A number of documents and their size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figure {
    /// Documents.
    pub count: i64,
    /// Bytes.
    pub bytes: i64,
}

impl Figure {
    const fn add(&mut self, other: Self) {
        self.count += other.count;
        self.bytes += other.bytes;
    }
}

/// The figures of a clinic, as far as the caller may read its documents.
#[derive(Debug)]
pub struct Stats {
    /// Documents whose bytes are kept: scanning, available, quarantined, in the trash.
    pub totals: Figure,
    /// The same by category.
    pub by_category: Vec<(Category, Figure)>,
    /// Every document there is a row of, by state.
    pub by_state: Vec<(State, Figure)>,
    /// The kept ones by store and storage class; no class: the store's ordinary one.
    pub by_storage_class: Vec<(String, String, Figure)>,
    /// Confirmed uploads of each of the last days, the last one today (UTC).
    pub per_day: Vec<(Timestamp, Figure)>,
    /// Confirmed uploads of these days together.
    pub grown: Figure,
    /// Those of as many days before.
    pub grown_before: Figure,
    /// The newest documents the caller may read.
    pub recent: Vec<Document>,
}

/// The figures of the caller's clinic, of the last so many days.
pub async fn stats(app: &App, call: &Call, days: u32) -> Result<Stats, DocumentError> {
    let grant = call.authorize(Target::new(TargetKind::Clinic, call.clinic())).await?;
    let readable: Vec<Category> =
        Category::ALL.into_iter().filter(|category| reads_all_of(call, *category)).collect();
    let today = app.clock.now().micros().div_euclid(DAY);
    let first = today - i64::from(days) + 1;
    let mut reader = app.db.reader().await?;
    let counts = rows::counts(&mut reader, call.clinic()).await?;
    let by_day = rows::days(&mut reader, call.clinic(), first - i64::from(days)).await?;
    drop(reader);
    let newest = Filter {
        states: vec![State::Available, State::Scanning, State::Quarantined],
        ..Filter::default()
    };
    let (recent, _) = visible_page(app, call, &grant, &newest, None, RECENT).await?;
    let detail = serde_json::json!({ "recent": recent.len() });
    grant.begin().await?.commit(Some(detail)).await?;
    let mut stats = summed(&readable, counts);
    stats.recent = recent;
    let mut per_day: BTreeMap<i64, Figure> =
        (first..=today).map(|day| (day, Figure::default())).collect();
    for row in by_day.into_iter().filter(|row| readable.contains(&row.category)) {
        let (figure, in_days) = (row.figure(), per_day.get_mut(&row.day));
        match in_days {
            Some(of_day) => {
                of_day.add(figure);
                stats.grown.add(figure);
            }
            None if row.day < first => stats.grown_before.add(figure),
            None => {}
        }
    }
    let day = |(day, figure)| (Timestamp::from_micros(day * DAY), figure);
    stats.per_day = per_day.into_iter().map(day).collect();
    Ok(stats)
}

/// Whether the caller may read every document of a category, whosever it is.
fn reads_all_of(call: &Call, category: Category) -> bool {
    let target = Target {
        patient: Some(PatientId::new("")),
        category: Some(category.as_str()),
        state: Some(State::Available.as_str()),
        ..Target::new(TargetKind::Document, call.clinic())
    };
    call.could(Action::ReadDocument, &target, false)
}

fn summed(readable: &[Category], counts: Vec<rows::Count>) -> Stats {
    let mut totals = Figure::default();
    let (mut categories, mut states) = (BTreeMap::new(), [Figure::default(); State::ALL.len()]);
    let mut classes: BTreeMap<(String, String), Figure> = BTreeMap::new();
    for row in counts.into_iter().filter(|row| readable.contains(&row.category)) {
        let figure = row.figure();
        let state = State::ALL.iter().position(|state| *state == row.state);
        if let Some(of_state) = state.and_then(|at| states.get_mut(at)) {
            of_state.add(figure);
        }
        if KEPT.contains(&row.state) {
            totals.add(figure);
            categories.entry(row.category).or_insert_with(Figure::default).add(figure);
            classes.entry((row.storage_provider, row.storage_class)).or_default().add(figure);
        }
    }
    Stats {
        totals,
        by_category: readable
            .iter()
            .map(|category| (*category, categories.get(category).copied().unwrap_or_default()))
            .collect(),
        by_state: State::ALL.into_iter().zip(states).collect(),
        by_storage_class: classes
            .into_iter()
            .filter(|(_, figure)| *figure != Figure::default())
            .map(|((provider, class), figure)| (provider, class, figure))
            .collect(),
        per_day: Vec::new(),
        grown: Figure::default(),
        grown_before: Figure::default(),
        recent: Vec::new(),
    }
}
