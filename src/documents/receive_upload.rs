//! The bytes of an announced upload, through the server instead of straight to the store: for
//! clients that cannot reach it. Streamed once, hashed, looked at and scanned on the way; the
//! document is confirmed in the same call.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use futures::StreamExt as _;

use crate::access::{Call, Grant};
use crate::app::App;
use crate::documents::confirm_upload::{Confirmable, Placed, confirmable, pin_scanned, refuse};
use crate::documents::content::Unfit;
use crate::documents::look::{Look, Seen};
use crate::documents::placing::{object_key, safe_key};
use crate::documents::read::locate;
use crate::documents::{Announced, Confirmed, Document, DocumentError, Reference};
use crate::http::paced::Stalled;
use crate::ids::DocumentId;
use crate::scanning::Verdict;
use crate::store::{ByteStream, NewObject, ObjectKey, Size, StoreError};

/// Takes in the bytes of a pending upload and makes the document. `length`: what the sender says
/// is coming, where it says so.
pub async fn receive_upload(
    app: &App,
    call: &Call,
    id: DocumentId,
    length: Option<u64>,
    body: ByteStream,
) -> Result<Confirmed, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    if let Confirmable::Before = confirmable(call, &found, &grant, &Announced::default()).await? {
        return Err(DocumentError::AlreadyUploaded);
    }
    if document.part_size.is_some() {
        return Err(DocumentError::InParts);
    }
    let size = document.size();
    match (length, size) {
        (Some(length), Size::Exactly(size)) if length != size => {
            let right = format!("must be {size}, the size that was announced");
            return Err(DocumentError::field("Content-Length", right));
        }
        (Some(size), Size::AtMost(limit)) if size > limit => {
            return Err(DocumentError::TooLarge { size, limit, in_parts: false });
        }
        _ => {}
    }
    let key = match safe_key(app, document).await? {
        Some(key) => key,
        None => object_key(document)?,
    };
    let taken = store_body(app, document, key, body).await?;
    keep(app, call, grant, document, taken).await
}

/// Bytes that are in the store, and what was seen of them as they passed.
pub(super) struct Taken {
    pub placed: Placed,
    pub seen: Seen,
    /// What the scanner said meanwhile, if it said anything.
    pub verdict: Option<Verdict>,
}

/// Streams a body into the store, once. When it fails, nothing is there.
pub(super) async fn store_body(
    app: &App,
    document: &Document,
    key: ObjectKey,
    body: ByteStream,
) -> Result<Taken, DocumentError> {
    let sender = format!("{} {}", document.clinic_id, document.owner_user_id);
    let content_type = document.content_type.clone();
    let to = NewObject { key: key.clone(), content_type, sender: Some(sender) };
    let (size, watch) = (document.size(), Watch::default());
    let put = |body| app.store.put(&to, size, body);
    let (stored, verdict) = app.scanning.while_passing(watch.over(body), put).await;
    let object = match stored {
        Ok(object) => object,
        Err(StoreError::AlreadyExists) => return Err(DocumentError::AlreadyUploaded),
        Err(e) => return Err(watch.failure(size).unwrap_or_else(|| e.into())),
    };
    let seen = watch.finish();
    Ok(Taken { placed: Placed { key, object, sha256: seen.sha256 }, seen, verdict })
}

/// Makes the document of what was taken in, if it is what was announced.
pub(super) async fn keep(
    app: &App,
    call: &Call,
    grant: Grant<'_>,
    document: &Document,
    taken: Taken,
) -> Result<Confirmed, DocumentError> {
    let Taken { placed, seen, verdict } = taken;
    let unfit = if placed.object.size == 0 {
        Some(Unfit::Differs("size"))
    } else {
        seen.judge(app, document, (&placed.key, &placed.object), document.sha256()).await?
    };
    if let Some(unfit) = unfit {
        refuse(app, &grant, document, &placed.key, unfit).await?;
        return Err(unfit.into());
    }
    pin_scanned(app, call, grant, document, &placed, verdict).await
}

/// What passes by: shared with the stream, which the store consumes.
#[derive(Clone, Default)]
struct Watch(Arc<Mutex<Passed>>);

#[derive(Default)]
struct Passed {
    look: Look,
    count: u64,
    /// The stream came to its end, or failed.
    over: bool,
    /// It failed.
    broke: bool,
    /// It did because it stood still.
    stalled: bool,
}

impl Passed {
    fn piece(&mut self, piece: &Result<Bytes, StoreError>) {
        match piece {
            Ok(piece) => {
                self.look.piece(piece);
                self.count += piece.len() as u64;
            }
            Err(e) => {
                (self.over, self.broke) = (true, true);
                self.stalled = matches!(e, StoreError::Unavailable(e) if e.is::<Stalled>());
            }
        }
    }
}

impl Watch {
    fn over(&self, body: ByteStream) -> ByteStream {
        let seen = Arc::clone(&self.0);
        let at_end = Arc::clone(&self.0);
        let look = move |piece: &Result<Bytes, StoreError>| {
            seen.lock().unwrap_or_else(PoisonError::into_inner).piece(piece);
        };
        let end = futures::stream::poll_fn(move |_| {
            at_end.lock().unwrap_or_else(PoisonError::into_inner).over = true;
            Poll::Ready(None)
        });
        body.inspect(look).chain(end).boxed()
    }

    /// The sender's fault, if it was that: the body broke off or is not as long as announced. A
    /// store that fails leaves the rest of the body unread, which is no fault of the sender's.
    fn failure(&self, size: Size) -> Option<DocumentError> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let came = seen.count;
        match size {
            _ if seen.stalled => Some(DocumentError::BodyStalled(came)),
            Size::AtMost(limit) if came > limit => {
                Some(DocumentError::TooLarge { size: came, limit, in_parts: false })
            }
            Size::AtMost(_) if !seen.broke => None,
            Size::Exactly(exact) if came <= exact && (!seen.over || came == exact) => None,
            _ => Some(DocumentError::BodyBroke { came, size }),
        }
    }

    fn finish(self) -> Seen {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut passed.look).finish()
    }
}
