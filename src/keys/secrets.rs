//! Secrets the server makes for itself: token signing, the S3 credentials of its own store, the
//! pseudonyms of patients. Kept in the database, sealed by the key ring under their names.
//!
//! Invariant: once made, a secret never changes; two servers that start at once end with the same.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{DataKey, KEY_LEN, KeyError, KeyRing, rows};
use crate::db::{Db, DbError};
use crate::ids::{PatientId, PatientRef, WebhookId};
use crate::sensitive::Secret;
use crate::time::Clock;

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE62: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Why the secrets could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The ring could not open (or seal) one: most often the wrong master key.
    #[error("the secret {name} could not be opened: is this the master key it was made with?")]
    Key {
        /// The secret's name.
        name: &'static str,
        /// Why.
        #[source]
        source: KeyError,
    },
}

/// An access key of an S3 endpoint.
#[derive(Clone, Debug)]
pub struct S3Credentials {
    /// 20 characters, begins with `SR`.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: Secret<String>,
}

/// The secret that signs the messages of one webhook.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<[u8; KEY_LEN]>);

impl WebhookSecret {
    /// From its bytes.
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Its bytes, to sign with.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// As receivers configure it: `whsec_` and base64 (Standard Webhooks, "Signature scheme").
    pub fn text(&self) -> Secret<String> {
        Secret::new(format!("whsec_{}", STANDARD.encode(self.bytes())))
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret([secret])")
    }
}

/// The secrets, open. Derived values are computed once.
#[derive(Clone, Debug)]
pub struct AppSecrets {
    jwt: Secret<Vec<u8>>,
    s3: S3Credentials,
    pseudonym: Secret<hmac::Key>,
    cursor: Arc<RandomizedNonceKey>,
    scopes: Secret<hmac::Key>,
    webhooks: Secret<Vec<u8>>,
}

impl AppSecrets {
    /// Reads the secrets; makes those that are not there yet.
    pub async fn load_or_create(
        db: &Db,
        ring: &KeyRing,
        clock: &Clock,
    ) -> Result<Self, SecretsError> {
        let jwt = one(db, ring, clock, "jwt").await?;
        let s3 = one(db, ring, clock, "s3").await?;
        let pseudonym = one(db, ring, clock, "pseudonym").await?;
        let webhooks = one(db, ring, clock, "webhooks").await?;
        let mut cursor = Zeroizing::new([0; KEY_LEN]);
        let broken = |source| SecretsError::Key { name: "pseudonym", source };
        derive(&pseudonym, &[b"list cursors"], cursor.as_mut()).map_err(broken)?;
        let cursor = RandomizedNonceKey::new(&AES_256_GCM, cursor.as_ref())
            .map_err(|e| broken(KeyError::from(e)))?;
        let mut scopes = Zeroizing::new([0; KEY_LEN]);
        derive(&pseudonym, &[b"ticket scopes"], scopes.as_mut()).map_err(broken)?;
        Ok(Self {
            cursor: Arc::new(cursor),
            scopes: Secret::new(hmac::Key::new(hmac::HMAC_SHA256, scopes.as_ref())),
            jwt: Secret::new(jwt.to_vec()),
            webhooks: Secret::new(webhooks.to_vec()),
            s3: derive_credentials(&s3)
                .map_err(|source| SecretsError::Key { name: "s3", source })?,
            pseudonym: Secret::new(hmac::Key::new(hmac::HMAC_SHA256, &pseudonym)),
        })
    }

    /// Signs and checks our own tokens where the operator gave no secret.
    pub fn jwt_secret(&self) -> &Secret<Vec<u8>> {
        &self.jwt
    }

    /// The one access key of the embedded S3 endpoint.
    pub fn s3_credentials(&self) -> S3Credentials {
        self.s3.clone()
    }

    /// The secret of a webhook, derived: nothing of it lies in the database. Another salt gives
    /// another secret.
    pub fn webhook(&self, id: WebhookId, salt: Uuid) -> Result<WebhookSecret, KeyError> {
        let mut secret = [0; KEY_LEN];
        let (id, salt) = (id.as_uuid(), salt);
        let purpose: [&[u8]; 3] = [b"webhook", id.as_bytes(), salt.as_bytes()];
        derive(self.webhooks.reveal(), &purpose, &mut secret)?;
        Ok(WebhookSecret::from_bytes(secret))
    }

