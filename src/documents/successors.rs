//! Which document took the place of another one: told to those who may see it, since even that it
//! is there says something.

use std::collections::HashSet;

use crate::access::{Action, Call, Target};
use crate::app::App;
use crate::documents::rows::{self, Reference};
use crate::documents::{Document, DocumentError};
use crate::ids::DocumentId;

/// A document, without its successor where the caller may not read that.
pub(super) async fn as_seen(
    app: &App,
    call: &Call,
    document: Document,
) -> Result<Document, DocumentError> {
    let Some(newer) = document.superseded_by else { return Ok(document) };
    let mut reader = app.db.reader().await?;
    let found = rows::find(&mut reader, call.clinic(), &Reference::Id(newer)).await?;
    drop(reader);
    let readable = match found {
        Some(found) => call.may_read(&found.facts(Document::target)).await?,
        None => false,
    };
    Ok(Document { superseded_by: readable.then_some(newer), ..document })
}

/// The same for a page. `team` holds those documents in whose patient's care team the caller is; a
/// successor has the same patient.
pub(super) async fn as_listed(
    app: &App,
    call: &Call,
    documents: &mut [Document],
    team: &HashSet<DocumentId>,
) -> Result<(), DocumentError> {
    let newer: Vec<_> = documents.iter().filter_map(|d| d.superseded_by).collect();
    if newer.is_empty() {
        return Ok(());
    }
    let mut reader = app.db.reader().await?;
    let found = rows::find_all(&mut reader, call.clinic(), &newer).await?;
    drop(reader);
    let may = |(target, _, older): &(Target, DocumentId, Option<DocumentId>)| {
        let in_team = older.is_some_and(|older| team.contains(&older));
        call.could(Action::ReadDocument, target, in_team)
    };
    let facts = found.into_iter().map(|found| found.facts(|d| (d.target(), d.id, d.supersedes)));
    let readable: HashSet<_> = facts.filter(may).map(|(_, id, _)| id).collect();
    for document in documents {
        document.superseded_by = document.superseded_by.filter(|id| readable.contains(id));
    }
    Ok(())
}
