//! Repairs of a document's record: its category, its name, and the patient it was filed under.
//!
//! The bytes and their key stay: a key names a document, not a patient.

use std::collections::BTreeMap;

use serde_json::json;

use super::{check_reason, rows};
use crate::access::{Action, Call, Refusal, Target};
use crate::app::App;
use crate::documents::begin_upload::id_problem;
use crate::documents::content::{limit_of_parts, name_problem};
use crate::documents::read::locate;
use crate::documents::rows::{self as documents, Reference};
use crate::documents::successors::as_seen;
use crate::documents::{Category, Document, DocumentError, Release, State};
use crate::ids::{DocumentId, PatientId};
use crate::sensitive::Phi;
use crate::time::Timestamp;

/// What is to be otherwise.
#[derive(Debug, Default)]
pub struct Edit {
    /// Another category.
    pub category: Option<Category>,
    /// Another name.
    pub file_name: Option<Phi<String>>,
    /// Another patient.
    pub patient: Option<PatientId>,
    /// Why; needed for another patient.
    pub reason: Option<Phi<String>>,
    /// When the document last changed, as far as the caller knows.
    pub known: Option<Timestamp>,
}

/// Edits an available document.
pub async fn edit(
    app: &App,
    call: &Call,
    id: DocumentId,
    edit: &Edit,
) -> Result<Document, DocumentError> {
    edit.reason.as_ref().map_or(Ok(()), check_reason)?;
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    check(app, document, edit)?;
    let (now, known, released) = (app.clock.now(), document.updated_at, document.release);
    if edit.known.is_some_and(|seen| seen != known) {
        return Err(DocumentError::ChangedMeanwhile);
    }
    let edited = edited(app, document, edit, now);
    let changed = changed(document, &edited);
    if changed.is_empty() {
        let read = grant.read(found, Some(json!({ "repeated": true }))).await?;
        return as_seen(app, call, read).await;
    }
    let moved = changed.contains(&"patient");
    if changed.iter().any(|what| *what != "filename") {
        check_new_place(call, &edited).await?;
    }
    let of = (call.clinic(), id);
    let mut tx = grant.begin().await?;
    if moved {
        rows::detach_successors(&mut tx, of).await?;
        if rows::has_successor(&mut tx, of).await? {
            return Err(DocumentError::Superseded);
        }
        grant.also(&mut tx, &edited.target());
    }
    let written = rows::update(&mut tx, &edited, known).await?;
    let found = documents::find(&mut tx, call.clinic(), &Reference::Id(id)).await?;
    let found = found.ok_or(DocumentError::NotFound)?;
    if written {
        let reason = edit.reason.as_ref().map(Phi::reveal);
        let category = changed.contains(&"category").then_some(edited.category);
        let release = (edited.release != released).then_some(edited.release.as_str());
        let detail = json!({
            "changed": changed, "category": category, "reason": reason, "release": release,
        });
        return as_seen(app, call, tx.read(found, Some(detail)).await?).await;
    }
    let document = grant.look(&found);
    Err(match document.state {
        _ if document.hold_reason.is_some() => DocumentError::OnHold,
        State::Available => DocumentError::ChangedMeanwhile,
        state => DocumentError::WrongState(state),
    })
}

/// The rules of an upload, for what is to be otherwise; every field that is wrong is named.
fn check(app: &App, document: &Document, edit: &Edit) -> Result<(), DocumentError> {
    let mut errors = BTreeMap::new();
    let mut wrong = |field: &str, right: String| {
        errors.entry(field.to_owned()).or_insert(right);
    };
    if edit.category.is_none() && edit.file_name.is_none() && edit.patient.is_none() {
        wrong("category", "give category, filename or patientId".to_owned());
    }
    if let Some(name) = &edit.file_name {
        if let Some(problem) = name_problem(name.reveal()) {
            wrong("filename", problem.to_owned());
        }
        if let Some(kind) = document.file_type().filter(|kind| !kind.fits_name(name.reveal())) {
            let extensions = kind.extensions.join(" or .");
            wrong("filename", format!("must end in .{extensions} for {}", kind.mime));
        }
    }
    if let Some(category) = edit.category.filter(|category| *category != document.category) {
        let config = &app.config.uploads;
        let limit = match document.file_type().filter(|_| document.part_size.is_none()) {
            Some(kind) => kind.limit(config, category),
            None => limit_of_parts(config, category),
        };
        if document.byte_size > limit {
            wrong("category", format!("takes files of at most {limit} bytes"));
        }
    }
    if let Some(problem) = edit.patient.as_ref().and_then(|p| id_problem(p.as_str())) {
        wrong("patientId", problem.to_owned());
    }
    let moves = edit.patient.is_some() && edit.patient != document.patient_id;
    if moves && edit.reason.is_none() {
        wrong("reason", "is required to move a document to another patient".to_owned());
    }
    if errors.is_empty() { Ok(()) } else { Err(DocumentError::Fields(errors)) }
}

/// The document as it is to be. With another patient it is as if it had been uploaded for them:
/// nobody has decided yet whether they may see it, and it is no version of what it replaced. In a
/// category that waits for release it waits, too.
fn edited(app: &App, document: &Document, edit: &Edit, now: Timestamp) -> Document {
    let mut after = document.clone();
    after.updated_at = now;
    after.category = edit.category.unwrap_or(document.category);
    if let Some(name) = &edit.file_name {
        after.file_name = name.clone();
    }
    if edit.patient.is_some() && edit.patient != document.patient_id {
        after.patient_id.clone_from(&edit.patient);
        after.release = Release::of_category(&app.config.uploads, after.category);
        after.release_set_at = None;
        after.supersedes = None;
    } else if begins_to_wait(app, document, after.category) {
        (after.release, after.release_set_at) = (Release::Held, Some(now));
    }
    after
}

/// Whether a document that its patient may see comes into a category that waits for release. What
/// the patient handed in they know.
fn begins_to_wait(app: &App, document: &Document, category: Category) -> bool {
    let config = &app.config.uploads;
    let waits = |category| Release::of_category(config, category) == Release::Held;
    let is_own = document.release_set_at == Some(document.created_at);
    document.release.shows() && !is_own && waits(category) && !waits(document.category)
}

fn changed(before: &Document, after: &Document) -> Vec<&'static str> {
    let renamed = before.file_name.reveal() != after.file_name.reveal();
    [
        ("patient", before.patient_id != after.patient_id),
        ("category", before.category != after.category),
        ("filename", renamed),
    ]
    .into_iter()
    .filter_map(|(what, other)| other.then_some(what))
    .collect()
}

/// What somebody could not upload there they cannot bring there by an edit.
async fn check_new_place(call: &Call, edited: &Document) -> Result<(), DocumentError> {
    let upload = Target {
        state: Some(State::Pending.as_str()),
        owner: Some(call.caller.effective_user().clone()),
        ..edited.target()
    };
    if call.may(Action::BeginUpload, &upload).await? {
        return Ok(());
    }
    Err(Refusal::Forbidden.into())
}
