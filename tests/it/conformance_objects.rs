//! Every store: objects as the server itself writes, reads, copies and destroys them.

use aws_sdk_s3::types::StorageClass;
use bytes::Bytes;
use futures::StreamExt as _;
use strongroom::store::{Archive, ByteRange, ListedObject, NewObject, Size, StoreError};

use crate::conformance::{AWKWARD_KEYS, Ground, MIB, bytes, key, now, object, pieces, sha256};
use crate::garage::Account;
use crate::on_every_store;

on_every_store!(
    what_is_put_comes_back_whole,
    every_size_around_the_borders_of_parts_comes_back_whole,
    what_is_known_of_an_object_is_true,
    a_range_is_exactly_the_bytes_that_were_asked_for,
    a_range_that_holds_no_byte_is_refused,
    a_body_that_is_not_as_long_as_announced_leaves_nothing,
    a_body_of_unknown_size_comes_back_whole,
    a_body_of_unknown_size_is_never_larger_than_its_limit,
    a_body_that_fails_midway_leaves_nothing,
    nothing_is_found_where_nothing_is,
    keys_may_hold_any_character,
    a_list_names_what_lies_under_a_prefix_by_key,
    a_copy_is_the_same_bytes_under_its_own_type,
    a_copy_of_another_object_than_was_meant_is_refused,
    purge_destroys_every_version,
    purge_of_nothing_is_no_error,
    versions_are_kept_as_the_store_says,
    the_store_can_be_checked,
    what_is_in_no_archive_stays_as_it_is,
);

async fn what_is_put_comes_back_whole(g: &Ground) {
    let data = bytes(1, 300_000);
    let put = g.put("a/b.pdf", &data).await;
    assert!(g.read("a/b.pdf", None, None).await.unwrap() == data);
    let version = put.version_id.as_deref();
    assert!(g.read("a/b.pdf", version, None).await.unwrap() == data);
    let sent = g.download("a/b.pdf", version).await.expect(200);
    assert!(sent.body == data);
    assert!(g.bucket.read("a/b.pdf").await == data, "somebody else reads other bytes");
}

async fn every_size_around_the_borders_of_parts_comes_back_whole(g: &Ground) {
    let sizes = [0, 1, 64 * 1024, 5 * MIB, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 16 * MIB, 20 * MIB];
    for (seed, size) in sizes.into_iter().enumerate() {
        let (name, data) = (format!("sizes/{size}"), bytes(seed as u64, size));
        let put = g.put(&name, &data).await;
        assert_eq!(put.size, size as u64);
        assert!(put.sha256.is_none_or(|known| known == sha256(&data)), "{size}");
        assert!(g.read(&name, None, None).await.unwrap() == data, "{size}");
    }
}

async fn what_is_known_of_an_object_is_true(g: &Ground) {
    let (began, data) = (now(), bytes(2, 70_000));
    let put = g.put("known", &data).await;
    for info in [
        put.clone(),
        g.store.head(&key("known"), None).await.unwrap(),
        g.store.head(&key("known"), put.version_id.as_deref()).await.unwrap(),
        g.store.get(&key("known"), None, None).await.unwrap().info,
    ] {
        assert_eq!(info.size, 70_000);
        assert_eq!(info.etag, put.etag);
        assert!(!info.etag.is_empty() && !info.etag.contains('"'), "{}", info.etag);
        assert_eq!(info.version_id, put.version_id);
        assert_eq!(info.content_type.as_deref(), Some("application/pdf"));
        assert!(info.sha256.is_none_or(|known| known == sha256(&data)));
        // Whole seconds, on a clock of its own.
        assert!((info.modified.seconds() - began.seconds()).abs() <= 60, "{}", info.modified);
        assert!(info.is_readable());
        assert_eq!(info.archive, None);
    }
    assert_eq!(put.version_id.is_some(), g.can().versions);
}

async fn a_range_is_exactly_the_bytes_that_were_asked_for(g: &Ground) {
    let data = bytes(3, 9 * MIB);
    let size = data.len();
    let last = size as u64 - 1;
    g.put("ranges", &data).await;
    for (range, expected) in [
        (ByteRange::Inclusive(0, 0), 0..1),
        (ByteRange::Inclusive(0, last), 0..size),
        (ByteRange::Inclusive(5, 1_000_004), 5..1_000_005),
        (ByteRange::Inclusive(8_388_607, 8_388_608), 8_388_607..8_388_609),
        (ByteRange::Inclusive(last, u64::MAX), size - 1..size),
        (ByteRange::From(0), 0..size),
        (ByteRange::From(last), size - 1..size),
        (ByteRange::Last(1), size - 1..size),
        (ByteRange::Last(u64::MAX), 0..size),
    ] {
        let got = g.store.get(&key("ranges"), None, Some(range)).await.unwrap();
        assert_eq!(got.range, expected.start as u64..expected.end as u64, "{range:?}");
        assert_eq!(got.info.size, size as u64, "{range:?}: the whole object's size");
        let read = g.read("ranges", None, Some(range)).await.unwrap();
        assert!(read == data[expected], "{range:?}");
    }
}

