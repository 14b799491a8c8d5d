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
    let checks = match Source::load().and_then(Config::load) {
        Ok(config) => doctor::examine(&config, &Clock::default(), None).await,
        Err(problems) => Check::configuration(&problems),
    };
    if args.json {
        let worst = doctor::worst(&checks);
        println!("{}", serde_json::json!({ "verdict": worst, "checks": checks }));
    } else {
        let colours = std::io::stdout().is_terminal();
        print!("{}", table(&checks, colours));
    }
    match checks.iter().filter(|check| check.verdict == Verdict::Fail).count() {
        0 => Ok(()),
        count => Err(Failure::Failed(format!("{count} check(s) failed"))),
    }
}

/// A line a check, and under it what to do.
fn table(checks: &[Check], colours: bool) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for check in checks {
        let word = format!("{:7}", check.verdict.as_str());
        let word =
            if colours { format!("\x1b[{}m{word}\x1b[0m", colour(check.verdict)) } else { word };
        let _ = writeln!(out, "{word}  {:width$}  {}", check.name, check.seen);
        if let Some(advice) = &check.advice {
            let _ = writeln!(out, "{:width$}    → {advice}", "", width = width + 7);
        }
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
