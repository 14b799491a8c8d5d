//! A large file in parts: several at once, each read from the file as it is sent, and on from
//! where it stopped when it was cut off.
//!
//! Invariant: what counts as sent is what the server says is there, never what this program
//! remembers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::memory::{Begun, Found, Memory};
use super::{Client, ClientError, FileBody, LocalFile, Meter, Presigned, Reporter, Tries};
use crate::time::Timestamp;

/// How many URLs are asked for at once: what is sent before they expire on a slow line.
const BATCH: usize = 32;
/// A URL that lives shorter than this is not begun with.
const MARGIN: Duration = Duration::from_secs(10);

/// One upload in parts.
pub struct Parts<'a> {
    /// Whom it is sent to.
    pub client: &'a Client,
    /// The file.
    pub file: &'a LocalFile,
    /// What is said of it, as `presign-upload` takes it.
    pub announced: &'a Value,
    /// How far it is.
    pub meter: &'a Meter,
    /// To tell what happens.
    pub reporter: &'a Reporter,
    /// Leave for so many transfers at once, shared with the other files.
    pub leave: &'a Arc<Semaphore>,
    /// How many transfers that is.
    pub parallel: usize,
}

/// A document, and how many parts of it had not to be sent again.
pub struct Sent {
    /// The document.
    pub document: Value,
    /// Parts altogether.
    pub parts: u32,
    /// Parts that were there from before.
    pub kept: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct There {
    part_number: u32,
    size: u64,
    etag: String,
}

#[derive(Deserialize)]
struct AllThere {
    parts: Vec<There>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    part_number: u32,
    #[serde(flatten)]
    request: Presigned,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Links {
    parts: Vec<Link>,
}

/// Etags by number.
type Etags = BTreeMap<u32, String>;

impl Parts<'_> {
    /// Sends it. With a memory it goes on where it stopped; `fresh` gives up what was begun.
    pub async fn send(
        &self,
        memory: Option<Memory>,
        fingerprint: &str,
        fresh: bool,
    ) -> Result<Sent, ClientError> {
        let Some(mut memory) = memory else {
            let begun = self.begin().await?;
            return self.go_on(&begun, Etags::new()).await;
        };
        let (begun, there) = match memory.find(fingerprint) {
            Found::Same(old) if !fresh => match self.there(&old).await? {
                Stand::Parts(there) => (old, there),
                Stand::Complete(document) => {
                    memory.forget();
                    let parts = old.part_count;
                    return Ok(Sent { document, parts, kept: parts });
                }
                Stand::Gone => {
                    self.reporter.say("The upload that was cut off has ended; it begins anew.");
                    (self.begin().await?, Etags::new())
                }
            },
            Found::Nothing => (self.begin().await?, Etags::new()),
            Found::Same(old) | Found::Other(old) => {
                if !fresh {
                    self.reporter.say(
                        "The file, or what is said of it, has changed since it was cut off; it \
                         begins anew.",
                    );
                }
                self.abort(&old).await;
                (self.begin().await?, Etags::new())
            }
        };
        memory.keep(fingerprint, &begun)?;
        let sent = self.go_on(&begun, there).await;
        match &sent {
            Ok(_) => memory.forget(),
            // What can never become complete is not tried again.
            Err(e) if is_final(e) || self.file.unchanged().is_err() => {
                self.abort(&begun).await;
                memory.forget();
            }
            Err(_) => {
                let text = "What was sent is kept: the same command goes on where it stopped.";
                self.reporter.say(text);
            }
        }
        sent
    }

    async fn begin(&self) -> Result<Begun, ClientError> {
        let begun: Begun = self.client.post("/api/docs/multipart", self.announced).await?;
        let fits = begun.part_size > 0
            && self.file.size.div_ceil(begun.part_size) == u64::from(begun.part_count);
        if fits {
            return Ok(begun);
        }
        let text = format!("{} parts of {} bytes", begun.part_count, begun.part_size);
        Err(ClientError::Strange(text, self.client.base().to_owned()))
    }

    /// Gives an upload up. That it cannot be is no reason to stop: the server ends it in time.
    async fn abort(&self, begun: &Begun) {
        let _ = self.client.delete(&path(begun, "")).await;
    }

    /// What the server has of an upload that was begun before.
    async fn there(&self, begun: &Begun) -> Result<Stand, ClientError> {
        match self.client.get::<AllThere>(&path(begun, "/parts")).await {
            Ok(all) => {
                let whole = |part: &There| {
                    (1..=begun.part_count).contains(&part.part_number)
                        && part.size == self.span(begun, part.part_number).1
                };
                let there = all.parts.into_iter().filter(whole);
                Ok(Stand::Parts(there.map(|part| (part.part_number, part.etag)).collect()))
            }
            Err(e) if e.is_status(&[404, 409, 410]) => {
                // Killed between the last call and its answer: it may be complete.
                let asked = json!({});
                match self.client.post(&path(begun, "/complete"), &asked).await {
                    Ok(document) => Ok(Stand::Complete(document)),
                    Err(e) if e.is_passing() => Err(e),
                    Err(_) => Ok(Stand::Gone),
                }
            }
            Err(e) => Err(e),
        }
    }

