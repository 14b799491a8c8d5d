//! PDF: a header at the very start, an end at the very end, and between them what a reader begins
//! with: a table of objects that names the root (ISO 32000-2, 7.5).
//!
//! Its objects are not looked into: JavaScript and encryption are let in (decision 0012). Readers
//! take more than the standard asks for, and so is done here: where `startxref` leads to no table
//! they build one anew from the objects and the last trailer, so that has to be there then.

use memchr::memmem;

use super::foreign;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// Within how many last bytes the end has to be.
const END_WITHIN: usize = 4096;
/// Markup is looked for in this many bytes from the beginning: browsers that guess look no further
/// (WHATWG MIME Sniffing, 5.2: 1,445 bytes, less the header's line).
const MARKUP_WITHIN: usize = 1445;
/// The first object is looked for in this many bytes from the beginning, the last trailer in as
/// many at the end.
const REBUILT_FROM: usize = 64 * 1024;
/// The longest trailer.
const MAX_TRAILER: usize = 64 * 1024;
/// An entry of a table.
const ENTRY: u64 = 20;
/// The most sections of a table; each change may have added some.
const MAX_SECTIONS: usize = 100_000;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, MARKUP_WITHIN)?;
    if !head.starts_with(b"%PDF-") || !head.get(5).is_some_and(u8::is_ascii_digit) {
        return other_type();
    }
    let checked = structure(reader);
    if matches!(checked, Err(Stop::Store(_))) {
        return checked;
    }
    // What is hidden in it is told before what is wrong with it.
    foreign::no_zip(reader)?;
    if foreign::has_markup(&head) {
        return refuse(
            Reason::ActiveContent,
            "A page or a script is hidden in the beginning of the file; print it to a PDF anew.",
        );
    }
    checked
}

fn structure(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let (_, tail) = reader.tail(END_WITHIN)?;
    let Some(end) = memmem::rfind(&tail, b"%%EOF") else {
        // What is appended and long hides the end.
        return if foreign::has_markup(&tail) { foreign::appended() } else { damaged() };
    };
    if !tail[end + 5..].iter().all(|&byte| is_blank(byte) || byte == 0x1A) {
        return foreign::appended();
    }
    let Some(start) = memmem::rfind(&tail[..end], b"startxref") else { return damaged() };
    let (place, rest) = number(&tail[start + 9..end]);
    // Blanks and comments, such as an end that is said twice.
    let between = rest.split(|byte| matches!(byte, b'\r' | b'\n')).map(<[u8]>::trim_ascii);
    let comments = between.into_iter().all(|line| line.is_empty() || line.starts_with(b"%"));
    if !comments || foreign::has_markup(rest) {
        return foreign::appended();
    }
    let Some(place) = place else { return damaged() };
    // Every program writes an object first of all.
    let head = reader.read(0, REBUILT_FROM)?;
    let mut lines = head.split(|byte| matches!(byte, b'\r' | b'\n'));
    let sound = lines.any(is_object) && (is_table(reader, place)? || can_be_rebuilt(reader)?);
    if sound { Ok(()) } else { damaged() }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0x0C | 0)
}

/// Without the blanks in front.
fn unblanked(bytes: &[u8]) -> &[u8] {
    let at = bytes.iter().position(|&byte| !is_blank(byte)).unwrap_or(bytes.len());
    &bytes[at..]
}

/// The number that comes next, and what follows it.
fn number(bytes: &[u8]) -> (Option<u64>, &[u8]) {
    let bytes = unblanked(bytes);
    let length = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = bytes.split_at(length);
    (std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()), rest)
}

/// Whether an object begins with these bytes: two numbers and `obj`.
fn is_object(bytes: &[u8]) -> bool {
    let (first, rest) = number(bytes);
    let (second, rest) = number(rest);
    first.is_some() && second.is_some() && unblanked(rest).starts_with(b"obj")
}

/// Whether a dictionary names a root: `/Root`, and an object.
fn names_root(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, b"/Root").any(|at| {
        let (first, rest) = number(&bytes[at + 5..]);
        let (second, rest) = number(rest);
        first.is_some() && second.is_some() && unblanked(rest).starts_with(b"R")
    })
}

/// Whether a table, or an object that is one, stands here and names the root.
fn is_table(reader: &mut Reader<'_>, place: u64) -> Result<bool, Stop> {
    let bytes = reader.read(place, 64)?;
    let found = unblanked(&bytes);
    if is_object(found) {
        return is_stream(reader, place);
    }
    if !found.starts_with(b"xref") {
        return Ok(false);
    }
    let mut at = place + (bytes.len() - found.len()) as u64 + 4;
    for _ in 0..MAX_SECTIONS {
        let bytes = reader.read(at, 64)?;
        let next = unblanked(&bytes);
        if next.starts_with(b"trailer") {
            return Ok(names_root(trailer(&reader.read(at, MAX_TRAILER)?)));
        }
        let (first, rest) = number(next);
        let (count, rest) = number(rest);
        let (Some(_), Some(count)) = (first, count) else { return Ok(false) };
        let begin = at + (bytes.len() - unblanked(rest).len()) as u64;
        let Some(end) = count.checked_mul(ENTRY).and_then(|length| begin.checked_add(length))
        else {
            return Ok(false);
        };
        at = end;
    }
    Ok(false)
}

/// A trailer up to where the table is told of.
fn trailer(bytes: &[u8]) -> &[u8] {
    &bytes[..memmem::find(bytes, b"startxref").unwrap_or(bytes.len())]
}

/// A table in a stream (7.5.8): its dictionary stands in the open.
fn is_stream(reader: &mut Reader<'_>, place: u64) -> Result<bool, Stop> {
    let bytes = reader.read(place, MAX_TRAILER)?;
    let Some(end) = memmem::find(&bytes, b"stream") else { return Ok(false) };
    Ok(memmem::find(&bytes[..end], b"/XRef").is_some() && names_root(&bytes[..end]))
}

/// Whether readers find what they build a table anew from: they look for the last trailer.
fn can_be_rebuilt(reader: &mut Reader<'_>) -> Result<bool, Stop> {
    let (at, tail) = reader.tail(REBUILT_FROM)?;
    if let Some(found) = memmem::rfind(&tail, b"trailer") {
        return Ok(names_root(trailer(&tail[found..])));
    }
    // The table was a stream.
    let Some(kind) = memmem::rfind(&tail, b"/XRef") else { return Ok(false) };
    let Some(begin) = memmem::rfind(&tail[..kind], b" obj") else { return Ok(false) };
    let line = tail[..begin].iter().rposition(|byte| matches!(byte, b'\r' | b'\n'));
    is_stream(reader, at + line.map_or(0, |line| line + 1) as u64)
}
