//! A document as JSON, the same behind every door.

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Call, Role};
use crate::documents::Document;
use crate::sensitive::Phi;
use crate::time::Timestamp;

/// A document.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Document)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct DocumentJson {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The patient; absent for a general document.
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<String>,
    /// The clinic.
    #[schema(format = "uuid")]
    clinic_id: String,
    /// `pending`, `scanning`, `available`, `quarantined`, `deleted`, `purged`, `abandoned` or
    /// `refused`.
    state: &'static str,
    /// Why it is in that state, where that needs saying.
    #[serde(skip_serializing_if = "Option::is_none")]
    state_reason: Option<String>,
    /// Its category.
    category: &'static str,
    /// The name the uploader gave it.
    filename: String,
    /// Its media type.
    content_type: String,
    /// Its size in bytes.
    size: u64,
    /// Whether `size` is only the most it may be: before it is confirmed, where nobody knew.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    size_is_limit: bool,
    /// SHA-256 of its bytes, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// `local` or `s3`.
    storage_provider: String,
    /// The bucket.
    bucket: String,
    /// Its object key.
    key: String,
    /// The version of the object that was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<String>,
    /// The object's entity tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// What else it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_type: Option<String>,
    /// The id of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_id: Option<String>,
    /// Whether it may be cleaned up on its own.
    temporary: bool,
    /// Whether the patient may see it.
    released: bool,
    /// `held` (not yet), `released` or `withdrawn`.
    release: &'static str,
    /// Whether it is under legal hold: then it is not purged and its record not edited.
    on_hold: bool,
    /// Why, to admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    hold_reason: Option<String>,
    /// Since when, to admins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    held_since: Option<Timestamp>,
    /// Before this it is not purged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    retain_until: Option<Timestamp>,
    /// The document it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<String>,
    /// The available document that replaces it.
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<String>,
    /// Who uploaded it.
    uploaded_by: String,
    /// When the upload was allowed.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = "date-time")]
    updated_at: Timestamp,
    /// When its bytes were confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    confirmed_at: Option<Timestamp>,
    /// When it went to the trash.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    deleted_at: Option<Timestamp>,
    /// What the scanner said: `clean`, `unscannable`, or `infected`; to admins the name of what was
    /// found instead of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    scan_verdict: Option<String>,
    /// When it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    scanned_at: Option<Timestamp>,
    /// When its bytes were destroyed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    purged_at: Option<Timestamp>,
}

/// What a caller is told beyond the document itself. Of what a scanner found: to whoever made the
/// file its name would say what to change, so that is for admins, and for auditors in the trail.
/// Of a legal hold: why, to those who decide about holds. Everything that shows a document has to
/// say who sees it.
#[derive(Clone, Copy)]
pub struct Sight {
    names: bool,
    holds: bool,
}

impl Sight {
    /// Of this caller.
    pub fn of(call: &Call) -> Self {
        let roles = call.caller.effective_roles();
        let holds = roles.contains(&Role::Admin);
        Self { names: holds || roles.contains(&Role::Auditor), holds }
    }

    /// A verdict as they see it.
    pub fn verdict(self, verdict: String) -> String {
        let told = self.names || matches!(verdict.as_str(), "clean" | "unscannable" | "waits");
        if told { verdict } else { "infected".into() }
    }

    /// The detail of an event as they see it.
    pub fn detail(self, detail: String) -> String {
        let Ok(mut facts) = serde_json::from_str::<serde_json::Value>(&detail) else {
            return detail;
        };
        let Some(scan) = facts.get_mut("scan") else { return detail };
        let Some(verdict) = scan.as_str() else { return detail };
        *scan = self.verdict(verdict.to_owned()).into();
        facts.to_string()
    }
}

impl DocumentJson {
    /// As this caller sees it.
    pub fn seen_by(call: &Call, document: Document) -> Self {
        Self::seen(Sight::of(call), document)
    }

    /// As it is seen so.
    pub fn seen(sight: Sight, d: Document) -> Self {
        Self {
            id: d.id.to_string(),
            patient_id: d.patient_id.map(|p| p.as_str().to_owned()),
            clinic_id: d.clinic_id.to_string(),
            state: d.state.as_str(),
            state_reason: d.state_reason,
            category: d.category.as_str(),
            filename: d.file_name.into_revealed(),
            content_type: d.content_type,
            size: d.byte_size,
            size_is_limit: d.size_is_limit,
            sha256: d.sha256_hex,
            storage_provider: d.storage_provider,
            bucket: d.bucket,
            key: d.object_key,
            version_id: d.version_id,
            etag: d.etag,
            entity_type: d.entity_type,
            entity_id: d.entity_id,
            temporary: d.temporary,
            released: d.release.shows(),
            release: d.release.as_str(),
            on_hold: d.hold_reason.is_some(),
            hold_reason: d.hold_reason.filter(|_| sight.holds).map(Phi::into_revealed),
            held_since: d.held_at.filter(|_| sight.holds),
            retain_until: d.retain_until,
            supersedes: d.supersedes.map(|id| id.to_string()),
            superseded_by: d.superseded_by.map(|id| id.to_string()),
            uploaded_by: d.owner_user_id.as_str().to_owned(),
            created_at: d.created_at,
            updated_at: d.updated_at,
            confirmed_at: d.confirmed_at,
            deleted_at: d.deleted_at,
            scan_verdict: d.scan_verdict.map(|verdict| sight.verdict(verdict)),
            scanned_at: d.scanned_at,
            purged_at: d.purged_at,
        }
    }
}
