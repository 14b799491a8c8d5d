//! Where a document's bytes lie, and moving them out of reach.
//!
//! Invariant: what is confirmed cannot be written by a URL that was signed before. Where the store
//! itself cannot hold to that, uploads land under `incoming/`, and confirming copies them inside
//! the store to a key that nobody was ever told; each attempt has a key of its own, so that a
//! second attempt cannot write over what a first one has pinned.

use uuid::Uuid;

use crate::app::App;
use crate::documents::content::FileType;
use crate::documents::key_layout::{KeyParts, object_key as layout};
use crate::documents::{Document, DocumentError};
use crate::ids::PatientId;
use crate::store::{NewObject, ObjectInfo, ObjectKey, StoreError, UploadMethod};

/// The folder of uploads that will be moved.
const INCOMING: &str = "incoming";

/// Which kind of key an upload gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Where it will stay.
    Final,
    /// Where it waits to be moved.
    Incoming,
}

impl Place {
    /// Where an upload by a signed URL goes.
    pub const fn for_upload(can_be_replaced: bool) -> Self {
        if can_be_replaced { Self::Incoming } else { Self::Final }
    }

    /// A key of this kind for a document; `name` is the last part of it.
    pub fn key(
        self,
        app: &App,
        document: &Document,
        name: Uuid,
    ) -> Result<ObjectKey, DocumentError> {
        let extension = FileType::find(&document.content_type).map_or("bin", FileType::extension);
        let folder = &app.config.store.folder_prefix;
        let key = match self {
            Self::Incoming => format!("{}{name}.{extension}", incoming(app)),
            Self::Final => {
                let pseudonym = |id: &str| app.secrets.patient_ref(&PatientId::new(id));
                let entity = document.entity_type.as_deref().zip(document.entity_id.as_deref());
                let parts = KeyParts {
                    name,
                    patient: document.patient_id.as_ref().map(|p| app.secrets.patient_ref(p)),
                    entity: entity.map(|(kind, id)| (kind, pseudonym(id))),
                    temporary: document.temporary,
                    category: document.category,
                    at: document.created_at,
                    extension,
                };
                layout(app.config.uploads.key_layout, folder, &parts)
            }
        };
        ObjectKey::new(key).map_err(|e| StoreError::unavailable(e).into())
    }
}

fn incoming(app: &App) -> String {
    let folder = &app.config.store.folder_prefix;
    if folder.is_empty() { format!("{INCOMING}/") } else { format!("{folder}/{INCOMING}/") }
}

/// The stored key as the store takes it.
pub(super) fn object_key(document: &Document) -> Result<ObjectKey, DocumentError> {
    ObjectKey::new(document.object_key.clone()).map_err(|e| StoreError::unavailable(e).into())
}

/// The key to give a document's bytes so that no signed URL can write them; none: they lie safe.
pub(super) fn safe_key(app: &App, document: &Document) -> Result<Option<ObjectKey>, DocumentError> {
    // A URL for a part of an upload is worth nothing once the upload is complete.
    if document.multipart_id.is_some() {
        return Ok(None);
    }
    let waits = document.object_key.starts_with(&incoming(app));
    if waits || app.store.abilities()?.can_be_replaced(UploadMethod::Put) {
        return Place::Final.key(app, document, app.ids.next()).map(Some);
    }
    Ok(None)
}

/// Copies what lies under the signed key, as it was looked at, to a safe one.
pub(super) async fn move_out_of_reach(
    app: &App,
    document: &Document,
    seen: &ObjectInfo,
    to: ObjectKey,
) -> Result<ObjectInfo, StoreError> {
    let to = NewObject { key: to, content_type: document.content_type.clone() };
    let from = ObjectKey::new(document.object_key.clone()).map_err(StoreError::unavailable)?;
    app.store.copy(&from, &seen.etag, &to).await
}

/// Removes what nobody will ask for again. What cannot be removed now is left to upkeep, which
/// looks after every signed key once its URL has expired.
pub(super) async fn discard(app: &App, key: &ObjectKey) {
    if let Err(e) = app.store.purge(key).await {
        tracing::warn!(error = %e, "an upload's left-over could not be removed yet");
    }
}
