//! Cross-origin requests: pages of the configured origins may upload and download.
//!
//! Invariant: an origin is answered only when it is exactly one of the configured ones.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request::Parts};

const METHODS: &str = "GET, PUT, POST, HEAD";
const EXPOSED: &str = "ETag, Location, x-amz-version-id, x-amz-checksum-sha256";
/// Seconds a browser may remember a preflight.
const MAX_AGE: &str = "600";

/// The origins whose pages may use the wire.
#[derive(Clone, Debug)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Takes the origins as configured, `https://app.example`.
    pub fn new(origins: Vec<String>) -> Self {
        Self(origins)
    }

    fn allowed(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(header::ORIGIN)?;
        self.0.iter().any(|o| o.as_bytes() == origin.as_bytes()).then(|| origin.clone())
    }

    /// The answer to a preflight, where this is one.
    pub fn preflight<B: Default>(&self, parts: &Parts) -> Option<Response<B>> {
        if parts.method != Method::OPTIONS {
            return None;
        }
        let mut answer = Response::new(B::default());
        vary(answer.headers_mut());
        let asked = parts.headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let method_allowed = asked
            .and_then(|m| m.to_str().ok())
            .is_some_and(|m| METHODS.split(", ").any(|allowed| allowed == m));
        let Some(origin) = self.allowed(&parts.headers).filter(|_| method_allowed) else {
            *answer.status_mut() = StatusCode::FORBIDDEN;
            return Some(answer);
        };
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        let names = parts.headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        let names = names.and_then(|n| n.to_str().ok()).unwrap_or_default();
        let names: Vec<&str> = names.split(',').map(str::trim).filter(|n| listed(n)).collect();
        if let Ok(names) = HeaderValue::from_str(&names.join(", "))
            && !names.is_empty()
        {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
        }
        Some(answer)
    }

    /// Adds what an answer to a page needs.
    pub fn decorate(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        vary(answer);
        if let Some(origin) = self.allowed(request) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

fn vary(headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
}

/// Whether a page may send this header.
fn listed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-amz-")
        || matches!(&*name, "content-type" | "if-none-match" | "range" | "authorization")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preflight(origin: &str, method: &str, headers: &str) -> Response<String> {
        let request = http::Request::builder()
            .method("OPTIONS")
            .header("origin", origin)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", headers)
            .body(())
            .unwrap();
        let origins = Origins::new(vec!["https://app.example".to_owned()]);
        origins.preflight(&request.into_parts().0).unwrap()
    }

    #[test]
    fn a_preflight_is_answered_for_configured_origins_alone() {
        let yes = preflight("https://app.example", "PUT", "Content-Type, x-amz-date, x-evil");
        assert_eq!(yes.status(), 204);
        assert_eq!(yes.headers()["access-control-allow-headers"], "Content-Type, x-amz-date");
        assert_eq!(yes.headers()["vary"], "Origin");
        for origin in ["https://app.example.evil", "http://app.example", "null"] {
            let no = preflight(origin, "PUT", "");
            assert_eq!(no.status(), 403);
            assert!(!no.headers().contains_key("access-control-allow-origin"));
        }
        assert_eq!(preflight("https://app.example", "DELETE", "").status(), 403);
    }
}
