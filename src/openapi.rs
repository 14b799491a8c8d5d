//! The contract as an OpenAPI document, made from the handlers.

mod common;

use utoipa::OpenApi;

use crate::http::Code;
use crate::http::error::Problem;
use common::Common;

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
        crate::documents::api::docs::download,
        crate::documents::api::docs::content,
        crate::documents::api::life::delete,
        crate::documents::api::life::restore,
        crate::documents::api::life::edit,
        crate::documents::api::life::hold,
        crate::documents::api::life::lift,
        crate::documents::api::life::read_hold,
        crate::documents::api::life::release,
        crate::documents::api::life::versions,
        crate::documents::api::life::trail,
        crate::documents::api::docs::receive,
        crate::documents::api::docs::rescan,
        crate::documents::api::multipart::begin,
        crate::documents::api::multipart::sign,
        crate::documents::api::multipart::progress,
        crate::documents::api::multipart::complete,
        crate::documents::api::multipart::abort,
        crate::documents::api::preview::preview,
        crate::documents::api::rendition::suggest,
        crate::documents::api::limits::read,
        crate::documents::api::retrieval::get,
        crate::documents::api::retrieval::request,
        crate::documents::api::records::add,
        crate::documents::api::records::list_records,
        crate::documents::api::records::get,
        crate::documents::api::records::download,
        crate::documents::api::records::delete,
        crate::documents::api::files::upload,
        crate::documents::api::files::download,
        crate::documents::api::files::list_files,
        crate::documents::api::files::delete,
        crate::documents::api::storage::config,
        crate::doctor::api::self_test,
        crate::documents::api::stats::get,
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
        crate::operation::config::read,
        crate::webhooks::api::create,
        crate::webhooks::api::list,
        crate::webhooks::api::get,
        crate::webhooks::api::change,
        crate::webhooks::api::remove,
        crate::webhooks::api::rotate,
        crate::webhooks::api::test,
        crate::webhooks::api::retry,
        crate::accounts::api::session::log_in,
        crate::accounts::api::session::read,
        crate::accounts::api::session::log_out,
        crate::accounts::api::session::change_password,
        crate::accounts::api::setup::set_up,
        crate::accounts::api::users::list,
        crate::accounts::api::users::add,
        crate::accounts::api::users::disable,
        crate::accounts::api::users::enable,
        crate::accounts::api::users::set_password,
        crate::accounts::api::keys::list,
        crate::accounts::api::keys::make,
        crate::accounts::api::keys::revoke,
    ),
    components(schemas(Problem)),
    tags(
        (name = "documents", description = "The life of a document."),
        (name = "records", description = "The records of one patient."),
        (name = "storage", description = "The object store."),
        (name = "uppy", description = "What `@uppy/aws-s3` asks for; behind a ticket the same \
            paths begin with `/api/uppy/t/{ticket}/s3`."),
        (name = "patients", description = "Who cares for whom."),
        (name = "audit", description = "Who did what, and when."),
        (name = "webhooks", description = "Telling an app what happens."),
        (name = "session", description = "Signing in to the pages."),
        (name = "operation", description = "How the server is configured, and how it does."),
        (name = "accounts", description = "Who can sign in, and the keys of programs."),
    ),
    modifiers(&Common),
)]
struct Document;

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
