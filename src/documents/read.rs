//! One document's row, to somebody who may see it.

use crate::access::{Call, TargetKind, Unread};
use crate::app::App;
use crate::documents::rows::{self, Reference};
use crate::documents::successors::as_seen;
use crate::documents::{Document, DocumentError};
use crate::ids::DocumentId;

/// Finds a document of the caller's clinic, before anybody has decided whether they may see it.
pub(super) async fn locate(
    app: &App,
    call: &Call,
    reference: &Reference,
) -> Result<Unread<Document>, DocumentError> {
    if let Reference::Id(id) | Reference::OfPatient(_, id) = reference {
        call.seeks(TargetKind::Document, id.to_string());
    }
    let mut reader = app.db.reader().await?;
    let found = rows::find(&mut reader, call.clinic(), reference).await?;
    found.ok_or(DocumentError::NotFound)
}

/// The id of the document that is meant, for what goes by ids.
pub async fn named(
    app: &App,
    call: &Call,
    reference: &Reference,
) -> Result<DocumentId, DocumentError> {
    Ok(locate(app, call, reference).await?.facts(|document| document.id))
}

/// Reads one document under any of its names.
pub async fn read_named(
    app: &App,
    call: &Call,
    reference: &Reference,
) -> Result<Document, DocumentError> {
    let found = locate(app, call, reference).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    as_seen(app, call, grant.read(found, None).await?).await
}

/// Reads one document.
pub async fn read(app: &App, call: &Call, id: DocumentId) -> Result<Document, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    as_seen(app, call, grant.read(found, None).await?).await
}
