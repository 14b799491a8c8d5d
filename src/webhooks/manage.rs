//! Making, changing, looking at and removing webhooks.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::rows::{self, Delivery, Webhook};
use super::{MOST, WebhookError, address};
use crate::access::{Audited, Call, Grant, Target, TargetKind};
use crate::app::App;
use crate::db::DbError;
use crate::ids::{DeliveryId, WebhookId};
use crate::keys::WebhookSecret;
use crate::outbox::Happening;
use crate::time::Timestamp;

/// How long the secret before signs too.
const OLD_SECRET: Duration = Duration::from_hours(24);
/// Longest description, characters.
const MAX_DESCRIPTION: usize = 200;
/// How many messages are shown with a webhook.
const SHOWN: i64 = 50;
/// Keeps two that are made at once from both being the last that fits.
const TURN: i64 = 0x7765_6268_6f6f_6b73;

/// What is asked of a new webhook.
#[derive(Debug)]
pub struct Asked {
    /// Where messages go.
    pub url: String,
    /// What it wants to be told of; none: everything.
    pub events: Option<Vec<String>>,
    /// What it is for.
    pub description: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// Where messages go.
    pub url: Option<String>,
    /// What it wants to be told of.
    pub events: Option<Vec<String>>,
    /// What it is for; empty: nothing.
    pub description: Option<String>,
    /// On or off.
    pub enabled: Option<bool>,
}

/// A new secret beside the one before.
#[derive(Debug)]
pub struct Rotated {
    /// The webhook.
    pub webhook: Webhook,
    /// The new secret.
    pub secret: WebhookSecret,
    /// Until when messages are signed with the one before as well.
    pub old_until: Timestamp,
}

fn target(call: &Call, id: Option<WebhookId>) -> Target {
    Target { id: id.map(|id| id.to_string()), ..Target::new(TargetKind::Webhook, call.clinic()) }
}

/// Makes a webhook; with it its secret, which nobody is shown again.
pub async fn create(
    app: &App,
    call: &Call,
    asked: Asked,
) -> Result<(Webhook, WebhookSecret), WebhookError> {
    let id = WebhookId::from_uuid(app.ids.next());
    let grant = call.authorize(target(call, Some(id))).await?;
    let now = app.clock.now();
    let mut webhook = Webhook {
        id,
        clinic_id: call.clinic(),
        url: String::new(),
        events: " * ".to_owned(),
        description: None,
        secret_salt: app.ids.next(),
        old_salt: None,
        old_salt_until: None,
        created_at: now,
        created_by: call.caller.effective_user().as_str().to_owned(),
        updated_at: now,
        disabled_at: None,
        disabled_reason: None,
        failing_since: None,
        failed_at: None,
        rests_until: None,
    };
    let Asked { url, events, description } = asked;
    let changes = Changes { url: Some(url), events, description, enabled: None };
    apply(app, &mut webhook, changes)?;
    let secret = secret(app, &webhook, webhook.secret_salt)?;
    let mut tx = grant.begin().await?;
    tx.alone(TURN).await?;
    if rows::count(&mut tx, call.clinic()).await? >= MOST {
        return Err(WebhookError::TooMany);
    }
    rows::insert(&mut tx, &webhook).await?;
    tx.commit(Some(serde_json::json!({ "made": true, "events": webhook.events.trim() }))).await?;
    Ok((webhook, secret))
}

