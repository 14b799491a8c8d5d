//! Upkeep of what is derived from documents: their figures, and the words of their names.

use super::rows;
use crate::access::Steward;
use crate::app::App;
use crate::db::{Connection, DbError};
use crate::documents::{Category, names};
use crate::ids::ClinicId;

/// How many names are split in one run.
const NAMES: i64 = 2_000;

/// The number of the lock under which figures are put right: "figures" in ASCII.
const TURN: i64 = 0x0066_6967_7572_6573;

/// How much is counted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Everything.
    All,
    /// One category in every clinic; which one, the minute tells.
    InTurn,
}

/// What was done about figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Figures that what was noted beside them was added to.
    pub folded: usize,
    /// Figures that were not what a recount gave, and were put right.
    pub repaired: usize,
}

/// Adds up what writers have noted and compares a piece of the figures with the rows. What differs
/// is logged and put right by a delta, which holds also if the rows change meanwhile.
pub async fn keep_figures(app: &App, piece: Piece, dry_run: bool) -> Result<Kept, DbError> {
    let mut kept = Kept { folded: add_up(app, dry_run).await?, ..Kept::default() };
    let mut reader = app.db.long_reader().await?;
    for clinic in rows::clinics(&mut reader).await? {
        for category in categories(app, piece) {
            let mut missing = Missing::of(&mut reader, clinic, category).await?;
            if missing.len() > 0 && !dry_run {
                missing = repair(app, clinic, category).await?;
            }
            if missing.len() > 0 {
                tracing::warn!(%clinic, %category, ?missing, "figures are not what rows say");
                kept.repaired += missing.len();
            }
        }
    }
    Ok(kept)
}

/// Adds what writers have noted to the figures, batch by batch, until all is added that was there
/// at the beginning. How many figures changed, and how often.
async fn add_up(app: &App, dry_run: bool) -> Result<usize, DbError> {
    let waiting = rows::deltas(&mut app.db.long_reader().await?).await?;
    if dry_run || waiting == 0 {
        return Ok(usize::try_from(waiting).unwrap_or(0));
    }
    let mut changed = 0;
    // Writers may be faster than this; the next run goes on.
    for _ in 0..=waiting / rows::FOLDED {
        let mut tx = app.db.begin().await?;
        let figures = rows::fold(&mut tx).await?;
        tx.commit().await?;
        changed += usize::try_from(figures).unwrap_or(0);
        if figures == 0 {
            break;
        }
    }
    Ok(changed)
}

/// What has to be added to figures, so that they are what rows say.
#[derive(Debug)]
struct Missing {
    counts: Vec<rows::Count>,
    days: Vec<rows::Day>,
}

impl Missing {
    async fn of(
        conn: &mut impl Connection,
        clinic: ClinicId,
        category: Category,
    ) -> Result<Self, DbError> {
        let counts = rows::missing_counts(&mut *conn, clinic, category).await?;
        let days = rows::missing_days(&mut *conn, clinic, category).await?;
        Ok(Self { counts, days })
    }

    const fn len(&self) -> usize {
        self.counts.len() + self.days.len()
    }
}

/// Puts the figures of a category right; what was missing. Looked at again while nobody else puts
/// any right: of several servers that have seen the same, one has something left to do.
async fn repair(app: &App, clinic: ClinicId, category: Category) -> Result<Missing, DbError> {
    let mut tx = app.db.begin().await?;
    tx.alone(TURN).await?;
    let missing = Missing::of(&mut tx, clinic, category).await?;
    for row in &missing.counts {
        rows::add_count(&mut tx, clinic, row).await?;
    }
    for row in &missing.days {
        rows::add_day(&mut tx, clinic, row).await?;
    }
    tx.commit().await?;
    Ok(missing)
}

fn categories(app: &App, piece: Piece) -> Vec<Category> {
    match piece {
        Piece::All => Category::ALL.to_vec(),
        Piece::InTurn => {
            let minute = app.clock.now().seconds() / 60;
            let turn = usize::try_from(minute).unwrap_or(0) % Category::ALL.len();
            Category::ALL.get(turn).copied().into_iter().collect()
        }
    }
}

/// Splits names into words where that has not been done: those of documents that were there before
/// names were looked for by words. How many.
pub async fn keep_words(app: &App, dry_run: bool) -> Result<usize, DbError> {
    let steward = Steward::new(app.gate.clone(), "names");
    let mut reader = app.db.reader().await?;
    let found = rows::wordless(&mut reader, NAMES).await?;
    drop(reader);
    let found = steward.look(&found);
    if dry_run || found.is_empty() {
        return Ok(found.len());
    }
    let mut tx = app.db.begin().await?;
    let mut done = 0;
    for (id, name) in found {
        let derived = (names::folded(name.reveal()), names::words(name.reveal()));
        done += usize::from(rows::set_words(&mut tx, *id, name, derived).await?);
    }
    tx.commit().await?;
    Ok(done)
}
