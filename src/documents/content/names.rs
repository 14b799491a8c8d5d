//! What a file may be called (OWASP File Upload Cheat Sheet). Names are kept and shown, never used
//! as a path here; they end up on somebody's disk all the same.

/// The longest name, in bytes.
pub const MAX_BYTES: usize = 255;

/// Extensions that a system or a web server runs, or a browser shows as a page.
const DANGEROUS: [&str; 44] = [
    "exe", "scr", "bat", "cmd", "pif", "ps1", "vb", "vbs", "vbe", "js", "jse", "mjs", "wsf", "wsh",
    "hta", "cpl", "msi", "msp", "dll", "jar", "php", "php3", "php4", "php5", "php7", "php8",
    "phtml", "phar", "asp", "aspx", "jsp", "jspx", "cgi", "sh", "htm", "html", "xhtml", "shtml",
    "docm", "xlsm", "pptm", "lnk", "reg", "htaccess",
];

/// Names that are devices on Windows, whatever their extension.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// What is wrong with a file name, if anything.
pub fn name_problem(file_name: &str) -> Option<&'static str> {
    let lower = file_name.to_lowercase();
    if file_name.trim().is_empty() {
        Some("is required")
    } else if file_name.len() > MAX_BYTES {
        Some("must have at most 255 bytes")
    } else if file_name.chars().any(|c| c.is_control() || is_hidden(c)) {
        Some("must not hold control or direction-changing characters")
    } else if file_name.contains(['/', '\\']) {
        Some("must be a name, not a path")
    } else if ["%00", "%0a", "%0d", "%2f", "%5c"].iter().any(|code| lower.contains(code)) {
        Some("must not hold encoded control characters or separators such as %00")
    } else if file_name.ends_with(['.', ' ']) || file_name.starts_with(['.', ' ']) {
        Some("must not begin with a dot or space, nor end in one")
    } else if is_device(&lower) {
        Some("must not be a name that Windows keeps for itself, such as CON or COM1")
    } else if names_a_program(&lower) {
        Some("must have one extension; another one in it names a program or a web page")
    } else {
        None
    }
}

/// Characters that are not seen, or that turn the writing round.
const fn is_hidden(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

fn is_device(lower: &str) -> bool {
    let stem = lower.split('.').next().unwrap_or_default().trim_end();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|number| {
            matches!(
                number,
                "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"
            )
        })
    };
    DEVICES.contains(&stem) || numbered("com") || numbered("lpt")
}

/// Whether an extension before the last one is dangerous. A colon begins a second name on some
/// disks.
fn names_a_program(lower: &str) -> bool {
    let mut parts: Vec<_> = lower.split(['.', ':']).map(str::trim).collect();
    parts.pop();
    parts.iter().skip(1).any(|part| DANGEROUS.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_hide_something_are_refused() {
        for bad in [
            "",
            " ",
            "a\u{202E}fdp.exe",
            "a\0.pdf",
            "../x.pdf",
            "x.pdf.",
            ".pdf",
            " x.pdf",
            "x.pdf ",
            "a\u{200B}.pdf",
            "a%00.pdf",
            "a%2Fb.pdf",
            "a.php.pdf",
            "A.EXE.PDF",
            "invoice.pdf.js.pdf",
            "a.exe:b.pdf",
            "con.pdf",
            "NUL",
            "com1.txt",
            "LPT9.a.pdf",
            "a\r\nb.pdf",
            "a\u{2066}b.pdf",
            "..\\x.pdf",
        ] {
            assert!(name_problem(bad).is_some(), "{bad:?}");
        }
        assert!(name_problem(&"n".repeat(256)).is_some());
        assert!(name_problem(&format!("{}.pdf", "n".repeat(10_000))).is_some());
    }

    #[test]
    fn names_that_people_use_are_taken() {
        for good in [
            "a.pdf",
            "Röntgen links (2).jpg",
            "報告.pdf",
            "Dr. Test v1.2 final.pdf",
            "2024-01-02 10.30.05.jpg",
            "console.pdf",
            "com10.pdf",
            "example.com.pdf",
            "leaflet.pl.pdf",
            "IM000001",
            "js.pdf",
            "100% sure.pdf",
            "-1.pdf",
        ] {
            assert_eq!(name_problem(good), None, "{good:?}");
        }
    }
}
