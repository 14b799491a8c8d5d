//! The real server in this process: its router, a store and a database of its own, callers of
//! every role, and what must hold after every test.

use std::time::Instant;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _, SqliteConnection};
use strongroom::access::{DEFAULT_CLINIC, JwtConfig, Role, TokenRequest, issue_token};
use strongroom::app::App;
use strongroom::audit::rows::{EventRow, Search, search};
use strongroom::config::{Config, Source};
use strongroom::db::Db;
use strongroom::documents::WireTrail;
use strongroom::http::listen;
use strongroom::ids::{ClinicId, Ids, PatientId, UserId};
use strongroom::time::Clock;
use strongroom::{open, routes};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::garage::{Account, Bucket};
use crate::process::{PATIENCE, PAUSE};

pub use crate::answer::{Answer, Caller, form, form_of};
pub use crate::samples::{Sample, invoice, pdf, samples};

/// A clinic that is not the callers' own.
pub const OTHER_CLINIC: ClinicId =
    ClinicId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0002));

/// Runs each named test on everything the house can stand on, and checks afterwards what must
/// always hold: SQLite and the local store, PostgreSQL and the local store, PostgreSQL and Garage.
/// Tests that ask for something that only the local store has stand in a list of their own, with
/// the reason.
#[macro_export]
macro_rules! on_every_ground {
    (
        $($name:ident),* $(,)?
        $(; local_only($why:literal): $($local:ident),* $(,)?)*
    ) => {
        mod sqlite {
            $($crate::on_ground!(sqlite, $name);)*
            $($($crate::on_ground!(sqlite, $local);)*)*
        }
        mod postgres {
            $($crate::on_ground!(postgres, $name);)*
            $($($crate::on_ground!(postgres, $local);)*)*
        }
        mod garage {
            $($crate::on_ground!(garage, $name);)*
        }
    };
}

/// One test on one ground.
#[macro_export]
macro_rules! on_ground {
    ($ground:ident, $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let app = $crate::support::TestApp::$ground().await;
            super::$name(&app).await;
            app.check().await;
            app.leave().await;
        }
    };
}

/// Runs each named test on SQLite and on PostgreSQL with these variables set.
#[macro_export]
macro_rules! with_variables {
    ($variables:expr; $($name:ident),* $(,)?) => {
        mod sqlite {
            $($crate::with_variables!(@ with, $variables, $name);)*
        }
        mod postgres {
            $($crate::with_variables!(@ postgres_with, $variables, $name);)*
        }
    };
    (@ $open:ident, $variables:expr, $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let app = $crate::support::TestApp::$open($variables).await;
            super::$name(&app).await;
            app.check().await;
            app.leave().await;
        }
    };
}

/// A server with nothing in it.
pub struct TestApp {
    pub app: App,
    pub dir: TempDir,
    pub clock: Clock,
    jwt: JwtConfig,
    router: Router,
    ground: Ground,
}

/// What a test has of its own outside its folder.
#[derive(Default)]
struct Ground {
    database: Option<String>,
    bucket: Option<Bucket>,
}

impl TestApp {
    pub async fn sqlite() -> Self {
        Self::with(&[]).await
    }

