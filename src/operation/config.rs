//! `GET /api/config`: what the operator decided and how upkeep does, for administrators. Nothing
//! secret, and nothing of any one document.

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Call, Target, TargetKind};
use crate::app::{App, UpkeepRun};
use crate::documents::Category;
use crate::http::{ApiError, ApiJson};
use crate::time::Timestamp;

/// What the operator decided, and how upkeep does.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigAnswer {
    /// The server's version.
    version: &'static str,
    /// How clients reach it.
    public_url: String,
    /// Where its records are: `sqlite` or `postgres`.
    database: &'static str,
    /// What looks for malware: `off`, `clamd` or `guardduty`.
    scanner: &'static str,
    /// Seconds after which a session that nobody uses ends.
    session_idle: u64,
    /// Whether clinicians see every patient of the clinic, not only those they care for.
    clinic_wide: bool,
    /// Days a document can be taken out of the trash.
    trash_days: u32,
    /// Days after which a temporary document is removed.
    temporary_days: u32,
    /// Whether files come in that were sealed before, and that nobody here can look into.
    sealed_uploads: bool,
    /// How object keys are laid out: `by-month`, `by-category`, `category-first` or `flat`.
    key_layout: &'static str,
    /// What holds for each category.
    categories: Vec<CategoryRules>,
    /// The rules in force.
    policy: PolicyJson,
    /// The last upkeep of this server; absent until the first has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    upkeep: Option<UpkeepJson>,
}

/// What holds for a category.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CategoryRules {
    /// The category.
    category: &'static str,
    /// The largest file, bytes, where the category has a limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    /// Whether its documents wait to be released before their patient sees them.
    waits_for_release: bool,
}

/// The rules in force.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyJson {
    /// Whether they are the ones an installation starts with.
    built_in: bool,
    /// As their author wrote them.
    text: String,
}

/// One run of upkeep.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpkeepJson {
    /// When it ended.
    #[schema(value_type = String, format = "date-time")]
    at: Timestamp,
    /// Why it could not be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// Its tasks.
    tasks: Vec<UpkeepTask>,
}

/// One task of a run.
#[derive(Serialize, ToSchema)]
pub struct UpkeepTask {
    /// The task.
    task: &'static str,
    /// What it did.
    did: Vec<UpkeepCount>,
    /// How many things failed; the next run tries them again.
    failed: usize,
}

/// How often something was done.
#[derive(Serialize, ToSchema)]
pub struct UpkeepCount {
    /// What.
    what: &'static str,
    /// How often.
    count: usize,
}

impl From<UpkeepRun> for UpkeepJson {
    fn from(run: UpkeepRun) -> Self {
        let did = |(what, count)| UpkeepCount { what, count };
        let tasks = run.tasks.into_iter().map(|ran| UpkeepTask {
            task: ran.task,
            did: ran.did.into_iter().map(did).collect(),
            failed: ran.failed,
        });
        Self { at: run.at, problem: run.problem, tasks: tasks.collect() }
    }
}

/// How the server is configured, and how its upkeep does.
#[utoipa::path(get, path = "/api/config",
    operation_id = "readConfig", tag = "operation",
    responses((status = 200, body = ConfigAnswer)))]
pub async fn read(State(app): State<App>, call: Call) -> Result<ApiJson<ConfigAnswer>, ApiError> {
    let grant = call.authorize(Target::new(TargetKind::System, call.clinic())).await?;
    grant.begin().await?.commit(None).await?;
    Ok(ApiJson(describe(&app)))
}

fn describe(app: &App) -> ConfigAnswer {
    let (uploads, access) = (&app.config.uploads, &app.config.access);
    let rules = |category: Category| CategoryRules {
        category: category.as_str(),
        max_bytes: uploads.category_limit(category.as_str()),
        waits_for_release: uploads.waits_for_release(category.as_str()),
    };
    ConfigAnswer {
        version: env!("CARGO_PKG_VERSION"),
        public_url: app.config.server.public_url.clone(),
        database: app.db.engine(),
        scanner: app.config.scanning.scanner.as_str(),
        session_idle: access.session_idle.as_secs(),
        clinic_wide: access.clinic_wide,
        trash_days: uploads.trash_days,
        temporary_days: uploads.temporary_days,
        sealed_uploads: uploads.sealed,
        key_layout: uploads.key_layout.as_str(),
        categories: Category::ALL.into_iter().map(rules).collect(),
        policy: PolicyJson {
            built_in: access.policy_file.is_none(),
            text: app.gate.policy.text().to_owned(),
        },
        upkeep: app.upkeep.get().map(UpkeepJson::from),
    }
}
