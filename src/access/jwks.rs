//! The public keys of an identity provider: a JSON Web Key Set (RFC 7517) from a URL or a file.
//!
//! A URL is read on first use, every ten minutes, and when a token names an unknown key, then at
//! most once a minute. A file is read again when it has changed, which is looked at once a
//! second at most. When reading fails, the last good set stays in use.
//!
//! Invariants:
//! - Only keys that are for signatures (or say no `use`) and have the type their algorithm
//!   needs are taken.
//! - Only one call reads at a time; the others go on with the set there is.
//! - A key of a JWKS is never a shared secret: `oct` keys are not taken.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use super::authenticate::{AuthError, SetupError};
use super::jwt::invalid;
use crate::time::Timestamp;

const TIMEOUT: Duration = Duration::from_secs(5);
/// How long a set from a URL is used before it is read again.
const MAX_AGE: Duration = Duration::from_mins(10);
/// How often a URL is read at most, once there is a set.
const SELDOM: Duration = Duration::from_mins(1);
/// How often a URL is tried at most while there is no set.
const EAGER: Duration = Duration::from_secs(5);
/// How often a file is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// The largest set that is read, bytes.
const MAX_BYTES: usize = 1024 * 1024;
/// How many keys a set may have.
const MAX_KEYS: usize = 100;

/// Where a key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JwksSource {
    /// An address of the identity provider.
    Url(String),
    /// A file that somebody else keeps up to date.
    File(PathBuf),
}

