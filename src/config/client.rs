//! What the commands that speak to a server need: where it is, whose credential, where to remember
//! uploads that were cut off. A machine that only runs those commands needs nothing else set.

use std::path::{Path, PathBuf};

use super::{Reader, Source, server};
use crate::sensitive::Secret;

/// How to reach a server as its client.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The server, without a trailing slash; it may have a path in front of its own.
    pub url: String,
    /// A token (JWT) or an API key.
    pub token: Option<Secret<String>>,
    /// Where uploads that were cut off are remembered; none: there is no home directory.
    pub state_dir: Option<PathBuf>,
}

/// What the command line said, which comes before everything else.
#[derive(Clone, Debug, Default)]
pub struct ClientArgs<'a> {
    /// `--server`.
    pub server: Option<&'a str>,
    /// `--token-file`.
    pub token_file: Option<&'a Path>,
}

impl ClientConfig {
    /// Reads this topic alone; on failure, every problem found.
    pub fn load(source: Source, args: &ClientArgs<'_>) -> Result<Self, Vec<String>> {
        let home = |source: &Source| {
            let state = source.value("XDG_STATE_HOME").map(PathBuf::from);
            // The XDG base directory specification: what is not absolute counts as not set.
            let state = state.filter(|path| path.is_absolute());
            let home = || source.value("HOME").map(|home| Path::new(home).join(".local/state"));
            state.or_else(home).map(|dir| dir.join("strongroom"))
        };
        let fallback = home(&source);
        let mut r = Reader::new(source);
        let url = match (args.server, r.text("STRONGROOM_URL")) {
            (Some(given), _) => given.to_owned(),
            (None, Some(set)) => set,
            // Beside its server a command finds it by itself.
            (None, None) => server(&mut r).public_url,
        };
        let url = url.trim_end_matches('/').to_owned();
        if !is_server(&url) {
            let name = if args.server.is_some() { "--server" } else { "STRONGROOM_URL" };
            let right = "must be the server's URL, such as https://files.example.com";
            r.problem(name, right);
        }
        let token = match args.token_file {
            Some(path) => token_file(&mut r, path),
            None => r.secret("STRONGROOM_TOKEN"),
        };
        if token.as_ref().is_some_and(|token| !token.reveal().bytes().all(|b| b.is_ascii_graphic()))
        {
            let right = "must be one token (JWT) or one API key (srk_…), on one line";
            r.problem("STRONGROOM_TOKEN", right);
        }
        let state_dir = r.path("STRONGROOM_STATE_DIR").or(fallback);
        let config = Self { url, token, state_dir };
        if r.problems.is_empty() { Ok(config) } else { Err(r.problems) }
    }
}

impl ClientConfig {
    /// Whether the credential would leave this machine unencrypted.
    pub fn is_exposed(&self) -> bool {
        let near = ["127.0.0.1", "localhost", "[::1]"];
        url::Url::parse(&self.url).is_ok_and(|url| {
            url.scheme() == "http" && !url.host_str().is_some_and(|host| near.contains(&host))
        })
    }
}

fn token_file(r: &mut Reader, path: &Path) -> Option<Secret<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => {
            r.problem("--token-file", &format!("{} is empty", path.display()));
            None
        }
        Ok(text) => Some(Secret::new(text.trim().to_owned())),
        Err(e) => {
            r.problem("--token-file", &format!("{} cannot be read: {e}", path.display()));
            None
        }
    }
}

fn is_server(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&str, &str)], server: Option<&str>) -> Result<ClientConfig, Vec<String>> {
        let source = Source::from_pairs(pairs.iter().copied());
        ClientConfig::load(source, &ClientArgs { server, token_file: None })
    }

    #[test]
    fn the_command_line_comes_before_the_variable_and_that_before_the_server_beside() {
        let near = ("STRONGROOM_LISTEN", "127.0.0.1:9000");
        assert_eq!(load(&[], None).unwrap().url, "http://127.0.0.1:8080");
        assert_eq!(load(&[near], None).unwrap().url, "http://127.0.0.1:9000");
        let far = ("STRONGROOM_URL", "https://files.example.com/");
        assert_eq!(load(&[near, far], None).unwrap().url, "https://files.example.com");
        let given = load(&[near, far], Some("https://x.example/room")).unwrap();
        assert_eq!(given.url, "https://x.example/room");
        for (url, exposed) in [
            ("http://127.0.0.1:8080", false),
            ("http://[::1]:8080", false),
            ("https://files.example.com", false),
            ("http://files.example.com", true),
        ] {
            assert_eq!(load(&[], Some(url)).unwrap().is_exposed(), exposed, "{url}");
        }
        for wrong in ["files.example.com", "ftp://x", "https://u:p@x", "https://x/?a=b"] {
            let problems = load(&[], Some(wrong)).unwrap_err();
            assert!(problems[0].starts_with("--server"), "{problems:?}");
        }
    }

    #[test]
    fn what_is_remembered_lies_in_the_users_state_folder() {
        let dir = |pairs: &[(&str, &str)]| load(pairs, None).unwrap().state_dir;
        assert_eq!(dir(&[]), None);
        let home = ("HOME", "/home/u");
        assert_eq!(dir(&[home]), Some("/home/u/.local/state/strongroom".into()));
        let xdg = ("XDG_STATE_HOME", "/state");
        assert_eq!(dir(&[home, xdg]), Some("/state/strongroom".into()));
        assert_eq!(dir(&[home, ("XDG_STATE_HOME", "state")]), dir(&[home]));
        assert_eq!(dir(&[home, xdg, ("STRONGROOM_STATE_DIR", "/here")]), Some("/here".into()));
    }

    #[test]
    fn a_token_of_two_lines_is_refused_and_not_shown() {
        let problems = load(&[("STRONGROOM_TOKEN", "srk_one\nsrk_two")], None).unwrap_err();
        assert!(problems[0].contains("STRONGROOM_TOKEN"), "{problems:?}");
        assert!(!problems[0].contains("srk_one"), "{problems:?}");
    }
}
