//! What is special to somebody else's bucket: keys that are replaced, stores that go away and come
//! back, and reasons that tell an operator what to do. Against a real Garage and against moto,
//! which `make test` starts.

pub mod servers;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use strongroom::config::{S3Config, S3Keys, StoreConfig};
use strongroom::sensitive::Secret;
use strongroom::store::s3::{S3Store, Verdict};
use strongroom::store::{
    AnswerHeaders, Archive, ByteRange, ByteStream, NewObject, ObjectKey, ObjectStore as _,
    PresignPut, Size, StoreError, UploadMethod,
};
use strongroom::time::{Clock, Timestamp};
use tokio::net::TcpListener;
use uuid::Uuid;

use servers::{Relay, Vault};

/// A store to test against.
#[derive(Clone)]
pub struct Place {
    pub endpoint: String,
    pub region: String,
    pub id: String,
    pub secret: String,
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by `make test`"))
}

/// The real store.
pub fn garage() -> Place {
    let text = variable("STRONGROOM_TEST_GARAGE");
    let mut parts = text.split(',').map(str::to_owned);
    let mut next = || parts.next().expect("endpoint,region,key id,secret");
    Place { endpoint: next(), region: next(), id: next(), secret: next() }
}

/// AWS as moto plays it.
pub fn moto() -> Place {
    Place {
        endpoint: variable("STRONGROOM_TEST_MOTO"),
        region: "us-east-1".to_owned(),
        id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
    }
}

impl Place {
    pub fn client(&self) -> aws_sdk_s3::Client {
        let keys = aws_sdk_s3::config::Credentials::new(&self.id, &self.secret, None, None, "test");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version_latest()
            .endpoint_url(&self.endpoint)
            .region(aws_sdk_s3::config::Region::new(self.region.clone()))
            .credentials_provider(keys)
            .force_path_style(true)
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// A bucket of its own for a test.
    pub async fn bucket(&self) -> String {
        let name = format!("t-{}", Uuid::now_v7().simple());
        self.client().create_bucket().bucket(&name).send().await.unwrap();
        name
    }

    async fn keep_versions(&self, bucket: &str) {
        let on = aws_sdk_s3::types::VersioningConfiguration::builder()
            .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
            .build();
        let call = self.client().put_bucket_versioning().bucket(bucket);
        call.versioning_configuration(on).send().await.unwrap();
    }

    async fn archive_everything(&self, bucket: &str) {
        use aws_sdk_s3::types::{
            BucketLifecycleConfiguration, ExpirationStatus, LifecycleRule, LifecycleRuleFilter,
            Transition, TransitionStorageClass,
        };
        let to = TransitionStorageClass::DeepArchive;
        let rule = LifecycleRule::builder()
            .id("all")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("").build())
            .transitions(Transition::builder().days(90).storage_class(to).build())
            .build()
            .unwrap();
        let rules = BucketLifecycleConfiguration::builder().rules(rule).build().unwrap();
        let call = self.client().put_bucket_lifecycle_configuration().bucket(bucket);
        call.lifecycle_configuration(rules).send().await.unwrap();
    }

    fn given(&self) -> S3Keys {
        S3Keys::Given {
            id: Secret::new(self.id.clone()),
            secret: Secret::new(self.secret.clone()),
            session_token: None,
        }
    }

    async fn open(&self, bucket: &str) -> Arc<S3Store> {
        self.open_with(bucket, self.given()).await
    }

    async fn open_with(&self, bucket: &str, keys: S3Keys) -> Arc<S3Store> {
        self.open_kms(bucket, keys, None).await
    }

    async fn open_kms(&self, bucket: &str, keys: S3Keys, kms: Option<&str>) -> Arc<S3Store> {
        let store = StoreConfig {
            bucket: bucket.to_owned(),
            region: self.region.clone(),
            folder_prefix: "room".to_owned(),
            uploads_enabled: true,
            s3: None,
        };
        let s3 = S3Config {
            endpoint: Some(self.endpoint.clone()),
            path_style: true,
            accelerate: false,
            kms_key: kms.map(str::to_owned),
            keys,
            cloudfront: None,
        };
        S3Store::open(&store, &s3, Clock::default()).await.unwrap()
    }
}

