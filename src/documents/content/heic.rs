//! HEIC: boxes from end to end (ISO/IEC 14496-12, 23008-12).

use super::boxes::{Found, next};
use super::foreign::appended;
use super::pixels;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// Brands of still pictures and bursts in HEVC (23008-12, annex B). `mif1` is none: it says that
/// there are pictures, and AVIF says so too.
const BRANDS: [&[u8; 4]; 8] =
    [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"];
/// Brands of pictures in AV1 (AVIF 1.1, 8.2), which is not taken.
const AV1: [&[u8; 4]; 2] = [b"avif", b"avis"];
const MAX_BOXES: usize = 10_000;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, 12)?;
    if head.get(4..8) != Some(b"ftyp") {
        return other_type();
    }
    let first = next(reader, 0, reader.size())?;
    let brands = reader.read(first.begin, 256)?;
    let brands = &brands[..brands.len().min(usize::try_from(first.end - first.begin).unwrap_or(0))];
    let major = brands.get(..4).unwrap_or_default();
    let named = |wanted: &[&[u8; 4]]| {
        let all = std::iter::once(major).chain(brands.chunks_exact(4).skip(2));
        all.into_iter().any(|brand| wanted.iter().any(|known| *known == brand))
    };
    if !named(&BRANDS) || named(&AV1) {
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
