//! Every integration test in one program: one link instead of many.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing should panic")]

mod life;
mod support;
mod tidy;
