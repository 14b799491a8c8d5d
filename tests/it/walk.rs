//! A random walk through the lives of some documents, beside a model of them: what the server
//! answers, shows to whom, and keeps in the store is what the model says. `STRONGROOM_TEST_SEED`
//! repeats a walk.

use http::Method;
use serde_json::{Value, json};
use strongroom::store::ObjectKey;
use strongroom::upkeep;

use crate::on_every_ground;
use crate::process::{Seeded, seed};
use crate::support::{Answer, TestApp, pdf};

on_every_ground!(documents_live_as_the_model_says);

const STEPS: usize = 150;
const PATIENTS: [&str; 2] = ["patient-1", "patient-2"];
const RELEASES: [&str; 3] = ["held", "released", "withdrawn"];
const CATEGORIES: [&str; 3] = ["medical-records", "imaging", "insurance"];

/// A document as it should be.
#[derive(Clone, Debug)]
struct Model {
    id: String,
    key: String,
    patient: usize,
    state: &'static str,
    held: bool,
    release: &'static str,
    /// The step in which somebody last spoke on the release.
    decided: Option<usize>,
    category: &'static str,
    replaces: Option<usize>,
}

struct Walk<'a> {
    app: &'a TestApp,
    random: Seeded,
    all: Vec<Model>,
}

async fn documents_live_as_the_model_says(app: &TestApp) {
    let seed = seed();
    println!("STRONGROOM_TEST_SEED={seed}");
    let mut walk = Walk { app, random: Seeded(seed), all: Vec::new() };
    for step in 0..STEPS {
        let touched = walk.step(step).await;
        walk.compare(touched, step).await;
    }
    for at in 0..walk.all.len() {
        walk.compare(at, STEPS).await;
    }
    walk.compare_lists().await;
    let ran = upkeep::run_once(&app.app, false).await.unwrap();
    assert!(ran.iter().all(|task| task.failed == 0), "{ran:?}");
}

