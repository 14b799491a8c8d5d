//! The server under test: the release binary as a process of its own, on a folder of its own,
//! filled before it starts, stopped when this is dropped.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::{Failure, seed};

/// How many documents there are before anything is measured.
pub const DOCUMENTS: u32 = 100_000;
/// Whose they are, in equal parts.
pub const PATIENTS: u32 = 100;
/// What `/proc` counts processor time in, per second: fixed for programs on Linux.
const TICKS: f64 = 100.0;

/// A server that runs.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// A token of an admin, good for an hour.
    pub token: String,
    dir: TempDir,
    database: Option<Database>,
    binary: PathBuf,
}

/// A PostgreSQL database made for this run.
struct Database {
    server: String,
    name: String,
    url: String,
}

impl Server {
    /// Makes the folder and the documents (for lists, so many of them), then starts the server and
    /// waits until it is ready.
    pub async fn start(
        binary: &Path,
        database: Option<&str>,
        lists: Option<u32>,
    ) -> Result<Self, Failure> {
        // Beside the build, so on a disk: a temporary folder may be memory.
        let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
        let database = match database {
            Some(server) => Some(Database::make(server).await?),
            None => None,
        };
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let command = |args: &[&str]| {
            let mut command = prepared(binary, dir.path(), database.as_ref());
            command.args(args).env("STRONGROOM_LISTEN", address.to_string());
            // One caller calls as often as it can, and leaves what it has begun.
            for limit in ["RATE_PER_CALLER", "RATE_PER_CLINIC", "MAX_OPEN_UPLOADS"] {
                command.env(format!("STRONGROOM_{limit}"), "0");
            }
            command.env("STRONGROOM_MAX_OPEN_UPLOADS_PER_CLINIC", "0");
            command
        };
        let issued = command(&["token", "--user", "bench", "--role", "admin"]).output()?;
        if !issued.status.success() {
            return Err(String::from_utf8_lossy(&issued.stderr).into_owned().into());
        }
        let token = String::from_utf8(issued.stdout)?.trim().to_owned();
        match &database {
            Some(database) => fill_postgres(&database.url, lists).await?,
            None => fill_sqlite(&dir.path().join("data/strongroom.sqlite"), lists).await?,
        }
        let log = std::fs::File::create(dir.path().join("log"))?;
        let mut serve = command(&["serve"]);
        let child = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let binary = binary.to_owned();
        let server = Self { child, address, token, dir, database, binary };
        server.wait_until_ready().await?;
        Ok(server)
    }

