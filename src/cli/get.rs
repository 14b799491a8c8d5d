//! `strongroom get`: fetches a document, checks it, and only then gives it its name.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::client::download::{Download, Fetched, Target, output_is_fit};
use super::client::{Client, Reporter, ServerArgs, human, interrupted};
use super::{Done, Failure};
use crate::ids::DocumentId;

#[derive(clap::Args)]
pub struct Args {
    /// The document's id
    id: DocumentId,
    /// A file, a folder, or - for standard output; else the document's own name, here
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Let the bytes come through the server, where the object store cannot be reached from here
    #[arg(long)]
    through_server: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Done {
    let target = match args.output.as_deref() {
        None => Target::Folder(PathBuf::from(".")),
        Some(path) if path == Path::new("-") => Target::Output,
        Some(path) if path.is_dir() => Target::Folder(path.to_owned()),
        Some(path) => Target::File(path.to_owned()),
    };
    let usage = |right: &str| Err(Failure::Usage(vec![right.to_owned()]));
    if matches!(target, Target::Output) {
        if args.json {
            return usage("--json and -o - would both write to standard output; use one of them");
        }
        if !output_is_fit() {
            return usage("standard output is a terminal; name a file with -o, or pipe it on");
        }
    }
    let config = args.server.config()?;
    let (client, reporter) = (Client::new(&config)?, Reporter::new(args.json));
    let download = Download {
        client: &client,
        id: args.id,
        target,
        force: args.force,
        through_server: args.through_server,
        reporter: &reporter,
    };
    let fetched = tokio::select! {
        fetched = download.run() => fetched,
        () = interrupted() => {
            let text = "interrupted; the same command goes on where it stopped";
            return Err(Failure::Failed(text.to_owned()));
        }
    };
    match fetched {
        Ok(fetched) => {
            tell(&reporter, &fetched, args.json);
            Ok(())
        }
        Err(e) => {
            if args.json {
                reporter.result(&json!({ "ok": false, "error": e.json() }).to_string());
            }
            Err(Failure::Failed(e.to_string()))
        }
    }
}

fn tell(reporter: &Reporter, fetched: &Fetched, as_json: bool) {
    let Some(path) = &fetched.path else { return };
    if as_json {
        let line = json!({
            "ok": true, "path": path, "bytesKept": fetched.kept, "sha256": fetched.sha256,
            "document": fetched.document,
        });
        reporter.result(&line.to_string());
        return;
    }
    let size = human(fetched.document["size"].as_u64().unwrap_or(0));
    let checked = match fetched.document["sha256"] {
        serde_json::Value::Null => "the server knows no SHA-256 of it",
        _ => "its SHA-256 is right",
    };
    reporter.result(&format!("{}  {size}, {checked}", path.display()));
}
