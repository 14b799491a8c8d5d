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

    async fn read(pieces: usize, size: usize, pause: u64) -> Result<usize, BodyError> {
        let body = stream::iter(0..pieces).then(move |_| async move {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            Ok::<_, std::io::Error>(Bytes::from(vec![0; size]))
        });
        let mut body = paced(Box::pin(body), Duration::from_secs(30));
        let mut came = 0;
        while let Some(piece) = body.next().await {
            came += piece?.len();
        }
        Ok(came)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_may_take_its_time_and_one_that_trickles_may_not() {
        assert_eq!(read(100, 10_000, 29).await.unwrap(), 1_000_000);
        assert_eq!(read(7, 1, 4).await.unwrap(), 7, "a short one ends before patience does");
        for (size, pause) in [(1, 4), (8_000, 20), (10_000, 31)] {
            let refused = read(100, size, pause).await.unwrap_err();
            assert!(refused.is::<Stalled>(), "{size} bytes each {pause} s: {refused}");
        }
    }
}
