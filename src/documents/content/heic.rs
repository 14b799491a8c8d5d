//! HEIC: boxes from end to end (ISO/IEC 14496-12, 23008-12).

use super::foreign::appended;
use super::pixels;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// Brands of still pictures and bursts in HEVC.
const BRANDS: [&[u8; 4]; 9] =
    [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1"];
const MAX_BOXES: usize = 10_000;

/// A box: what it is, where its content begins and ends.
struct Found {
    kind: [u8; 4],
    begin: u64,
    end: u64,
}

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, 12)?;
    if head.get(4..8) != Some(b"ftyp") {
        return other_type();
    }
    let first = next(reader, 0, reader.size())?;
    let brands = reader.read(first.begin, 256)?;
    let brands = &brands[..brands.len().min(usize::try_from(first.end - first.begin).unwrap_or(0))];
    let major = brands.get(..4).unwrap_or_default();
    let named = |brand: &[u8]| BRANDS.iter().any(|known| *known == brand);
    if !named(major) && !brands.chunks_exact(4).skip(2).any(named) {
        return other_type();
    }
    let (mut at, mut meta, mut data) = (first.end, None, false);
    for _ in 0..MAX_BOXES {
        if at == reader.size() || reader.only_zeros(at)? {
            let Some(meta) = meta else { return damaged() };
            return if data { sizes(reader, &meta) } else { damaged() };
        }
        let found = match next(reader, at, reader.size()) {
            // The picture is complete; what follows is no box.
            Err(Stop::Unfit(_)) if data && meta.is_some() => return appended(),
            other => other?,
        };
        at = found.end;
        data |= found.kind == *b"mdat" || found.kind == *b"idat";
        if found.kind == *b"meta" || found.kind == *b"moov" {
            meta = meta.or(Some(found));
        }
    }
    too_many()
}

fn too_many<T>() -> Result<T, Stop> {
    refuse(Reason::TooComplex, "The picture has more than 10,000 boxes; save it again.")
}

/// The box at `at`, which must end within `limit`.
fn next(reader: &mut Reader<'_>, at: u64, limit: u64) -> Result<Found, Stop> {
    let head: [u8; 8] = reader.array(at)?;
    let kind = [head[4], head[5], head[6], head[7]];
    if !kind.iter().all(|byte| (0x20..0x7F).contains(byte)) {
        return appended();
    }
    let (length, header) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
        0 => (limit - at, 8),
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

/// The sizes that the pictures' properties say (`meta` → `iprp` → `ipco` → `ispe`).
fn sizes(reader: &mut Reader<'_>, meta: &Found) -> Result<(), Stop> {
    if meta.kind != *b"meta" {
        return Ok(());
    }
    let (mut inside, mut sized) = (vec![(meta.begin + 4, meta.end)], false);
    let mut boxes = 0;
    while let Some((mut at, end)) = inside.pop() {
        while at < end {
            boxes += 1;
            if boxes > MAX_BOXES {
                return too_many();
            }
            let found = next(reader, at, end)?;
            at = found.end;
            match &found.kind {
                b"iprp" | b"ipco" => inside.push((found.begin, found.end)),
                b"ispe" => {
                    let size: [u8; 12] = reader.array(found.begin)?;
                    let length = |at: usize| {
                        u32::from_be_bytes([size[at], size[at + 1], size[at + 2], size[at + 3]])
                    };
                    pixels::check(length(4), length(8))?;
                    sized = true;
                }
                _ => {}
            }
        }
    }
    if sized { Ok(()) } else { damaged() }
}
