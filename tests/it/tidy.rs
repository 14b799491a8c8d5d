//! Keeps the house in order: floors, sizes, and the places where things may be named. It reads the
//! sources as text and builds nothing.
//!
//! Each check is a function from text to problems, so that each can be seen to fail on a small bad
//! text (at the foot). The tests above them run the checks over the whole tree.

use std::fs;
use std::path::PathBuf;

/// From the ground up. A module may use those below it and those on its own floor.
const FLOORS: &[&[&str]] = &[
    &["causes", "ids", "time", "sensitive"],
    &["config", "http"],
    &["db", "keys", "limits"],
    &["store"],
    &["scanning", "rendering"],
    &["audit", "outbox"],
    &["access"],
    &["app"],
    &["documents", "patients", "accounts", "trail", "webhooks", "migration", "reports", "bucket"],
    &["open"],
    &["routes", "ui", "upkeep", "openapi", "operation", "doctor"],
    &["cli"],
    &["main"],
];

const FILE_LINES: usize = 400;
const TEST_FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 70;
const LINE_CHARS: usize = 100;

/// What is named, as it stands in code, and where it may be: a path that ends in `/` or `*` stands
/// for everything that begins so, one that begins with `*` for everything that ends so.
const PLACES: &[(&str, &[&str])] = &[
    ("sqlx::query", &["src/db/", "*/rows.rs"]),
    ("execute!(", &["src/db/", "*/rows.rs"]),
    ("fetch_…!(", &["src/db/", "*/rows.rs"]),
    (
        "axum::",
        &[
            "src/http/",
            "src/documents/api*",
            "*/api.rs",
            "src/accounts/api/",
            "src/access/call/",
            "src/operation/",
            "src/routes.rs",
            "src/ui/",
            "src/app.rs",
            "src/cli/serve.rs",
            "src/store/local/wire*",
        ],
    ),
    ("aws_…::", &["src/store/"]),
    ("std::env::var", &["src/config.rs", "src/config/"]),
    ("env::var", &["src/config.rs", "src/config/"]),
];

/// AWS's cryptography, which is no way to an object store.
const NO_STORE: &str = "aws_lc_rs::";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below `folder` with this ending: its path from the root of the project, its text.
fn files(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The sources without their tests.
fn sources() -> Vec<(String, String)> {
    let mut sources = files("src", "rs");
    sources.retain(|(name, _)| !is_test(name));
    for (_, text) in &mut sources {
        text.truncate(without_tests(text).len());
    }
    assert!(sources.iter().any(|(name, _)| name == "src/lib.rs"), "the sources are not found");
    sources
}

fn is_test(name: &str) -> bool {
    name.starts_with("tests/") || name.ends_with("tests.rs") || name.contains("/tests/")
}

/// The text up to its `mod tests`.
fn without_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests").map_or(text, |(code, _)| code)
}

#[track_caller]
fn none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problem(s):\n{}", problems.len(), problems.join("\n"));
}

fn over(files: &[(String, String)], check: fn(&str, &str) -> Vec<String>) -> Vec<String> {
    files.iter().flat_map(|(name, text)| check(name, text)).collect()
}

#[test]
fn imports_point_downward() {
    none(&over(&sources(), floors));
}

#[test]
fn files_functions_and_lines_are_short() {
    none(&over(&sources(), sizes));
    let mut tests = files("tests", "rs");
    tests.extend(files("src", "rs").into_iter().filter(|(name, _)| is_test(name)));
    none(&over(&tests, test_sizes));
}

#[test]
fn things_are_named_where_they_belong() {
    none(&over(&sources(), places));
}

#[test]
fn every_file_says_what_it_is() {
    none(&over(&files("src", "rs"), opening));
    none(&over(&files("tests", "rs"), opening));
}

#[test]
fn nothing_is_left_for_later_in_the_code() {
    none(&over(&files("src", "rs"), leftovers));
    none(&over(&files("tests", "rs"), leftovers));
}

