//! `POST /api/v2/aws/s3/test`: the examination of a running server, told check by check.

use std::time::Instant;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::mpsc::channel;
use http::header;

use super::{Check, examine, worst};
use crate::access::{Call, Target, TargetKind};
use crate::app::App;
use crate::http::{ApiError, ApiQuery, Code, Nothing};

/// More checks than there are.
const MOST: usize = 256;

/// The last line's name. An answer without it broke off.
const SUMMARY: &str = "summary";

/// Try everything an installation needs: one line of JSON a check, as each is made, and a last one,
/// `summary`, with the worst verdict; without that one, the test broke off. It writes a few small
/// objects and removes them. One at a time.
#[utoipa::path(post, path = "/api/v2/aws/s3/test",
    operation_id = "selfTest", tag = "storage",
    responses((status = 200, body = Check, content_type = "application/x-ndjson")))]
pub async fn self_test(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<Response, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::System, call.clinic())).await?;
    let Ok(turn) = app.self_test.clone().try_acquire_owned() else {
        let detail = "A self-test is running; it ends within a minute or two.";
        return Err(ApiError::new(Code::WrongState, detail));
    };
    grant.begin().await?.commit(None).await?;
    let (mut lines, told) = channel(MOST);
    // Of its own: who leaves in the middle must not leave objects in the store. On a thread of its
    // own: it looks at the database through connections that stay on one.
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let (begun, mut checks) = (Instant::now(), Vec::new());
        let mut tell = |check: Check| {
            // Nobody may be listening any more.
            let _ = lines.try_send(line(&check));
            checks.push(check);
        };
        runtime.block_on(examine(&app.config, &app.clock, Some(app.store.clone()), &mut tell));
        let _ = lines.try_send(line(&summary(&checks).took(begun.elapsed())));
        drop(turn);
    });
    let body = Body::from_stream(told.map(Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn summary(checks: &[Check]) -> Check {
    let seen = format!("{} checks were made", checks.len());
    Check::new(SUMMARY, worst(checks), seen)
}

fn line(check: &Check) -> Bytes {
    let mut line = serde_json::to_vec(check).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
