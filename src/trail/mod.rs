//! Reading the trail. Reading it is itself an event.

pub mod api;
