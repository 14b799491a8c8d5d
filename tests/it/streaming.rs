//! Bytes through the server: ranges and conditions on the way out, hostile forms on the way in.

use http::{Method, Request, header};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::on_every_ground;
use crate::process::{PATIENCE, PAUSE};
use crate::support::{Answer, TestApp, form, pdf};

on_every_ground!(
    each_door_answers_ranges_and_conditions_alike,
    a_form_that_makes_no_sense_is_refused_and_leaves_nothing,
    what_is_too_large_or_lies_is_refused_and_leaves_nothing,
    a_client_that_leaves_or_stands_still_leaves_nothing,
);

const RECORDS: &str = "/api/patients/patient-1/records";

async fn fetch(app: &TestApp, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let admin = app.admin();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers.iter().copied().chain([(&*admin.header.0, &*admin.header.1)]) {
        request = request.header(name, value);
    }
    app.send(request.body(axum::body::Body::empty()).unwrap()).await
}

async fn each_door_answers_ranges_and_conditions_alike(app: &TestApp) {
    let sent = form(&[], &pdf(), &[]);
    let record = app.post_form(&app.admin(), RECORDS, sent).await.expect(201).json();
    let (bytes, size) = (pdf().bytes, pdf().bytes.len());
    let etag = format!("\"{}\"", record["sha256"].as_str().unwrap());
    let weak = format!("W/{etag}");
    let (etag, weak) = (etag.as_str(), weak.as_str());
    let id = record["id"].as_str().unwrap();
    let doors = [
        format!("/api/docs/{id}/content"),
        format!("{RECORDS}/{id}/download"),
        format!("/api/v2/aws/s3/download?key={}", record["key"].as_str().unwrap()),
    ];
    for door in doors {
        for (headers, status, expected) in [
            (&[][..], 200, &bytes[..]),
            (&[("range", "bytes=5-14")][..], 206, &bytes[5..15]),
            (&[("range", "bytes=-7")][..], 206, &bytes[size - 7..]),
            (&[("range", "bytes=0-1,4-5")][..], 200, &bytes[..]),
            (&[("range", "bytes=5-14"), ("if-range", etag)][..], 206, &bytes[5..15]),
            (&[("range", "bytes=5-14"), ("if-range", weak)][..], 200, &bytes[..]),
            (&[("range", "bytes=5-14"), ("if-range", "\"other\"")][..], 200, &bytes[..]),
            (&[("if-none-match", weak)][..], 304, &[][..]),
            (&[("if-none-match", "\"a\", *")][..], 304, &[][..]),
            (&[("if-none-match", "\"a\"")][..], 200, &bytes[..]),
            (&[("if-match", etag)][..], 200, &bytes[..]),
        ] {
            let answer = fetch(app, Method::GET, &door, headers).await.expect(status);
            assert!(answer.body == expected, "{door} {headers:?}");
            assert_eq!(answer.headers[header::ETAG], etag, "{door} {headers:?}");
        }
        for headers in [[("if-match", "\"other\"")], [("if-match", weak)]] {
            let answer = fetch(app, Method::GET, &door, &headers).await.expect(412);
            assert_eq!(answer.code(), "precondition_failed");
        }
        let beyond = format!("bytes={size}-");
        let answer = fetch(app, Method::GET, &door, &[("range", &beyond)]).await.expect(416);
        assert_eq!(answer.headers[header::CONTENT_RANGE], format!("bytes */{size}"));
        let head = fetch(app, Method::HEAD, &door, &[]).await.expect(200);
        assert!(head.body.is_empty());
        assert_eq!(head.headers[header::CONTENT_LENGTH], size.to_string());
        for (name, value) in [
            ("accept-ranges", "bytes"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; sandbox"),
        ] {
            assert_eq!(head.headers[name], value, "{door}");
        }
    }
}

/// Nothing but rows that ended, each with a reason and an event that says failed.
async fn nothing_is_left(app: &TestApp) {
    let rows = app.get(&app.admin(), "/api/docs?state=pending,available,refused,abandoned").await;
    for row in rows.expect(200).json()["items"].as_array().unwrap() {
        assert!(row["stateReason"].is_string(), "{row}");
        assert!(row["state"] == "refused" || row["state"] == "abandoned", "{row}");
    }
    let rows = app.rows().await;
    for (key, _) in rows {
        let key = strongroom::store::ObjectKey::new(key).unwrap();
        assert!(app.app.store.head(&key, None).await.is_err(), "{key} is left");
    }
    assert_eq!(app.unfinished().await, [], "parts are left");
    let trail = app.trail().await;
    let received = trail.iter().filter(|line| line.contains("upload.begin"));
    assert!(received.clone().count() > 0);
    assert!(received.clone().all(|line| line.contains("failed:")), "{trail:?}");
}

const EDGE: &str = "multipart/form-data; boundary=edge";

async fn post(app: &TestApp, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    app.post_form(&app.admin(), RECORDS, (kind, body.into())).await
}

async fn a_form_that_makes_no_sense_is_refused_and_leaves_nothing(app: &TestApp) {
    let whole = form(&[], &pdf(), &[]).1;
    let field = "--edge\r\nContent-Disposition: form-data; name=\"category\"\r\n\r\nother\r\n";
    let file = String::from_utf8_lossy(&whole[..200]).into_owned();
    let file = file.split("\r\n\r\n").next().unwrap();
    let pad = "x".repeat(200_000);
    for (kind, body, status, code) in [
        ("multipart/form-data", whole.clone(), 400, "bad_request"),
        ("application/json", whole.clone(), 400, "bad_request"),
        (EDGE, Vec::new(), 400, "bad_request"),
        (EDGE, b"--edge--\r\n".to_vec(), 422, "invalid_fields"),
        (EDGE, format!("{field}--edge--\r\n").into_bytes(), 422, "invalid_fields"),
        (EDGE, field.repeat(10_000).into_bytes(), 400, "bad_request"),
        (EDGE, format!("--edge\r\nX: {pad}\r\n\r\n").into_bytes(), 400, "bad_request"),
        (EDGE, format!("{file}\r\n\r\n\r\n--edge--\r\n").into_bytes(), 422, "empty_file"),
        (EDGE, whole[..whole.len() / 2].to_vec(), 400, "bad_request"),
        (EDGE, whole[..whole.len() - 12].to_vec(), 400, "bad_request"),
    ] {
        let answer = post(app, kind, body).await.expect(status);
        assert_eq!(answer.code(), code);
    }
    let second = form(&[], &pdf(), &[]).1;
    let two = [&whole[..whole.len() - 10], &second].concat();
    assert!(post(app, EDGE, two).await.expect(422).json()["errors"]["file"].is_string());
    let named = |name: &str| {
        String::from_utf8_lossy(&whole[..200]).replace("referral-letter.pdf", name).into_bytes()
    };
    let long = format!("{}.pdf", "n".repeat(10_000));
    for name in [long.as_str(), "a%0D%0Ab.pdf", "letter.exe", ""] {
        let answer = post(app, EDGE, named(name)).await.expect(422).json();
        assert!(answer["errors"]["filename"].is_string(), "{answer}");
    }
    let bare = String::from_utf8_lossy(&whole[..200]);
    let bare = bare.replace("; filename=\"referral-letter.pdf\"", "").into_bytes();
    let answer = post(app, EDGE, bare).await.expect(422).json();
    assert_eq!(answer["errors"]["file"], "must be a file, with a file name");
    let other = String::from_utf8_lossy(&whole[..200]).replace("\"file\"", "\"scan\"");
    assert!(post(app, EDGE, other).await.expect(422).json()["errors"]["scan"].is_string());
    nothing_is_left(app).await;
}

async fn what_is_too_large_or_lies_is_refused_and_leaves_nothing(app: &TestApp) {
    let mut large = pdf();
    large.bytes.resize(25_000_001, b' ');
    for behind in [&[][..], &[("category", "other")][..]] {
        let sent = form(&[], &large, behind);
        let answer = app.post_form(&app.admin(), RECORDS, sent).await.expect(413);
        assert_eq!(answer.code(), "file_too_large");
    }
    let mut lying = pdf();
    lying.bytes = b"MZ\x90\x00 this is a program".to_vec();
    let sent = form(&[], &lying, &[]);
    let answer = app.post_form(&app.admin(), RECORDS, sent).await.expect(422);
    assert_eq!(answer.code(), "content_mismatch");
    let mut program = pdf();
    program.mime = "application/x-msdownload";
    let sent = form(&[], &program, &[]);
    app.post_form(&app.admin(), RECORDS, sent).await.expect(415);
    nothing_is_left(app).await;
}

/// The server on a socket.
async fn listen(app: &TestApp) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let service = strongroom::routes::router(app.app.clone(), None);
    let mut server = JoinSet::new();
    server.spawn(async move {
        let never = std::future::pending();
        strongroom::http::listen::serve(listener, None, service, never).await.unwrap();
    });
    (at, server)
}

