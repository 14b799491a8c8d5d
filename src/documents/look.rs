//! Looking at the bytes of an upload: their beginning, end and SHA-256 while they pass, and
//! whether they are what was announced.
//!
//! What passed is not kept whole: what the rules want to see besides is read from the store, by
//! range, with bounded memory. A store that fails is an error, never a verdict.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use futures::TryStreamExt as _;
use tokio::runtime::Handle;

use crate::app::App;
use crate::documents::content::{MAX_WALKED, Reason, Source, Stop, Unfit, inspect};
use crate::documents::{Document, DocumentError};
use crate::store::{ByteRange, ObjectInfo, ObjectKey, StoreError};
use crate::time::Timestamp;

/// Objects up to this size are read at once, bytes.
pub(super) const SMALL: usize = 256 * 1024;
/// How much of the end of a larger one is remembered while it passes, bytes.
const END: usize = 128 * 1024;
/// How much is read at a time when more is wanted, bytes.
const BLOCK: u64 = 512 * 1024;
/// How many such blocks are held.
const BLOCKS: usize = 4;
/// The most that one look may read, bytes: the largest file that is walked, and what is read again
/// at its ends.
const MAX_READ: u64 = MAX_WALKED + (16 << 20);
/// The longest one look may take. How long it takes is up to the store and to whoever else is
/// served: it says nothing of the file.
const MAX_TIME: Duration = Duration::from_mins(2);

/// Gathers what there is to see.
pub(super) struct Look {
    head: Vec<u8>,
    end: Vec<u8>,
    count: u64,
    hash: Context,
}

impl Default for Look {
    fn default() -> Self {
        Self { head: Vec::new(), end: Vec::new(), count: 0, hash: Context::new(&SHA256) }
    }
}

impl Look {
    /// The next bytes.
    pub fn piece(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.count += piece.len() as u64;
        let wanted = SMALL.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..wanted]);
        let rest = &piece[wanted..];
        if rest.len() > END {
            // Of so long a piece the end alone is enough, and nothing before it follows on it.
            self.end.clear();
        }
        let rest = &rest[rest.len().saturating_sub(END)..];
        let over = (self.end.len() + rest.len()).saturating_sub(2 * END);
        if over > 0 {
            // Room for as much again, so that bytes are not moved for every piece.
            let old = (self.end.len() + rest.len() - END).min(self.end.len());
            self.end.drain(..old);
        }
        self.end.extend_from_slice(rest);
    }

    /// What was seen.
    pub fn finish(self) -> Seen {
        let sha256 = <[u8; 32]>::try_from(self.hash.finish().as_ref()).unwrap_or_default();
        let end = self.count - self.end.len() as u64;
        let known = [(0, self.head.into()), (end, self.end.into())];
        Seen {
            known: known.into_iter().filter(|(_, bytes): &Piece| !bytes.is_empty()).collect(),
            sha256,
        }
    }
}

/// Bytes and where they stand.
type Piece = (u64, Bytes);

/// What was seen of an upload.
pub(super) struct Seen {
    known: Vec<Piece>,
    /// Of all its bytes.
    pub sha256: [u8; 32],
}

impl Seen {
    /// Nothing yet; somebody who is trusted told the SHA-256.
    pub const fn nothing(sha256: [u8; 32]) -> Self {
        Self { known: Vec::new(), sha256 }
    }

    /// Whether the upload is what was announced, of the type that was announced and no danger;
    /// `said`: each SHA-256 that somebody named. None: it is.
    pub async fn judge(
        self,
        app: &App,
        document: &Document,
        (key, object): (&ObjectKey, &ObjectInfo),
        said: impl IntoIterator<Item = [u8; 32]>,
    ) -> Result<Option<Unfit>, DocumentError> {
        let Some(file_type) = document.file_type() else {
            return Ok(Some(Unfit::OtherType(None)));
        };
        if said.into_iter().any(|sha256| sha256 != self.sha256) {
            return Ok(Some(Unfit::Differs("checksum")));
        }
        let whole = self.known.first().is_some_and(|(_, head)| head.len() as u64 == object.size);
        // What holds more than the few bytes that are here anyway has to wait for its turn, and
        // keeps it to its end, whoever goes away meanwhile.
        let turn = if whole && !file_type.is_archive() {
            None
        } else {
            Arc::clone(&app.inspections).acquire_owned().await.ok()
        };
        let mut stored = Stored {
            app: app.clone(),
            key: key.clone(),
            version: object.version_id.clone(),
            size: object.size,
            known: self.known,
            blocks: VecDeque::new(),
            left: MAX_READ,
            until: app.clock.now() + MAX_TIME,
            runtime: Handle::current(),
        };
        let looked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let verdict = inspect(&mut stored, file_type);
            tracing::debug!(
                mime = file_type.mime,
                size = stored.size,
                read = MAX_READ - stored.left,
                "looked into an upload"
            );
            verdict
        });
        match looked.await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(Stop::Unfit(unfit))) => Ok(Some(unfit)),
            Ok(Err(Stop::Store(e))) => Err(e.into()),
            Err(e) if e.is_panic() => {
                tracing::error!(mime = file_type.mime, "looking into an upload failed");
                Ok(Some(Unfit::Refused(Reason::Damaged, "The file cannot be read; save it again.")))
            }
            Err(e) => Err(StoreError::unavailable(e).into()),
        }
    }
}

