//! Every route on one page: method, path, handler, and the action that the policy is asked
//! about and the trail records.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{MethodRouter, delete, get, patch, post, put};

use http::{Method, header};

use crate::access::{Action, record_refusals};
use crate::accounts::api::{keys, session, setup, users};
use crate::app::App;
use crate::doctor::api::self_test;
use crate::documents::api::{
    docs, files, life, limits, multipart, preview, records, rendition, retrieval, stats, storage,
    uppy,
};
use crate::http::layers::{Front, frame, guard_headers, guarded};
use crate::http::reason::say_in_status_line;
use crate::http::{ApiError, Code};
use crate::patients::api as patients;
use crate::store::local::Wire;
use crate::trail::api as trail;
use crate::webhooks::api as webhooks;
use crate::{operation, ui};

type Operation = (&'static str, Action, MethodRouter<App>);

/// Every operation of the API.
fn operations() -> Vec<Operation> {
    [documents(), later_life(), other_doors(), clinic(), accounts()].into_iter().flatten().collect()
}

/// Documents: coming in, being seen, going out.
fn documents() -> Vec<Operation> {
    vec![
        ("/api/docs/presign-upload", Action::BeginUpload, post(docs::presign_upload)),
        ("/api/docs/confirm", Action::ConfirmUpload, post(docs::confirm)),
        ("/api/docs", Action::ListDocuments, get(docs::list_documents)),
        ("/api/docs/", Action::ListDocuments, get(docs::list_documents)),
        ("/api/docs/category-suggestion", Action::SuggestCategory, get(rendition::suggest)),
        ("/api/docs/limits", Action::ReadLimits, get(limits::read)),
        ("/api/docs/{id}", Action::ReadDocument, get(docs::get)),
        ("/api/docs/{id}/download", Action::IssueDownload, get(docs::download)),
        ("/api/docs/{id}/content", Action::ReadContent, get(docs::content)),
        ("/api/docs/{id}/preview", Action::ReadPreview, get(preview::preview)),
        ("/api/docs/{id}/content", Action::ReceiveUpload, put(docs::receive)),
        ("/api/docs/{id}/retrieval", Action::ReadDocument, get(retrieval::get)),
        ("/api/docs/{id}/retrieval", Action::RetrieveDocument, post(retrieval::request)),
        ("/api/docs/multipart", Action::BeginUpload, post(multipart::begin)),
        ("/api/docs/multipart/{uploadId}", Action::AbortUpload, delete(multipart::abort)),
        ("/api/docs/multipart/{uploadId}/parts", Action::SignParts, post(multipart::sign)),
        ("/api/docs/multipart/{uploadId}/parts", Action::ReadUpload, get(multipart::progress)),
        (
            "/api/docs/multipart/{uploadId}/complete",
            Action::ConfirmUpload,
            post(multipart::complete),
        ),
    ]
}

/// What becomes of a document after its upload.
fn later_life() -> Vec<Operation> {
    vec![
        ("/api/docs/{id}", Action::EditDocument, patch(life::edit)),
        // With `?permanent=true` it is Action::PurgeDocument.
        ("/api/docs/{id}", Action::DeleteDocument, delete(life::delete)),
        ("/api/docs/{id}/scan", Action::RescanDocument, post(docs::rescan)),
        ("/api/docs/{id}/restore", Action::RestoreDocument, post(life::restore)),
        ("/api/docs/{id}/hold", Action::HoldDocument, get(life::read_hold)),
        ("/api/docs/{id}/hold", Action::HoldDocument, put(life::hold)),
        ("/api/docs/{id}/hold", Action::HoldDocument, delete(life::lift)),
        ("/api/docs/{id}/release", Action::ReleaseDocument, put(life::release)),
        ("/api/docs/{id}/versions", Action::ReadDocument, get(life::versions)),
        ("/api/docs/{id}/audit", Action::ReadDocumentTrail, get(life::trail)),
    ]
}

/// The same documents behind the doors of guides 000 and 001, and of Uppy.
fn other_doors() -> Vec<Operation> {
    vec![
        ("/api/patients/{patientId}/records", Action::BeginUpload, post(records::add)),
        ("/api/patients/{patientId}/records", Action::ListDocuments, get(records::list_records)),
        ("/api/patients/{patientId}/records/{recordId}", Action::ReadDocument, get(records::get)),
        (
            "/api/patients/{patientId}/records/{recordId}",
            Action::DeleteDocument,
            delete(records::delete),
        ),
        (
            "/api/patients/{patientId}/records/{recordId}/download",
            Action::ReadContent,
            get(records::download),
        ),
        ("/api/v2/aws/s3/upload", Action::BeginUpload, post(files::upload)),
        ("/api/v2/aws/s3/download", Action::ReadContent, get(files::download)),
        ("/api/v2/aws/s3/list", Action::ListDocuments, get(files::list_files)),
        ("/api/v2/aws/s3/delete", Action::DeleteDocument, delete(files::delete)),
        ("/api/v2/aws/s3/config", Action::ReadConfig, get(storage::config)),
        ("/api/v2/aws/s3/test", Action::RunSelfTest, post(self_test)),
        ("/api/v2/aws/s3/stats", Action::ReadStats, get(stats::get)),
        ("/api/uppy/tickets", Action::IssueTicket, post(uppy::tickets::issue)),
        ("/api/uppy/s3/params", Action::BeginUpload, get(uppy::params)),
        ("/api/uppy/s3/confirm", Action::ConfirmUpload, post(uppy::confirm)),
        ("/api/uppy/s3/multipart", Action::BeginUpload, post(uppy::create)),
        ("/api/uppy/s3/multipart/{uploadId}", Action::ReadUpload, get(uppy::list_parts)),
        ("/api/uppy/s3/multipart/{uploadId}", Action::AbortUpload, delete(uppy::abort)),
        ("/api/uppy/s3/multipart/{uploadId}/batch", Action::SignParts, get(uppy::sign_batch)),
        ("/api/uppy/s3/multipart/{uploadId}/complete", Action::ConfirmUpload, post(uppy::complete)),
        ("/api/uppy/s3/multipart/{uploadId}/{partNumber}", Action::SignParts, get(uppy::sign_part)),
    ]
}

/// The clinic: who cares for whom, what is told to whom, the trail.
fn clinic() -> Vec<Operation> {
    vec![
        ("/api/patients/{patientId}/care-team", Action::ReadCareTeam, get(patients::list)),
        (
            "/api/patients/{patientId}/care-team/{userId}",
            Action::ManageCareTeam,
            put(patients::add),
        ),
        (
            "/api/patients/{patientId}/care-team/{userId}",
            Action::ManageCareTeam,
            delete(patients::remove),
        ),
        ("/api/webhooks", Action::ManageWebhooks, post(webhooks::create)),
        ("/api/webhooks", Action::ManageWebhooks, get(webhooks::list)),
        ("/api/webhooks/{webhookId}", Action::ManageWebhooks, get(webhooks::get)),
        ("/api/webhooks/{webhookId}", Action::ManageWebhooks, patch(webhooks::change)),
        ("/api/webhooks/{webhookId}", Action::ManageWebhooks, delete(webhooks::remove)),
        ("/api/webhooks/{webhookId}/rotate-secret", Action::ManageWebhooks, post(webhooks::rotate)),
        ("/api/webhooks/{webhookId}/test", Action::ManageWebhooks, post(webhooks::test)),
        (
            "/api/webhooks/{webhookId}/deliveries/{deliveryId}/retry",
            Action::ManageWebhooks,
            post(webhooks::retry),
        ),
        ("/api/audit", Action::ReadTrail, get(trail::list)),
        ("/api/config", Action::ReadConfig, get(operation::config::read)),
    ]
}

/// Who can call.
fn accounts() -> Vec<Operation> {
    vec![
        ("/api/users", Action::ManageUsers, get(users::list)),
        ("/api/users", Action::ManageUsers, post(users::add)),
        ("/api/users/{name}", Action::ManageUsers, delete(users::disable)),
        ("/api/users/{name}/enable", Action::ManageUsers, post(users::enable)),
        ("/api/users/{name}/password", Action::ManageUsers, put(users::set_password)),
        ("/api/keys", Action::ManageKeys, get(keys::list)),
        ("/api/keys", Action::ManageKeys, post(keys::make)),
        ("/api/keys/{id}", Action::ManageKeys, delete(keys::revoke)),
        ("/api/setup", Action::SetUp, post(setup::set_up)),
        ("/api/session", Action::LogIn, post(session::log_in)),
        ("/api/session", Action::ReadSession, get(session::read)),
        ("/api/session", Action::LogOut, delete(session::log_out)),
        ("/api/session/password", Action::ChangePassword, post(session::change_password)),
    ]
}

/// Where an operation is found. Uppy's are also behind a ticket, and, for a client whose base ends
/// in a slash, behind two; its clients show their users the status line of an error.
fn spellings(path: &'static str, method: MethodRouter<App>) -> Vec<(String, MethodRouter<App>)> {
    let Some([plain, behind_ticket]) = uppy::spellings(path) else {
        return vec![(path.to_owned(), method)];
    };
    let method = method.layer(from_fn(say_in_status_line));
    let by_ticket = method.clone().layer(from_fn(uppy::tickets::show_ticket));
    let plain = plain.map(|path| (path, method.clone()));
    plain.into_iter().chain(behind_ticket.map(|path| (path, by_ticket.clone()))).collect()
}
/// Paths that the app of the pages answers; which page it is, it finds out by itself.
const PAGES: &[&str] = &["/storage", "/storage/{*page}", "/test/s3", "/login", "/setup"];

/// The whole server as one service.
pub fn router(app: App, wire: Option<Wire>) -> Router {
    let route = |router: Router<App>, path: &str, action: Action, method: MethodRouter<App>| {
        let recorded = from_fn_with_state((Arc::clone(&app.gate), action), record_refusals);
        router.route(path, method.layer(recorded))
    };
    let mut api = Router::new();
    for (path, action, method) in operations() {
        for (path, method) in spellings(path, method) {
            api = route(api, &path, action, method);
        }
    }
    for (path, method) in spellings(uppy::STS, get(uppy::sts)) {
        api = api.route(&path, method);
    }
    let open = Router::new()
        .route("/healthz", get(operation::healthz))
        .route("/readyz", get(operation::readyz))
        .route("/metrics", get(operation::metrics))
        .route("/openapi.json", get(ui::openapi))
        .route("/docs", get(ui::docs))
        .route("/assets/{name}", get(ui::pages::asset));
    let origins = ui::pages::Origins::new(&app.config);
    let open = PAGES.iter().fold(open, |router, path| {
        let origins = origins.clone();
        router.route(path, get(async move || ui::pages::page(&origins)))
    });
    let ours = api
        .merge(open)
        .method_not_allowed_fallback(|| async {
            ApiError::new(Code::MethodNotAllowed, "This path exists, but not with this method.")
        })
        .layer(from_fn(guard_headers))
        .layer(crate::http::layers::cors(&app.config.server.allowed_origins));
    let all = match wire {
        Some(wire) => {
            let bucket = app.config.store.bucket.clone();
            ours.fallback(move |request: Request| objects(wire, bucket, request))
        }
        None => ours.fallback(async |request: Request| elsewhere(&request)),
    };
    let front = Front {
        ids: app.ids.clone(),
        https: app.config.server.public_url.starts_with("https:"),
        proxies: app.config.server.trusted_proxies.clone(),
    };
    all.layer(from_fn(move |request: Request, next| frame(front.clone(), request, next)))
        .with_state(app)
}

/// What is no path of ours belongs to the embedded S3 endpoint, if it names the bucket or is
/// signed.
async fn objects(wire: Wire, bucket: String, request: Request) -> Response {
    let names_bucket = request.uri().path().split('/').nth(1) == Some(bucket.as_str());
    let signature = request.headers().get(header::AUTHORIZATION);
    let signed = signature.is_some_and(|v| v.as_bytes().starts_with(b"AWS"))
        || request.uri().query().is_some_and(|q| q.contains("X-Amz-"));
    if names_bucket || signed { wire.handle(request).await } else { elsewhere(&request) }
}

/// Who opens the server's bare address in a browser wants its pages; anything else is nothing.
fn elsewhere(request: &Request) -> Response {
    if request.uri().path() == "/" && request.method() == Method::GET {
        return guarded(Redirect::to("/storage").into_response());
    }
    guarded(ApiError::not_found().into_response())
}
