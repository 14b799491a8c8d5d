//! A document's bytes through the server: recorded first, then streamed, whole or a range.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};

use crate::access::Call;
use crate::app::App;
use crate::documents::placing::object_key;
use crate::documents::read::locate;
use crate::documents::{Document, DocumentError, Reference, State};
use crate::store::{Archive, ByteRange, ByteStream, StoreError};

/// Bytes on their way.
pub struct Streamed {
    /// What they are of.
    pub document: Document,
    /// The range they are, `start..end`; none: the whole.
    pub range: Option<std::ops::Range<u64>>,
    /// The bytes.
    pub stream: ByteStream,
}

/// What of a document is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These bytes, `start..end`.
    Range(std::ops::Range<u64>),
    /// None of its bytes: only what is known of it (HEAD), or that it is what the caller has.
    Nothing,
}

/// Opens the pinned version of an available document. `pick` says what is wanted of it.
pub async fn stream_download(
    app: &App,
    call: &Call,
    reference: &Reference,
    pick: impl FnOnce(&Document) -> Result<Wanted, DocumentError>,
) -> Result<Streamed, DocumentError> {
    let found = locate(app, call, reference).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    if document.state != State::Available {
        return Err(DocumentError::WrongState(document.state));
    }
    let range = match pick(document)? {
        Wanted::Whole => None,
        Wanted::Range(range) => Some(range),
        Wanted::Nothing => {
            let document = grant.read(found, Some(serde_json::json!({ "bytes": 0 }))).await?;
            let stream = futures::stream::empty().boxed();
            return Ok(Streamed { document, range: None, stream });
        }
    };
    let wanted = range.as_ref().map(|r| ByteRange::Inclusive(r.start, r.end.saturating_sub(1)));
    let key = object_key(document)?;
    let body = match app.store.get(&key, document.version_id.as_deref(), wanted).await {
        Ok(body) => body,
        Err(StoreError::Archived) => return Err(DocumentError::Archived(Archive::Archived)),
        Err(e) => return Err(e.into()),
    };
    let expected = document.sha256().filter(|_| range.is_none() && !app.store.seals());
    let stream = match expected {
        Some(expected) => verified(body.stream, expected),
        None => body.stream,
    };
    let bytes = range.as_ref().map_or(document.byte_size, |r| r.end - r.start);
    let document = grant.read(found, Some(serde_json::json!({ "bytes": bytes }))).await?;
    Ok(Streamed { document, range, stream })
}

/// The same bytes; an error instead of the last of them where their SHA-256 is not the pinned one.
pub(super) fn verified(stream: ByteStream, expected: [u8; 32]) -> ByteStream {
    type State = (ByteStream, Context, Option<Bytes>);
    let begin: State = (stream.fuse().boxed(), Context::new(&SHA256), None);
    let step = move |(mut stream, mut hash, mut held): State| async move {
        while let Some(piece) = stream.try_next().await? {
            hash.update(&piece);
            // One piece is held back: what is wrong must not look complete.
            if let Some(before) = held.replace(piece) {
                return Ok(Some((before, (stream, hash, held))));
            }
        }
        let Some(last) = held.take() else { return Ok(None) };
        if hash.clone().finish().as_ref() != expected {
            return Err(StoreError::Damaged);
        }
        Ok(Some((last, (stream, hash, None))))
    };
    futures::stream::try_unfold(begin, step).boxed()
}
