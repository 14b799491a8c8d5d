//! Bodies, queries and paths whose errors name the field.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ApiError, Code};

/// The largest JSON body any call takes.
const MAX_JSON: usize = 1024 * 1024;
/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A JSON body, in or out.
#[derive(Debug)]
pub struct ApiJson<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for ApiJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        if !is_json(&request) {
            let detail = "Send a JSON body with Content-Type: application/json.";
            return Err(ApiError::new(Code::WrongContentType, detail));
        }
        if is_encoded(&request) {
            let detail = "Send the JSON as it is, without a Content-Encoding.";
            return Err(ApiError::new(Code::WrongContentType, detail));
        }
        let body = read_limited(request, MAX_JSON).await?;
        if holds_nul(&body) {
            return Err(no_nul("body"));
        }
        let mut reader = serde_json::Deserializer::from_slice(&body);
        let value = match serde_path_to_error::deserialize(&mut reader) {
            Ok(value) => value,
            Err(e) => return with_whole_numbers(&body).map(Self).ok_or_else(|| bad_body(&e)),
        };
        reader.end().map_err(|_| {
            ApiError::new(Code::BadRequest, "The body goes on after its JSON value has ended.")
        })?;
        Ok(Self(value))
    }
}

/// The same body where whole numbers stand with a point, as `120.0`: JSON Schema (2020-12, 6.1.1)
/// takes them for integers, serde does not. Nothing where that is not what was wrong.
fn with_whole_numbers<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    let mut value = serde_json::from_slice(body).ok()?;
    make_whole(&mut value).then(|| serde_json::from_value(value).ok())?
}

/// Whether there was any such number.
fn make_whole(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |any, item| make_whole(item) | any),
        Value::Object(fields) => {
            fields.values_mut().fold(false, |any, field| make_whole(field) | any)
        }
        Value::Number(number) if number.is_f64() => {
            // Written by Rust, a whole number has no point.
            let whole = number.as_f64().and_then(|number| number.to_string().parse::<i64>().ok());
            whole.map(|whole| *number = whole.into()).is_some()
        }
        _ => false,
    }
}

/// Whether the body is said to be JSON, once and with nothing but parameters behind it.
fn is_json<B>(request: &http::Request<B>) -> bool {
    let mut said = request.headers().get_all(header::CONTENT_TYPE).iter();
    let kind = said.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json") && said.next().is_none()
}

/// Whether the body is said to be compressed (RFC 9110 section 8.4).
fn is_encoded<B>(request: &http::Request<B>) -> bool {
    let mut said = request.headers().get_all(header::CONTENT_ENCODING).iter();
    said.any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// Whether a JSON text holds the character U+0000, which stands there as an escape only.
fn holds_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.windows(6).position(|w| w == b"\\u0000") {
        // An even number of backslashes in front is text of its own.
        let before = rest[..at].iter().rev().take_while(|&&b| b == b'\\').count();
        if before % 2 == 0 {
            return true;
        }
        rest = &rest[at + 2..];
    }
    false
}

/// PostgreSQL holds no such character in a text, so it is refused before anything is asked.
fn no_nul(field: &str) -> ApiError {
    let right = "must not hold the character U+0000".to_owned();
    ApiError::fields(BTreeMap::from([(field.to_owned(), right)]))
}

/// Reads a whole body of at most `limit` bytes.
async fn read_limited(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let body = Limited::new(request.into_body(), limit);
    let Ok(read) = tokio::time::timeout(PATIENCE, body.collect()).await else {
        let detail = format!("The body did not come within {} seconds.", PATIENCE.as_secs());
        return Err(ApiError::new(Code::TooSlow, detail));
    };
    match read {
        Ok(body) => Ok(body.to_bytes()),
        Err(e) if e.is::<LengthLimitError>() => Err(ApiError::new(
            Code::BodyTooLarge,
            format!("This call takes at most {limit} bytes of JSON."),
        )),
        Err(_) => Err(ApiError::new(Code::BadRequest, "The body was cut off.")),
    }
}

fn bad_body(e: &serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    if e.inner().classify() != serde_json::error::Category::Data {
        return ApiError::new(Code::BadRequest, format!("The body is not JSON: {}.", e.inner()));
    }
    let (field, message) = name_the_field(&e.path().to_string(), &e.inner().to_string());
    ApiError::fields(BTreeMap::from([(field, message)]))
}

/// The field at fault and what serde says of it, without line and column.
fn name_the_field(path: &str, message: &str) -> (String, String) {
    let message = message.split(" at line ").next().unwrap_or(message);
    let named = message.split('`').nth(1);
    match (path, named) {
        (".", Some(name)) if message.starts_with("missing field") => {
            (name.to_owned(), "is required".to_owned())
        }
        (path, Some(name)) if message.starts_with("unknown field") => {
            let known = message.split_once(", expected ").map_or("", |(_, known)| known);
            let field = if path == "." { name } else { path };
            (field.to_owned(), format!("is not known here; expected {known}"))
        }
        (".", _) => ("body".to_owned(), in_plain_words(message)),
        (path, _) => (path.to_owned(), in_plain_words(message)),
    }
}

