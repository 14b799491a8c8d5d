//! The command line: one file per command.
//!
//! Exit codes: 0 done, 1 failed, 2 usage or configuration. What a command shows for scripts
//! goes to standard output, everything else to standard error.

mod client;
mod config;
mod demo;
mod doctor;
mod get;
mod key;
mod put;
mod render;
mod s3_credentials;
mod scan;
mod serve;
mod token;
mod upkeep;
mod user;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::access::{Action, DEFAULT_CLINIC};
use crate::audit::{self, Subject};
use crate::causes;
use crate::config::{Config, Source};
use crate::db::Tx;
use crate::ids::ClinicId;
use crate::open::{self, Opened};

/// The document room for healthcare apps.
#[derive(Parser)]
#[command(name = "strongroom", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve: API, embedded S3 endpoint, pages
    Serve(serve::Args),
    /// Print a token (JWT) for a user
    Token(token::Args),
    /// Make, list and revoke API keys
    Key(key::Args),
    /// Add, list and disable the people who sign in to the pages
    User(user::Args),
    /// Send files to a server
    Put(put::Args),
    /// Fetch a document from a server
    Get(get::Args),
    /// Print the credentials of the embedded S3 endpoint
    S3Credentials(s3_credentials::Args),
    /// Look at everything, and say what is wrong and what to do (exit code 1 when a check fails)
    Doctor(doctor::Args),
    /// Do now what a running server does by itself every minute
    Upkeep(upkeep::Args),
    /// Scan what waits for the malware scanner, and what came in before it was on
    Scan(scan::Args),
    /// Check the configuration, or print an example of it
    Config(config::Args),
    /// Draw a picture of the file on standard input; the server calls this
    #[command(hide = true)]
    Render,
    /// Print the OpenAPI document
    Openapi,
    /// Print a completion script for a shell
    Completions {
        /// bash, zsh, fish, elvish or powershell
        shell: clap_complete::Shell,
    },
}

/// Why a command was not done.
#[derive(Debug)]
pub enum Failure {
    /// The configuration or the usage is wrong (exit code 2); every problem, a line each.
    Usage(Vec<String>),
    /// It was tried and did not work (exit code 1).
    Failed(String),
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(e: E) -> Self {
        Self::Failed(causes::in_one_line(&e))
    }
}

type Done = Result<(), Failure>;

/// Runs the command of the arguments.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if !matches!(cli.command, Command::Serve(_)) {
        end_quietly_without_a_reader();
    }
    // In a process that is as small as can be: no runtime, no configuration.
    if matches!(cli.command, Command::Render) {
        return report(render::run());
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return report(Err(e.into())),
    };
    let code = report(runtime.block_on(run(cli.command)));
    runtime.shutdown_timeout(Duration::from_secs(5));
    code
}

/// Whoever reads what is printed may stop early (`strongroom doctor | head`): that is no failure
/// of the program, so it ends as other programs do, without a word.
fn end_quietly_without_a_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|text| text.contains("Broken pipe")) {
            std::process::exit(141);
        }
        usual(panic);
    }));
}

async fn run(command: Command) -> Done {
    match command {
        Command::Serve(args) => Box::pin(serve::run(args, load()?)).await,
        Command::Token(args) => token::run(args, load()?).await,
        Command::Key(args) => key::run(args, load()?).await,
        Command::User(args) => user::run(args, load()?).await,
        Command::Put(args) => put::run(args).await,
        Command::Get(args) => get::run(args).await,
        Command::S3Credentials(args) => s3_credentials::run(&args, load()?).await,
        Command::Doctor(args) => doctor::run(&args).await,
        Command::Upkeep(args) => upkeep::run(args, load()?).await,
        Command::Scan(args) => scan::run(args, load()?).await,
        Command::Config(args) => config::run(&args),
        Command::Render => render::run(),
        Command::Openapi => {
            print!("{}", crate::openapi::json());
            Ok(())
        }
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "strongroom", &mut std::io::stdout());
            Ok(())
        }
    }
}

fn report(done: Done) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(problems)) => {
            for problem in problems {
                eprintln!("strongroom: {problem}");
            }
            ExitCode::from(2)
        }
        Err(Failure::Failed(text)) => {
            eprintln!("strongroom: {text}");
            ExitCode::from(1)
        }
    }
}

fn load() -> Result<Config, Failure> {
    let source = Source::load().map_err(Failure::Usage)?;
    Config::load(source).map_err(Failure::Usage)
}

/// Opens database and keys for a command that runs beside the server or without one.
async fn opened(config: Config) -> Result<Opened, Failure> {
    let opened = open::records(config).await?;
    if opened.key_is_new {
        let dir = opened.config.data.dir.display();
        eprintln!(
            "strongroom: nothing was in {dir} yet: a master key was made there. If your server \
             keeps its data elsewhere, run this in its folder or set STRONGROOM_DATA_DIR."
        );
    }
    Ok(opened)
}

/// A span of time such as `90s`, `15m`, `1h`, `90d`.
fn duration(text: &str) -> Result<Duration, String> {
    let right = || format!("{text:?} is no span of time; expected such as 90s, 15m, 1h or 90d");
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let number: u64 = number.parse().map_err(|_| right())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(right()),
    };
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(right)
}

/// Commits what a command changed together with its event.
async fn commit(
    mut tx: Tx,
    opened: &Opened,
    action: Action,
    about: (Subject, Option<ClinicId>),
    detail: serde_json::Value,
) -> Done {
    // What belongs to no clinic is told to the installation's own.
    let clinic = about.1.unwrap_or(DEFAULT_CLINIC);
    let event = open::command_event(opened, action, about.0, clinic, detail);
    audit::rows::insert(&mut tx, &event).await?;
    Ok(tx.commit().await?)
}
