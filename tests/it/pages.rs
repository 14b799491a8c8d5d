//! What every page says to the browser beside itself: what it may load, and that nobody frames it,
//! guesses its type or hears where somebody came from.

use std::collections::BTreeMap;

use http::Method;

use crate::garage::Account;
use crate::process::Server;

const PAGES: &[&str] = &[
    "/",
    "/storage",
    "/storage/documents",
    "/storage/patients",
    "/storage/patients/test-patient-one",
    "/storage/quarantine",
    "/storage/holds",
    "/storage/trash",
    "/storage/audit",
    "/storage/settings/users",
    "/storage/settings/keys",
    "/storage/settings/webhooks",
    "/storage/settings/categories",
    "/storage/settings/storage",
    "/storage/settings/policy",
    "/storage/nowhere",
    "/test/s3",
    "/login",
    "/setup",
    "/docs",
];

/// A directive with its sources.
type Policy = BTreeMap<String, Vec<String>>;

fn policy(text: &str) -> Policy {
    let directives = text.split(';').filter_map(|one| {
        let mut words = one.split_whitespace().map(str::to_owned);
        Some((words.next()?, words.collect()))
    });
    directives.collect()
}

/// What is wrong with a policy whose pages may also send to `origins`.
fn wrong(policy: &Policy, origins: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, sources) in
        [("default-src", "'none'"), ("base-uri", "'none'"), ("frame-ancestors", "'none'")]
    {
        if policy.get(name).is_none_or(|found| found != &[sources]) {
            wrong.push(format!("{name} is not {sources}"));
        }
    }
    for (directive, sources) in policy {
        for source in sources {
            let word = source.starts_with("'nonce-") || source.starts_with("'sha256-");
            let own = word || ["'none'", "'self'"].contains(&source.as_str());
            let blob = source == "blob:" && directive == "img-src";
            let sent_to = directive == "connect-src" && origins.contains(&source.as_str());
            if !own && !blob && !sent_to {
                wrong.push(format!("{directive} {source}"));
            }
        }
    }
    wrong
}

/// Every page's policy; the rest of its headers is looked at here.
async fn policies(server: &Server) -> Vec<(&'static str, Policy)> {
    let mut found = Vec::new();
    for path in PAGES {
        let answer = server.request(Method::GET, path, "").send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}: built without its pages?");
        let headers = answer.headers().clone();
        let header = |name: &str| headers.get(name).map_or("", |v| v.to_str().unwrap());
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        assert!(header("content-type").starts_with("text/html"), "{path}");
        let policies: Vec<_> = headers.get_all("content-security-policy").iter().collect();
        assert_eq!(policies.len(), 1, "{path}: {policies:?}");
        let policy = policy(policies[0].to_str().unwrap());
        let nonce = policy["style-src"].iter().find_map(|s| s.strip_prefix("'nonce-"));
        if let Some(nonce) = nonce {
            let body = answer.text().await.unwrap();
            let shown = format!("content=\"{}\"", nonce.trim_end_matches('\''));
            assert!(body.contains(&shown), "{path}: the nonce is that of the page");
        }
        found.push((*path, policy));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_loads_from_elsewhere_or_runs_what_stands_in_it() {
    let server = Server::start(&[]).await;
    let own = [server.url.as_str()];
    let mut nonces = Vec::new();
    for (path, policy) in policies(&server).await {
        assert_eq!(wrong(&policy, &own), Vec::<String>::new(), "{path}");
        nonces.extend(policy["style-src"].iter().filter(|s| s.starts_with("'nonce-")).cloned());
    }
    let all = nonces.len();
    nonces.sort();
    nonces.dedup();
    assert_eq!((nonces.len(), all), (PAGES.len() - 1, PAGES.len() - 1), "a nonce is used once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_send_to_the_bucket_and_load_nothing_from_it() {
    let store = Account::garage().bucket().await;
    let variables = store.variables();
    let variables: Vec<_> = variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let server = Server::start(&variables).await;
    let bucket = store.account.endpoint.as_str();
    for (path, policy) in policies(&server).await {
        assert_eq!(wrong(&policy, &[&server.url, bucket]), Vec::<String>::new(), "{path}");
        let sends = policy.get("connect-src").is_some_and(|to| to.iter().any(|to| to == bucket));
        assert_eq!(sends, path != "/docs", "{path}");
    }
}

#[test]
fn a_policy_that_allows_more_is_found() {
    let good = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; ";
    for bad in [
        "script-src 'self' 'unsafe-eval'",
        "style-src 'unsafe-inline'",
        "img-src https://cdn.example.com",
        "img-src http://127.0.0.1:9",
        "connect-src *",
        "script-src blob:",
    ] {
        let policy = policy(&format!("{good}{bad}"));
        assert_eq!(wrong(&policy, &["http://127.0.0.1:9"]).len(), 1, "{bad}");
    }
    assert_eq!(wrong(&policy("script-src 'self'"), &[]).len(), 3);
}
