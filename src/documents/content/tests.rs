//! The rules of every format over one table of files, and over files that were changed at random.

use proptest::prelude::*;

use super::{FileType, Reason, Stop, TYPES, Unfit, clean, inspect, names};

#[allow(dead_code, reason = "not every helper is of use here")]
#[path = "../../../tests/it/bad_files.rs"]
mod bad_files;
#[allow(dead_code, reason = "not every helper is of use here")]
#[path = "../../../tests/it/made_files.rs"]
mod made_files;

use bad_files::Verdict;

fn look(bytes: &[u8], mime: &str) -> Verdict {
    let mut source = bytes;
    match inspect(&mut source, FileType::find(mime).unwrap()) {
        Ok(()) => Verdict::Good,
        Err(Stop::Unfit(Unfit::OtherType(_))) => Verdict::OtherType,
        Err(Stop::Unfit(Unfit::Refused(reason, _))) => Verdict::Refused(reason.as_str()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_file_of_the_table_gets_its_verdict() {
    let files = &*FILES;
    let wrong: Vec<_> = files
        .iter()
        .map(|file| (file, look(&file.bytes, file.mime)))
        .filter(|(file, verdict)| *verdict != file.verdict)
        .map(|(file, verdict)| format!("{} ({}): {verdict:?}", file.what, file.name))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let bad = files.iter().filter(|file| file.verdict != Verdict::Good).count();
    assert!(bad >= 100, "{bad}");
    for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::TooComplex) {
        let named = Verdict::Refused(reason.as_str());
        assert!(files.iter().any(|file| file.verdict == named), "nothing is refused for {reason}");
    }
}

#[test]
fn every_sample_looks_like_its_type_and_like_no_other() {
    let samples = bad_files::all().into_iter().filter(|file| file.what == "a sample");
    for file in samples {
        for other in TYPES {
            let text_twins = file.mime.starts_with("text/") && other.mime.starts_with("text/");
            let fits = other.mime == file.mime || text_twins;
            let verdict = look(&file.bytes, other.mime);
            let expected = if fits { Verdict::Good } else { Verdict::OtherType };
            assert_eq!(verdict, expected, "{} as {}", file.name, other.mime);
            let head = &file.bytes[..file.bytes.len().min(16 * 1024)];
            assert_eq!(other.looks_like(head), fits, "{} as {}", file.name, other.mime);
        }
    }
}

#[test]
fn of_another_type_it_is_said_what_the_bytes_look_like() {
    let sample = bad_files::all().into_iter().find(|file| file.mime == "image/jpeg").unwrap();
    let executable = "application/vnd.microsoft.portable-executable";
    let noise: Vec<u8> = (0..2_000_u32).map(|n| u8::try_from(n * n % 251).unwrap()).collect();
    for (bytes, mime, seen) in [
        (&sample.bytes[..], "application/pdf", Some("image/jpeg")),
        (b"some notes\n", "image/png", Some("text/plain")),
        (b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00", "application/pdf", Some(executable)),
        (b"<!DOCTYPE html><html><p>Words</p>", "application/pdf", Some("text/html")),
        (&noise, "application/pdf", None),
        // It looks like what it is not.
        (b"%PDF-x", "application/pdf", None),
    ] {
        let mut source = bytes;
        let found = inspect(&mut source, FileType::find(mime).unwrap());
        assert!(
            matches!(found, Err(Stop::Unfit(Unfit::OtherType(said))) if said == seen),
            "{mime}, {seen:?}: {found:?}"
        );
    }
}

#[test]
fn programs_and_pages_look_like_nothing_we_take() {
    for head in [
        &b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"[..],
        b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00",
        b"#!/bin/sh\nrm -rf /\n",
        b"<!DOCTYPE html><html><script>alert(1)</script>",
        b"PK\x03\x04\x14\x00\x00\x00\x00\x00evil.exe",
    ] {
        for t in TYPES {
            assert!(!t.looks_like(head), "{:?} as {}", &head[..4], t.mime);
            assert_ne!(look(head, t.mime), Verdict::Good, "{:?} as {}", &head[..4], t.mime);
        }
    }
}

#[test]
fn the_extension_must_go_with_the_type() {
    let pdf = FileType::find("application/pdf; charset=x").unwrap();
    assert!(pdf.fits_name("a.PDF"));
    for bad in ["a.jpg", "a.pdf.php", "pdf", ".pdf", "a.pdf.exe"] {
        assert!(!pdf.fits_name(bad), "{bad}");
    }
    assert!(FileType::find("application/dicom").unwrap().fits_name("IM000001"));
}

#[test]
fn a_cleaned_drawing_has_no_script_and_is_still_the_drawing() {
    let cleaned = clean(made_files::SVG.as_bytes()).unwrap();
    let text = String::from_utf8(cleaned).unwrap();
    assert!(text.contains("<circle") && text.contains("cx=\"5\""), "{text}");
    assert!(!text.contains("alert") && !text.contains("script"), "{text}");
    assert!(clean(b"<svg xmlns=\"http://www.w3.org/2000/svg\"><circle></svg>").is_none());
}

static FILES: std::sync::LazyLock<Vec<bad_files::File>> =
    std::sync::LazyLock::new(|| bad_files::all().into_iter().chain(bad_files::large()).collect());

/// A place in a file, what is done there.
fn change() -> impl Strategy<Value = (prop::sample::Index, u8, prop::sample::Index)> {
    (any::<prop::sample::Index>(), any::<u8>(), any::<prop::sample::Index>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the bytes are, there is a verdict, and it is not one of the store's.
    #[test]
    fn no_bytes_make_an_inspection_fail(
        file in any::<prop::sample::Index>(),
        changes in prop::collection::vec(change(), 1..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let file = file.get(&FILES);
        let mut bytes = file.bytes.clone();
        for (at, byte, length) in changes {
            let at = at.index(bytes.len());
            match byte % 4 {
                0 => bytes[at] = byte,
                // The headers stand in front.
                1 => bytes[at % 64.min(file.bytes.len())] = byte,
                2 => {
                    let end = (at + length.index(64)).min(bytes.len());
                    bytes[at..end].fill(if byte < 128 { 0 } else { 0xFF });
                }
                _ => {
                    let piece = bytes[at..(at + 16).min(bytes.len())].to_vec();
                    let to = length.index(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
        if cut.index(3) == 0 {
            bytes.truncate(cut.index(bytes.len()).max(1));
        }
        look(&bytes, file.mime);
    }

    #[test]
    fn no_name_makes_the_rules_fail(name in ".{0,300}") {
        let _ = names::name_problem(&name);
    }
}
