//! What operators and their tools ask: alive, ready, figures, configured how. None of it is about
//! a patient.

pub mod config;

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::App;
use crate::causes;
use crate::documents;
use crate::http::{ApiError, ApiJson, Code};

/// The process's one recorder: the `metrics` crate knows no other kind.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// How long the database may take to be called ready.
const PATIENCE: Duration = Duration::from_secs(3);

/// Upper bounds of the buckets of request times, in seconds.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Begins to collect figures; a second call does nothing.
pub fn collect_metrics() -> Result<(), BuildError> {
    if RECORDER.get().is_some() {
        return Ok(());
    }
    let buckets = Matcher::Suffix("_seconds".to_owned());
    let recorder =
        PrometheusBuilder::new().set_buckets_for_metric(buckets, SECONDS)?.install_recorder()?;
    let _ = RECORDER.set(recorder);
    Ok(())
}

/// The process answers.
pub async fn healthz() -> ApiJson<serde_json::Value> {
    ApiJson(serde_json::json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION") }))
}

/// Database and store can be used.
pub async fn readyz(State(app): State<App>) -> Response {
    let (db, store, scanner) = tokio::join!(database(&app), app.store.check(), scanner(&app));
    if let Err(e) = &db {
        tracing::warn!(error = %e, "the database is not ready");
    }
    if let Err(e) = &store {
        tracing::warn!(error = %e, "the store is not ready");
    }
    if let Err(e) = &scanner {
        tracing::warn!(error = %e, "the scanner is not ready; uploads wait for it");
    }
    let word = |ok: bool| if ok { "ok" } else { "unavailable" };
    let ready = db.is_ok() && store.is_ok();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({
        "status": word(ready),
        "database": { "engine": app.db.engine(), "status": word(db.is_ok()) },
        "store": { "provider": app.store.provider(), "status": word(store.is_ok()) },
        // What is there is served without it; what comes in waits.
        "scanner": {
            "kind": app.config.scanning.scanner.as_str(), "status": word(scanner.is_ok()),
        },
    });
    (status, ApiJson(body)).into_response()
}

/// Whether what waits for the scanner waits for one that answers. Where it is off nothing should
/// wait; what does was left when it was switched off, and nobody can read it. One that answers and
/// gives no verdict for a day (a bucket's scanner that leaves no tag) is as good as none.
async fn scanner(app: &App) -> Result<(), String> {
    app.scanning.check().await.map_err(|e| e.to_string())?;
    // A database that does not answer is told of as such.
    let looked = tokio::time::timeout(PATIENCE, documents::scan_queue(app)).await;
    let Ok(Ok(queue)) = looked else { return Ok(()) };
    let overdue = documents::is_overdue(queue.since, app.clock.now());
    match (app.scanning.is_on(), queue.waiting) {
        (false, waiting @ 1..) => Err(format!("{waiting} documents wait for it, and it is off")),
        (true, waiting @ 1..) if overdue => {
            Err(format!("{waiting} documents wait for it, the first for more than a day"))
        }
        _ => Ok(()),
    }
}

/// Whether the database answers soon. A call waits longer for it; who asks whether to send calls
/// here does not.
async fn database(app: &App) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, app.db.ping()).await {
        Ok(pinged) => pinged.map_err(|e| causes::in_one_line(&e)),
        Err(_) => Err(format!("it did not answer within {} seconds", PATIENCE.as_secs())),
    }
}

/// Figures in Prometheus' text format.
pub async fn metrics() -> Result<Response, ApiError> {
    let recorder = RECORDER
        .get()
        .ok_or_else(|| ApiError::new(Code::Unavailable, "No figures are collected here."))?;
    recorder.run_upkeep();
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, text)], recorder.render()).into_response())
}
