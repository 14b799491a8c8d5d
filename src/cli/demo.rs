//! `serve --demo`: a made-up clinic, filled in through the very flow an app uses: presign, PUT,
//! confirm over HTTP. Everybody in it is called Test.

use reqwest::Client;
use serde_json::{Value, json};

use crate::access::{DEFAULT_CLINIC, JwtConfig, Role, TokenRequest, issue_token};
use crate::app::App;
use crate::ids::UserId;
use crate::sensitive::Secret;

/// What could not be done.
pub type DemoError = Box<dyn std::error::Error + Send + Sync>;

struct Sample {
    name: &'static str,
    mime: &'static str,
    category: &'static str,
    bytes: &'static [u8],
}

macro_rules! sample {
    ($name:literal, $mime:literal, $category:literal) => {
        Sample {
            name: $name,
            mime: $mime,
            category: $category,
            bytes: include_bytes!(concat!("../../samples/", $name)),
        }
    };
}

const SAMPLES: &[Sample] = &[
    sample!("referral-letter.pdf", "application/pdf", "medical-records"),
    sample!("knee-xray.jpg", "image/jpeg", "imaging"),
    sample!("wound-photo.png", "image/png", "imaging"),
    sample!("phone-photo.heic", "image/heic", "imaging"),
    sample!("chest-ct.dcm", "application/dicom", "imaging"),
    sample!(
        "treatment-plan.docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "medical-records"
    ),
    sample!(
        "fee-schedule.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "invoices"
    ),
    sample!("home-exercises.csv", "text/csv", "other"),
    sample!("notes.txt", "text/plain", "intake-forms"),
];

/// For how many seconds the server's own address may be out of reach.
const PATIENCE: u32 = 60;

const PATIENTS: &[&str] = &["test-patient-one", "test-patient-two", "test-patient-three"];

/// Uploads the samples for three patients, unless the clinic has documents already.
pub async fn fill(app: &App, jwt: &JwtConfig) -> Result<(), DemoError> {
    let request = TokenRequest {
        user: UserId::new("demo"),
        roles: vec![Role::Admin],
        clinic: Some(DEFAULT_CLINIC),
        patients: Vec::new(),
        ttl: std::time::Duration::from_mins(10),
    };
    let demo = Demo {
        http: Client::builder().timeout(std::time::Duration::from_secs(30)).build()?,
        base: app.config.server.public_url.clone(),
        token: issue_token(jwt, request, app.clock.now()),
    };
    let there = demo.first_look().await?;
    if there["items"].as_array().is_some_and(|items| !items.is_empty()) {
        tracing::info!("the demo clinic is there already");
        return Ok(());
    }
    for patient in PATIENTS {
        for user in ["test-clinician", "demo"] {
            let path = format!("/api/patients/{patient}/care-team/{user}");
            demo.call(reqwest::Method::PUT, &path, None).await?;
        }
        for sample in SAMPLES {
            demo.upload(patient, sample).await?;
        }
    }
    tracing::info!(
        patients = PATIENTS.len(),
        documents = PATIENTS.len() * SAMPLES.len(),
        "the demo clinic is filled in"
    );
    Ok(())
}

fn is_unreachable(e: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    e.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect)
}

struct Demo {
    http: Client,
    base: String,
    token: Secret<String>,
}

impl Demo {
    /// The first documents. A proxy under whose address the server is known may come up after it.
    async fn first_look(&self) -> Result<Value, DemoError> {
        let mut left = PATIENCE;
        loop {
            match self.call(reqwest::Method::GET, "/api/docs?limit=1", None).await {
                Err(e) if left > 0 && is_unreachable(&*e) => left -= 1,
                looked => return looked,
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }

    async fn upload(&self, patient: &str, sample: &Sample) -> Result<(), DemoError> {
        let asked = json!({
            "patientId": patient, "filename": sample.name, "contentType": sample.mime,
            "size": sample.bytes.len(), "category": sample.category,
        });
        let begun = self.post("/api/docs/presign-upload", asked).await?;
        let mut put = self.http.put(begun["url"].as_str().unwrap_or_default());
        for (name, value) in begun["headers"].as_object().into_iter().flatten() {
            if !name.eq_ignore_ascii_case("content-length") {
                put = put.header(name, value.as_str().unwrap_or_default());
            }
        }
        put.body(sample.bytes).send().await?.error_for_status()?;
        self.post("/api/docs/confirm", json!({ "id": begun["id"] })).await?;
        Ok(())
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, DemoError> {
        self.call(reqwest::Method::POST, path, Some(body)).await
    }

    async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, DemoError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        request = request.bearer_auth(self.token.reveal());
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            return Err(format!("{path} answered {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
