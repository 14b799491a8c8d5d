//! Examining an installation: what is configured, what is there, what can be reached, and for each
//! what to do. The command and the pages show the same.
//!
//! It must change nothing: no folder, key, table or object is made (a probe of the bucket removes
//! what it wrote). Nothing secret stands in what was seen.

mod cors;
mod net;
mod place;
mod scanner;
mod store;

use std::sync::Arc;

use serde::Serialize;

use crate::config::Config;
use crate::store::s3::S3Store;
use crate::time::Clock;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Does not apply, or cannot be told.
    Skipped,
    /// It works, but somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Skipped => "skipped",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What it is, in a word or two; stable, for scripts.
    pub name: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, seen: impl Into<String>) -> Self {
        Self { name, verdict, seen: seen.into(), advice: None }
    }

    fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, seen)
    }

    fn skipped(name: &'static str, seen: impl Into<String>) -> Self {
        Self::new(name, Verdict::Skipped, seen)
    }

    fn warn(name: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(name, Verdict::Warn, seen).with(advice)
    }

    fn fail(name: &'static str, seen: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(name, Verdict::Fail, seen).with(advice)
    }

    fn with(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The checks that stand for a configuration that cannot be used: each problem is one.
    pub fn configuration(problems: &[String]) -> Vec<Self> {
        let right = "`strongroom config example` shows every variable with its default";
        problems.iter().map(|problem| Self::fail("configuration", problem, right)).collect()
    }
}

/// Examines everything. `open`: the bucket of a running server; none: it is opened for this.
pub async fn examine(config: &Config, clock: &Clock, open: Option<Arc<S3Store>>) -> Vec<Check> {
    let mut checks = vec![Check::ok("configuration", "every variable is right")];
    checks.push(place::directory(&config.data.dir));
    checks.push(place::disk(&config.data.dir).await);
    let (database, current) = place::database(config).await;
    let (key, ring) = place::master_key(config);
    checks.extend([key, database]);
    if let Some(ring) = ring.filter(|_| current) {
        checks.push(place::secrets(config, &ring, clock).await);
    }
    if current {
        checks.extend(place::webhooks(config, clock).await);
    }
    checks.extend(store::store(config, clock, open).await);
    checks.extend(scanner::scanner(config, clock).await);
    checks.push(net::certificate(config));
    checks.push(net::public_url(config).await);
    checks
}

/// The worst verdict.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
}
