//! The end of a document: first the row says so, then the bytes go, then the row says that too.

use serde_json::json;

use super::{refused, rows};
use crate::access::{Action, Call, Steward};
use crate::app::App;
use crate::documents::preview::rows as previews;
use crate::documents::read::locate;
use crate::documents::rows::{self as documents, Reference};
use crate::documents::{Document, DocumentError, State};
use crate::ids::DocumentId;
use crate::store::{ObjectKey, StoreError};
use crate::time::Timestamp;

/// What became of a purge.
#[derive(Debug)]
pub enum Purge {
    /// The bytes are gone.
    Done(Document),
    /// It is decided, nothing is served any more, and upkeep goes on asking the store.
    Decided(Document),
}

/// Purges a document now.
pub async fn purge(app: &App, call: &Call, id: DocumentId) -> Result<Purge, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    if document.purged_at.is_none() {
        check_reach(app, document)?;
    }
    let repeated = json!({ "repeated": true });
    let document = if document.state == State::Purged {
        grant.read(found, Some(repeated)).await?
    } else {
        let from = json!({ "from": document.state.as_str() });
        let (by, now) = (call.caller.effective_user(), app.clock.now());
        let mut tx = grant.begin().await?;
        let purged =
            rows::mark_purged(&mut tx, (call.clinic(), id), by.as_str(), now, None).await?;
        let found = documents::find(&mut tx, call.clinic(), &Reference::Id(id)).await?;
        let found = found.ok_or(DocumentError::NotFound)?;
        let document = grant.look(&found);
        if !purged && document.state != State::Purged {
            return Err(refused(document, now));
        }
        tx.read(found, Some(if purged { from } else { repeated })).await?
    };
    if document.purged_at.is_some() {
        return Ok(Purge::Done(document));
    }
    let steward = Steward::new(app.gate.clone(), "purge");
    match erase(app, &steward, &document).await {
        Ok(at) => Ok(Purge::Done(Document { purged_at: Some(at), updated_at: at, ..document })),
        Err(e) => {
            tracing::warn!(id = %document.id, error = %e, "purged bytes could not be erased yet");
            Ok(Purge::Decided(document))
        }
    }
}

/// Whether the bytes lie where this server could destroy them.
fn check_reach(app: &App, document: &Document) -> Result<(), DocumentError> {
    let here = (app.store.provider(), app.store.bucket());
    if (document.storage_provider.as_str(), document.bucket.as_str()) == here {
        return Ok(());
    }
    let why = format!(
        "The document lies in another store ({} {}) than the one that is configured.",
        document.storage_provider, document.bucket
    );
    Err(StoreError::Unusable(why.into()).into())
}

/// Destroys the bytes of a purged document and its previews, every version of them, and notes it.
pub(super) async fn erase(
    app: &App,
    steward: &Steward,
    document: &Document,
) -> Result<Timestamp, DocumentError> {
    check_reach(app, document)?;
    let keys = [Some(&document.object_key), document.upload_key.as_ref()];
    for key in keys.into_iter().flatten() {
        let key = ObjectKey::new(key.clone()).map_err(|_| StoreError::Precondition)?;
        app.store.purge(&key).await?;
    }
    let of = (document.clinic_id, document.id);
    let mut reader = app.db.reader().await?;
    let pictures = previews::objects(&mut reader, of, app.store.bucket()).await?;
    drop(reader);
    for key in pictures {
        let key = ObjectKey::new(key).map_err(|_| StoreError::Precondition)?;
        app.store.purge(&key).await?;
    }
    let now = app.clock.now();
    let mut tx = steward.begin(Action::EraseContent, &document.target()).await?;
    // Two may have done it at once; one of them tells.
    if rows::mark_erased(&mut tx, of, now).await? {
        previews::forget(&mut tx, of).await?;
        let detail = json!({ "size": document.byte_size, "sha256": document.sha256_hex });
        tx.commit(Some(detail)).await?;
    }
    Ok(now)
}