/// Puts changes into a webhook; every field that is wrong is named.
fn apply(app: &App, webhook: &mut Webhook, changes: Changes) -> Result<(), WebhookError> {
    let mut errors = BTreeMap::new();
    if let Some(url) = changes.url {
        match address::check(&url, app.config.webhooks.allow_private) {
            Ok(_) => webhook.url = url,
            Err(right) => {
                errors.insert("url".to_owned(), right);
            }
        }
    }
    match changes.events.as_deref().map(read_events) {
        None => {}
        Some(Ok(events)) => webhook.events = events,
        Some(Err(right)) => {
            errors.insert("events".to_owned(), right);
        }
    }
    if let Some(text) = changes.description {
        if text.chars().count() > MAX_DESCRIPTION || text.chars().any(char::is_control) {
            let right = format!("must have at most {MAX_DESCRIPTION} characters on one line");
            errors.insert("description".to_owned(), right);
        }
        webhook.description = Some(text).filter(|text| !text.trim().is_empty());
    }
    match changes.enabled {
        Some(true) => {
            (webhook.disabled_at, webhook.disabled_reason) = (None, None);
            webhook.failing_since = None;
            (webhook.failed_at, webhook.rests_until) = (None, None);
        }
        Some(false) if webhook.disabled_at.is_none() => {
            webhook.disabled_at = Some(app.clock.now());
            webhook.disabled_reason = Some("by hand".to_owned());
        }
        _ => {}
    }
    if errors.is_empty() { Ok(()) } else { Err(WebhookError::Fields(errors)) }
}

/// The names, each with a space on either side.
fn read_events(events: &[String]) -> Result<String, String> {
    if events == ["*"] {
        return Ok(" * ".to_owned());
    }
    let mut known = events.iter().map(|e| e.parse()).collect::<Result<Vec<Happening>, _>>()?;
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return Err("must name at least one event, or *".to_owned());
    }
    let names: Vec<_> = known.iter().map(|happening| happening.as_str()).collect();
    Ok(format!(" {} ", names.join(" ")))
}

fn secret(app: &App, webhook: &Webhook, salt: Uuid) -> Result<WebhookSecret, WebhookError> {
    let derived = app.secrets.webhook(webhook.id, salt);
    derived.map_err(|e| DbError::Commit(e.to_string()).into())
}

/// The webhook in a transaction that is about to change it; who changes it too waits.
async fn found_to_change(
    call: &Call,
    grant: &Grant<'_>,
    id: WebhookId,
) -> Result<(Audited, Webhook), WebhookError> {
    let mut tx = grant.begin().await?;
    let webhook = rows::find_to_change(&mut tx, call.clinic(), id).await?;
    Ok((tx, webhook.ok_or(WebhookError::NotFound)?))
}

/// The webhook in a transaction that leaves it as it is.
async fn found(
    call: &Call,
    grant: &Grant<'_>,
    id: WebhookId,
) -> Result<(Audited, Webhook), WebhookError> {
    let mut tx = grant.begin().await?;
    let webhook = rows::find(&mut tx, call.clinic(), id).await?;
    Ok((tx, webhook.ok_or(WebhookError::NotFound)?))
}

/// The clinic's webhooks.
pub async fn list(call: &Call) -> Result<Vec<Webhook>, WebhookError> {
    let grant = call.authorize(target(call, None)).await?;
    let mut tx = grant.begin().await?;
    let webhooks = rows::of_clinic(&mut tx, call.clinic()).await?;
    tx.commit(Some(serde_json::json!({ "count": webhooks.len() }))).await?;
    Ok(webhooks)
}

/// One webhook and its newest messages.
pub async fn read(call: &Call, id: WebhookId) -> Result<(Webhook, Vec<Delivery>), WebhookError> {
    let grant = call.authorize(target(call, Some(id))).await?;
    let (mut tx, webhook) = found(call, &grant, id).await?;
    let deliveries = rows::latest(&mut tx, call.clinic(), id, SHOWN).await?;
    tx.commit(None).await?;
    Ok((webhook, deliveries))
}

/// Changes a webhook. One that is switched on again is sent what waits for it.
pub async fn change(
    app: &App,
    call: &Call,
    id: WebhookId,
    changes: Changes,
) -> Result<Webhook, WebhookError> {
    let grant = call.authorize(target(call, Some(id))).await?;
    let (mut tx, mut webhook) = found_to_change(call, &grant, id).await?;
    let told = serde_json::json!({
        "url": changes.url.is_some(),
        "events": changes.events,
        "enabled": changes.enabled,
    });
    apply(app, &mut webhook, changes)?;
    webhook.updated_at = app.clock.now();
    rows::update(&mut tx, &webhook).await?;
    tx.commit(Some(told)).await?;
    app.gate.outbox.notify_one();
    Ok(webhook)
}

