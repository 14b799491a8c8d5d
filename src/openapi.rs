//! The contract as an OpenAPI document, made from the handlers.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::http::Code;
use crate::http::error::Problem;

/// The document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Strongroom",
        description = "The document room for healthcare apps: a patient's file goes in by \
            presigned URL, is checked and recorded, and comes out to the right people only. \
            A thing the caller may not see answers 404. Every answer carries X-Request-Id.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        crate::documents::api::docs::presign_upload,
        crate::documents::api::docs::confirm,
        crate::documents::api::docs::list_documents,
        crate::documents::api::docs::get,
        crate::documents::api::docs::delete,
        crate::documents::api::docs::download,
        crate::documents::api::docs::content,
        crate::documents::api::docs::restore,
        crate::documents::api::docs::receive,
        crate::documents::api::multipart::begin,
        crate::documents::api::multipart::sign,
        crate::documents::api::multipart::progress,
        crate::documents::api::multipart::complete,
        crate::documents::api::multipart::abort,
        crate::documents::api::retrieval::get,
        crate::documents::api::retrieval::request,
        crate::documents::api::storage::config,
        crate::patients::api::list,
        crate::patients::api::add,
        crate::patients::api::remove,
        crate::documents::api::uppy::tickets::issue,
        crate::documents::api::uppy::params,
        crate::documents::api::uppy::confirm,
        crate::documents::api::uppy::create,
        crate::documents::api::uppy::list_parts,
        crate::documents::api::uppy::sign_part,
        crate::documents::api::uppy::sign_batch,
        crate::documents::api::uppy::complete,
        crate::documents::api::uppy::abort,
        crate::trail::api::list,
        crate::accounts::api::log_in,
        crate::accounts::api::read,
        crate::accounts::api::log_out,
    ),
    components(schemas(Problem)),
    tags(
        (name = "documents", description = "The life of a document."),
        (name = "storage", description = "The object store."),
        (name = "uppy", description = "What `@uppy/aws-s3` asks for; behind a ticket the same \
            paths begin with `/api/uppy/t/{ticket}/s3`."),
        (name = "patients", description = "Who cares for whom."),
        (name = "audit", description = "Who did what, and when."),
        (name = "session", description = "Signing in to the pages."),
    ),
    modifiers(&Common),
)]
struct Document;

/// What every operation has in common: how callers show who they are, and how errors look.
struct Common;

impl Modify for Common {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let key = ApiKey::Header(ApiKeyValue::new("X-Api-Key"));
        let cookie = ApiKey::Cookie(ApiKeyValue::new("strongroom_session"));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(key));
        components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
        let none: [&str; 0] = [];
        api.security = Some(
            ["bearer", "apiKey", "session"].map(|n| SecurityRequirement::new(n, none)).to_vec(),
        );
        for item in api.paths.paths.values_mut() {
            let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
            for operation in operations.into_iter().flatten() {
                operation.responses.responses.insert("default".to_owned(), RefOr::T(problem()));
            }
        }
    }
}

fn problem() -> Response {
    let schema = Ref::from_schema_name("Problem");
    ResponseBuilder::new()
        .description("An error; `code` says which.")
        .content("application/problem+json", ContentBuilder::new().schema(Some(schema)).build())
        .build()
}

/// The document, complete.
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// The document as it is committed and served, with a line break at its end.
pub fn json() -> String {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// The table of error codes: code, status, title.
pub fn errors() -> impl Iterator<Item = (&'static str, u16, &'static str)> {
    Code::ALL.iter().map(|code| (code.as_str(), code.status().as_u16(), code.title()))
}
