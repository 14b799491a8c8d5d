//! The pieces of a list's text that its order decides.

use super::{Position, Sort};
use crate::db::Value;
use crate::time::Timestamp;

/// What comes after a position.
pub const fn beyond(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "and (created_at, id) < (?, ?)",
        Sort::Oldest => "and (created_at, id) > (?, ?)",
        Sort::Name => "and (file_name_folded, id) > (?, ?)",
        Sort::Largest => "and (byte_size, id) < (?, ?)",
    }
}

/// What does not come after it.
pub const fn within(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "and (created_at, id) >= (?, ?)",
        Sort::Oldest => "and (created_at, id) <= (?, ?)",
        Sort::Name => "and (file_name_folded, id) <= (?, ?)",
        Sort::Largest => "and (byte_size, id) >= (?, ?)",
    }
}

/// The order of the runs and of what comes of them.
pub const fn merged(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest | Sort::Largest => "order by 2 desc, 1 desc",
        Sort::Oldest | Sort::Name => "order by 2, 1",
    }
}

impl Position {
    /// When the document was uploaded, if that is the order.
    pub const fn time(&self) -> Option<Timestamp> {
        match self {
            Self::Time(at, _) => Some(Timestamp::from_micros(*at)),
            Self::Name(..) | Self::Size(..) => None,
        }
    }

    /// What stands for it in a comparison.
    pub fn values(&self) -> [Value; 2] {
        let at = match self {
            Self::Time(at, _) => Value::Time(Timestamp::from_micros(*at)),
            Self::Name(name, _) => Value::Text(name.clone()),
            Self::Size(size, _) => Value::Int(*size),
        };
        [at, Value::Uuid(self.id().as_uuid())]
    }
}
