//! What a handler leaves unread of a request's body.
//!
//! On HTTP/1.1 the next request comes behind the body of the one before. Where a call is refused
//! before its body was read, a small rest is read and thrown away; of a larger one the answer says
//! that the connection ends. Without either a client that keeps connections would send its next
//! request into one that is about to be closed.
//!
//! A body of which nothing more comes for a minute is given up: a client that fell silent must not
//! hold its place for ever.
//!
//! Invariants: at most 1 MiB of a rest is read, for at most a second; nothing of it is held. A
//! client that waits to be told to go on is never told so only for its body to be thrown away.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Version, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Sleep, sleep};

/// Most bytes of a rest that are read.
const MOST: u64 = 1024 * 1024;
/// For how long.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a client may be silent in the middle of a body.
const SILENCE: Duration = Duration::from_mins(1);

/// What became of a body.
enum Fate {
    /// The handler has it.
    Held,
    /// It was read to its end.
    Ended,
    /// The handler let go of it; nothing of it was asked for where it is not `begun`.
    Left { body: Body, begun: bool },
}

/// The body of a request that is being answered.
pub struct Rest {
    fate: Arc<Mutex<Fate>>,
    waits: bool,
}

/// Looks after the body of a request; `None` where there is none or no rest that matters.
pub fn watch(request: Request) -> (Request, Option<Rest>) {
    if request.body().is_end_stream() {
        return (request, None);
    }
    let fate = Arc::new(Mutex::new(Fate::Held));
    let waits = request.headers().contains_key(header::EXPECT);
    let rest = Rest { fate: Arc::clone(&fate), waits };
    // In HTTP/2 what follows does not come behind it.
    let rest = (request.version() < Version::HTTP_2).then_some(rest);
    (request.map(|body| Body::new(Watched::new(body, fate, SILENCE))), rest)
}

impl Rest {
    /// Reads what is left, or writes into the answer's headers that the connection ends.
    pub async fn settle(self, answer: &mut HeaderMap) {
        let fate = std::mem::replace(
            &mut *self.fate.lock().unwrap_or_else(PoisonError::into_inner),
            Fate::Held,
        );
        let settled = match fate {
            Fate::Ended => true,
            Fate::Held => false,
            Fate::Left { begun: false, .. } if self.waits => false,
            Fate::Left { body, .. } if body.size_hint().lower() > MOST => false,
            Fate::Left { body, .. } => {
                tokio::time::timeout(PATIENCE, drain(body)).await.unwrap_or(false)
            }
        };
        if !settled {
            answer.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// Whether the body came to its end within bounds.
async fn drain(mut body: Body) -> bool {
    let mut came = 0;
    while came <= MOST {
        match body.frame().await {
            Some(Ok(frame)) => came += frame.data_ref().map_or(0, |bytes| bytes.len() as u64),
            Some(Err(_)) => return false,
            None => return true,
        }
    }
    false
}

/// A body that tells what became of it when it is let go.
struct Watched {
    body: Option<Body>,
    begun: bool,
    ended: bool,
    fate: Arc<Mutex<Fate>>,
    silence: Duration,
    /// Runs while nothing comes.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    const fn new(body: Body, fate: Arc<Mutex<Fate>>, silence: Duration) -> Self {
        Self { body: Some(body), begun: false, ended: false, fate, silence, patience: None }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.begun = true;
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            self.ended = frame.is_none();
            self.patience = None;
            return Poll::Ready(frame);
        }
        let silence = self.silence;
        let patience = self.patience.get_or_insert_with(|| Box::pin(sleep(silence)));
        ready!(patience.as_mut().poll(cx));
        let silent = io::Error::new(io::ErrorKind::TimedOut, "nothing more of the body came");
        Poll::Ready(Some(Err(axum::Error::new(silent))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let Some(body) = self.body.take() else { return };
        let fate = if self.ended || body.is_end_stream() {
            Fate::Ended
        } else {
            Fate::Left { body, begun: self.begun }
        };
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner) = fate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(length: usize, expects: bool) -> Request {
        let mut request = Request::new(Body::from(vec![0; length]));
        if expects {
            request.headers_mut().insert(header::EXPECT, HeaderValue::from_static("100-continue"));
        }
        request
    }

    async fn closes(rest: Option<Rest>) -> bool {
        let mut headers = HeaderMap::new();
        rest.expect("a body that matters").settle(&mut headers).await;
        headers.contains_key(header::CONNECTION)
    }

    #[tokio::test]
    async fn a_small_rest_is_read_and_a_large_one_ends_the_connection() {
        for (length, expects, closing) in [
            (10, false, false),
            (1_048_576, false, false),
            (1_048_577, false, true),
            (10, true, true),
        ] {
            let (request, rest) = watch(request(length, expects));
            drop(request);
            assert_eq!(closes(rest).await, closing, "{length} {expects}");
        }
    }

    #[tokio::test]
    async fn a_body_that_was_read_keeps_the_connection_however_long_it_was() {
        let (request, rest) = watch(request(3_000_000, true));
        let read = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(read.len(), 3_000_000);
        assert!(!closes(rest).await);
    }

    #[tokio::test]
    async fn a_rest_without_end_or_one_that_never_comes_ends_the_connection() {
        let endless = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0_u8; 1000]));
        let (request, rest) = watch(Request::new(Body::from_stream(endless)));
        drop(request);
        assert!(closes(rest).await);
        let never = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let (request, rest) = watch(Request::new(Body::from_stream(never)));
        drop(request);
        assert!(closes(rest).await);
    }

    #[tokio::test]
    async fn a_body_that_falls_silent_is_given_up_and_one_that_is_slow_is_not() {
        let piece = |n: u8| async move {
            sleep(Duration::from_millis(if n < 5 { 30 } else { 60_000 })).await;
            Some((Ok::<_, io::Error>(vec![n]), n + 1))
        };
        let body = Body::from_stream(futures::stream::unfold(0, piece));
        let fate = Arc::new(Mutex::new(Fate::Held));
        let mut watched = Watched::new(body, fate, Duration::from_millis(300));
        for n in 0..5 {
            let frame = watched.frame().await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap()[..], [n]);
        }
        let silent = watched.frame().await.unwrap().unwrap_err();
        assert!(silent.to_string().contains("nothing more"), "{silent}");
    }

    #[test]
    fn nothing_is_watched_without_a_body() {
        assert!(watch(request(0, false)).1.is_none());
    }
}
