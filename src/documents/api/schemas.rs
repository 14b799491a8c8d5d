//! What single fields of requests may hold, as the contract says it: the rules that the code
//! checks, in the words of JSON Schema.

use serde_json::Value;
use utoipa::openapi::schema::{
    Array, ArrayBuilder, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};

use crate::documents::content::TYPES;
use crate::documents::{Category, State};
use crate::http::fields::{PRINTABLE, label_schema};

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

/// 1 to 128 characters of any kind.
pub(super) fn some_id() -> Object {
    text().min_length(Some(1)).max_length(Some(128)).build()
}

/// Why something is done: not blank, no control character but a line's end.
fn why(of: ObjectBuilder) -> Object {
    const REASON: &str = concat!(
        r"^[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*",
        r"[^\s\u0000-\u001f\u007f-\u009f]",
        r"[^\u0000-\u0009\u000b-\u001f\u007f-\u009f]*$",
    );
    of.min_length(Some(1)).max_length(Some(500)).pattern(Some(REASON)).build()
}

/// Why something is done.
pub(super) fn reason() -> Object {
    why(text())
}

/// Why something is done, or nothing.
pub(super) fn optional_reason() -> Object {
    why(optional())
}

/// The name of a file; what else it must be goes with its type.
pub(super) fn file_name() -> Object {
    text().min_length(Some(1)).max_length(Some(255)).build()
}

/// The name of a file, or nothing.
pub(super) fn optional_file_name() -> Object {
    optional().min_length(Some(1)).max_length(Some(255)).build()
}

/// A time, or nothing.
pub(super) fn time() -> Object {
    optional().format(Some(SchemaFormat::Custom("date-time".to_owned()))).build()
}

/// A number within bounds.
fn number(least: u64, most: u64) -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most)).build()
}

/// How many days are looked back over.
pub(super) fn days() -> Object {
    number(1, 366)
}

/// How many files a page holds.
pub(super) fn max_keys() -> Object {
    number(1, 1000)
}

/// How many seconds a URL lives.
pub(super) fn seconds() -> Object {
    number(1, i64::MAX.cast_unsigned())
}

/// A UUID, or nothing.
pub(super) fn uuid() -> Object {
    optional().format(Some(SchemaFormat::Custom("uuid".to_owned()))).build()
}

/// A text as a pattern that fits it alone.
fn literal(text: &str) -> String {
    text.replace('.', r"\.").replace('+', r"\+")
}

/// The accepted media types, parameters aside.
pub(super) fn content_type() -> Object {
    let all: Vec<_> = TYPES.iter().map(|t| literal(t.mime)).collect();
    text().pattern(Some(format!("^({})(;.*)?$", all.join("|")))).build()
}

fn categories() -> impl Iterator<Item = &'static str> {
    Category::ALL.into_iter().map(Category::as_str).chain(ALIASES)
}

/// A category, or one of its aliases; never nothing.
pub(super) fn plain_category() -> Object {
    text().enum_values(Some(categories())).build()
}

/// A UUID.
pub(super) fn plain_uuid() -> Object {
    text().format(Some(SchemaFormat::Custom("uuid".to_owned()))).build()
}

/// `true` or `false`, in a form.
pub(super) fn flag() -> Object {
    ObjectBuilder::new().schema_type(Type::Boolean).build()
}

/// A category, or one of its aliases.
pub(super) fn category() -> Object {
    let all = categories().map(Value::from).chain([Value::Null]);
    optional().enum_values(Some(all)).build()
}

const SHA256: &str = "^([0-9A-Fa-f]{64}|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=)$";

/// A SHA-256, never nothing.
pub(super) fn plain_sha256() -> Object {
    text().pattern(Some(SHA256)).build()
}

/// A SHA-256 as hexadecimal or base64; the last digit of the latter holds four bits.
pub(super) fn sha256() -> Object {
    optional().pattern(Some(SHA256)).build()
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

/// Media types and families, comma separated.
pub(super) fn some_types() -> Object {
    let types: Vec<_> = TYPES.iter().map(|t| literal(t.mime)).collect();
    some_of(
        ["image", "document", "medical", "sealed"]
            .into_iter()
            .chain(types.iter().map(String::as_str)),
    )
}

/// Whether the patient may see a document.
pub(super) fn release() -> Object {
    text().enum_values(Some(["held", "released", "withdrawn"])).build()
}

/// The media type as a browser names it: nothing where it knows none.
pub(super) fn browser_type() -> Object {
    let all: Vec<_> = TYPES.iter().map(|t| literal(t.mime)).collect();
    let pattern = format!("^({}|application/octet-stream)?$", all.join("|"));
    optional().pattern(Some(pattern)).build()
}

/// What a page says of a file under our names; anything else is the page's own.
pub(super) fn metadata() -> Object {
    let size = SchemaType::from_iter([Type::String, Type::Integer]);
    let size = ObjectBuilder::new().schema_type(size).minimum(Some(1)).maximum(Some(1_u64 << 50));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .property("patientId", label_schema())
        .property("clinicId", plain_uuid())
        .property("category", plain_category())
        .property("entityType", label_schema())
        .property("entityId", label_schema())
        .property("size", size.pattern(Some("^[1-9][0-9]{0,14}$")))
        .property("sha256", plain_sha256())
        .property("supersedes", plain_uuid())
        .property("temporary", flag())
        .build()
}

/// Parts, in S3's words.
pub(super) fn s3_parts() -> Array {
    let part = ObjectBuilder::new()
        .property("PartNumber", number(1, 10_000))
        .required("PartNumber")
        .property("ETag", text())
        .required("ETag");
    ArrayBuilder::new().items(part).build()
}

/// Categories, comma separated.
pub(super) fn some_categories() -> Object {
    some_of(categories())
}

/// States, comma separated.
pub(super) fn some_states() -> Object {
    let any = State::ALL.into_iter().map(State::as_str).collect::<Vec<_>>().join("|");
    text().pattern(Some(format!("^({any})(,({any}))*$"))).build()
}

/// How large a preview is.
pub(super) fn preview_size() -> Object {
    text().enum_values(Some(["thumb", "page"])).build()
}

/// Which page a preview is of.
pub(super) fn preview_page() -> Object {
    number(1, 100_000)
}

fn decimal(least: f64, most: f64) -> Object {
    ObjectBuilder::new().schema_type(Type::Number).minimum(Some(least)).maximum(Some(most)).build()
}

/// The middle of what a DICOM picture shows.
pub(super) fn window_center() -> Object {
    decimal(-1e6, 1e6)
}

/// From black to white in a DICOM picture.
pub(super) fn window_width() -> Object {
    decimal(1.0, 1e6)
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
