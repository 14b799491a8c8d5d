//! Strongroom: the document room for healthcare apps.
//!
//! The floors of the house, imported only downward (`tests/tidy.rs` keeps it): see
//! ARCHITECTURE.md.

pub mod access;
pub mod db;
pub mod ids;
pub mod sensitive;
pub mod time;
