//! The real binary as a process: started, killed, ended, started again, spoken to over HTTP.
//!
//! Nothing here reaches into the program: what a test learns it learns as a client, as an operator
//! at the command line, or by reading the files that were left behind.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Context as Poller, Poll};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256, digest};
use bytes::Bytes;
use http_body::Frame;
use reqwest::{Body, Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::made_files::made_pdf::around_pdf;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_strongroom");
/// How long anything may take before the test gives up on it.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// How long to wait before asking again.
pub const PAUSE: Duration = Duration::from_millis(10);

/// A running server and the folder it works in.
pub struct Server {
    child: Option<Child>,
    vars: Vec<(String, String)>,
    args: Vec<String>,
    /// The working directory: data, log.
    pub home: TempDir,
    /// The data directory.
    pub data: PathBuf,
    /// The base URL.
    pub url: String,
    /// A client that trusts the server's certificate, if it has one.
    pub http: Client,
}

/// An answer read to its end, as far as it came.
#[derive(Debug)]
pub struct Read {
    pub status: u16,
    pub body: Vec<u8>,
    /// Whether the body came whole: as long as announced and without an error.
    pub whole: bool,
}

impl Read {
    pub async fn of(sent: Result<Response, reqwest::Error>) -> Self {
        let mut answer = sent.expect("an answer");
        let (status, announced) = (answer.status().as_u16(), answer.content_length());
        let mut body = Vec::new();
        let whole = loop {
            match answer.chunk().await {
                Ok(Some(bytes)) => body.extend_from_slice(&bytes),
                Ok(None) => break announced.is_none_or(|n| n == body.len() as u64),
                Err(_) => break false,
            }
        };
        Self { status, body, whole }
    }

    /// The same where the server may hang up before anything of the answer has gone out: that is
    /// status 0 and no bytes.
    pub async fn or_cut(sent: Result<Response, reqwest::Error>) -> Self {
        match sent {
            Ok(answer) => Self::of(Ok(answer)).await,
            Err(e) if e.is_request() => Self { status: 0, body: Vec::new(), whole: false },
            Err(e) => panic!("{e}"),
        }
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The code of a problem document.
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The code of an S3 error.
    pub fn s3_code(&self) -> String {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let code = text.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next());
        code.unwrap_or_default().to_owned()
    }
}

impl Server {
    /// Starts on a free port with an empty data directory and only these variables.
    pub async fn start(vars: &[(&str, &str)]) -> Self {
        Self::start_with(vars, &[]).await
    }

    /// The same with arguments after `serve`.
    pub async fn start_with(vars: &[(&str, &str)], args: &[&str]) -> Self {
        let mut server = Self::prepare(vars, args);
        // Between choosing a port and taking it somebody else may have it.
        for _ in 0..5 {
            if server.launch().await {
                return server;
            }
            assert!(server.log().contains("cannot listen"), "no start: {}", server.log());
            server.choose_port();
        }
        panic!("no port is free: {}", server.log());
    }

    /// A server that is not running yet.
    pub fn prepare(vars: &[(&str, &str)], args: &[&str]) -> Self {
        let home = TempDir::new().unwrap();
        let value = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
        let data = value("STRONGROOM_DATA_DIR").map_or(home.path().join("data"), PathBuf::from);
        let mut http = Client::builder().no_proxy().timeout(PATIENCE);
        if let Some(certificate) = value("STRONGROOM_TLS_CERTIFICATE") {
            let pem = std::fs::read(certificate).unwrap();
            http = http.tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()]);
        }
        let mut server = Self {
            child: None,
            vars: vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            home,
            data,
            url: String::new(),
            http: http.build().unwrap(),
        };
        server.set("STRONGROOM_DATA_DIR", server.data.to_str().unwrap().to_owned());
        server.choose_port();
        server
    }

    fn choose_port(&mut self) {
        let port = free_port();
        let tls = self.vars.iter().any(|(name, _)| name == "STRONGROOM_TLS_CERTIFICATE");
        self.url = format!("http{}://127.0.0.1:{port}", if tls { "s" } else { "" });
        self.set("STRONGROOM_LISTEN", format!("127.0.0.1:{port}"));
    }

    /// Sets a variable for the next start.
    pub fn set(&mut self, name: &str, value: String) {
        self.vars.retain(|(known, _)| known != name);
        self.vars.push((name.to_owned(), value));
    }

    /// Starts the process; whether it came to answer `/readyz`.
    pub async fn launch(&mut self) -> bool {
        let log = self.log_file();
        let mut command = self.command(&["serve"]);
        command.args(&self.args).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        self.child = Some(command.spawn().unwrap());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            let asked = self.http.get(format!("{}/readyz", self.url)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("the server is not ready after {PATIENCE:?}: {}", self.log());
    }

    /// Starts again on the same data and the same port.
    pub async fn restart(&mut self) {
        assert!(self.launch().await, "no restart: {}", self.log());
    }

    /// A command with the server's variables and no others, in its folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).env_clear().current_dir(self.home.path());
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command beside the server.
    pub fn cli(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// What a command that has to work prints.
    #[track_caller]
    pub fn told(&self, args: &[&str]) -> String {
        let done = self.cli(args);
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
    }

    /// A token of a role.
    pub fn token(&self, role: &str) -> String {
        self.told(&["token", "--user", &format!("test-{role}"), "--role", role])
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a running server").id()
    }

    /// Ends the process as a power cut would.
    pub fn kill9(&mut self) {
        let mut child = self.child.take().expect("a running server");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks it to stop.
    pub fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a server that was started");
        let status = until("the server ends", || child.try_wait().unwrap()).await;
        drop(child);
        status
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(&mut self) {
        self.terminate();
        let status = self.ended().await;
        assert!(status.success(), "{status}: {}", self.log());
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    fn log_file(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap()
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read(self.log_path())
            .map_or_else(|_| String::new(), |text| String::from_utf8_lossy(&text).into_owned())
    }

    /// Waits for a word in the log.
    pub async fn logged(&self, word: &str) {
        until(word, || self.log().contains(word).then_some(())).await;
    }

    /// The most memory it ever had resident, in bytes (`VmHWM`, proc(5)).
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    pub fn request(&self, method: Method, path: &str, token: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(token)
    }

    pub async fn get(&self, token: &str, path: &str) -> Read {
        Read::of(self.request(Method::GET, path, token).send().await).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Read {
        Read::of(self.request(Method::POST, path, token).json(body).send().await).await
    }

    /// Announces a PDF of this size.
    pub async fn begin(&self, token: &str, size: usize) -> Value {
        let asked = asked(size as u64);
        self.post(token, "/api/docs/presign-upload", &asked).await.expect(201).json()
    }

    /// Sends bytes where they were announced to go.
    pub async fn put(&self, begun: &Value, body: impl Into<Body>) -> Read {
        Read::of(put(&self.http, begun).body(body).send().await).await
    }

    pub async fn confirm(&self, token: &str, begun: &Value) -> Read {
        self.post(token, "/api/docs/confirm", &json!({ "id": begun["id"] })).await
    }

    /// Presign, PUT, confirm; the document.
    pub async fn upload(&self, token: &str, bytes: &[u8]) -> Value {
        let begun = self.begin(token, bytes.len()).await;
        self.put(&begun, bytes.to_vec()).await.expect(200);
        self.confirm(token, &begun).await.expect(201).json()
    }

    pub async fn content(&self, token: &str, document: &Value) -> Read {
        let id = document["id"].as_str().unwrap();
        self.get(token, &format!("/api/docs/{id}/content")).await
    }

    /// A presigned download.
    pub async fn link(&self, token: &str, document: &Value) -> String {
        let id = document["id"].as_str().unwrap();
        let link = self.get(token, &format!("/api/docs/{id}/download")).await.expect(200).json();
        link["url"].as_str().unwrap().to_owned()
    }

    pub async fn fetch(&self, url: &str) -> Read {
        Read::of(self.http.get(url).send().await).await
    }

    /// The store's folder.
    pub fn store(&self) -> PathBuf {
        self.data.join("store")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The announcement of a PDF.
pub fn asked(size: u64) -> Value {
    json!({
        "patientId": "test-patient", "filename": "letter.pdf",
        "contentType": "application/pdf", "size": size,
    })
}

/// A PUT with exactly the headers that were announced.
pub fn put(http: &Client, begun: &Value) -> RequestBuilder {
    let mut request = http.put(begun["url"].as_str().unwrap());
    for (name, value) in begun["headers"].as_object().unwrap() {
        request = request.header(name, value.as_str().unwrap());
    }
    request
}

/// Asks again and again until there is an answer.
pub async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(digest(&SHA256, bytes))
}

/// Every file under a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Numbers that a seed decides (splitmix64).
#[derive(Clone)]
pub struct Seeded(pub u64);

impl Seeded {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from `low` on and below `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low)
    }

    /// A PDF whose one stream is noise; of less than 400 bytes, what there is of one.
    pub fn pdf(&mut self, size: usize) -> Vec<u8> {
        let (mut bytes, tail) = around_pdf(size as u64);
        bytes.reserve(size + 8);
        while bytes.len() < size {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(size);
        if let Some(end) = size.checked_sub(tail.len()) {
            bytes[end..].copy_from_slice(&tail);
        }
        bytes
    }

    /// The bytes of a DICOM file, as far as its first elements go.
    pub fn dicom(&mut self, size: usize) -> Vec<u8> {
        let mut bytes = vec![0; 128];
        bytes.extend_from_slice(b"DICM\x02\0\0\0UL\x04\0\x1c\0\0\0");
        bytes.extend_from_slice(b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0");
        bytes.extend_from_slice(b"\x08\0\x05\0CS\x0a\0ISO_IR 100");
        while bytes.len() < size {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(size);
        bytes
    }
}

/// A body that is made while it is sent and never held whole; its SHA-256 is told at the end.
pub struct SeededBody {
    seed: Seeded,
    size: u64,
    left: u64,
    context: Context,
    told: Arc<Mutex<Option<String>>>,
}

impl SeededBody {
    const PIECE: usize = 64 * 1024;

    pub fn new(seed: u64, size: u64) -> (Self, Arc<Mutex<Option<String>>>) {
        let told = Arc::default();
        let context = Context::new(&SHA256);
        let body = Self { seed: Seeded(seed), size, left: size, context, told: Arc::clone(&told) };
        (body, told)
    }
}

impl http_body::Body for SeededBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Poller<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let size = usize::try_from(self.left).map_or(Self::PIECE, |left| left.min(Self::PIECE));
        let mut piece = vec![0; size];
        for eight in piece.chunks_mut(8) {
            let number = self.seed.next().to_le_bytes();
            eight.copy_from_slice(&number[..eight.len()]);
        }
        // A PDF whose one stream is noise; its end may lie in two pieces.
        let (head, tail) = around_pdf(self.size);
        let begin = self.size - self.left;
        if begin == 0 && size >= head.len() {
            piece[..head.len()].copy_from_slice(&head);
        }
        let behind = self.size - tail.len() as u64;
        for (at, byte) in (behind..).zip(&tail) {
            if let Some(to) = at.checked_sub(begin).and_then(|at| usize::try_from(at).ok()) {
                piece.get_mut(to).into_iter().for_each(|to| *to = *byte);
            }
        }
        self.context.update(&piece);
        self.left -= size as u64;
        if self.left == 0 {
            let sha = hex::encode(self.context.clone().finish());
            *self.told.lock().unwrap() = Some(sha);
        }
        Poll::Ready(Some(Ok(Frame::data(piece.into()))))
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.left)
    }
}

/// A variable of the test run.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A seed of this run; `STRONGROOM_TEST_SEED` repeats one.
pub fn seed() -> u64 {
    let given = variable("STRONGROOM_TEST_SEED").map(|text| text.parse().expect("a number"));
    given.unwrap_or_else(|| {
        let mut bytes = [0; 8];
        aws_lc_rs::rand::fill(&mut bytes).unwrap();
        u64::from_le_bytes(bytes)
    })
}