async fn a_range_that_holds_no_byte_is_refused(g: &Ground) {
    g.put("ten", &bytes(4, 10)).await;
    g.put("none", b"").await;
    for (name, range) in [
        ("ten", ByteRange::From(10)),
        ("ten", ByteRange::Inclusive(10, 12)),
        ("ten", ByteRange::Inclusive(5, 4)),
        ("ten", ByteRange::Last(0)),
        ("ten", ByteRange::From(u64::MAX)),
        ("none", ByteRange::From(0)),
        ("none", ByteRange::Last(1)),
    ] {
        let got = g.store.get(&key(name), None, Some(range)).await.map(|got| got.range);
        // Of an object without a byte some answer in ways that make no sense at all.
        let refused = matches!(got, Err(StoreError::Precondition)) || name == "none";
        assert!(got.is_err() && refused, "{name} {range:?}: {got:?}");
    }
}

async fn a_body_that_is_not_as_long_as_announced_leaves_nothing(g: &Ground) {
    for size in [1000, 9 * MIB, 17 * MIB] {
        let data = bytes(5, size);
        for announced in [size - 1, size + 1, size / 2, size * 2, 0] {
            let name = format!("wrong/{size}-{announced}");
            let put =
                g.store.put(&object(&name), Size::Exactly(announced as u64), pieces(&data)).await;
            assert!(put.is_err(), "{size} bytes passed for {announced}");
            g.expect_nothing(&name).await;
        }
    }
}

async fn a_body_of_unknown_size_comes_back_whole(g: &Ground) {
    let sizes = [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 10 * MIB, 13 * MIB];
    for (seed, size) in sizes.into_iter().enumerate() {
        let (name, data) = (format!("open/{size}"), bytes(seed as u64, size));
        for (limit, name) in [
            (size as u64, format!("{name}/tight")),
            (size as u64 + 1, format!("{name}/close")),
            (1 << 32, format!("{name}/wide")),
        ] {
            let put = g.store.put(&object(&name), Size::AtMost(limit), pieces(&data)).await;
            let put = put.unwrap_or_else(|e| panic!("{name}: {e:?}"));
            assert_eq!(put.size, size as u64, "{name}");
            assert!(put.sha256.is_none_or(|known| known == sha256(&data)), "{name}");
            let found = g.store.head(&key(&name), put.version_id.as_deref()).await.unwrap();
            assert_eq!((found.size, found.etag), (size as u64, put.etag), "{name}");
            assert!(g.read(&name, None, None).await.unwrap() == data, "{name}");
        }
    }
}

async fn a_body_of_unknown_size_is_never_larger_than_its_limit(g: &Ground) {
    for size in [1000, 5 * MIB + 1, 11 * MIB] {
        let data = bytes(5, size);
        for limit in [size - 1, size / 2, 1, 0] {
            let name = format!("over/{size}-{limit}");
            let put = g.store.put(&object(&name), Size::AtMost(limit as u64), pieces(&data)).await;
            assert!(put.is_err(), "{size} bytes passed for at most {limit}");
            g.expect_nothing(&name).await;
        }
    }
}

async fn a_body_that_fails_midway_leaves_nothing(g: &Ground) {
    for size in [1000, 9 * MIB, 20 * MIB] {
        let data = bytes(6, size);
        let name = format!("broken/{size}");
        let good: Vec<Result<Bytes, &str>> =
            data[..size * 2 / 3].chunks(65_536).map(|b| Ok(Bytes::copy_from_slice(b))).collect();
        for (size, name) in [
            (Size::Exactly(size as u64), name.clone()),
            (Size::AtMost(size as u64 * 2), format!("{name}/open")),
        ] {
            let good = good.iter().map(|piece| piece.clone().map_err(StoreError::unavailable));
            let gone = Err(StoreError::unavailable("the sender is gone"));
            let body = futures::stream::iter(good.chain([gone]).collect::<Vec<_>>()).boxed();
            let put = g.store.put(&object(&name), size, body).await;
            assert!(put.is_err(), "{size:?}");
            g.expect_nothing(&name).await;
        }
    }
}

