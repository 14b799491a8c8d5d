//! Which document took the place of which other one: told to those who may see that one, since even
//! that it is there says something.

use std::collections::HashSet;

use crate::access::{Action, Call, Target};
use crate::app::App;
use crate::documents::rows::{self, Reference};
use crate::documents::{Document, DocumentError};
use crate::ids::DocumentId;

/// A document, without its successor and predecessor where the caller may not read those.
pub(super) async fn as_seen(
    app: &App,
    call: &Call,
    document: Document,
) -> Result<Document, DocumentError> {
    let superseded_by = readable(app, call, document.superseded_by).await?;
    let supersedes = readable(app, call, document.supersedes).await?;
    Ok(Document { supersedes, superseded_by, ..document })
}

async fn readable(
    app: &App,
    call: &Call,
    other: Option<DocumentId>,
) -> Result<Option<DocumentId>, DocumentError> {
    let Some(id) = other else { return Ok(None) };
    let mut reader = app.db.reader().await?;
    let found = rows::find(&mut reader, call.clinic(), &Reference::Id(id)).await?;
    drop(reader);
    let Some(found) = found else { return Ok(None) };
    Ok(call.may_read(&found.facts(Document::target)).await?.then_some(id))
}

/// The same for a page. `team` holds those documents in whose patient's care team the caller is;
/// what replaces them and what they replace has the same patient.
pub(super) async fn as_listed(
    app: &App,
    call: &Call,
    documents: &mut [Document],
    team: &HashSet<DocumentId>,
) -> Result<(), DocumentError> {
    let others = |d: &Document| [d.superseded_by, d.supersedes].into_iter().flatten();
    let all: Vec<_> = documents.iter().flat_map(others).collect();
    if all.is_empty() {
        return Ok(());
    }
    let cared_for = documents.iter().filter(|d| team.contains(&d.id));
    let in_team: HashSet<_> = cared_for.flat_map(others).collect();
    let mut reader = app.db.reader().await?;
    let found = rows::find_all(&mut reader, call.clinic(), &all).await?;
    drop(reader);
    let may = |(target, id): &(Target, DocumentId)| {
        call.could(Action::ReadDocument, target, in_team.contains(id))
    };
    let facts = found.into_iter().map(|found| found.facts(|d| (d.target(), d.id)));
    let readable: HashSet<_> = facts.filter(may).map(|(_, id)| id).collect();
    for document in documents {
        document.superseded_by = document.superseded_by.filter(|id| readable.contains(id));
        document.supersedes = document.supersedes.filter(|id| readable.contains(id));
    }
    Ok(())
}
