//! The malware scanner: whether there is one, whether it answers, and whether it finds anything.

use bytes::Bytes;
use futures::StreamExt as _;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::Check;
use crate::config::{Config, ScannerKind};
use crate::scanning::{Clamd, Scanner, Scanning, Verdict, test_file};
use crate::time::Clock;

const NAME: &str = "scanner";
const SIGNATURES: &str = "signatures";
const DETECTION: &str = "malware detection";
/// Signatures older than this miss what goes round; ClamAV brings new ones every day.
const OLD_DAYS: i64 = 7;
/// How clamd writes the time of its signatures.
const FORMAT: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short] [month repr:short] [day padding:space] [hour]:[minute]:[second] [year]"
);

/// Everything about the scanner.
pub async fn scanner(config: &Config, clock: &Clock) -> Vec<Check> {
    let scanning = Scanning::new(config.scanning.clone());
    match &scanning.scanner {
        Scanner::Off => vec![Check::warn(
            NAME,
            "off: uploads are not scanned for malware",
            "set STRONGROOM_SCANNER=clamd and CLAMD_ADDRESS, or guardduty on AWS",
        )],
        Scanner::GuardDuty => vec![guardduty(config)],
        Scanner::Clamd(clamd) => examine(config, clamd, clock).await,
    }
}

fn guardduty(config: &Config) -> Check {
    let seen = "guardduty: the verdict is read from the tag GuardDutyMalwareScanStatus";
    if config.store.s3.as_ref().is_some_and(|s3| s3.endpoint.is_some()) {
        let advice = "S3_ENDPOINT is set: only AWS itself has GuardDuty; elsewhere use clamd";
        return Check::warn(NAME, seen, advice);
    }
    Check::ok(NAME, seen).with(
        "Malware Protection for S3 must be on for the bucket, with tagging; uploads wait in the \
         state scanning until the tag is there",
    )
}

async fn examine(config: &Config, clamd: &Clamd, clock: &Clock) -> Vec<Check> {
    let ScannerKind::Clamd(address) = &config.scanning.scanner else { return Vec::new() };
    let at = format!("clamd at {address}");
    if let Err(e) = clamd.ping().await {
        let advice = "start clamd, or correct CLAMD_ADDRESS; until it answers, uploads wait in \
                      the state scanning and nobody can read them";
        return vec![Check::fail(NAME, format!("{at}: {e}"), advice)];
    }
    let mut checks = Vec::new();
    match clamd.version().await {
        Ok(version) => {
            checks.push(Check::ok(NAME, format!("{at}: {version}")));
            checks.push(signatures(&version, clock));
        }
        Err(e) => checks.push(Check::warn(NAME, format!("{at}: {e}"), "look into clamd's log")),
    }
    checks.push(detection(clamd).await);
    checks
}

/// How old the signatures are: the third piece of the version is the time of the daily ones.
fn signatures(version: &str, clock: &Clock) -> Check {
    let mut pieces = version.splitn(3, '/').skip(1);
    let (Some(number), Some(at)) = (pieces.next(), pieces.next()) else {
        let advice = "run freshclam: without ClamAV's own signatures little is found";
        return Check::warn(SIGNATURES, "clamd does not say how old its signatures are", advice);
    };
    let Ok(at) = PrimitiveDateTime::parse(at.trim(), FORMAT) else {
        return Check::skipped(SIGNATURES, format!("version {number} of {at}"));
    };
    let days = (clock.now().date_time() - at.assume_utc()).whole_days();
    let seen = format!("version {number}, {days} days old");
    if days > OLD_DAYS {
        return Check::warn(SIGNATURES, seen, "let freshclam run every day");
    }
    Check::ok(SIGNATURES, seen)
}

/// Whether it finds the file that every scanner finds, sent as uploads are.
async fn detection(clamd: &Clamd) -> Check {
    let file = futures::stream::iter([Ok(Bytes::from(test_file()))]).boxed();
    match clamd.scan(file).await {
        Ok(Verdict::Infected { signature }) => {
            Check::ok(DETECTION, format!("the EICAR test file is found as {signature}"))
        }
        Ok(other) => Check::fail(
            DETECTION,
            format!("the EICAR test file is {}", other.word()),
            "clamd lets malware pass: look at its databases (freshclam) and its configuration",
        ),
        Err(e) => Check::fail(DETECTION, e.to_string(), "look into clamd's log"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn signatures_grow_old() {
        let clock = Clock::default();
        let age = |version: &str| signatures(version, &clock);
        let old = age("ClamAV 1.4.6/27400/Mon Jan  5 09:12:31 2015");
        assert_eq!(old.verdict, Verdict::Warn, "{old:?}");
        assert!(old.seen.starts_with("version 27400, "), "{old:?}");
        let now = clock.now().date_time();
        let fresh = age(&format!("ClamAV 1.4.6/27400/{}", now.format(FORMAT).unwrap()));
        assert_eq!(fresh.verdict, Verdict::Ok, "{fresh:?}");
        assert_eq!(age("ClamAV 1.4.6").verdict, Verdict::Warn);
        assert_eq!(age("ClamAV 1.4.6/27400/yesterday").verdict, Verdict::Skipped);
    }
}
