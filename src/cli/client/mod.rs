//! A client of the HTTP API, for the commands that speak to a server: calls with a credential,
//! presigned requests without one, and patience with both.
//!
//! Invariants: the credential goes to the server and nowhere else; nothing follows a redirect;
//! no signed URL is printed or written down.

pub mod download;
mod error;
mod file_body;
mod local_file;
mod memory;
mod part_file;
mod parts;
mod progress;
pub mod upload;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::{Method, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::signal::unix::{SignalKind, signal};

use super::Failure;
use crate::config::{ClientArgs, ClientConfig, Source};
use crate::ids::Ids;
use crate::sensitive::Secret;
use crate::time::{Clock, Timestamp};

pub use error::{ClientError, Problem};
pub use file_body::FileBody;
pub use local_file::LocalFile;
pub use progress::{Meter, Reporter};

/// How often something is tried while nobody answers; with the pauses about half a minute.
const TRIES: u32 = 8;
/// How often it is tried while the server itself says that it cannot.
const TRIES_REFUSED: u32 = 4;
/// No answer to a call after this long is a failure. Completing a large upload takes its time.
const CALL: Duration = Duration::from_mins(10);
/// A transfer slower than this many bytes a second is given up and tried again.
const SLOWEST: u64 = 16 * 1024;

/// The arguments that every command of a client takes.
#[derive(clap::Args)]
pub struct ServerArgs {
    /// The server, such as <https://files.example.com>; else `STRONGROOM_URL`, else the one here
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A file with the token or API key; else `STRONGROOM_TOKEN` or `STRONGROOM_TOKEN_FILE`
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl ServerArgs {
    /// Reads the rest of it from the configuration.
    pub fn config(&self) -> Result<ClientConfig, Failure> {
        let source = Source::load().map_err(Failure::Usage)?;
        let server = self.server.as_deref();
        let args = ClientArgs { server, token_file: self.token_file.as_deref() };
        let config = ClientConfig::load(source, &args).map_err(Failure::Usage)?;
        if config.is_exposed() {
            let url = &config.url;
            eprintln!("strongroom: warning: {url} is no https: token and files go in the clear");
        }
        Ok(config)
    }
}

/// A request that anybody may make until it expires.
#[derive(Clone, Deserialize)]
pub struct Presigned {
    /// Where it goes. A secret: never shown.
    url: String,
    /// Exactly the headers to send.
    #[serde(default)]
    headers: std::collections::BTreeMap<String, String>,
}

/// One server, spoken to in somebody's name.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Secret<String>,
    /// Whether the server has answered: from then on a broken connection is worth a new try.
    answered: AtomicBool,
    clock: Clock,
}

impl Client {
    /// Prepares it; nothing is sent yet.
    pub fn new(config: &ClientConfig) -> Result<Self, Failure> {
        let Some(token) = config.token.clone() else {
            let right = "no credential: set STRONGROOM_TOKEN to a token or an API key (srk_…), or \
                         name a file that holds it with --token-file";
            return Err(Failure::Usage(vec![right.to_owned()]));
        };
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(15))
            .user_agent(concat!("strongroom/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Failure::Failed(e.to_string()))?;
        let base = config.url.clone();
        let (answered, clock) = (AtomicBool::new(false), Clock::default());
        Ok(Self { http, base, token, answered, clock })
    }

    /// Where the server is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A GET of a path.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, None).await
    }

