//! Getting a picture: the one that is kept, or a new one, which is then kept.

use aws_lc_rs::digest::{SHA256, digest};
use futures::TryStreamExt as _;

use super::AskPreview;
use super::rows::{self, Kept, NewPreview};
use crate::app::App;
use crate::documents::placing::{self, object_key};
use crate::documents::stream_download::verified;
use crate::documents::{Document, DocumentError};
use crate::rendering::{Facts, Job, MAKER, Picture, RenderError, Unfit};
use crate::store::{Archive, ByteStream, NewObject, ObjectKey, Size, StoreError};

/// The picture that is asked for. Of two who ask for the same at once, one has it drawn.
pub(super) async fn picture(
    app: &App,
    document: &Document,
    ask: &AskPreview,
    job: &Job,
) -> Result<Picture, DocumentError> {
    if !ask.is_kept() {
        if let Some(unfit) = hopeless(app, document, ask).await? {
            return Err(RenderError::Unfit(unfit).into());
        }
        // One document cannot have every worker.
        let _alone = app.renderer.alone(document.id.to_string()).await?;
        return Ok(draw(app, document, job).await?);
    }
    let variant = ask.variant();
    if let Some(known) = known(app, document, &variant).await? {
        return known.map_err(|unfit| RenderError::Unfit(unfit).into());
    }
    let _alone = app.renderer.alone(format!("{}/{variant}", document.id)).await?;
    if let Some(known) = known(app, document, &variant).await? {
        return known.map_err(|unfit| RenderError::Unfit(unfit).into());
    }
    let drawn = draw(app, document, job).await;
    let outcome = match &drawn {
        Ok(picture) => Ok(picture),
        Err(RenderError::Unfit(Unfit::NoPage(_))) => return Ok(drawn?),
        Err(RenderError::Unfit(unfit)) => Err(*unfit),
        Err(_) => return Ok(drawn?),
    };
    // What cannot be kept now can be shown all the same.
    if let Err(e) = keep(app, document, &variant, (job, outcome)).await {
        tracing::warn!(id = %document.id, error = %e, "a preview could not be kept");
    }
    Ok(drawn?)
}

/// Why there is no page of a document, where that is known from its first one.
async fn hopeless(
    app: &App,
    document: &Document,
    ask: &AskPreview,
) -> Result<Option<Unfit>, DocumentError> {
    let first = AskPreview { page: 1, window: None, ..*ask };
    let row = look(app, document, &first.variant()).await?;
    let unfit = row.and_then(|row| Unfit::find(&row.unfit?));
    Ok(unfit.filter(|unfit| matches!(unfit, Unfit::TooLarge | Unfit::Damaged | Unfit::Encrypted)))
}

/// What the records say of a picture.
async fn look(
    app: &App,
    document: &Document,
    variant: &str,
) -> Result<Option<Kept>, DocumentError> {
    let mut reader = app.db.reader().await?;
    let of = (document.clinic_id, document.id);
    Ok(rows::find(&mut reader, of, variant, MAKER).await?)
}

/// What is known already: a picture, or that there is none.
async fn known(
    app: &App,
    document: &Document,
    variant: &str,
) -> Result<Option<Result<Picture, Unfit>>, DocumentError> {
    let Some(row) = look(app, document, variant).await? else { return Ok(None) };
    if let Some(unfit) = row.unfit.as_deref() {
        return Ok(Unfit::find(unfit).map(Err));
    }
    let here = (app.store.provider(), app.store.bucket());
    if (row.storage_provider.as_str(), row.bucket.as_str()) != here {
        return Ok(None);
    }
    Ok(read(app, row).await?.map(Ok))
}

/// The kept picture, if it is still there and what was put there.
async fn read(app: &App, row: Kept) -> Result<Option<Picture>, StoreError> {
    let (Some(key), Some(sha256)) = (row.object_key, row.sha256_hex) else { return Ok(None) };
    let key = ObjectKey::new(key).map_err(StoreError::unavailable)?;
    let body = match app.store.get(&key, row.version_id.as_deref(), None).await {
        Ok(body) if i64::try_from(body.info.size) == Ok(row.byte_size) => body,
        Ok(_) | Err(StoreError::NotFound | StoreError::Archived | StoreError::Damaged) => {
            return Ok(None);
        }
        Err(e) => return Err(e),
    };
    let bytes: Vec<u8> = match body.stream.map_ok(|piece| piece.to_vec()).try_concat().await {
        Ok(bytes) => bytes,
        Err(StoreError::Damaged) => return Ok(None),
        Err(e) => return Err(e),
    };
    let facts = serde_json::from_str::<Facts>(&row.facts).ok();
    let sound = hex::encode(digest(&SHA256, &bytes)) == sha256;
    Ok(facts.filter(|_| sound).map(|facts| Picture { facts, bytes }))
}

