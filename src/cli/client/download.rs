//! Fetching one document: into a file beside its last name, checked, then given that name; or to
//! standard output.
//!
//! Invariant: under the name that was asked for stands the whole document with the SHA-256 the
//! server says, or nothing.

use std::io::{IsTerminal as _, Read as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncWriteExt as _, BufWriter};

use super::part_file::{LONGEST_NAME, PartFile};
use super::{Client, ClientError, Meter, Reporter, Tries};
use crate::ids::DocumentId;

/// No byte for this long is a broken connection.
const SILENCE: std::time::Duration = std::time::Duration::from_mins(1);
/// How much is written and read at once.
const PIECE: usize = 512 * 1024;

/// Where a document goes.
pub enum Target {
    /// Under its own name, into this folder.
    Folder(PathBuf),
    /// Under this name.
    File(PathBuf),
    /// To standard output.
    Output,
}

/// What to fetch and how.
pub struct Download<'a> {
    /// From whom.
    pub client: &'a Client,
    /// Which document.
    pub id: DocumentId,
    /// Where it goes.
    pub target: Target,
    /// Whether a file that is there is replaced.
    pub force: bool,
    /// Whether the bytes come through the server instead of from the store.
    pub through_server: bool,
    /// How progress is told.
    pub reporter: &'a Reporter,
}

/// What was fetched.
pub struct Fetched {
    /// The document.
    pub document: Value,
    /// The file it lies in; none: standard output.
    pub path: Option<PathBuf>,
    /// How many bytes were there from before.
    pub kept: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

#[derive(Deserialize)]
struct Link {
    url: String,
}

/// The document as far as fetching it goes.
struct Wanted {
    size: u64,
    sha256: Option<String>,
}

impl Download<'_> {
    /// Fetches it.
    pub async fn run(&self) -> Result<Fetched, ClientError> {
        let document: Value = self.client.get(&format!("/api/docs/{}", self.id)).await?;
        let strange =
            |what: &str| ClientError::Strange(format!("no {what}"), self.client.base().to_owned());
        let size = document["size"].as_u64().ok_or_else(|| strange("size"))?;
        let sha256 = match &document["sha256"] {
            Value::Null => None,
            // Only where there is none may the bytes go unchecked.
            told => Some(told.as_str().ok_or_else(|| strange("sha256"))?.to_lowercase()),
        };
        let wanted = Wanted { size, sha256 };
        let name = document["filename"].as_str().ok_or_else(|| strange("filename"))?;
        let meter = self.reporter.meter(name, size);
        meter.stage("fetching", 0);
        let path = match &self.target {
            Target::Output => None,
            Target::File(path) => Some(path.clone()),
            Target::Folder(folder) => Some(folder.join(safe_name(name, self.id))),
        };
        let fetched = match &path {
            Some(path) => self.to_file(&wanted, path, &meter).await,
            None => self.to_output(&wanted, &meter).await.map(|sha256| (sha256, 0)),
        };
        meter.clear();
        let (sha256, kept) = fetched?;
        Ok(Fetched { document, path, kept, sha256 })
    }

    async fn to_output(&self, wanted: &Wanted, meter: &Meter) -> Result<String, ClientError> {
        let (mut at, mut context) = (0, Context::new(&SHA256));
        // A descriptor of its own: the library's standard output looks for line breaks.
        let output = std::io::stdout().as_fd().try_clone_to_owned();
        let output = output.map_err(|e| ClientError::File(format!("standard output: {e}")))?;
        let mut out = buffered(output.into());
        self.stream(&mut at, wanted, &mut context, &mut out, meter).await?;
        out.flush().await.map_err(|e| ClientError::File(format!("standard output: {e}")))?;
        let sha256 = hex::encode(context.finish());
        check(wanted, &sha256)?;
        Ok(sha256)
    }

