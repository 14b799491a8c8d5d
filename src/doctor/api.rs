//! `POST /api/v2/aws/s3/test`: the examination of a running server, told check by check.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::mpsc::channel;
use http::header;
use utoipa::ToSchema;

use super::{Check, examine};
use crate::access::{Call, Target, TargetKind};
use crate::app::App;
use crate::http::{ApiError, ApiQuery, Code, Nothing};

/// More checks than there are.
const MOST: usize = 256;

/// One line of the answer, as the contract says it.
#[derive(ToSchema)]
#[schema(as = SelfTestCheck)]
#[expect(dead_code, reason = "it only describes what `Check` is written as")]
pub struct CheckLine {
    /// What was looked at; stable.
    name: String,
    /// `ok`, `skipped` (does not apply), `warn` or `fail`.
    verdict: String,
    /// What was seen.
    seen: String,
    /// What to do.
    r#do: Option<String>,
    /// How long it took, in milliseconds.
    #[schema(rename = "tookMs")]
    took_ms: u64,
}

/// Try everything an installation needs: one line of JSON a check, as each is made. It writes a few
/// small objects and removes them. One at a time.
#[utoipa::path(post, path = "/api/v2/aws/s3/test",
    operation_id = "selfTest", tag = "storage",
    responses((status = 200, body = CheckLine, content_type = "application/x-ndjson")))]
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
        let mut tell = |check: Check| {
            // Nobody may be listening any more.
            let _ = lines.try_send(line(&check));
        };
        runtime.block_on(examine(&app.config, &app.clock, Some(app.store.clone()), &mut tell));
        drop(turn);
    });
    let body = Body::from_stream(told.map(Ok::<_, std::convert::Infallible>));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn line(check: &Check) -> Bytes {
    let mut line = serde_json::to_vec(check).unwrap_or_default();
    line.push(b'\n');
    line.into()
}
