//! How much may be uploaded: uploads that are open, bytes of a day, bytes that are kept
//! (decision 0018).
//!
//! Invariants:
//! - No more uploads than allowed are ever open, however many are begun at once and on however many
//!   servers: they are counted by the statement that adds one. PostgreSQL does not see what others
//!   are adding meanwhile, so near the limit transactions of a clinic take turns.
//! - What a service begins counts as its own and as the person's it acts for.
//! - A day's bytes are counted in the same commit too, and only where there is a quota: what was
//!   announced, from the commit that ends the upload on what came. What came to nothing is given
//!   back.
//! - What is kept is known to within a minute's uploads of the other servers.

mod rows;

use std::time::Duration;

use crate::access::{Audited, Grant};
use crate::app::App;
use crate::db::DbError;
use crate::documents::rows::{OpenUploads, insert_pending, mark_ended};
use crate::documents::{Document, DocumentError, State};
use crate::ids::{ClinicId, UserId};
use crate::time::Timestamp;

/// How far from a limit transactions need not take turns: more than may be under way at once on a
/// few servers (each has 16 connections).
const FAR: i64 = 64;
/// Seconds after which it makes sense to look whether open uploads have been completed.
const OPEN_RETRY: u64 = 60;
const DAY: i64 = 86_400;

/// Whose limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The caller's own, or that of the person a service acts for.
    Caller,
    /// The clinic's.
    Clinic,
}

impl Whose {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Clinic => "clinic",
        }
    }
}

/// Adds the row of an upload that was allowed, within every limit, in the transaction of its event.
pub(super) async fn add_pending(
    app: &App,
    grant: &Grant<'_>,
    document: &Document,
) -> Result<(), DocumentError> {
    add_within(app, grant, document, Event::Now).await
}

/// The same for an upload that the same call carries to its end, and tells of then.
pub(super) async fn add_pending_untold(
    app: &App,
    grant: &Grant<'_>,
    document: &Document,
) -> Result<(), DocumentError> {
    add_within(app, grant, document, Event::Later).await
}

/// When the call's event is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    Now,
    Later,
}

async fn add_within(
    app: &App,
    grant: &Grant<'_>,
    document: &Document,
    event: Event,
) -> Result<(), DocumentError> {
    reserve_kept(app, document).await?;
    let added = Box::pin(add_bounded(app, grant, document, event)).await;
    if added.is_err() {
        app.kept.give_back(document.clinic_id, document.byte_size);
    }
    added
}

async fn add_bounded(
    app: &App,
    grant: &Grant<'_>,
    document: &Document,
    event: Event,
) -> Result<(), DocumentError> {
    let limits = &app.config.limits;
    let exact =
        OpenUploads { caller: most(limits.open_per_caller), clinic: most(limits.open_per_clinic) };
    let far = exact.less(FAR);
    let at_ease = app.db.has_one_writer() || far.is_some();
    if at_ease {
        let most = if app.db.has_one_writer() { exact } else { far.unwrap_or(exact) };
        match add(app, grant, document, (&most, false), event).await {
            Err(e) if is_full(&e) && !app.db.has_one_writer() => {}
            Err(e) if is_full(&e) => return Err(too_many(app, grant, document).await),
            done => return done,
        }
    }
    match add(app, grant, document, (&exact, true), event).await {
        Err(e) if is_full(&e) => Err(too_many(app, grant, document).await),
        done => done,
    }
}

/// A limit as the statement takes it: below zero is none.
fn most(limit: u32) -> i64 {
    if limit == 0 { -1 } else { i64::from(limit) }
}

fn is_full(e: &DocumentError) -> bool {
    matches!(e, DocumentError::Db(e) if e.is_missing("state"))
}

async fn add(
    app: &App,
    grant: &Grant<'_>,
    document: &Document,
    (most, alone): (&OpenUploads, bool),
    event: Event,
) -> Result<(), DocumentError> {
    let mut tx = grant.begin().await?;
    if alone {
        tx.alone(number(document.clinic_id)).await?;
    }
    if !grant.take_ticket(&mut tx, document.id).await? {
        return Err(DocumentError::TicketUsedUp);
    }
    charge_day(app, &mut tx, document, grant.service()).await?;
    insert_pending(&mut tx, document, grant.service(), most).await?;
    if event == Event::Later {
        return Ok(tx.commit_open().await?);
    }
    let size = if document.size_is_limit { "maxSize" } else { "size" };
    let detail = serde_json::json!({
        size: document.byte_size,
        "contentType": document.content_type,
        "category": document.category,
    });
    Ok(tx.commit_begun(detail).await?)
}

/// The number under which uploads of a clinic take turns.
fn number(clinic: ClinicId) -> i64 {
    let (high, low) = clinic.as_uuid().as_u64_pair();
    (high ^ low).cast_signed()
}

/// Which limit it was.
async fn too_many(app: &App, grant: &Grant<'_>, document: &Document) -> DocumentError {
    let limits = &app.config.limits;
    let counted = async {
        // In a transaction that writes: on SQLite others are not committed yet, and count.
        let mut tx = app.db.begin().await?;
        let owner = &document.owner_user_id;
        rows::open_uploads(&mut tx, document.clinic_id, owner, grant.service()).await
    };
    let own = match counted.await {
        Ok(own) => own,
        Err(e) => return e.into(),
    };
    let whose = match most(limits.open_per_caller) {
        none if none < 0 => Whose::Clinic,
        limit if own < limit && limits.open_per_clinic > 0 => Whose::Clinic,
        _ => Whose::Caller,
    };
    let limit = match whose {
        Whose::Caller => limits.open_per_caller,
        Whose::Clinic => limits.open_per_clinic,
    };
    refused("open_uploads", whose);
    DocumentError::TooManyOpen { whose, limit, retry_after: OPEN_RETRY }
}