/// Makes a new secret. For a day messages are signed with both.
pub async fn rotate(app: &App, call: &Call, id: WebhookId) -> Result<Rotated, WebhookError> {
    let grant = call.authorize(target(call, Some(id))).await?;
    let (mut tx, mut webhook) = found_to_change(call, &grant, id).await?;
    let now = app.clock.now();
    let old_until = now + OLD_SECRET;
    webhook.old_salt = Some(std::mem::replace(&mut webhook.secret_salt, app.ids.next()));
    webhook.old_salt_until = Some(old_until);
    webhook.updated_at = now;
    let secret = secret(app, &webhook, webhook.secret_salt)?;
    rows::update(&mut tx, &webhook).await?;
    tx.commit(Some(serde_json::json!({ "rotated": true }))).await?;
    Ok(Rotated { webhook, secret, old_until })
}

/// The secrets that sign now, the current one first.
pub(super) fn secrets(app: &App, webhook: &Webhook) -> Result<Vec<WebhookSecret>, WebhookError> {
    let old = webhook.old_salt.zip(webhook.old_salt_until);
    let old = old.filter(|(_, until)| app.clock.now() < *until).map(|(salt, _)| salt);
    let salts = [Some(webhook.secret_salt), old];
    salts.into_iter().flatten().map(|salt| secret(app, webhook, salt)).collect()
}

/// Sends a message that says nothing, to see whether it arrives.
pub async fn test(app: &App, call: &Call, id: WebhookId) -> Result<DeliveryId, WebhookError> {
    let grant = call.authorize(target(call, Some(id))).await?;
    let (mut tx, webhook) = found(call, &grant, id).await?;
    if webhook.disabled_at.is_some() {
        return Err(WebhookError::Off);
    }
    let delivery = DeliveryId::from_uuid(app.ids.next());
    let event = Happening::Test.as_str();
    rows::insert_test(&mut tx, &webhook, delivery, event, app.clock.now()).await?;
    tx.commit(Some(serde_json::json!({ "test": delivery }))).await?;
    app.gate.outbox.notify_one();
    Ok(delivery)
}

/// Sends a message once more, with the same id and the same bytes.
pub async fn redeliver(
    app: &App,
    call: &Call,
    id: WebhookId,
    delivery: DeliveryId,
) -> Result<(), WebhookError> {
    let grant = call.authorize(target(call, Some(id))).await?;
    let (mut tx, webhook) = found(call, &grant, id).await?;
    if webhook.disabled_at.is_some() {
        return Err(WebhookError::Off);
    }
    let now = app.clock.now();
    if !rows::make_due(&mut tx, call.clinic(), id, delivery, now).await? {
        return Err(WebhookError::NotFound);
    }
    tx.commit(Some(serde_json::json!({ "again": delivery }))).await?;
    app.gate.outbox.notify_one();
    Ok(())
}

/// Removes a webhook and everything that waits for it.
pub async fn remove(call: &Call, id: WebhookId) -> Result<(), WebhookError> {
    let grant = call.authorize(target(call, Some(id))).await?;
    let mut tx = grant.begin().await?;
    if !rows::delete(&mut tx, call.clinic(), id).await? {
        return Err(WebhookError::NotFound);
    }
    Ok(tx.commit(Some(serde_json::json!({ "removed": true }))).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_kept_once_in_order_and_unknown_ones_are_refused_with_the_list() {
        let read = |names: &[&str]| {
            read_events(&names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(read(&["*"]).unwrap(), " * ");
        let twice = ["document.purged", "document.available", "document.purged"];
        assert_eq!(read(&twice).unwrap(), " document.available document.purged ");
        for wrong in [&[][..], &["*", "document.purged"], &["document.eaten"], &["webhook.test"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
