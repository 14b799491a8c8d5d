//! `/api/setup`: the first user of an installation, by a link that the server prints.
//!
//! The link is good until somebody can sign in. Its token comes from the server's own secrets, so
//! that every server of one installation prints the same, and it stands behind `#`, which browsers
//! send to nobody.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::Deserialize;
use utoipa::ToSchema;

use super::session::{check_origin, enter};
use crate::access::users::{NewUser, insert_user};
use crate::access::{Role, Visitor, rows};
use crate::app::App;
use crate::http::{ApiError, ApiJson, ApiQuery, Code, Nothing};
use crate::sensitive::Secret;

/// The first user.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// From the link that the server printed when it started.
    token: String,
    /// The name the administrator will sign in with: 1 to 128 characters, no spaces.
    #[schema(min_length = 1, max_length = 128)]
    username: String,
    /// At least 12 characters.
    #[schema(min_length = 12, max_length = 1024)]
    password: String,
}

/// Make the first administrator and sign them in.
#[utoipa::path(post, path = "/api/setup", operation_id = "setUp", tag = "session",
    request_body = SetupRequest, security(()),
    responses((status = 204, description = "Signed in; the cookie is set.")))]
pub async fn set_up(
    State(app): State<App>,
    visitor: Visitor,
    headers: HeaderMap,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<SetupRequest>,
) -> Result<Response, ApiError> {
    check_origin(&app, &headers)?;
    if !app.secrets.is_setup_token(&body.token) {
        let detail = "This link is not valid here. `strongroom serve` prints the right one when \
                      it starts.";
        return Err(ApiError::new(Code::InvalidCredential, detail));
    }
    add_first(&app, &body).await?;
    enter(&app, &visitor, &body.username, body.password).await
}

async fn add_first(app: &App, body: &SetupRequest) -> Result<(), ApiError> {
    let (name, password) = (body.username.clone(), Secret::new(body.password.clone()));
    let prepared = NewUser { name, password, role: Role::Admin, clinic: None }.prepare().await?;
    let mut tx = app.db.begin().await?;
    // Of two at once, only one can write this down.
    let first = rows::note_setup(&mut tx, app.clock.now()).await?;
    if !first || rows::has_users(&mut tx).await? {
        let detail = "Somebody can sign in already; ask an administrator for an account.";
        return Err(ApiError::new(Code::WrongState, detail));
    }
    insert_user(&mut tx, &prepared, app.clock.now()).await?;
    Ok(tx.commit().await?)
}
