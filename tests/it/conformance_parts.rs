//! Every store: uploads in parts.

use strongroom::store::{PartialUpload, StoreError, UploadedPart};

use crate::conformance::{AWKWARD_KEYS, Ground, MIB, MINUTE, bytes, key, now, object};
use crate::on_every_store;

on_every_store!(
    parts_in_any_order_make_the_object,
    parts_that_are_not_as_named_make_nothing,
    a_part_that_is_too_small_makes_nothing_wrong,
    to_complete_twice_changes_nothing,
    two_uploads_of_one_key_do_not_mix,
    keys_of_parts_may_hold_any_character;
    not_moto("no signatures, a failure on what was aborted, a list of parts not in S3's words"):
    what_is_aborted_is_gone,
    a_part_of_another_length_number_or_time_is_refused,
    a_part_of_unknown_length_is_taken_as_it_comes,
    a_part_sent_again_replaces_the_first,
    the_parts_that_are_there_are_told_to_resume,
    the_parts_of_what_has_ended_are_not_found,
    nothing_is_known_of_an_upload_that_never_was,
);

const PART: usize = 5 * MIB;

async fn begin(g: &Ground, name: &str) -> PartialUpload {
    let upload = g.store.begin_parts(&object(name)).await.unwrap();
    assert_eq!(upload.key, key(name));
    upload
}

/// Sends a part and keeps what a browser would know of it.
async fn send(g: &Ground, upload: &PartialUpload, number: u32, data: &[u8]) -> UploadedPart {
    let size = data.len() as u64;
    let request = g.store.presign_part(upload, number, Some(size), MINUTE, now()).unwrap();
    let sent = g.send(&request, data).await.expect(200);
    let etag = sent.headers["etag"].to_str().unwrap().trim_matches('"').to_owned();
    UploadedPart { number, size, etag }
}

async fn parts_in_any_order_make_the_object(g: &Ground) {
    let data = bytes(1, 2 * PART + 1_000);
    let upload = begin(g, "order").await;
    let mut parts = Vec::new();
    for number in [3, 1, 2] {
        let from = (number as usize - 1) * PART;
        let piece = &data[from..data.len().min(from + PART)];
        parts.push(send(g, &upload, number, piece).await);
    }
    g.expect_nothing("order").await;
    parts.sort_by_key(|part| part.number);
    g.store.complete_parts(&upload, &parts).await.unwrap();
    let info = g.store.head(&key("order"), None).await.unwrap();
    assert_eq!(info.size, data.len() as u64);
    assert_eq!(info.content_type.as_deref(), Some("application/pdf"));
    assert_eq!(info.version_id.is_some(), g.can().versions);
    assert!(g.read("order", None, None).await.unwrap() == data);
}

async fn a_part_of_unknown_length_is_taken_as_it_comes(g: &Ground) {
    let upload = begin(g, "unknown").await;
    let (data, mut parts) = (bytes(3, PART + 777), Vec::new());
    for (number, piece) in [(1, &data[..PART]), (2, &data[PART..])] {
        let request = g.store.presign_part(&upload, number, None, MINUTE, now()).unwrap();
        assert!(request.headers.is_empty(), "{:?}", request.headers);
        let sent = g.send(&request, piece).await.expect(200);
        let etag = sent.headers["etag"].to_str().unwrap().trim_matches('"').to_owned();
        parts.push(UploadedPart { number, size: piece.len() as u64, etag });
    }
    assert_eq!(g.store.parts(&upload).await.unwrap(), parts);
    g.store.complete_parts(&upload, &parts).await.unwrap();
    assert!(g.read("unknown", None, None).await.unwrap() == data);
}

async fn a_part_sent_again_replaces_the_first(g: &Ground) {
    let (first, second) = (bytes(2, 10_000), bytes(3, 12_000));
    let upload = begin(g, "again").await;
    send(g, &upload, 1, &first).await;
    let part = send(g, &upload, 1, &second).await;
    let parts = g.store.parts(&upload).await.unwrap();
    assert_eq!(parts, [part]);
    g.store.complete_parts(&upload, &parts).await.unwrap();
    assert!(g.read("again", None, None).await.unwrap() == second);
}