/// What would be right, where serde speaks of Rust's types. What was sent is not repeated.
fn in_plain_words(message: &str) -> String {
    const NUMBER: &str = "must be a whole number, not below 0";
    let expected = message.rsplit_once("expected ").map_or(message, |(_, expected)| expected);
    let right = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => NUMBER,
        "a string" => "must be a text",
        "a boolean" => "must be true or false",
        "a sequence" => "must be a list",
        "a map" => "must be an object",
        _ if expected.starts_with("struct ") => "must be an object with the fields of this call",
        _ if message.contains("invalid digit found") || message.contains("number too ") => NUMBER,
        _ if message.starts_with("cannot parse integer from empty") => NUMBER,
        _ if message.starts_with("invalid float literal") => "must be a number",
        _ if message.contains("not `true` or `false`") => "must be true or false",
        _ => message,
    };
    right.to_owned()
}

impl<T: Serialize> IntoResponse for ApiJson<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => {
                let json = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, json)], body).into_response()
            }
            Err(e) => ApiError::new(Code::Internal, "The answer could not be written.")
                .with_source(e)
                .into_response(),
        }
    }
}

/// Query parameters.
#[derive(Debug)]
pub struct ApiQuery<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let mut named = url::form_urlencoded::parse(query.as_bytes());
        if let Some((name, _)) =
            named.find(|(name, value)| (name.clone() + &**value).contains('\0'))
        {
            return Err(no_nul(&name.replace('\0', "")));
        }
        let pairs =
            serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs).map(Self).map_err(|e| {
            let (field, message) = name_the_field(&e.path().to_string(), &e.inner().to_string());
            ApiError::fields(BTreeMap::from([(field, message)]))
        })
    }
}

/// No query parameter at all: one that is not known must not look as if it had been obeyed.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// An id in the path; one that cannot be an id names nothing, so the answer is 404.
#[derive(Debug)]
pub struct ApiPath<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for ApiPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        if parts.uri.path().contains("%00") {
            return Err(ApiError::not_found());
        }
        Path::from_request_parts(parts, state)
            .await
            .map(|Path(value)| Self(value))
            .map_err(|_: PathRejection| ApiError::not_found())
    }
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, holds_nul, is_json, name_the_field, with_whole_numbers};

    #[test]
    fn the_character_nul_is_found_however_it_is_written() {
        for with in [r#"{"a":"\u0000"}"#, r#"["\\\u0000"]"#, r#"["\\u0000\u0000"]"#] {
            assert!(holds_nul(with.as_bytes()), "{with}");
        }
        for without in [r#"{"a":"\\u0000"}"#, r#"["\u00001"]"#.replace("0000", "0001").as_str()] {
            assert!(!holds_nul(without.as_bytes()), "{without}");
        }
    }

    #[test]
    fn a_body_is_json_when_it_is_called_so_once() {
        let said = |kinds: &[&str]| {
            let mut request = http::Request::builder();
            for kind in kinds {
                request = request.header("content-type", *kind);
            }
            is_json(&request.body(()).unwrap())
        };
        for good in ["application/json", "Application/JSON ; charset=utf-8"] {
            assert!(said(&[good]), "{good}");
        }
        for bad in [&["application/jsonp"][..], &["text/json"], &[], &["application/json"; 2]] {
            assert!(!said(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_missing_and_an_unknown_field_are_named() {
        let (field, message) = name_the_field(".", "missing field `size` at line 1 column 9");
        assert_eq!((field.as_str(), message.as_str()), ("size", "is required"));
        let (field, message) =
            name_the_field("sice", "unknown field `sice`, expected `size` or `type`");
        assert_eq!(field, "sice");
        assert_eq!(message, "is not known here; expected `size` or `type`");
    }

    #[test]
    fn whole_numbers_may_be_written_with_a_point() {
        type Sizes = BTreeMap<String, Vec<u64>>;
        let read = |body: &str| with_whole_numbers::<Sizes>(body.as_bytes());
        let right = BTreeMap::from([("a".to_owned(), vec![120, 7, 9_007_199_254_740_992])]);
        assert_eq!(read(r#"{"a": [120.0, 7, 9007199254740992.0]}"#), Some(right));
        for wrong in
            [r#"{"a": [0.5]}"#, r#"{"a": [-1.0]}"#, r#"{"a": ["1.0"]}"#, r#"{"a": [1e300]}"#]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_told_in_plain_words_and_not_repeated() {
        for (path, message, right) in [
            (
                "size",
                "invalid type: string \"x\", expected u64",
                "must be a whole number, not below 0",
            ),
            ("limit", "invalid digit found in string", "must be a whole number, not below 0"),
            ("patientId", "invalid type: integer `5`, expected a string", "must be a text"),
            (
                "temporary",
                "invalid type: string \"yes\", expected a boolean",
                "must be true or false",
            ),
            (
                "body",
                "invalid length 0, expected struct Wish with 13 elements at line 1 column 2",
                "must be an object with the fields of this call",
            ),
        ] {
            let asked = if path == "body" { "." } else { path };
            let (field, told) = name_the_field(asked, message);
            assert_eq!((field.as_str(), told.as_str()), (path, right));
        }
    }
}
