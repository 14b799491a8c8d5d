//! What Uppy's clients send, and how it is read into the domain's words.
//!
//! The texts of the refusals are those that the clients' users know from Companion (the contract of
//! `@uppy/aws-s3`). What stands in `metadata` beside our fields is the page's own and left aside.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded;
use utoipa::ToSchema;

use crate::access::Call;
use crate::config::UploadConfig;
use crate::documents::api::requests::read_entity;
use crate::documents::api::schemas;
use crate::documents::content::{FileType, limit_of_parts};
use crate::documents::{BeginUpload, Category, DocumentError, PART_NUMBERS, UNKNOWN_SIZE};
use crate::http::fields::Fields;
use crate::http::{ApiError, Code};
use crate::ids::{ClinicId, PatientId};
use crate::sensitive::Phi;
use crate::store::Size;

const NO_FILENAME: &str =
    "s3: the \"filename\" query parameter is required and must be a non-empty string";
const NO_FILENAME_FIELD: &str =
    "s3: the \"filename\" field is required and must be a non-empty string";
const NO_TEXT_TYPE: &str = "s3: content type must be a string";
const NO_KEY: &str = "s3: the object key must be passed as a query parameter. For example: \
                      \"?key=abc.jpg\"";
const NO_PART: &str = "s3: the part number must be a number between 1 and 10000.";
const NO_PARTS: &str = "s3: the part numbers must be passed as a comma separated query parameter. \
                        For example: \"?partNumbers=4,6,7,21\"";
const BAD_PARTS: &str = "s3: `parts` must be an array of {ETag, PartNumber} objects.";

fn refused(text: &str) -> ApiError {
    ApiError::new(Code::BadRequest, text)
}

/// An upload in parts, as a client asks for it.
#[derive(Deserialize, ToSchema)]
#[schema(as = UppyCreateRequest)]
pub struct CreateRequest {
    /// The file's name.
    #[schema(schema_with = schemas::file_name, required)]
    filename: Option<Value>,
    /// Its media type.
    #[schema(schema_with = schemas::browser_type)]
    r#type: Option<Value>,
    /// `patientId`, `category`, `entityType`, `entityId`, `size`, `sha256`, `supersedes`,
    /// `temporary`; anything else is left aside.
    #[schema(schema_with = schemas::metadata)]
    metadata: Option<Map<String, Value>>,
}

/// What a page says of a file.
struct Said {
    file_name: String,
    content_type: Option<String>,
    metadata: BTreeMap<String, String>,
}

/// What stands for nothing in JavaScript's texts.
fn is_nothing(text: &str) -> bool {
    matches!(text, "" | "null" | "undefined")
}

/// The query of `GET /params`.
pub(super) fn read_params(call: &Call, query: &str) -> Result<BeginUpload, ApiError> {
    let (mut file_name, mut content_type) = (None, None);
    let mut metadata = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let field = name.strip_prefix("metadata[").and_then(|name| name.strip_suffix(']'));
        match (field, &*name) {
            (Some(field), _) => {
                metadata.insert(field.to_owned(), value.into_owned());
            }
            (None, "filename") => file_name = Some(value.into_owned()),
            (None, "type") => content_type = Some(value.into_owned()),
            (None, _) => {}
        }
    }
    let file_name = file_name.filter(|name| !name.is_empty());
    let file_name = file_name.ok_or_else(|| refused(NO_FILENAME))?;
    let (mut begin, most) = read(call, Said { file_name, content_type, metadata })?;
    if begin.size.exact().is_none() {
        begin.size = Size::AtMost(most);
    }
    Ok(begin)
}

