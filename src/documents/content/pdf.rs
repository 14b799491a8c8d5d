//! PDF: a header at the very start, an end at the very end (ISO 32000-1, 7.5).
//!
//! Its objects are not looked into: JavaScript and encryption are let in (decision 0012).

use memchr::memmem;

use super::foreign;
use super::reader::Reader;
use super::verdict::{Stop, damaged, other_type};

/// Within how many last bytes the end has to be.
const END_WITHIN: usize = 4096;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, 8)?;
    let version = |at: usize| head.get(at).is_some_and(u8::is_ascii_digit);
    if !head.starts_with(b"%PDF-") || !version(5) {
        return other_type();
    }
    let (_, tail) = reader.tail(END_WITHIN)?;
    let Some(end) = memmem::rfind(&tail, b"%%EOF") else {
        foreign::no_zip(reader)?;
        // What is appended and long hides the end.
        return if foreign::has_markup(&tail) { foreign::appended() } else { damaged() };
    };
    let blank = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | b'\t' | 0 | 0x1A);
    if !tail[end + 5..].iter().all(blank) {
        return foreign::appended();
    }
    foreign::no_zip(reader)
}
