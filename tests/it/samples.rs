//! The sample files of the project, and what they are.

use serde_json::{Value, json};

/// A real file and what it is.
#[derive(Clone)]
pub struct Sample {
    pub name: &'static str,
    pub mime: &'static str,
    pub category: &'static str,
    pub bytes: Vec<u8>,
}

impl Sample {
    pub fn asked(&self, patient: &str) -> Value {
        json!({
            "patientId": patient, "filename": self.name, "contentType": self.mime,
            "size": self.bytes.len(), "category": self.category,
        })
    }
}

pub const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Every sample file of the project.
pub fn samples() -> Vec<Sample> {
    [
        ("referral-letter.pdf", "application/pdf", "medical-records"),
        ("knee-xray.jpg", "image/jpeg", "imaging"),
        ("wound-photo.png", "image/png", "imaging"),
        ("phone-photo.heic", "image/heic", "imaging"),
        ("chest-ct.dcm", "application/dicom", "imaging"),
        ("treatment-plan.docx", DOCX, "medical-records"),
        ("fee-schedule.xlsx", XLSX, "invoices"),
        ("home-exercises.csv", "text/csv", "other"),
        ("consent.tiff", "image/tiff", "consent-forms"),
        ("scan.webp", "image/webp", "imaging"),
        ("diagram.gif", "image/gif", "other"),
        ("notes.txt", "text/plain", "intake-forms"),
    ]
    .map(|(name, mime, category)| {
        let path = format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"));
        Sample { name, mime, category, bytes: std::fs::read(path).unwrap() }
    })
    .to_vec()
}

pub fn pdf() -> Sample {
    samples().remove(0)
}

/// A sample of its own, in a category that the front desk may see.
pub fn invoice() -> Sample {
    samples().remove(6)
}
