//! The key ring: the master keys under which everything else is sealed.
//!
//! The first key of the ring seals; every key of it opens, so a ring rotates by putting a new key
//! in front. What is sealed names its key by id, so opening never guesses.
//!
//! Sealed form: key id (4 bytes) ‖ nonce (12) ‖ ciphertext ‖ tag (16), AES-256-GCM, with
//! associated data chosen by the caller. Nonces are random: one key seals small things (data
//! keys, secrets) only, far below the 2^32 messages NIST SP 800-38D allows per key.
//!
//! This must never print a key, write one outside the key file, or accept a key file that others
//! may read.

mod file;
mod rows;
mod secrets;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::sensitive::Secret;

pub(crate) use secrets::derive;
pub use secrets::{AppSecrets, S3Credentials, SecretsError, WebhookSecret};

/// Length of every key here, in bytes.
pub const KEY_LEN: usize = 32;
const ID_LEN: usize = 4;
const TAG_LEN: usize = 16;

/// What can be wrong with the ring or with something sealed by it.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The key file could not be read or written.
    #[error("the key file {path} could not be {what}")]
    File {
        /// Where the file is.
        path: String,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// Others may read the key file.
    #[error("the key file {path} may be read by others (mode {mode:o}): chmod 600 it")]
    Exposed {
        /// Where the file is.
        path: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The text is not a ring of keys.
    #[error("{0}")]
    Malformed(String),
    /// Sealed under a key that is not in the ring.
    #[error("sealed under the key {0}, which is not in the key ring")]
    UnknownKey(String),
    /// Not what was sealed: changed, cut short, or sealed for something else.
    #[error("a sealed value failed its authentication")]
    Damaged,
    /// The operating system gave no randomness, or the library refused.
    #[error("the cryptographic library failed")]
    Crypto,
}

impl From<aws_lc_rs::error::Unspecified> for KeyError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

/// Fills a buffer with randomness from the operating system.
pub fn random(into: &mut [u8]) -> Result<(), KeyError> {
    Ok(aws_lc_rs::rand::fill(into)?)
}

/// The key of one object: random, wiped from memory when dropped.
#[derive(Clone)]
pub struct DataKey(Zeroizing<[u8; KEY_LEN]>);

impl DataKey {
    /// A fresh random key.
    pub fn random() -> Result<Self, KeyError> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        random(key.as_mut())?;
        Ok(Self(key))
    }

    /// The key's bytes.
    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([secret])")
    }
}

/// A key's name: the first four bytes of its SHA-256.
type KeyId = [u8; ID_LEN];

struct MasterKey {
    id: KeyId,
    sealing: LessSafeKey,
}

impl MasterKey {
    fn new(key: &[u8; KEY_LEN]) -> Result<Self, KeyError> {
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?);
        Ok(Self { id: key_id(key), sealing })
    }
}

fn key_id(key: &[u8; KEY_LEN]) -> KeyId {
    let hash = digest(&SHA256, key);
    let mut id = KeyId::default();
    id.copy_from_slice(&hash.as_ref()[..ID_LEN]);
    id
}

/// The master keys; the first seals, all open. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing {
    keys: Arc<Vec<MasterKey>>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl KeyRing {
    /// Reads the key file, or makes one with a fresh key; the flag says whether it was made.
    ///
    /// One line a key: `<8 hex digits of id> <base64 of 32 bytes>`; the first is the current one.
    pub fn load_or_create(path: &Path) -> Result<(Self, bool), KeyError> {
        if let Some(text) = file::read(path)? {
            return Ok((Self::from_lines(&text)?, false));
        }
        let key = DataKey::random()?;
        let line = Zeroizing::new(format!(
            "{} {}\n",
            hex::encode(key_id(key.bytes())),
            Zeroizing::new(STANDARD.encode(key.bytes())).as_str()
        ));
        if file::create(path, line.as_bytes())? {
            return Ok((Self::from_keys([key])?, true));
        }
        // Somebody else made it in between: theirs counts.
        match file::read(path)? {
            Some(text) => Ok((Self::from_lines(&text)?, false)),
            None => Err(KeyError::Malformed("the key file vanished while starting".to_owned())),
        }
    }

    /// Reads keys from a setting: 32 bytes in base64 or hex each, separated by commas; the first
    /// is the current one.
    pub fn from_text(text: &Secret<String>) -> Result<Self, KeyError> {
        let keys = text.reveal().split(',').map(str::trim).filter(|k| !k.is_empty());
        Self::from_keys(keys.map(parse_key).collect::<Result<Vec<_>, _>>()?)
    }

    fn from_lines(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let named = line.split_once(' ').and_then(|(id, key)| {
                let key = parse_key(key.trim()).ok()?;
                (hex::encode(key_id(key.bytes())) == id).then_some(key)
            });
            keys.push(named.ok_or_else(|| {
                KeyError::Malformed(format!(
                    "line {} of the key file is not `<id> <base64 key>` with the key's own id",
                    number + 1
                ))
            })?);
        }
        Self::from_keys(keys)
    }

    fn from_keys(keys: impl IntoIterator<Item = DataKey>) -> Result<Self, KeyError> {
        let keys =
            keys.into_iter().map(|k| MasterKey::new(k.bytes())).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::Malformed("the key ring holds no key".to_owned()));
        }
        Ok(Self { keys: Arc::new(keys) })
    }

    /// The ids of the keys, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = String> + '_ {
        self.keys.iter().map(|k| hex::encode(k.id))
    }

    /// The current key's id, as the first bytes of everything it seals.
    pub fn current_id(&self) -> [u8; 4] {
        self.keys[0].id
    }

    /// Whether something sealed was sealed by the current key (if not, it wants rotating).
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        sealed.get(..ID_LEN) == Some(&self.keys[0].id[..])
    }

    /// Seals a small secret under the current key, bound to `aad`.
    pub fn seal(&self, plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, KeyError> {
        let key = &self.keys[0];
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut out = Vec::with_capacity(ID_LEN + NONCE_LEN + plain.len() + TAG_LEN);
        out.extend_from_slice(&key.id);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let body = &mut out[ID_LEN + NONCE_LEN..];
        let tag = key.sealing.seal_in_place_separate_tag(nonce, Aad::from(aad), body)?;
        out.extend_from_slice(tag.as_ref());
        Ok(out)
    }

    /// Opens what [`Self::seal`] made with the same `aad`.
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if sealed.len() < ID_LEN + NONCE_LEN + TAG_LEN {
            return Err(KeyError::Damaged);
        }
        let (id, rest) = sealed.split_at(ID_LEN);
        let (nonce, body) = rest.split_at(NONCE_LEN);
        let key = self.keys.iter().find(|k| k.id == id);
        let key = key.ok_or_else(|| KeyError::UnknownKey(hex::encode(id)))?;
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let mut plain = Zeroizing::new(body.to_vec());
        let opened = key.sealing.open_in_place(nonce, Aad::from(aad), &mut plain);
        let length = opened.map_err(|_| KeyError::Damaged)?.len();
        plain.truncate(length);
        Ok(plain)
    }

    /// Wraps an object's data key.
    pub fn wrap(&self, key: &DataKey, aad: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.seal(key.bytes(), aad)
    }

    /// Unwraps what [`Self::wrap`] made with the same `aad`.
    pub fn unwrap(&self, wrapped: &[u8], aad: &[u8]) -> Result<DataKey, KeyError> {
        let plain = self.open(wrapped, aad)?;
        let mut key = Zeroizing::new([0; KEY_LEN]);
        if plain.len() != KEY_LEN {
            return Err(KeyError::Damaged);
        }
        key.copy_from_slice(&plain);
        Ok(DataKey(key))
    }
}

