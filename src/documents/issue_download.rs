//! A link to a document's bytes: granted, recorded, then signed for one version.

use std::time::Duration;

use crate::access::Call;
use crate::app::App;
use crate::documents::placing::object_key;
use crate::documents::read::locate;
use crate::documents::retrieve::refuse_archived;
use crate::documents::{Document, DocumentError, Reference, State};
use crate::http::disposition::{Disposition, header_value};
use crate::store::{AnswerHeaders, PresignedRequest};

/// A link, and what it leads to.
#[derive(Debug)]
pub struct IssuedDownload {
    /// The document.
    pub document: Document,
    /// The request that fetches it.
    pub request: PresignedRequest,
}

/// Issues a link that lives as long as `expires` to the pinned version of an available document.
pub async fn issue_download(
    app: &App,
    call: &Call,
    reference: &Reference,
    asked: Disposition,
    expires: Duration,
) -> Result<IssuedDownload, DocumentError> {
    let found = locate(app, call, reference).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    if document.state != State::Available {
        return Err(DocumentError::WrongState(document.state));
    }
    refuse_archived(app, document).await?;
    let answer = AnswerHeaders {
        content_type: Some(document.content_type.clone()),
        content_disposition: Some(header_value(shown(document, asked), &opaque_name(document))),
    };
    let key = object_key(document)?;
    let version = document.version_id.as_deref();
    let request = app.store.presign_get(&key, version, &answer, expires, app.clock.now())?;
    let detail = serde_json::json!({ "expiresAt": request.expires_at });
    let document = grant.read(found, Some(detail)).await?;
    Ok(IssuedDownload { document, request })
}

/// What a browser may do with the file: types with active content are never shown in the page.
pub(super) fn shown(document: &Document, asked: Disposition) -> Disposition {
    let harmless = document.file_type().is_some_and(|t| t.inline);
    if harmless { asked } else { Disposition::Attachment }
}

/// The file name a signed URL may carry. URLs end up in histories and logs, so the name the
/// uploader gave (which may name the patient) stays in the JSON beside the URL.
fn opaque_name(document: &Document) -> String {
    format!("{}.{}", document.id, document.extension())
}
