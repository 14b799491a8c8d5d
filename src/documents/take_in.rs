//! A file that comes to the server with what is to be said of it, in one request: row, bytes and
//! confirmation in one call.
//!
//! What the file is about may come behind it: the guides' clients append the file first. So that
//! nothing is taken from somebody who may upload nothing, the policy is asked before the first
//! byte, for the most favourable meaning that is still possible; and it is asked again for what
//! the upload turned out to be, before anything is made of it.
//!
//! Invariants:
//! - Until the meaning is known the row says nothing: no name, no patient, the most guarded
//!   category, state `pending`. It is served to nobody, and lists show it only to its uploader.
//! - Whatever goes wrong, the row ends with a reason, nothing stays in the store, and the one event
//!   of the call says so. Where the server itself is killed, upkeep does that.

use crate::access::{Call, Grant, Refusal};
use crate::app::App;
use crate::documents::begin_upload::{Limit, check, check_replaced, find_replaced, row, target};
use crate::documents::placing::{self, Place, discard, object_key};
use crate::documents::quota::{add_pending_untold, end_upload};
use crate::documents::receive_upload::{Taken, keep, store_body};
use crate::documents::rows;
use crate::documents::{BeginUpload, Category, Confirmed, Document, DocumentError, State};
use crate::http::Code;
use crate::ids::{DocumentId, PatientId};
use crate::sensitive::Phi;
use crate::store::{ByteStream, NewObject, Size, StoreError};

/// How long an upload through the server may take altogether.
const DEADLINE: std::time::Duration = std::time::Duration::from_hours(24);

/// Why an upload is pending whose meaning is still to come: nobody can confirm it meanwhile.
pub(super) const RECEIVING: &str = "receiving";

/// What is said of a file beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meaning {
    /// The patient.
    pub patient: Option<PatientId>,
    /// The category.
    pub category: Option<Category>,
    /// What else it belongs to.
    pub entity: Option<(String, String)>,
    /// SHA-256 of the bytes.
    pub sha256: Option<[u8; 32]>,
    /// The document it replaces.
    pub supersedes: Option<DocumentId>,
    /// Whether it may be cleaned up on its own.
    pub temporary: bool,
}

/// A file whose bytes are about to come.
#[derive(Debug)]
pub struct Arriving {
    /// Its name.
    pub file_name: Phi<String>,
    /// Its media type.
    pub content_type: String,
    /// The most bytes it can have: what is left of the request.
    pub most: u64,
    /// What has been said of it so far.
    pub known: Meaning,
    /// Whether whose it is has been said, so that nothing that comes behind can change it.
    pub owner_known: bool,
}

impl Arriving {
    fn is_settled(&self) -> bool {
        self.owner_known && self.known.category.is_some()
    }

    fn begin(&self, meaning: Meaning, size: Size) -> BeginUpload {
        BeginUpload {
            patient: meaning.patient,
            file_name: self.file_name.clone(),
            content_type: self.content_type.clone(),
            size,
            category: meaning.category,
            entity: meaning.entity,
            sha256: meaning.sha256,
            supersedes: meaning.supersedes,
            temporary: meaning.temporary,
        }
    }

    /// What it may still turn out to be, as far as the policy is concerned.
    fn possible(&self, call: &Call) -> Vec<Meaning> {
        let categories = match self.known.category {
            Some(category) => vec![category],
            None => std::iter::once(Category::Other).chain(Category::ALL).collect(),
        };
        let mut patients = vec![self.known.patient.clone()];
        if !self.owner_known {
            patients.extend(call.caller.patients.iter().cloned().map(Some));
        }
        let each = patients.into_iter().flat_map(|patient| {
            let of = move |category: &Category| Meaning {
                patient: patient.clone(),
                category: Some(*category),
                ..self.known.clone()
            };
            categories.iter().map(of).collect::<Vec<_>>()
        });
        each.collect()
    }
}