    /// SQLite with these variables set.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        Self::open(variables, Ground::default()).await
    }

    pub async fn postgres() -> Self {
        Self::postgres_with(&[]).await
    }

    pub async fn postgres_with(variables: &[(&str, &str)]) -> Self {
        let (database, url) = Self::database().await;
        let mut all = variables.to_vec();
        all.push(("DATABASE_URL", &url));
        Self::open(&all, Ground { database: Some(database), bucket: None }).await
    }

    /// PostgreSQL for the records and Garage for the bytes.
    pub async fn garage() -> Self {
        Self::garage_with(&[]).await
    }

    pub async fn garage_with(variables: &[(&str, &str)]) -> Self {
        Self::in_bucket(Account::garage().bucket().await, variables).await
    }

    /// PostgreSQL for the records and this bucket for the bytes.
    pub async fn in_bucket(bucket: Bucket, variables: &[(&str, &str)]) -> Self {
        let (database, url) = Self::database().await;
        let of_bucket = bucket.variables();
        let mut all = variables.to_vec();
        all.push(("DATABASE_URL", &url));
        all.extend(of_bucket.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let app = Self::open(&all, Ground { database: Some(database), bucket: Some(bucket) }).await;
        // What the bucket can do is found out beside the start.
        let deadline = Instant::now() + PATIENCE;
        while let Err(e) = app.app.store.abilities() {
            assert!(Instant::now() < deadline, "the bucket cannot be used: {e}");
            tokio::time::sleep(PAUSE).await;
        }
        app
    }

    /// A new database: its name and URL.
    pub async fn database() -> (String, String) {
        let server = std::env::var("STRONGROOM_TEST_POSTGRES")
            .expect("STRONGROOM_TEST_POSTGRES is set by `make test`, which starts PostgreSQL");
        let name = format!("t_{}", Uuid::now_v7().simple());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        let create = sqlx::AssertSqlSafe(format!("create database {name}"));
        sqlx::query(create).execute(&mut admin).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        (name, url)
    }

    async fn open(variables: &[(&str, &str)], ground: Ground) -> Self {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("data");
        let mut all = vec![("STRONGROOM_DATA_DIR", data.to_str().unwrap())];
        all.extend_from_slice(variables);
        let config = Config::load(Source::from_pairs(all)).unwrap();
        Self::start(dir, config, ground).await
    }

    async fn start(dir: TempDir, config: Config, ground: Ground) -> Self {
        let clock = Clock::default();
        let mut opened = open::records_with(config, clock.clone(), Ids::Random).await.unwrap();
        opened.program = env!("CARGO_BIN_EXE_strongroom").into();
        let jwt = opened.jwt();
        let (app, local) = opened.into_app().await.unwrap();
        let wire = local.map(|store| WireTrail::wire(&app, &store));
        let router = routes::router(app.clone(), wire);
        Self { app, dir, clock, jwt, router, ground }
    }

    /// Removes what stands outside the folder. A bucket goes with its node.
    pub async fn leave(self) {
        let Some(name) = &self.ground.database else { return };
        self.app.db.close().await;
        Self::drop_database(name).await;
    }

    pub async fn drop_database(name: &str) {
        let server = std::env::var("STRONGROOM_TEST_POSTGRES").unwrap();
        let mut admin = PgConnection::connect(&server).await.unwrap();
        let drop = sqlx::AssertSqlSafe(format!("drop database {name} with (force)"));
        sqlx::query(drop).execute(&mut admin).await.unwrap();
    }

    /// A caller with a token.
    pub fn token(&self, user: &str, role: Role, clinic: ClinicId, patients: &[&str]) -> Caller {
        self.token_with(user, &[role], clinic, patients)
    }

    /// A caller with a token of several roles.
    pub fn token_with(
        &self,
        user: &str,
        roles: &[Role],
        clinic: ClinicId,
        patients: &[&str],
    ) -> Caller {
        self.issued(TokenRequest {
            user: UserId::new(user),
            roles: roles.to_vec(),
            clinic: Some(clinic),
            patients: patients.iter().map(|p| PatientId::new(*p)).collect(),
            ttl: std::time::Duration::from_hours(1),
        })
    }

    /// A caller of the tests' own clinic whose token lasts this long.
    pub fn lasting_token(&self, user: &str, role: Role, ttl: std::time::Duration) -> Caller {
        let (user, clinic) = (UserId::new(user), Some(DEFAULT_CLINIC));
        self.issued(TokenRequest { user, roles: vec![role], clinic, patients: Vec::new(), ttl })
    }

    fn issued(&self, request: TokenRequest) -> Caller {
        let token = issue_token(&self.jwt, request, self.clock.now());
        Caller { header: ("authorization".into(), format!("Bearer {}", token.reveal())) }
    }

    pub fn admin(&self) -> Caller {
        self.token("test-admin", Role::Admin, DEFAULT_CLINIC, &[])
    }

    pub fn clinician(&self) -> Caller {
        self.token("test-clinician", Role::Clinician, DEFAULT_CLINIC, &[])
    }

    pub fn staff(&self) -> Caller {
        self.token("test-staff", Role::Staff, DEFAULT_CLINIC, &[])
    }

    pub fn patient(&self, id: &str) -> Caller {
        self.token("test-patient-user", Role::Patient, DEFAULT_CLINIC, &[id])
    }

    pub fn auditor(&self) -> Caller {
        self.token("test-auditor", Role::Auditor, DEFAULT_CLINIC, &[])
    }

    pub fn service(&self) -> Caller {
        self.token("test-service", Role::Service, DEFAULT_CLINIC, &[])
    }

    /// An admin of another clinic.
    pub fn stranger(&self) -> Caller {
        self.token("test-stranger", Role::Admin, OTHER_CLINIC, &[])
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A stream that fails half-way is an error of the body, not an answer.
        let body = match body.collect().await {
            Ok(body) => body.to_bytes().to_vec(),
            Err(e) => format!("body failed: {e}").into_bytes(),
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }

    /// Serves the same router to other programs, until the test ends.
    pub fn listen(&self, on: TcpListener) -> tokio::task::JoinHandle<std::io::Result<()>> {
        let router = self.router.clone();
        tokio::spawn(listen::serve(on, None, router, std::future::pending()))
    }

    pub async fn call(
        &self,
        who: &Caller,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(&who.header.0, &who.header.1);
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    /// A request with exactly these headers; a body is sent as JSON.
    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |json| Body::from(json.to_string()));
        self.send(request.body(body).unwrap()).await
    }

    /// Runs SQL beside the server, as somebody with the database's password could.
    pub async fn sql(&self, sql: &'static str) -> Result<u64, sqlx::Error> {
        match &self.app.db {
            Db::Postgres(pool) => Ok(sqlx::raw_sql(sql).execute(pool).await?.rows_affected()),
            Db::Sqlite(_) => {
                let file = self.dir.path().join("data/strongroom.sqlite");
                let url = format!("sqlite:{}?mode=rw", file.display());
                let mut conn = SqliteConnection::connect(&url).await?;
                let done = sqlx::raw_sql(sql).execute(&mut conn).await?;
                conn.close().await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// From here on no event can be written.
    pub async fn break_trail(&self) {
        let sql = match &self.app.db {
            Db::Postgres(_) => {
                "create function broken() returns trigger language plpgsql as \
                 $$ begin raise exception 'the trail is broken'; end $$; \
                 create trigger broken before insert on audit_events \
                 for each row execute function broken()"
            }
            Db::Sqlite(_) => {
                "create trigger broken before insert on audit_events \
                 begin select raise(abort, 'the trail is broken'); end"
            }
        };
        self.sql(sql).await.unwrap();
    }

    /// Events can be written again.
    pub async fn mend_trail(&self) {
        let sql = match &self.app.db {
            Db::Postgres(_) => "drop trigger broken on audit_events; drop function broken()",
            Db::Sqlite(_) => "drop trigger broken",
        };
        self.sql(sql).await.unwrap();
    }

    /// Posts a form with a file.
    pub async fn post_form(&self, who: &Caller, path: &str, form: (&str, Vec<u8>)) -> Answer {
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(&who.header.0, &who.header.1);
        let request = request.header(header::CONTENT_TYPE, form.0);
        self.send(request.body(Body::from(form.1)).unwrap()).await
    }

    pub async fn get(&self, who: &Caller, path: &str) -> Answer {
        self.call(who, Method::GET, path, None).await
    }

    pub async fn post(&self, who: &Caller, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, Some(body)).await
    }

    pub async fn delete(&self, who: &Caller, path: &str) -> Answer {
        self.call(who, Method::DELETE, path, None).await
    }

    /// Sends bytes to a presigned URL, with exactly the headers that came with it.
    pub async fn put(&self, presigned: &Value, bytes: impl Into<Vec<u8>>) -> Answer {
        let headers: Vec<(String, String)> = presigned["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.clone(), v.as_str().unwrap().to_owned()))
            .collect();
        self.put_with(presigned["url"].as_str().unwrap(), &headers, bytes.into()).await
    }

    pub async fn put_with(
        &self,
        url: &str,
        headers: &[(String, String)],
        bytes: Vec<u8>,
    ) -> Answer {
        self.deliver(Method::PUT, url, headers, bytes).await
    }

    /// Sends what was presigned: to this server, or over the network to somebody else's store.
    async fn deliver(
        &self,
        method: Method,
        url: &str,
        headers: &[(String, String)],
        bytes: Vec<u8>,
    ) -> Answer {
        let public = self.app.config.server.public_url.trim_end_matches('/');
        if !url.strip_prefix(public).is_some_and(|rest| rest.starts_with('/')) {
            return send_away(method, url, headers, bytes).await;
        }
        let length = method != Method::GET;
        let mut request = at(method, url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if length && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) {
            request = request.header(header::CONTENT_LENGTH, bytes.len());
        }
        self.send(request.body(Body::from(bytes)).unwrap()).await
    }

    /// Sends the form that was presigned, some fields changed.
    pub async fn send_form(&self, form: &Value, other: &[(&str, &str)], file: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (name, value) in form["fields"].as_object().unwrap() {
            let changed = other.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
            let value = changed.unwrap_or_else(|| value.as_str().unwrap());
            let head = format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend_from_slice(format!("{head}{value}\r\n").as_bytes());
        }
        let head =
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        let kind = ("content-type".to_owned(), "multipart/form-data; boundary=edge".to_owned());
        self.deliver(Method::POST, form["url"].as_str().unwrap(), &[kind], body).await
    }

    /// Fetches a URL that needs no credential.
    pub async fn fetch(&self, url: &str) -> Answer {
        self.deliver(Method::GET, url, &[], Vec::new()).await
    }

    /// Presign, PUT, confirm; the document.
    pub async fn upload(&self, who: &Caller, patient: &str, sample: &Sample) -> Value {
        let begun = self.post(who, "/api/docs/presign-upload", sample.asked(patient)).await;
        let begun = begun.expect(201).json();
        self.put(&begun, sample.bytes.clone()).await.expect(200);
        let confirmed = self.post(who, "/api/docs/confirm", json!({ "id": begun["id"] })).await;
        confirmed.expect(201).json()
    }

    /// Begins an upload in parts and sends them all; its id.
    pub async fn upload_parts(&self, who: &Caller, asked: Value, bytes: &[u8]) -> String {
        let begun = self.post(who, "/api/docs/multipart", asked).await.expect(201).json();
        let id = begun["uploadId"].as_str().unwrap().to_owned();
        let count = begun["partCount"].as_u64().unwrap();
        let numbers: Vec<_> = (1..=count).collect();
        let path = format!("/api/docs/multipart/{id}/parts");
        let signed = self.post(who, &path, json!({ "partNumbers": numbers })).await.expect(200);
        let size = usize::try_from(begun["partSize"].as_u64().unwrap()).unwrap();
        for (part, bytes) in
            signed.json()["parts"].as_array().unwrap().iter().zip(bytes.chunks(size))
        {
            self.put(part, bytes).await.expect(200);
        }
        id
    }

    /// Puts `test-clinician` into a patient's care team.
    pub async fn care(&self, patient: &str) {
        let path = format!("/api/patients/{patient}/care-team/test-clinician");
        self.call(&self.admin(), Method::PUT, &path, None).await.expect(204);
    }

    /// The trail of the callers' clinic, oldest first, one line an event:
    /// `actor action outcome[:code] target-kind`.
    pub async fn trail(&self) -> Vec<String> {
        self.events(DEFAULT_CLINIC).await.iter().map(line).collect()
    }

    pub async fn events(&self, clinic: ClinicId) -> Vec<EventRow> {
        let mut reader = self.app.db.reader().await.unwrap();
        let mut rows = search(&mut reader, clinic, &Search::default(), 10_000).await.unwrap();
        rows.reverse();
        rows
    }

    /// What must hold after every test: every object has a row, every served row its object.
    pub async fn check(&self) {
        let objects = self.objects().await;
        let others = self.other_keys().await;
        for key in &objects {
            // A URL that was signed once may be used again: upkeep removes what it brings.
            let known = others.contains(key) || self.state_of_key(key).await.is_some();
            assert!(known, "the object {key} has no row");
        }
        for (key, state) in self.rows().await {
            if ["available", "deleted", "scanning"].contains(&state.as_str()) {
                assert!(objects.contains(&key), "the {state} document {key} has no object");
            }
        }
    }

    /// Every key of the store.
    pub async fn objects(&self) -> Vec<String> {
        if let Some(bucket) = &self.ground.bucket {
            return bucket.keys().await;
        }
        let index = self.dir.path().join("data/store/index.sqlite");
        let url = format!("sqlite:{}?mode=ro", index.display());
        let mut index = SqliteConnection::connect(&url).await.unwrap();
        let all = sqlx::query("select distinct key from versions").fetch_all(&mut index).await;
        all.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Keys of the uploads in parts that somebody else's store holds open.
    pub async fn unfinished(&self) -> Vec<(String, String)> {
        let Some(bucket) = &self.ground.bucket else { return Vec::new() };
        bucket.uploads().await
    }

    /// Every document's key and state, in every clinic.
    pub async fn rows(&self) -> Vec<(String, String)> {
        self.pairs("select object_key, state from document_assets").await
    }

    /// Where uploads landed that were moved when they were confirmed, and where previews are kept.
    pub async fn other_keys(&self) -> Vec<String> {
        let pairs = self.pairs(
            "select upload_key, '' from document_assets where upload_key is not null union all \
             select object_key, '' from document_previews where object_key is not null",
        );
        pairs.await.into_iter().map(|(key, _)| key).collect()
    }

    async fn pairs(&self, sql: &'static str) -> Vec<(String, String)> {
        match &self.app.db {
            Db::Postgres(pool) => sqlx::query_as(sql).fetch_all(pool).await.unwrap(),
            Db::Sqlite(db) => {
                let mut reader = db.reader().await.unwrap();
                sqlx::query_as(sql).fetch_all(&mut *reader).await.unwrap()
            }
        }
    }

    pub async fn state_of_key(&self, key: &str) -> Option<String> {
        self.rows().await.into_iter().find(|(k, _)| k == key).map(|(_, state)| state)
    }
}

fn line(event: &EventRow) -> String {
    let code = event.code.as_ref().map_or_else(String::new, |code| format!(":{code}"));
    let target = event.target_kind.as_deref().unwrap_or("-");
    format!("{} {} {}{code} {target}", event.actor_id, event.action, event.outcome)
}

/// A request to an absolute URL, as a client sends it: path in the line, host in the header.
pub fn at(method: Method, url: &str) -> http::request::Builder {
    let uri: http::Uri = url.parse().unwrap();
    let host = uri.authority().unwrap().as_str().to_owned();
    let path = uri.path_and_query().unwrap().as_str().to_owned();
    Request::builder().method(method).uri(path).header(header::HOST, host)
}

/// A request to somebody else's store, as a browser sends it: the length is the body's.
async fn send_away(
    method: Method,
    url: &str,
    headers: &[(String, String)],
    bytes: Vec<u8>,
) -> Answer {
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
    let mut request = client.request(method, url).body(bytes);
    for (name, value) in headers {
        if !name.eq_ignore_ascii_case("content-length") {
            request = request.header(name, value);
        }
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        // A store that refuses before it has read everything may hang up; a browser, too, hears
        // no more then.
        Err(e) if e.is_request() => {
            let (status, headers) = (StatusCode::from_u16(499).unwrap(), HeaderMap::new());
            return Answer { status, headers, body: b"the store hung up".to_vec() };
        }
        Err(e) => panic!("no answer of the store: {e}"),
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    Answer { status, headers, body: answer.bytes().await.unwrap().to_vec() }
}
