//! `strongroom serve`: everything on one port, until it is told to stop.

use std::io::IsTerminal as _;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::{Done, Failure, demo};
use crate::access::rows;
use crate::app::App;
use crate::config::{Config, LogConfig};
use crate::documents::{self, WireTrail};
use crate::store::local::LocalStore;
use crate::{http, open, operation, routes, upkeep, webhooks};

/// Most orphaned files that one sweep removes; the next one goes on.
const SWEEP_MOST: usize = 10_000;
/// Between two sweeps.
const SWEEP_EACH: std::time::Duration = std::time::Duration::from_hours(6);

#[derive(clap::Args)]
pub struct Args {
    /// Fill in a made-up clinic with patients and the sample files, if there is none yet
    #[arg(long)]
    demo: bool,
}

pub async fn run(args: Args, config: Config) -> Done {
    start_log(&config.log)?;
    operation::collect_metrics()?;
    let tls = match &config.server.tls {
        Some((certificate, key)) => Some(http::listen::tls(certificate, key)?),
        None => None,
    };
    // Listening comes first: a taken port should be told before anything is made.
    let listener = TcpListener::bind(config.server.listen).await.map_err(|e| {
        Failure::Failed(format!(
            "cannot listen on {} ({e}); is another server running? STRONGROOM_LISTEN names \
             another address",
            config.server.listen
        ))
    })?;
    let opened = open::records(config).await?;
    let key_is_new = opened.key_is_new;
    let jwt = opened.jwt();
    let (app, local) = opened.into_app().await?;
    let wire = local.as_ref().map(|store| WireTrail::wire(&app, store));
    welcome(&app.config, key_is_new, args.demo);
    if !rows::has_users(&mut app.db.reader().await?).await? {
        invite(&app);
    }
    let service = routes::router(app.clone(), wire);
    let serving = http::listen::serve(listener, tls, service, stop_signal());
    let beside = async {
        if args.demo
            && let Err(e) = demo::fill(&app, &jwt).await
        {
            tracing::warn!("the demo could not be filled in: {e}");
        }
        tokio::join!(upkeep::run(&app), webhooks::run(&app), keep_swept(local.as_deref()));
    };
    tokio::select! {
        served = serving => served?,
        () = beside => {}
        () = documents::keep_scanning(&app) => {}
    }
    tracing::info!("stopped; what was in flight has ended");
    if let Some(store) = &local {
        store.close().await;
    }
    app.db.close().await;
    Ok(())
}

/// Sweeps when it starts and then now and then: what was cut off a moment before a start is still
/// too young for its sweep.
async fn keep_swept(store: Option<&LocalStore>) {
    let Some(store) = store else { return };
    loop {
        sweep(store).await;
        tokio::time::sleep(SWEEP_EACH).await;
    }
}

/// Removes what uploads that were cut off left behind: a crash between a file's rename and the
/// commit of its row leaves a file that nothing names. It looks at every file, so it goes on beside
/// serving.
async fn sweep(store: &LocalStore) {
    match store.sweep(SWEEP_MOST).await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "files that no document needs were removed"),
        Err(e) => tracing::warn!(error = %e, "the store could not be swept"),
    }
}

fn start_log(config: &LogConfig) -> Done {
    let filter = EnvFilter::try_new(&config.filter).map_err(|e| {
        Failure::Usage(vec![format!("STRONGROOM_LOG: {:?} is no filter: {e}", config.filter)])
    })?;
    // Libraries on the wire print headers and forms when asked for detail: those may hold names.
    let quiet = [
        "s3s=off",
        "hyper=warn",
        "sqlx=warn",
        "h2=warn",
        "reqwest=warn",
        "aws_sigv4=warn",
        "aws_config=warn",
        "aws_runtime=warn",
        "aws_sdk_s3=warn",
        "aws_smithy_runtime=warn",
        "aws_smithy_runtime_api=warn",
        "aws_smithy_http_client=warn",
    ];
    let filter = quiet.iter().filter_map(|d| d.parse().ok()).fold(filter, EnvFilter::add_directive);
    let terminal = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if config.json.unwrap_or(!terminal) {
        log.json().flatten_event(true).init();
    } else {
        log.with_ansi(terminal).init();
    }
    Ok(())
}

async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; calls in flight have 30 seconds to end");
}

fn welcome(config: &Config, key_is_new: bool, demo: bool) {
    let (url, dir) = (&config.server.public_url, config.data.dir.display());
    tracing::info!(listen = %config.server.listen, url, data = %dir, "strongroom is serving");
    if key_is_new {
        let made = "a master key was made; without it no stored document can ever be read again: \
                    back it up now, somewhere else than the data directory";
        tracing::warn!(file = %config.data.dir.join("master.key").display(), "{made}");
    }
    if !std::io::stderr().is_terminal() && !demo {
        return;
    }
    if key_is_new {
        eprintln!("\n  A MASTER KEY WAS MADE: {dir}/master.key");
        eprintln!("  Without it no stored document can ever be read again. Back it up now,");
        eprintln!("  somewhere else than the data directory.");
    }
    eprintln!("\n  API        {url}/docs");
    match &config.store.s3 {
        Some(_) => {
            eprintln!("  bucket     {} ({})", config.store.bucket, config.store.region);
        }
        None => {
            eprintln!("  S3         {url}/{}   (strongroom s3-credentials)", config.store.bucket);
        }
    }
    eprintln!("  data       {dir}");
    eprintln!("{}", tour(url));
}

/// Says how the first user is made. The link is a secret until then, so it goes to a person or a
/// file that the operator chose, never into the log.
fn invite(app: &App) {
    let (url, token) = (&app.config.server.public_url, app.secrets.setup_token());
    eprintln!("\n  Nobody can sign in yet. Make the first user here:");
    eprintln!("  {url}/setup#{}", token.reveal());
}

/// The way through, to paste into another terminal.
fn tour(url: &str) -> String {
    include_str!("tour.txt").replace("{url}", url)
}