fn refused(what: &'static str, whose: Whose) {
    let labels = [("what", what), ("whose", whose.as_str())];
    metrics::counter!("strongroom_quota_refused_total", &labels).increment(1);
}

/// Counts what was announced towards the day's quotas, where there are any.
async fn charge_day(
    app: &App,
    tx: &mut Audited,
    document: &Document,
    service: Option<&UserId>,
) -> Result<(), DocumentError> {
    let (now, clinic, size) = (document.created_at, document.clinic_id, document.byte_size);
    let day = day(document);
    for (whose, who, limit) in quotas(app, document, service) {
        let fits = size <= limit && rows::charge_day(tx, (clinic, who), day, size, limit).await?;
        if !fits {
            let used = rows::of_day(tx, clinic, who, day).await?;
            refused("daily_bytes", whose);
            let retry_after = until_tomorrow(now);
            return Err(DocumentError::DailyQuota { whose, used, limit, retry_after });
        }
    }
    Ok(())
}

/// The day an upload counts towards.
fn day(document: &Document) -> i64 {
    document.created_at.seconds().div_euclid(DAY)
}

/// The quotas of a day that there are for an upload: whose, under which name, how much. In one
/// order, the clinic last, so that no two transactions wait for each other.
fn quotas<'d>(
    app: &App,
    document: &'d Document,
    service: Option<&'d UserId>,
) -> Vec<(Whose, &'d str, u64)> {
    let limits = &app.config.limits;
    let mut callers = vec![document.owner_user_id.as_str()];
    callers.extend(service.map(UserId::as_str));
    callers.sort_unstable();
    callers.dedup();
    let callers = callers.into_iter().map(|who| (Whose::Caller, who, limits.daily_per_caller));
    let all = callers.chain([(Whose::Clinic, "", limits.daily_per_clinic)]);
    all.filter(|(.., limit)| *limit > 0).collect()
}

/// Counts of an upload whose size nobody knew what came instead of what might have. In the
/// transaction that makes it a document, or ends it.
pub(super) async fn settle_day(
    app: &App,
    tx: &mut Audited,
    document: &Document,
    came: u64,
) -> Result<(), DbError> {
    let limits = &app.config.limits;
    let less = document.byte_size.saturating_sub(came);
    if less == 0 || (limits.daily_per_caller, limits.daily_per_clinic) == (0, 0) {
        return Ok(());
    }
    let clinic = document.clinic_id;
    let service = rows::begun_by(tx, clinic, document.id).await?;
    for (_, who, _) in quotas(app, document, service.as_ref()) {
        rows::give_back(tx, (clinic, who), day(document), less).await?;
    }
    Ok(())
}

/// Ends a pending upload without a document, and gives back what it was counted for. False when it
/// was not pending.
pub(super) async fn end_upload(
    app: &App,
    tx: &mut Audited,
    document: &Document,
    (state, reason): (State, &str),
) -> Result<bool, DbError> {
    let upload = (document.clinic_id, document.id);
    let ended = mark_ended(tx, upload, state, reason, app.clock.now()).await?;
    if ended {
        settle_day(app, tx, document, 0).await?;
    }
    Ok(ended)
}

fn until_tomorrow(now: Timestamp) -> u64 {
    (DAY - now.seconds().rem_euclid(DAY)).unsigned_abs()
}

/// Whether the clinic may keep that much more.
async fn reserve_kept(app: &App, document: &Document) -> Result<(), DocumentError> {
    let quota = app.config.limits.kept_per_clinic;
    if quota == 0 {
        return Ok(());
    }
    let clinic = document.clinic_id;
    let sum = async || {
        let mut reader = app.db.reader().await?;
        rows::kept_bytes(&mut reader, clinic).await
    };
    let now = || app.clock.now();
    match app.kept.reserve_or_sum((clinic, document.byte_size, quota), now, sum).await? {
        Some(used) => {
            refused("kept_bytes", Whose::Clinic);
            Err(DocumentError::Quota { used, limit: quota })
        }
        None => Ok(()),
    }
}

/// Forgets the counts of days that are over; how many.
pub async fn forget_days(app: &App, dry_run: bool) -> Result<usize, DocumentError> {
    // Servers may disagree about midnight; yesterday is kept.
    let before = (app.clock.now() - Duration::from_hours(48)).seconds().div_euclid(DAY);
    let mut tx = app.db.begin().await?;
    let count = rows::forget_days(&mut tx, before).await?;
    if !dry_run {
        tx.commit().await?;
    }
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_ends_at_midnight_in_utc() {
        let at = |text| until_tomorrow(Timestamp::parse(text).unwrap());
        assert_eq!(at("2026-02-03T00:00:00Z"), 86_400);
        assert_eq!(at("2026-02-03T23:59:59.9Z"), 1);
        assert_eq!(at("2026-02-03T23:00:00-02:00"), 23 * 3_600);
    }
}
