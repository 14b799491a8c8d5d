//! Confirming an upload: is the object there, and is it what was announced?
//!
//! Two callers may confirm at once: both look at the object, one changes the row, the other
//! reads the row again and answers what is true.

use futures::TryStreamExt as _;

use crate::access::{Audited, Call, Grant, Unread};
use crate::app::App;
use crate::documents::announced::{Announced, difference, said_otherwise};
use crate::documents::content::Unfit;
use crate::documents::life::{becoming, one_successor};
use crate::documents::look::{Look, SMALL, Seen};
use crate::documents::placing::{self, discard, move_out_of_reach, object_key, safe_key};
use crate::documents::quota::{end_upload, settle_day};
use crate::documents::read::locate;
use crate::documents::rows::{self, Pinned, Reference};
use crate::documents::scan::{Landing, weighed};
use crate::documents::successors::as_seen;
use crate::documents::take_in::RECEIVING;
use crate::documents::{Document, DocumentError, State};
use crate::http::Code;
use crate::scanning::Verdict;
use crate::store::{ObjectInfo, ObjectKey, StoreError};
use crate::time::Timestamp;

/// A confirmed document.
#[derive(Debug)]
pub enum Confirmed {
    /// By this call.
    Now(Document),
    /// It had been before.
    Before(Document),
}

/// Makes a document of an upload whose object is there and as announced.
pub async fn confirm_upload(
    app: &App,
    call: &Call,
    reference: &Reference,
    announced: &Announced,
) -> Result<Confirmed, DocumentError> {
    let found = locate(app, call, reference).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    match confirmable(call, &found, &grant, announced).await? {
        Confirmable::Pending => finish(app, call, grant, &found, announced).await,
        Confirmable::Before => before(app, call, grant, found).await,
    }
}

/// Answers a call that says what had been said before.
pub(super) async fn before(
    app: &App,
    call: &Call,
    grant: Grant<'_>,
    found: Unread<Document>,
) -> Result<Confirmed, DocumentError> {
    let repeated = serde_json::json!({ "repeated": true });
    let read = grant.read(found, Some(repeated)).await?;
    Ok(Confirmed::Before(as_seen(app, call, read).await?))
}

/// What a confirm finds.
pub(super) enum Confirmable {
    /// An upload to be looked at.
    Pending,
    /// A document that had been confirmed before.
    Before,
}

/// Whether an upload can be confirmed, or has been.
pub(super) async fn confirmable(
    call: &Call,
    found: &Unread<Document>,
    grant: &Grant<'_>,
    announced: &Announced,
) -> Result<Confirmable, DocumentError> {
    let document = grant.look(found);
    match document.state {
        State::Pending if document.state_reason.as_deref() == Some(RECEIVING) => {
            Err(DocumentError::UploadMissing)
        }
        State::Pending => Ok(Confirmable::Pending),
        State::Scanning | State::Available | State::Quarantined => {
            check_repeated(call, document, announced).await?;
            Ok(Confirmable::Before)
        }
        State::Abandoned | State::Refused => Err(DocumentError::UploadEnded(document.state)),
        State::Deleted | State::Purged => Err(DocumentError::WrongState(document.state)),
    }
}

/// Looks at what was uploaded, moves it out of reach where that is needed, and pins it.
pub(super) async fn finish(
    app: &App,
    call: &Call,
    grant: Grant<'_>,
    found: &Unread<Document>,
    announced: &Announced,
) -> Result<Confirmed, DocumentError> {
    let document = grant.look(found);
    let key = object_key(document)?;
    let mut placed = match app.store.head(&key, None).await {
        Ok(object) => Placed { key, object, sha256: [0; 32] },
        Err(StoreError::NotFound) => return missing(call, grant, document).await,
        Err(e) => return Err(e.into()),
    };
    let mut differs = difference(document, announced, &placed.object);
    if differs.is_none()
        && let Some(safe) = safe_key(app, document).await?
    {
        let moved = move_out_of_reach(app, document, &placed.object, safe.clone()).await;
        placed = match moved {
            Ok(object) => Placed { key: safe, object, ..placed },
            // It was taken away, or sent again, since it was looked at.
            Err(StoreError::NotFound | StoreError::Precondition) => {
                return missing(call, grant, document).await;
            }
            Err(e) => return Err(e.into()),
        };
        differs = difference(document, announced, &placed.object);
    }
    let unfit = match differs {
        Some(what) => Some(Unfit::Differs(what)),
        None => examine(app, document, announced, &mut placed).await?,
    };
    if let Some(unfit) = unfit {
        refuse(app, &grant, document, &placed.key, unfit).await?;
        return Err(unfit.into());
    }
    pin(app, call, grant, document, &placed).await
}

