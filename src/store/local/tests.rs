//! The sealed store by itself: round trips, damage, conditions, parts, listings, crashes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use proptest::prelude::*;
use tempfile::TempDir;

use super::listing::{After, Query};
use super::multipart::MIN_PART;
use super::*;
use crate::sensitive::Secret;
use crate::store::{ByteRange, ObjectStore as _};

pub(super) const CANARY: &str = "CANARY-Maria-Musterfrau";

pub(super) fn ring(byte: &str) -> KeyRing {
    KeyRing::from_text(&Secret::new(byte.repeat(32))).unwrap()
}

pub(super) fn config(dir: &Path) -> LocalStoreConfig {
    LocalStoreConfig {
        dir: dir.to_owned(),
        bucket: "room".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: "http://127.0.0.1:1".to_owned(),
        credentials: S3Credentials {
            access_key_id: "SRAAAAAAAAAAAAAAAAAA".to_owned(),
            secret_access_key: Secret::new("s".repeat(40)),
        },
        ring: ring("aa"),
        clock: Clock::default(),
        ids: Ids::Random,
    }
}

async fn store() -> (TempDir, Arc<LocalStore>) {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(config(dir.path())).await.unwrap();
    (dir, store)
}

fn key(text: &str) -> ObjectKey {
    ObjectKey::new(text).unwrap()
}

pub(super) fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn body(
    data: &[u8],
) -> impl futures::Stream<Item = Result<Bytes, BodyError>> + Unpin + Send + use<> {
    let pieces: Vec<_> = data.chunks(50_000).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    stream::iter(pieces)
}

fn describe(name: &str, length: usize) -> Put {
    Put {
        key: key(name),
        content_type: Some("text/plain".to_owned()),
        attributes: Attributes::default(),
        length: Length::exactly(length as u64, u64::MAX),
        expected: Expected::default(),
        condition: Condition::None,
    }
}

async fn put(store: &LocalStore, name: &str, data: &[u8]) -> Stored {
    store.put_object(describe(name, data.len()), body(data), |_| Ok(())).await.unwrap()
}

async fn get(
    store: &LocalStore,
    name: &str,
    range: Option<ByteRange>,
) -> Result<Vec<u8>, StoreError> {
    let pieces: Vec<Bytes> = store.get(&key(name), None, range).await?.stream.try_collect().await?;
    Ok(pieces.concat())
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn sealed_files(dir: &TempDir) -> Vec<std::path::PathBuf> {
    files(&dir.path().join("objects"))
}

#[tokio::test]
async fn every_size_comes_back_with_its_sha256() {
    let (_dir, store) = store().await;
    for size in [0, 1, 65_535, 65_536, 65_537, 1024 * 1024 + 3, 20 * 1024 * 1024] {
        let data = bytes(size);
        let stored = put(&store, "a/b", &data).await;
        assert!(get(&store, "a/b", None).await.unwrap() == data, "{size}");
        let info = store.head(&key("a/b"), None).await.unwrap();
        let sha256 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &data);
        assert_eq!(info.sha256.unwrap(), sha256.as_ref());
        assert_eq!(info, stored.info);
        assert_eq!(info.size, size as u64);
    }
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_the_file_is_damage() {
    let (dir, store) = store().await;
    put(&store, "k", &bytes(300)).await;
    let path = sealed_files(&dir).remove(0);
    let sealed = fs::read(&path).unwrap();
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        assert!(matches!(get(&store, "k", None).await, Err(StoreError::Damaged)), "byte {at}");
    }
    fs::write(&path, &sealed).unwrap();
    assert_eq!(get(&store, "k", None).await.unwrap(), bytes(300));
}

#[tokio::test]
async fn two_files_in_each_others_place_are_damage() {
    let (dir, store) = store().await;
    put(&store, "a", &bytes(100)).await;
    put(&store, "b", &bytes(100)).await;
    let paths = sealed_files(&dir);
    let (a, b) = (fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap());
    fs::write(&paths[0], b).unwrap();
    fs::write(&paths[1], a).unwrap();
    for name in ["a", "b"] {
        assert!(matches!(get(&store, name, None).await, Err(StoreError::Damaged)));
    }
}