#[test]
fn every_test_named_in_the_docs_exists() {
    let pages = ["web/admin/tests", "web/uploader/tests"].map(|at| files(at, "ts")).concat();
    let code = [files("src", "rs"), files("tests", "rs"), files("tests", "py"), pages].concat();
    let known = test_names(&code);
    let docs = files("docs", "md");
    assert!(docs.iter().any(|(name, _)| name == "docs/guides.md"), "docs/guides.md is missing");
    none(&docs.iter().flat_map(|(name, text)| docs_tests(name, text, &known)).collect::<Vec<_>>());
}

/// The module of the crate that a file belongs to, and how many modules deep the file is.
fn module(name: &str) -> (&str, usize) {
    let inner = name.trim_start_matches("src/").trim_end_matches(".rs");
    let inner = inner.trim_end_matches("/mod");
    (inner.split('/').next().unwrap_or(inner), inner.split('/').count())
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Uses of a module that stands on a higher floor, and modules that stand on none.
fn floors(name: &str, text: &str) -> Vec<String> {
    let (own, depth) = module(name);
    if own == "lib" {
        return Vec::new();
    }
    let Some(height) = floor(own) else {
        return vec![format!("{name}: the module `{own}` has no floor (tests/it/tidy.rs, FLOORS)")];
    };
    let mut problems = Vec::new();
    let code = code_only(text);
    if code.contains(&"super::".repeat(depth)) {
        problems.push(format!("{name}: say `crate::` for what stands at the root of the crate"));
    }
    for used in used_modules(&code) {
        match floor(&used) {
            None => problems.push(format!("{name}: `crate::{used}` has no floor")),
            Some(other) if other > height => {
                problems.push(format!("{name}: `{own}` may not use `crate::{used}` above it"));
            }
            Some(_) => {}
        }
    }
    problems
}

/// What follows `crate::` anywhere, braces opened.
fn used_modules(code: &str) -> Vec<String> {
    let mut used = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            used.extend(group_heads(group));
        } else {
            used.extend(head(rest));
        }
    }
    // The macros of `db` stand at the root, as exported macros do.
    for name in &mut used {
        if name.starts_with("execute") || name.starts_with("fetch_") || name == "on_ready" {
            "db".clone_into(name);
        }
    }
    used
}

/// The first word of each entry of `a::b, c::{d, e}}`.
fn group_heads(group: &str) -> Vec<String> {
    let (mut heads, mut depth, mut entry) = (Vec::new(), 0, true);
    for (at, sign) in group.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => entry = true,
            _ if entry && is_word(sign) => {
                heads.extend(head(&group[at..]));
                entry = false;
            }
            _ => {}
        }
    }
    heads
}

fn head(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|&sign| is_word(sign)).collect();
    (!word.is_empty()).then_some(word)
}

fn is_word(sign: char) -> bool {
    sign.is_alphanumeric() || sign == '_'
}

/// Files, functions and lines of the product that are too long.
fn sizes(name: &str, text: &str) -> Vec<String> {
    let mut problems = too_many_lines(name, text, FILE_LINES);
    for (number, line) in text.lines().enumerate() {
        let chars = line.chars().count();
        if chars > LINE_CHARS {
            problems.push(format!("{name}:{}: {chars} characters, {LINE_CHARS} fit", number + 1));
        }
    }
    for (function, line, lines) in functions(&code_only(text)) {
        if lines > FUNCTION_LINES {
            let most = FUNCTION_LINES;
            problems.push(format!("{name}:{line}: `{function}` has {lines} lines, {most} fit"));
        }
    }
    problems
}

fn test_sizes(name: &str, text: &str) -> Vec<String> {
    too_many_lines(name, text, TEST_FILE_LINES)
}

fn too_many_lines(name: &str, text: &str, most: usize) -> Vec<String> {
    let lines = text.lines().count();
    if lines > most { vec![format!("{name}: {lines} lines, {most} fit")] } else { Vec::new() }
}

