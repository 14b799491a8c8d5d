//! A server that is killed at any moment of its work, again and again on the same data.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use strongroom::time::Clock;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::process::{Seeded, Server, asked, files, put, seed, sha256, until};
use crate::s3::S3;

const ROUNDS: u64 = 8;
const TASKS: u64 = 6;

/// What a client was told: the documents whose confirm was answered, and what their bytes hash to.
type Told = Arc<Mutex<HashMap<String, String>>>;

/// Says which seed a failing test had.
struct Blame(u64);

impl Drop for Blame {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to repeat: STRONGROOM_TEST_SEED={}", self.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_survives_kills_at_any_moment() {
    let seed = seed();
    let _blame = Blame(seed);
    let mut random = Seeded(seed);
    let mut server = Server::start(&[]).await;
    let token = server.token("admin");
    let told = Told::default();
    // What a kill leaves behind, over all rounds: halves of files, and files without a row.
    let (mut halves, mut orphans) = (0, 0);
    for round in 0..ROUNDS {
        let mut load = JoinSet::new();
        for _ in 0..TASKS {
            let client = Uploader::new(&server, &token, random.next(), &told);
            load.spawn(client.work());
        }
        let moment = Duration::from_millis(random.between(150, 1200));
        tokio::time::sleep(moment).await;
        server.kill9();
        load.join_all().await;
        halves += files(&server.store().join("tmp")).len();
        server.restart().await;
        let left = files(&server.store().join("tmp"));
        assert!(left.is_empty(), "round {round}: {left:?}");
        orphans += unnamed(&server).await.len();
        check(&server, &token, &told, round).await;
    }
    let count = told.lock().unwrap().len();
    println!("{count} documents confirmed; kills left {halves} halves and {orphans} orphans");
    assert!(count as u64 >= ROUNDS, "too few uploads to tell anything: {count}");
    a_start_sweeps_what_no_row_names(&mut server).await;
    check(&server, &token, &told, ROUNDS).await;
}

/// One client with its own connection, until the server is gone.
struct Uploader {
    http: Client,
    url: String,
    token: String,
    random: Seeded,
    told: Told,
    s3: S3,
}

impl Uploader {
    fn new(server: &Server, token: &str, seed: u64, told: &Told) -> Self {
        Self {
            http: server.http.clone(),
            url: server.url.clone(),
            token: token.to_owned(),
            random: Seeded(seed),
            told: Arc::clone(told),
            s3: S3::of(server),
        }
    }

    async fn work(mut self) {
        while self.upload().await.is_some() {}
    }

    async fn upload(&mut self) -> Option<()> {
        let in_parts = self.random.between(0, 8) == 0;
        // A part but the last has 5 MiB at least.
        let size = if in_parts { 5 << 20 } else { 0 } + self.random.between(1 << 10, 2 << 20);
        let bytes = self.random.pdf(usize::try_from(size).unwrap());
        let sha = sha256(&bytes);
        let mut asked = asked(size);
        if in_parts || self.random.between(0, 2) == 0 {
            asked["sha256"] = json!(sha);
        }
        let begun = self.post("/api/docs/presign-upload", &asked).await?;
        if in_parts {
            let key = begun["key"].as_str().unwrap();
            let (first, last) = bytes.split_at(5 << 20);
            let done = self.s3.multipart(key, "application/pdf", &[first, last]).await?;
            done.expect(200);
        } else {
            let answer = put(&self.http, &begun).body(bytes).send().await.ok()?;
            assert_eq!(answer.status(), 200, "{:?}", answer.text().await);
        }
        let document = self.post("/api/docs/confirm", &json!({ "id": begun["id"] })).await?;
        let id = document["id"].as_str().unwrap().to_owned();
        self.told.lock().unwrap().insert(id, sha);
        Some(())
    }

    /// The answer, or nothing when the server was gone before the whole of it came.
    async fn post(&self, path: &str, body: &Value) -> Option<Value> {
        let request = self.http.request(Method::POST, format!("{}{path}", self.url));
        let answer = request.bearer_auth(&self.token).json(body).send().await.ok()?;
        let status = answer.status();
        let text = answer.text().await.ok()?;
        assert_eq!(status, 201, "{path}: {text}");
        Some(serde_json::from_str(&text).unwrap())
    }
}

pub async fn open(database: &Path) -> SqliteConnection {
    let url = format!("sqlite:{}?mode=ro", database.display());
    SqliteConnection::connect(&url).await.unwrap()
}

