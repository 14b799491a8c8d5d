//! `strongroom user`: the people who sign in to the pages.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Subcommand;

use super::{Done, Failure, commit, opened};
use crate::access::{Action, DEFAULT_CLINIC, Role, rows, users};
use crate::audit::Subject;
use crate::config::Config;
use crate::ids::ClinicId;
use crate::open::Opened;
use crate::sensitive::Secret;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Add a user; the password is read from standard input (one line), or made and printed
    Add {
        /// The name to sign in with
        name: String,
        /// admin, clinician, staff, patient or auditor
        #[arg(long)]
        role: Role,
        /// The clinic; the single clinic of a small installation when left out
        #[arg(long)]
        clinic: Option<ClinicId>,
    },
    /// List the users
    List {
        /// The clinic; the single clinic of a small installation when left out
        #[arg(long)]
        clinic: Option<ClinicId>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Shut a user out; their sessions end at once
    Disable {
        /// The user's name
        name: String,
        /// The clinic; the single clinic of a small installation when left out
        #[arg(long)]
        clinic: Option<ClinicId>,
    },
}

pub async fn run(args: Args, config: Config) -> Done {
    let opened = opened(config).await?;
    let done = match args.command {
        Command::Add { name, role, clinic } => add(&opened, name, role, clinic).await,
        Command::List { clinic, json } => {
            list(&opened, clinic.unwrap_or(DEFAULT_CLINIC), json).await
        }
        Command::Disable { name, clinic } => {
            disable(&opened, clinic.unwrap_or(DEFAULT_CLINIC), &name).await
        }
    };
    opened.db.close().await;
    done
}

/// A line of standard input where something is piped in, else a password of our own making.
fn password() -> Result<(Secret<String>, bool), Failure> {
    if std::io::stdin().is_terminal() {
        return Ok((users::make_password(), true));
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Ok((users::make_password(), true));
    }
    Ok((Secret::new(line.to_owned()), false))
}

async fn add(opened: &Opened, name: String, role: Role, clinic: Option<ClinicId>) -> Done {
    let (password, made) = password()?;
    let shown = made.then(|| password.clone());
    let user = users::NewUser { name: name.clone(), password, role, clinic };
    let prepared = user.prepare().await?;
    let mut tx = opened.db.begin().await?;
    users::insert_user(&mut tx, &prepared, opened.clock.now()).await?;
    let clinic = Some(clinic.unwrap_or(DEFAULT_CLINIC));
    let detail = serde_json::json!({ "add": true, "role": role.as_str() });
    commit(tx, opened, Action::ManageUsers, (subject(&name), clinic), detail).await?;
    match shown {
        Some(password) => {
            eprintln!("User {name} is added, with this password:");
            println!("{}", password.reveal());
        }
        None => eprintln!("User {name} is added."),
    }
    Ok(())
}

fn subject(name: &str) -> Subject {
    Subject { kind: Some("user"), id: Some(name.to_owned()), patient: None }
}

async fn list(opened: &Opened, clinic: ClinicId, json: bool) -> Done {
    let mut reader = opened.db.reader().await?;
    let users = rows::list_users(&mut reader, clinic).await?;
    if json {
        let rows: Vec<_> = users
            .iter()
            .map(|u| {
                serde_json::json!({
                    "name": u.name, "role": u.role, "clinicId": u.clinic_id,
                    "createdAt": u.created_at, "disabledAt": u.disabled_at,
                })
            })
            .collect();
        println!("{}", serde_json::Value::Array(rows));
        return Ok(());
    }
    if users.is_empty() {
        eprintln!("There are no users; `strongroom user add NAME --role R` adds one.");
    }
    for user in &users {
        let state = if user.disabled_at.is_some() { "disabled" } else { "active" };
        println!("{:20}  {:9}  {:8}  {}", user.name, user.role, state, user.clinic_id);
    }
    Ok(())
}

async fn disable(opened: &Opened, clinic: ClinicId, name: &str) -> Done {
    let mut tx = opened.db.begin().await?;
    let disabled = rows::disable_user(&mut tx, clinic, name, opened.clock.now()).await?;
    if !disabled {
        return Err(Failure::Failed(format!("no active user is called {name}")));
    }
    let detail = serde_json::json!({ "disable": true });
    commit(tx, opened, Action::ManageUsers, (subject(name), Some(clinic)), detail).await?;
    eprintln!("User {name} is shut out.");
    Ok(())
}
