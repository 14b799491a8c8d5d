//! Sealed files that somebody changed on the disk: an error or a cut connection, never other bytes.

use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::Value;

use crate::crash::open;
use crate::process::{Read, Seeded, Server};
use crate::s3::S3;

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const HEADER: usize = 32;

struct Room {
    server: Server,
    token: String,
    documents: Vec<(Value, Vec<u8>, PathBuf)>,
}

/// A server with documents of these sizes and the sealed file of each.
async fn room(sizes: &[usize]) -> Room {
    let server = Server::start(&[]).await;
    let token = server.token("admin");
    let mut documents = Vec::new();
    let mut random = Seeded(7);
    for size in sizes {
        let bytes = random.pdf(*size);
        let document = server.upload(&token, &bytes).await;
        let path = sealed_file(&server, document["key"].as_str().unwrap()).await;
        documents.push((document, bytes, path));
    }
    Room { server, token, documents }
}

async fn sealed_file(server: &Server, key: &str) -> PathBuf {
    let mut index = open(&server.store().join("index.sqlite")).await;
    let (id,): (Vec<u8>,) = sqlx::query_as("select file_id from versions where key = $1")
        .bind(key)
        .fetch_one(&mut index)
        .await
        .unwrap();
    server.store().join("objects").join(hex::encode(&id[15..])).join(hex::encode(&id))
}

impl Room {
    /// Reads a document through both doors: what comes is cut off or refused, and is a beginning
    /// of the true bytes.
    async fn is_refused(&self, which: usize, what: &str) {
        let (document, bytes, _) = &self.documents[which];
        let link = self.server.link(&self.token, document).await;
        let content = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
        let content = self.server.request(Method::GET, &content, &self.token);
        for request in [content, self.server.http.get(&link)] {
            let read = Read::or_cut(request.send().await).await;
            if read.status == 200 || read.status == 0 {
                assert!(!read.whole, "{what}: a whole answer of {} bytes", read.body.len());
                assert!(bytes.starts_with(&read.body), "{what}: other bytes came out");
                assert!(read.body.len() < bytes.len(), "{what}: everything came");
            } else {
                assert!(read.status >= 400, "{what}: {}", read.status);
                assert!(!bytes.windows(64).any(|w| read.body == w), "{what}");
            }
        }
    }

    async fn reads_well(&self, which: usize) {
        let (document, bytes, _) = &self.documents[which];
        let link = self.server.link(&self.token, document).await;
        for read in
            [self.server.content(&self.token, document).await, self.server.fetch(&link).await]
        {
            assert!(read.status == 200 && read.whole && read.body == *bytes, "{}", read.status);
        }
    }

