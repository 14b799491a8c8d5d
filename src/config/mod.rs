//! What the operator decided: one struct per topic, read once at start.
//!
//! Values come from the environment, `.env.local`, `.env`, `strongroom.toml`; each under the names
//! the guides use (variables.rs). Every problem is reported at once. Nothing outside this folder
//! reads the environment.

mod client;
pub mod example;
mod limits;
mod scanning;
mod source;
mod store;
mod uploads;
pub mod variables;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use client::{ClientArgs, ClientConfig};
pub use limits::{LimitsConfig, WebhookConfig};
pub use scanning::{ClamdAddress, ScanConfig, ScannerKind, TooLarge};
pub use source::{Reader, Source, parse_bytes};
pub use store::{CloudFrontConfig, S3Config, S3Keys, StoreConfig};
pub use uploads::{KeyLayout, UploadConfig};

use crate::http::proxies::{Network, TrustedProxies};
use crate::sensitive::Secret;

/// Everything, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Listening, names, certificates.
    pub server: ServerConfig,
    /// Where things are kept.
    pub data: DataConfig,
    /// The object store.
    pub store: StoreConfig,
    /// What may be uploaded.
    pub uploads: UploadConfig,
    /// What looks for malware in it.
    pub scanning: ScanConfig,
    /// Who may call.
    pub access: AccessConfig,
    /// How much may be asked for.
    pub limits: LimitsConfig,
    /// Where webhooks may lead.
    pub webhooks: WebhookConfig,
    /// The log.
    pub log: LogConfig,
}

/// Listening, names, certificates.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How clients reach this server, without a trailing slash.
    pub public_url: String,
    /// Browser origins that may call and upload.
    pub allowed_origins: Vec<String>,
    /// Proxies that are believed about where a call came from.
    pub trusted_proxies: TrustedProxies,
    /// Certificate chain and key, PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
}

/// Where things are kept.
#[derive(Clone, Debug)]
pub struct DataConfig {
    /// The data directory.
    pub dir: PathBuf,
    /// `postgres://…` or `sqlite:…`; none: SQLite in the data directory.
    pub database: Option<Secret<String>>,
    /// The master keys; none: a file in the data directory.
    pub master_key: Option<Secret<String>>,
}

/// Who may call.
#[derive(Clone, Debug)]
pub struct AccessConfig {
    /// Secret of HS256 tokens; none: the one made on first start.
    pub jwt_secret: Option<Secret<String>>,
    /// Key set from a URL.
    pub jwks_url: Option<String>,
    /// Key set from a file.
    pub jwks_file: Option<PathBuf>,
    /// The issuer tokens must name.
    pub issuer: Option<String>,
    /// The audience tokens must name.
    pub audience: Option<String>,
    /// Claim with the roles.
    pub roles_claim: String,
    /// Claim with the clinic.
    pub clinic_claim: String,
    /// Claim with a patient's own ids.
    pub patients_claim: String,
    /// Whether clinicians see every patient of their clinic.
    pub clinic_wide: bool,
    /// The operator's own policies.
    pub policy_file: Option<PathBuf>,
    /// Idle time after which a session ends.
    pub session_idle: Duration,
}

/// The log.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// A `tracing` filter.
    pub filter: String,
    /// JSON lines or text for people; none: by where it goes.
    pub json: Option<bool>,
}

impl Config {
    /// Reads everything; on failure, every problem found.
    pub fn load(source: Source) -> Result<Self, Vec<String>> {
        let mut reader = Reader::new(source);
        let server = server(&mut reader);
        let store = store::store(&mut reader);
        let config = Self {
            data: data(&mut reader),
            scanning: scanning::scanning(&mut reader, store.s3.is_some()),
            store,
            uploads: uploads::uploads(&mut reader),
            access: access(&mut reader),
            limits: limits::limits(&mut reader),
            webhooks: limits::webhooks(&mut reader),
            log: log(&mut reader),
            server,
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(reader.problems) }
    }
}

fn server(r: &mut Reader) -> ServerConfig {
    let listen = r
        .parse("STRONGROOM_LISTEN", "an address and a port, such as 127.0.0.1:8080")
        .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let certificate = r.path("STRONGROOM_TLS_CERTIFICATE");
    let tls = match (certificate, r.path("STRONGROOM_TLS_KEY")) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            r.problem("STRONGROOM_TLS_CERTIFICATE", "and STRONGROOM_TLS_KEY go together; set both");
            None
        }
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let public_url = r.text("STRONGROOM_PUBLIC_URL").unwrap_or_else(|| {
        let host = if listen.ip().is_unspecified() { "127.0.0.1".into() } else { host(&listen) };
        format!("{scheme}://{host}:{}", listen.port())
    });
    let public_url = public_url.trim_end_matches('/').to_owned();
    if origin_of(&public_url).as_deref() != Some(public_url.as_str()) {
        let right = "must be scheme and host only, such as https://files.example.com";
        r.problem("STRONGROOM_PUBLIC_URL", right);
    }
    let (allowed_origins, trusted_proxies) = (origins(r), proxies(r));
    ServerConfig { listen, public_url, allowed_origins, trusted_proxies, tls }
}

