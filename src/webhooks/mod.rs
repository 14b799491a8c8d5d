//! Webhooks: addresses of an app that are told what happens to documents, so that it need not ask
//! (decision 0019; the form is that of Standard Webhooks, <https://www.standardwebhooks.com>).
//!
//! What is to be told is written by `outbox` in the commit of the change; here it is sent, and
//! webhooks are made, changed and looked at.
//!
//! Invariants:
//! - A message is sent until it is answered with 2xx, its tries are used up, or its webhook is off
//!   or gone: at least once, each time with the same id and the same bytes.
//! - A message names things by opaque ids. What a receiver may know beyond that it asks for with a
//!   credential of its own.
//! - Nothing is sent to an address that is not public, unless the operator allows it; it is the
//!   address that is connected to that counts, not the name.
//! - A signing secret is shown once, when it is made, and never logged.

mod address;
pub mod api;
mod deliver;
mod manage;
mod message;
pub mod rows;

pub use deliver::{Sent, forget_old, run, send_due};
pub use manage::{
    Asked, Changes, Rotated, change, create, list, read, redeliver, remove, rotate, test,
};
pub use rows::{Delivery, Webhook};

use std::collections::BTreeMap;

use crate::access::Refusal;
use crate::db::DbError;

/// Most webhooks of one clinic: each change is written once for each of them.
pub const MOST: i64 = 20;

/// Why an operation on a webhook was not done.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// There is no such webhook, or message, in the caller's clinic.
    #[error("there is no such webhook")]
    NotFound,
    /// The policy does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Fields of the request are wrong: name → what would be right.
    #[error("fields of the request are wrong")]
    Fields(BTreeMap<String, String>),
    /// The clinic has as many as it may.
    #[error("the clinic has {MOST} webhooks")]
    TooMany,
    /// The webhook is switched off.
    #[error("the webhook is off")]
    Off,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}
