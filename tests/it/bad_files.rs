//! The table of files that come in and of files that do not, each with the verdict it must get
//! behind every door. Nothing in it does any harm.

use super::made_files::{
    AGE, DOC, DOCX, SEAL_KEY, SVG, XLS, XLSX, atom, compound, counted_zero, cut, docx, film,
    jpeg_of, jpeg_with_comment, part, pdf_around, png, relation, sample, samsung, sealed,
    sealed_by, sealed_with, sheet, small_zip, tiff, with, word_block, workbook, xlsx, zip64,
};

#[path = "bad_office_files.rs"]
mod office_files;

use office_files::{archives, objects, office, old_office};

/// What is to be said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It becomes a document.
    Good,
    /// `content_mismatch`: it is of another type.
    OtherType,
    /// `content_refused`, with this reason.
    Refused(&'static str),
}

/// A file and its verdict.
pub struct File {
    pub what: &'static str,
    pub name: &'static str,
    pub mime: &'static str,
    pub bytes: Vec<u8>,
    pub verdict: Verdict,
}

use Verdict::{Good, OtherType, Refused};

type Row = (&'static str, &'static str, Vec<u8>, Verdict);

/// The type that goes with a name.
fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap() {
        "pdf" => "application/pdf",
        "jpg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "tiff" => "image/tiff",
        "heic" => "image/heic",
        "svg" => "image/svg+xml",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "dcm" => "application/dicom",
        "doc" => DOC,
        "xls" => XLS,
        "docx" => DOCX,
        "xlsx" => XLSX,
        "age" => AGE,
        other => panic!("no type for {other}"),
    }
}

fn files(rows: Vec<Row>) -> Vec<File> {
    let file = |(what, name, bytes, verdict)| File { what, name, mime: mime(name), bytes, verdict };
    rows.into_iter().map(file).collect()
}

/// Every file of the table.
pub fn all() -> Vec<File> {
    let rows = [
        good(),
        of_other_types(),
        pictures(),
        behind_pictures(),
        hidden_archives(),
        documents(),
        portable_documents(),
        office(),
        objects(),
        archives(),
        old_office(),
        texts(),
        sealed_files(),
    ];
    rows.into_iter().flat_map(files).collect()
}

/// One more file.
pub fn file(name: &'static str, bytes: Vec<u8>, verdict: Verdict) -> File {
    File { what: "a file", name, mime: mime(name), bytes, verdict }
}