/// Takes a file in and makes the document. `rest` reads what is said behind the file and gives all
/// that was said; it is asked once, when the body has been read to its end.
pub async fn take_in(
    app: &App,
    call: &Call,
    file: Arriving,
    body: ByteStream,
    rest: impl Future<Output = Result<Meaning, DocumentError>>,
) -> Result<Confirmed, DocumentError> {
    app.store.abilities()?;
    let (grant, document) = begin(app, call, &file).await?;
    add_pending_untold(app, &grant, &document).await?;
    let mut turned_out = document.patient_id.clone();
    let received = receive(app, call, &grant, &document, &file, body, rest, &mut turned_out);
    let received = received.await;
    if let Err(e) = &received {
        end(app, call, &grant, &document, turned_out, e).await;
    }
    received
}

/// Checks what is known and asks the policy: the grant, and the row to be.
async fn begin<'c>(
    app: &App,
    call: &'c Call,
    file: &Arriving,
) -> Result<(Grant<'c>, Document), DocumentError> {
    let settled = file.is_settled();
    let limit = if settled { Limit::OneRequest } else { Limit::AnyCategory };
    let asked = file.begin(file.known.clone(), Size::AtMost(file.most));
    let (file_type, size) = check(app, &asked, limit)?;
    let id = DocumentId::from_uuid(app.ids.next());
    let mut likely = asked;
    let mut possible = file.possible(call).into_iter();
    let allowed = possible.find(|meaning| {
        let of = file.begin(meaning.clone(), size);
        call.could(call.action(), &target(call, id, &of), true)
    });
    if let Some(meaning) = allowed {
        likely = file.begin(meaning, size);
    }
    let grant = call.authorize(target(call, id, &likely)).await?;
    let replaced = if settled { find_replaced(app, call, &likely).await? } else { None };
    if settled {
        check_replaced(&likely, replaced.as_ref())?;
    }
    let place = if file.owner_known { Place::Final } else { Place::Incoming };
    let shown = if settled { likely } else { guarded(&likely, file) };
    let mut document =
        row(app, call, id, BeginUpload { size, ..shown }, file_type, replaced.as_ref());
    let key = place.key(app, &document, id.as_uuid())?;
    key.as_str().clone_into(&mut document.object_key);
    document.upload_expires_at = document.created_at + DEADLINE;
    document.state_reason = (!settled).then(|| RECEIVING.to_owned());
    Ok((grant, document))
}

/// What a row says while nobody knows what it is about.
fn guarded(likely: &BeginUpload, file: &Arriving) -> BeginUpload {
    BeginUpload {
        patient: file.known.patient.clone().filter(|_| file.owner_known),
        file_name: Phi::new("upload".to_owned()),
        content_type: likely.content_type.clone(),
        size: likely.size,
        category: Some(Category::MedicalRecords),
        entity: None,
        sha256: None,
        supersedes: None,
        temporary: false,
    }
}

#[expect(clippy::too_many_arguments, reason = "one call from one place")]
async fn receive(
    app: &App,
    call: &Call,
    grant: &Grant<'_>,
    document: &Document,
    file: &Arriving,
    body: ByteStream,
    rest: impl Future<Output = Result<Meaning, DocumentError>>,
    turned_out: &mut Option<PatientId>,
) -> Result<Confirmed, DocumentError> {
    let mut taken = store_body(app, document, object_key(document)?, body).await?;
    let meaning = rest.await?;
    if taken.placed.object.size == 0 {
        return Err(DocumentError::EmptyFile);
    }
    if file.is_settled() && meaning == file.known {
        return keep(app, call, grant.clone(), document, taken).await;
    }
    turned_out.clone_from(&meaning.patient);
    let asked = file.begin(meaning, Size::Exactly(taken.placed.object.size));
    let replaced = find_replaced(app, call, &asked).await?;
    let asked = asked.inherit(replaced.as_ref());
    let (file_type, _) = check(app, &asked, Limit::OneRequest)?;
    let grant = call.authorize(target(call, document.id, &asked)).await?;
    check_replaced(&asked, replaced.as_ref())?;
    let said = row(app, call, document.id, asked, file_type, replaced.as_ref());
    let document = Document {
        patient_id: said.patient_id,
        category: said.category,
        release: said.release,
        release_set_at: said.release_set_at.map(|_| document.created_at),
        file_name: said.file_name,
        sha256_hex: said.sha256_hex,
        entity_type: said.entity_type,
        entity_id: said.entity_id,
        temporary: said.temporary,
        supersedes: said.supersedes,
        state_reason: None,
        ..document.clone()
    };
    let mut tx = app.db.begin().await?;
    if !rows::set_meaning(&mut tx, &document).await? {
        return Err(DocumentError::UploadEnded(State::Abandoned));
    }
    tx.commit().await?;
    taken = settle(app, &document, taken).await?;
    keep(app, call, grant, &document, taken).await
}