async fn check(server: &Server, token: &str, told: &Told, round: u64) {
    let told = told.lock().unwrap().clone();
    let mut main = open(&server.data.join("strongroom.sqlite")).await;
    let rows: Vec<(Vec<u8>, String, String, Option<String>)> =
        sqlx::query_as("select id, object_key, state, sha256_hex from document_assets")
            .fetch_all(&mut main)
            .await
            .unwrap();
    let available: HashMap<String, String> = rows
        .iter()
        .filter(|row| row.2 == "available")
        .map(|row| (Uuid::from_slice(&row.0).unwrap().to_string(), row.3.clone().unwrap()))
        .collect();
    for (id, sha) in &told {
        assert_eq!(available.get(id), Some(sha), "round {round}: {id} was confirmed");
    }
    for (id, sha) in &available {
        let read = server.content(token, &json!({ "id": id })).await;
        assert!(read.status == 200 && read.whole, "round {round}: {id}: {}", read.status);
        assert_eq!(sha256(&read.body), *sha, "round {round}: {id} came back changed");
        assert_eq!(confirmations(&mut main, id).await, 1, "round {round}: {id} in the trail");
    }
    let known: HashSet<&String> = rows.iter().map(|row| &row.1).collect();
    let mut index = open(&server.store().join("index.sqlite")).await;
    let keys: Vec<(String,)> =
        sqlx::query_as("select distinct key from versions").fetch_all(&mut index).await.unwrap();
    for (key,) in &keys {
        assert!(known.contains(key), "round {round}: the object {key} has no row");
    }
    let (sound,): (String,) =
        sqlx::query_as("pragma integrity_check").fetch_one(&mut index).await.unwrap();
    assert_eq!(sound, "ok");
}

/// Events of a confirm that made the document, not of one that was repeated.
async fn confirmations(main: &mut SqliteConnection, id: &str) -> i64 {
    let (count,): (i64,) = sqlx::query_as(
        "select count(*) from audit_events where target_id = $1 and action = 'upload.confirm' \
         and outcome = 'granted' and coalesce(detail, '') not like '%repeated%'",
    )
    .bind(id)
    .fetch_one(main)
    .await
    .unwrap();
    count
}

/// Files of the store that no row of its index names.
pub async fn unnamed(server: &Server) -> Vec<std::path::PathBuf> {
    let mut index = open(&server.store().join("index.sqlite")).await;
    let named: Vec<(Vec<u8>,)> = sqlx::query_as(
        "select file_id from versions where file_id is not null union \
         select file_id from segments union select file_id from parts",
    )
    .fetch_all(&mut index)
    .await
    .unwrap();
    let named: HashSet<String> = named.into_iter().map(|(id,)| hex::encode(id)).collect();
    let mut found = files(&server.store().join("objects"));
    let there: HashSet<String> = found.iter().map(|path| name(path)).collect();
    for id in &named {
        assert!(there.contains(id), "a row names the file {id} and it is not there");
    }
    found.retain(|path| !named.contains(&name(path)));
    found
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Files that no row names go at a start once they are old enough not to be of an upload under way;
/// the others stay.
async fn a_start_sweeps_what_no_row_names(server: &mut Server) {
    server.kill9();
    let objects = server.store().join("objects");
    let some = files(&objects).into_iter().next().unwrap();
    let planted = Uuid::from_u128(0x0042).simple().to_string();
    std::fs::copy(some, objects.join("42").join(&planted)).unwrap();
    let young = Uuid::from_u128(0x0043).simple().to_string();
    let young = objects.join("43").join(&young);
    let two_hours_ago = Clock::default().now() - Duration::from_hours(2);
    for path in files(&objects) {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(two_hours_ago.system_time()).unwrap();
    }
    std::fs::write(&young, b"of an upload under way").unwrap();
    server.restart().await;
    server.logged("files that no document needs were removed").await;
    assert_eq!(unnamed(server).await, [young]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let server = Server::start(&[]).await;
    let token = server.token("admin");
    let data = server.data.to_str().unwrap().to_owned();
    let mut second = Server::prepare(&[("STRONGROOM_DATA_DIR", &data)], &[]);
    assert!(!second.launch().await);
    let status = until("the end", || Some(second.log()).filter(|log| !log.is_empty())).await;
    assert!(status.contains("another process has the object store"), "{status}");
    assert_eq!(second.ended().await.code(), Some(1));
    let document = server.upload(&token, &Seeded(1).pdf(5000)).await;
    assert_eq!(server.content(&token, &document).await.body.len(), 5000);
}
