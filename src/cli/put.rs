//! `strongroom put`: sends files to a server, large ones in parts that go on where they stopped.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::client::upload::{About, Plan, Uploader};
use super::client::{Client, ClientError, Reporter, ServerArgs, human};
use super::{Done, Failure};

#[derive(clap::Args)]
pub struct Args {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The patient they belong to
    #[arg(long, value_name = "ID", required_unless_present = "entity_type")]
    patient: Option<String>,
    /// medical-records, prescriptions, lab-results, imaging, insurance, consent-forms,
    /// intake-forms, invoices or other (default: other)
    #[arg(long)]
    category: Option<String>,
    /// The media type; else by the file's name or content
    #[arg(long = "type", value_name = "MIME")]
    media_type: Option<String>,
    /// The name it gets; else the file's own
    #[arg(long)]
    name: Option<String>,
    /// What else they belong to: provider, appointment, …
    #[arg(long, requires = "entity_id")]
    entity_type: Option<String>,
    /// The id of that
    #[arg(long, requires = "entity_type")]
    entity_id: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    /// Transfers at once
    #[arg(long, value_name = "N", default_value_t = 4,
        value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// Give up what was begun and cut off, and begin anew
    #[arg(long)]
    no_resume: bool,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON, a line for each file
    #[arg(long)]
    json: bool,
}

pub async fn run(args: Args) -> Done {
    if args.name.is_some() && args.files.len() > 1 {
        let right = "--name goes with one file; without it each keeps its own name";
        return Err(Failure::Usage(vec![right.to_owned()]));
    }
    let about = About {
        patient: args.patient,
        category: args.category,
        media_type: args.media_type,
        name: args.name,
        entity: args.entity_type.zip(args.entity_id),
    };
    let config = args.server.config()?;
    let reporter = Reporter::new(args.json);
    if args.dry_run {
        return ended(dry_run(&args.files, &about, args.json), args.files.len());
    }
    let parallel = usize::from(args.parallel);
    let uploader = Uploader {
        client: Client::new(&config)?,
        about,
        state_dir: config.state_dir,
        fresh: args.no_resume,
        leave: Arc::new(Semaphore::new(parallel)),
        parallel,
        reporter: reporter.clone(),
    };
    let count = args.files.len();
    let sending = futures::stream::iter(args.files)
        .map(|path| one(&uploader, path, args.json))
        .buffer_unordered(parallel)
        .filter(|sent| std::future::ready(!sent))
        .count();
    let failed = tokio::select! {
        failed = sending => failed,
        () = super::client::interrupted() => {
            let text = "interrupted; the same command goes on where it stopped";
            return Err(Failure::Failed(text.to_owned()));
        }
    };
    ended(failed, count)
}

fn ended(failed: usize, count: usize) -> Done {
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Failed(format!("{failed} of {count} failed"))),
    }
}

/// Sends one file and tells how it went; whether it went well.
async fn one(uploader: &Uploader, path: PathBuf, as_json: bool) -> bool {
    let begun = Instant::now();
    let shown = path.display().to_string();
    let sent = match Plan::of(&path, &uploader.about) {
        Ok(plan) => uploader.send(&plan).await,
        Err(e) => Err(e),
    };
    match sent {
        Ok(sent) if as_json => {
            let line = json!({
                "file": shown, "ok": true, "document": sent.document, "parts": sent.parts,
                "partsKept": sent.kept, "seconds": begun.elapsed().as_secs_f64(),
            });
            uploader.reporter.result(&line.to_string());
            true
        }
        Ok(sent) => {
            let line = in_words(&sent.document, &shown, begun);
            uploader.reporter.result(&line);
            true
        }
        Err(e) => {
            tell(&uploader.reporter, &shown, &e, as_json);
            false
        }
    }
}

fn in_words(document: &Value, shown: &str, begun: Instant) -> String {
    let id = document["id"].as_str().unwrap_or("?");
    let size = document["size"].as_u64().unwrap_or(0);
    let seconds = begun.elapsed().as_secs_f64();
    let state = match document["state"].as_str() {
        Some("available") | None => String::new(),
        Some(state) => format!(", {state}"),
    };
    format!("{id}  {shown}  {} in {seconds:.1} s{state}", human(size))
}

fn tell(reporter: &Reporter, shown: &str, e: &ClientError, as_json: bool) {
    if as_json {
        let line = json!({ "file": shown, "ok": false, "error": e.json() });
        reporter.result(&line.to_string());
    } else {
        let text = e.to_string();
        // What is wrong with the file itself names it already.
        let text = if text.starts_with(shown) { text } else { format!("{shown}: {text}") };
        reporter.say(&format!("strongroom: {text}"));
    }
}

/// Shows what would be sent; how many files could not be.
fn dry_run(files: &[PathBuf], about: &About, as_json: bool) -> usize {
    let reporter = if as_json { Reporter::Silent } else { Reporter::Lines };
    let mut failed = 0;
    for path in files {
        let shown = path.display().to_string();
        match Plan::of(path, about) {
            Ok(plan) if as_json => {
                let line = json!({
                    "file": shown, "ok": true, "dryRun": true, "filename": plan.name,
                    "contentType": plan.media_type, "size": plan.file.size,
                    "patientId": about.patient, "category": about.category,
                    "inParts": plan.in_parts(),
                });
                reporter.result(&line.to_string());
            }
            Ok(plan) => {
                let way = if plan.in_parts() { "in parts" } else { "in one request" };
                let (size, kind) = (human(plan.file.size), &plan.media_type);
                reporter.result(&format!("would send {shown}  {kind}  {size}  {way}"));
            }
            Err(e) => {
                failed += 1;
                tell(&reporter, &shown, &e, as_json);
            }
        }
    }
    failed
}