/// The body of `POST /multipart`. The client cuts the file as it likes, so that its size is no more
/// than a limit here; one that is too large is still told before it is sent.
pub(super) fn read_create(
    limits: &UploadConfig,
    call: &Call,
    body: CreateRequest,
) -> Result<BeginUpload, ApiError> {
    let file_name = match body.filename {
        Some(Value::String(name)) if !name.is_empty() => name,
        _ => return Err(refused(NO_FILENAME_FIELD)),
    };
    let content_type = match body.r#type {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(_) => return Err(refused(NO_TEXT_TYPE)),
    };
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    let metadata = body.metadata.unwrap_or_default();
    let metadata = metadata.into_iter().map(|(name, value)| (name, text(value))).collect();
    let (mut begin, most) = read(call, Said { file_name, content_type, metadata })?;
    let limit = FileType::of_file(&begin.content_type, begin.file_name.reveal()).map_or_else(
        || limit_of_parts(limits, begin.category()),
        |of| of.limit_in_parts(limits, begin.category()),
    );
    begin.size = match begin.size.exact() {
        Some(size) if size > limit => {
            return Err(DocumentError::TooLarge { size, limit, in_parts: true }.into());
        }
        Some(size) => Size::AtMost(size),
        None => Size::AtMost(most),
    };
    Ok(begin)
}

/// What is announced, and the largest size the ticket allows.
fn read(call: &Call, mut said: Said) -> Result<(BeginUpload, u64), ApiError> {
    said.metadata.retain(|_, value| !is_nothing(value));
    let mut take = |name: &str| said.metadata.remove(name);
    let mut fields = Fields::default();
    let clinic: Option<ClinicId> = fields.parse("clinicId", take("clinicId").as_deref(), "a UUID");
    if clinic.is_some_and(|clinic| clinic != call.clinic()) {
        return Err(ApiError::not_found());
    }
    let scope = call.ticket().map(|ticket| &ticket.scope);
    let bound = |fields: &mut Fields, name: &str, own: Option<&str>, given: Option<String>| {
        if own.is_some() && given.is_some() && own != given.as_deref() {
            let right = "must be the one the ticket was made for, or left out";
            fields.wrong(name, right.to_owned());
        }
        own.map(str::to_owned).or(given)
    };
    let own = scope.and_then(|scope| scope.patient.as_ref()).map(PatientId::as_str);
    let patient = bound(&mut fields, "patientId", own, take("patientId"));
    let category = fields.read::<Category>("category", take("category").as_deref());
    let own = scope.and_then(|scope| scope.category.as_deref());
    let given = category.map(|category| category.as_str().to_owned());
    let category = bound(&mut fields, "category", own, given);
    let own = scope.and_then(|scope| scope.entity.as_ref());
    let kind = bound(&mut fields, "entityType", own.map(|e| &*e.0), take("entityType"));
    let id = bound(&mut fields, "entityId", own.map(|e| &*e.1), take("entityId"));
    let size: Option<u64> = fields.parse("size", take("size").as_deref(), "the size in bytes");
    let most = scope.and_then(|scope| scope.max_size).unwrap_or(u64::MAX);
    if size.is_some_and(|size| size > most) {
        fields.wrong("size", format!("the ticket is for files of at most {most} bytes"));
    }
    let supersedes = take("supersedes");
    let begin = BeginUpload {
        patient: patient.map(PatientId::new),
        content_type: content_type(said.content_type, &said.file_name),
        size: size.map_or(UNKNOWN_SIZE, Size::Exactly),
        category: category.and_then(|name| name.parse().ok()),
        entity: read_entity(&mut fields, kind, id),
        sha256: fields.sha256(take("sha256").as_deref()),
        supersedes: fields.parse("supersedes", supersedes.as_deref(), "a document's id"),
        temporary: take("temporary").as_deref() == Some("true"),
        file_name: Phi::new(said.file_name),
    };
    Ok((fields.done(begin)?, most))
}

/// The type the browser names; where it knows none (DICOM and HEIC, most often), what goes with the
/// name. Whether the bytes are of it is looked at when they are there.
fn content_type(said: Option<String>, file_name: &str) -> String {
    let said = said.filter(|said| !is_nothing(said));
    let known = said.filter(|said| !said.eq_ignore_ascii_case("application/octet-stream"));
    known.unwrap_or_else(|| {
        FileType::of_name(file_name).map_or("application/octet-stream", |t| t.mime).to_owned()
    })
}

/// One parameter of a query.
fn parameter(query: Option<&str>, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, value)| name == wanted && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

/// Every call about an upload names its key, as the contract has it. The id in the path is what
/// counts.
pub(super) fn check_key(query: Option<&str>) -> Result<(), ApiError> {
    parameter(query, "key").map(|_| ()).ok_or_else(|| refused(NO_KEY))
}

