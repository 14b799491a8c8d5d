//! What the store does, seen by doing it. Stores answer 200 to headers they do not honour, so
//! each ability is tried with a request that must be refused, or read back.
//!
//! Everything happens under `strongroom-probe/` in the folder and is removed afterwards, also
//! when something in between fails. A store that cannot be asked now makes the look fail: no
//! ability is guessed.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use aws_sdk_s3::types::ServerSideEncryption;
use aws_sdk_s3::types::TransitionStorageClass::{DeepArchive, Glacier};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::bucket::Bucket;
use super::errors::Failure;
use super::examine::described;
use super::objects::version_id;
use super::purge::Unpurged;
use super::watch::Bad;
use crate::ids::Ids;
use crate::store::{Abilities, ObjectKey, PresignPut, PresignedRequest, Size};

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a form signed for the probe lasts.
const FORM: Duration = Duration::from_mins(1);

pub(super) const FIRST: &[u8] = b"strongroom probe: first";
const SECOND: &[u8] = b"strongroom probe: second";

/// What a request that must be refused came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tried {
    Refused,
    Taken,
}

/// What became of writes that must not replace anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CreateOnly {
    /// Refused where something was, taken where nothing was.
    Works,
    /// Taken where something was.
    Lies,
    /// The header itself is refused; what was asked and answered.
    Foreign(String),
}

impl Bucket {
    /// What the rest of the house must know before it relies on the bucket.
    pub async fn probe(&self) -> Result<Abilities, Bad> {
        let stem = self.place.key(&format!("strongroom-probe/{}", Ids::Random.next().simple()));
        let keys = ["versions", "sha256", "form", "new"].map(|part| format!("{stem}-{part}"));
        let found = tokio::time::timeout(PATIENCE, Box::pin(self.try_abilities(&keys))).await;
        let versions = match &found {
            Ok(Ok(abilities)) => Some(abilities.versions),
            _ => None,
        };
        for key in &keys {
            let _ = self.remove_probe(key, versions).await;
        }
        found.unwrap_or_else(|_| {
            let seconds = PATIENCE.as_secs();
            let at = self.place.endpoint_name();
            Err(Bad {
                reason: format!(
                    "The store at {at} is there, but did not answer a dozen small requests within \
                     {seconds} seconds."
                )
                .into(),
                may_pass: true,
                unknown_keys: false,
            })
        })
    }

    async fn try_abilities(&self, keys: &[String; 4]) -> Result<Abilities, Bad> {
        let [versions, sha256, form, new] = keys;
        let (replaced, sha256, forms, archives) = futures::join!(
            self.try_replacing(versions, new),
            self.try_sha256(sha256),
            self.try_form(form),
            self.try_archives(),
        );
        let (versions, create_only) = replaced?;
        let (sha256, forms, archives) = (sha256?, forms?, archives?);
        let create_only = create_only == CreateOnly::Works;
        Ok(Abilities { versions, create_only, sha256, forms, archives })
    }

    /// Whether each write makes a version, and whether a create-only write refuses.
    async fn try_replacing(&self, key: &str, new: &str) -> Result<(bool, CreateOnly), Bad> {
        let version = self.write_first(key).await?;
        let create_only = self.try_create_only(key, new).await?;
        let replaced = create_only == CreateOnly::Lies;
        Ok((self.try_versions(key, version, replaced).await?, create_only))
    }

    /// Writes an object: its version, where the store names one.
    pub async fn write_first(&self, key: &str) -> Result<Option<String>, Bad> {
        let first = self.probe_put(key, FIRST).send().await.map_err(|e| self.writing(e))?;
        Ok(version_id(first.version_id, true))
    }

