//! Downloads through CloudFront: signed URLs with a canned policy ("Create a signed URL using a
//! canned policy", Amazon CloudFront developer guide). Signed with RSA and SHA-256 (decision 0009).
//!
//! Invariant: no I/O; the time is an argument. It must never put the key into an error or a log.

use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::utf8_percent_encode;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use crate::config::CloudFrontConfig;
use crate::store::presign::{PATH, QUERY};
use crate::store::{AnswerHeaders, ObjectKey, PresignedRequest, StoreError};
use crate::time::Timestamp;

/// The size of RSA keys that CloudFront's key groups take, in bytes.
const KEY_BYTES: usize = 2048 / 8;

/// Signs URLs of one distribution.
pub struct CloudFront {
    url: String,
    key_pair_id: String,
    key: RsaKeyPair,
}

impl CloudFront {
    /// Reads the key: PEM, PKCS#1 (`RSA PRIVATE KEY`) or PKCS#8 (`PRIVATE KEY`). Fails with
    /// [`StoreError::Unusable`] where that is no RSA key of 2048 bits.
    pub fn new(config: &CloudFrontConfig) -> Result<Self, StoreError> {
        let key = read_key(config.private_key.reveal())?;
        Ok(Self { url: config.url.clone(), key_pair_id: config.key_pair_id.clone(), key })
    }

    /// A GET of one version whose answer carries the given headers. The distribution has to pass
    /// every query parameter on to the bucket.
    pub fn sign_get(
        &self,
        key: &ObjectKey,
        version: Option<&str>,
        answer: &AnswerHeaders,
        expires: Duration,
        now: Timestamp,
    ) -> Result<PresignedRequest, StoreError> {
        let mut url = format!("{}/{}", self.url, utf8_percent_encode(key.as_str(), PATH));
        let query = [
            ("response-content-type", answer.content_type.as_deref()),
            ("response-content-disposition", answer.content_disposition.as_deref()),
            ("versionId", version),
        ];
        let mut separator = '?';
        for (name, value) in query {
            let Some(value) = value else { continue };
            url.push(separator);
            separator = '&';
            url.push_str(name);
            url.push('=');
            url.extend(utf8_percent_encode(value, QUERY));
        }
        let expires_at = now.whole_seconds() + expires;
        let until = expires_at.seconds();
        let signature = self.sign(&policy(&url, until))?;
        let id = &self.key_pair_id;
        let url = format!(
            "{url}{separator}Expires={until}&Signature={signature}&Key-Pair-Id={id}\
             &Hash-Algorithm=SHA256"
        );
        let expires_at = Timestamp::from_micros(until * 1_000_000);
        Ok(PresignedRequest {
            method: "GET",
            url,
            headers: Vec::new(),
            fields: Vec::new(),
            expires_at,
        })
    }

    /// The signature of a policy, in CloudFront's own spelling of base64.
    fn sign(&self, policy: &str) -> Result<String, StoreError> {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), policy.as_bytes(), &mut signature)
            .map_err(StoreError::unavailable)?;
        Ok(STANDARD.encode(signature).replace('+', "-").replace('=', "_").replace('/', "~"))
    }
}

/// The canned policy. CloudFront makes it again from the URL, so every byte counts.
fn policy(url: &str, until: i64) -> String {
    format!(
        "{{\"Statement\":[{{\"Resource\":\"{url}\",\"Condition\":{{\"DateLessThan\":\
         {{\"AWS:EpochTime\":{until}}}}}}}]}}"
    )
}

