//! Upload forms with a signed policy ("Browser-Based Uploads Using POST", Amazon S3 API
//! reference): what a page may send, and for how long.
//!
//! Every field of the form stands in the policy, so that none can be changed; the size is bounded
//! by `content-length-range`. A form has no field for a condition: it can be sent again until it
//! expires (see `Abilities::can_be_reused`).

use std::time::Duration;

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{PresignPut, PresignedRequest, Presigner, Size, StoreError};
use crate::time::Timestamp;

impl Presigner {
    /// A form that uploads exactly what `put` describes.
    pub fn form(
        &self,
        put: &PresignPut,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        let stamp = basic_format(now);
        let day = stamp.get(..8).unwrap_or_default();
        let credential = format!(
            "{}/{day}/{}/s3/aws4_request",
            self.credentials().access_key_id(),
            self.region()
        );
        let mut fields = vec![
            ("key".to_owned(), put.key.as_str().to_owned()),
            ("Content-Type".to_owned(), put.content_type.clone()),
        ];
        if let Some(sha256) = &put.sha256 {
            fields.push(("x-amz-checksum-sha256".to_owned(), STANDARD.encode(sha256)));
        }
        fields.extend(self.object_headers().iter().cloned());
        fields.push(("x-amz-algorithm".to_owned(), "AWS4-HMAC-SHA256".to_owned()));
        fields.push(("x-amz-credential".to_owned(), credential));
        fields.push(("x-amz-date".to_owned(), stamp.clone()));
        if let Some(token) = self.credentials().session_token() {
            fields.push(("x-amz-security-token".to_owned(), token.to_owned()));
        }
        let expires_at = now.whole_seconds() + expires;
        let policy = policy(self.bucket(), put.size, &fields, expires_at);
        let secret = self.credentials().secret_access_key();
        let key = generate_signing_key(secret, now.system_time(), self.region(), "s3");
        let signature = calculate_signature(key, policy.as_bytes());
        fields.push(("policy".to_owned(), policy));
        fields.push(("x-amz-signature".to_owned(), signature));
        let url = self.bucket_url().to_owned();
        Ok(PresignedRequest { method: "POST", url, headers: Vec::new(), fields, expires_at })
    }
}

/// The policy, encoded as it is signed and sent.
fn policy(bucket: &str, size: Size, fields: &[(String, String)], expires_at: Timestamp) -> String {
    let least = size.exact().unwrap_or(1);
    let range = json!(["content-length-range", least, size.most()]);
    let mut conditions = vec![json!({ "bucket": bucket }), range];
    conditions.extend(fields.iter().map(|(name, value)| -> Value { json!({ name: value }) }));
    let policy = json!({ "expiration": expires_at.to_string(), "conditions": conditions });
    STANDARD.encode(policy.to_string())
}

/// `20260203T040506Z`.
fn basic_format(at: Timestamp) -> String {
    let text = at.to_string();
    let digits: String =
        text.chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    format!("{digits}Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::S3Credentials;
    use crate::sensitive::Secret;
    use crate::store::{ObjectKey, PresignerConfig};

    #[test]
    fn every_field_is_in_the_policy_and_the_size_is_fixed() {
        let presigner = Presigner::new(&PresignerConfig {
            bucket: "room".to_owned(),
            bucket_url: "https://room.example.com".to_owned(),
            region: "eu-west-2".to_owned(),
            credentials: S3Credentials {
                access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
                secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into()),
            },
            session_token: Some(Secret::new("a token".to_owned())),
            object_headers: vec![("x-amz-server-side-encryption".into(), "AES256".into())],
        });
        let put = PresignPut {
            key: ObjectKey::new("a/b.pdf").unwrap(),
            content_type: "application/pdf".to_owned(),
            size: Size::Exactly(7),
            sha256: Some([1; 32]),
        };
        let now = Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap();
        let form = presigner.form(&put, Duration::from_mins(15), now).unwrap();
        assert_eq!((form.method, form.url.as_str()), ("POST", "https://room.example.com/"));
        let field = |name: &str| {
            let found = form.fields.iter().find(|(n, _)| n == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        assert_eq!(field("x-amz-date"), "20260102T030405Z");
        let scope = "AKIAIOSFODNN7EXAMPLE/20260102/eu-west-2/s3/aws4_request";
        assert_eq!(field("x-amz-credential"), scope);
        let policy = STANDARD.decode(field("policy")).unwrap();
        let policy: Value = serde_json::from_slice(&policy).unwrap();
        assert_eq!(policy["expiration"], "2026-01-02T03:19:05Z");
        let conditions = policy["conditions"].as_array().unwrap();
        assert!(conditions.contains(&json!({ "bucket": "room" })));
        assert!(conditions.contains(&json!(["content-length-range", 7, 7])));
        for (name, value) in &form.fields {
            let free = ["policy", "x-amz-signature"].contains(&name.as_str());
            assert!(free || conditions.contains(&json!({ name: value })), "{name}");
        }
        assert_eq!(field("x-amz-signature").len(), 64);
        let open = PresignPut { size: Size::AtMost(9), ..put };
        let form = presigner.form(&open, Duration::from_mins(15), now).unwrap();
        let policy = form.fields.iter().find(|(name, _)| name == "policy").unwrap();
        let policy: Value = serde_json::from_slice(&STANDARD.decode(&policy.1).unwrap()).unwrap();
        let range = json!(["content-length-range", 1, 9]);
        assert!(policy["conditions"].as_array().unwrap().contains(&range));
        let put = presigner.put(&open, true, Duration::from_mins(15), now).unwrap();
        assert!(put.headers.iter().all(|(name, _)| name != "content-length"), "{put:?}");
    }
}
