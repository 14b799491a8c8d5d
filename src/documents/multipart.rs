//! Uploads in parts: for files larger than one request may carry.
//!
//! The row comes first, then the upload at the store: whatever happens between, upkeep finds the
//! row and clears the key up. Completing may be repeated: what the store has put together before
//! is taken as it is.

use crate::access::Call;
use crate::app::App;
use crate::documents::begin_upload::{Limit, announce};
use crate::documents::confirm_upload::{Confirmable, before, confirmable, finish, refuse};
use crate::documents::content::Unfit;
use crate::documents::placing::{Place, discard, object_key};
use crate::documents::quota::{add_pending, end_upload};
use crate::documents::read::locate;
use crate::documents::rows::{self, Reference};
use crate::documents::{Announced, BeginUpload, Confirmed, Document, DocumentError, State};
use crate::http::Code;
use crate::ids::DocumentId;
use crate::store::{NewObject, PartialUpload, PresignedRequest, Size, StoreError, UploadedPart};

/// How long an upload in parts may take.
const DEADLINE: std::time::Duration = std::time::Duration::from_hours(24);
/// Smallest part that is not the last, bytes ("Amazon S3 multipart upload limits").
const MIN_PART: u64 = 5 << 20;
/// Largest part we make, bytes: one part is held in memory by many a client.
const MAX_PART: u64 = 512 << 20;
/// Parts of one upload (the same page).
const MAX_PARTS: u32 = 10_000;
/// The numbers a part may have.
pub const PART_NUMBERS: std::ops::RangeInclusive<u32> = 1..=MAX_PARTS;
/// Up to this size, parts are small, so that little is lost when one fails.
const DEFAULT_PART: u64 = 8 << 20;
/// Most parts that are signed in one call.
const MAX_BATCH: usize = 1_000;

/// An upload in parts that may be made.
#[derive(Debug)]
pub struct BegunParts {
    /// The document to be, with the size of its parts.
    pub document: Document,
    /// How many parts it has; at most, where nobody knows its size.
    pub part_count: u64,
}

/// What is there of an upload in parts.
#[derive(Debug)]
pub struct Progress {
    /// The document to be.
    pub document: Document,
    /// How many parts it has; at most, where nobody knows its size.
    pub part_count: u64,
    /// Those that are there.
    pub parts: Vec<UploadedPart>,
}

/// The size of the parts of a file of `size` bytes: what was asked for where it fits, else 8 MiB,
/// more where 10,000 parts would not carry the file. Whole MiB, so that parts are easily counted.
fn part_size(size: u64, asked: Option<u64>) -> Result<u64, DocumentError> {
    let least = size.div_ceil(u64::from(MAX_PARTS)).next_multiple_of(1 << 20).max(MIN_PART);
    match asked {
        None => Ok(least.max(DEFAULT_PART)),
        Some(asked) if (least..=MAX_PART).contains(&asked) => Ok(asked),
        Some(_) => Err(DocumentError::field(
            "partSize",
            format!("must be from {least} to {MAX_PART} bytes for a file of this size"),
        )),
    }
}

/// Allows an upload in parts of exactly what was announced. Where its size is not known, the
/// client cuts it as it likes: parts of 5 MiB and more, the last may be smaller.
pub async fn begin_parts(
    app: &App,
    call: &Call,
    asked: BeginUpload,
    asked_part_size: Option<u64>,
) -> Result<BegunParts, DocumentError> {
    app.store.abilities()?;
    let (grant, mut document) = announce(app, call, asked, Place::Final, Limit::Parts).await?;
    let part_size = part_size(document.byte_size, asked_part_size)?;
    document.part_size = Some(part_size.cast_signed());
    document.upload_expires_at = document.created_at + DEADLINE;
    add_pending(app, &grant, &document).await?;
    let object = NewObject::new(object_key(&document)?, document.content_type.clone());
    let upload = match app.store.begin_parts(&object).await {
        Ok(upload) => upload,
        Err(e) => {
            // The trail must not end with an upload that was granted and never began.
            let mut tx = grant.begin().await?;
            let ended = (State::Abandoned, "store_unavailable");
            end_upload(app, &mut tx, &document, ended).await?;
            tx.commit_failed(Code::StoreUnavailable, None).await?;
            return Err(e.into());
        }
    };
    let mut tx = app.db.begin().await?;
    if !rows::set_multipart(&mut tx, call.clinic(), document.id, &upload.upload_id).await? {
        return Err(DocumentError::UploadEnded(State::Abandoned));
    }
    tx.commit().await?;
    document.multipart_id = Some(upload.upload_id);
    let part_count = part_count(document.size(), part_size);
    Ok(BegunParts { document, part_count })
}

