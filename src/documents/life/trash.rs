//! Emptying the trash: what has been in it long enough, what was only temporary, and the rest of
//! every purge that was cut off.
//!
//! Idempotent, in bounded batches; what is under hold or must be retained is left alone.

use std::time::Duration;

use uuid::Uuid;

use super::purge::erase;
use super::rows;
use crate::access::{Action, Steward, Unread};
use crate::app::App;
use crate::documents::close_uploads::is_away;
use crate::documents::{Document, DocumentError};
use crate::ids::DocumentId;

/// Most of a kind that one statement brings.
const BATCH: i64 = 200;
/// Most statements of a kind in one run.
const ROUNDS: usize = 20;
/// Who empties it, as the trail names it.
const TASK: &str = "upkeep.trash";

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Emptied {
    /// Documents whose time in the trash was over.
    pub purged: usize,
    /// Temporary documents whose time was over.
    pub temporary: usize,
    /// Documents whose bytes are gone now.
    pub erased: usize,
    /// Documents whose bytes could not be erased now.
    pub failed: usize,
}

/// Which documents' time is over.
#[derive(Clone, Copy)]
enum Due {
    Trash,
    Temporary,
}

/// Empties the trash. With `dry_run`, only counts the first of each kind.
pub async fn empty_trash(app: &App, dry_run: bool) -> Result<Emptied, DocumentError> {
    let mut done = Emptied::default();
    // While the store is away, what could still be restored stays so.
    if app.store.abilities().is_err() {
        return Ok(done);
    }
    let steward = Steward::new(app.gate.clone(), TASK);
    done.purged = purge_due(app, &steward, Due::Trash, dry_run).await?;
    done.temporary = purge_due(app, &steward, Due::Temporary, dry_run).await?;
    erase_purged(app, &steward, dry_run, &mut done).await?;
    Ok(done)
}

async fn due(app: &App, due: Due) -> Result<Vec<Unread<Document>>, DocumentError> {
    let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3600);
    let (config, now) = (&app.config.uploads, app.clock.now());
    let bucket = (app.store.provider(), app.store.bucket());
    let mut reader = app.db.reader().await?;
    Ok(match due {
        Due::Trash => {
            let before = now - days(config.trash_days);
            rows::trashed(&mut reader, bucket, now, before, BATCH).await?
        }
        Due::Temporary => {
            let before = now - days(config.temporary_days);
            rows::temporary(&mut reader, bucket, now, before, BATCH).await?
        }
    })
}

/// Purges what is due. Each row leaves the queue; one that was restored or put under hold after it
/// was found, too.
async fn purge_due(
    app: &App,
    steward: &Steward,
    kind: Due,
    dry_run: bool,
) -> Result<usize, DocumentError> {
    let mut count = 0;
    for _ in 0..ROUNDS {
        let found = due(app, kind).await?;
        if dry_run {
            return Ok(found.len());
        }
        for document in &found {
            let document = steward.look(document);
            let mut tx = steward.begin(Action::PurgeDocument, &document.target()).await?;
            let of = (document.clinic_id, document.id);
            let known = Some(document.updated_at);
            if rows::mark_purged(&mut tx, of, TASK, app.clock.now(), known).await? {
                let from = serde_json::json!({ "from": document.state.as_str() });
                tx.commit(Some(from)).await?;
                count += 1;
            }
        }
        if found.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            break;
        }
    }
    Ok(count)
}

/// Erases what is purged. One that cannot be erased now does not keep those behind it waiting.
async fn erase_purged(
    app: &App,
    steward: &Steward,
    dry_run: bool,
    done: &mut Emptied,
) -> Result<(), DocumentError> {
    let bucket = (app.store.provider(), app.store.bucket());
    let mut after = DocumentId::from_uuid(Uuid::nil());
    for _ in 0..ROUNDS {
        let mut reader = app.db.reader().await?;
        let found = rows::to_erase(&mut reader, bucket, after, BATCH).await?;
        drop(reader);
        let Some(last) = found.last().map(|document| steward.look(document)) else { break };
        after = last.id;
        for document in &found {
            let document = steward.look(document);
            if dry_run {
                done.erased += 1;
            } else if let Err(e) = erase(app, steward, document).await {
                tracing::warn!(id = %document.id, error = %e, "bytes could not be erased yet");
                done.failed += 1;
                if is_away(&e) {
                    return Ok(());
                }
            } else {
                done.erased += 1;
            }
        }
    }
    Ok(())
}