    /// Fetches into a file beside it, goes on with one that is there, and gives it its name when
    /// it fits.
    async fn to_file(
        &self,
        wanted: &Wanted,
        path: &Path,
        meter: &Meter,
    ) -> Result<(String, u64), ClientError> {
        if !self.force && path.symlink_metadata().is_ok() {
            let text = format!("{} is there already; --force replaces it", path.display());
            return Err(ClientError::File(text));
        }
        let mut part = PartFile::open(path, self.id)?;
        let part_path = part.path().to_owned();
        let here = |e: std::io::Error| ClientError::file(&part_path, &e);
        let mut context = Context::new(&SHA256);
        let mut at = hash_what_is_there(part.file(), wanted, &mut context).map_err(here)?;
        loop {
            let kept = at;
            if kept > 0 {
                self.reporter.say(&format!("Going on after {}.", super::human(kept)));
            }
            meter.stage("fetching", kept);
            let mut out = buffered(part.file().try_clone().map_err(here)?);
            self.stream(&mut at, wanted, &mut context, &mut out, meter).await?;
            out.flush().await.map_err(here)?;
            let sha256 =
                hex::encode(std::mem::replace(&mut context, Context::new(&SHA256)).finish());
            match check(wanted, &sha256) {
                Ok(()) => {
                    out.get_ref().sync_all().await.map_err(here)?;
                    part.finish(path, self.force)?;
                    return Ok((sha256, kept));
                }
                // What lay there was damaged.
                Err(_) if kept > 0 => {
                    self.reporter.say("What was there from before does not fit; it begins anew.");
                    part.file().set_len(0).map_err(here)?;
                    at = 0;
                }
                Err(e) => {
                    part.discard();
                    return Err(e);
                }
            }
        }
    }

    /// Brings all bytes from `at` on, over as many connections as it takes.
    async fn stream(
        &self,
        at: &mut u64,
        wanted: &Wanted,
        context: &mut Context,
        out: &mut (impl tokio::io::AsyncWrite + Unpin),
        meter: &Meter,
    ) -> Result<(), ClientError> {
        let (mut tries, mut renewed) = (Tries::default(), false);
        let mut link = None;
        while *at < wanted.size {
            let before = *at;
            let failed = match self.open(&mut link, *at).await {
                Ok(mut answer) => {
                    match self.pour(&mut answer, at, wanted, context, out, meter).await {
                        Ok(()) => continue,
                        Err(e) => e,
                    }
                }
                Err(ClientError::Store { status: 401 | 403, .. }) if !renewed => {
                    (link, renewed) = (None, true);
                    continue;
                }
                Err(e) => e,
            };
            if *at > before {
                tries.reset();
                renewed = false;
            }
            tries.pause(failed).await?;
        }
        Ok(())
    }

    async fn open(&self, link: &mut Option<String>, at: u64) -> Result<Response, ClientError> {
        let answer = if self.through_server {
            let path = format!("/api/docs/{}/content", self.id);
            let range = [("range", format!("bytes={at}-"))];
            self.client.answer(Method::GET, &path, None, &range).await?
        } else {
            let url = if let Some(url) = link {
                url.clone()
            } else {
                let path = format!("/api/docs/{}/download", self.id);
                let asked: Link = self.client.get(&path).await?;
                link.insert(asked.url).clone()
            };
            self.client.fetch(&url, at).await?
        };
        if at > 0 && answer.status() != 206 {
            let text = "the store sends the whole file where a range was asked for; remove the \
                        .part file to begin anew";
            return Err(ClientError::Content(text.to_owned()));
        }
        Ok(answer)
    }

    async fn pour(
        &self,
        answer: &mut Response,
        at: &mut u64,
        wanted: &Wanted,
        context: &mut Context,
        out: &mut (impl tokio::io::AsyncWrite + Unpin),
        meter: &Meter,
    ) -> Result<(), ClientError> {
        let lost = |why: &str| ClientError::Unreachable {
            whom: "the sender of the file".to_owned(),
            why: why.to_owned(),
        };
        loop {
            let chunk = match tokio::time::timeout(SILENCE, answer.chunk()).await {
                Err(_) => return Err(lost("no byte came for a minute")),
                Ok(Err(e)) => return Err(ClientError::unreachable("the sender of the file", e)),
                Ok(Ok(None)) if *at < wanted.size => return Err(lost("the file came in part")),
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(chunk))) => chunk,
            };
            if *at + chunk.len() as u64 > wanted.size {
                let text = format!("more than the {} bytes of the document came", wanted.size);
                return Err(ClientError::Content(text));
            }
            let wrote = out.write_all(&chunk).await;
            wrote.map_err(|e| ClientError::File(format!("what came cannot be written: {e}")))?;
            context.update(&chunk);
            *at += chunk.len() as u64;
            meter.add(chunk.len() as u64);
        }
    }
}