/// An object where it will stay, with the SHA-256 of all its bytes.
pub(super) struct Placed {
    pub key: ObjectKey,
    pub object: ObjectInfo,
    pub sha256: [u8; 32],
}

/// Nothing lies under the signed key: nothing was sent, or another confirm was faster.
async fn missing(
    call: &Call,
    grant: Grant<'_>,
    document: &Document,
) -> Result<Confirmed, DocumentError> {
    let tx = grant.begin().await?;
    read_again(tx, call, &grant, document).await
}

/// A repeated confirm must still say what is true, and answers only those who may read.
async fn check_repeated(
    call: &Call,
    document: &Document,
    announced: &Announced,
) -> Result<(), DocumentError> {
    if !call.may_read(&document.target()).await? {
        return Err(DocumentError::NotFound);
    }
    match said_otherwise(document, announced) {
        Some(what) => Err(DocumentError::NotAsConfirmed(what)),
        None => Ok(()),
    }
}

/// Looks into the bytes: at as many as the rules want where the store vouches for the SHA-256 of
/// the whole, at all of them where it does not (uploads in parts; stores that check nothing).
async fn examine(
    app: &App,
    document: &Document,
    announced: &Announced,
    placed: &mut Placed,
) -> Result<Option<Unfit>, DocumentError> {
    let (key, object) = (&placed.key, &placed.object);
    let told = object.sha256.filter(|_| app.store.abilities().is_ok_and(|a| a.sha256));
    // Reading whole objects is for a few at a time; the rest waits.
    let _turn = match told {
        None => app.whole_reads.acquire().await.ok(),
        Some(_) => None,
    };
    let seen = match told {
        Some(sha256) if object.size > SMALL as u64 => Seen::nothing(sha256),
        _ => {
            let mut body = app.store.get(key, object.version_id.as_deref(), None).await?;
            let mut look = Look::default();
            while let Some(piece) = body.stream.try_next().await? {
                look.piece(&piece);
            }
            look.finish()
        }
    };
    placed.sha256 = seen.sha256;
    let said = [document.sha256(), announced.sha256];
    seen.judge(app, document, (key, object), said.into_iter().flatten()).await
}

/// Ends the upload: the row says why, then the object goes.
pub(super) async fn refuse(
    app: &App,
    grant: &Grant<'_>,
    document: &Document,
    key: &ObjectKey,
    unfit: Unfit,
) -> Result<(), DocumentError> {
    let mut tx = grant.begin().await?;
    let reason = unfit.to_string();
    let (code, detail) = match unfit {
        Unfit::Differs(what) => (Code::ContentMismatch, serde_json::json!({ "differs": what })),
        Unfit::OtherType(seen) => {
            (Code::ContentMismatch, serde_json::json!({ "differs": "type", "seen": seen }))
        }
        Unfit::Refused(reason, _) => {
            (Code::ContentRefused, serde_json::json!({ "refused": reason.as_str() }))
        }
    };
    let ended = end_upload(app, &mut tx, document, (State::Refused, &reason)).await?;
    tx.commit_failed(code, Some(detail)).await?;
    if ended || key.as_str() != document.object_key {
        discard(app, key).await;
    }
    if ended && key.as_str() != document.object_key {
        discard(app, &object_key(document)?).await;
    }
    Ok(())
}

/// Makes the document of exactly these bytes.
pub(super) async fn pin(
    app: &App,
    call: &Call,
    grant: Grant<'_>,
    document: &Document,
    placed: &Placed,
) -> Result<Confirmed, DocumentError> {
    pin_scanned(app, call, grant, document, placed, None).await
}