#[tokio::test]
async fn rows_in_each_others_place_are_damage() {
    let (_dir, store) = store().await;
    put(&store, "a", &bytes(100)).await;
    put(&store, "b", &bytes(100)).await;
    // Someone who can write the index, but has no key, points one object at the other's bytes.
    let mut tx = store.index.begin().await.unwrap();
    sqlx::query(
        "update versions set (file_id, wrapped_key) = \
         (select file_id, wrapped_key from versions where key = 'b') where key = 'a'",
    )
    .execute(tx.conn())
    .await
    .unwrap();
    tx.commit().await.unwrap();
    assert!(matches!(get(&store, "a", None).await, Err(StoreError::Damaged)));
    assert!(get(&store, "b", None).await.is_ok());
}

#[tokio::test]
async fn a_file_cut_short_or_continued_is_damage() {
    let (dir, store) = store().await;
    put(&store, "k", &bytes(200_000)).await;
    let path = sealed_files(&dir).remove(0);
    let sealed = fs::read(&path).unwrap();
    let border = 32 + 2 * (65_536 + 16);
    for bad in [&sealed[..sealed.len() - 1], &sealed[..border], &[&sealed[..], b"x"].concat()] {
        fs::write(&path, bad).unwrap();
        assert!(matches!(get(&store, "k", None).await, Err(StoreError::Damaged)));
    }
}

#[tokio::test]
async fn another_key_ring_cannot_read() {
    let (dir, store) = store().await;
    put(&store, "k", b"x").await;
    store.close().await;
    drop(store);
    let mut other = config(dir.path());
    other.ring = ring("bb");
    let store = LocalStore::open(other).await.unwrap();
    assert!(matches!(get(&store, "k", None).await, Err(StoreError::Damaged)));
    store.close().await;
    drop(store);
    let store = LocalStore::open(config(dir.path())).await.unwrap();
    assert_eq!(get(&store, "k", None).await.unwrap(), b"x");
}

#[tokio::test]
async fn a_second_process_is_refused_and_half_written_files_are_thrown_away() {
    let (dir, store) = store().await;
    assert!(LocalStore::open(config(dir.path())).await.is_err());
    store.close().await;
    drop(store);
    fs::write(dir.path().join("tmp").join("half"), b"half").unwrap();
    let _store = LocalStore::open(config(dir.path())).await.unwrap();
    assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
}

#[tokio::test]
async fn nothing_readable_is_written() {
    let (dir, store) = store().await;
    let mut put = describe("opaque", CANARY.len());
    put.attributes.content_disposition = Some(format!("attachment; filename=\"{CANARY}\""));
    put.attributes.metadata.insert("name".to_owned(), CANARY.to_owned());
    store.put_object(put, body(CANARY.as_bytes()), |_| Ok(())).await.unwrap();
    let found = store.find(&key("opaque"), None).await.unwrap();
    assert_eq!(found.attributes().unwrap().metadata["name"], CANARY);
    store.close().await;
    for path in files(dir.path()) {
        let content = fs::read(&path).unwrap();
        let seen = content.windows(CANARY.len()).any(|w| w == CANARY.as_bytes());
        assert!(!seen, "{}", path.display());
    }
}

#[tokio::test]
async fn of_two_conditional_creates_at_once_exactly_one_wins() {
    let (dir, store) = store().await;
    let conditional = |data: &'static [u8]| {
        let mut put = describe("k", data.len());
        put.condition = Condition::Absent;
        store.put_object(put, body(data), |_| Ok(()))
    };
    let (a, b) = tokio::join!(conditional(b"one"), conditional(b"two"));
    assert_ne!(a.is_ok(), b.is_ok());
    let lost = if a.is_ok() { b } else { a };
    assert!(matches!(lost, Err(IntakeError::Store(StoreError::AlreadyExists))));
    assert_eq!(sealed_files(&dir).len(), 1);
    // A delete marker makes room again, as S3 does.
    store.delete(&key("k"), None).await.unwrap();
    conditional(b"three").await.unwrap();
    assert_eq!(get(&store, "k", None).await.unwrap(), b"three");
}

