//! Every integration test in one program: one link instead of many.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing should panic")]
#![allow(clippy::disallowed_methods, reason = "tests read what `make test` sets up")]

mod canary;
mod contract;
mod crash;
mod damage;
mod db;
mod doors;
mod life;
mod people;
mod process;
mod rows;
mod s3;
mod support;
mod tidy;
mod trail;