/// How many parts there are, or may be.
fn part_count(size: Size, part_size: u64) -> u64 {
    size.exact().map_or(u64::from(MAX_PARTS), |size| size.div_ceil(part_size))
}

/// The store's name for the upload of a document, and how it is cut.
struct Cut {
    upload: PartialUpload,
    part_size: u64,
    part_count: u64,
    size: Size,
}

impl Cut {
    fn of(document: &Document) -> Result<Self, DocumentError> {
        let (Some(upload_id), Some(part_size)) = (&document.multipart_id, document.part_size)
        else {
            return Err(DocumentError::NotInParts);
        };
        let part_size = part_size.cast_unsigned().max(1);
        let upload = PartialUpload { key: object_key(document)?, upload_id: upload_id.clone() };
        let part_count = part_count(document.size(), part_size);
        Ok(Self { upload, part_size, part_count, size: document.size() })
    }

    /// The size that a part must have, where that is known.
    fn size_of(&self, number: u32) -> Option<u64> {
        let before = u64::from(number.saturating_sub(1)) * self.part_size;
        Some(self.size.exact()?.saturating_sub(before).min(self.part_size))
    }
}

fn pending(document: &Document) -> Result<(), DocumentError> {
    match document.state {
        State::Pending => Ok(()),
        State::Abandoned | State::Refused => Err(DocumentError::UploadEnded(document.state)),
        state => Err(DocumentError::WrongState(state)),
    }
}

/// Signs requests for some parts of an upload, each good for as long as `expires`; as often as is
/// asked.
pub async fn sign_parts(
    app: &App,
    call: &Call,
    id: DocumentId,
    numbers: &[u32],
    expires: std::time::Duration,
) -> Result<Vec<(u32, PresignedRequest)>, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    pending(document)?;
    let cut = Cut::of(document)?;
    let known = 1..=cut.part_count;
    let wrong = numbers.iter().any(|n| !known.contains(&u64::from(*n)));
    if wrong || numbers.is_empty() || numbers.len() > MAX_BATCH {
        let right = format!(
            "must be 1 to {MAX_BATCH} numbers from 1 to {}, the parts of this upload",
            cut.part_count
        );
        return Err(DocumentError::field("partNumbers", right));
    }
    let now = app.clock.now();
    let mut signed = Vec::with_capacity(numbers.len());
    for &number in numbers {
        let size = cut.size_of(number);
        let request = app.store.presign_part(&cut.upload, number, size, expires, now)?;
        signed.push((number, request));
    }
    grant.read(found, Some(serde_json::json!({ "parts": numbers.len() }))).await?;
    Ok(signed)
}

/// Which parts of an upload are there, so that it can go on where it ended.
pub async fn upload_progress(
    app: &App,
    call: &Call,
    id: DocumentId,
) -> Result<Progress, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    pending(grant.look(&found))?;
    let cut = Cut::of(grant.look(&found))?;
    let parts = match app.store.parts(&cut.upload).await {
        Ok(parts) => parts,
        Err(StoreError::NotFound) => return Err(DocumentError::UploadMissing),
        Err(e) => return Err(e.into()),
    };
    let detail = serde_json::json!({ "parts": parts.len() });
    let document = grant.read(found, Some(detail)).await?;
    Ok(Progress { document, part_count: cut.part_count, parts })
}

/// Puts the parts together and makes the document, as confirming does. `named`: what the client
/// knows of its parts, number and ETag; none: whatever is there.
pub async fn complete_upload(
    app: &App,
    call: &Call,
    id: DocumentId,
    named: Option<&[(u32, String)]>,
) -> Result<Confirmed, DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let announced = Announced::default();
    if let Confirmable::Before = confirmable(call, &found, &grant, &announced).await? {
        return before(app, call, grant, found).await;
    }
    let cut = Cut::of(grant.look(&found))?;
    match app.store.parts(&cut.upload).await {
        Ok(parts) => {
            check_parts(&cut, &parts, named)?;
            if too_large(&cut, &parts) {
                let key = &cut.upload.key;
                let unfit = Unfit::Differs("size");
                refuse(app, &grant, grant.look(&found), key, unfit).await?;
                abort(app, &cut.upload).await;
                return Err(unfit.into());
            }
            put_together(app, &cut.upload, &parts).await?;
        }
        // It may have been put together before, by a call whose answer was lost.
        Err(StoreError::NotFound) => {}
        Err(e) => return Err(e.into()),
    }
    finish(app, call, grant, &found, &announced).await
}

