//! A version of an object between its row and its bytes: what its data key is bound to, and the
//! headers and metadata that are sealed beside it.

use std::collections::BTreeMap;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::blocks::Segment;
use super::checksum::Checksums;
use super::rows::VersionRow;
use crate::keys::{DataKey, KEY_LEN, KeyRing, derive};
use crate::store::{ObjectInfo, StoreError};

/// Headers and metadata a client gave with an object; sealed, they may hold names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// `Cache-Control`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    /// `Expires`, seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// `x-amz-meta-…` without the prefix.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

fn attributes_key(key: &DataKey, owner: &str) -> Result<LessSafeKey, StoreError> {
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    derive(key.bytes(), &[b"strongroom attributes", owner.as_bytes()], bytes.as_mut())?;
    let key = UnboundKey::new(&AES_256_GCM, bytes.as_ref()).map_err(StoreError::unavailable)?;
    Ok(LessSafeKey::new(key))
}

/// A key derived for one owner (a version id or an upload id) seals once, so the nonce is fixed.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

impl Attributes {
    /// Seals the attributes for a version or an upload; none where there is nothing to seal.
    pub fn seal(&self, key: &DataKey, owner: &str) -> Result<Option<Vec<u8>>, StoreError> {
        if *self == Self::default() {
            return Ok(None);
        }
        let mut sealed = serde_json::to_vec(self).map_err(StoreError::unavailable)?;
        attributes_key(key, owner)?
            .seal_in_place_append_tag(only_nonce(), Aad::empty(), &mut sealed)
            .map_err(StoreError::unavailable)?;
        Ok(Some(sealed))
    }

    /// Opens what [`Self::seal`] made.
    pub fn open(sealed: Option<&[u8]>, key: &DataKey, owner: &str) -> Result<Self, StoreError> {
        let Some(sealed) = sealed else { return Ok(Self::default()) };
        let mut sealed = sealed.to_vec();
        let plain = attributes_key(key, owner)?
            .open_in_place(only_nonce(), Aad::empty(), &mut sealed)
            .map_err(|_| StoreError::Damaged)?;
        serde_json::from_slice(plain).map_err(|_| StoreError::Damaged)
    }
}

/// What a version's data key is bound to: everything of its row that says which bytes it is.
fn manifest(row: &VersionRow, segments: &[Segment]) -> Vec<u8> {
    let mut hash = Context::new(&SHA256);
    let sha256 = row.sha256.as_deref().unwrap_or_default();
    let content_type = row.content_type.as_deref().unwrap_or_default();
    let texts = [&row.key, &row.version_id, &row.etag, content_type];
    hash.update(b"strongroom version");
    for part in texts.map(str::as_bytes).into_iter().chain([sha256]) {
        hash.update(&(part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(&row.size.to_be_bytes());
    for segment in segments {
        hash.update(segment.file_id.as_bytes());
        hash.update(&segment.size.to_be_bytes());
    }
    hash.finish().as_ref().to_vec()
}

/// What an upload's data key is bound to.
pub fn upload_manifest(upload_id: &str, key: &str) -> Vec<u8> {
    format!("strongroom upload\0{upload_id}\0{key}").into_bytes()
}

impl VersionRow {
    /// Wraps the data key, bound to this row as it is now.
    pub fn bind_key(
        &mut self,
        ring: &KeyRing,
        key: &DataKey,
        segments: &[Segment],
    ) -> Result<(), StoreError> {
        self.wrapped_key = Some(ring.wrap(key, &manifest(self, segments))?);
        Ok(())
    }
}

/// A version that was found, its key unwrapped.
#[derive(Debug)]
pub struct Found {
    /// Its row; never a delete marker.
    pub row: VersionRow,
    /// Its files in order.
    pub segments: Vec<Segment>,
    /// Its key.
    pub data_key: DataKey,
}

impl Found {
    /// Unwraps the key of a version.
    pub fn open(
        row: VersionRow,
        segments: Vec<Segment>,
        ring: &KeyRing,
    ) -> Result<Self, StoreError> {
        let wrapped = row.wrapped_key.as_deref().ok_or(StoreError::Damaged)?;
        let data_key = ring.unwrap(wrapped, &manifest(&row, &segments))?;
        Ok(Self { row, segments, data_key })
    }

    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.row.size.cast_unsigned()
    }

    /// The headers and metadata it was stored with.
    pub fn attributes(&self) -> Result<Attributes, StoreError> {
        Attributes::open(self.row.attributes.as_deref(), &self.data_key, &self.row.version_id)
    }

    /// What the trait tells of it.
    pub fn info(&self) -> ObjectInfo {
        info(&self.row)
    }

    /// Kept checksums, SHA-256 of the whole among them where known.
    pub fn checksums(&self) -> Checksums {
        checksums(&self.row)
    }
}

/// What the trait tells of a version.
pub fn info(row: &VersionRow) -> ObjectInfo {
    ObjectInfo {
        version_id: Some(row.version_id.clone()),
        size: row.size.cast_unsigned(),
        etag: row.etag.clone(),
        content_type: row.content_type.clone(),
        sha256: row.sha256.as_deref().and_then(|h| h.try_into().ok()),
        modified: row.modified,
        storage_class: None,
        archive: None,
    }
}

/// The kept checksums of a version.
pub fn checksums(row: &VersionRow) -> Checksums {
    use base64::Engine;
    let kept = row.checksums.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let mut kept: Checksums = kept.unwrap_or_default();
    if let Some(sha256) = &row.sha256 {
        let text = base64::engine::general_purpose::STANDARD.encode(sha256);
        kept.insert(super::checksum::Algorithm::Sha256, text);
    }
    kept
}
