//! Tokens that the app (or an identity provider) issues: JWTs, RFC 7519.
//!
//! HS256 with a shared secret, and RS256, PS256, ES256, ES384 or `EdDSA` with the keys of a
//! JWKS. Both may be configured; the token's `alg` selects, and the two never meet: the shared
//! secret lives in an HMAC key of its own, and the keys of a JWKS are used for signatures only.
//! `none` is no algorithm here.
//!
//! Time is the caller's, never a library's clock. A token must have `exp` and `sub`; `nbf`,
//! `iss` and `aud` are checked where they are present or configured, with 30 seconds of leeway
//! for clocks that differ.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::acting::Credential;
use super::authenticate::{AuthError, MAX_ID, SetupError};
use super::jwks::{Jwks, JwksSource};
use super::{CallerKind, Role};
use crate::ids::{ClinicId, PatientId, UserId};
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// How far clocks may differ, seconds.
const LEEWAY: i64 = 30;
/// The longest token that is looked at, bytes.
const MAX_TOKEN: usize = 16 * 1024;
/// RFC 7518, section 3.2: a key as long as the hash at least.
const MIN_SECRET: usize = 32;

/// How tokens are checked and issued.
#[derive(Debug, Clone)]
pub struct JwtConfig {
    /// The shared secret of HS256, at least 32 bytes.
    pub secret: Secret<Vec<u8>>,
    /// Where the public keys of an identity provider are.
    pub jwks: Option<JwksSource>,
    /// What `iss` must be.
    pub issuer: Option<String>,
    /// What `aud` must be or contain.
    pub audience: Option<String>,
    /// Which claims say what.
    pub claims: ClaimNames,
}

/// The claims that say who somebody is. A dot leads into an object: `realm_access.roles`. A
/// claim whose whole name contains the dots is found first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// Roles: an array, or text separated by spaces or commas.
    pub roles: String,
    /// The clinic's UUID.
    pub clinic: String,
    /// The patients of the role `patient`: an array, or text separated by commas.
    pub patients: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            roles: "roles".to_owned(),
            clinic: "clinic_id".to_owned(),
            patients: "patient_ids".to_owned(),
        }
    }
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `sub`.
    pub user: UserId,
    /// The known roles among those it names; at least one.
    pub roles: Vec<Role>,
    /// The clinic it names.
    pub clinic: Option<ClinicId>,
    /// The patients it names.
    pub patients: Vec<PatientId>,
    /// When it ends.
    pub until: Timestamp,
}

impl From<Identity> for Credential {
    fn from(identity: Identity) -> Self {
        let Identity { user, roles, clinic, patients, until } = identity;
        let (kind, until) = (CallerKind::User, Some(until));
        Self { kind, user, roles, clinic, patients, api_key: None, until }
    }
}

/// A token to issue.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Whose token it is.
    pub user: UserId,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Their clinic; none: the default one.
    pub clinic: Option<ClinicId>,
    /// Their own patients, for the role `patient`.
    pub patients: Vec<PatientId>,
    /// How long it is good for.
    pub ttl: std::time::Duration,
}

/// Issues an HS256 token that [`Verifier`] with the same configuration accepts.
pub fn issue_token(config: &JwtConfig, request: TokenRequest, now: Timestamp) -> Secret<String> {
    let TokenRequest { user, roles, clinic, patients, ttl } = request;
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), json!(user));
    claims.insert("iat".to_owned(), json!(now.seconds()));
    claims.insert("exp".to_owned(), json!((now + ttl).seconds()));
    if let Some(issuer) = &config.issuer {
        claims.insert("iss".to_owned(), json!(issuer));
    }
    if let Some(audience) = &config.audience {
        claims.insert("aud".to_owned(), json!(audience));
    }
    let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
    put(&mut claims, &config.claims.roles, json!(roles));
    if let Some(clinic) = clinic {
        put(&mut claims, &config.claims.clinic, json!(clinic));
    }
    if !patients.is_empty() {
        put(&mut claims, &config.claims.patients, json!(patients));
    }
    let encode = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = encode(json!({ "alg": "HS256", "typ": "JWT" }));
    let signed = format!("{head}.{}", encode(Value::Object(claims)));
    let key = hmac::Key::new(hmac::HMAC_SHA256, config.secret.reveal());
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    Secret::new(format!("{signed}.{signature}"))
}

