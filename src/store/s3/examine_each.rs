//! The examinations one by one.

use aws_sdk_s3::primitives::{AggregatedBytes, ByteStream};
use aws_sdk_s3::types::{
    ObjectLockLegalHold, ObjectLockLegalHoldStatus, StorageClass, Tag, Tagging,
};

use super::bucket::Bucket;
use super::errors::{Failure, chain};
use super::examine::{Examined, Verdict, described, refused, seen};
use super::objects::{plain_etag, version_id};
use super::probe::Tried;
use crate::store::{NewObject, ObjectKey, PartialUpload, StoreError, UploadedPart};

const BYTES: &[u8] = b"strongroom examination";

impl Bucket {
    async fn examined_put(&self, key: &str) -> Result<(String, Option<String>), (Verdict, String)> {
        let put = self.probe_put(key, BYTES).send().await;
        let put = put.map_err(|e| self.broken(&Failure::new(e), "s3:PutObject"))?;
        Ok((plain_etag(put.e_tag()), version_id(put.version_id, true)))
    }

    pub async fn examine_tags(&self, key: &str) -> Examined {
        self.examined_put(key).await?;
        let failed = |failure: Failure| self.broken(&failure, "s3:PutObjectTagging");
        let tag = Tag::builder().key("strongroom-probe").value("yes").build();
        let tag = tag.map_err(|e| seen(Verdict::Failed, e.to_string()))?;
        let tags = Tagging::builder().tag_set(tag).build();
        let tags = tags.map_err(|e| seen(Verdict::Failed, e.to_string()))?;
        let call = self.clients.ordinary.put_object_tagging().bucket(&self.place.bucket).key(key);
        call.tagging(tags).send().await.map_err(|e| failed(Failure::new(e)))?;
        let call = self.clients.ordinary.get_object_tagging().bucket(&self.place.bucket).key(key);
        let found = call.send().await.map_err(|e| failed(Failure::new(e)))?;
        if found.tag_set().iter().any(|tag| tag.key() == "strongroom-probe") {
            return Ok(seen(Verdict::Works, "A tag was set and read back."));
        }
        Ok(seen(Verdict::Lies, "A tag was set with success, and is not there."))
    }

    pub async fn examine_lock(&self, key: &str) -> Examined {
        let (_, version) = self.examined_put(key).await?;
        let held = self.legal_hold(key, version.as_deref(), ObjectLockLegalHoldStatus::On).await;
        if let Err(failure) = held {
            return Err(match failure.code() {
                "InvalidRequest" => seen(
                    Verdict::Missing,
                    "A legal hold was refused: the bucket was made without object lock.",
                ),
                _ => self.broken(&failure, "s3:PutObjectLegalHold"),
            });
        }
        let call = self.clients.ordinary.delete_object().bucket(&self.place.bucket).key(key);
        let deleted = call.set_version_id(version.clone()).send().await;
        let tried = self.tried(deleted).map_err(|bad| seen(Verdict::Failed, &*bad.reason))?;
        let off = ObjectLockLegalHoldStatus::Off;
        if tried == Tried::Refused
            && let Err(failure) = self.legal_hold(key, version.as_deref(), off).await
        {
            return Err(self.broken(&failure, "s3:PutObjectLegalHold"));
        }
        refused(tried, "Deleting a version under a legal hold")
    }

    async fn legal_hold(
        &self,
        key: &str,
        version: Option<&str>,
        status: ObjectLockLegalHoldStatus,
    ) -> Result<(), Failure> {
        let call = self.clients.ordinary.put_object_legal_hold().bucket(&self.place.bucket);
        let hold = ObjectLockLegalHold::builder().status(status).build();
        let call = call.key(key).set_version_id(version.map(str::to_owned)).legal_hold(hold);
        call.send().await.map(drop).map_err(Failure::new)
    }

    pub async fn examine_encryption(&self, key: &str) -> Examined {
        self.examined_put(key).await?;
        let call = self.clients.ordinary.head_object().bucket(&self.place.bucket).key(key);
        let found = call.send().await.map_err(|e| self.broken(&Failure::new(e), "s3:GetObject"))?;
        let kind = found.server_side_encryption().map(|kind| kind.as_str().to_owned());
        Ok(match (&self.place.kms_key, kind) {
            (Some(key), Some(kind)) if kind.starts_with("aws:kms") => {
                let shown = found.ssekms_key_id().unwrap_or_default();
                let same = shown == key || shown.ends_with(&format!("/{key}"));
                let what = format!("A new object is encrypted with {kind}.");
                // An alias is shown as the key behind it.
                let alias = key.contains("alias/");
                let verdict = if same || alias { Verdict::Works } else { Verdict::Lies };
                seen(verdict, what)
            }
            (Some(_), _) => seen(
                Verdict::Lies,
                "A new object was sent with AWS_KMS_KEY_ID, taken, and is not encrypted with it.",
            ),
            (None, Some(kind)) => {
                seen(Verdict::Works, format!("New objects are encrypted with {kind}."))
            }
            (None, None) => {
                seen(Verdict::Missing, "The store does not say that it encrypts new objects.")
            }
        })
    }

