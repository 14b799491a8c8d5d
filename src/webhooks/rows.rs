//! All SQL of webhooks and their messages. What is written in the commit of a change stands in
//! `outbox/rows.rs`.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::{Connection, DbError, execute, fetch_all, fetch_optional};
use crate::ids::{ClinicId, DeliveryId, DocumentId, WebhookId};
use crate::time::Timestamp;

/// A webhook.
#[derive(Clone, Debug, FromRow)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// The clinic whose documents it is told of.
    pub clinic_id: ClinicId,
    /// Where messages go. It may hold something secret: never logged.
    pub url: String,
    /// Names of events with a space on either side, or ` * `.
    pub events: String,
    /// What it is for.
    pub description: Option<String>,
    /// What its secret is derived with.
    pub secret_salt: Uuid,
    /// The same of the secret before.
    pub old_salt: Option<Uuid>,
    /// Until when that one signs too.
    pub old_salt_until: Option<Timestamp>,
    /// Since when it is there.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Since when it is off.
    pub disabled_at: Option<Timestamp>,
    /// Why: `by hand`, `gone`, `failing`.
    pub disabled_reason: Option<String>,
    /// Since when no message has been taken.
    pub failing_since: Option<Timestamp>,
    /// When one was last not taken.
    pub failed_at: Option<Timestamp>,
    /// Until when nothing is sent; none: it has answered since it was last away.
    pub rests_until: Option<Timestamp>,
}

impl Webhook {
    /// Whether nobody was there when it was last sent something.
    pub const fn is_away(&self) -> bool {
        self.rests_until.is_some()
    }
}

macro_rules! webhook_columns {
    () => {
        "id, clinic_id, url, events, description, secret_salt, old_salt, old_salt_until, \
         created_at, created_by, updated_at, disabled_at, disabled_reason, failing_since, \
         failed_at, rests_until"
    };
}

/// A message to a webhook.
#[derive(Clone, Debug, FromRow)]
pub struct Delivery {
    /// Its id, the same at every try.
    pub id: DeliveryId,
    /// To whom.
    pub webhook_id: WebhookId,
    /// In which clinic.
    pub clinic_id: ClinicId,
    /// What happened.
    pub event: String,
    /// To which document; none for a test.
    pub document_id: Option<DocumentId>,
    /// Whose document, where that id says nothing by itself.
    pub patient_id: Option<String>,
    /// The document's state then.
    pub document_state: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// The document that came in its place, or that it replaces.
    pub other_id: Option<DocumentId>,
    /// When it happened.
    pub created_at: Timestamp,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// How often it was sent.
    pub attempts: i64,
    /// When it is sent next, while it is pending.
    pub due_at: Timestamp,
    /// When it was last sent.
    pub attempted_at: Option<Timestamp>,
    /// The status it was answered with, or what went wrong before there was one.
    pub answer: Option<String>,
}

macro_rules! delivery_columns {
    () => {
        "id, webhook_id, clinic_id, event, document_id, patient_id, document_state, category, \
         other_id, created_at, state, attempts, due_at, attempted_at, answer"
    };
}

pub(super) use {delivery_columns, webhook_columns};

/// Adds a webhook.
pub async fn insert(mut tx: &mut impl Connection, w: &Webhook) -> Result<(), DbError> {
    execute!(
        tx,
        "insert into webhooks (clinic_id, id, url, events, description, secret_salt, created_at, \
         created_by, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        w.clinic_id,
        w.id,
        &w.url,
        &w.events,
        &w.description,
        w.secret_salt,
        w.created_at,
        &w.created_by,
        w.updated_at,
    )?;
    Ok(())
}

/// How many webhooks a clinic has.
pub async fn count(mut conn: &mut impl Connection, clinic: ClinicId) -> Result<i64, DbError> {
    let sql = "select count(*) from webhooks where clinic_id = $1";
    let row = fetch_optional!(conn, (i64,), sql, clinic)?;
    Ok(row.map_or(0, |(count,)| count))
}

/// A clinic's webhooks, oldest first.
pub async fn of_clinic(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
) -> Result<Vec<Webhook>, DbError> {
    fetch_all!(
        conn,
        Webhook,
        concat!(
            "select ",
            webhook_columns!(),
            " from webhooks where clinic_id = $1 order by created_at, id"
        ),
        clinic
    )
}

