//! The SQL of sending: what is due, who has it, how it ended.

use crate::db::{Connection, DbError, Tx, execute, fetch_all, fetch_optional};
use crate::ids::{ClinicId, WebhookId};
use crate::time::Timestamp;
use crate::webhooks::rows::{Delivery, Webhook, delivery_columns, webhook_columns};

/// Webhooks of any clinic that are on, not resting, and have a message that is due: those that
/// answer before those that did not, each the longest waiting first.
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
            " from webhooks w where disabled_at is null \
             and (rests_until is null or rests_until <= $1) and exists (\
             select 1 from webhook_deliveries d where d.webhook_id = w.id \
             and d.state = 'pending' and d.due_at <= $1) \
             order by case when rests_until is null then 0 else 1 end, \
             (select min(d.due_at) from webhook_deliveries d where d.webhook_id = w.id \
             and d.state = 'pending'), id limit $2"
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
        "update webhooks set failing_since = null, failed_at = null, rests_until = null \
         where clinic_id = $1 and id = $2 and failing_since is not null",
        clinic,
        id,
    )?;
    Ok(())
}

/// What is known of a webhook that did not take a message.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// When that was.
    pub at: Timestamp,
    /// A failure before this has nothing to do with it.
    pub connected_since: Timestamp,
    /// Until when nothing is sent; none: it did answer.
    pub rests_until: Option<Timestamp>,
}

/// Notes that a webhook does not take a message; since when it has not.
pub async fn mark_failing(
    mut tx: &mut impl Connection,
    clinic: ClinicId,
    id: WebhookId,
    failure: Failure,
) -> Result<Option<Timestamp>, DbError> {
    let row = fetch_optional!(
        tx,
        (Timestamp,),
        "update webhooks set failing_since = case when failing_since is null \
         or coalesce(failed_at, failing_since) < $4 then $3 else failing_since end, \
         failed_at = $3, rests_until = $5 \
         where clinic_id = $1 and id = $2 returning failing_since",
        clinic,
        id,
        failure.at,
        failure.connected_since,
        failure.rests_until,
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

/// Removes what waits for webhooks that are off by failing, but for the newest of each.
pub async fn forget_waiting(tx: &mut Tx, most: i64) -> Result<u64, DbError> {
    execute!(
        *tx,
        "delete from webhook_deliveries where id in (select id from (select d.id, \
         row_number() over (partition by d.webhook_id order by d.created_at desc, d.id desc) \
         as place from webhook_deliveries d join webhooks w on w.id = d.webhook_id \
         where w.disabled_reason = 'failing' and d.state = 'pending') waiting where place > $1)",
        most,
    )
}
