//! The sealed file: a header, then chunks of 64 KiB, each AES-256-GCM.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | magic and version `SRSEAL` 0 1 |
//! | 4 | chunk size in bytes, big endian |
//! | 4 | zero |
//! | 16 | file id |
//! | … | chunks: ciphertext ‖ 16 bytes of tag; the last one may be short, or empty |
//!
//! The file's key is HKDF-SHA-256(data key, file id), so it serves one file that is written once;
//! the nonce is the chunk's number and whether it is the last one, so no nonce repeats under a
//! key (the construction is STREAM, Hoang, Reyhanitabar, Rogaway, Vizár 2015). The associated
//! data are the header, the chunk's number and the last flag. What ties a file to its object is
//! the data key: it is wrapped bound to the whole row of the index that names object, version,
//! files and sizes (`manifest`). So a flipped byte, a swapped file, a file cut short (at the
//! border of a chunk too) or continued does not open.
//!
//! This must never hand out a byte whose tag was not checked.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::Bytes;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::keys::{DataKey, KEY_LEN, derive};
use crate::store::StoreError;

/// Plaintext bytes of a chunk.
pub const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const HEADER: usize = 32;
const MAGIC: &[u8; 8] = b"SRSEAL\0\x01";
/// Chunks that are written or read in one go.
const BATCH: usize = 4;

/// The key of one file, and what its chunks are bound to.
pub struct FileKey {
    key: LessSafeKey,
    header: [u8; HEADER],
}

impl FileKey {
    /// Derives the key of a file.
    pub fn new(data_key: &DataKey, file_id: Uuid) -> Result<Self, StoreError> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        derive(data_key.bytes(), &[b"strongroom sealed file", file_id.as_bytes()], key.as_mut())?;
        let key = UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(StoreError::unavailable)?;
        let mut header = [0; HEADER];
        header[..8].copy_from_slice(MAGIC);
        // 64 KiB is 0x0001_0000.
        header[8..12].copy_from_slice(&[0, 1, 0, 0]);
        header[16..].copy_from_slice(file_id.as_bytes());
        Ok(Self { key: LessSafeKey::new(key), header })
    }

    fn nonce(number: u64, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&number.to_be_bytes());
        nonce[11] = u8::from(last);
        Nonce::assume_unique_for_key(nonce)
    }

    fn aad(&self, number: u64, last: bool) -> Aad<[u8; HEADER + 9]> {
        let mut aad = [0; HEADER + 9];
        aad[..HEADER].copy_from_slice(&self.header);
        aad[HEADER..HEADER + 8].copy_from_slice(&number.to_be_bytes());
        aad[HEADER + 8] = u8::from(last);
        Aad::from(aad)
    }
}

/// Length on disk of a file that holds `size` bytes.
pub fn sealed_length(size: u64) -> u64 {
    let chunks = size.div_ceil(CHUNK as u64).max(1);
    HEADER as u64 + size + chunks * TAG as u64
}

/// Seals a body as it flows into a file.
pub struct Sealer {
    key: FileKey,
    /// Sealed chunks, then the plaintext of the current one.
    buffer: Vec<u8>,
    /// Where the current chunk begins in `buffer`.
    start: usize,
    number: u64,
}

impl Sealer {
    /// Begins a file; `size_hint` spares small ones a large buffer.
    pub fn new(key: FileKey, size_hint: Option<u64>) -> Self {
        let most = BATCH * (CHUNK + TAG) + HEADER;
        let hint = size_hint.map_or(most, |s| usize::try_from(sealed_length(s)).unwrap_or(most));
        let mut buffer = Vec::with_capacity(most.min(hint));
        buffer.extend_from_slice(&key.header);
        let start = buffer.len();
        Self { key, buffer, start, number: 0 }
    }

