//! Bodies on the wire that hardly come, and too many of them for one place.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::wire_tests::{Server, serve, serve_with, upload_of};
use crate::store::PresignPut;

/// Begins a presigned PUT of so many bytes, and sends the first of them.
async fn begin(server: &Server, put: &PresignPut, first: &[u8]) -> TcpStream {
    let request = server.presign(put);
    let at = server.base.trim_start_matches("http://");
    let path = &request.url[server.base.len()..];
    let headers = request.headers.iter().filter(|(name, _)| name != "host");
    let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("PUT {path} HTTP/1.1\r\nhost: {at}\r\n{}\r\n", headers.concat());
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(first).await.unwrap();
    stream
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let server = serve_with(Duration::from_millis(200)).await;
    let put = upload_of("a/slow.pdf", &vec![7; 100_000]);
    let mut stream = begin(&server, &put, &[7; 100]).await;
    let mut answer = vec![0; 2000];
    let read = tokio::time::timeout(Duration::from_mins(1), stream.read(&mut answer));
    let read = read.await.expect("an answer").unwrap();
    let told = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(told.starts_with("HTTP/1.1 400") && told.contains("RequestTimeout"), "{told}");
    assert_eq!(server.writing.coming(), 0);
}

#[tokio::test]
async fn one_url_feeds_a_few_bodies_at_once_and_no_more() {
    let server = serve().await;
    let data = vec![7; 100_000];
    let put = upload_of("a/often.pdf", &data);
    let mut open = Vec::new();
    for count in 1..=4 {
        open.push(begin(&server, &put, &data[..100]).await);
        while server.writing.coming() < count {
            tokio::task::yield_now().await;
        }
    }
    let (status, text) = server.send(&server.presign(&put), &data).await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("<Code>SlowDown</Code>"), "{text}");
    // Another key is not kept waiting by that, and this one no longer than they are there.
    server.put("a/other.pdf", &data).await;
    drop(open);
    while server.writing.coming() > 0 {
        tokio::task::yield_now().await;
    }
    server.put("a/often.pdf", &data).await;
}