async fn begin(app: &TestApp, at: &str, body: &[u8], length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let head = format!(
        "POST {RECORDS} HTTP/1.1\r\nHost: {at}\r\n{}: {}\r\nContent-Type: {EDGE}\r\n\
         Content-Length: {length}\r\n\r\n",
        app.admin().header.0,
        app.admin().header.1
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    stream
}

/// Waits for an event.
async fn told(app: &TestApp, what: &str) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !app.trail().await.iter().any(|line| line.contains(what)) {
        assert!(std::time::Instant::now() < deadline, "no {what}: {:?}", app.trail().await);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn a_client_that_leaves_or_stands_still_leaves_nothing(app: &TestApp) {
    let mut large = pdf();
    large.bytes.resize(9_000_000, b' ');
    let (at, _server) = listen(app).await;
    let body = form(&[], &large, &[]).1;
    let stream = begin(app, &at, &body[..body.len() * 99 / 100], body.len()).await;
    drop(stream);
    told(app, "upload.begin failed:bad_request").await;
    nothing_is_left(app).await;
    let quick = TestApp::with(&[("STRONGROOM_BODY_TIMEOUT", "1")]).await;
    let (at, _server) = listen(&quick).await;
    let mut stream = begin(&quick, &at, &body[..100_000], body.len()).await;
    let mut answer = vec![0; 400];
    let read = tokio::time::timeout(PATIENCE, stream.read(&mut answer)).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    told(&quick, "upload.begin failed:body_too_slow").await;
    nothing_is_left(&quick).await;
}

/// Begins a request and sends a byte now and then until it is answered.
async fn drip(at: &str, head: &str, begin: &[u8]) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(begin).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let mut answer = vec![0; 2000];
    let dripping = async {
        // More often than the body is looked at, and never enough.
        while to.write_all(b"x").await.is_ok() {
            tokio::time::sleep(PAUSE).await;
        }
        std::future::pending::<()>().await;
    };
    let read = tokio::select! {
        read = tokio::time::timeout(PATIENCE, from.read(&mut answer)) => read.unwrap().unwrap(),
        () = dripping => unreachable!(),
    };
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

/// Given up after a second of too little.
const QUICK: (&str, &str) = ("STRONGROOM_BODY_TIMEOUT", "1");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_is_given_up_at_every_door_and_leaves_nothing() {
    drips_at_every_door(&TestApp::with(&[QUICK]).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_drips_is_given_up_at_every_door_to_a_bucket_and_leaves_nothing() {
    let app = TestApp::garage_with(&[QUICK]).await;
    drips_at_every_door(&app).await;
    app.leave().await;
}

async fn drips_at_every_door(app: &TestApp) {
    let (at, _server) = listen(app).await;
    let admin = app.admin();
    let known = format!("Host: {at}\r\n{}: {}", admin.header.0, admin.header.1);
    let length = "Content-Length: 1000000";
    let form = form(&[], &pdf(), &[]).1;
    for path in [RECORDS, "/api/v2/aws/s3/upload"] {
        let head =
            format!("POST {path} HTTP/1.1\r\n{known}\r\nContent-Type: {EDGE}\r\n{length}\r\n\r\n");
        let told = drip(&at, &head, &form[..form.len() / 2]).await;
        assert!(told.starts_with("HTTP/1.1 408"), "{path}: {told}");
        assert!(told.contains("body_too_slow"), "{path}: {told}");
    }
    let mut asked = pdf().asked("patient-1");
    asked["size"] = 1_000_000.into();
    let begun = app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201).json();
    let path = format!("/api/docs/{}/content", begun["id"].as_str().unwrap());
    let head = format!("PUT {path} HTTP/1.1\r\n{known}\r\n{length}\r\n\r\n");
    let told = drip(&at, &head, &pdf().bytes).await;
    assert!(told.starts_with("HTTP/1.1 408"), "{told}");
    assert_eq!(app.objects().await, [""; 0]);
    assert_eq!(app.unfinished().await, []);
    app.check().await;
}
