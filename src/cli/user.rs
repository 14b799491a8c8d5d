//! `strongroom user`: the people who sign in to the pages.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Subcommand;

use super::{Done, Failure, commit, opened};
use crate::access::{Action, DEFAULT_CLINIC, Role, rows, users};
use crate::audit::Subject;
use crate::config::Config;
use crate::http::fields::is_label;
use crate::ids::{ClinicId, PatientId};
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
        /// Whose documents a user of the role patient sees; may be repeated
        #[arg(long = "patient")]
        patients: Vec<String>,
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
        Command::Add { name, role, patients, clinic } => match fitting(role, patients) {
            Ok(patients) => add(&opened, (name, role), &patients, clinic).await,
            Err(wrong) => Err(wrong),
        },
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

/// The patients of a new user, where they go with the role: the rules of `POST /api/users`.
fn fitting(role: Role, patients: Vec<String>) -> Result<Vec<PatientId>, Failure> {
    let wrong = match role {
        Role::Service => {
            "a service is no person: `strongroom key create --role service` makes a key"
        }
        Role::Patient if patients.is_empty() => {
            "a user of the role patient needs --patient with the patient's own id"
        }
        Role::Patient if !patients.iter().all(|id| is_label(id)) => {
            "--patient: must have 1 to 128 characters, none of them control characters"
        }
        Role::Patient => return Ok(patients.into_iter().map(PatientId::new).collect()),
        _ if patients.is_empty() => return Ok(Vec::new()),
        _ => "--patient goes with the role patient alone",
    };
    Err(Failure::Usage(vec![wrong.to_owned()]))
}

async fn add(
    opened: &Opened,
    (name, role): (String, Role),
    patients: &[PatientId],
    clinic: Option<ClinicId>,
) -> Done {
    let (password, made) = password()?;
    let shown = made.then(|| password.clone());
    let user = users::NewUser { name: name.clone(), password, role, clinic };
    let prepared = user.prepare().await?;
    let mut tx = opened.db.begin().await?;
    users::insert_user(&mut tx, &prepared, opened.clock.now()).await?;
    for patient in patients {
        rows::insert_patient_of_user(&mut tx, &name, patient).await?;
    }
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
