//! What no scanner has looked at: documents that wait for one that is off, and documents that were
//! there before it was on.

use super::Check;
use crate::config::{Config, ScannerKind};
use crate::db::Db;
use crate::documents::{self, Standing};
use crate::time::Clock;
use crate::{causes, open};

const NAME: &str = "unscanned";

/// What nobody looked at; nothing where there is nothing to say. The database must be up to date.
pub async fn waiting(config: &Config) -> Option<Check> {
    let store = &config.store;
    let bucket = match &store.s3 {
        Some(_) => ("s3", store.bucket.as_str()),
        None => ("local", store.bucket.as_str()),
    };
    let looked = async {
        let db = Db::open(&open::database_url(config)).await?;
        let standing = documents::standing(&db, bucket).await;
        db.close().await;
        standing
    };
    let Standing { waiting, since, unscanned } = match looked.await {
        Ok(found) => found,
        Err(e) => return Some(Check::skipped(NAME, causes::in_one_line(&e))),
    };
    match config.scanning.scanner {
        ScannerKind::Off if waiting > 0 => Some(Check::warn(
            NAME,
            format!("{waiting} documents wait for the scanner, which is off: nobody can read them"),
            "switch the scanner on again; an administrator may also purge them",
        )),
        ScannerKind::Off => None,
        _ if documents::is_overdue(since, Clock::default().now()) => Some(Check::warn(
            NAME,
            format!(
                "{waiting} documents wait for the scanner, the first of them for more than a \
                     day: nobody can read them"
            ),
            "their stateReason says why (docs/troubleshooting.md); when that is mended, \
                 `strongroom scan` asks about all of them at once",
        )),
        _ if unscanned > 0 => Some(Check::warn(
            NAME,
            format!("{unscanned} documents are served that no scanner has looked at"),
            "run `strongroom scan --all`; they are served until a verdict falls",
        )),
        _ => Some(Check::ok(NAME, "every document that is served has been before a scanner")),
    }
}