/// Each function with a body: its name, its first line, how many lines it has.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let Some(name) = head(&code[at + 3..]) else { continue };
        let Some(end) = body_end(&code[at..]) else { continue };
        let first = code[..at].matches('\n').count() + 1;
        found.push((name, first, code[at..at + end].matches('\n').count() + 1));
    }
    found
}

/// Where the braces that open first close again; none when a `;` ends the item before.
fn body_end(code: &str) -> Option<usize> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (at, sign) in code.char_indices() {
        match sign {
            '(' | '[' => others += 1,
            ')' | ']' => others = others.saturating_sub(1),
            '{' => braces += 1,
            ';' if braces == 0 && others == 0 => return None,
            '}' if braces <= 1 => return (braces == 1).then_some(at),
            '}' => braces -= 1,
            _ => {}
        }
    }
    None
}

/// Things that are named outside the places that may name them.
fn places(name: &str, text: &str) -> Vec<String> {
    let code = code_only(text);
    let mut problems = Vec::new();
    for (thing, allowed) in PLACES {
        if allowed.iter().any(|place| stands_in(name, place)) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            if names(line, thing) {
                problems.push(format!("{name}:{}: `{thing}` does not belong here", number + 1));
            }
        }
    }
    problems
}

fn stands_in(name: &str, place: &str) -> bool {
    if let Some(ending) = place.strip_prefix('*') {
        return name.ends_with(ending);
    }
    let beginning = place.trim_end_matches('*');
    if beginning.len() < place.len() || place.ends_with('/') {
        name.starts_with(beginning)
    } else {
        name == place
    }
}

/// Whether the line has the thing as a word; `…` stands for the rest of one.
fn names(line: &str, thing: &str) -> bool {
    let (begin, end) = thing.split_once('…').unwrap_or((thing, ""));
    line.match_indices(begin).any(|(at, _)| {
        let rest = &line[at + begin.len()..];
        let word = if end.is_empty() { 0 } else { head(rest).map_or(0, |word| word.len()) };
        !line[..at].ends_with(is_word)
            && rest[word..].starts_with(end)
            && !line[at..].starts_with(NO_STORE)
    })
}

fn opening(name: &str, text: &str) -> Vec<String> {
    let says = text.starts_with("//! ");
    if says { Vec::new() } else { vec![format!("{name}: the first line has to be a `//!`")] }
}

/// Marks of unfinished work. Written in halves, so that this file has none.
fn leftovers(name: &str, text: &str) -> Vec<String> {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("dbg", "!("),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
    ];
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for mark in marks {
            if line.contains(mark) {
                problems.push(format!("{name}:{}: {mark}", number + 1));
            }
        }
    }
    problems
}

/// Every function that could be a test, in Rust and in Python, and what tests of pages are called.
fn test_names(files: &[(String, String)]) -> Vec<String> {
    let mut names = Vec::new();
    for (_, text) in files {
        for start in ["fn ", "def "] {
            names.extend(text.match_indices(start).filter_map(|(at, _)| {
                let free = !text[..at].ends_with(is_word);
                head(&text[at + start.len()..]).filter(|_| free)
            }));
        }
        let called = text.split("test(\"").skip(1).filter_map(|rest| rest.split_once('"'));
        names.extend(called.map(|(name, _)| name.to_owned()));
    }
    names
}

/// Tests that a page names (`tests: a_name, another`, or `web: what a test of the pages is called`,
/// in backticks) and nobody has written.
fn docs_tests(name: &str, text: &str, known: &[String]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for part in line.split("`tests: ").skip(1) {
            let Some((list, _)) = part.split_once('`') else { continue };
            for test in list.split(',').map(str::trim) {
                if !known.iter().any(|known| known == test) {
                    problems.push(format!("{name}:{}: there is no test `{test}`", number + 1));
                }
            }
        }
        for part in line.split("`web: ").skip(1) {
            let called = part.split_once('`').map_or(part, |(called, _)| called);
            if !known.iter().any(|known| known == called) {
                problems.push(format!("{name}:{}: no page's test is `{called}`", number + 1));
            }
        }
    }
    problems
}

