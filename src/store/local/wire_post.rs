//! Uploads by a form of a page with a signed policy ("Browser-Based Uploads Using POST", Amazon
//! S3 API reference).
//!
//! Ours and not the protocol library's, because that one gathers the whole file in memory. Only
//! Signature Version 4; every field must be covered by the policy.
//!
//! Nothing is made of what the fields say before the policy is found signed.

use aws_lc_rs::hmac;
use axum::body::Body;
use futures::TryStreamExt;
use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use percent_encoding::utf8_percent_encode;
use s3s::post_policy::{PostPolicy, PostPolicyCondition};
use s3s::{S3ErrorCode, S3Result};
use time::OffsetDateTime;

use super::intake::{BodyError, IntakeError, Length};
use super::put::{Put, Stored};
use super::rows::Condition;
use super::wire::{Endpoint, Most, WireAccess, remote, request_id};
use super::wire_convert::{MAX_SINGLE, form_attributes, limited, named_checksums, object_key};
use super::wire_errors::{fail, intake_error, key_error};
use crate::http::form::{Form, FormError, Parsed, boundary};
use crate::keys::S3Credentials;
use crate::store::presign::{PATH, QUERY};
use crate::store::{ObjectKey, ObjectKeyError};

/// Longest key in bytes (S3: "Naming Amazon S3 objects").
const MAX_KEY: usize = 1024;

/// Reads a field of the form.
type Field<'f> = dyn Fn(&str) -> Option<&'f str> + Send + Sync + 'f;

fn form_error(e: FormError) -> s3s::S3Error {
    match e {
        FormError::Malformed => fail(
            S3ErrorCode::MalformedPOSTRequest,
            "The body of your POST request is not well-formed multipart/form-data.",
        ),
        FormError::TooLarge => fail(
            S3ErrorCode::MaxPostPreDataLengthExceededError,
            "Your POST request fields preceding the upload file were too large.",
        ),
        FormError::Body(e) => intake_error(IntakeError::Body(e)),
    }
}

impl Endpoint {
    /// Takes in the file of a form.
    pub(super) async fn form_upload(&self, parts: &Parts, body: Body) -> S3Result<Response<Body>> {
        let config = &self.store.config;
        let path = parts.uri.path().trim_matches('/');
        if path != config.bucket {
            return Err(fail(S3ErrorCode::MethodNotAllowed, "A form is posted to the bucket."));
        }
        let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let boundary = content_type.and_then(boundary);
        let boundary = boundary.ok_or_else(|| form_error(FormError::Malformed))?;
        let body = body.into_data_stream().map_err(BodyError::from);
        let form = Form::read(body, &boundary).await.map_err(form_error)?;
        let Parsed { mut fields, filename, file } = form;
        let policy = self.signed_policy(&|name: &str| value_of(&fields, name))?;
        name_file(&mut fields, &filename)?;
        let borrowed = |name: &str| value_of(&fields, name);
        let field = |name: &str| borrowed(name).map(str::to_owned);
        let key = borrowed("key").ok_or_else(|| {
            let text = "Bucket POST must contain a field named 'key'. If it is specified, please \
                        check the order of the fields.";
            fail(S3ErrorCode::InvalidArgument, text)
        })?;
        check_policy(&policy, &fields, &config.bucket)?;
        let key = object_key(key)?;
        let Most(announced) = self
            .observe(WireAccess {
                operation: "PostObject",
                key: Some(key.clone()),
                version_id: None,
                length: None,
                beside: 0,
                presigned: true,
                access_key_id: config.credentials.access_key_id.clone(),
                remote: remote(&parts.extensions),
                request_id: request_id(&parts.extensions),
            })
            .await?;
        // An upload that was announced comes once: sent again and again it would fill the disk.
        let condition = if announced.is_some() { Condition::Absent } else { Condition::None };
        let (least, most) = policy.content_length_range().unwrap_or((0, MAX_SINGLE));
        let mut attributes = form_attributes(field);
        let metadata = fields.iter().filter_map(|(name, value)| {
            Some((name.strip_prefix("x-amz-meta-")?.to_owned(), value.clone()))
        });
        attributes.metadata = metadata.collect();
        let attributes = limited(attributes)?;
        let put = Put {
            key: key.clone(),
            content_type: field("content-type"),
            attributes,
            length: Length { exact: None, most: most.min(MAX_SINGLE), least },
            expected: named_checksums(borrowed)?,
            condition,
        };
        let _turn = self.writing.turn(&key, None)?;
        let stored =
            self.store.put_object(put, Box::pin(file), |_| Ok(())).await.map_err(intake_error)?;
        self.form_answer(&key, &stored, &field)
    }

