//! Looking at the bytes of an upload while they pass: their beginning and their SHA-256, and
//! whether they are what was announced.

use aws_lc_rs::digest::{Context, SHA256};

use crate::documents::Document;
use crate::documents::content::HEAD_BYTES;

/// Gathers what there is to see.
pub(super) struct Look {
    head: Vec<u8>,
    hash: Context,
}

impl Default for Look {
    fn default() -> Self {
        Self { head: Vec::new(), hash: Context::new(&SHA256) }
    }
}

impl Look {
    /// The next bytes.
    pub fn piece(&mut self, piece: &[u8]) {
        let wanted = usize::try_from(HEAD_BYTES).unwrap_or(usize::MAX);
        let wanted = wanted.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..wanted]);
        self.hash.update(piece);
    }

    /// What was seen.
    pub fn finish(self) -> Seen {
        let sha256 = <[u8; 32]>::try_from(self.hash.finish().as_ref()).unwrap_or_default();
        Seen { head: self.head, sha256 }
    }
}

/// What was seen of an upload.
pub(super) struct Seen {
    pub head: Vec<u8>,
    /// Of all that passed.
    pub sha256: [u8; 32],
}

impl Seen {
    /// What is not as announced: the type by the first bytes, or a SHA-256 that somebody named.
    pub fn differs(
        &self,
        document: &Document,
        said: impl IntoIterator<Item = [u8; 32]>,
    ) -> Option<&'static str> {
        if !document.file_type().is_some_and(|t| t.looks_like(&self.head)) {
            Some("type")
        } else if said.into_iter().any(|sha256| sha256 != self.sha256) {
            Some("checksum")
        } else {
            None
        }
    }
}
