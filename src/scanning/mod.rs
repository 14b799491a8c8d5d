//! Malware scanners: none, a ClamAV daemon, or the verdict that Amazon GuardDuty leaves in a tag.
//!
//! This floor knows bytes and verdicts; what a verdict does to a document is the domain's. It must
//! never hold a whole file in memory, wait without an end, or take silence for "clean": whatever
//! is not a clear word of the scanner is an error, and the document waits.

mod clamd;
mod guardduty;
mod passing;
mod reply;
mod session;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

pub use clamd::Clamd;
pub use guardduty::{TAG, verdict_of_tag};

use crate::config::{ScanConfig, ScannerKind, TooLarge};
use crate::store::StoreError;

/// What a scanner says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// Something was found.
    Infected {
        /// What the scanner calls it.
        signature: String,
    },
    /// The scanner cannot say, today or tomorrow.
    Unscannable(Unscannable),
}

/// Why a scanner cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unscannable {
    /// It is larger than what is sent to the scanner, or than what the scanner takes.
    TooLarge,
    /// It is encrypted.
    Encrypted,
    /// It was sealed before it came, and taken knowingly: there was only ciphertext to look at.
    Sealed,
    /// It goes beyond the scanner's limits (nesting, number of files, unpacked size, time).
    Limits,
    /// The scanner does not read this kind of file.
    Unsupported,
    /// The scanner may not read it.
    AccessDenied,
    /// The scanner tried and failed, again and again.
    Failed,
}

impl Unscannable {
    /// In the words of a row and of metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge => "too large for the scanner",
            Self::Encrypted => "encrypted",
            Self::Sealed => "sealed before it came",
            Self::Limits => "beyond the scanner's limits",
            Self::Unsupported => "of a kind the scanner does not read",
            Self::AccessDenied => "not readable by the scanner",
            Self::Failed => "the scanner failed on it",
        }
    }
}

impl Verdict {
    /// The word for it in metrics and in the trail.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected { .. } => "infected",
            Self::Unscannable(_) => "unscannable",
        }
    }
}

/// Why there is no verdict yet. It may come later.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// No scanner is configured.
    #[error("the scanner is off")]
    Off,
    /// The scanner cannot be reached, or hung up before it had taken anything in.
    #[error("the scanner cannot be reached: {0}")]
    Unavailable(String),
    /// The scanner took longer than it may.
    #[error("the scanner took longer than {0:?}")]
    TimedOut(Duration),
    /// The connection broke while a file was on its way.
    #[error(
        "the scanner broke the connection off after {sent} bytes; is its StreamMaxLength below \
         STRONGROOM_SCAN_MAX_SIZE?"
    )]
    Broken {
        /// How much it had taken in.
        sent: u64,
    },
    /// The scanner answered that it failed.
    #[error("the scanner failed: {0}")]
    Failed(String),
    /// The scanner fails on a file of nothing as well.
    #[error("the scanner fails on every file: {0}")]
    Troubled(String),
    /// The scanner has not looked at it yet.
    #[error("the scanner has not left its verdict yet")]
    NotYet,
    /// The file did not come whole.
    #[error("the file could not be read whole")]
    Cut,
    /// The store did not give the file.
    #[error("the file could not be read")]
    Store(#[from] StoreError),
}

impl ScanError {
    /// Whether it is the scanner that is away, and not something about this file.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Off | Self::Unavailable(_) | Self::Troubled(_))
    }

    /// Whether it may be about this file: so many of them, and it is given up.
    pub const fn is_of_the_file(&self) -> bool {
        matches!(self, Self::Failed(_) | Self::TimedOut(_) | Self::Broken { .. })
    }

    /// In the words of a row: nothing that changes from one attempt to the next.
    pub const fn waits_for(&self) -> &'static str {
        match self {
            Self::Off => "waits for the scanner: it is off",
            Self::Unavailable(_) => "waits for the scanner: it cannot be reached",
            Self::TimedOut(_) => "waits for the scanner: it took too long",
            Self::Broken { .. } => "waits for the scanner: it broke the connection off",
            Self::Failed(_) => "waits for the scanner: it failed",
            Self::Troubled(_) => "waits for the scanner: it fails on every file",
            Self::NotYet => "waits for the scanner: no verdict yet",
            Self::Cut | Self::Store(_) => "waits for the scanner: the store did not give the file",
        }
    }

    /// The word for it in metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Unavailable(_) => "unavailable",
            Self::TimedOut(_) => "timed_out",
            Self::Broken { .. } => "broken",
            Self::Failed(_) => "failed",
            Self::Troubled(_) => "troubled",
            Self::NotYet => "not_yet",
            Self::Cut => "cut",
            Self::Store(_) => "store",
        }
    }
}

