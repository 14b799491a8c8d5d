//! To the trash. The bytes stay until the trash is emptied.

use crate::access::Call;
use crate::app::App;
use crate::documents::read::locate;
use crate::documents::rows::{self, Reference};
use crate::documents::{Document, DocumentError, State};
use crate::ids::DocumentId;

/// Moves an available document to the trash.
pub async fn delete(app: &App, call: &Call, id: DocumentId) -> Result<Document, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    let now = app.clock.now();
    let by = call.caller.effective_user();
    let mut tx = grant.begin().await?;
    if !rows::mark_deleted(&mut tx, call.clinic(), id, by, now).await? {
        let state = rows::state(&mut tx, call.clinic(), id).await?;
        return Err(DocumentError::WrongState(state.unwrap_or(document.state)));
    }
    tx.commit(None).await?;
    Ok(Document {
        state: State::Deleted,
        deleted_at: Some(now),
        deleted_by: Some(by.as_str().to_owned()),
        updated_at: now,
        ..document.clone()
    })
}
