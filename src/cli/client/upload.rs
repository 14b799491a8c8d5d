//! Sending one file: SHA-256, then one request or parts, then the document.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::memory::{Memory, fingerprint};
use super::parts::{Parts, Sent};
use super::{Client, ClientError, FileBody, LocalFile, Meter, Presigned, Reporter, Tries};

/// What is larger goes in parts, so that a broken connection costs one part and not all.
pub const ONE_REQUEST: u64 = 16_000_000;
/// S3 takes no smaller part than this, but for the last ("Multipart upload limits").
const LEAST_PART: u64 = 5 * 1024 * 1024;

/// What is said of the files that are sent.
#[derive(Clone, Debug, Default)]
pub struct About {
    /// The patient.
    pub patient: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// The media type; none: by each file's name or content.
    pub media_type: Option<String>,
    /// The name; none: each file's own.
    pub name: Option<String>,
    /// What else they belong to: kind and id.
    pub entity: Option<(String, String)>,
}

/// A file and everything that is announced of it but its SHA-256.
pub struct Plan {
    /// The file.
    pub file: LocalFile,
    /// The name it will have.
    pub name: String,
    /// Its media type.
    pub media_type: String,
}

impl Plan {
    /// Looks at a file; nothing is sent.
    pub fn of(path: &Path, about: &About) -> Result<Self, ClientError> {
        let file = LocalFile::look(path)?;
        let name = match &about.name {
            Some(name) => name.clone(),
            // The name it was called by, where that was a link.
            None => path.file_name().and_then(|name| name.to_str()).map(str::to_owned).ok_or_else(
                || ClientError::File(format!("{}: give it a --name", path.display())),
            )?,
        };
        let media_type = match &about.media_type {
            Some(given) => given.clone(),
            None => file.media_type(&name)?.to_owned(),
        };
        Ok(Self { file, name, media_type })
    }

    /// Whether it goes in parts.
    pub const fn in_parts(&self) -> bool {
        self.file.size > ONE_REQUEST
    }

    fn announced(&self, about: &About, sha256: &str) -> Value {
        let mut body = json!({
            "filename": self.name, "contentType": self.media_type, "size": self.file.size,
            "sha256": sha256,
        });
        let mut set = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                body[name] = value.as_str().into();
            }
        };
        set("patientId", about.patient.as_ref());
        set("category", about.category.as_ref());
        set("entityType", about.entity.as_ref().map(|(kind, _)| kind));
        set("entityId", about.entity.as_ref().map(|(_, id)| id));
        body
    }
}

/// Sends files to one server.
pub struct Uploader {
    /// The server.
    pub client: Client,
    /// What is said of the files.
    pub about: About,
    /// Where uploads that are cut off are remembered.
    pub state_dir: Option<PathBuf>,
    /// Whether what was begun before is given up.
    pub fresh: bool,
    /// Leave for so many transfers at once.
    pub leave: Arc<Semaphore>,
    /// How many that is.
    pub parallel: usize,
    /// How progress is told.
    pub reporter: Reporter,
}

#[derive(Deserialize)]
struct Begun {
    id: String,
    #[serde(flatten)]
    request: Presigned,
}

impl Uploader {
    /// Sends one file.
    pub async fn send(&self, plan: &Plan) -> Result<Sent, ClientError> {
        let meter = self.reporter.meter(&plan.name, plan.file.size);
        let sent = self.send_with(plan, &meter).await;
        meter.clear();
        sent
    }

    async fn send_with(&self, plan: &Plan, meter: &Meter) -> Result<Sent, ClientError> {
        meter.stage("reading", 0);
        let sha256 = {
            let _leave = self.leave.acquire().await;
            plan.file.sha256(meter).await?
        };
        let announced = plan.announced(&self.about, &sha256);
        if plan.in_parts() {
            return self.in_parts(plan, &announced, meter).await;
        }
        meter.stage("sending", 0);
        match self.in_one(plan, &announced, meter).await {
            // The limit of one request is the server's own and differs by type.
            Err(e) if e.code() == "file_too_large" && plan.file.size > LEAST_PART => {
                self.in_parts(plan, &announced, meter).await
            }
            Err(e) => Err(e),
            Ok(document) => Ok(Sent { document, parts: 1, kept: 0 }),
        }
    }

    /// Presign, PUT, confirm.
    async fn in_one(
        &self,
        plan: &Plan,
        announced: &Value,
        meter: &Meter,
    ) -> Result<Value, ClientError> {
        let (file, mut tries) = (&plan.file, Tries::default());
        let _leave = self.leave.acquire().await;
        let mut begun: Begun = self.client.post("/api/docs/presign-upload", announced).await?;
        let mut renewed = false;
        loop {
            let opened = FileBody::open(&file.path, 0, file.size, meter).await;
            let (body, count) = opened.map_err(|e| ClientError::file(&file.path, &e))?;
            match self.client.send(&begun.request, file.size, body).await {
                // 412: an earlier try has arrived after all, and its answer was lost.
                Ok(_) | Err(ClientError::Store { status: 412, .. }) => count.done(),
                Err(ClientError::Store { status: 401 | 403, .. }) if !renewed => {
                    renewed = true;
                    begun = self.client.post("/api/docs/presign-upload", announced).await?;
                    continue;
                }
                Err(e) => {
                    file.unchanged()?;
                    tries.pause(e).await?;
                    continue;
                }
            }
            file.unchanged()?;
            let confirm = json!({ "id": begun.id });
            return self.client.post("/api/docs/confirm", &confirm).await;
        }
    }

    async fn in_parts(
        &self,
        plan: &Plan,
        announced: &Value,
        meter: &Meter,
    ) -> Result<Sent, ClientError> {
        let file = &plan.file;
        let modified = file.modified.to_string();
        let print = fingerprint(&[&announced.to_string(), &modified]);
        let patient = self.about.patient.as_deref().unwrap_or_default();
        let path = file.path.to_string_lossy();
        let key = [self.client.base(), &*path, patient];
        let memory = if let Some(dir) = &self.state_dir {
            Some(Memory::open(dir, &key)?)
        } else {
            self.reporter.say("There is no home directory: an upload cannot be resumed.");
            None
        };
        let parts = Parts {
            client: &self.client,
            file,
            announced,
            meter,
            reporter: &self.reporter,
            leave: &self.leave,
            parallel: self.parallel,
        };
        parts.send(memory, &print, self.fresh).await
    }
}
