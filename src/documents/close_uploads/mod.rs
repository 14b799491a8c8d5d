//! Clearing up after uploads whose URLs have expired.
//!
//! Nothing can come in any more: what was never confirmed is ended, and what lies under a signed
//! key without being a document's is removed. Idempotent: a row stays open until everything of it
//! is gone, and each change of state is conditional.

mod rows;

use uuid::Uuid;

use crate::access::{Action, Steward};
use crate::app::App;
use crate::documents::placing::{self, object_key};
use crate::documents::quota::end_upload;
use crate::documents::{Document, DocumentError, State};
use crate::ids::DocumentId;
use crate::store::{ObjectKey, PartialUpload, StoreError};
use crate::time::Timestamp;

/// Most of a kind that one statement brings.
const BATCH: i64 = 200;
/// Most statements of a kind in one run.
const ROUNDS: usize = 20;
/// After this an attempt to place bytes is not under way any more.
const PLACING: std::time::Duration = std::time::Duration::from_hours(6);

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Uploads that nobody completed in time and that ended now.
    pub abandoned: usize,
    /// Uploads whose left-overs are gone.
    pub closed: usize,
    /// Copies of attempts that were cut off, removed.
    pub removed: usize,
    /// Things that could not be cleared up now.
    pub failed: usize,
}

/// Closes uploads whose time is over. With `dry_run`, only counts the first of each kind.
pub async fn close_uploads(app: &App, dry_run: bool) -> Result<Closed, DocumentError> {
    let steward = Steward::new(app.gate.clone(), "upkeep.uploads");
    let mut done = Closed::default();
    abandon_expired(app, &steward, dry_run, &mut done).await?;
    close_ended(app, &steward, dry_run, &mut done).await?;
    remove_placings(app, dry_run, &mut done).await?;
    Ok(done)
}

/// Ends what nobody completed. This needs no store, and each row leaves the queue.
async fn abandon_expired(
    app: &App,
    steward: &Steward,
    dry_run: bool,
    done: &mut Closed,
) -> Result<(), DocumentError> {
    for _ in 0..ROUNDS {
        let now = app.clock.now();
        let mut reader = app.db.reader().await?;
        let found = rows::expired_uploads(&mut reader, now, BATCH).await?;
        drop(reader);
        let last = found.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
        if dry_run {
            done.abandoned += found.len();
            return Ok(());
        }
        for upload in &found {
            let document = steward.look(upload);
            let mut tx = steward.begin(Action::AbandonUpload, &document.target()).await?;
            // When it was confirmed or ended meanwhile, nothing is to be told.
            if end_upload(app, &mut tx, document, (State::Abandoned, "expired")).await? {
                tx.commit(None).await?;
                done.abandoned += 1;
            }
        }
        if last {
            break;
        }
    }
    Ok(())
}

/// Removes what ended uploads to this bucket left. One that cannot be cleared up now does not keep
/// those behind it waiting.
async fn close_ended(
    app: &App,
    steward: &Steward,
    dry_run: bool,
    done: &mut Closed,
) -> Result<(), DocumentError> {
    // While the store is away, nothing is gained by asking it once for each upload.
    if app.store.abilities().is_err() {
        return Ok(());
    }
    let bucket = (app.store.provider(), app.store.bucket());
    let mut after = (Timestamp::from_micros(0), DocumentId::from_uuid(Uuid::nil()));
    for _ in 0..ROUNDS {
        let mut reader = app.db.reader().await?;
        let now = app.clock.now();
        let found = rows::ended_uploads(&mut reader, bucket, now, after, BATCH).await?;
        drop(reader);
        let Some(last) = found.last().map(|upload| steward.look(upload)) else { break };
        after = (last.upload_expires_at, last.id);
        for upload in &found {
            let document = steward.look(upload);
            if dry_run {
                done.closed += 1;
            } else if let Err(e) = close(app, document).await {
                tracing::warn!(id = %document.id, error = %e, "an upload could not be closed yet");
                done.failed += 1;
                if is_away(&e) {
                    return Ok(());
                }
            } else {
                done.closed += 1;
            }
        }
    }
    Ok(())
}

/// Whether it is the store that failed, not something about this upload.
pub(super) const fn is_away(e: &DocumentError) -> bool {
    matches!(e, DocumentError::Store(StoreError::Unavailable(_) | StoreError::Unusable(_)))
}

async fn close(app: &App, document: &Document) -> Result<(), DocumentError> {
    // Under the key of a document that was purged while its URL was out, bytes may lie again.
    if matches!(document.state, State::Abandoned | State::Refused | State::Purged) {
        let key = object_key(document)?;
        if let Some(upload_id) = &document.multipart_id {
            let upload = PartialUpload { key: key.clone(), upload_id: upload_id.clone() };
            app.store.abort_parts(&upload).await?;
        }
        app.store.purge(&key).await?;
    }
    if let Some(key) = &document.upload_key {
        let key = ObjectKey::new(key.clone()).map_err(StoreError::unavailable)?;
        app.store.purge(&key).await?;
    }
    let mut tx = app.db.begin().await?;
    rows::mark_closed(&mut tx, document.clinic_id, document.id, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Removes copies that attempts to confirm left when they were cut off. One that cannot be removed
/// now does not keep those behind it waiting.
async fn remove_placings(app: &App, dry_run: bool, done: &mut Closed) -> Result<(), DocumentError> {
    if app.store.abilities().is_err() {
        return Ok(());
    }
    let bucket = app.store.bucket();
    let before = app.clock.now() - PLACING;
    let mut after = (Timestamp::from_micros(0), String::new());
    for _ in 0..ROUNDS {
        let mut reader = app.db.reader().await?;
        let found =
            placing::rows::stale_placings(&mut reader, bucket, before, &after, BATCH).await?;
        drop(reader);
        let Some(last) = found.last() else { break };
        after = last.clone();
        for (_, key) in &found {
            if dry_run {
                done.removed += 1;
            } else if let Err(e) = remove_placing(app, bucket, key).await {
                tracing::warn!(error = %e, "a copy of an upload could not be removed yet");
                done.failed += 1;
                if is_away(&e) {
                    return Ok(());
                }
            } else {
                done.removed += 1;
            }
        }
    }
    Ok(())
}

async fn remove_placing(app: &App, bucket: &str, key: &str) -> Result<(), DocumentError> {
    // A key that is none says nothing about the store.
    let stale = ObjectKey::new(key.to_owned()).map_err(|_| StoreError::Precondition)?;
    app.store.purge(&stale).await?;
    let mut tx = app.db.begin().await?;
    placing::rows::remove_placing(&mut tx, bucket, key).await?;
    Ok(tx.commit().await?)
}
