//! Boxes of films, and of pictures that are kept as films are (ISO/IEC 14496-12, 4.2).

use super::foreign::appended;
use super::reader::Reader;
use super::verdict::{Stop, damaged};

/// A box: what it is, where its content begins and ends.
pub(super) struct Found {
    pub kind: [u8; 4],
    pub begin: u64,
    pub end: u64,
}

/// The box at `at`, which must end within `limit`.
pub(super) fn next(reader: &mut Reader<'_>, at: u64, limit: u64) -> Result<Found, Stop> {
    let head: [u8; 8] = reader.array(at)?;
    let kind = [head[4], head[5], head[6], head[7]];
    if !kind.iter().all(|byte| (0x20..0x7F).contains(byte)) {
        return appended();
    }
    let (length, header) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
        0 => (limit.saturating_sub(at), 8),
        1 => (u64::from_be_bytes(reader.array(at + 8)?), 16),
        length => (u64::from(length), 8),
    };
    match at.checked_add(length) {
        Some(end) if length >= header && end <= limit => {
            Ok(Found { kind, begin: at + header, end })
        }
        _ => damaged(),
    }
}
