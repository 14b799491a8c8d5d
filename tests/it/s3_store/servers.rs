//! Servers of the tests' own: a way to a store that can be cut, and a store whose keys change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A way to a store that can be cut.
pub struct Relay {
    pub address: std::net::SocketAddr,
    target: String,
    damages: bool,
    way: Option<JoinHandle<()>>,
}

impl Relay {
    pub async fn to(endpoint: &str) -> Self {
        Self::new(endpoint, false).await
    }

    /// A way on which the bytes that are sent suffer: of each long piece the last.
    pub async fn damaging(endpoint: &str) -> Self {
        Self::new(endpoint, true).await
    }

    async fn new(endpoint: &str, damages: bool) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let target = endpoint.trim_start_matches("http://").to_owned();
        let mut relay = Self { address, target, damages, way: None };
        relay.up().await;
        relay
    }

    pub async fn up(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (target, damages) = (self.target.clone(), self.damages);
        self.way = Some(tokio::spawn(async move {
            let mut ways = tokio::task::JoinSet::new();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let target = target.clone();
                ways.spawn(async move {
                    let mut far = TcpStream::connect(target).await.unwrap();
                    if damages {
                        return damage(near, far).await;
                    }
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        }));
    }

    pub async fn down(&mut self) {
        let Some(way) = self.way.take() else { return };
        way.abort();
        let _ = way.await;
    }
}

/// Passes on both ways until one ends.
async fn damage(near: TcpStream, far: TcpStream) {
    let ((mut from, mut back), (mut answers, mut to)) = (near.into_split(), far.into_split());
    let there = async {
        let mut bytes = vec![0; 65_536];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            // What is shorter may be all head, which is signed.
            if count >= 16_384 {
                bytes[count - 1] ^= 1;
            }
            if to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        _ = tokio::io::copy(&mut answers, &mut back) => {}
    }
}

/// A small store that checks signatures by keys a test can change. It keeps one object.
#[derive(Clone, Default)]
pub struct Vault {
    pub keys: Arc<Mutex<HashMap<String, String>>>,
    bytes: Arc<Mutex<Bytes>>,
    /// Which key asked how often, again and again.
    asked: tokio::sync::watch::Sender<HashMap<String, u32>>,
}

#[async_trait::async_trait]
impl s3s::auth::S3Auth for Vault {
    async fn get_secret_key(&self, id: &str) -> s3s::S3Result<s3s::auth::SecretKey> {
        self.asked.send_modify(|asked| *asked.entry(id.to_owned()).or_default() += 1);
        let secret = self.keys.lock().unwrap().get(id).cloned();
        secret.map(Into::into).ok_or_else(|| s3s::S3ErrorCode::InvalidAccessKeyId.into())
    }
}

#[async_trait::async_trait]
impl s3s::S3 for Vault {
    async fn head_bucket(
        &self,
        _: s3s::S3Request<s3s::dto::HeadBucketInput>,
    ) -> s3s::S3Result<s3s::S3Response<s3s::dto::HeadBucketOutput>> {
        Ok(s3s::S3Response::new(s3s::dto::HeadBucketOutput::default()))
    }

    async fn put_object(
        &self,
        request: s3s::S3Request<s3s::dto::PutObjectInput>,
    ) -> s3s::S3Result<s3s::S3Response<s3s::dto::PutObjectOutput>> {
        let mut all = Vec::new();
        let mut body = request.input.body.unwrap();
        while let Some(bytes) = body.next().await {
            all.extend_from_slice(&bytes.map_err(|_| s3s::S3ErrorCode::IncompleteBody)?);
        }
        *self.bytes.lock().unwrap() = all.into();
        let e_tag = Some(s3s::dto::ETag::Strong("one".to_owned()));
        let output = s3s::dto::PutObjectOutput { e_tag, ..Default::default() };
        Ok(s3s::S3Response::new(output))
    }

    async fn get_object(
        &self,
        _: s3s::S3Request<s3s::dto::GetObjectInput>,
    ) -> s3s::S3Result<s3s::S3Response<s3s::dto::GetObjectOutput>> {
        let bytes = self.bytes.lock().unwrap().clone();
        let output = s3s::dto::GetObjectOutput {
            content_length: i64::try_from(bytes.len()).ok(),
            body: Some(s3s::Body::from(bytes).into()),
            e_tag: Some(s3s::dto::ETag::Strong("one".to_owned())),
            ..Default::default()
        };
        Ok(s3s::S3Response::new(output))
    }

    async fn delete_object(
        &self,
        _: s3s::S3Request<s3s::dto::DeleteObjectInput>,
    ) -> s3s::S3Result<s3s::S3Response<s3s::dto::DeleteObjectOutput>> {
        Ok(s3s::S3Response::new(s3s::dto::DeleteObjectOutput::default()))
    }
}

impl Vault {
    pub async fn serve(&self) -> String {
        let mut builder = s3s::service::S3ServiceBuilder::new(self.clone());
        builder.set_auth(self.clone());
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let socket = hyper_util::rt::TokioIo::new(socket);
                let service = service.clone();
                tokio::spawn(async move {
                    let executor = hyper_util::rt::TokioExecutor::new();
                    let server = hyper_util::server::conn::auto::Builder::new(executor);
                    let _ = server.serve_connection(socket, service).await;
                });
            }
        });
        endpoint
    }

    /// Waits until the key with this id has asked so often.
    pub async fn asked_by(&self, id: &str, times: u32) {
        let mut asked = self.asked.subscribe();
        let done = asked.wait_for(|asked| asked.get(id).is_some_and(|count| *count >= times));
        tokio::time::timeout(Duration::from_secs(30), done).await.expect("in time").unwrap();
    }
}
