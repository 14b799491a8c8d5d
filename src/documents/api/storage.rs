//! `/api/v2/aws/s3`: guide 001's door.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Call, Target, TargetKind};
use crate::app::App;
use crate::config::S3Keys;
use crate::http::{ApiError, ApiJson, ApiQuery};
use crate::store::{Abilities, Finding, StoreError};

/// What is configured and whether it works; nothing secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StorageConfig {
    /// `local` or `s3`.
    provider: &'static str,
    /// The bucket.
    bucket: String,
    /// Its region.
    region: String,
    /// The address of an S3-compatible store; absent: AWS, or the local store.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// The folder that all object keys stand under.
    folder_prefix: String,
    /// Where access keys come from: `given`, `files` or `chain`; absent for the local store.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<&'static str>,
    /// How objects are encrypted at rest: `sealed`, `aws:kms` or `bucket-default`.
    encryption: &'static str,
    /// The CloudFront distribution that downloads go through.
    #[serde(skip_serializing_if = "Option::is_none")]
    cloudfront: Option<String>,
    /// Whether uploads are switched on.
    uploads_enabled: bool,
    /// Whether the store can be used now.
    usable: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What the store was seen to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    abilities: Option<AbilitiesJson>,
    /// Seconds a presigned URL lives.
    presign_expires: u64,
    /// Seconds a presigned URL may live at most.
    presign_max_expires: u64,
    /// Largest file of one request and of an upload in parts, in bytes.
    limits: Limits,
    /// With `examine=true`: each ability, tried now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    findings: Option<Vec<Finding>>,
}

/// What the store was seen to do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "they are facts, independent of each other")]
pub struct AbilitiesJson {
    /// Every write makes a version of its own.
    versions: bool,
    /// A conditional write is refused where the key exists.
    create_only: bool,
    /// An upload that differs from its SHA-256 is refused.
    sha256: bool,
    /// Forms are taken, and their policy is kept.
    forms: bool,
    /// Objects may come to lie in an archive.
    archives: bool,
    /// Whether confirming moves an upload out of reach of its URL, for lack of the first two.
    moves_uploads: bool,
}

impl From<Abilities> for AbilitiesJson {
    fn from(a: Abilities) -> Self {
        Self {
            versions: a.versions,
            create_only: a.create_only,
            sha256: a.sha256,
            forms: a.forms,
            archives: a.archives,
            moves_uploads: a.can_be_reused(crate::store::UploadMethod::Put),
        }
    }
}

/// Largest files, in bytes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// An image in one request.
    image: u64,
    /// A document in one request.
    document: u64,
    /// A DICOM file in one request.
    medical: u64,
    /// Any file in parts.
    multipart: u64,
}

/// Whether to look closely.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConfigQuery {
    /// `true` tries each ability of the store now, which takes seconds.
    #[serde(default)]
    examine: bool,
}

/// What is configured, and whether it works.
#[utoipa::path(get, path = "/api/v2/aws/s3/config",
    operation_id = "storageConfig", tag = "storage",
    params(ConfigQuery),
    responses((status = 200, body = StorageConfig)))]
pub async fn config(
    State(app): State<App>,
    call: Call,
    ApiQuery(query): ApiQuery<ConfigQuery>,
) -> Result<ApiJson<StorageConfig>, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::System, call.clinic())).await?;
    grant.begin().await?.commit(None).await?;
    let findings = if query.examine { Some(app.store.findings().await) } else { None };
    Ok(ApiJson(describe(&app, findings)))
}

fn describe(app: &App, findings: Option<Vec<Finding>>) -> StorageConfig {
    let (store, uploads) = (&app.config.store, &app.config.uploads);
    let s3 = store.s3.as_ref();
    let known = app.store.abilities();
    StorageConfig {
        provider: app.store.provider(),
        bucket: store.bucket.clone(),
        region: store.region.clone(),
        endpoint: s3.and_then(|s3| s3.endpoint.clone()),
        folder_prefix: store.folder_prefix.clone(),
        keys: s3.map(|s3| match s3.keys {
            S3Keys::Given { .. } => "given",
            S3Keys::Files { .. } => "files",
            S3Keys::Chain => "chain",
        }),
        encryption: match s3 {
            None => "sealed",
            Some(s3) if s3.kms_key.is_some() => "aws:kms",
            Some(_) => "bucket-default",
        },
        cloudfront: s3.and_then(|s3| s3.cloudfront.as_ref()).map(|c| c.url.clone()),
        uploads_enabled: store.uploads_enabled,
        usable: known.is_ok(),
        reason: known.as_ref().err().map(StoreError::to_string),
        abilities: known.ok().map(AbilitiesJson::from),
        presign_expires: uploads.presign_expires.as_secs(),
        presign_max_expires: uploads.presign_max_expires.as_secs(),
        limits: Limits {
            image: uploads.max_image,
            document: uploads.max_document,
            medical: uploads.max_medical,
            multipart: uploads.max_upload,
        },
        findings,
    }
}
