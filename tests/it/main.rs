//! Every integration test in one program: one link instead of many.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing should panic")]
#![allow(clippy::disallowed_methods, reason = "tests read what `make test` sets up")]

mod archive;
mod canary;
mod clients;
mod commands;
mod conformance;
mod conformance_objects;
mod conformance_parts;
mod conformance_presign;
mod contract;
mod crash;
mod damage;
mod db;
mod docs;
mod doctor;
mod doors;
mod faulty;
mod faulty_proxy;
mod full_disk;
mod garage;
mod hostile;
mod life;
mod load;
mod parts;
mod people;
mod process;
mod put_get;
mod records;
mod rows;
mod s3;
mod s3_roles;
mod s3_store;
mod samples;
mod serving;
mod storage;
mod store_down;
mod store_load;
mod streaming;
mod support;
mod tampering;
mod tidy;
mod trail;
mod unknown_size;
