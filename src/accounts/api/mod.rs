//! Who can call, over HTTP: sessions, users, API keys, and the first user of all.

pub mod keys;
pub mod session;
pub mod setup;
pub mod users;