    /// Whether the first version can still be read once the object was `replaced`.
    pub async fn try_versions(
        &self,
        key: &str,
        version: Option<String>,
        replaced: bool,
    ) -> Result<bool, Bad> {
        let Some(version) = version else { return Ok(false) };
        if !replaced {
            self.probe_put(key, SECOND).send().await.map_err(|e| self.writing(e))?;
        }
        match self.probe_get(key, Some(&version)).await {
            Ok(bytes) => Ok(bytes == FIRST),
            Err(e) => {
                let failure = Failure::new(e);
                if failure.trouble().may_pass() {
                    return Err(self.bad(&failure, "s3:GetObjectVersion"));
                }
                Ok(false)
            }
        }
    }

    /// Whether a create-only write is refused where something is, because of that, and taken where
    /// nothing is: a store that refuses the header as such refuses every upload that has it.
    pub async fn try_create_only(&self, key: &str, new: &str) -> Result<CreateOnly, Bad> {
        let put = |key| self.probe_put(key, SECOND).if_none_match("*").send();
        match self.answered(put(key).await)? {
            None => return Ok(CreateOnly::Lies),
            Some(failure) if matches!(failure.status, Some(409 | 412)) => {}
            Some(failure) => {
                let what = described(&failure);
                let what = format!("A PUT with If-None-Match: * was answered {what}.");
                return Ok(CreateOnly::Foreign(what));
            }
        }
        if self.probe_get(key, None).await.map_err(|e| self.reading(e))? != FIRST {
            return Ok(CreateOnly::Lies);
        }
        Ok(self.answered(put(new).await)?.map_or(CreateOnly::Works, |failure| {
            let what = described(&failure);
            CreateOnly::Foreign(format!(
                "A PUT with If-None-Match: * of an object that is not there was answered {what}."
            ))
        }))
    }

    /// Whether bytes that are not the ones announced are refused.
    pub async fn try_sha256(&self, key: &str) -> Result<bool, Bad> {
        let of = |bytes: &[u8]| STANDARD.encode(digest(&SHA256, bytes));
        let wrong = self.probe_put(key, FIRST).checksum_sha256(of(SECOND)).send().await;
        if self.tried(wrong)? == Tried::Taken {
            return Ok(false);
        }
        let right = self.probe_put(key, FIRST).checksum_sha256(of(FIRST)).send().await;
        Ok(self.tried(right)? == Tried::Taken)
    }

    /// Whether a form is taken, and one that breaks its policy is not.
    pub async fn try_form(&self, key: &str) -> Result<bool, Bad> {
        let Ok(key) = ObjectKey::new(key) else { return Ok(false) };
        let signing = self.keys.get().map_err(Bad::lasting)?;
        let put = PresignPut {
            key,
            content_type: "text/plain".to_owned(),
            size: Size::Exactly(u64::try_from(FIRST.len()).unwrap_or(u64::MAX)),
            sha256: None,
        };
        let form = signing.presigner.form(&put, FORM, self.clock.now());
        let form = form.map_err(|e| Bad::lasting(e.to_string()))?;
        // What cannot be sent is not there: a store without forms may well hang up.
        let wrong = send_form(&form, SECOND).await;
        let right = send_form(&form, FIRST).await;
        let taken = right.is_ok_and(|status| (200..300).contains(&status));
        if self.place.accelerate && !taken {
            let bucket = &self.place.bucket;
            return Err(Bad::lasting(format!(
                "S3_USE_ACCELERATE is on, but the bucket {bucket} does not take uploads by way of \
                 Transfer Acceleration. Enable it on the bucket, or switch S3_USE_ACCELERATE off."
            )));
        }
        Ok(taken && wrong.is_ok_and(|status| (400..500).contains(&status)))
    }

    /// Whether a lifecycle rule moves objects into an archive. Who may not look cannot tell.
    pub async fn try_archives(&self) -> Result<bool, Bad> {
        let call = self.clients.ordinary.get_bucket_lifecycle_configuration();
        match call.bucket(&self.place.bucket).send().await {
            Ok(rules) => Ok(rules.rules().iter().any(|rule| {
                let now = rule.transitions().iter().filter_map(|to| to.storage_class());
                let old = rule.noncurrent_version_transitions().iter();
                let old = old.filter_map(|to| to.storage_class());
                now.chain(old).any(|class| matches!(class, DeepArchive | Glacier))
            })),
            Err(e) => {
                let failure = Failure::new(e);
                if failure.trouble().may_pass() && !failure.is_not_implemented() {
                    return Err(self.bad(&failure, "s3:GetLifecycleConfiguration"));
                }
                Ok(failure.status == Some(403))
            }
        }
    }