/// One webhook of a clinic.
pub async fn find(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    id: WebhookId,
) -> Result<Option<Webhook>, DbError> {
    fetch_optional!(
        conn,
        Webhook,
        concat!("select ", webhook_columns!(), " from webhooks where clinic_id = $1 and id = $2"),
        clinic,
        id
    )
}

/// One webhook of a clinic, which nobody else changes until this transaction ends. A statement that
/// changes nothing takes the row on either engine.
pub async fn find_to_change(
    mut tx: &mut impl Connection,
    clinic: ClinicId,
    id: WebhookId,
) -> Result<Option<Webhook>, DbError> {
    fetch_optional!(
        tx,
        Webhook,
        concat!(
            "update webhooks set updated_at = updated_at where clinic_id = $1 and id = $2 \
             returning ",
            webhook_columns!()
        ),
        clinic,
        id
    )
}

/// Writes what can be changed of a webhook. False when it is not there any more.
pub async fn update(mut tx: &mut impl Connection, w: &Webhook) -> Result<bool, DbError> {
    let changed = execute!(
        tx,
        "update webhooks set url = $3, events = $4, description = $5, secret_salt = $6, \
         old_salt = $7, old_salt_until = $8, updated_at = $9, disabled_at = $10, \
         disabled_reason = $11, failing_since = $12, failed_at = $13, rests_until = $14 \
         where clinic_id = $1 and id = $2",
        w.clinic_id,
        w.id,
        &w.url,
        &w.events,
        &w.description,
        w.secret_salt,
        w.old_salt,
        w.old_salt_until,
        w.updated_at,
        w.disabled_at,
        &w.disabled_reason,
        w.failing_since,
        w.failed_at,
        w.rests_until,
    )?;
    Ok(changed == 1)
}

/// Removes a webhook and its messages. False when it is not there any more. A message that is added
/// meanwhile stays behind, is sent to nobody, and is forgotten with its age.
pub async fn delete(
    mut tx: &mut impl Connection,
    clinic: ClinicId,
    id: WebhookId,
) -> Result<bool, DbError> {
    execute!(
        tx,
        "delete from webhook_deliveries where clinic_id = $1 and webhook_id = $2",
        clinic,
        id
    )?;
    let gone = execute!(tx, "delete from webhooks where clinic_id = $1 and id = $2", clinic, id)?;
    Ok(gone == 1)
}

/// Adds the message of a test, due at once.
pub async fn insert_test(
    mut tx: &mut impl Connection,
    webhook: &Webhook,
    id: DeliveryId,
    event: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    execute!(
        tx,
        "insert into webhook_deliveries (clinic_id, id, webhook_id, event, changed_at, \
         created_at, state, attempts, due_at) values ($1, $2, $3, $4, $5, $5, 'pending', 0, $5)",
        webhook.clinic_id,
        id,
        webhook.id,
        event,
        now,
    )?;
    Ok(())
}

/// A webhook's newest messages.
pub async fn latest(
    mut conn: &mut impl Connection,
    clinic: ClinicId,
    webhook: WebhookId,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    fetch_all!(
        conn,
        Delivery,
        concat!(
            "select ",
            delivery_columns!(),
            " from webhook_deliveries where clinic_id = $1 and webhook_id = $2 \
             order by created_at desc, id desc limit $3"
        ),
        clinic,
        webhook,
        limit
    )
}

/// Makes a message due again, from its first try on. False when there is no such message.
pub async fn make_due(
    mut tx: &mut impl Connection,
    clinic: ClinicId,
    webhook: WebhookId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        tx,
        "update webhook_deliveries set state = 'pending', attempts = 0, due_at = $4 \
         where clinic_id = $1 and webhook_id = $2 and id = $3",
        clinic,
        webhook,
        id,
        now,
    )?;
    Ok(changed == 1)
}

/// Webhooks of all clinics that do not work: how many there are, are off by themselves, and are
/// failing since before a time.
pub async fn health(
    mut conn: &mut impl Connection,
    failing_before: Timestamp,
) -> Result<(i64, i64, i64), DbError> {
    let row = fetch_optional!(
        conn,
        (i64, i64, i64),
        "select count(*), \
         count(case when disabled_reason in ('gone', 'failing') then 1 end), \
         count(case when disabled_at is null and failing_since < $1 then 1 end) from webhooks",
        failing_before,
    )?;
    Ok(row.unwrap_or_default())
}
