//! `/api/users`: the people of a clinic who sign in to the pages.
//!
//! An administrator sees and changes the users of their own clinic only. A password is shown
//! once, when the server made it, and never read back.

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder};

use crate::access::rows::UserRow;
use crate::access::users::{NewUser, UserError, hash_password, insert_user, make_password};
use crate::access::{Call, Role, Target, TargetKind, rows};
use crate::app::App;
use crate::http::fields::{is_label, label_schema};
use crate::http::{ApiError, ApiJson, ApiPath, ApiQuery, Code, Nothing, page};
use crate::ids::PatientId;
use crate::sensitive::Secret;
use crate::time::Timestamp;

/// Most patients one user can be.
const MAX_PATIENTS: usize = 100;

/// A person who signs in to the pages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserJson {
    /// The name they sign in with.
    name: String,
    /// `admin`, `clinician`, `staff`, `patient` or `auditor`.
    role: String,
    /// Whose documents a patient sees: their own, perhaps their children's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    patient_ids: Vec<String>,
    /// When they were added.
    #[schema(value_type = String, format = "date-time")]
    created_at: Timestamp,
    /// When they were shut out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    disabled_at: Option<Timestamp>,
    /// Until when wrong passwords keep the name locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    locked_until: Option<Timestamp>,
}

/// The users of the clinic.
#[derive(Serialize, ToSchema)]
pub struct Users {
    /// By name.
    users: Vec<UserJson>,
}

/// Up to 100 ids of 1 to 128 characters.
fn patient_ids() -> Array {
    ArrayBuilder::new().items(label_schema()).max_items(Some(MAX_PATIENTS)).build()
}

/// A user to add.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUserRequest {
    /// The name they will sign in with: 1 to 128 characters, no spaces.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\s\u0000-\u001f\u007f-\u009f]+$")]
    name: String,
    /// `admin`, `clinician`, `staff`, `patient` or `auditor`.
    #[schema(pattern = "^(admin|clinician|staff|patient|auditor)$")]
    role: String,
    /// At least 12 characters; when left out, one is made and shown once in the answer.
    #[schema(min_length = 12, max_length = 1024)]
    password: Option<String>,
    /// Whose documents a user with the role `patient` sees.
    #[serde(default)]
    #[schema(schema_with = patient_ids)]
    patient_ids: Vec<String>,
}

/// A password to give somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// At least 12 characters; when left out, one is made and shown once in the answer.
    #[schema(min_length = 12, max_length = 1024)]
    password: Option<String>,
}

/// A user, with the password where the server made it.
#[derive(Serialize, ToSchema)]
pub struct PasswordAnswer {
    /// The name they sign in with.
    name: String,
    /// The password the server made; shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

/// The clinic's users.
#[utoipa::path(get, path = "/api/users", operation_id = "listUsers", tag = "accounts",
    responses((status = 200, body = Users)))]
pub async fn list(
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
) -> Result<ApiJson<Users>, ApiError> {
    let grant = call.authorize(target(&call, None)).await?;
    let mut tx = grant.begin().await?;
    let found = rows::list_users(&mut tx, call.clinic()).await?;
    let mut patients = rows::patients_of_users(&mut tx, call.clinic()).await?;
    tx.commit(Some(serde_json::json!({ "count": found.len() }))).await?;
    let shown = |user: UserRow| {
        let own = patients.extract_if(.., |p| p.user_name == user.name);
        let patient_ids = own.map(|p| p.patient_id.as_str().to_owned()).collect();
        json(user, patient_ids)
    };
    Ok(ApiJson(Users { users: found.into_iter().map(shown).collect() }))
}

fn json(user: UserRow, patient_ids: Vec<String>) -> UserJson {
    UserJson {
        name: user.name,
        role: user.role,
        patient_ids,
        created_at: user.created_at,
        disabled_at: user.disabled_at,
        locked_until: user.locked_until,
    }
}

fn target(call: &Call, name: Option<&str>) -> Target {
    Target { id: name.map(str::to_owned), ..Target::new(TargetKind::User, call.clinic()) }
}

/// Add a user to the clinic.
#[utoipa::path(post, path = "/api/users", operation_id = "addUser", tag = "accounts",
    request_body = NewUserRequest, responses((status = 201, body = PasswordAnswer)))]
