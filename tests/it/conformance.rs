//! What every object store has to do, whatever it is: the grounds to try it on. The cases stand in
//! the files beside this one, and each runs on every ground.
//!
//! A case asks [`ObjectStore::abilities`] where stores may differ, and then sees to it that the
//! store does what it says: a store that says yes and does nothing fails, and so does one that
//! says no and does it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use bytes::Bytes;
use futures::StreamExt as _;
use http::Request;
use strongroom::ids::Ids;
use strongroom::keys::{KeyRing, S3Credentials};
use strongroom::sensitive::Secret;
use strongroom::store::local::{
    LocalStore, LocalStoreConfig, Most, WireAccess, WireObserver, WireRefusal,
};
use strongroom::store::s3::S3Store;
use strongroom::store::{
    Abilities, AnswerHeaders, ByteRange, ByteStream, NewObject, ObjectInfo, ObjectKey, ObjectStore,
    PresignPut, PresignedRequest, Size, StoreError,
};
use strongroom::time::{Clock, Timestamp};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::faulty_proxy::{Fault, Proxy};
use crate::garage::{Account, Bucket};
use crate::process::{PATIENCE, PAUSE, Seeded, seed};

/// Runs each case against every store: the local one behind its own wire, Garage, Garage behind a
/// network that fails now and then, and moto's picture of AWS with and without versions. What moto
/// cannot show stands in a list of its own, with the reason.
#[macro_export]
macro_rules! on_every_store {
    ($($name:ident),* $(,)? $(; not_moto($why:literal): $($real:ident),* $(,)?)*) => {
        mod local {
            $($crate::on_store!(local, $name);)* $($($crate::on_store!(local, $real);)*)*
        }
        mod garage {
            $($crate::on_store!(garage, $name);)* $($($crate::on_store!(garage, $real);)*)*
        }
        mod garage_behind_faults {
            $($crate::on_store!(garage_behind_faults, $name);)*
            $($($crate::on_store!(garage_behind_faults, $real);)*)*
        }
        mod moto_with_versions {
            $($crate::on_store!(moto_with_versions, $name);)*
        }
        mod moto_without_versions {
            $($crate::on_store!(moto_without_versions, $name);)*
        }
    };
}

/// One case on one store.
#[macro_export]
macro_rules! on_store {
    ($ground:ident, $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let ground = $crate::conformance::Ground::$ground().await;
            super::$name(&ground).await;
            ground.no_upload_is_left().await;
        }
    };
}

/// A store and everything beside it.
pub struct Ground {
    pub store: Arc<dyn ObjectStore>,
    /// What a browser would send presigned requests with.
    pub http: reqwest::Client,
    /// The same bucket by somebody else's client, straight.
    pub bucket: Bucket,
    pub proxy: Option<Proxy>,
    _folder: Option<TempDir>,
    _server: JoinSet<()>,
}

/// The local store's wire without a trail.
struct Unwatched;

#[async_trait]
impl WireObserver for Unwatched {
    async fn before(&self, _: &WireAccess) -> Result<Most, WireRefusal> {
        Ok(Most::default())
    }
}

impl Ground {
    /// The local store, its wire on a socket.
    pub async fn local() -> Self {
        let folder = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let account = Account {
            endpoint: format!("http://{}", listener.local_addr().unwrap()),
            region: "us-east-1".to_owned(),
            id: "SR0123456789ABCDEFGH".to_owned(),
            secret: "0123456789012345678901234567890123456789".to_owned(),
        };
        let store = LocalStore::open(LocalStoreConfig {
            dir: folder.path().join("store"),
            bucket: "room".to_owned(),
            region: account.region.clone(),
            endpoint: account.endpoint.clone(),
            credentials: S3Credentials {
                access_key_id: account.id.clone(),
                secret_access_key: Secret::new(account.secret.clone()),
            },
            ring: KeyRing::load_or_create(&folder.path().join("master.key")).unwrap().0,
            clock: Clock::default(),
            ids: Ids::Random,
        });
        let store = store.await.unwrap();
        let wire = store.wire(Arc::new(Unwatched), Vec::new());
        let service = Router::new().fallback(move |request: Request<axum::body::Body>| {
            let wire = wire.clone();
            async move { wire.handle(request).await }
        });
        let mut server = JoinSet::new();
        server.spawn(async move {
            let never = std::future::pending();
            strongroom::http::listen::serve(listener, None, service, never).await.unwrap();
        });
        let bucket = Bucket { client: account.client(), account, name: "room".to_owned() };
        let http = browser();
        Self { store, http, bucket, proxy: None, _folder: Some(folder), _server: server }
    }