    /// Takes in the next bytes.
    pub fn push(&mut self, mut data: &[u8], out: &mut impl Write) -> io::Result<()> {
        while !data.is_empty() {
            let room = CHUNK - (self.buffer.len() - self.start);
            if room == 0 {
                self.seal(false)?;
                if self.buffer.len() >= BATCH * CHUNK {
                    out.write_all(&self.buffer)?;
                    self.buffer.clear();
                    self.start = 0;
                }
                continue;
            }
            let (now, later) = data.split_at(room.min(data.len()));
            self.buffer.extend_from_slice(now);
            data = later;
        }
        Ok(())
    }

    /// Seals the last chunk and writes what is left.
    pub fn finish(mut self, out: &mut impl Write) -> io::Result<()> {
        self.seal(true)?;
        out.write_all(&self.buffer)
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let (nonce, aad) = (FileKey::nonce(self.number, last), self.key.aad(self.number, last));
        let chunk = &mut self.buffer[self.start..];
        let tag = self.key.key.seal_in_place_separate_tag(nonce, aad, chunk);
        let tag = tag.map_err(|_| io::Error::other("sealing failed"))?;
        self.buffer.extend_from_slice(tag.as_ref());
        self.start = self.buffer.len();
        self.number += 1;
        Ok(())
    }
}

/// Opens a range of a sealed file, some chunks at a time.
pub struct Opener {
    key: FileKey,
    file: File,
    /// Plaintext bytes of the whole file.
    size: u64,
    /// What is still to come.
    rest: Range<u64>,
}

impl Opener {
    /// Checks header and length, and goes to where the range begins.
    pub fn new(
        key: FileKey,
        mut file: File,
        size: u64,
        range: Range<u64>,
    ) -> Result<Self, StoreError> {
        let mut header = [0; HEADER];
        let length = file.metadata()?.len();
        let read = file.read_exact(&mut header);
        if length != sealed_length(size) || read.is_err() || header != key.header {
            return Err(StoreError::Damaged);
        }
        let first = range.start / CHUNK as u64;
        if first > 0 {
            file.seek(SeekFrom::Start(HEADER as u64 + first * (CHUNK + TAG) as u64))?;
        }
        Ok(Self { key, file, size, rest: range })
    }

