//! The table's Office files and archives.

use super::super::made_files::{
    EXCEL, WORD, compound, docx, part, relation, sheet, types, word_block, workbook, xlsx, zip,
};
use super::Verdict::{OtherType, Refused};
use super::{Row, inside};

pub fn office() -> Vec<Row> {
    let (macros, active) = (Refused("macros"), Refused("active_content"));
    let macro_type = "<Override PartName=\"/word/vba\" ContentType=\"application/vnd.ms-office.\
                      vbaProject\"/>";
    let hidden_type = macro_type.replace("vbaP", "&#118;baP");
    let body = part("word/document.xml", "<document/>");
    let renamed = zip(&[
        part(
            "[Content_Types].xml",
            "<Types><Override PartName=\"/word/document.xml\" \
            ContentType=\"application/vnd.ms-word.document.macroEnabled.main+xml\"/></Types>",
        ),
        body.clone(),
    ]);
    let own_type = part("[Content_Types].xml", "<!DOCTYPE t [<!ENTITY a \"b\">]><Types/>");
    let locked = compound(&[("/EncryptedPackage", &[7; 5000]), ("/EncryptionInfo", b"info")]);
    let remote = relation("attachedTemplate", "https://evil.example/a.dotm", "External");
    let share = relation("attachedTemplate", "file:////evil.example/a.dotm", "External");
    let object = relation("oleObject", "https://evil.example/a", "External");
    vec![
        ("a letter with macros", "a.docx", docx(&[part("word/vbaProject.bin", "x")]), macros),
        ("a table with macros", "a.xlsx", xlsx(&[part("xl/vbaProject.bin", "x")]), macros),
        (
            "a letter that names macros",
            "a.docx",
            { zip(&[types(WORD, macro_type), body.clone()]) },
            macros,
        ),
        (
            "a letter that names macros in entities",
            "a.docx",
            { zip(&[types(WORD, &hidden_type), body.clone()]) },
            macros,
        ),
        ("a renamed letter with macros", "a.docx", renamed, macros),
        ("a table with old macros", "a.xlsx", xlsx(&[part("xl/macrosheets/s.xml", "x")]), macros),
        (
            "a letter with a macro document in it",
            "a.docx",
            { docx(&[inside("b.xlsx", xlsx(&[part("xl/vbaProject.bin", "x")]))]) },
            macros,
        ),
        ("a locked letter", "a.docx", locked.clone(), Refused("encrypted")),
        ("a locked table", "a.xlsx", locked, Refused("encrypted")),
        ("a letter with a program", "a.docx", docx(&[inside("b.exe", b"MZ".to_vec())]), active),
        ("a letter with an object", "a.docx", docx(&[inside("oleObject1.bin", vec![1])]), active),
        ("a letter with a control", "a.docx", docx(&[part("word/activeX/a.xml", "x")]), active),
        ("a letter with a page", "a.docx", docx(&[part("word/afchunk.html", "x")]), active),
        ("a letter with a template elsewhere", "a.docx", docx(&[remote]), active),
        ("a letter with a template on a share", "a.docx", docx(&[share]), active),
        ("a letter with an object elsewhere", "a.docx", docx(&[object]), active),
        ("a letter with a type of its own", "a.docx", zip(&[own_type, body.clone()]), active),
        (
            "a letter and a table in one",
            "a.docx",
            {
                let both = "<Override PartName=\"/b\" ContentType=\"application/vnd.openxmlformats-\
                        officedocument.spreadsheetml.sheet.main+xml\"/>";
                zip(&[types(WORD, both), body])
            },
            OtherType,
        ),
    ]
}

