//! A document's bytes through the server: recorded first, then streamed, whole or a range.

use crate::access::Call;
use crate::app::App;
use crate::documents::confirm_upload::object_key;
use crate::documents::read::locate;
use crate::documents::{Document, DocumentError, Reference, State};
use crate::ids::DocumentId;
use crate::store::{ByteRange, ByteStream};

/// Bytes on their way.
pub struct Streamed {
    /// What they are of.
    pub document: Document,
    /// The range they are, `start..end`; none: the whole.
    pub range: Option<std::ops::Range<u64>>,
    /// The bytes.
    pub stream: ByteStream,
}

/// Opens the pinned version of an available document. `pick` turns the document's size into the
/// range that was asked for, or into nothing for the whole.
pub async fn stream_download(
    app: &App,
    call: &Call,
    id: DocumentId,
    pick: impl FnOnce(&Document) -> Result<Option<std::ops::Range<u64>>, DocumentError>,
) -> Result<Streamed, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    if document.state != State::Available {
        return Err(DocumentError::WrongState(document.state));
    }
    let range = pick(document)?;
    let wanted = range.as_ref().map(|r| ByteRange::Inclusive(r.start, r.end.saturating_sub(1)));
    let key = object_key(document)?;
    let body = app.store.get(&key, document.version_id.as_deref(), wanted).await?;
    let bytes = range.as_ref().map_or(document.byte_size, |r| r.end - r.start);
    let document = grant.read(found, Some(serde_json::json!({ "bytes": bytes }))).await?;
    Ok(Streamed { document, range, stream: body.stream })
}
