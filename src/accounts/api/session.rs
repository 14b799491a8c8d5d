//! `/api/session`: signing in with a name and a password, another password, and out again.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{
    Call, CallerKind, LogInError, SessionCookie, Target, TargetKind, Visitor, rows, users,
};
use crate::app::App;
use crate::http::{ApiError, ApiJson, ApiQuery, Code, Nothing, page};
use crate::sensitive::Secret;

/// Name and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInRequest {
    /// The user's name.
    username: String,
    /// Their password.
    password: String,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionAnswer {
    /// The user.
    user: String,
    /// Their roles.
    roles: Vec<&'static str>,
    /// Their clinic.
    clinic_id: String,
    /// Whose documents a patient sees: their own, perhaps their children's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patient_ids: Vec<String>,
    /// Seconds after which a session that nobody uses ends.
    idle_seconds: u64,
    /// How many days a document stays in the trash before it is erased.
    trash_days: u32,
}

/// The password somebody has and the one they want.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The one they signed in with.
    current: String,
    /// The new one: at least 12 characters.
    #[schema(min_length = 12, max_length = 1024)]
    password: String,
}

/// Sign in; the answer sets the session's cookie.
#[utoipa::path(post, path = "/api/session",
    operation_id = "logIn", tag = "session",
    request_body = LogInRequest,
    security(()),
    responses((status = 204, description = "Signed in; the cookie is set.")))]
pub async fn log_in(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    ApiJson(body): ApiJson<LogInRequest>,
) -> Result<Response, ApiError> {
    // Before anybody is named: what another site or a machine sends is nobody's attempt.
    check_origin(&app, &headers)?;
    if body.username.len() > users::MAX_NAME || body.password.len() > users::MAX_PASSWORD {
        return Err(refused(&app, LogInError::Wrong));
    }
    enter(&app, &visitor, &body.username, body.password).await
}

/// A form of another site may not sign anybody in.
pub(super) fn check_origin(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let checked = app.gate.authenticator.check_origin(headers, &Method::POST);
    checked.map_err(|e| ApiError::new(Code::Forbidden, e.to_string()))
}

/// Signs somebody in and sets the session's cookie.
pub(super) async fn enter(
    app: &App,
    visitor: &Visitor,
    name: &str,
    password: String,
) -> Result<Response, ApiError> {
    visitor.claims(name).await?;
    let signing_in = app.gate.authenticator.log_in(name, Secret::new(password));
    let cookie = signing_in.await.map_err(|e| refused(app, e))?;
    visitor.signed_in(cookie.session.to_string()).await?;
    let value = cookie.set_cookie().ok_or_else(no_cookie)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, value)]).into_response())
}

fn no_cookie() -> ApiError {
    ApiError::new(Code::Internal, "The session's cookie could not be written.")
}

/// What the page of the log-in shows as it is.
fn refused(app: &App, e: LogInError) -> ApiError {
    match e {
        LogInError::Wrong => {
            ApiError::new(Code::WrongPassword, "The name or the password is wrong.")
        }
        LogInError::Locked { until } => {
            let seconds = (until.seconds() - app.clock.now().seconds()).max(1).unsigned_abs();
            let wait = format!("This name can sign in again in {} min.", seconds.div_ceil(60));
            let text = format!("Too many wrong passwords. {wait}");
            ApiError::new(Code::TooManyRequests, text).retry_after(seconds)
        }
        LogInError::Busy => {
            let text = "Too many people are signing in at once. Try again in a few seconds.";
            ApiError::new(Code::TooManyRequests, text).retry_after(2)
        }
        LogInError::Unavailable(e) => e.into(),
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/session",
    operation_id = "readSession", tag = "session",
    responses((status = 200, body = SessionAnswer)))]
pub async fn read(State(app): State<App>, call: Call) -> Result<ApiJson<SessionAnswer>, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::Session, call.clinic())).await?;
    grant.begin().await?.commit(None).await?;
    Ok(ApiJson(SessionAnswer {
        user: call.caller.effective_user().as_str().to_owned(),
        roles: call.caller.effective_roles().iter().map(|role| role.as_str()).collect(),
        clinic_id: call.clinic().to_string(),
        patient_ids: call.caller.patients.iter().map(|id| id.as_str().to_owned()).collect(),
        idle_seconds: app.config.access.session_idle.as_secs(),
        trash_days: app.config.uploads.trash_days,
    }))
}

/// Change your own password. This session goes on, your others end. A wrong `current` counts as a
/// wrong password at the log-in does.
#[utoipa::path(post, path = "/api/session/password",
    operation_id = "changePassword", tag = "session",
    request_body = ChangePasswordRequest,
    responses((status = 204, description = "From now on the new one opens.")))]
pub async fn change_password(
    State(app): State<App>,
    call: Call,
    headers: HeaderMap,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<ChangePasswordRequest>,
) -> Result<StatusCode, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::Session, call.clinic())).await?;
    let authenticator = &app.gate.authenticator;
    let signed_in = call.caller.kind == CallerKind::Session;
    let session = authenticator.session_id(&headers).filter(|_| signed_in).ok_or_else(|| {
        let detail = "Only somebody who signed in with a password can change it.";
        ApiError::new(Code::Forbidden, detail)
    })?;
    let name = call.caller.user.as_str();
    let proven = authenticator.prove(name, Secret::new(body.current)).await;
    proven.map_err(|e| match e {
        LogInError::Wrong => page::field("current", "is not your password"),
        other => refused(&app, other),
    })?;
    let hash = users::hash_password(Secret::new(body.password)).await?;
    let now = app.clock.now();
    let mut tx = grant.begin().await?;
    tx.about(session.to_string());
    if !rows::set_password(&mut tx, call.clinic(), name, &hash, Some(session), now).await? {
        return Err(ApiError::not_found());
    }
    tx.commit(None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sign out; the session ends at once.
#[utoipa::path(delete, path = "/api/session",
    operation_id = "logOut", tag = "session",
    responses((status = 204, description = "Signed out.")))]
pub async fn log_out(
    State(app): State<App>,
    call: Call,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::Session, call.clinic())).await?;
    let mut tx = grant.begin().await?;
    if let Some(session) = app.gate.authenticator.session_id(&headers) {
        tx.about(session.to_string());
        rows::end_session(&mut tx, session, app.clock.now()).await?;
    }
    tx.commit(None).await?;
    let value = SessionCookie::clear(app.gate.authenticator.is_https()).ok_or_else(no_cookie)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, value)]).into_response())
}
