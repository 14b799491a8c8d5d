//! What each way of failing is called over HTTP.

use crate::documents::content::{Family, TYPES};
use crate::documents::quota::Whose;
use crate::documents::{DocumentError, State};
use crate::http::{ApiError, Code, page};
use crate::rendering::Unfit;
use crate::store::{Archive, Size, StoreError};

impl From<DocumentError> for ApiError {
    fn from(e: DocumentError) -> Self {
        match e {
            DocumentError::NotFound => Self::not_found(),
            DocumentError::Refused(refusal) => refusal.into(),
            DocumentError::Fields(errors) => Self::fields(errors),
            DocumentError::EmptyFile => {
                Self::new(Code::EmptyFile, "A file of 0 bytes holds nothing to keep.")
            }
            DocumentError::TooLarge { size, limit, in_parts: true } => Self::new(
                Code::FileTooLarge,
                format!("The file has {size} bytes; at most {limit} are taken."),
            ),
            DocumentError::TooLarge { size, limit, in_parts: false } => Self::new(
                Code::FileTooLarge,
                format!(
                    "The file has {size} bytes; one request of this type may carry {limit}. For \
                     a larger file use multipart."
                ),
            ),
            DocumentError::UnsupportedType { sealed } => unsupported(sealed),
            DocumentError::TooManyOpen { .. }
            | DocumentError::DailyQuota { .. }
            | DocumentError::Quota { .. } => quota(&e),
            DocumentError::UploadsOff => Self::new(
                Code::StoreUnavailable,
                "Uploads are switched off (NEXT_PUBLIC_ENABLE_AWS_S3_STORAGE is false).",
            ),
            DocumentError::WrongState(state) => wrong_state(state),
            DocumentError::ScannerOff => Self::new(
                Code::Unavailable,
                "No malware scanner is switched on (STRONGROOM_SCANNER is off); nothing was \
                 changed.",
            ),
            DocumentError::OnHold
            | DocumentError::Retained(_)
            | DocumentError::Superseded
            | DocumentError::ChangedMeanwhile => kept(&e),
            DocumentError::Range(size) => Self::new(
                Code::RangeNotSatisfiable,
                format!("The document has {size} bytes; ask for a range within them."),
            )
            .of_size(size),
            DocumentError::NoPreview(why) => Self::new(Code::NoPreview, why),
            DocumentError::PreviewUnfit(unfit) => no_preview(unfit),
            DocumentError::PreviewBusy => Self::new(
                Code::PreviewBusy,
                "Too many previews are being made; try again shortly, or ask for the document.",
            )
            .retry_after(2),
            DocumentError::Store(e) => e.into(),
            DocumentError::Db(e) => e.into(),
            other => upload(other),
        }
    }
}

/// `sealed`: whether sealed files are taken.
fn unsupported(sealed: bool) -> ApiError {
    let taken = TYPES.iter().filter(|of| sealed || of.family != Family::Sealed);
    let types: Vec<_> = taken.map(|of| of.mime).collect();
    let detail = format!("Accepted types are {}.", types.join(", "));
    let more = " Sealed files are not taken here; send the file as it was before.";
    let detail = if sealed { detail } else { detail + more };
    ApiError::new(Code::UnsupportedType, detail)
}

/// Why there is no picture of a document.
fn no_preview(unfit: Unfit) -> ApiError {
    let sentence = match unfit {
        Unfit::NoPage(pages) => {
            let right = format!("must be from 1 to {pages}, the pages of the document");
            return page::field("page", &right);
        }
        Unfit::Dimensions => "It has more pixels than are decoded (100 million).",
        Unfit::TooLarge => "It is larger than what previews are made of (128 MiB).",
        Unfit::TooComplex => "It takes more time or memory than there is for a preview.",
        Unfit::Damaged => "It cannot be read.",
        Unfit::Encrypted => "It asks for a password.",
        Unfit::Unsupported => "It holds no picture, or one that is encoded in a way not read here.",
    };
    let detail = format!("{sentence} Ask for the document itself.");
    let mut e = ApiError::new(Code::PreviewFailed, detail);
    e.errors.insert("preview".to_owned(), unfit.as_str().to_owned());
    e
}

