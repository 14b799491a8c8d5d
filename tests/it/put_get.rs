//! `strongroom put` and `get` with the real binary against a real server: what arrives, what is
//! said when it does not, and what goes on after the client was killed.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::made_files::{AGE, opened, sealed};
use crate::process::{BINARY, Seeded, Server, free_port, sha256, until};

/// Enough for several parts of 8 MiB.
const LARGE: usize = 60 << 20;

/// Somebody's machine: a home, a folder to work in, no variable of a server.
struct Desk {
    home: TempDir,
    url: String,
    token: String,
}

impl Desk {
    fn of(server: &Server) -> Self {
        let home = TempDir::new().unwrap();
        Self { home, url: server.url.clone(), token: server.token("admin") }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.args(args).env_clear().current_dir(self.home.path()).stdin(Stdio::null());
        command.env("HOME", self.home.path());
        command.env("STRONGROOM_URL", &self.url).env("STRONGROOM_TOKEN", &self.token);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        tokio::task::block_in_place(|| self.command(args).output()).unwrap()
    }

    /// The lines of JSON that a command prints.
    #[track_caller]
    fn told(&self, args: &[&str]) -> Vec<Value> {
        let done = self.run(args);
        assert!(done.status.success(), "{args:?}: {}", said(&done));
        assert!(done.stderr.is_empty(), "--json is silent: {}", said(&done));
        let text = String::from_utf8(done.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn state_files(&self) -> Vec<PathBuf> {
        let dir = self.path(".local/state/strongroom");
        let entries = std::fs::read_dir(dir).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

#[track_caller]
fn fails(done: &Output, code: i32, words: &[&str]) {
    let said = said(done);
    assert_eq!(done.status.code(), Some(code), "{said}");
    for word in words {
        assert!(said.contains(word), "{word:?} is not said: {said}");
    }
}

/// A file that begins as DICOM does.
fn dicom(seed: u64, size: usize) -> Vec<u8> {
    Seeded(seed).dicom(size)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_is_put_and_comes_back_the_same() {
    let server = Server::start(&[]).await;
    let desk = Desk::of(&server);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut samples: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !["py", "md"].iter().any(|end| path.extension().is_some_and(|e| e == *end)))
        .filter(|path| path.file_name().unwrap() != "requirements.txt")
        .collect();
    samples.sort();
    assert!(samples.len() >= 12, "{samples:?}");
    let mut args = vec!["put", "--patient", "p1", "--category", "imaging", "--json"];
    args.extend(samples.iter().map(|path| path.to_str().unwrap()));
    let told = desk.told(&args);
    assert_eq!(told.len(), samples.len());
    for line in told {
        let path = Path::new(line["file"].as_str().unwrap());
        let bytes = std::fs::read(path).unwrap();
        let document = &line["document"];
        assert_eq!(document["state"], "available");
        assert_eq!(document["category"], "imaging");
        assert_eq!(document["sha256"], sha256(&bytes));
        let id = document["id"].as_str().unwrap();
        let got = desk.told(&["get", id, "--json"]);
        assert_eq!(got[0]["sha256"], document["sha256"]);
        let fetched = desk.path(path.file_name().unwrap().to_str().unwrap());
        assert_eq!(std::fs::read(&fetched).unwrap(), bytes);
        assert_eq!(fetched.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let piped = desk.run(&["get", id, "-o", "-", "--through-server"]);
        assert!(piped.status.success() && piped.stdout == bytes, "{}", said(&piped));
    }
    assert!(
        !desk
            .home
            .path()
            .read_dir()
            .unwrap()
            .any(|entry| { entry.unwrap().path().extension().is_some_and(|end| end == "part") })
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_is_told_in_words_and_by_the_exit_code() {
    let server = Server::start(&[]).await;
    let desk = Desk::of(&server);
    desk.write("notes.txt", b"some notes\n");
    desk.write("page.html", b"<html></html>");
    let put = |more: &[&str]| desk.run(&[&["put", "notes.txt", "--patient", "p1"], more].concat());

    let mut stranger = desk.command(&["put", "notes.txt", "--patient", "p1"]);
    stranger.env("STRONGROOM_TOKEN", "srk_nobody");
    fails(&stranger.output().unwrap(), 1, &["401", "notes.txt"]);
    stranger.env_remove("STRONGROOM_TOKEN");
    fails(&stranger.output().unwrap(), 2, &["STRONGROOM_TOKEN", "--token-file"]);
    desk.write("token", desk.token.as_bytes());
    assert!(stranger.args(["--token-file", "token"]).output().unwrap().status.success());

    fails(&put(&["--type", "text/html"]), 1, &["unsupported_type", "415"]);
    fails(&put(&["--category", "bananas"]), 1, &["category", "medical-records"]);
    fails(&put(&["--server", "files.example.com"]), 2, &["--server", "https://"]);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    fails(&put(&["--server", &nobody]), 1, &["cannot be reached", "refused"]);
    fails(&desk.run(&["put", "notes.txt"]), 2, &["--patient"]);
    fails(&desk.run(&["put", "a", "b", "--name", "c", "--patient", "p1"]), 2, &["--name"]);

    let some = desk.run(&["put", "page.html", "none.pdf", "notes.txt", "--patient", "p1"]);
    fails(&some, 1, &["page.html", "--type", "none.pdf", "No such file", "2 of 3"]);
    let out = String::from_utf8_lossy(&some.stdout).into_owned();
    assert!(out.contains("notes.txt") && out.lines().count() == 1, "{out}");
    let some = desk.run(&["put", "none.pdf", "--patient", "p1", "--json"]);
    let line: Value = serde_json::from_slice(&some.stdout).unwrap();
    assert_eq!((&line["ok"], &line["error"]["code"]), (&json!(false), &json!("file")));

    let before = server.get(&desk.token, "/api/docs").await.json()["items"].clone();
    let dry = desk.told(&["put", "notes.txt", "--patient", "p1", "--dry-run", "--json"]);
    assert_eq!(dry[0]["contentType"], "text/plain");
    assert_eq!(server.get(&desk.token, "/api/docs").await.json()["items"], before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fetched_file_replaces_nothing_and_goes_on_where_it_was_cut_off() {
    let server = Server::start(&[]).await;
    let desk = Desk::of(&server);
    let bytes = dicom(7, 3_000_000);
    desk.write("scan.dcm", &bytes);
    let told = desk.told(&["put", "scan.dcm", "--patient", "p1", "--json"]);
    let id = told[0]["document"]["id"].as_str().unwrap();

    fails(&desk.run(&["get", id]), 1, &["scan.dcm", "--force"]);
    assert!(desk.run(&["get", id, "--force"]).status.success());
    let part = |name: &str| desk.path(&format!("{name}.{id}.part"));
    std::fs::write(part("other.dcm"), &bytes[..1_234_567]).unwrap();
    std::fs::set_permissions(part("other.dcm"), PermissionsExt::from_mode(0o644)).unwrap();
    // Another program's, which happens to have a name like it.
    desk.write("other.dcm.part", b"of a browser");
    let got = desk.told(&["get", id, "-o", "other.dcm", "--json"]);
    assert_eq!(got[0]["bytesKept"], 1_234_567);
    assert_eq!(std::fs::read(desk.path("other.dcm")).unwrap(), bytes);
    assert_eq!(desk.path("other.dcm").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!part("other.dcm").exists());
    assert_eq!(std::fs::read(desk.path("other.dcm.part")).unwrap(), b"of a browser");

    // What lies there is damaged: it does not fit, and begins anew.
    std::fs::write(part("third.dcm"), [1; 1000]).unwrap();
    assert!(desk.run(&["get", id, "-o", "third.dcm"]).status.success());
    assert_eq!(std::fs::read(desk.path("third.dcm")).unwrap(), bytes);
    std::os::unix::fs::symlink("scan.dcm", part("fourth.dcm")).unwrap();
    fails(&desk.run(&["get", id, "-o", "fourth.dcm"]), 1, &["no regular file", "remove it"]);
    assert_eq!(std::fs::read(desk.path("scan.dcm")).unwrap(), bytes);
    std::fs::create_dir(desk.path("folder")).unwrap();
    assert!(desk.run(&["get", id, "-o", "folder"]).status.success());
    assert_eq!(std::fs::read(desk.path("folder/scan.dcm")).unwrap(), bytes);

    let none = "0190a5e2-0000-7000-8000-000000000001";
    fails(&desk.run(&["get", none]), 1, &["not_found", "404"]);
    fails(&desk.run(&["get", "scan"]), 2, &["scan"]);
    fails(&desk.run(&["get", id, "-o", "-", "--json"]), 2, &["--json"]);
}

/// What is on its way: the id of the upload, how many parts the server has.
async fn on_its_way(server: &Server, token: &str, desk: &Desk) -> Option<(String, usize)> {
    let state = desk.state_files().pop()?;
    let kept: Value = serde_json::from_slice(&std::fs::read(state).ok()?).ok()?;
    let id = kept["uploadId"].as_str()?.to_owned();
    let told = server.get(token, &format!("/api/docs/multipart/{id}/parts")).await;
    let parts = if told.status == 200 { told.json()["parts"].as_array()?.len() } else { 0 };
    Some((id, parts))
}

/// Begins to send a file and kills the client as soon as the server has two parts of another
/// upload than `before`.
async fn cut_off(server: &Server, desk: &Desk, args: &[&str], before: &str) -> String {
    let mut child = desk.command(args).stderr(Stdio::null()).spawn().unwrap();
    let id = loop {
        match on_its_way(server, &desk.token, desk).await {
            Some((id, 2..)) if id != before => break id,
            _ => {}
        }
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it could be killed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    child.kill().unwrap();
    child.wait().unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_after_its_client_was_killed() {
    let server = Server::start(&[]).await;
    let desk = Desk::of(&server);
    let bytes = dicom(1, LARGE);
    desk.write("scan.dcm", &bytes);
    let put = ["put", "scan.dcm", "--patient", "p1", "--parallel", "1", "--json"];
    let id = cut_off(&server, &desk, &put, "").await;
    let state = desk.state_files();
    assert_eq!(state.len(), 1);
    let kept = std::fs::read_to_string(&state[0]).unwrap();
    for secret in [desk.token.as_str(), "http", "scan", "p1\"", "Signature"] {
        assert!(!kept.contains(secret), "{secret} is remembered: {kept}");
    }
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&state[0]), mode(state[0].parent().unwrap())), (0o600, 0o700));

    let told = desk.told(&put);
    assert!(told[0]["partsKept"].as_u64().unwrap() >= 2, "{told:?}");
    assert_eq!(told[0]["document"]["id"], id);
    assert_eq!(told[0]["document"]["sha256"], sha256(&bytes));
    assert!(desk.state_files().is_empty());
    assert!(desk.run(&["get", &id, "-o", "back.dcm"]).status.success());
    assert!(std::fs::read(desk.path("back.dcm")).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_has_changed_or_is_not_to_be_resumed_begins_anew() {
    let server = Server::start(&[]).await;
    let desk = Desk::of(&server);
    let mut bytes = dicom(2, LARGE);
    desk.write("scan.dcm", &bytes);
    let put = ["put", "scan.dcm", "--patient", "p1", "--parallel", "1", "--json"];
    let first = cut_off(&server, &desk, &put, "").await;
    // The same size, another last byte.
    *bytes.last_mut().unwrap() ^= 1;
    let mut file = std::fs::File::options().write(true).open(desk.path("scan.dcm")).unwrap();
    file.write_all(&bytes).unwrap();
    drop(file);
    let second = cut_off(&server, &desk, &put, &first).await;
    let old = server.request(Method::GET, &format!("/api/docs/{first}"), &desk.token);
    let old: Value = old.send().await.unwrap().json().await.unwrap();
    assert_eq!(old["state"], "abandoned", "what nobody will complete is given up");

    // Somebody has given it up meanwhile.
    let given_up = format!("/api/docs/multipart/{second}");
    let done = server.request(Method::DELETE, &given_up, &desk.token).send().await.unwrap();
    assert_eq!(done.status(), 204);
    let told = desk.told(&put);
    assert_eq!(told[0]["partsKept"], 0);
    assert_ne!(told[0]["document"]["id"], json!(second));

    let third = cut_off(&server, &desk, &put, &second).await;
    let told = desk.told(&[&put[..], &["--no-resume"]].concat());
    assert_eq!(told[0]["partsKept"], 0);
    assert_ne!(told[0]["document"]["id"], json!(third));
    assert_eq!(told[0]["document"]["sha256"], sha256(&bytes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_arrives_where_nothing_can_be_remembered_and_not_twice_at_once() {
    let server = Server::start(&[]).await;
    let desk = Desk::of(&server);
    desk.write("scan.dcm", &dicom(4, LARGE));
    desk.write("no-folder", b"x");
    let mut forgetful = desk.command(&["put", "scan.dcm", "--patient", "p1"]);
    let done = forgetful.env("STRONGROOM_STATE_DIR", "no-folder/state").output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    assert!(said(&done).contains("cannot be resumed"), "{}", said(&done));

    let put = ["put", "scan.dcm", "--patient", "p2", "--parallel", "1"];
    let mut first = desk.command(&put).stderr(Stdio::null()).spawn().unwrap();
    until("a state file", || desk.state_files().pop()).await;
    fails(&desk.run(&put), 1, &["another `strongroom put`"]);
    let ended = until("its end", || first.try_wait().unwrap()).await;
    assert!(ended.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_upload_says_how_it_goes_on_and_survives_the_servers_end() {
    let mut server = Server::start(&[]).await;
    let desk = Desk::of(&server);
    let bytes = dicom(3, LARGE);
    desk.write("scan.dcm", &bytes);
    let put = ["put", "scan.dcm", "--patient", "p1", "--parallel", "2"];
    let mut child = desk.command(&put).stderr(Stdio::piped()).spawn().unwrap();
    until("a state file", || desk.state_files().pop()).await;
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let ended = until("its end", || child.try_wait().unwrap()).await;
    let done = child.wait_with_output().unwrap();
    assert_eq!(ended.code(), Some(1));
    assert!(said(&done).contains("the same command goes on"), "{}", said(&done));

    server.kill9();
    server.restart().await;
    let mut child =
        desk.command(&put).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    while !matches!(on_its_way(&server, &desk.token, &desk).await, Some((_, 2..))) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before the server could");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.kill9();
    server.restart().await;
    until("its end", || child.try_wait().unwrap()).await;
    let done = child.wait_with_output().unwrap();
    let line = String::from_utf8(done.stdout).unwrap();
    let id = line.split_whitespace().next().expect("the document's id");
    assert!(desk.run(&["get", id, "-o", "back.dcm"]).status.success());
    assert!(std::fs::read(desk.path("back.dcm")).unwrap() == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_age_sealed_is_put_and_opened_again() {
    let server = Server::start(&[("STRONGROOM_SEALED_UPLOADS", "true")]).await;
    let desk = Desk::of(&server);
    let bytes = dicom(5, LARGE);
    desk.write("scan.dcm.age", &sealed(&bytes));
    let told = desk.told(&["put", "scan.dcm.age", "--patient", "p1", "--json"]);
    let document = &told[0]["document"];
    assert_eq!((&document["state"], &document["contentType"]), (&json!("available"), &json!(AGE)));
    let got = desk.run(&["get", document["id"].as_str().unwrap(), "-o", "-"]);
    assert!(got.status.success(), "{}", said(&got));
    assert!(got.stdout != bytes && opened(&got.stdout) == bytes);

    let closed = Server::start(&[]).await;
    let mut put = desk.command(&["put", "scan.dcm.age", "--patient", "p1"]);
    put.env("STRONGROOM_URL", &closed.url).env("STRONGROOM_TOKEN", closed.token("admin"));
    fails(&put.output().unwrap(), 1, &["unsupported_type", "Sealed files are not taken here"]);
}