    pub async fn garage() -> Self {
        Self::s3(Account::garage().bucket().await, None).await
    }

    /// Garage behind a proxy where something goes wrong once in a while: what the store asks for
    /// is hit at most once in the same words, so that a second attempt gets through. What the
    /// browser sends is left alone; nobody repeats that.
    pub async fn garage_behind_faults() -> Self {
        let ground = Self::garage_behind_proxy().await;
        let seed = seed();
        println!("STRONGROOM_TEST_SEED={seed}");
        let (mut seed, mut hit, mut turn) = (Seeded(seed), HashSet::new(), 0);
        let faults = [
            Fault::Answer(503),
            Fault::CutRequest(700),
            Fault::Answer(500),
            Fault::Delay(Duration::from_millis(50)),
        ];
        ground.proxy.as_ref().unwrap().plan(move |request| {
            let by_browser = request.uri.query().is_some_and(|q| q.contains("X-Amz-Signature"))
                || request.headers.get("content-type").is_some_and(|kind| {
                    kind.to_str().is_ok_and(|kind| kind.starts_with("multipart/form-data"))
                });
            let line = format!("{} {}", request.method, request.uri);
            if by_browser || !seed.next().is_multiple_of(3) || !hit.insert(line) {
                return Fault::None;
            }
            turn += 1;
            faults[turn % faults.len()]
        });
        ground
    }

    /// Garage behind a proxy that does nothing yet.
    pub async fn garage_behind_proxy() -> Self {
        let account = Account::garage();
        let proxy = Proxy::before(&account.endpoint).await;
        Self::s3(account.bucket().await, Some(proxy)).await
    }

    pub async fn moto_with_versions() -> Self {
        Self::s3(Account::moto().versioned_bucket().await, None).await
    }

    pub async fn moto_without_versions() -> Self {
        Self::s3(Account::moto().bucket().await, None).await
    }

    pub async fn s3(bucket: Bucket, proxy: Option<Proxy>) -> Self {
        let seen = proxy.as_ref().map_or(bucket.clone(), |proxy| bucket.through(&proxy.url()));
        let (store, s3) = seen.config();
        let store = S3Store::open(&store, &s3, Clock::default()).await.unwrap();
        let ground =
            Self { store, http: browser(), bucket, proxy, _folder: None, _server: JoinSet::new() };
        // What the bucket can do is found out beside the start.
        ground.usable().await;
        ground
    }

