//! Every integration test in one program: one link instead of many.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing should panic")]
#![allow(clippy::disallowed_methods, reason = "tests read what `make test` sets up")]

mod life;
mod support;
mod tidy;