/// What keeps a document as it is.
fn kept(e: &DocumentError) -> ApiError {
    match e {
        DocumentError::Retained(until) => ApiError::new(
            Code::Retention,
            format!("The document must be kept until {until}; nothing was changed."),
        ),
        DocumentError::Superseded => ApiError::new(
            Code::Superseded,
            "Another document has replaced this one; see GET /api/docs/{id}/versions and go on \
             from the newest.",
        ),
        DocumentError::ChangedMeanwhile => ApiError::new(
            Code::ChangedMeanwhile,
            "Somebody has changed the document since you read it; read it again, then decide.",
        ),
        _ => ApiError::new(
            Code::OnHold,
            "The document is under legal hold; nothing was changed. An administrator can lift it \
             with DELETE /api/docs/{id}/hold.",
        ),
    }
}

/// What is more than may be.
fn quota(e: &DocumentError) -> ApiError {
    let of = |whose| match whose {
        Whose::Caller => "You have",
        Whose::Clinic => "Your clinic has",
    };
    match *e {
        DocumentError::TooManyOpen { whose, limit, retry_after } => {
            let detail = format!(
                "{} {limit} uploads open, which is the most there may be. Confirm or abort some; \
                 what nobody completes ends by itself.",
                of(whose)
            );
            ApiError::new(Code::TooManyOpenUploads, detail).retry_after(retry_after)
        }
        DocumentError::DailyQuota { whose, used, limit, retry_after } => {
            let detail = format!(
                "{} announced {used} of the {limit} bytes of a day; this file does not fit. The \
                 next day begins at 00:00 UTC.",
                of(whose)
            );
            ApiError::new(Code::DailyQuotaExceeded, detail).retry_after(retry_after)
        }
        DocumentError::Quota { used, limit } => {
            let detail = format!(
                "The clinic keeps {used} of {limit} bytes; this file does not fit. Emptying the \
                 trash makes room."
            );
            ApiError::new(Code::QuotaExceeded, detail)
        }
        _ => ApiError::new(Code::Internal, "The upload failed."),
    }
}

/// What can go wrong with an upload.
fn upload(e: DocumentError) -> ApiError {
    match e {
        DocumentError::UploadMissing => ApiError::new(
            Code::UploadMissing,
            "No object is there yet: send the file to the presigned URL first, then confirm.",
        ),
        DocumentError::UploadEnded(state) => ApiError::new(
            Code::UploadEnded,
            format!("This upload was {state}; begin a new one with presign-upload."),
        ),
        DocumentError::ContentMismatch(what, seen) => {
            let seen =
                seen.map_or_else(String::new, |mime| format!(": the bytes look like {mime}"));
            let detail = format!(
                "The {what} is not what was announced to presign-upload{seen}. The object was \
                 removed; begin a new upload."
            );
            ApiError::new(Code::ContentMismatch, detail)
        }
        DocumentError::ContentRefused(reason, sentence) => {
            let detail = format!("{sentence} The object was removed; begin a new upload.");
            let mut e = ApiError::new(Code::ContentRefused, detail);
            e.errors.insert("content".to_owned(), reason.to_string());
            e
        }
        DocumentError::NoRendition(why) => ApiError::new(Code::BadRequest, why),
        DocumentError::NotAsConfirmed(what) => ApiError::new(
            Code::ContentMismatch,
            format!("The document was confirmed with another {what}; nothing was changed."),
        ),
        DocumentError::TicketUsedUp => ApiError::new(
            Code::TicketUsedUp,
            "As many uploads have begun with this ticket as it was made for; make a new one.",
        ),
        DocumentError::NotInParts => ApiError::new(
            Code::WrongState,
            "This upload goes in one request; one in parts begins with POST \
                 /api/docs/multipart.",
        ),
        DocumentError::InParts => ApiError::new(
            Code::WrongState,
            "This upload was begun in parts; send its parts and complete it.",
        ),
        DocumentError::AlreadyUploaded => ApiError::new(
            Code::WrongState,
            "The bytes of this upload are there already; nothing was changed. Confirm it, or \
                 begin a new upload.",
        ),
        DocumentError::Condition => {
            ApiError::new(Code::PreconditionFailed, "The document is not the one with this ETag.")
        }
        DocumentError::Archived(Archive::Retrieving) => ApiError::new(
            Code::Archived,
            "The document is being brought back from the archive, which takes hours; see \
                 GET /api/docs/{id}/retrieval.",
        ),
        DocumentError::Archived(_) => ApiError::new(
            Code::Archived,
            "The document lies in an archive; POST /api/docs/{id}/retrieval brings it back, \
                 which takes hours.",
        ),
        other => body(other),
    }
}

