//! The name of an object.
//!
//! Invariant: 1 to 1,024 bytes of UTF-8 without NUL (S3: "Naming Amazon S3 objects").

use std::fmt;

/// Longest key, in bytes.
const MAX_BYTES: usize = 1024;

/// Why a text is not an object key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectKeyError {
    /// No byte.
    #[error("an object key is at least one byte long")]
    Empty,
    /// More than 1,024 bytes.
    #[error("an object key is at most 1024 bytes long")]
    TooLong,
    /// Holds a NUL.
    #[error("an object key holds no NUL")]
    Nul,
}

/// The name of an object in its bucket. Holds opaque ids only, so it may be logged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(String);

impl ObjectKey {
    /// Checks and wraps a name.
    pub fn new(key: impl Into<String>) -> Result<Self, ObjectKeyError> {
        let key = key.into();
        match key.as_bytes() {
            [] => Err(ObjectKeyError::Empty),
            bytes if bytes.len() > MAX_BYTES => Err(ObjectKeyError::TooLong),
            bytes if bytes.contains(&0) => Err(ObjectKeyError::Nul),
            _ => Ok(Self(key)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ObjectKey {
    type Err = ObjectKeyError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_1_to_1024_bytes_without_nul() {
        assert_eq!(ObjectKey::new(""), Err(ObjectKeyError::Empty));
        assert_eq!(ObjectKey::new("a\0b"), Err(ObjectKeyError::Nul));
        assert!(ObjectKey::new("x".repeat(1024)).is_ok());
        assert_eq!(ObjectKey::new("ü".repeat(513)), Err(ObjectKeyError::TooLong));
    }
}
