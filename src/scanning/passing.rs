//! Scanning bytes while they pass by on their way into the store.
//!
//! The store takes the stream; each piece is also handed to the scanner, by reference, through a
//! short queue. The slower of the two sets the pace, within bounds: a scanner that does not keep
//! up is left behind, the upload goes on, and the document waits to be scanned from the store.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::{Clamd, ScanError, Scanner, Scanning, Verdict};
use crate::store::{ByteStream, StoreError};

/// Pieces that may wait for the scanner.
const QUEUE: usize = 4;
/// How long the sender of a file is kept waiting by the scanner at one step.
const PATIENCE: Duration = Duration::from_secs(20);

impl Scanning {
    /// Runs `put` on the stream and scans what it takes. The verdict is there only if the whole
    /// of a file that was put was scanned; it is about exactly the bytes that `put` was given.
    pub async fn while_passing<T, E, F>(
        &self,
        body: ByteStream,
        put: impl FnOnce(ByteStream) -> F,
    ) -> (Result<T, E>, Option<Verdict>)
    where
        F: Future<Output = Result<T, E>>,
    {
        let Scanner::Clamd(clamd) = &self.scanner else { return (put(body).await, None) };
        let turns = (clamd.turns.try_acquire(), clamd.passing.try_acquire());
        // When many files come at once, the rest is scanned from the store.
        let (Ok(_turn), Ok(_passing)) = turns else { return (put(body).await, None) };
        if clamd.is_away() {
            return (put(body).await, None);
        }
        let (pieces, queue) = channel(QUEUE);
        let stored = put(tee(body, pieces.clone()));
        let storing = async move {
            let stored = stored.await;
            if stored.is_ok() {
                let _ = pieces.send(None).await;
            }
            stored
        };
        let (most, patience) = (self.config.max_size, self.config.timeout.min(PATIENCE));
        let (stored, scanned) = tokio::join!(storing, take_in(clamd, queue, most, patience));
        match scanned {
            Ok(verdict) if stored.is_ok() => (stored, Some(verdict)),
            Ok(_) => (stored, None),
            Err(e) => {
                if stored.is_ok() {
                    tracing::info!(error = %e, "an upload could not be scanned as it came in");
                }
                (stored, None)
            }
        }
    }
}

/// The same stream; each piece also goes into the queue, until nobody takes from it any more.
fn tee(body: ByteStream, pieces: Sender<Option<Bytes>>) -> ByteStream {
    let pass = move |piece: Result<Bytes, StoreError>| {
        let pieces = pieces.clone();
        async move {
            if let Ok(piece) = &piece {
                let _ = pieces.send(Some(piece.clone())).await;
            }
            piece
        }
    };
    body.then(pass).boxed()
}

/// Scans what comes through the queue. `None` in it: that was all; its end without one: the
/// upload broke off.
async fn take_in(
    clamd: &Clamd,
    mut queue: Receiver<Option<Bytes>>,
    most: u64,
    patience: Duration,
) -> Result<Verdict, ScanError> {
    let mut session = clamd.begin(patience).await?;
    loop {
        match queue.recv().await {
            None => return Err(ScanError::Cut),
            Some(None) => return session.finish().await,
            Some(Some(piece)) => {
                if session.sent() + piece.len() as u64 > most {
                    return Ok(Verdict::Unscannable(super::Unscannable::TooLarge));
                }
                if let Some(verdict) = session.feed(piece).await? {
                    return Ok(verdict);
                }
            }
        }
    }
}
