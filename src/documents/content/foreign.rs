//! A second file in the first: what makes a file something else for those who do not look where
//! we look.

use memchr::memmem;

use super::reader::Reader;
use super::verdict::{Reason, Stop, refuse};

/// PDF readers take a file whose header stands within its first bytes (PDF 1.7, implementation
/// note 13).
const PDF_WITHIN: usize = 1024;
/// Markup is looked for in this many bytes from the beginning.
const MARKUP_WITHIN: usize = 4096;
/// The end record of a ZIP with the longest comment (APPNOTE.TXT, 4.3.16).
const ZIP_END_WITHIN: usize = 22 + 0xFFFF;

/// What begins a page or a script of a web server.
const MARKUP: [&[u8]; 4] = [b"<script", b"<?php", b"<!doctype html", b"<html"];

/// Whether a page or a script begins somewhere in these bytes.
pub(super) fn has_markup(bytes: &[u8]) -> bool {
    let lower = bytes.to_ascii_lowercase();
    MARKUP.iter().any(|begin| memmem::find(&lower, begin).is_some())
}

/// Whether bytes begin as a program, a script or an archive does.
pub(super) fn is_program(head: &[u8]) -> bool {
    const BEGINNINGS: [&[u8]; 14] = [
        b"MZ",
        b"\x7fELF",
        b"\xFE\xED\xFA\xCE",
        b"\xFE\xED\xFA\xCF",
        b"\xCE\xFA\xED\xFE",
        b"\xCF\xFA\xED\xFE",
        b"\xCA\xFE\xBA\xBE",
        b"\0asm",
        b"#!",
        b"Rar!",
        b"7z\xBC\xAF\x27\x1C",
        b"PK\x03\x04",
        b"\x1F\x8B",
        b"%PDF-",
    ];
    BEGINNINGS.iter().any(|begin| head.starts_with(begin))
}

/// No header of a PDF that a reader of PDFs would find.
pub(super) fn no_pdf(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, PDF_WITHIN)?;
    if memmem::find(&head, b"%PDF-").is_some() {
        return refuse(
            Reason::Polyglot,
            "The file is a PDF as well; send one file that is one thing.",
        );
    }
    Ok(())
}

/// No page or script in the beginning of a picture.
pub(super) fn no_markup(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let head = reader.read(0, MARKUP_WITHIN)?;
    if has_markup(&head) {
        return refuse(
            Reason::ActiveContent,
            "A web page or a script is hidden in the file; send one without it.",
        );
    }
    Ok(())
}

/// No ZIP that opens from the end of another file.
///
/// Readers differ: some count the directory's place from the beginning of the file, some from its
/// end record; few look at how many entries it says there are, and few mind what follows its
/// comment. So the record counts wherever it stands, if one of the ways leads to a directory.
pub(super) fn no_zip(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let (at, tail) = reader.tail(ZIP_END_WITHIN)?;
    for found in memmem::find_iter(&tail, b"PK\x05\x06") {
        let Some(end) = tail.get(found..found + 22) else { continue };
        let four = |at: usize| {
            u64::from(u32::from_le_bytes([end[at], end[at + 1], end[at + 2], end[at + 3]]))
        };
        let record = at + found as u64;
        let places = [record.checked_sub(four(12)), Some(four(16))];
        let mut opens = false;
        for place in places.into_iter().flatten().filter(|place| *place < record) {
            opens |= reader.read(place, 4)? == b"PK\x01\x02";
        }
        // That of a large archive is told of just before (APPNOTE.TXT, 4.3.15).
        if let Some(locator) = record.checked_sub(20) {
            opens |= reader.read(locator, 4)? == b"PK\x06\x07";
        }
        // An end record of its own at the very end opens as an empty archive.
        let comment = usize::from(u16::from_le_bytes([end[20], end[21]]));
        if opens || found + 22 + comment == tail.len() {
            return refuse(
                Reason::Polyglot,
                "A ZIP archive is appended to the file; send the file without it.",
            );
        }
    }
    Ok(())
}

/// Something follows where the file should end.
pub(super) fn appended<T>() -> Result<T, Stop> {
    refuse(
        Reason::Polyglot,
        "Something is appended behind the end of the file; send the file without it.",
    )
}
