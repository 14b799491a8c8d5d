//! What is special to somebody else's bucket: keys that are replaced, stores that go away and come
//! back, and reasons that tell an operator what to do. Against a real Garage and against moto,
//! which `make test` starts.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use strongroom::config::{S3Config, S3Keys, StoreConfig};
use strongroom::sensitive::Secret;
use strongroom::store::s3::S3Store;
use strongroom::store::{
    AnswerHeaders, ByteRange, ByteStream, NewObject, ObjectKey, ObjectStore as _, StoreError,
};
use strongroom::time::{Clock, Timestamp};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use uuid::Uuid;

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
            kms_key: None,
            keys,
            cloudfront: None,
        };
        S3Store::open(&store, &s3, Clock::default()).await.unwrap()
    }
}

fn object(name: &str) -> NewObject {
    let key = ObjectKey::new(format!("room/{name}")).unwrap();
    NewObject { key, content_type: "application/pdf".to_owned() }
}

fn body(size: usize, seed: u8) -> (Vec<u8>, ByteStream) {
    let bytes: Vec<u8> = (0..size).map(|n| (n % 251) as u8 ^ seed ^ (n >> 16) as u8).collect();
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
    println!("{:?}", store.health());
    let (small, large) = (object("small"), object("large"));
    let (bytes, stream) = body(1_000, 1);
    let info = store.put(&small, 1_000, stream).await.unwrap();
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
    let info = store.put(&large, size as u64, stream).await.unwrap();
    let head = store.head(&large.key, None).await.unwrap();
    assert_eq!((head.size, &head.etag), (size as u64, &info.etag));
    assert!(read(store, &large.key, None).await == bytes);
    let copy = object("copy");
    let copied = store.copy(&large.key, &info.etag, &copy).await.unwrap();
    assert_eq!(copied.size, size as u64);
    assert_eq!(copied.content_type.as_deref(), Some("application/pdf"));
    let other = store.copy(&large.key, "0123", &copy).await;
    assert!(matches!(other, Err(StoreError::Precondition)), "{other:?}");
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
    let store = place.open(&place.bucket().await).await;
    a_life(&store).await;
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
    println!("{reason}");
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
