//! `strongroom doctor` with the real binary: what it finds, what it says to do, and that it
//! changes nothing.

use std::os::unix::fs::PermissionsExt;

use http::Method;
use serde_json::Value;

use crate::clamd::shared;
use crate::garage::Account;
use crate::process::{Server, files, free_port};
use crate::s3::S3;

/// The report, and whether the command was content.
fn examined(server: &Server) -> (Value, bool) {
    let done = tokio::task::block_in_place(|| server.cli(&["doctor", "--json"]));
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let code = done.status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?}: {said}");
    (serde_json::from_slice(&done.stdout).unwrap(), code == Some(0))
}

#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}: {report}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_of_its_own_is_found_in_order() {
    let server = Server::start(&[]).await;
    let (report, content) = examined(&server);
    assert!(content, "{report}");
    for name in ["configuration", "data directory", "master key", "database", "sealed secrets"] {
        assert_eq!(check(&report, name)["verdict"], "ok", "{report}");
    }
    assert_eq!(check(&report, "object store")["verdict"], "ok");
    assert!(check(&report, "public URL")["seen"].as_str().unwrap().contains("answers"));

    let table = server.told(&["doctor"]);
    assert!(table.contains("ok       database"), "{table}");
    assert!(!table.contains('\x1b'), "colours are for terminals: {table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_examination_before_the_first_start_makes_nothing() {
    let server = Server::prepare(&[], &[]);
    let (report, content) = examined(&server);
    assert!(content, "{report}");
    assert_eq!(check(&report, "master key")["verdict"], "skipped");
    assert!(!server.data.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_key_an_open_folder_and_another_key_are_found() {
    let mut server = Server::start(&[]).await;
    server.stop().await;
    std::fs::set_permissions(&server.data, PermissionsExt::from_mode(0o755)).unwrap();
    let (report, content) = examined(&server);
    let folder = check(&report, "data directory");
    assert!(content && folder["verdict"] == "warn", "{report}");
    assert!(folder["do"].as_str().unwrap().starts_with("chmod 700"), "{folder}");

    let key = server.data.join("master.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let (report, content) = examined(&server);
    assert!(!content && report["verdict"] == "fail");
    assert_eq!(check(&report, "master key")["verdict"], "fail");
    assert!(!key.exists(), "a key was made that opens nothing");

    server.set("STRONGROOM_MASTER_KEY", "00".repeat(32));
    let (report, content) = examined(&server);
    assert!(!content);
    assert_eq!(check(&report, "sealed secrets")["verdict"], "fail", "{report}");
    std::fs::write(&key, kept).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_that_nobody_answers_for_fails_with_the_reason() {
    let endpoint = format!("http://127.0.0.1:{}", free_port());
    let server = Server::prepare(
        &[
            ("S3_ENDPOINT", &endpoint),
            ("S3_BUCKET", "my-bucket"),
            ("AWS_REGION", "garage"),
            ("S3_ACCESS_KEY", "GK0123456789"),
            ("S3_SECRET_KEY", "a-secret-that-nobody-sees"),
        ],
        &[],
    );
    let (report, content) = examined(&server);
    assert!(!content);
    let store = check(&report, "object store");
    assert_eq!(store["verdict"], "fail");
    let seen = store["seen"].as_str().unwrap();
    assert!(seen.contains(&endpoint["http://".len()..]), "{seen}");
    assert!(!seen.contains("not been read"), "{seen}");
    assert!(!report.to_string().contains("a-secret-that-nobody-sees"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_and_a_wrong_certificate_are_failures() {
    let wrong = Server::prepare(&[("STRONGROOM_CARE_TEAM", "all"), ("STRONGROOM_X", "1")], &[]);
    let (report, content) = examined(&wrong);
    let seen: Vec<_> = report["checks"].as_array().unwrap().iter().map(|c| &c["seen"]).collect();
    assert!(!content && seen.len() == 2, "{report}");

    let mut server = Server::prepare(&[], &[]);
    let nothing = server.home.path().join("none.pem").display().to_string();
    server.set("STRONGROOM_TLS_CERTIFICATE", nothing.clone());
    server.set("STRONGROOM_TLS_KEY", nothing);
    let (report, content) = examined(&server);
    assert!(!content);
    assert!(check(&report, "certificate")["seen"].as_str().unwrap().contains("none.pem"));
}

/// Where the pages of the server in [`examined_over`] come from.
const OWN_PAGES: &str = "http://127.0.0.1:9";

/// The report of a server whose bucket is the embedded S3 endpoint of another.
fn examined_over(bucket: &Server, origins: &str) -> Value {
    let s3 = S3::of(bucket);
    let variables = [
        ("AWS_S3_DOCUMENTS_BUCKET_NAME", s3.bucket.as_str()),
        ("AWS_REGION", &s3.region),
        ("AWS_ACCESS_KEY_ID", &s3.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &s3.secret_access_key),
        ("S3_ENDPOINT", &s3.endpoint),
        ("STRONGROOM_PUBLIC_URL", OWN_PAGES),
        ("STRONGROOM_ALLOWED_ORIGINS", origins),
    ];
    examined(&Server::prepare(&variables, &[])).0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_asked_as_a_browser_asks_before_it_uploads() {
    let origin = "https://app.example.com";
    let closed = Server::start(&[]).await;
    let report = examined_over(&closed, origin);
    let cors = check(&report, "CORS");
    assert!(cors["verdict"] == "fail" && report["verdict"] == "fail", "{report}");
    assert!(cors["seen"].as_str().unwrap().contains(origin), "{cors}");
    assert!(cors["do"].as_str().unwrap().contains("methods PUT, POST and GET"), "{cors}");

    // Strongroom's own pages upload, too, whether or not those of others do.
    let half = Server::start(&[("STRONGROOM_ALLOWED_ORIGINS", origin)]).await;
    for origins in [origin, ""] {
        let report = examined_over(&half, origins);
        let cors = check(&report, "CORS");
        assert_eq!(cors["verdict"], "fail", "{cors}");
        let refused = format!("{OWN_PAGES}: the preflight request is answered 403 Forbidden");
        assert_eq!(cors["seen"], refused, "{cors}");
    }

    let both = format!("{OWN_PAGES},{origin}");
    let open = Server::start(&[("STRONGROOM_ALLOWED_ORIGINS", &both)]).await;
    let report = examined_over(&open, origin);
    for name in ["object store", "versions", "createOnly", "sha256", "forms", "multipart", "CORS"] {
        assert_eq!(check(&report, name)["verdict"], "ok", "{report}");
    }
    assert_ne!(report["verdict"], "fail", "{report}");
}

/// The checks of a running server, told by itself.
async fn self_tested(server: &Server) -> Vec<Value> {
    let token = server.token("admin");
    let call = server.request(Method::POST, "/api/v2/aws/s3/test", &token);
    let answer = call.send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
    let second = server.request(Method::POST, "/api/v2/aws/s3/test", &token).send().await.unwrap();
    assert_eq!(second.status(), 409, "one at a time");
    let text = answer.text().await.unwrap();
    let checks: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (summary, before) = checks.split_last().unwrap();
    assert_eq!(summary["name"], "summary", "{checks:#?}");
    assert_eq!(summary["seen"], format!("{} checks were made", before.len()));
    checks
}

const ON_EVERY_STORE: [&str; 9] = [
    "upload and download",
    "metadata",
    "listing",
    "presigned upload and download",
    "expired URL",
    "expired download URL",
    "changed header",
    "large file in parts",
    "clean-up",
];

#[track_caller]
fn all_well(checks: &[Value], more: &[&str]) {
    for name in ON_EVERY_STORE.iter().chain(more) {
        let check = checks.iter().find(|check| check["name"] == *name);
        assert_eq!(check.unwrap_or_else(|| panic!("{name}"))["verdict"], "ok", "{checks:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_tries_its_own_store_and_leaves_nothing_in_it() {
    let clamd = shared();
    let scanner = [("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", clamd.as_str())];
    let server = Server::start(&scanner).await;
    let checks = self_tested(&server).await;
    let more = ["uploads", "versions", "encryption", "scanner", "malware detection", "public URL"];
    all_well(&checks, &more);
    let files = files(&server.store().join("objects"));
    assert!(files.is_empty(), "{files:?}");
    // Another one can be made, and the trail tells who made them.
    self_tested(&server).await;
    let trail =
        server.get(&server.token("admin"), "/api/audit?action=self_test.run&outcome=granted").await;
    assert_eq!(trail.expect(200).json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_tries_its_bucket_and_leaves_nothing_in_it() {
    let bucket = Account::garage().bucket().await;
    let mut variables = bucket.variables();
    variables.push(("STRONGROOM_ALLOWED_ORIGINS".into(), "https://app.example.com".into()));
    let variables: Vec<_> = variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let server = Server::start(&variables).await;
    let origins = ["https://app.example.com", &server.url];
    bucket.let_pages_in(&origins).await;
    let checks = self_tested(&server).await;
    let more =
        ["uploads", "credentials", "object store", "write", "multipart", "presignedPut", "CORS"];
    all_well(&checks, &more);
    assert_eq!(bucket.keys().await, Vec::<String>::new());

    // Pages that cannot read what the store answers cannot complete an upload in parts.
    bucket.let_pages_upload_blindly(&origins).await;
    let checks = self_tested(&server).await;
    let cors = checks.iter().find(|check| check["name"] == "CORS").unwrap();
    assert_eq!(cors["verdict"], "fail", "{cors}");
    for origin in origins {
        let blind = format!("{origin}: ETag is not exposed");
        assert!(cors["seen"].as_str().unwrap().contains(&blind), "{cors}");
    }
    assert_eq!(bucket.keys().await, Vec::<String>::new());
}
