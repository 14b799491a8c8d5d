//! ZIP, as strictly as Office writes it (APPNOTE.TXT 6.3, ISO/IEC 29500-2 annex C): one directory
//! at the very end, every entry once, one behind the other, none lying about itself.
//!
//! Readers of ZIP differ in where they look; what two of them could read differently is refused.
//! Nothing is written anywhere: entries are unpacked past a counter, or into bounded memory.

use std::collections::BTreeSet;

use crc_fast::{CrcAlgorithm, Digest};
use memchr::memmem;
use miniz_oxide::inflate::stream::{InflateState, inflate};
use miniz_oxide::{DataFormat, MZFlush, MZStatus};

use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, refuse};

/// The most entries of an archive.
pub const MAX_ENTRIES: usize = 10_000;
/// The most that all entries may unpack to, in bytes.
pub const MAX_UNPACKED: u64 = 512 << 20;
/// How many times its size an entry may unpack to, where that is more than [`RATIO_FROM`].
pub const MAX_RATIO: u64 = 200;
/// Entries that unpack to less than this many bytes may have any ratio.
const RATIO_FROM: u64 = 1 << 20;
/// The longest name of an entry, in bytes.
const MAX_NAME: usize = 512;
/// The longest directory, in bytes.
const MAX_DIRECTORY: u32 = 8 << 20;
/// The end record with the longest comment.
const END_WITHIN: usize = 22 + 0xFFFF;
/// The longest data descriptor, in bytes: what may lie between two entries.
const DESCRIPTOR: u64 = 24;

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its name, lower case: names of parts do not differ by case alone (29500-2, 6.2.2.3).
    pub name: String,
    /// What it says it unpacks to, in bytes.
    pub unpacked: u64,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    offset: u64,
    /// Where its data begin; known once its own header has been read.
    data: u64,
    /// The first bytes it unpacks to; known once the archive has been walked.
    pub begin: Vec<u8>,
}

const BOUNDS: &str = "The archive in the file holds more than is unpacked here (10,000 entries, \
                      512 MiB, 200 times its size); save the document again, or split it.";
const BUILD: &str = "The archive in the file is not built as Office builds it (paths that lead \
                     out, links, names that occur twice, entries that overlap); save the document \
                     again with Word or Excel.";
const LOCKED: &str = "The file is encrypted; send it without a password.";

/// What the directory says.
pub(super) struct Archive {
    /// Every entry, in the order they lie.
    pub entries: Vec<Entry>,
    /// Where the directory begins.
    directory: u64,
}

/// Reads the directory.
pub(super) fn open(reader: &mut Reader<'_>) -> Result<Archive, Stop> {
    let (begin, length, count, end) = end_record(reader)?;
    let bytes = reader.exact(begin, length)?;
    let (mut rest, mut entries) = (&bytes[..], Vec::with_capacity(count));
    let mut names = BTreeSet::new();
    for _ in 0..count {
        let Some((entry, after)) = directory_entry(rest)? else { return damaged() };
        if !names.insert(entry.name.clone()) {
            return refuse(Reason::ArchiveBounds, BUILD);
        }
        entries.push(entry);
        rest = after;
    }
    if !rest.is_empty() || begin + length as u64 != end {
        return damaged();
    }
    let total: u64 = entries.iter().map(|entry| entry.unpacked).sum();
    let swells = |e: &Entry| e.unpacked > RATIO_FROM && e.unpacked / MAX_RATIO > e.packed;
    if total > MAX_UNPACKED || entries.iter().any(swells) {
        return refuse(Reason::ArchiveBounds, BOUNDS);
    }
    entries.sort_by_key(|entry| entry.offset);
    Ok(Archive { entries, directory: begin })
}

impl Archive {
    /// Reads every entry's own header, one behind the other, and unpacks each past a counter where
    /// that is wanted: it must be as long as it says and have the sum it says.
    pub fn walk(&mut self, reader: &mut Reader<'_>, unpacked: bool) -> Result<(), Stop> {
        let mut at = 0;
        for entry in &mut self.entries {
            own_header(reader, entry, at)?;
            // Here, where the bytes are at hand: a second walk would read it all again.
            entry.begin = begin_of(reader, entry)?;
            at = entry.data + entry.packed;
            if unpacked {
                unpack(reader, entry, &mut |_| {})?;
            }
        }
        // What lies between the last entry and the directory is in no reader's list.
        if self.directory < at || self.directory - at > DESCRIPTOR { hidden() } else { Ok(()) }
    }
}

