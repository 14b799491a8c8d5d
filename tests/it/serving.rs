//! Starting and stopping the server as an operator does: certificates, signals, refusals to start.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::{Body, Method};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::process::{Read, Seeded, Server, put, sha256, until};
use crate::s3_store::servers::Relay;

/// A certificate for 127.0.0.1 and its key.
fn certificate(folder: &TempDir) -> (String, String) {
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("certificate.pem"), path("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-nodes", "-days", "2", "-subj", "/CN=test"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-out", &certificate, "-keyout", &key])
        .output()
        .expect("openssl is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    (certificate, key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_api_and_presigned_requests_go_over_tls() {
    let folder = TempDir::new().unwrap();
    let (certificate, key) = certificate(&folder);
    let server = Server::start(&[
        ("STRONGROOM_TLS_CERTIFICATE", &certificate),
        ("STRONGROOM_TLS_KEY", &key),
    ])
    .await;
    let token = server.token("admin");
    let bytes = Seeded(1).pdf(300_000);
    let begun = server.begin(&token, bytes.len()).await;
    assert!(begun["url"].as_str().unwrap().starts_with("https://127.0.0.1:"), "{begun}");
    server.put(&begun, bytes.clone()).await.expect(200);
    let document = server.confirm(&token, &begun).await.expect(201).json();
    let link = server.link(&token, &document).await;
    assert!(link.starts_with("https://127.0.0.1:"));
    assert!(server.fetch(&link).await.expect(200).body == bytes);
    assert!(server.content(&token, &document).await.expect(200).body == bytes);
    let answer = server.http.get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert!(answer.headers().contains_key("strict-transport-security"));
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let plain = plain.get(server.url.replace("https", "http")).send().await;
    assert!(plain.is_err(), "plain HTTP is answered on the TLS port");
    let stranger = reqwest::Client::builder().no_proxy().build().unwrap();
    assert!(stranger.get(&server.url).send().await.is_err(), "a client that knows no certificate");
}

/// A body whose second half comes when the test says so.
fn gated(bytes: &[u8]) -> (Body, oneshot::Sender<()>) {
    let (open, gate) = oneshot::channel();
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let (first, second) = (Bytes::copy_from_slice(first), Bytes::copy_from_slice(second));
    let pieces = stream::unfold((0, Some(gate)), move |(step, gate)| {
        let (first, second) = (first.clone(), second.clone());
        async move {
            match step {
                0 => Some((first, (1, gate))),
                1 => {
                    gate?.await.ok()?;
                    Some((second, (2, None)))
                }
                _ => None,
            }
        }
    });
    let frames = futures::StreamExt::map(pieces, |b| Ok::<_, Infallible>(Frame::data(b)));
    let body = Body::wrap(http_body_util::BodyExt::boxed(SyncBody(std::sync::Mutex::new(
        Box::pin(StreamBody::new(frames)),
    ))));
    (body, open)
}

type Frames = std::pin::Pin<Box<dyn http_body::Body<Data = Bytes, Error = Infallible> + Send>>;

/// A body that may be shared between threads because only one at a time polls it.
struct SyncBody(std::sync::Mutex<Frames>);

impl http_body::Body for SyncBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.get_mut().unwrap().as_mut().poll_frame(cx)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_flight_ends_well_when_the_server_is_told_to_stop() {
    let mut server = Server::start(&[]).await;
    let token = server.token("admin");
    // More than the buffers of a connection hold.
    let large = Seeded(2).pdf(24_000_000);
    let document = server.upload(&token, &large).await;
    let bytes = Seeded(3).pdf(2_000_000);
    let begun = server.begin(&token, bytes.len()).await;

    let (body, open) = gated(&bytes);
    let sent = put(&server.http, &begun).body(body);
    let upload =
        tokio::task::JoinSet::from_iter([async move { Read::of(sent.send().await).await }]);
    let path = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
    let mut download = server.request(Method::GET, &path, &token).send().await.unwrap();
    let mut came = download.chunk().await.unwrap().unwrap().to_vec();
    // The upload is under way when its first half is on the disk.
    let tmp = server.store().join("tmp");
    until("half an upload", || {
        let files = crate::process::files(&tmp);
        files.iter().any(|f| f.metadata().is_ok_and(|m| m.len() > 500_000)).then_some(())
    })
    .await;
    server.terminate();
    server.logged("stopping; calls in flight").await;
    let address = server.url.trim_start_matches("http://").to_owned();
    until("new connections are refused", || TcpStream::connect(&address).is_err().then_some(()))
        .await;

    open.send(()).unwrap();
    assert_eq!(upload.join_all().await.remove(0).status, 200);
    while let Some(piece) = download.chunk().await.unwrap() {
        came.extend_from_slice(&piece);
    }
    assert!(came == large, "{} of {} bytes came", came.len(), large.len());
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(server.log().contains("stopped; what was in flight has ended"));

    server.restart().await;
    let document = server.confirm(&token, &begun).await.expect(201).json();
    assert_eq!(document["sha256"], *sha256(&bytes));
}

/// Tries to start; what was said and the exit code.
async fn refused(mut server: Server) -> (String, i32) {
    let before = server.log().len();
    assert!(!server.launch().await, "it started");
    let code = server.ended().await.code().expect("an exit code");
    (server.log()[before..].to_owned(), code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port_is_told_before_anything_is_made() {
    let server = Server::start(&[]).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut second = Server::prepare(&[], &[]);
    second.set("STRONGROOM_LISTEN", address.clone());
    second.url = "http://127.0.0.1:9".to_owned();
    let data = second.data.clone();
    let home = TempDir::new().unwrap();
    let folder = std::mem::replace(&mut second.home, home);
    let (said, code) = refused(second).await;
    assert_eq!(code, 1);
    assert!(said.contains("cannot listen") && said.contains(&address), "{said}");
    assert!(said.contains("STRONGROOM_LISTEN"), "{said}");
    assert!(!data.exists(), "a data directory was made");
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_directory_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    let data = file.join("data").to_str().unwrap().to_owned();
    let server = Server::prepare(&[("STRONGROOM_DATA_DIR", &data)], &[]);
    let (said, code) = refused(server).await;
    assert_eq!(code, 1);
    assert!(said.contains(&data) && said.contains("cannot be used"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_master_key_is_refused_and_the_right_one_opens_again() {
    let mut server = Server::start(&[]).await;
    let token = server.token("admin");
    let bytes = Seeded(5).pdf(5000);
    let document = server.upload(&token, &bytes).await;
    server.stop().await;
    let other = Server::start(&[]).await;
    let key = server.data.join("master.key");
    let right = std::fs::read(&key).unwrap();
    std::fs::copy(other.data.join("master.key"), &key).unwrap();
    assert!(!server.launch().await);
    assert_eq!(server.ended().await.code(), Some(1));
    let log = server.log();
    assert!(log.contains("is this the master key they were sealed with?"), "{log}");
    let hidden = String::from_utf8_lossy(&right).trim().to_owned();
    assert!(!log.contains(&hidden), "a key in the log");
    // Without any key one must not be made: what is sealed could never be opened with it.
    std::fs::remove_file(&key).unwrap();
    assert!(!server.launch().await, "it started with a new key over old data");
    assert_eq!(server.ended().await.code(), Some(1));
    assert!(
        server.log().contains("is missing beside the documents and secrets"),
        "{}",
        server.log()
    );
    assert!(!key.exists(), "a key was made that opens nothing");
    // Nor where the documents lie in a bucket and only the database is here.
    let (store, aside) = (server.data.join("store"), server.data.join("aside"));
    std::fs::rename(&store, &aside).unwrap();
    assert!(!server.launch().await, "it started with a new key over old secrets");
    assert_eq!(server.ended().await.code(), Some(1));
    assert!(!key.exists(), "a key was made that opens nothing");
    std::fs::remove_dir_all(&store).ok();
    std::fs::rename(&aside, &store).unwrap();
    std::fs::write(&key, &right).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    server.restart().await;
    assert!(server.content(&token, &document).await.expect(200).body == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_key_that_others_may_read_is_refused() {
    let mut server = Server::start(&[]).await;
    server.stop().await;
    let key = server.data.join("master.key");
    for mode in [0o640, 0o604, 0o644] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        assert!(!server.launch().await, "{mode:o}");
        assert_eq!(server.ended().await.code(), Some(1));
        let log = server.log();
        assert!(log.contains("may be read by others") && log.contains("chmod 600"), "{log}");
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    server.restart().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_fills_in_once() {
    let mut server = Server::start_with(&[], &["--demo"]).await;
    server.logged("the demo clinic is filled in").await;
    let token = server.token("admin");
    let count = async |server: &Server| {
        let listed: Value = server.get(&token, "/api/docs?limit=100").await.expect(200).json();
        let items = listed["items"].as_array().unwrap().clone();
        assert!(items.iter().all(|item| item["state"] == "available"), "{items:?}");
        items.len()
    };
    assert_eq!(count(&server).await, 27);
    server.stop().await;
    server.restart().await;
    server.logged("the demo clinic is there already").await;
    assert_eq!(count(&server).await, 27);
}

/// A proxy may come up after the server that stands behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_waits_for_the_address_the_server_is_known_by() {
    let mut server = Server::prepare(&[], &["--demo"]);
    let mut proxy = Relay::to(&server.url).await;
    proxy.down().await;
    server.set("STRONGROOM_PUBLIC_URL", format!("http://{}", proxy.address));
    assert!(server.launch().await, "{}", server.log());
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!server.log().contains("the demo"), "{}", server.log());
    proxy.up().await;
    server.logged("the demo clinic is filled in").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_says_nothing_does_not_keep_others_waiting() {
    let mut server = Server::start(&[]).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let silent: Vec<_> = (0..50).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let healthy = server.http.get(format!("{}/healthz", server.url));
    let answer = healthy.timeout(Duration::from_secs(10)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    server.stop().await;
    drop(silent);
}

/// One answer: its status and whether it says that the connection ends.
fn answered(connection: &mut BufReader<TcpStream>) -> (u16, bool) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(connection.read_line(&mut head).unwrap() > 0, "cut off after {head:?}");
    }
    let head = head.to_ascii_lowercase();
    let value = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    let length = value("content-length:").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    connection.read_exact(&mut body).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, value("connection:").as_deref() == Some("close"))
}

const REFUSED: [(&str, &str, u16); 5] = [
    ("POST", "/api/docs/presign-upload", 401),
    ("DELETE", "/api/docs/00000000-0000-7000-8000-000000000001", 401),
    ("PUT", "/nothing/here", 404),
    ("PUT", "/api/docs", 405),
    ("PUT", "/strongroom/key", 403),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_fit_for_the_next_request_after_a_refused_body_or_says_that_it_ends() {
    let server = Server::start(&[]).await;
    let address = server.url.trim_start_matches("http://").to_owned();
    let next = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\n\r\n");
    for (method, path, status) in REFUSED {
        // Whether the client waits to be told to go on; the length; whether the connection ends.
        for (waits, length, ends) in
            [(false, 1_000, false), (false, 1_000_000, false), (true, 1_000_000, true)]
        {
            let what = format!("{method} {path} with {length} bytes, waits: {waits}");
            let mut connection = BufReader::new(TcpStream::connect(&address).unwrap());
            let expect = if waits { "expect: 100-continue\r\n" } else { "" };
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer wrong\r\n\
                 content-length: {length}\r\n{expect}\r\n"
            );
            connection.get_mut().write_all(head.as_bytes()).unwrap();
            if !waits {
                connection.get_mut().write_all(&vec![b' '; length]).unwrap();
            }
            let (got, close) = answered(&mut connection);
            assert_eq!((got, close), (status, ends), "{what}");
            if !close {
                connection.get_mut().write_all(next.as_bytes()).unwrap();
                assert_eq!(answered(&mut connection), (200, false), "{what}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_keeps_connections_meets_no_closed_one_after_a_refused_body() {
    let server = Server::start(&[]).await;
    let connections = |n| server.http.get(format!("{}/healthz?{n}", server.url));
    for length in [100, 70_000, 1_000_000, 8_000_000] {
        for (method, path, status) in REFUSED {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let request = server.request(method, path, "wrong");
            let refused = Read::or_cut(request.body(vec![b' '; length]).send().await).await;
            // A client that is still sending when the connection ends may not see the answer.
            let unseen = length > 1_048_576 && refused.status == 0;
            assert!(unseen || refused.status == status, "{path}, {length}: {}", refused.status);
            for n in 0..2 {
                assert_eq!(connections(n).send().await.unwrap().status(), 200, "{path}, {length}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_says_nothing_is_closed() {
    use tokio::io::AsyncReadExt as _;
    let server = Server::start(&[]).await;
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut idle = tokio::net::TcpStream::connect(&address).await.unwrap();
    let mut heard = Vec::new();
    let limit = Duration::from_secs(45);
    let ended = tokio::time::timeout(limit, idle.read_to_end(&mut heard)).await;
    assert!(ended.is_ok(), "the connection was still open after {limit:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_and_failures_are_counted_by_route_and_status() {
    let server = Server::start(&[]).await;
    let token = server.token("admin");
    for _ in 0..3 {
        server.get(&token, "/api/docs").await.expect(200);
        server.get("nobody", "/api/docs").await.expect(401);
    }
    server.get(&token, "/api/docs?limit=none").await.expect(422);
    let figures = server.get(&token, "/metrics").await.expect(200).body;
    let figures = String::from_utf8(figures).unwrap();
    for (status, count) in [(200, 3), (401, 3), (422, 1)] {
        let labels = format!("method=\"GET\",route=\"/api/docs\",status=\"{status}\"");
        let line = format!("strongroom_http_requests_total{{{labels}}} {count}\n");
        assert!(figures.contains(&line), "{line}: {figures}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invented_methods_do_not_grow_the_metrics() {
    let server = Server::start(&[]).await;
    for n in 0..20 {
        let method = reqwest::Method::from_bytes(format!("INVENTED{n}").as_bytes()).unwrap();
        server.http.request(method, format!("{}/healthz", server.url)).send().await.unwrap();
    }
    let figures = Read::of(server.http.get(format!("{}/metrics", server.url)).send().await).await;
    let figures = String::from_utf8(figures.expect(200).body).unwrap();
    assert!(!figures.contains("INVENTED") && figures.contains("method=\"other\""), "{figures}");
}
