//! Where a document's bytes lie, and moving them out of reach.
//!
//! Invariants:
//! - What is confirmed cannot be written by a URL that was signed before. A URL that could be used
//!   again leads to `incoming/`, and confirming copies the object inside the store to a key that
//!   nobody was ever told; each attempt has a key of its own, so that a second attempt cannot
//!   write over what a first one has pinned.
//! - A key is noted (`placings`) before bytes are placed under it: what an attempt that was cut
//!   off leaves is found by upkeep.

pub(super) mod rows;

use uuid::Uuid;

use crate::app::App;
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
    pub const fn for_upload(can_be_reused: bool) -> Self {
        if can_be_reused { Self::Incoming } else { Self::Final }
    }

    /// A key of this kind for a document; `name` is the last part of it.
    pub fn key(
        self,
        app: &App,
        document: &Document,
        name: Uuid,
    ) -> Result<ObjectKey, DocumentError> {
        let extension = document.extension();
        let folder = &app.config.store.folder_prefix;
        let key = match self {
            Self::Incoming if folder.is_empty() => format!("{INCOMING}/{name}.{extension}"),
            Self::Incoming => format!("{folder}/{INCOMING}/{name}.{extension}"),
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

/// The stored key as the store takes it.
pub(super) fn object_key(document: &Document) -> Result<ObjectKey, DocumentError> {
    ObjectKey::new(document.object_key.clone()).map_err(|e| StoreError::unavailable(e).into())
}

/// Whether an upload by a signed URL could be sent again after it is confirmed.
fn is_within_reach(app: &App, document: &Document) -> Result<bool, DocumentError> {
    // A URL for a part of an upload is worth nothing once the upload is complete.
    if document.part_size.is_some() {
        return Ok(false);
    }
    let folder = document.object_key.rsplit('/').nth(1);
    Ok(folder == Some(INCOMING) || app.store.abilities()?.can_be_reused(UploadMethod::Put))
}

/// A new key to give a document's bytes so that no signed URL can write them, noted; none: they
/// lie safe where they are announced to be.
pub(super) async fn safe_key(
    app: &App,
    document: &Document,
) -> Result<Option<ObjectKey>, DocumentError> {
    if !is_within_reach(app, document)? {
        return Ok(None);
    }
    let key = Place::Final.key(app, document, app.ids.next())?;
    let mut tx = app.db.begin().await?;
    rows::add_placing(&mut tx, document, key.as_str(), app.clock.now()).await?;
    tx.commit().await?;
    Ok(Some(key))
}

/// Copies what lies under the signed key, as it was looked at, to a safe one.
pub(super) async fn move_out_of_reach(
    app: &App,
    document: &Document,
    seen: &ObjectInfo,
    to: ObjectKey,
) -> Result<ObjectInfo, StoreError> {
    let to = NewObject::new(to, document.content_type.clone());
    let from = ObjectKey::new(document.object_key.clone()).map_err(StoreError::unavailable)?;
    app.store.copy(&from, &seen.etag, &to).await
}

/// Removes what nobody will ask for again. What cannot be removed now is left to upkeep, which
/// looks after every signed key and every placing.
pub(super) async fn discard(app: &App, key: &ObjectKey) {
    if let Err(e) = app.store.purge(key).await {
        tracing::warn!(error = %e, "an upload's left-over could not be removed yet");
    }
}