/// Gathers what comes in small pieces.
fn buffered(file: std::fs::File) -> BufWriter<tokio::fs::File> {
    BufWriter::with_capacity(PIECE, tokio::fs::File::from_std(file))
}

/// Hashes what an earlier run has left behind; how many bytes that is. It is cut off where it is
/// more than the document has, and where no SHA-256 would tell whether it fits.
fn hash_what_is_there(
    file: &mut std::fs::File,
    wanted: &Wanted,
    context: &mut Context,
) -> std::io::Result<u64> {
    if wanted.sha256.is_none() || file.metadata()?.len() > wanted.size {
        file.set_len(0)?;
    }
    let (mut piece, mut at) = (vec![0; PIECE], 0);
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(at);
        }
        context.update(&piece[..read]);
        at += read as u64;
    }
}

fn check(wanted: &Wanted, sha256: &str) -> Result<(), ClientError> {
    match &wanted.sha256 {
        Some(right) if right != sha256 => {
            let text = format!("what came has the SHA-256 {sha256}, the document has {right}");
            Err(ClientError::Content(text))
        }
        _ => Ok(()),
    }
}

/// The document's name as the name of a file here: no folders, nothing hidden, nothing that a
/// terminal would obey.
fn safe_name(name: &str, id: DocumentId) -> String {
    let plain = |c: char| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c };
    let name: String = name.chars().map(plain).collect();
    let mut name = name.trim().trim_start_matches('.').trim_end_matches(['.', ' ']).to_owned();
    while name.len() > LONGEST_NAME {
        // The beginning goes, so that the extension stays.
        name.remove(0);
    }
    // A leading dash would look like an option to the next command.
    match name.strip_prefix('-') {
        Some(rest) => format!("_{rest}"),
        None if name.is_empty() => id.to_string(),
        None => name,
    }
}

/// Whether bytes may go to standard output: a terminal would obey them.
pub fn output_is_fit() -> bool {
    !std::io::stdout().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_kept_only_where_a_sha256_will_tell_whether_it_fits() {
        for (sha256, size, kept) in [(Some("00"), 9, 4), (Some("00"), 3, 0), (None, 9, 0)] {
            let mut file = tempfile::tempfile().unwrap();
            std::io::Write::write_all(&mut file, b"data").unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            let wanted = Wanted { size, sha256: sha256.map(str::to_owned) };
            let mut context = Context::new(&SHA256);
            assert_eq!(hash_what_is_there(&mut file, &wanted, &mut context).unwrap(), kept);
            assert_eq!(file.metadata().unwrap().len(), kept);
        }
    }

    #[test]
    fn a_documents_name_stays_in_the_folder_and_in_sight() {
        let id: DocumentId = "0190a5e2-0000-7000-8000-000000000001".parse().unwrap();
        for (name, safe) in [
            ("letter ü.pdf", "letter ü.pdf"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..", "0190a5e2-0000-7000-8000-000000000001"),
            (".bashrc", "bashrc"),
            ("-rf", "_rf"),
            ("a\u{1b}[2J.pdf", "a_[2J.pdf"),
            ("C:\\x.pdf", "C__x.pdf"),
        ] {
            assert_eq!(safe_name(name, id), safe);
        }
        let long = safe_name(&format!("{}.pdf", "ü".repeat(200)), id);
        assert!(long.len() <= LONGEST_NAME && long.ends_with("ü.pdf"), "{long}");
    }
}
