//! The pages of the app: one HTML file and its assets, built by `web/` and carried in the binary.
//!
//! Nothing is loaded from another host. Assets carry their content's hash in their names, so that
//! browsers keep them; the HTML is asked for each time and names a nonce of its own for the styles
//! that its components write. What the pages may do is what the API lets their reader do.

use std::sync::Arc;

use aws_lc_rs::rand;
use axum::extract::Path;
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rust_embed::Embed;

use crate::config::Config;
use crate::http::{ApiError, Code};
use crate::store::s3::browser_origins;

#[derive(Embed)]
#[folder = "web/admin/dist"]
#[allow_missing = true]
struct Dist;

const ENTRY: &str = "index.html";
/// Where the entry leaves room for the nonce.
const NONCE: &str = r#"name="csp-nonce" content="""#;
const MISSING: &str = "<!doctype html><title>Strongroom</title><p>This binary was built without \
                       its pages: `make web` builds them, then build it again.";

/// Origins beside our own that the pages may send files to. What they show comes from our own.
#[derive(Clone)]
pub struct Origins(Arc<str>);

impl Origins {
    /// The object store's, and the one this server signs URLs for.
    pub fn new(config: &Config) -> Self {
        let mut all = vec![config.server.public_url.clone()];
        if let Some(s3) = &config.store.s3 {
            all.extend(browser_origins(&config.store, s3));
        }
        Self(all.join(" ").into())
    }
}

/// Any page of the app: which one it is, its own script finds out.
pub fn page(origins: &Origins) -> Result<Response, ApiError> {
    let Some(entry) = Dist::get(ENTRY) else {
        return Ok((StatusCode::NOT_FOUND, Html(MISSING)).into_response());
    };
    let mut random = [0; 16];
    let no_random = |_| ApiError::new(Code::Internal, "The page could not be made.");
    rand::fill(&mut random).map_err(no_random)?;
    let nonce = STANDARD.encode(random);
    let filled = NONCE.replace("\"\"", &format!("\"{nonce}\""));
    let html = String::from_utf8_lossy(&entry.data).replace(NONCE, &filled);
    let policy = policy(&nonce, &origins.0);
    let policy = HeaderValue::from_str(&policy).map_err(|e| {
        ApiError::new(Code::Internal, "The page's policy could not be made.").with_source(e)
    })?;
    let fresh = HeaderValue::from_static("no-cache");
    let headers = [(header::CONTENT_SECURITY_POLICY, policy), (header::CACHE_CONTROL, fresh)];
    Ok((headers, Html(html)).into_response())
}

fn policy(nonce: &str, origins: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; \
         img-src 'self' blob:; connect-src 'self' {origins}; worker-src 'self'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// `GET /assets/{name}`.
pub async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("assets/{name}");
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok());
    let gzip = accepted.is_some_and(|v| v.contains("gzip"));
    let packed = gzip.then(|| Dist::get(&format!("{path}.gz"))).flatten();
    let encoded = packed.is_some();
    let Some(file) = packed.or_else(|| Dist::get(&path)) else {
        return ApiError::not_found().into_response();
    };
    let mut answer = Response::new(axum::body::Body::from(file.data.into_owned()));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(&name)));
    // Of what has its hash in its name there will never be another.
    let kept = if name.contains('-') { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if encoded {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
