//! One attempt to scan a document that waits.
//!
//! A document is claimed by a short transaction, read and scanned without one, and moved by
//! another. The claim is a lease that is renewed while the scan goes on: what a server that died
//! had claimed is taken up by the next one.
//!
//! What fails is tried again, ever later. A file is given up only when the scanner failed on it
//! again and again for a long while, and does not fail on a file of nothing of the same length: a
//! full disk or a scanner without memory says nothing of any file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::access::{Action, Steward, Unread};
use crate::app::App;
use crate::documents::life::release_now;
use crate::documents::placing::object_key;
use crate::documents::scan::rows::{self, Waiting};
use crate::documents::scan::{Landing, count, weighed};
use crate::documents::stream_download::verified;
use crate::documents::{Document, DocumentError, State};
use crate::scanning::{ScanError, Scanner, Unscannable, Verdict, verdict_of_tag};
use crate::time::Timestamp;

/// A claim that was not renewed for so long is nobody's.
pub(super) const LEASE: Duration = Duration::from_secs(45);
/// Between two renewals.
const RENEW: Duration = Duration::from_secs(15);
/// Until a document is tried again after a failure; then as long as it has waited by then.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// At most so long.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// At most so long where the scanner fails on everything: it is sent whole files to find out.
const TROUBLED: Duration = Duration::from_mins(1);
/// So often the scanner has to fail on a file, and on this file alone, until it is given up.
const TRIES: i64 = 5;
/// So long it has to have waited by then.
const GIVEN_UP_AFTER: Duration = Duration::from_hours(1);

/// Scans a document, unless somebody else does; the state it is in afterwards.
/// `away` is set when it is the scanner that is in trouble, not the file.
pub(super) async fn scan(
    app: &App,
    steward: &Steward,
    waiting: Unread<Waiting>,
    away: &AtomicBool,
) -> Result<Option<State>, DocumentError> {
    let waiting = steward.look(&waiting);
    let (document, key) = (&waiting.document, (waiting.document.clinic_id, waiting.document.id));
    let mut claim = waiting.scan_next_at;
    if away.load(Ordering::Relaxed) || !renew(app, document, &mut claim).await? {
        return Ok(None);
    }
    let waited = waited(document, app.clock.now());
    let last = waiting.scan_attempts + 1 >= TRIES && waited >= GIVEN_UP_AFTER;
    let begun = Instant::now();
    let Some(looked) = claimed(app, document, last, &mut claim).await else { return Ok(None) };
    metrics::histogram!("strongroom_scan_seconds").record(begun.elapsed());
    let failure = match looked {
        Ok(verdict) => {
            let verdict = weighed(verdict, document);
            return settle(app, steward, document, claim, &verdict).await;
        }
        Err(failure) => failure,
    };
    metrics::counter!("strongroom_scan_failures_total", "why" => failure.word()).increment(1);
    if last && failure.is_of_the_file() {
        let verdict = Verdict::Unscannable(Unscannable::Failed);
        return settle(app, steward, document, claim, &verdict).await;
    }
    tracing::warn!(id = %document.id, error = %failure, "a document could not be scanned yet");
    let failures = waiting.scan_attempts + i64::from(failure.is_of_the_file());
    away.fetch_or(failure.is_away(), Ordering::Relaxed);
    let chance = app.ids.next().as_bytes()[15];
    let wait = match &failure {
        ScanError::Troubled(_) => pause(waited.min(TROUBLED), chance),
        failure if failure.is_away() => Duration::ZERO,
        _ => pause(waited, chance),
    };
    let next = app.clock.now() + wait;
    let mut tx = app.db.begin().await?;
    rows::defer_scan(&mut tx, key, claim, (next, failures), failure.waits_for()).await?;
    tx.commit().await?;
    Ok(Some(State::Scanning))
}

/// How long a document has waited. A hold laid on it meanwhile begins it anew, which only delays.
fn waited(document: &Document, now: Timestamp) -> Duration {
    let micros = now.micros() - document.updated_at.micros();
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// How long a document that has waited so long waits for its next turn; `chance`: not all of them
/// at once.
fn pause(waited: Duration, chance: u8) -> Duration {
    let pause = waited.clamp(FIRST_PAUSE, LONGEST_PAUSE);
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
    last: bool,
    claim: &mut Timestamp,
) -> Option<Result<Verdict, ScanError>> {
    let mut looking = std::pin::pin!(look(app, document, last));
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

/// Has the pinned version scanned. Where a failure is the `last`, it is made sure before that the
/// scanner works.
pub(super) async fn look(app: &App, document: &Document, last: bool) -> Result<Verdict, ScanError> {
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
            if last {
                clamd.try_out(document.byte_size).await?;
            }
            let body = app.store.get(&key, version, None).await?;
            let pinned = document.sha256().filter(|_| !app.store.seals());
            let stream = match pinned {
                Some(pinned) => verified(body.stream, pinned),
                None => body.stream,
            };
            let scanned = clamd.scan(stream).await;
            if matches!(scanned, Err(ScanError::Failed(_) | ScanError::Broken { .. })) {
                // One that is gone now may have been brought down by this file.
                let tried = clamd.try_out(document.byte_size).await;
                if let Err(troubled @ ScanError::Troubled(_)) = tried {
                    return Err(troubled);
                }
            }
            let verdict = scanned?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_waits_longer_each_time_and_never_for_hours() {
        assert_eq!(pause(Duration::ZERO, 0), FIRST_PAUSE);
        assert_eq!(pause(Duration::from_secs(40), 0), Duration::from_secs(40));
        assert_eq!(pause(Duration::from_hours(40), 0), LONGEST_PAUSE);
        assert!(pause(Duration::from_hours(40), 255) < LONGEST_PAUSE * 2);
        assert!(pause(Duration::ZERO, 255) > FIRST_PAUSE);
    }
}