#[tokio::test]
async fn versions_stay_until_they_are_removed_and_the_one_before_comes_back() {
    let (dir, store) = store().await;
    let one = put(&store, "k", b"one").await.info.version_id.unwrap();
    let two = put(&store, "k", b"two").await.info.version_id.unwrap();
    let body = store.get(&key("k"), Some(&one), None).await.unwrap();
    assert_eq!(body.stream.try_collect::<Vec<_>>().await.unwrap().concat(), b"one");
    let marker = store.delete(&key("k"), None).await.unwrap().version_id.unwrap();
    assert!(matches!(get(&store, "k", None).await, Err(StoreError::NotFound)));
    store.delete(&key("k"), Some(&marker)).await.unwrap();
    assert_eq!(get(&store, "k", None).await.unwrap(), b"two");
    store.delete(&key("k"), Some(&two)).await.unwrap();
    assert_eq!(get(&store, "k", None).await.unwrap(), b"one");
    store.purge(&key("k")).await.unwrap();
    assert_eq!(sealed_files(&dir).len(), 0);
    store.purge(&key("k")).await.unwrap();
}

#[tokio::test]
async fn a_copy_shares_its_files_and_outlives_its_source() {
    let (dir, store) = store().await;
    put(&store, "from", b"data").await;
    let found = store.find(&key("from"), None).await.unwrap();
    store.copy_object(&found, &key("to"), None).await.unwrap();
    assert_eq!(sealed_files(&dir).len(), 1);
    store.purge(&key("from")).await.unwrap();
    assert_eq!(get(&store, "to", None).await.unwrap(), b"data");
    store.purge(&key("to")).await.unwrap();
    assert_eq!(sealed_files(&dir).len(), 0);
}

async fn upload(store: &LocalStore, parts: &[(i64, &[u8])]) -> (String, Vec<NamedPart>) {
    let begin = Begin {
        key: key("big"),
        content_type: None,
        attributes: Attributes::default(),
        algorithm: Some((Algorithm::Crc64nvme, true)),
    };
    let id = store.begin_multipart(&begin).await.unwrap();
    let upload = store.upload(&key("big"), &id).await.unwrap();
    let mut named = Vec::new();
    for (number, data) in parts {
        let size = (Length::exactly(data.len() as u64, u64::MAX), Most::default());
        let part = store
            .put_part(&upload, *number, size, Expected::default(), body(data), |_| Ok(()))
            .await
            .unwrap();
        named.push(NamedPart { number: *number, etag: part.etag, checksums: Checksums::new() });
    }
    (id, named)
}

#[tokio::test]
async fn parts_that_came_at_once_have_no_more_than_they_may_together() {
    let (dir, store) = store().await;
    let (id, _) = upload(&store, &[(1, &bytes(60))]).await;
    let upload = store.upload(&key("big"), &id).await.unwrap();
    // Each of them was let through when nothing of the others had been kept.
    let put = async |number, size: usize| {
        let length = (Length::exactly(size as u64, u64::MAX), Most(Some(100)));
        let data = bytes(size);
        store.put_part(&upload, number, length, Expected::default(), body(&data), |_| Ok(())).await
    };
    let refused = put(2, 41).await;
    assert!(matches!(refused, Err(MultipartError::Intake(intake::IntakeError::Long))));
    assert_eq!(sealed_files(&dir).len(), 1, "nothing of it stays");
    put(2, 40).await.unwrap();
    put(1, 59).await.unwrap();
    assert!(put(1, 61).await.is_err());
    assert_eq!(sealed_files(&dir).len(), 2);
}

fn min_part() -> usize {
    usize::try_from(MIN_PART).unwrap()
}

fn completion(upload_id: String, parts: Vec<NamedPart>) -> Complete {
    let expected = Checksums::new();
    Complete { key: key("big"), upload_id, parts, expected, condition: Condition::None }
}

