//! An object being read: files opened and decrypted some chunks ahead of the reader.
//!
//! Invariant: at most two batches (of 256 KiB) are held: the one being sent, the one being opened.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::folder::Folder;
use super::sealed::{FileKey, Opener};
use crate::keys::DataKey;
use crate::store::StoreError;

/// One sealed file of an object and how many bytes it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The file.
    pub file_id: Uuid,
    /// Plaintext bytes.
    pub size: u64,
}

/// Reads the pieces of a range, file by file. Blocking.
struct Source {
    folder: Arc<Folder>,
    data_key: DataKey,
    /// What is still to come: files and the range wanted of each.
    rest: VecDeque<(Segment, Range<u64>)>,
    open: Option<Opener>,
}

type Batch = (Source, VecDeque<Bytes>);

impl Source {
    fn next(mut self) -> Result<Batch, StoreError> {
        let mut out = VecDeque::new();
        let mut opener = match self.open.take() {
            Some(opener) => opener,
            None => match self.rest.pop_front() {
                Some((segment, range)) => {
                    let key = FileKey::new(&self.data_key, segment.file_id)?;
                    let file = self.folder.read(segment.file_id)?;
                    Opener::new(key, file, segment.size, range)?
                }
                None => return Ok((self, out)),
            },
        };
        opener.next(&mut out)?;
        if !opener.is_done() {
            self.open = Some(opener);
        }
        Ok((self, out))
    }

    fn is_done(&self) -> bool {
        self.open.is_none() && self.rest.is_empty()
    }
}

/// The bytes of a range of an object.
pub struct Blocks {
    ready: VecDeque<Bytes>,
    ahead: Option<JoinHandle<Result<Batch, StoreError>>>,
}

impl Blocks {
    /// Begins to read `range` of the segments laid end to end; the first chunks are opened before
    /// this returns, so that damage there is an error and not a broken answer.
    pub async fn open(
        folder: Arc<Folder>,
        data_key: DataKey,
        segments: &[Segment],
        range: Range<u64>,
    ) -> Result<Self, StoreError> {
        let mut rest = VecDeque::new();
        let mut begin = 0;
        for segment in segments {
            let end = begin + segment.size;
            let (from, to) = (range.start.max(begin), range.end.min(end));
            if from < to {
                rest.push_back((*segment, from - begin..to - begin));
            }
            begin = end;
        }
        let source = Source { folder, data_key, rest, open: None };
        let mut blocks = Self { ready: VecDeque::new(), ahead: None };
        if !source.is_done() {
            let first = spawn_blocking(move || source.next()).await;
            blocks.take(first.map_err(StoreError::unavailable)??);
        }
        Ok(blocks)
    }

    fn take(&mut self, (source, pieces): Batch) {
        self.ready = pieces;
        if !source.is_done() {
            self.ahead = Some(spawn_blocking(move || source.next()));
        }
    }
}

impl Stream for Blocks {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(bytes)));
            }
            let Some(ahead) = self.ahead.as_mut() else { return Poll::Ready(None) };
            let batch = ready!(Pin::new(ahead).poll(cx));
            self.ahead = None;
            match batch.map_err(StoreError::unavailable).flatten() {
                Ok(batch) => self.take(batch),
                Err(e) => return Poll::Ready(Some(Err(e))),
            }
        }
    }
}
