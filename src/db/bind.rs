//! A query whose conditions depend on what was asked: fixed pieces of SQL and bound values.
//!
//! Never put anything a caller wrote into a piece: pieces are `&'static str`, values are bound.

use std::fmt::Write as _;

use uuid::Uuid;

use crate::time::Timestamp;

/// A value to bind.
#[derive(Clone, Debug)]
pub enum Value {
    /// A UUID.
    Uuid(Uuid),
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A time.
    Time(Timestamp),
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr),* $(,)?) => {
        $(impl From<$from> for Value { fn from($v: $from) -> Self { $to } })*
    };
}

value_from! {
    Uuid => |v| Self::Uuid(v),
    String => |v| Self::Text(v),
    &str => |v| Self::Text(v.to_owned()),
    i64 => |v| Self::Int(v),
    Timestamp => |v| Self::Time(v),
    crate::ids::ClinicId => |v| Self::Uuid(v.as_uuid()),
    crate::ids::DocumentId => |v| Self::Uuid(v.as_uuid()),
    crate::ids::PatientId => |v| Self::Text(v.as_str().to_owned()),
    crate::ids::UserId => |v| Self::Text(v.as_str().to_owned()),
}

/// One condition: SQL with `?` where its values go, in order.
pub type Condition = (&'static str, Vec<Value>);

/// A `select` whose conditions are joined with `and`.
#[derive(Clone, Debug)]
pub struct Where {
    sql: String,
    values: Vec<Value>,
    conditions: usize,
}

impl Where {
    /// Begins with everything before `where`.
    pub fn new(select: &'static str) -> Self {
        Self { sql: select.to_owned(), values: Vec::new(), conditions: 0 }
    }

    /// Adds a condition; each `?` in it takes the next value.
    pub fn and(&mut self, condition: &'static str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.conditions == 0 { " where (" } else { " and (" });
        self.conditions += 1;
        self.push(condition, values);
        self.sql.push(')');
    }

    /// Adds `column in (…)`; no values means no row.
    pub fn and_in(&mut self, column: &'static str, values: impl IntoIterator<Item = Value>) {
        let values: Vec<Value> = values.into_iter().collect();
        self.sql.push_str(if self.conditions == 0 { " where " } else { " and " });
        self.conditions += 1;
        if values.is_empty() {
            self.sql.push_str("1 = 0");
            return;
        }
        self.sql.push_str(column);
        self.sql.push_str(" in (");
        for (i, value) in values.into_iter().enumerate() {
            if i > 0 {
                self.sql.push_str(", ");
            }
            self.push("?", [value]);
        }
        self.sql.push(')');
    }

    /// Adds what follows: a piece of the text, after a blank; each `?` takes the next value.
    pub fn then(&mut self, tail: &'static str, values: impl IntoIterator<Item = Value>) {
        self.sql.push(' ');
        self.push(tail, values);
    }

    /// Adds ` (…)` with every value in it; there has to be one.
    pub fn list(&mut self, values: impl IntoIterator<Item = Value>) {
        for (i, value) in values.into_iter().enumerate() {
            self.push(if i == 0 { " (?" } else { ", ?" }, [value]);
        }
        self.sql.push(')');
    }

    fn push(&mut self, piece: &'static str, values: impl IntoIterator<Item = Value>) {
        let mut values = values.into_iter();
        for (i, part) in piece.split('?').enumerate() {
            if i > 0 {
                self.values.extend(values.next());
                let _ = write!(self.sql, "${}", self.values.len());
            }
            self.sql.push_str(part);
        }
        debug_assert!(values.next().is_none(), "more values than places in: {piece}");
    }

    /// The SQL text, with `$1, $2, …`.
    pub fn sql(&self) -> String {
        self.sql.clone()
    }

    /// The values, in the order of their numbers.
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_numbered_in_order_and_an_empty_set_matches_nothing() {
        let mut w = Where::new("select id from t");
        w.and("a = ? or b = ?", [Value::Int(1), Value::Int(2)]);
        w.and_in("c", [Value::from("x"), Value::from("y")]);
        w.and_in("d", []);
        w.then("order by a limit ?", [Value::Int(9)]);
        assert_eq!(
            w.sql(),
            "select id from t where (a = $1 or b = $2) and c in ($3, $4) and 1 = 0 \
             order by a limit $5"
        );
        assert_eq!(w.into_values().len(), 5);
    }
}
