//! Every integration test in one program: one link instead of many.

mod canary;
mod clients;
mod commands;
mod crash;
mod damage;
mod full_disk;
mod life;
mod load;
mod process;
mod s3;
mod serving;
mod support;
mod tampering;
mod tidy;
