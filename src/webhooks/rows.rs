//! All SQL of webhooks and their messages. What is written in the commit of a change stands in
//! `outbox/rows.rs`.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::{Connection, DbError, Tx, execute, fetch_all, fetch_optional};
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
}

macro_rules! webhook_columns {
    () => {
        "id, clinic_id, url, events, description, secret_salt, old_salt, old_salt_until, \
         created_at, created_by, updated_at, disabled_at, disabled_reason, failing_since"
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

/// Writes what can be changed of a webhook. False when it is not there any more.
pub async fn update(mut tx: &mut impl Connection, w: &Webhook) -> Result<bool, DbError> {
    let changed = execute!(
        tx,
        "update webhooks set url = $3, events = $4, description = $5, secret_salt = $6, \
         old_salt = $7, old_salt_until = $8, updated_at = $9, disabled_at = $10, \
         disabled_reason = $11, failing_since = $12 where clinic_id = $1 and id = $2",
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
    )?;
    Ok(changed == 1)
}

/// Removes a webhook and its messages. False when it is not there any more.
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

/// Webhooks of any clinic that are on and have a message that is due.
pub async fn webhooks_due(
    mut conn: &mut impl Connection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Webhook>, DbError> {
    fetch_all!(
        conn,
        Webhook,
        concat!(
            "select ",
            webhook_columns!(),
            " from webhooks w where disabled_at is null and exists (\
             select 1 from webhook_deliveries d where d.webhook_id = w.id \
             and d.state = 'pending' and d.due_at <= $1) order by id limit $2"
        ),
        now,
        limit
    )
}

/// The messages to a webhook that are due, the longest waiting first.
pub async fn due(
    mut conn: &mut impl Connection,
    webhook: WebhookId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Delivery>, DbError> {
    fetch_all!(
        conn,
        Delivery,
        concat!(
            "select ",
            delivery_columns!(),
            " from webhook_deliveries where webhook_id = $1 and state = 'pending' \
             and due_at <= $2 order by due_at, created_at, id limit $3"
        ),
        webhook,
        now,
        limit
    )
}

/// Takes a message for one try: until `until` nobody else does. False when somebody has, or it
/// is gone, or its webhook is off.
pub async fn claim(
    tx: &mut Tx,
    delivery: &Delivery,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        *tx,
        "update webhook_deliveries set attempts = $3 + 1, attempted_at = $5, due_at = $6 \
         where clinic_id = $1 and id = $2 and state = 'pending' and attempts = $3 \
         and due_at = $4 and exists (select 1 from webhooks where clinic_id = $1 \
         and id = webhook_deliveries.webhook_id and disabled_at is null)",
        delivery.clinic_id,
        delivery.id,
        delivery.attempts,
        delivery.due_at,
        now,
        until,
    )?;
    Ok(changed == 1)
}

/// How a try ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// `pending`, `delivered` or `failed`.
    pub state: &'static str,
    /// When it is to be tried again.
    pub due_at: Timestamp,
    /// The answer.
    pub answer: &'a str,
}

/// Notes how a try ended that was taken until `until`. False when it was taken by another since.
pub async fn settle(
    mut tx: &mut impl Connection,
    delivery: &Delivery,
    until: Timestamp,
    ended: Ended<'_>,
) -> Result<bool, DbError> {
    let changed = execute!(
        tx,
        "update webhook_deliveries set state = $4, due_at = $5, answer = $6 \
         where clinic_id = $1 and id = $2 and state = 'pending' and due_at = $3",
        delivery.clinic_id,
        delivery.id,
        until,
        ended.state,
        ended.due_at,
        ended.answer,
    )?;
    Ok(changed == 1)
}

/// Notes that a webhook takes messages.
pub async fn mark_working(
    mut tx: &mut impl Connection,
    clinic: ClinicId,
    id: WebhookId,
) -> Result<(), DbError> {
    execute!(
        tx,
        "update webhooks set failing_since = null \
         where clinic_id = $1 and id = $2 and failing_since is not null",
        clinic,
        id,
    )?;
    Ok(())
}

/// Notes that a webhook does not take a message; since when it has not.
pub async fn mark_failing(
    mut tx: &mut impl Connection,
    clinic: ClinicId,
    id: WebhookId,
    now: Timestamp,
) -> Result<Option<Timestamp>, DbError> {
    let row = fetch_optional!(
        tx,
        (Timestamp,),
        "update webhooks set failing_since = coalesce(failing_since, $3) \
         where clinic_id = $1 and id = $2 returning failing_since",
        clinic,
        id,
        now,
    )?;
    Ok(row.map(|(since,)| since))
}

/// Switches a webhook off. False when it is off.
pub async fn switch_off(
    mut tx: &mut impl Connection,
    clinic: ClinicId,
    id: WebhookId,
    reason: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let changed = execute!(
        tx,
        "update webhooks set disabled_at = $4, disabled_reason = $3, updated_at = $4 \
         where clinic_id = $1 and id = $2 and disabled_at is null",
        clinic,
        id,
        reason,
        now,
    )?;
    Ok(changed == 1)
}

/// Removes messages, whatever became of them, that are older than a time.
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64, DbError> {
    execute!(*tx, "delete from webhook_deliveries where created_at < $1", before)
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
