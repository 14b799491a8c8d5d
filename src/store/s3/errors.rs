//! What a failed call means: for the caller a [`StoreError`], for the watch over the bucket a
//! [`Trouble`] with words for the operator.
//!
//! Codes: "Error responses", Amazon S3 API reference. Nothing here repeats a signature, a secret
//! or an object's content.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};

use crate::store::StoreError;
use crate::time::Timestamp;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A call that failed, taken apart.
#[derive(Debug)]
pub(super) struct Failure {
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The store's word for it; `HEAD` answers have none.
    pub code: Option<String>,
    /// The store's sentence.
    pub message: Option<String>,
    /// `x-amz-bucket-region`.
    pub region: Option<String>,
    /// `Date` of the answer.
    pub date: Option<Timestamp>,
    /// What went wrong on the way, where there was no answer.
    pub way: Option<String>,
    source: Source,
}

/// What kind of trouble it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The store does not know the access key's id.
    UnknownKey,
    /// The secret does not fit the access key's id.
    WrongSecret,
    /// The session token is wrong or its time is over.
    ExpiredToken,
    /// There is no such bucket.
    NoBucket,
    /// The bucket is elsewhere.
    OtherRegion,
    /// The keys are right, what they ask for is not allowed.
    AccessDenied,
    /// Our clock and the store's differ too much.
    Skew,
    /// The store cannot be reached.
    Unreachable,
    /// The store answers that it cannot, for now.
    Busy,
    /// Anything else.
    Other,
}

impl Trouble {
    /// Whether other keys may make it go away.
    pub const fn is_about_keys(self) -> bool {
        matches!(
            self,
            Self::UnknownKey | Self::WrongSecret | Self::ExpiredToken | Self::AccessDenied
        )
    }

    /// Whether it may go away by itself within moments.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::Unreachable | Self::Busy)
    }
}