fn read_key(text: &str) -> Result<RsaKeyPair, StoreError> {
    // An environment file that knows no quotes leaves line breaks as `\n`.
    let pem = text.replace("\\n", "\n");
    let read = PrivateKeyDer::from_pem_slice(pem.as_bytes());
    let key = match &read {
        Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
        _ => None,
    };
    let unusable = |what: &str| {
        let text = format!(
            "AWS_CLOUDFRONT_PRIVATE_KEY {what}; it must be an RSA key of 2048 bits as PEM without \
             a password, such as `openssl genrsa 2048` prints"
        );
        StoreError::Unusable(text.into())
    };
    let key = key.ok_or_else(|| unusable("cannot be read"))?;
    if key.public_modulus_len() != KEY_BYTES {
        let bits = key.public_modulus_len() * 8;
        return Err(unusable(&format!("has {bits} bits, which CloudFront does not take")));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;
    use crate::sensitive::Secret;

    fn pem(key: &RsaKeyPair) -> String {
        let der = key.as_der().unwrap();
        let text = STANDARD.encode(der.as_ref());
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
    }

    fn signer(private_key: &str) -> Result<CloudFront, StoreError> {
        CloudFront::new(&CloudFrontConfig {
            url: "https://d111.cloudfront.net".to_owned(),
            key_pair_id: "K2JCJMDEHXQW5F".to_owned(),
            private_key: Secret::new(private_key.to_owned()),
        })
    }

    #[test]
    fn a_signed_url_is_verified_by_the_public_key_and_by_no_other_policy() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let cloudfront = signer(&pem(&key)).unwrap();
        let now = Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap();
        let answer = AnswerHeaders {
            content_type: Some("application/pdf".to_owned()),
            content_disposition: Some("inline; filename=\"a b.pdf\"".to_owned()),
        };
        let name = ObjectKey::new("patients/ü b+c.pdf").unwrap();
        let minutes = Duration::from_mins(15);
        let signed = cloudfront.sign_get(&name, Some("v/1"), &answer, minutes, now).unwrap();

        let (resource, rest) = signed.url.split_once("&Expires=").unwrap();
        assert_eq!(
            resource,
            "https://d111.cloudfront.net/patients/%C3%BC%20b%2Bc.pdf\
             ?response-content-type=application%2Fpdf\
             &response-content-disposition=inline%3B%20filename%3D%22a%20b.pdf%22&versionId=v%2F1"
        );
        let (until, rest) = rest.split_once("&Signature=").unwrap();
        assert_eq!(until, "1767323945");
        assert_eq!(signed.expires_at.to_string(), "2026-01-02T03:19:05Z");
        let (signature, rest) = rest.split_once('&').unwrap();
        assert_eq!(rest, "Key-Pair-Id=K2JCJMDEHXQW5F&Hash-Algorithm=SHA256");
        let signature = signature.replace('-', "+").replace('_', "=").replace('~', "/");
        let signature = STANDARD.decode(signature).unwrap();
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key());
        let policy = |until: i64| {
            format!(
                r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{until}}}}}}}]}}"#
            )
        };
        public.verify(policy(1_767_323_945).as_bytes(), &signature).unwrap();
        public.verify(policy(1_767_323_946).as_bytes(), &signature).unwrap_err();
    }

    #[test]
    fn a_url_without_a_query_gets_one() {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let one_line = pem(&key).replace('\n', "\\n");
        let name = ObjectKey::new("a.pdf").unwrap();
        let now = Timestamp::from_micros(0);
        let none = AnswerHeaders::default();
        let minute = Duration::from_mins(1);
        let signed = signer(&one_line).unwrap().sign_get(&name, None, &none, minute, now).unwrap();
        assert!(signed.url.starts_with("https://d111.cloudfront.net/a.pdf?Expires=60&Signature="));
    }

    #[test]
    fn a_key_that_cloudfront_would_not_take_is_refused_and_named() {
        let long = pem(&RsaKeyPair::generate(KeySize::Rsa3072).unwrap());
        let broken = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let curve = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
        for text in ["", "hunter2", broken, curve, &long] {
            let Err(StoreError::Unusable(said)) = signer(text) else { panic!("{text}") };
            assert!(said.starts_with("AWS_CLOUDFRONT_PRIVATE_KEY "), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
