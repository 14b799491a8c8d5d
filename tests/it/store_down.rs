//! The real server while somebody else's store is killed, cut off, busy or slow: no wrong byte, no
//! confirmed document lost, a reason instead of a guess, and no restart needed afterwards.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt as _;
use reqwest::{Body, Method};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::faulty_proxy::{Fault, Proxy};
use crate::garage::{Account, Bucket, Node};
use crate::process::{PATIENCE, PAUSE, Read, Seeded, Server, asked, put, seed};

/// A server over a bucket, and what its clients were told is safe: a document's id and what its
/// bytes grow from.
struct Room {
    server: Server,
    token: String,
    told: Mutex<HashMap<String, (u64, usize)>>,
    tries: AtomicU64,
    over: AtomicBool,
}

impl Room {
    async fn over(bucket: &Bucket) -> Arc<Self> {
        let variables = bucket.variables();
        let variables: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let server = Server::start(&variables).await;
        let token = server.token("admin");
        let told = Mutex::default();
        Arc::new(Self { server, token, told, tries: AtomicU64::new(0), over: false.into() })
    }

    /// One upload, by URL or through the server. Whatever fails, it fails with a word.
    async fn upload(&self, seed: u64, size: usize) {
        let server = &self.server;
        let path = "/api/docs/presign-upload";
        let begun = server.post(&self.token, path, &asked(size as u64)).await;
        if begun.status != 201 {
            return expect_refusal(&begun);
        }
        let begun = begun.json();
        let bytes = Seeded(seed).pdf(size);
        let confirmed = if seed.is_multiple_of(2) {
            let sent = put(&server.http, &begun).body(bytes).send().await;
            if !sent.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            server.confirm(&self.token, &begun).await
        } else {
            self.send(&begun, bytes).await
        };
        if [200, 201].contains(&confirmed.status) {
            let id = confirmed.json()["id"].as_str().unwrap().to_owned();
            self.told.lock().unwrap().insert(id, (seed, size));
        } else {
            expect_refusal(&confirmed);
        }
    }

    /// The bytes of what was begun, through the server.
    async fn send(&self, begun: &Value, body: impl Into<Body>) -> Read {
        let path = format!("/api/docs/{}/content", begun["id"].as_str().unwrap());
        let request = self.server.request(Method::PUT, &path, &self.token);
        Read::of(request.body(body).send().await).await
    }

    /// Reads a document; whether it came whole. What came of it is right in any case.
    async fn read(&self, id: &str) -> bool {
        let (seed, size) = self.told.lock().unwrap()[id];
        let path = format!("/api/docs/{id}/content");
        let sent = self.server.request(Method::GET, &path, &self.token).send().await;
        let read = Read::or_cut(sent).await;
        if read.status != 200 {
            if read.status != 0 {
                expect_refusal(&read);
            }
            return false;
        }
        let bytes = Seeded(seed).pdf(size);
        assert!(bytes.starts_with(&read.body), "wrong bytes of {id}");
        assert!(!read.whole || read.body.len() == size, "{id} is short and was called whole");
        read.whole
    }

    /// Every document that somebody was told of is there, whole.
    async fn check(&self) {
        let ids: Vec<_> = self.told.lock().unwrap().keys().cloned().collect();
        for id in &ids {
            assert!(self.read(id).await, "{id} was confirmed and cannot be read");
        }
        assert!(!ids.is_empty(), "nothing was confirmed");
    }

