//! Every integration test in one program: one link instead of many.

mod contract;
mod db;
mod doors;
mod life;
mod people;
mod rows;
mod support;
mod tidy;
mod trail;
