//! One file on its way to clamd: the INSTREAM command (clamd(8)).
//!
//! `zINSTREAM\0`, then pieces, each behind its length as four bytes in network order, then a
//! length of zero; clamd answers once, and may do so before everything has come. Each step has a
//! time-out. Pieces are sent as they come: nothing is gathered.

use std::time::Duration;

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::io::{ReadHalf, WriteHalf};
use tokio::time::timeout;

use super::{ScanError, Verdict, reply};

/// Largest piece that goes in one frame, bytes.
const FRAME: usize = 256 * 1024;
/// Longest answer that is read, bytes.
const ANSWER: u64 = 4096;

/// A connection of any kind.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A file on its way.
pub(super) struct Session {
    from: ReadHalf<Box<dyn Duplex>>,
    to: WriteHalf<Box<dyn Duplex>>,
    answer: Vec<u8>,
    patience: Duration,
    sent: u64,
}

impl Session {
    /// Begins one; `patience`: how long each step may take.
    pub async fn begin(connection: Box<dyn Duplex>, patience: Duration) -> Result<Self, ScanError> {
        let (from, to) = tokio::io::split(connection);
        let mut session = Self { from, to, answer: Vec::new(), patience, sent: 0 };
        let begun = timeout(patience, session.to.write_all(b"zINSTREAM\0")).await;
        begun
            .map_err(|_| ScanError::TimedOut(patience))?
            .map_err(|e| ScanError::Unavailable(e.to_string()))?;
        Ok(session)
    }

    /// Sends the next bytes. Some: clamd has heard enough.
    pub async fn feed(&mut self, mut piece: Bytes) -> Result<Option<Verdict>, ScanError> {
        while piece.has_remaining() {
            let frame = piece.split_to(piece.len().min(FRAME));
            match self.send(frame).await? {
                None => {}
                // It cannot know yet.
                Some(Verdict::Clean) => return Err(ScanError::Broken { sent: self.sent }),
                Some(verdict) => return Ok(Some(verdict)),
            }
        }
        Ok(None)
    }

    /// Says that this was all, and waits for the verdict.
    pub async fn finish(mut self) -> Result<Verdict, ScanError> {
        match self.send(Bytes::new()).await? {
            Some(verdict) => Ok(verdict),
            None => self.verdict().await,
        }
    }

    /// How many bytes of the file have gone out.
    pub const fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends one frame while listening: clamd may answer in between, and closes then.
    async fn send(&mut self, frame: Bytes) -> Result<Option<Verdict>, ScanError> {
        // Frames are at most `FRAME` long.
        let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
        let size = frame.len() as u64;
        let mut out = Bytes::copy_from_slice(&length.to_be_bytes()).chain(frame);
        let (from, answer) = (&mut self.from, &mut self.answer);
        let step = async {
            tokio::select! {
                // An answer before the end; what was being sent does not matter any more.
                () = listen(from, answer) => Ok(false),
                written = self.to.write_all_buf(&mut out) => written.map(|()| true),
            }
        };
        match timeout(self.patience, step).await {
            Err(_) => Err(ScanError::TimedOut(self.patience)),
            Ok(Ok(true)) => {
                self.sent += size;
                Ok(None)
            }
            // What it said before it closed may still be there to read.
            Ok(Ok(false) | Err(_)) => self.verdict().await.map(Some),
        }
    }

    async fn verdict(&mut self) -> Result<Verdict, ScanError> {
        let heard = timeout(self.patience, listen(&mut self.from, &mut self.answer)).await;
        if heard.is_err() {
            return Err(ScanError::TimedOut(self.patience));
        }
        if self.answer.is_empty() {
            return Err(ScanError::Broken { sent: self.sent });
        }
        reply::read(&self.answer)
    }
}

/// Reads up to the end of an answer: its zero byte, or the end of the connection. It may be dropped
/// and called again. A connection that breaks has said what it has said.
async fn listen(from: &mut ReadHalf<Box<dyn Duplex>>, answer: &mut Vec<u8>) {
    while answer.last() != Some(&0) && (answer.len() as u64) < ANSWER {
        match from.read_buf(answer).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
