//! The words behind the status, where a client shows nothing else of an error.

use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use hyper::ext::ReasonPhrase;

use super::ApiError;

/// Longest phrase, bytes.
const MOST: usize = 200;

/// Says in the status line what is wrong: Uppy 6 shows `Companion request failed:` and this, and
/// nothing of the body. HTTP/2 has no such line.
pub async fn say_in_status_line(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let error = response.extensions().get::<Arc<ApiError>>();
    if let Some(phrase) = error.and_then(|error| phrase(&error.detail)) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// The text as a status line can carry it: visible ASCII, cut after a word.
fn phrase(text: &str) -> Option<ReasonPhrase> {
    let plain = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
    let mut text: String = text.chars().map(plain).collect();
    if text.len() > MOST {
        let end = text[..MOST].rfind(' ').unwrap_or(MOST);
        text.truncate(end);
    }
    ReasonPhrase::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        String::from_utf8(phrase(text).unwrap().as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_phrase_is_one_short_line_of_ascii() {
        assert_eq!(said("The file is empty."), "The file is empty.");
        assert_eq!(said("für\r\nSet-Cookie: x"), "f?r??Set-Cookie: x");
        let long = said(&"word ".repeat(100));
        assert!(long.len() <= MOST && long.ends_with("word"), "{long}");
        assert_eq!(said(&"x".repeat(1000)).len(), MOST);
    }
}
