//! Sending what waits: state is the queue. A message is taken by a conditional update that makes it
//! due again later, so one whose sender dies comes back by itself, and of two servers one sends it.
//!
//! Each webhook has its own place in the queue: one that is slow or away keeps nobody waiting.

mod rows;

use std::collections::HashSet;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use serde::Serialize;

use rows::Ended;

use super::rows::{Delivery, Webhook};
use super::{WebhookError, address, manage, message};
use crate::access::{Action, Steward, Target, TargetKind};
use crate::app::App;
use crate::causes;
use crate::time::Timestamp;

/// How long a receiver may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// How long a message is taken for: longer than one try can last.
const TAKEN: Duration = Duration::from_mins(1);
/// How long nobody looks when nobody is woken: another server may have written.
const INTERVAL: Duration = Duration::from_secs(5);
/// Messages to one webhook that are under way at once.
const AT_ONCE: usize = 4;
/// Messages to one webhook in one go.
const BATCH: i64 = 40;
/// Webhooks that are served at once.
const WEBHOOKS: usize = 32;
/// How long to wait after each try that failed (Standard Webhooks, "Deliverability and
/// reliability"); about three days in all.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// A webhook that has taken nothing for so long is switched off.
const GIVE_UP: Duration = Duration::from_hours(5 * 24);
/// How long messages are kept to be looked at.
const KEPT: Duration = Duration::from_hours(30 * 24);
/// How much of an answer is read; more closes the connection. Nothing of it is kept.
const ANSWER: usize = 1_024;

/// What was sent.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq, Eq)]
pub struct Sent {
    /// Messages that were taken.
    pub delivered: usize,
    /// Messages that were not, and will be tried again.
    pub again: usize,
    /// Messages that were given up.
    pub failed: usize,
}

