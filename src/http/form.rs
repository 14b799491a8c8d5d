//! `multipart/form-data` (RFC 7578) as it flows, part after part.
//!
//! Invariants: all that is no file, headers and boundaries too, is bounded in bytes and in number,
//! and no byte of it is searched again with each frame; of a file no more than one frame of the
//! body is held at a time.

use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream};

/// The source of a failing body.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// Most bytes of everything that is no file.
const MAX_FIELDS: usize = 128 * 1024;
/// Most fields.
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

/// What a form brings whose one file comes last.
pub struct Parsed<F> {
    /// Names in lower case, and values, in the order they came.
    pub fields: Vec<(String, String)>,
    /// What the client calls the file; empty where it does not say.
    pub filename: String,
    /// The file as it flows.
    pub file: F,
}

/// How a part of a form begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The field's name.
    pub name: String,
    /// What the client calls the file, where it is one.
    pub filename: Option<String>,
    /// The media type, where one is named.
    pub content_type: Option<String>,
}

/// A form that is being read, part after part.
pub struct Form<S> {
    body: S,
    buffer: BytesMut,
    delimiter: Vec<u8>,
    /// Bytes taken off the buffer so far, those of files apart.
    taken: usize,
    parts: usize,
    /// Whether a part has begun whose end was not reached.
    inside: bool,
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
    /// Reads up to where the first part begins.
    pub async fn open(body: S, boundary: &str) -> Result<Self, FormError> {
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        // As if a line had ended before: the first delimiter is then like the others.
        let buffer = BytesMut::from(&b"\r\n"[..]);
        let mut form = Self {
            body,
            buffer,
            delimiter,
            taken: 0,
            parts: 0,
            inside: false,
            #[cfg(test)]
            searched: 0,
        };
        let opening = form.until_delimiter().await?;
        if !opening.iter().all(|b| b"\r\n".contains(b)) {
            return Err(FormError::Malformed);
        }
        Ok(form)
    }

    /// How the next part begins; none at the end. The part before must have been read.
    pub async fn next(&mut self) -> Result<Option<Head>, FormError> {
        self.fill(2).await?;
        if self.buffer.starts_with(b"--") {
            return Ok(None);
        }
        if !self.buffer.starts_with(b"\r\n") {
            return Err(FormError::Malformed);
        }
        self.buffer.advance(2);
        self.taken += 2;
        let head = self.until(b"\r\n\r\n").await?;
        if self.parts > MAX_COUNT {
            return Err(FormError::TooLarge);
        }
        self.parts += 1;
        self.inside = true;
        head_of(&head).map(Some).ok_or(FormError::Malformed)
    }

    /// All of a part that is text.
    pub async fn text(&mut self) -> Result<String, FormError> {
        let value = self.until_delimiter().await?;
        self.inside = false;
        String::from_utf8(value).map_err(|_| FormError::Malformed)
    }

    /// The next bytes of a part, at most what one frame of the body brought; none at its end.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, FormError> {
        while self.inside {
            if let Some(at) = find(&self.buffer, &self.delimiter, 0) {
                let last = self.buffer.split_to(at).freeze();
                self.buffer.advance(self.delimiter.len());
                self.inside = false;
                return Ok((!last.is_empty()).then_some(last));
            }
            // The end of what is here may be the beginning of the delimiter.
            let safe = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
            if safe > 0 {
                return Ok(Some(self.buffer.split_to(safe).freeze()));
            }
            self.more().await?;
        }
        Ok(None)
    }

    /// The fields of a form whose file comes last, and the file up to its closing delimiter.
    pub async fn read(
        body: S,
        boundary: &str,
    ) -> Result<Parsed<impl Stream<Item = Result<Bytes, BodyError>> + Send + use<S>>, FormError>
    {
        let mut form = Self::open(body, boundary).await?;
        let mut fields = Vec::new();
        while let Some(head) = form.next().await? {
            let name = head.name.to_ascii_lowercase();
            if name == "file" {
                let filename = head.filename.unwrap_or_default();
                return Ok(Parsed { fields, filename, file: form.file() });
            }
            if fields.len() == MAX_COUNT {
                return Err(FormError::TooLarge);
            }
            fields.push((name, form.text().await?));
        }
        Err(FormError::Malformed)
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
        stream::try_unfold(self, |mut form| async move {
            let piece = form.piece().await.map_err(|e| match e {
                // Why it broke off is what matters: a sender that stood still, or one that left.
                FormError::Body(e) => e,
                other => BodyError::from(other.to_string()),
            })?;
            Ok(piece.map(|piece| (piece, form)))
        })
    }
}

