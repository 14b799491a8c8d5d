//! Who is calling, and what they may do.
//!
//! A request becomes a [`Caller`] in [`Authenticator::identify`] (JWT, API key or session
//! cookie), and [`Policy::decide`] says whether that caller may do an [`Action`] to a
//! [`Target`]. Nothing here knows a domain type: category and state arrive as words.
//!
//! Invariants:
//! - Secrets of keys and sessions are kept as hashes only, passwords as argon2id.
//! - Why a key, token or session was refused goes to the log; the caller learns what would be
//!   right, never which keys, names or sessions exist.
//! - No decision crosses a clinic, whatever the policy file says.

mod acting;
mod action;
pub mod api_keys;
mod authenticate;
mod call;
mod caller;
mod care_team;
mod jwks;
pub mod jwt;
mod origin;
mod people;
mod policy;
pub mod rows;
pub mod sessions;
mod target;
pub mod tickets;
pub mod users;

#[cfg(test)]
mod matrix;

pub use action::Action;
pub use authenticate::{AuthConfig, AuthError, Authenticator, SetupError};
pub use call::{
    Audited, Call, Gate, Grant, Refusal, Steward, Unread, Visitor, record_refusals, write,
};
pub use caller::{Acting, Caller, CallerKind, DEFAULT_CLINIC, Role};
pub use jwks::JwksSource;
pub use jwt::{ClaimNames, JwtConfig, TokenRequest, issue_token};
pub use policy::{Policy, PolicyError};
pub use sessions::{LogInError, SessionCookie};
pub use target::{Decision, PolicyContext, Target, TargetKind};
pub use tickets::{NewTicket, ShownTicket, Ticket, TicketScope, create_ticket};
