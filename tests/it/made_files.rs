//! Files made in code, sound ones and parts to spoil: ZIP with every field under our control,
//! documents of Office old and new, pictures by their headers.
//!
//! It knows nothing of the rest of the tests, so that the rules' own tests read it as well.

use std::io::{Cursor, Write as _};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crc_fast::{CrcAlgorithm, checksum};

#[path = "made_pdf.rs"]
pub mod made_pdf;

pub use made_pdf::pdf_around;

pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub const DOC: &str = "application/msword";
pub const XLS: &str = "application/vnd.ms-excel";
pub const AGE: &str = "application/vnd.age";

/// A sample file of the project.
pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn crc(bytes: &[u8]) -> u32 {
    u32::try_from(checksum(CrcAlgorithm::Crc32IsoHdlc, bytes)).unwrap()
}

/// An entry of a ZIP and what is wrong with it.
#[derive(Clone)]
pub struct Part {
    pub name: String,
    pub data: Vec<u8>,
    /// What its own header calls it.
    pub own_name: Option<String>,
    pub flags: u16,
    /// Unix mode.
    pub mode: u32,
    /// What it says it unpacks to.
    pub says: Option<u32>,
    pub packed: bool,
    /// What lies behind it and belongs to nobody.
    pub behind: Vec<u8>,
    pub wrong_sum: bool,
}

pub fn part(name: &str, data: impl Into<Vec<u8>>) -> Part {
    Part {
        name: name.to_owned(),
        data: data.into(),
        own_name: None,
        flags: 0,
        mode: 0o100_644,
        says: None,
        packed: false,
        behind: Vec::new(),
        wrong_sum: false,
    }
}

impl Part {
    pub fn deflated(self) -> Self {
        Self { packed: true, ..self }
    }
}

/// A ZIP of these entries.
pub fn zip(parts: &[Part]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let offset = u32::try_from(out.len()).unwrap();
        let data = if part.packed {
            miniz_oxide::deflate::compress_to_vec(&part.data, 6)
        } else {
            part.data.clone()
        };
        let mut common = Vec::new();
        common.extend(part.flags.to_le_bytes());
        common.extend((if part.packed { 8_u16 } else { 0 }).to_le_bytes());
        common.extend([0, 0, 0x21, 0x58]);
        common.extend((crc(&part.data) ^ u32::from(part.wrong_sum)).to_le_bytes());
        common.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        let says = part.says.unwrap_or_else(|| u32::try_from(part.data.len()).unwrap());
        common.extend(says.to_le_bytes());
        let own = part.own_name.as_ref().unwrap_or(&part.name);
        out.extend(b"PK\x03\x04\x14\0");
        out.extend(&common);
        out.extend(u16::try_from(own.len()).unwrap().to_le_bytes());
        out.extend([0, 0]);
        out.extend(own.as_bytes());
        out.extend(&data);
        out.extend(&part.behind);
        directory.extend(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend(&common);
        directory.extend(u16::try_from(part.name.len()).unwrap().to_le_bytes());
        directory.extend([0; 8]);
        directory.extend((part.mode << 16).to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(part.name.as_bytes());
    }
    let begin = u32::try_from(out.len()).unwrap();
    let count = u16::try_from(parts.len()).unwrap().to_le_bytes();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    out.extend(begin.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// The list of content types, the main part being of this type.
pub fn types(main: &str, more: &str) -> Part {
    let office = "application/vnd.openxmlformats-officedocument";
    let list = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Types xmlns=\"http://schemas.openxmlformats.org/\
         package/2006/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.\
         openxmlformats-package.relationships+xml\"/><Override PartName=\"/main.xml\" \
         ContentType=\"{office}.{main}\"/>{more}</Types>"
    );
    part("[Content_Types].xml", list).deflated()
}

/// A relation of the main part.
pub fn relation(kind: &str, target: &str, mode: &str) -> Part {
    let list = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/\
         relationships/{kind}\" Target=\"{target}\" TargetMode=\"{mode}\"/></Relationships>"
    );
    part("word/_rels/settings.xml.rels", list).deflated()
}

pub const WORD: &str = "wordprocessingml.document.main+xml";
pub const EXCEL: &str = "spreadsheetml.sheet.main+xml";

/// A Word document with more parts.
pub fn docx(more: &[Part]) -> Vec<u8> {
    let text = "<w:document xmlns:w=\"x\"><w:body>a letter</w:body></w:document>".repeat(20);
    let own = [types(WORD, ""), part("word/document.xml", text).deflated()];
    zip(&[&own[..], more].concat())
}

/// An Excel workbook with more parts.
pub fn xlsx(more: &[Part]) -> Vec<u8> {
    let own = [types(EXCEL, ""), part("xl/workbook.xml", "<workbook/>").deflated()];
    zip(&[&own[..], more].concat())
}

/// A compound file with these streams.
pub fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    for (path, bytes) in streams {
        if let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
            file.create_storage_all(folder).unwrap();
        }
        file.create_stream(path).unwrap().write_all(bytes).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// The beginning of a Word document's own stream.
pub fn word_block(flags: u16) -> Vec<u8> {
    let mut block = vec![0; 4096];
    block[..2].copy_from_slice(&0xA5EC_u16.to_le_bytes());
    block[10..12].copy_from_slice(&flags.to_le_bytes());
    block
}

/// Records of a workbook: begin, these, end.
pub fn workbook(records: &[(u16, &[u8])]) -> Vec<u8> {
    let all = [&[(0x0809, &[0, 6, 5, 0][..])][..], records, &[(0x000A, &[][..])]].concat();
    let mut bytes = Vec::new();
    for (kind, record) in all {
        bytes.extend(kind.to_le_bytes());
        bytes.extend(u16::try_from(record.len()).unwrap().to_le_bytes());
        bytes.extend(record);
    }
    bytes.resize(5000, 0);
    bytes
}

/// A sheet of a workbook; kind 0 is a table, 1 a sheet of macros.
pub fn sheet(kind: u8) -> Vec<u8> {
    [&[0, 0, 0, 0, 0, kind, 6, 0][..], b"Sheet1"].concat()
}

fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
    let named = [kind, data].concat();
    let sum = crc(&named).to_be_bytes();
    [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], &named, &sum].concat()
}