    /// Waits until the store says what it can do.
    pub async fn usable(&self) -> Abilities {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.store.abilities() {
                Ok(abilities) => return abilities,
                Err(e) => assert!(Instant::now() < deadline, "it cannot be used: {e}"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub fn can(&self) -> Abilities {
        self.store.abilities().unwrap()
    }

    /// What has not become an object is nowhere.
    pub async fn no_upload_is_left(&self) {
        assert_eq!(self.bucket.uploads().await, [], "uploads in parts are left behind");
    }

    pub async fn put(&self, name: &str, bytes: &[u8]) -> ObjectInfo {
        let put = self.store.put(&object(name), exactly(bytes), pieces(bytes)).await;
        put.unwrap_or_else(|e| panic!("{name}, {} bytes: {e:?}", bytes.len()))
    }

    /// Writes over an object behind the store's back.
    pub async fn overwrite(&self, name: &str, bytes: &[u8]) {
        let put = self.bucket.client.put_object().bucket(&self.bucket.name).key(name);
        put.body(bytes.to_vec().into()).send().await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
    }

    /// Everything there is of an object, or of a part of it.
    pub async fn read(
        &self,
        name: &str,
        version: Option<&str>,
        range: Option<ByteRange>,
    ) -> Result<Vec<u8>, StoreError> {
        let got = self.store.get(&key(name), version, range).await?;
        let mut stream = got.stream;
        let mut bytes = Vec::new();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece?);
        }
        let told = got.range.end - got.range.start;
        assert_eq!(bytes.len() as u64, told, "{name}: a stream that ended well is whole");
        Ok(bytes)
    }

    #[track_caller]
    pub fn expect_nothing(&self, name: &str) -> impl Future<Output = ()> {
        let (store, key) = (Arc::clone(&self.store), key(name));
        async move {
            let found = store.head(&key, None).await;
            assert!(matches!(found, Err(StoreError::NotFound)), "{key}: {found:?}");
        }
    }

    /// Sends what was presigned, as a browser does: the length is the body's.
    pub async fn send(&self, request: &PresignedRequest, body: &[u8]) -> Sent {
        let method = request.method.parse().unwrap();
        let mut builder = self.http.request(method, &request.url);
        if request.fields.is_empty() {
            for (name, value) in request.headers.iter().filter(|(n, _)| n != "content-length") {
                builder = builder.header(name, value);
            }
            builder = builder.body(body.to_vec());
        } else {
            let (kind, form) = form(&request.fields, body);
            builder = builder.header("content-type", kind).body(form);
        }
        let answer = builder.send().await.unwrap();
        Sent {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.bytes().await.unwrap().to_vec(),
        }
    }

    /// A presigned download, followed.
    pub async fn download(&self, name: &str, version: Option<&str>) -> Sent {
        let answer = AnswerHeaders::default();
        let get = self.store.presign_get(&key(name), version, &answer, MINUTE, now()).unwrap();
        self.send(&get, b"").await
    }
}

/// What came back to a browser.
pub struct Sent {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Vec<u8>,
}

impl Sent {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// It was not let in, and not by accident.
    #[track_caller]
    pub fn expect_refused(self) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert!((400..500).contains(&self.status), "{} {text}", self.status);
        self
    }

    #[track_caller]
    pub fn expect_let_in(self) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert!((200..300).contains(&self.status), "{} {text}", self.status);
        self
    }
}

pub const MINUTE: Duration = Duration::from_mins(1);
pub const MIB: usize = 1024 * 1024;

/// Keys that are spelled wrongly where anything is escaped once too often or too seldom.
pub const AWKWARD_KEYS: &[&str] = &[
    "a b/c  d.pdf",
    "a+b%2Bc%20d.pdf",
    "100%/50%25.pdf",
    "ümläut/Ünïcode-日本語-😀.pdf",
    "q?x=1&y=2#z;a=b.pdf",
    "quote'\"(paren)*!@,$:=[]{}|^`~\\.pdf",
    "a//b/",
    "~tilde-_.pdf",
];

pub fn browser() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

pub fn now() -> Timestamp {
    Clock::default().now()
}

pub fn key(name: &str) -> ObjectKey {
    ObjectKey::new(name).unwrap()
}

pub fn object(name: &str) -> NewObject {
    NewObject::new(key(name), "application/pdf".to_owned())
}

/// Bytes that differ everywhere and from one seed to the next.
pub fn bytes(seed: u64, size: usize) -> Vec<u8> {
    Seeded(seed).pdf(size)
}

pub fn exactly(bytes: &[u8]) -> Size {
    Size::Exactly(bytes.len() as u64)
}

/// A body in pieces of no round size.
pub fn pieces(bytes: &[u8]) -> ByteStream {
    let pieces: Vec<_> = bytes.chunks(99_991).map(|b| Ok(Bytes::copy_from_slice(b))).collect();
    futures::stream::iter(pieces).boxed()
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest(&SHA256, bytes).as_ref().try_into().unwrap()
}

/// What is announced of an upload.
pub fn upload(name: &str, bytes: &[u8]) -> PresignPut {
    PresignPut {
        key: key(name),
        content_type: "application/pdf".to_owned(),
        size: Size::Exactly(bytes.len() as u64),
        sha256: Some(sha256(bytes)),
    }
}

/// A form as a page sends it, the file at its end.
fn form(fields: &[(String, String)], file: &[u8]) -> (String, Vec<u8>) {
    const BORDER: &str = "----a-border-that-is-in-no-file";
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!(
            "--{BORDER}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BORDER}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BORDER}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BORDER}"), body)
}