impl Walk<'_> {
    fn pick(&mut self, count: usize) -> usize {
        usize::try_from(self.random.between(0, count as u64)).unwrap()
    }

    /// The living document that replaces one.
    fn successor(&self, of: usize) -> Option<usize> {
        self.all.iter().position(|d| d.replaces == Some(of) && d.state == "available")
    }

    /// Whether an upload waits, when it becomes a document, behind what it replaces: that is not
    /// for the patient's eyes, and nobody has spoken on the upload since.
    fn is_held_behind(&self, at: usize) -> bool {
        let upload = &self.all[at];
        let Some(old) = upload.replaces.map(|of| &self.all[of]) else { return false };
        let is_hidden = old.release != "released" && upload.decided <= old.decided;
        upload.state == "pending" && is_hidden
    }

    fn path(&self, at: usize) -> String {
        format!("/api/docs/{}", self.all[at].id)
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.app.admin(), method, path, body).await
    }

    /// Does one thing to one document and says in the model what becomes of it.
    async fn step(&mut self, step: usize) -> usize {
        let kind = if self.all.len() < 4 { 0 } else { self.pick(14) };
        if kind < 2 {
            return self.begin(step).await;
        }
        let at = self.pick(self.all.len());
        let (before, path) = (self.all[at].clone(), self.path(at));
        let busy = self.successor(at).is_some();
        let taken = before.replaces.is_some_and(|of| self.successor(of).is_some());
        let free = !before.held;
        let has_bytes = ["available", "deleted"].contains(&before.state);
        let word = step.to_string();
        let (method, path, body, allowed) = match kind {
            2 | 3 => {
                let body = json!({ "id": before.id });
                let allowed = before.state == "available" || before.state == "pending" && !taken;
                (Method::POST, "/api/docs/confirm".to_owned(), Some(body), allowed)
            }
            4 => (Method::DELETE, path, None, before.state == "available"),
            5 | 6 => {
                let allowed = before.state == "deleted" && !taken;
                (Method::POST, format!("{path}/restore"), None, allowed)
            }
            7 => {
                let allowed = before.state == "purged" || has_bytes && free;
                (Method::DELETE, format!("{path}?permanent=true"), None, allowed)
            }
            8 => {
                let body = Some(json!({ "reason": word }));
                (Method::PUT, format!("{path}/hold"), body, has_bytes)
            }
            9 | 10 => {
                (Method::DELETE, format!("{path}/hold"), Some(json!({ "reason": word })), true)
            }
            11 => {
                let to = RELEASES[self.pick(3)];
                let allowed = before.state != "purged" || before.release == to;
                if allowed && (before.release != to || before.state == "pending") {
                    (self.all[at].release, self.all[at].decided) = (to, Some(step));
                }
                (Method::PUT, format!("{path}/release"), Some(json!({ "state": to })), allowed)
            }
            12 => {
                let to = CATEGORIES[self.pick(3)];
                let allowed = before.category == to || before.state == "available" && free;
                self.all[at].category = if allowed { to } else { before.category };
                (Method::PATCH, path, Some(json!({ "category": to })), allowed)
            }
            _ => {
                let to = self.pick(2);
                let body = Some(json!({ "patientId": PATIENTS[to], "reason": word }));
                let moves = before.state == "available" && free && !busy;
                (Method::PATCH, path, body, before.patient == to || moves)
            }
        };
        let answer = self.send(method, &path, body.clone()).await;
        let told = format!("step {step}: kind {kind} of {before:?}: {}", answer.status);
        assert_eq!(answer.status.is_success(), allowed, "{told}");
        assert!(allowed || answer.status == 409, "{told}");
        if allowed {
            self.follow(kind, at, body.as_ref(), &answer.json());
        }
        at
    }

    /// What the model becomes by a change that was made.
    fn follow(&mut self, kind: usize, at: usize, body: Option<&Value>, answer: &Value) {
        let behind = self.is_held_behind(at);
        let document = &mut self.all[at];
        match kind {
            2 | 3 => {
                document.release = if behind { "held" } else { document.release };
                document.state = "available";
                answer["key"].as_str().unwrap().clone_into(&mut document.key);
            }
            4 => document.state = "deleted",
            5 | 6 => document.state = "available",
            7 => document.state = "purged",
            8 => document.held = true,
            9 | 10 => document.held = false,
            11 | 12 => {}
            _ => {
                let to = PATIENTS.iter().position(|p| body.unwrap()["patientId"] == *p).unwrap();
                if document.patient == to {
                    return;
                }
                document.patient = to;
                document.replaces = None;
                (document.release, document.decided) = ("released", None);
                for other in &mut self.all {
                    let waits = ["pending", "deleted"].contains(&other.state);
                    if other.replaces == Some(at) && waits {
                        other.replaces = None;
                    }
                }
            }
        }
    }

    /// Begins an upload and sends it, sometimes in place of another document.
    async fn begin(&mut self, step: usize) -> usize {
        let patient = self.pick(2);
        let mut asked = pdf().asked(PATIENTS[patient]);
        let mut replaces = None;
        if !self.all.is_empty() && self.pick(3) > 0 {
            let of = self.pick(self.all.len());
            asked["supersedes"] = json!(self.all[of].id);
            replaces = Some(of);
        }
        let answer = self.send(Method::POST, "/api/docs/presign-upload", Some(asked)).await;
        if let Some(of) = replaces {
            let old = &self.all[of];
            let fits = old.patient == patient && old.state == "available";
            let expected = match (fits, self.successor(of)) {
                (false, _) => 422,
                (true, Some(_)) => 409,
                (true, None) => 201,
            };
            assert_eq!(answer.status, expected, "step {step}: {old:?}");
            if expected != 201 {
                return of;
            }
        }
        let begun = answer.expect(201).json();
        self.app.put(&begun, pdf().bytes).await.expect(200);
        let shown = replaces.is_none_or(|of| self.all[of].release == "released");
        self.all.push(Model {
            id: begun["id"].as_str().unwrap().to_owned(),
            key: begun["key"].as_str().unwrap().to_owned(),
            patient,
            state: "pending",
            held: false,
            release: if shown { "released" } else { "held" },
            decided: None,
            category: "medical-records",
            replaces,
        });
        self.all.len() - 1
    }

    /// Whether a document is, for everybody, what the model says.
    async fn compare(&self, at: usize, step: usize) {
        let model = &self.all[at];
        let path = self.path(at);
        let shown = self.send(Method::GET, &path, None).await.expect(200).json();
        let told = format!("step {step}: {model:?}: {shown}");
        assert_eq!(shown["state"], model.state, "{told}");
        assert_eq!(shown["release"], model.release, "{told}");
        assert_eq!(shown["onHold"], model.held, "{told}");
        assert_eq!(shown["category"], model.category, "{told}");
        assert_eq!(shown["patientId"], PATIENTS[model.patient], "{told}");
        let replaces = model.replaces.map(|of| self.all[of].id.as_str());
        assert_eq!(shown["supersedes"].as_str(), replaces, "{told}");
        let by = self.successor(at).map(|by| self.all[by].id.as_str());
        assert_eq!(shown["supersededBy"].as_str(), by, "{told}");
        assert_eq!(shown["filename"] == "", model.state == "purged", "{told}");
        let visible = model.state == "available" && model.release == "released";
        for (number, patient) in PATIENTS.iter().enumerate() {
            let sees = visible && number == model.patient;
            let who = self.app.patient(patient);
            let expected = if sees { 200 } else { 404 };
            let answer = self.app.get(&who, &path).await;
            assert_eq!(answer.status, expected, "{told}");
            let purge = self.app.delete(&who, &format!("{path}?permanent=true")).await;
            assert_eq!(purge.status, if sees { 403 } else { 404 }, "{told}");
        }
        let key = ObjectKey::new(model.key.clone()).unwrap();
        let stored = self.app.app.store.head(&key, None).await.is_ok();
        assert_eq!(stored, model.state != "purged", "{told}");
        let content = self.send(Method::GET, &format!("{path}/content"), None).await;
        assert_eq!(content.status, if model.state == "available" { 200 } else { 409 }, "{told}");
    }

    /// Whether each patient's list shows what the model says, and no more.
    async fn compare_lists(&self) {
        for (number, patient) in PATIENTS.iter().enumerate() {
            let who = self.app.patient(patient);
            let list = self.app.get(&who, "/api/docs?limit=1000").await.expect(200).json();
            let items = list["items"].as_array().unwrap();
            let mut shown: Vec<_> = items.iter().map(|d| d["id"].as_str().unwrap()).collect();
            let released = self.all.iter().filter(|d| d.release == "released");
            let mut known: Vec<_> = released
                .filter(|d| d.patient == number && d.state == "available")
                .map(|d| d.id.as_str())
                .collect();
            shown.sort_unstable();
            known.sort_unstable();
            assert_eq!(shown, known, "{patient}");
        }
    }
}
