//! TIFF: the chain of directories and what each says of its picture (TIFF 6.0, section 2).
//!
//! Data may lie anywhere in a TIFF, so nothing can be said to be appended to one.

use super::pixels;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// The most pages of one file.
const MAX_PAGES: usize = 10_000;
/// The most entries of one directory.
const MAX_ENTRIES: u64 = 4_096;

/// How numbers are written in this file.
#[derive(Clone, Copy)]
struct Layout {
    little: bool,
    big: bool,
}

impl Layout {
    fn number(self, bytes: &[u8]) -> u64 {
        let next = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, next) } else { bytes.iter().fold(0, next) }
    }

    /// Bytes of an offset.
    const fn wide(self) -> usize {
        if self.big { 8 } else { 4 }
    }
}

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, 16)?;
    let layout = match head.get(..4) {
        Some(b"II*\0") => Layout { little: true, big: false },
        Some(b"MM\0*") => Layout { little: false, big: false },
        Some(b"II+\0") => Layout { little: true, big: true },
        Some(b"MM\0+") => Layout { little: false, big: true },
        _ => return other_type(),
    };
    let first = if layout.big { head.get(8..16) } else { head.get(4..8) };
    let Some(first) = first else { return damaged() };
    let mut at = layout.number(first);
    let mut seen = std::collections::BTreeSet::new();
    while at != 0 {
        if !seen.insert(at) {
            return damaged();
        }
        if seen.len() > MAX_PAGES {
            return refuse(Reason::TooComplex, "The file has more than 10,000 pages; split it.");
        }
        at = directory(reader, layout, at)?;
    }
    if seen.is_empty() { damaged() } else { Ok(()) }
}

/// Checks one directory; where the next one is.
fn directory(reader: &mut Reader<'_>, layout: Layout, at: u64) -> Result<u64, Stop> {
    let counted = if layout.big { 8 } else { 2 };
    let count = layout.number(&reader.exact(at, counted)?);
    if count == 0 || count > MAX_ENTRIES || at >= reader.size() {
        return damaged();
    }
    let wide = layout.wide();
    let entry = 4 + 2 * wide;
    let at = at + counted as u64;
    let length = entry * usize::try_from(count).unwrap_or_default();
    let entries = reader.exact(at, length + wide)?;
    let (mut width, mut height) = (None, None);
    for entry in entries[..length].chunks_exact(entry) {
        let value = || {
            let value = &entry[4 + wide..];
            let bytes = match layout.number(&entry[2..4]) {
                3 => &value[..2],
                16 if layout.big => value,
                _ => &value[..4],
            };
            layout.number(bytes)
        };
        match layout.number(&entry[..2]) {
            256 => width = Some(value()),
            257 => height = Some(value()),
            _ => {}
        }
    }
    let (Some(width), Some(height)) = (width, height) else { return damaged() };
    pixels::check(width, height)?;
    Ok(layout.number(&entries[length..]))
}
