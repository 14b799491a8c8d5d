//! What stands around every route: request id, log line, metrics, panics, error bodies.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt as _;
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Method, Version, header};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tracing::Instrument as _;

use super::proxies::TrustedProxies;
use super::{ApiError, Code, unread};

/// The header that carries the request id, both ways.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request before anyone looks into it.
#[derive(Clone, Debug)]
pub struct RequestInfo {
    /// Names the call in answers, log and trail.
    pub id: Arc<str>,
    /// Where it came from, as far as that can be known behind proxies.
    pub remote: Option<IpAddr>,
}

/// The peer's address, put into each request by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// What the outermost layer is told.
#[derive(Clone)]
pub struct Front {
    /// Gives ids to requests that bring none of their own.
    pub ids: crate::ids::Ids,
    /// Whether the server is reached by https.
    pub https: bool,
    /// Who is believed about where a call came from.
    pub proxies: TrustedProxies,
}

impl Front {
    /// The id the caller sent, when it is short and plain, else a new one.
    fn choose(&self, request: &Request) -> Arc<str> {
        request
            .headers()
            .get(&REQUEST_ID)
            .and_then(|v| v.to_str().ok())
            .filter(|v| (8..=64).contains(&v.len()))
            .filter(|v| v.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)))
            .map_or_else(|| self.ids.next().simple().to_string().into(), Arc::from)
    }
}

/// The outermost layer: names the request, times it, logs it without health information, turns
/// errors and panics into problem documents, leaves the connection fit for the next request.
pub async fn frame(front: Front, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = front.choose(&request);
    let peer = request.extensions().get::<Peer>().map(|p| p.0.ip());
    let remote = peer.map(|peer| front.proxies.client(peer, request.headers()));
    request.extensions_mut().insert(RequestInfo { id: Arc::clone(&id), remote });
    let method = request.method().clone();
    // The pattern, never the path: a path may hold what a pattern cannot.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |m| m.as_str().to_owned());
    let span = tracing::info_span!("request", id = %id);
    let sound = host_is_sound(&request);
    let (request, rest) = unread::watch(request);
    let handled = async move { if sound { next.run(request).await } else { refuse_host() } };
    let handled = std::panic::AssertUnwindSafe(handled).catch_unwind();
    let mut response = handled.instrument(span.clone()).await.unwrap_or_else(|_| {
        use axum::response::IntoResponse as _;
        ApiError::new(Code::Internal, "The server failed at this call.").into_response()
    });
    if let Some(error) = response.extensions_mut().remove::<Arc<ApiError>>() {
        span.in_scope(|| error.log());
        write_problem(&mut response, &error, &id);
    }
    if front.https {
        // Who has reached us by https once is not to be led back to http (RFC 6797).
        let value = HeaderValue::from_static("max-age=31536000");
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(rest) = rest {
        rest.settle(response.headers_mut()).await;
    }
    let status = response.status();
    let seconds = began.elapsed().as_secs_f64();
    let labels = [
        ("method", known_method(&method).to_owned()),
        ("route", route.clone()),
        ("status", status.as_str().to_owned()),
    ];
    metrics::counter!("strongroom_http_requests_total", &labels).increment(1);
    metrics::histogram!("strongroom_http_request_seconds", "route" => route.clone())
        .record(seconds);
    span.in_scope(|| {
        // Who did what stands in the trail; the log is for trouble.
        if status.is_client_error() || status.is_server_error() {
            tracing::info!(%method, route, status = status.as_u16(), ms = seconds * 1e3, "refused");
        } else {
            tracing::debug!(%method, route, status = status.as_u16(), ms = seconds * 1e3, "done");
        }
    });
    response
}

/// Whether a request that came over HTTP/1.1 names its host once and as a host is named (RFC 9112
/// section 3.2): programs in front of us may have read another one from it.
fn host_is_sound(request: &Request) -> bool {
    if request.version() != Version::HTTP_11 || request.extensions().get::<Peer>().is_none() {
        return true;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let named = hosts.next().and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    named.is_some_and(|host| !host.as_str().contains('@')) && hosts.next().is_none()
}

fn refuse_host() -> Response {
    use axum::response::IntoResponse as _;
    guarded(
        ApiError::new(Code::BadRequest, "Send one Host header with a host in it.").into_response(),
    )
}

/// The method where it is one of HTTP's own; a client may invent others, without end.
fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

fn write_problem(response: &mut Response, error: &ApiError, id: &str) {
    let body = serde_json::to_vec(&error.problem(id)).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = Body::from(body);
}

/// Headers every answer of our own carries: no sniffing, no caching, no framing, no referrer.
pub async fn guard_headers(request: Request, next: Next) -> Response {
    guarded(next.run(request).await)
}

/// The same for an answer that is made outside of that layer.
pub fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// What Uppy's clients send beside what everybody sends.
const OF_UPPY: [HeaderName; 3] = [
    HeaderName::from_static("uppy-auth-token"),
    HeaderName::from_static("uppy-credentials-params"),
    HeaderName::from_static("uppy-versions"),
];

/// Lets pages of the configured origins call the API. Cookies are not among what they may send:
/// those belong to our own pages.
pub fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok());
    let api_key = HeaderName::from_static("x-api-key");
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers(
            [
                header::ACCEPT,
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_NONE_MATCH,
                header::IF_RANGE,
                header::RANGE,
                api_key,
                REQUEST_ID,
            ]
            .into_iter()
            .chain(OF_UPPY)
            .collect::<Vec<_>>(),
        )
        .expose_headers([
            REQUEST_ID,
            header::ETAG,
            header::CONTENT_RANGE,
            header::CONTENT_DISPOSITION,
            header::RETRY_AFTER,
            super::error::RATE_LIMIT,
            super::error::RATE_LIMIT_POLICY,
            HeaderName::from_static("x-page-count"),
            HeaderName::from_static("x-window-center"),
            HeaderName::from_static("x-window-width"),
        ])
        .max_age(std::time::Duration::from_mins(10))
}
