//! A drawing without what could run in it, made when it is asked for. The original stays as it is.

use aws_lc_rs::digest::{SHA256, digest};
use futures::TryStreamExt as _;

use crate::access::Call;
use crate::app::App;
use crate::documents::content::{MAX_CLEANED, clean};
use crate::documents::placing::object_key;
use crate::documents::read::locate;
use crate::documents::{Document, DocumentError, Reference, State};
use crate::ids::DocumentId;
use crate::store::{Archive, StoreError};

/// The cleaned rendition of an available SVG; nothing else has one.
pub async fn clean_rendition(
    app: &App,
    call: &Call,
    id: DocumentId,
) -> Result<(Document, Vec<u8>), DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    if document.state != State::Available {
        return Err(DocumentError::WrongState(document.state));
    }
    if document.content_type != "image/svg+xml" {
        return Err(DocumentError::NoRendition(
            "Only SVG has a harmless rendition; ask for this document without harmless=true.",
        ));
    }
    if document.byte_size > MAX_CLEANED {
        return Err(DocumentError::NoRendition(
            "Only an SVG of up to 4 MiB is made harmless; ask for this one as an attachment, \
             without harmless=true.",
        ));
    }
    let key = object_key(document)?;
    let body = match app.store.get(&key, document.version_id.as_deref(), None).await {
        Ok(body) => body,
        Err(StoreError::Archived) => return Err(DocumentError::Archived(Archive::Archived)),
        Err(e) => return Err(e.into()),
    };
    let mut drawing = Vec::new();
    let mut stream = body.stream;
    while let Some(piece) = stream.try_next().await? {
        drawing.extend_from_slice(&piece);
    }
    if document.sha256().is_some_and(|sha| digest(&SHA256, &drawing).as_ref() != sha) {
        return Err(StoreError::Damaged.into());
    }
    let cleaned = tokio::task::spawn_blocking(move || clean(&drawing)).await;
    let Ok(Some(cleaned)) = cleaned else {
        return Err(DocumentError::NoRendition(
            "The SVG is not well-formed, so that it cannot be made harmless; ask for it as an \
             attachment, without harmless=true.",
        ));
    };
    let detail = serde_json::json!({ "bytes": cleaned.len(), "rendition": "harmless" });
    let document = grant.read(found, Some(detail)).await?;
    Ok((document, cleaned))
}