fn put(claims: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            claims.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = claims.entry(first).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The part of a token's header that matters (RFC 7515, section 4.1).
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// Checks tokens.
pub struct Verifier {
    config: JwtConfig,
    shared: hmac::Key,
    jwks: Option<Jwks>,
}

impl Verifier {
    /// A verifier; refuses a secret that could be guessed.
    pub fn new(config: JwtConfig) -> Result<Self, SetupError> {
        let secret = config.secret.reveal();
        if secret.len() < MIN_SECRET {
            return Err(SetupError::WeakSecret(secret.len()));
        }
        let shared = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let jwks = config.jwks.clone().map(Jwks::new).transpose()?;
        Ok(Self { config, shared, jwks })
    }

    /// Who a token speaks of, if it is good at this time.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, AuthError> {
        if token.len() > MAX_TOKEN {
            return Err(malformed("the token is longer than 16 KiB"));
        }
        let not_three = || malformed("the token does not have three parts");
        let (signed, signature) = token.rsplit_once('.').ok_or_else(not_three)?;
        let (head, claims) = signed.split_once('.').ok_or_else(not_three)?;
        let head: Head = decode(head).ok_or_else(|| malformed("the header cannot be read"))?;
        if head.crit.is_some() {
            return Err(malformed("the header has critical extensions nobody here knows"));
        }
        self.check_signature(&head, signed, signature, now).await?;
        let claims = decode(claims).ok_or_else(|| malformed("the claims cannot be read"))?;
        let until = self.check_claims(&claims, now)?;
        self.identity(&claims, until)
    }

    async fn check_signature(
        &self,
        head: &Head,
        signed: &str,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), AuthError> {
        let wrong = || invalid("the signature is wrong", "the token's signature is wrong");
        if head.alg == "HS256" {
            let bytes = URL_SAFE_NO_PAD.decode(signature).map_err(|_| wrong())?;
            return hmac::verify(&self.shared, signed.as_bytes(), &bytes).map_err(|_| wrong());
        }
        let alg = match head.alg.as_str() {
            "RS256" => Algorithm::RS256,
            "PS256" => Algorithm::PS256,
            "ES256" => Algorithm::ES256,
            "ES384" => Algorithm::ES384,
            "EdDSA" => Algorithm::EdDSA,
            _ => return Err(no_algorithm()),
        };
        let jwks = self.jwks.as_ref().ok_or_else(no_algorithm)?;
        for key in jwks.find(alg, head.kid.as_deref(), now).await? {
            if jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, alg) == Ok(true) {
                return Ok(());
            }
        }
        Err(wrong())
    }

    /// When the token ends.
    fn check_claims(
        &self,
        claims: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<Timestamp, AuthError> {
        let exp = seconds(claims, "exp")?
            .ok_or_else(|| invalid("exp is missing", "the token must have an `exp` claim"))?;
        if now.seconds() >= exp.saturating_add(LEEWAY) {
            return Err(AuthError::Expired);
        }
        if seconds(claims, "nbf")?.is_some_and(|nbf| now.seconds() < nbf.saturating_sub(LEEWAY)) {
            return Err(invalid("nbf is in the future", "the token is not good yet"));
        }
        if let Some(issuer) = &self.config.issuer
            && claims.get("iss").and_then(Value::as_str) != Some(issuer)
        {
            return Err(invalid(
                "iss is not the configured issuer",
                "the token's `iss` is not the issuer this server accepts",
            ));
        }
        if let Some(audience) = &self.config.audience {
            let named = match claims.get("aud") {
                Some(Value::String(one)) => one == audience,
                Some(Value::Array(many)) => many.iter().any(|v| v.as_str() == Some(audience)),
                _ => false,
            };
            if !named {
                return Err(invalid(
                    "aud is not the configured audience",
                    "the token's `aud` is not the audience this server is",
                ));
            }
        }
        Ok(Timestamp::from_micros(exp.saturating_mul(1_000_000)))
    }

    fn identity(
        &self,
        claims: &Map<String, Value>,
        until: Timestamp,
    ) -> Result<Identity, AuthError> {
        let names = &self.config.claims;
        let user = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        if user.trim().is_empty() || user.len() > MAX_ID || user.chars().any(char::is_control) {
            return Err(invalid(
                "sub is missing or unusable",
                "the token must have a `sub` claim: text of 1 to 256 characters",
            ));
        }
        let roles = words(find(claims, &names.roles), &[' ', ',']);
        let mut roles: Vec<Role> = roles.iter().filter_map(|word| word.parse().ok()).collect();
        roles.sort_unstable();
        roles.dedup();
        if roles.is_empty() {
            return Err(invalid(
                "no known role",
                "the token names no known role; its roles claim must hold at least one of admin, \
                 clinician, staff, patient, service, auditor",
            ));
        }
        let clinic = match find(claims, &names.clinic) {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_str().and_then(|v| v.parse().ok()).ok_or_else(|| {
                invalid("the clinic is no UUID", "the token's clinic claim must be a UUID")
            })?),
        };
        let patients = words(find(claims, &names.patients), &[',']);
        let patients = patients.into_iter().map(PatientId::new).collect();
        Ok(Identity { user: UserId::new(user), roles, clinic, patients, until })
    }
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// A claim by its name, or by its path.
fn find<'c>(claims: &'c Map<String, Value>, path: &str) -> Option<&'c Value> {
    claims.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        find(claims.get(first)?.as_object()?, rest)
    })
}

/// The words of an array, or of text with separators.
fn words(value: Option<&Value>, separators: &[char]) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .filter(|word| !word.is_empty())
            .collect(),
        Some(Value::String(text)) => text
            .split(separators)
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(ToOwned::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// A `NumericDate` (RFC 7519, section 2): seconds since 1970, perhaps with a fraction.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, AuthError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_i64().or_else(|| {
        #[allow(clippy::cast_possible_truncation, reason = "`as` saturates, which is meant")]
        value.as_f64().map(|seconds| seconds.floor() as i64)
    });
    whole.map(Some).ok_or_else(|| malformed("exp or nbf is not a number"))
}

fn malformed(reason: &'static str) -> AuthError {
    invalid(reason, "the token is not a JWT this server can read")
}

fn no_algorithm() -> AuthError {
    invalid(
        "the algorithm is not one that is configured",
        "the token must be signed with HS256, or with RS256, PS256, ES256, ES384 or EdDSA where \
         a JWKS is configured",
    )
}

pub(super) const fn invalid(reason: &'static str, message: &'static str) -> AuthError {
    AuthError::Invalid { reason, message }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
