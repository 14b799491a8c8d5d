//! Bytes on a connection that no client of good will sends: heads too large, requests that can be
//! read in two ways, bodies that never end. Each gets a clear answer, and the server goes on.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::process::Server;

/// What came back: the statuses, in order, and whether the connection was ended.
#[derive(Debug, PartialEq)]
struct Heard {
    statuses: Vec<u16>,
    ended: bool,
    text: String,
}

fn address(server: &Server) -> String {
    server.url.trim_start_matches("http://").to_owned()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(address(server)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(700))).unwrap();
    stream
}

/// Sends these bytes and listens until the end, or until nothing more comes.
fn say(server: &Server, bytes: &[u8]) -> Heard {
    let mut stream = connect(server);
    // What is refused before it has all been sent may end the connection meanwhile.
    let _ = stream.write_all(bytes);
    listen(&mut stream)
}

fn listen(stream: &mut TcpStream) -> Heard {
    let (mut heard, mut piece) = (Vec::new(), [0; 8192]);
    let ended = loop {
        match stream.read(&mut piece) {
            Ok(0) => break true,
            Ok(n) => heard.extend_from_slice(&piece[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                // A slow machine may need longer for the first byte.
                if !heard.is_empty() {
                    break false;
                }
            }
            Err(_) => break true,
        }
    };
    let text = String::from_utf8_lossy(&heard).into_owned();
    let statuses = text.split("HTTP/1.").skip(1).map(|answer| answer[2..5].parse().unwrap());
    Heard { statuses: statuses.collect(), ended, text }
}

fn alive(server: &Server) {
    let head = format!("GET /healthz HTTP/1.1\r\nhost: {}\r\n\r\n", address(server));
    assert_eq!(say(server, head.as_bytes()).statuses, [200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_without_measure_is_refused() {
    let server = Server::start(&[]).await;
    let host = format!("host: {}\r\n", address(&server));
    let many = "x-many: v\r\n".repeat(10_000);
    let long = "a".repeat(1_000_000);
    for (head, statuses) in [
        (format!("GET /healthz HTTP/1.1\r\n{host}{many}\r\n"), &[431][..]),
        (format!("GET /{long} HTTP/1.1\r\n{host}\r\n"), &[414, 431]),
        (format!("GET /api/docs?q={} HTTP/1.1\r\n{host}\r\n", &long[..70_000]), &[414, 431]),
        (format!("GET /healthz HTTP/1.1\r\n{host}x: {long}\r\n\r\n"), &[431]),
    ] {
        let heard = say(&server, head.as_bytes());
        let refused = heard.statuses.len() == 1 && statuses.contains(&heard.statuses[0]);
        // What was still being sent may keep the answer from being heard.
        assert!(refused || heard.statuses.is_empty(), "{heard:?}");
        assert!(heard.ended, "{heard:?}");
    }
    alive(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_be_read_in_two_ways_is_refused_and_ends_the_connection() {
    let server = Server::start(&[]).await;
    let host = format!("host: {}\r\n", address(&server));
    let hidden = format!("GET /healthz HTTP/1.1\r\n{host}\r\n");
    for lengths in [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n",
        "content-length: 4\r\ncontent-length: 5\r\n",
        "content-length: 4, 4\r\n",
        "content-length: +4\r\n",
        "content-length: 0x4\r\n",
        "content-length: -4\r\n",
        "content-length: 99999999999999999999999\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding : chunked\r\n",
        "transfer-encoding:\u{b}chunked\r\n",
        "x-a: b\r\n c: d\r\ncontent-length: 4\r\n",
    ] {
        let line = "POST /api/session HTTP/1.1\r\ncontent-type: application/json\r\n";
        let request = format!("{line}{host}{lengths}\r\n0\r\n\r\n{hidden}");
        let heard = say(&server, request.as_bytes());
        assert_eq!((&*heard.statuses, heard.ended), (&[400][..], true), "{lengths}: {heard:?}");
    }
    alive(&server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_names_one_host() {
    let server = Server::start(&[]).await;
    let host = format!("host: {}\r\n", address(&server));
    for (version, hosts, status) in [
        ("1.1", host.clone(), 200),
        ("1.1", String::new(), 400),
        ("1.1", format!("{host}host: evil.example\r\n"), 400),
        ("1.1", format!("{host}{host}"), 400),
        ("1.1", "host: a b/c\r\n".to_owned(), 400),
        ("1.1", "host: somebody@evil.example\r\n".to_owned(), 400),
        ("1.1", "host: \r\n".to_owned(), 400),
        ("1.0", String::new(), 200),
    ] {
        let heard = say(&server, format!("GET /healthz HTTP/{version}\r\n{hosts}\r\n").as_bytes());
        assert_eq!(heard.statuses, [status], "{version} {hosts:?}: {heard:?}");
        assert!(status == 200 || heard.text.contains("bad_request"), "{heard:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_behind_one_another_are_answered_one_by_one() {
    let server = Server::start(&[]).await;
    let host = format!("host: {}\r\n", address(&server));
    let get = format!("GET /healthz HTTP/1.1\r\n{host}\r\n");
    assert_eq!(say(&server, get.repeat(5).as_bytes()).statuses, [200; 5]);
    let json = format!("content-type: application/json\r\n{host}");
    let post = format!("POST /api/session HTTP/1.1\r\n{json}content-length: 2\r\n\r\n{{}}");
    assert_eq!(say(&server, format!("{post}{get}").as_bytes()).statuses, [422, 200]);
    // A body that nobody asked for is none of the next request.
    let with_body = get.replacen("\r\n\r\n", "\r\ncontent-length: 5\r\n\r\nhello", 1);
    assert_eq!(say(&server, format!("{with_body}{get}").as_bytes()).statuses, [200, 200]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_paths_lead_nowhere() {
    let server = Server::start(&[]).await;
    let token = server.token("admin");
    for path in [
        &b"//api/docs"[..],
        b"/api//docs",
        b"/api/docs/..",
        b"/api/../api/docs",
        b"/./api/docs",
        b"/API/DOCS",
        b"/api/docs/%2e%2e/audit",
        b"/api/docs%2fpresign-upload",
        b"/api/docs/%ff",
        b"/api/docs/%zz",
        b"/api/docs/%",
        b"/api/docs/;x=1",
        b"/api/patients/%00/care-team",
        b"/api/patients/%ff/care-team",
        b"/openapi.json/",
        b"/..%2f..%2fetc/passwd",
    ] {
        let mut request = [b"GET ", path, b" HTTP/1.1\r\n"].concat();
        let rest = format!("host: {}\r\nauthorization: Bearer {token}\r\n\r\n", address(&server));
        request.extend_from_slice(rest.as_bytes());
        let heard = say(&server, &request);
        assert_eq!(heard.statuses, [404], "{}", String::from_utf8_lossy(path));
        assert!(heard.text.contains("application/problem+json"), "{heard:?}");
    }
    for path in [&b"/api/docs/\xff"[..], b"/api/docs/\0", b"api/docs"] {
        let request = [b"GET ", path, b" HTTP/1.1\r\nhost: a\r\n\r\n"].concat();
        assert_eq!(say(&server, &request).statuses, [400], "{}", String::from_utf8_lossy(path));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_drips_in_is_given_up() {
    let server = Server::start(&[]).await;
    let token = server.token("admin");
    let fields = format!("host: {}\r\nauthorization: Bearer {token}\r\n", address(&server));
    let mut header = connect(&server);
    write!(header, "GET /api/docs HTTP/1.1\r\n{fields}").unwrap();
    let mut body = connect(&server);
    let length = "content-type: application/json\r\ncontent-length: 1000";
    write!(body, "POST /api/docs/confirm HTTP/1.1\r\n{fields}{length}\r\n\r\n").unwrap();
    let began = Instant::now();
    let (mut header_ended, mut answered) = (false, None);
    while !(header_ended && answered.is_some()) {
        assert!(began.elapsed() < Duration::from_secs(50), "{header_ended} {answered:?}");
        // One byte at a time; between two, what was said is listened to.
        let _ = header.write_all(b"x");
        let _ = body.write_all(b" ");
        let mut piece = [0; 4096];
        header_ended |= header.read(&mut piece).is_ok() || header.write(b"x").is_err();
        match body.read(&mut piece) {
            Ok(n) if n > 0 => {
                answered = Some(String::from_utf8_lossy(&piece[..n]).into_owned());
            }
            _ => {}
        }
    }
    let answered = answered.unwrap();
    assert!(answered.starts_with("HTTP/1.1 408 "), "{answered}");
    assert!(answered.contains("too_slow") && answered.contains("connection: close"), "{answered}");
    alive(&server);
}