/// What scans.
#[derive(Debug)]
pub enum Scanner {
    /// Nothing.
    Off,
    /// A ClamAV daemon that is sent the bytes.
    Clamd(Clamd),
    /// Amazon GuardDuty, which looks at the bucket by itself.
    GuardDuty,
}

/// The scanner of a running server, and how it stands.
#[derive(Debug)]
pub struct Scanning {
    /// What scans.
    pub scanner: Scanner,
    /// What the operator decided.
    pub config: ScanConfig,
    wake: Notify,
    attended: AtomicBool,
}

impl Scanning {
    /// As configured. Nothing is connected to yet.
    pub fn new(config: ScanConfig) -> Self {
        let scanner = match &config.scanner {
            ScannerKind::Off => Scanner::Off,
            ScannerKind::Clamd(address) => Scanner::Clamd(Clamd::new(address.clone(), &config)),
            ScannerKind::GuardDuty => Scanner::GuardDuty,
        };
        Self { scanner, config, wake: Notify::new(), attended: AtomicBool::new(false) }
    }

    /// Whether uploads have to be scanned.
    pub const fn is_on(&self) -> bool {
        !matches!(self.scanner, Scanner::Off)
    }

    /// What can be said of a file by its size alone.
    pub fn by_size(&self, size: u64) -> Option<Verdict> {
        // GuardDuty has limits of its own and says so in its tag.
        let sent = matches!(self.scanner, Scanner::Clamd(_));
        let too_large = sent && size > self.config.max_size;
        too_large.then_some(Verdict::Unscannable(Unscannable::TooLarge))
    }

    /// Whether a verdict lets a document be served.
    pub fn lets_pass(&self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Clean | Verdict::Unscannable(Unscannable::Sealed) => true,
            Verdict::Unscannable(Unscannable::TooLarge) => self.config.too_large == TooLarge::Pass,
            Verdict::Infected { .. } | Verdict::Unscannable(_) => false,
        }
    }

    /// Whether the scanner answers now. GuardDuty is not asked: it has nothing to be asked by.
    pub async fn check(&self) -> Result<(), ScanError> {
        match &self.scanner {
            Scanner::Clamd(clamd) => clamd.ping().await,
            Scanner::Off | Scanner::GuardDuty => Ok(()),
        }
    }

    /// Says that there is something to scan.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until somebody says so.
    pub async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Notes that a worker of this process scans what waits.
    pub fn attend(&self) {
        self.attended.store(true, Ordering::Relaxed);
    }

    /// Whether one does.
    pub fn is_attended(&self) -> bool {
        self.attended.load(Ordering::Relaxed)
    }
}

/// The file that every scanner finds and that does nothing: the EICAR anti-malware test file
/// (eicar.org, "Download Anti Malware Testfile"). It is put together here so that neither this
/// source nor the program is taken for it.
pub fn test_file() -> Vec<u8> {
    const BACKWARDS: [&[u8]; 3] =
        [b"*H+H$!ELIF-TSET-", b"SURIVITNA-DRADNATS-RACIE$", b"}7)CC7)^P(45XZP\\4[PA@%P!O5X"];
    BACKWARDS.concat().into_iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Source};

    fn scanning(pairs: &[(&str, &str)]) -> Scanning {
        Scanning::new(Config::load(Source::from_pairs(pairs.iter().copied())).unwrap().scanning)
    }

    #[test]
    fn the_test_file_is_the_one_everybody_knows() {
        let file = test_file();
        assert_eq!(file.len(), 68);
        let md5: [u8; 16] = md5::Digest::finalize(md5::Digest::chain_update(
            <md5::Md5 as md5::Digest>::new(),
            &file,
        ))
        .into();
        assert_eq!(hex::encode(md5), "44d88612fea8a8f36de82e1278abb02f");
    }

    #[test]
    fn what_is_too_large_passes_only_where_the_operator_says_so() {
        let on = ("STRONGROOM_SCANNER", "clamd");
        let at = ("CLAMD_ADDRESS", "127.0.0.1:3310");
        let most = ("STRONGROOM_SCAN_MAX_SIZE", "1000");
        let strict = scanning(&[on, at, most]);
        assert_eq!(strict.by_size(1000), None);
        let verdict = strict.by_size(1001).unwrap();
        assert!(!strict.lets_pass(&verdict));
        let lax = scanning(&[on, at, most, ("STRONGROOM_SCAN_TOO_LARGE", "pass")]);
        assert!(lax.lets_pass(&verdict));
        for other in [Unscannable::Encrypted, Unscannable::Failed, Unscannable::Limits] {
            assert!(!lax.lets_pass(&Verdict::Unscannable(other)));
        }
        assert!(!lax.lets_pass(&Verdict::Infected { signature: "x".into() }));
        assert!(lax.lets_pass(&Verdict::Clean));
        assert!(!scanning(&[]).is_on());
    }
}
