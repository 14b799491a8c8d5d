//! Scanning what waits: state is the queue.
//!
//! A document is claimed by a short transaction, read and scanned without one, and moved by
//! another. The claim is a lease that is renewed while the scan goes on: what a server that died
//! had claimed is taken up by the next one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;

use crate::access::{Action, Steward, Unread};
use crate::app::App;
use crate::causes;
use crate::documents::life::release_now;
use crate::documents::placing::object_key;
use crate::documents::scan::rows::{self, Waiting};
use crate::documents::scan::{Landing, given_up, weighed};
use crate::documents::stream_download::verified;
use crate::documents::{Document, DocumentError, State};
use crate::scanning::{ScanError, Scanner, Verdict, verdict_of_tag};
use crate::time::Timestamp;

/// Most documents that one statement brings.
const BATCH: i64 = 50;
/// Most statements in one run.
const ROUNDS: usize = 100;
/// A claim that was not renewed for so long is nobody's.
const LEASE: Duration = Duration::from_secs(45);
/// Between two renewals.
const RENEW: Duration = Duration::from_secs(15);
/// Until a document is tried again after its first failure; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// At most so long.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// Between two looks for what has become due, if nobody says that there is something.
const INTERVAL: Duration = Duration::from_mins(1);
/// Between two attempts to reach a scanner that is away.
const AWAY: Duration = Duration::from_secs(2);
/// Not more often than this, whatever is due.
const PACE: Duration = Duration::from_millis(10);

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Documents that are available now.
    pub passed: usize,
    /// Documents that are quarantined now.
    pub quarantined: usize,
    /// Documents that still wait.
    pub waiting: usize,
    /// Scans that came to no verdict.
    pub failed: usize,
    /// Whether the scanner is away.
    pub away: bool,
}

/// How the queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Documents that wait.
    pub waiting: u64,
    /// When the first of them was confirmed.
    pub since: Option<Timestamp>,
    /// When the next one is due.
    next: Option<Timestamp>,
}

/// How the queue stands.
pub async fn scan_queue(app: &App) -> Result<Queue, DocumentError> {
    let mut reader = app.db.reader().await?;
    let (waiting, since, next) = rows::scan_queue(&mut reader, bucket(app)).await?;
    let queue = Queue { waiting: waiting.cast_unsigned(), since, next };
    let age = since.map_or(0, |since| (app.clock.now().micros() - since.micros()).max(0));
    #[expect(clippy::cast_precision_loss, reason = "figures for a dashboard")]
    {
        metrics::gauge!("strongroom_scan_waiting").set(queue.waiting as f64);
        metrics::gauge!("strongroom_scan_oldest_wait").set(age as f64 / 1e6);
    }
    Ok(queue)
}

fn bucket(app: &App) -> (&'static str, &str) {
    (app.store.provider(), app.store.bucket())
}

/// Scans what is due. With `dry_run`, only counts what waits.
pub async fn scan_due(app: &App, dry_run: bool) -> Result<Scanned, DocumentError> {
    let mut done = Scanned::default();
    if app.scanning.is_on() && !dry_run {
        scan_rounds(app, &mut done).await?;
    }
    done.waiting = usize::try_from(scan_queue(app).await?.waiting).unwrap_or(usize::MAX);
    Ok(done)
}

async fn scan_rounds(app: &App, done: &mut Scanned) -> Result<(), DocumentError> {
    let steward = Steward::new(app.gate.clone(), "upkeep.scan");
    let away = AtomicBool::new(false);
    for _ in 0..ROUNDS {
        let mut reader = app.db.reader().await?;
        let found = rows::due_scans(&mut reader, bucket(app), app.clock.now(), BATCH).await?;
        drop(reader);
        let scans = found.iter().map(|waiting| scan(app, &steward, waiting, &away));
        let most = app.scanning.config.connections;
        let mut scans = futures::stream::iter(scans).buffer_unordered(most);
        let mut moved = false;
        while let Some(outcome) = scans.next().await {
            match outcome? {
                Some(State::Available) => done.passed += 1,
                Some(State::Quarantined) => done.quarantined += 1,
                Some(_) => done.failed += 1,
                None => continue,
            }
            moved = true;
        }
        done.away = away.load(Ordering::Relaxed);
        if done.away || !moved {
            break;
        }
    }
    Ok(())
}

