//! `strongroom config check|example`.

use clap::Subcommand;

use super::{Done, Failure};
use crate::config::{Config, Source, example};

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read everything and tell every problem at once (exit code 2 when there is one)
    Check,
    /// Print every variable with its default and its other names
    Example {
        /// As Markdown tables, for the documentation
        #[arg(long)]
        markdown: bool,
    },
}

pub fn run(args: &Args) -> Done {
    match args.command {
        Command::Check => {
            let source = Source::load().map_err(Failure::Usage)?;
            let config = Config::load(source).map_err(Failure::Usage)?;
            println!("The configuration is right.");
            println!("listen     {}", config.server.listen);
            println!("public URL {}", config.server.public_url);
            println!("data       {}", config.data.dir.display());
            println!("bucket     {} (local sealed store)", config.store.bucket);
            Ok(())
        }
        Command::Example { markdown } => {
            print!("{}", if markdown { example::markdown() } else { example::env() });
            Ok(())
        }
    }
}