    /// A small object as every new one is written.
    pub fn probe_put(&self, key: &str, bytes: &'static [u8]) -> PutObjectFluentBuilder {
        let call = self.clients.ordinary.put_object().bucket(&self.place.bucket).key(key);
        let encrypt = self.place.kms_key.as_ref().map(|_| ServerSideEncryption::AwsKms);
        call.content_type("text/plain")
            .set_server_side_encryption(encrypt)
            .set_ssekms_key_id(self.place.kms_key.clone())
            .body(ByteStream::from_static(bytes))
    }

    /// The bytes of a small object.
    pub async fn probe_get(
        &self,
        key: &str,
        version: Option<&str>,
    ) -> Result<Vec<u8>, SdkError<GetObjectError, HttpResponse>> {
        let call = self.clients.ordinary.get_object().bucket(&self.place.bucket).key(key);
        let found = call.set_version_id(version.map(str::to_owned)).send().await?;
        // A body that breaks off compares unequal, which is what it is.
        Ok(found.body.collect().await.map(AggregatedBytes::to_vec).unwrap_or_default())
    }

    /// Whether the store took it; a store that cannot answer now is not one that refuses.
    pub fn tried<T, E>(&self, answer: Result<T, SdkError<E, HttpResponse>>) -> Result<Tried, Bad>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        Ok(self.answered(answer)?.map_or(Tried::Taken, |_| Tried::Refused))
    }

    /// The same with the refusal; none: it was taken.
    fn answered<T, E>(
        &self,
        answer: Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<Option<Failure>, Bad>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let Err(e) = answer else { return Ok(None) };
        let failure = Failure::new(e);
        if failure.trouble().may_pass() && !failure.is_not_implemented() {
            return Err(self.writing_failed(&failure));
        }
        Ok(Some(failure))
    }

    fn writing<E>(&self, error: SdkError<E, HttpResponse>) -> Bad
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.writing_failed(&Failure::new(error))
    }

    fn writing_failed(&self, failure: &Failure) -> Bad {
        let mut permission =
            format!("s3:PutObject on {}/{}*", self.place.bucket, self.place.key(""));
        if let Some(key) = &self.place.kms_key {
            permission.push_str(", and kms:GenerateDataKey with AWS_KMS_KEY_ID=");
            permission.push_str(key);
        }
        self.bad(failure, &permission)
    }

    pub fn reading(&self, error: SdkError<GetObjectError, HttpResponse>) -> Bad {
        let place = format!("{}/{}*", self.place.bucket, self.place.key(""));
        self.bad(&Failure::new(error), &format!("s3:GetObject on {place}"))
    }

    /// Takes away what a probe wrote. What cannot be removed is small and says what it is.
    pub async fn remove_probe(&self, key: &str, versions: Option<bool>) -> Result<(), Unpurged> {
        let Ok(key) = ObjectKey::new(key) else { return Ok(()) };
        let removed = self.purge_knowing(&key, versions).await;
        if let Err(Unpurged { error, permission }) = &removed {
            tracing::warn!(%key, %error, permission, "an object of the probe could not be removed");
        }
        removed
    }
}

/// Sends a form as a page would ("RFC 7578"); the status of the answer.
pub(super) async fn send_form(form: &PresignedRequest, file: &[u8]) -> Result<u16, reqwest::Error> {
    const BOUNDARY: &str = "strongroom-probe-7d1f3c";
    let mut body = Vec::new();
    for (name, value) in &form.fields {
        let part = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"probe\"\r\n\
         Content-Type: text/plain\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let answer = client.post(&form.url).header("content-type", kind).body(body).send().await?;
    Ok(answer.status().as_u16())
}
