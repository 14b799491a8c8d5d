//! What single fields of requests may hold, as the contract says it: the rules that the code
//! checks, in the words of JSON Schema.

use serde_json::Value;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaFormat, SchemaType, Type};

use crate::documents::content::TYPES;
use crate::documents::{Category, State};
use crate::http::fields::PRINTABLE;

/// The aliases of guides 001 and 004 that `Category` reads, too.
const ALIASES: [&str; 5] = ["lab_results", "medical_records", "prescription", "forms", "billing"];

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A text that may also be `null`, which is the same as leaving it out.
fn optional() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// 1 to 128 characters, not blank, none of them a control character.
pub(super) fn id_text() -> Object {
    optional().min_length(Some(1)).max_length(Some(128)).pattern(Some(PRINTABLE)).build()
}

/// A UUID, or nothing.
pub(super) fn uuid() -> Object {
    optional().format(Some(SchemaFormat::Custom("uuid".to_owned()))).build()
}

/// The accepted media types, parameters aside.
pub(super) fn content_type() -> Object {
    let all: Vec<_> =
        TYPES.iter().map(|t| t.mime.replace('.', r"\.").replace('+', r"\+")).collect();
    text().pattern(Some(format!("^({})(;.*)?$", all.join("|")))).build()
}

fn categories() -> impl Iterator<Item = &'static str> {
    Category::ALL.into_iter().map(Category::as_str).chain(ALIASES)
}

/// A category, or one of its aliases.
pub(super) fn category() -> Object {
    let all = categories().map(Value::from).chain([Value::Null]);
    optional().enum_values(Some(all)).build()
}

/// A SHA-256 as hexadecimal or base64; the last digit of the latter holds four bits.
pub(super) fn sha256() -> Object {
    let pattern = "^([0-9A-Fa-f]{64}|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$";
    optional().pattern(Some(pattern)).build()
}

/// One of these words, or nothing.
fn one_of(words: &[&'static str]) -> Object {
    let all = words.iter().map(|&word| Value::from(word)).chain([Value::Null]);
    optional().enum_values(Some(all)).build()
}

/// How an upload is sent.
pub(super) fn method() -> Object {
    one_of(&["PUT", "POST"])
}

/// How a file is shown.
pub(super) fn disposition() -> Object {
    text().enum_values(Some(["attachment", "inline"])).build()
}

/// Some words of these, with commas between.
fn some_of<'a>(words: impl Iterator<Item = &'a str>) -> Object {
    let any = words.collect::<Vec<_>>().join("|");
    text().pattern(Some(format!("^(({any})(,({any}))*)?$"))).build()
}

/// Categories, comma separated.
pub(super) fn some_categories() -> Object {
    some_of(categories())
}

/// States, comma separated.
pub(super) fn some_states() -> Object {
    some_of(State::ALL.into_iter().map(State::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_is_a_category() {
        for word in categories() {
            assert!(word.parse::<Category>().is_ok(), "{word}");
        }
    }
}