/// The number of a part.
pub(super) fn read_number(text: &str) -> Result<u32, ApiError> {
    let number = text.trim().parse().ok().filter(|n| PART_NUMBERS.contains(n));
    number.ok_or_else(|| refused(NO_PART))
}

/// The numbers of several parts.
pub(super) fn read_numbers(query: Option<&str>) -> Result<Vec<u32>, ApiError> {
    let numbers = parameter(query, "partNumbers").ok_or_else(|| refused(NO_PARTS))?;
    numbers.split(',').map(read_number).collect()
}

/// Which parts were sent.
#[derive(Deserialize, ToSchema)]
#[schema(as = UppyCompleteRequest)]
pub struct CompleteRequest {
    /// `{PartNumber, ETag}` of each, the ETag with its quotes or without.
    #[schema(schema_with = schemas::s3_parts, required)]
    parts: Option<Value>,
}

/// Number and ETag of each part.
pub(super) fn read_parts(body: CompleteRequest) -> Result<Vec<(u32, String)>, ApiError> {
    let Some(Value::Array(parts)) = body.parts else { return Err(refused(BAD_PARTS)) };
    let read = |part: &Value| {
        let number = match &part["PartNumber"] {
            Value::Number(number) => u32::try_from(number.as_u64()?).ok()?,
            Value::String(text) => text.parse().ok()?,
            _ => return None,
        };
        let etag = part["ETag"].as_str()?.to_owned();
        PART_NUMBERS.contains(&number).then_some((number, etag))
    };
    parts.iter().map(read).collect::<Option<_>>().ok_or_else(|| refused(BAD_PARTS))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_type_of_a_file_the_browser_does_not_know_goes_by_its_name() {
        let of = |said: Option<&str>, name: &str| content_type(said.map(str::to_owned), name);
        for unknown in [None, Some("undefined"), Some("null"), Some("application/octet-stream")] {
            assert_eq!(of(unknown, "ct.DCM"), "application/dicom");
            assert_eq!(of(unknown, "photo.heic"), "image/heic");
            assert_eq!(of(unknown, "program"), "application/octet-stream");
        }
        assert_eq!(of(Some("application/pdf"), "ct.dcm"), "application/pdf");
    }

    #[test]
    fn parts_are_read_with_numbers_as_numbers_or_text_and_nothing_else() {
        let parts = |parts: Value| read_parts(CompleteRequest { parts: Some(parts) });
        let good =
            json!([{ "PartNumber": 1, "ETag": "\"a\"" }, { "PartNumber": "2", "ETag": "b" }]);
        let read = parts(good).unwrap();
        assert_eq!(read, [(1, "\"a\"".to_owned()), (2, "b".to_owned())]);
        for bad in [
            json!(null),
            json!("x"),
            json!({}),
            json!([1]),
            json!([{ "PartNumber": 1 }]),
            json!([{ "ETag": "a" }]),
            json!([{ "PartNumber": -1, "ETag": "a" }]),
            json!([{ "PartNumber": 0, "ETag": "a" }]),
            json!([{ "PartNumber": "10001", "ETag": "a" }]),
            json!([{ "PartNumber": 1, "ETag": 7 }]),
        ] {
            assert_eq!(parts(bad.clone()).unwrap_err().detail, BAD_PARTS, "{bad}");
        }
        assert!(read_parts(CompleteRequest { parts: None }).is_err());
    }

    #[test]
    fn numbers_of_parts_are_from_one_to_ten_thousand() {
        for bad in ["0", "10001", "-1", "1.5", "x", ""] {
            assert_eq!(read_number(bad).unwrap_err().detail, NO_PART, "{bad}");
        }
        assert_eq!(read_number("10000").unwrap(), 10_000);
        assert_eq!(read_numbers(Some("key=k&partNumbers=1,2%2C3")).unwrap(), [1, 2, 3]);
        assert_eq!(read_numbers(Some("key=k")).unwrap_err().detail, NO_PARTS);
        assert_eq!(read_numbers(Some("partNumbers=1,x")).unwrap_err().detail, NO_PART);
    }
}
