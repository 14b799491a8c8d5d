//! What is remembered of an upload in parts, so that it goes on after the program was killed.
//!
//! One small file per server, path and patient in the user's state folder. It must never hold a
//! credential, a URL, a name or a patient's id: what stands in it is the upload's id and hashes.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

/// Longer than any server keeps an upload that nobody completes.
const FORGET: Duration = Duration::from_hours(30 * 24);

/// An upload in parts that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Begun {
    /// The upload.
    pub upload_id: String,
    /// The document to be.
    pub id: String,
    /// The size of each part but the last, in bytes.
    pub part_size: u64,
    /// How many there are.
    pub part_count: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Remembered {
    /// Everything that was announced, and the file as it was.
    fingerprint: String,
    #[serde(flatten)]
    begun: Begun,
}

/// Why a place cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// Another program holds it.
    #[error("another `strongroom put` is sending this file at this moment")]
    Busy,
    /// The folder cannot be used.
    #[error("{0}: {1}")]
    Folder(String, #[source] std::io::Error),
}

/// What was found in the memory.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// This very upload was begun.
    Same(Begun),
    /// Another one of the same path was: the file or what is said of it has changed.
    Other(Begun),
}

/// The place of one upload. While it is held no other program takes it.
pub struct Memory {
    path: PathBuf,
    file: File,
}

impl Memory {
    /// Opens the place of an upload, named by everything that `key` holds.
    pub fn open(dir: &Path, key: &[&str]) -> Result<Self, MemoryError> {
        let here = |e| MemoryError::Folder(dir.display().to_string(), e);
        // A folder that is there keeps its mode: it may be one that others use, too.
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(here)?;
        forget_old(dir);
        let path = dir.join(format!("put-{}.json", fingerprint(key)));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(here)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, file }),
            Err(TryLockError::WouldBlock) => Err(MemoryError::Busy),
            Err(TryLockError::Error(e)) => Err(here(e)),
        }
    }

    /// What is remembered.
    pub fn find(&mut self, fingerprint: &str) -> Found {
        let mut text = String::new();
        let read = self.file.rewind().and_then(|()| self.file.read_to_string(&mut text));
        // A file that was cut off while it was written is as good as none.
        match read.ok().and_then(|_| serde_json::from_str::<Remembered>(&text).ok()) {
            None => Found::Nothing,
            Some(old) if old.fingerprint == fingerprint => Found::Same(old.begun),
            Some(old) => Found::Other(old.begun),
        }
    }

    /// Remembers an upload; on disk when this returns.
    pub fn keep(&mut self, fingerprint: &str, begun: &Begun) -> std::io::Result<()> {
        let kept = Remembered { fingerprint: fingerprint.to_owned(), begun: begun.clone() };
        let text = serde_json::to_vec(&kept)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.sync_all()
    }

    /// Forgets it.
    pub fn forget(self) {
        // What stays is found to be useless the next time.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// One name for several texts.
pub fn fingerprint(texts: &[&str]) -> String {
    let mut all = Vec::new();
    for text in texts {
        all.extend((text.len() as u64).to_be_bytes());
        all.extend(text.as_bytes());
    }
    hex::encode(&digest(&SHA256, &all).as_ref()[..16])
}

/// Whether a file's name is one that [`Memory::open`] gives.
fn is_place(name: &str) -> bool {
    let hash = name.strip_prefix("put-").and_then(|rest| rest.strip_suffix(".json"));
    hash.is_some_and(|hash| hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn forget_old(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(is_place);
        let age = entry.metadata().and_then(|meta| meta.modified()).ok();
        let old = age.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > FORGET);
        if ours && old {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn an_upload_is_found_again_until_it_is_forgotten_or_the_file_has_changed() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("state");
        let key = ["http://127.0.0.1:1", "/a/b.dcm", "p1"];
        let begun =
            Begun { upload_id: "u".into(), id: "d".into(), part_size: 5 << 20, part_count: 3 };
        let mut memory = Memory::open(&dir, &key).unwrap();
        assert_eq!(memory.find("f1"), Found::Nothing);
        memory.keep("f1", &begun).unwrap();
        assert!(matches!(Memory::open(&dir, &key), Err(MemoryError::Busy)));
        drop(memory);

        let mut memory = Memory::open(&dir, &key).unwrap();
        assert_eq!(memory.find("f1"), Found::Same(begun.clone()));
        assert_eq!(memory.find("f2"), Found::Other(begun));
        let mut other = Memory::open(&dir, &["http://127.0.0.1:1", "/a/b.dcm", "p2"]).unwrap();
        assert_eq!(other.find("f1"), Found::Nothing);
        memory.file.set_len(20).unwrap();
        assert_eq!(memory.find("f1"), Found::Nothing, "a file that was cut off");
        memory.forget();
        other.forget();
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0);
        let mode = std::fs::metadata(&dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_folder_that_is_there_keeps_its_mode_and_what_else_lies_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        std::fs::set_permissions(dir, PermissionsExt::from_mode(0o755)).unwrap();
        let names = [format!("put-{}.json", fingerprint(&["x"])), "put-away.json".to_owned()];
        for name in &names {
            File::create(dir.join(name)).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        Memory::open(dir, &["y"]).unwrap().forget();
        assert_eq!(std::fs::metadata(dir).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(names.map(|name| dir.join(name).exists()), [false, true]);
    }

    #[test]
    fn texts_that_run_together_have_names_of_their_own() {
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
        assert_eq!(fingerprint(&["ab", "c"]), fingerprint(&["ab", "c"]));
    }
}
