//! What every operation has in common, written once: how callers show who they are, which errors
//! may come and how they look, the headers of every answer, what leads on from an answer.
//!
//! An operation names its good answers only. Errors are added here by rules about the operation,
//! so that a new one conforms without more words; what it names itself is left as it is.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::Modify;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::link::LinkBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, ParameterStyle};
use utoipa::openapi::schema::{
    AllOfBuilder, Object, ObjectBuilder, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContentBuilder, Header, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder,
    Schema,
};

use crate::http::fields::PRINTABLE;
use crate::http::{Code, page};

/// What every operation has in common.
pub(super) struct Common;

impl Modify for Common {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_default();
        add_security(components);
        add_refusals(components);
        add_relations(components);
        let none: [&str; 0] = [];
        api.security = Some(
            ["bearer", "apiKey", "session"].map(|n| SecurityRequirement::new(n, none)).to_vec(),
        );
        for item in api.paths.paths.values_mut() {
            let operations = [
                ("get", &mut item.get),
                ("head", &mut item.head),
                ("put", &mut item.put),
                ("post", &mut item.post),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation {
                    complete(method, operation);
                }
            }
        }
    }
}

fn add_security(components: &mut Components) {
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let key = ApiKey::Header(ApiKeyValue::new("X-Api-Key"));
    let cookie = ApiKey::Cookie(ApiKeyValue::new("strongroom_session"));
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    components.add_security_scheme("apiKey", SecurityScheme::ApiKey(key));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
}

/// The statuses of the table of errors, each with its codes.
fn statuses() -> BTreeMap<u16, Vec<Code>> {
    let mut all: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
    for &code in Code::ALL {
        all.entry(code.status().as_u16()).or_default().push(code);
    }
    all
}

/// One shared answer for each status, and the headers of all answers.
fn add_refusals(components: &mut Components) {
    let text = |about: &str| header(Type::String, about, true);
    let id = text("Names the call, to find it in the log and in the trail.");
    components.headers.insert("RequestId".to_owned(), id.into());
    let wait = header(Type::Integer, "Seconds after which to try again.", false);
    components.headers.insert("RetryAfter".to_owned(), wait.into());
    let scheme = text("How to show who is calling.");
    components.headers.insert("Authenticate".to_owned(), scheme.into());
    for (status, codes) in statuses() {
        components.responses.insert(format!("Refused{status}"), refusal(status, &codes).into());
    }
    if let Some(RefOr::T(Schema::Object(problem))) = components.schemas.get_mut("Problem")
        && let Some(RefOr::T(Schema::Object(code))) = problem.properties.get_mut("code")
    {
        code.enum_values = Some(Code::ALL.iter().map(|code| json!(code.as_str())).collect());
    }
}

/// What `derive(ToSchema)` cannot say: which fields go with which.
fn add_relations(components: &mut Components) {
    let some =
        |name: &str| json!({ "required": [name], "properties": { name: { "type": "string" } } });
    let given = |name: &str, other: &str| {
        json!({
            "required": [name],
            "properties": { name: { "type": "string" }, other: { "type": "null" } },
        })
    };
    let relations = [
        ("ConfirmRequest", "oneOf", json!([given("id", "key"), given("key", "id")])),
        ("EditRequest", "anyOf", json!(["category", "filename", "patientId"].map(some))),
        ("FileForm", "additionalProperties", json!(false)),
    ];
    for (name, keyword, value) in relations {
        if let Some(RefOr::T(Schema::Object(schema))) = components.schemas.get_mut(name) {
            schema.extensions.get_or_insert_default().insert(keyword.to_owned(), value);
        }
    }
}

fn header(kind: Type, about: &str, required: bool) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    let mut header = HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build();
    header.extensions = required.then(|| Extensions::from_iter([("required", true)]));
    header
}

/// The answer with this status: a problem with one of its codes.
fn refusal(status: u16, codes: &[Code]) -> Response {
    let words = codes.iter().map(|code| format!("`{}`: {}.", code.as_str(), code.title()));
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes.iter().map(|code| code.as_str())))
        .build();
    let number =
        ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status])).build();
    let narrowed = ObjectBuilder::new().property("status", number).property("code", code).build();
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(narrowed).build();
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema))).build();
    let mut response = ResponseBuilder::new()
        .description(words.collect::<Vec<_>>().join(" "))
        .content("application/problem+json", content)
        .build();
    let mut headers = vec![("X-Request-Id", "RequestId")];
    match status {
        401 => headers.push(("WWW-Authenticate", "Authenticate")),
        429 | 503 => headers.push(("Retry-After", "RetryAfter")),
        _ => {}
    }
    for (name, of) in headers {
        response.headers.insert(name.to_owned(), shared_header(of));
    }
    response
}

fn shared_header(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

/// Adds what every operation has: what its parameters may be, the errors that may come, headers,
/// links.
fn complete(method: &str, operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            narrow(parameter);
        }
    }
    for status in refusals(method, operation) {
        let shared = RefOr::Ref(Ref::from_response_name(format!("Refused{status}")));
        operation.responses.responses.entry(status.to_string()).or_insert(shared);
    }
    let id = operation.operation_id.clone().unwrap_or_default();
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let named = response.headers.entry("X-Request-Id".to_owned());
        named.or_insert_with(|| shared_header("RequestId"));
        if response.description.is_empty() {
            "Done.".clone_into(&mut response.description);
        }
        if status.starts_with('2') {
            add_links(&id, response);
        }
    }
}