/// One key as base64 (with or without padding) or hex.
fn parse_key(text: &str) -> Result<DataKey, KeyError> {
    let decoded = if text.len() == KEY_LEN * 2 {
        hex::decode(text).ok()
    } else {
        let unpadded = base64::engine::general_purpose::STANDARD_NO_PAD;
        unpadded.decode(text.trim_end_matches('=')).ok()
    };
    let decoded = Zeroizing::new(decoded.unwrap_or_default());
    let mut key = Zeroizing::new([0; KEY_LEN]);
    if decoded.len() != KEY_LEN {
        return Err(KeyError::Malformed(
            "a master key is 32 bytes, written in base64 or in hex".to_owned(),
        ));
    }
    key.copy_from_slice(&decoded);
    Ok(DataKey(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> KeyRing {
        KeyRing::from_text(&Secret::new(text.to_owned())).unwrap()
    }

    #[test]
    fn what_one_key_sealed_a_rotated_ring_still_opens_and_a_stranger_does_not() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let key = DataKey::random().unwrap();
        let wrapped = ring(&old).wrap(&key, b"here").unwrap();
        let rotated = ring(&format!("{new}, {old}"));
        assert_eq!(rotated.unwrap(&wrapped, b"here").unwrap().bytes(), key.bytes());
        assert!(!rotated.is_current(&wrapped));
        assert!(rotated.is_current(&rotated.wrap(&key, b"here").unwrap()));
        assert!(matches!(ring(&new).unwrap(&wrapped, b"here"), Err(KeyError::UnknownKey(_))));
        assert!(matches!(rotated.unwrap(&wrapped, b"there"), Err(KeyError::Damaged)));
    }

    #[test]
    fn every_changed_byte_of_a_sealed_value_is_noticed() {
        let ring = ring(&"ab".repeat(32));
        let sealed = ring.seal(b"attention", b"x").unwrap();
        for at in 0..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert!(ring.open(&bad, b"x").is_err(), "byte {at}");
            assert!(ring.open(&sealed[..at], b"x").is_err(), "cut at {at}");
        }
        assert_eq!(ring.open(&sealed, b"x").unwrap().as_slice(), b"attention");
    }

    #[test]
    fn base64_and_hex_name_the_same_key_and_anything_else_is_refused_without_showing_it() {
        let bytes = [7_u8; 32];
        let (b64, hex) = (STANDARD.encode(bytes), hex::encode(bytes));
        assert_eq!(ring(&b64).ids().next(), ring(&hex).ids().next());
        for bad in ["", "short", &b64[..40], &format!("{hex},oops")] {
            let error = KeyRing::from_text(&Secret::new(bad.to_owned())).unwrap_err();
            assert!(!error.to_string().contains("oops"));
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_refused_when_others_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys").join("master.keys");
        let (first, created) = KeyRing::load_or_create(&path).unwrap();
        assert!(created);
        let (second, created) = KeyRing::load_or_create(&path).unwrap();
        assert!(!created);
        let sealed = first.seal(b"x", b"").unwrap();
        assert_eq!(second.open(&sealed, b"").unwrap().as_slice(), b"x");
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(KeyRing::load_or_create(&path), Err(KeyError::Exposed { .. })));
    }

    #[test]
    fn a_key_file_whose_id_does_not_fit_its_key_is_refused() {
        let line = format!("00000000 {}", STANDARD.encode([9_u8; 32]));
        assert!(matches!(KeyRing::from_lines(&line), Err(KeyError::Malformed(_))));
    }
}
