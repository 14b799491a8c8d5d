//! Signing in to the pages and out again.

pub mod api;