async fn the_parts_that_are_there_are_told_to_resume(g: &Ground) {
    let upload = begin(g, "resume").await;
    assert_eq!(g.store.parts(&upload).await.unwrap(), []);
    let mut sent = Vec::new();
    for number in [7, 2, 10_000, 1] {
        let size = 1_000 + number as usize;
        sent.push(send(g, &upload, number, &bytes(number.into(), size)).await);
    }
    sent.sort_by_key(|part| part.number);
    assert_eq!(g.store.parts(&upload).await.unwrap(), sent);
    g.store.abort_parts(&upload).await.unwrap();
}

async fn parts_that_are_not_as_named_make_nothing(g: &Ground) {
    let upload = begin(g, "wrong").await;
    let parts =
        [send(g, &upload, 1, &bytes(4, PART)).await, send(g, &upload, 2, &bytes(5, 1_000)).await];
    let changed = |change: &dyn Fn(&mut Vec<UploadedPart>)| {
        let mut parts = parts.to_vec();
        change(&mut parts);
        parts
    };
    for (what, wrong) in [
        ("another etag", changed(&|parts| parts[1].etag = "0".repeat(32))),
        (
            "etags swapped",
            changed(&|parts| {
                let first = parts[0].etag.clone();
                parts[0].etag = std::mem::replace(&mut parts[1].etag, first);
            }),
        ),
        ("a part that is not there", changed(&|parts| parts[1].number = 3)),
        ("no part", Vec::new()),
    ] {
        let done = g.store.complete_parts(&upload, &wrong).await;
        assert!(matches!(done, Err(StoreError::InvalidParts)), "{what}: {done:?}");
        g.expect_nothing("wrong").await;
    }
    // It can still be made right.
    g.store.complete_parts(&upload, &parts).await.unwrap();
    assert_eq!(g.store.head(&key("wrong"), None).await.unwrap().size, PART as u64 + 1_000);
}

/// Too small for S3, that is; there are stores that take it.
async fn a_part_that_is_too_small_makes_nothing_wrong(g: &Ground) {
    let (one, two) = (bytes(6, 1_000), bytes(7, 1_000));
    let upload = begin(g, "small").await;
    let parts = [send(g, &upload, 1, &one).await, send(g, &upload, 2, &two).await];
    match g.store.complete_parts(&upload, &parts).await {
        Ok(()) => assert!(g.read("small", None, None).await.unwrap() == [one, two].concat()),
        Err(StoreError::InvalidParts) => {
            g.expect_nothing("small").await;
            g.store.abort_parts(&upload).await.unwrap();
        }
        Err(e) => panic!("{e:?}"),
    }
}

async fn to_complete_twice_changes_nothing(g: &Ground) {
    let data = bytes(8, 100_000);
    let upload = begin(g, "done").await;
    let parts = [send(g, &upload, 1, &data).await];
    g.store.complete_parts(&upload, &parts).await.unwrap();
    let pinned = g.store.head(&key("done"), None).await.unwrap();
    // Some remember what they completed for a while.
    let again = g.store.complete_parts(&upload, &parts).await;
    assert!(matches!(again, Ok(()) | Err(StoreError::NotFound)), "{again:?}");
    g.store.abort_parts(&upload).await.unwrap();
    assert!(g.read("done", pinned.version_id.as_deref(), None).await.unwrap() == data);
    assert!(g.read("done", None, None).await.unwrap() == data);
}

async fn what_is_aborted_is_gone(g: &Ground) {
    let data = bytes(9, 10_000);
    let upload = begin(g, "aborted").await;
    let parts = [send(g, &upload, 1, &data).await];
    for _ in 0..2 {
        g.store.abort_parts(&upload).await.unwrap();
    }
    let done = g.store.complete_parts(&upload, &parts).await;
    assert!(matches!(done, Err(StoreError::NotFound)), "{done:?}");
    let late = g.store.presign_part(&upload, 2, Some(10_000), MINUTE, now()).unwrap();
    g.send(&late, &data).await.expect_refused();
    g.expect_nothing("aborted").await;
}

