//! Files that come in a form, with what is said of them: `multipart/form-data`.
//!
//! The fields may stand before the file, behind it or in the query. What is said twice must be the
//! same; what comes behind the file completes what was said before and never changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::{HeaderMap, header};
use percent_encoding::percent_decode_str;
use tokio::sync::Mutex;

use crate::access::Call;
use crate::app::App;
use crate::documents::content::FileType;
use crate::documents::content::TYPES;
use crate::documents::{self, Arriving, Confirmed, Document, DocumentError, Meaning};
use crate::http::fields::Fields;
use crate::http::form::{BodyError, Form, FormError, Head, boundary};
use crate::http::paced::{Stalled, paced};
use crate::http::{ApiError, to_the_end};
use crate::ids::PatientId;
use crate::sensitive::Phi;
use crate::store::{ByteStream, StoreError};

/// The fields a form may have, beside `file`.
const NAMES: [&str; 7] =
    ["category", "patientId", "entityType", "entityId", "sha256", "supersedes", "temporary"];

/// What has been said of a file so far.
#[derive(Clone, Default)]
pub(super) struct Said {
    fields: BTreeMap<&'static str, String>,
    /// The patient that the path names.
    path: Option<PatientId>,
}

impl Said {
    /// Of a file that comes under a patient's path.
    pub fn of(patient: PatientId) -> Self {
        Self { path: Some(patient), ..Self::default() }
    }

    /// Notes a field.
    pub fn field(&mut self, name: &str, value: &str) -> Result<(), DocumentError> {
        let Some(known) = NAMES.into_iter().find(|known| *known == name) else {
            let right = format!("is not known here; expected file, {}", NAMES.join(", "));
            // A name nobody knows may be as long as a form.
            let name: String = name.chars().take(64).collect();
            return Err(DocumentError::field(&name, right));
        };
        match self.fields.insert(known, value.to_owned()) {
            Some(before) if before != value => {
                Err(DocumentError::field(known, "is given twice, and not the same"))
            }
            _ => Ok(()),
        }
    }

    /// All of it in the domain's words.
    fn meaning(&self) -> Result<Meaning, DocumentError> {
        let mut fields = Fields::default();
        let text = |name: &str| self.fields.get(name).map(String::as_str);
        let category = text("category").and_then(|text| {
            let parsed = text.parse::<documents::Category>();
            parsed.map_err(|e| fields.wrong("category", e.to_string())).ok()
        });
        let mut patient = self.path.clone().or(text("patientId").map(PatientId::new));
        let mut entity = None;
        match (text("entityType"), text("entityId")) {
            (Some("patient"), Some(id)) => {
                let id = PatientId::new(id);
                if patient.as_ref().is_some_and(|patient| *patient != id) {
                    fields.wrong("entityId", "is another patient".to_owned());
                }
                patient = Some(id);
            }
            (Some(kind), Some(id)) => entity = Some((kind.to_owned(), id.to_owned())),
            (Some(_), None) => fields.wrong("entityId", "goes with entityType".to_owned()),
            (None, Some(_)) => fields.wrong("entityType", "goes with entityId".to_owned()),
            (None, None) => {}
        }
        if self.path.is_some()
            && text("patientId").is_some_and(|id| patient != Some(PatientId::new(id)))
        {
            fields.wrong("patientId", "must be the patient of the path".to_owned());
        }
        let temporary = fields.parse("temporary", text("temporary"), "true or false");
        let meaning = Meaning {
            patient,
            category,
            entity,
            sha256: fields.sha256(text("sha256")),
            supersedes: fields.parse("supersedes", text("supersedes"), "a document's id"),
            temporary: temporary.unwrap_or(false),
        };
        fields.done(meaning).map_err(|e| DocumentError::Fields(e.errors))
    }

    fn names_owner(&self) -> bool {
        let given = |name| self.fields.contains_key(name);
        self.path.is_some() || given("patientId") || (given("entityType") && given("entityId"))
    }
}

type Incoming = Form<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send + Unpin>>;

/// Takes in the file of a form. Goes on to its end also where the client does not wait for it.
pub(super) async fn receive(
    app: App,
    call: Call,
    headers: &HeaderMap,
    body: Body,
    said: Said,
) -> Result<Document, ApiError> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let boundary = text(header::CONTENT_TYPE)
        .filter(|kind| kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data"))
        .and_then(boundary)
        .ok_or(DocumentError::BadForm(
            "Send multipart/form-data with a boundary of 1 to 70 characters.",
        ))?;
    let most = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    let body = body.into_data_stream();
    let received = Box::pin(async move {
        Ok(receive_form(&app, &call, body, &boundary, most.unwrap_or(u64::MAX), said).await?)
    });
    let (Confirmed::Now(document) | Confirmed::Before(document)) = to_the_end(received).await?;
    Ok(document)
}