    /// A text that only this installation can read back: for positions in lists, which name what
    /// stands there, and which clients put into URLs.
    pub fn seal_cursor(&self, position: &[u8]) -> Option<String> {
        let mut text = position.to_vec();
        let nonce = self.cursor.seal_in_place_append_tag(Aad::empty(), &mut text).ok()?;
        text.extend_from_slice(nonce.as_ref());
        Some(URL_SAFE_NO_PAD.encode(text))
    }

    /// What such a text holds; nothing where it is not one of ours.
    pub fn open_cursor(&self, text: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let nonce = bytes.split_off(bytes.len().checked_sub(NONCE_LEN)?);
        let nonce = Nonce::try_assume_unique_for_key(&nonce).ok()?;
        let opened = self.cursor.open_in_place(nonce, Aad::empty(), &mut bytes).ok()?;
        Some(opened.to_vec())
    }

    /// One name for what several fields say together: the same for the same, another for anything
    /// else, and nothing of the fields can be read out of it.
    pub fn scope_name(&self, fields: &[Option<&str>]) -> String {
        let mut context = hmac::Context::with_key(self.scopes.reveal());
        for field in fields {
            // Its length before each, so that no two lists are the same bytes.
            let length = field.map_or(u64::MAX, |text| text.len() as u64);
            context.update(&length.to_be_bytes());
            context.update(field.unwrap_or_default().as_bytes());
        }
        URL_SAFE_NO_PAD.encode(&context.sign().as_ref()[..16])
    }

    /// What the link to make the first user carries: the same on every server of one installation.
    pub fn setup_token(&self) -> Secret<String> {
        let tag = hmac::sign(self.pseudonym.reveal(), b"setup link");
        Secret::new(URL_SAFE_NO_PAD.encode(tag))
    }

    /// Whether a text is that token; takes as long for a wrong one as for the right one.
    pub fn is_setup_token(&self, text: &str) -> bool {
        let tag = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        hmac::verify(self.pseudonym.reveal(), b"setup link", &tag).is_ok()
    }

    /// The patient as object keys name them: the id itself where it is a UUID, else a keyed
    /// pseudonym in the form of a UUID version 8 (RFC 9562, section 5.8).
    pub fn patient_ref(&self, patient: &PatientId) -> PatientRef {
        let uuid = Uuid::try_parse(patient.as_str()).unwrap_or_else(|_| {
            let tag = hmac::sign(self.pseudonym.reveal(), patient.as_str().as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&tag.as_ref()[..16]);
            uuid::Builder::from_custom_bytes(bytes).into_uuid()
        });
        PatientRef::from_uuid(uuid)
    }
}

/// Reads one secret; makes it where it is not there yet.
async fn one(
    db: &Db,
    ring: &KeyRing,
    clock: &Clock,
    name: &'static str,
) -> Result<Zeroizing<Vec<u8>>, SecretsError> {
    let broken = |source| SecretsError::Key { name, source };
    let mut found = rows::find(&mut db.reader().await?, name).await?;
    if found.is_none() {
        let fresh = DataKey::random().map_err(broken)?;
        let sealed = ring.seal(fresh.bytes(), name.as_bytes()).map_err(broken)?;
        let mut tx = db.begin().await?;
        rows::insert_if_absent(&mut tx, name, &sealed, clock.now()).await?;
        tx.commit().await?;
        // Read back: another server may have been first.
        found = rows::find(&mut db.reader().await?, name).await?;
    }
    let sealed = found.ok_or_else(|| broken(KeyError::Damaged))?;
    ring.open(&sealed, name.as_bytes()).map_err(broken)
}

struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA-256 (RFC 5869) without salt: `out.len()` bytes of `key` for one purpose.
pub(crate) fn derive(key: &[u8], purpose: &[&[u8]], out: &mut [u8]) -> Result<(), KeyError> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]);
    Ok(salt.extract(key).expand(purpose, Len(out.len()))?.fill(out)?)
}

