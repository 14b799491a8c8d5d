//! Every variable Strongroom reads: its other names, its default, what it is for.
//!
//! `config example` prints this table, `config check` knows no other names, docs/configure.md
//! is made from it.

/// One variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its own name.
    pub name: &'static str,
    /// Names the guides use for the same thing.
    pub aliases: &'static [&'static str],
    /// What holds when it is not set, for people to read.
    pub default: &'static str,
    /// Whether it is secret: then `…_FILE` may name a file that holds it.
    pub secret: bool,
    /// What it is for.
    pub about: &'static str,
}

const fn var(name: &'static str, default: &'static str, about: &'static str) -> Variable {
    Variable { name, aliases: &[], default, secret: false, about }
}

const fn secret(name: &'static str, default: &'static str, about: &'static str) -> Variable {
    Variable { name, aliases: &[], default, secret: true, about }
}

const fn named(mut v: Variable, aliases: &'static [&'static str]) -> Variable {
    v.aliases = aliases;
    v
}

/// A heading and the variables under it.
pub type Topic = (&'static str, &'static [Variable]);

/// Every topic, in the order `config example` prints them.
pub const TOPICS: &[Topic] = &[
    ("Server", SERVER),
    ("Data", DATA),
    ("Object store", STORE),
    ("Uploads", UPLOADS),
    ("Malware scanning", SCANNING),
    ("Who may call", ACCESS),
    ("Limits", LIMITS),
    ("Webhooks", WEBHOOKS),
    ("Log", LOG),
    ("Commands that speak to a server", CLIENT),
];

/// Every variable.
pub fn all() -> impl Iterator<Item = &'static Variable> {
    TOPICS.iter().flat_map(|(_, variables)| variables.iter())
}

const SERVER: &[Variable] = &[
    var("STRONGROOM_LISTEN", "127.0.0.1:8080", "Address and port to listen on."),
    var(
        "STRONGROOM_PUBLIC_URL",
        "http://<listen>",
        "How clients reach this server; presigned URLs of the local store begin with it.",
    ),
    var(
        "STRONGROOM_ALLOWED_ORIGINS",
        "none",
        "Browser origins that may upload and call, comma separated, exact \
         (https://app.example.com).",
    ),
    var(
        "STRONGROOM_TRUSTED_PROXIES",
        "none",
        "Addresses and networks (10.0.0.0/8) of proxies in front, comma separated: what they add \
         to X-Forwarded-For says where a call came from. Nobody else is believed.",
    ),
    var("STRONGROOM_TLS_CERTIFICATE", "none", "PEM file with the certificate chain."),
    var("STRONGROOM_TLS_KEY", "none", "PEM file with the certificate's key."),
];

const DATA: &[Variable] = &[
    var("STRONGROOM_DATA_DIR", "./data", "Where database, sealed objects and master key live."),
    secret(
        "DATABASE_URL",
        "SQLite in the data directory",
        "postgres://user@host/name, or sqlite:path.",
    ),
    secret(
        "STRONGROOM_MASTER_KEY",
        "master.key in the data directory, made on first start",
        "32 bytes as base64 or hex; several comma separated, the first is current.",
    ),
];