/// What can go wrong with the body that brings a file.
fn body(e: DocumentError) -> ApiError {
    match e {
        DocumentError::BodyBroke { came, size: Size::Exactly(size) } => ApiError::new(
            Code::BadRequest,
            format!(
                "{came} bytes came where {size} were announced; nothing was kept. Send the \
                     file again."
            ),
        ),
        DocumentError::BodyBroke { came, size: Size::AtMost(_) } => ApiError::new(
            Code::BadRequest,
            format!(
                "The body broke off after {came} bytes; nothing was kept. Send the file again."
            ),
        ),
        DocumentError::BodyStalled(came) => ApiError::new(
            Code::BodyTooSlow,
            format!(
                "The body stood still after {came} bytes; nothing was kept. Send the file again, \
                 or in parts."
            ),
        ),
        DocumentError::BadForm(what) => ApiError::new(Code::BadRequest, what),
        other => ApiError::new(Code::Internal, "The upload failed.").with_source(other),
    }
}

fn wrong_state(state: State) -> ApiError {
    let hint = match state {
        State::Pending => {
            "its upload is not confirmed yet; confirm it, or give it up with DELETE \
             /api/docs/multipart/{id}"
        }
        State::Scanning => "it waits for the malware scanner; ask again shortly",
        State::Available => "it has arrived, and is not in the trash",
        State::Quarantined => {
            "the scanner did not let it pass; an administrator can have it scanned again, or \
             destroyed (DELETE /api/docs/{id}?permanent=true)"
        }
        State::Deleted => "it is in the trash; restore it first",
        State::Purged => "its content has been erased",
        State::Abandoned | State::Refused => "its upload ended without a document",
    };
    ApiError::new(Code::WrongState, format!("The document is {state}: {hint}."))
}

const STORE_UNUSABLE: &str = "The object store cannot be used now.";

impl From<StoreError> for ApiError {
    fn from(e: StoreError) -> Self {
        match e {
            StoreError::Full => Self::new(
                Code::StorageFull,
                "No space is left in the object store; nothing was changed.",
            )
            .with_source(e),
            StoreError::Damaged => Self::new(
                Code::Damaged,
                "The stored bytes do not pass their authentication and are not served.",
            )
            .with_source(e),
            StoreError::Unusable(ref reason) => {
                // What the store itself says may name accounts and users: that is for the log.
                let told = reason.split(" The store says:").next().unwrap_or_default();
                Self::new(Code::StoreUnavailable, STORE_UNUSABLE)
                    .for_operators(told)
                    .with_source(e)
                    .retry_after(5)
            }
            StoreError::Denied => Self::new(Code::StoreUnavailable, STORE_UNUSABLE)
                .for_operators(
                    "It refused what was asked of it: its keys lack a permission. `strongroom \
                     doctor` says which.",
                )
                .with_source(e),
            // A row that is available promises its object: the store not having it is a fault.
            _ => {
                let detail = "The object store cannot be used now; try again shortly.";
                Self::new(Code::StoreUnavailable, detail).with_source(e).retry_after(5)
            }
        }
    }
}
