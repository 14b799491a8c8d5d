//! What the server does by itself: state is the queue.
//!
//! Each task reads rows in a state, acts, and moves them by a conditional update. A task is
//! idempotent, works in bounded batches and does not retry by itself: what failed is found again
//! by the next run. Two servers on one database may do the same work; the conditional update lets
//! one of them count.

use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::documents::stats::{self, Piece};
use crate::documents::{self, DocumentError};

/// Time between two runs.
const INTERVAL: Duration = Duration::from_mins(1);

/// What one run of a task did.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// The task.
    pub task: &'static str,
    /// What was done, by name.
    pub did: Vec<(&'static str, usize)>,
    /// How many things failed; the next run tries them again.
    pub failed: usize,
}

/// Runs every task once, and looks at everything. With `dry_run`, only says what would be done.
pub async fn run_once(app: &App, dry_run: bool) -> Result<Vec<Ran>, DocumentError> {
    run_tasks(app, Piece::All, dry_run).await
}

async fn run_tasks(app: &App, piece: Piece, dry_run: bool) -> Result<Vec<Ran>, DocumentError> {
    let uploads = documents::close_uploads(app, dry_run).await?;
    let ran = Ran {
        task: "uploads",
        did: vec![
            ("abandoned", uploads.abandoned),
            ("closed", uploads.closed),
            ("removed", uploads.removed),
        ],
        failed: uploads.failed,
    };
    metrics::counter!("strongroom_uploads_abandoned_total").increment(uploads.abandoned as u64);
    Ok(vec![ran, derived(app, piece, dry_run).await?])
}

/// What is derived from documents: figures, and the words of names.
async fn derived(app: &App, piece: Piece, dry_run: bool) -> Result<Ran, DocumentError> {
    let words = stats::keep_words(app, dry_run).await?;
    let figures = stats::keep_figures(app, piece, dry_run).await?;
    metrics::counter!("strongroom_figures_repaired_total").increment(figures.repaired as u64);
    let did = vec![("named", words), ("added up", figures.folded), ("put right", figures.repaired)];
    Ok(Ran { task: "stats", did, failed: 0 })
}

/// Runs every task, again and again, beside serving.
pub async fn run(app: &App) {
    loop {
        match run_tasks(app, Piece::InTurn, false).await {
            Ok(ran) => ran.iter().for_each(tell),
            Err(e) => tracing::warn!(error = %e, "upkeep could not be done now"),
        }
        // Not all servers at the same instant.
        let jitter = Duration::from_millis(u64::from(app.ids.next().as_bytes()[15]) * 20);
        tokio::time::sleep(INTERVAL + jitter).await;
    }
}

fn tell(ran: &Ran) {
    let idle = ran.failed == 0 && ran.did.iter().all(|(_, count)| *count == 0);
    if !idle {
        tracing::info!(task = ran.task, failed = ran.failed, did = ?ran.did, "upkeep");
    }
}
