//! Four large files at once through the server, to and from somebody else's store: memory stays
//! bounded, and the figures stand beside those of a plain client of the same store.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{Context, SHA256};
use reqwest::{Body, Method};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::garage::{Account, Bucket, Node};
use crate::process::{Read, Seeded, SeededBody, Server};
use crate::support::form_of;

const FILES: u64 = 4;
const SIZE: u64 = 100_000_000;
/// What may be resident in a build without optimisation; 100 MiB are allowed in a release build.
const MOST: u64 = if cfg!(debug_assertions) { 160 << 20 } else { 100 << 20 };

fn rate(took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "megabytes are shown without decimals")]
    let megabytes = (FILES * SIZE / 1_000_000) as f64;
    megabytes / took.as_secs_f64()
}

async fn upload(server: &Server, token: &str, seed: u64) -> (Value, String) {
    let begun = server.begin(token, usize::try_from(SIZE).unwrap()).await;
    let (body, told) = SeededBody::new(seed, SIZE);
    let path = format!("/api/docs/{}/content", begun["id"].as_str().unwrap());
    let request = server.request(Method::PUT, &path, token).body(Body::wrap(body));
    let document = Read::of(request.send().await).await.expect(201).json();
    let sha = told.lock().unwrap().clone().expect("the whole body was sent");
    assert_eq!(document["sha256"], *sha);
    (document, sha)
}

async fn download(server: &Server, token: &str, document: &Value) -> String {
    let path = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
    let mut answer = server.request(Method::GET, &path, token).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let (mut sum, mut size) = (Context::new(&SHA256), 0);
    while let Some(bytes) = answer.chunk().await.unwrap() {
        sum.update(&bytes);
        size += bytes.len() as u64;
    }
    assert_eq!(size, SIZE);
    hex::encode(sum.finish())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_large_files_at_once_pass_through_bounded_memory() {
    let node = Node::start().await;
    let bucket = node.account.bucket().await;
    let mut variables = bucket.variables();
    variables.push(("STRONGROOM_MAX_DOCUMENT".to_owned(), SIZE.to_string()));
    let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let server = Arc::new(Server::start(&variables).await);
    let token: Arc<str> = server.token("admin").into();
    let start = Instant::now();
    let mut uploads = JoinSet::new();
    for seed in 0..FILES {
        let (server, token) = (Arc::clone(&server), Arc::clone(&token));
        uploads.spawn(async move { upload(&server, &token, seed).await });
    }
    let uploaded = uploads.join_all().await;
    let up = start.elapsed();
    let peak_up = server.peak_memory();
    let start = Instant::now();
    let mut downloads = JoinSet::new();
    for (document, sha) in uploaded {
        let (server, token) = (Arc::clone(&server), Arc::clone(&token));
        downloads.spawn(async move {
            assert_eq!(download(&server, &token, &document).await, sha, "other bytes");
        });
    }
    downloads.join_all().await;
    let down = start.elapsed();
    let peak = server.peak_memory();
    println!(
        "through the server: up {:.0} MB/s, down {:.0} MB/s; resident at most {} MiB after the \
         uploads, {} MiB after the downloads",
        rate(up),
        rate(down),
        peak_up >> 20,
        peak >> 20
    );
    beside(&node.account).await;
    assert!(peak < MOST, "{} MiB resident, {} allowed", peak >> 20, MOST >> 20);
}

/// The same amount by rclone, to the same store.
async fn beside(account: &Account) {
    let bucket = account.bucket().await;
    let folder = TempDir::new().unwrap();
    let (there, back) = (folder.path().join("there"), folder.path().join("back"));
    std::fs::create_dir(&there).unwrap();
    for seed in 0..FILES {
        let bytes = crate::process::Seeded(100 + seed).pdf(usize::try_from(SIZE).unwrap());
        std::fs::write(there.join(format!("{seed}.pdf")), bytes).unwrap();
    }
    let remote = format!("garage:{}", bucket.name);
    let up = rclone(&bucket, &[there.to_str().unwrap(), &remote]);
    let down = rclone(&bucket, &[&remote, back.to_str().unwrap()]);
    println!("rclone: up {:.0} MB/s, down (to disk) {:.0} MB/s", rate(up), rate(down));
}

fn rclone(bucket: &Bucket, from_to: &[&str]) -> Duration {
    let start = Instant::now();
    let mut command = Command::new("rclone");
    command.args(["copy", "--transfers", "4", "--config", "/dev/null"]).args(from_to);
    command.envs([
        ("RCLONE_CONFIG_GARAGE_TYPE", "s3"),
        ("RCLONE_CONFIG_GARAGE_PROVIDER", "Other"),
        ("RCLONE_CONFIG_GARAGE_ENDPOINT", &bucket.account.endpoint),
        ("RCLONE_CONFIG_GARAGE_REGION", &bucket.account.region),
        ("RCLONE_CONFIG_GARAGE_ACCESS_KEY_ID", &bucket.account.id),
        ("RCLONE_CONFIG_GARAGE_SECRET_ACCESS_KEY", &bucket.account.secret),
        ("RCLONE_CONFIG_GARAGE_NO_CHECK_BUCKET", "true"),
    ]);
    // A list of authorities for other programs, which this one does not take.
    command.env_remove("AWS_CA_BUNDLE");
    let done = command.output().unwrap();
    assert!(done.status.success(), "rclone: {}", String::from_utf8_lossy(&done.stderr));
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_forms_at_once_pass_through_bounded_memory() {
    const FORMS: usize = 12;
    let node = Node::start().await;
    let bucket = node.account.bucket().await;
    let variables = bucket.variables();
    let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let server = Arc::new(Server::start(&variables).await);
    let token: Arc<str> = server.token("admin").into();
    let file = Seeded(3).dicom(20_000_000);
    let (kind, form) =
        form_of(&[], ("ct.dcm", "application/dicom"), &file, &[("category", "imaging")]);
    let form = bytes::Bytes::from(form);
    let mut uploads = JoinSet::new();
    for _ in 0..FORMS {
        let (server, token, form) = (Arc::clone(&server), Arc::clone(&token), form.clone());
        uploads.spawn(async move {
            let path = "/api/patients/patient-1/records";
            let request = server.request(Method::POST, path, &token);
            let request = request.header("content-type", kind).body(form);
            Read::of(request.send().await).await.expect(201).json()
        });
    }
    for document in uploads.join_all().await {
        assert_eq!(document["size"], file.len());
    }
    let peak = server.peak_memory();
    println!("{FORMS} forms of {} bytes: resident at most {} MiB", file.len(), peak >> 20);
    assert!(peak < MOST, "{} MiB resident, {} allowed", peak >> 20, MOST >> 20);
}
