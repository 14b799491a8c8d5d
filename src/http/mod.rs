//! A toolkit for HTTP that knows no domain: the error table, JSON bodies, paging, headers and
//! the layers around every route.

mod detached;
pub mod disposition;
pub mod error;
pub mod fields;
pub mod form;
pub mod json;
pub mod layers;
pub mod listen;
pub mod paced;
pub mod page;
pub mod proxies;
pub mod range;
pub mod reason;
mod unread;

pub use detached::to_the_end;
pub use error::{ApiError, Code};
pub use json::{ApiJson, ApiPath, ApiQuery, Nothing};
