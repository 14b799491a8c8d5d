//! A file that is to be sent: what it is, its SHA-256, and whether it is still the same.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use tokio::io::AsyncReadExt as _;

use super::{ClientError, Meter};
use crate::documents::content::{FileType, HEAD_BYTES, TYPES};

/// How much is read at once while the SHA-256 is computed.
const PIECE: usize = 1024 * 1024;

/// A file as it was when it was looked at.
#[derive(Clone, Debug)]
pub struct LocalFile {
    /// Where it is, absolute and without symbolic links.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: u128,
}

impl LocalFile {
    /// Looks at a file; a folder or an empty file is an error.
    pub fn look(path: &Path) -> Result<Self, ClientError> {
        let here = |e: std::io::Error| ClientError::file(path, &e);
        let real = path.canonicalize().map_err(here)?;
        let meta = std::fs::metadata(&real).map_err(here)?;
        let refuse = |what: &str| Err(ClientError::File(format!("{}: {what}", path.display())));
        if meta.is_dir() {
            return refuse("is a folder; name the files in it");
        }
        if !meta.is_file() {
            return refuse("is no plain file");
        }
        if meta.len() == 0 {
            return refuse("is empty");
        }
        let modified = meta.modified().map_err(here)?;
        let modified = modified.duration_since(std::time::UNIX_EPOCH);
        let modified = modified.map(|span| span.as_nanos()).unwrap_or_default();
        Ok(Self { path: real, size: meta.len(), modified })
    }

    /// Its media type by its extension, else by its first bytes (DICOM files often have none).
    pub fn media_type(&self, name: &str) -> Result<&'static str, ClientError> {
        use std::io::Read as _;
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        let by_name = |t: &&FileType| {
            extension.as_deref().is_some_and(|extension| t.extensions.contains(&extension))
        };
        if let Some(found) = TYPES.iter().find(by_name) {
            return Ok(found.mime);
        }
        let mut head = Vec::new();
        let file =
            std::fs::File::open(&self.path).map_err(|e| ClientError::file(&self.path, &e))?;
        let mut reader = file.take(HEAD_BYTES as u64);
        reader.read_to_end(&mut head).map_err(|e| ClientError::file(&self.path, &e))?;
        // What any text looks like says nothing.
        let by_content = |t: &&FileType| !t.mime.starts_with("text/") && t.looks_like(&head);
        TYPES.iter().find(by_content).map(|t| t.mime).ok_or_else(|| {
            let what = "its type is not known by its name; say it with --type";
            ClientError::File(format!("{}: {what}", self.path.display()))
        })
    }

    /// Reads it once; its SHA-256, hexadecimal.
    pub async fn sha256(&self, meter: &Meter) -> Result<String, ClientError> {
        let here = |e: std::io::Error| ClientError::file(&self.path, &e);
        let mut file = tokio::fs::File::open(&self.path).await.map_err(here)?;
        file.set_max_buf_size(PIECE);
        let (mut context, mut piece) = (Context::new(&SHA256), vec![0; PIECE]);
        loop {
            let read = file.read(&mut piece).await.map_err(here)?;
            if read == 0 {
                break;
            }
            context.update(&piece[..read]);
            meter.add(read as u64);
        }
        self.unchanged()?;
        Ok(hex::encode(context.finish()))
    }

    /// Fails where the file is not what it was.
    pub fn unchanged(&self) -> Result<(), ClientError> {
        let now = Self::look(&self.path)?;
        if (now.size, now.modified) == (self.size, self.modified) {
            return Ok(());
        }
        let text = format!("{}: the file was changed while it was sent", self.path.display());
        Err(ClientError::File(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_the_name_or_by_the_content() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            LocalFile::look(&path).unwrap().media_type(name)
        };
        let dicom = [&[0; 128][..], b"DICM", &[0; 64]].concat();
        assert_eq!(file("IM0001", &dicom).unwrap(), "application/dicom");
        assert_eq!(file("letter.PDF", b"anything").unwrap(), "application/pdf");
        assert_eq!(file("scan", b"%PDF-1.7\n").unwrap(), "application/pdf");
        assert!(file("notes", b"text").unwrap_err().to_string().contains("--type"));
    }

    #[test]
    fn folders_empty_files_and_nothing_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let said = |path: &Path| LocalFile::look(path).unwrap_err().to_string();
        assert!(said(dir.path()).contains("folder"));
        assert!(said(&dir.path().join("none")).contains("No such file"));
        let empty = dir.path().join("empty");
        std::fs::write(&empty, b"").unwrap();
        assert!(said(&empty).contains("empty"));
    }
}