/// A grey PNG that says it has this size.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let rows = miniz_oxide::deflate::compress_to_vec_zlib(&[0; 300], 6);
    let chunks = [chunk(b"IHDR", &header), chunk(b"IDAT", &rows), chunk(b"IEND", &[])];
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunks.concat()].concat()
}

/// The sample JPEG with this size in its frame.
pub fn jpeg_of(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = sample("knee-xray.jpg");
    let frame = bytes.windows(2).position(|two| two == [0xFF, 0xC0] || two == [0xFF, 0xC2]);
    let at = frame.unwrap() + 5;
    bytes[at..at + 2].copy_from_slice(&height.to_be_bytes());
    bytes[at + 2..at + 4].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// The sample JPEG with a comment.
pub fn jpeg_with_comment(comment: &[u8]) -> Vec<u8> {
    let bytes = sample("knee-xray.jpg");
    let length = u16::try_from(comment.len() + 2).unwrap().to_be_bytes();
    [&bytes[..2], &[0xFF, 0xFE], &length, comment, &bytes[2..]].concat()
}

/// A TIFF of one page with this size, whose directory names `next` as the one after it.
pub fn tiff(width: u32, height: u32, next: u32) -> Vec<u8> {
    let entry = |tag: u16, value: u32| {
        [&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat()
    };
    let entries = [entry(256, width), entry(257, height), entry(259, 1)].concat();
    [b"II*\0\x08\0\0\0\x03\0", &entries[..], &next.to_le_bytes()].concat()
}

pub const SVG: &str = "<?xml version=\"1.0\"?>\n<!-- a drawing -->\n<svg \
    xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"><script>alert(1)</script>\
    <circle cx=\"5\" cy=\"5\" r=\"4\" onclick=\"alert(2)\"/></svg>";

/// A sample with something behind it.
pub fn with(name: &str, behind: &[u8]) -> Vec<u8> {
    [sample(name), behind.to_vec()].concat()
}

/// All but the last tenth of a sample.
pub fn cut(name: &str) -> Vec<u8> {
    let mut bytes = sample(name);
    bytes.truncate(bytes.len() * 9 / 10);
    bytes
}

/// A ZIP with a web page in it.
pub fn small_zip() -> Vec<u8> {
    zip(&[part("index.html", "<html>hello</html>")])
}

/// The same, whose end says that there is nothing in it.
pub fn counted_zero() -> Vec<u8> {
    let mut bytes = small_zip();
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].fill(0);
    bytes
}

/// The same with the end record of large archives (APPNOTE.TXT 4.3.14 and 4.3.15).
pub fn zip64() -> Vec<u8> {
    let small = small_zip();
    let (body, end) = small.split_at(small.len() - 22);
    let four = |at: usize| u64::from(u32::from_le_bytes(end[at..at + 4].try_into().unwrap()));
    let record = body.len() as u64;
    let numbers = [1, 1, four(12), four(16)].map(u64::to_le_bytes).concat();
    let large =
        [b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0", &numbers[..]].concat();
    let locator = [&b"PK\x06\x07\0\0\0\0"[..], &record.to_le_bytes(), &[1, 0, 0, 0]].concat();
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &[0xFF; 12], &[0, 0]].concat();
    [body, &large, &locator, &end].concat()
}

/// A box of a film (ISO/IEC 14496-12).
pub fn atom(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&length[..], &kind, content].concat()
}

