//! `make bench`: the server's release build under load, beside what this machine can do at all.
//!
//! Everything runs on this machine: client, server and disk share its cores, as they do in the
//! figures of the goals. Absolute figures drift from run to run; compare ratios, and processor
//! time an operation.

#![allow(clippy::disallowed_methods, reason = "a measurement needs the real clock")]

mod cases;
mod client;
mod drive;
mod limits;
mod lists;
#[allow(dead_code, reason = "the tests need more of it")]
#[path = "../../tests/it/made_pdf.rs"]
mod made_pdf;
mod seed;
mod server;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::cases::CASES;
use crate::drive::Bench;
use crate::server::Server;
use crate::table::Row;

/// What can go wrong while measuring.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measure the release build under load.
#[derive(Parser)]
#[command(name = "bench")]
struct Args {
    /// How long each case is measured
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many connections at once
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Only the cases whose names contain this; may be repeated
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// A PostgreSQL server, ending in /name, to make the database in; SQLite when left out
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Another build of the server, to compare with
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_strongroom"))]
    binary: PathBuf,
    /// Measure lists and figures over so many documents, and nothing else
    #[arg(long, value_name = "DOCUMENTS")]
    lists: Option<u32>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    table::check_arithmetic();
    let args = Args::parse();
    // One thread: the client is to leave the machine to the server.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(measure(&args))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("bench: {e}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: &Args) -> Result<(), Failure> {
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|o| name.contains(o));
    let server = Server::start(&args.binary, args.database.as_deref(), args.lists).await?;
    eprintln!("the server (process {}) is ready", server.id());
    if let Some(documents) = args.lists {
        let bench = Bench::new(server, 1, args.seconds.max(1));
        lists::measure(&bench, documents).await?;
        return bench.server.stop().await;
    }
    let limits = limits::measure(server.dir())?;
    let bench = Bench::new(server, args.connections, args.seconds.max(1));
    let mut rows = Vec::new();
    for case in CASES.iter().filter(|case| wanted(case.name)) {
        eprintln!("{} …", case.name);
        bench.next_case();
        let seen = cases::run(&bench, case.name).await?;
        let (limit, limit_name) = (case.limit)(&limits);
        let figure = if case.unit == "/s" { seen.rate } else { seen.bytes / 1e6 };
        rows.push(Row {
            name: case.name,
            figure,
            unit: case.unit,
            goal: case.goal,
            limit,
            limit_name,
            p50_ms: seen.p50_ms,
            p99_ms: seen.p99_ms,
            cpu_ms: seen.cpu_ms,
            memory_mib: seen.memory_mib,
        });
    }
    bench.server.stop().await?;
    if args.json {
        println!("{}", serde_json::json!({ "limits": limits, "cases": rows }));
        return Ok(());
    }
    let engine = if args.database.is_some() { "PostgreSQL" } else { "SQLite" };
    let (connections, seconds) = (args.connections, args.seconds);
    println!("\n{engine}, {connections} connections, {seconds} s a case, medians of 5\n");
    print!("{}", table::table(&rows));
    println!(
        "\nlimits here: SHA-256 {:.0} MB/s and AES-256-GCM {:.0} MB/s on one core, loopback TCP \
         {:.0} MB/s, fdatasync of 4 KiB {:.0}/s, sequential write {:.0} MB/s",
        limits.sha256, limits.aes_gcm, limits.loopback, limits.fdatasync, limits.disk
    );
    Ok(())
}
