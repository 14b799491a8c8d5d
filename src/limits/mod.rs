//! How much may be asked for: calls a minute, and what is known of the bytes a clinic keeps.
//!
//! In memory of this process, and bounded whatever is sent: a table that is full forgets whoever
//! has the least to wait for. Nothing here knows a document; what must hold across servers is
//! checked in the database (`documents/quota`).

mod kept;
mod rate;

use std::net::IpAddr;

pub use kept::KeptBytes;
use rate::Table;

use crate::config::LimitsConfig;
use crate::ids::{ClinicId, UserId};
use crate::time::Timestamp;

/// Whose limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One user or API key.
    Caller,
    /// The person a service acts for.
    Person,
    /// The clinic as a whole.
    Clinic,
    /// An address that shows no valid credential.
    Address,
}

impl Scope {
    /// The word for it, in headers, metrics and details.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Person => "person",
            Self::Clinic => "clinic",
            Self::Address => "address",
        }
    }
}

/// A call that came too soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSoon {
    /// Whose limit.
    pub scope: Scope,
    /// Calls a minute.
    pub per_minute: u32,
    /// Seconds after which the next call is let through.
    pub retry_after: u64,
    /// Whether this is to be told: the first refusal in a minute.
    pub first: bool,
}

/// Calls a minute, of everybody.
pub struct RateLimits {
    callers: Table,
    persons: Table,
    clinics: Table,
    addresses: Table,
}

impl RateLimits {
    /// Nobody has called yet.
    pub fn new(limits: &LimitsConfig) -> Self {
        Self {
            callers: Table::new(limits.rate_per_caller),
            persons: Table::new(limits.rate_per_caller),
            clinics: Table::new(limits.rate_per_clinic),
            addresses: Table::new(limits.rate_per_address),
        }
    }

    /// Counts a call of a known caller. Who is over their own limit costs the clinic nothing.
    pub fn call(
        &self,
        clinic: ClinicId,
        user: &UserId,
        person: Option<&UserId>,
        now: Timestamp,
    ) -> Result<(), TooSoon> {
        self.callers.take(&(clinic, user), Scope::Caller, now)?;
        if let Some(person) = person {
            self.persons.take(&(clinic, person), Scope::Person, now)?;
        }
        self.clinics.take(&clinic, Scope::Clinic, now)
    }

    /// Counts a call that showed no valid credential, or one that is about to sign in. A network
    /// of IPv6 (/64) is one address: whoever has one has all of it.
    pub fn stranger(&self, address: Option<IpAddr>, now: Timestamp) -> Result<(), TooSoon> {
        match address {
            None => Ok(()),
            Some(IpAddr::V4(v4)) => self.addresses.take(&v4, Scope::Address, now),
            Some(IpAddr::V6(v6)) => match v6.to_ipv4_mapped() {
                Some(v4) => self.addresses.take(&v4, Scope::Address, now),
                None => self.addresses.take(&(v6.to_bits() >> 64), Scope::Address, now),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLINIC: ClinicId = ClinicId::from_uuid(uuid::Uuid::from_u128(7));

    fn limits(caller: u32, clinic: u32, address: u32) -> RateLimits {
        RateLimits::new(&LimitsConfig {
            rate_per_caller: caller,
            rate_per_clinic: clinic,
            rate_per_address: address,
            ..LimitsConfig::default()
        })
    }

    #[test]
    fn a_service_is_counted_as_itself_and_as_each_person_it_acts_for() {
        let limits = limits(2, 0, 0);
        let (now, key) = (Timestamp::from_micros(0), UserId::new("key:1"));
        let (anna, otto) = (UserId::new("anna"), UserId::new("otto"));
        limits.call(CLINIC, &anna, None, now).unwrap();
        assert_eq!(limits.call(CLINIC, &key, Some(&anna), now), Ok(()));
        assert_eq!(limits.call(CLINIC, &key, Some(&otto), now), Ok(()));
        let over = limits.call(CLINIC, &key, Some(&otto), now).unwrap_err();
        assert_eq!((over.scope, over.per_minute, over.retry_after), (Scope::Caller, 2, 30));
    }

    #[test]
    fn a_clinic_is_counted_as_a_whole_and_apart_from_others() {
        let limits = limits(0, 3, 0);
        let now = Timestamp::from_micros(0);
        for name in ["a", "b", "c"] {
            limits.call(CLINIC, &UserId::new(name), None, now).unwrap();
        }
        let over = limits.call(CLINIC, &UserId::new("d"), None, now).unwrap_err();
        assert_eq!((over.scope, over.retry_after), (Scope::Clinic, 20));
        let other = ClinicId::from_uuid(uuid::Uuid::from_u128(8));
        assert_eq!(limits.call(other, &UserId::new("d"), None, now), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_no_address_is_not_counted() {
        let limits = limits(0, 0, 1);
        let (now, at) = (Timestamp::from_micros(0), |text: &str| Some(text.parse().unwrap()));
        limits.stranger(at("2001:db8::1"), now).unwrap();
        assert!(limits.stranger(at("2001:db8::2"), now).is_err());
        assert_eq!(limits.stranger(at("2001:db8:0:1::1"), now), Ok(()));
        limits.stranger(at("192.0.2.1"), now).unwrap();
        assert!(limits.stranger(at("::ffff:192.0.2.1"), now).is_err());
        assert_eq!(limits.stranger(None, now), Ok(()));
        assert_eq!(limits.stranger(None, now), Ok(()));
    }
}
