//! Word and Excel before 2007: a compound file ([MS-CFB]) with the program's stream in it
//! ([MS-DOC], [MS-XLS]).

use std::cell::RefCell;
use std::io::Read as _;
use std::rc::Rc;

use cfb::CompoundFile;

use super::ooxml::Program;
use super::reader::{Reader, Seeking};
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// The most storages and streams of a file.
const MAX_ENTRIES: usize = 10_000;
/// How much of a workbook is looked at: its global records come first.
const GLOBALS: u64 = 1 << 20;

const LOCKED: &str = "The file is encrypted; send it without a password.";
const MACROS: &str = "The document holds macros; save it as .docx or .xlsx without them.";

type File<'r, 's> = CompoundFile<Seeking<'r, 's>>;

/// Whether bytes begin as a compound file does.
pub(super) fn is_compound(head: &[u8]) -> bool {
    head.starts_with(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")
}

pub(super) fn check(reader: &mut Reader<'_>, program: Program) -> Result<(), Stop> {
    if !is_compound(&reader.read(0, 8)?) {
        return other_type();
    }
    let (names, own) = look(reader, |file| {
        let own = match program {
            Program::Word => stream(file, "/WordDocument", 64)?,
            Program::Excel => match stream(file, "/Workbook", GLOBALS)? {
                Some(own) => Some(own),
                None => stream(file, "/Book", GLOBALS)?,
            },
        };
        Ok((names(file), own))
    })?;
    if is_locked(&names) {
        return refuse(Reason::Encrypted, LOCKED);
    }
    let Some(own) = own else { return other_type() };
    for name in &names {
        let parts: Vec<_> = name.split('/').collect();
        if parts.iter().any(|part| ["macros", "_vba_project_cur", "_vba_project"].contains(part)) {
            return refuse(Reason::Macros, MACROS);
        }
        let last = parts.last().copied().unwrap_or_default();
        if last == "\u{1}ole10native" || last == "ocxname" {
            return refuse(
                Reason::ActiveContent,
                "A program, another file or a control is embedded in the document; save it \
                 without that, or as PDF.",
            );
        }
    }
    match program {
        Program::Word => word(&own),
        Program::Excel => excel(&own),
    }
}

/// Under the name of a newer document: locked, or something else.
pub(super) fn refuse_encrypted(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let names = look(reader, |file| Ok(names(file)))?;
    if is_locked(&names) { refuse(Reason::Encrypted, LOCKED) } else { other_type() }
}

fn is_locked(names: &[String]) -> bool {
    names.iter().any(|name| ["/encryptedpackage", "/encryptioninfo"].contains(&name.as_str()))
}

/// Opens the container and looks; what stopped the reading is told before what the library made
/// of it.
fn look<T>(
    reader: &mut Reader<'_>,
    see: impl FnOnce(&mut File<'_, '_>) -> std::io::Result<T>,
) -> Result<T, Stop> {
    let stopped = Rc::new(RefCell::new(None));
    let seen =
        CompoundFile::open(Seeking::new(reader, &stopped)).and_then(|mut file| see(&mut file));
    if let Some(stop) = stopped.borrow_mut().take() {
        return Err(stop);
    }
    match seen {
        Ok(seen) => Ok(seen),
        Err(_) => damaged(),
    }
}

/// The paths of everything inside, lower case.
fn names(file: &File<'_, '_>) -> Vec<String> {
    let path = |entry: cfb::Entry| entry.path().to_string_lossy().to_lowercase();
    file.walk().take(MAX_ENTRIES).map(path).collect()
}

/// The beginning of a stream; none where there is no such stream.
fn stream(file: &mut File<'_, '_>, path: &str, most: u64) -> std::io::Result<Option<Vec<u8>>> {
    if !file.is_stream(path) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.open_stream(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// The file information block ([MS-DOC] 2.5.2).
fn word(block: &[u8]) -> Result<(), Stop> {
    let two = |at: usize| block.get(at..at + 2).map(|two| u16::from_le_bytes([two[0], two[1]]));
    let (Some(identifier), Some(flags)) = (two(0), two(10)) else { return damaged() };
    if ![0xA5EC, 0xA5DC].contains(&identifier) {
        return damaged();
    }
    if flags & 0x0100 != 0 { refuse(Reason::Encrypted, LOCKED) } else { Ok(()) }
}

/// The global records of a workbook ([MS-XLS] 2.1.7.20.3): a password, sheets of macros.
fn excel(workbook: &[u8]) -> Result<(), Stop> {
    const BEGIN: [u16; 4] = [0x0809, 0x0009, 0x0209, 0x0409];
    const END: u16 = 0x000A;
    const FILE_PASS: u16 = 0x002F;
    const SHEET: u16 = 0x0085;
    let (mut rest, mut first) = (workbook, true);
    while let Some((head, after)) = rest.split_at_checked(4) {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
        if first && !BEGIN.contains(&kind) {
            return damaged();
        }
        first = false;
        let Some((record, after)) = after.split_at_checked(length) else { break };
        match kind {
            END => return Ok(()),
            FILE_PASS => return refuse(Reason::Encrypted, LOCKED),
            // Its fifth byte tells the visibility, its sixth what kind of sheet it is.
            SHEET if record.get(5) == Some(&1) => return refuse(Reason::Macros, MACROS),
            _ => {}
        }
        rest = after;
    }
    if first { damaged() } else { Ok(()) }
}