/// Says what a parameter may be whose name means the same everywhere.
fn narrow(parameter: &mut Parameter) {
    if parameter.name == "metadata" {
        // `metadata[category]=…`; a schema of our own makes the macro forget the style.
        (parameter.style, parameter.explode) = (Some(ParameterStyle::DeepObject), Some(true));
    }
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    match (&parameter.parameter_in, parameter.name.as_str()) {
        (ParameterIn::Path, "patientId" | "userId") if schema.format.is_none() => {
            schema.min_length = Some(1);
            schema.max_length = Some(128);
            schema.pattern = Some(PRINTABLE.to_owned());
        }
        (ParameterIn::Query, "key" | "filename") => {
            schema.min_length = Some(1);
            parameter.required = Required::True;
        }
        (ParameterIn::Query, "partNumbers") => {
            schema.pattern = Some(format!("^({PART_NUMBER})(,({PART_NUMBER}))*$"));
        }
        (ParameterIn::Path, "partNumber") => schema.pattern = Some(format!("^({PART_NUMBER})$")),
        (ParameterIn::Query, "limit") => {
            schema.minimum = Some(1.into());
            schema.maximum = Some(page::MAX_LIMIT.into());
        }
        (ParameterIn::Query, "from" | "to") => {
            schema.format = Some(SchemaFormat::Custom("date-time".to_owned()));
        }
        // The answer to a U+0000 is the same everywhere: it can stand in no database.
        (ParameterIn::Query, _) if is_free_text(schema) => {
            schema.pattern = Some(r"^[^\u0000]*$".to_owned());
        }
        _ => {}
    }
}

/// Whether a schema says no more than that it is a text.
fn is_free_text(schema: &Object) -> bool {
    let text = schema.schema_type == SchemaType::from(Type::String)
        || schema.schema_type == SchemaType::from_iter([Type::String, Type::Null]);
    text && schema.pattern.is_none() && schema.format.is_none() && schema.enum_values.is_none()
}

/// The number of a part.
const PART_NUMBER: &str = "[1-9][0-9]{0,3}|10000";

/// Which errors an operation may answer with.
fn refusals(method: &str, operation: &Operation) -> Vec<u16> {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let names_one = parameters.iter().any(|p| {
        let RefOr::T(p) = p else { return false };
        p.parameter_in == ParameterIn::Path || p.name == "key"
    });
    let answers = &operation.responses.responses;
    let mut all = vec![400, 401, 403, 404, 422, 429, 500, 503];
    let reads = matches!(method, "get" | "head");
    if !reads || names_one {
        all.push(409);
    }
    if answers.contains_key("206") {
        all.extend([412, 416]);
    }
    // The one that announces an upload by its query.
    if operation.operation_id.as_deref() == Some("uppyParams") {
        all.extend([409, 413, 415, 507]);
    }
    if operation.request_body.is_some() {
        all.extend([408, 413, 415]);
    }
    if !reads {
        all.push(507);
    }
    all
}

/// What leads on: operation, its parameter (`body.…` for a field of its body), and where in the
/// answer the value stands.
type Lead = (&'static str, &'static str, &'static str);

/// By operation: what leads on from its good answer.
const LEADS: &[(&str, &[Lead])] = &[
    (
        "presignUpload",
        &[
            ("confirmUpload", "body.id", "/id"),
            ("receiveContent", "id", "/id"),
            ("getDocument", "id", "/id"),
        ],
    ),
    (
        "beginMultipart",
        &[
            ("signParts", "uploadId", "/uploadId"),
            ("listParts", "uploadId", "/uploadId"),
            ("completeMultipart", "uploadId", "/uploadId"),
            ("abortMultipart", "uploadId", "/uploadId"),
        ],
    ),
    ("confirmUpload", DOCUMENT),
    ("receiveContent", DOCUMENT),
    ("completeMultipart", DOCUMENT),
    ("deleteDocument", &[("restoreDocument", "id", "/id"), ("getDocument", "id", "/id")]),
    ("restoreDocument", DOCUMENT),
];

/// What leads on from a document.
const DOCUMENT: &[Lead] = &[
    ("getDocument", "id", "/id"),
    ("downloadDocument", "id", "/id"),
    ("documentContent", "id", "/id"),
    ("deleteDocument", "id", "/id"),
];

fn add_links(id: &str, response: &mut Response) {
    let leads = LEADS.iter().find(|(from, _)| *from == id).map_or(&[][..], |(_, leads)| leads);
    for (to, parameter, pointer) in leads {
        let value = format!("$response.body#{pointer}");
        let link = LinkBuilder::new().operation_id(*to);
        let link = match parameter.strip_prefix("body.") {
            Some(field) => link.request_body(Some(json!({ field: value }))),
            None => link.parameter(*parameter, value),
        };
        response.links.insert((*to).to_owned(), RefOr::T(link.build()));
    }
}