    /// Runs another command of the same binary beside it; what it printed.
    pub fn run(&self, args: &[&str]) -> Result<String, Failure> {
        let mut command = prepared(&self.binary, self.dir.path(), self.database.as_ref());
        let done = command.args(args).output()?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
        }
        Ok(String::from_utf8(done.stdout)?.trim().to_owned())
    }

    async fn wait_until_ready(&self) -> Result<(), Failure> {
        let until = Instant::now() + Duration::from_secs(30);
        while tokio::net::TcpStream::connect(self.address).await.is_err() {
            if Instant::now() > until {
                let log = std::fs::read_to_string(self.dir.path().join("log"))?;
                return Err(format!("the server did not start within 30 seconds: {log}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Where the server's data is.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }

    /// Processor time the server has used, milliseconds (proc(5), `stat`, fields 14 and 15).
    pub fn cpu_ms(&self) -> Result<f64, Failure> {
        let stat = std::fs::read_to_string(self.proc("stat"))?;
        // The name in field 2 may hold blanks; what follows its bracket does not.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks = rest.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        let ticks = ticks.sum::<Result<u32, _>>()?;
        Ok(f64::from(ticks) / TICKS * 1e3)
    }

    /// The largest resident memory since [`Self::forget_memory`], MiB.
    pub fn memory_mib(&self) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(self.proc("status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
        let kib: u32 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(f64::from(kib) / 1024.0)
    }

    /// Counts memory anew (proc(5), `clear_refs`).
    pub fn forget_memory(&self) -> Result<(), Failure> {
        Ok(std::fs::write(self.proc("clear_refs"), "5")?)
    }

    /// The process, for a profiler.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks the server to end, waits for it, and removes what was made for it.
    pub async fn stop(mut self) -> Result<(), Failure> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let status = self.child.wait()?;
        if let Some(database) = self.database.take() {
            database.drop().await?;
        }
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}").into())
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Database {
    async fn make(server: &str) -> Result<Self, Failure> {
        let name = format!("strongroom_bench_{}", std::process::id());
        let (base, _) = server.rsplit_once('/').ok_or("--database must end in /name")?;
        let made = Self { server: server.to_owned(), url: format!("{base}/{name}"), name };
        made.run("create database").await?;
        Ok(made)
    }

    async fn drop(self) -> Result<(), Failure> {
        self.run("drop database").await
    }

    async fn run(&self, what: &str) -> Result<(), Failure> {
        let mut admin = PgConnection::connect(&self.server).await?;
        let sql = AssertSqlSafe(format!("{what} {}", self.name));
        sqlx::query(sql).execute(&mut admin).await?;
        Ok(admin.close().await?)
    }
}

/// The binary, with nothing of the caller's surroundings.
fn prepared(binary: &Path, dir: &Path, database: Option<&Database>) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().current_dir(dir);
    command.env("STRONGROOM_DATA_DIR", dir.join("data"));
    command.env("STRONGROOM_MAX_DOCUMENT", "200MB");
    if let Some(database) = database {
        command.env("DATABASE_URL", &database.url);
    }
    command
}

/// A time in RFC 3339, so many seconds after the beginning of 2024.
pub fn seconds_after_2024(seconds: u64) -> String {
    let time = time::OffsetDateTime::UNIX_EPOCH
        + time::Duration::seconds(1_704_067_200)
        + std::time::Duration::from_secs(seconds);
    time.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}

/// The id of the made-up document with this number, counted from 1.
pub fn document_id(number: u32) -> String {
    format!("01890000-0000-7000-8000-0000{number:08x}")
}

/// The columns of a made-up document: what both engines write alike.
macro_rules! fill {
    ($id:literal, $clinic:literal, $at:literal, $from:literal) => {
        concat!(
            "insert into document_assets (id, clinic_id, patient_id, owner_user_id, \
             storage_provider, bucket, object_key, content_type, byte_size, sha256_hex, \
             created_at, updated_at, state, upload_expires_at, confirmed_at, version_id, etag, \
             category, file_name, file_name_folded, file_words) select ",
            $id,
            ", ",
            $clinic,
            ", 'test-patient-' || (i % $2), 'bench', 'local', 'strongroom', \
             'patients/made-up/medical-records/2026/01/' || i || '.pdf', 'application/pdf', \
             100000 + i, \
             'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', ",
            $at,
            ", ",
            $at,
            ", 'available', ",
            $at,
            ", ",
            $at,
            ", '0123456789abcdef0123456789abcdef', '\"0123456789abcdef-1\"', 'medical-records', \
             'letter-' || i || '.pdf', 'letter-' || i || '.pdf', 'letter ' || i || ' pdf' ",
            $from
        )
    };
}

/// Twenty documents a patient, in three clinics.
fn patients_a_clinic(documents: u32) -> i64 {
    i64::from((documents / 60).max(1))
}

async fn fill_sqlite(path: &Path, lists: Option<u32>) -> Result<(), Failure> {
    const SQL: &str = fill!(
        "unhex('018900000000700080000000' || printf('%08x', i))",
        "unhex('00000000000070008000000000000001')",
        "1767225600000000 + i * 1000000",
        "from (with recursive n (i) as (select 1 union all select i + 1 from n where i < $1) \
         select i from n)"
    );
    let mut db = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await?;
    if let Some(documents) = lists {
        let start = Instant::now();
        seed::sqlite(&mut db, documents.into(), patients_a_clinic(documents)).await?;
        eprintln!("{documents} documents were made in {:?}", start.elapsed());
        return Ok(db.close().await?);
    }
    sqlx::query(SQL).bind(DOCUMENTS).bind(PATIENTS).execute(&mut db).await?;
    sqlx::query("analyze").execute(&mut db).await?;
    Ok(db.close().await?)
}

async fn fill_postgres(url: &str, lists: Option<u32>) -> Result<(), Failure> {
    const SQL: &str = fill!(
        "('01890000-0000-7000-8000-0000' || lpad(to_hex(i), 8, '0'))::uuid",
        "'00000000-0000-7000-8000-000000000001'::uuid",
        "timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second'",
        "from generate_series(1, $1) as n (i)"
    );
    let mut db = PgConnection::connect(url).await?;
    if let Some(documents) = lists {
        let start = Instant::now();
        seed::postgres(&mut db, documents.into(), patients_a_clinic(documents)).await?;
        eprintln!("{documents} documents were made in {:?}", start.elapsed());
        return Ok(db.close().await?);
    }
    let (documents, patients) = (i32::try_from(DOCUMENTS)?, i32::try_from(PATIENTS)?);
    sqlx::query(SQL).bind(documents).bind(patients).execute(&mut db).await?;
    sqlx::query("vacuum analyze").execute(&mut db).await?;
    Ok(db.close().await?)
}
