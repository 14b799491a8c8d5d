//! What is reached over the network, and by whom: the public URL, its certificate, the clock of
//! the store.

use std::time::Duration;

use super::{Check, chain};
use crate::config::Config;
use crate::http::listen;
use crate::time::{Clock, Timestamp};

/// How long anybody may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// S3 refuses what is signed more than 15 minutes off ("RequestTimeTooSkewed").
const REFUSED: i64 = 14 * 60;
/// More than this is worth a look.
const NOTABLE: i64 = 60;

fn client() -> Option<reqwest::Client> {
    let client = reqwest::Client::builder().timeout(PATIENCE);
    client.redirect(reqwest::redirect::Policy::none()).build().ok()
}

/// Whether the clock here goes as the store's does: signatures depend on it.
pub async fn clock(config: &Config, clock: &Clock) -> Check {
    const NAME: &str = "clock";
    let Some(s3) = &config.store.s3 else {
        return Check::skipped(NAME, "the local store uses the clock of this machine");
    };
    let aws = || format!("https://s3.{}.amazonaws.com", config.store.region);
    let url = s3.endpoint.clone().unwrap_or_else(aws);
    let Some(client) = client() else { return Check::skipped(NAME, "no HTTP client") };
    let Ok(answer) = client.head(&url).send().await else {
        return Check::skipped(NAME, "the store does not answer; see the object store");
    };
    let date = answer.headers().get("date").and_then(|value| value.to_str().ok());
    let Some(there) = date.and_then(http_date) else {
        return Check::skipped(NAME, "the store does not say what time it has");
    };
    let off = clock.now().seconds() - there.seconds();
    let seen = match off {
        -1..=1 => "goes as the store's clock does".to_owned(),
        2.. => format!("{off} seconds before the store's clock"),
        _ => format!("{} seconds behind the store's clock", -off),
    };
    let advice = "set the clock by NTP; the store refuses what is signed 15 minutes off";
    match off.abs() {
        0..=NOTABLE => Check::ok(NAME, seen),
        off if off < REFUSED => Check::warn(NAME, seen, advice),
        _ => Check::fail(NAME, seen, advice),
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    let text = text.trim().strip_suffix(" GMT")?;
    let text = format!("{text} +0000");
    let date = time::OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc2822);
    date.ok().map(Timestamp::from)
}

/// Certificate and key of the server's own TLS.
pub fn certificate(config: &Config) -> Check {
    const NAME: &str = "certificate";
    let Some((certificate, key)) = &config.server.tls else {
        return Check::skipped(NAME, "this server ends no TLS itself");
    };
    match listen::tls(certificate, key) {
        Ok(_) => Check::ok(NAME, format!("{} can be used", certificate.display())),
        Err(e) => {
            let advice = "STRONGROOM_TLS_CERTIFICATE and STRONGROOM_TLS_KEY must be PEM files \
                          that fit together, readable for the user that runs the server";
            Check::fail(NAME, chain(&e), advice)
        }
    }
}

/// Whether presigned URLs that begin with the public URL lead here.
pub async fn public_url(config: &Config) -> Check {
    const NAME: &str = "public URL";
    let server = &config.server;
    let shown = &server.public_url;
    let url = url::Url::parse(shown);
    let host = url.as_ref().ok().and_then(|url| url.host_str()).unwrap_or_default();
    let near = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    let secure = shown.starts_with("https://");
    if !near && !secure {
        let seen = format!("{shown} sends health data and tokens in the clear");
        let advice = "give the server a certificate (STRONGROOM_TLS_…) or put a proxy with TLS in \
                      front, and set STRONGROOM_PUBLIC_URL to https://…";
        return Check::warn(NAME, seen, advice);
    }
    if near && !server.listen.ip().is_loopback() {
        let seen = format!(
            "{shown} leads nowhere from other machines, but the server listens on \
                            {}",
            server.listen
        );
        let advice = "set STRONGROOM_PUBLIC_URL to what browsers reach, such as \
                      https://files.example.com";
        return Check::warn(NAME, seen, advice);
    }
    if server.tls.is_some() && !secure {
        let seen = format!("{shown}, while the server speaks TLS");
        return Check::fail(NAME, seen, "set STRONGROOM_PUBLIC_URL to https://…");
    }
    let Some(client) = client() else { return Check::skipped(NAME, "no HTTP client") };
    match client.get(format!("{shown}/healthz")).send().await {
        Ok(answer) if answer.status().is_success() => {
            Check::ok(NAME, format!("{shown} leads to a server that answers"))
        }
        Ok(answer) => {
            let seen = format!("{shown}/healthz answers {}", answer.status());
            Check::warn(NAME, seen, "something else listens there; look at STRONGROOM_PUBLIC_URL")
        }
        // An examination before the first start is as usual as one beside a server.
        Err(_) => Check::skipped(NAME, format!("{shown}; nobody answers there now")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_an_answer_is_read() {
        let at = http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(at.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(http_date("yesterday"), None);
    }
}
