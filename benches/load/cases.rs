//! What is measured.

use std::cell::Cell;

use http::Method;
use serde_json::json;

use crate::Failure;
use crate::client::{Client, Payload, Source, Upload, path_of};
use crate::drive::{Bench, Measured, WARM_UP_SECONDS};
use crate::limits::Limits;
use crate::server::{DOCUMENTS, PATIENTS, document_id};

/// One figure of the table.
pub struct Case {
    /// For `--only`.
    pub name: &'static str,
    /// `/s`, or `MB/s` where bytes count.
    pub unit: &'static str,
    /// What to reach on a machine with two cores.
    pub goal: Option<f64>,
    /// The limit it is compared with, and its name.
    pub limit: fn(&Limits) -> (f64, &'static str),
}

const fn case(
    name: &'static str,
    unit: &'static str,
    goal: Option<f64>,
    limit: fn(&Limits) -> (f64, &'static str),
) -> Case {
    Case { name, unit, goal, limit }
}

const fn syncs(limits: &Limits) -> (f64, &'static str) {
    (limits.fdatasync, "fdatasync/s")
}

const fn sending(limits: &Limits) -> (f64, &'static str) {
    (limits.loopback, "MB/s loopback")
}

const fn hashing(limits: &Limits) -> (f64, &'static str) {
    (limits.sha256, "MB/s SHA-256")
}

const fn sealing(limits: &Limits) -> (f64, &'static str) {
    (limits.aes_gcm, "MB/s AES-GCM")
}

/// Every case, in the order they are run.
pub const CASES: &[Case] = &[
    case("healthz", "/s", None, syncs),
    case("presign-upload", "/s", Some(10_000.0), syncs),
    case("download-link", "/s", Some(10_000.0), syncs),
    case("list-page-of-50", "/s", None, syncs),
    case("list-page-of-1000", "/s", Some(1_500.0), syncs),
    case("whole-upload-100k", "/s", None, syncs),
    case("store-up-100k", "/s", Some(2_500.0), syncs),
    case("store-down-100k", "/s", None, syncs),
    case("store-up-4x100m", "MB/s", Some(1_000.0), hashing),
    case("store-down-4x100m", "MB/s", Some(1_900.0), sealing),
    case("content-down-4x100m", "MB/s", None, sending),
];

const SMALL: u64 = 100_000;
const LARGE: u64 = 100_000_000;
/// How many large transfers at once, and how many times.
const AT_ONCE: usize = 4;
const ROUNDS: usize = 5;
/// How many uploads a second are prepared for the measurement of small ones.
const PREPARED: u64 = 4_000;

/// Runs a case.
pub async fn run(bench: &Bench, name: &str) -> Result<Measured, Failure> {
    match name {
        "healthz" => {
            let call = async |c: &mut Client, _| c.call(Method::GET, "/healthz", None).await;
            bench.loops(async |c, n| Ok(Some(call(c, n).await?.len() as u64))).await
        }
        "presign-upload" => {
            bench.loops(async |c, _| announce(c, SMALL).await.map(|_| Some(0))).await
        }
        "download-link" => download_link(bench).await,
        "list-page-of-50" => list(bench, 50).await,
        "list-page-of-1000" => list(bench, 1000).await,
        "whole-upload-100k" => {
            let source = Source::new();
            let whole = async |c: &mut Client, n| upload(c, &source, SMALL, n).await;
            bench.loops(async |c, n| whole(c, bench.unique(n)).await.map(|_| Some(SMALL))).await
        }
        "store-up-100k" => up_small(bench).await,
        "store-down-100k" => down(bench, SMALL, 64, false).await,
        "store-up-4x100m" => up_large(bench).await,
        "store-down-4x100m" => down(bench, LARGE, AT_ONCE, false).await,
        "content-down-4x100m" => down(bench, LARGE, AT_ONCE, true).await,
        _ => Err(format!("there is no case {name}").into()),
    }
}

async fn download_link(bench: &Bench) -> Result<Measured, Failure> {
    let call = async |c: &mut Client, n: u64| -> Result<Option<u64>, Failure> {
        // A step that shares no factor with the number of documents meets them all.
        let number = u32::try_from(n * 7919 % u64::from(DOCUMENTS))? + 1;
        let path = format!("/api/docs/{}/download", document_id(number));
        c.call(Method::GET, &path, None).await.map(|_| Some(0))
    };
    bench.loops(call).await
}

async fn list(bench: &Bench, limit: u32) -> Result<Measured, Failure> {
    let call = async |c: &mut Client, n: u64| -> Result<Option<u64>, Failure> {
        let patient = n % u64::from(PATIENTS);
        let path = format!("/api/docs?patientId=test-patient-{patient}&limit={limit}");
        let answer = c.call(Method::GET, &path, None).await?;
        Ok(Some(answer.len() as u64))
    };
    bench.loops(call).await
}

async fn announce(client: &mut Client, size: u64) -> Result<Upload, Failure> {
    let asked = json!({
        "patientId": "test-patient-one", "filename": "letter.pdf",
        "contentType": "application/pdf", "size": size, "category": "medical-records",
    });
    let answer = client.json(Method::POST, "/api/docs/presign-upload", Some(&asked)).await?;
    Upload::read(&answer)
}

async fn confirm(client: &mut Client, id: &str) -> Result<(), Failure> {
    let asked = json!({ "id": id });
    client.call(Method::POST, "/api/docs/confirm", Some(&asked)).await?;
    Ok(())
}

/// Presign, PUT, confirm: one document, complete.
async fn upload(
    client: &mut Client,
    source: &Source,
    size: u64,
    n: u64,
) -> Result<String, Failure> {
    let upload = announce(client, size).await?;
    client.put(&upload, Payload::stamped(source, size, n)).await?;
    confirm(client, &upload.id).await?;
    Ok(upload.id)
}

/// Announces many uploads, over all connections at once.
async fn announced(bench: &Bench, size: u64, count: usize) -> Result<Vec<Upload>, Failure> {
    let made = Cell::new(Vec::with_capacity(count));
    let more = async |c: &mut Client, _| {
        let one = announce(c, size).await?;
        let mut all = made.take();
        all.push(one);
        let on = all.len() < count;
        made.set(all);
        Ok(on.then_some(0))
    };
    bench.until_done(more).await?;
    Ok(made.into_inner())
}

async fn up_small(bench: &Bench) -> Result<Measured, Failure> {
    let count = usize::try_from(PREPARED * (bench.seconds + WARM_UP_SECONDS))?;
    let uploads = announced(bench, SMALL, count).await?;
    let source = Source::new();
    let put = async |c: &mut Client, n: u64| -> Result<Option<u64>, Failure> {
        let Some(upload) = uploads.get(usize::try_from(n)?) else { return Ok(None) };
        c.put(upload, Payload::stamped(&source, SMALL, bench.unique(n))).await?;
        Ok(Some(SMALL))
    };
    bench.loops(put).await
}

async fn up_large(bench: &Bench) -> Result<Measured, Failure> {
    let uploads = announced(bench, LARGE, AT_ONCE * (ROUNDS + 1) + bench.connections).await?;
    let source = Source::new();
    let put = async |c: &mut Client, n: u64| -> Result<Option<u64>, Failure> {
        let upload = uploads.get(usize::try_from(n)?).ok_or("too few uploads")?;
        c.put(upload, Payload::stamped(&source, LARGE, bench.unique(n))).await?;
        Ok(Some(LARGE))
    };
    bench.rounds(AT_ONCE, ROUNDS, put).await
}

/// Downloads by presigned link, or through the API.
async fn down(
    bench: &Bench,
    size: u64,
    documents: usize,
    through: bool,
) -> Result<Measured, Failure> {
    let source = Source::new();
    let mut paths = Vec::with_capacity(documents);
    let mut client = bench.client().await?;
    for n in 0..documents as u64 {
        let id = client.with(async |c| upload(c, &source, size, bench.unique(n)).await).await?;
        let path = format!("/api/docs/{id}/download");
        let link = client.with(async |c| c.json(Method::GET, &path, None).await).await?;
        let content = format!("/api/docs/{id}/content");
        paths.push(if through { content } else { path_of(&link["url"])? });
    }
    let get = async |c: &mut Client, n: u64| -> Result<Option<u64>, Failure> {
        let path = &paths[usize::try_from(n)? % paths.len()];
        let bytes = if through { c.fetch_as_caller(path).await? } else { c.fetch(path).await? };
        if bytes == size { Ok(Some(bytes)) } else { Err(format!("{bytes} bytes came").into()) }
    };
    if size == LARGE { bench.rounds(AT_ONCE, ROUNDS, get).await } else { bench.loops(get).await }
}