const STORE: &[Variable] = &[
    var(
        "STORAGE_PROVIDER",
        "s3 when a bucket is named, else local",
        "local: sealed files in the data directory; s3 (or aws-s3): an S3 bucket.",
    ),
    named(
        var("AWS_S3_DOCUMENTS_BUCKET_NAME", "strongroom (local)", "The bucket."),
        &["AWS_S3_BUCKET_NAME", "S3_BUCKET_NAME", "S3_BUCKET", "AWS_S3_BUCKET"],
    ),
    named(var("AWS_REGION", "us-east-1 (local); S3 needs one", "The region."), &["S3_REGION"]),
    var("AWS_S3_FOLDER_PREFIX", "none", "Folder all object keys stand under."),
    named(
        secret("AWS_ACCESS_KEY_ID", "the SDK's own chain", "Access key for S3."),
        &["S3_ACCESS_KEY"],
    ),
    named(
        secret("AWS_SECRET_ACCESS_KEY", "the SDK's own chain", "Secret key for S3."),
        &["S3_SECRET_KEY"],
    ),
    secret("AWS_SESSION_TOKEN", "none", "Goes with temporary keys."),
    var("S3_ENDPOINT", "AWS", "Address of an S3-compatible store, such as https://s3.example.com."),
    var(
        "S3_FORCE_PATH_STYLE",
        "true with S3_ENDPOINT, else false",
        "Bucket in the path instead of the host name.",
    ),
    var(
        "S3_USE_ACCELERATE",
        "false",
        "Presigned requests go to S3 Transfer Acceleration (it must be on for the bucket).",
    ),
    var("AWS_KMS_KEY_ID", "the bucket's default", "Key for SSE-KMS, its full ARN."),
    var(
        "AWS_CLOUDFRONT_URL",
        "none",
        "CloudFront distribution that downloads go through; uploads stay on S3.",
    ),
    var("AWS_CLOUDFRONT_KEY_PAIR_ID", "none", "Id of the key that signs CloudFront URLs."),
    secret("AWS_CLOUDFRONT_PRIVATE_KEY", "none", "The key that signs CloudFront URLs, PEM."),
    var(
        "NEXT_PUBLIC_ENABLE_AWS_S3_STORAGE",
        "true",
        "false switches uploads off: they answer 503.",
    ),
];

const UPLOADS: &[Variable] = &[
    var("STRONGROOM_PRESIGN_EXPIRES", "900", "Life of a presigned URL in seconds."),
    var(
        "STRONGROOM_PRESIGN_MAX_EXPIRES",
        "900",
        "Longest life that may be asked for, in seconds; at most 3600.",
    ),
    var("STRONGROOM_MAX_IMAGE", "10MB", "Largest image in one request."),
    var("STRONGROOM_MAX_DOCUMENT", "25MB", "Largest PDF, Office, text or CSV file."),
    var("STRONGROOM_MAX_MEDICAL", "50MB", "Largest DICOM file in one request."),
    var(
        "STRONGROOM_MAX_UPLOAD",
        "5GB",
        "Largest file that may come in parts (multipart); at most 5GiB.",
    ),
    var(
        "STRONGROOM_MAX_BY_CATEGORY",
        "none",
        "Smaller limits for some categories: insurance=5MB,invoices=5MB.",
    ),
    var("STRONGROOM_KEY_LAYOUT", "by-month", "by-month, by-category, category-first or flat."),
    var(
        "STRONGROOM_TRASH_DAYS",
        "30",
        "Days a deleted document stays in the trash; then upkeep purges it.",
    ),
    var(
        "STRONGROOM_TEMPORARY_DAYS",
        "7",
        "Days after which upkeep purges a document that was uploaded as temporary.",
    ),
    var(
        "STRONGROOM_HELD_CATEGORIES",
        "none",
        "Categories whose documents a patient sees only after release, comma separated: \
         lab-results,imaging.",
    ),
    var(
        "STRONGROOM_SEALED_UPLOADS",
        "false",
        "true takes files that were sealed with age before they came. Nothing can look into them: \
         no check of the content, no preview, and a malware scanner sees only ciphertext.",
    ),
    var(
        "STRONGROOM_BODY_TIMEOUT",
        "30",
        "Seconds within which at least 8 KiB of an upload through the server must come.",
    ),
];

const SCANNING: &[Variable] = &[
    var(
        "STRONGROOM_SCANNER",
        "off",
        "off, clamd, or guardduty (the verdict that GuardDuty leaves in a tag of S3).",
    ),
    var("CLAMD_ADDRESS", "none", "Where clamd listens: host:port, or unix:/run/clamav/clamd.ctl."),
    var("STRONGROOM_SCAN_CONNECT_TIMEOUT", "5", "Seconds to wait for a connection to clamd."),
    var(
        "STRONGROOM_SCAN_TIMEOUT",
        "120",
        "Seconds clamd may take to accept a piece of a file, or for its verdict.",
    ),
    var(
        "STRONGROOM_SCAN_MAX_SIZE",
        "100MB",
        "Largest file sent to clamd; its StreamMaxLength, MaxFileSize and MaxScanSize must be \
         at least that.",
    ),
    var(
        "STRONGROOM_SCAN_TOO_LARGE",
        "quarantine",
        "What becomes of larger files: quarantine, or pass (served without a scan).",
    ),
    var("STRONGROOM_SCAN_CONNECTIONS", "4", "Files scanned at once; below clamd's MaxThreads."),
];

