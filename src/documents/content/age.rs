//! Sealed files: age's binary format, version 1 (c2sp.org/age).
//!
//! Header and length alone can be looked at: a version line, one stanza for each key that opens
//! the file, the header's own code, a nonce, chunks of 64 KiB with 16 bytes each. What is inside
//! nobody here can know, nor whether the key it was sealed for is the right one.

use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// The version line.
pub(super) const BEGIN: &[u8] = b"age-encryption.org/v1\n";
/// How long a header may be; a stanza has some hundred bytes, one against quantum computers 1,600.
const MAX_HEADER: usize = 64 * 1024;
/// The nonce before the first chunk.
const NONCE: u64 = 16;
/// What each chunk carries besides its bytes.
const TAG: u64 = 16;
/// A whole chunk.
const CHUNK: u64 = 64 * 1024 + TAG;
/// Base64 in a stanza is broken into lines of this length; a shorter line is the last.
const COLUMNS: usize = 64;
/// 32 bytes in base64 without padding.
const MAC: usize = 43;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, MAX_HEADER)?;
    let Some(rest) = head.strip_prefix(BEGIN) else { return other_type() };
    let (length, by_passphrase) = match header(rest) {
        Some(read) => read,
        None if head.len() == MAX_HEADER && reader.size() > MAX_HEADER as u64 => {
            return refuse(
                Reason::TooComplex,
                "The file is sealed for too many keys at once; seal it for fewer.",
            );
        }
        None => return damaged(),
    };
    if by_passphrase {
        return refuse(
            Reason::Encrypted,
            "The file is sealed with a passphrase, which whoever is to open it would have to be \
             told and could guess at; seal it for a key (age -r age1…).",
        );
    }
    let before = (BEGIN.len() + length) as u64 + NONCE;
    let chunks = reader.size().saturating_sub(before);
    // Only a file of no bytes has a chunk of none.
    let last = chunks % CHUNK;
    if chunks == TAG || (chunks > TAG && (last == 0 || last > TAG)) { Ok(()) } else { damaged() }
}

/// How long the header is behind its version line, and whether a passphrase opens it.
fn header(bytes: &[u8]) -> Option<(usize, bool)> {
    let (mut at, mut stanzas, mut by_passphrase) = (0, 0_usize, false);
    loop {
        let line = next(bytes, &mut at)?;
        if let Some(mac) = line.strip_prefix(b"--- ") {
            let sound = stanzas > 0 && mac.len() == MAC && is_base64(mac);
            return sound.then_some((at, by_passphrase));
        }
        let mut words = line.strip_prefix(b"-> ")?.split(|byte| *byte == b' ');
        by_passphrase |= words.clone().next() == Some(b"scrypt");
        if !words.all(|word| !word.is_empty() && word.iter().all(u8::is_ascii_graphic)) {
            return None;
        }
        loop {
            let line = next(bytes, &mut at)?;
            if line.len() > COLUMNS || !is_base64(line) {
                return None;
            }
            if line.len() < COLUMNS {
                break;
            }
        }
        stanzas += 1;
    }
}

/// The line from here on, without its end; none where no line ends.
fn next<'b>(bytes: &'b [u8], at: &mut usize) -> Option<&'b [u8]> {
    let rest = &bytes[*at..];
    let end = memchr::memchr(b'\n', rest)?;
    *at += end + 1;
    Some(&rest[..end])
}

fn is_base64(text: &[u8]) -> bool {
    text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}
