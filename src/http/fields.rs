//! Reading a request's fields one by one, so that every wrong one is named at once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::ApiError;
use crate::time::Timestamp;

/// A text that holds no control character and is not blank, as JSON Schema says it.
pub const PRINTABLE: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f]*",
    r"[^\s\u0000-\u001f\u007f-\u009f]",
    r"[^\u0000-\u001f\u007f-\u009f]*$",
);

/// Whether a text can be somebody's id or a name: 1 to 128 characters, not blank, no control
/// character.
pub fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 128 && !text.chars().any(char::is_control)
}

/// What [`is_label`] takes, as the contract says it.
pub fn label_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(128))
        .pattern(Some(PRINTABLE))
        .build()
}

/// Collects what is wrong with a request's fields.
#[derive(Default)]
pub struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Notes what would be right for a field.
    pub fn wrong(&mut self, name: &str, right: String) {
        self.0.insert(name.to_owned(), right);
    }

    /// A value that reads itself from its text.
    pub fn parse<T: std::str::FromStr>(
        &mut self,
        name: &str,
        text: Option<&str>,
        expected: &str,
    ) -> Option<T> {
        let text = text?;
        let value = text.parse().ok();
        if value.is_none() {
            self.wrong(name, format!("must be {expected}"));
        }
        value
    }

    /// A value whose own error says what would be right.
    pub fn read<T>(&mut self, name: &str, text: Option<&str>) -> Option<T>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        let read = text?.parse::<T>().map_err(|e| self.wrong(name, e.to_string()));
        read.ok()
    }

    /// 64 hexadecimal digits, or 44 characters of base64.
    pub fn sha256(&mut self, text: Option<&str>) -> Option<[u8; 32]> {
        let text = text?;
        let bytes = hex::decode(text).or_else(|_| STANDARD.decode(text)).ok();
        let sha = bytes.and_then(|b| <[u8; 32]>::try_from(b).ok());
        if sha.is_none() {
            let right = "must be a SHA-256: 64 hexadecimal digits, or base64 of 32 bytes";
            self.wrong("sha256", right.to_owned());
        }
        sha
    }

    /// The value, if no field is wrong.
    pub fn done<T>(self, value: T) -> Result<T, ApiError> {
        if self.0.is_empty() { Ok(value) } else { Err(ApiError::fields(self.0)) }
    }

    /// Several values, comma separated.
    pub fn several<T>(&mut self, name: &str, text: &str) -> Vec<T>
    where
        T: std::str::FromStr + PartialEq,
        T::Err: std::fmt::Display,
    {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let mut values = Vec::new();
        for item in items {
            match item.parse::<T>() {
                Ok(value) if values.contains(&value) => {}
                Ok(value) => values.push(value),
                Err(e) => self.wrong(name, e.to_string()),
            }
        }
        values
    }

    /// A time in RFC 3339.
    pub fn time(&mut self, name: &str, text: Option<&str>) -> Option<Timestamp> {
        let text = text?;
        let time = Timestamp::parse(text).ok();
        if time.is_none() {
            self.wrong(name, "must be a time such as 2026-02-03T04:05:06Z".to_owned());
        }
        time
    }
}
