//! What lies here: data directory, disk, master key, database and the server's own secrets.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Check;
use crate::causes;
use crate::config::Config;
use crate::db::{self, Db};
use crate::keys::{AppSecrets, KeyRing};
use crate::open;
use crate::time::Clock;
use crate::webhooks;

/// How long `df` may take.
const DF_PATIENCE: Duration = Duration::from_secs(5);
/// Below this many bytes nothing can be relied on.
const HARDLY_ANY: u64 = 500_000_000;
/// Below this many bytes somebody should look.
const LITTLE: u64 = 5_000_000_000;

/// The data directory and who may look into it.
pub fn directory(dir: &Path) -> Check {
    const NAME: &str = "data directory";
    let shown = dir.display();
    let meta = match std::fs::metadata(dir) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let advice = "`strongroom serve` makes it; where there should be data already, \
                          STRONGROOM_DATA_DIR names another place than it did";
            return Check::warn(NAME, format!("{shown} is not there"), advice);
        }
        Err(e) => {
            let advice = format!("let the user that runs the server into {shown}");
            return Check::fail(NAME, format!("{shown}: {e}"), advice);
        }
    };
    if !meta.is_dir() {
        let advice = "name a folder with STRONGROOM_DATA_DIR";
        return Check::fail(NAME, format!("{shown} is no folder"), advice);
    }
    let trial = dir.join(format!(".doctor-{}", std::process::id()));
    let options = std::fs::OpenOptions::new().write(true).create_new(true).open(&trial);
    if let Err(e) = options {
        let advice = "run this as the user that runs the server; that user must own the folder";
        return Check::fail(NAME, format!("nothing can be written in {shown}: {e}"), advice);
    }
    let _ = std::fs::remove_file(&trial);
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let seen = format!("{shown} is open to others (mode {mode:03o})");
        return Check::warn(NAME, seen, format!("chmod 700 {shown}"));
    }
    Check::ok(NAME, format!("{shown}, for its owner only, can be written"))
}

