//! Accepting connections: TCP or TLS, HTTP/1.1 and HTTP/2, with an orderly end.
//!
//! Invariants: a connection that sends no complete header within the time limit is closed; on
//! shutdown no new connection is taken and what is in flight is finished, up to a limit.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tower::{Service, ServiceExt as _};

use super::layers::Peer;

/// How long a client may take to send a request's header.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// How many connections are served at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4096;
/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long calls in flight may go on after a shutdown was asked for.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// What can be wrong with the certificate or its key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The PEM file cannot be read or holds nothing of the kind.
    #[error("{path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Certificate and key do not fit.
    #[error("the certificate and the key do not fit together")]
    Mismatch(#[from] tokio_rustls::rustls::Error),
}

/// TLS 1.2 and 1.3 with the certificate chain and key in two PEM files.
pub fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let fail =
        |path: &Path, problem: String| TlsError::File { path: path.display().to_string(), problem };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|e| fail(certificate, e.to_string()))?;
    if chain.is_empty() {
        return Err(fail(certificate, "holds no certificate".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|e| fail(key, e.to_string()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, secret)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until `stop` is ready, then lets what is in flight end.
pub async fn serve<S>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: S,
    stop: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let graceful = Arc::new(GracefulShutdown::new());
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // Out of file descriptors, most likely: let some go before the next try.
                    tracing::warn!(error = %e, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        // Without this, answers in several writes wait for the client's delayed ACK (40 ms).
        let _ = stream.set_nodelay(true);
        let connection =
            Connection { service: service.clone(), peer: Peer(peer), watcher: graceful.watcher() };
        #[expect(clippy::disallowed_methods, reason = "the listener owns a task per connection")]
        tokio::spawn(connection.run(stream, tls.clone(), place));
    }
    drop(listener);
    let Some(graceful) = Arc::into_inner(graceful) else { return Ok(()) };
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some calls did not end in time and were cut off");
    }
    Ok(())
}

struct Connection<S> {
    service: S,
    peer: Peer,
    watcher: hyper_util::server::graceful::Watcher,
}

impl<S> Connection<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>, _place: OwnedSemaphorePermit) {
        let Some(tls) = tls else { return self.speak_http1(stream).await };
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
                self.speak_http2(stream).await;
            }
            Ok(Ok(stream)) => self.speak_http1(stream).await,
            Ok(Err(e)) => tracing::debug!(error = %e, "TLS handshake failed"),
            Err(_) => tracing::debug!("TLS handshake took too long"),
        }
    }

    /// The time for a header runs from the start, so a connection that says nothing ends too.
    async fn speak_http1(self, stream: impl Stream) {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
        let connection =
            builder.serve_connection(TokioIo::new(stream), answers(self.service, self.peer));
        done(self.watcher.watch(connection).await);
    }

    async fn speak_http2(self, stream: impl Stream) {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(128)
            .keep_alive_interval(Duration::from_secs(30));
        let connection =
            builder.serve_connection(TokioIo::new(stream), answers(self.service, self.peer));
        done(self.watcher.watch(connection).await);
    }
}

/// What a connection is spoken over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

fn done(ended: hyper::Result<()>) {
    if let Err(e) = ended {
        tracing::debug!(error = %e, "the connection ended early");
    }
}

/// The service for one connection: each request learns where it came from.
fn answers<S>(
    service: S,
    peer: Peer,
) -> impl hyper::service::Service<
    Request<Incoming>,
    Response = Response<Body>,
    Error = Infallible,
    Future: Send,
> + Send
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        service.clone().oneshot(request)
    })
}
