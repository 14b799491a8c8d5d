//! Examining an installation: what is configured, what is there, what can be reached, and for each
//! what to do. The command and the pages show the same.
//!
//! It must change nothing: no folder, key, table or object is made (what is written to the store
//! to try it is removed). Nothing secret stands in what was seen.

pub mod api;
mod cors;
mod net;
mod place;
mod round_trip;
mod scanner;
mod store;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Config;
use crate::store::ObjectStore;
use crate::time::{Clock, milliseconds};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SelfTestVerdict)]
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
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SelfTestCheck)]
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
    /// How long it took, in milliseconds.
    #[serde(rename = "tookMs", serialize_with = "milliseconds")]
    #[schema(value_type = u64)]
    pub took: Duration,
}

/// Passes on each check as it is made, with the time since the one before where it took none.
pub struct Tell<'a> {
    to: &'a mut (dyn FnMut(Check) + Send),
    since: Instant,
}

impl<'a> Tell<'a> {
    fn new(to: &'a mut (dyn FnMut(Check) + Send)) -> Self {
        Self { to, since: Instant::now() }
    }

    fn check(&mut self, mut check: Check) {
        if check.took.is_zero() {
            check.took = self.since.elapsed();
        }
        self.since = Instant::now();
        (self.to)(check);
    }

    fn checks(&mut self, checks: impl IntoIterator<Item = Check>) {
        checks.into_iter().for_each(|check| self.check(check));
    }
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, seen: impl Into<String>) -> Self {
        Self { name, verdict, seen: seen.into(), advice: None, took: Duration::ZERO }
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

    const fn took(mut self, took: Duration) -> Self {
        self.took = took;
        self
    }

    /// The checks that stand for a configuration that cannot be used: each problem is one.
    pub fn configuration(problems: &[String]) -> Vec<Self> {
        let right = "`strongroom config example` shows every variable with its default";
        problems.iter().map(|problem| Self::fail("configuration", problem, right)).collect()
    }
}

/// Examines everything and tells of each check as it is made. `open`: the store of a running
/// server, which is then also tried with presigned requests; none: a bucket is opened for this, and
/// the local store, which a server may have open, is only looked at.
pub async fn examine(
    config: &Config,
    clock: &Clock,
    open: Option<Arc<dyn ObjectStore>>,
    to: &mut (dyn FnMut(Check) + Send),
) {
    let mut tell = Tell::new(to);
    tell.check(Check::ok("configuration", "every variable is right"));
    tell.check(place::directory(&config.data.dir));
    tell.check(place::disk(&config.data.dir).await);
    let (database, current) = place::database(config).await;
    let (key, ring) = place::master_key(config);
    tell.checks([key, database]);
    if let Some(ring) = ring.filter(|_| current) {
        tell.check(place::secrets(config, &ring, clock).await);
    }
    if current {
        tell.checks(place::webhooks(config, clock).await);
    }
    store::store(config, clock, open, &mut tell).await;
    tell.checks(scanner::scanner(config, clock).await);
    if current {
        tell.checks(waiting::waiting(config).await);
    }
    tell.check(net::certificate(config));
    tell.check(net::public_url(config).await);
}

/// The worst verdict.
pub fn worst(checks: &[Check]) -> Verdict {
    checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok)
}