/// An object at the store, read in blocks as they are wanted.
struct Stored {
    app: App,
    key: ObjectKey,
    version: Option<String>,
    size: u64,
    /// What is known without reading.
    known: Vec<Piece>,
    /// What was read last.
    blocks: VecDeque<Piece>,
    left: u64,
    until: Timestamp,
    runtime: Handle,
}

fn holds(piece: &Piece, at: u64) -> bool {
    piece.0 <= at && at - piece.0 < piece.1.len() as u64
}

impl Source for Stored {
    fn size(&self) -> u64 {
        self.size
    }

    fn chunk(&mut self, at: u64) -> Result<&[u8], Stop> {
        if at >= self.size {
            return Ok(&[]);
        }
        let held = |piece: &Piece| holds(piece, at);
        if !self.known.iter().any(held) && !self.blocks.iter().any(held) {
            let block = self.fetch(at - at % BLOCK)?;
            self.blocks.truncate(BLOCKS - 1);
            self.blocks.push_front(block);
        }
        let piece = self.known.iter().chain(&self.blocks).find(|piece| holds(piece, at));
        let from =
            |(begin, bytes): &'_ Piece| usize::try_from(at - begin).map(|at| at.min(bytes.len()));
        Ok(piece.map_or(&[][..], |piece| &piece.1[from(piece).unwrap_or(piece.1.len())..]))
    }
}

impl Stored {
    fn fetch(&mut self, begin: u64) -> Result<Piece, Stop> {
        let length = BLOCK.min(self.size - begin);
        if self.app.clock.now() > self.until {
            return Err(StoreError::unavailable("looking into the upload took too long").into());
        }
        if self.left < length {
            return Err(Stop::Unfit(Unfit::Refused(
                Reason::TooComplex,
                "There is too much to look at in the file; save it again, or split it.",
            )));
        }
        self.left -= length;
        let range = ByteRange::Inclusive(begin, begin + length - 1);
        let (store, key, version) = (&self.app.store, &self.key, self.version.as_deref());
        let bytes = self.runtime.block_on(async {
            let mut body = store.get(key, version, Some(range)).await?;
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            while let Some(piece) = body.stream.try_next().await? {
                bytes.extend_from_slice(&piece);
            }
            Ok::<_, StoreError>(bytes)
        })?;
        if bytes.len() as u64 != length {
            return Err(StoreError::unavailable("the store sent fewer bytes than asked for").into());
        }
        Ok((begin, bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_of_a_stream_is_what_passed() {
        let bytes: Vec<u8> = (0..1_500_000_u32).flat_map(u32::to_be_bytes).collect();
        for size in [1000, 65_536, 131_072, 131_073, 200_000, 300_000, 1_000_000, 6_000_000] {
            let mut look = Look::default();
            bytes.chunks(size).for_each(|piece| look.piece(piece));
            let seen = look.finish();
            assert_eq!(seen.known.len(), 2, "in pieces of {size}");
            for (begin, piece) in &seen.known {
                let begin = usize::try_from(*begin).unwrap();
                let right = bytes[begin..begin + piece.len()] == piece[..];
                assert!(right, "in pieces of {size}: {} bytes at {begin}", piece.len());
            }
        }
        let mut look = Look::default();
        look.piece(&bytes[..SMALL]);
        assert_eq!(look.finish().known.len(), 1);
    }
}
