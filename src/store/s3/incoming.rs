//! The body of an upload through the server: cut into what the store takes, held in memory or
//! passed on as it comes, and never longer or shorter than announced.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as Polled, Poll};

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

use super::memory::{Pace, Room, STEP, Share};
use crate::store::{ByteStream, Size, StoreError};

type Piece = Result<Bytes, std::io::Error>;

/// What is still to come.
pub(super) struct Incoming {
    pub body: ByteStream,
    /// What came beyond the part that was being filled.
    rest: Bytes,
    /// How much may still come; all of it must, where the size is exact.
    pub left: u64,
    pub exact: bool,
    /// What its sender may hold in memory.
    pub share: Arc<Share>,
    ended: bool,
}

impl Incoming {
    pub fn new(body: ByteStream, size: Size, share: Arc<Share>) -> Self {
        let (left, exact) = (size.most(), size.exact().is_some());
        Self { body, rest: Bytes::new(), left, exact, share, ended: false }
    }

    /// The next bytes, never more than announced; none at the end.
    async fn next(&mut self, most: usize) -> Result<Option<Bytes>, StoreError> {
        if !self.gather().await? {
            return Ok(None);
        }
        let bytes = self.rest.split_to(most.min(self.rest.len()));
        let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.left = self.left.checked_sub(count).ok_or_else(|| length("longer"))?;
        Ok(Some(bytes))
    }

    /// Waits for bytes; false at the end.
    async fn gather(&mut self) -> Result<bool, StoreError> {
        while self.rest.is_empty() && !self.ended {
            match self.body.next().await {
                Some(bytes) => self.rest = bytes?,
                None => self.ended = true,
            }
        }
        Ok(!self.rest.is_empty())
    }

    /// Whether something is still to come. More than may come is an error.
    pub async fn more(&mut self) -> Result<bool, StoreError> {
        if self.left == 0 {
            self.end().await?;
            return Ok(false);
        }
        if self.exact { Ok(true) } else { self.gather().await }
    }

    /// The next `size` bytes, fewer only at the end of a body whose size nobody knew; `seen` gets
    /// each of them once, in order.
    pub async fn fill(
        &mut self,
        size: u64,
        mut seen: impl FnMut(&[u8]) + Send,
    ) -> Result<Bytes, StoreError> {
        let size = usize::try_from(size).map_err(StoreError::unavailable)?;
        let mut buffer = BytesMut::new();
        while buffer.len() < size {
            let Some(bytes) = self.next(size - buffer.len()).await? else {
                if self.exact {
                    return Err(length("shorter"));
                }
                break;
            };
            seen(&bytes);
            if bytes.len() == size {
                return Ok(bytes);
            }
            if buffer.is_empty() {
                buffer.reserve(size);
            }
            buffer.extend_from_slice(&bytes);
        }
        Ok(buffer.freeze())
    }

    /// The same of a body whose size nobody knows, with leave to hold it that grows as it comes.
    pub async fn fill_open(
        &mut self,
        size: u64,
        room: &mut Room<'_>,
        mut seen: impl FnMut(&[u8]) + Send,
    ) -> Result<Bytes, StoreError> {
        let size = usize::try_from(size).map_err(StoreError::unavailable)?;
        let (mut buffer, mut pace) = (BytesMut::new(), Pace::begin());
        while buffer.len() < size && self.gather_in_time(room, &mut pace).await? {
            let most = (size - buffer.len()).min(STEP);
            if room.reach(buffer.len() + most.min(self.rest.len())).await? {
                // Time runs only while somebody waits for the sender.
                pace = Pace::begin();
            }
            let Some(bytes) = self.next(most).await? else { break };
            pace.note(bytes.len());
            seen(&bytes);
            if buffer.is_empty() {
                // Taken in full by what is written only.
                buffer.reserve(size);
            }
            buffer.extend_from_slice(&bytes);
        }
        Ok(buffer.freeze())
    }

    /// Waits for bytes, unless too few come while others wait for memory; false at the end.
    async fn gather_in_time(
        &mut self,
        room: &Room<'_>,
        pace: &mut Pace,
    ) -> Result<bool, StoreError> {
        loop {
            pace.check(room)?;
            if let Ok(came) = tokio::time::timeout_at(pace.until(), self.gather()).await {
                return came;
            }
        }
    }

    /// Makes sure that nothing more comes.
    pub async fn end(&mut self) -> Result<(), StoreError> {
        match self.next(1).await? {
            None => Ok(()),
            Some(_) => Err(length("longer")),
        }
    }
}

