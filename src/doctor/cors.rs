//! Whether browsers may send files to the bucket: asked as a browser asks, by a preflight request
//! (Fetch standard, "CORS-preflight fetch"), for each origin that may call this server.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method};

use super::Check;
use crate::config::Config;
use crate::ids::Ids;
use crate::store::{ObjectKey, ObjectStore, PresignPut, Size, UploadMethod};
use crate::time::Clock;

const NAME: &str = "CORS";

/// Asks for every origin.
pub async fn cors(
    config: &Config,
    client: &Client,
    store: &dyn ObjectStore,
    clock: &Clock,
) -> Check {
    let origins = &config.server.allowed_origins;
    if origins.is_empty() {
        let seen = "STRONGROOM_ALLOWED_ORIGINS is not set: no page of another origin uploads";
        return Check::skipped(NAME, seen);
    }
    let folder = &config.store.folder_prefix;
    let key = format!("{folder}/strongroom-probe/{}", Ids::Random.next().simple());
    let Ok(key) = ObjectKey::new(key.trim_start_matches('/')) else {
        return Check::skipped(NAME, "no key to ask about");
    };
    let put = PresignPut {
        key,
        content_type: "application/pdf".to_owned(),
        size: Size::Exactly(1),
        sha256: Some([0; 32]),
    };
    let minute = Duration::from_mins(1);
    let request = match store.presign_put(&put, UploadMethod::Put, minute, clock.now()) {
        Ok(request) => request,
        Err(e) => return Check::skipped(NAME, format!("nothing can be presigned: {e}")),
    };
    // A browser sets the length itself and does not ask about it.
    let names = request.headers.iter().map(|(name, _)| name.as_str());
    let wanted: Vec<&str> = names.filter(|name| *name != "content-length").collect();
    let mut refused = Vec::new();
    for origin in origins {
        if let Some(why) = preflight(client, &request.url, origin, &wanted).await {
            refused.push(format!("{origin}: {why}"));
        }
    }
    if refused.is_empty() {
        return Check::ok(NAME, format!("the bucket lets {} upload", origins.join(", ")));
    }
    Check::fail(NAME, refused.join("; "), advice(origins, &wanted))
}

fn advice(origins: &[String], headers: &[&str]) -> String {
    format!(
        "the bucket's CORS rules must allow the origins {}, the methods PUT, POST and GET, the \
         headers {}, and expose ETag",
        origins.join(", "),
        headers.join(", ")
    )
}

/// Why a browser would not send the request; none: it would.
async fn preflight(client: &Client, url: &str, origin: &str, wanted: &[&str]) -> Option<String> {
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

fn refusal(headers: &HeaderMap, origin: &str, wanted: &[&str]) -> Option<String> {
    let value = |name: &str| {
        let all = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        all.collect::<Vec<_>>().join(",")
    };
    let has = |list: &str, word: &str| {
        list.split(',').any(|item| item.trim() == "*" || item.trim().eq_ignore_ascii_case(word))
    };
    if !has(&value("access-control-allow-origin"), origin) {
        return Some("the origin is not allowed".to_owned());
    }
    if !has(&value("access-control-allow-methods"), "PUT") {
        return Some("PUT is not allowed".to_owned());
    }
    let allowed = value("access-control-allow-headers");
    let missing: Vec<_> = wanted.iter().filter(|name| !has(&allowed, name)).copied().collect();
    (!missing.is_empty()).then(|| format!("not allowed: {}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_needs_origin_method_and_every_header() {
        let answer = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            refusal(&headers, "https://app.example.com", &["content-type", "if-none-match"])
        };
        let origin = ("access-control-allow-origin", "https://app.example.com");
        let methods = ("access-control-allow-methods", "GET, PUT");
        let headers = ("access-control-allow-headers", "Content-Type, If-None-Match");
        assert_eq!(answer(&[origin, methods, headers]), None);
        let any = ("access-control-allow-origin", "*");
        let all = ("access-control-allow-headers", "*");
        assert_eq!(answer(&[any, methods, all]), None);
        let other = ("access-control-allow-origin", "https://other.example.com");
        assert_eq!(answer(&[other, methods, headers]).unwrap(), "the origin is not allowed");
        let get = ("access-control-allow-methods", "GET");
        assert_eq!(answer(&[origin, get, headers]).unwrap(), "PUT is not allowed");
        let some = ("access-control-allow-headers", "content-type");
        assert_eq!(answer(&[origin, methods, some]).unwrap(), "not allowed: if-none-match");
    }
}
