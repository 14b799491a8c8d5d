//! GIF: screen, colour tables, blocks, trailer (the specification of GIF 89a).

use super::foreign::appended;
use super::pixels;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

const MAX_BLOCKS: usize = 100_000;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    if !matches!(&reader.read(0, 6)?[..], b"GIF87a" | b"GIF89a") {
        return other_type();
    }
    let screen: [u8; 7] = reader.array(6)?;
    pixels::check(pair(&screen[..2]), pair(&screen[2..4]))?;
    let (mut at, mut pictures) = (13 + colours(screen[4]), 0_usize);
    for _ in 0..MAX_BLOCKS {
        match reader.array::<1>(at)? {
            // An extension: its label, then pieces.
            [0x21] => at = pieces(reader, at + 2)?,
            [0x2C] => {
                let picture: [u8; 9] = reader.array(at + 1)?;
                pixels::check(pair(&picture[4..6]), pair(&picture[6..8]))?;
                pictures += 1;
                // After the colours: the smallest code size, then pieces.
                at = pieces(reader, at + 10 + colours(picture[8]) + 1)?;
            }
            [0x3B] if pictures > 0 => {
                return if reader.only_zeros(at + 1)? { Ok(()) } else { appended() };
            }
            _ => return damaged(),
        }
    }
    refuse(Reason::TooComplex, "The picture has more than 100,000 blocks; save it again.")
}

fn pair(bytes: &[u8]) -> u16 {
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// The size of the table of colours that these flags announce.
fn colours(flags: u8) -> u64 {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

/// Walks pieces of up to 255 bytes; where they end.
fn pieces(reader: &mut Reader<'_>, mut at: u64) -> Result<u64, Stop> {
    loop {
        match reader.array::<1>(at)? {
            [0] => return Ok(at + 1),
            [length] => at += 1 + u64::from(length),
        }
    }
}
