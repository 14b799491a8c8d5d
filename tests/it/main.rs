//! Every integration test in one program: one link instead of many.

mod canary;
mod crash;
mod damage;
mod life;
mod process;
mod s3;
mod support;
mod tidy;
