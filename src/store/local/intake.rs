//! A body on its way to disk: counted, hashed, sealed and written as it flows.
//!
//! Batches of what has come go to a blocking thread while the next batch is gathered, so one
//! upload holds a little over two batches and the async threads never hash or write. A small
//! body takes one trip to a blocking thread for everything.
//!
//! Invariants: nothing is placed whose length or checksums are not what the client said; at most
//! about 1 MiB of a body is held at a time.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::task::{JoinHandle, spawn_blocking};
use uuid::Uuid;

use super::checksum::{Computed, Expected, Hasher};
use super::folder::{Folder, Placed, Temp};
use super::sealed::{FileKey, Sealer};
use crate::keys::DataKey;
use crate::store::StoreError;

/// A body up to this long takes one trip to a blocking thread.
const SMALL: u64 = 1024 * 1024;
/// How much of a longer one goes in one trip.
const BATCH: usize = 256 * 1024;

pub use crate::http::form::BodyError;

/// Why a body was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The body broke off or failed its own signature.
    #[error("the body could not be read")]
    Body(#[source] BodyError),
    /// The body ended early.
    #[error("the body is shorter than announced")]
    Short,
    /// The body is smaller than allowed.
    #[error("the body is smaller than allowed")]
    Small,
    /// The body is longer than announced or allowed.
    #[error("the body is longer than allowed")]
    Long,
    /// A checksum does not match.
    #[error("a checksum does not match the body")]
    BadDigest,
    /// A checksum is not one.
    #[error("a checksum is malformed")]
    InvalidChecksum,
    /// `Content-MD5` is not one.
    #[error("the MD5 is malformed")]
    InvalidDigest,
}

impl From<std::io::Error> for IntakeError {
    fn from(e: std::io::Error) -> Self {
        Self::Store(e.into())
    }
}

/// How long a body may be.
#[derive(Clone, Copy, Debug)]
pub struct Length {
    /// Exactly this long, where known.
    pub exact: Option<u64>,
    /// At most this long.
    pub most: u64,
    /// At least this long.
    pub least: u64,
}

impl Length {
    /// Of a length that is known.
    pub const fn exactly(length: u64, most: u64) -> Self {
        Self { exact: Some(length), most, least: 0 }
    }
}

/// Where a body goes.
pub struct Target {
    /// The store's folder.
    pub folder: Arc<Folder>,
    /// The object's (or upload's) key.
    pub data_key: DataKey,
    /// The new file's name.
    pub file_id: Uuid,
}

/// A body that is on disk.
pub struct TakenIn {
    /// The file; waits for its row.
    pub file: Placed,
    /// Plaintext bytes.
    pub size: u64,
    /// Its checksums.
    pub computed: Computed,
}

struct Intake {
    temp: Temp,
    sealer: Sealer,
    hasher: Hasher,
}

impl Intake {
    fn begin(target: &Target, length: Length, expected: &Expected) -> Result<Self, StoreError> {
        let key = FileKey::new(&target.data_key, target.file_id)?;
        Ok(Self {
            temp: target.folder.begin(target.file_id)?,
            sealer: Sealer::new(key, length.exact),
            hasher: Hasher::new(expected),
        })
    }

    fn feed(&mut self, batch: &[Bytes]) -> Result<(), IntakeError> {
        for bytes in batch {
            self.hasher.update(bytes);
            self.sealer.push(bytes, self.temp.file())?;
        }
        Ok(())
    }

    fn finish(mut self, size: u64, expected: &Expected) -> Result<TakenIn, IntakeError> {
        let computed = self.hasher.finish();
        if !computed.matches(expected) {
            return Err(IntakeError::BadDigest);
        }
        self.sealer.finish(self.temp.file())?;
        Ok(TakenIn { file: self.temp.place()?, size, computed })
    }
}

/// What a trip to a blocking thread begins with.
enum Stage {
    New(Target),
    Open(Box<Intake>),
}

impl Stage {
    fn open(self, length: Length, expected: &Expected) -> Result<Box<Intake>, IntakeError> {
        match self {
            Self::New(target) => Ok(Box::new(Intake::begin(&target, length, expected)?)),
            Self::Open(intake) => Ok(intake),
        }
    }
}

async fn joined<T>(handle: JoinHandle<Result<T, IntakeError>>) -> Result<T, IntakeError> {
    handle.await.map_err(StoreError::unavailable)?
}

/// Takes a body in. `trailers` is asked once the body has ended: it may add expected checksums.
pub async fn take_in<S>(
    target: Target,
    mut body: S,
    length: Length,
    mut expected: Expected,
    trailers: impl FnOnce(&mut Expected) -> Result<(), IntakeError> + Send,
) -> Result<TakenIn, IntakeError>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Unpin + Send,
{
    if length.exact.is_some_and(|exact| exact > length.most) {
        return Err(IntakeError::Long);
    }
    let most = length.exact.unwrap_or(length.most);
    let batch_size = if length.exact.is_some_and(|n| n <= SMALL) { usize::MAX } else { BATCH };
    let mut size = 0;
    let mut stage = Some(Stage::New(target));
    let mut worker: Option<JoinHandle<Result<Box<Intake>, IntakeError>>> = None;
    loop {
        let (mut batch, mut gathered, mut ended) = (Vec::new(), 0, false);
        while gathered < batch_size && !ended {
            match body.next().await {
                Some(Ok(bytes)) => {
                    gathered += bytes.len();
                    if size + gathered as u64 > most {
                        return Err(IntakeError::Long);
                    }
                    batch.push(bytes);
                }
                Some(Err(e)) => return Err(IntakeError::Body(e)),
                None => ended = true,
            }
        }
        size += gathered as u64;
        if let Some(handle) = worker.take() {
            stage = Some(Stage::Open(joined(handle).await?));
        }
        let Some(begin) = stage.take() else { return Err(IntakeError::Short) };
        if ended {
            if length.exact.is_some_and(|exact| exact != size) {
                return Err(IntakeError::Short);
            }
            if size < length.least {
                return Err(IntakeError::Small);
            }
            // What is to be computed is settled before the first byte; a trailer adds its value.
            let wanted = expected.clone();
            trailers(&mut expected)?;
            return joined(spawn_blocking(move || {
                let mut intake = begin.open(length, &wanted)?;
                intake.feed(&batch)?;
                intake.finish(size, &expected)
            }))
            .await;
        }
        let wanted = expected.clone();
        worker = Some(spawn_blocking(move || {
            let mut intake = begin.open(length, &wanted)?;
            intake.feed(&batch)?;
            Ok(intake)
        }));
    }
}