/// The text with comments and the insides of strings blanked out; lines stay where they are.
fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + blank_length(&bytes[at..], at > 0 && is_word(bytes[at - 1] as char));
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut code[at..end.min(bytes.len())] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(code).expect("whole comments and strings are blanked, in ASCII")
}

/// How many bytes from here are a comment, a string or a character; 0 when it is code.
fn blank_length(bytes: &[u8], in_word: bool) -> usize {
    let until = |end: &[u8], from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        let found = rest.windows(end.len()).position(|window| window == end);
        found.map_or(bytes.len(), |at| from + at + end.len())
    };
    match bytes {
        [b'/', b'/', ..] => bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len()),
        [b'/', b'*', ..] => until(b"*/", 2),
        [b'r', b'"', ..] if !in_word => until(b"\"", 2),
        [b'r', b'#', ..] if !in_word => {
            let hashes = bytes[1..].iter().take_while(|&&byte| byte == b'#').count();
            if bytes.get(1 + hashes) != Some(&b'"') {
                return 0;
            }
            let end = [&b"\""[..], &bytes[1..=hashes]].concat();
            until(&end, 2 + hashes)
        }
        [b'"', rest @ ..] => 1 + quoted(rest, b'"'),
        [b'\'', b'\\', rest @ ..] => 3 + quoted(&rest[1..], b'\''),
        [b'\'', rest @ ..] => {
            // A character ends within four bytes; a lifetime does not end in a quote.
            let sign = std::str::from_utf8(&rest[..rest.len().min(5)])
                .unwrap_or_else(|wrong| {
                    std::str::from_utf8(&rest[..wrong.valid_up_to()]).unwrap_or_default()
                })
                .chars()
                .next();
            let width = sign.map_or(0, char::len_utf8);
            if width > 0 && rest.get(width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

/// How many bytes up to and with the quote that is not escaped.
fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 0;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

#[test]
fn the_floors_check_sees_an_import_that_points_up() {
    let up = "use crate::store::Key;";
    assert_eq!(
        floors("src/db/rows.rs", up),
        ["src/db/rows.rs: `db` may not use `crate::store` above it"]
    );
    let group = "use crate::{\n    ids::{A, B},\n    cli,\n};";
    assert_eq!(floors("src/documents/mod.rs", group).len(), 1);
    assert_eq!(floors("src/audit.rs", "fn f() { crate::access::call(); }").len(), 1);
    assert_eq!(floors("src/config/mod.rs", "use crate::{execute, fetch_all};").len(), 2);
    assert_eq!(floors("src/store/mod.rs", "use super::app::App;").len(), 1);
    assert_eq!(floors("src/store/local/wire.rs", "use super::super::super::app;").len(), 1);
    assert_eq!(floors("src/cellar/mod.rs", "").len(), 1);
    assert_eq!(floors("src/cli/mod.rs", "use crate::cellar::Wine;").len(), 1);
}

#[test]
fn the_floors_check_allows_what_stands_below() {
    let fine = "use crate::{db::Tx, ids::DocumentId};\n// crate::cli is above\nuse super::Key;";
    assert_eq!(floors("src/store/local/files.rs", fine), [""; 0]);
    assert_eq!(floors("src/patients/mod.rs", "use crate::documents::Document;"), [""; 0]);
}

#[test]
fn the_size_check_sees_what_is_too_long() {
    let file = "//! a\n".repeat(FILE_LINES + 1);
    assert_eq!(sizes("src/a.rs", &file).len(), 1);
    assert_eq!(sizes("src/a.rs", &"x".repeat(LINE_CHARS + 1)).len(), 1);
    assert_eq!(sizes("src/a.rs", &"ü".repeat(LINE_CHARS)), [""; 0]);
    let body = "    let brace = '{'; let text = \"}\"; // }\n";
    let long = format!("fn long<'a>(x: [u8; 2]) {{\n{}}}\n", body.repeat(FUNCTION_LINES));
    assert_eq!(sizes("src/a.rs", &long), ["src/a.rs:1: `long` has 72 lines, 70 fit"]);
    let fits = format!("fn fits() {{\n{}}}\n", body.repeat(FUNCTION_LINES - 2));
    assert_eq!(sizes("src/a.rs", &fits), [""; 0]);
    assert_eq!(functions("trait T { fn open(&self) -> [u8; 4]; }"), []);
    assert_eq!(test_sizes("tests/a.rs", &"a\n".repeat(TEST_FILE_LINES + 1)).len(), 1);
}

#[test]
fn the_places_check_sees_what_is_named_elsewhere() {
    for (name, code) in [
        ("src/documents/list.rs", "sqlx::query(\"select 1\")"),
        ("src/documents/list.rs", "execute!(tx, \"delete\")"),
        ("src/documents/list.rs", "crate::fetch_optional!(tx, Row, \"x\")"),
        ("src/documents/list.rs", "use axum::Json;"),
        ("src/access/policy.rs", "axum::extract::State"),
        ("src/keys/mod.rs", "use aws_sdk_s3::Client;"),
        ("src/store_room.rs", "use aws_sigv4::sign;"),
    ] {
        assert_eq!(places(name, code).len(), 1, "{name}: {code}");
    }
    assert!(!places("src/cli/serve.rs", "std::env::var(\"HOME\")").is_empty());
}

#[test]
fn the_places_check_allows_what_is_at_home() {
    for (name, code) in [
        ("src/documents/rows.rs", "execute!(tx, \"delete\"); fetch_all!(tx, Row, \"x\")"),
        ("src/documents/api/docs.rs", "use axum::Json;"),
        ("src/access/api.rs", "use axum::Json;"),
        ("src/store/local/wire_post.rs", "use axum::Router;"),
        ("src/store/s3/mod.rs", "use aws_sdk_s3::Client;"),
        ("src/keys/mod.rs", "use aws_lc_rs::aead;"),
        ("src/config/mod.rs", "std::env::var(\"HOME\")"),
        ("src/documents/list.rs", "// axum::Json\nlet text = \"sqlx::query\"; taxum::x()"),
    ] {
        assert_eq!(places(name, code), [""; 0], "{name}: {code}");
    }
}

#[test]
fn the_other_checks_see_what_is_wrong() {
    assert_eq!(opening("src/a.rs", "use x;\n//! late").len(), 1);
    assert_eq!(leftovers("src/a.rs", concat!("// TO", "DO: later\n", "dbg", "!(x)")).len(), 2);
    let known = test_names(&[("a.rs".into(), "fn a_door_opens() {}\ndef put_get(".into())]);
    assert_eq!(known, ["a_door_opens", "put_get"]);
    let page = "| M1 | `tests: a_door_opens, put_get` |\n| M2 | `tests: a_door_shuts` |";
    assert_eq!(docs_tests("a.md", page, &known), ["a.md:2: there is no test `a_door_shuts`"]);
    let known = test_names(&[("a.spec.ts".into(), "test(\"a page opens, and shuts\", …".into())]);
    let page = "`web: a page opens, and shuts`, `web: a page stays`";
    assert_eq!(docs_tests("a.md", page, &known), ["a.md:1: no page's test is `a page stays`"]);
}

#[test]
fn tests_and_comments_are_left_out() {
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {}\n"), "a\n");
    let text = "a /* b */ r#\"c \" d\"# 'e' \"\\\"f\" '\\'' <'g> b'h' // ü\ni";
    let code: String = code_only(text).split_whitespace().collect();
    assert_eq!(code, "a<'g>bi");
}