pub async fn add(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiJson(body): ApiJson<NewUserRequest>,
) -> Result<(StatusCode, ApiJson<PasswordAnswer>), ApiError> {
    let grant = call.authorize(target(&call, None)).await?;
    let role = role(&body.role)?;
    let patients = patients(role, body.patient_ids)?;
    let (password, made) = given_or_made(body.password);
    let new = NewUser { name: body.name.clone(), password, role, clinic: Some(call.clinic()) };
    let prepared = new.prepare().await?;
    let mut tx = grant.begin().await?;
    tx.about(body.name.clone());
    insert_user(&mut tx, &prepared, app.clock.now()).await?;
    for patient in &patients {
        rows::insert_patient_of_user(&mut tx, &body.name, patient).await?;
    }
    tx.commit(Some(serde_json::json!({ "add": true, "role": role.as_str() }))).await?;
    Ok((StatusCode::CREATED, ApiJson(PasswordAnswer { name: body.name, password: made })))
}

fn role(text: &str) -> Result<Role, ApiError> {
    let right = "must be admin, clinician, staff, patient or auditor";
    let role = text.parse().ok().filter(|role| *role != Role::Service);
    role.ok_or_else(|| page::field("role", right))
}

fn patients(role: Role, ids: Vec<String>) -> Result<Vec<PatientId>, ApiError> {
    let wrong = |text: &str| Err(page::field("patientIds", text));
    if (role == Role::Patient) == ids.is_empty() {
        return wrong("must name whose documents a patient sees, and nobody for other roles");
    }
    if ids.len() > MAX_PATIENTS || !ids.iter().all(|id| is_label(id)) {
        return wrong("must be up to 100 ids of 1 to 128 characters without control characters");
    }
    Ok(ids.into_iter().map(PatientId::new).collect())
}

fn given_or_made(given: Option<String>) -> (Secret<String>, Option<String>) {
    if let Some(password) = given {
        return (Secret::new(password), None);
    }
    let made = make_password();
    let shown = made.reveal().clone();
    (made, Some(shown))
}

/// Give a user a new password; their sessions end.
#[utoipa::path(put, path = "/api/users/{name}/password",
    operation_id = "setUserPassword", tag = "accounts",
    params(("name" = String, Path)),
    request_body = PasswordRequest, responses((status = 200, body = PasswordAnswer)))]
pub async fn set_password(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(name): ApiPath<String>,
    ApiJson(body): ApiJson<PasswordRequest>,
) -> Result<ApiJson<PasswordAnswer>, ApiError> {
    let grant = call.authorize(target(&call, Some(&name))).await?;
    let (password, made) = given_or_made(body.password);
    let hash = hash_password(password).await?;
    let mut tx = grant.begin().await?;
    if !rows::set_password(&mut tx, call.clinic(), &name, &hash, None, app.clock.now()).await? {
        return Err(ApiError::not_found());
    }
    tx.commit(Some(serde_json::json!({ "password": true }))).await?;
    Ok(ApiJson(PasswordAnswer { name, password: made }))
}

/// Shut a user out; their sessions end at once.
#[utoipa::path(delete, path = "/api/users/{name}", operation_id = "disableUser", tag = "accounts",
    params(("name" = String, Path)),
    responses((status = 204, description = "They cannot sign in any more.")))]
pub async fn disable(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(name): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&app, &call, &name, true).await
}

/// Let a user who was shut out sign in again.
#[utoipa::path(post, path = "/api/users/{name}/enable",
    operation_id = "enableUser", tag = "accounts",
    params(("name" = String, Path)),
    responses((status = 204, description = "They can sign in again.")))]
pub async fn enable(
    State(app): State<App>,
    call: Call,
    ApiQuery(Nothing {}): ApiQuery<Nothing>,
    ApiPath(name): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    change(&app, &call, &name, false).await
}

async fn change(app: &App, call: &Call, name: &str, out: bool) -> Result<StatusCode, ApiError> {
    let grant = call.authorize(target(call, Some(name))).await?;
    if out && call.caller.effective_user().as_str() == name {
        let detail = "You cannot shut yourself out; another administrator can.";
        return Err(ApiError::new(Code::WrongState, detail));
    }
    let mut tx = grant.begin().await?;
    let user = rows::find_user(&mut tx, name).await?;
    if user.is_none_or(|user| user.clinic_id != call.clinic()) {
        return Err(ApiError::not_found());
    }
    let changed = if out {
        rows::disable_user(&mut tx, call.clinic(), name, app.clock.now()).await?
    } else {
        rows::enable_user(&mut tx, call.clinic(), name).await?
    };
    let what = if out { "disable" } else { "enable" };
    tx.commit(Some(serde_json::json!({ what: true, "changed": changed }))).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<UserError> for ApiError {
    fn from(e: UserError) -> Self {
        match e {
            UserError::Taken => page::field("name", "is taken; choose another"),
            UserError::BadName => page::field("name", &e.to_string()),
            UserError::BadPassword => page::field("password", &e.to_string()),
            UserError::Db(e) => e.into(),
            UserError::Hash => {
                Self::new(Code::Internal, "The password could not be hashed.").with_source(e)
            }
        }
    }
}
