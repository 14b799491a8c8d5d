//! `WebP`: one RIFF container that is the whole file (RFC 9649).

use super::foreign::appended;
use super::pixels;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

const MAX_CHUNKS: usize = 100_000;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, 12)?;
    if head.get(..4) != Some(b"RIFF") || head.get(8..12) != Some(b"WEBP") {
        return other_type();
    }
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    let end = 8 + u64::from(length);
    if end > reader.size() {
        return damaged();
    }
    if !reader.only_zeros(end)? {
        return appended();
    }
    let (mut at, mut pictures) = (12, 0_usize);
    for _ in 0..MAX_CHUNKS {
        if at >= end {
            return if pictures > 0 && at == end { Ok(()) } else { damaged() };
        }
        let chunk: [u8; 8] = reader.array(at)?;
        let length = u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]);
        if !chunk[..4].iter().all(|byte| (0x20..0x7F).contains(byte)) {
            return damaged();
        }
        pictures += usize::from(picture(reader, &chunk[..4], at + 8)?);
        at += 8 + u64::from(length) + u64::from(length & 1);
    }
    refuse(Reason::TooComplex, "The picture has more than 100,000 chunks; save it again.")
}

/// Checks the size that a chunk says; whether it holds a picture.
fn picture(reader: &mut Reader<'_>, kind: &[u8], at: u64) -> Result<bool, Stop> {
    match kind {
        b"VP8 " => {
            let head: [u8; 10] = reader.array(at)?;
            if head[3..6] != [0x9D, 0x01, 0x2A] {
                return damaged();
            }
            let side = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]) & 0x3FFF;
            pixels::check(side(6), side(8))?;
            Ok(true)
        }
        b"VP8L" => {
            let [sign, a, b, c, d] = reader.array(at)?;
            if sign != 0x2F {
                return damaged();
            }
            let bits = u32::from_le_bytes([a, b, c, d]);
            pixels::check((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)?;
            Ok(true)
        }
        b"VP8X" => {
            let head: [u8; 10] = reader.array(at)?;
            let side =
                |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], 0]) + 1;
            pixels::check(side(4), side(7))?;
            Ok(false)
        }
        b"ANMF" => Ok(true),
        _ => Ok(false),
    }
}
