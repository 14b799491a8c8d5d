//! The file that a document is fetched into, beside the name it is to have.
//!
//! Invariants: its name holds the document's id, so no other program's file and no other document's
//! is taken for it; what lies there is written only where it is a regular file with that one name,
//! open to nobody but its owner; without `--force` nothing that has the last name is replaced.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::ClientError;
use crate::ids::DocumentId;

/// Longest name of a file on the usual file systems, in bytes.
pub const LONGEST_NAME: usize = 255;
/// Nobody but the owner reads what may be a patient's.
const MODE: u32 = 0o600;

/// The file, held against every other `strongroom get` until it is dropped.
pub struct PartFile {
    path: PathBuf,
    file: File,
}

impl PartFile {
    /// Opens the one that belongs to a document and its last name, or makes it.
    ///
    /// Fails where another program writes it, and where something else has that name.
    pub fn open(target: &Path, id: DocumentId) -> Result<Self, ClientError> {
        let path = part_path(target, id);
        let here = |e: io::Error| ClientError::file(&path, &e);
        let file = match open_new(&path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => open_old(&path)?,
            opened => opened.map_err(here)?,
        };
        if file.try_lock().is_err() {
            let text = format!("{}: another `strongroom get` is writing it", path.display());
            return Err(ClientError::File(text));
        }
        // Before the lock was had another program may have given it its last name; and what was
        // a file a moment ago may have become a link.
        let opened = file.metadata().map_err(here)?;
        if !path.symlink_metadata().is_ok_and(|now| is_own(&now) && same(&now, &opened)) {
            let text = format!("{} has just been replaced; run it again", path.display());
            return Err(ClientError::File(text));
        }
        file.set_permissions(Permissions::from_mode(MODE)).map_err(here)?;
        Ok(Self { path, file })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself; what is written goes to its end.
    pub fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Removes it: what it holds is of no use.
    pub fn discard(self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// Gives it its last name; on disk when this returns. What is in the way is replaced if
    /// `force` is set, else it stays, and so does this file.
    pub fn finish(self, target: &Path, force: bool) -> Result<(), ClientError> {
        if force {
            let renamed = std::fs::rename(&self.path, target);
            renamed.map_err(|e| ClientError::file(target, &e))?;
        } else {
            // Unlike a rename it fails where something has that name, without a gap in between.
            self.settle(target, std::fs::hard_link(&self.path, target))?;
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let synced = File::open(folder.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        synced.map_err(|e| ClientError::file(target, &e))
    }

    /// What follows on the attempt to link it to its last name.
    fn settle(&self, target: &Path, linked: io::Result<()>) -> Result<(), ClientError> {
        let in_the_way = match linked {
            Ok(()) => {
                // One that stays has two names, and is not used again.
                let _ = std::fs::remove_file(&self.path);
                return Ok(());
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => true,
            // Not every file system has hard links, and each says so in its own way.
            Err(_) => target.symlink_metadata().is_ok(),
        };
        if in_the_way {
            let text = format!(
                "{} was made meanwhile and stays as it is; the same command with --force replaces \
                 it, and -o gives the document another name",
                target.display()
            );
            return Err(ClientError::File(text));
        }
        std::fs::rename(&self.path, target).map_err(|e| ClientError::file(target, &e))
    }
}

/// `NAME.ID.part`; of a long name only the beginning.
fn part_path(target: &Path, id: DocumentId) -> PathBuf {
    let end = format!(".{id}.part");
    let mut name = target.file_name().unwrap_or_default().to_owned();
    if name.len() + end.len() > LONGEST_NAME {
        let mut start = name.to_string_lossy().into_owned();
        start.truncate(start.floor_char_boundary(LONGEST_NAME - end.len()));
        name = start.into();
    }
    name.push(end);
    target.with_file_name(name)
}

/// Fails where there is anything of that name, a link that leads nowhere among it.
fn open_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create_new(true).mode(MODE).open(path)
}

fn open_old(path: &Path) -> Result<File, ClientError> {
    let here = |e: io::Error| ClientError::file(path, &e);
    let found = path.symlink_metadata().map_err(here)?;
    if !found.is_file() {
        let text = format!("{} is no regular file; remove it", path.display());
        return Err(ClientError::File(text));
    }
    if !is_own(&found) {
        // The other name is that of a file somebody has: a document that was fetched, mostly.
        std::fs::remove_file(path).map_err(here)?;
        return open_new(path).map_err(here);
    }
    OpenOptions::new().read(true).append(true).open(path).map_err(here)
}

/// Whether it is a file that no other name leads to. Some file systems count no names at all.
fn is_own(found: &Metadata) -> bool {
    found.is_file() && found.nlink() <= 1
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn id() -> DocumentId {
        "0190a5e2-0000-7000-8000-000000000001".parse().unwrap()
    }

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[track_caller]
    fn refused<T>(done: Result<T, ClientError>, words: &str) {
        let said = done.err().expect("it is refused").to_string();
        assert!(said.contains(words), "{said}");
    }

    #[test]
    fn what_appears_under_the_last_name_meanwhile_stays_unless_it_is_forced() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("scan.dcm");
        let no_links = || Err(io::Error::from(ErrorKind::PermissionDenied));
        let mut part = PartFile::open(&target, id()).unwrap();
        part.file().write_all(b"document").unwrap();
        std::fs::write(&target, "mine").unwrap();
        refused(part.settle(&target, no_links()), "--force");
        refused(part.finish(&target, false), "--force");
        assert_eq!(read(&target), "mine");

        let mut part = PartFile::open(&target, id()).unwrap();
        assert_eq!(read(part.path()), "document", "nothing is to be fetched again");
        part.file().write_all(b"!").unwrap();
        part.finish(&target, true).unwrap();
        assert_eq!(read(&target), "document!");

        // A link that leads nowhere is something, too.
        let dangling = dir.path().join("dangling");
        std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
        let part = PartFile::open(&dangling, id()).unwrap();
        refused(part.settle(&dangling, no_links()), "--force");
        refused(part.finish(&dangling, false), "--force");
    }

    #[test]
    fn it_gets_its_last_name_with_hard_links_and_without() {
        let dir = tempfile::tempdir().unwrap();
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        PartFile::open(&one, id()).unwrap().finish(&one, false).unwrap();
        let part = PartFile::open(&two, id()).unwrap();
        part.settle(&two, Err(ErrorKind::Unsupported.into())).unwrap();
        let mut names: Vec<_> =
            dir.path().read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        assert_eq!(names, [one, two]);
    }

    #[test]
    fn links_are_not_followed_and_a_file_with_two_names_is_not_written() {
        let dir = tempfile::tempdir().unwrap();
        let (target, other) = (dir.path().join("scan.dcm"), dir.path().join("other"));
        let path = part_path(&target, id());
        std::fs::write(&other, "other").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        refused(PartFile::open(&target, id()), "no regular file");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(dir.path().join("nowhere"), &path).unwrap();
        refused(PartFile::open(&target, id()), "no regular file");
        assert!(!dir.path().join("nowhere").exists());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        refused(PartFile::open(&target, id()), "no regular file");
        std::fs::remove_dir(&path).unwrap();

        std::fs::hard_link(&other, &path).unwrap();
        let mut part = PartFile::open(&target, id()).unwrap();
        part.file().write_all(b"document").unwrap();
        assert_eq!((read(&path), read(&other)), ("document".into(), "other".into()));
    }

    #[test]
    fn it_is_for_one_program_and_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("scan.dcm");
        let path = part_path(&target, id());
        std::fs::write(&path, "before").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let part = PartFile::open(&target, id()).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&path), "before");
        refused(PartFile::open(&target, id()), "another `strongroom get`");
        part.discard();
        assert!(!path.exists());
    }

    #[test]
    fn the_longest_names_leave_room_for_the_id() {
        let target = Path::new("folder").join("ü".repeat(127));
        let path = part_path(&target, id());
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(path.starts_with("folder") && name.len() <= LONGEST_NAME, "{name}");
        assert!(name.starts_with("üü") && name.ends_with(&format!(".{}.part", id())), "{name}");
        assert_eq!(part_path(Path::new("a"), id()), PathBuf::from(format!("a.{}.part", id())));
    }
}