fn object(name: &str) -> NewObject {
    let key = ObjectKey::new(format!("room/{name}")).unwrap();
    NewObject::new(key, "application/pdf".to_owned())
}

fn body(size: usize, seed: u8) -> (Vec<u8>, ByteStream) {
    let byte = |n: usize| (n.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0] ^ seed;
    let bytes: Vec<u8> = (0..size).map(byte).collect();
    let chunks: Vec<_> = bytes.chunks(70_000).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
    (bytes, stream::iter(chunks).boxed())
}

async fn read(store: &S3Store, key: &ObjectKey, range: Option<ByteRange>) -> Vec<u8> {
    let mut stream = store.get(key, None, range).await.unwrap().stream;
    let mut all = Vec::new();
    while let Some(bytes) = stream.next().await {
        all.extend_from_slice(&bytes.unwrap());
    }
    all
}

async fn a_life(store: &S3Store) {
    let (small, large) = (object("small"), object("large"));
    let (bytes, stream) = body(1_000, 1);
    let info = store.put(&small, Size::Exactly(1_000), stream).await.unwrap();
    let head = store.head(&small.key, None).await.unwrap();
    assert_eq!((head.size, &head.etag, head.sha256), (1_000, &info.etag, info.sha256));
    assert_eq!(head.version_id, info.version_id);
    assert_eq!(head.content_type.as_deref(), Some("application/pdf"));
    assert_eq!(read(store, &small.key, None).await, bytes);
    assert_eq!(read(store, &small.key, Some(ByteRange::Last(10))).await, bytes[990..]);
    let beyond = store.get(&small.key, None, Some(ByteRange::From(1_000))).await;
    assert!(matches!(beyond, Err(StoreError::Precondition)));
    let size = 13 * 1024 * 1024;
    let (bytes, stream) = body(size, 2);
    let info = store.put(&large, Size::Exactly(size as u64), stream).await.unwrap();
    let head = store.head(&large.key, None).await.unwrap();
    assert_eq!((head.size, &head.etag), (size as u64, &info.etag));
    assert!(read(store, &large.key, None).await == bytes);
    let copy = object("copy");
    let copied = store.copy(&large.key, &info.etag, &copy).await.unwrap();
    assert_eq!(copied.size, size as u64);
    assert_eq!(copied.content_type.as_deref(), Some("application/pdf"));
    let (bytes, stream) = body(9, 3);
    store.put(&object("other"), Size::Exactly(9), stream).await.unwrap();
    assert_eq!(read(store, &object("other").key, None).await, bytes);
    let other = store.copy(&object("other").key, "0123", &object("none")).await;
    assert!(matches!(other, Err(StoreError::Precondition)), "{other:?}");
    let none = store.head(&object("none").key, None).await;
    assert!(matches!(none, Err(StoreError::NotFound)), "{none:?}");
    store.purge(&object("other").key).await.unwrap();
    for object in [&small, &large, &copy] {
        store.purge(&object.key).await.unwrap();
        let gone = store.head(&object.key, None).await;
        assert!(matches!(gone, Err(StoreError::NotFound)), "{gone:?}");
    }
    store.check().await.unwrap();
}

#[tokio::test]
async fn an_object_lives_in_garage() {
    let place = garage();
    let store = place.open(&place.bucket().await).await;
    a_life(&store).await;
}

#[tokio::test]
async fn an_object_lives_in_moto() {
    let place = moto();
    let bucket = place.bucket().await;
    let store = place.open(&bucket).await;
    a_life(&store).await;
    place.keep_versions(&bucket).await;
    let store = place.open(&bucket).await;
    assert!(store.abilities().unwrap().versions);
    a_life(&store).await;
    let left = place.client().list_object_versions().bucket(&bucket).send().await.unwrap();
    assert!(left.versions().is_empty() && left.delete_markers().is_empty(), "{left:?}");
}

