//! Reading values under all their names, and collecting every problem before giving up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

use super::variables::{self, Variable};
use crate::sensitive::Secret;

/// Everything that was set, by name; what came first wins.
#[derive(Clone, Default)]
pub struct Source {
    values: BTreeMap<String, String>,
}

impl Source {
    /// The environment, then `.env.local`, `.env` and `strongroom.toml` of the working directory.
    pub fn load() -> Result<Self, Vec<String>> {
        let mut source = Self::default();
        let mut problems = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "this is the place that reads it")]
        source.add(std::env::vars());
        for file in [".env.local", ".env"] {
            match env_pairs(file) {
                Ok(pairs) => source.add(pairs),
                Err(e) if e.not_found() => {}
                Err(e) => problems.push(format!("{file}: {e}")),
            }
        }
        match std::fs::read_to_string("strongroom.toml") {
            Ok(text) => match toml_pairs(&text) {
                Ok(pairs) => source.add(pairs),
                Err(e) => problems.push(format!("strongroom.toml: {e}")),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => problems.push(format!("strongroom.toml: {e}")),
        }
        if problems.is_empty() { Ok(source) } else { Err(problems) }
    }

    /// From given pairs; for tests and for commands that set something.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut source = Self::default();
        source.add(pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())));
        source
    }

    /// What the operating system says and no table lists, such as `HOME`.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn add(&mut self, pairs: impl IntoIterator<Item = (String, String)>) {
        for (name, value) in pairs {
            // An empty value means "not set", as in the guides' own .env samples.
            if !value.trim().is_empty() {
                self.values.entry(name).or_insert_with(|| value.trim().to_owned());
            }
        }
    }
}

fn env_pairs(file: &str) -> Result<Vec<(String, String)>, dotenvy::Error> {
    dotenvy::from_path_iter(file)?.collect()
}

/// `strongroom.toml` holds the same names as the environment, in any case, at its top level.
fn toml_pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| e.to_string())?;
    table
        .into_iter()
        .map(|(name, value)| {
            let text = match value {
                toml::Value::String(s) => s,
                toml::Value::Integer(n) => n.to_string(),
                toml::Value::Boolean(b) => b.to_string(),
                _ => return Err(format!("{name}: must be a text, a number or true/false")),
            };
            Ok((name.to_ascii_uppercase(), text))
        })
        .collect()
}

/// Reads variables and keeps what is wrong with them.
pub struct Reader {
    source: Source,
    /// Every problem so far, each a sentence that names the variable.
    pub problems: Vec<String>,
    read: BTreeSet<&'static str>,
}

impl Reader {
    /// Begins to read; names that nobody knows are problems at once.
    pub fn new(source: Source) -> Self {
        let mut reader = Self { source, problems: Vec::new(), read: BTreeSet::new() };
        reader.find_unknown();
        reader
    }

    /// A misspelt `STRONGROOM_…` would otherwise be silently without effect.
    fn find_unknown(&mut self) {
        let known: BTreeSet<String> = variables::all()
            .flat_map(|v| {
                let file = v.secret.then(|| format!("{}_FILE", v.name));
                file.into_iter().chain([v.name.to_owned()])
            })
            .collect();
        for name in self.source.values.keys() {
            // STRONGROOM_TEST_… belongs to the test suite.
            let ours = name.starts_with("STRONGROOM_") && !name.starts_with("STRONGROOM_TEST_");
            if ours && !known.contains(name) {
                self.problems.push(format!(
                    "{name} is not a variable of Strongroom; `strongroom config example` lists \
                     them all"
                ));
            }
        }
    }

    fn variable(&mut self, name: &'static str) -> Option<&'static Variable> {
        self.read.insert(name);
        let found = variables::all().find(|v| v.name == name);
        debug_assert!(found.is_some(), "{name} is missing in variables.rs");
        found
    }

    /// The value under any of its names; two names with different values are a problem.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let variable = self.variable(name)?;
        let mut found: Option<(String, String)> = None;
        for alias in std::iter::once(&variable.name).chain(variable.aliases) {
            for candidate in self.under(alias, variable.secret) {
                match &found {
                    // The specific name has precedence (guide 001); equals must agree.
                    Some((first, value)) if *value != candidate.1 => {
                        if !(name == "AWS_S3_DOCUMENTS_BUCKET_NAME" && first == name) {
                            self.problems.push(format!(
                                "{first} and {} mean the same and have different values; set one \
                                 of them",
                                candidate.0
                            ));
                        }
                    }
                    Some(_) => {}
                    None => found = Some(candidate),
                }
            }
        }
        found.map(|(_, value)| value)
    }

    /// The value under one name, and what the file under `…_FILE` holds.
    fn under(&mut self, name: &str, secret: bool) -> Vec<(String, String)> {
        let mut found = Vec::new();
        if let Some(value) = self.source.values.get(name) {
            found.push((name.to_owned(), value.clone()));
        }
        let file_name = format!("{name}_FILE");
        if secret && let Some(path) = self.source.values.get(&file_name) {
            match std::fs::read_to_string(path) {
                Ok(text) => found.push((file_name, text.trim().to_owned())),
                Err(e) => self.problems.push(format!("{file_name}: {path} cannot be read: {e}")),
            }
        }
        found
    }

    /// A secret value.
    pub fn secret(&mut self, name: &'static str) -> Option<Secret<String>> {
        self.text(name).map(Secret::new)
    }

    /// The file a secret value stands in, where it stands in one.
    pub fn file(&mut self, name: &'static str) -> Option<PathBuf> {
        let variable = self.variable(name)?;
        let mut names = std::iter::once(&variable.name).chain(variable.aliases);
        names.find_map(|name| self.source.values.get(&format!("{name}_FILE"))).map(PathBuf::from)
    }

    /// A value of a type that reads itself, with a word on what would be right.
    pub fn parse<T: FromStr>(&mut self, name: &'static str, expected: &str) -> Option<T> {
        let text = self.text(name)?;
        let value = text.parse().ok();
        if value.is_none() {
            self.problems.push(format!("{name}: {text:?} is not right; expected {expected}"));
        }
        value
    }

    /// `true`/`false` (also 1/0, yes/no, on/off).
    pub fn flag(&mut self, name: &'static str, default: bool) -> bool {
        match self.text(name).map(|t| t.to_ascii_lowercase()).as_deref() {
            None => default,
            Some("true" | "1" | "yes" | "on") => true,
            Some("false" | "0" | "no" | "off") => false,
            Some(other) => {
                self.problem(name, &format!("{other:?} is not right; expected true or false"));
                default
            }
        }
    }

    /// A number of bytes: `10MB`, `64KiB`, `5GB`, `1048576`.
    pub fn bytes(&mut self, name: &'static str, default: u64) -> u64 {
        let Some(text) = self.text(name) else { return default };
        parse_bytes(&text).unwrap_or_else(|| {
            self.problem(name, &format!("{text:?} is not right; expected a size such as 10MB"));
            default
        })
    }

    /// A path.
    pub fn path(&mut self, name: &'static str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    /// Notes a problem with one variable.
    pub fn problem(&mut self, name: &str, problem: &str) {
        self.problems.push(format!("{name}: {problem}"));
    }
}

/// Bytes from a text; KB/MB/GB count in thousands, KiB/MiB/GiB in 1024s.
pub fn parse_bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let unit: u64 = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit)
}