/// Files that are looked into by range, being too large for one look.
pub fn large() -> Vec<File> {
    let noise = |seed: u32, size: usize| -> Vec<u8> {
        let next = |n: &u32| Some(n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        std::iter::successors(Some(seed), next).map(|n| n.to_be_bytes()[0]).take(size).collect()
    };
    let photo = |seed| part(&format!("word/media/{seed}.jpg"), noise(seed, 1_500_000));
    let macros = part("word/vbaProject.bin", "x");
    let jpeg = sample("knee-xray.jpg");
    let notes = [&[0xFF, 0xEB, 0xFF, 0xFF][..], &vec![b'n'; 65_533][..]].concat().repeat(20);
    let jpeg = [&jpeg[..2], &notes, &jpeg[2..]].concat();
    let pdf = pdf_around(&noise(3, 1_200_000));
    let zipped = |bytes: &[u8]| [bytes, &small_zip()].concat();
    files(vec![
        ("a letter with photos", "a.docx", docx(&[photo(1), photo(2)]), Good),
        ("a letter with photos and macros", "a.docx", docx(&[photo(4), macros]), Refused("macros")),
        ("a large picture with a ZIP", "a.jpg", zipped(&jpeg), Refused("polyglot")),
        (
            "a large picture that ends early",
            "a.jpg",
            { jpeg[..jpeg.len() - 1000].to_vec() },
            Refused("damaged"),
        ),
        ("a large picture", "a.jpg", jpeg, Good),
        ("a large PDF with a ZIP", "a.pdf", zipped(&pdf), Refused("polyglot")),
        ("a large PDF that ends early", "a.pdf", pdf[..1_000_000].to_vec(), Refused("damaged")),
        ("a large sealed PDF", "a.pdf.age", sealed(&pdf), Good),
        ("a large sealed PDF with a ZIP", "a.age", zipped(&sealed(&pdf)), Refused("polyglot")),
        ("a large PDF", "a.pdf", pdf, Good),
    ])
}

fn good() -> Vec<Row> {
    let mut rows: Vec<Row> = [
        "referral-letter.pdf",
        "knee-xray.jpg",
        "wound-photo.png",
        "phone-photo.heic",
        "chest-ct.dcm",
        "treatment-plan.docx",
        "fee-schedule.xlsx",
        "home-exercises.csv",
        "consent.tiff",
        "scan.webp",
        "diagram.gif",
        "notes.txt",
    ]
    .map(|name| ("a sample", name, sample(name), Good))
    .to_vec();
    let jpeg = sample("knee-xray.jpg");
    let mut slide = sample("chest-ct.dcm");
    slide[..4].copy_from_slice(b"II*\0");
    let notes = samsung(&[("Image_UTC_Data", b"1700000000000"), ("MotionPhoto_Data", &film())]);
    let table = compound(&[("/Workbook", &workbook(&[(0x0085, &sheet(0))]))]);
    let letter = compound(&[("/WordDocument", &word_block(0)), ("/1Table", b"x")]);
    let template = relation("attachedTemplate", "file:///C:/Clinic/letter.dotx", "External");
    let link = relation("hyperlink", "https://clinic.example/", "External");
    rows.extend([
        ("a drawing", "drawing.svg", SVG.as_bytes().to_vec(), Good),
        ("an old letter", "letter.doc", letter, Good),
        ("an old table", "table.xls", table, Good),
        ("a picture with its preview behind it", "a.jpg", [&jpeg[..], &jpeg].concat(), Good),
        ("a picture with a film behind it", "a.jpg", with("knee-xray.jpg", &film()), Good),
        ("a picture with Samsung's notes", "a.jpg", with("knee-xray.jpg", &notes), Good),
        ("a padded picture", "a.jpg", with("knee-xray.jpg", &[0; 512]), Good),
        ("a padded PDF", "a.pdf", with("referral-letter.pdf", b"\r\n\0\0"), Good),
        ("a slide that is a TIFF as well", "a.dcm", slide, Good),
        ("a table within a letter", "a.docx", docx(&[inside("a.xlsx", xlsx(&[]))]), Good),
        ("a table of another name in a letter", "a.docx", docx(&[inside("a", xlsx(&[]))]), Good),
        ("a letter from a template on the disk", "a.docx", docx(&[template]), Good),
        ("a letter with a link", "a.docx", docx(&[link]), Good),
        ("a large picture", "a.png", png(20_000, 14_000), Good),
        ("a text in Latin-1", "a.txt", b"K\xF6rper\r\n".to_vec(), Good),
        ("a table with a mark of UTF-8", "a.csv", b"\xEF\xBB\xBFa;b\n1;2\n".to_vec(), Good),
    ]);
    rows
}

fn inside(name: &str, bytes: Vec<u8>) -> super::made_files::Part {
    part(&format!("word/embeddings/{name}"), bytes)
}

fn of_other_types() -> Vec<Row> {
    vec![
        ("a program for Windows", "a.pdf", b"MZ\x90\0\x03\0\0\0\x04 program".to_vec(), OtherType),
        ("a program for Linux", "a.pdf", b"\x7fELF\x02\x01\x01\0 program".to_vec(), OtherType),
        ("a program for macOS", "a.jpg", b"\xCF\xFA\xED\xFE program".to_vec(), OtherType),
        ("a Java class", "a.png", b"\xCA\xFE\xBA\xBE\0\0\0\x34 class".to_vec(), OtherType),
        ("WebAssembly", "a.pdf", b"\0asm\x01\0\0\0 module".to_vec(), OtherType),
        ("a script", "a.pdf", b"#!/bin/sh\necho hello\n".to_vec(), OtherType),
        ("a page as PDF", "a.pdf", b"<!DOCTYPE html><html></html>".to_vec(), OtherType),
        ("a page as picture", "a.gif", b"<html><script>alert(1)</script>".to_vec(), OtherType),
        ("an archive of RAR", "a.pdf", b"Rar!\x1a\x07\x01\0 archive".to_vec(), OtherType),
        ("an archive of 7-Zip", "a.docx", b"7z\xBC\xAF\x27\x1C archive".to_vec(), OtherType),
        ("a ZIP as PDF", "a.pdf", small_zip(), OtherType),
        ("a ZIP as document", "a.docx", small_zip(), OtherType),
        ("a PNG as JPEG", "a.jpg", sample("wound-photo.png"), OtherType),
        ("a letter as table", "a.xlsx", sample("treatment-plan.docx"), OtherType),
        ("a table as letter", "a.docx", sample("fee-schedule.xlsx"), OtherType),
        ("an AVIF as HEIC", "a.heic", branded(*b"avif"), OtherType),
        ("an AVIF of another first name", "a.heic", branded(*b"mif1"), OtherType),
        ("a film as HEIC", "a.heic", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec(), OtherType),
        (
            "a PDF with something before it",
            "a.pdf",
            { [b"\n\n".to_vec(), sample("referral-letter.pdf")].concat() },
            OtherType,
        ),
        (
            "an archive that unpacks itself",
            "a.docx",
            { [b"MZ".to_vec(), docx(&[])].concat() },
            OtherType,
        ),
    ]
}

/// The sample HEIC, named as an AVIF is.
fn branded(major: [u8; 4]) -> Vec<u8> {
    let mut bytes = sample("phone-photo.heic");
    let end = usize::from(bytes[3]);
    bytes[8..12].copy_from_slice(&major);
    let brands = [&b"avif"[..], b"mif1", b"miaf"].into_iter().cycle().flatten().copied();
    bytes[16..end].iter_mut().zip(brands).for_each(|(byte, brand)| *byte = brand);
    bytes
}

/// What telephones put behind a picture, and what only looks like it.
fn behind_pictures() -> Vec<Row> {
    let polyglot = Refused("polyglot");
    let page = b"<html><script>alert(1)</script></html>";
    let behind = |bytes: &[u8]| with("knee-xray.jpg", bytes);
    let no_list = samsung(&[]);
    let short = samsung(&[("Image_UTC_Data", b"1700000000000")]);
    let gap = [b"MZ\x90\0\x03\0\0\0".to_vec(), short.clone()].concat();
    let in_notes = samsung(&[("Image_UTC_Data", page)]);
    let program = samsung(&[("MotionPhoto_Data", b"MZ\x90\0\x03\0\0\0")]);
    let names = [&b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"[..], page].concat();
    let no_film = atom(*b"ftyp", b"mp42\0\0\0\0mp42isom");
    let odd_box = [film(), atom(*b"html", page)].concat();
    vec![
        (
            "a JPEG with a page that ends as Samsung's",
            "a.jpg",
            behind(&[page, &b"SEFT"[..]].concat()),
            polyglot,
        ),
        (
            "a JPEG with a page and an empty list",
            "a.jpg",
            behind(&[page, &no_list[..]].concat()),
            polyglot,
        ),
        ("a JPEG with a program before Samsung's notes", "a.jpg", behind(&gap), polyglot),
        ("a JPEG with a page among Samsung's notes", "a.jpg", behind(&in_notes), polyglot),
        ("a JPEG with a program among Samsung's notes", "a.jpg", behind(&program), polyglot),
        (
            "a JPEG with a program that ends as a film",
            "a.jpg",
            behind(b"MZ\x90\0\x03\0MPVD"),
            polyglot,
        ),
        ("a JPEG with a page behind a film's name", "a.jpg", behind(&names), polyglot),
        ("a JPEG with a film's name", "a.jpg", behind(&no_film), polyglot),
        ("a JPEG with a film and a box of no film", "a.jpg", behind(&odd_box), polyglot),
        ("a JPEG with a film and a page", "a.jpg", behind(&[&film()[..], page].concat()), polyglot),
    ]
}

fn pictures() -> Vec<Row> {
    let (polyglot, damaged) = (Refused("polyglot"), Refused("damaged"));
    let (dimensions, active) = (Refused("dimensions"), Refused("active_content"));
    let page = b"<html><script>alert(1)</script></html>";
    let mut sum = png(10, 10);
    sum[20] ^= 1;
    let mut huge = sample("scan.webp");
    huge.splice(12..12, *b"VP8X\x0a\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff");
    let length = u32::try_from(huge.len() - 8).unwrap();
    huge[4..8].copy_from_slice(&length.to_le_bytes());
    let pdf_inside = jpeg_with_comment(b"%PDF-1.4 1 0 obj");
    vec![
        ("a JPEG that ends early", "a.jpg", cut("knee-xray.jpg"), damaged),
        ("a JPEG with a ZIP", "a.jpg", with("knee-xray.jpg", &small_zip()), polyglot),
        (
            "a JPEG with a PDF",
            "a.jpg",
            with("knee-xray.jpg", &sample("referral-letter.pdf")),
            polyglot,
        ),
        ("a JPEG with a page", "a.jpg", with("knee-xray.jpg", page), polyglot),
        ("a JPEG with a program", "a.jpg", with("knee-xray.jpg", b"MZ\x90\0 program"), polyglot),
        ("a JPEG with JavaScript", "a.jpg", with("knee-xray.jpg", b"*/alert(1)//"), polyglot),
        ("a JPEG with PHP", "a.jpg", jpeg_with_comment(b"<?php system($_GET[0]);"), active),
        ("a JPEG that is a PDF", "a.jpg", pdf_inside, polyglot),
        ("a JPEG of 4 billion pixels", "a.jpg", jpeg_of(65_535, 65_535), dimensions),
        ("a JPEG without pixels", "a.jpg", jpeg_of(0, 100), damaged),
        ("a PNG that ends early", "a.png", cut("wound-photo.png"), damaged),
        ("a PNG with a wrong sum", "a.png", sum, damaged),
        ("a PNG of 2 billion columns", "a.png", png(2_000_000_000, 1), dimensions),
        ("a PNG of 900 million pixels", "a.png", png(30_000, 30_000), dimensions),
        ("a PNG with a page", "a.png", with("wound-photo.png", page), polyglot),
        ("a PNG with a ZIP", "a.png", with("wound-photo.png", &small_zip()), polyglot),
        ("a GIF that ends early", "a.gif", cut("diagram.gif"), damaged),
        ("a GIF with JavaScript", "a.gif", with("diagram.gif", b"*/=1;alert(1);//"), polyglot),
        ("a GIF with a ZIP", "a.gif", with("diagram.gif", &small_zip()), polyglot),
        (
            "a GIF that is JavaScript",
            "a.gif",
            b"GIF89a/*\0\0\0\0\0*/=1;alert(1);".to_vec(),
            damaged,
        ),
        ("a WebP that ends early", "a.webp", cut("scan.webp"), damaged),
        ("a WebP with a page", "a.webp", with("scan.webp", page), polyglot),
        ("a WebP of 281 trillion pixels", "a.webp", huge, dimensions),
        ("a TIFF that never ends", "a.tiff", tiff(10, 10, 8), damaged),
        ("a TIFF of 16 billion pixels", "a.tiff", tiff(60_000, 60_000, 0), dimensions),
        ("a TIFF with a ZIP", "a.tiff", with("consent.tiff", &small_zip()), polyglot),
        ("a HEIC that ends early", "a.heic", cut("phone-photo.heic"), damaged),
        ("a HEIC with a ZIP", "a.heic", with("phone-photo.heic", &small_zip()), polyglot),
        ("a HEIC with a page", "a.heic", with("phone-photo.heic", page), polyglot),
    ]
}

/// ZIPs that Python's zipfile opens although something follows them and they count wrongly; the
/// last one Info-ZIP opens, which tries the directory's place by itself.
fn hidden_archives() -> Vec<Row> {
    let polyglot = Refused("polyglot");
    let ends = |zip: Vec<u8>| [zip, b"\n%%EOF\n".to_vec()].concat();
    let (none, large) = (ends(counted_zero()), ends(zip64()));
    let absolute = |name: &str| {
        let own = sample(name);
        let mut zip = counted_zero();
        let end = zip.len() - 22;
        // The length lies; the place is counted from the beginning of the file.
        let begin = u32::from_le_bytes(zip[end + 16..end + 20].try_into().unwrap());
        let begin = begin + u32::try_from(own.len()).unwrap();
        zip[end + 12..end + 16].copy_from_slice(&7_u32.to_le_bytes());
        zip[end + 16..end + 20].copy_from_slice(&begin.to_le_bytes());
        [own, ends(zip)].concat()
    };
    vec![
        (
            "a PDF with a ZIP that counts none",
            "a.pdf",
            with("referral-letter.pdf", &none),
            polyglot,
        ),
        ("a PDF with a ZIP64", "a.pdf", with("referral-letter.pdf", &large), polyglot),
        ("a TIFF with a ZIP that counts none", "a.tiff", with("consent.tiff", &none), polyglot),
        ("a TIFF with a ZIP64", "a.tiff", with("consent.tiff", &large), polyglot),
        ("a DICOM with a ZIP that counts none", "a.dcm", with("chest-ct.dcm", &none), polyglot),
        ("a DICOM with a ZIP64", "a.dcm", with("chest-ct.dcm", &large), polyglot),
        ("a DICOM with a ZIP by its place", "a.dcm", absolute("chest-ct.dcm"), polyglot),
    ]
}

fn documents() -> Vec<Row> {
    let (polyglot, damaged) = (Refused("polyglot"), Refused("damaged"));
    let mut program = sample("chest-ct.dcm");
    program[..8].copy_from_slice(b"MZ\x90\0\x03\0\0\0");
    let mut page = sample("chest-ct.dcm");
    page[..14].copy_from_slice(b"<html><script>");
    let hidden = [small_zip(), b"\n%%EOF\n".to_vec()].concat();
    let mut early = sample("chest-ct.dcm");
    early.truncate(150);
    vec![
        ("a PDF that ends early", "a.pdf", cut("referral-letter.pdf"), damaged),
        ("a PDF with a ZIP", "a.pdf", with("referral-letter.pdf", &small_zip()), polyglot),
        (
            "a PDF with a ZIP before its end",
            "a.pdf",
            with("referral-letter.pdf", &hidden),
            polyglot,
        ),
        ("a PDF with a page", "a.pdf", with("referral-letter.pdf", b"<html></html>"), polyglot),
        (
            "a PDF with a long page",
            "a.pdf",
            {
                with(
                    "referral-letter.pdf",
                    "<html><script>alert(1)</script>".repeat(400).as_bytes(),
                )
            },
            polyglot,
        ),
        ("a DICOM that is a program", "a.dcm", program, polyglot),
        ("a DICOM that is a page", "a.dcm", page, polyglot),
        (
            "a DICOM without elements",
            "a.dcm",
            { [vec![0; 128], b"DICM".to_vec(), vec![7; 400]].concat() },
            damaged,
        ),
        ("a DICOM that ends early", "a.dcm", early, damaged),
        ("a DICOM with a ZIP", "a.dcm", with("chest-ct.dcm", &small_zip()), polyglot),
    ]
}

/// PDFs as programs write them, and what only looks like one.
fn portable_documents() -> Vec<Row> {
    let (polyglot, damaged) = (Refused("polyglot"), Refused("damaged"));
    let active = Refused("active_content");
    let page = "<html><script>alert(1)</script></html>";
    let framed = |inside: &str| format!("%PDF-1.4\n{inside}\n%%EOF\n").into_bytes();
    let whole = String::from_utf8(pdf_around(b"a letter")).unwrap();
    let swap = |from: &str, to: &str| whole.replace(from, to).into_bytes();
    let long = String::from_utf8(pdf_around(&[b'x'; 3000])).unwrap();
    let late = |end: &str| long.replace("\n%%EOF", end).into_bytes();
    let again = "4 0 obj\n<</Type/Info>>\nendobj\n";
    let at = whole.len() + again.len();
    let update = format!(
        "{again}xref\n0 0\n4 1\n{:010} 00000 n \ntrailer\n<</Size 5/Root 1 0 R/Prev 9>>\nstartxref\n{at}\n%%EOF\n",
        whole.len()
    );
    let table = "5 0 obj\n<</Type/XRef/Size 6/W[1 2 1]/Root 1 0 R/Length 4>>\nstream\n";
    let objects = &whole[..whole.find("xref").unwrap()];
    let streamed = |offset: usize| {
        let at = objects.len() + offset;
        let end = format!("endstream\nendobj\nstartxref\n{at}\n%%EOF");
        [objects.as_bytes(), table.as_bytes(), b"\x01\x02\x03\x04\n", end.as_bytes()].concat()
    };
    let returns = whole.replace('\n', "\r\n").into_bytes();
    let commented = swap("\n%%EOF", "\n%%EOF\n% printed\n%%EOF");
    vec![
        ("a PDF by its frame alone", "a.pdf", framed("words"), damaged),
        ("a page in the frame of a PDF", "a.pdf", framed(page), active),
        ("a page in a sound PDF", "a.pdf", swap("a letter", page), active),
        ("a PDF without a root", "a.pdf", swap("/Root 1 0 R", "/Info 1 0 R"), damaged),
        ("a PDF that names no table", "a.pdf", swap("startxref", "startxxxx"), damaged),
        ("a PDF of a table alone", "a.pdf", swap(" obj", " abc"), damaged),
        ("a PDF with a page before its end", "a.pdf", late(&format!("{page}\n%%EOF")), polyglot),
        ("a PDF with a commented page", "a.pdf", late(&format!("\n%{page}\n%%EOF")), polyglot),
        ("a PDF that ends twice", "a.pdf", commented, Good),
        ("a PDF that was changed", "a.pdf", [whole.as_bytes(), update.as_bytes()].concat(), Good),
        ("a PDF with its table in a stream", "a.pdf", streamed(0), Good),
        ("a PDF with its table in a stream elsewhere", "a.pdf", streamed(7), Good),
        // Readers build the table anew: mail and old FTP change the ends of lines.
        ("a PDF whose lines were changed", "a.pdf", returns, Good),
        ("a PDF of another place", "a.pdf", swap("startxref\n0", "startxref\n1"), Good),
    ]
}

fn texts() -> Vec<Row> {
    let active = Refused("active_content");
    let entities = format!(
        "<!DOCTYPE svg [{}]><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "<!ENTITY a \"b\">".repeat(65)
    );
    let page = "<svg xmlns=\"http://www.w3.org/1999/xhtml\">".replace("<svg", "<html");
    vec![
        ("a page as text", "a.txt", b"\n <!DOCTYPE html><p>hello".to_vec(), OtherType),
        ("a script as text", "a.txt", b"#!/usr/bin/python\n".to_vec(), OtherType),
        ("a script of Windows as text", "a.txt", b"@echo off\r\ndel x\r\n".to_vec(), OtherType),
        ("a drawing as text", "a.txt", SVG.as_bytes().to_vec(), OtherType),
        ("rich text as table", "a.csv", b"{\\rtf1 hello}".to_vec(), OtherType),
        ("PostScript as text", "a.txt", b"%!PS-Adobe-3.0\n".to_vec(), OtherType),
        ("bytes as text", "a.txt", b"hello\0world".to_vec(), OtherType),
        (
            "bytes late in a text",
            "a.txt",
            { [vec![b'a'; 300_000], vec![1], vec![b'a'; 300_000]].concat() },
            OtherType,
        ),
        ("a text with a script", "a.txt", b"Dear <SCRIPT>alert(1)</SCRIPT>".to_vec(), active),
        ("a text that is a PDF", "a.txt", b"x\n%PDF-1.4\n".to_vec(), Refused("polyglot")),
        ("a page as drawing", "a.svg", page.into_bytes(), OtherType),
        ("a text as drawing", "a.svg", b"a text about <svg>".to_vec(), OtherType),
        ("a packed drawing", "a.svg", b"\x1f\x8b\x08\0 packed".to_vec(), OtherType),
        ("a drawing of entities", "a.svg", entities.into_bytes(), Refused("archive_bounds")),
        ("a drawing with a ZIP", "a.svg", [SVG.as_bytes(), &small_zip()].concat(), OtherType),
    ]
}

fn sealed_files() -> Vec<Row> {
    let letter = sample("referral-letter.pdf");
    let whole = sealed(&letter);
    let chunks = sealed(&vec![7; 64 * 1024 + 1]);
    let other = "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\nZhzmPiLK8nq9sYSSyzYvcVJ7\n";
    let by = |stanzas: &str| sealed_by(stanzas);
    let damaged = Refused("damaged");
    vec![
        ("a sealed letter", "referral-letter.pdf.age", whole.clone(), Good),
        (
            "a letter sealed for two",
            "a.age",
            sealed_with(&["-r", &SEAL_KEY.recipient], &letter),
            Good,
        ),
        ("two chunks, sealed", "a.age", chunks.clone(), Good),
        ("nothing, sealed", "a.age", sealed(b""), Good),
        ("a key of a kind to come", "a.age", by("-> new-kind a b c\n\n"), Good),
        ("armoured", "a.age", sealed_with(&["-a"], &letter), OtherType),
        ("a letter that is not sealed", "a.pdf.age", letter, OtherType),
        ("a sealed letter as a letter", "a.pdf", whole.clone(), OtherType),
        ("a sealed letter as text", "a.txt", whole.clone(), OtherType),
        ("a version to come", "a.age", b"age-encryption.org/v2\n-> x\n\n--- x".to_vec(), OtherType),
        (
            "a passphrase",
            "a.age",
            by(&format!(
                "-> scrypt bBjlhJVYZeE4aqUdmtRHfw 18\n{}\n",
                "ZV/AhotwSGqaPCU43cepl4WYUouAa17a3xpu4G2yi5k"
            )),
            Refused("encrypted"),
        ),
        ("sealed with a ZIP", "a.age", [&whole[..], &small_zip()].concat(), Refused("polyglot")),
        ("a script among the keys", "a.age", by("-> x <script>\n\n"), Refused("active_content")),
        ("sealed for nobody", "a.age", by(""), damaged),
        ("sealed for hundreds", "a.age", by(&other.repeat(900)), Refused("too_complex")),
        ("a key without its lines", "a.age", by("-> X25519 a\n"), damaged),
        ("a key of two blanks", "a.age", by("-> X25519  a\n\n"), damaged),
        ("a key that is not base64", "a.age", by("-> X25519 a\nnot base64!\n"), damaged),
        ("a header alone", "a.age", whole[..150].to_vec(), damaged),
        ("a second chunk of nothing", "a.age", chunks[..chunks.len() - 1].to_vec(), damaged),
        ("sealed and cut in its nonce", "a.age", { cut_to_nonce(&whole) }, damaged),
    ]
}

/// The header and some bytes more.
fn cut_to_nonce(sealed: &[u8]) -> Vec<u8> {
    let at = sealed.windows(5).position(|five| five == b"\n--- ").unwrap();
    sealed[..at + 5 + 43 + 1 + 20].to_vec()
}
