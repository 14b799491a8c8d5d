//! The object store: which one, whether it can be used, what it does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::round_trip::round_trip;
use super::{Check, Tell, Verdict, cors, net};
use crate::causes;
use crate::config::{Config, S3Config};
use crate::store::s3::{self as store, CloudFront, Finding, S3Store};
use crate::store::{ObjectStore, StoreError};
use crate::time::Clock;

const NAME: &str = "object store";
/// Abilities that documents do without.
const OPTIONAL: &[&str] =
    &["archiveClasses", "archives", "encryption", "forms", "objectLock", "tags"];
/// How long one look at the bucket may take, beyond what opening it waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// Everything about the store.
pub async fn store(
    config: &Config,
    clock: &Clock,
    open: Option<Arc<dyn ObjectStore>>,
    tell: &mut Tell<'_>,
) {
    tell.check(uploads(config));
    let Some(s3) = &config.store.s3 else {
        tell.check(local(config));
        if let Some(store) = open {
            store.examine(&mut |finding| tell.check(check(&finding))).await;
            round_trip(&*store, &config.store.folder_prefix, clock, tell).await;
        }
        return;
    };
    tell.check(place(config, s3));
    let opened = match open {
        Some(store) => Ok(store),
        None => look(config, s3, clock).await.map(|store| store as Arc<dyn ObjectStore>),
    };
    match opened {
        Ok(store) => bucket(config, clock, &*store, tell).await,
        Err(e) => tell.check(Check::fail(
            NAME,
            causes::in_one_line(&e),
            "set what the configuration names",
        )),
    }
    if let Some(cloudfront) = &s3.cloudfront {
        tell.check(match CloudFront::new(cloudfront) {
            Ok(_) => Check::ok("CloudFront", format!("downloads go through {}", cloudfront.url)),
            Err(e) => {
                let advice = "put the private key of the distribution's key group there";
                Check::fail("CloudFront", e.to_string(), advice)
            }
        });
    }
}

/// What a bucket does.
async fn bucket(config: &Config, clock: &Clock, store: &dyn ObjectStore, tell: &mut Tell<'_>) {
    let mut usable = true;
    let mut found = |finding: Finding| {
        usable &= finding.verdict != store::Verdict::Failed;
        tell.check(check(&finding));
    };
    store.examine(&mut found).await;
    if let Some(client) = net::client() {
        let begun = Instant::now();
        let cors = cors::cors(config, &client, store, clock).await;
        tell.check(cors.took(begun.elapsed()));
    }
    if usable {
        round_trip(store, &config.store.folder_prefix, clock, tell).await;
    }
}

/// Whether uploads are taken at all.
fn uploads(config: &Config) -> Check {
    const NAME: &str = "uploads";
    if config.store.uploads_enabled {
        return Check::ok(NAME, "switched on");
    }
    let advice = "NEXT_PUBLIC_ENABLE_AWS_S3_STORAGE=false; set it to true to take uploads";
    Check::warn(NAME, "switched off", advice)
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

/// Opens the bucket and waits until it was looked at with the keys at hand.
async fn look(config: &Config, s3: &S3Config, clock: &Clock) -> Result<Arc<S3Store>, StoreError> {
    let store = S3Store::open(&config.store, s3, clock.clone()).await?;
    let mut health = store.follow_health();
    // The first look may come before the keys do.
    for _ in 0..2 {
        if health.borrow_and_update().is_usable() {
            break;
        }
        let _ = tokio::time::timeout(PATIENCE, health.changed()).await.is_ok();
    }
    Ok(store)
}

/// What a finding of the store's examination means here.
fn check(finding: &Finding) -> Check {
    let name = if finding.name == "reach" { NAME } else { finding.name };
    let verdict = match finding.verdict {
        store::Verdict::Works => Verdict::Ok,
        store::Verdict::Missing | store::Verdict::Lies => {
            // Many stores are without some of them, and nobody has to do anything.
            if OPTIONAL.contains(&finding.name) { Verdict::Skipped } else { Verdict::Warn }
        }
        store::Verdict::Unknown => Verdict::Skipped,
        store::Verdict::Failed => Verdict::Fail,
    };
    let mut seen = finding.what.clone();
    if verdict != Verdict::Ok {
        // The words of others end as they like.
        seen = format!("{}. {}", seen.trim_end_matches('.'), finding.consequence);
    }
    let check = Check::new(name, verdict, seen).took(finding.took);
    match finding.advice {
        Some(advice) => check.with(advice),
        None => check,
    }
}
