//! Clearing up after uploads whose URLs have expired.
//!
//! Nothing can come in any more: what was never confirmed is ended, and what lies under a signed
//! key without being a document's is removed. Idempotent: a row stays open until everything of it
//! is gone, and each change of state is conditional.

use crate::access::{Action, Steward, Unread};
use crate::app::App;
use crate::documents::placing::object_key;
use crate::documents::{Document, DocumentError, State, rows};
use crate::store::{ObjectKey, PartialUpload, StoreError};

/// Most uploads that one run closes.
const BATCH: i64 = 200;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// Uploads that nobody completed in time and that ended now.
    pub abandoned: usize,
    /// Uploads whose left-overs are gone.
    pub closed: usize,
    /// Uploads that could not be cleared up now.
    pub failed: usize,
}

/// Closes uploads whose time is over. With `dry_run`, only counts them.
pub async fn close_uploads(app: &App, dry_run: bool) -> Result<Closed, DocumentError> {
    let steward = Steward::new(app.gate.clone(), "upkeep.uploads");
    let now = app.clock.now();
    let mut reader = app.db.reader().await?;
    let found = rows::open_uploads(&mut reader, now, BATCH).await?;
    drop(reader);
    let mut done = Closed::default();
    for upload in found {
        let document = steward.look(&upload);
        if dry_run {
            done.abandoned += usize::from(document.state == State::Pending);
            done.closed += 1;
            continue;
        }
        match close(app, &steward, &upload).await {
            Ok(abandoned) => {
                done.abandoned += usize::from(abandoned);
                done.closed += 1;
            }
            Err(e) => {
                tracing::warn!(id = %document.id, error = %e, "an upload could not be closed yet");
                done.failed += 1;
            }
        }
    }
    Ok(done)
}

/// Closes one; whether it had been pending.
async fn close(
    app: &App,
    steward: &Steward,
    upload: &Unread<Document>,
) -> Result<bool, DocumentError> {
    let document = steward.look(upload);
    let (clinic, id, now) = (document.clinic_id, document.id, app.clock.now());
    let mut ended = matches!(document.state, State::Abandoned | State::Refused);
    let mut abandoned = false;
    if document.state == State::Pending {
        let mut tx = steward.begin(Action::AbandonUpload, &document.target()).await?;
        abandoned = rows::mark_abandoned(&mut tx, clinic, id, "expired", now).await?;
        if !abandoned {
            // It was confirmed or ended meanwhile; the next run sees it as it is.
            return Ok(false);
        }
        tx.commit(None).await?;
        ended = true;
    }
    if ended {
        if let Some(upload_id) = &document.multipart_id {
            let upload = PartialUpload { key: object_key(document)?, upload_id: upload_id.clone() };
            app.store.abort_parts(&upload).await?;
        }
        app.store.purge(&object_key(document)?).await?;
    }
    if let Some(key) = &document.upload_key {
        let key = ObjectKey::new(key.clone()).map_err(StoreError::unavailable)?;
        app.store.purge(&key).await?;
    }
    let mut tx = app.db.begin().await?;
    rows::mark_closed(&mut tx, clinic, id, now).await?;
    tx.commit().await?;
    Ok(abandoned)
}
