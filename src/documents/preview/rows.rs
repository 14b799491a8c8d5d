//! The SQL of previews that are kept.

use sqlx::FromRow;

use crate::db::{Connection, DbError, Tx, execute, fetch_all, fetch_optional};
use crate::documents::Document;
use crate::ids::{ClinicId, DocumentId};
use crate::time::Timestamp;

/// A document of a clinic.
type Of = (ClinicId, DocumentId);

/// A preview that is kept, or why there is none.
#[derive(Debug, FromRow)]
pub struct Kept {
    /// `local` or `s3`.
    pub storage_provider: String,
    /// The bucket.
    pub bucket: String,
    /// Where its bytes are.
    pub object_key: Option<String>,
    /// Which version they are.
    pub version_id: Option<String>,
    /// How many they are.
    pub byte_size: i64,
    /// SHA-256 of them.
    pub sha256_hex: Option<String>,
    /// What goes with them, as JSON.
    pub facts: String,
    /// Why there is none.
    pub unfit: Option<String>,
}

/// What is to be kept.
#[derive(Debug)]
pub struct NewPreview {
    of: Of,
    variant: String,
    maker: i64,
    storage_provider: String,
    bucket: String,
    made_at: Timestamp,
    /// Where its bytes are.
    pub object_key: Option<String>,
    /// Which version they are.
    pub version_id: Option<String>,
    /// How many they are.
    pub byte_size: i64,
    /// SHA-256 of them.
    pub sha256_hex: Option<String>,
    /// What goes with them, as JSON.
    pub facts: String,
    /// Why there is none.
    pub unfit: Option<&'static str>,
}

impl NewPreview {
    /// Of a document, nothing known of it yet.
    pub fn of(
        document: &Document,
        (variant, maker): (&str, i64),
        (provider, bucket): (&str, &str),
        made_at: Timestamp,
    ) -> Self {
        Self {
            of: (document.clinic_id, document.id),
            variant: variant.to_owned(),
            maker,
            storage_provider: provider.to_owned(),
            bucket: bucket.to_owned(),
            made_at,
            object_key: None,
            version_id: None,
            byte_size: 0,
            sha256_hex: None,
            facts: String::new(),
            unfit: None,
        }
    }
}

/// What is kept of a document under this name, made by this maker.
pub async fn find(
    mut conn: &mut impl Connection,
    of: Of,
    variant: &str,
    maker: i64,
) -> Result<Option<Kept>, DbError> {
    fetch_optional!(
        conn,
        Kept,
        "select storage_provider, bucket, object_key, version_id, byte_size, sha256_hex, facts, \
         unfit from document_previews where clinic_id = $1 and document_id = $2 \
         and variant = $3 and maker = $4",
        of.0,
        of.1,
        variant,
        maker
    )
}

/// Holds a document as it is until the transaction ends; false where it is not available.
pub async fn hold_available(tx: &mut Tx, of: Of) -> Result<bool, DbError> {
    let held = execute!(
        *tx,
        "update document_assets set etag = etag \
         where clinic_id = $1 and id = $2 and state = 'available'",
        of.0,
        of.1,
    )?;
    Ok(held == 1)
}

/// The object of what is to be replaced.
pub async fn object_of(tx: &mut Tx, new: &NewPreview) -> Result<Option<String>, DbError> {
    let found = fetch_optional!(
        *tx,
        (Option<String>,),
        "select object_key from document_previews where clinic_id = $1 and document_id = $2 \
         and variant = $3 and bucket = $4",
        new.of.0,
        new.of.1,
        &new.variant,
        &new.bucket
    )?;
    Ok(found.and_then(|(key,)| key))
}

/// Keeps a preview in the place of the one before.
pub async fn put(tx: &mut Tx, new: &NewPreview) -> Result<(), DbError> {
    execute!(
        *tx,
        "insert into document_previews (clinic_id, document_id, variant, maker, \
         storage_provider, bucket, object_key, version_id, byte_size, sha256_hex, facts, unfit, \
         made_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         on conflict (document_id, variant) do update set maker = excluded.maker, \
         storage_provider = excluded.storage_provider, bucket = excluded.bucket, \
         object_key = excluded.object_key, version_id = excluded.version_id, \
         byte_size = excluded.byte_size, sha256_hex = excluded.sha256_hex, \
         facts = excluded.facts, unfit = excluded.unfit, made_at = excluded.made_at",
        new.of.0,
        new.of.1,
        &new.variant,
        new.maker,
        &new.storage_provider,
        &new.bucket,
        &new.object_key,
        &new.version_id,
        new.byte_size,
        &new.sha256_hex,
        &new.facts,
        &new.unfit.map(str::to_owned),
        new.made_at,
    )?;
    Ok(())
}

/// The objects of every preview of a document that lie in a bucket.
pub async fn objects(
    mut conn: &mut impl Connection,
    of: Of,
    bucket: &str,
) -> Result<Vec<String>, DbError> {
    let found = fetch_all!(
        conn,
        (String,),
        "select object_key from document_previews where clinic_id = $1 and document_id = $2 \
         and bucket = $3 and object_key is not null",
        of.0,
        of.1,
        bucket
    )?;
    Ok(found.into_iter().map(|(key,)| key).collect())
}

/// Forgets every preview of a document.
pub async fn forget(mut tx: &mut impl Connection, of: Of) -> Result<(), DbError> {
    execute!(
        tx,
        "delete from document_previews where clinic_id = $1 and document_id = $2",
        of.0,
        of.1,
    )?;
    Ok(())
}