async fn nothing_is_found_where_nothing_is(g: &Ground) {
    g.expect_nothing("nothing").await;
    let got = g.read("nothing", None, None).await;
    assert!(matches!(got, Err(StoreError::NotFound)), "{got:?}");
    let copied = g.store.copy(&key("nothing"), "0123456789abcdef", &object("copy")).await;
    assert!(matches!(copied, Err(StoreError::NotFound | StoreError::Precondition)), "{copied:?}");
    g.expect_nothing("copy").await;
    g.download("nothing", None).await.expect(404);
    if g.can().versions {
        g.put("something", b"some bytes").await;
        let other = g.put("something else", b"other bytes").await;
        let version = other.version_id.as_deref();
        let found = g.store.head(&key("something"), version).await;
        assert!(found.is_err(), "{found:?}");
    }
}

async fn keys_may_hold_any_character(g: &Ground) {
    for (seed, name) in AWKWARD_KEYS.iter().enumerate() {
        let data = bytes(seed as u64, 5_000 + seed);
        g.put(name, &data).await;
        assert!(g.read(name, None, None).await.unwrap() == data, "{name}");
        assert!(g.download(name, None).await.expect(200).body == data, "{name}");
    }
    let mut keys = g.bucket.keys().await;
    keys.sort();
    let mut expected = AWKWARD_KEYS.to_vec();
    expected.sort_unstable();
    assert_eq!(keys, expected);
    for name in AWKWARD_KEYS {
        let etag = g.store.head(&key(name), None).await.unwrap().etag;
        let copy = format!("copy of {name}");
        g.store.copy(&key(name), &etag, &object(&copy)).await.unwrap();
        g.store.purge(&key(name)).await.unwrap();
        g.expect_nothing(name).await;
        g.store.head(&key(&copy), None).await.unwrap();
    }
}

async fn a_list_names_what_lies_under_a_prefix_by_key(g: &Ground) {
    assert_eq!(g.store.list_under("lists/").await.unwrap(), []);
    let listed = |key: &str, size| ListedObject { key: key.to_owned(), size };
    for (name, size) in [("lists/b ü&<.txt", 10), ("lists/a/c", 0), ("lists/a", 6_000), ("list", 7)]
    {
        g.put(name, &bytes(20, size)).await;
    }
    g.put("lists/gone", b"gone").await;
    g.overwrite("lists/a", &bytes(21, 5_000)).await;
    g.store.purge(&key("lists/gone")).await.unwrap();
    let expected =
        [listed("lists/a", 5_000), listed("lists/a/c", 0), listed("lists/b ü&<.txt", 10)];
    assert_eq!(g.store.list_under("lists/").await.unwrap(), expected);
    assert_eq!(g.store.list_under("lists/a/").await.unwrap(), expected[1..2]);
    assert_eq!(g.store.list_under("list").await.unwrap().len(), 4);
}

async fn a_copy_is_the_same_bytes_under_its_own_type(g: &Ground) {
    for size in [1, 100_000, 17 * MIB] {
        let (from, to) = (format!("from/{size}"), format!("to/{size}"));
        let data = bytes(7, size);
        let put = g.put(&from, &data).await;
        let new = NewObject::new(key(&to), "image/png".to_owned());
        let copied = g.store.copy(&key(&from), &put.etag, &new).await.unwrap();
        assert_eq!(copied.size, size as u64);
        let found = g.store.head(&key(&to), copied.version_id.as_deref()).await.unwrap();
        assert_eq!(found.etag, copied.etag);
        assert!(g.read(&to, None, None).await.unwrap() == data);
        assert!(g.read(&from, None, None).await.unwrap() == data);
    }
}

async fn a_copy_of_another_object_than_was_meant_is_refused(g: &Ground) {
    let old = g.put("swapped", &bytes(8, 5_000)).await;
    g.overwrite("swapped", &bytes(9, 5_000)).await;
    let copied = g.store.copy(&key("swapped"), &old.etag, &object("to")).await;
    assert!(matches!(copied, Err(StoreError::Precondition)), "{copied:?}");
    g.expect_nothing("to").await;
}

