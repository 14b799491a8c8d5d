//! `strongroom doctor`: looks at everything and says what to do.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use super::{Done, Failure};
use crate::config::{Config, Source};
use crate::doctor::{self, Check, Verdict};
use crate::time::Clock;

#[derive(clap::Args)]
pub struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: &Args) -> Done {
    let colours = std::io::stdout().is_terminal();
    let mut checks = Vec::new();
    let mut seen = |check: Check| {
        if !args.json {
            print!("{}", line(&check, colours));
        }
        checks.push(check);
    };
    match Source::load().and_then(Config::load) {
        Ok(config) => doctor::examine(&config, &Clock::default(), None, &mut seen).await,
        Err(problems) => Check::configuration(&problems).into_iter().for_each(seen),
    }
    if args.json {
        let worst = doctor::worst(&checks);
        println!("{}", serde_json::json!({ "verdict": worst, "checks": checks }));
    }
    match checks.iter().filter(|check| check.verdict == Verdict::Fail).count() {
        0 => Ok(()),
        count => Err(Failure::Failed(format!("failed checks: {count}"))),
    }
}

/// The longest name of a check.
const WIDTH: usize = 29;

/// A check, and under it what to do.
fn line(check: &Check, colours: bool) -> String {
    let word = format!("{:7}", check.verdict.as_str());
    let word = if colours { format!("\x1b[{}m{word}\x1b[0m", colour(check.verdict)) } else { word };
    let mut out = format!("{word}  {:WIDTH$}  {}\n", check.name, check.seen);
    if let Some(advice) = &check.advice {
        let _ = writeln!(out, "{:width$}    → {advice}", "", width = WIDTH + 7);
    }
    out
}

const fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "32",
        Verdict::Skipped => "2",
        Verdict::Warn => "33",
        Verdict::Fail => "1;31",
    }
}
