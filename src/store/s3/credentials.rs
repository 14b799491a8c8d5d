//! With whose keys: given once, in files that change, or from the SDK's chain.
//!
//! Invariants: what is presigned needs no network and no disk; the keys it is signed with are the
//! ones calls are made with. Files are not replaced all at once: a pair read between two writes
//! belongs to nobody, so a changed pair is tried before it is adopted.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::Region;
use time::OffsetDateTime;

use super::errors::chain;
use super::place::Place;
use crate::config::S3Keys;
use crate::keys::S3Credentials;
use crate::sensitive::Secret;
use crate::store::{Presigner, PresignerConfig, StoreError};
use crate::time::Timestamp;

/// How long the instance's metadata service may take to be there. Where there is none, packets are
/// often dropped instead of refused.
const METADATA: Duration = Duration::from_millis(800);
/// How long before their end temporary credentials are fetched anew.
pub(super) const EARLY: Duration = Duration::from_mins(10);

/// The keys in use, with what signs by them.
pub(super) struct Signing {
    pub credentials: Credentials,
    pub presigner: Presigner,
    /// When temporary credentials end.
    pub expires: Option<Timestamp>,
}

impl Signing {
    /// How long a request signed now may claim to last: never longer than the keys.
    pub fn lasting(&self, expires: Duration, now: Timestamp) -> Result<Duration, StoreError> {
        let Some(end) = self.expires else { return Ok(expires) };
        match u64::try_from(end.seconds() - now.seconds()) {
            Ok(left) if left > 0 => Ok(expires.min(Duration::from_secs(left))),
            _ => Err(StoreError::Unusable(EXPIRED.into())),
        }
    }
}

/// What is said while temporary credentials are over and no new ones came.
pub(super) const EXPIRED: &str = "The temporary credentials have expired and could not be renewed. \
     The role, web identity or SSO session they come from must be able to give new ones.";

/// The keys in use, or why there are none.
pub(super) struct Keys {
    place: Place,
    current: RwLock<Result<Arc<Signing>, Arc<str>>>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// None yet.
    pub fn new(place: Place) -> Self {
        let waiting = "The credentials have not been read yet.";
        Self { place, current: RwLock::new(Err(waiting.into())) }
    }

    /// The keys in use.
    pub fn current(&self) -> Option<Arc<Signing>> {
        self.get().ok()
    }

    /// The keys in use, or the reason why there are none.
    pub fn get(&self) -> Result<Arc<Signing>, Arc<str>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on these.
    pub fn adopt(&self, credentials: Credentials) {
        let presigner = Presigner::new(&PresignerConfig {
            bucket: self.place.bucket.clone(),
            bucket_url: self.place.bucket_url(),
            region: self.place.region.clone(),
            credentials: S3Credentials {
                access_key_id: credentials.access_key_id().to_owned(),
                secret_access_key: Secret::new(credentials.secret_access_key().to_owned()),
            },
            session_token: credentials.session_token().map(|t| Secret::new(t.to_owned())),
            object_headers: self.place.object_headers(),
        });
        let expires = credentials.expiry().map(|end| OffsetDateTime::from(end).into());
        self.set(Ok(Arc::new(Signing { credentials, presigner, expires })));
    }

    /// There are none. Keys that were there stay: they are better than nothing.
    pub fn missing(&self, reason: &str) {
        if self.current().is_none() {
            self.set(Err(reason.into()));
        }
    }