    /// A POST of JSON.
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, ClientError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A DELETE of a path; what it answers is left aside.
    pub async fn delete(&self, path: &str) -> Result<(), ClientError> {
        self.answer(Method::DELETE, path, None, &[]).await.map(drop)
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ClientError> {
        let mut tries = Tries::default();
        loop {
            let failed = match self.answer(method.clone(), path, body, &[]).await {
                Ok(answer) => match answer.bytes().await {
                    Ok(bytes) => {
                        return serde_json::from_slice(&bytes).map_err(|e| {
                            ClientError::Strange(format!("{path}: {e}"), self.base.clone())
                        });
                    }
                    Err(e) => ClientError::unreachable(&self.base, e),
                },
                Err(e) => e,
            };
            if !self.answered.load(Ordering::Relaxed) {
                return Err(failed);
            }
            tries.pause(failed).await?;
        }
    }

    /// One call, not repeated; an answer that is no success is an error.
    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, String)],
    ) -> Result<Response, ClientError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.bearer_auth(self.token.reveal());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        // A body that streams takes as long as it takes.
        if headers.is_empty() {
            request = request.timeout(CALL);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let sent = request.send().await;
        let answer = sent.map_err(|e| ClientError::unreachable(&self.base, e))?;
        self.answered.store(true, Ordering::Relaxed);
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.problem(answer).await)
    }

    async fn problem(&self, answer: Response) -> ClientError {
        let status = answer.status();
        let retry_after = answer.headers().get("retry-after");
        let retry_after = retry_after.and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let text = answer.text().await.unwrap_or_default();
        match serde_json::from_str::<Problem>(&text) {
            Ok(problem) if !problem.code.is_empty() => {
                ClientError::Problem(Problem { status: status.as_u16(), retry_after, ..problem })
            }
            // A proxy between here and there answers in words of its own.
            _ if status.is_server_error() || status == 429 => ClientError::Problem(Problem {
                status: status.as_u16(),
                code: "proxy".to_owned(),
                detail: format!("{} answered {status}", self.base),
                retry_after,
                ..Problem::default()
            }),
            _ => ClientError::Strange(status.to_string(), self.base.clone()),
        }
    }

    /// Sends a file or a part of one where it was presigned to go; the ETag of what is there now.
    pub async fn send(
        &self,
        to: &Presigned,
        size: u64,
        body: FileBody,
    ) -> Result<Option<String>, ClientError> {
        let mut request = self.http.put(&to.url);
        for (name, value) in &to.headers {
            request = request.header(name, value);
        }
        request = request.timeout(longest(size)).body(reqwest::Body::wrap(body));
        let answer = self.presigned(request, &to.url).await?;
        let etag = answer.headers().get("etag").and_then(|tag| tag.to_str().ok());
        Ok(etag.map(ToOwned::to_owned))
    }

    /// Begins to fetch what was presigned, from a byte on.
    pub async fn fetch(&self, url: &str, from: u64) -> Result<Response, ClientError> {
        let mut request = self.http.get(url);
        if from > 0 {
            request = request.header("range", format!("bytes={from}-"));
        }
        self.presigned(request, url).await
    }

    async fn presigned(
        &self,
        request: reqwest::RequestBuilder,
        url: &str,
    ) -> Result<Response, ClientError> {
        let host = || {
            let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
            format!("the object store ({})", host.unwrap_or_default())
        };
        let answer = request.send().await.map_err(|e| ClientError::unreachable(&host(), e))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let text = answer.text().await.unwrap_or_default();
        let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let code = code.map(|(code, _)| code.chars().take(64).collect());
        Err(ClientError::Store { status: status.as_u16(), code })
    }

    /// The time here.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Until somebody wants to stop.
pub async fn interrupted() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signals) => drop(signals.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// How long a transfer of this many bytes may take.
fn longest(size: u64) -> Duration {
    Duration::from_secs(60 + size / SLOWEST)
}

/// Counts tries and waits between them, longer each time, never two clients at the same beat.
#[derive(Default)]
pub struct Tries(u32);

impl Tries {
    /// Waits, or gives the error back when it would not help or was tried often enough.
    pub async fn pause(&mut self, failed: ClientError) -> Result<(), ClientError> {
        self.0 += 1;
        let (most, asked) = match &failed {
            ClientError::Problem(problem) => (TRIES_REFUSED, problem.retry_after.unwrap_or(0)),
            _ => (TRIES, 0),
        };
        if !failed.is_passing() || self.0 >= most {
            return Err(failed);
        }
        let asked = asked.min(30);
        tokio::time::sleep(Duration::from_secs(asked) + self.delay()).await;
        Ok(())
    }

    /// What was tried went forward: the count begins again.
    pub const fn reset(&mut self) {
        self.0 = 0;
    }

    /// A quarter of a second, doubled each time, at most ten; the second half of it by chance.
    fn delay(&self) -> Duration {
        let longest = (250 << self.0.min(6)).min(10_000);
        let chance = Ids::Random.next().as_u128() % (u128::from(longest) / 2);
        Duration::from_millis(longest / 2 + u64::try_from(chance).unwrap_or(0))
    }
}

/// A size as people read it: `2.1 GB`.
pub fn human(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut size = bytes as f64;
    for unit in ["bytes", "kB", "MB", "GB"] {
        if size < 1000.0 {
            return if unit == "bytes" {
                format!("{bytes} bytes")
            } else if size < 10.0 {
                format!("{size:.1} {unit}")
            } else {
                format!("{size:.0} {unit}")
            };
        }
        size /= 1000.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        for (tries, least, most) in [(1, 250, 500), (3, 1_000, 2_000), (60, 5_000, 10_000)] {
            let delay = Tries(tries).delay().as_millis();
            assert!((least..=most).contains(&delay), "{tries}: {delay}");
        }
    }

    #[test]
    fn sizes_are_told_in_three_digits() {
        assert_eq!(human(999), "999 bytes");
        assert_eq!(human(1_234), "1.2 kB");
        assert_eq!(human(2_147_483_648), "2.1 GB");
        assert_eq!(human(268_000_000), "268 MB");
    }
}
