//! PNG: chunks from IHDR to IEND, nothing behind (W3C PNG, third edition, section 5).

use crc_fast::{CrcAlgorithm, checksum};

use super::foreign::appended;
use super::pixels;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

const MAX_CHUNKS: usize = 500_000;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    if reader.read(0, 8)? != *b"\x89PNG\r\n\x1a\n" {
        return other_type();
    }
    let header: [u8; 25] = reader.array(8)?;
    if header[..8] != *b"\0\0\0\x0dIHDR" || crc(&header[4..21]) != number(&header[21..]) {
        return damaged();
    }
    pixels::check(number(&header[8..12]), number(&header[12..16]))?;
    let (mut at, mut data) = (33, false);
    for _ in 0..MAX_CHUNKS {
        let chunk: [u8; 8] = reader.array(at)?;
        let (length, kind) = (number(&chunk[..4]), &chunk[4..]);
        let next = at + 12 + u64::from(length);
        if !kind.iter().all(u8::is_ascii_alphabetic) || next > reader.size() {
            return damaged();
        }
        data |= kind == b"IDAT";
        if kind == b"IEND" {
            return match () {
                () if !data || length != 0 => damaged(),
                () if next == reader.size() || reader.only_zeros(next)? => Ok(()),
                () => appended(),
            };
        }
        at = next;
    }
    refuse(Reason::TooComplex, "The picture has more than 500,000 chunks; save it again.")
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, &byte| (number << 8) | u32::from(byte))
}

fn crc(bytes: &[u8]) -> u32 {
    // The algorithm has 32 bits.
    u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, bytes)).unwrap_or_default()
}
