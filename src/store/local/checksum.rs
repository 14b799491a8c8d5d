//! Checksums as S3 defines them ("Checking object integrity", Amazon S3 user guide).
//!
//! SHA-256 is computed of everything; the others only where a client names them, MD5 only where
//! `Content-MD5` is sent.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::{CrcAlgorithm, Digest as Crc, checksum_combine};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

/// An algorithm a client may name beside what is always computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC).
    Crc32,
    /// CRC-32C (iSCSI).
    Crc32c,
    /// CRC-64/NVME.
    Crc64nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64nvme, Self::Sha1, Self::Sha256];

    /// The name S3 gives it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header (or trailer) that carries it.
    pub const fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The algorithm of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name().eq_ignore_ascii_case(name))
    }

    /// Length of a value in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    const fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    /// Whether the checksum of the whole can be had from those of its parts.
    pub const fn combines(self) -> bool {
        self.crc().is_some()
    }

    /// The checksum of `a ‖ b`, where `b` is `b_length` bytes long. Only for CRCs.
    pub fn combine(self, a: &[u8], b: &[u8], b_length: u64) -> Option<Vec<u8>> {
        let both = checksum_combine(self.crc()?, number(a), number(b), b_length);
        Some(both.to_be_bytes()[8 - self.length()..].to_vec())
    }

    /// The checksum of some bytes at once.
    pub fn of(self, bytes: &[u8]) -> Vec<u8> {
        let mut one = One::new(self);
        one.update(bytes);
        one.finish(self)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

enum One {
    Crc(Box<Crc>),
    Hash(digest::Context),
}

impl One {
    fn new(algorithm: Algorithm) -> Self {
        match (algorithm, algorithm.crc()) {
            (_, Some(crc)) => Self::Crc(Box::new(Crc::new(crc))),
            (Algorithm::Sha1, None) => Self::Hash(digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            (_, None) => Self::Hash(digest::Context::new(&SHA256)),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc(crc) => crc.update(bytes),
            Self::Hash(hash) => hash.update(bytes),
        }
    }

    fn finish(self, algorithm: Algorithm) -> Vec<u8> {
        match self {
            Self::Crc(crc) => crc.finalize().to_be_bytes()[8 - algorithm.length()..].to_vec(),
            Self::Hash(hash) => hash.finish().as_ref().to_vec(),
        }
    }
}

/// Kept checksums, base64 (with `-<parts>` behind where they are of parts' checksums).
pub type Checksums = BTreeMap<Algorithm, String>;

/// What a client says the body is; filled from headers, later from trailers.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Values to compare with.
    pub values: BTreeMap<Algorithm, Vec<u8>>,
    /// `Content-MD5`.
    pub md5: Option<[u8; 16]>,
    /// An algorithm to compute and keep, whose value comes later or not at all.
    pub compute: Option<Algorithm>,
}

/// A value that cannot be one of its algorithm.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidDigest;

impl Expected {
    /// Adds a value as a header carries it: base64.
    pub fn add(&mut self, algorithm: Algorithm, text: &str) -> Result<(), InvalidDigest> {
        let value = STANDARD.decode(text).map_err(|_| InvalidDigest)?;
        if value.len() != algorithm.length() {
            return Err(InvalidDigest);
        }
        self.values.insert(algorithm, value);
        Ok(())
    }

    /// Adds `Content-MD5`.
    pub fn add_md5(&mut self, text: &str) -> Result<(), InvalidDigest> {
        let value = STANDARD.decode(text).map_err(|_| InvalidDigest)?;
        self.md5 = Some(value.try_into().map_err(|_| InvalidDigest)?);
        Ok(())
    }
}

/// Computes everything that is wanted of a body as it flows.
pub struct Hasher {
    sha256: digest::Context,
    others: Vec<(Algorithm, One)>,
    md5: Option<Md5>,
}

/// What came out.
pub struct Computed {
    /// SHA-256 of the body.
    pub sha256: [u8; 32],
    /// The other checksums that were asked for.
    pub others: BTreeMap<Algorithm, Vec<u8>>,
    md5: Option<[u8; 16]>,
}

impl Hasher {
    /// Prepares what `expected` names.
    pub fn new(expected: &Expected) -> Self {
        let named = |a: &Algorithm| {
            *a != Algorithm::Sha256
                && (expected.values.contains_key(a) || expected.compute == Some(*a))
        };
        Self {
            sha256: digest::Context::new(&SHA256),
            others: Algorithm::ALL.into_iter().filter(named).map(|a| (a, One::new(a))).collect(),
            md5: expected.md5.map(|_| Md5::new()),
        }
    }

    /// Takes in the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        for (_, one) in &mut self.others {
            one.update(bytes);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
    }

    /// The values.
    pub fn finish(self) -> Computed {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        Computed {
            sha256,
            others: self.others.into_iter().map(|(a, one)| (a, one.finish(a))).collect(),
            md5: self.md5.map(|m| m.finalize().into()),
        }
    }
}

impl Computed {
    /// Whether the body is what the client says it is.
    pub fn matches(&self, expected: &Expected) -> bool {
        let same = |(algorithm, value): (&Algorithm, &Vec<u8>)| match algorithm {
            Algorithm::Sha256 => self.sha256[..] == value[..],
            other => self.others.get(other) == Some(value),
        };
        expected.values.iter().all(same) && (expected.md5.is_none() || self.md5 == expected.md5)
    }

    /// The checksums to keep, SHA-256 left out (it has a column of its own).
    pub fn kept(&self) -> Checksums {
        self.others.iter().map(|(a, value)| (*a, STANDARD.encode(value))).collect()
    }
}

/// The ETag of something whose SHA-256 this is: 32 hex digits, a dash, the number of parts. The
/// dash keeps clients from taking it for an MD5.
pub fn etag(sha256: &[u8], parts: usize) -> String {
    format!("{}-{parts}", hex::encode(&sha256[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_values_of_the_algorithms_hold() {
        // The customary check input; values from the CRC catalogue and FIPS 180.
        let expect = [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64nvme, "ae8b14860a799888"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        ];
        for (algorithm, value) in expect {
            assert_eq!(hex::encode(algorithm.of(b"123456789")), value, "{algorithm:?}");
        }
    }

    #[test]
    fn checksums_of_parts_combine_to_that_of_the_whole() {
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64nvme] {
            let (a, b) = (algorithm.of(b"1234"), algorithm.of(b"56789"));
            assert_eq!(algorithm.combine(&a, &b, 5), Some(algorithm.of(b"123456789")));
        }
    }

    #[test]
    fn a_wrong_value_does_not_match_and_a_malformed_one_is_refused() {
        let mut expected = Expected::default();
        assert_eq!(expected.add(Algorithm::Crc32, "AAAA"), Err(InvalidDigest));
        assert_eq!(expected.add_md5("short"), Err(InvalidDigest));
        expected.add(Algorithm::Crc32, &STANDARD.encode([0, 0, 0, 0])).unwrap();
        let mut hasher = Hasher::new(&expected);
        hasher.update(b"123456789");
        assert!(!hasher.finish().matches(&expected));
    }
}
