//! What telephones put behind a picture: a film (Android, "Motion Photo format 1.0") and Samsung's
//! notes, each with its kind and name, and a list of them at the very end (`SEFH` … `SEFT`, as
//! `ExifTool`'s `Samsung.pm` reads it).
//!
//! Every byte has to belong to one of them. What is in a note nobody knows; it may not begin as a
//! page or a program does.

use super::boxes;
use super::foreign::{appended, has_markup, is_program};
use super::reader::Reader;
use super::verdict::Stop;

/// Boxes that stand side by side in a film; `mpvd` holds one.
const OF_FILMS: [&[u8; 4]; 14] = [
    b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"meta", b"uuid", b"pdin", b"styp",
    b"sidx", b"moof", b"mfra", b"mpvd",
];
/// The most boxes of a film.
const MAX_BOXES: usize = 10_000;
/// The most notes; telephones write some ten.
const MAX_NOTES: u32 = 1_000;
/// How much of a note is looked at.
const SEEN: usize = 1024;

/// A note: where it lies, and how the list calls its kind.
struct Note {
    begin: u64,
    end: u64,
    kind: [u8; 4],
}

/// What follows the last picture, which ends at `end`; zeros fill it up to `padded`.
pub(super) fn check(reader: &mut Reader<'_>, end: u64, padded: u64) -> Result<(), Stop> {
    if padded >= reader.size() {
        return Ok(());
    }
    let Some((notes, list)) = notes(reader, end)? else {
        let size = reader.size();
        return film(reader, end, size);
    };
    let mut at = end;
    for note in &notes {
        if note.begin < at {
            return appended();
        }
        between(reader, at, note.begin)?;
        look_at(reader, note)?;
        at = note.end;
    }
    between(reader, at, list)
}

/// The list of Samsung's notes, in the order they lie, and where it begins: `SEFH`, a version, how
/// many, 12 bytes for each; then its length and `SEFT`. None where there is no list.
fn notes(reader: &mut Reader<'_>, from: u64) -> Result<Option<(Vec<Note>, u64)>, Stop> {
    let (at, end) = reader.tail(8)?;
    if end.get(4..) != Some(b"SEFT") {
        return Ok(None);
    }
    let four = |bytes: &[u8], at: usize| {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    };
    let length = four(&end, 0);
    let Some(list) = at.checked_sub(u64::from(length)).filter(|list| *list >= from) else {
        return appended();
    };
    let head: [u8; 12] = reader.array(list)?;
    let count = four(&head, 8);
    if !head.starts_with(b"SEFH") || !(1..=MAX_NOTES).contains(&count) || length != 12 + 12 * count
    {
        return appended();
    }
    let lines = reader.exact(list + 12, 12 * count as usize)?;
    let mut notes = Vec::new();
    for line in lines.chunks_exact(12) {
        // Its place is counted backwards from the list.
        let begin = list.checked_sub(u64::from(four(line, 4))).filter(|begin| *begin >= from);
        let Some(begin) = begin else { return appended() };
        let until = begin + u64::from(four(line, 8));
        if until > list {
            return appended();
        }
        notes.push(Note { begin, end: until, kind: [line[0], line[1], line[2], line[3]] });
    }
    notes.sort_by_key(|note| note.begin);
    Ok(Some((notes, list)))
}

/// A note says its kind again, then the length of its name, the name, and what nobody knows.
fn look_at(reader: &mut Reader<'_>, note: &Note) -> Result<(), Stop> {
    let head: [u8; 8] = reader.array(note.begin)?;
    let name = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
    let content = note.begin + 8 + name;
    if head[..4] != note.kind || content > note.end {
        return appended();
    }
    let most = usize::try_from(note.end - content).unwrap_or(SEEN).min(SEEN);
    let begin = reader.read(content, most)?;
    if is_program(&begin) || has_markup(&begin) { appended() } else { Ok(()) }
}

/// Zeros, or a film.
fn between(reader: &mut Reader<'_>, mut at: u64, end: u64) -> Result<(), Stop> {
    let begin = at;
    while at < end {
        let piece = reader.chunk(at)?;
        let within = usize::try_from(end - at).unwrap_or(usize::MAX).min(piece.len());
        if within == 0 || piece[..within].iter().any(|&byte| byte != 0) {
            return film(reader, begin, end);
        }
        at += within as u64;
    }
    Ok(())
}

/// Boxes from one end to the other, the first of them saying that it is a film, one of them saying
/// what is in it.
fn film(reader: &mut Reader<'_>, begin: u64, end: u64) -> Result<(), Stop> {
    let (mut at, mut playable) = (begin, false);
    for _ in 0..MAX_BOXES {
        if at == end || (playable && end == reader.size() && reader.only_zeros(at)?) {
            return if playable { Ok(()) } else { appended() };
        }
        let found = match boxes::next(reader, at, end) {
            Ok(found) if OF_FILMS.contains(&&found.kind) => found,
            Err(Stop::Store(e)) => return Err(Stop::Store(e)),
            _ => return appended(),
        };
        if at == begin && !matches!(&found.kind, b"ftyp" | b"mpvd") {
            return appended();
        }
        playable |= matches!(&found.kind, b"moov" | b"moof" | b"mpvd");
        at = found.end;
    }
    appended()
}