    /// Where a part begins and how long it is.
    fn span(&self, begun: &Begun, number: u32) -> (u64, u64) {
        let offset = u64::from(number - 1) * begun.part_size;
        (offset, begun.part_size.min(self.file.size.saturating_sub(offset)))
    }

    async fn go_on(&self, begun: &Begun, there: Etags) -> Result<Sent, ClientError> {
        let kept = u32::try_from(there.len()).unwrap_or(u32::MAX);
        let missing: VecDeque<u32> =
            (1..=begun.part_count).filter(|number| !there.contains_key(number)).collect();
        let before: u64 = there.keys().map(|&number| self.span(begun, number).1).sum();
        if kept > 0 {
            let count = begun.part_count;
            self.reporter.say(&format!("Going on: {kept} of {count} parts are there already."));
        }
        self.meter.stage("sending", before);
        let work = Work {
            begun,
            missing: Mutex::new(missing),
            etags: Mutex::new(there),
            links: tokio::sync::Mutex::default(),
        };
        let sending = (0..self.parallel).map(|_| self.worker(&work));
        futures::future::try_join_all(sending).await?;
        self.file.unchanged()?;
        let etags = work.etags.into_inner().unwrap_or_else(PoisonError::into_inner);
        let parts: Vec<_> = etags
            .iter()
            .map(|(number, etag)| json!({ "partNumber": number, "etag": etag }))
            .collect();
        self.meter.stage("completing", self.file.size);
        let complete = json!({ "parts": parts });
        let document = self.client.post(&path(begun, "/complete"), &complete).await?;
        Ok(Sent { document, parts: begun.part_count, kept })
    }

    async fn worker(&self, work: &Work<'_>) -> Result<(), ClientError> {
        loop {
            let leave = self.leave.acquire().await;
            let next = work.missing.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(number) = next else { return Ok(()) };
            let etag = self.part(work, number).await?;
            work.etags.lock().unwrap_or_else(PoisonError::into_inner).insert(number, etag);
            drop(leave);
        }
    }

    /// Sends one part, again and again where that may help; its ETag.
    async fn part(&self, work: &Work<'_>, number: u32) -> Result<String, ClientError> {
        let (offset, size) = self.span(work.begun, number);
        let (mut tries, mut renewed) = (Tries::default(), false);
        loop {
            let link = self.link(work, number).await?;
            let opened = FileBody::open(&self.file.path, offset, size, self.meter).await;
            let (body, count) = opened.map_err(|e| ClientError::file(&self.file.path, &e))?;
            match self.client.send(&link, size, body).await {
                Ok(Some(etag)) => {
                    count.done();
                    return Ok(etag);
                }
                Ok(None) => {
                    let text = "the object store took a part without saying its ETag";
                    return Err(ClientError::Content(text.to_owned()));
                }
                // The clocks disagree, or the part waited too long: a new URL is another matter.
                Err(ClientError::Store { status: 401 | 403, .. }) if !renewed => renewed = true,
                Err(e) => {
                    self.file.unchanged()?;
                    tries.pause(e).await?;
                }
            }
            work.links.lock().await.remove(&number);
        }
    }

    /// A URL for a part that lives long enough; a batch of them is asked for at once.
    async fn link(&self, work: &Work<'_>, number: u32) -> Result<Presigned, ClientError> {
        let mut links = work.links.lock().await;
        let soon = self.client.now() + MARGIN;
        if let Some((request, until)) = links.get(&number)
            && *until > soon
        {
            return Ok(request.clone());
        }
        let mut numbers = vec![number];
        {
            let missing = work.missing.lock().unwrap_or_else(PoisonError::into_inner);
            let without =
                missing.iter().filter(|n| links.get(n).is_none_or(|(_, until)| *until <= soon));
            numbers.extend(without.take(BATCH - 1));
        }
        let asked = json!({ "partNumbers": numbers });
        let told: Links = self.client.post(&path(work.begun, "/parts"), &asked).await?;
        for link in told.parts {
            links.insert(link.part_number, (link.request, link.expires_at));
        }
        let link = links.get(&number).map(|(request, _)| request.clone());
        let strange = || {
            let text = format!("no URL for part {number}");
            ClientError::Strange(text, self.client.base().to_owned())
        };
        link.ok_or_else(strange)
    }
}

/// What an upload that was begun before has come to.
enum Stand {
    Parts(Etags),
    Complete(Value),
    Gone,
}

/// What the workers share.
struct Work<'a> {
    begun: &'a Begun,
    missing: Mutex<VecDeque<u32>>,
    etags: Mutex<Etags>,
    links: tokio::sync::Mutex<BTreeMap<u32, (Presigned, Timestamp)>>,
}

fn path(begun: &Begun, rest: &str) -> String {
    let id =
        percent_encoding::utf8_percent_encode(&begun.upload_id, percent_encoding::NON_ALPHANUMERIC);
    format!("/api/docs/multipart/{id}{rest}")
}

/// Whether the upload can never become complete.
fn is_final(e: &ClientError) -> bool {
    // Parts that are missing or changed can be sent again.
    e.is_status(&[404, 409, 410, 413, 415, 422]) && e.code() != "invalid_fields"
}
