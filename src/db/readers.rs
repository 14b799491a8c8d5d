//! The reading connections of a SQLite file.
//!
//! A pool that does no more than it must: a connection is taken from a shelf and put back. What
//! a general pool does besides (a task and a round trip to the connection's thread at every
//! return) costs more than a read by primary key.
//!
//! Invariants: never more than `READERS` connections; a connection whose thread has died is not
//! handed out for longer than [`TRUST`]; a statement that was given a time is broken off when that
//! is over, since nobody else reads over its connection meanwhile.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ACQUIRE_TIMEOUT, DbError};

const READERS: u32 = 4;
/// How many rows a connection's thread reads ahead of whoever takes them: a page of a list, so
/// that the two threads do not wait for each other in turn.
const ROWS_AHEAD: usize = 1024;
/// How long a connection that answered is taken to be alive.
const TRUST: Duration = Duration::from_secs(1);
/// After how many steps of its machine (some microseconds) SQLite asks whether time is over.
const STEPS_BETWEEN: i32 = 4_096;

/// The shelf.
pub struct Readers {
    options: SqliteConnectOptions,
    free: Mutex<Vec<Shelved>>,
    permits: Arc<Semaphore>,
}

struct Shelved {
    conn: SqliteConnection,
    /// When the statement in hand is broken off.
    end: Arc<End>,
    /// When it last answered a question asked for that purpose.
    answered: Instant,
}

impl Readers {
    /// An empty shelf; connections are made when they are first needed.
    pub fn new(options: SqliteConnectOptions) -> Self {
        let permits = Arc::new(Semaphore::new(READERS as usize));
        let options = options.pragma("query_only", "on").row_buffer_size(ROWS_AHEAD);
        Self { options, free: Mutex::default(), permits }
    }

    /// Waits for a connection, up to the time limit.
    pub async fn take(self: &Arc<Self>) -> Result<SqliteReader, DbError> {
        let permit = Arc::clone(&self.permits).acquire_owned();
        let permit = tokio::time::timeout(ACQUIRE_TIMEOUT, permit)
            .await
            .map_err(|_| sqlx::Error::PoolTimedOut)?
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let shelved = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let shelved = match shelved {
            Some(mut shelved) if shelved.answered.elapsed() > TRUST => {
                match shelved.conn.ping().await {
                    Ok(()) => Shelved { answered: Instant::now(), ..shelved },
                    Err(_) => self.connect().await?,
                }
            }
            Some(shelved) => shelved,
            None => self.connect().await?,
        };
        Ok(SqliteReader { shelved: Some(shelved), home: Arc::clone(self), _permit: permit })
    }

    async fn connect(&self) -> Result<Shelved, DbError> {
        let mut conn = self.options.connect().await?;
        let end = Arc::new(End::new());
        let asked = Arc::clone(&end);
        conn.lock_handle().await?.set_progress_handler(STEPS_BETWEEN, move || !asked.is_over());
        Ok(Shelved { conn, end, answered: Instant::now() })
    }

    /// Waits until every connection is back and closes them.
    pub async fn close(&self) {
        let all = self.permits.acquire_many(READERS).await;
        self.permits.close();
        drop(all);
        let free = std::mem::take(&mut *self.free.lock().unwrap_or_else(PoisonError::into_inner));
        for shelved in free {
            let _ = shelved.conn.close().await;
        }
    }
}

/// When a connection's statement is broken off.
struct End {
    born: Instant,
    /// Milliseconds after that; the highest number: never.
    at: AtomicU64,
}

impl End {
    fn new() -> Self {
        Self { born: Instant::now(), at: AtomicU64::new(u64::MAX) }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn set(&self, limit: Option<Duration>) {
        let limit = limit.and_then(|limit| u64::try_from(limit.as_millis()).ok());
        let at = limit.map_or(u64::MAX, |limit| self.now().saturating_add(limit));
        self.at.store(at, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        at != u64::MAX && self.now() > at
    }
}

/// A connection that only reads; goes back when it is dropped.
pub struct SqliteReader {
    shelved: Option<Shelved>,
    home: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl SqliteReader {
    /// The next statement may take so long, and is broken off then; none: as long as it takes.
    pub fn within(&mut self, limit: Option<Duration>) {
        if let Some(shelved) = &self.shelved {
            shelved.end.set(limit);
        }
    }
}

impl Deref for SqliteReader {
    type Target = SqliteConnection;
    fn deref(&self) -> &SqliteConnection {
        &self.shelved.as_ref().expect("a reader has its connection until it is dropped").conn
    }
}

impl DerefMut for SqliteReader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.shelved.as_mut().expect("a reader has its connection until it is dropped").conn
    }
}

impl Drop for SqliteReader {
    fn drop(&mut self) {
        self.within(None);
        let free = &self.home.free;
        free.lock().unwrap_or_else(PoisonError::into_inner).extend(self.shelved.take());
    }
}
