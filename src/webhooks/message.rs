//! What is sent: the body, and the headers that prove where it comes from (Standard Webhooks
//! 1.0, "Webhook metadata" and "Symmetric signatures").

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::rows::Delivery;
use crate::ids::{ClinicId, DocumentId};
use crate::keys::WebhookSecret;
use crate::outbox::Happening;
use crate::time::Timestamp;

#[derive(Serialize)]
struct Message<'a> {
    r#type: &'a str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<DocumentId>,
    clinic_id: ClinicId,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supersedes: Option<DocumentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: Option<DocumentId>,
}

/// The body: the same bytes however often it is sent.
pub fn body(delivery: &Delivery) -> Vec<u8> {
    let by = delivery.event == Happening::Superseded.as_str();
    let message = Message {
        r#type: &delivery.event,
        timestamp: delivery.created_at,
        data: Data {
            id: delivery.document_id,
            clinic_id: delivery.clinic_id,
            patient_id: delivery.patient_id.as_deref(),
            state: delivery.document_state.as_deref(),
            category: delivery.category.as_deref(),
            supersedes: delivery.other_id.filter(|_| !by),
            superseded_by: delivery.other_id.filter(|_| by),
        },
    };
    // Strings, ids and a time always have a form in JSON.
    serde_json::to_vec(&message).unwrap_or_default()
}

/// `v1,<base64>` for each secret, the current one first.
pub fn signatures(id: &str, now: Timestamp, body: &[u8], secrets: &[WebhookSecret]) -> String {
    let signed = secrets.iter().map(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.bytes());
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{id}.{}.", now.seconds()).as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    });
    signed.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the reference library for Python, `standardwebhooks` 1.1.0.
    #[test]
    fn a_signature_is_the_one_that_the_reference_library_makes() {
        let secret = WebhookSecret::from_bytes(*b"0123456789abcdef0123456789abcdef");
        let now = Timestamp::from_micros(1_700_000_000_999_999);
        let signed = signatures("msg_1", now, br#"{"a":1}"#, &[secret]);
        assert_eq!(signed, "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY=");
    }
}
