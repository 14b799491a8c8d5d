//! Every route on one page: method, path, handler, and the action that the policy is asked
//! about and the trail records.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, delete, get, post, put};

use http::header;

use crate::access::{Action, record_refusals};
use crate::accounts::api as session;
use crate::app::App;
use crate::documents::api::{docs, multipart, retrieval, storage, uppy};
use crate::http::layers::{RequestIds, frame, guard_headers, guarded};
use crate::http::reason::say_in_status_line;
use crate::http::{ApiError, Code};
use crate::patients::api as patients;
use crate::store::local::Wire;
use crate::trail::api as trail;
use crate::{operation, ui};

/// Every operation of the API.
fn operations() -> Vec<(&'static str, Action, MethodRouter<App>)> {
    vec![
        ("/api/docs/presign-upload", Action::BeginUpload, post(docs::presign_upload)),
        ("/api/docs/confirm", Action::ConfirmUpload, post(docs::confirm)),
        ("/api/docs", Action::ListDocuments, get(docs::list_documents)),
        ("/api/docs/", Action::ListDocuments, get(docs::list_documents)),
        ("/api/docs/{id}", Action::ReadDocument, get(docs::get)),
        ("/api/docs/{id}", Action::DeleteDocument, delete(docs::delete)),
        ("/api/docs/{id}/download", Action::IssueDownload, get(docs::download)),
        ("/api/docs/{id}/content", Action::ReadContent, get(docs::content)),
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
        ("/api/docs/{id}/restore", Action::RestoreDocument, post(docs::restore)),
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
        ("/api/v2/aws/s3/config", Action::ReadConfig, get(storage::config)),
        ("/api/uppy/tickets", Action::IssueTicket, post(uppy::tickets::issue)),
        ("/api/uppy/s3/params", Action::BeginUpload, get(uppy::params)),
        ("/api/uppy/s3/confirm", Action::ConfirmUpload, post(uppy::confirm)),
        ("/api/uppy/s3/multipart", Action::BeginUpload, post(uppy::create)),
        ("/api/uppy/s3/multipart/{uploadId}", Action::ReadUpload, get(uppy::list_parts)),
        ("/api/uppy/s3/multipart/{uploadId}", Action::AbortUpload, delete(uppy::abort)),
        ("/api/uppy/s3/multipart/{uploadId}/batch", Action::SignParts, get(uppy::sign_batch)),
        ("/api/uppy/s3/multipart/{uploadId}/complete", Action::ConfirmUpload, post(uppy::complete)),
        ("/api/uppy/s3/multipart/{uploadId}/{partNumber}", Action::SignParts, get(uppy::sign_part)),
        ("/api/audit", Action::ReadTrail, get(trail::list)),
        ("/api/session", Action::LogIn, post(session::log_in)),
        ("/api/session", Action::ReadSession, get(session::read)),
        ("/api/session", Action::LogOut, delete(session::log_out)),
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
        .route("/docs", get(ui::docs));
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
        None => ours.fallback(|| async { nothing_here() }),
    };
    let ids = RequestIds(app.ids.clone());
    let https = app.config.server.public_url.starts_with("https:");
    all.layer(from_fn(move |request: Request, next| frame(ids.clone(), https, request, next)))
        .with_state(app)
}

/// What is no path of ours belongs to the embedded S3 endpoint, if it names the bucket or is
/// signed.
async fn objects(wire: Wire, bucket: String, request: Request) -> Response {
    let names_bucket = request.uri().path().split('/').nth(1) == Some(bucket.as_str());
    let signature = request.headers().get(header::AUTHORIZATION);
    let signed = signature.is_some_and(|v| v.as_bytes().starts_with(b"AWS"))
        || request.uri().query().is_some_and(|q| q.contains("X-Amz-"));
    if names_bucket || signed { wire.handle(request).await } else { nothing_here() }
}

fn nothing_here() -> Response {
    guarded(ApiError::not_found().into_response())
}