async fn the_parts_of_what_has_ended_are_not_found(g: &Ground) {
    let (aborted, completed) = (begin(g, "aborted").await, begin(g, "completed").await);
    for upload in [&aborted, &completed] {
        send(g, upload, 1, &bytes(13, 10_000)).await;
    }
    g.store.abort_parts(&aborted).await.unwrap();
    let parts = g.store.parts(&completed).await.unwrap();
    g.store.complete_parts(&completed, &parts).await.unwrap();
    for upload in [&aborted, &completed] {
        let gone = g.store.parts(upload).await;
        assert!(matches!(gone, Err(StoreError::NotFound)), "{}: {gone:?}", upload.key);
    }
}

async fn two_uploads_of_one_key_do_not_mix(g: &Ground) {
    let (one, two) = (bytes(10, 20_000), bytes(11, 30_000));
    let (first, second) = (begin(g, "shared").await, begin(g, "shared").await);
    assert_ne!(first.upload_id, second.upload_id);
    send(g, &first, 1, &one).await;
    let part = send(g, &second, 1, &two).await;
    g.store.abort_parts(&first).await.unwrap();
    g.store.complete_parts(&second, &[part]).await.unwrap();
    assert!(g.read("shared", None, None).await.unwrap() == two);
}

async fn keys_of_parts_may_hold_any_character(g: &Ground) {
    for (seed, name) in AWKWARD_KEYS.iter().enumerate() {
        let data = bytes(seed as u64, 3_000 + seed);
        let upload = begin(g, name).await;
        let part = send(g, &upload, 1, &data).await;
        g.store.complete_parts(&upload, &[part]).await.unwrap();
        assert!(g.read(name, None, None).await.unwrap() == data, "{name}");
    }
}

async fn nothing_is_known_of_an_upload_that_never_was(g: &Ground) {
    let real = begin(g, "real").await;
    let of_another_key = PartialUpload { key: key("other"), upload_id: real.upload_id.clone() };
    let made_up = PartialUpload { key: key("real"), upload_id: "made-up".to_owned() };
    for upload in [&of_another_key, &made_up] {
        let parts = g.store.parts(upload).await;
        assert!(matches!(parts, Err(StoreError::NotFound)), "{parts:?}");
        let part = UploadedPart { number: 1, size: 1, etag: "0".repeat(32) };
        let done = g.store.complete_parts(upload, &[part]).await;
        assert!(matches!(done, Err(StoreError::NotFound)), "{done:?}");
        g.store.abort_parts(upload).await.unwrap();
    }
    assert_eq!(g.store.parts(&real).await.unwrap(), [], "another one was aborted");
    g.store.abort_parts(&real).await.unwrap();
}

async fn a_part_of_another_length_number_or_time_is_refused(g: &Ground) {
    let data = bytes(12, 10_000);
    let upload = begin(g, "signed").await;
    let request = g.store.presign_part(&upload, 1, Some(10_000), MINUTE, now()).unwrap();
    for size in [9_999, 10_001, 0] {
        g.send(&request, &bytes(12, size)).await.expect_refused();
    }
    let mut changed = request.clone();
    changed.url = changed.url.replace("partNumber=1", "partNumber=2");
    assert_ne!(changed.url, request.url);
    g.send(&changed, &data).await.expect_refused();
    let ago = now() - std::time::Duration::from_mins(2);
    let late = g.store.presign_part(&upload, 1, Some(10_000), MINUTE, ago).unwrap();
    g.send(&late, &data).await.expect_refused();
    assert_eq!(g.store.parts(&upload).await.unwrap(), []);
    g.send(&request, &data).await.expect(200);
    g.store.abort_parts(&upload).await.unwrap();
}