/// Why a set could not be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the JWKS could not be fetched")]
    Fetch(#[from] reqwest::Error),
    #[error("the JWKS file could not be read")]
    File(#[from] std::io::Error),
    #[error("the JWKS is not a JSON Web Key Set")]
    Json(#[from] serde_json::Error),
    #[error("the JWKS is larger than 1 MiB")]
    TooLarge,
    #[error("the JWKS holds no key for signatures (use: sig; kty: RSA, EC or OKP)")]
    Empty,
    #[error("the JWKS has not been read yet; the log says why")]
    Never,
}

/// The keys in force, kept up to date.
pub(super) struct Jwks {
    source: JwksSource,
    client: reqwest::Client,
    state: RwLock<State>,
    /// Held by whoever is reading the source.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    /// None until the source has been read once.
    keys: Option<Arc<Vec<Key>>>,
    read_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
    /// What the file looked like when it was read: when it was changed, and its size.
    file: Option<(SystemTime, u64)>,
}

struct Key {
    kid: Option<String>,
    /// The algorithms its type allows, narrowed by its `alg`.
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

/// Why the source would be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    Routine,
    UnknownKey,
}

impl Jwks {
    pub fn new(source: JwksSource) -> Result<Self, SetupError> {
        let client =
            reqwest::Client::builder().timeout(TIMEOUT).build().map_err(SetupError::Client)?;
        Ok(Self { source, client, state: RwLock::default(), turn: tokio::sync::Mutex::default() })
    }

    /// The keys that may have signed a token with this header; at least one.
    pub async fn find(
        &self,
        alg: Algorithm,
        kid: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<DecodingKey>, AuthError> {
        for need in [Need::Routine, Need::UnknownKey] {
            if self.is_due(need, now) {
                self.refresh(need, now).await;
            } else if need == Need::UnknownKey || self.state().keys.is_none() {
                // Somebody may be reading just what is missing here.
                drop(self.turn.lock().await);
            }
            let state = self.state();
            let keys = state.keys.ok_or_else(|| AuthError::unavailable(ReadError::Never))?;
            let fitting: Vec<_> = keys
                .iter()
                .filter(|key| key.algorithms.contains(&alg))
                .filter(|key| kid.is_none() || key.kid.as_deref() == kid)
                .map(|key| key.decoding.clone())
                .collect();
            if !fitting.is_empty() {
                return Ok(fitting);
            }
        }
        Err(invalid(
            "the JWKS has no key with this kid for this algorithm",
            "the token was signed with a key this server does not know",
        ))
    }

    fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn is_due(&self, need: Need, now: Timestamp) -> bool {
        let state = self.state();
        let passed = |since: Option<Timestamp>, wait| {
            since.is_none_or(|since| now < since || now >= since + wait)
        };
        match self.source {
            JwksSource::File(_) => passed(state.tried_at, LOOK),
            JwksSource::Url(_) if state.keys.is_none() => passed(state.tried_at, EAGER),
            JwksSource::Url(_) => {
                passed(state.tried_at, SELDOM)
                    && (need == Need::UnknownKey || passed(state.read_at, MAX_AGE))
            }
        }
    }

    /// Reads the source, unless somebody else just has.
    async fn refresh(&self, need: Need, now: Timestamp) {
        let must_wait = need == Need::UnknownKey || self.state().keys.is_none();
        let _turn = if must_wait {
            self.turn.lock().await
        } else {
            let Ok(turn) = self.turn.try_lock() else { return };
            turn
        };
        if !self.is_due(need, now) {
            return;
        }
        self.change(|state| state.tried_at = Some(now));
        let read = match &self.source {
            JwksSource::Url(url) => self.fetch(url).await.map(|keys| Some((keys, None))),
            JwksSource::File(path) => self.read_changed(path).await,
        };
        match read {
            Ok(None) => {}
            Ok(Some((keys, file))) => self.change(|state| {
                state.keys = Some(Arc::new(keys));
                state.read_at = Some(now);
                state.file = file;
            }),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "the JWKS could not be read; the last good one stays");
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner));
    }

    async fn fetch(&self, url: &str) -> Result<Vec<Key>, ReadError> {
        let mut answer = self.client.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(ReadError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        read_set(&body)
    }

    /// The file's keys and its look; nothing when it has not changed.
    async fn read_changed(
        &self,
        path: &std::path::Path,
    ) -> Result<Option<(Vec<Key>, Option<(SystemTime, u64)>)>, ReadError> {
        let about = tokio::fs::metadata(path).await?;
        let look = Some((about.modified()?, about.len()));
        let state = self.state();
        if state.keys.is_some() && state.file == look {
            return Ok(None);
        }
        if about.len() > MAX_BYTES as u64 {
            return Err(ReadError::TooLarge);
        }
        Ok(Some((read_set(&tokio::fs::read(path).await?)?, look)))
    }
}

/// The usable keys of a set; what is of no use here is passed over (RFC 7517, section 5).
fn read_set(text: &[u8]) -> Result<Vec<Key>, ReadError> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(text)?;
    let keys: Vec<Key> = set.keys.iter().filter_map(read_key).take(MAX_KEYS).collect();
    if keys.is_empty() { Err(ReadError::Empty) } else { Ok(keys) }
}

fn read_key(key: &Value) -> Option<Key> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    // RFC 7517 section 4.2: `use` is optional; some identity providers leave it out.
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let (mut algorithms, decoding) = match (text("kty")?, text("crv")) {
        ("RSA", _) => (
            vec![Algorithm::RS256, Algorithm::PS256],
            DecodingKey::from_rsa_components(text("n")?, text("e")?).ok()?,
        ),
        ("EC", Some("P-256")) => {
            (vec![Algorithm::ES256], DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
        }
        ("EC", Some("P-384")) => {
            (vec![Algorithm::ES384], DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?)
        }
        ("OKP", Some("Ed25519")) => {
            (vec![Algorithm::EdDSA], DecodingKey::from_ed_components(text("x")?).ok()?)
        }
        _ => return None,
    };
    if let Some(declared) = text("alg") {
        let declared: Algorithm = declared.parse().ok()?;
        algorithms.retain(|&algorithm| algorithm == declared);
    }
    let kid = text("kid").map(ToOwned::to_owned);
    (!algorithms.is_empty()).then_some(Key { kid, algorithms, decoding })
}