/// What the header lines of a part say.
fn head_of(head: &[u8]) -> Option<Head> {
    let head = std::str::from_utf8(head).ok()?;
    let line = |wanted: &str| {
        head.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case(wanted).then_some(value)
        })
    };
    let (kind, mut rest) = line("content-disposition")?.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut name, mut filename) = (None, None);
    while let Some((parameter, value, after)) = parameter(rest) {
        if parameter.eq_ignore_ascii_case("name") {
            name.get_or_insert(value);
        } else if parameter.eq_ignore_ascii_case("filename") {
            filename.get_or_insert(value);
        } else if parameter.eq_ignore_ascii_case("filename*") {
            filename = Some(extended(&value)?);
        }
        rest = after;
    }
    let content_type = line("content-type").map(|value| value.trim().to_owned());
    Some(Head { name: name?, filename, content_type })
}

/// `UTF-8''R%C3%B6ntgen.jpg` (RFC 8187; some clients send it although RFC 7578 does not).
fn extended(value: &str) -> Option<String> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8().ok()?;
    charset.eq_ignore_ascii_case("utf-8").then(|| decoded.into_owned())
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
        let Parsed { fields, filename, file } = Form::read(body, "B").await?;
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
        let mut form = Form::open(stream::iter(pieces.collect::<Vec<_>>()), "B").await.unwrap();
        form.next().await.unwrap().unwrap();
        assert_eq!(form.text().await.unwrap().len(), 60_000);
        form.next().await.unwrap().unwrap();
        assert!(form.searched < 5 * text.len(), "{}", form.searched);
    }

    #[tokio::test]
    async fn a_file_may_stand_anywhere_however_the_body_is_cut() {
        let text = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
            Content-Type: text/plain\r\n\r\nhe\r\n-Bllo\r\n--B\r\n\
            Content-Disposition: form-data; name=\"entityId\"\r\n\r\np-1\r\n--B--\r\n";
        for size in 1..text.len() {
            let pieces = text.as_bytes().chunks(size).map(|p| Ok(Bytes::copy_from_slice(p)));
            let body = stream::iter(pieces.collect::<Vec<_>>());
            let mut form = Form::open(body, "B").await.unwrap();
            let head = form.next().await.unwrap().unwrap();
            assert_eq!(head.filename.as_deref(), Some("a.txt"));
            assert_eq!(head.content_type.as_deref(), Some("text/plain"));
            let mut file = Vec::new();
            while let Some(piece) = form.piece().await.unwrap() {
                file.extend_from_slice(&piece);
            }
            assert_eq!(file, b"he\r\n-Bllo", "{size}");
            assert!(form.piece().await.unwrap().is_none());
            assert_eq!(form.next().await.unwrap().unwrap().name, "entityId");
            assert_eq!(form.text().await.unwrap(), "p-1");
            assert_eq!(form.next().await.unwrap(), None);
        }
    }

    #[test]
    fn the_boundary_is_read_with_and_without_quotes() {
        assert_eq!(boundary("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(boundary("multipart/form-data;BOUNDARY=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(boundary("multipart/form-data"), None);
    }

    #[test]
    fn names_are_read_whatever_stands_in_the_quotes() {
        let read = |text: &str| {
            let head = head_of(format!("Content-Disposition: {text}").as_bytes())?;
            Some((head.name, head.filename.unwrap_or_default()))
        };
        let both = |name: &str, file: &str| Some((name.to_owned(), file.to_owned()));
        assert_eq!(read("form-data; name=\"Key\""), both("Key", ""));
        let extended = "form-data; name=f; filename=\"x\"; filename*=UTF-8''R%C3%B6ntgen.jpg";
        assert_eq!(read(extended), both("f", "Röntgen.jpg"));
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