#[tokio::test]
async fn completing_an_upload_in_parts_copies_nothing() {
    let (dir, store) = store().await;
    let (first, last) = (bytes(min_part() + 7), bytes(1000));
    let (id, named) = upload(&store, &[(3, &first), (9, &last)]).await;
    let before = sealed_files(&dir);
    let stored = store.complete_multipart(&completion(id.clone(), named.clone())).await.unwrap();
    assert_eq!(sealed_files(&dir), before);
    let whole = [first, last].concat();
    assert!(get(&store, "big", None).await.unwrap() == whole);
    assert!(stored.info.etag.ends_with("-2"));
    let crc = Algorithm::Crc64nvme.of(&whole);
    let crc = base64::engine::general_purpose::STANDARD.encode(crc);
    assert_eq!(stored.checksums[&Algorithm::Crc64nvme], crc);
    // A range over the border of two parts.
    let at = min_part() + 5;
    let range = ByteRange::Inclusive(at as u64, at as u64 + 10);
    let range = get(&store, "big", Some(range)).await.unwrap();
    assert_eq!(range, &whole[at..at + 11]);
    let again = store.complete_multipart(&completion(id, named)).await;
    assert!(matches!(again, Err(MultipartError::NoSuchUpload)));
    store.purge(&key("big")).await.unwrap();
    assert_eq!(sealed_files(&dir).len(), 0);
}

#[tokio::test]
async fn parts_are_checked_before_an_upload_completes() {
    let (dir, store) = store().await;
    let large = bytes(min_part());
    let (id, named) = upload(&store, &[(1, b"small"), (2, b"x"), (3, &large)]).await;
    let complete = |parts: Vec<NamedPart>| completion(id.clone(), parts);
    let [one, two, three] = [0, 1, 2].map(|i| named[i].clone());
    let wrong = NamedPart { etag: three.etag.clone(), ..one.clone() };
    let cases = [
        (vec![], "NoParts"),
        (vec![one.clone(), two.clone()], "TooSmall"),
        (vec![two.clone(), one.clone()], "InvalidPartOrder"),
        (vec![wrong], "InvalidPart"),
        (vec![NamedPart { number: 7, ..one.clone() }], "InvalidPart"),
    ];
    for (parts, code) in cases {
        let refused = store.complete_multipart(&complete(parts)).await.unwrap_err();
        assert_eq!(format!("{refused:?}"), code);
    }
    // What is not named goes.
    store.complete_multipart(&complete(vec![three])).await.unwrap();
    assert_eq!(sealed_files(&dir).len(), 1);
}

#[tokio::test]
async fn aborting_an_upload_and_replacing_a_part_leave_no_file() {
    let (dir, store) = store().await;
    let (id, _) = upload(&store, &[(1, b"a"), (1, b"b"), (2, b"c")]).await;
    assert_eq!(sealed_files(&dir).len(), 2);
    store.abort_multipart(&key("big"), &id).await.unwrap();
    assert_eq!(sealed_files(&dir).len(), 0);
    let again = store.abort_multipart(&key("big"), &id).await;
    assert!(matches!(again, Err(MultipartError::NoSuchUpload)));
}