    /// Whether everything was handed out.
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads and opens the next chunks; the pieces share one buffer.
    pub fn next(&mut self, out: &mut impl Extend<Bytes>) -> Result<(), StoreError> {
        const WIDTH: u64 = CHUNK as u64;
        let first = self.rest.start / WIDTH;
        let end = self.rest.end.div_ceil(WIDTH).min(first + BATCH as u64);
        let last = self.size.div_ceil(WIDTH).max(1) - 1;
        let plain = self.size.min(end * WIDTH) - first * WIDTH;
        let length = plain + (end - first) * TAG as u64;
        let mut buffer = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        Read::by_ref(&mut self.file).take(length).read_to_end(&mut buffer)?;
        if buffer.len() as u64 != length {
            return Err(StoreError::Damaged);
        }
        let mut pieces = Vec::with_capacity(BATCH);
        for (number, (chunk, at)) in
            (first..end).zip(buffer.chunks_mut(CHUNK + TAG).zip((0..).step_by(CHUNK + TAG)))
        {
            let is_last = number == last;
            let (nonce, aad) = (FileKey::nonce(number, is_last), self.key.aad(number, is_last));
            let opened = self.key.key.open_in_place(nonce, aad, chunk);
            let opened = opened.map_err(|_| StoreError::Damaged)?.len();
            let begin = number * WIDTH;
            let from = usize::try_from(self.rest.start.saturating_sub(begin)).unwrap_or(0);
            let to = usize::try_from(self.rest.end - begin).unwrap_or(usize::MAX).min(opened);
            pieces.push(at + from..at + to);
        }
        let buffer = Bytes::from(buffer);
        out.extend(pieces.into_iter().map(|piece| buffer.slice(piece)));
        self.rest.start = self.rest.end.min(end * WIDTH);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(key: &DataKey, id: Uuid, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut sealer = Sealer::new(FileKey::new(key, id).unwrap(), None);
        for piece in plain.chunks(10_007) {
            sealer.push(piece, &mut out).unwrap();
        }
        sealer.finish(&mut out).unwrap();
        assert_eq!(out.len() as u64, sealed_length(plain.len() as u64));
        out
    }

    fn open(
        key: &DataKey,
        id: Uuid,
        sealed: &[u8],
        size: usize,
        range: Range<u64>,
    ) -> Result<Vec<u8>, StoreError> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(sealed).unwrap();
        file.rewind().unwrap();
        let mut opener = Opener::new(FileKey::new(key, id)?, file, size as u64, range)?;
        let mut pieces: Vec<Bytes> = Vec::new();
        while !opener.is_done() {
            opener.next(&mut pieces)?;
        }
        Ok(pieces.concat())
    }

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|i| u8::try_from(i * 31 % 251).unwrap()).collect()
    }

    #[test]
    fn every_size_comes_back() {
        let (key, id) = (DataKey::random().unwrap(), Uuid::from_u128(1));
        for size in [1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK, 5 * CHUNK + 3] {
            let plain = bytes(size);
            let sealed = seal(&key, id, &plain);
            assert_eq!(open(&key, id, &sealed, size, 0..size as u64).unwrap(), plain, "{size}");
        }
    }

    #[test]
    fn every_changed_byte_is_damage() {
        let (key, id) = (DataKey::random().unwrap(), Uuid::from_u128(1));
        let plain = bytes(500);
        let sealed = seal(&key, id, &plain);
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 0x40;
            let opened = open(&key, id, &bad, plain.len(), 0..500);
            assert!(matches!(opened, Err(StoreError::Damaged)), "byte {at}");
        }
    }

    #[test]
    fn cutting_continuing_reordering_and_renaming_are_damage() {
        let (key, id) = (DataKey::random().unwrap(), Uuid::from_u128(1));
        let size = 3 * CHUNK;
        let sealed = seal(&key, id, &bytes(size));
        let damaged = |sealed: &[u8], id, size: usize| {
            let opened = open(&key, id, sealed, size, 0..size as u64);
            assert!(matches!(opened, Err(StoreError::Damaged)));
        };
        let width = CHUNK + TAG;
        // Cut short by a byte, and at the border of a chunk with an index that agrees.
        damaged(&sealed[..sealed.len() - 1], id, size);
        damaged(&sealed[..HEADER + 2 * width], id, size);
        damaged(&sealed[..HEADER + 2 * width], id, 2 * CHUNK);
        // Continued, with and without an index that agrees.
        damaged(&[&sealed[..], &[0]].concat(), id, size);
        damaged(&[&sealed[..], &sealed[HEADER..HEADER + width]].concat(), id, 4 * CHUNK);
        // Two chunks in each other's place.
        let swapped = [
            &sealed[..HEADER],
            &sealed[HEADER + width..HEADER + 2 * width],
            &sealed[HEADER..HEADER + width],
            &sealed[HEADER + 2 * width..],
        ];
        damaged(&swapped.concat(), id, size);
        // Another file's name, with and without its header.
        damaged(&sealed, Uuid::from_u128(2), size);
        let mut renamed = sealed.clone();
        renamed[16..HEADER].copy_from_slice(Uuid::from_u128(2).as_bytes());
        damaged(&renamed, Uuid::from_u128(2), size);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
        #[test]
        fn any_range_equals_that_of_a_plain_vec(
            size in 1_usize..6 * CHUNK, a in 0_usize..1000, b in 0_usize..1000,
        ) {
            let (key, id) = (DataKey::random().unwrap(), Uuid::from_u128(1));
            let plain = bytes(size);
            let sealed = seal(&key, id, &plain);
            let at = |thousandths: usize| size * thousandths / 1000;
            let (start, end) = (at(a).min(at(b)), at(a).max(at(b)) + 1);
            let opened = open(&key, id, &sealed, size, start as u64..end as u64).unwrap();
            proptest::prop_assert_eq!(&opened, &plain[start..end]);
        }
    }
}
