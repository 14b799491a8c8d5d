//! Whether browsers may send files to the bucket: asked as a browser asks, by a preflight request
//! (Fetch standard, "CORS-preflight fetch") and by an upload with the header `Origin`, for each
//! origin whose pages upload: this server's own, and those that may call it.
//!
//! Pages send files in parts and need the ETag of each; a browser shows it only where the bucket
//! exposes it. What is written to see that is removed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};

use super::Check;
use crate::config::Config;
use crate::ids::Ids;
use crate::store::{ObjectKey, ObjectStore, PresignPut, PresignedRequest, Size, UploadMethod};
use crate::time::Clock;

const NAME: &str = "CORS";
const SENT: &[u8] = b"strongroom examination";

/// Asks for every origin.
pub async fn cors(
    config: &Config,
    client: &Client,
    store: &dyn ObjectStore,
    clock: &Clock,
) -> Check {
    let server = &config.server;
    let mut origins = vec![server.public_url.as_str()];
    let others = server.allowed_origins.iter().map(String::as_str);
    origins.extend(others.filter(|origin| *origin != server.public_url));
    let folder = &config.store.folder_prefix;
    let (mut refused, mut names) = (Vec::new(), Vec::new());
    for origin in &origins {
        let key = format!("{folder}/strongroom-probe/{}", Ids::Random.next().simple());
        let Ok(key) = ObjectKey::new(key.trim_start_matches('/')) else {
            return Check::skipped(NAME, "no key to ask about");
        };
        let request = match request(store, &key, clock) {
            Ok(request) => request,
            Err(e) => return Check::skipped(NAME, format!("nothing can be presigned: {e}")),
        };
        names = asked_about(&request);
        if let Some(why) = preflight(client, &request.url, origin, &names).await {
            refused.push(format!("{origin}: {why}"));
            continue;
        }
        let shown = upload(client, &request, origin).await;
        let _ = store.purge(&key).await;
        refused.extend(shown.map(|why| format!("{origin}: {why}")));
    }
    if refused.is_empty() {
        let seen = format!("the bucket lets {} upload and read the ETag", origins.join(", "));
        return Check::ok(NAME, seen);
    }
    Check::fail(NAME, refused.join("; "), advice(&origins, &names))
}

fn request(
    store: &dyn ObjectStore,
    key: &ObjectKey,
    clock: &Clock,
) -> Result<PresignedRequest, crate::store::StoreError> {
    let put = PresignPut {
        key: key.clone(),
        content_type: "application/pdf".to_owned(),
        size: Size::Exactly(SENT.len() as u64),
        sha256: digest(&SHA256, SENT).as_ref().try_into().ok(),
    };
    store.presign_put(&put, UploadMethod::Put, Duration::from_mins(1), clock.now())
}

/// The headers of the upload; a browser sets the length itself and does not ask about it.
fn asked_about(request: &PresignedRequest) -> Vec<String> {
    let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    names.filter(|name| name != "content-length").collect()
}

fn advice(origins: &[&str], headers: &[String]) -> String {
    format!(
        "the bucket's CORS rules must allow the origins {}, the methods PUT, POST and GET, the \
         headers {}, and expose ETag",
        origins.join(", "),
        headers.join(", ")
    )
}

/// Why a browser would not send the request; none: it would.
async fn preflight(client: &Client, url: &str, origin: &str, wanted: &[String]) -> Option<String> {
    let asked = client
        .request(Method::OPTIONS, url)
        .header("origin", origin)
        .header("access-control-request-method", "PUT")
        .header("access-control-request-headers", wanted.join(","));
    match asked.send().await {
        Ok(answer) if answer.status().is_success() => refusal(answer.headers(), origin, wanted),
        Ok(answer) => Some(format!("the preflight request is answered {}", answer.status())),
        Err(e) => Some(format!("the preflight request fails: {}", e.without_url())),
    }
}

/// Why a page would not get to see what the store answers to its upload; none: it would.
async fn upload(client: &Client, request: &PresignedRequest, origin: &str) -> Option<String> {
    let mut call = client.put(&request.url).body(SENT).header("origin", origin);
    for (name, value) in &request.headers {
        call = call.header(name, value);
    }
    match call.send().await {
        Ok(answer) if answer.status().is_success() => hidden(answer.headers(), origin),
        Ok(answer) => Some(format!("an upload is answered {}", answer.status())),
        Err(e) => Some(format!("an upload fails: {}", e.without_url())),
    }
}

/// What a browser hides from the page, if anything it needs.
fn hidden(headers: &HeaderMap, origin: &str) -> Option<String> {
    if !lists(headers, "access-control-allow-origin", origin) {
        return Some("the origin may upload, but not see the answer".to_owned());
    }
    let shown = lists(headers, "access-control-expose-headers", "etag");
    (!shown).then(|| "ETag is not exposed: uploads in parts cannot be completed".to_owned())
}

/// Whether a header that is a list holds the word.
fn lists(headers: &HeaderMap, name: &str, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut items = values.flat_map(|value| value.split(',')).map(str::trim);
    items.any(|item| item == "*" || item.eq_ignore_ascii_case(word))
}

fn refusal(headers: &HeaderMap, origin: &str, wanted: &[String]) -> Option<String> {
    if !lists(headers, "access-control-allow-origin", origin) {
        return Some("the origin is not allowed".to_owned());
    }
    if !lists(headers, "access-control-allow-methods", "PUT") {
        return Some("PUT is not allowed".to_owned());
    }
    let allowed = |name: &str| lists(headers, "access-control-allow-headers", name);
    let missing: Vec<_> = wanted.iter().filter(|name| !allowed(name)).cloned().collect();
    (!missing.is_empty()).then(|| format!("not allowed: {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://app.example.com";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_browser_needs_origin_method_and_every_header() {
        let wanted = ["content-type".to_owned(), "if-none-match".to_owned()];
        let answer = |pairs: &[_]| refusal(&headers(pairs), ORIGIN, &wanted);
        let origin = ("access-control-allow-origin", ORIGIN);
        let methods = ("access-control-allow-methods", "GET, PUT");
        let names = ("access-control-allow-headers", "Content-Type, If-None-Match");
        assert_eq!(answer(&[origin, methods, names]), None);
        let any = ("access-control-allow-origin", "*");
        let all = ("access-control-allow-headers", "*");
        assert_eq!(answer(&[any, methods, all]), None);
        let other = ("access-control-allow-origin", "https://other.example.com");
        assert_eq!(answer(&[other, methods, names]).unwrap(), "the origin is not allowed");
        let get = ("access-control-allow-methods", "GET");
        assert_eq!(answer(&[origin, get, names]).unwrap(), "PUT is not allowed");
        let some = ("access-control-allow-headers", "content-type");
        assert_eq!(answer(&[origin, methods, some]).unwrap(), "not allowed: if-none-match");
    }

    #[test]
    fn a_page_needs_to_see_the_etag() {
        let answer = |pairs: &[_]| hidden(&headers(pairs), ORIGIN);
        let origin = ("access-control-allow-origin", ORIGIN);
        let exposed = ("access-control-expose-headers", "x-amz-version-id, ETag");
        assert_eq!(answer(&[origin, exposed]), None);
        assert_eq!(answer(&[origin, ("access-control-expose-headers", "*")]), None);
        assert!(answer(&[origin]).unwrap().contains("ETag is not exposed"));
        assert!(answer(&[exposed]).unwrap().contains("not see the answer"));
    }
}
