//! A body that has to keep coming: a client that sends a byte now and then would otherwise hold a
//! connection, a row and memory for as long as it likes.

use std::time::Duration;

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

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

/// The same of a body that goes on as one: its length and its frames stay what they are.
pub fn paced_body(body: Body, patience: Duration) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Paced { body, patience, left: patience, came: 0, waits: None })
}

struct Paced {
    body: Body,
    patience: Duration,
    /// What is left of the patience, and what came meanwhile.
    left: Duration,
    came: usize,
    /// Since when somebody waits for the sender: only then time runs.
    waits: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            let waited = self.waits.take().map_or(Duration::ZERO, |(since, _)| since.elapsed());
            self.left = self.left.saturating_sub(waited);
            let piece = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
            self.came += piece.map_or(0, Bytes::len);
            if self.came >= PACE {
                (self.left, self.came) = (self.patience, 0);
            }
            return Poll::Ready(frame);
        }
        let left = self.left;
        let (_, patience) =
            self.waits.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
        std::task::ready!(patience.as_mut().poll(cx));
        Poll::Ready(Some(Err(axum::Error::new(Stalled))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_body_that_goes_on_as_one_keeps_its_length_and_its_pace() {
        let whole = paced_body(Body::from(vec![0; 9000]), Duration::ZERO);
        assert_eq!(whole.size_hint().exact(), Some(9000));
        assert_eq!(whole.collect().await.unwrap().to_bytes().len(), 9000);
        // So many bytes now and then: too few of them are too slow, however often they come.
        let drips = async |bytes: usize| {
            let drip = stream::unfold(0, move |n| async move {
                sleep(Duration::from_millis(20)).await;
                (n < 100).then(|| (Ok::<_, std::io::Error>(Bytes::from(vec![0; bytes])), n + 1))
            });
            let body = paced_body(Body::from_stream(drip), Duration::from_secs(1));
            body.collect().await.map(|_| ())
        };
        assert!(drips(PACE).await.is_ok());
        let slow = drips(1).await.unwrap_err();
        assert!(slow.to_string().contains("stood still"), "{slow}");
    }

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
