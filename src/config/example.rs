//! The documented defaults, as a `.env` file and as the tables of docs/configure.md.

use std::fmt::Write as _;

use super::variables::{TOPICS, Variable};

/// A `.env` with every variable, commented out.
pub fn env() -> String {
    let mut out = String::from(
        "# Strongroom: every variable, with its default. The environment comes first, then\n\
         # .env.local, .env and strongroom.toml (the same names). A secret may stand in a file:\n\
         # NAME_FILE=path.\n",
    );
    for (topic, variables) in TOPICS {
        let _ = write!(out, "\n## {topic}\n");
        for v in *variables {
            let _ = writeln!(out, "\n# {}", v.about);
            if !v.aliases.is_empty() {
                let _ = writeln!(out, "# Also read as {}.", v.aliases.join(", "));
            }
            let _ = writeln!(out, "# Default: {}", v.default);
            let _ = writeln!(out, "#{}=", v.name);
        }
    }
    out
}

/// The same as Markdown tables.
pub fn markdown() -> String {
    let mut out = String::new();
    for (topic, variables) in TOPICS {
        let _ =
            write!(out, "\n## {topic}\n\n| variable | default | what it is for |\n|---|---|---|\n");
        for v in *variables {
            let _ = writeln!(out, "| {} | {} | {} |", names(v), v.default, v.about);
        }
    }
    out
}

fn names(v: &Variable) -> String {
    let mut names = format!("`{}`", v.name);
    for alias in v.aliases {
        let _ = write!(names, "<br>= `{alias}`");
    }
    if v.secret {
        names.push_str("<br>(or `…_FILE`)");
    }
    names
}