async fn purge_destroys_every_version(g: &Ground) {
    let first = g.put("gone", &bytes(10, 5_000)).await;
    g.put("gone not", &bytes(10, 5_000)).await;
    for seed in 11..14 {
        g.overwrite("gone", &bytes(seed, 5_000)).await;
    }
    let client = &g.bucket.client;
    client.delete_object().bucket(&g.bucket.name).key("gone").send().await.unwrap();
    g.overwrite("gone", &bytes(14, 5_000)).await;
    g.store.purge(&key("gone")).await.unwrap();
    g.expect_nothing("gone").await;
    if let Some(version) = first.version_id.as_deref() {
        assert!(g.read("gone", Some(version), None).await.is_err());
        let left = client.list_object_versions().bucket(&g.bucket.name).prefix("gone");
        let left = left.send().await.unwrap();
        let keys: Vec<_> = left.versions().iter().filter_map(|v| v.key()).collect();
        assert_eq!(keys, ["gone not"], "versions are left");
        assert!(left.delete_markers().is_empty(), "a marker is left");
    }
    assert_eq!(g.bucket.keys().await, ["gone not"]);
}

async fn purge_of_nothing_is_no_error(g: &Ground) {
    g.store.purge(&key("never")).await.unwrap();
    g.put("once", b"once").await;
    for _ in 0..2 {
        g.store.purge(&key("once")).await.unwrap();
    }
    // The name can be used again.
    g.put("once", b"and again").await;
    assert_eq!(g.read("once", None, None).await.unwrap(), b"and again");
}

async fn versions_are_kept_as_the_store_says(g: &Ground) {
    let (old, new) = (bytes(15, 50_000), bytes(16, 60_000));
    let first = g.put("twice", &old).await;
    g.overwrite("twice", &new).await;
    assert!(g.read("twice", None, None).await.unwrap() == new);
    let Some(version) = first.version_id.as_deref() else {
        assert!(!g.can().versions);
        return;
    };
    assert!(g.can().versions);
    assert!(g.read("twice", Some(version), None).await.unwrap() == old);
    let range = Some(ByteRange::Last(1000));
    assert!(g.read("twice", Some(version), range).await.unwrap() == old[49_000..]);
    assert!(g.download("twice", Some(version)).await.expect(200).body == old);
    assert_eq!(g.store.head(&key("twice"), Some(version)).await.unwrap().size, 50_000);
}

async fn the_store_can_be_checked(g: &Ground) {
    g.store.check().await.unwrap();
    assert!(!g.store.provider().is_empty());
    assert_eq!(g.store.bucket(), g.bucket.name);
    assert_eq!(g.bucket.keys().await, Vec::<String>::new(), "looking left something behind");
}

async fn what_is_in_no_archive_stays_as_it_is(g: &Ground) {
    g.put("at hand", b"some bytes").await;
    let asked = g.store.retrieve(&key("at hand"), None, 1).await;
    assert!(matches!(asked, Ok(()) | Err(StoreError::Unsupported(_))), "{asked:?}");
    assert!(g.store.retrieve(&key("nowhere"), None, 1).await.is_err());
    assert_eq!(g.store.head(&key("at hand"), None).await.unwrap().archive, None);
    assert_eq!(g.read("at hand", None, None).await.unwrap(), b"some bytes");
}

/// Garage and the local store have no archive; moto has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_object_is_retrieved_before_it_is_read() {
    for bucket in [Account::moto().versioned_bucket().await, Account::moto().bucket().await] {
        bucket.move_to_glacier_after(90).await;
        let g = Ground::s3(bucket, None).await;
        assert!(g.can().archives);
        let put = g.bucket.client.put_object().bucket(&g.bucket.name).key("cold");
        let put = put.storage_class(StorageClass::Glacier).body(b"cold bytes".to_vec().into());
        put.send().await.unwrap();
        let info = g.store.head(&key("cold"), None).await.unwrap();
        assert_eq!(info.archive, Some(Archive::Archived));
        assert_eq!(info.storage_class.as_deref(), Some("GLACIER"));
        assert!(!info.is_readable());
        let read = g.read("cold", None, None).await;
        assert!(matches!(read, Err(StoreError::Archived)), "{read:?}");
        for _ in 0..2 {
            g.store.retrieve(&key("cold"), info.version_id.as_deref(), 2).await.unwrap();
        }
        let info = g.store.head(&key("cold"), None).await.unwrap();
        let asked = matches!(info.archive, Some(Archive::Retrieving | Archive::Retrieved(_)));
        assert!(asked, "{:?}", info.archive);
        if info.is_readable() {
            assert_eq!(g.read("cold", None, None).await.unwrap(), b"cold bytes");
        }
    }
}
