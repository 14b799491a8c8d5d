//! Cursors: where a page ended, opaque to clients and checked when they come back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ApiError;

/// A page of answers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The answers, in the order asked for.
    pub items: Vec<T>,
    /// Give this as `cursor` to get what follows; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// How many answers a page holds when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 50;
/// How many answers a page holds at most.
pub const MAX_LIMIT: u32 = 1000;

/// The number of answers asked for, within bounds.
pub fn limit(asked: Option<u32>) -> Result<u32, ApiError> {
    match asked {
        None => Ok(DEFAULT_LIMIT),
        Some(n) if (1..=MAX_LIMIT).contains(&n) => Ok(n),
        Some(_) => Err(field("limit", &format!("must be from 1 to {MAX_LIMIT}"))),
    }
}

/// Writes a position as a cursor.
pub fn encode<T: Serialize>(position: &T) -> Option<String> {
    serde_json::to_vec(position).ok().map(|json| URL_SAFE_NO_PAD.encode(json))
}

/// Reads a cursor back.
pub fn decode<T: DeserializeOwned>(cursor: &str) -> Result<T, ApiError> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|json| serde_json::from_slice(&json).ok())
        .ok_or_else(|| field("cursor", "is not one this server gave; start without a cursor"))
}

/// An error about one field.
pub fn field(name: &str, message: &str) -> ApiError {
    ApiError::fields([(name.to_owned(), message.to_owned())].into())
}