    /// The policy, once its signature and its expiry are checked.
    fn signed_policy(&self, field: &Field<'_>) -> S3Result<PostPolicy> {
        let denied = |message| fail(S3ErrorCode::AccessDenied, message);
        let need = |name| field(name).ok_or_else(|| denied("Access Denied"));
        let (text, signature) = (need("policy")?, need("x-amz-signature")?);
        if need("x-amz-algorithm")? != "AWS4-HMAC-SHA256" {
            return Err(fail(S3ErrorCode::InvalidRequest, "Use AWS4-HMAC-SHA256."));
        }
        let (credential, date) = (need("x-amz-credential")?, need("x-amz-date")?);
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key, day, region, "s3", "aws4_request"] = scope[..] else {
            return Err(fail(S3ErrorCode::InvalidArgument, "The credential is malformed."));
        };
        let credentials = &self.store.config.credentials;
        if access_key != credentials.access_key_id {
            return Err(fail(
                S3ErrorCode::InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records.",
            ));
        }
        let signature = hex::decode(signature).unwrap_or_default();
        let key = signing_key(credentials, day, region);
        if !date.starts_with(day) || hmac::verify(&key, text.as_bytes(), &signature).is_err() {
            return Err(fail(
                S3ErrorCode::SignatureDoesNotMatch,
                "The request signature we calculated does not match the signature you provided.",
            ));
        }
        let policy = PostPolicy::from_base64(text).map_err(|_| {
            fail(S3ErrorCode::InvalidPolicyDocument, "The policy is not a valid document.")
        })?;
        let expiration: OffsetDateTime = policy.expiration.clone().into();
        if expiration <= self.store.now().date_time() {
            return Err(denied("Invalid according to Policy: Policy expired."));
        }
        Ok(policy)
    }

    fn form_answer(
        &self,
        key: &ObjectKey,
        stored: &Stored,
        field: &impl Fn(&str) -> Option<String>,
    ) -> S3Result<Response<Body>> {
        let config = &self.store.config;
        let encoded = utf8_percent_encode(key.as_str(), PATH);
        let at = format!("{}/{}/{encoded}", config.endpoint.trim_end_matches('/'), config.bucket);
        let etag = format!("\"{}\"", stored.info.etag);
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let mut location = at.clone();
        if let Some(to) = field("success_action_redirect") {
            *answer.status_mut() = StatusCode::SEE_OTHER;
            let join = if to.contains('?') { '&' } else { '?' };
            let pairs = [("bucket", &*config.bucket), ("key", key.as_str()), ("etag", &*etag)];
            let query = pairs.map(|(n, v)| format!("{n}={}", utf8_percent_encode(v, QUERY)));
            location = format!("{to}{join}{}", query.join("&"));
        } else if field("success_action_status").as_deref() == Some("200") {
            *answer.status_mut() = StatusCode::OK;
        } else if field("success_action_status").as_deref() == Some("201") {
            *answer.status_mut() = StatusCode::CREATED;
            *answer.body_mut() = Body::from(post_response(&at, &config.bucket, key, &etag));
            let xml = HeaderValue::from_static("application/xml");
            answer.headers_mut().insert(header::CONTENT_TYPE, xml);
        }
        let version = stored.info.version_id.as_deref().unwrap_or_default();
        let headers = [("etag", &*etag), ("location", &*location), ("x-amz-version-id", version)];
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).map_err(|_| {
                fail(S3ErrorCode::InvalidArgument, "The address to go on to is not valid.")
            })?;
            answer.headers_mut().insert(name, value);
        }
        Ok(answer)
    }
}

/// The key of one day, region and service (Signature Version 4).
fn signing_key(credentials: &S3Credentials, day: &str, region: &str) -> hmac::Key {
    let secret = format!("AWS4{}", credentials.secret_access_key.reveal());
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    for step in [day, region, "s3", "aws4_request"] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, step.as_bytes()).as_ref());
    }
    key
}

fn value_of<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
}

/// Writes the file's name into the key where it asks for it, before the policy's conditions are
/// held against it. Of a whole path only the last name counts, whichever way its slashes lean. A
/// key that would become too long is never built: the name may stand in it many times.
fn name_file(fields: &mut [(String, String)], filename: &str) -> S3Result<()> {
    const VARIABLE: &str = "${filename}";
    let name = filename.rsplit(['/', '\\']).next().unwrap_or_default();
    let Some((_, key)) = fields.iter_mut().find(|(field, _)| field == "key") else {
        return Ok(());
    };
    let times = key.matches(VARIABLE).count();
    let length = key.len() - times * VARIABLE.len() + times.saturating_mul(name.len());
    if length > MAX_KEY {
        return Err(key_error(ObjectKeyError::TooLong));
    }
    if times > 0 {
        *key = key.replace(VARIABLE, name);
    }
    Ok(())
}

/// Every condition holds, and every field is named by one.
fn check_policy(policy: &PostPolicy, fields: &[(String, String)], bucket: &str) -> S3Result<()> {
    let value = |field: &str| match field {
        "bucket" => Some(bucket),
        _ => fields.iter().find(|(name, _)| name == field).map(|(_, value)| value.as_str()),
    };
    let denied = |message| Err(fail(S3ErrorCode::AccessDenied, message));
    let mut covered = Vec::new();
    for condition in &policy.conditions {
        let (field, holds) = match condition {
            PostPolicyCondition::Eq { field, value: want } => {
                (field, value(field) == Some(want.as_str()))
            }
            PostPolicyCondition::StartsWith { field, prefix } => {
                (field, value(field).is_some_and(|v| v.starts_with(prefix.as_str())))
            }
            PostPolicyCondition::ContentLengthRange { .. } => continue,
        };
        if !holds {
            return denied("Invalid according to Policy: Policy Condition failed");
        }
        covered.push(field.as_str());
    }
    let free = |name: &str| {
        matches!(name, "x-amz-signature" | "policy" | "file" | "bucket")
            || name.starts_with("x-ignore-")
    };
    if fields.iter().any(|(name, _)| !free(name) && !covered.contains(&name.as_str())) {
        return denied("Invalid according to Policy: Extra input fields");
    }
    // Two fields of one name: which one was meant is anybody's guess.
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|two| two[0] == two[1]) {
        return Err(fail(S3ErrorCode::InvalidArgument, "A field is given twice."));
    }
    Ok(())
}

fn post_response(location: &str, bucket: &str, key: &ObjectKey, etag: &str) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{}</Location>\
         <Bucket>{}</Bucket><Key>{}</Key><ETag>{}</ETag></PostResponse>",
        escape(location),
        escape(bucket),
        escape(key.as_str()),
        escape(etag)
    )
}
