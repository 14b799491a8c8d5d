//! The store's folder: `objects/<2 hex>/<file id>`, `tmp/`, the lock.
//!
//! Invariants:
//! - A name under `objects/` is a whole file that is on disk, and so is its name.
//! - One process at a time has the folder.
//! - A file between its rename and the commit of its row is marked as under way, so that the
//!   sweep leaves it alone.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::store::StoreError;

/// A file that no row names is left alone until it is this old.
const ORPHAN_AGE: Duration = Duration::from_hours(1);

/// The folder, open and locked.
pub struct Folder {
    objects: PathBuf,
    tmp: PathBuf,
    under_way: Mutex<HashSet<Uuid>>,
    _lock: File,
}

impl Folder {
    /// Makes what is missing, takes the lock, throws away half-written files.
    pub fn open(dir: &Path) -> Result<Arc<Self>, StoreError> {
        let (objects, tmp) = (dir.join("objects"), dir.join("tmp"));
        if !dir.exists() {
            fs::create_dir_all(dir)?;
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
        }
        fs::create_dir_all(&objects)?;
        fs::create_dir_all(&tmp)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(dir.join("lock"))?;
        lock.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => StoreError::unavailable(format!(
                "another process has the object store in {}",
                dir.display()
            )),
            TryLockError::Error(e) => StoreError::from(e),
        })?;
        for entry in fs::read_dir(&tmp)? {
            fs::remove_file(entry?.path())?;
        }
        for n in 0..=u8::MAX {
            let folder = objects.join(hex::encode([n]));
            if !folder.exists() {
                fs::create_dir(folder)?;
            }
        }
        File::open(&objects)?.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(Arc::new(Self { objects, tmp, under_way: Mutex::default(), _lock: lock }))
    }

    fn folder_of(&self, file_id: Uuid) -> PathBuf {
        // The last byte: the first ones of a time-ordered id are the same all day.
        self.objects.join(hex::encode([file_id.as_bytes()[15]]))
    }

    /// Where a sealed file is.
    pub fn path(&self, file_id: Uuid) -> PathBuf {
        self.folder_of(file_id).join(file_id.simple().to_string())
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, HashSet<Uuid>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a file under a temporary name.
    pub fn begin(self: &Arc<Self>, file_id: Uuid) -> Result<Temp, StoreError> {
        let path = self.tmp.join(file_id.simple().to_string());
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Temp { folder: Arc::clone(self), file_id, file, path })
    }

    /// Opens a sealed file for reading. One that a row names and that is not there is damage, as
    /// a changed one is: it must not look as if it had never been.
    pub fn read(&self, file_id: Uuid) -> Result<File, StoreError> {
        File::open(self.path(file_id)).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                tracing::error!(file = %file_id.simple(), "a sealed file is missing");
                StoreError::Damaged
            }
            _ => e.into(),
        })
    }

    /// Removes sealed files; what is gone already is no error.
    pub fn remove(&self, files: &[Uuid]) -> Result<(), StoreError> {
        for file_id in files {
            match fs::remove_file(self.path(*file_id)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Names of files that are old enough to be orphans, one sub-folder's worth.
    pub fn candidates(&self, sub: u8, now: std::time::SystemTime) -> Result<Vec<Uuid>, StoreError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.objects.join(hex::encode([sub])))? {
            let entry = entry?;
            let Some(id) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let modified = entry.metadata()?.modified()?;
            let old = now.duration_since(modified).is_ok_and(|age| age > ORPHAN_AGE);
            if old && !self.under_way().contains(&id) {
                found.push(id);
            }
        }
        Ok(found)
    }

    /// Whether a file can be written and synced here.
    pub fn probe(self: &Arc<Self>, file_id: Uuid) -> Result<(), StoreError> {
        let temp = self.begin(file_id)?;
        temp.file.sync_data()?;
        Ok(())
    }
}

/// A file being written; removed when dropped before it is placed.
pub struct Temp {
    folder: Arc<Folder>,
    file_id: Uuid,
    file: File,
    path: PathBuf,
}

impl Temp {
    /// The file, to write to.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Syncs the file and gives it its final name.
    pub fn place(self) -> Result<Placed, StoreError> {
        self.file.sync_data()?;
        let mut placed =
            Placed { folder: Arc::clone(&self.folder), file_id: self.file_id, keep: true };
        self.folder.under_way().insert(self.file_id);
        fs::rename(&self.path, self.folder.path(self.file_id))?;
        placed.keep = false;
        File::open(self.folder.folder_of(self.file_id))?.sync_all()?;
        Ok(placed)
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // After `place` the name is gone and this fails, as it should.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file under its final name that no row names yet; removed when dropped before `keep`.
pub struct Placed {
    folder: Arc<Folder>,
    file_id: Uuid,
    keep: bool,
}

impl Placed {
    /// The file's name.
    pub fn file_id(&self) -> Uuid {
        self.file_id
    }

    /// From now on the file stays: the commit that names it has begun. Should that commit be lost
    /// with its caller, the sweep takes the file.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_file(self.folder.path(self.file_id));
        }
        self.folder.under_way().remove(&self.file_id);
    }
}