    pub async fn examine_archive(&self, key: &str) -> Examined {
        let put = self.probe_put(key, BYTES).storage_class(StorageClass::Glacier).send().await;
        let put = put.map_err(Failure::new);
        if let Err(failure) = put {
            return Err(match failure.code() {
                "InvalidStorageClass" => seen(Verdict::Missing, "It has no class GLACIER."),
                _ => self.broken(&failure, "s3:PutObject"),
            });
        }
        let call = self.clients.ordinary.head_object().bucket(&self.place.bucket).key(key);
        let found = call.send().await.map_err(|e| self.broken(&Failure::new(e), "s3:GetObject"))?;
        if found.storage_class() != Some(&StorageClass::Glacier) {
            let what = "An object was sent with the class GLACIER, taken, and is not in it.";
            return Ok(seen(Verdict::Lies, what));
        }
        match self.probe_get(key, None).await.map_err(Failure::new) {
            Err(failure) if failure.code() == "InvalidObjectState" => {
                let what = "An object in the class GLACIER is shown as such and cannot be read.";
                Ok(seen(Verdict::Works, what))
            }
            Err(failure) => Err(self.broken(&failure, "s3:GetObject")),
            Ok(_) => {
                let what = "An object is shown in the class GLACIER, but can be read at once.";
                Ok(seen(Verdict::Lies, what))
            }
        }
    }

    pub async fn examine_multipart(&self, key: &str) -> Examined {
        let failed = |e: StoreError| seen(Verdict::Failed, chain(&e));
        let Ok(name) = ObjectKey::new(key) else { return Err(failed(StoreError::NotFound)) };
        let object = NewObject::new(name.clone(), "text/plain".to_owned());
        let (wrong, mut parts) = self.one_part(&object).await?;
        for part in &mut parts {
            part.etag = "0".repeat(32);
        }
        let lied = self.complete(&wrong, &parts, false).await.is_ok();
        self.abort(&wrong).await.map_err(failed)?;
        if lied {
            return Ok(seen(Verdict::Lies, "An upload was completed with a part it never had."));
        }
        let (upload, parts) = self.one_part(&object).await?;
        self.complete(&upload, &parts, false).await.map_err(failed)?;
        let whole = self.head_key(&name, None).await.map_err(failed)?;
        if whole.size != BYTES.len() as u64 {
            return Ok(seen(Verdict::Lies, "The completed object has another size."));
        }
        let what = "An upload in parts was listed and completed; a wrong part was refused.";
        Ok(seen(Verdict::Works, what))
    }

    /// An upload with one part.
    async fn one_part(
        &self,
        object: &NewObject,
    ) -> Result<(PartialUpload, Vec<UploadedPart>), (Verdict, String)> {
        let failed = |e: StoreError| seen(Verdict::Failed, chain(&e));
        let upload = self.begin(object).await.map_err(failed)?;
        let call = self.clients.ordinary.upload_part().bucket(&self.place.bucket);
        let part = call.key(object.key.as_str()).upload_id(&upload.upload_id).part_number(1);
        let sent = part.body(ByteStream::from_static(BYTES)).send().await;
        sent.map_err(|e| self.broken(&Failure::new(e), "s3:PutObject"))?;
        let parts = self.list_parts(&upload).await.map_err(failed)?;
        Ok((upload, parts))
    }

    pub async fn examine_copy(&self, key: &str) -> Examined {
        let (etag, _) = self.examined_put(key).await?;
        let call = || {
            let call = self.clients.ordinary.copy_object().bucket(&self.place.bucket);
            let source = format!("{}/{key}", self.place.bucket);
            call.key(format!("{key}-2"))
                .copy_source(source)
                .set_server_side_encryption(self.encryption())
                .set_ssekms_key_id(self.place.kms_key.clone())
        };
        let other = call().copy_source_if_match(format!("\"{}\"", "0".repeat(32))).send().await;
        let tried = self.tried(other).map_err(|bad| seen(Verdict::Failed, &*bad.reason))?;
        let same = call().copy_source_if_match(format!("\"{etag}\"")).send().await;
        same.map_err(|e| self.broken(&Failure::new(e), "s3:PutObject and s3:GetObject"))?;
        refused(tried, "A copy of an object with another ETag")
    }

    pub async fn examine_ranges(&self, key: &str) -> Examined {
        self.examined_put(key).await?;
        let call = self.clients.ordinary.get_object().bucket(&self.place.bucket).key(key);
        let found = call.range("bytes=3-5").send().await;
        let found = found.map_err(|e| self.broken(&Failure::new(e), "s3:GetObject"))?;
        let bytes = found.body.collect().await.map(AggregatedBytes::to_vec).unwrap_or_default();
        if bytes != BYTES[3..6] {
            return Ok(seen(Verdict::Lies, "Bytes 3 to 5 were asked for; others came."));
        }
        let call = self.clients.ordinary.get_object().bucket(&self.place.bucket).key(key);
        match call.range("bytes=1000-").send().await.map_err(Failure::new) {
            Err(failure) if failure.status == Some(416) => {
                Ok(seen(Verdict::Works, "A range was sent; one beyond the end was refused."))
            }
            Err(failure) => {
                let what = format!("A range beyond the end was answered {}.", described(&failure));
                Ok(seen(Verdict::Failed, what))
            }
            Ok(_) => Ok(seen(Verdict::Lies, "A range beyond the end was answered with bytes.")),
        }
    }
}
