//! Keys that nobody writes into a configuration: a profile, and a role whose temporary keys end
//! and are renewed. The real binary against Garage; the role is given as containers get theirs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use serde_json::{Value, json};
use strongroom::time::{Clock, Timestamp};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::garage::{Account, Bucket};
use crate::process::{PATIENCE, PAUSE, Server, asked};

/// Long enough for a start, short enough to see keys end.
const LIFE: Duration = Duration::from_secs(8);

/// What makes a server use the bucket, but for the keys.
fn without_keys(bucket: &Bucket) -> Vec<(String, String)> {
    let mut variables = bucket.variables();
    variables.retain(|(name, _)| !name.contains("ACCESS_KEY"));
    variables
}

async fn started(variables: &[(String, String)]) -> Server {
    let pairs: Vec<_> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    Server::start(&pairs).await
}

/// Announces an upload as soon as the bucket can be used.
async fn presigned(server: &Server, token: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let answer = server.post(token, "/api/docs/presign-upload", &asked(1_000)).await;
        if answer.status == 201 {
            return answer.json();
        }
        assert!(Instant::now() < deadline, "{}", String::from_utf8_lossy(&answer.body));
        tokio::time::sleep(PAUSE).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_gives_the_keys() {
    let bucket = Account::garage().bucket().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("credentials");
    let (id, secret) = (&bucket.account.id, &bucket.account.secret);
    let text = format!("[clinic]\naws_access_key_id={id}\naws_secret_access_key={secret}\n");
    std::fs::write(&file, text).unwrap();
    let mut variables = without_keys(&bucket);
    let file = file.display().to_string();
    variables.push(("AWS_SHARED_CREDENTIALS_FILE".to_owned(), file));
    variables.push(("AWS_PROFILE".to_owned(), "clinic".to_owned()));
    let server = started(&variables).await;
    let token = server.token("admin");
    presigned(&server, &token).await;
    let bytes = crate::process::Seeded(1).pdf(100_000);
    let document = server.upload(&token, &bytes).await;
    assert!(server.content(&token, &document).await.expect(200).body == bytes);
}

/// Gives out the account's keys as temporary ones; how often it was asked.
async fn role(account: &Account) -> (String, Arc<AtomicU64>, JoinHandle<()>) {
    let times = Arc::new(AtomicU64::new(0));
    let (asked, account) = (Arc::clone(&times), account.clone());
    let give = move || {
        asked.fetch_add(1, Ordering::SeqCst);
        let keys = json!({
            "AccessKeyId": account.id, "SecretAccessKey": account.secret,
            "Token": "a made-up session", "Expiration": (Clock::default().now() + LIFE).to_string(),
        });
        async move { axum::Json(keys) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let router = Router::new().route("/keys", get(give));
    let task = async move { axum::serve(listener, router).await.unwrap() };
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    let task = tokio::spawn(task);
    (url, times, task)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn temporary_keys_of_a_role_are_renewed_before_they_end() {
    let bucket = Account::garage().bucket().await;
    let (url, times, _task) = role(&bucket.account).await;
    let mut variables = without_keys(&bucket);
    variables.push(("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), url));
    variables.push(("STRONGROOM_LOG".to_owned(), "trace".to_owned()));
    let server = started(&variables).await;
    let token = server.token("admin");
    let begun = presigned(&server, &token).await;
    // A URL does not claim to outlive the keys it was signed with.
    let life = begun["expiresIn"].as_u64().unwrap();
    assert!(life <= LIFE.as_secs() + 1, "{life} s");
    let ends = Timestamp::parse(begun["expiresAt"].as_str().unwrap()).unwrap();
    assert!(ends <= Clock::default().now() + LIFE, "{ends}");
    assert!(begun["url"].as_str().unwrap().contains("X-Amz-Security-Token="));
    // The first keys end, and the next ones after them; nobody notices.
    let start = Instant::now();
    let mut round = 0;
    while start.elapsed() < 2 * LIFE {
        round += 1;
        let bytes = crate::process::Seeded(round).pdf(10_000);
        let document = server.upload(&token, &bytes).await;
        assert!(server.content(&token, &document).await.expect(200).body == bytes);
    }
    assert!(times.load(Ordering::SeqCst) >= 3, "asked {times:?} times");
    let log = server.log();
    let account = &bucket.account;
    for secret in ["a made-up session", "a%20made-up%20session", account.secret.as_str()] {
        assert!(!log.contains(secret), "a secret is in the log, which tells everything it can");
    }
    assert!(!log.contains("X-Amz-Signature="), "a signed URL is in the log");
}
