//! Every command beside a running server: what it prints, how it ends, what it changes.

use std::process::Output;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;
use strongroom::time::Clock;

use crate::process::{Seeded, Server, asked};
use crate::s3::S3;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[track_caller]
fn fails(done: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(code), "{said}");
    assert!(done.stdout.is_empty(), "what went wrong belongs on standard error");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_work_beside_a_running_server() {
    let server = Server::start(&[]).await;
    let token = server.told(&["token", "--user", "u", "--role", "admin", "--ttl", "5m"]);
    server.get(&token, "/api/docs").await.expect(200);
    let patient = ["token", "--user", "u", "--role", "patient"];
    assert!(fails(&server.cli(&patient), 2).contains("--patient"));
    fails(&server.cli(&["token", "--user", "u", "--role", "king"]), 2);
    fails(&server.cli(&["token", "--user", "u", "--role", "admin", "--ttl", "soon"]), 2);

    let added = server.told(&["user", "add", "dr.test", "--role", "clinician"]);
    assert!(added.len() >= 12, "the password that was made: {added:?}");
    let again = fails(&server.cli(&["user", "add", "dr.test", "--role", "clinician"]), 1);
    assert!(again.contains("dr.test") || again.contains("name"), "{again}");
    let users = json(&server.told(&["user", "list", "--json"]));
    assert_eq!(users[0]["name"], "dr.test");
    assert_eq!(users[0]["disabledAt"], Value::Null);
    let sign_in = serde_json::json!({ "username": "dr.test", "password": added });
    let request = server.http.post(format!("{}/api/session", server.url)).json(&sign_in);
    let request = request.header("origin", &server.url);
    let status = request.try_clone().unwrap().send().await.unwrap().status();
    assert!(status.is_success(), "{status}");
    server.told(&["user", "disable", "dr.test"]);
    assert_eq!(request.send().await.unwrap().status(), 401);
    assert!(fails(&server.cli(&["user", "disable", "dr.test"]), 1).contains("dr.test"));
    let users = json(&server.told(&["user", "list", "--json"]));
    assert_ne!(users[0]["disabledAt"], Value::Null);

    let access = json(&server.told(&["s3-credentials", "--json"]));
    for name in ["endpoint", "region", "bucket", "accessKeyId", "secretAccessKey"] {
        assert!(access[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
    }
    assert_eq!(access["endpoint"], *server.url);
    let told = server.get(&token, "/api/audit?action=keys.manage").await.expect(200).json();
    let kinds: Vec<_> =
        told["items"].as_array().unwrap().iter().map(|e| &e["targetKind"]).collect();
    assert_eq!(kinds, ["s3_credentials", "token"], "credentials were shown and nobody told");
    let contract = json(&server.told(&["openapi"]));
    let shown = server.get(&token, "/openapi.json").await.expect(200).json();
    assert!(contract == shown, "the command prints what the server serves");
    assert!(server.told(&["completions", "bash"]).contains("_strongroom"));
    let example = server.told(&["config", "example"]);
    assert!(example.contains("STRONGROOM_LISTEN") && example.contains("DATABASE_URL"));
    assert!(server.told(&["config", "example", "--markdown"]).contains("| `STRONGROOM_LISTEN`"));
    assert!(server.told(&["config", "check"]).contains("is right"));
    assert!(server.told(&["--version"]).starts_with("strongroom "));
    fails(&server.cli(&["dance"]), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_make_no_user_and_no_key_that_the_api_would_refuse() {
    let server = Server::start(&[]).await;
    let service = ["user", "add", "an-app", "--role", "service"];
    assert!(fails(&server.cli(&service), 2).contains("key create"));
    let nobodys = ["user", "add", "test.patient", "--role", "patient"];
    assert!(fails(&server.cli(&nobodys), 2).contains("--patient"));
    let stray = ["user", "add", "dr.test", "--role", "clinician", "--patient", "test-patient"];
    assert!(fails(&server.cli(&stray), 2).contains("--patient"));
    for wrong in [["", "admin"], ["an-app", "patient"]] {
        let create = ["key", "create", "--name", wrong[0], "--role", wrong[1]];
        assert!(fails(&server.cli(&create), 2).contains("must"), "{wrong:?}");
    }
    server.told(&["user", "add", "test.patient", "--role", "patient", "--patient", "test-patient"]);
    let token = server.told(&["token", "--user", "u", "--role", "admin"]);
    let users = server.get(&token, "/api/users").await.expect(200).json();
    assert!(users.to_string().contains("test-patient"), "{users}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_stops_working_within_six_seconds() {
    let server = Server::start(&[]).await;
    let made = ["key", "create", "--name", "the app", "--role", "staff", "--json"];
    let made = json(&server.told(&made));
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    assert!(key.starts_with("srk_"), "{id}");
    server.get(key, "/api/docs").await.expect(200);
    let listed = json(&server.told(&["key", "list", "--json"]));
    assert_eq!((&listed[0]["id"], &listed[0]["state"]), (&made["id"], &Value::from("valid")));
    assert!(!listed.to_string().contains(key), "the key is shown again");

    server.told(&["key", "revoke", id]);
    let revoked = Instant::now();
    loop {
        let status = server.get(key, "/api/docs").await.status;
        if status == 401 {
            break;
        }
        assert_eq!(status, 200);
        assert!(revoked.elapsed() < Duration::from_secs(6), "it still works after six seconds");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let listed = json(&server.told(&["key", "list", "--json"]));
    assert_eq!(listed[0]["state"], "revoked");
    assert!(fails(&server.cli(&["key", "revoke", id]), 1).contains("no key"));
    fails(&server.cli(&["key", "revoke", "not-an-id"]), 2);
}

#[test]
fn every_wrong_variable_is_named_at_once() {
    let server = Server::prepare(
        &[
            ("STRONGROOM_PRESIGN_EXPIRES", "soon"),
            ("STRONGROOM_CARE_TEAM", "everybody"),
            ("STRONGROOM_KEY_LAYOUT", "by-weekday"),
            ("STRONGROOM_MAX_IMAGE", "a lot"),
            ("STRONGROOM_JWT_SECRET", "short-and-hidden"),
            ("STRONGROOM_LISTE", "127.0.0.1:1"),
            ("S3_BUCKET", "one-bucket"),
            ("AWS_S3_BUCKET", "another-bucket"),
            ("DATABASE_URL", "mysql://here"),
        ],
        &[],
    );
    for command in [&["config", "check"][..], &["serve"], &["key", "list"]] {
        let said = fails(&server.cli(command), 2);
        for name in [
            "STRONGROOM_PRESIGN_EXPIRES",
            "STRONGROOM_CARE_TEAM",
            "STRONGROOM_KEY_LAYOUT",
            "STRONGROOM_MAX_IMAGE",
            "STRONGROOM_JWT_SECRET",
            "STRONGROOM_LISTE ",
            "S3_BUCKET",
            "AWS_S3_BUCKET",
            "DATABASE_URL",
        ] {
            assert!(said.contains(name), "{name} is not named: {said}");
        }
        assert!(!said.contains("short-and-hidden") && !said.contains("mysql://"), "{said}");
    }
    assert!(!server.data.exists(), "something was made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_come_from_the_environment_then_env_local_then_env_then_the_toml_file() {
    let mut server =
        Server::prepare(&[("STRONGROOM_PRESIGN_EXPIRES", "300"), ("STRONGROOM_LOG", " ")], &[]);
    let files = [
        (".env.local", "AWS_S3_FOLDER_PREFIX=from-env-local\nSTRONGROOM_PRESIGN_EXPIRES=600\n"),
        (".env", "AWS_S3_FOLDER_PREFIX=from-env\nSTRONGROOM_KEY_LAYOUT=flat\n"),
        (
            "strongroom.toml",
            "strongroom_key_layout = 'by-category'\nstrongroom_max_document = '9MB'\n",
        ),
    ];
    for (name, text) in files {
        std::fs::write(server.home.path().join(name), text).unwrap();
    }
    assert!(server.launch().await, "{}", server.log());
    let token = server.token("admin");
    let begun = server.begin(&token, 1000).await;
    let key = format!("from-env-local/{}.pdf", begun["id"].as_str().unwrap());
    assert_eq!(begun["key"], key.as_str(), "{begun}");
    assert!(begun["url"].as_str().unwrap().contains("X-Amz-Expires=300&"), "{begun}");
    let large = asked(9_000_001);
    server.post(&token, "/api/docs/presign-upload", &large).await.expect(413);

    std::fs::write(server.home.path().join(".env.local"), "NO EQUALS SIGN\n").unwrap();
    assert!(fails(&server.cli(&["config", "check"]), 2).contains(".env.local:"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_and_the_server_write_at_once_without_losing_anything() {
    let server = Server::start(&[]).await;
    let token = server.token("admin");
    let uploads = async {
        for seed in 0..20 {
            server.upload(&token, &Seeded(seed).pdf(2000)).await;
        }
    };
    let commands = tokio::task::unconstrained(async {
        for number in 0..8 {
            let name = format!("user-{number}");
            let added = tokio::task::block_in_place(|| {
                server.cli(&["user", "add", &name, "--role", "staff"])
            });
            assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        }
    });
    tokio::join!(uploads, commands);
    let listed = server.get(&token, "/api/docs?limit=100").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 20);
    assert_eq!(json(&server.told(&["user", "list", "--json"])).as_array().unwrap().len(), 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_with_the_s3_credentials_stands_in_the_trail() {
    let server = Server::start(&[]).await;
    let s3 = S3::of(&server);
    s3.send(Method::PUT, "/loose/a.txt", &[], "a").await.expect(200);
    assert_eq!(s3.send(Method::GET, "/loose/a.txt", &[], "").await.expect(200).body, b"a");
    // A holder of the credentials can presign what no document was allowed for.
    let put = s3.presign_put("loose/b.txt", "text/plain", 1, None, Clock::default().now());
    let mut sent = server.http.put(&put.url).body("b");
    for (name, value) in &put.headers {
        sent = sent.header(name, value);
    }
    assert!(sent.send().await.unwrap().status().is_success());
    let told = server.get(&server.token("auditor"), "/api/audit").await.expect(200).json();
    let events = told["items"].as_array().unwrap().iter().rev();
    let objects: Vec<_> = events
        .filter(|event| event["targetKind"] == "object")
        .map(|event| (event["action"].as_str().unwrap(), event["targetId"].as_str().unwrap()))
        .collect();
    assert_eq!(
        objects,
        [
            ("wire.write", "loose/a.txt"),
            ("wire.read", "loose/a.txt"),
            ("wire.write", "loose/b.txt"),
        ]
    );
}
