//! What the operator decided about malware scanning.

use std::path::PathBuf;
use std::time::Duration;

use super::Reader;

/// What looks for malware in uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScannerKind {
    /// Nothing: what is confirmed is available.
    Off,
    /// A ClamAV daemon.
    Clamd(ClamdAddress),
    /// Amazon GuardDuty, which scans the bucket by itself and leaves its verdict in a tag.
    GuardDuty,
}

impl ScannerKind {
    /// As it is configured.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Clamd(_) => "clamd",
            Self::GuardDuty => "guardduty",
        }
    }
}

/// Where a ClamAV daemon listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClamdAddress {
    /// Host and port.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl std::str::FromStr for ClamdAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RIGHT: &str = "expected host:port or unix:/path/of/the/socket";
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() { Ok(Self::Unix(path)) } else { Err(RIGHT) };
        }
        let (host, port) = text.rsplit_once(':').ok_or(RIGHT)?;
        let port_is_right = port.parse::<u16>().is_ok_and(|port| port != 0);
        // An IPv6 address stands in brackets, or its last group would pass for the port.
        let host_is_right = !host.is_empty()
            && !host.contains(['/', ' ', '@'])
            && (!host.contains(':') || (host.starts_with('[') && host.ends_with(']')));
        if port_is_right && host_is_right { Ok(Self::Tcp(text.to_owned())) } else { Err(RIGHT) }
    }
}

impl std::fmt::Display for ClamdAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What becomes of files that the scanner does not take for their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLarge {
    /// They are quarantined.
    Quarantine,
    /// They become available, and their row says that they were not scanned.
    Pass,
}

/// Malware scanning.
#[derive(Clone, Debug)]
pub struct ScanConfig {
    /// What scans.
    pub scanner: ScannerKind,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long the scanner may take for the next step: to take in a piece, or for its verdict.
    pub timeout: Duration,
    /// The largest file that is sent to the scanner, bytes.
    pub max_size: u64,
    /// What becomes of larger ones.
    pub too_large: TooLarge,
    /// How many files are scanned at once.
    pub connections: usize,
}

pub(super) fn scanning(r: &mut Reader, on_s3: bool) -> ScanConfig {
    let address = r.text("CLAMD_ADDRESS");
    let address = address.and_then(|text| match text.parse::<ClamdAddress>() {
        Ok(address) => Some(address),
        Err(right) => {
            r.problem("CLAMD_ADDRESS", &format!("{text:?} is not right; {right}"));
            None
        }
    });
    let scanner = match (r.text("STRONGROOM_SCANNER").as_deref(), address) {
        (None | Some("off"), _) => ScannerKind::Off,
        (Some("clamd"), Some(address)) => ScannerKind::Clamd(address),
        (Some("clamd"), None) => {
            if !r.problems.iter().any(|problem| problem.starts_with("CLAMD_ADDRESS:")) {
                let right = "STRONGROOM_SCANNER=clamd needs the daemon's address: host:port, or \
                             unix:/run/clamav/clamd.ctl";
                r.problem("CLAMD_ADDRESS", right);
            }
            ScannerKind::Off
        }
        (Some("guardduty"), _) => {
            if !on_s3 {
                let right = "guardduty scans buckets of AWS S3 and leaves its verdict in a tag; \
                             the local store has none, use clamd with it";
                r.problem("STRONGROOM_SCANNER", right);
            }
            ScannerKind::GuardDuty
        }
        (Some(other), _) => {
            let right = format!("{other:?} is not right; expected off, clamd or guardduty");
            r.problem("STRONGROOM_SCANNER", &right);
            ScannerKind::Off
        }
    };
    let too_large = match r.text("STRONGROOM_SCAN_TOO_LARGE").as_deref() {
        None | Some("quarantine") => TooLarge::Quarantine,
        Some("pass") => TooLarge::Pass,
        Some(_) => {
            r.problem("STRONGROOM_SCAN_TOO_LARGE", "expected quarantine or pass");
            TooLarge::Quarantine
        }
    };
    ScanConfig {
        scanner,
        connect_timeout: seconds(r, "STRONGROOM_SCAN_CONNECT_TIMEOUT", 5),
        timeout: seconds(r, "STRONGROOM_SCAN_TIMEOUT", 120),
        max_size: r.bytes("STRONGROOM_SCAN_MAX_SIZE", 100_000_000),
        too_large,
        connections: connections(r),
    }
}

