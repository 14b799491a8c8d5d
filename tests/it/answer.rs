//! What comes back from the server, and what a form for it looks like.

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::samples::Sample;

/// Somebody with a credential.
#[derive(Clone)]
pub struct Caller {
    pub header: (String, String),
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| {
            panic!("{} is no JSON ({e}): {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{text}");
        self
    }
}

/// A form with a file as a browser sends it, fields before and behind it: its type and its bytes.
pub fn form(
    before: &[(&str, &str)],
    file: &Sample,
    behind: &[(&str, &str)],
) -> (&'static str, Vec<u8>) {
    form_of(before, (file.name, file.mime), &file.bytes, behind)
}

/// The same with any name, type and bytes.
pub fn form_of(
    before: &[(&str, &str)],
    (name, mime): (&str, &str),
    bytes: &[u8],
    behind: &[(&str, &str)],
) -> (&'static str, Vec<u8>) {
    let field = |(name, value): &(&str, &str)| {
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut body = before.iter().map(field).collect::<String>().into_bytes();
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {mime}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n");
    body.extend_from_slice(behind.iter().map(field).collect::<String>().as_bytes());
    body.extend_from_slice(b"--edge--\r\n");
    ("multipart/form-data; boundary=edge", body)
}
