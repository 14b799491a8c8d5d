//! What every operation is given: the open database, the store, the keys, the clock, the
//! configuration. Opened once, cheap to clone.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::FromRef;
use serde::Serialize;

use crate::access::Gate;
use crate::config::Config;
use crate::db::Db;
use crate::ids::Ids;
use crate::keys::AppSecrets;
use crate::limits::KeptBytes;
use crate::rendering::Renderer;
use crate::scanning::Scanning;
use crate::store::ObjectStore;
use crate::time::{Clock, Timestamp};

/// The parts, shared.
pub struct Parts {
    /// The metadata.
    pub db: Db,
    /// The bytes.
    pub store: Arc<dyn ObjectStore>,
    /// What looks for malware in them.
    pub scanning: Scanning,
    /// Secrets the server made for itself.
    pub secrets: AppSecrets,
    /// Who may do what.
    pub gate: Arc<Gate>,
    /// The time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// What the operator decided.
    pub config: Config,
    /// Turns to read a whole object in order to check it.
    pub whole_reads: tokio::sync::Semaphore,
    /// Turns to look into a large object: what is held of one is bounded, and so are they.
    pub inspections: Arc<tokio::sync::Semaphore>,
    /// What draws pictures of documents.
    pub renderer: Renderer,
    /// One turn to examine the installation.
    pub self_test: Arc<tokio::sync::Semaphore>,
    /// What is known of the bytes each clinic keeps.
    pub kept: KeptBytes,
    /// How the last upkeep went.
    pub upkeep: LastUpkeep,
}

/// What one run of a task of upkeep did.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// The task.
    pub task: &'static str,
    /// What was done, by name.
    pub did: Vec<(&'static str, usize)>,
    /// How many things failed; the next run tries them again.
    pub failed: usize,
}

/// One run of upkeep.
#[derive(Clone, Debug)]
pub struct UpkeepRun {
    /// When it ended.
    pub at: Timestamp,
    /// Why it could not be done.
    pub problem: Option<String>,
    /// Its tasks.
    pub tasks: Vec<Ran>,
}

/// How the last upkeep of this process went; nothing until the first one has ended.
#[derive(Debug, Default)]
pub struct LastUpkeep(Mutex<Option<UpkeepRun>>);

impl LastUpkeep {
    /// Keeps a run in the place of the one before.
    pub fn keep(&self, run: UpkeepRun) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(run);
    }

    /// The last one.
    pub fn get(&self) -> Option<UpkeepRun> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The running server's parts.
#[derive(Clone)]
pub struct App(Arc<Parts>);

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl FromRef<App> for Arc<Gate> {
    fn from_ref(app: &App) -> Self {
        Self::clone(&app.gate)
    }
}
