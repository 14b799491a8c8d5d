//! `strongroom upkeep run`: every background task once. Beside a running server this needs a store
//! that is not local: that one belongs to the server, which does its upkeep by itself.

use super::{Done, Failure};
use crate::config::Config;
use crate::{open, upkeep};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Run every task once: end uploads nobody completed, remove what they left, send what
    /// webhooks are to be told
    ///
    /// A running server does this by itself. The local store belongs to one process: with it, run
    /// this only while no server runs.
    Run {
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub async fn run(args: Args, config: Config) -> Done {
    let Command::Run { dry_run, json } = args.command;
    let (app, local) = open::records(config).await?.into_app().await.map_err(|e| {
        let text = Failure::from(e);
        match text {
            Failure::Failed(text) => Failure::Failed(format!(
                "{text} (the local store belongs to one process: a running server does upkeep by \
                 itself)"
            )),
            usage @ Failure::Usage(_) => usage,
        }
    })?;
    let ran = upkeep::run_alone(&app, dry_run).await?;
    if json {
        println!("{}", serde_json::to_string_pretty(&ran)?);
    } else {
        for task in &ran {
            let did: Vec<_> =
                task.did.iter().map(|(name, count)| format!("{count} {name}")).collect();
            let would = if dry_run { "would be " } else { "" };
            println!("{}: {would}{}; {} failed", task.task, did.join(", "), task.failed);
        }
    }
    if let Some(store) = local {
        store.close().await;
    }
    app.db.close().await;
    match ran.iter().map(|task| task.failed).sum::<usize>() {
        0 => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} things could not be done now"))),
    }
}