impl Failure {
    /// Takes an SDK error apart.
    pub fn new<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let service = error.as_service_error();
        let code = service.and_then(|e| e.code()).map(str::to_owned);
        let message = service.and_then(|e| e.message()).map(str::to_owned);
        let response = error.raw_response();
        let header = |name| response.and_then(|r| r.headers().get(name)).map(str::to_owned);
        let date = header("date").and_then(|text| http_date(&text));
        let way = match &error {
            SdkError::TimeoutError(_) => Some("it did not answer in time".to_owned()),
            SdkError::DispatchFailure(_) => Some(way(&error)),
            _ => None,
        };
        Self {
            status: response.map(|r| r.status().as_u16()),
            region: header("x-amz-bucket-region"),
            code,
            message,
            date,
            way,
            source: error.into(),
        }
    }

    /// The code, or what a status without a body must mean.
    pub fn code(&self) -> &str {
        match (self.code.as_deref(), self.status) {
            (Some(code), _) if !code.is_empty() => code,
            (_, Some(404)) => "NotFound",
            (_, Some(412)) => "PreconditionFailed",
            (_, Some(416)) => "InvalidRange",
            (_, Some(501)) => "NotImplemented",
            _ => "",
        }
    }

    /// Whether a request of this kind is foreign to the store.
    pub fn is_not_implemented(&self) -> bool {
        let code = self.code();
        ["NotImplemented", "MethodNotAllowed", "XNotImplemented"].contains(&code)
            || matches!(self.status, Some(405 | 501))
    }

    /// What kind of trouble with the bucket this is.
    pub fn trouble(&self) -> Trouble {
        if self.way.is_some() {
            return Trouble::Unreachable;
        }
        match self.code() {
            "InvalidAccessKeyId" | "InvalidSecurity" => Trouble::UnknownKey,
            "SignatureDoesNotMatch" | "InvalidSignature" => Trouble::WrongSecret,
            "ExpiredToken" | "InvalidToken" | "TokenRefreshRequired" | "ExpiredTokenException" => {
                Trouble::ExpiredToken
            }
            "NoSuchBucket" => Trouble::NoBucket,
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "IncorrectEndpoint" => Trouble::OtherRegion,
            "RequestTimeTooSkewed" | "RequestExpired" => Trouble::Skew,
            // Garage says this of an unknown key, of a wrong signature and of a date far off.
            _ if self.says("no such key") => Trouble::UnknownKey,
            _ if self.says("signature") && self.status == Some(403) => Trouble::WrongSecret,
            _ if self.says("date is too old") => Trouble::Skew,
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" => Trouble::AccessDenied,
            _ => match self.status {
                Some(301 | 307) => Trouble::OtherRegion,
                Some(401 | 403) => Trouble::AccessDenied,
                Some(429 | 500..) => Trouble::Busy,
                _ => Trouble::Other,
            },
        }
    }

    fn says(&self, words: &str) -> bool {
        self.message.as_deref().is_some_and(|m| m.to_ascii_lowercase().contains(words))
    }

    /// The region the store says the bucket is in.
    pub fn expected_region(&self) -> Option<String> {
        // "the region 'us-east-1' is wrong; expecting 'eu-west-1'"; Garage shows a whole scope:
        // "expected: '20260102/garage/s3/aws4_request'".
        let named = self.message.as_deref().and_then(|message| {
            let at = message.find("expecting '").or_else(|| message.find("expected: '"))?;
            let (named, _) = message.get(at..)?.split_once('\'')?.1.split_once('\'')?;
            Some(named.split('/').nth(1).unwrap_or(named).to_owned())
        });
        self.region.clone().or(named)
    }

    /// For callers of the store, as far as it is about the call and not about the bucket.
    pub fn into_store_error(self) -> StoreError {
        match self.code() {
            "NoSuchKey" | "NoSuchVersion" | "NotFound" | "NoSuchUpload" | "MethodNotAllowed" => {
                StoreError::NotFound
            }
            "PreconditionFailed" | "InvalidRange" => StoreError::Precondition,
            "InvalidObjectState" => StoreError::Archived,
            "InvalidPart" | "InvalidPartOrder" | "EntityTooSmall" => StoreError::InvalidParts,
            "NotImplemented" | "XNotImplemented" => {
                StoreError::Unsupported("it answers that this is not implemented")
            }
            "QuotaExceeded" | "XMinioStorageFull" | "StorageFull" | "InsufficientStorage" => {
                StoreError::Full
            }
            _ if self.status == Some(507) => StoreError::Full,
            _ if self.trouble() == Trouble::AccessDenied => StoreError::Denied,
            _ => StoreError::Unavailable(self.source),
        }
    }
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    let date = DateTime::from_str(text, DateTimeFormat::HttpDate).ok()?;
    Some(timestamp(&date))
}

/// The SDK's time as ours.
pub(super) fn timestamp(date: &DateTime) -> Timestamp {
    let micros = i64::from(date.subsec_nanos() / 1_000);
    Timestamp::from_micros(date.secs().saturating_mul(1_000_000).saturating_add(micros))
}

/// Why no answer came, in plain words.
fn way(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = chain(error);
    let lower = chain.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["dns error", "failed to lookup", "name or service not known"]) {
        "its host name is not known to the DNS".to_owned()
    } else if has(&["connection refused"]) {
        "nothing listens there (connection refused)".to_owned()
    } else if has(&["certificate", "unknownissuer", "notvalidforname"]) {
        format!("its TLS certificate is not accepted ({chain})")
    } else if has(&["invalid message", "corrupt message", "tls", "handshake"]) {
        format!("TLS could not be agreed on; is it https at all? ({chain})")
    } else if has(&["timed out", "timeout", "time-out", "deadline"]) {
        "it did not answer in time".to_owned()
    } else {
        chain
    }
}

/// An error with its sources, without repeating what one says of the next.
pub(super) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        // What the SDK and its HTTP client wrap everything in says nothing.
        let empty = ["dispatch failure", "io error", "service error", "client error (Connect)"];
        if empty.contains(&text.as_str()) && error.source().is_some() {
            next = error.source();
            continue;
        }
        if words.last().is_none_or(|last| !last.contains(&text)) {
            words.push(text);
        }
        next = error.source();
    }
    words.join(": ")
}
