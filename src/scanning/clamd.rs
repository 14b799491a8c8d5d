//! A ClamAV daemon: where it is, how many files it is sent at once, how it is asked how it is.
//!
//! The protocol is spoken here and not by a client library: those there are send first and listen
//! afterwards (an answer in mid-stream, such as the one about the size, is lost with the
//! connection), wait without an end, and take a whole stream from us instead of pieces as they
//! pass by (decision 0013).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::session::{Duplex, Session};
use super::{ScanError, Verdict, reply};
use crate::config::{ClamdAddress, ScanConfig};
use crate::store::ByteStream;

/// Longest answer to a question, bytes.
const ANSWER: u64 = 4096;
/// A piece of a file of nothing.
static NOTHING: [u8; 64 * 1024] = [0; 64 * 1024];

/// A ClamAV daemon. A connection carries one file: to connect costs less than a tenth of a
/// millisecond beside the scan, and no state of an earlier file can be left over.
#[derive(Debug)]
pub struct Clamd {
    address: ClamdAddress,
    connect: Duration,
    patience: Duration,
    /// Turns to send a file.
    pub(super) turns: Semaphore,
    /// Turns of files that are sent while they come in: one less, so that a few slow senders do
    /// not keep those waiting that are there.
    pub(super) passing: Semaphore,
    /// Whether it did not answer when it was last asked.
    away: AtomicBool,
}

impl Clamd {
    /// At an address. Nothing is connected to yet.
    pub fn new(address: ClamdAddress, config: &ScanConfig) -> Self {
        Self {
            address,
            connect: config.connect_timeout,
            patience: config.timeout,
            turns: Semaphore::new(config.connections),
            passing: Semaphore::new(config.connections.saturating_sub(1)),
            away: AtomicBool::new(false),
        }
    }

    /// Waits for a turn to send a file.
    pub async fn turn(&self) -> Result<SemaphorePermit<'_>, ScanError> {
        self.turns.acquire().await.map_err(|_| ScanError::Off)
    }

    /// Sends a file and waits for the verdict.
    pub async fn scan(&self, mut body: ByteStream) -> Result<Verdict, ScanError> {
        let mut session = self.begin(self.patience).await?;
        loop {
            let next = timeout(self.patience, body.try_next()).await;
            let Some(piece) = next.map_err(|_| ScanError::Cut)?? else { break };
            if let Some(verdict) = session.feed(piece).await? {
                return Ok(verdict);
            }
        }
        session.finish().await
    }

    /// Whether it has anything to say of a file of nothing, so many bytes long. A scanner whose
    /// disk is full or that has no memory fails on that as well, and not because of the file
    /// before it.
    pub async fn try_out(&self, size: u64) -> Result<(), ScanError> {
        let pieces = futures::stream::unfold(size, |left| async move {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(NOTHING.len());
            let piece = Bytes::from_static(&NOTHING).slice(..most);
            (most > 0).then(|| (Ok(piece), left - most as u64))
        });
        match self.scan(pieces.boxed()).await {
            Ok(_) => Ok(()),
            Err(e) if e.is_away() => Err(e),
            Err(e) => Err(ScanError::Troubled(e.to_string())),
        }
    }

    /// Connects for one file.
    pub(super) async fn begin(&self, patience: Duration) -> Result<Session, ScanError> {
        Session::begin(self.dial().await?, patience).await
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), ScanError> {
        let answer = self.ask(b"zPING\0").await?;
        if answer == "PONG" {
            return Ok(());
        }
        self.away.store(true, Ordering::Relaxed);
        Err(ScanError::Unavailable(format!("it answers {answer:?} to PING")))
    }

    /// What it calls itself and its signatures: `ClamAV 1.4.6/27400/Mon Jan  5 09:12:31 2026`.
    pub async fn version(&self) -> Result<String, ScanError> {
        self.ask(b"zVERSION\0").await
    }

    /// Whether it did not answer when it was last asked.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// One question, one line.
    async fn ask(&self, command: &[u8]) -> Result<String, ScanError> {
        let mut connection = self.dial().await?;
        let mut answer = Vec::new();
        let talk = async {
            connection.write_all(command).await?;
            let mut answers = connection.take(ANSWER);
            while answer.last() != Some(&0) && answers.read_buf(&mut answer).await? > 0 {}
            Ok::<_, std::io::Error>(())
        };
        let talked = timeout(self.connect, talk).await;
        let talked = talked.map_err(|_| ScanError::TimedOut(self.connect));
        let talked =
            talked.and_then(|talked| talked.map_err(|e| ScanError::Unavailable(e.to_string())));
        self.away.store(talked.is_err(), Ordering::Relaxed);
        talked?;
        Ok(reply::plain(String::from_utf8_lossy(&answer).trim_end_matches(['\0', '\n'])))
    }

    async fn dial(&self) -> Result<Box<dyn Duplex>, ScanError> {
        let dialled = timeout(self.connect, self.connection()).await;
        let dialled = dialled.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        self.away.store(dialled.is_err(), Ordering::Relaxed);
        dialled.map_err(|e| ScanError::Unavailable(e.to_string()))
    }

    async fn connection(&self) -> std::io::Result<Box<dyn Duplex>> {
        Ok(match &self.address {
            ClamdAddress::Tcp(address) => {
                let connection = TcpStream::connect(address).await?;
                connection.set_nodelay(true)?;
                Box::new(connection)
            }
            ClamdAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }
}