async fn reason(place: &Place, bucket: &str) -> String {
    let store = place.open(bucket).await;
    let reason = store.health().reason.expect("it cannot be used").to_string();
    let signed = store.presign_get(
        &object("x").key,
        None,
        &AnswerHeaders::default(),
        Duration::from_mins(1),
        Timestamp::from_micros(0),
    );
    assert!(matches!(signed, Err(StoreError::Unusable(said)) if *said == *reason));
    reason
}

#[tokio::test]
async fn the_reason_says_what_is_wrong_and_what_would_be_right() {
    let place = garage();
    let bucket = place.bucket().await;
    let missing = reason(&place, "no-such-bucket-anywhere").await;
    assert!(missing.contains("no-such-bucket-anywhere does not exist"), "{missing}");
    let wrong = Place { secret: "0".repeat(64), ..place.clone() };
    let wrong = reason(&wrong, &bucket).await;
    assert!(wrong.contains("AWS_SECRET_ACCESS_KEY"), "{wrong}");
    let unknown = Place { id: "GK000000000000000000000000".into(), ..place.clone() };
    let unknown = reason(&unknown, &bucket).await;
    assert!(unknown.contains("does not know the access key"), "{unknown}");
    let elsewhere = Place { region: "eu-west-2".into(), ..place.clone() };
    let elsewhere = reason(&elsewhere, &bucket).await;
    assert!(elsewhere.contains("Set AWS_REGION=garage"), "{elsewhere}");
    let nobody = Place { endpoint: "http://127.0.0.1:9".into(), ..place };
    let nobody = reason(&nobody, &bucket).await;
    assert!(nobody.contains("connection refused"), "{nobody}");
}

/// Waits until the bucket can, or cannot, be used.
async fn until(store: &S3Store, usable: bool) {
    let mut health = store.follow_health();
    let changed = health.wait_for(|health| health.is_usable() == usable);
    tokio::time::timeout(Duration::from_secs(30), changed).await.expect("in time").unwrap();
}

