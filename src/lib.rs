//! Strongroom: the document room for healthcare apps.
//!
//! The floors of the house, imported only downward (`tests/it/tidy.rs` keeps it): see
//! ARCHITECTURE.md.

pub mod access;
pub mod accounts;
pub mod app;
pub mod audit;
pub mod causes;
pub mod cli;
pub mod config;
pub mod db;
pub mod doctor;
pub mod documents;
pub mod http;
pub mod ids;
pub mod keys;
pub mod limits;
pub mod open;
pub mod openapi;
pub mod operation;
pub mod outbox;
pub mod patients;
pub mod rendering;
pub mod routes;
pub mod scanning;
pub mod sensitive;
pub mod store;
pub mod time;
pub mod trail;
pub mod ui;
pub mod upkeep;
pub mod webhooks;
