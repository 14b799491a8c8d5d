//! Previews: pictures of documents, for lists and for reading on a page.
//!
//! Invariants:
//! - Whoever may read a document's content by the policy file that comes with the server may see
//!   its previews, and nobody else; only what is available has any. Each look is an event.
//! - A preview never stands for its document: it is made of it, kept beside it, and destroyed with
//!   it by the same step of its life.
//! - What is kept is found by a row that is written while the document is available and locked, so
//!   that a purge finds every one of them. What is placed without a row is upkeep's to remove.

mod make;
pub(super) mod rows;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::json;

use crate::access::{Action, Call, Refusal};
use crate::app::App;
use crate::documents::read::locate;
use crate::documents::{Document, DocumentError, Reference, State};
use crate::ids::DocumentId;
use crate::rendering::{Facts, Format, Job, MAKER, PictureSize, Window};

/// What somebody wants to see of a document.
#[derive(Clone, Copy, Debug)]
pub struct AskPreview {
    /// How large.
    pub size: PictureSize,
    /// Which page or frame, from 1.
    pub page: u32,
    /// Which values of a DICOM picture; none: those that the file names.
    pub window: Option<Window>,
}

impl AskPreview {
    /// The name of what is wanted among the pictures of one document.
    fn variant(&self) -> String {
        let (size, page) = (self.size.as_str(), self.page);
        match self.window {
            Some(Window { center, width }) => format!("{size}/{page}/{center}/{width}"),
            None => format!("{size}/{page}"),
        }
    }

    /// Whether such a picture is kept. The first page as the file wants it shown is what lists and
    /// pages ask for again and again; of the rest there is no end.
    const fn is_kept(&self) -> bool {
        self.page == 1 && self.window.is_none()
    }
}

/// A preview on its way out.
pub struct Preview {
    /// The picture; none: the caller has it.
    pub picture: Option<Shown>,
    /// Names what is seen: the same text, the same picture.
    pub etag: String,
}

/// A picture and what goes with it.
pub struct Shown {
    /// Its media type.
    pub content_type: &'static str,
    /// What there is to know of it.
    pub facts: Facts,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A preview of an available document. `has` says whether the caller has one with this tag.
pub async fn preview(
    app: &App,
    call: &Call,
    id: DocumentId,
    ask: &AskPreview,
    has: impl FnOnce(&str) -> bool,
) -> Result<Preview, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    // An operator's own policy may withhold content by its older name alone.
    if !call.may(Action::ReadContent, &document.target()).await? {
        return Err(DocumentError::Refused(Refusal::Forbidden));
    }
    if document.state != State::Available {
        return Err(DocumentError::WrongState(document.state));
    }
    let format = format(document)?;
    if ask.window.is_some() && format != Format::Dicom {
        return Err(DocumentError::field("wc", "goes with DICOM alone"));
    }
    let etag = etag(document, ask);
    let picture = if has(&etag) {
        None
    } else {
        let job = Job { format, size: ask.size, page: ask.page, window: ask.window };
        let picture = make::picture(app, document, ask, &job).await?;
        let content_type = format.picture_type();
        Some(Shown { content_type, facts: picture.facts, bytes: picture.bytes })
    };
    let bytes = picture.as_ref().map_or(0, |shown| shown.bytes.len());
    // Drawing takes its time: what may be seen, and by whom, is asked again.
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    if grant.look(&found).state != State::Available {
        return Err(DocumentError::WrongState(grant.look(&found).state));
    }
    let detail = json!({ "size": ask.size.as_str(), "page": ask.page, "bytes": bytes });
    grant.read(found, Some(detail)).await?;
    Ok(Preview { picture, etag })
}

/// What pictures are made of; an error where there are none of such a document.
fn format(document: &Document) -> Result<Format, DocumentError> {
    let known = document.file_type().and_then(|of| Format::of(of.mime));
    known.ok_or_else(|| {
        DocumentError::NoPreview(if document.content_type == "image/svg+xml" {
            "There is no preview of an SVG; GET /api/docs/{id}/content?harmless=true answers the \
             drawing without its scripts."
        } else {
            "There are previews of pictures, DICOM and PDF alone; ask for the document itself."
        })
    })
}

/// The tag of a picture: of the document's bytes, what is seen of them, and who draws.
fn etag(document: &Document, ask: &AskPreview) -> String {
    let mut hash = Context::new(&SHA256);
    hash.update(document.sha256_hex.as_deref().unwrap_or_default().as_bytes());
    hash.update(format!("/{MAKER}/{}", ask.variant()).as_bytes());
    format!("W/\"{}\"", hex::encode(&hash.finish().as_ref()[..16]))
}