/// Scans one document, unless somebody else does; the state it is in afterwards.
async fn scan(
    app: &App,
    steward: &Steward,
    waiting: &Unread<Waiting>,
    away: &AtomicBool,
) -> Result<Option<State>, DocumentError> {
    let waiting = steward.look(waiting);
    let document = &waiting.document;
    // While the scanner is away, nothing is gained by asking it once for each document.
    if away.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let mut claim = waiting.scan_next_at;
    if !renew(app, document, &mut claim).await? {
        return Ok(None);
    }
    let begun = Instant::now();
    let Some(looked) = claimed(app, document, &mut claim).await else { return Ok(None) };
    metrics::histogram!("strongroom_scan_seconds").record(begun.elapsed());
    let failure = match looked {
        Ok(verdict) => {
            let verdict = weighed(verdict, document);
            return settle(app, steward, document, claim, &verdict).await;
        }
        Err(failure) => failure,
    };
    metrics::counter!("strongroom_scan_failures_total", "why" => failure.word()).increment(1);
    let failures = waiting.scan_attempts + i64::from(!failure.is_away());
    if matches!(failure, ScanError::Failed(_))
        && let Some(verdict) = given_up(failures)
    {
        return settle(app, steward, document, claim, &verdict).await;
    }
    tracing::warn!(id = %document.id, error = %failure, "a document could not be scanned yet");
    let next = if failure.is_away() {
        away.store(true, Ordering::Relaxed);
        app.clock.now()
    } else {
        app.clock.now() + pause(failures, app.ids.next().as_bytes()[15])
    };
    let mut tx = app.db.begin().await?;
    let key = (document.clinic_id, document.id);
    rows::defer_scan(&mut tx, key, claim, (next, failures), failure.waits_for()).await?;
    tx.commit().await?;
    Ok(Some(State::Scanning))
}

/// How long a document waits after so many failures; `chance`: not all of them at once.
fn pause(failures: i64, chance: u8) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(1)).unwrap_or(0).min(16);
    let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    pause + pause.mul_f64(f64::from(chance) / 1024.0)
}

/// Makes the claim last. False when somebody else has it.
async fn renew(
    app: &App,
    document: &Document,
    claim: &mut Timestamp,
) -> Result<bool, DocumentError> {
    let until = app.clock.now() + LEASE;
    let mut tx = app.db.begin().await?;
    let held = rows::move_scan(&mut tx, (document.clinic_id, document.id), *claim, until).await?;
    tx.commit().await?;
    *claim = until;
    Ok(held)
}

/// Looks at a document that is claimed, and keeps the claim meanwhile. None: it was lost.
async fn claimed(
    app: &App,
    document: &Document,
    claim: &mut Timestamp,
) -> Option<Result<Verdict, ScanError>> {
    let mut looking = std::pin::pin!(look(app, document));
    loop {
        tokio::select! {
            looked = &mut looking => return Some(looked),
            () = tokio::time::sleep(RENEW) => {}
        }
        match renew(app, document, claim).await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(e) => {
                tracing::warn!(error = %e, "the claim on a scan could not be renewed");
                return None;
            }
        }
    }
}