/// What Word opens by relation and type, whatever it is called.
pub fn objects() -> Vec<Row> {
    let active = Refused("active_content");
    let object = compound(&[("/\u{1}Ole10Native", b"MZ program")]);
    let held = |kind: &str| relation(kind, "embeddings/a.dat", "Internal");
    let named = |more: &[super::super::made_files::Part]| {
        docx(&[more, &[inside("a.dat", b"x".to_vec())]].concat())
    };
    let typed = |said: &str| {
        let said =
            format!("<Override PartName=\"/word/embeddings/a.dat\" ContentType=\"{said}\"/>");
        zip(&[
            types(WORD, &said),
            part("word/document.xml", "<document/>"),
            part("word/embeddings/a.dat", "x"),
        ])
    };
    // Read as UTF-8 there is not one element in either.
    let wide = |part: super::super::made_files::Part| {
        let text = String::from_utf8(part.data).unwrap();
        let data = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        super::super::made_files::Part { data, ..part }
    };
    let declared = |part: super::super::made_files::Part| {
        let text = String::from_utf8(part.data).unwrap().replace('<', "+ADw-");
        let data = format!("<?xml version=\"1.0\" encoding=\"utf-7\"?>{text}").into_bytes();
        super::super::made_files::Part { data, ..part }
    };
    let remote = || relation("attachedTemplate", "https://evil.example/a.dotm", "External");
    let ole = "application/vnd.openxmlformats-officedocument.oleObject";
    let disk = relation("oleObject", "file:///C:/a.doc", "External");
    let macros = inside("a.dat", xlsx(&[part("xl/vbaProject.bin", "x")])).deflated();
    vec![
        ("a letter with an object by relation", "a.docx", named(&[held("oleObject")]), active),
        ("a letter with a page by relation", "a.docx", named(&[held("aFChunk")]), active),
        ("a letter with a control by relation", "a.docx", named(&[held("control")]), active),
        ("a letter with an object on the disk", "a.docx", docx(&[disk]), active),
        ("a letter with an object by type", "a.docx", typed(ole), active),
        (
            "a letter with a page by type",
            "a.docx",
            typed("application/xhtml+xml; charset=utf-8"),
            active,
        ),
        (
            "a letter with an object by its bytes",
            "a.docx",
            docx(&[inside("a.dat", object.clone())]),
            active,
        ),
        (
            "a letter with a packed object",
            "a.docx",
            docx(&[inside("a", object).deflated()]),
            active,
        ),
        (
            "a letter with a renamed document with macros",
            "a.docx",
            docx(&[macros]),
            Refused("macros"),
        ),
        (
            "a letter with relations in UTF-16",
            "a.docx",
            docx(&[wide(remote())]),
            Refused("damaged"),
        ),
        (
            "a letter with relations in UTF-7",
            "a.docx",
            docx(&[declared(remote())]),
            Refused("damaged"),
        ),
    ]
}