/// Moves the bytes to where documents of this meaning lie, if they are not there.
async fn settle(app: &App, document: &Document, mut taken: Taken) -> Result<Taken, DocumentError> {
    let key = Place::Final.key(app, document, document.id.as_uuid())?;
    if key == taken.placed.key {
        return Ok(taken);
    }
    let mut tx = app.db.begin().await?;
    placing::rows::add_placing(&mut tx, document, key.as_str(), app.clock.now()).await?;
    tx.commit().await?;
    let to = NewObject::new(key.clone(), document.content_type.clone());
    let from = &taken.placed;
    taken.placed.object = app.store.copy(&from.key, &from.object.etag, &to).await?;
    taken.placed.key = key;
    Ok(taken)
}

/// Ends the row of an upload that came to nothing, unless that was told where it happened.
async fn end(
    app: &App,
    call: &Call,
    grant: &Grant<'_>,
    document: &Document,
    patient: Option<PatientId>,
    e: &DocumentError,
) {
    if call.is_recorded() {
        return;
    }
    let (state, reason, code) = told(e);
    let ended = async {
        let mut tx = grant.begin().await?;
        tx.about_patient(patient);
        let ended = end_upload(app, &mut tx, document, (state, reason)).await?;
        match e {
            DocumentError::Refused(_) => tx.commit_denied(code).await?,
            _ => tx.commit_failed(code, None).await?,
        }
        Ok::<_, crate::db::DbError>(ended)
    };
    match ended.await {
        // Only what was pending until now is nobody's.
        Ok(true) => {
            if let Ok(key) = object_key(document) {
                discard(app, &key).await;
            }
        }
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "an upload that failed could not be ended yet"),
    }
}

/// What is told of an upload that failed.
fn told(e: &DocumentError) -> (State, &'static str, Code) {
    use DocumentError as E;
    match e {
        E::Refused(Refusal::Hidden) | E::NotFound => {
            (State::Refused, "not_allowed", Code::NotFound)
        }
        E::Refused(Refusal::Forbidden) => (State::Refused, "not_allowed", Code::Forbidden),
        E::TooLarge { .. } => (State::Refused, "file_too_large", Code::FileTooLarge),
        E::EmptyFile => (State::Refused, "empty_file", Code::EmptyFile),
        E::Fields(_) => (State::Refused, "invalid_fields", Code::InvalidFields),
        E::Superseded => (State::Refused, "superseded", Code::Superseded),
        E::BadForm(_) => (State::Refused, "bad_form", Code::BadRequest),
        E::BodyBroke { .. } => (State::Abandoned, "body_broke", Code::BadRequest),
        E::UploadEnded(_) => (State::Abandoned, "upload_ended", Code::UploadEnded),
        E::AlreadyUploaded | E::WrongState(_) => {
            (State::Abandoned, "wrong_state", Code::WrongState)
        }
        E::BodyStalled(_) => (State::Abandoned, "body_too_slow", Code::BodyTooSlow),
        E::Store(StoreError::Full) => (State::Abandoned, "storage_full", Code::StorageFull),
        E::Store(_) => (State::Abandoned, "store_unavailable", Code::StoreUnavailable),
        E::Db(_) | E::Refused(Refusal::Db(_)) => {
            (State::Abandoned, "unavailable", Code::Unavailable)
        }
        _ => (State::Abandoned, "failed", Code::Internal),
    }
}
