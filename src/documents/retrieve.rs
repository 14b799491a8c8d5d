//! Documents in an archive class (S3 Glacier Flexible Retrieval, Deep Archive): they are there,
//! and take minutes to hours to become readable. Somebody has to ask for that.

use crate::access::Call;
use crate::app::App;
use crate::documents::placing::object_key;
use crate::documents::read::locate;
use crate::documents::{Document, DocumentError, Reference, State};
use crate::ids::DocumentId;
use crate::store::{Archive, ObjectInfo};

/// Days a retrieved copy stays readable when nobody says otherwise.
const DAYS: u32 = 7;

/// How a document stands with the archive.
#[derive(Debug)]
pub struct Retrieval {
    /// The storage class, as the store names it.
    pub storage_class: Option<String>,
    /// Where the bytes are; none: they were never in an archive.
    pub archive: Option<Archive>,
}

impl From<ObjectInfo> for Retrieval {
    fn from(object: ObjectInfo) -> Self {
        Self { storage_class: object.storage_class, archive: object.archive }
    }
}

/// Whether a document can be read, and if not, what has become of a retrieval.
pub async fn read_retrieval(
    app: &App,
    call: &Call,
    id: DocumentId,
) -> Result<Retrieval, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let object = head(app, grant.look(&found)).await?;
    grant.read(found, None).await?;
    Ok(object.into())
}

/// Asks for a readable copy; to ask again is no error.
pub async fn request_retrieval(
    app: &App,
    call: &Call,
    id: DocumentId,
    days: Option<u32>,
) -> Result<Retrieval, DocumentError> {
    let days = days.unwrap_or(DAYS);
    if !(1..=365).contains(&days) {
        return Err(DocumentError::field("days", "must be from 1 to 365"));
    }
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    let object = head(app, document).await?;
    if object.archive != Some(Archive::Archived) {
        grant.read(found, None).await?;
        return Ok(object.into());
    }
    let (key, version) = (object_key(document)?, document.version_id.clone());
    // It costs money and shows bytes: first it is written down.
    grant.read(found, Some(serde_json::json!({ "days": days }))).await?;
    app.store.retrieve(&key, version.as_deref(), days).await?;
    Ok(Retrieval { storage_class: object.storage_class, archive: Some(Archive::Retrieving) })
}

async fn head(app: &App, document: &Document) -> Result<ObjectInfo, DocumentError> {
    if document.state != State::Available {
        return Err(DocumentError::WrongState(document.state));
    }
    Ok(app.store.head(&object_key(document)?, document.version_id.as_deref()).await?)
}

/// Refuses a link to bytes that cannot be read now: a browser would only see the store's own
/// error. The store is asked only where objects may be archived at all.
pub(super) async fn refuse_archived(app: &App, document: &Document) -> Result<(), DocumentError> {
    if !app.store.abilities()?.archives {
        return Ok(());
    }
    match head(app, document).await?.archive {
        Some(archive @ (Archive::Archived | Archive::Retrieving)) => {
            Err(DocumentError::Archived(archive))
        }
        _ => Ok(()),
    }
}
