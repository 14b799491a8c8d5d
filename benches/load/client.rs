//! The client: one keep-alive connection per worker over a real socket, no copy of what it
//! receives, and bodies that differ each time at the cost of one memory copy.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Failure;
use crate::made_pdf::around_pdf;

/// How much of a body is handed over at once.
const CHUNK: usize = 128 * 1024;
/// Every so many bytes the content differs from any other that was sent.
const STAMP: usize = 4096;

/// Bytes that look random, made once.
#[derive(Clone)]
pub struct Source(Bytes);

impl Source {
    /// Fills the buffer with a generator that needs no seed from outside.
    pub fn new() -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        };
        Self((0..CHUNK / 8).flat_map(|_| next()).collect())
    }
}

/// What is sent.
pub enum Payload {
    /// These bytes, or nothing.
    Once(Option<Bytes>),
    /// A PDF, no 4 KiB of it like any other.
    Stamped {
        /// Where the bytes come from.
        source: Source,
        /// How many there are.
        of: u64,
        /// How many are still to come.
        left: u64,
        /// The next stamp; the caller sees to it that no two bodies share any.
        stamp: u64,
    },
}

impl Payload {
    /// A JSON body.
    pub fn json(value: &Value) -> Self {
        Self::Once(Some(Bytes::from(value.to_string())))
    }

    /// Content number `n` of a size.
    pub fn stamped(source: &Source, size: u64, n: u64) -> Self {
        Self::Stamped { source: source.clone(), of: size, left: size, stamp: n << 20 }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = match &mut *self {
            Self::Once(bytes) => bytes.take(),
            Self::Stamped { left: 0, .. } => None,
            Self::Stamped { source, of, left, stamp } => {
                let size = usize::try_from(*left).unwrap_or(usize::MAX).min(CHUNK);
                let mut chunk = source.0[..size].to_vec();
                for piece in chunk.chunks_mut(STAMP).filter(|piece| piece.len() >= 24) {
                    piece[16..24].copy_from_slice(&stamp.to_le_bytes());
                    *stamp += 1;
                }
                let begin = *of - *left;
                let (head, tail) = around_pdf(*of);
                for (at, byte) in
                    (0..).zip(&head).chain((of.saturating_sub(tail.len() as u64)..).zip(&tail))
                {
                    let within = at.checked_sub(begin).and_then(|at| usize::try_from(at).ok());
                    if let Some(to) = within.and_then(|at| chunk.get_mut(at)) {
                        *to = *byte;
                    }
                }
                *left -= size as u64;
                Some(Bytes::from(chunk))
            }
        };
        Poll::Ready(chunk.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Once(None) | Self::Stamped { left: 0, .. })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Once(bytes) => bytes.as_ref().map_or(0, |b| b.len() as u64),
            Self::Stamped { left, .. } => *left,
        })
    }
}

/// One connection.
pub struct Client {
    sender: SendRequest<Payload>,
    host: HeaderValue,
    token: HeaderValue,
}

/// The half of a connection that has to be polled for anything to move.
pub type Wire = http1::Connection<TokioIo<TcpStream>, Payload>;

impl Client {
    /// Opens a connection.
    pub async fn connect(to: SocketAddr, token: &str) -> Result<(Self, Wire), Failure> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let (sender, wire) = http1::handshake(TokioIo::new(stream)).await?;
        let host = HeaderValue::from_str(&to.to_string())?;
        let mut token = HeaderValue::from_str(&format!("Bearer {token}"))?;
        token.set_sensitive(true);
        Ok((Self { sender, host, token }, wire))
    }

    /// Calls the API and reads the answer.
    pub async fn call(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, Failure> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.token.clone());
        let mut payload = Payload::Once(None);
        if let Some(json) = body {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            payload = Payload::json(json);
        }
        let answer = self.send(method, path, headers, payload).await?;
        Ok(answer.collect().await?.to_bytes())
    }

    /// The same, read as JSON.
    pub async fn json(
        &mut self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.call(method, path, body).await?)?)
    }

    /// Sends content where a presigned upload says.
    pub async fn put(&mut self, to: &Upload, payload: Payload) -> Result<(), Failure> {
        let answer = self.send(Method::PUT, &to.path, to.headers.clone(), payload).await?;
        answer.collect().await?;
        Ok(())
    }

    /// Fetches a presigned path and lets the content go; how many bytes it was.
    pub async fn fetch(&mut self, path: &str) -> Result<u64, Failure> {
        self.drain(path, HeaderMap::new()).await
    }

    /// The same from the API, with the token.
    pub async fn fetch_as_caller(&mut self, path: &str) -> Result<u64, Failure> {
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, self.token.clone())]);
        self.drain(path, headers).await
    }

    async fn drain(&mut self, path: &str, headers: HeaderMap) -> Result<u64, Failure> {
        let mut answer = self.send(Method::GET, path, headers, Payload::Once(None)).await?;
        let mut bytes = 0;
        while let Some(frame) = answer.frame().await {
            bytes += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok(bytes)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        payload: Payload,
    ) -> Result<hyper::body::Incoming, Failure> {
        let mut request = Request::builder().method(method).uri(path).body(payload)?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::HOST, self.host.clone());
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body();
        if status.is_success() {
            return Ok(body);
        }
        let text = body.collect().await?.to_bytes();
        Err(format!("{path} answered {status}: {}", String::from_utf8_lossy(&text)).into())
    }
}

/// An upload that was allowed.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The document to be.
    pub id: String,
    /// Where its content goes.
    pub path: String,
    /// With which headers.
    pub headers: HeaderMap,
}

impl Upload {
    /// Reads the answer of presign-upload.
    pub fn read(answer: &Value) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        for (name, value) in answer["headers"].as_object().into_iter().flatten() {
            let value = HeaderValue::from_str(value.as_str().unwrap_or_default())?;
            headers.insert(HeaderName::try_from(name.as_str())?, value);
        }
        let id = answer["id"].as_str().unwrap_or_default().to_owned();
        Ok(Self { id, path: path_of(&answer["url"])?, headers })
    }
}

/// The path and query of a URL in an answer.
pub fn path_of(url: &Value) -> Result<String, Failure> {
    let url: http::Uri = url.as_str().unwrap_or_default().parse()?;
    Ok(url.path_and_query().map(ToString::to_string).unwrap_or_default())
}