/// Sends what is due, again and again, beside serving.
pub async fn run(app: &App) {
    let client = match address::client(app.config.webhooks.allow_private) {
        Ok(client) => client,
        Err(e) => {
            tracing::error!(error = %e, "webhooks cannot be sent");
            return std::future::pending().await;
        }
    };
    let mut busy = HashSet::new();
    let mut batches = FuturesUnordered::new();
    loop {
        for webhook in due_webhooks(app).await {
            if batches.len() < WEBHOOKS && busy.insert(webhook.id) {
                let client = &client;
                batches.push(async move { (webhook.id, batch(app, client, &webhook).await) });
            }
        }
        tokio::select! {
            Some((id, sent)) = batches.next(), if !batches.is_empty() => {
                busy.remove(&id);
                if let Err(e) = sent {
                    tracing::warn!(webhook = %id, error = %e, "messages could not be sent now");
                    tokio::time::sleep(INTERVAL).await;
                }
            }
            () = app.gate.outbox.notified() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

async fn due_webhooks(app: &App) -> Vec<Webhook> {
    let found = async {
        let mut reader = app.db.reader().await?;
        rows::webhooks_due(&mut reader, app.clock.now(), 1_000).await
    };
    found.await.unwrap_or_else(|e| {
        tracing::warn!(error = causes::in_one_line(&e), "webhooks could not be looked for");
        Vec::new()
    })
}

/// Sends everything that is due now, once.
pub async fn send_due(app: &App) -> Result<Sent, WebhookError> {
    let client = address::client(app.config.webhooks.allow_private)
        .map_err(|e| crate::db::DbError::Commit(e.to_string()))?;
    let now = app.clock.now();
    let mut reader = app.db.reader().await?;
    let webhooks = rows::webhooks_due(&mut reader, now, 1_000).await?;
    drop(reader);
    let mut all = Sent::default();
    let mut batches: FuturesUnordered<_> =
        webhooks.iter().map(|webhook| batch(app, &client, webhook)).collect();
    while let Some(sent) = batches.next().await {
        let sent = sent?;
        all.delivered += sent.delivered;
        all.again += sent.again;
        all.failed += sent.failed;
    }
    Ok(all)
}

/// Sends some messages to one webhook.
async fn batch(
    app: &App,
    client: &reqwest::Client,
    webhook: &Webhook,
) -> Result<Sent, WebhookError> {
    let mut reader = app.db.reader().await?;
    let due = rows::due(&mut reader, webhook.id, app.clock.now(), BATCH).await?;
    drop(reader);
    let mut sent = Sent::default();
    let tries = due.iter().map(|delivery| try_once(app, client, webhook, delivery));
    let mut tries = futures::stream::iter(tries).buffer_unordered(AT_ONCE);
    while let Some(outcome) = tries.next().await {
        match outcome? {
            Some("delivered") => sent.delivered += 1,
            Some("failed") => sent.failed += 1,
            Some(_) => sent.again += 1,
            None => {}
        }
    }
    Ok(sent)
}

/// One try of one message; its state afterwards, or none where somebody else has it.
async fn try_once(
    app: &App,
    client: &reqwest::Client,
    webhook: &Webhook,
    delivery: &Delivery,
) -> Result<Option<&'static str>, WebhookError> {
    let now = app.clock.now();
    let until = now + TAKEN;
    let mut tx = app.db.begin().await?;
    if !rows::claim(&mut tx, delivery, now, until).await? {
        return Ok(None);
    }
    tx.commit().await?;
    let answer = post(app, client, webhook, delivery).await?;
    settle(app, webhook, delivery, until, answer).await
}

/// What a receiver said, or what went wrong before it did.
enum Answer {
    Status(u16),
    Trouble(&'static str),
}

async fn post(
    app: &App,
    client: &reqwest::Client,
    webhook: &Webhook,
    delivery: &Delivery,
) -> Result<Answer, WebhookError> {
    // What may be reached can have changed since the webhook was made.
    let Ok(url) = address::check(&webhook.url, app.config.webhooks.allow_private) else {
        return Ok(Answer::Trouble("the address is not allowed"));
    };
    let (id, now, body) = (delivery.id.to_string(), app.clock.now(), message::body(delivery));
    let signature = message::signatures(&id, now, &body, &manage::secrets(app, webhook)?);
    let request = client
        .post(url)
        .header("webhook-id", id)
        .header("webhook-timestamp", now.seconds())
        .header("webhook-signature", signature)
        .header("content-type", "application/json")
        .body(body);
    // The answer counts once its headers are there; its body is read a little, so that the
    // connection can be used again.
    let mut answer = match request.send().await {
        Ok(answer) => answer,
        Err(e) => return Ok(Answer::Trouble(trouble(&e))),
    };
    let mut read = 0;
    while let Ok(Some(piece)) = answer.chunk().await {
        read += piece.len();
        if read > ANSWER {
            break;
        }
    }
    Ok(Answer::Status(answer.status().as_u16()))
}

/// What went wrong, in words of ours: an error of the client names the URL.
fn trouble(e: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(e);
    while let Some(e) = cause {
        if e.is::<address::NotAllowed>() {
            return "the address is not allowed";
        }
        cause = e.source();
    }
    if e.is_timeout() {
        "no answer in time"
    } else if e.is_connect() {
        "no connection"
    } else {
        "the connection broke off"
    }
}

async fn settle(
    app: &App,
    webhook: &Webhook,
    delivery: &Delivery,
    until: Timestamp,
    answer: Answer,
) -> Result<Option<&'static str>, WebhookError> {
    let now = app.clock.now();
    let tries = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
    let (taken, gone, said) = match answer {
        Answer::Status(status) => ((200..300).contains(&status), status == 410, status.to_string()),
        Answer::Trouble(what) => (false, false, what.to_owned()),
    };
    let (state, due_at) = match WAITS.get(tries) {
        _ if taken => ("delivered", now),
        _ if gone => ("failed", now),
        Some(wait) => ("pending", now + jittered(*wait, app)),
        None => ("failed", now),
    };
    metrics::counter!("strongroom_webhook_tries_total", "outcome" => state).increment(1);
    let mut tx = app.db.begin().await?;
    let ended = Ended { state, due_at, answer: &said };
    let settled = rows::settle(&mut tx, delivery, until, ended).await?;
    let (clinic, id) = (webhook.clinic_id, webhook.id);
    let failing = if taken {
        rows::mark_working(&mut tx, clinic, id).await?;
        None
    } else {
        rows::mark_failing(&mut tx, clinic, id, now).await?
    };
    tx.commit().await?;
    if gone {
        switch_off(app, webhook, "gone").await?;
    } else if failing.is_some_and(|since| since + GIVE_UP < now) {
        switch_off(app, webhook, "failing").await?;
    }
    Ok(settled.then_some(state))
}

/// A tenth more or less, so that what failed together does not come back together.
fn jittered(wait: Duration, app: &App) -> Duration {
    let random = u32::from(app.ids.next().as_bytes()[15]);
    wait * 9 / 10 + wait * random / 256 / 5
}

/// Switches a webhook off that has said it is gone, or has been away too long. That is an event.
async fn switch_off(
    app: &App,
    webhook: &Webhook,
    reason: &'static str,
) -> Result<(), WebhookError> {
    let steward = Steward::new(app.gate.clone(), "webhooks");
    let target = Target {
        id: Some(webhook.id.to_string()),
        ..Target::new(TargetKind::Webhook, webhook.clinic_id)
    };
    let mut tx = steward.begin(Action::ManageWebhooks, &target).await?;
    let now = app.clock.now();
    if rows::switch_off(&mut tx, webhook.clinic_id, webhook.id, reason, now).await? {
        tx.commit(Some(serde_json::json!({ "disabled": reason }))).await?;
        tracing::warn!(webhook = %webhook.id, reason, "a webhook was switched off");
    }
    Ok(())
}

/// Forgets messages that are a month old; how many.
pub async fn forget_old(app: &App, dry_run: bool) -> Result<usize, WebhookError> {
    let mut tx = app.db.begin().await?;
    let count = rows::forget(&mut tx, app.clock.now() - KEPT).await?;
    if !dry_run {
        tx.commit().await?;
    }
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
