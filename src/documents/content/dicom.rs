//! DICOM: preamble, `DICM`, the file's meta information, the first element of the data set
//! (DICOM PS3.10, section 7).

use super::foreign::is_program;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// The most elements of the meta information.
const MAX_ELEMENTS: usize = 64;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, 132)?;
    if head.get(128..132) != Some(b"DICM") {
        return other_type();
    }
    // Anybody may write into the preamble; a TIFF header there is usual in pathology.
    let lower = head[..128].to_ascii_lowercase();
    let text = lower.trim_ascii_start().first() == Some(&b'<');
    if is_program(&head) || text || memchr::memmem::find(&head[..128], b"%PDF-").is_some() {
        return refuse(
            Reason::Polyglot,
            "The first 128 bytes are the beginning of a program or of another file; they have \
             to be zeros or a TIFF header.",
        );
    }
    let (mut at, mut syntax) = (132, None::<String>);
    for _ in 0..MAX_ELEMENTS {
        let element: [u8; 8] = reader.array(at)?;
        let group = u16::from_le_bytes([element[0], element[1]]);
        let number = u16::from_le_bytes([element[2], element[3]]);
        if group != 2 {
            let Some(syntax) = syntax else { return damaged() };
            return data_set(reader, at, &syntax);
        }
        let (length, header) = match &element[4..6] {
            b"OB" | b"OW" | b"UN" | b"UT" | b"SQ" => {
                (u32::from_le_bytes(reader.array(at + 8)?), 12)
            }
            kind if kind.iter().all(u8::is_ascii_uppercase) => {
                (u32::from(u16::from_le_bytes([element[6], element[7]])), 8)
            }
            _ => return damaged(),
        };
        let value = at + header;
        at = value + u64::from(length);
        if at > reader.size() {
            return damaged();
        }
        if number == 0x0010 {
            let uid = reader.exact(value, usize::try_from(length.min(64)).unwrap_or_default())?;
            syntax = Some(String::from_utf8_lossy(&uid).trim_end_matches(['\0', ' ']).to_owned());
        }
    }
    damaged()
}

/// The first element of the data set has to be one.
fn data_set(reader: &mut Reader<'_>, at: u64, syntax: &str) -> Result<(), Stop> {
    if !syntax.starts_with("1.2.840.10008.1.2") && !syntax.bytes().all(is_of_uid) {
        return damaged();
    }
    // Deflated: nothing to be seen without unpacking it.
    if syntax == "1.2.840.10008.1.2.1.99" {
        return Ok(());
    }
    let element: [u8; 8] = reader.array(at)?;
    let big = syntax == "1.2.840.10008.1.2.2";
    let two = |at: usize| {
        let pair = [element[at], element[at + 1]];
        if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let explicit = syntax != "1.2.840.10008.1.2";
    let kind = element[4..6].iter().all(u8::is_ascii_uppercase);
    let group = two(0);
    // The identifying group comes first in every object; a directory begins with group 4.
    if (explicit && !kind) || !(4..=0x0020).contains(&group) { damaged() } else { Ok(()) }
}

const fn is_of_uid(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}
