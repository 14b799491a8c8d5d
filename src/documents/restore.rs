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
        let state = rows::state(&mut tx, call.clinic(), id).await?;
        return Err(DocumentError::WrongState(state.unwrap_or(document.state)));
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
