//! `strongroom key`: API keys for the programs of an app.

use std::str::FromStr as _;

use clap::Subcommand;

use super::{Done, Failure, commit, duration, opened};
use crate::access::{Action, Role, api_keys};
use crate::audit::Subject;
use crate::config::Config;
use crate::http::fields::is_label;
use crate::ids::{ApiKeyId, ClinicId};
use crate::open::Opened;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a key and print it, once
    Create {
        /// What it is for
        #[arg(long)]
        name: String,
        /// Its role: admin, clinician, staff, service (an app that names the people it acts for)
        /// or auditor
        #[arg(long)]
        role: Role,
        /// The clinic it is bound to; a service key without one names a clinic per call
        #[arg(long)]
        clinic: Option<ClinicId>,
        /// After this time it is not valid any more (90d)
        #[arg(long, value_parser = duration)]
        expires: Option<std::time::Duration>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the keys, never their secrets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// End a key; a running server notices within five seconds
    Revoke {
        /// The key's id, as `key list` shows it
        id: ApiKeyId,
    },
}

pub async fn run(args: Args, config: Config) -> Done {
    let opened = opened(config).await?;
    let done = match args.command {
        Command::Create { name, role, clinic, expires, json } => {
            let expires_at = expires.map(|span| opened.clock.now() + span);
            let new = api_keys::NewKey { name, role, clinic, expires_at };
            create(&opened, new, json).await
        }
        Command::List { json } => list(&opened, json).await,
        Command::Revoke { id } => revoke(&opened, id).await,
    };
    opened.db.close().await;
    done
}

/// The rules of `POST /api/keys`.
fn check(new: &api_keys::NewKey) -> Done {
    let wrong = if !is_label(&new.name) {
        "--name: must have 1 to 128 characters, none of them control characters"
    } else if new.role == Role::Patient {
        "--role: must be admin, clinician, staff, service or auditor; a key is no patient"
    } else {
        return Ok(());
    };
    Err(Failure::Usage(vec![wrong.to_owned()]))
}

async fn create(opened: &Opened, new: api_keys::NewKey, json: bool) -> Done {
    check(&new)?;
    let clinic = new.clinic;
    let mut tx = opened.db.begin().await?;
    let (key, text) = api_keys::create_key(&mut tx, &opened.ids, opened.clock.now(), new).await?;
    let detail = serde_json::json!({ "create": true, "role": key.role.map(Role::as_str) });
    commit(tx, opened, Action::ManageKeys, (subject(key.id), clinic), detail).await?;
    if json {
        let id = key.id.to_string();
        println!("{}", serde_json::json!({ "id": id, "key": text.reveal() }));
    } else {
        eprintln!("Key {} — shown this once; keep it where the app reads its secrets.", key.id);
        println!("{}", text.reveal());
    }
    Ok(())
}

fn subject(id: ApiKeyId) -> Subject {
    Subject { kind: Some("api_key"), id: Some(id.to_string()), patient: None }
}

async fn list(opened: &Opened, json: bool) -> Done {
    let mut reader = opened.db.reader().await?;
    let keys = api_keys::list_keys(&mut reader).await?;
    let now = opened.clock.now();
    if json {
        let rows: Vec<_> = keys
            .iter()
            .map(|key| {
                serde_json::json!({
                    "id": key.id, "name": key.name, "role": key.role.map(Role::as_str),
                    "clinicId": key.clinic, "createdAt": key.created_at,
                    "expiresAt": key.expires_at, "revokedAt": key.revoked_at,
                    "state": key.state(now),
                })
            })
            .collect();
        println!("{}", serde_json::Value::Array(rows));
        return Ok(());
    }
    if keys.is_empty() {
        eprintln!("There are no keys; `strongroom key create --name N --role R` makes one.");
    }
    for key in &keys {
        let role = key.role.map_or("?", Role::as_str);
        println!("{}  {:9}  {:8}  {}", key.id, role, key.state(now), key.name);
    }
    Ok(())
}

async fn revoke(opened: &Opened, id: ApiKeyId) -> Done {
    let mut tx = opened.db.begin().await?;
    let revoked = api_keys::revoke_key(&mut tx, id, opened.clock.now()).await?;
    if !revoked {
        let text = format!("no key {id} is valid; `strongroom key list` shows them all");
        return Err(Failure::Failed(text));
    }
    let detail = serde_json::json!({ "revoke": true });
    commit(tx, opened, Action::ManageKeys, (subject(id), None), detail).await?;
    eprintln!("Key {id} is revoked.");
    Ok(())
}

impl clap::builder::ValueParserFactory for Role {
    type Parser = clap::builder::ValueParser;
    fn value_parser() -> Self::Parser {
        clap::builder::ValueParser::new(|text: &str| Self::from_str(text))
    }
}