fn length(how: &str) -> StoreError {
    StoreError::unavailable(format!("the body is {how} than announced"))
}

/// A body that passes on what is put into its other end.
pub(super) struct Passing {
    pieces: mpsc::Receiver<Piece>,
    left: u64,
}

/// The other end.
pub(super) struct Feed(mpsc::Sender<Piece>);

/// A body of `size` bytes and what feeds it.
pub(super) fn passing(size: u64) -> (Feed, Passing) {
    let (sender, pieces) = mpsc::channel(1);
    (Feed(sender), Passing { pieces, left: size })
}

impl http_body::Body for Passing {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        polled: &mut Polled<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        self.pieces.poll_recv(polled).map(|piece| {
            let piece = piece?;
            if let Ok(bytes) = &piece {
                let count = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.left = self.left.saturating_sub(count);
            }
            Some(piece.map(Frame::data))
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl Incoming {
    /// Passes on the next `size` bytes. The last of all go only when it is sure that none follow,
    /// so that a body of another length never becomes an object.
    pub async fn pass(&mut self, mut size: u64, feed: Feed) -> Result<(), StoreError> {
        let passed = async {
            while size > 0 {
                let most = usize::try_from(size).unwrap_or(usize::MAX);
                let bytes = self.next(most).await?.ok_or_else(|| length("shorter"))?;
                size -= u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                if self.left == 0 {
                    self.end().await?;
                }
                if feed.0.send(Ok(bytes)).await.is_err() {
                    // The request has failed, and says why itself.
                    return Ok(());
                }
            }
            Ok(())
        };
        let passed = passed.await;
        if passed.is_err() {
            let _ = feed.0.send(Err(std::io::Error::other("the upload broke off"))).await;
        }
        passed
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn incoming(chunks: &[&'static str], left: u64) -> Incoming {
        sized(chunks, Size::Exactly(left))
    }

    fn sized(chunks: &[&'static str], size: Size) -> Incoming {
        let chunks: Vec<_> = chunks.iter().map(|c| Ok(Bytes::from_static(c.as_bytes()))).collect();
        Incoming::new(futures::stream::iter(chunks).boxed(), size, Arc::default())
    }

    #[tokio::test]
    async fn a_body_of_unknown_size_ends_where_it_ends_and_never_beyond_its_limit() {
        let mut body = sized(&["ab", "", "cd"], Size::AtMost(9));
        assert_eq!(body.fill(3, |_| ()).await.unwrap(), "abc");
        assert!(body.more().await.unwrap());
        assert_eq!(body.fill(3, |_| ()).await.unwrap(), "d");
        assert!(!body.more().await.unwrap());
        let mut full = sized(&["abc"], Size::AtMost(3));
        assert_eq!(full.fill(3, |_| ()).await.unwrap(), "abc");
        assert!(!full.more().await.unwrap());
        let mut over = sized(&["ab", "cd"], Size::AtMost(3));
        assert_eq!(over.fill(3, |_| ()).await.unwrap(), "abc");
        assert!(over.more().await.is_err());
    }

    #[tokio::test]
    async fn chunks_are_cut_and_joined_to_parts() {
        let mut body = incoming(&["ab", "", "cdefg", "h"], 8);
        assert_eq!(body.fill(3, |_| ()).await.unwrap(), "abc");
        assert_eq!(body.fill(3, |_| ()).await.unwrap(), "def");
        assert_eq!(body.fill(2, |_| ()).await.unwrap(), "gh");
        assert!(body.end().await.is_ok());
    }

    #[tokio::test]
    async fn a_body_of_another_length_is_an_error() {
        let short = incoming(&["ab"], 3).fill(3, |_| ()).await;
        assert!(short.is_err());
        let mut long = incoming(&["abcd"], 3);
        assert_eq!(long.fill(3, |_| ()).await.unwrap(), "abc");
        assert!(long.end().await.is_err());
    }

    #[tokio::test]
    async fn a_body_is_passed_on_whole_or_ends_in_an_error() {
        let mut right = incoming(&["ab", "cdefg"], 7);
        let (feed, body) = passing(7);
        let (passed, body) = futures::join!(right.pass(7, feed), body.collect());
        assert!(passed.is_ok());
        assert_eq!(body.unwrap().to_bytes(), "abcdefg");
        for (chunks, size) in [(["ab", "c"], 4), (["ab", "cd"], 3)] {
            let mut wrong = incoming(&chunks, size);
            let (feed, body) = passing(size);
            let (passed, body) = futures::join!(wrong.pass(size, feed), body.collect());
            assert!(passed.is_err() && body.is_err());
        }
    }
}
