//! `strongroom scan`: what waits for the malware scanner, and what was there before it. Beside a
//! running server this needs a store that is not local: that one belongs to the server.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use super::{Done, Failure};
use crate::config::Config;
use crate::{documents, open};

/// Between two lines that say how far it has come.
const EVERY: Duration = Duration::from_secs(10);

#[derive(clap::Args)]
pub struct Args {
    /// Also scan what is available without a verdict: what came in before the scanner was on
    ///
    /// Such documents are served until a verdict falls. What the scanner does not let pass goes to
    /// quarantine, with its event and its webhook. It can be stopped and begun again at any time.
    #[arg(long)]
    all: bool,
    /// Only say what would be scanned
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args, config: Config) -> Done {
    if config.scanning.scanner == crate::config::ScannerKind::Off {
        let how = "no scanner is configured: set STRONGROOM_SCANNER";
        return Err(Failure::Usage(vec![how.to_owned()]));
    }
    let (app, local) =
        open::records(config).await?.into_app().await.map_err(|e| match Failure::from(e) {
            Failure::Failed(text) => Failure::Failed(format!(
                "{text} (the local store belongs to one process: stop the server first)"
            )),
            usage @ Failure::Usage(_) => usage,
        })?;
    if !args.dry_run {
        documents::ask_again(&app).await?;
    }
    let waited = documents::scan_due(&app, args.dry_run).await?;
    let looked = if args.all && !waited.away {
        Some(documents::scan_unscanned(&app, args.dry_run, progress()).await?)
    } else {
        None
    };
    if args.json {
        let looked = looked.map(|looked| serde_json::json!(looked));
        let waited = serde_json::json!({
            "passed": waited.passed, "quarantined": waited.quarantined,
            "waiting": waited.waiting, "failed": waited.failed, "away": waited.away,
        });
        let told = serde_json::json!({ "waited": waited, "all": looked });
        println!("{}", serde_json::to_string_pretty(&told)?);
    } else {
        println!(
            "waited: {} passed, {} quarantined, {} still wait; {} failed",
            waited.passed, waited.quarantined, waited.waiting, waited.failed
        );
        if let Some(it) = looked {
            println!(
                "without a verdict: {} found, {} passed, {} quarantined; {} failed",
                it.found, it.passed, it.quarantined, it.failed
            );
        }
    }
    if let Some(store) = local {
        store.close().await;
    }
    app.db.close().await;
    if waited.away || looked.is_some_and(|looked| looked.away) {
        return Err(Failure::Failed("the scanner is away; run this again".to_owned()));
    }
    match waited.failed as u64 + looked.map_or(0, |looked| looked.failed) {
        0 => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} documents came to no verdict"))),
    }
}

/// Says how far it has come now and then, to whoever watches.
fn progress() -> impl FnMut(&documents::Looked) {
    let (mut told, watched) = (Instant::now(), std::io::stderr().is_terminal());
    let every = if watched { Duration::from_millis(500) } else { EVERY };
    move |looked| {
        if told.elapsed() < every {
            return;
        }
        told = Instant::now();
        let (done, all) = (looked.looked, looked.found);
        let line = format!("{done} of {all} looked at, {} quarantined", looked.quarantined);
        if watched {
            eprint!("\r{line}\x1b[K");
        } else {
            eprintln!("{line}");
        }
        if watched && done == all {
            eprintln!();
        }
    }
}
