//! Work that goes on to its end although its caller has gone: what has begun to write is not to be
//! dropped in the middle, it has to clear up and to tell the trail.

use tracing::Instrument as _;

use super::{ApiError, Code};

/// Does the work in a task of its own and waits for it. Where the waiting ends early, because the
/// client has hung up, the work does not.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ApiError>> + Send + 'static,
) -> Result<T, ApiError> {
    #[expect(clippy::disallowed_methods, reason = "this place owns the task and waits for it")]
    let task = tokio::spawn(work.in_current_span());
    task.await.unwrap_or_else(|e| {
        Err(ApiError::new(Code::Internal, "The server failed at this call.").with_source(e))
    })
}