/// The same for bytes that were scanned on their way in: what the scanner said, if it did.
pub(super) async fn pin_scanned(
    app: &App,
    call: &Call,
    grant: Grant<'_>,
    document: &Document,
    placed: &Placed,
    verdict: Option<Verdict>,
) -> Result<Confirmed, DocumentError> {
    let now = app.clock.now();
    let (object, sha256_hex) = (&placed.object, hex::encode(placed.sha256));
    let moved = placed.key.as_str() != document.object_key;
    let verdict = verdict.map(|verdict| weighed(verdict, document));
    let landing = Landing::confirmed(&app.scanning, object.size, verdict, now);
    let pinned = Pinned {
        object_key: placed.key.as_str(),
        upload_key: moved.then_some(document.object_key.as_str()),
        object,
        sha256_hex: &sha256_hex,
        closed_at: (!moved).then_some(now),
        landing: &landing,
    };
    let mut tx = grant.begin().await?;
    let upload = Box::pin(becoming(&mut tx, document)).await?;
    let marked = rows::mark_confirmed(&mut tx, call.clinic(), document.id, &pinned, now).await;
    let marked = marked.map_err(one_successor);
    if moved && matches!(marked, Err(DocumentError::Superseded)) {
        drop(tx);
        discard(app, &placed.key).await;
        return Err(DocumentError::Superseded);
    }
    if !marked? {
        let answer = read_again(tx, call, &grant, document).await;
        if moved || matches!(answer, Err(DocumentError::UploadEnded(_))) {
            // Nothing will ever name what this attempt has placed. (Anything else leaves it: the
            // row may name it after all, also from the trash.)
            discard(app, &placed.key).await;
        }
        return answer;
    }
    settle_day(app, &mut tx, document, object.size).await?;
    if moved {
        placing::rows::remove_placing(&mut tx, &document.bucket, placed.key.as_str()).await?;
    }
    let mut detail = serde_json::json!({ "size": object.size, "sha256": sha256_hex });
    if let Some(word) = landing.word() {
        detail["scan"] = word.into();
    }
    if upload.release != document.release {
        detail["release"] = upload.release.as_str().into();
    }
    tx.commit(Some(detail)).await?;
    if landing.state == State::Scanning {
        app.scanning.wake();
    }
    if moved {
        discard(app, &object_key(document)?).await;
    }
    Ok(Confirmed::Now(as_pinned(upload, &pinned, now)))
}

/// What an upload is as a document.
fn as_pinned(upload: Document, pinned: &Pinned<'_>, now: Timestamp) -> Document {
    let (object, landing) = (pinned.object, pinned.landing);
    Document {
        state: landing.state,
        state_reason: landing.reason.clone(),
        scan_verdict: landing.verdict.clone(),
        scanned_at: landing.scanned_at,
        object_key: pinned.object_key.to_owned(),
        upload_key: pinned.upload_key.map(str::to_owned),
        version_id: object.version_id.clone(),
        etag: Some(object.etag.clone()),
        sha256_hex: Some(pinned.sha256_hex.to_owned()),
        byte_size: object.size,
        size_is_limit: false,
        confirmed_at: Some(now),
        updated_at: now,
        ..upload
    }
}

/// Somebody else changed the row first: answer what is true now. It is read in the transaction
/// that lost, since on SQLite the one that won may not be committed yet.
async fn read_again(
    mut tx: Audited,
    call: &Call,
    grant: &Grant<'_>,
    document: &Document,
) -> Result<Confirmed, DocumentError> {
    let found = rows::find(&mut tx, call.clinic(), &Reference::Id(document.id)).await?;
    let found = found.ok_or(DocumentError::NotFound)?;
    match grant.look(&found).state {
        State::Scanning | State::Available | State::Quarantined => {
            let repeated = serde_json::json!({ "repeated": true });
            Ok(Confirmed::Before(tx.read(found, Some(repeated)).await?))
        }
        State::Pending => Err(DocumentError::UploadMissing),
        state @ (State::Abandoned | State::Refused) => Err(DocumentError::UploadEnded(state)),
        state @ (State::Deleted | State::Purged) => Err(DocumentError::WrongState(state)),
    }
}
