//! The store's S3 endpoint: `/<bucket>/…` in the S3 protocol, path style.
//!
//! Protocol, signatures and XML are the library's (`s3s`); what is behind them is ours. A request
//! passes, in this order: the preflight of CORS, what is refused outright, the signature, the
//! bucket, the observer; only then does an operation look at the index or a body.
//!
//! This must never serve an unsigned request, nor let bytes flow or anything change before the
//! observer agreed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Body;
use http::request::Parts;
use http::{Extensions, HeaderValue, Method, Request, Response, StatusCode, header};
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Error, S3Request, S3Response, S3Result};

use super::LocalStore;
use super::wire_cors::Origins;
use super::wire_errors::fail;
use super::wire_guard::{Gate, OneKey, forget_reload, is_form_upload, observe, refuse};
use super::wire_writing::Writing;
use crate::http::layers::RequestInfo;
use crate::http::paced::paced_body;
use crate::store::ObjectKey;

/// Largest XML body in bytes: a thousand keys to delete, ten thousand parts to complete.
const MAX_XML: usize = 4 * 1024 * 1024;

/// How long a body may stand still where nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// One access through the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireAccess {
    /// S3's name of the operation.
    pub operation: &'static str,
    /// The object, where the operation is about one.
    pub key: Option<ObjectKey>,
    /// The version that was asked for.
    pub version_id: Option<String>,
    /// How many bytes the request says it brings; unknown of a form.
    pub length: Option<u64>,
    /// Bytes that other parts of the same upload have brought already.
    pub beside: u64,
    /// Whether a presigned URL (or form) was used.
    pub presigned: bool,
    /// Whose signature it was.
    pub access_key_id: String,
    /// Where the request came from, where the server around the wire told.
    pub remote: Option<IpAddr>,
    /// What the server around the wire calls the request.
    pub request_id: Option<String>,
}

impl WireAccess {
    /// An access that is part of a signed request; what it is to is for the caller to fill in.
    pub(super) fn of<T>(req: &S3Request<T>) -> Self {
        let signed = req.credentials.as_ref();
        Self {
            operation: "",
            key: None,
            version_id: None,
            length: None,
            beside: 0,
            presigned: false,
            access_key_id: signed.map_or_else(String::new, |c| c.access_key.clone()),
            remote: remote(&req.extensions),
            request_id: request_id(&req.extensions),
        }
    }
}

/// The address that the server around the wire took the request from.
pub(super) fn remote(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<RequestInfo>()?.remote
}

/// The id that the server around the wire gave the request.
pub(super) fn request_id(extensions: &Extensions) -> Option<String> {
    extensions.get::<RequestInfo>().map(|info| info.id.as_ref().to_owned())
}

/// Why an access is not to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireRefusal {
    /// It could not be noted: 503.
    NotRecorded,
    /// What the URL was made for has ended: 403.
    Ended,
    /// It is not known to be free of malware: 403.
    Unscanned,
    /// It brings more than it was made for: 400.
    TooLarge,
}

/// How much an object may have in all, in bytes, where that was said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Most(pub Option<u64>);

/// Is told of every access before bytes flow or anything changes.
#[async_trait]
pub trait WireObserver: Send + Sync {
    /// Notes an access; `Err` refuses it.
    async fn before(&self, access: &WireAccess) -> Result<Most, WireRefusal>;
}

/// The endpoint. Cheap to clone.
#[derive(Clone)]
pub struct Wire {
    service: S3Service,
    pub(super) endpoint: Endpoint,
    origins: Arc<Origins>,
    patience: Duration,
}

/// What the operations work on.
#[derive(Clone)]
pub struct Endpoint {
    pub(super) store: Arc<LocalStore>,
    pub(super) observer: Arc<dyn WireObserver>,
    pub(super) writing: Writing,
}

impl LocalStore {
    /// The S3 endpoint of this store. Pages of `allowed_origins` may use it from a browser.
    pub fn wire(
        self: &Arc<Self>,
        observer: Arc<dyn WireObserver>,
        allowed_origins: Vec<String>,
    ) -> Wire {
        let endpoint = Endpoint {
            store: Arc::clone(self),
            observer: Arc::clone(&observer),
            writing: Writing::default(),
        };
        let mut builder = S3ServiceBuilder::new(endpoint.clone());
        builder.set_auth(OneKey(self.config.credentials.clone()));
        builder.set_access(Gate { store: Arc::clone(self), observer });
        let mut config = S3Config::default();
        config.xml_max_body_size = MAX_XML;
        // Forms never reach the library, which would hold the whole file in memory.
        config.post_object_max_file_size = 0;
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        let origins = Arc::new(Origins::new(allowed_origins));
        Wire { service: builder.build(), endpoint, origins, patience: PATIENCE }
    }
}