/// How much space is left, as `df` (POSIX) tells it.
pub async fn disk(dir: &Path) -> Check {
    const NAME: &str = "disk space";
    // What is not there yet will be made on the file system of what is.
    let there = dir.ancestors().find(|path| path.exists()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    let Some((free, size)) = df(there.to_owned()).await else {
        return Check::skipped(NAME, "`df` tells nothing here");
    };
    let percent = u128::from(free) * 100 / u128::from(size.max(1));
    let gigabytes =
        |bytes: u64| format!("{}.{} GB", bytes / 1_000_000_000, bytes / 100_000_000 % 10);
    let seen = format!("{} of {} are free ({percent} %)", gigabytes(free), gigabytes(size));
    let advice = "make room or move the data directory; a full disk refuses uploads (507)";
    match free {
        0..HARDLY_ANY => Check::fail(NAME, seen, advice),
        HARDLY_ANY..LITTLE => Check::warn(NAME, seen, advice),
        _ => Check::ok(NAME, seen),
    }
}

/// Free and all bytes of the file system under a folder.
async fn df(dir: PathBuf) -> Option<(u64, u64)> {
    let asked = tokio::task::spawn_blocking(move || {
        std::process::Command::new("df").args(["-P", "-k"]).arg(dir).output()
    });
    // A network file system that is away holds `df` for good.
    let done = tokio::time::timeout(DF_PATIENCE, asked).await.ok()?.ok()?.ok()?;
    parse_df(&String::from_utf8_lossy(&done.stdout))
}

/// The second line: file system, blocks of 1,024 bytes, used, available, capacity, mount point.
fn parse_df(text: &str) -> Option<(u64, u64)> {
    let mut fields = text.lines().nth(1)?.split_whitespace().skip(1);
    let size: u64 = fields.next()?.parse().ok()?;
    let free: u64 = fields.nth(1)?.parse().ok()?;
    Some((free.saturating_mul(1024), size.saturating_mul(1024)))
}

/// The master key: there, readable, nobody else's.
pub fn master_key(config: &Config) -> (Check, Option<KeyRing>) {
    const NAME: &str = "master key";
    if let Some(text) = &config.data.master_key {
        return match KeyRing::from_text(text) {
            Ok(ring) => {
                let seen = format!("keys in STRONGROOM_MASTER_KEY: {}", ring.ids().count());
                (Check::ok(NAME, seen), Some(ring))
            }
            Err(e) => (
                Check::fail(NAME, causes::in_one_line(&e), "32 bytes as base64 or hex are right"),
                None,
            ),
        };
    }
    let path = config.data.dir.join("master.key");
    let shown = path.display();
    if !path.exists() {
        let sealed = config.data.dir.join("store/index.sqlite").exists()
            || config.data.dir.join("strongroom.sqlite").exists();
        let check = if sealed {
            let seen = format!("{shown} is missing beside what it has sealed");
            Check::fail(
                NAME,
                seen,
                "put it back from your backup, or set STRONGROOM_MASTER_KEY_FILE",
            )
        } else {
            Check::skipped(NAME, format!("{shown} is made on first start"))
        };
        return (check, None);
    }
    match KeyRing::load_or_create(&path) {
        Ok((ring, _)) => {
            let seen = format!("keys in {shown}: {}", ring.ids().count());
            let advice = "keep a copy somewhere else than the data directory";
            (Check::ok(NAME, seen).with(advice), Some(ring))
        }
        Err(e) => (Check::fail(NAME, causes::in_one_line(&e), format!("look at {shown}")), None),
    }
}

/// The database and its schema; whether it is there and as this program knows it.
pub async fn database(config: &Config) -> (Check, bool) {
    const NAME: &str = "database";
    let url = open::database_url(config);
    let what = match &url {
        db::DatabaseUrl::Sqlite(path) => format!("SQLite in {}", path.display()),
        db::DatabaseUrl::Postgres(_) => "PostgreSQL".to_owned(),
    };
    let check = match db::look(&url).await {
        Ok(None) => Check::skipped(NAME, format!("{what} is made on first start")),
        Ok(Some(schema)) if schema.done == schema.known => {
            let seen = format!("{what}, schema {} of {}", schema.done, schema.known);
            return (Check::ok(NAME, seen), true);
        }
        Ok(Some(schema)) if schema.done < schema.known => {
            let seen = format!("{what}, schema {} of {}", schema.done, schema.known);
            Check::warn(NAME, seen, "the next start of the server brings it up to date")
        }
        Ok(Some(schema)) => {
            let seen =
                format!("{what}, schema {}; this program knows {}", schema.done, schema.known);
            Check::fail(NAME, seen, "a newer version was here; run that one, or a newer one still")
        }
        Err(e) => {
            let advice = "check DATABASE_URL, and whether the database runs and lets this user in";
            Check::fail(NAME, format!("{what}: {}", causes::in_one_line(&e)), advice)
        }
    };
    (check, false)
}

/// Whether the master key opens what it should.
pub async fn secrets(config: &Config, ring: &KeyRing, clock: &Clock) -> Check {
    const NAME: &str = "sealed secrets";
    let db = match Db::open(&open::database_url(config)).await {
        Ok(db) => db,
        Err(e) => return Check::fail(NAME, causes::in_one_line(&e), "see the database above"),
    };
    let opened = AppSecrets::load_or_create(&db, ring, clock).await;
    db.close().await;
    match opened {
        Ok(_) => Check::ok(NAME, "the master key opens the server's own secrets"),
        Err(e) => {
            let advice = "set the master key that this database and its documents were sealed with";
            Check::fail(NAME, causes::in_one_line(&e), advice)
        }
    }
}

/// Whether webhooks take what they are told; nothing where there are none.
pub async fn webhooks(config: &Config, clock: &Clock) -> Option<Check> {
    const NAME: &str = "webhooks";
    /// Receivers are away for an hour now and then.
    const A_WHILE: Duration = Duration::from_hours(1);
    let looked = async {
        let db = Db::open(&open::database_url(config)).await?;
        let mut reader = db.reader().await?;
        let health = webhooks::rows::health(&mut reader, clock.now() - A_WHILE).await;
        drop(reader);
        db.close().await;
        health
    };
    let (all, off, failing) = match looked.await {
        Ok(found) => found,
        Err(e) => return Some(Check::skipped(NAME, causes::in_one_line(&e))),
    };
    if all == 0 {
        return None;
    }
    let seen = format!("webhooks: {all}; switched off by failing: {off}; failing now: {failing}");
    if off + failing == 0 {
        return Some(Check::ok(NAME, seen));
    }
    let advice = "GET /api/webhooks names them, GET /api/webhooks/{id} shows their last answers; \
                  once the receiver is back, PATCH {\"enabled\": true}";
    Some(Check::warn(NAME, seen, advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_df_prints_is_read() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                    /dev/vda1 1000 400 500 45% /data\n";
        assert_eq!(parse_df(text), Some((512_000, 1_024_000)));
        assert_eq!(parse_df("nothing"), None);
    }
}