/// Has the pinned version scanned.
async fn look(app: &App, document: &Document) -> Result<Verdict, ScanError> {
    if let Some(verdict) = app.scanning.by_size(document.byte_size) {
        return Ok(verdict);
    }
    let key = object_key(document).map_err(|_| ScanError::Cut)?;
    let version = document.version_id.as_deref();
    match &app.scanning.scanner {
        Scanner::Off => Err(ScanError::Off),
        Scanner::GuardDuty => verdict_of_tag(&app.store.tags(&key, version).await?),
        Scanner::Clamd(clamd) => {
            // First the turn: a stream of the store's that nobody reads from is broken off.
            let _turn = clamd.turn().await?;
            clamd.ping().await?;
            let body = app.store.get(&key, version, None).await?;
            let pinned = document.sha256().filter(|_| !app.store.seals());
            let stream = match pinned {
                Some(pinned) => verified(body.stream, pinned),
                None => body.stream,
            };
            let verdict = clamd.scan(stream).await?;
            metrics::counter!("strongroom_scan_bytes_total").increment(document.byte_size);
            Ok(verdict)
        }
    }
}

/// Moves a document to where its verdict sends it.
async fn settle(
    app: &App,
    steward: &Steward,
    document: &Document,
    claim: Timestamp,
    verdict: &Verdict,
) -> Result<Option<State>, DocumentError> {
    let now = app.clock.now();
    let landing = Landing::of(&app.scanning, verdict, now);
    let mut tx = steward.begin(Action::ScanDocument, &document.target()).await?;
    let key = (document.clinic_id, document.id);
    let release = release_now(&mut tx, document).await?;
    if !rows::mark_scanned(&mut tx, key, claim, &landing, now).await? {
        return Ok(None);
    }
    let mut detail = serde_json::json!({
        "state": landing.state.as_str(), "scan": landing.word(), "reason": landing.reason,
    });
    if release != document.release {
        detail["release"] = release.as_str().into();
    }
    tx.commit(Some(detail)).await?;
    count(verdict);
    if landing.state == State::Quarantined {
        tracing::warn!(id = %document.id, verdict = landing.word(), "a document is quarantined");
    }
    Ok(Some(landing.state))
}

/// Counts a verdict.
pub(super) fn count(verdict: &Verdict) {
    metrics::counter!("strongroom_scan_total", "verdict" => verdict.word()).increment(1);
}

/// Scans what waits as soon as it waits, beside serving; without a scanner it only waits itself.
pub async fn keep_scanning(app: &App) {
    if !app.scanning.is_on() {
        return std::future::pending().await;
    }
    app.scanning.attend();
    let mut answered = true;
    loop {
        let check = app.scanning.check().await;
        metrics::gauge!("strongroom_scanner_up").set(if check.is_ok() { 1.0 } else { 0.0 });
        match &check {
            Ok(()) if !answered => tracing::info!("the scanner answers again"),
            Err(e) if answered => tracing::error!(error = %e, "uploads wait: no scanner"),
            _ => {}
        }
        answered = check.is_ok();
        if check.is_err() {
            let _ = scan_queue(app).await;
            tokio::time::sleep(AWAY).await;
            continue;
        }
        let wait = pass(app).await;
        tokio::time::sleep(PACE).await;
        let _ = tokio::time::timeout(wait, app.scanning.woken()).await;
    }
}

/// One run; how long to wait for the next one if nobody calls.
async fn pass(app: &App) -> Duration {
    let ran = async {
        let ran = scan_due(app, false).await?;
        Ok::<_, DocumentError>((ran.away, scan_queue(app).await?.next))
    };
    match ran.await {
        Ok((true, _)) => AWAY,
        Ok((false, None)) => INTERVAL,
        Ok((false, Some(next))) => {
            let left = next.micros() - app.clock.now().micros();
            Duration::from_micros(u64::try_from(left).unwrap_or(0)).min(INTERVAL)
        }
        Err(e) => {
            tracing::warn!(error = causes::in_one_line(&e), "scanning could not go on now");
            AWAY
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_waits_longer_each_time_and_never_for_hours() {
        assert_eq!(pause(1, 0), FIRST_PAUSE);
        assert_eq!(pause(2, 0), FIRST_PAUSE * 2);
        assert_eq!(pause(40, 0), LONGEST_PAUSE);
        assert!(pause(40, 255) < LONGEST_PAUSE * 2);
        assert!(pause(1, 255) > FIRST_PAUSE);
    }
}