impl Wire {
    /// The same, where a body has to keep coming at another pace.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Answers one request.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let body = paced_body(body, self.patience);
        if let Some(answer) = self.origins.preflight(&parts) {
            return answer;
        }
        let headers = parts.headers.clone();
        forget_reload(&mut parts);
        let reads_object = is_object_read(&parts);
        let now = self.endpoint.store.now();
        let mut answer = if let Err(e) = refuse(&parts, now) {
            error_answer(e)
        } else if is_form_upload(&parts) {
            self.endpoint.form_upload(&parts, body).await.unwrap_or_else(error_answer)
        } else {
            let body = s3s::Body::http_body_unsync(body);
            match self.service.call(Request::from_parts(parts, body)).await {
                Ok(answer) => explained(answer),
                Err(_) => error_answer(s3s::S3ErrorCode::InternalError.into()),
            }
        };
        if answer.status() == StatusCode::NOT_MODIFIED {
            *answer.body_mut() = Body::empty();
            answer.headers_mut().remove(header::CONTENT_TYPE);
        }
        if reads_object {
            guard_object(&mut answer);
        }
        self.origins.decorate(&headers, answer.headers_mut());
        answer
    }
}

/// Whether the request reads something below a bucket.
fn is_object_read(parts: &Parts) -> bool {
    let key = parts.uri.path().trim_start_matches('/').split_once('/').map(|(_, key)| key);
    (parts.method == Method::GET || parts.method == Method::HEAD)
        && key.is_some_and(|k| !k.is_empty())
}

/// What was uploaded is taken for what its type says, and kept by nobody unless the object or the
/// signed request says otherwise. Of what a client kept, the first answer's word stands.
fn guard_object(answer: &mut Response<Body>) {
    let unchanged = answer.status() == StatusCode::NOT_MODIFIED;
    let headers = answer.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !unchanged {
        let unkept = HeaderValue::from_static("private, no-store");
        headers.entry(header::CACHE_CONTROL).or_insert(unkept);
    }
}

/// The library says of a wrong signature nothing but its code, the commonest mistake of whoever
/// uses a presigned URL for the first time.
fn explained(answer: Response<s3s::Body>) -> Response<Body> {
    let bare = b"<Error><Code>SignatureDoesNotMatch</Code></Error>";
    if answer.body().bytes().is_some_and(|body| body.ends_with(bare)) {
        return error_answer(fail(
            s3s::S3ErrorCode::SignatureDoesNotMatch,
            "The request is not the one that was signed. With a presigned URL send exactly the \
             method and headers that came with it, and a body of the announced length, to the \
             same host; otherwise check the secret key.",
        ));
    }
    answer.map(Body::new)
}

fn error_answer(e: S3Error) -> Response<Body> {
    if let Ok(answer) = e.to_http_response() {
        return answer.map(Body::new);
    }
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    answer
}

impl Endpoint {
    /// Tells the observer of an access that the gate could not know of.
    pub(super) async fn observe(&self, access: WireAccess) -> S3Result<Most> {
        observe(&*self.observer, &access).await
    }
}

/// Hands each operation of the protocol to the method of the same name.
macro_rules! operations {
    ($($name:ident($input:ident) -> $output:ident),* $(,)?) => {
        #[async_trait]
        impl S3 for Endpoint {
            $(
                async fn $name(
                    &self,
                    req: S3Request<dto::$input>,
                ) -> S3Result<S3Response<dto::$output>> {
                    self.$name(req).await
                }
            )*
        }
    };
}

operations! {
    put_object(PutObjectInput) -> PutObjectOutput,
    get_object(GetObjectInput) -> GetObjectOutput,
    head_object(HeadObjectInput) -> HeadObjectOutput,
    get_object_attributes(GetObjectAttributesInput) -> GetObjectAttributesOutput,
    copy_object(CopyObjectInput) -> CopyObjectOutput,
    delete_object(DeleteObjectInput) -> DeleteObjectOutput,
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput,
    list_objects(ListObjectsInput) -> ListObjectsOutput,
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output,
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput,
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput,
    upload_part(UploadPartInput) -> UploadPartOutput,
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput,
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput,
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput,
    list_parts(ListPartsInput) -> ListPartsOutput,
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput,
    create_bucket(CreateBucketInput) -> CreateBucketOutput,
    head_bucket(HeadBucketInput) -> HeadBucketOutput,
    list_buckets(ListBucketsInput) -> ListBucketsOutput,
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput,
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput,
}