pub fn archives() -> Vec<Row> {
    let (bounds, damaged) = (Refused("archive_bounds"), Refused("damaged"));
    let zeros = part("word/media/a.bmp", vec![0; 4 << 20]).deflated();
    let spoil = |change: fn(&mut super::super::made_files::Part)| {
        let mut spoilt = part("word/media/b.txt", "abc".repeat(100)).deflated();
        change(&mut spoilt);
        docx(&[spoilt])
    };
    let many: Vec<_> = (0..10_000).map(|n| part(&format!("word/{n}"), "")).collect();
    let twice = [part("word/a.txt", "1"), part("word/a.txt", "2")];
    let by_case = [part("word/a.txt", "1"), part("Word/A.txt", "2")];
    let deep = docx(&[inside("a.docx", docx(&[inside("b.docx", docx(&[]))]))]);
    let mut early = docx(&[]);
    early.truncate(early.len() - 30);
    let mut overlap = zip(&[types(EXCEL, ""), part("a", "12345"), part("b", "12345")]);
    let end = overlap.len();
    // The last entry of the directory begins 47 bytes before the end record; it is made to lie
    // within the entry before it.
    let offset = u32::from_le_bytes(overlap[end - 27..end - 23].try_into().unwrap());
    overlap[end - 27..end - 23].copy_from_slice(&(offset - 4).to_le_bytes());
    vec![
        ("a bomb", "a.docx", docx(std::slice::from_ref(&zeros)), bounds),
        (
            "a bomb that lies",
            "a.docx",
            { docx(&[super::super::made_files::Part { says: Some(5000), ..zeros }]) },
            bounds,
        ),
        ("10,002 entries", "a.docx", docx(&many), bounds),
        ("a path that leads out", "a.docx", spoil(|p| p.name = "../../a.txt".into()), bounds),
        ("a path from the root", "a.docx", spoil(|p| p.name = "/etc/a".into()), bounds),
        ("a path of Windows", "a.docx", spoil(|p| p.name = "word\\a".into()), bounds),
        ("a link", "a.docx", spoil(|p| p.mode = 0o120_777), bounds),
        ("the same name twice", "a.docx", docx(&twice), bounds),
        ("the same name in capitals", "a.docx", docx(&by_case), bounds),
        (
            "two names for one entry",
            "a.docx",
            { spoil(|p| p.own_name = Some("word/vbaProject.bin".into())) },
            bounds,
        ),
        ("entries that overlap", "a.xlsx", overlap, bounds),
        ("documents within documents", "a.docx", deep, bounds),
        ("an entry with a password", "a.docx", spoil(|p| p.flags = 1), Refused("encrypted")),
        (
            "something between entries",
            "a.docx",
            spoil(|p| p.behind = vec![7; 100]),
            Refused("polyglot"),
        ),
        (
            "something behind the archive",
            "a.docx",
            { [docx(&[]), b"#!/bin/sh".to_vec()].concat() },
            Refused("polyglot"),
        ),
        ("a wrong sum", "a.docx", spoil(|p| p.wrong_sum = true), damaged),
        ("a wrong length", "a.docx", spoil(|p| p.says = Some(301)), damaged),
        ("an archive that ends early", "a.docx", early, damaged),
    ]
}

pub fn old_office() -> Vec<Row> {
    let macros = Refused("macros");
    let (letter, table) = (word_block(0), workbook(&[(0x0085, &sheet(0))]));
    let mut early = compound(&[("/WordDocument", &letter), ("/1Table", &[1; 9000])]);
    early.truncate(700);
    vec![
        (
            "an old letter with macros",
            "a.doc",
            { compound(&[("/WordDocument", &letter), ("/Macros/VBA/dir", b"x")]) },
            macros,
        ),
        (
            "an old table with macros",
            "a.xls",
            { compound(&[("/Workbook", &table), ("/_VBA_PROJECT_CUR/VBA/dir", b"x")]) },
            macros,
        ),
        (
            "an old table with a sheet of macros",
            "a.xls",
            { compound(&[("/Workbook", &workbook(&[(0x0085, &sheet(1))]))]) },
            macros,
        ),
        (
            "an old letter with a password",
            "a.doc",
            { compound(&[("/WordDocument", &word_block(0x0100))]) },
            Refused("encrypted"),
        ),
        (
            "an old table with a password",
            "a.xls",
            { compound(&[("/Workbook", &workbook(&[(0x002F, &[0; 6])]))]) },
            Refused("encrypted"),
        ),
        (
            "an old letter with a program",
            "a.doc",
            { compound(&[("/WordDocument", &letter), ("/ObjectPool/_1/\u{1}Ole10Native", b"x")]) },
            Refused("active_content"),
        ),
        ("an installer", "a.doc", compound(&[("/Property", b"x")]), OtherType),
        ("an old table as letter", "a.doc", compound(&[("/Workbook", &table)]), OtherType),
        ("an old letter as table", "a.xls", compound(&[("/WordDocument", &letter)]), OtherType),
        ("an old letter as new one", "a.docx", compound(&[("/WordDocument", &letter)]), OtherType),
        ("an old letter that ends early", "a.doc", early, Refused("damaged")),
        (
            "an old letter of another program",
            "a.doc",
            { compound(&[("/WordDocument", &[7; 5000])]) },
            Refused("damaged"),
        ),
    ]
}