    fn file(&self, which: usize) -> &Path {
        &self.documents[which].2
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_what_went_wrong_under_the_id_of_the_answer() {
    let room = room(&[3000]).await;
    std::fs::remove_file(room.file(0)).unwrap();
    let read = room.server.content(&room.token, &room.documents[0].0).await;
    let id = read.expect(500).json()["requestId"].as_str().unwrap().to_owned();
    let log = room.server.log();
    let told = |line: &str| line.contains("\"ERROR\"") && line.contains(&id);
    assert!(log.lines().any(|line| told(line) && line.contains("damaged")), "{id}: {log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_anywhere_in_a_sealed_file_is_never_served() {
    let room = room(&[5 * CHUNK + 1000, 3000]).await;
    let sealed = std::fs::read(room.file(0)).unwrap();
    assert_eq!(sealed.len(), HEADER + 5 * CHUNK + 1000 + 6 * TAG);
    let mut places: Vec<usize> = (0..HEADER).step_by(3).collect();
    for chunk in 0..6 {
        let begin = HEADER + chunk * (CHUNK + TAG);
        places.extend([begin, begin + 777]);
        let end = (begin + CHUNK + TAG).min(sealed.len());
        places.extend([end - TAG - 1, end - TAG, end - 1]);
    }
    let mut random = Seeded(11);
    places.extend(
        (0..12).map(|_| usize::try_from(random.between(0, sealed.len() as u64 - 1)).unwrap()),
    );
    for at in places {
        let mut bad = sealed.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(room.file(0), &bad).unwrap();
        room.is_refused(0, &format!("byte {at}")).await;
    }
    room.reads_well(1).await;
    std::fs::write(room.file(0), &sealed).unwrap();
    room.reads_well(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swapped_cut_and_continued_files_are_never_served() {
    let room = room(&[3 * CHUNK, 3 * CHUNK, 3000]).await;
    let (one, two) = (room.file(0), room.file(1));
    let (first, second) = (std::fs::read(one).unwrap(), std::fs::read(two).unwrap());
    let width = CHUNK + TAG;

    std::fs::write(one, &second).unwrap();
    std::fs::write(two, &first).unwrap();
    room.is_refused(0, "swapped").await;
    room.is_refused(1, "swapped").await;
    std::fs::write(two, &second).unwrap();
    room.reads_well(1).await;

    let mut renamed = second.clone();
    renamed[..HEADER].copy_from_slice(&first[..HEADER]);
    let tail = &first[HEADER + width..HEADER + 2 * width];
    let reordered =
        [&first[..HEADER], tail, &first[HEADER..HEADER + width], &first[HEADER + 2 * width..]];
    for (what, bad) in [
        ("another file under this header", renamed),
        ("a byte short", first[..first.len() - 1].to_vec()),
        ("cut at the border of a chunk", first[..HEADER + 2 * width].to_vec()),
        ("cut after the header", first[..HEADER].to_vec()),
        ("empty", Vec::new()),
        ("a byte more", [&first[..], &[0]].concat()),
        ("a chunk more", [&first[..], tail].concat()),
        ("chunks in each other's place", reordered.concat()),
    ] {
        std::fs::write(one, &bad).unwrap();
        room.is_refused(0, what).await;
    }
    std::fs::remove_file(one).unwrap();
    room.is_refused(0, "gone").await;
    room.reads_well(1).await;
    room.reads_well(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_over_damage_is_refused_and_one_beside_it_is_not() {
    let room = room(&[5 * CHUNK]).await;
    let (document, bytes, file) = &room.documents[0];
    let mut bad = std::fs::read(file).unwrap();
    let third = HEADER + 2 * (CHUNK + TAG);
    bad[third + 5] ^= 1;
    std::fs::write(file, &bad).unwrap();
    let link = room.server.link(&room.token, document).await;
    for (from, to, sound) in [
        (0, 2 * CHUNK, true),
        (3 * CHUNK, 5 * CHUNK, true),
        (CHUNK, 2 * CHUNK + 1, false),
        (2 * CHUNK + 100, 2 * CHUNK + 101, false),
    ] {
        let request =
            room.server.http.get(&link).header("range", format!("bytes={from}-{}", to - 1));
        let read = Read::or_cut(request.send().await).await;
        if sound {
            assert!(read.status == 206 && read.body == bytes[from..to], "{from}-{to}");
        } else {
            let served = read.status == 206;
            assert!(!served || !read.whole, "{from}-{to}: {}", read.status);
            assert!(served || [0, 500].contains(&read.status), "{from}-{to}: {}", read.status);
            assert!(!served || bytes[from..to].starts_with(&read.body), "{from}-{to}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_file_that_is_gone_is_damage_and_not_a_document_that_never_was() {
    let room = room(&[2 * CHUNK, 3000]).await;
    let (document, _, file) = &room.documents[0];
    let link = room.server.link(&room.token, document).await;
    std::fs::remove_file(file).unwrap();

    let content = room.server.content(&room.token, document).await.expect(500);
    assert_eq!(content.code(), "damaged");
    let read = room.server.fetch(&link).await.expect(500);
    assert_eq!(read.s3_code(), "InternalError");
    let range = room.server.http.get(&link).header("range", "bytes=70000-70010");
    let read = Read::of(range.send().await).await.expect(500);
    assert_eq!(read.s3_code(), "InternalError");
    let s3 = S3::of(&room.server);
    let key = document["key"].as_str().unwrap();
    let source = format!("/{}/{key}", s3.bucket);
    let copy = s3.signed(Method::PUT, "/copy", &[("x-amz-copy-source", &source)], []);
    let copied = Read::of(copy.send().await).await.expect(500);
    assert_eq!(copied.s3_code(), "InternalError");

    // The document is still known, and the log says which file is missing.
    let id = document["id"].as_str().unwrap();
    room.server.get(&room.token, &format!("/api/docs/{id}")).await.expect(200);
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(room.server.log().contains(name), "{}", room.server.log());
    room.reads_well(1).await;
}
