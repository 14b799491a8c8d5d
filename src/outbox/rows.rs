//! The outbox's SQL, inside the transaction of the change.

use uuid::Uuid;

use super::Happening;
use crate::db::{DbError, Tx, execute, fetch_all};
use crate::ids::{ClinicId, DeliveryId, DocumentId, PatientId, WebhookId};
use crate::time::Timestamp;

/// A webhook that listens, and the document as it is now.
#[derive(Debug, sqlx::FromRow)]
pub struct Listener {
    /// The webhook.
    pub webhook_id: WebhookId,
    /// What it asked for.
    pub events: String,
    /// The document's state after the change.
    pub document_state: String,
    /// Its category.
    pub category: String,
    /// Its patient.
    pub patient_id: Option<PatientId>,
    /// The document it replaces.
    pub supersedes: Option<DocumentId>,
    /// Whether it is under legal hold.
    pub held: bool,
    /// Whether the patient may see it.
    pub released: bool,
    /// When it changed.
    pub updated_at: Timestamp,
}

impl Listener {
    /// Whether it wants to be told of this.
    pub fn asked_for(&self, happening: Happening) -> bool {
        let mut asked = self.events.split_whitespace();
        asked.any(|event| event == "*" || event == happening.as_str())
    }
}

/// The webhooks of a clinic that are on, or off by failing since a time, with the document as it
/// is in this transaction.
pub async fn listeners(
    mut tx: &mut Tx,
    clinic: ClinicId,
    document: DocumentId,
    failing_after: Timestamp,
) -> Result<Vec<Listener>, DbError> {
    fetch_all!(
        tx,
        Listener,
        "select w.id as webhook_id, w.events, d.state as document_state, d.category, \
         d.patient_id, d.supersedes, d.hold_reason is not null as held, d.released, \
         d.updated_at \
         from webhooks w join document_assets d on d.clinic_id = w.clinic_id \
         where w.clinic_id = $1 and (w.disabled_at is null or (w.disabled_reason = 'failing' \
         and w.disabled_at > $3)) and d.id = $2 order by w.id",
        clinic,
        document,
        failing_after,
    )
}

/// What is to be told.
#[derive(Debug)]
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// What happened.
    pub happening: Happening,
    /// To which document.
    pub about: DocumentId,
    /// The document that came in its place, or that it replaces.
    pub other: Option<DocumentId>,
    /// When.
    pub at: Timestamp,
}

/// Adds a message, due at once. False when this change was told before.
pub async fn insert_delivery(
    mut tx: &mut Tx,
    clinic: ClinicId,
    listener: &Listener,
    message: &NewDelivery,
) -> Result<bool, DbError> {
    // Of patients only what says nothing by itself goes out: a UUID, never a record number.
    let patient = listener.patient_id.as_ref().map(PatientId::as_str);
    let patient = patient.filter(|id| Uuid::try_parse(id).is_ok());
    // What is known here is of the newer document, and the message is about the older one.
    let (state, category) = match message.happening {
        Happening::Superseded => (None, None),
        _ => (Some(listener.document_state.as_str()), Some(listener.category.as_str())),
    };
    let added = execute!(
        tx,
        "insert into webhook_deliveries (clinic_id, id, webhook_id, event, document_id, \
         patient_id, document_state, category, other_id, changed_at, created_at, state, attempts, \
         due_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'pending', 0, $11) \
         on conflict (webhook_id, document_id, event, changed_at) do nothing",
        clinic,
        message.id,
        listener.webhook_id,
        message.happening.as_str(),
        message.about,
        patient,
        state,
        category,
        message.other,
        listener.updated_at,
        message.at,
    )?;
    Ok(added == 1)
}
