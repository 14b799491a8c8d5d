//! Every integration test in one program: one link instead of many.

#![allow(clippy::unwrap_used, reason = "what the tests are helped by may fail as a test does")]

mod tidy;
