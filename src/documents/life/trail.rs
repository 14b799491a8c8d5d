//! What has happened to one document.

use crate::access::{Action, Call, Target, TargetKind};
use crate::app::App;
use crate::audit::rows::{EventRow, Search, search};
use crate::documents::read::locate;
use crate::documents::rows::Reference;
use crate::documents::{Document, DocumentError};
use crate::ids::DocumentId;

/// Events of one document, newest first, before a place in the trail; at most `limit`, and
/// whether more may follow.
pub async fn read_trail(
    app: &App,
    call: &Call,
    id: DocumentId,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<EventRow>, bool), DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let patient = grant.look(&found).patient_id.as_ref().map(|p| p.as_str().to_owned());
    // What happened while it lay with another patient is for those who read the whole trail.
    let clinic = Target::new(TargetKind::Clinic, call.clinic());
    let whole = call.could(Action::ReadTrail, &clinic, false);
    let wanted = Search {
        target: Some(id.to_string()),
        patient: patient.filter(|_| !whole),
        before_seq: before,
        ..Search::default()
    };
    let mut reader = app.db.reader().await?;
    let mut events = search(&mut reader, call.clinic(), &wanted, limit + 1).await?;
    drop(reader);
    let more = events.len() > limit as usize;
    events.truncate(limit as usize);
    let detail = serde_json::json!({ "count": events.len() });
    grant.read(found, Some(detail)).await?;
    Ok((events, more))
}
