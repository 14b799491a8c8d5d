//! What a client is told when something does not work, in words for the person at the terminal.
//!
//! Nothing here holds a credential or a signed URL: an error of the HTTP library is taken apart
//! before it is kept, since it would print the URL.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// What did not work.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server said no.
    #[error("{0}")]
    Problem(Problem),
    /// The object store said no to a presigned request.
    #[error("the object store answered {status}{}", code_in_words(.code.as_deref()))]
    Store {
        /// The HTTP status.
        status: u16,
        /// The store's own code, such as `AccessDenied`.
        code: Option<String>,
    },
    /// Nobody answered, or the connection broke.
    #[error("{whom} cannot be reached: {why}")]
    Unreachable {
        /// The server or the object store, by its host.
        whom: String,
        /// Why.
        why: String,
    },
    /// An answer that this program does not understand.
    #[error("the server's answer is not understood: {0}; is {1} a Strongroom server?")]
    Strange(String, String),
    /// A file here cannot be read or written, or is not what it was.
    #[error("{0}")]
    File(String),
    /// What arrived is not what the server holds.
    #[error("{0}")]
    Content(String),
}

/// `application/problem+json` (RFC 9457), as far as it is shown.
#[derive(Debug, Default, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// The stable code.
    #[serde(default)]
    pub code: String,
    /// What happened and what would be right.
    #[serde(default)]
    pub detail: String,
    /// Per field: what would be right.
    #[serde(default)]
    pub errors: BTreeMap<String, String>,
    /// To find the call in the server's log and trail.
    #[serde(default, rename = "requestId")]
    pub request_id: String,
    /// Seconds after which the server wants to be asked again.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.detail.trim_end_matches('.'))?;
        for (field, right) in &self.errors {
            // The detail often says it already.
            if self.detail.contains(right) {
                continue;
            }
            write!(f, "; {field} {right}")?;
        }
        write!(f, " ({}, {})", self.code, self.status)
    }
}

fn code_in_words(code: Option<&str>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

impl ClientError {
    /// What the HTTP library says, without the URL that it would print.
    pub fn unreachable(whom: &str, e: reqwest::Error) -> Self {
        let e = e.without_url();
        let mut why = if e.is_timeout() { "no answer in time".to_owned() } else { e.to_string() };
        let mut cause = std::error::Error::source(&e);
        // The last cause is the plain one: "Connection refused".
        while let Some(e) = cause {
            why = e.to_string();
            cause = e.source();
        }
        Self::Unreachable { whom: whom.to_owned(), why }
    }

    /// A file here, and why not.
    pub fn file(path: &std::path::Path, e: &std::io::Error) -> Self {
        Self::File(format!("{}: {e}", path.display()))
    }

    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Problem(problem) => matches!(problem.status, 429 | 502 | 503 | 504),
            Self::Store { status, .. } => *status >= 500 || *status == 429,
            Self::Unreachable { .. } => true,
            Self::Strange(..) | Self::File(_) | Self::Content(_) => false,
        }
    }

    /// Whether the server answered with one of these statuses.
    pub fn is_status(&self, statuses: &[u16]) -> bool {
        matches!(self, Self::Problem(problem) if statuses.contains(&problem.status))
    }

    /// The stable code, for scripts.
    pub fn code(&self) -> &str {
        match self {
            Self::Problem(problem) => &problem.code,
            Self::Store { code, .. } => code.as_deref().unwrap_or("store"),
            Self::Unreachable { .. } => "unreachable",
            Self::Strange(..) => "strange_answer",
            Self::File(_) => "file",
            Self::Content(_) => "content",
        }
    }

    /// The same as JSON.
    pub fn json(&self) -> Value {
        let mut json = json!({ "code": self.code(), "detail": self.to_string() });
        if let Self::Problem(problem) = self {
            json["status"] = problem.status.into();
            json["detail"] = problem.detail.as_str().into();
            json["errors"] = json!(problem.errors);
            json["requestId"] = problem.request_id.as_str().into();
        }
        json
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_with_its_detail_its_fields_and_its_code() {
        let text = r#"{"type":"/docs#invalid_fields","title":"Some fields are not right",
            "status":422,"code":"invalid_fields","detail":"Some fields are not right.",
            "errors":{"size":"must be at least 1"},"requestId":"r1"}"#;
        let error = ClientError::Problem(serde_json::from_str(text).unwrap());
        assert_eq!(
            error.to_string(),
            "Some fields are not right; size must be at least 1 (invalid_fields, 422)"
        );
        assert!(!error.is_passing());
        assert_eq!(error.json()["requestId"], "r1");
        let busy = Problem { status: 503, ..Problem::default() };
        assert!(ClientError::Problem(busy).is_passing());
    }
}