fn derive_credentials(secret: &[u8]) -> Result<S3Credentials, KeyError> {
    let mut id = [0; 18];
    derive(secret, &[b"s3 access key id"], &mut id)?;
    let mut access_key_id = "SR".to_owned();
    access_key_id.extend(id.iter().map(|b| char::from(BASE32[usize::from(b % 32)])));
    // Bytes of 248 and above are left out so that every character is equally likely.
    let mut pool = Zeroizing::new([0; KEY_LEN * 4]);
    derive(secret, &[b"s3 secret access key"], pool.as_mut())?;
    let even = pool.iter().filter(|b| **b < 248).take(40);
    let key: String = even.map(|b| char::from(BASE62[usize::from(b % 62)])).collect();
    Ok(S3Credentials { access_key_id, secret_access_key: Secret::new(key) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::DatabaseUrl;

    async fn open(dir: &std::path::Path) -> Db {
        Db::open(&DatabaseUrl::Sqlite(dir.join("main.sqlite"))).await.unwrap()
    }

    fn ring(byte: &str) -> KeyRing {
        KeyRing::from_text(&Secret::new(byte.repeat(32))).unwrap()
    }

    #[tokio::test]
    async fn secrets_are_made_once_even_by_two_servers_at_once_and_need_their_ring() {
        let dir = tempfile::tempdir().unwrap();
        let (db, clock) = (open(dir.path()).await, Clock::default());
        let right = ring("aa");
        let (a, b) = tokio::join!(
            AppSecrets::load_or_create(&db, &right, &clock),
            AppSecrets::load_or_create(&db, &right, &clock)
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert_eq!(a.jwt_secret().reveal(), b.jwt_secret().reveal());
        assert_eq!(a.s3_credentials().access_key_id, b.s3_credentials().access_key_id);
        let wrong = AppSecrets::load_or_create(&db, &ring("bb"), &clock).await.unwrap_err();
        assert!(wrong.to_string().contains("master key"), "{wrong}");
    }

    #[tokio::test]
    async fn credentials_have_the_shape_clients_expect() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).await;
        let secrets =
            AppSecrets::load_or_create(&db, &ring("cc"), &Clock::default()).await.unwrap();
        let s3 = secrets.s3_credentials();
        assert_eq!(s3.access_key_id.len(), 20);
        assert!(s3.access_key_id.starts_with("SR"));
        assert!(s3.access_key_id.bytes().all(|b| BASE32.contains(&b)));
        assert_eq!(s3.secret_access_key.reveal().len(), 40);
        assert!(!format!("{s3:?}").contains(s3.secret_access_key.reveal()));
    }

    #[tokio::test]
    async fn each_webhook_and_each_salt_has_a_secret_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).await;
        let secrets =
            AppSecrets::load_or_create(&db, &ring("ee"), &Clock::default()).await.unwrap();
        let of = |webhook, salt| {
            let id = WebhookId::from_uuid(Uuid::from_u128(webhook));
            secrets.webhook(id, Uuid::from_u128(salt)).unwrap().text().into_revealed()
        };
        assert_eq!(of(1, 1), of(1, 1));
        let all = std::collections::BTreeSet::from([of(1, 1), of(1, 2), of(2, 1), of(2, 2)]);
        assert_eq!(all.len(), 4);
        assert!(of(1, 1).starts_with("whsec_") && of(1, 1).len() == 50, "{}", of(1, 1));
    }

    #[tokio::test]
    async fn a_scope_has_one_name_that_nothing_else_has_and_nobody_without_the_key_can_make() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).await;
        let clock = Clock::default();
        let one = AppSecrets::load_or_create(&db, &ring("ab"), &clock).await.unwrap();
        let again = AppSecrets::load_or_create(&db, &ring("ab"), &clock).await.unwrap();
        let lists: [&[Option<&str>]; 6] = [
            &[Some("ab"), Some("c")],
            &[Some("a"), Some("bc")],
            &[Some("abc"), None],
            &[None, Some("abc")],
            &[Some("abc"), Some("")],
            &[Some("abc")],
        ];
        let names: std::collections::BTreeSet<_> =
            lists.iter().map(|fields| one.scope_name(fields)).collect();
        assert_eq!(names.len(), lists.len());
        assert!(lists.iter().all(|fields| names.contains(&again.scope_name(fields))));
        let elsewhere = tempfile::tempdir().unwrap();
        let other =
            AppSecrets::load_or_create(&open(elsewhere.path()).await, &ring("ab"), &clock).await;
        assert!(!names.contains(&other.unwrap().scope_name(lists[0])));
    }

    #[tokio::test]
    async fn a_patient_id_that_is_no_uuid_becomes_a_stable_pseudonym() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(dir.path()).await;
        let secrets =
            AppSecrets::load_or_create(&db, &ring("dd"), &Clock::default()).await.unwrap();
        let uuid = "7f1c5c0e-4d7c-4c1b-9a54-2f0f3f1c2d3e";
        assert_eq!(secrets.patient_ref(&PatientId::new(uuid)).to_string(), uuid);
        let (a, b) = (PatientId::new("MRN-0001"), PatientId::new("MRN-0002"));
        assert_eq!(secrets.patient_ref(&a), secrets.patient_ref(&a));
        assert_ne!(secrets.patient_ref(&a), secrets.patient_ref(&b));
        assert_eq!(secrets.patient_ref(&a).as_uuid().get_version_num(), 8);
    }
}
