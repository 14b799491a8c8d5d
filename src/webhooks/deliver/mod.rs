//! Sending what waits: state is the queue. A message is taken by a conditional update that makes it
//! due again later, so one whose sender dies comes back by itself, and of two servers one sends it.
//!
//! Each webhook has its own place in the queue: one that is slow or away keeps nobody waiting. Who
//! is away is asked with one message at a time, after a rest that grows to minutes; places are
//! shared among clinics, and some are never given to those who are away.

mod places;
mod rows;

use std::pin::pin;
use std::time::Duration;

use futures::stream::{FuturesUnordered, StreamExt as _};
use serde::Serialize;

use places::{PLACES, Places};
use rows::{Ended, Failure};

use super::rows::{Delivery, Webhook};
use super::{WebhookError, address, manage, message};
use crate::access::{Action, Steward, Target, TargetKind};
use crate::app::App;
use crate::causes;
use crate::ids::WebhookId;
use crate::time::Timestamp;

/// How long a receiver may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// How long a message is taken for: longer than one try can last.
const TAKEN: Duration = Duration::from_mins(1);
/// How long nobody looks when nobody is woken: another server may have written.
const INTERVAL: Duration = Duration::from_secs(5);
/// Messages to one webhook that are under way at once.
const AT_ONCE: usize = 4;
/// Messages to one webhook in one go; of one that is away it is one.
const BATCH: i64 = 40;
/// After this no other message is begun in the same go, so that a slow one gives its place back.
const ONE_GO: Duration = PATIENCE;
/// How long a webhook that is away has a rest, at least and at most; between, half as long as it
/// has been failing.
const REST: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));
/// Failures further apart than this, which is more than between any two tries, are no sign of each
/// other: nothing was sent between them.
const APART: Duration = Duration::from_hours(48);
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
/// Most messages that wait for a webhook that is off by failing.
const MOST_WAITING: i64 = 10_000;
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
    let (mut places, mut batches) = (Places::default(), FuturesUnordered::new());
    loop {
        // What is under way goes on while the database is asked what else there is.
        let mut looking = pin!(due_webhooks(app));
        let due = loop {
            tokio::select! {
                due = &mut looking => break due,
                Some(id) = batches.next(), if !batches.is_empty() => places.give_back(id),
            }
        };
        for webhook in due {
            if places.take(&webhook) {
                batches.push(go(app, &client, webhook));
            }
        }
        tokio::select! {
            Some(id) = batches.next(), if !batches.is_empty() => places.give_back(id),
            () = app.gate.outbox.notified() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}

/// Sends some messages to a webhook; its id. One that could not be served now keeps its place for
/// a while, so that it is not tried again at once.
async fn go(app: &App, client: &reqwest::Client, webhook: Webhook) -> WebhookId {
    if let Err(e) = batch(app, client, &webhook).await {
        tracing::warn!(webhook = %webhook.id, error = %e, "messages could not be sent now");
        tokio::time::sleep(INTERVAL).await;
    }
    webhook.id
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
    let batches = webhooks.iter().map(|webhook| batch(app, &client, webhook));
    let mut batches = futures::stream::iter(batches).buffer_unordered(PLACES);
    let (mut all, mut failed) = (Sent::default(), None);
    while let Some(outcome) = batches.next().await {
        match outcome {
            Ok(sent) => {
                all.delivered += sent.delivered;
                all.again += sent.again;
                all.failed += sent.failed;
            }
            Err(e) => failed = Some(e),
        }
    }
    failed.map_or(Ok(all), Err)
}

/// Sends some messages to one webhook. What is under way when something fails, or the receiver
/// turns out to be away, is brought to its end; nothing else is begun.
async fn batch(
    app: &App,
    client: &reqwest::Client,
    webhook: &Webhook,
) -> Result<Sent, WebhookError> {
    let began = app.clock.now();
    let most = if webhook.is_away() { 1 } else { BATCH };
    let mut reader = app.db.reader().await?;
    let due = rows::due(&mut reader, webhook.id, began, most).await?;
    drop(reader);
    let (mut sent, mut failed, mut go_on) = (Sent::default(), None, true);
    let (mut waiting, mut under_way) = (due.iter(), FuturesUnordered::new());
    loop {
        while go_on
            && under_way.len() < AT_ONCE
            && let Some(delivery) = waiting.next()
        {
            under_way.push(try_once(app, client, webhook, delivery));
        }
        match under_way.next().await {
            None => break,
            Some(Ok(Some(tried))) => {
                match tried.state {
                    "delivered" => sent.delivered += 1,
                    "failed" => sent.failed += 1,
                    _ => sent.again += 1,
                }
                go_on &= !tried.away;
            }
            Some(Ok(None)) => {}
            Some(Err(e)) => (failed, go_on) = (Some(e), false),
        }
        go_on &= app.clock.now() < began + ONE_GO;
    }
    failed.map_or(Ok(sent), Err)
}

/// How a try ended.
struct Tried {
    /// The message's state afterwards.
    state: &'static str,
    /// Whether nobody was there who could take any message.
    away: bool,
}

/// One try of one message; none where somebody else has it.
async fn try_once(
    app: &App,
    client: &reqwest::Client,
    webhook: &Webhook,
    delivery: &Delivery,
) -> Result<Option<Tried>, WebhookError> {
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

impl Answer {
    /// Whether it says that other messages would not be taken either.
    const fn is_away(&self) -> bool {
        matches!(self, Self::Trouble(_) | Self::Status(429 | 500..))
    }
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
) -> Result<Option<Tried>, WebhookError> {
    let (now, away) = (app.clock.now(), answer.is_away());
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
        let rests_until = away.then(|| now + rest(webhook, now));
        let failure = Failure { at: now, connected_since: now - APART, rests_until };
        rows::mark_failing(&mut tx, clinic, id, failure).await?
    };
    tx.commit().await?;
    if gone {
        switch_off(app, webhook, "gone").await?;
    } else if failing.is_some_and(|since| since + GIVE_UP < now) {
        switch_off(app, webhook, "failing").await?;
    }
    Ok(settled.then_some(Tried { state, away }))
}

/// How long nothing is sent to a webhook that was away just now.
fn rest(webhook: &Webhook, now: Timestamp) -> Duration {
    let recent = webhook.failed_at.is_some_and(|failed| now < failed + APART);
    let since = webhook.failing_since.filter(|_| recent).unwrap_or(now);
    let failing = Duration::from_micros((now.micros() - since.micros()).max(0).unsigned_abs());
    (failing / 2).clamp(REST.0, REST.1)
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

/// Forgets messages that are a month old, and more than can be caught up with; how many.
pub async fn forget_old(app: &App, dry_run: bool) -> Result<usize, WebhookError> {
    let mut tx = app.db.begin().await?;
    let mut count = rows::forget(&mut tx, app.clock.now() - KEPT).await?;
    count += rows::forget_waiting(&mut tx, MOST_WAITING).await?;
    if !dry_run {
        tx.commit().await?;
    }
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
