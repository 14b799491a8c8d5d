//! What the server does by itself: state is the queue.
//!
//! Each task reads rows in a state, acts, and moves them by a conditional update. A task is
//! idempotent, works in bounded batches and does not retry by itself: what failed is found again
//! by the next run. Two servers on one database may do the same work; the conditional update lets
//! one of them count.

use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::documents::{self, DocumentError};
use crate::webhooks::{self, WebhookError};

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

/// Why a run could not be done.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// Something about documents.
    #[error(transparent)]
    Documents(#[from] DocumentError),
    /// Something about webhooks.
    #[error(transparent)]
    Webhooks(#[from] WebhookError),
}

/// Runs every task once. With `dry_run`, only says what would be done.
pub async fn run_once(app: &App, dry_run: bool) -> Result<Vec<Ran>, UpkeepError> {
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
    let forgotten = Ran {
        task: "forget",
        did: vec![
            ("days", documents::forget_days(app, dry_run).await?),
            ("messages", webhooks::forget_old(app, dry_run).await?),
        ],
        failed: 0,
    };
    Ok(vec![ran, forgotten])
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
        match run_once(app, false).await {
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