/// A film, by its boxes.
pub fn film() -> Vec<u8> {
    let boxes = [
        atom(*b"ftyp", b"mp42\0\0\0\0mp42isom"),
        atom(*b"moov", &atom(*b"mvhd", &[0; 100])),
        atom(*b"mdat", &[0x5A; 2000]),
    ];
    boxes.concat()
}

/// What telephones of Samsung put behind a picture: notes with a name each, and a list of them.
pub fn samsung(notes: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut data, mut places) = (Vec::new(), Vec::new());
    for (name, content) in notes {
        let begin = data.len();
        data.extend(b"\0\0\x30\x0a");
        data.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
        data.extend(name.as_bytes());
        data.extend(*content);
        places.push((begin, data.len() - begin));
    }
    let mut list = b"SEFH\x6b\0\0\0".to_vec();
    list.extend(u32::try_from(notes.len()).unwrap().to_le_bytes());
    for (begin, length) in places {
        list.extend(b"\0\0\x30\x0a");
        list.extend(u32::try_from(data.len() - begin).unwrap().to_le_bytes());
        list.extend(u32::try_from(length).unwrap().to_le_bytes());
    }
    let length = u32::try_from(list.len()).unwrap().to_le_bytes();
    [data, list, length.to_vec(), b"SEFT".to_vec()].concat()
}

/// A key for sealing, made for this run.
pub struct SealKey {
    /// What opens.
    pub identity: String,
    /// What seals.
    pub recipient: String,
}

pub static SEAL_KEY: LazyLock<SealKey> = LazyLock::new(|| {
    let identity = String::from_utf8(told("age-keygen", &[], b"")).unwrap();
    let recipient = String::from_utf8(told("age-keygen", &["-y"], identity.as_bytes())).unwrap();
    SealKey { identity, recipient: recipient.trim().to_owned() }
});

/// What a program answers to its input.
fn told(program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("age is there: `make test` brings it");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // It reads and writes at once; one that asks for nothing may be gone.
    let writing = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let done = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// A file as `age` seals it; `more` arguments come before.
pub fn sealed_with(more: &[&str], bytes: &[u8]) -> Vec<u8> {
    told("age", &[more, &["-r", &SEAL_KEY.recipient]].concat(), bytes)
}

pub fn sealed(bytes: &[u8]) -> Vec<u8> {
    sealed_with(&[], bytes)
}

/// What `age` finds in a file with the key.
pub fn opened(sealed: &[u8]) -> Vec<u8> {
    let mut key = tempfile::NamedTempFile::new().unwrap();
    key.write_all(SEAL_KEY.identity.as_bytes()).unwrap();
    told("age", &["-d", "-i", key.path().to_str().unwrap()], sealed)
}

/// A sealed file whose stanzas are others.
pub fn sealed_by(stanzas: &str) -> Vec<u8> {
    let sound = sealed(b"hello");
    let at = sound.windows(5).position(|five| five == b"\n--- ").unwrap();
    [b"age-encryption.org/v1\n", stanzas.as_bytes(), &sound[at + 1..]].concat()
}
