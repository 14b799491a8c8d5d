//! What clamd answers, in our words.
//!
//! The forms are those of clamd(8), "INSTREAM": `stream: OK`, `stream: <name> FOUND`,
//! `stream: <text> ERROR`, `INSTREAM size limit exceeded. ERROR`. Anything else is no verdict.

use super::{ScanError, Unscannable, Verdict};

/// Longest name of a signature that is kept.
const NAME: usize = 200;

/// Reads an answer to INSTREAM.
pub(super) fn read(answer: &[u8]) -> Result<Verdict, ScanError> {
    let text = String::from_utf8_lossy(answer);
    let text = text.trim_end_matches(['\0', '\n']).trim();
    if text.starts_with("INSTREAM size limit exceeded") {
        return Ok(Verdict::Unscannable(Unscannable::TooLarge));
    }
    let said = text.strip_prefix("stream: ");
    if said == Some("OK") {
        return Ok(Verdict::Clean);
    }
    if let Some(name) = said.and_then(|said| said.strip_suffix(" FOUND")) {
        return Ok(found(&plain(name)));
    }
    Err(ScanError::Failed(plain(text)))
}

/// A find is malware, or one of the names under which clamd says that it could not look
/// (clamd.conf(5): `AlertEncrypted`, `AlertExceedsMax`).
fn found(name: &str) -> Verdict {
    if name.starts_with("Heuristics.Encrypted.") {
        Verdict::Unscannable(Unscannable::Encrypted)
    } else if name.starts_with("Heuristics.Limits.Exceeded") {
        Verdict::Unscannable(Unscannable::Limits)
    } else {
        Verdict::Infected { signature: name.to_owned() }
    }
}

/// A name as rows and logs take it: printable and not long.
pub(super) fn plain(text: &str) -> String {
    let printable = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(NAME).map(printable).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_ok_is_clean() {
        assert_eq!(read(b"stream: OK\0").unwrap(), Verdict::Clean);
        for other in
            [&b""[..], b"\0", b"OK\0", b"stream: OK?", b"stream: ", b"PONG\0", b"stream: ok\0"]
        {
            assert!(matches!(read(other), Err(ScanError::Failed(_))), "{other:?}");
        }
        let failed = read(b"stream: Can't allocate memory ERROR\0");
        assert!(matches!(failed, Err(ScanError::Failed(why)) if why.contains("allocate")));
    }

    #[test]
    fn a_find_is_malware_or_says_that_clamd_could_not_look() {
        let infected = Verdict::Infected { signature: "Win.Test.EICAR_HDB-1".to_owned() };
        assert_eq!(read(b"stream: Win.Test.EICAR_HDB-1 FOUND\0").unwrap(), infected);
        let of = |text: &str| match read(text.as_bytes()).unwrap() {
            Verdict::Unscannable(why) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(of("stream: Heuristics.Encrypted.PDF FOUND\0"), Unscannable::Encrypted);
        let limits = "stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0";
        assert_eq!(of(limits), Unscannable::Limits);
        assert_eq!(of("INSTREAM size limit exceeded. ERROR\0"), Unscannable::TooLarge);
    }

    #[test]
    fn a_name_is_printable_and_not_long() {
        let Ok(Verdict::Infected { signature }) = read("stream: a\u{1b}[31mb\n FOUND".as_bytes())
        else {
            panic!("not found")
        };
        assert_eq!(signature, "a?[31mb?");
        assert_eq!(plain(&"x".repeat(5000)).len(), NAME);
    }
}