async fn put_together(
    app: &App,
    upload: &PartialUpload,
    parts: &[UploadedPart],
) -> Result<(), DocumentError> {
    match app.store.complete_parts(upload, parts).await {
        // As above: another call was faster.
        Ok(()) | Err(StoreError::NotFound | StoreError::AlreadyExists) => Ok(()),
        Err(StoreError::InvalidParts) => {
            let right = "the parts changed while they were put together; list them and try again";
            Err(DocumentError::field("parts", right))
        }
        Err(e) => Err(e.into()),
    }
}

/// Whether more has been sent than was allowed. Of parts of announced sizes that cannot be.
fn too_large(cut: &Cut, parts: &[UploadedPart]) -> bool {
    parts.iter().map(|part| part.size).sum::<u64>() > cut.size.most()
}

/// Every part must be there, with its size and the ETag the client remembers; nothing is lost
/// when one is not. Where nobody knows the size, the parts that are there must be those that the
/// client names: only it knows which was the last.
fn check_parts(
    cut: &Cut,
    there: &[UploadedPart],
    named: Option<&[(u32, String)]>,
) -> Result<(), DocumentError> {
    let mut wrong = Vec::new();
    let mut parts = there.iter().peekable();
    let last = match cut.size {
        Size::Exactly(_) => u32::try_from(cut.part_count).unwrap_or(u32::MAX),
        Size::AtMost(_) => {
            let Some(named) = named else {
                let right = "must name every part: only you know which is the last";
                return Err(DocumentError::field("parts", right));
            };
            if there.iter().all(|part| part.size == 0) {
                return Err(DocumentError::EmptyFile);
            }
            let known = there.iter().map(|part| part.number).max();
            let last = named.iter().map(|(number, _)| *number).max().max(known).unwrap_or(0);
            last.min(MAX_PARTS)
        }
    };
    for number in 1..=last {
        match parts.next_if(|part| part.number == number) {
            None => wrong.push(format!("part {number} is missing")),
            Some(part) if cut.size_of(number).is_some_and(|size| size != part.size) => {
                let right = cut.size_of(number).unwrap_or_default();
                wrong.push(format!("part {number} has {} bytes instead of {right}", part.size));
            }
            Some(part) if cut.size.exact().is_none() && part.size < MIN_PART && number < last => {
                wrong.push(format!(
                    "part {number} has {} bytes; all but the last must have {MIN_PART}",
                    part.size
                ));
            }
            Some(part) => {
                let said = named.map(|named| named.iter().find(|(n, _)| *n == number));
                match said {
                    None => {}
                    Some(None) => wrong.push(format!("part {number} is not named")),
                    Some(Some((_, etag))) if etag.trim_matches('"') == part.etag => {}
                    Some(Some(_)) => wrong.push(format!("part {number} has another ETag")),
                }
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let more = wrong.len().saturating_sub(10);
    wrong.truncate(10);
    let and = if more > 0 { format!("; and {more} more") } else { String::new() };
    Err(DocumentError::field("parts", format!("{}{and}", wrong.join("; "))))
}

/// Gives an upload up: nothing of it stays.
pub async fn abort_upload(app: &App, call: &Call, id: DocumentId) -> Result<(), DocumentError> {
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let document = grant.look(&found);
    let key = object_key(document)?;
    let mut tx = grant.begin().await?;
    if !end_upload(app, &mut tx, document, (State::Abandoned, "aborted")).await? {
        let state = rows::state(&mut tx, call.clinic(), id).await?;
        return match state.unwrap_or(document.state) {
            State::Abandoned => Ok(tx.commit(None).await?),
            state @ State::Refused => Err(DocumentError::UploadEnded(state)),
            state => Err(DocumentError::WrongState(state)),
        };
    }
    tx.commit(None).await?;
    if let Ok(cut) = Cut::of(document) {
        abort(app, &cut.upload).await;
    }
    discard(app, &key).await;
    Ok(())
}

/// Removes the parts; what cannot be removed now is left to upkeep.
async fn abort(app: &App, upload: &PartialUpload) {
    if let Err(e) = app.store.abort_parts(upload).await {
        tracing::warn!(error = %e, "an upload could not be aborted at the store yet");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;

    #[test]
    fn parts_grow_with_the_file_so_that_ten_thousand_carry_it() {
        assert_eq!(part_size(1, None).unwrap(), 8 * MIB);
        assert_eq!(part_size(2 * GIB, None).unwrap(), 8 * MIB);
        assert_eq!(part_size(5 * GIB, None).unwrap(), 8 * MIB);
        assert_eq!(part_size(100 * GIB, None).unwrap(), 11 * MIB);
        assert!((100 * GIB).div_ceil(11 * MIB) <= u64::from(MAX_PARTS));
        assert_eq!(part_size(2 * GIB, Some(64 * MIB)).unwrap(), 64 * MIB);
        assert!(part_size(2 * GIB, Some(4 * MIB)).is_err());
        assert!(part_size(100 * GIB, Some(8 * MIB)).is_err());
        assert!(part_size(2 * GIB, Some(GIB)).is_err());
    }

    #[test]
    fn every_part_that_is_wrong_is_named() {
        let upload = PartialUpload {
            key: crate::store::ObjectKey::new("k").unwrap(),
            upload_id: "u".to_owned(),
        };
        let cut = Cut { upload, part_size: 8, part_count: 3, size: Size::Exactly(20) };
        let part = |number, size, etag: &str| UploadedPart { number, size, etag: etag.to_owned() };
        let good = [part(1, 8, "a"), part(2, 8, "b"), part(3, 4, "c")];
        let names = |etags: [&str; 3]| -> Vec<(u32, String)> {
            (1..).zip(etags.map(str::to_owned)).collect()
        };
        assert!(check_parts(&cut, &good, None).is_ok());
        assert!(check_parts(&cut, &good, Some(&names(["a", "\"b\"", "c"]))).is_ok());
        let said = |there: &[UploadedPart], named: Option<&[(u32, String)]>| match check_parts(
            &cut, there, named,
        ) {
            Err(DocumentError::Fields(fields)) => fields["parts"].clone(),
            other => panic!("{other:?}"),
        };
        let wrong = said(&[part(1, 7, "a"), part(3, 4, "c")], None);
        assert_eq!(wrong, "part 1 has 7 bytes instead of 8; part 2 is missing");
        assert_eq!(said(&good, Some(&names(["a", "x", "c"]))), "part 2 has another ETag");
        assert_eq!(said(&good, Some(&names(["a", "b", "c"])[..2])), "part 3 is not named");
        let open =
            Cut { size: Size::AtMost(3 * MIN_PART), part_count: u64::from(MAX_PARTS), ..cut };
        let good = [part(1, MIN_PART + 1, "a"), part(2, MIN_PART, "b"), part(3, 1, "c")];
        let three = names(["a", "b", "c"]);
        assert!(check_parts(&open, &good, Some(&three)).is_ok() && !too_large(&open, &good));
        let more = [part(1, 2 * MIN_PART, "a"), part(2, MIN_PART, "b"), part(3, 1, "c")];
        assert!(too_large(&open, &more));
        let said = |there: &[UploadedPart], named: Option<&[(u32, String)]>| match check_parts(
            &open, there, named,
        ) {
            Err(DocumentError::Fields(fields)) => fields["parts"].clone(),
            other => panic!("{other:?}"),
        };
        assert!(said(&good, None).starts_with("must name every part"));
        assert_eq!(said(&good[..2], Some(&three)), "part 3 is missing");
        assert_eq!(said(&good, Some(&three[..2])), "part 3 is not named");
        let small = [part(1, 9, "a"), part(2, 9, "b")];
        let right = "part 1 has 9 bytes; all but the last must have 5242880";
        assert_eq!(said(&small, Some(&three[..2])), right);
        let empty = check_parts(&open, &[part(1, 0, "a")], Some(&three[..1]));
        assert!(matches!(empty, Err(DocumentError::EmptyFile)), "{empty:?}");
    }
}
