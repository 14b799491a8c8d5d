//! A body that has to keep coming: a client that sends a byte now and then would otherwise hold a
//! connection, a row and memory for as long as it likes.

use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use tokio::time::Instant;

use super::form::BodyError;

/// What has to come within each span of patience, bytes: ten times less than the slowest line that
/// anybody uploads by.
const PACE: usize = 8 * 1024;

/// The body stood still.
#[derive(Debug, thiserror::Error)]
#[error("the body stood still")]
pub struct Stalled;

/// The same body; an error once less than 8 KiB of it came within `patience`.
pub fn paced<S, E>(
    body: S,
    patience: Duration,
) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + Unpin
where
    S: Stream<Item = Result<Bytes, E>> + Send + Unpin,
    E: Into<BodyError>,
{
    let begin = (body, patience, 0);
    let paced = stream::try_unfold(begin, move |(mut body, left, came)| async move {
        // Time runs only while somebody waits for the sender.
        let waiting = Instant::now();
        let piece = tokio::time::timeout(left, body.next()).await.map_err(|_| Stalled)?;
        let Some(piece) = piece.transpose().map_err(Into::into)? else { return Ok(None) };
        let came = came + piece.len();
        let next = if came >= PACE {
            (body, patience, 0)
        } else {
            (body, left.saturating_sub(waiting.elapsed()), came)
        };
        Ok(Some((piece, next)))
    });
    Box::pin(paced)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read<S>(body: S, patience: Duration) -> Result<usize, BodyError>
    where
        S: Stream<Item = Result<Bytes, std::io::Error>> + Send + Unpin,
    {
        let (mut body, mut came) = (paced(body, patience), 0);
        while let Some(piece) = body.next().await {
            came += piece?.len();
        }
        Ok(came)
    }

    #[tokio::test]
    async fn a_body_that_comes_is_not_hurried_and_one_that_stands_still_is_an_error() {
        let piece = || Ok(Bytes::from_static(b"x"));
        // No patience at all: what is there counts nevertheless.
        let ready = stream::iter((0..100).map(|_| piece()));
        assert_eq!(read(ready, Duration::ZERO).await.unwrap(), 100);
        let still = stream::iter([piece()]).chain(stream::pending());
        let refused = read(still, Duration::from_millis(1)).await.unwrap_err();
        assert!(refused.is::<Stalled>(), "{refused}");
        let broken = stream::iter([piece(), Err(std::io::Error::other("gone"))]);
        assert!(!read(broken, Duration::ZERO).await.unwrap_err().is::<Stalled>());
    }
}
