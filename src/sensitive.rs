//! Secrets and health information as types.
//!
//! `Secret<T>` and `Phi<T>` print `[secret]` and `[phi]`, have no `Display` and do not
//! serialise: whoever shows one has to say so with `reveal()`, which is easy to find in a review.

use std::fmt;

/// A value that must never reach a log, an error text or a metric: keys, passwords, tokens.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<T>(T);

/// A value that may identify a patient: file names, names, free text.
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Phi<T>(T);

macro_rules! guarded {
    ($name:ident, $shown:literal) => {
        impl<T> $name<T> {
            /// Puts the value under guard.
            pub const fn new(value: T) -> Self {
                Self(value)
            }

            /// The value itself. Each call is a place to look at in review.
            pub const fn reveal(&self) -> &T {
                &self.0
            }

            /// The value itself, taken out of its guard.
            pub fn into_revealed(self) -> T {
                self.0
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($shown)
            }
        }
    };
}

guarded!(Secret, "[secret]");
guarded!(Phi, "[phi]");
