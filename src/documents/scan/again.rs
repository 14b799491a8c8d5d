//! Scanning a document again: after a false alarm, with newer signatures, or because the scanner
//! was off when it came in.

use crate::access::Call;
use crate::app::App;
use crate::documents::read::locate;
use crate::documents::rows::{self, Reference};
use crate::documents::scan::{self, WAITS};
use crate::documents::{Document, DocumentError, State};
use crate::ids::DocumentId;
use crate::store::StoreError;

/// Puts a confirmed document before the scanner. Until it has spoken, the document is not served.
pub async fn rescan(app: &App, call: &Call, id: DocumentId) -> Result<Document, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    if !app.scanning.is_on() {
        return Err(DocumentError::ScannerOff);
    }
    // What lies in another bucket the queue of this one never finds: it would wait for ever.
    if (document.storage_provider.as_str(), document.bucket.as_str())
        != (app.store.provider(), app.store.bucket())
    {
        let why = format!(
            "The document lies in another store ({} {}) than the one that is configured.",
            document.storage_provider, document.bucket
        );
        return Err(StoreError::Unusable(why.into()).into());
    }
    let now = app.clock.now();
    let mut tx = grant.begin().await?;
    if !scan::rows::mark_rescan(&mut tx, call.clinic(), id, now).await? {
        let state = rows::state(&mut tx, call.clinic(), id).await?;
        return Err(DocumentError::WrongState(state.unwrap_or(document.state)));
    }
    tx.commit(Some(serde_json::json!({ "was": document.state.as_str() }))).await?;
    app.scanning.wake();
    Ok(Document {
        state: State::Scanning,
        state_reason: Some(WAITS.to_owned()),
        scan_verdict: None,
        scanned_at: None,
        updated_at: now,
        ..document.clone()
    })
}
