//! The key file: mode 0600, written whole or not at all.
//!
//! Invariant: a file under the final name is complete and on disk; two processes that start at
//! once agree on one file (a hard link never replaces an existing name).

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use zeroize::Zeroizing;

use super::KeyError;

/// Permission bits that nobody but the owner may have.
const OTHERS: u32 = 0o077;

fn failed(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> KeyError {
    let path = path.display().to_string();
    move |source| KeyError::File { path, what, source }
}

/// The file's text, or nothing where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<String>>, KeyError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(path, "read")(e)),
    };
    let mode = file.metadata().map_err(failed(path, "read"))?.permissions().mode() & 0o777;
    if mode & OTHERS != 0 {
        return Err(KeyError::Exposed { path: path.display().to_string(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(failed(path, "read"))?;
    Ok(Some(text))
}

/// Writes a new file; `false` where one was there already.
pub(super) fn create(path: &Path, content: &[u8]) -> Result<bool, KeyError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.exists() {
        fs::create_dir_all(folder).map_err(failed(folder, "made"))?;
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    }
    let mut suffix = [0; 8];
    super::random(&mut suffix)?;
    let temp = path.with_extension(format!("{}.tmp", hex::encode(suffix)));
    let written = write_and_link(&temp, path, content);
    let _ = fs::remove_file(&temp);
    let made = match written {
        Ok(()) => true,
        Err(e) if e.kind() == ErrorKind::AlreadyExists => false,
        Err(e) => return Err(failed(path, "written")(e)),
    };
    File::open(folder).and_then(|f| f.sync_all()).map_err(failed(folder, "synced"))?;
    Ok(made)
}

fn write_and_link(temp: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temp)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::hard_link(temp, path)
}
