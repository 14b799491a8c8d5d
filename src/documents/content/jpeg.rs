//! JPEG: marker segments up to the end of the image (ITU-T T.81, annex B), and what may follow.

use super::foreign::has_markup;
use super::pixels;
use super::reader::Reader;
use super::trailer;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// The most segments of one picture.
const MAX_SEGMENTS: usize = 100_000;
/// The most pictures in one file: previews and depth maps of a telephone.
const MAX_PICTURES: usize = 16;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    if reader.read(0, 3)? != [0xFF, 0xD8, 0xFF] {
        return other_type();
    }
    let mut at = 0;
    for _ in 0..MAX_PICTURES {
        let end = picture(reader, at)?;
        // Telephones put previews, depth maps (MPF), films and their own notes behind the image.
        at = behind_padding(reader, end)?;
        if !matches!(reader.read(at, 3)?[..], [0xFF, 0xD8, 0xFF]) {
            return trailer::check(reader, end, at);
        }
    }
    super::foreign::appended()
}

/// Where the zeros that fill up a picture end; at the end of the file where nothing follows.
fn behind_padding(reader: &mut Reader<'_>, mut at: u64) -> Result<u64, Stop> {
    loop {
        let piece = reader.chunk(at)?;
        match piece.iter().position(|&byte| byte != 0) {
            Some(zeros) => return Ok(at + zeros as u64),
            None if piece.is_empty() => return Ok(at),
            None => at += piece.len() as u64,
        }
    }
}

/// Walks one picture; where it ends.
fn picture(reader: &mut Reader<'_>, begin: u64) -> Result<u64, Stop> {
    let (mut at, mut sized) = (begin + 2, false);
    for _ in 0..MAX_SEGMENTS {
        let [mark, marker] = reader.array(at)?;
        if mark != 0xFF {
            return damaged();
        }
        match marker {
            // Fill bytes, and markers without a length.
            0xFF => at += 1,
            0x01 | 0xD0..=0xD7 => at += 2,
            0xD9 if sized => return Ok(at + 2),
            0x00 | 0xD8 | 0xD9 => return damaged(),
            _ => {
                let length = u64::from(u16::from_be_bytes(reader.array(at + 2)?));
                if length < 2 {
                    return damaged();
                }
                sized |= segment(reader, marker, at + 4, length - 2)?;
                at += 2 + length;
                if marker == 0xDA {
                    at = end_of_scan(reader, at)?;
                }
            }
        }
    }
    refuse(Reason::TooComplex, "The picture has more than 100,000 segments; save it again.")
}

/// Looks into a segment; whether it said the picture's size.
fn segment(reader: &mut Reader<'_>, marker: u8, at: u64, length: u64) -> Result<bool, Stop> {
    match marker {
        0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
            let [_, h1, h2, w1, w2] = reader.array(at)?;
            let (width, height) = (u16::from_be_bytes([w1, w2]), u16::from_be_bytes([h1, h2]));
            // A height of 0 is told later, by DNL; no camera does so.
            pixels::check(width, height)?;
            Ok(true)
        }
        0xE0..=0xEF | 0xFE => {
            let text = reader.exact(at, usize::try_from(length).unwrap_or_default())?;
            if has_markup(&text) {
                return refuse(
                    Reason::ActiveContent,
                    "A script stands in the picture's comments; send one without it.",
                );
            }
            Ok(false)
        }
        _ => Ok(false),
    }
}

/// The marker that ends the data of a scan.
fn end_of_scan(reader: &mut Reader<'_>, mut at: u64) -> Result<u64, Stop> {
    while let Some(found) = reader.find(0xFF, at)? {
        match reader.read(found + 1, 1)?[..] {
            [0x00 | 0xD0..=0xD7] => at = found + 2,
            [0xFF] => at = found + 1,
            [_] => return Ok(found),
            _ => break,
        }
    }
    damaged()
}
