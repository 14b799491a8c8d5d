//! The object store: which one, whether it can be used, what it does.

use std::sync::Arc;
use std::time::Duration;

use super::Check;
use crate::config::{Config, S3Config};
use crate::store::s3::{CloudFront, S3Store};
use crate::store::{Abilities, ObjectStore};
use crate::time::Clock;

const NAME: &str = "object store";
/// How long a bucket may take to show what it does, beyond what opening it waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything about the store.
pub async fn store(
    config: &Config,
    clock: &Clock,
    open: Option<Arc<dyn ObjectStore>>,
) -> Vec<Check> {
    let Some(s3) = &config.store.s3 else { return vec![local(config)] };
    let mut checks = vec![place(config, s3)];
    let store = match open {
        Some(store) => Ok(store),
        None => look(config, s3, clock).await,
    };
    match store {
        Ok(store) => checks.extend(usable(store.as_ref()).await),
        Err(reason) => {
            let advice = "set what the configuration names";
            checks.push(Check::fail(NAME, reason, advice));
        }
    }
    if let Some(cloudfront) = &s3.cloudfront {
        checks.push(match CloudFront::new(cloudfront) {
            Ok(_) => Check::ok("CloudFront", format!("downloads go through {}", cloudfront.url)),
            Err(e) => {
                let advice = "put the private key of the distribution's key group there";
                Check::fail("CloudFront", e.to_string(), advice)
            }
        });
    }
    checks
}

/// Which bucket, where.
fn place(config: &Config, s3: &S3Config) -> Check {
    let (bucket, region) = (&config.store.bucket, &config.store.region);
    let at = s3.endpoint.as_deref().unwrap_or("AWS");
    let mut seen = format!("s3: bucket {bucket} in {region} at {at}");
    if !config.store.folder_prefix.is_empty() {
        seen.push_str(", folder ");
        seen.push_str(&config.store.folder_prefix);
    }
    if !config.store.uploads_enabled {
        let advice = "NEXT_PUBLIC_ENABLE_AWS_S3_STORAGE=false; set it to true to take uploads";
        return Check::warn("bucket", format!("{seen}; uploads are switched off"), advice);
    }
    let plain = s3.endpoint.as_deref().is_some_and(|at| {
        let near = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        at.starts_with("http://") && !near.iter().any(|near| at.starts_with(near))
    });
    if plain {
        let advice = "use the https:// address of the store, so that what is sent is encrypted";
        return Check::warn("bucket", format!("{seen}, without TLS"), advice);
    }
    Check::ok("bucket", seen)
}

fn local(config: &Config) -> Check {
    let dir = config.data.dir.join("store");
    let seen = format!("local: sealed files in {}, bucket {}", dir.display(), config.store.bucket);
    if dir.join("index.sqlite").exists() {
        return Check::ok(NAME, seen);
    }
    Check::skipped(NAME, format!("{seen}; made on first start"))
}

/// Opens the bucket and waits until it was looked at.
async fn look(
    config: &Config,
    s3: &S3Config,
    clock: &Clock,
) -> Result<Arc<dyn ObjectStore>, String> {
    let store = S3Store::open(&config.store, s3, clock.clone()).await;
    let store = store.map_err(|e| e.to_string())?;
    let mut health = store.follow_health();
    let looked = health.wait_for(|health| health.checked_at.is_some());
    // Late or never: then the reason says so.
    let _ = tokio::time::timeout(PATIENCE, looked).await.is_ok();
    Ok(store)
}

async fn usable(store: &dyn ObjectStore) -> Vec<Check> {
    if let Err(e) = store.check().await {
        let advice = "the reason says what would be right; nothing is stored elsewhere meanwhile";
        return vec![Check::fail(NAME, e.to_string(), advice)];
    }
    let mut checks = vec![Check::ok(NAME, "the bucket can be used")];
    if let Ok(abilities) = store.abilities() {
        checks.push(does(abilities));
    }
    checks
}

/// What the store was seen to do, and what it lacks.
fn does(abilities: Abilities) -> Check {
    const NAME: &str = "store abilities";
    let all = [
        (abilities.versions, "keeps versions"),
        (abilities.create_only, "refuses to replace (If-None-Match)"),
        (abilities.sha256, "checks SHA-256"),
        (abilities.forms, "takes forms (POST)"),
    ];
    let words = |has: bool| -> Vec<&str> {
        all.iter().filter(|(does, _)| *does == has).map(|(_, word)| *word).collect()
    };
    let (has, lacks) = (words(true).join(", "), words(false).join(", "));
    if lacks.is_empty() {
        return Check::ok(NAME, has);
    }
    let seen = format!("does: {has}; does not: {lacks}");
    if abilities.versions {
        return Check::ok(NAME, seen);
    }
    let advice = "switch versioning on for the bucket if the store has it: it keeps what is deleted \
                  or replaced by mistake";
    Check::warn(NAME, seen, advice)
}
