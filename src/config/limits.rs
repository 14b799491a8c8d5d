//! How much one caller, one clinic and one address may ask for, and where webhooks may lead.
//! Everywhere 0 means: no limit.

use super::Reader;

/// Limits; 0 is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitsConfig {
    /// Calls a minute of one caller; also of one person whom a service acts for.
    pub rate_per_caller: u32,
    /// Calls a minute of one clinic.
    pub rate_per_clinic: u32,
    /// Calls a minute without a valid credential, from one address.
    pub rate_per_address: u32,
    /// Uploads one caller may have announced and not completed.
    pub open_per_caller: u32,
    /// The same of one clinic.
    pub open_per_clinic: u32,
    /// Bytes one caller may announce in a day.
    pub daily_per_caller: u64,
    /// Bytes one clinic may announce in a day.
    pub daily_per_clinic: u64,
    /// Bytes one clinic may keep.
    pub kept_per_clinic: u64,
}

/// Where webhooks may lead.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhookConfig {
    /// Whether they may lead to private and loopback addresses, and go without TLS.
    pub allow_private: bool,
}

pub(super) fn limits(r: &mut Reader) -> LimitsConfig {
    let mut number =
        |name, default| r.parse(name, "a whole number; 0 is no limit").unwrap_or(default);
    LimitsConfig {
        rate_per_caller: number("STRONGROOM_RATE_PER_CALLER", 12_000),
        rate_per_clinic: number("STRONGROOM_RATE_PER_CLINIC", 60_000),
        rate_per_address: number("STRONGROOM_RATE_PER_ADDRESS", 1_200),
        open_per_caller: number("STRONGROOM_MAX_OPEN_UPLOADS", 1_000),
        open_per_clinic: number("STRONGROOM_MAX_OPEN_UPLOADS_PER_CLINIC", 10_000),
        daily_per_caller: r.bytes("STRONGROOM_QUOTA_DAILY_PER_CALLER", 0),
        daily_per_clinic: r.bytes("STRONGROOM_QUOTA_DAILY_PER_CLINIC", 0),
        kept_per_clinic: r.bytes("STRONGROOM_QUOTA_PER_CLINIC", 0),
    }
}

pub(super) fn webhooks(r: &mut Reader) -> WebhookConfig {
    WebhookConfig { allow_private: r.flag("STRONGROOM_WEBHOOK_ALLOW_PRIVATE", false) }
}