/// Has a worker draw.
async fn draw(app: &App, document: &Document, job: &Job) -> Result<Picture, RenderError> {
    let began = std::time::Instant::now();
    let drawn = app.renderer.draw(job, document.byte_size, open(app, document)).await;
    let outcome = match &drawn {
        Ok(_) => "drawn",
        Err(RenderError::Unfit(unfit)) => unfit.as_str(),
        Err(_) => "failed",
    };
    metrics::counter!("strongroom_previews_total", "outcome" => outcome).increment(1);
    metrics::histogram!("strongroom_preview_seconds").record(began.elapsed().as_secs_f64());
    drawn
}

/// The pinned version of a document, checked where the store does not seal it.
async fn open(app: &App, document: &Document) -> Result<ByteStream, StoreError> {
    let key = ObjectKey::new(document.object_key.clone()).map_err(StoreError::unavailable)?;
    let body = app.store.get(&key, document.version_id.as_deref(), None).await?;
    let expected = document.sha256().filter(|_| !app.store.seals());
    Ok(match expected {
        Some(expected) => verified(body.stream, expected),
        None => body.stream,
    })
}

/// Keeps a picture beside its document, or that none can be made.
async fn keep(
    app: &App,
    document: &Document,
    variant: &str,
    (job, outcome): (&Job, Result<&Picture, Unfit>),
) -> Result<(), DocumentError> {
    let (provider, bucket) = (app.store.provider(), app.store.bucket());
    let now = app.clock.now();
    let mut row = NewPreview::of(document, (variant, MAKER), (provider, bucket), now);
    let key = match outcome {
        Ok(picture) => Some(place(app, document, job, picture, &mut row).await?),
        Err(unfit) => {
            row.unfit = Some(unfit.as_str());
            None
        }
    };
    let mut tx = app.db.begin().await?;
    // From here on the document cannot be purged until the row is there to be found.
    let before = if rows::hold_available(&mut tx, (document.clinic_id, document.id)).await? {
        let before = rows::object_of(&mut tx, &row).await?;
        if let Some(old) = &before {
            // Its row names another from now on: what is not destroyed below, upkeep finds.
            placing::rows::add_placing(&mut tx, document, old, now).await?;
        }
        rows::put(&mut tx, &row).await?;
        if let Some(key) = &key {
            placing::rows::remove_placing(&mut tx, bucket, key.as_str()).await?;
        }
        tx.commit().await?;
        before.and_then(|old| ObjectKey::new(old).ok())
    } else {
        drop(tx);
        key
    };
    if let Some(old) = before {
        placing::discard(app, &old).await;
    }
    Ok(())
}

/// Puts a picture under a key of its own beside the document; noted, so that one without a row is
/// found.
async fn place(
    app: &App,
    document: &Document,
    job: &Job,
    picture: &Picture,
    row: &mut NewPreview,
) -> Result<ObjectKey, DocumentError> {
    let content_type = job.format.picture_type();
    let extension = if content_type == "image/png" { "png" } else { "jpg" };
    let beside = object_key(document)?;
    let name = app.ids.next();
    let key = ObjectKey::new(format!("{beside}.previews/{name}.{extension}"));
    let key = key.map_err(StoreError::unavailable)?;
    let mut tx = app.db.begin().await?;
    placing::rows::add_placing(&mut tx, document, key.as_str(), app.clock.now()).await?;
    tx.commit().await?;
    let object = NewObject::new(key.clone(), content_type.to_owned());
    let bytes = bytes::Bytes::from(picture.bytes.clone());
    let size = Size::Exactly(bytes.len() as u64);
    row.sha256_hex = Some(hex::encode(digest(&SHA256, &bytes)));
    row.byte_size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
    row.facts = serde_json::to_string(&picture.facts).unwrap_or_default();
    let body = Box::pin(futures::stream::once(async move { Ok(bytes) }));
    row.version_id = app.store.put(&object, size, body).await?.version_id;
    row.object_key = Some(key.as_str().to_owned());
    Ok(key)
}

impl From<RenderError> for DocumentError {
    fn from(e: RenderError) -> Self {
        match e {
            RenderError::Unfit(unfit) => Self::PreviewUnfit(unfit),
            RenderError::Busy => Self::PreviewBusy,
            RenderError::Store(StoreError::Archived) => Self::Archived(Archive::Archived),
            RenderError::Store(e) => e.into(),
            RenderError::Worker(e) => {
                tracing::error!(error = %e, "no preview can be drawn");
                Self::PreviewBusy
            }
        }
    }
}
