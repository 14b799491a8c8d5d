//! The sealed local store: files on disk, each sealed under a key of its own, and an index.
//!
//! It behaves as an S3 bucket with versioning enabled. `wire` speaks the S3 protocol to clients;
//! the rest of the house uses [`ObjectStore`].
//!
//! Invariants:
//! - A row of the index is committed only after the files it names are on disk, and files are
//!   removed only after the commit that forgets them. What a crash leaves behind is a file that
//!   no row names; `sweep` takes it.
//! - No plaintext of an object is written to disk, nor of its metadata.
//! - Destroying a version's row destroys the only wrapping of its data key.

mod blocks;
mod checksum;
mod copy;
mod delete;
mod examine;
mod folder;
mod intake;
mod listing;
mod multipart;
mod object;
mod object_store;
mod put;
mod rotate;
mod rows;
mod sealed;
mod wire;
mod wire_convert;
mod wire_cors;
mod wire_errors;
mod wire_guard;
mod wire_lists;
mod wire_multipart;
mod wire_objects;
mod wire_post;
mod wire_reads;
mod wire_writing;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire_pace_tests;
#[cfg(test)]
mod wire_tests;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::spawn_blocking;
use uuid::Uuid;

use self::blocks::{Blocks, Segment};
use self::folder::Folder;
use self::object::Found;
use self::rows::VersionRow;
use super::{ObjectKey, Presigner, PresignerConfig, StoreError};
use crate::db::{SqliteDb, SqliteReader, migrator};
use crate::ids::Ids;
use crate::keys::{KeyRing, S3Credentials};
use crate::time::{Clock, Timestamp};

pub use checksum::{Algorithm, Checksums, Expected};
pub use intake::{BodyError, IntakeError, Length};
pub use multipart::{Begin, Complete, MultipartError, NamedPart};
pub use object::Attributes;
pub use put::{Put, Stored};
pub use rows::Condition;
pub use wire::{Most, Wire, WireAccess, WireObserver, WireRefusal};

const STEPS: &[(&str, &str)] =
    &[("index", include_str!("../../../migrations/store/0001_index.sql"))];

/// What the store needs to open.
#[derive(Clone, Debug)]
pub struct LocalStoreConfig {
    /// The folder; made when absent.
    pub dir: PathBuf,
    /// The bucket's name.
    pub bucket: String,
    /// The region it claims to be in.
    pub region: String,
    /// The base URL that clients reach, as `http://127.0.0.1:8080`.
    pub endpoint: String,
    /// The one access key of its wire.
    pub credentials: S3Credentials,
    /// Wraps the data keys.
    pub ring: KeyRing,
    /// The time.
    pub clock: Clock,
    /// Where ids come from.
    pub ids: Ids,
}

/// The sealed local store.
pub struct LocalStore {
    config: LocalStoreConfig,
    folder: Arc<Folder>,
    index: SqliteDb,
    presigner: Presigner,
}

impl LocalStore {
    /// Opens the folder (only one process may), brings the index up to date.
    pub async fn open(config: LocalStoreConfig) -> Result<Arc<Self>, StoreError> {
        let dir = config.dir.clone();
        let folder = blocking(move || Folder::open(&dir)).await?;
        let index = SqliteDb::open(&config.dir.join("index.sqlite")).await?;
        index.migrate(&migrator(STEPS.iter().copied())).await?;
        let presigner = Presigner::new(&PresignerConfig {
            bucket: config.bucket.clone(),
            bucket_url: format!("{}/{}", config.endpoint.trim_end_matches('/'), config.bucket),
            region: config.region.clone(),
            credentials: config.credentials.clone(),
            session_token: None,
            object_headers: Vec::new(),
        });
        Ok(Arc::new(Self { config, folder, index, presigner }))
    }

    /// Makes presigned requests for this store.
    pub fn presigner(&self) -> &Presigner {
        &self.presigner
    }

    /// Commits what is open and closes the index.
    pub async fn close(&self) {
        self.index.close().await;
    }

    /// Removes files that no row names and that are older than an hour, at most `most` of them;
    /// how many were removed. For upkeep; harmless at any time.
    pub async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        let mut orphans = Vec::new();
        let now = self.now().system_time();
        for sub in 0..=u8::MAX {
            let folder = Arc::clone(&self.folder);
            let candidates = blocking(move || folder.candidates(sub, now)).await?;
            let mut reader = self.reader().await?;
            for file_id in candidates {
                if orphans.len() < most && !rows::names_file(&mut reader, file_id).await? {
                    orphans.push(file_id);
                }
            }
        }
        let count = orphans.len();
        self.remove_files(orphans).await?;
        Ok(count)
    }

    fn now(&self) -> Timestamp {
        self.config.clock.now()
    }

    fn new_id(&self) -> Uuid {
        self.config.ids.next()
    }

    async fn reader(&self) -> Result<SqliteReader, StoreError> {
        Ok(self.index.reader().await?)
    }

    async fn remove_files(&self, files: Vec<Uuid>) -> Result<(), StoreError> {
        if files.is_empty() {
            return Ok(());
        }
        let folder = Arc::clone(&self.folder);
        blocking(move || folder.remove(&files)).await
    }

    /// The row of a version, or of the current one; delete markers are found too.
    async fn row(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
    ) -> Result<Option<VersionRow>, StoreError> {
        let mut reader = self.reader().await?;
        Ok(match version {
            Some(version) => rows::version(&mut reader, key.as_str(), version).await?,
            None => rows::current(&mut reader, key.as_str()).await?,
        })
    }

    /// Unwraps the key of a version whose row was found.
    async fn found(&self, row: VersionRow) -> Result<Found, StoreError> {
        let segments = match row.file_id {
            Some(file_id) => vec![Segment { file_id, size: row.size.cast_unsigned() }],
            None => rows::segments(&mut *self.reader().await?, row.seq).await?,
        };
        Found::open(row, segments, &self.config.ring)
    }

    /// Finds a version that has bytes.
    async fn find(&self, key: &ObjectKey, version: Option<&str>) -> Result<Found, StoreError> {
        match self.row(key, version).await? {
            Some(row) if !row.marker => self.found(row).await,
            _ => Err(StoreError::NotFound),
        }
    }

    /// The bytes of a range of a version.
    async fn read(&self, found: &Found, range: std::ops::Range<u64>) -> Result<Blocks, StoreError> {
        let (folder, key) = (Arc::clone(&self.folder), found.data_key.clone());
        Blocks::open(folder, key, &found.segments, range).await
    }
}

/// Runs blocking work on a thread for it.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.map_err(StoreError::unavailable)?
}