/// Where the directory begins, its length, how many entries it has, where it ends.
fn end_record(reader: &mut Reader<'_>) -> Result<(u64, usize, usize, u64), Stop> {
    let (at, tail) = reader.tail(END_WITHIN)?;
    let Some(found) = memmem::rfind(&tail, b"PK\x05\x06") else { return damaged() };
    let Some(record) = tail.get(found..found + 22) else { return damaged() };
    let two = |at: usize| u16::from_le_bytes([record[at], record[at + 1]]);
    let four = |at: usize| u32::from(two(at)) | (u32::from(two(at + 2)) << 16);
    if found + 22 + usize::from(two(20)) != tail.len() {
        return super::foreign::appended();
    }
    let (count, length, begin) = (two(10), four(12), four(16));
    let large = count == 0xFFFF || length == u32::MAX || begin == u32::MAX;
    if large || usize::from(count) > MAX_ENTRIES || length > MAX_DIRECTORY {
        return refuse(Reason::ArchiveBounds, BOUNDS);
    }
    if two(4) != 0 || two(6) != 0 || two(8) != count || count == 0 {
        return damaged();
    }
    let end = at + found as u64;
    Ok((u64::from(begin), usize::try_from(length).unwrap_or_default(), usize::from(count), end))
}

/// The next entry of the directory, and what follows it.
fn directory_entry(bytes: &[u8]) -> Result<Option<(Entry, &[u8])>, Stop> {
    let Some((head, rest)) = bytes.split_at_checked(46) else { return Ok(None) };
    let two = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let four = |at: usize| u32::from(two(at)) | (u32::from(two(at + 2)) << 16);
    if head[..4] != *b"PK\x01\x02" {
        return Ok(None);
    }
    let name = usize::from(two(28));
    let other = usize::from(two(30)) + usize::from(two(32));
    let Some((name, rest)) = rest.split_at_checked(name) else { return Ok(None) };
    let Some((_, rest)) = rest.split_at_checked(other) else { return Ok(None) };
    let (packed, unpacked, offset) = (four(20), four(24), four(42));
    if [packed, unpacked, offset].contains(&u32::MAX) {
        return refuse(Reason::ArchiveBounds, BOUNDS);
    }
    // Made on Unix, and its mode is that of a link.
    let linked = two(4) >> 8 == 3 && (four(38) >> 16) & 0xF000 == 0xA000;
    let name = match std::str::from_utf8(name) {
        Ok(name) if !linked && is_inside(name) => name.to_lowercase(),
        _ => return refuse(Reason::ArchiveBounds, BUILD),
    };
    let entry = Entry {
        name,
        unpacked: u64::from(unpacked),
        flags: two(8),
        method: two(10),
        crc: four(16),
        packed: u64::from(packed),
        offset: u64::from(offset),
        data: 0,
        begin: Vec::new(),
    };
    if entry.flags & 0x2041 != 0 || entry.method == 99 {
        return refuse(Reason::Encrypted, LOCKED);
    }
    if !matches!(entry.method, 0 | 8) || (entry.method == 0 && packed != unpacked) {
        return damaged();
    }
    Ok(Some((entry, rest)))
}

/// Whether a name stays inside the archive's own folder, on every system.
fn is_inside(name: &str) -> bool {
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
    !name.is_empty()
        && name.len() <= MAX_NAME
        && !name.starts_with('/')
        && !name.contains(odd)
        && !name.split('/').any(|part| part == ".." || part == ".")
}

/// Reads an entry's own header, which must begin where the entry before has ended and say what
/// the directory says.
fn own_header(reader: &mut Reader<'_>, entry: &mut Entry, after: u64) -> Result<(), Stop> {
    if entry.offset < after {
        return refuse(Reason::ArchiveBounds, BUILD);
    }
    if entry.offset - after > if after == 0 { 0 } else { DESCRIPTOR } {
        return hidden();
    }
    let head: [u8; 30] = reader.array(entry.offset)?;
    let two = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    if head[..4] != *b"PK\x03\x04" {
        return damaged();
    }
    let name = reader.exact(entry.offset + 30, usize::from(two(26)))?;
    let same = String::from_utf8(name).is_ok_and(|name| name.to_lowercase() == entry.name);
    if two(6) & 0x2041 != 0 {
        return refuse(Reason::Encrypted, LOCKED);
    }
    if !same || two(8) != entry.method {
        return refuse(Reason::ArchiveBounds, BUILD);
    }
    entry.data = entry.offset + 30 + u64::from(two(26)) + u64::from(two(28));
    Ok(())
}