fn seconds(r: &mut Reader, name: &'static str, default: u64) -> Duration {
    let seconds = r.parse(name, "seconds from 1 to 3600").unwrap_or(default);
    if !(1..=3600).contains(&seconds) {
        r.problem(name, "expected seconds from 1 to 3600");
    }
    Duration::from_secs(seconds)
}

fn connections(r: &mut Reader) -> usize {
    const NAME: &str = "STRONGROOM_SCAN_CONNECTIONS";
    let connections = r.parse(NAME, "a number from 1 to 64").unwrap_or(4);
    if !(1..=64).contains(&connections) {
        r.problem(NAME, "expected a number from 1 to 64");
    }
    connections.clamp(1, 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Source};

    fn load(pairs: &[(&str, &str)]) -> Result<ScanConfig, Vec<String>> {
        Config::load(Source::from_pairs(pairs.iter().copied())).map(|config| config.scanning)
    }

    #[test]
    fn a_daemon_is_named_by_host_and_port_or_by_its_socket() {
        for right in ["127.0.0.1:3310", "clamd:3310", "[::1]:3310", "unix:/run/clamd.ctl"] {
            let pairs = [("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", right)];
            let address = right.parse().unwrap();
            assert_eq!(load(&pairs).unwrap().scanner, ScannerKind::Clamd(address), "{right}");
            assert_eq!(right.parse::<ClamdAddress>().unwrap().to_string(), right);
        }
        for wrong in ["", "clamd", "clamd:", ":3310", "clamd:0", "::1:3310", "unix:clamd.ctl"] {
            let pairs = [("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", wrong)];
            let problems = load(&pairs).unwrap_err();
            assert!(problems[0].starts_with("CLAMD_ADDRESS:"), "{wrong}: {problems:?}");
            assert_eq!(problems.len(), 1, "{wrong}: {problems:?}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_at_start_and_says_what_would() {
        let problems = load(&[("STRONGROOM_SCANNER", "clamd")]).unwrap_err();
        assert!(problems[0].contains("unix:/run/clamav/clamd.ctl"), "{problems:?}");
        let problems = load(&[("STRONGROOM_SCANNER", "guardduty")]).unwrap_err();
        assert!(problems[0].contains("use clamd"), "{problems:?}");
        let problems = load(&[("STRONGROOM_SCANNER", "on")]).unwrap_err();
        assert!(problems[0].contains("off, clamd or guardduty"), "{problems:?}");
        let wrong = [
            ("STRONGROOM_SCAN_TOO_LARGE", "drop"),
            ("STRONGROOM_SCAN_TIMEOUT", "0"),
            ("STRONGROOM_SCAN_CONNECT_TIMEOUT", "4000"),
            ("STRONGROOM_SCAN_CONNECTIONS", "65"),
            ("STRONGROOM_SCAN_MAX_SIZE", "much"),
        ];
        assert_eq!(load(&wrong).unwrap_err().len(), wrong.len());
    }

    #[test]
    fn nothing_scans_unless_it_is_asked_for() {
        let config = load(&[]).unwrap();
        assert_eq!(config.scanner, ScannerKind::Off);
        assert_eq!((config.max_size, config.too_large), (100_000_000, TooLarge::Quarantine));
        let on_s3 = [
            ("STRONGROOM_SCANNER", "guardduty"),
            ("S3_BUCKET", "papers"),
            ("AWS_REGION", "eu-west-2"),
        ];
        assert_eq!(load(&on_s3).unwrap().scanner, ScannerKind::GuardDuty);
    }
}
