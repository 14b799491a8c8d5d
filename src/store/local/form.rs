//! `multipart/form-data` (RFC 7578) as it flows: the fields first, then the one file.
//!
//! Invariants: all that comes before the file, headers and boundaries too, is bounded in bytes and
//! in number, and no byte of it is searched again with each frame; of the file no more than one
//! frame of the body is held at a time.

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};

use super::intake::BodyError;

/// Most bytes of everything before the file.
const MAX_FIELDS: usize = 128 * 1024;
/// Most fields before the file.
const MAX_COUNT: usize = 100;

/// Why a form could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// It is not a form, or its file does not come last.
    #[error("the form is malformed")]
    Malformed,
    /// Its fields are too large or too many.
    #[error("the fields of the form are too large")]
    TooLarge,
    /// It broke off.
    #[error("the form could not be read")]
    Body(#[source] BodyError),
}

/// The boundary named by a content type.
pub fn boundary(content_type: &str) -> Option<String> {
    let parameters = content_type.split(';').skip(1).map(str::trim);
    let value = parameters
        .filter_map(|p| p.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?
        .1
        .trim_matches('"');
    (1..=70).contains(&value.len()).then(|| value.to_owned())
}

/// What a form brings.
pub struct Parsed<F> {
    /// Names in lower case, and values, in the order they came.
    pub fields: Vec<(String, String)>,
    /// What the client calls the file; empty where it does not say.
    pub filename: String,
    /// The file as it flows.
    pub file: F,
}

/// A form whose fields were read; the file is still to come.
pub struct Form<S> {
    /// Names in lower case, and values, in the order they came.
    fields: Vec<(String, String)>,
    filename: String,
    body: S,
    buffer: BytesMut,
    delimiter: Vec<u8>,
    /// Bytes taken off the buffer so far.
    taken: usize,
    /// How many bytes were searched, so that a test can see that it stays linear.
    #[cfg(test)]
    searched: usize,
}

/// Where `needle` first stands at `from` or behind.
fn find(haystack: &[u8], needle: &[u8], mut from: usize) -> Option<usize> {
    let first = needle.first()?;
    while let Some(at) = haystack.get(from..)?.iter().position(|b| b == first) {
        if haystack[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

impl<S> Form<S>
where
    S: Stream<Item = Result<Bytes, BodyError>> + Unpin + Send,
{
    /// Reads up to where the file begins.
    pub async fn read(body: S, boundary: &str) -> Result<Self, FormError> {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // As if a line had ended before: the first delimiter is then like the others.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let mut form = Self {
            fields: Vec::new(),
            filename: String::new(),
            body,
            buffer,
            delimiter,
            taken: 0,
            #[cfg(test)]
            searched: 0,
        };
        let opening = form.until_delimiter().await?;
        if !opening.iter().all(|b| b"\r\n".contains(b)) {
            return Err(FormError::Malformed);
        }
        loop {
            form.fill(2).await?;
            if !form.buffer.starts_with(b"\r\n") {
                return Err(FormError::Malformed);
            }
            form.buffer.advance(2);
            form.taken += 2;
            let head = form.until(b"\r\n\r\n").await?;
            let (name, filename) = field_name(&head).ok_or(FormError::Malformed)?;
            if name == "file" {
                form.filename = filename;
                return Ok(form);
            }
            if form.fields.len() == MAX_COUNT {
                return Err(FormError::TooLarge);
            }
            let value = form.until_delimiter().await?;
            let value = String::from_utf8(value).map_err(|_| FormError::Malformed)?;
            form.fields.push((name, value));
        }
    }

    /// The fields, and the file up to its closing delimiter.
    pub fn split(mut self) -> Parsed<impl Stream<Item = Result<Bytes, BodyError>> + Send + use<S>> {
        let fields = std::mem::take(&mut self.fields);
        let filename = std::mem::take(&mut self.filename);
        Parsed { fields, filename, file: self.file() }
    }

    async fn more(&mut self) -> Result<(), FormError> {
        match self.body.next().await {
            Some(Ok(bytes)) => {
                self.buffer.extend_from_slice(&bytes);
                Ok(())
            }
            Some(Err(e)) => Err(FormError::Body(e)),
            None => Err(FormError::Malformed),
        }
    }

    async fn fill(&mut self, length: usize) -> Result<(), FormError> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn until_delimiter(&mut self) -> Result<Vec<u8>, FormError> {
        let delimiter = self.delimiter.clone();
        self.until(&delimiter).await
    }

    /// What comes before `mark`; both are taken off.
    async fn until(&mut self, mark: &[u8]) -> Result<Vec<u8>, FormError> {
        let mut from = 0;
        loop {
            #[cfg(test)]
            {
                self.searched += self.buffer.len() - from;
            }
            let at = find(&self.buffer, mark, from);
            let length = at.map_or(self.buffer.len(), |at| at + mark.len());
            if self.taken + length > MAX_FIELDS {
                return Err(FormError::TooLarge);
            }
            if let Some(at) = at {
                let before = self.buffer.split_to(at).to_vec();
                self.buffer.advance(mark.len());
                self.taken += length;
                return Ok(before);
            }
            // What is here may end in the beginning of the mark.
            from = (self.buffer.len() + 1).saturating_sub(mark.len());
            self.more().await?;
        }
    }

    fn file(self) -> impl Stream<Item = Result<Bytes, BodyError>> + Send + use<S> {
        stream::try_unfold(Some(self), |form| async move {
            let Some(mut form) = form else { return Ok(None) };
            loop {
                if let Some(at) = find(&form.buffer, &form.delimiter, 0) {
                    let last = form.buffer.split_to(at).freeze();
                    return Ok(Some((last, None)));
                }
                // The end of what is here may be the beginning of the delimiter.
                let safe = form.buffer.len().saturating_sub(form.delimiter.len() - 1);
                if safe > 0 {
                    let piece = form.buffer.split_to(safe).freeze();
                    return Ok(Some((piece, Some(form))));
                }
                form.more().await.map_err(|e| BodyError::from(e.to_string()))?;
            }
        })
    }
}

/// The field's name in lower case and its file's name, from the header lines of a part.
fn field_name(head: &[u8]) -> Option<(String, String)> {
    let head = std::str::from_utf8(head).ok()?;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (kind, mut rest) = disposition.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut name, mut filename) = (None, String::new());
    while let Some((parameter, value, after)) = parameter(rest) {
        if parameter.eq_ignore_ascii_case("name") {
            name.get_or_insert(value.to_ascii_lowercase());
        } else if parameter.eq_ignore_ascii_case("filename") {
            filename = value;
        }
        rest = after;
    }
    Some((name?, filename))
}

/// The first parameter: its name, its value and what follows. In quotes only a quote can be
/// escaped: old browsers send paths with bare backslashes.
fn parameter(text: &str) -> Option<(&str, String, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim_matches([' ', '\t', ';']);
    let Some(quoted) = value.strip_prefix('"') else {
        let (value, rest) = value.split_once(';').unwrap_or((value, ""));
        return Some((name, value.trim().to_owned(), rest));
    };
    let mut from = 0;
    let end = loop {
        let at = from + quoted[from..].find('"')?;
        if !quoted[..at].ends_with('\\') {
            break at;
        }
        from = at + 1;
    };
    Some((name, quoted[..end].replace("\\\"", "\""), &quoted[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"Key\"\r\n\r\na/b\r\n\
        --B\r\ncontent-disposition: form-data; name=\"file\"; filename=\"x; name=y\"\r\n\
        Content-Type: text/plain\r\n\r\nhe\r\n--Bllo\r\n--\r\n\r\n--B--\r\n";

    async fn parse(pieces: Vec<&'static [u8]>) -> Result<(String, Vec<u8>), FormError> {
        let body = stream::iter(pieces.into_iter().map(|p| Ok(Bytes::from_static(p))));
        let form = Form::read(body, "B").await?;
        let Parsed { fields, filename, file } = form.split();
        assert_eq!(filename, "x; name=y");
        let key = fields.iter().find(|(name, _)| name == "key").unwrap().1.clone();
        let file: Vec<_> = file.collect().await;
        Ok((key, file.into_iter().map(|piece| piece.unwrap()).collect::<Vec<_>>().concat()))
    }

    #[tokio::test]
    async fn fields_and_file_are_the_same_however_the_body_is_cut() {
        let text = FORM.replace("--Bllo", "-Bllo");
        let text: &'static [u8] = Box::leak(text.into_bytes().into_boxed_slice());
        for size in 1..text.len() {
            let (key, file) = parse(text.chunks(size).collect()).await.unwrap();
            assert_eq!(key, "a/b");
            assert_eq!(file, b"he\r\n-Bllo\r\n--\r\n", "{size}");
        }
    }

    #[tokio::test]
    async fn a_form_without_a_file_or_with_endless_fields_is_refused() {
        let none: &'static [u8] =
            b"--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\nv\r\n--B--";
        assert!(matches!(parse(vec![none]).await, Err(FormError::Malformed)));
        let long: &'static [u8] = Box::leak(vec![b'x'; MAX_FIELDS].into_boxed_slice());
        let head = b"--B\r\nContent-Disposition: form-data; name=\"k\"\r\n\r\n";
        assert!(matches!(parse(vec![head, long, long]).await, Err(FormError::TooLarge)));
    }

    const FILE: &str = "--B\r\nContent-Disposition: form-data; name=file\r\n\r\nx\r\n--B--\r\n";

    /// Reads `count` fields without a name or a value, each with `padding` among its headers.
    async fn read_empty(count: usize, padding: usize) -> Result<(), FormError> {
        let pad = "x".repeat(padding);
        let head = format!("--B\r\nX: {pad}\r\nContent-Disposition: form-data; name=\"\"");
        let body = format!("{head}\r\n\r\n\r\n").repeat(count) + FILE;
        let pieces: Vec<_> = body.into_bytes().chunks(1000).map(Bytes::copy_from_slice).collect();
        Form::read(stream::iter(pieces.into_iter().map(Ok)), "B").await.map(|_| ())
    }

    #[tokio::test]
    async fn fields_without_name_and_value_count_too() {
        assert!(read_empty(MAX_COUNT, 0).await.is_ok());
        assert!(matches!(read_empty(MAX_COUNT + 1, 0).await, Err(FormError::TooLarge)));
        assert!(read_empty(30, 4000).await.is_ok());
        assert!(matches!(read_empty(40, 4000).await, Err(FormError::TooLarge)));
    }

    #[tokio::test]
    async fn what_was_searched_once_is_not_searched_again() {
        let head = "--B\r\nContent-Disposition: form-data; name=k\r\n\r\n";
        let text = format!("{head}{}\r\n{FILE}", "\r".repeat(60_000)).into_bytes();
        let pieces = text.chunks(1).map(|piece| Ok(Bytes::copy_from_slice(piece)));
        let form = Form::read(stream::iter(pieces.collect::<Vec<_>>()), "B").await.unwrap();
        assert_eq!(form.fields[0].1.len(), 60_000);
        assert!(form.searched < 5 * text.len(), "{}", form.searched);
    }

    #[test]
    fn the_boundary_is_read_with_and_without_quotes() {
        assert_eq!(boundary("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(boundary("multipart/form-data;BOUNDARY=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/form-data"), None);
    }

    #[test]
    fn names_are_read_whatever_stands_in_the_quotes() {
        let read = |text: &str| field_name(format!("Content-Disposition: {text}").as_bytes());
        let both = |name: &str, file: &str| Some((name.to_owned(), file.to_owned()));
        assert_eq!(read("form-data; name=\"Key\""), both("key", ""));
        assert_eq!(read("form-data;name=file; filename=a.pdf"), both("file", "a.pdf"));
        let hidden = "form-data; filename=\"a; name=key.pdf\"; name=\"file\"";
        assert_eq!(read(hidden), both("file", "a; name=key.pdf"));
        let escaped = "form-data; name=\"file\"; filename=\"a \\\"b\\\".pdf\"";
        assert_eq!(read(escaped), both("file", "a \"b\".pdf"));
        let path = "form-data; name=\"file\"; filename=\"C:\\scans\\ü.pdf\"";
        assert_eq!(read(path), both("file", "C:\\scans\\ü.pdf"));
        for bad in ["form-data; filename=\"x\"", "attachment; name=\"x\"", "form-data; name=\"x"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