    /// Uploads and downloads until it is over.
    async fn work(self: Arc<Self>, mut random: Seeded) {
        while !self.over.load(Ordering::Relaxed) {
            let size = random.between(400, 400_000);
            let size = if random.next().is_multiple_of(8) { size * 30 } else { size };
            self.upload(random.next(), usize::try_from(size).unwrap()).await;
            let some = {
                let told = self.told.lock().unwrap();
                let nth = random.between(0, told.len().max(1) as u64);
                told.keys().nth(usize::try_from(nth).unwrap()).cloned()
            };
            if let Some(id) = some {
                self.read(&id).await;
            }
            self.tries.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn begin_work(self: &Arc<Self>, random: &mut Seeded) -> JoinSet<()> {
        self.over.store(false, Ordering::Relaxed);
        let mut all = JoinSet::new();
        for _ in 0..4 {
            all.spawn(Arc::clone(self).work(Seeded(random.next())));
        }
        all
    }

    async fn end_work(&self, mut all: JoinSet<()>) {
        self.over.store(true, Ordering::Relaxed);
        while let Some(done) = all.join_next().await {
            done.unwrap();
        }
    }

    /// Waits until so many uploads were tried since now.
    async fn tried(&self, more: u64) {
        let goal = self.tries.load(Ordering::Relaxed) + more;
        let deadline = Instant::now() + 3 * PATIENCE;
        while self.tries.load(Ordering::Relaxed) < goal {
            assert!(Instant::now() < deadline, "nothing moves any more");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Asks for an upload again and again until it is answered so; how long that took.
    async fn until_presign(&self, status: u16) -> (Duration, Value) {
        let start = Instant::now();
        loop {
            let path = "/api/docs/presign-upload";
            let answer = self.server.post(&self.token, path, &asked(10)).await;
            if answer.status == status {
                return (start.elapsed(), answer.json());
            }
            assert!(start.elapsed() < PATIENCE, "{} {}", answer.status, answer.json());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The trail tells of calls that failed because of the store.
    async fn trail_tells(&self) {
        let path = "/api/audit?outcome=failed&limit=1000";
        let page = self.server.get(&self.token, path).await.expect(200).json();
        let events = page["items"].as_array().unwrap();
        let told = events.iter().filter(|event| event["code"] == "store_unavailable").count();
        assert!(told > 0, "no event tells of it: {events:?}");
    }
}

/// It says what is the matter, in words of the table.
#[track_caller]
fn expect_refusal(answer: &Read) {
    let code = answer.code();
    let known = ["store_unavailable", "upload_missing", "unavailable"];
    assert!(known.contains(&code.as_str()), "{} {}", answer.status, answer.json());
    assert!(!answer.json()["detail"].as_str().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_killed_under_load_costs_no_confirmed_document() {
    let seed = seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut random = Seeded(seed);
    let mut node = Node::start().await;
    let room = Room::over(&node.account.bucket().await).await;
    for round in 0..2 {
        let work = room.begin_work(&mut random);
        room.tried(random.between(4, 20)).await;
        node.kill();
        let (took, refused) = room.until_presign(503).await;
        assert_eq!(refused["code"], "store_unavailable");
        let reason = refused["detail"].as_str().unwrap();
        println!("round {round}: refused after {took:?}: {reason}");
        // An operator can tell from it what to look at.
        assert!(reason.contains("127.0.0.1"), "{reason}");
        // Whoever else calls is not told where it lies.
        let staff = room.server.token("staff");
        let refused = room.server.post(&staff, "/api/docs/presign-upload", &asked(10)).await;
        let (status, refused) = (refused.status, refused.json());
        assert!(status != 503 || !refused.to_string().contains("127.0.0.1"), "{refused}");
        assert_eq!(refused["detail"], "The object store cannot be used now.");
        room.end_work(work).await;
        node.restart().await;
        let (took, _) = room.until_presign(201).await;
        println!("round {round}: usable {took:?} after the store was back");
        room.check().await;
    }
    room.trail_tells().await;
    println!("{} documents", room.told.lock().unwrap().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_download_that_the_store_breaks_off_is_broken_off_and_not_called_whole() {
    let mut node = Node::start().await;
    let room = Room::over(&node.account.bucket().await).await;
    let size = 20_000_000;
    room.upload(1, size).await;
    let id = room.told.lock().unwrap().keys().next().unwrap().clone();
    let path = format!("/api/docs/{id}/content");
    let request = room.server.request(Method::GET, &path, &room.token);
    let mut answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut came = answer.chunk().await.unwrap().unwrap().to_vec();
    node.kill();
    let whole = loop {
        match answer.chunk().await {
            Ok(Some(bytes)) => came.extend_from_slice(&bytes),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    assert!(!whole && came.len() < size, "{} bytes, whole: {whole}", came.len());
    assert!(Seeded(1).pdf(size).starts_with(&came), "wrong bytes");
    node.restart().await;
    room.until_presign(201).await;
    room.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_the_store_breaks_off_can_be_sent_again() {
    let mut node = Node::start().await;
    let room = Room::over(&node.account.bucket().await).await;
    let size = 20_000_000;
    let begun = room.server.begin(&room.token, size).await;
    let bytes = Seeded(2).pdf(size);
    // The second half waits until the store is gone.
    let (gone, wait) = tokio::sync::oneshot::channel::<()>();
    let (first, second) = bytes.split_at(size / 2);
    let (first, second) = (Bytes::copy_from_slice(first), Bytes::copy_from_slice(second));
    let pieces = futures::stream::iter([Ok::<_, std::io::Error>(first)]).chain(
        futures::stream::once(async move {
            let _ = wait.await;
            Ok(second)
        }),
    );
    let path = format!("/api/docs/{}/content", begun["id"].as_str().unwrap());
    let request = room.server.request(Method::PUT, &path, &room.token);
    let request = request.header("content-length", size).body(Body::wrap_stream(pieces));
    let sending = tokio::spawn(request.send());
    node.kill();
    let _ = gone.send(());
    let answer = Read::of(sending.await.unwrap()).await;
    assert_eq!(answer.status, 503, "{}", answer.json());
    assert_eq!(answer.code(), "store_unavailable");
    room.server.get(&room.token, &path).await.expect(409);
    node.restart().await;
    room.until_presign(201).await;
    let document = room.send(&begun, bytes).await.expect(201).json();
    let id = document["id"].as_str().unwrap().to_owned();
    room.told.lock().unwrap().insert(id, (2, size));
    room.check().await;
    room.trail_tells().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_fails_in_every_way_brings_no_wrong_byte() {
    let seed = seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut random = Seeded(seed);
    let account = Account::garage();
    let proxy = Proxy::before(&account.endpoint).await;
    let bucket = account.bucket().await.through(&proxy.url());
    let room = Room::over(&bucket).await;
    let mut faults = Seeded(random.next());
    proxy.plan(move |_| match faults.between(0, 24) {
        0 => Fault::Answer(503),
        1 => Fault::Answer(500),
        2 => Fault::CutRequest(faults.between(0, 400_000)),
        3 => Fault::CutAnswer(faults.between(0, 400_000)),
        4 => Fault::LoseAnswer,
        5 => Fault::Delay(Duration::from_millis(faults.between(1, 300))),
        _ => Fault::None,
    });
    let work = room.begin_work(&mut random);
    room.tried(60).await;
    room.end_work(work).await;
    let (requests, failed) = proxy.counts();
    println!("{failed} of {requests} requests went wrong");
    assert!(failed > 10, "too few to tell anything");
    proxy.always(Fault::None);
    room.until_presign(201).await;
    room.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_overloaded_for_a_while_is_waited_for() {
    let account = Account::garage();
    let proxy = Proxy::before(&account.endpoint).await;
    let room = Room::over(&account.bucket().await.through(&proxy.url())).await;
    room.upload(2, 100_000).await;
    room.upload(3, 100_000).await;
    let begun = room.server.begin(&room.token, 100_000).await;
    let id = room.told.lock().unwrap().keys().next().unwrap().clone();
    for fault in [Fault::Answer(503), Fault::Answer(500)] {
        proxy.always(fault);
        // Each call is answered, and says why.
        let path = format!("/api/docs/{id}/content");
        let read = room.server.get(&room.token, &path).await;
        assert_eq!((read.status, read.code().as_str()), (503, "store_unavailable"));
        let confirmed = room.server.confirm(&room.token, &begun).await;
        assert_eq!((confirmed.status, confirmed.code().as_str()), (503, "store_unavailable"));
        proxy.always(Fault::None);
        room.until_presign(201).await;
        room.check().await;
    }
    // Nobody took the upload for missing or wrong meanwhile.
    let bytes = Seeded(4).pdf(100_000);
    put(&room.server.http, &begun).body(bytes).send().await.unwrap();
    room.server.confirm(&room.token, &begun).await.expect(201);
    room.trail_tells().await;
}
