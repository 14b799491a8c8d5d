//! A real browser as a client: Debian's Chromium, driven by `tests/browser/run.mjs`, against the
//! router of a test on a port of its own. What a set of scenarios does stands beside the runner.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use http::{Method, header};
use serde_json::{Value, json};
use strongroom::access::users::{NewUser, add_user};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::sensitive::Secret;
use tokio::net::TcpListener;

use crate::garage::Account;
use crate::process::{free_port, variable};
use crate::support::TestApp;

/// A test's server that browsers reach, and the origin of the pages they come from.
pub struct Served {
    pub app: TestApp,
    pub url: String,
    pub pages: String,
}

impl Served {
    /// SQLite and the local store.
    pub async fn local() -> Self {
        let (listener, url, pages) = addresses().await;
        let variables =
            [("STRONGROOM_PUBLIC_URL", url.as_str()), ("STRONGROOM_ALLOWED_ORIGINS", &pages)];
        let app = TestApp::with(&variables).await;
        app.listen(listener);
        Self { app, url, pages }
    }

    /// PostgreSQL and a bucket of Garage that lets pages in.
    pub async fn garage() -> Self {
        let (listener, url, pages) = addresses().await;
        let bucket = Account::garage().bucket().await;
        bucket.let_pages_in(&[&url, &pages]).await;
        let variables =
            [("STRONGROOM_PUBLIC_URL", url.as_str()), ("STRONGROOM_ALLOWED_ORIGINS", &pages)];
        let app = TestApp::in_bucket(bucket, &variables).await;
        app.listen(listener);
        Self { app, url, pages }
    }
}

async fn addresses() -> (TcpListener, String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url, format!("http://127.0.0.1:{}", free_port()))
}

/// The cookie of an admin who has signed in, `name=value`.
pub async fn sign_in(app: &TestApp) -> String {
    let password = "correct horse battery";
    let new = NewUser {
        name: "page-user".into(),
        password: Secret::new(password.into()),
        role: Role::Admin,
        clinic: Some(DEFAULT_CLINIC),
    };
    add_user(&app.app.db, new, app.clock.now()).await.unwrap();
    let body = json!({ "username": "page-user", "password": password });
    let origin = [("origin", app.app.config.server.public_url.as_str())];
    let answer = app.request(Method::POST, "/api/session", &origin, Some(body)).await.expect(204);
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// Runs a set of scenarios; what each that went well has to tell. `answer` answers what they
/// ask for meanwhile.
pub fn run(
    set: &str,
    input: &Value,
    mut answer: impl FnMut(&Value) -> Value,
) -> Vec<(String, Value)> {
    let modules = variable("STRONGROOM_TEST_NODE")
        .expect("STRONGROOM_TEST_NODE is set by `make test`, which installs the browser tests");
    let mut child = Command::new("node")
        .arg(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/browser/run.mjs"))
        .arg(set)
        .env("STRONGROOM_TEST_NODE", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    writeln!(to, "{input}").unwrap();
    let (mut told, mut failed) = (Vec::new(), Vec::new());
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).expect("a line of JSON");
        if !line["ask"].is_null() {
            writeln!(to, "{}", answer(&line)).unwrap();
        } else if line["ok"] == true {
            told.push((line["name"].as_str().unwrap().to_owned(), line["result"].clone()));
        } else {
            failed.push(format!("{line:#}"));
        }
    }
    let status = child.wait().unwrap();
    assert!(failed.is_empty(), "{} scenario(s) failed:\n{}", failed.len(), failed.join("\n"));
    assert!(status.success(), "{status}");
    told
}