#[tokio::test]
async fn a_store_that_went_away_is_used_again_when_it_is_back() {
    let garage = garage();
    let bucket = garage.bucket().await;
    let mut relay = Relay::to(&garage.endpoint).await;
    let place = Place { endpoint: format!("http://{}", relay.address), ..garage };
    let store = place.open(&bucket).await;
    let sign = || {
        let (none, minute) = (AnswerHeaders::default(), Duration::from_mins(1));
        store.presign_get(&object("x").key, None, &none, minute, Clock::default().now())
    };
    store.check().await.unwrap();
    relay.down().await;
    assert!(sign().is_ok(), "signing asks nobody");
    let failed = store.head(&object("x").key, None).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
    until(&store, false).await;
    assert!(matches!(sign(), Err(StoreError::Unusable(_))));
    let begun = std::time::Instant::now();
    for _ in 0..100 {
        let refused = store.head(&object("x").key, None).await;
        assert!(matches!(refused, Err(StoreError::Unusable(_))), "{refused:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(1), "refused without asking");
    relay.up().await;
    until(&store, true).await;
    assert!(sign().is_ok());
    let missing = store.head(&object("x").key, None).await;
    assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
}

#[tokio::test]
async fn an_upload_that_is_dropped_leaves_nothing() {
    let place = garage();
    let bucket = place.bucket().await;
    let store = place.open(&bucket).await;
    let size = 20 * 1024 * 1024;
    let (bytes, _) = body(size / 2, 5);
    // Half of it comes, then nothing any more.
    let half = stream::iter([Ok(Bytes::from(bytes))]).chain(stream::pending()).boxed();
    let uploads = || async {
        let call = place.client().list_multipart_uploads().bucket(&bucket).send().await.unwrap();
        call.uploads().len()
    };
    {
        // Once a part is there, the store's answer to the beginning has arrived for sure.
        let sent = || async {
            let client = place.client();
            let listed = client.list_multipart_uploads().bucket(&bucket).send().await.unwrap();
            let Some(upload) = listed.uploads().first() else { return false };
            let (key, id) = (upload.key().unwrap(), upload.upload_id().unwrap());
            let parts = client.list_parts().bucket(&bucket).key(key).upload_id(id).send().await;
            parts.is_ok_and(|parts| !parts.parts().is_empty())
        };
        let (object, begun) = (object("half"), async { while !sent().await {} });
        let put = store.put(&object, Size::Exactly(size as u64), half);
        tokio::select! {
            done = put => panic!("{done:?}"),
            () = begun => {}
        }
    }
    let gone = async { while uploads().await > 0 {} };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("aborted");
    let short = stream::iter([Ok(Bytes::from_static(b"short"))]).boxed();
    assert!(store.put(&object("short"), Size::Exactly(9), short).await.is_err());
    let (_, long) = body(12 * 1024 * 1024, 6);
    assert!(store.put(&object("long"), Size::Exactly(11 * 1024 * 1024), long).await.is_err());
    assert_eq!(uploads().await, 0);
    for name in ["short", "long", "half"] {
        let none = store.head(&object(name).key, None).await;
        assert!(matches!(none, Err(StoreError::NotFound)), "{none:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_damaged_on_the_way_are_refused_by_the_store() {
    let garage = garage();
    let bucket = garage.bucket().await;
    let relay = Relay::damaging(&garage.endpoint).await;
    let place = Place { endpoint: format!("http://{}", relay.address), ..garage };
    let store = place.open(&bucket).await;
    for size in [1_000_000, 9 * 1024 * 1024] {
        let (_, stream) = body(size, 8);
        let put = store.put(&object("damaged"), Size::Exactly(size as u64), stream).await;
        assert!(matches!(put, Err(StoreError::Unavailable(_))), "{size}: {put:?}");
        let none = store.head(&object("damaged").key, None).await;
        assert!(matches!(none, Err(StoreError::NotFound)), "{none:?}");
    }
}

#[tokio::test]
async fn slow_senders_do_not_keep_others_waiting() {
    let place = garage();
    let store = place.open(&place.bucket().await).await;
    let size = 8 * 1024 * 1024;
    let slow =
        (0..40).map(|n| {
            let store = Arc::clone(&store);
            let body = stream::iter([Ok(Bytes::from(vec![0; 70_000]))]).chain(stream::pending());
            // Half of them would be put at once, half in parts.
            let size = size + u64::from(n % 2 == 0);
            async move {
                store.put(&object(&format!("slow-{n}")), Size::Exactly(size), body.boxed()).await
            }
        });
    let slow = futures::future::join_all(slow);
    let quick = async {
        for size in [1_000, 8_000_000, 30_000_000] {
            let (bytes, stream) = body(size, 7);
            let name = object(&format!("quick-{size}"));
            let begun = store.put(&name, Size::Exactly(size as u64), stream);
            let written = tokio::time::timeout(Duration::from_secs(10), begun).await;
            assert_eq!(written.expect("in time").unwrap().size, size as u64);
            assert!(read(&store, &name.key, None).await == bytes);
        }
    };
    tokio::select! {
        _ = slow => panic!("they never end"),
        () = quick => {}
    }
}

/// Sends so many bytes and then nothing more, without having said how many there are.
async fn standing_still(store: Arc<S3Store>, name: String, bytes: usize) -> StoreError {
    let pieces: Vec<_> =
        vec![0_u8; bytes].chunks(70_000).map(|p| Ok(Bytes::copy_from_slice(p))).collect();
    let body = stream::iter(pieces).chain(stream::pending()).boxed();
    store.put(&object(&name), Size::AtMost(25_000_000), body).await.unwrap_err()
}

#[tokio::test]
async fn slow_senders_of_unknown_length_do_not_keep_others_waiting() {
    let place = garage();
    let store = place.open(&place.bucket().await).await;
    let quick = async {
        for size in [1_000, 8_000_000, 20_000_000] {
            let (bytes, stream) = body(size, 7);
            let name = object(&format!("quick-{size}"));
            let begun = store.put(&name, Size::AtMost(25_000_000), stream);
            let written = tokio::time::timeout(Duration::from_secs(10), begun).await;
            assert_eq!(written.expect("in time").unwrap().size, size as u64);
            assert!(read(&store, &name.key, None).await == bytes);
        }
    };
    let slow = (0..40).map(|n| standing_still(Arc::clone(&store), format!("slow-{n}"), 70_000));
    tokio::select! {
        ended = futures::future::join_all(slow) => panic!("{ended:?}"),
        () = quick => {}
    }
}

#[tokio::test]
async fn who_stands_still_with_much_in_memory_makes_room_when_others_wait() {
    let place = garage();
    let store = place.open(&place.bucket().await).await;
    // Each holds all but the end of a part: more than there is room for.
    let mut slow: tokio::task::JoinSet<_> = (0..6)
        .map(|n| standing_still(Arc::clone(&store), format!("slow-{n}"), 5_200_000))
        .collect();
    let (bytes, stream) = body(20_000_000, 7);
    let name = object("quick");
    let written = store.put(&name, Size::AtMost(25_000_000), stream);
    let written = tokio::time::timeout(Duration::from_mins(3), written).await;
    assert_eq!(written.expect("in time").unwrap().size, bytes.len() as u64);
    let ended = slow.try_join_next().expect("they were ended").unwrap();
    assert!(matches!(ended, StoreError::Unavailable(_)), "{ended:?}");
}

#[tokio::test]
async fn a_store_that_never_answers_holds_a_bounded_number_of_calls() {
    let garage = garage();
    let bucket = garage.bucket().await;
    let mut relay = Relay::to(&garage.endpoint).await;
    let place = Place { endpoint: format!("http://{}", relay.address), ..garage };
    let store = place.open(&bucket).await;
    relay.down().await;
    // It takes connections and says nothing.
    let _silent = TcpListener::bind(relay.address).await.unwrap();
    let calls = (0..400).map(|_| async {
        let begun = std::time::Instant::now();
        let failed = store.head(&object("x").key, None).await.map(|_| ());
        assert!(failed.is_err());
        begun.elapsed() < Duration::from_secs(4)
    });
    let mut calls: futures::stream::FuturesUnordered<_> = calls.collect();
    for _ in 0..400 - 256 {
        assert_eq!(calls.next().await, Some(true), "those beyond the bound fail soon");
    }
}

#[tokio::test]
async fn encryption_and_archives_are_as_configured() {
    let place = moto();
    let bucket = place.bucket().await;
    place.keep_versions(&bucket).await;
    let store = place.open_kms(&bucket, place.given(), Some("alias/room")).await;
    let archived = object("archived");
    let (_, stream) = body(12 * 1024 * 1024, 1);
    store.put(&archived, Size::Exactly(12 * 1024 * 1024), stream).await.unwrap();
    let call = place.client().head_object().bucket(&bucket).key(archived.key.as_str());
    let found = call.send().await.unwrap();
    let kind = aws_sdk_s3::types::ServerSideEncryption::AwsKms;
    assert_eq!(found.server_side_encryption(), Some(&kind));
    let put = PresignPut {
        key: object("sealed").key,
        content_type: "application/pdf".to_owned(),
        size: Size::Exactly(1),
        sha256: None,
    };
    let (minute, now) = (Duration::from_mins(1), Clock::default().now());
    let signed = store.presign_put(&put, UploadMethod::Put, minute, now).unwrap();
    let wanted = ("x-amz-server-side-encryption".to_owned(), "aws:kms".to_owned());
    assert!(signed.headers.contains(&wanted), "{signed:?}");
    assert!(!store.abilities().unwrap().archives);
    let call = place.client().copy_object().bucket(&bucket).key(archived.key.as_str());
    let call = call.copy_source(format!("{bucket}/{}", archived.key));
    call.storage_class(aws_sdk_s3::types::StorageClass::Glacier).send().await.unwrap();
    let head = store.head(&archived.key, None).await.unwrap();
    assert_eq!((head.archive, head.is_readable()), (Some(Archive::Archived), false));
    let unread = store.get(&archived.key, None, None).await.map(|_| ());
    assert!(matches!(unread, Err(StoreError::Archived)), "{unread:?}");
    let version = head.version_id.as_deref();
    store.retrieve(&archived.key, version, 3).await.unwrap();
    store.retrieve(&archived.key, version, 3).await.unwrap();
    let head = store.head(&archived.key, version).await.unwrap();
    assert!(matches!(head.archive, Some(Archive::Retrieving | Archive::Retrieved(_))), "{head:?}");
    place.archive_everything(&bucket).await;
    let store = place.open(&bucket).await;
    assert!(store.abilities().unwrap().archives);
}

#[tokio::test]
async fn an_examination_tells_what_garage_only_pretends_to_do() {
    let place = garage();
    let bucket = place.bucket().await;
    let store = place.open(&bucket).await;
    let findings = store.findings().await;
    let of = |name: &str| {
        let found = findings.iter().find(|finding| finding.name == name);
        found.unwrap_or_else(|| panic!("{name}: {findings:#?}")).verdict
    };
    for name in
        ["reach", "write", "sha256", "forms", "multipart", "copyCondition", "ranges", "clock"]
    {
        assert_eq!(of(name), Verdict::Works, "{name}: {findings:#?}");
    }
    assert_eq!(of("presignedPut"), Verdict::Works, "{findings:#?}");
    assert_eq!(of("versions"), Verdict::Missing);
    assert_eq!(of("createOnly"), Verdict::Lies);
    assert_eq!(of("archiveClasses"), Verdict::Lies);
    assert_eq!(of("tags"), Verdict::Missing);
    assert_eq!(of("objectLock"), Verdict::Missing);
    let left = place.client().list_objects_v2().bucket(&bucket).send().await.unwrap();
    assert_eq!(left.contents(), [], "the examination leaves nothing");
}

#[tokio::test]
async fn an_examination_of_moto_finds_versions_and_locks() {
    let place = moto();
    let bucket = format!("t-{}", Uuid::now_v7().simple());
    let call = place.client().create_bucket().bucket(&bucket);
    call.object_lock_enabled_for_bucket(true).send().await.unwrap();
    let store = place.open(&bucket).await;
    let findings = store.findings().await;
    for name in ["reach", "write", "versions", "createOnly", "tags", "objectLock", "archiveClasses"]
    {
        let found = findings.iter().find(|finding| finding.name == name).unwrap();
        assert_eq!(found.verdict, Verdict::Works, "{findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_replaced_under_load_without_one_failed_request() {
    let vault = Vault::default();
    vault.keys.lock().unwrap().extend([("OLD".into(), "one".into()), ("NEW".into(), "two".into())]);
    let dir = tempfile::tempdir().unwrap();
    let (id, secret) = (dir.path().join("id"), dir.path().join("secret"));
    std::fs::write(&id, "OLD\n").unwrap();
    std::fs::write(&secret, "one\n").unwrap();
    let files = S3Keys::Files { id: id.clone(), secret: secret.clone(), session_token: None };
    let (endpoint, region) = (vault.serve().await, "us-east-1".to_owned());
    let place = Place { endpoint, region, id: String::new(), secret: String::new() };
    let store = place.open_with("room", files).await;
    let work = Arc::clone(&store);
    let load = tokio::spawn(async move {
        loop {
            let (_, stream) = body(1_000, 1);
            work.put(&object("load"), Size::Exactly(1_000), stream).await.expect("not one fails");
            work.get(&object("load").key, None, None).await.expect("not one fails");
        }
    });
    let signer = || {
        let (none, minute) = (AnswerHeaders::default(), Duration::from_mins(1));
        let now = Clock::default().now();
        let signed = store.presign_get(&object("x").key, None, &none, minute, now).unwrap();
        if signed.url.contains("Credential=OLD") { "OLD" } else { "NEW" }
    };
    // One half is there, the other is not: such a pair is tried and not used.
    std::fs::write(&id, "NEW\n").unwrap();
    vault.asked_by("NEW", 2).await;
    assert_eq!(signer(), "OLD");
    std::fs::write(&secret, "two\n").unwrap();
    // Many more than trials could be.
    vault.asked_by("NEW", 100).await;
    assert_eq!(signer(), "NEW");
    vault.keys.lock().unwrap().remove("OLD");
    vault.asked_by("NEW", 200).await;
    assert!(!load.is_finished(), "{:?}", load.await);
    load.abort();
}
