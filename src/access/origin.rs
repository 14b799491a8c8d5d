//! Where a browser's request comes from.
//!
//! A cookie is sent along by the browser whoever asks for the request, so a write that rests on
//! the cookie alone must say that it comes from our own pages (or an origin that was allowed).
//! `SameSite=Strict` says the same; this holds where a browser does not know it.

use http::{HeaderMap, Method, header};

use super::authenticate::AuthError;

/// The origins whose pages may write with a session.
pub(super) struct Origins(Vec<String>);

impl Origins {
    /// The public URL's own origin and the allowed ones.
    pub fn new(public: &url::Url, allowed: &[url::Url]) -> Self {
        let all = std::iter::once(public).chain(allowed);
        Self(all.map(|url| url.origin().ascii_serialization()).collect())
    }

    /// The same for a call that changes something by GET, as Uppy's begin of an upload does. A
    /// browser names no `Origin` there when its page is our own, but says where the page is from.
    pub fn check_get(&self, headers: &HeaderMap) -> Result<(), AuthError> {
        let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
        if !headers.contains_key(header::ORIGIN)
            && matches!(site, None | Some(b"same-origin" | b"none"))
        {
            return Ok(());
        }
        self.check(headers, &Method::POST)
    }

    /// Refuses a write that does not come from one of them.
    pub fn check(&self, headers: &HeaderMap, method: &Method) -> Result<(), AuthError> {
        if matches!(*method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let known = origins
            .next()
            .and_then(|value| value.to_str().ok())
            // An opaque origin is spelled `null`; nobody's pages are meant by it.
            .is_some_and(|origin| origin != "null" && self.0.iter().any(|own| own == origin));
        if known && origins.next().is_none() {
            return Ok(());
        }
        Err(AuthError::ForeignOrigin)
    }
}