    fn set(&self, now: Result<Arc<Signing>, Arc<str>>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

/// Where keys come from, ready to be asked.
pub(super) enum Source {
    Given(Credentials),
    Files { id: PathBuf, secret: PathBuf, session_token: Option<PathBuf> },
    Chain(Box<DefaultCredentialsChain>),
}

impl Source {
    /// Prepares the source; no network yet.
    pub async fn new(keys: &S3Keys, region: &str) -> Self {
        match keys {
            S3Keys::Given { id, secret, session_token } => Self::Given(pair(
                id.reveal().clone(),
                secret.reveal().clone(),
                session_token.as_ref().map(|token| token.reveal().clone()),
            )),
            S3Keys::Files { id, secret, session_token } => Self::Files {
                id: id.clone(),
                secret: secret.clone(),
                session_token: session_token.clone(),
            },
            S3Keys::Chain => {
                let metadata = aws_config::imds::Client::builder()
                    .connect_timeout(METADATA)
                    .read_timeout(METADATA)
                    .max_attempts(1)
                    .build();
                let chain = DefaultCredentialsChain::builder()
                    .region(Region::new(region.to_owned()))
                    .imds_client(metadata)
                    .build();
                Self::Chain(Box::new(chain.await))
            }
        }
    }

    /// What it says now; the error is for the operator.
    pub async fn read(&self) -> Result<Credentials, String> {
        match self {
            Self::Given(credentials) => Ok(credentials.clone()),
            Self::Files { id, secret, session_token } => {
                let token = match session_token {
                    Some(path) => Some(read("AWS_SESSION_TOKEN_FILE", path).await?),
                    None => None,
                };
                let id = read("AWS_ACCESS_KEY_ID_FILE", id).await?;
                Ok(pair(id, read("AWS_SECRET_ACCESS_KEY_FILE", secret).await?, token))
            }
            Self::Chain(chain) => chain.provide_credentials().await.map_err(|e| no_keys(&e)),
        }
    }
}

fn pair(id: String, secret: String, token: Option<String>) -> Credentials {
    Credentials::new(id, secret, token, None, "strongroom")
}

async fn read(variable: &str, path: &Path) -> Result<String, String> {
    let shown = path.display();
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|e| format!("{variable} names {shown}, which cannot be read: {e}."))?;
    match text.trim() {
        "" => Err(format!("{variable} names {shown}, which is empty; it must hold the value.")),
        value => Ok(value.to_owned()),
    }
}

fn no_keys(error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            "No credentials for the object store were found. Set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY (or …_FILE), or run where a profile, SSO session, web identity, \
             container or instance role gives them."
                .to_owned()
        }
        other => format!(
            "Credentials for the object store could not be fetched: {}. Check the profile, SSO \
             session or role they come from.",
            chain(other)
        ),
    }
}

/// Whether two credentials are the same.
pub(super) fn same(a: &Credentials, b: &Credentials) -> bool {
    a.access_key_id() == b.access_key_id()
        && a.secret_access_key() == b.secret_access_key()
        && a.session_token() == b.session_token()
}

/// How long until temporary credentials should be fetched again; none: they do not end.
pub(super) fn renewal(expires: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    let left = u64::try_from(expires?.seconds() - now.seconds()).unwrap_or(0);
    // Short-lived ones: at half of their time, but never in a frenzy.
    let wait = left.saturating_sub(EARLY.as_secs()).max(left / 2).max(1);
    Some(Duration::from_secs(wait))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    fn keys() -> Keys {
        Keys::new(Place {
            bucket: "room".into(),
            region: "eu-west-2".into(),
            endpoint: None,
            path_style: false,
            accelerate: false,
            kms_key: None,
            folder_prefix: String::new(),
        })
    }

    #[test]
    fn nothing_is_signed_for_longer_than_its_keys_last() {
        let end = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let keys = keys();
        keys.adopt(Credentials::new("id", "secret", None, Some(end), "test"));
        let signing = keys.current().unwrap();
        let minute = Duration::from_mins(1);
        assert_eq!(signing.lasting(minute, at(0)).unwrap(), minute);
        assert_eq!(signing.lasting(minute, at(990)).unwrap(), Duration::from_secs(10));
        assert!(matches!(signing.lasting(minute, at(1_000)), Err(StoreError::Unusable(_))));
    }

    #[test]
    fn keys_that_are_there_outlive_a_source_that_fails() {
        let keys = keys();
        keys.missing("none found");
        assert_eq!(keys.get().err().as_deref(), Some("none found"));
        keys.adopt(pair("id".into(), "secret".into(), None));
        keys.missing("gone");
        assert_eq!(keys.current().unwrap().credentials.access_key_id(), "id");
    }

    #[test]
    fn temporary_keys_are_renewed_well_before_their_end() {
        assert_eq!(renewal(None, at(0)), None);
        assert_eq!(renewal(Some(at(3_600)), at(0)), Some(Duration::from_mins(50)));
        assert_eq!(renewal(Some(at(600)), at(0)), Some(Duration::from_mins(5)));
        assert_eq!(renewal(Some(at(10)), at(20)), Some(Duration::from_secs(1)));
    }

    #[tokio::test]
    async fn an_empty_file_of_a_key_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let (id, secret) = (dir.path().join("id"), dir.path().join("secret"));
        std::fs::write(&id, "  key\n").unwrap();
        std::fs::write(&secret, "\n").unwrap();
        let files = S3Keys::Files { id, secret: secret.clone(), session_token: None };
        let source = Source::new(&files, "eu-west-2").await;
        let refused = source.read().await.unwrap_err();
        assert!(refused.contains("AWS_SECRET_ACCESS_KEY_FILE") && refused.contains("is empty"));
        std::fs::write(&secret, "hush\n").unwrap();
        assert_eq!(source.read().await.unwrap().access_key_id(), "key");
    }
}