fn proxies(r: &mut Reader) -> TrustedProxies {
    let text = r.text("STRONGROOM_TRUSTED_PROXIES").unwrap_or_default();
    let mut networks = Vec::new();
    for item in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        match item.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(()) => r.problem(
                "STRONGROOM_TRUSTED_PROXIES",
                &format!("{item:?} is no address or network; expected 10.0.0.5 or 10.0.0.0/8"),
            ),
        }
    }
    TrustedProxies::new(&networks)
}

fn host(listen: &SocketAddr) -> String {
    match listen {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

fn origins(r: &mut Reader) -> Vec<String> {
    let text = r.text("STRONGROOM_ALLOWED_ORIGINS").unwrap_or_default();
    let mut origins = Vec::new();
    for item in text.split(',').map(str::trim).filter(|s| !s.is_empty()) {
        match origin_of(item) {
            Some(origin) if origin == item.trim_end_matches('/') => origins.push(origin),
            _ => r.problem(
                "STRONGROOM_ALLOWED_ORIGINS",
                &format!("{item:?} is not an origin; expected https://app.example.com, no *"),
            ),
        }
    }
    origins
}

/// `scheme://host[:port]` of a URL of http or https.
pub fn origin_of(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

fn data(r: &mut Reader) -> DataConfig {
    let database = r.secret("DATABASE_URL");
    if let Some(url) = &database {
        let known = ["postgres://", "postgresql://", "sqlite:"];
        if !known.iter().any(|k| url.reveal().starts_with(k)) {
            r.problem("DATABASE_URL", "expected postgres://user@host/name or sqlite:path");
        }
    }
    DataConfig {
        dir: r.path("STRONGROOM_DATA_DIR").unwrap_or_else(|| "./data".into()),
        database,
        master_key: r.secret("STRONGROOM_MASTER_KEY"),
    }
}

fn access(r: &mut Reader) -> AccessConfig {
    let jwt_secret = r.secret("STRONGROOM_JWT_SECRET");
    if jwt_secret.as_ref().is_some_and(|s| s.reveal().len() < 32) {
        // RFC 7518 section 3.2: a key of the hash's size or larger.
        r.problem("STRONGROOM_JWT_SECRET", "must have at least 32 characters for HS256");
    }
    let clinic_wide = match r.text("STRONGROOM_CARE_TEAM").as_deref() {
        None | Some("team") => false,
        Some("clinic") => true,
        Some(_) => {
            r.problem("STRONGROOM_CARE_TEAM", "expected team or clinic");
            false
        }
    };
    let idle = r.parse("STRONGROOM_SESSION_IDLE", "seconds").unwrap_or(900);
    if idle == 0 {
        r.problem("STRONGROOM_SESSION_IDLE", "expected 1 second or more: 0 would let nobody in");
    }
    let (jwks_url, jwks_file) =
        (r.text("STRONGROOM_JWT_JWKS_URL"), r.path("STRONGROOM_JWT_JWKS_FILE"));
    if jwks_url.is_some() && jwks_file.is_some() {
        let text = "and STRONGROOM_JWT_JWKS_URL exclude each other; set one of them";
        r.problem("STRONGROOM_JWT_JWKS_FILE", text);
    }
    AccessConfig {
        jwt_secret,
        jwks_url,
        jwks_file,
        issuer: r.text("STRONGROOM_JWT_ISSUER"),
        audience: r.text("STRONGROOM_JWT_AUDIENCE"),
        roles_claim: r.text("STRONGROOM_JWT_ROLES_CLAIM").unwrap_or_else(|| "roles".into()),
        clinic_claim: r.text("STRONGROOM_JWT_CLINIC_CLAIM").unwrap_or_else(|| "clinic_id".into()),
        patients_claim: r
            .text("STRONGROOM_JWT_PATIENTS_CLAIM")
            .unwrap_or_else(|| "patient_ids".into()),
        clinic_wide,
        policy_file: r.path("STRONGROOM_POLICY_FILE"),
        session_idle: Duration::from_secs(idle),
    }
}

fn log(r: &mut Reader) -> LogConfig {
    let json = match r.text("STRONGROOM_LOG_FORMAT").as_deref() {
        None => None,
        Some("json") => Some(true),
        Some("pretty") => Some(false),
        Some(_) => {
            r.problem("STRONGROOM_LOG_FORMAT", "expected pretty or json");
            None
        }
    };
    LogConfig { filter: r.text("STRONGROOM_LOG").unwrap_or_else(|| "info".into()), json }
}

#[cfg(test)]
mod tests;
