//! The server's side of drawing: few workers at a time, each with an end.

use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures::TryStreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::sync::{OwnedMutexGuard, Semaphore};
use tokio::time::timeout;

use super::{Job, MAX_SOURCE, Picture, Unfit, worker};
use crate::store::{ByteStream, StoreError};

/// How many pictures are drawn at the same time.
const WORKERS: usize = 2;
/// The longest anybody waits for a turn.
const WAIT: Duration = Duration::from_secs(20);
/// The longest one picture may take, with its file on the way.
const TIME: Duration = Duration::from_secs(30);
/// The largest picture, bytes.
const MAX_PICTURE: u64 = 16 << 20;
/// What ends a process that goes beyond its bounds: SIGABRT where memory or stack is at its end,
/// SIGKILL and SIGXCPU where its time on a processor is.
const BEYOND: [i32; 3] = [6, 9, 24];
/// What a decoder that goes wrong is ended by: SIGILL, SIGBUS, SIGFPE, SIGSEGV. Other signals come
/// from somebody else, and say nothing about the file.
const WRONG: [i32; 4] = [4, 7, 8, 11];
/// The exit code of a program in Rust that has panicked.
const PANICKED: i32 = 101;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// None can be made, today or tomorrow.
    #[error("no picture can be made: {}", .0.as_str())]
    Unfit(Unfit),
    /// Too much is being drawn; later there is a turn.
    #[error("no worker was free in time")]
    Busy,
    /// The file could not be read from the store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The worker could not be started or spoken to.
    #[error("the worker could not be used")]
    Worker(#[from] std::io::Error),
}

/// What draws pictures.
pub struct Renderer {
    program: PathBuf,
    turns: Semaphore,
    under_way: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    started: AtomicU64,
}

impl Renderer {
    /// One that has `program` draw, which is this program.
    pub fn new(program: PathBuf) -> Self {
        Self {
            program,
            turns: Semaphore::new(WORKERS),
            under_way: Mutex::new(HashMap::new()),
            started: AtomicU64::new(0),
        }
    }

    /// This program, also where another one lies under its name by now.
    pub fn this_program() -> PathBuf {
        let running = PathBuf::from("/proc/self/exe");
        if running.exists() { running } else { std::env::current_exe().unwrap_or(running) }
    }

    /// How many workers were started.
    pub fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// Waits until nobody else makes the same picture.
    pub async fn alone(&self, picture: String) -> Result<OwnedMutexGuard<()>, RenderError> {
        let lock = {
            let mut all = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, lock| lock.strong_count() > 0);
            let known = all.get(&picture).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::new(tokio::sync::Mutex::new(()));
                all.insert(picture, Arc::downgrade(&lock));
                lock
            })
        };
        timeout(WAIT, lock.lock_owned()).await.map_err(|_| RenderError::Busy)
    }

    /// Draws a picture of a file of `size` bytes. Whoever stops waiting stops the worker.
    pub async fn draw(
        &self,
        job: &Job,
        size: u64,
        open: impl Future<Output = Result<ByteStream, StoreError>>,
    ) -> Result<Picture, RenderError> {
        if size > MAX_SOURCE {
            return Err(RenderError::Unfit(Unfit::TooLarge));
        }
        let turn = timeout(WAIT, self.turns.acquire()).await;
        let _turn = turn.ok().and_then(Result::ok).ok_or(RenderError::Busy)?;
        let file = open.await?;
        let mut child = self.start()?;
        // What came too slowly says nothing about the file: the machine or the store is at work.
        let drawn = timeout(TIME, speak(&mut child, job, file)).await;
        let (status, written) = drawn.map_err(|_| RenderError::Busy)??;
        if let Some(answer) = worker::read(&written).filter(|_| status.success()) {
            return answer.map_err(RenderError::Unfit);
        }
        tracing::info!(format = ?job.format, %status, "a worker ended without a picture");
        Err(ended(status))
    }

    fn start(&self) -> std::io::Result<Child> {
        self.started.fetch_add(1, Ordering::Relaxed);
        Command::new(&self.program)
            .arg("render")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            // What ends the server must not look like the end of a file.
            .process_group(0)
            .spawn()
    }
}

/// What it says that a worker ended without an answer: that the file went beyond its bounds, that
/// it made a decoder fail, or nothing about the file.
fn ended(status: ExitStatus) -> RenderError {
    match (status.signal(), status.code()) {
        (Some(signal), _) if BEYOND.contains(&signal) => RenderError::Unfit(Unfit::TooComplex),
        (Some(signal), _) if WRONG.contains(&signal) => RenderError::Unfit(Unfit::Damaged),
        (None, Some(PANICKED)) => RenderError::Unfit(Unfit::Damaged),
        _ => RenderError::Worker(std::io::Error::other(status.to_string())),
    }
}

/// Gives a worker its job and file, and takes its answer.
async fn speak(
    child: &mut Child,
    job: &Job,
    mut file: ByteStream,
) -> Result<(ExitStatus, Vec<u8>), RenderError> {
    let gone = || std::io::Error::other("the worker has no pipes");
    let mut input = child.stdin.take().ok_or_else(gone)?;
    let output = child.stdout.take().ok_or_else(gone)?;
    let head = serde_json::to_vec(job).map_err(std::io::Error::other)?;
    let give = async move {
        // A worker that has seen enough hangs up; what it answers counts.
        let mut listens = input.write_all(&head).await.is_ok();
        listens = listens && input.write_all(b"\n").await.is_ok();
        while let Some(piece) = file.try_next().await? {
            listens = listens && input.write_all(&piece).await.is_ok();
        }
        Ok::<(), RenderError>(())
    };
    let take = async {
        let mut written = Vec::new();
        output.take(MAX_PICTURE).read_to_end(&mut written).await?;
        Ok::<Vec<u8>, RenderError>(written)
    };
    let ((), written) = tokio::try_join!(give, take)?;
    Ok((child.wait().await?, written))
}
