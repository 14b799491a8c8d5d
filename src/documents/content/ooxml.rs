//! Word and Excel since 2007: a ZIP whose content types say what it is (ISO/IEC 29500).
//!
//! Word and Excel find a part by relation and content type, never by its name. So a name is looked
//! at because it is cheap, and relations, types and first bytes because they are what counts.

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

use super::archive::{self, Entry};
use super::compound;
use super::reader::Reader;
use super::verdict::{Reason, Stop, damaged, other_type, refuse};

/// Which program's document it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Word,
    Excel,
}

/// The largest list of content types or relations, in bytes.
const MAX_LIST: u64 = 4 << 20;
/// The largest document inside a document, in bytes.
const MAX_INSIDE: u64 = 8 << 20;
/// The most documents inside a document.
const MAX_DOCUMENTS: usize = 64;
/// Archives up to this size have every entry unpacked past a counter; of larger ones only what is
/// looked into.
const VERIFIED: u64 = 64 << 20;
/// Extensions of what has no business in a text or a table.
const RUNS: [&str; 16] = [
    "exe", "dll", "com", "scr", "bat", "cmd", "ps1", "vbs", "js", "jse", "wsf", "hta", "jar",
    "msi", "lnk", "htm",
];

/// The list of content types, as entries are named.
const TYPES: &str = "[content_types].xml";

const ACTIVE: &str = "Something in the document runs or is fetched when it is opened (a control, \
                      an embedded object or older Office file, a program, a page that is put in, \
                      a remote template); save it without that, or as PDF.";
const MACROS: &str = "The document holds macros; save it as .docx or .xlsx without them.";

pub(super) fn check(reader: &mut Reader<'_>, program: Program) -> Result<(), Stop> {
    let head = reader.read(0, 8)?;
    if compound::is_compound(&head) {
        // An encrypted document is an old container with the new one locked inside.
        return compound::refuse_encrypted(reader);
    }
    if !head.starts_with(b"PK\x03\x04") {
        return other_type();
    }
    document(reader, Some(program), 0)
}

/// Checks a document; one inside another may be of any program.
fn document(reader: &mut Reader<'_>, program: Option<Program>, depth: u8) -> Result<(), Stop> {
    let mut archive = archive::open(reader)?;
    if !archive.entries.iter().any(|entry| entry.name == TYPES) {
        return other_type();
    }
    for entry in &archive.entries {
        part_name(&entry.name)?;
    }
    let verified = reader.size() <= VERIFIED;
    archive.walk(reader, verified)?;
    let entries = &archive.entries;
    let Some(types) = entries.iter().find(|entry| entry.name == TYPES) else { return other_type() };
    let list = archive::extract(reader, types, MAX_LIST)?;
    content_types(&list, program)?;
    let relations = |entry: &&Entry| extension(&entry.name) == "rels";
    for entry in entries.iter().filter(relations) {
        let list = archive::extract(reader, entry, MAX_LIST)?;
        relations_of(&list)?;
    }
    let mut inside = 0;
    for entry in entries {
        // What Office embeds in the old way is a compound file, whatever it is called.
        if compound::is_compound(&entry.begin) {
            return refuse(Reason::ActiveContent, ACTIVE);
        }
        if !is_document(&entry.name) && !entry.begin.starts_with(b"PK\x03\x04") {
            continue;
        }
        inside += 1;
        if depth > 0 || inside > MAX_DOCUMENTS {
            return refuse(
                Reason::ArchiveBounds,
                "The document holds documents that hold documents, or more than 64 of them; \
                 send them one by one.",
            );
        }
        let bytes = archive::extract(reader, entry, MAX_INSIDE)?;
        inner(&bytes, depth)?;
    }
    Ok(())
}

fn inner(bytes: &[u8], depth: u8) -> Result<(), Stop> {
    let mut source = bytes;
    let mut reader = Reader::new(&mut source);
    match document(&mut reader, None, depth + 1) {
        Err(Stop::Unfit(super::Unfit::OtherType(_))) => refuse(Reason::ActiveContent, ACTIVE),
        other => other,
    }
}

fn extension(name: &str) -> &str {
    name.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, end)| end)
}

fn is_document(name: &str) -> bool {
    const DOCUMENTS: [&str; 7] = ["docx", "xlsx", "pptx", "dotx", "xltx", "potx", "zip"];
    DOCUMENTS.contains(&extension(name))
}

