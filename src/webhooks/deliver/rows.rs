//! The SQL of sending: what is due, who has it, how it ended.

use crate::db::{Connection, DbError, Tx, execute, fetch_all, fetch_optional};
use crate::ids::{ClinicId, WebhookId};
use crate::time::Timestamp;
use crate::webhooks::rows::{Delivery, Webhook, delivery_columns, webhook_columns};

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
