//! Strongroom: the document room for healthcare apps.
//!
//! The floors of the house, imported only downward (`tests/tidy.rs` keeps it): see
//! ARCHITECTURE.md.

pub mod audit;
pub mod config;
pub mod db;
pub mod http;
pub mod ids;
pub mod sensitive;
pub mod time;
