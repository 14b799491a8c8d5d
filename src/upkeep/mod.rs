//! What the server does by itself: state is the queue.
//!
//! Each task reads rows in a state, acts, and moves them by a conditional update. A task is
//! idempotent, works in bounded batches and does not retry by itself: what failed is found again
//! by the next run. Two servers on one database may do the same work; the conditional update lets
//! one of them count. A task that cannot be done keeps no other from being done.

use std::time::Duration;

use crate::app::{App, UpkeepRun};
use crate::causes;
use crate::documents::stats::{self, Piece};
use crate::documents::{self, DocumentError};
use crate::webhooks::{self, WebhookError};

pub use crate::app::Ran;

/// Time between two runs.
pub const INTERVAL: Duration = Duration::from_mins(1);

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// Something about documents.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// Something about webhooks.
    #[error(transparent)]
    Webhooks(#[from] WebhookError),
    /// Tasks that could not be done; all others were.
    #[error("{}", in_one_line(.0))]
    Tasks(Vec<(&'static str, UpkeepError)>),
}

fn in_one_line(failed: &[(&'static str, UpkeepError)]) -> String {
    // Where something lies, which a cause may say, stands in the log.
    let told = failed.iter().map(|(task, e)| format!("{task}: {e}"));
    told.collect::<Vec<_>>().join("; ")
}

/// Runs every task once, and looks at everything. With `dry_run`, only says what would be done.
pub async fn run_once(app: &App, dry_run: bool) -> Result<Vec<Ran>, UpkeepError> {
    let (ran, failed) = run_tasks(app, Piece::All, dry_run).await;
    if failed.is_empty() { Ok(ran) } else { Err(UpkeepError::Tasks(failed)) }
}

/// What was done, and what could not be.
async fn run_tasks(
    app: &App,
    piece: Piece,
    dry_run: bool,
) -> (Vec<Ran>, Vec<(&'static str, UpkeepError)>) {
    let (mut ran, mut failed) = (Vec::new(), Vec::new());
    for (task, done) in [
        ("uploads", uploads(app, dry_run).await.map_err(UpkeepError::from)),
        ("trash", trash(app, dry_run).await.map_err(UpkeepError::from)),
        ("scan", scan(app, dry_run).await.map_err(UpkeepError::from)),
        ("stats", derived(app, piece, dry_run).await.map_err(UpkeepError::from)),
        ("forget", forget(app, dry_run).await),
    ] {
        match done {
            Ok(done) => ran.push(done),
            Err(e) => {
                let error = causes::in_one_line(&e);
                tracing::warn!(task, error, "upkeep could not be done now");
                failed.push((task, e));
            }
        }
    }
    (ran, failed)
}

/// Uploads that nobody completed.
async fn uploads(app: &App, dry_run: bool) -> Result<Ran, DocumentError> {
    let done = documents::close_uploads(app, dry_run).await?;
    metrics::counter!("strongroom_uploads_abandoned_total").increment(done.abandoned as u64);
    let did =
        vec![("abandoned", done.abandoned), ("closed", done.closed), ("removed", done.removed)];
    Ok(Ran { task: "uploads", did, failed: done.failed })
}

/// Scans what waits; where a worker of this process does that, only says how much waits.
async fn scan(app: &App, dry_run: bool) -> Result<Ran, DocumentError> {
    let done = documents::scan_due(app, dry_run || app.scanning.is_attended()).await?;
    let did =
        vec![("passed", done.passed), ("quarantined", done.quarantined), ("waiting", done.waiting)];
    Ok(Ran { task: "scan", did, failed: done.failed })
}

/// Documents whose time in the trash is over, and temporary ones that have had theirs.
async fn trash(app: &App, dry_run: bool) -> Result<Ran, DocumentError> {
    let done = documents::empty_trash(app, dry_run).await?;
    metrics::counter!("strongroom_documents_erased_total").increment(done.erased as u64);
    let did = vec![("purged", done.purged), ("temporary", done.temporary), ("erased", done.erased)];
    Ok(Ran { task: "trash", did, failed: done.failed })
}

/// What is derived from documents: figures, and the words of names.
async fn derived(app: &App, piece: Piece, dry_run: bool) -> Result<Ran, DocumentError> {
    let words = stats::keep_words(app, dry_run).await;
    let figures = stats::keep_figures(app, piece, dry_run).await?;
    let words = words?;
    metrics::counter!("strongroom_figures_repaired_total").increment(figures.repaired as u64);
    let did = vec![("named", words), ("added up", figures.folded), ("put right", figures.repaired)];
    Ok(Ran { task: "stats", did, failed: 0 })
}

/// What is remembered for a while only.
async fn forget(app: &App, dry_run: bool) -> Result<Ran, UpkeepError> {
    let days = documents::forget_days(app, dry_run).await;
    let messages = webhooks::forget_old(app, dry_run).await?;
    let did = vec![("days", days?), ("messages", messages)];
    Ok(Ran { task: "forget", did, failed: 0 })
}

/// The same where no server runs that would send what webhooks are to be told.
pub async fn run_alone(app: &App, dry_run: bool) -> Result<Vec<Ran>, UpkeepError> {
    let mut ran = run_once(app, dry_run).await?;
    let sent = if dry_run { webhooks::Sent::default() } else { webhooks::send_due(app).await? };
    ran.push(Ran {
        task: "webhooks",
        did: vec![("delivered", sent.delivered), ("given up", sent.failed)],
        failed: sent.again,
    });
    Ok(ran)
}

/// Runs every task, again and again, beside serving.
pub async fn run(app: &App) {
    loop {
        let (tasks, failed) = run_tasks(app, Piece::InTurn, false).await;
        tasks.iter().for_each(tell);
        let problem = (!failed.is_empty()).then(|| UpkeepError::Tasks(failed).to_string());
        app.upkeep.keep(UpkeepRun { at: app.clock.now(), problem, tasks });
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