fn hidden<T>() -> Result<T, Stop> {
    refuse(
        Reason::Polyglot,
        "Something is hidden between the parts of the archive in the file; save the document \
         again with Word or Excel.",
    )
}

/// Unpacks an entry into memory, if it says it has at most this many bytes. The archive must have
/// been walked.
pub(super) fn extract(reader: &mut Reader<'_>, entry: &Entry, most: u64) -> Result<Vec<u8>, Stop> {
    if entry.unpacked > most {
        return refuse(Reason::ArchiveBounds, BOUNDS);
    }
    let mut bytes = Vec::new();
    unpack(reader, entry, &mut |piece| bytes.extend_from_slice(piece))?;
    Ok(bytes)
}

/// The first bytes of what an entry unpacks to, once its own header has been read.
fn begin_of(reader: &mut Reader<'_>, entry: &Entry) -> Result<Vec<u8>, Stop> {
    const WANTED: usize = 8;
    if entry.method == 0 {
        return reader
            .read(entry.data, WANTED.min(usize::try_from(entry.packed).unwrap_or(WANTED)));
    }
    let (mut at, end) = (entry.data, entry.data + entry.packed);
    let mut state = InflateState::new_boxed(DataFormat::Raw);
    let (mut begin, mut count) = ([0; WANTED], 0);
    while at < end && count < WANTED {
        let piece = reader.chunk(at)?;
        let within = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
        let step = inflate(&mut state, &piece[..within], &mut begin[count..], MZFlush::None);
        (at, count) = (at + step.bytes_consumed as u64, count + step.bytes_written);
        let stands = step.bytes_consumed == 0 && step.bytes_written == 0;
        if stands || !matches!(step.status, Ok(MZStatus::Ok)) {
            break;
        }
    }
    Ok(begin[..count].to_vec())
}

fn unpack(reader: &mut Reader<'_>, entry: &Entry, take: &mut dyn FnMut(&[u8])) -> Result<(), Stop> {
    let mut sum = Digest::new(CrcAlgorithm::Crc32IsoHdlc);
    let (mut at, end, mut count) = (entry.data, entry.data + entry.packed, 0_u64);
    let mut state = (entry.method == 8).then(|| InflateState::new_boxed(DataFormat::Raw));
    let mut window = vec![0; 64 * 1024];
    let mut over = entry.method == 0;
    while at < end {
        let piece = reader.chunk(at)?;
        if piece.is_empty() {
            return damaged();
        }
        let within = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
        let piece = &piece[..within];
        let Some(state) = state.as_deref_mut() else {
            sum.update(piece);
            take(piece);
            (at, count) = (at + within as u64, count + within as u64);
            continue;
        };
        let step = inflate(state, piece, &mut window, MZFlush::None);
        let made = &window[..step.bytes_written];
        sum.update(made);
        take(made);
        (at, count) = (at + step.bytes_consumed as u64, count + made.len() as u64);
        if count > entry.unpacked {
            return refuse(Reason::ArchiveBounds, BOUNDS);
        }
        match step.status {
            Ok(MZStatus::StreamEnd) => {
                over = true;
                break;
            }
            Ok(_) if step.bytes_consumed > 0 || !made.is_empty() => {}
            _ => return damaged(),
        }
    }
    // What the last bytes unpack to may not have fitted into the window.
    while let Some(state) = state.as_deref_mut().filter(|_| !over) {
        let step = inflate(state, &[], &mut window, MZFlush::Finish);
        let made = &window[..step.bytes_written];
        sum.update(made);
        take(made);
        count += made.len() as u64;
        match step.status {
            Ok(MZStatus::StreamEnd) => over = true,
            Ok(_) if !made.is_empty() && count <= entry.unpacked => {}
            _ => return damaged(),
        }
    }
    let same = count == entry.unpacked && sum.finalize() == u64::from(entry.crc);
    if same && (at == end || entry.method == 0) { Ok(()) } else { damaged() }
}
