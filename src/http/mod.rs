//! A toolkit for HTTP that knows no domain: the error table, JSON bodies, paging, headers and
//! the layers around every route.

pub mod disposition;
pub mod error;
pub mod fields;
pub mod json;
pub mod layers;
pub mod listen;
pub mod page;
pub mod range;
pub mod reason;
mod unread;

pub use error::{ApiError, Code};
pub use json::{ApiJson, ApiPath, ApiQuery, Nothing};