async fn receive_form(
    app: &App,
    call: &Call,
    body: BodyDataStream,
    boundary: &str,
    most: u64,
    mut said: Said,
) -> Result<Confirmed, DocumentError> {
    if !app.config.store.uploads_enabled {
        return Err(DocumentError::UploadsOff);
    }
    app.store.abilities()?;
    let body = paced(body, app.config.uploads.body_timeout);
    let body: Box<dyn Stream<Item = _> + Send + Unpin> = Box::new(body);
    let mut form = Form::open(body, boundary).await.map_err(broken)?;
    let file = loop {
        let Some(head) = form.next().await.map_err(broken)? else {
            return Err(DocumentError::field("file", "is required"));
        };
        if is_file(&head)? {
            break head;
        }
        said.field(&head.name, &form.text().await.map_err(broken)?)?;
    };
    let known = said.meaning_before_file()?;
    let arriving = Arriving {
        content_type: content_type(&file),
        file_name: Phi::new(file_name(&file)),
        most,
        owner_known: said.names_owner(),
        known,
    };
    let form = Arc::new(Mutex::new(form));
    let bytes = file_stream(Arc::clone(&form));
    let rest = async move {
        let mut form = form.lock().await;
        while let Some(head) = form.next().await.map_err(broken)? {
            if is_file(&head)? {
                return Err(DocumentError::field("file", "must be one file; send each by itself"));
            }
            said.field(&head.name, &form.text().await.map_err(broken)?)?;
        }
        said.meaning()
    };
    Box::pin(documents::take_in(app, call, arriving, bytes, rest)).await
}

impl Said {
    /// What is known before the file has come: half of an entity may still be completed.
    fn meaning_before_file(&self) -> Result<Meaning, DocumentError> {
        let mut whole = self.clone();
        let (kind, id) = ("entityType", "entityId");
        if whole.fields.contains_key(kind) != whole.fields.contains_key(id) {
            whole.fields.remove(kind);
            whole.fields.remove(id);
        }
        whole.meaning()
    }
}

/// The file's bytes, as a store takes them.
fn file_stream(form: Arc<Mutex<Incoming>>) -> ByteStream {
    futures::stream::try_unfold(form, |form| async move {
        let piece = form.lock().await.piece().await;
        match piece {
            Ok(piece) => Ok(piece.map(|piece| (piece, form))),
            Err(FormError::Body(e)) => Err(StoreError::Unavailable(e)),
            Err(e) => Err(StoreError::unavailable(e)),
        }
    })
    .boxed()
}

/// Whether a part is the file. One under another name is said to be wrong.
fn is_file(head: &Head) -> Result<bool, DocumentError> {
    match (head.name.as_str(), &head.filename) {
        ("file", Some(_)) => Ok(true),
        ("file", None) => Err(DocumentError::field("file", "must be a file, with a file name")),
        (name, Some(_)) => {
            let name: String = name.chars().take(64).collect();
            Err(DocumentError::field(&name, "is a file; send it in the field named file"))
        }
        (_, None) => Ok(false),
    }
}

fn broken(e: FormError) -> DocumentError {
    match e {
        FormError::Malformed => {
            DocumentError::BadForm("The form is malformed, or it was cut off; nothing was kept.")
        }
        FormError::TooLarge => DocumentError::BadForm(
            "The fields of the form are too many or too large: at most 100, and 128 KiB with \
             their headers.",
        ),
        FormError::Body(e) if e.is::<Stalled>() => DocumentError::BodyStalled(0),
        FormError::Body(_) => {
            DocumentError::BadForm("The body broke off; nothing was kept. Send the file again.")
        }
    }
}

/// What the client calls the file. Browsers write quotes in it as `%22` (WHATWG, "Multipart form
/// data"); old ones send a whole path.
fn file_name(head: &Head) -> String {
    let name = head.filename.as_deref().unwrap_or_default();
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut decoded = name.to_owned();
    for escape in ["%22", "%0D", "%0A"] {
        let plain = percent_decode_str(escape).decode_utf8_lossy().into_owned();
        decoded = decoded.replace(escape, &plain);
    }
    decoded
}

/// The media type that is declared; of a client that knows none, the one its extension stands for.
/// The bytes have to agree with it in any case.
fn content_type(head: &Head) -> String {
    let declared = head.content_type.as_deref().unwrap_or("application/octet-stream");
    if FileType::find(declared).is_some() || !declared.starts_with("application/octet-stream") {
        return declared.to_owned();
    }
    let name = file_name(head);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let named = |t: &&FileType| {
        extension.as_deref().is_some_and(|extension| t.extensions.contains(&extension))
    };
    TYPES.iter().find(named).map_or_else(|| declared.to_owned(), |t| t.mime.to_owned())
}
