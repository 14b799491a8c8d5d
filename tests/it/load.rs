//! Many uploads at once: the server holds a bounded piece of each, whatever their size.

use std::sync::Arc;
use std::time::Instant;

use reqwest::Body;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::process::{Read, SeededBody, Server, put, sha256};

const UPLOADS: u64 = 200;
const SIZE: u64 = 5_000_000;
/// What may be resident while they all flow. An upload holds two batches of 256 KiB and a sealed
/// one of the same size: 150 MiB if all 200 were at their fullest at once, and 50 MiB are there
/// before. 120 MiB were seen in debug. Held whole, the uploads alone would be 954 MiB.
const MOST: u64 = 256 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_uploads_at_once_stay_within_memory() {
    let server = Arc::new(Server::start(&[]).await);
    let token: Arc<str> = server.token("admin").into();
    let mut begun = Vec::new();
    for _ in 0..UPLOADS {
        begun.push(server.begin(&token, usize::try_from(SIZE).unwrap()).await);
    }
    let before = server.peak_memory();
    let start = Instant::now();
    let mut uploads = JoinSet::new();
    for (seed, begun) in (0..).zip(begun) {
        let server = Arc::clone(&server);
        uploads.spawn(async move {
            let (body, told) = SeededBody::new(seed, SIZE);
            Read::of(put(&server.http, &begun).body(Body::wrap(body)).send().await)
                .await
                .expect(200);
            let sha = told.lock().unwrap().clone().expect("the whole body was sent");
            (begun, sha)
        });
    }
    let uploaded = uploads.join_all().await;
    let (sent, peak) = (start.elapsed(), server.peak_memory());
    println!(
        "{UPLOADS} × {SIZE} bytes in {sent:?}; resident at most {} MiB ({} MiB before)",
        peak >> 20,
        before >> 20
    );
    assert!(peak < MOST, "{} MiB resident, {} allowed", peak >> 20, MOST >> 20);

    let few = Arc::new(Semaphore::new(8));
    let mut reads = JoinSet::new();
    for (number, (begun, sha)) in (0_u32..).zip(uploaded) {
        let (server, token, few) = (Arc::clone(&server), Arc::clone(&token), Arc::clone(&few));
        reads.spawn(async move {
            let _one = few.acquire().await.unwrap();
            let document = server.confirm(&token, &begun).await.expect(201).json();
            assert_eq!(document["sha256"], *sha, "stored is what was sent");
            if number.is_multiple_of(10) {
                let read = server.content(&token, &document).await.expect(200);
                assert!(read.whole && sha256(&read.body) == sha);
            }
        });
    }
    reads.join_all().await;
    let peak = server.peak_memory();
    assert!(peak < MOST, "after reading: {} MiB resident", peak >> 20);
}
