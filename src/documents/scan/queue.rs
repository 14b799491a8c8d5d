//! Scanning what waits: state is the queue.
//!
//! What is due is claimed and scanned, some at a time (`attempt.rs`); what becomes due meanwhile
//! is taken up as soon as there is a turn.

use std::collections::{HashSet, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use futures::TryStreamExt as _;

use crate::access::{Steward, Unread};
use crate::app::App;
use crate::causes;
use crate::documents::scan::attempt;
use crate::documents::scan::rows::{self, Waiting};
use crate::documents::{DocumentError, State};
use crate::ids::DocumentId;
use crate::scanning::ScanError;
use crate::time::Timestamp;

/// Most documents that one statement brings.
const BATCH: i64 = 50;
/// Most scans that one run begins.
const MOST: usize = 5000;
/// Between two looks for what has become due, if nobody says that there is something.
const INTERVAL: Duration = Duration::from_mins(1);
/// The same while slow files are being scanned.
const BESIDE: Duration = Duration::from_secs(5);
/// Between two attempts to reach a scanner that is away.
const AWAY: Duration = Duration::from_secs(2);
/// Not more often than this, whatever is due.
const PACE: Duration = Duration::from_millis(10);

/// A scanner that works has spoken long before.
const OVERDUE: Duration = Duration::from_hours(24);

/// Whether what has waited since then needs a person.
pub fn is_overdue(since: Option<Timestamp>, now: Timestamp) -> bool {
    since.is_some_and(|since| since + OVERDUE < now)
}

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
    /// Since when the first of them has: a document of long ago may have been put there just now.
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

/// Makes everything that waits due now, also what failed and would be tried later; how many that
/// were. What somebody may be scanning just now is left alone: it is due soon.
pub async fn ask_again(app: &App) -> Result<u64, DocumentError> {
    let now = app.clock.now();
    let mut tx = app.db.begin().await?;
    let count = rows::make_due(&mut tx, bucket(app), now, now + attempt::LEASE).await?;
    tx.commit().await?;
    Ok(count)
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
    let (away, running) = (AtomicBool::new(false), Mutex::new(HashSet::new()));
    let due = Due {
        app,
        steward: &steward,
        away: &away,
        running: &running,
        found: VecDeque::new(),
        begun: 0,
    };
    let due = futures::stream::try_unfold(due, |mut due| async move {
        Ok::<_, DocumentError>(due.next().await?.map(|waiting| (waiting, due)))
    });
    // What is due is asked for by the same hand that drives the scans: one of them may hold the
    // database's turn that is waited for.
    let scans = due.map_ok(|waiting| async {
        let id = steward.look(&waiting).document.id;
        let outcome = attempt::scan(app, &steward, waiting, &away).await;
        held(&running).remove(&id);
        outcome
    });
    let mut scans = pin!(scans.try_buffer_unordered(app.scanning.config.connections));
    while let Some(outcome) = scans.try_next().await? {
        match outcome {
            Some(State::Available) => done.passed += 1,
            Some(State::Quarantined) => done.quarantined += 1,
            Some(_) => done.failed += 1,
            None => {}
        }
    }
    done.away = away.load(Ordering::Relaxed);
    Ok(())
}

/// What a run scans just now.
type Running = Mutex<HashSet<DocumentId>>;

fn held(running: &Running) -> MutexGuard<'_, HashSet<DocumentId>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings one document after the other. A slow one holds its own turn and nobody else's: what
/// becomes due meanwhile is brought beside it.
struct Due<'a> {
    app: &'a App,
    steward: &'a Steward,
    away: &'a AtomicBool,
    running: &'a Running,
    found: VecDeque<Unread<Waiting>>,
    begun: usize,
}

impl Due<'_> {
    /// The next one; none: nothing is due, and nothing is being scanned any more.
    async fn next(&mut self) -> Result<Option<Unread<Waiting>>, DocumentError> {
        while self.begun < MOST && !self.away.load(Ordering::Relaxed) {
            if let Some(waiting) = self.found.pop_front() {
                if held(self.running).insert(self.steward.look(&waiting).document.id) {
                    self.begun += 1;
                    return Ok(Some(waiting));
                }
                continue;
            }
            let (mut reader, now) = (self.app.db.reader().await?, self.app.clock.now());
            let found = rows::due_scans(&mut reader, bucket(self.app), now, BATCH).await?;
            drop(reader);
            let running = held(self.running).clone();
            let new =
                |one: &Unread<Waiting>| !running.contains(&self.steward.look(one).document.id);
            self.found = found.into_iter().filter(new).collect();
            if self.found.is_empty() && !self.wait().await {
                break;
            }
        }
        Ok(None)
    }

    /// Waits until something may be due; false once nothing is being scanned any more.
    async fn wait(&self) -> bool {
        let idle = std::future::poll_fn(|_| {
            if held(self.running).is_empty() { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! {
            biased;
            () = idle => false,
            () = self.app.scanning.woken() => true,
            () = tokio::time::sleep(BESIDE) => true,
        }
    }
}

/// Says of what was left before a scanner that is off by now that this is why it waits.
pub async fn tell_it_is_off(app: &App) -> Result<u64, DocumentError> {
    let mut tx = app.db.begin().await?;
    let told = rows::mark_waiting(&mut tx, bucket(app), ScanError::Off.waits_for()).await?;
    tx.commit().await?;
    if told > 0 {
        tracing::warn!(told, "documents wait for a scanner that is off: nobody can read them");
    }
    Ok(told)
}

/// Scans what waits as soon as it waits, beside serving; without a scanner it only waits itself.
pub async fn keep_scanning(app: &App) {
    if !app.scanning.is_on() {
        if let Err(e) = tell_it_is_off(app).await {
            tracing::warn!(error = causes::in_one_line(&e), "what waits could not be told why");
        }
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
