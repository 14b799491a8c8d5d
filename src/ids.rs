//! Identifiers as types of their own, and the one place new ones come from.
//!
//! An id never appears in a signature as a bare `Uuid` or `String`. Identifiers that an app
//! gives us (`PatientId`, `UserId`) are text; `PatientId` may be a medical record number, so it
//! does not print itself.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            Serialize, Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is already known to be of this kind.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The UUID inside.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a text id as the app spells it.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as the app spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

uuid_id! {
    /// One document; also the trailing part of its object key.
    DocumentId
}
uuid_id! {
    /// One clinic: the wall no call passes.
    ClinicId
}
uuid_id! {
    /// One API key (its public part).
    ApiKeyId
}
uuid_id! {
    /// One signed-in browser session.
    SessionId
}
uuid_id! {
    /// One ticket for uploads (its public part).
    TicketId
}
uuid_id! {
    /// One event of the audit trail.
    EventId
}
uuid_id! {
    /// One webhook: an address of the app that is told what happens.
    WebhookId
}
uuid_id! {
    /// One message to one webhook.
    DeliveryId
}
uuid_id! {
    /// A patient as object keys name them: the patient id itself where that is a UUID, else a
    /// keyed pseudonym in UUID form.
    PatientRef
}

text_id! {
    /// A patient, as the app names them. May be a record number: treated as PHI, never printed.
    PatientId
}
text_id! {
    /// A person or service that calls, as the app (or our own user table) names them.
    UserId
}

impl fmt::Debug for PatientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PatientId([phi])")
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({})", self.0)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where new ids come from: random and time-ordered in service, counted in tests.
#[derive(Clone, Debug)]
pub enum Ids {
    /// UUID version 7: sortable by time of creation, 74 random bits.
    Random,
    /// `00000000-0000-7000-8000-…n`, so that test answers repeat exactly.
    Counted(Arc<AtomicU64>),
}

impl Ids {
    /// A source that counts up from one.
    pub fn counted() -> Self {
        Self::Counted(Arc::new(AtomicU64::new(0)))
    }

    /// The next id.
    pub fn next(&self) -> Uuid {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is where ids come from")]
            Self::Random => Uuid::now_v7(),
            Self::Counted(count) => {
                let n = count.fetch_add(1, Ordering::Relaxed) + 1;
                Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0000 | u128::from(n))
            }
        }
    }
}
