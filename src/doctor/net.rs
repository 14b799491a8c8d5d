//! What is reached over the network, and by whom: the public URL and its certificate.

use std::time::Duration;

use super::Check;
use crate::causes;
use crate::config::Config;
use crate::http::listen;

/// How long anybody may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client that follows nothing and waits for nobody long.
pub fn client() -> Option<reqwest::Client> {
    let client = reqwest::Client::builder().timeout(PATIENCE);
    client.redirect(reqwest::redirect::Policy::none()).build().ok()
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
            Check::fail(NAME, causes::in_one_line(&e), advice)
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
