//! The versions of a document: a chain in which each one replaces the one before it.

use std::collections::HashSet;

use super::rows;
use crate::access::Call;
use crate::app::App;
use crate::documents::read::locate;
use crate::documents::rows::Reference;
use crate::documents::{Document, DocumentError, State};
use crate::ids::DocumentId;

/// A chain of versions, as far as the caller may see it.
#[derive(Debug)]
pub struct Versions {
    /// Oldest first.
    pub documents: Vec<Document>,
    /// The newest that is available.
    pub current: Option<DocumentId>,
}

/// Every version in the chain that a document belongs to.
pub async fn versions(app: &App, call: &Call, id: DocumentId) -> Result<Versions, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let mut reader = app.db.reader().await?;
    let chain = rows::chain(&mut reader, (call.clinic(), id)).await?;
    drop(reader);
    let mut documents = Vec::new();
    for document in grant.look(&chain) {
        if call.may_read(&document.target()).await? {
            documents.push(document.clone());
        }
    }
    let readable: HashSet<_> = documents.iter().map(|d| d.id).collect();
    for document in &mut documents {
        document.superseded_by = document.superseded_by.filter(|id| readable.contains(id));
        document.supersedes = document.supersedes.filter(|id| readable.contains(id));
    }
    let current = documents.iter().rfind(|d| d.state == State::Available).map(|d| d.id);
    grant.read(chain, Some(serde_json::json!({ "count": documents.len() }))).await?;
    Ok(Versions { documents, current })
}