#[tokio::test]
async fn a_body_that_is_not_what_was_announced_leaves_nothing() {
    let (dir, store) = store().await;
    let data = bytes(700_000);
    let mut short = describe("k", data.len() + 1);
    let refused = store.put_object(short.clone(), body(&data), |_| Ok(())).await;
    assert!(matches!(refused, Err(IntakeError::Short)));
    short.length = Length::exactly(data.len() as u64 - 1, u64::MAX);
    let refused = store.put_object(short, body(&data), |_| Ok(())).await;
    assert!(matches!(refused, Err(IntakeError::Long)));
    let mut wrong = describe("k", data.len());
    wrong.expected.values.insert(Algorithm::Sha256, vec![0; 32]);
    let refused = store.put_object(wrong, body(&data), |_| Ok(())).await;
    assert!(matches!(refused, Err(IntakeError::BadDigest)));
    let broken = body(&data).chain(stream::iter([Err(BodyError::from("gone"))]));
    let mut endless = describe("k", 0);
    endless.length = Length { exact: None, most: u64::MAX, least: 0 };
    let refused = store.put_object(endless, broken, |_| Ok(())).await;
    assert!(matches!(refused, Err(IntakeError::Body(_))));
    assert_eq!(sealed_files(&dir).len(), 0);
    assert!(matches!(store.head(&key("k"), None).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn the_sweep_takes_old_files_that_no_row_names_and_no_other() {
    let (dir, store) = store().await;
    put(&store, "k", b"kept").await;
    let orphan = store.folder.path(uuid::Uuid::from_u128(7));
    fs::write(&orphan, b"orphan").unwrap();
    assert_eq!(store.sweep(100).await.unwrap(), 0);
    store.config.clock.shift_seconds(7200);
    assert_eq!(store.sweep(100).await.unwrap(), 1);
    assert_eq!(sealed_files(&dir).len(), 1);
    assert_eq!(get(&store, "k", None).await.unwrap(), b"kept");
    store.check().await.unwrap();
}

#[tokio::test]
async fn after_rotation_the_old_master_key_is_not_needed_and_no_file_changed() {
    let (dir, store) = store().await;
    put(&store, "k", b"data").await;
    upload(&store, &[(1, b"part")]).await;
    store.close().await;
    drop(store);
    let before: Vec<_> = sealed_files(&dir).iter().map(|p| fs::read(p).unwrap()).collect();
    let both = format!("{},{}", "bb".repeat(32), "aa".repeat(32));
    let mut rotated = config(dir.path());
    rotated.ring = KeyRing::from_text(&Secret::new(both)).unwrap();
    let store = LocalStore::open(rotated.clone()).await.unwrap();
    assert_eq!(store.rewrap().await.unwrap(), 2);
    assert_eq!(store.rewrap().await.unwrap(), 0);
    store.close().await;
    drop(store);
    rotated.ring = ring("bb");
    let store = LocalStore::open(rotated).await.unwrap();
    assert_eq!(get(&store, "k", None).await.unwrap(), b"data");
    let after: Vec<_> = sealed_files(&dir).iter().map(|p| fs::read(p).unwrap()).collect();
    assert!(before == after);
    // A purge takes unfinished uploads of the key with it.
    store.purge(&key("big")).await.unwrap();
    assert_eq!(sealed_files(&dir).len(), 1);
}

/// What a listing should give, from a sorted set of keys.
fn model(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(prefix)) {
        let common = delimiter.and_then(|d| {
            let at = key[prefix.len()..].find(d)?;
            Some(format!("P:{}", &key[..prefix.len() + at + d.len()]))
        });
        let entry = common.unwrap_or_else(|| format!("K:{key}"));
        if shown.last() != Some(&entry) {
            shown.push(entry);
        }
    }
    shown
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn listings_equal_those_of_a_sorted_set(
        keys in prop::collection::btree_set("[ab/ü]{1,5}", 0..25),
        prefix in "[ab/]{0,2}",
        delimiter in prop::option::of(prop::sample::select(vec!["/", "a", "/b"])),
        limit in 1_usize..6,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (_dir, store) = store().await;
            for name in &keys {
                put(&store, name, b"old").await;
                put(&store, name, b"new").await;
            }
            let delimiter = delimiter.map(str::to_owned);
            let mut query =
                Query { prefix: prefix.clone(), delimiter, after: After::Start, limit };
            let (mut seen, mut versions) = (Vec::new(), 0);
            loop {
                let page = store.list(&query).await.unwrap();
                assert!(page.entries.len() + page.prefixes.len() <= limit);
                let mut shown: Vec<_> = page.entries.iter().map(|r| (r.key.clone(), 'K')).collect();
                shown.extend(page.prefixes.iter().map(|p| (p.clone(), 'P')));
                shown.sort();
                seen.extend(shown.into_iter().map(|(key, kind)| format!("{kind}:{key}")));
                match page.next {
                    Some(next) => query.after = next,
                    None => break,
                }
            }
            assert_eq!(seen, model(&keys, &prefix, query.delimiter.as_deref()));
            (query.after, query.delimiter) = (After::Start, None);
            loop {
                let page = store.list_versions(&query).await.unwrap();
                versions += page.entries.len();
                match page.next {
                    Some(next) => query.after = next,
                    None => break,
                }
            }
            assert_eq!(versions, 2 * keys.iter().filter(|k| k.starts_with(&prefix)).count());
        });
    }
}
