//! A real store behind a network that fails in every way there is: nothing is wrong because of
//! it, nothing waits for ever, and what could be hidden by trying again is.

use std::time::{Duration, Instant};

use http::Method;
use serde_json::json;
use strongroom::store::{ByteRange, PartialUpload, Size, StoreError, UploadedPart};
use tokio::task::JoinSet;

use crate::conformance::{Ground, MIB, MINUTE, bytes, exactly, key, now, object, pieces};
use crate::faulty_proxy::{Fault, Proxy};
use crate::garage::Account;
use crate::process::{Seeded, seed};
use crate::support::{TestApp, pdf};

/// The most that anything may take against a store that never answers: three attempts of 20
/// seconds each, the pauses between them, and the machine's own slowness.
const BOUND: Duration = Duration::from_secs(80);

impl Ground {
    fn network(&self) -> &Proxy {
        self.proxy.as_ref().unwrap()
    }

    /// An upload with one part that is there, made while nothing fails.
    async fn one_part(&self, name: &str, data: &[u8]) -> (PartialUpload, UploadedPart) {
        let upload = self.store.begin_parts(&object(name)).await.unwrap();
        let size = data.len() as u64;
        let request = self.store.presign_part(&upload, 1, Some(size), MINUTE, now()).unwrap();
        let sent = self.send(&request, data).await.expect(200);
        let etag = sent.headers["etag"].to_str().unwrap().trim_matches('"').to_owned();
        (upload, UploadedPart { number: 1, size, etag })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_busy_for_a_moment_is_not_noticed() {
    let g = Ground::garage_behind_proxy().await;
    let (small, large) = (bytes(1, 50_000), bytes(2, 12 * MIB));
    for status in [503, 500] {
        let busy = || g.network().next(2, Fault::Answer(status));
        busy();
        let put = g.put("small", &small).await;
        busy();
        g.put("large", &large).await;
        busy();
        assert_eq!(g.store.head(&key("small"), None).await.unwrap().size, 50_000);
        busy();
        assert!(g.read("large", None, None).await.unwrap() == large);
        busy();
        g.store.copy(&key("small"), &put.etag, &object("copy")).await.unwrap();
        busy();
        let upload = g.store.begin_parts(&object("parts")).await.unwrap();
        busy();
        assert_eq!(g.store.parts(&upload).await.unwrap(), []);
        busy();
        g.store.abort_parts(&upload).await.unwrap();
        let (upload, part) = g.one_part("parts", &small).await;
        busy();
        g.store.complete_parts(&upload, &[part]).await.unwrap();
        busy();
        g.store.purge(&key("small")).await.unwrap();
        g.network().always(Fault::None);
        g.expect_nothing("small").await;
        for name in ["large", "copy", "parts"] {
            g.store.purge(&key(name)).await.unwrap();
        }
        assert_eq!(g.bucket.keys().await, Vec::<String>::new());
        g.no_upload_is_left().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_fails_leaves_nothing() {
    let g = Ground::garage_behind_proxy().await;
    for (size, fault) in [
        (50_000, Fault::Answer(503)),
        (50_000, Fault::Answer(500)),
        (50_000, Fault::CutRequest(20_000)),
        (12 * MIB, Fault::Answer(503)),
        (12 * MIB, Fault::CutRequest(1_000_000)),
    ] {
        // Only the bytes: to begin and to abort gets through.
        g.network().plan(move |request| match request.method {
            Method::PUT => fault,
            _ => Fault::None,
        });
        let data = bytes(3, size);
        let put = g.store.put(&object("failed"), Size::Exactly(size as u64), pieces(&data)).await;
        assert!(put.is_err(), "{size} {fault:?}");
        g.expect_nothing("failed").await;
        g.no_upload_is_left().await;
    }
    // Where nothing can be completed, nothing is.
    g.network().plan(|request| {
        let complete = request.method == Method::POST
            && request.uri.query().is_some_and(|query| query.contains("uploadId"));
        if complete { Fault::Answer(503) } else { Fault::None }
    });
    let data = bytes(4, 12 * MIB);
    assert!(g.store.put(&object("failed"), exactly(&data), pieces(&data)).await.is_err());
    g.expect_nothing("failed").await;
    g.no_upload_is_left().await;
}

/// What was done and whose answer was lost is done; to do it again does no harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_answer_is_lost_is_done_once() {
    let g = Ground::garage_behind_proxy().await;
    let (small, large) = (bytes(5, 50_000), bytes(6, 12 * MIB));
    let lose = |method: Method| {
        let mut lost = false;
        g.network().plan(move |request| {
            let hit = !lost && request.method == method && request.uri.query() != Some("uploads");
            lost |= hit;
            if hit { Fault::LoseAnswer } else { Fault::None }
        });
    };
    lose(Method::PUT);
    let put = g.put("small", &small).await;
    assert!(g.read("small", None, None).await.unwrap() == small);
    lose(Method::POST);
    g.put("large", &large).await;
    assert!(g.read("large", None, None).await.unwrap() == large);
    lose(Method::PUT);
    g.store.copy(&key("small"), &put.etag, &object("copy")).await.unwrap();
    assert!(g.read("copy", None, None).await.unwrap() == small);
    let (upload, part) = g.one_part("parts", &small).await;
    lose(Method::POST);
    let done = g.store.complete_parts(&upload, &[part]).await;
    assert!(matches!(done, Ok(()) | Err(StoreError::NotFound)), "{done:?}");
    assert!(g.read("parts", None, None).await.unwrap() == small);
    let (upload, _) = g.one_part("aborted", &small).await;
    lose(Method::DELETE);
    g.store.abort_parts(&upload).await.unwrap();
    for name in ["small", "large", "copy", "parts"] {
        lose(Method::DELETE);
        g.store.purge(&key(name)).await.unwrap();
        g.expect_nothing(name).await;
    }
    g.no_upload_is_left().await;
}

/// No attempt's answer arrives: the caller hears of a failure, and what is there is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_of_which_nothing_is_heard_is_there_whole_or_not_at_all() {
    let g = Ground::garage_behind_proxy().await;
    for (name, size) in [("small", 50_000), ("large", 12 * MIB)] {
        g.network().plan(|request| match request.method {
            Method::PUT | Method::POST => Fault::LoseAnswer,
            _ => Fault::None,
        });
        let data = bytes(7, size);
        let put = g.store.put(&object(name), Size::Exactly(size as u64), pieces(&data)).await;
        assert!(put.is_err(), "{put:?}");
        g.network().always(Fault::None);
        match g.read(name, None, None).await {
            Ok(read) => assert!(read == data, "{name}: other bytes"),
            Err(e) => assert!(matches!(e, StoreError::NotFound), "{e:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_arrives_twice_does_no_harm() {
    let g = Ground::garage_behind_proxy().await;
    let (small, large) = (bytes(8, 50_000), bytes(9, 12 * MIB));
    g.network().plan(|request| {
        // A second upload in parts would be nobody's.
        let begins = request.uri.query().is_some_and(|query| query.starts_with("uploads"));
        if begins { Fault::None } else { Fault::Twice }
    });
    let put = g.put("small", &small).await;
    g.put("large", &large).await;
    g.store.copy(&key("small"), &put.etag, &object("copy")).await.unwrap();
    assert!(g.read("small", None, None).await.unwrap() == small);
    assert!(g.read("large", None, None).await.unwrap() == large);
    assert!(g.read("copy", None, None).await.unwrap() == small);
    let (upload, part) = g.one_part("parts", &small).await;
    let done = g.store.complete_parts(&upload, &[part]).await;
    assert!(matches!(done, Ok(()) | Err(StoreError::NotFound)), "{done:?}");
    assert!(g.read("parts", None, None).await.unwrap() == small);
    let (upload, _) = g.one_part("aborted", &small).await;
    g.store.abort_parts(&upload).await.unwrap();
    for name in ["small", "large", "copy", "parts"] {
        g.store.purge(&key(name)).await.unwrap();
        g.expect_nothing(name).await;
    }
    g.no_upload_is_left().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_at_any_byte_is_never_taken_for_whole() {
    let g = Ground::garage_behind_proxy().await;
    let seed = seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut random = Seeded(seed);
    let data = bytes(10, 9 * MIB);
    let size = data.len() as u64;
    g.put("cut", &data).await;
    let mut edges = vec![0, 1, size - 1];
    edges.extend((0..12).map(|_| random.between(1, size)));
    for after in edges {
        g.network().always(Fault::CutAnswer(after));
        let read = g.read("cut", None, None).await;
        assert!(read.is_err(), "cut after {after} and taken for whole");
        let range = Some(ByteRange::Inclusive(100, size - 1));
        let after = after.min(size - 200);
        g.network().always(Fault::CutAnswer(after));
        let read = g.read("cut", None, range).await;
        assert!(read.is_err(), "a range cut after {after} and taken for whole");
    }
    g.network().always(Fault::None);
    assert!(g.read("cut", None, None).await.unwrap() == data);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_is_cut_at_any_byte_is_sent_again_or_leaves_nothing() {
    let g = Ground::garage_behind_proxy().await;
    let seed = seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut random = Seeded(seed);
    for size in [100_000, 9 * MIB] {
        let data = bytes(11, size);
        for round in 0..6 {
            let name = format!("{size}-{round}");
            let after = random.between(0, data.len().min(4 * MIB) as u64);
            let once = round % 2 == 0;
            let mut hit = false;
            g.network().plan(move |request| {
                let cut = request.method == Method::PUT && !(once && hit);
                hit |= cut;
                if cut { Fault::CutRequest(after) } else { Fault::None }
            });
            let put = g.store.put(&object(&name), Size::Exactly(size as u64), pieces(&data)).await;
            g.network().always(Fault::None);
            if once {
                put.unwrap_or_else(|e| panic!("{name} cut once after {after}: {e:?}"));
                assert!(g.read(&name, None, None).await.unwrap() == data);
            } else {
                assert!(put.is_err(), "{name} always cut after {after}");
                g.expect_nothing(&name).await;
            }
        }
    }
    g.no_upload_is_left().await;
}

/// The memory of this process that is resident now, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// Many calls at once, none of which can succeed: how long the slowest took.
async fn all_fail(g: &Ground, calls: usize) -> Duration {
    let start = Instant::now();
    let mut all = JoinSet::new();
    for number in 0..calls {
        let store = g.store.clone();
        all.spawn(async move {
            let (name, data) = (format!("dead/{number}"), bytes(12, 100_000));
            match number % 3 {
                0 => store.head(&key(&name), None).await.err(),
                1 => store.get(&key(&name), None, None).await.err(),
                _ => store.put(&object(&name), Size::Exactly(100_000), pieces(&data)).await.err(),
            }
        });
    }
    while let Some(done) = all.join_next().await {
        let error = done.unwrap().expect("no call can succeed");
        let fits = matches!(error, StoreError::Unavailable(_) | StoreError::Unusable(_));
        assert!(fits, "{error:?}");
    }
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_at_a_dead_store_are_all_answered_soon() {
    let g = Ground::garage_behind_proxy().await;
    g.put("alive", b"some bytes").await;
    let before = resident();
    g.network().go().await;
    let took = all_fail(&g, 200).await;
    let grown = resident().saturating_sub(before) >> 20;
    println!("refused connections: 200 calls answered in {took:?}, {grown} MiB more resident");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(grown < 64, "{grown} MiB");
    // It comes back without being opened anew.
    g.network().come_back();
    let start = Instant::now();
    g.usable().await;
    assert_eq!(g.read("alive", None, None).await.unwrap(), b"some bytes");
    println!("usable again after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_waits_for_ever() {
    let (mute, stalled) =
        (Ground::garage_behind_proxy().await, Ground::garage_behind_proxy().await);
    let data = bytes(13, 4 * MIB);
    stalled.put("stalled", &data).await;
    mute.network().always(Fault::Silence);
    stalled.network().always(Fault::StallAnswer(1_000_000));
    let before = resident();
    let read = async {
        let start = Instant::now();
        let read = stalled.read("stalled", None, None).await;
        assert!(read.is_err(), "a body that stands still was taken for whole");
        start.elapsed()
    };
    let (calls, read) = tokio::join!(all_fail(&mute, 200), read);
    let grown = resident().saturating_sub(before) >> 20;
    println!("silence: 200 calls answered in {calls:?}, {grown} MiB more resident");
    println!("a body that stands still: given up after {read:?}");
    assert!(calls < BOUND && read < BOUND);
    assert!(grown < 96, "{grown} MiB");
    mute.network().always(Fault::None);
    mute.usable().await;
    mute.put("again", b"some bytes").await;
}

/// What is signed is signed here: presigning and links, single and in parts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_asks_the_store_nothing() {
    let bucket = Account::garage().bucket().await;
    let proxy = Proxy::before(&bucket.account.endpoint).await;
    let app = TestApp::in_bucket(bucket.through(&proxy.url()), &[]).await;
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let link = format!("/api/docs/{}/download", document["id"].as_str().unwrap());
    let big = json!({
        "patientId": "patient-1", "filename": "ct.dcm", "contentType": "application/dicom",
        "size": 100_000_000,
    });
    let parts = app.post(&admin, "/api/docs/multipart", big).await.expect(201).json();
    let sign = format!("/api/docs/multipart/{}/parts", parts["uploadId"].as_str().unwrap());
    let (before, _) = proxy.counts();
    for _ in 0..50 {
        let asked = pdf().asked("patient-1");
        app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201);
        app.get(&admin, &link).await.expect(200);
        app.post(&admin, &sign, json!({ "partNumbers": [1, 2, 3] })).await.expect(200);
    }
    let (after, _) = proxy.counts();
    // The watch may have looked at the bucket meanwhile.
    assert!(after - before <= 3, "150 calls asked the store {} times", after - before);
    app.leave().await;
}
