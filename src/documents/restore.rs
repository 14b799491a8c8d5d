//! Back from the trash.

use crate::access::Call;
use crate::app::App;
use crate::documents::read::locate;
use crate::documents::rows::{self, Reference};
use crate::documents::{Document, DocumentError, State};
use crate::ids::DocumentId;

/// Brings a document back from the trash.
pub async fn restore(app: &App, call: &Call, id: DocumentId) -> Result<Document, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    let now = app.clock.now();
    let mut tx = grant.begin().await?;
    if !rows::mark_restored(&mut tx, call.clinic(), id, now).await? {
        drop(tx);
        return Err(wrong_state(app, call, document).await?);
    }
    tx.commit(None).await?;
    Ok(Document {
        state: State::Available,
        deleted_at: None,
        deleted_by: None,
        updated_at: now,
        ..document.clone()
    })
}

/// The error for a change that found the row in another state: the state it is in now.
pub(super) async fn wrong_state(
    app: &App,
    call: &Call,
    document: &Document,
) -> Result<DocumentError, DocumentError> {
    let mut reader = app.db.reader().await?;
    let state = rows::state(&mut reader, call.clinic(), document.id).await?;
    Ok(DocumentError::WrongState(state.unwrap_or(document.state)))
}
