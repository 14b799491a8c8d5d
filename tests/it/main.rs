//! Every integration test in one program: one link instead of many.

#![allow(clippy::unwrap_used, reason = "a test that finds nothing should panic")]
#![allow(clippy::disallowed_methods, reason = "tests read what `make test` sets up")]

mod afterlife;
mod archive;
mod bad_files;
mod browser;
mod canary;
mod clamd;
mod clients;
mod commands;
mod conformance;
mod conformance_objects;
mod conformance_parts;
mod conformance_presign;
mod content;
mod contract;
mod contract_fuzz;
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
mod made_files;
mod parts;
mod people;
mod process;
mod put_get;
mod raw_http;
mod repair;
mod rows;
mod s3;
mod s3_roles;
mod s3_store;
mod samples;
mod scan_serving;
mod scanning;
mod serving;
mod store_down;
mod store_load;
mod support;
mod tampering;
mod tidy;
mod trail;
mod unknown_size;
mod uppy;
mod uppy_browser;
mod walk;
