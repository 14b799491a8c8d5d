//! Opening the house: directory, keys, database, store, policy — in that order, each with a
//! clear word when it cannot be.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::access::{
    Action, AuthConfig, Authenticator, ClaimNames, Gate, JwksSource, JwtConfig, Policy,
    PolicyError, SetupError,
};
use crate::app::{App, LastUpkeep, Parts};
use crate::audit::{Actor, Event, Subject};
use crate::config::Config;
use crate::db::{DatabaseUrl, Db, DbError};
use crate::ids::{ClinicId, EventId, Ids};
use crate::keys::{AppSecrets, KeyError, KeyRing, SecretsError};
use crate::limits::{KeptBytes, RateLimits};
use crate::rendering::Renderer;
use crate::scanning::Scanning;
use crate::sensitive::Secret;
use crate::store::local::{LocalStore, LocalStoreConfig};
use crate::store::s3::S3Store;
use crate::store::{ObjectStore, StoreError};
use crate::time::Clock;

/// How many objects are read whole at once in order to check them.
const WHOLE_READS: usize = 4;
/// How many large objects are looked into at the same time; each holds up to 2 MiB.
const INSPECTIONS: usize = 16;

/// Why the house could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory cannot be used.
    #[error("the data directory {0} cannot be used")]
    Directory(String, #[source] std::io::Error),
    /// The master key cannot be used.
    #[error("the master key cannot be used")]
    Key(#[from] KeyError),
    /// There is sealed data and no key to it.
    #[error(
        "{0} is missing beside the documents and secrets it sealed; put it back from your backup \
         (or set STRONGROOM_MASTER_KEY_FILE). A new key could not open any of them"
    )]
    KeyMissing(String),
    /// The database cannot be opened.
    #[error("the database cannot be opened")]
    Db(#[from] DbError),
    /// The server's own secrets cannot be read.
    #[error(
        "the server's own secrets cannot be opened; is this the master key they were sealed with?"
    )]
    Secrets(#[from] SecretsError),
    /// The store cannot be opened.
    #[error("the object store cannot be opened")]
    Store(#[from] StoreError),
    /// The policy file cannot be used.
    #[error("the policies cannot be used")]
    Policy(#[from] PolicyError),
    /// Tokens cannot be checked with this configuration.
    #[error("tokens cannot be checked with this configuration")]
    Tokens(#[from] SetupError),
    /// A configured URL cannot be read.
    #[error("{0} is no URL")]
    Url(String, #[source] url::ParseError),
}

/// What commands need: records and keys, without the store.
pub struct Opened {
    /// The metadata.
    pub db: Db,
    /// The master keys.
    pub ring: KeyRing,
    /// Whether the master key was made just now.
    pub key_is_new: bool,
    /// Secrets the server made for itself.
    pub secrets: AppSecrets,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// What the operator decided.
    pub config: Config,
    /// The program that draws pictures: this one.
    pub program: PathBuf,
}

/// Opens records and keys.
pub async fn records(config: Config) -> Result<Opened, OpenError> {
    records_with(config, Clock::default(), Ids::Random).await
}

/// The same with a given clock and source of ids.
pub async fn records_with(config: Config, clock: Clock, ids: Ids) -> Result<Opened, OpenError> {
    let dir = &config.data.dir;
    make_private(dir).map_err(|e| OpenError::Directory(dir.display().to_string(), e))?;
    let (ring, key_is_new) = match &config.data.master_key {
        Some(text) => (KeyRing::from_text(text)?, false),
        None => own_ring(dir)?,
    };
    let db = Db::open(&database_url(&config)).await?;
    let secrets = AppSecrets::load_or_create(&db, &ring, &clock).await?;
    let program = Renderer::this_program();
    Ok(Opened { db, ring, key_is_new, secrets, clock, ids, config, program })
}

/// The ring of the data directory; made when there is nothing yet that another one has sealed.
fn own_ring(dir: &Path) -> Result<(KeyRing, bool), OpenError> {
    let path = dir.join("master.key");
    let sealed = ["store/index.sqlite", "strongroom.sqlite"];
    if !path.exists() && sealed.iter().any(|what| dir.join(what).exists()) {
        return Err(OpenError::KeyMissing(path.display().to_string()));
    }
    Ok(KeyRing::load_or_create(&path)?)
}

/// Makes the data directory, for its owner's eyes only.
fn make_private(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Where the database is.
pub fn database_url(config: &Config) -> DatabaseUrl {
    match &config.data.database {
        None => DatabaseUrl::Sqlite(config.data.dir.join("strongroom.sqlite")),
        Some(url) => match url.reveal().strip_prefix("sqlite:") {
            Some(path) => DatabaseUrl::Sqlite(path.trim_start_matches("//").into()),
            None => DatabaseUrl::Postgres(url.clone()),
        },
    }
}

impl Opened {
    /// How tokens are signed and checked.
    pub fn jwt(&self) -> JwtConfig {
        let access = &self.config.access;
        let secret = match &access.jwt_secret {
            Some(text) => Secret::new(text.reveal().clone().into_bytes()),
            None => self.secrets.jwt_secret().clone(),
        };
        let url = access.jwks_url.clone().map(JwksSource::Url);
        JwtConfig {
            secret,
            jwks: url.or_else(|| access.jwks_file.clone().map(JwksSource::File)),
            issuer: access.issuer.clone(),
            audience: access.audience.clone(),
            claims: ClaimNames {
                roles: access.roles_claim.clone(),
                clinic: access.clinic_claim.clone(),
                patients: access.patients_claim.clone(),
            },
        }
    }

    /// Opens the store and the gate too: a server's parts.
    pub async fn into_app(self) -> Result<(App, Option<Arc<LocalStore>>), OpenError> {
        // What opening a store awaits is large, and done once.
        let (store, local) = Box::pin(self.store()).await?;
        let gate = Arc::new(self.gate()?);
        let app = App::new(Parts {
            db: self.db,
            store,
            scanning: Scanning::new(self.config.scanning.clone()),
            secrets: self.secrets,
            gate,
            clock: self.clock,
            ids: self.ids,
            config: self.config,
            whole_reads: tokio::sync::Semaphore::new(WHOLE_READS),
            inspections: Arc::new(tokio::sync::Semaphore::new(INSPECTIONS)),
            renderer: Renderer::new(self.program),
            self_test: Arc::new(tokio::sync::Semaphore::new(1)),
            kept: KeptBytes::default(),
            upkeep: LastUpkeep::default(),
        });
        Ok((app, local))
    }

    /// The store, and once more the local one: it has a wire to serve and files to sweep.
    async fn store(&self) -> Result<(Arc<dyn ObjectStore>, Option<Arc<LocalStore>>), OpenError> {
        let config = &self.config.store;
        if let Some(s3) = &config.s3 {
            return Ok((S3Store::open(config, s3, self.clock.clone()).await?, None));
        }
        let local = LocalStore::open(LocalStoreConfig {
            dir: self.config.data.dir.join("store"),
            bucket: config.bucket.clone(),
            region: config.region.clone(),
            endpoint: self.config.server.public_url.clone(),
            credentials: self.secrets.s3_credentials(),
            ring: self.ring.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        })
        .await?;
        Ok((Arc::<LocalStore>::clone(&local), Some(local)))
    }

    fn gate(&self) -> Result<Gate, OpenError> {
        let parse =
            |text: &String| url::Url::parse(text).map_err(|e| OpenError::Url(text.clone(), e));
        let server = &self.config.server;
        let auth = AuthConfig {
            jwt: self.jwt(),
            public_url: parse(&server.public_url)?,
            allowed_origins: server.allowed_origins.iter().map(parse).collect::<Result<_, _>>()?,
            session_idle: self.config.access.session_idle,
        };
        Ok(Gate {
            authenticator: Authenticator::new(auth, self.db.clone(), self.clock.clone())?,
            policy: Policy::load(self.config.access.policy_file.as_deref())?,
            db: self.db.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            clinic_wide: self.config.access.clinic_wide,
            rates: RateLimits::new(&self.config.limits),
            outbox: tokio::sync::Notify::new(),
        })
    }
}

/// The event for what an operator did at the command line; it goes into the same transaction.
pub fn command_event(
    opened: &Opened,
    action: Action,
    subject: Subject,
    clinic: ClinicId,
    detail: serde_json::Value,
) -> Event {
    let (id, roles) = ("operator".to_owned(), "admin".to_owned());
    let who = (Actor { kind: "command", id, roles, on_behalf_of: None }, Some(clinic));
    let stamp = (EventId::from_uuid(opened.ids.next()), opened.clock.now());
    let origin = (opened.ids.next().simple().to_string(), None);
    let event = Event::granted(stamp, action.as_str(), who, subject, origin);
    Event { detail: Some(detail), ..event }
}
