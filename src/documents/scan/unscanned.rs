//! Scanning what was there before the scanner.
//!
//! Documents that are available without a verdict go on being served until one falls: they are not
//! claimed, and two who do this at once only do it twice. The row moves on the condition that it
//! still is what it was, so that nothing is undone that somebody decided meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt as _;

use super::{Landing, attempt, count, rows, weighed};
use crate::access::{Action, Steward, Unread};
use crate::app::App;
use crate::db::{Db, DbError};
use crate::documents::{Document, DocumentError, State};
use crate::time::Timestamp;

/// Most documents that one statement brings.
const BATCH: i64 = 200;

/// How far the scan of what was there has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Looked {
    /// Documents that had no verdict when it began.
    pub found: u64,
    /// Those that were looked at.
    pub looked: u64,
    /// Those that may be served, as before.
    pub passed: u64,
    /// Those that are quarantined now.
    pub quarantined: u64,
    /// Those that came to no verdict, and are served as before.
    pub failed: u64,
    /// Whether it ended because the scanner is away.
    pub away: bool,
}

/// Scans every document of this bucket that is available without a verdict, in every clinic; with
/// `dry_run`, only counts them. `tell` hears how far it has come after each document.
pub async fn scan_unscanned(
    app: &App,
    dry_run: bool,
    mut tell: impl FnMut(&Looked),
) -> Result<Looked, DocumentError> {
    if !app.scanning.is_on() {
        return Err(DocumentError::ScannerOff);
    }
    let bucket = (app.store.provider(), app.store.bucket());
    let mut reader = app.db.reader().await?;
    let found = rows::count_unscanned(&mut reader, bucket).await?;
    drop(reader);
    let mut done = Looked { found: found.cast_unsigned(), ..Looked::default() };
    let steward = Steward::new(app.gate.clone(), "command.scan");
    let away = AtomicBool::new(false);
    let mut after = None;
    while !dry_run && !away.load(Ordering::Relaxed) {
        let mut reader = app.db.reader().await?;
        let page = rows::unscanned(&mut reader, bucket, after, BATCH).await?;
        drop(reader);
        let Some(last) = page.last() else { break };
        after = Some(steward.look(last).id);
        let scans = page.into_iter().map(|found| scan(app, &steward, found, &away));
        let mut scans =
            futures::stream::iter(scans).buffer_unordered(app.scanning.config.connections);
        while let Some(outcome) = scans.next().await {
            match outcome? {
                Outcome::Landed(State::Quarantined) => done.quarantined += 1,
                Outcome::Landed(_) => done.passed += 1,
                Outcome::Failed => done.failed += 1,
                Outcome::Left => continue,
            }
            done.looked += 1;
            tell(&done);
        }
    }
    done.away = away.load(Ordering::Relaxed);
    Ok(done)
}

enum Outcome {
    /// A verdict fell; where it left the document.
    Landed(State),
    /// None fell.
    Failed,
    /// It was not looked at, or is no longer what it was.
    Left,
}

async fn scan(
    app: &App,
    steward: &Steward,
    found: Unread<Document>,
    away: &AtomicBool,
) -> Result<Outcome, DocumentError> {
    if away.load(Ordering::Relaxed) {
        return Ok(Outcome::Left);
    }
    let document = steward.look(&found);
    let verdict = match attempt::look(app, document, false).await {
        Ok(verdict) => weighed(verdict, document),
        Err(failure) => {
            away.fetch_or(failure.is_away(), Ordering::Relaxed);
            tracing::warn!(id = %document.id, error = %failure, "no verdict yet");
            return Ok(Outcome::Failed);
        }
    };
    let now = app.clock.now();
    let landing = Landing::of(&app.scanning, &verdict, now);
    let mut tx = steward.begin(Action::ScanDocument, &document.target()).await?;
    if !rows::mark_judged(&mut tx, document, &landing, now).await? {
        return Ok(Outcome::Left);
    }
    let mut detail = serde_json::json!({
        "state": landing.state.as_str(), "scan": landing.word(), "reason": landing.reason,
    });
    if landing.state == State::Available {
        // To webhooks nothing has changed.
        detail["repeated"] = true.into();
    }
    tx.commit(Some(detail)).await?;
    count(&verdict);
    if landing.state == State::Quarantined {
        tracing::warn!(id = %document.id, verdict = landing.word(), "a document is quarantined");
    }
    Ok(Outcome::Landed(landing.state))
}

/// What no scanner has looked at.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Documents that wait for a scanner, in any bucket.
    pub waiting: u64,
    /// Since when the first of them has.
    pub since: Option<Timestamp>,
    /// Documents of this bucket that are available without ever having been before one.
    pub unscanned: u64,
}

/// What no scanner has looked at.
pub async fn standing(db: &Db, bucket: (&str, &str)) -> Result<Standing, DbError> {
    let mut reader = db.reader().await?;
    let (waiting, since) = rows::count_waiting(&mut reader).await?;
    let unscanned = rows::count_unscanned(&mut reader, bucket).await?.cast_unsigned();
    Ok(Standing { waiting: waiting.cast_unsigned(), since, unscanned })
}