const ACCESS: &[Variable] = &[
    secret("STRONGROOM_JWT_SECRET", "made on first start", "Secret of HS256 tokens."),
    var("STRONGROOM_JWT_JWKS_URL", "none", "Key set (JWKS) of RS256 and ES256 tokens."),
    var("STRONGROOM_JWT_JWKS_FILE", "none", "The same from a file."),
    var("STRONGROOM_JWT_ISSUER", "not checked", "The issuer tokens must name."),
    var("STRONGROOM_JWT_AUDIENCE", "not checked", "The audience tokens must name."),
    var("STRONGROOM_JWT_ROLES_CLAIM", "roles", "Claim with the roles."),
    var("STRONGROOM_JWT_CLINIC_CLAIM", "clinic_id", "Claim with the clinic."),
    var("STRONGROOM_JWT_PATIENTS_CLAIM", "patient_ids", "Claim with a patient's own ids."),
    var(
        "STRONGROOM_CARE_TEAM",
        "team",
        "team: clinicians see the patients whose care team holds them; clinic: every patient.",
    ),
    var("STRONGROOM_POLICY_FILE", "built in", "Cedar policies instead of the built-in ones."),
    var("STRONGROOM_SESSION_IDLE", "900", "Seconds after which an idle session ends."),
];

const LIMITS: &[Variable] = &[
    var(
        "STRONGROOM_RATE_PER_CALLER",
        "12000",
        "Calls a minute of one user or API key, and of one person a service acts for; 0: no limit.",
    ),
    var("STRONGROOM_RATE_PER_CLINIC", "60000", "Calls a minute of one clinic; 0: no limit."),
    var(
        "STRONGROOM_RATE_PER_ADDRESS",
        "1200",
        "Calls a minute without a valid credential, and sign-ins, from one address; 0: no limit. \
         Behind a proxy all come from one, unless it is among STRONGROOM_TRUSTED_PROXIES.",
    ),
    var(
        "STRONGROOM_MAX_OPEN_UPLOADS",
        "1000",
        "Uploads one user or API key, and one person a service acts for, may have begun and not \
         completed; 0: no limit.",
    ),
    var("STRONGROOM_MAX_OPEN_UPLOADS_PER_CLINIC", "10000", "The same of one clinic."),
    var(
        "STRONGROOM_QUOTA_DAILY_PER_CALLER",
        "0 (no limit)",
        "Bytes one user or API key, and one person a service acts for, may announce for upload in \
         a day (UTC), such as 20GB.",
    ),
    var("STRONGROOM_QUOTA_DAILY_PER_CLINIC", "0 (no limit)", "The same of one clinic."),
    var(
        "STRONGROOM_QUOTA_PER_CLINIC",
        "0 (no limit)",
        "Bytes one clinic may keep, the trash and what is being uploaded included.",
    ),
];

const WEBHOOKS: &[Variable] = &[var(
    "STRONGROOM_WEBHOOK_ALLOW_PRIVATE",
    "false",
    "true: webhooks may lead to private and loopback addresses, and to plain http.",
)];

const LOG: &[Variable] = &[
    var("STRONGROOM_LOG", "info", "Level, or a filter such as info,strongroom::store=debug."),
    var("STRONGROOM_LOG_FORMAT", "pretty on a terminal, else json", "pretty or json."),
];

const CLIENT: &[Variable] = &[
    var(
        "STRONGROOM_URL",
        "the public URL",
        "The server that `put` and `get` speak to; `--server` comes first.",
    ),
    secret(
        "STRONGROOM_TOKEN",
        "none",
        "Their credential: a token (JWT) or an API key; `--token-file` comes first.",
    ),
    var(
        "STRONGROOM_STATE_DIR",
        "$XDG_STATE_HOME/strongroom, else ~/.local/state/strongroom",
        "Where `put` remembers uploads that were cut off; no credential and no URL lies there.",
    ),
];