/// What the name of a part says of it.
fn part_name(name: &str) -> Result<(), Stop> {
    let (ending, last) = (extension(name), name.rsplit('/').next().unwrap_or_default());
    let macros = matches!(ending, "docm" | "xlsm" | "xlsb" | "pptm" | "dotm" | "xltm" | "xlam");
    if last.starts_with("vbaproject") || last == "vbadata.xml" || macros {
        return refuse(Reason::Macros, MACROS);
    }
    if name.contains("macrosheets/") || name.contains("/dialogsheets/") {
        return refuse(Reason::Macros, MACROS);
    }
    let object = ending == "bin" && last.starts_with("oleobject");
    if object || name.contains("/activex/") || RUNS.contains(&ending) || ending == "html" {
        return refuse(Reason::ActiveContent, ACTIVE);
    }
    Ok(())
}

/// Goes through the elements of a list; a list with a document type of its own is refused, and
/// one in another encoding, in which elements stand that are not seen here.
fn each_element(
    xml: &[u8],
    mut look: impl FnMut(&BytesStart<'_>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    if memchr::memchr(0, xml).is_some() {
        return damaged();
    }
    let mut parser = quick_xml::Reader::from_reader(xml);
    let mut place = Vec::new();
    loop {
        match parser.read_event_into(&mut place) {
            Ok(Event::Decl(said)) => match said.encoding() {
                None => {}
                Some(Ok(name)) if name.eq_ignore_ascii_case(b"utf-8") => {}
                Some(_) => return damaged(),
            },
            Ok(Event::Start(element) | Event::Empty(element)) => look(&element)?,
            Ok(Event::DocType(_)) => return refuse(Reason::ActiveContent, ACTIVE),
            Ok(Event::Eof) => return Ok(()),
            Ok(_) => {}
            Err(_) => return damaged(),
        }
        place.clear();
    }
}

/// An attribute, entities resolved; none where it is missing.
fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Stop> {
    match element.try_get_attribute(name) {
        Ok(None) => Ok(None),
        Ok(Some(value)) => match value.normalized_value(XmlVersion::Implicit1_0) {
            Ok(value) => Ok(Some(value.trim().to_lowercase())),
            Err(_) => damaged(),
        },
        Err(_) => damaged(),
    }
}

/// The content types: the main part has to be of the program, without macros; of the other parts
/// none may be one that runs.
fn content_types(xml: &[u8], program: Option<Program>) -> Result<(), Stop> {
    /// Parts that Word converts into the text, with all they hold (17.17.2.1).
    const PUT_IN: [&str; 5] =
        ["text/html", "application/xhtml+xml", "message/rfc822", "application/rtf", "text/rtf"];
    let (mut word, mut excel, mut other) = (false, false, false);
    each_element(xml, |element| {
        let Some(said) = attribute(element, "ContentType")? else { return Ok(()) };
        if said.contains("macroenabled") || said.contains("vbaproject") {
            return refuse(Reason::Macros, MACROS);
        }
        let essence = said.split(';').next().unwrap_or_default().trim_end();
        let runs = ["activex", "macrosheet", "oleobject"].iter().any(|kind| said.contains(kind));
        if runs || PUT_IN.contains(&essence) {
            return refuse(Reason::ActiveContent, ACTIVE);
        }
        let known = said.strip_prefix("application/vnd.openxmlformats-officedocument.");
        match known {
            Some("wordprocessingml.document.main+xml") => word = true,
            Some("spreadsheetml.sheet.main+xml") => excel = true,
            Some(said) if said.ends_with(".main+xml") => other = true,
            _ => {}
        }
        Ok(())
    })?;
    let fits = match program {
        Some(Program::Word) => word && !excel && !other,
        Some(Program::Excel) => excel && !word && !other,
        None => word || excel || other,
    };
    if fits { Ok(()) } else { other_type() }
}

/// Relations to what runs or is put in, wherever it is, and to parts elsewhere that are fetched
/// when the document is opened: templates, frames. Links that somebody has to click and pictures
/// are left.
fn relations_of(xml: &[u8]) -> Result<(), Stop> {
    const RUN: [&str; 4] = ["/oleobject", "/afchunk", "/control", "/activexcontrolbinary"];
    const FETCHED: [&str; 3] = ["/attachedtemplate", "/frame", "/subdocument"];
    each_element(xml, |element| {
        let kind = attribute(element, "Type")?.unwrap_or_default();
        let one_of = |kinds: &[&str]| kinds.iter().any(|one| kind.ends_with(one));
        if one_of(&["/vbaproject", "/xlmacrosheet", "/xlintlmacrosheet"]) {
            return refuse(Reason::Macros, MACROS);
        }
        let outside = attribute(element, "TargetMode")?.as_deref() == Some("external");
        let target = attribute(element, "Target")?.unwrap_or_default();
        // Word notes where on its own disk the template was.
        let own_disk = target.starts_with("file:///") && !target.starts_with("file:////");
        if one_of(&RUN) || (outside && one_of(&FETCHED) && !own_disk) {
            return refuse(Reason::ActiveContent, ACTIVE);
        }
        Ok(())
    })
}
