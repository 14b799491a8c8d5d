//! A real HTTP proxy on 127.0.0.1 that behaves as badly as a test wants.
//!
//! It passes on method, path, headers and body as they came (the `Host` too, so that signatures
//! stay right), and for each request asks the test's plan what is to go wrong.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::request::Parts;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is answered with this status, and never passed on.
    Answer(u16),
    /// It is passed on after a while.
    Delay(Duration),
    /// It is never answered, and never passed on.
    Silence,
    /// The connection ends after so many bytes of the request's body were passed on.
    CutRequest(u64),
    /// The connection ends after so many bytes of the answer's body.
    CutAnswer(u64),
    /// The answer's body stands still after so many bytes.
    StallAnswer(u64),
    /// It is carried out, and the connection ends before the answer.
    LoseAnswer,
    /// It is sent twice; the second answer counts.
    Twice,
}

type Plan = Box<dyn FnMut(&Parts) -> Fault + Send>;

struct Inner {
    upstream: String,
    plan: Mutex<Plan>,
    requests: AtomicU64,
    faults: AtomicU64,
}

/// The proxy. It ends when it is dropped.
pub struct Proxy {
    inner: Arc<Inner>,
    address: SocketAddr,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Proxy {
    /// Before the server at this address, `http://host:port`.
    pub async fn before(upstream: &str) -> Self {
        let inner = Arc::new(Inner {
            upstream: upstream.strip_prefix("http://").unwrap().to_owned(),
            plan: Mutex::new(Box::new(|_| Fault::None)),
            requests: AtomicU64::new(0),
            faults: AtomicU64::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(serve(Arc::clone(&inner), listener));
        Self { inner, address, task: Mutex::new(Some(task)) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on.
    pub fn plan(&self, plan: impl FnMut(&Parts) -> Fault + Send + 'static) {
        *self.inner.plan.lock().unwrap() = Box::new(plan);
    }

    /// Every request from now on.
    pub fn always(&self, fault: Fault) {
        self.plan(move |_| fault);
    }

    /// The next requests, and then no more.
    pub fn next(&self, mut count: u64, fault: Fault) {
        self.plan(move |_| {
            let hit = count > 0;
            count = count.saturating_sub(1);
            if hit { fault } else { Fault::None }
        });
    }

    /// How many requests came, and with how many something went wrong.
    pub fn counts(&self) -> (u64, u64) {
        let count = |n: &AtomicU64| n.load(Ordering::Relaxed);
        (count(&self.inner.requests), count(&self.inner.faults))
    }

    /// Nobody listens any more, and every connection ends.
    pub async fn go(&self) {
        let task = self.task.lock().unwrap().take();
        if let Some(task) = task {
            task.abort();
            let _ = task.await;
        }
    }

    /// Listens again, at the same address.
    pub fn come_back(&self) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.address).unwrap();
        let listener = socket.listen(1024).unwrap();
        let task = tokio::spawn(serve(Arc::clone(&self.inner), listener));
        *self.task.lock().unwrap() = Some(task);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().unwrap().take() {
            task.abort();
        }
    }
}

async fn serve(inner: Arc<Inner>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let _ = stream.set_nodelay(true);
        let inner = Arc::clone(&inner);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&inner), request));
            let mut http = hyper::server::conn::http1::Builder::new();
            let _ = http.half_close(false).serve_connection(TokioIo::new(stream), service).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// Why a connection ends without an answer.
#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

type Failure = Box<dyn std::error::Error + Send + Sync>;
type AnyBody = UnsyncBoxBody<Bytes, Failure>;

async fn answer(
    inner: Arc<Inner>,
    request: Request<Incoming>,
) -> Result<Response<AnyBody>, Failure> {
    inner.requests.fetch_add(1, Ordering::Relaxed);
    let (mut parts, body) = request.into_parts();
    parts.extensions.clear();
    let fault = (inner.plan.lock().unwrap())(&parts);
    if fault != Fault::None {
        inner.faults.fetch_add(1, Ordering::Relaxed);
    }
    match fault {
        Fault::None => pass(&inner, parts, boxed(body)).await,
        Fault::Answer(status) => Ok(refusal(status, body).await),
        Fault::Delay(time) => {
            tokio::time::sleep(time).await;
            pass(&inner, parts, boxed(body)).await
        }
        Fault::Silence => std::future::pending().await,
        Fault::CutRequest(after) => {
            let cut = CutBody::after(after, boxed(body));
            let ended = Arc::clone(&cut.done);
            let answered = pass(&inner, parts, boxed(cut)).await;
            // A body that was shorter came through whole.
            if ended.load(Ordering::Relaxed) { Err(Cut.into()) } else { answered }
        }
        Fault::CutAnswer(after) => {
            let answered = pass(&inner, parts, boxed(body)).await?;
            Ok(answered.map(|body| boxed(CutBody::after(after, body))))
        }
        Fault::StallAnswer(after) => {
            let answered = pass(&inner, parts, boxed(body)).await?;
            Ok(answered.map(|body| boxed(CutBody { stalls: true, ..CutBody::after(after, body) })))
        }
        Fault::LoseAnswer => {
            let answered = pass(&inner, parts, boxed(body)).await?;
            let _ = answered.into_body().collect().await;
            Err(Cut.into())
        }
        Fault::Twice => {
            let whole = body.collect().await?.to_bytes();
            let again = || boxed(Full::new(whole.clone()));
            let first = pass(&inner, parts.clone(), again()).await?;
            let _ = first.into_body().collect().await;
            pass(&inner, parts, again()).await
        }
    }
}

fn boxed<B>(body: B) -> AnyBody
where
    B: Body<Data = Bytes, Error: Into<Failure>> + Send + 'static,
{
    body.map_err(Into::into).boxed_unsync()
}

/// What S3 says when it is overloaded, or broken; the body is taken first, so that the sender
/// hears it.
async fn refusal(status: u16, body: Incoming) -> Response<AnyBody> {
    let _ = body.collect().await;
    let code = if status == 503 { "SlowDown" } else { "InternalError" };
    let text = format!("<Error><Code>{code}</Code><Message>by a plan</Message></Error>");
    let answer = Response::builder().status(status).header("content-type", "application/xml");
    answer.body(boxed(Full::new(Bytes::from(text)))).unwrap()
}

/// Each request has a connection of its own behind the proxy: what ends one ends no other.
async fn pass(inner: &Inner, parts: Parts, body: AnyBody) -> Result<Response<AnyBody>, Failure> {
    let stream = TcpStream::connect(&inner.upstream).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, AnyBody>(TokioIo::new(stream)).await?;
    let running = Running(tokio::spawn(async move {
        let _ = connection.await;
    }));
    let answer = sender.send_request(Request::from_parts(parts, body)).await?;
    Ok(answer.map(|body| boxed(Held { body, _running: running })))
}

/// A task that ends with whoever waits for it.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A body and the connection it comes from.
struct Held {
    body: Incoming,
    _running: Running,
}

impl Body for Held {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A body that fails, or stands still, after so many bytes.
struct CutBody {
    body: AnyBody,
    left: u64,
    done: Arc<AtomicBool>,
    stalls: bool,
}

impl CutBody {
    fn after(left: u64, body: AnyBody) -> Self {
        Self { body, left, done: Arc::default(), stalls: false }
    }
}

impl Body for CutBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        if self.done.load(Ordering::Relaxed) {
            if self.stalls {
                return Poll::Pending;
            }
            return Poll::Ready(Some(Err(Cut.into())));
        }
        let frame = match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            other => return other,
        };
        let Ok(mut bytes) = frame.into_data() else { return Poll::Ready(None) };
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        if bytes.remaining() > left {
            bytes.truncate(left);
            self.done.store(true, Ordering::Relaxed);
        }
        self.left -= bytes.remaining() as u64;
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
