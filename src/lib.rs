//! Strongroom: the document room for healthcare apps.
//!
//! The floors of the house, imported only downward (`tests/tidy.rs` keeps it): see
//! ARCHITECTURE.md.

pub mod db;
pub mod ids;
pub mod keys;
pub mod sensitive;
pub mod store;
pub mod time;
