//! Making a ticket: for uploads from pages that can send neither a header nor a cookie.
//!
//! Who makes one must be allowed to upload what it is for; each upload with it asks the policy
//! again. Nothing of its text is kept or logged.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::access::{Call, NewTicket, Target, TargetKind, TicketScope, create_ticket};
use crate::app::App;
use crate::documents::begin_upload::wrong_ids;
use crate::documents::{Category, DocumentError, State};
use crate::ids::{PatientId, SessionId, TicketId};
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// How long a ticket lives when nobody says otherwise.
const LIFE: Duration = Duration::from_hours(1);
/// How long one may live at most: a working day's transfer on a slow line.
const LONGEST: Duration = Duration::from_hours(12);
/// How many uploads may begin with one when nobody says otherwise.
const FILES: u32 = 100;
/// How many may at most.
const MOST_FILES: u32 = 1_000;

/// What a ticket is asked for.
#[derive(Debug, Default)]
pub struct AskTicket {
    /// Uploads for this patient only.
    pub patient: Option<PatientId>,
    /// Uploads of this category only.
    pub category: Option<Category>,
    /// Uploads that belong to this only: kind and id.
    pub entity: Option<(String, String)>,
    /// How many uploads may begin with it.
    pub max_files: Option<u32>,
    /// The largest file, bytes.
    pub max_size: Option<u64>,
    /// How long it lives.
    pub expires_in: Option<Duration>,
    /// The session of the call, where it rests on one.
    pub session: Option<SessionId>,
}

/// A ticket that was made.
#[derive(Debug)]
pub struct IssuedTicket {
    /// Its text, which is told once.
    pub text: Secret<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Names what it is good for and who it stands for, without telling any of it.
    pub scope: String,
}

/// Makes a ticket that stands for the caller.
pub async fn issue_ticket(
    app: &App,
    call: &Call,
    asked: AskTicket,
) -> Result<IssuedTicket, DocumentError> {
    check(&asked)?;
    let id = TicketId::from_uuid(app.ids.next());
    let target = Target {
        id: Some(id.to_string()),
        patient: asked.patient.clone(),
        // Where it is good for any category, the policy is asked about the one that needs least;
        // each upload asks about its own.
        category: Some(asked.category.unwrap_or(Category::Other).as_str()),
        state: Some(State::Pending.as_str()),
        released: true,
        owner: Some(call.caller.effective_user().clone()),
        ..Target::new(TargetKind::Ticket, call.clinic())
    };
    let grant = call.authorize(target).await?;
    let now = app.clock.now();
    let wished = now + asked.expires_in.unwrap_or(LIFE);
    let new = NewTicket {
        id,
        scope: TicketScope {
            patient: asked.patient,
            category: asked.category.map(|category| category.as_str().to_owned()),
            entity: asked.entity,
            max_size: asked.max_size,
        },
        max_files: asked.max_files.unwrap_or(FILES),
        session: asked.session,
        expires_at: call.caller.until.map_or(wished, |until| until.min(wished)),
    };
    let (max_files, expires_at) = (new.max_files, new.expires_at);
    let scope = name_of(app, call, &new.scope);
    let mut tx = grant.begin().await?;
    let text = create_ticket(&mut tx, call, new, now).await?;
    let detail = serde_json::json!({
        "expiresAt": expires_at, "maxFiles": max_files, "category": asked.category,
    });
    tx.commit(Some(detail)).await?;
    Ok(IssuedTicket { text, expires_at, scope })
}

/// A page that is about one patient must not go on with what it began for another, and holds
/// nothing but tickets: by this name it tells them apart. Sizes and numbers are left out, since
/// they change nothing about where a document goes.
fn name_of(app: &App, call: &Call, scope: &TicketScope) -> String {
    let entity = scope.entity.as_ref();
    app.secrets.scope_name(&[
        Some(&call.clinic().to_string()),
        Some(call.caller.effective_user().as_str()),
        scope.patient.as_ref().map(PatientId::as_str),
        scope.category.as_deref(),
        entity.map(|(kind, _)| kind.as_str()),
        entity.map(|(_, id)| id.as_str()),
    ])
}

fn check(asked: &AskTicket) -> Result<(), DocumentError> {
    let mut errors = BTreeMap::new();
    wrong_ids(asked.patient.as_ref(), asked.entity.as_ref(), &mut errors);
    let mut wrong = |field: &str, right: String| errors.insert(field.to_owned(), right);
    if asked.max_files.is_some_and(|files| !(1..=MOST_FILES).contains(&files)) {
        wrong("maxFiles", format!("must be from 1 to {MOST_FILES}"));
    }
    // More than that no database keeps.
    if asked.max_size.is_some_and(|size| !(1..=i64::MAX.cast_unsigned()).contains(&size)) {
        wrong("maxSize", format!("must be from 1 to {} bytes", i64::MAX));
    }
    if asked.expires_in.is_some_and(|life| life.is_zero() || life > LONGEST) {
        wrong("expiresIn", format!("must be from 1 to {} seconds", LONGEST.as_secs()));
    }
    if errors.is_empty() { Ok(()) } else { Err(DocumentError::Fields(errors)) }
}
