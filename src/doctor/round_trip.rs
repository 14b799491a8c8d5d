//! What uploads and downloads do, tried on the store that is in use: by the server and by presigned
//! requests, with what must be refused. It writes small objects under `strongroom-probe/` in the
//! folder, one of six megabytes, and removes them.

use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::{Client, StatusCode};

use super::{Check, Tell};
use crate::causes;
use crate::ids::Ids;
use crate::store::{
    AnswerHeaders, ByteRange, ListedObject, NewObject, ObjectKey, ObjectStore, PartialUpload,
    PresignPut, PresignedRequest, Size, StoreError, UploadMethod,
};
use crate::time::Clock;

/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(30);
const MINUTE: Duration = Duration::from_mins(1);
const KIND: &str = "text/plain";
/// The least a part may have that is not the last (S3's own limit).
const PART: usize = 5 << 20;

/// What went wrong, and what to do.
struct Broken {
    seen: String,
    advice: &'static str,
}

type Done = Result<String, Broken>;

fn broken(seen: impl Into<String>, advice: &'static str) -> Broken {
    Broken { seen: seen.into(), advice }
}

impl From<StoreError> for Broken {
    fn from(e: StoreError) -> Self {
        broken(causes::in_one_line(&e), "`strongroom doctor` says which permission is missing")
    }
}

/// One run of the steps.
struct RoundTrip<'a> {
    store: &'a dyn ObjectStore,
    clock: &'a Clock,
    client: Client,
    stem: String,
}

/// Tries each step, one after the other, and tells of it.
pub async fn round_trip(store: &dyn ObjectStore, folder: &str, clock: &Clock, tell: &mut Tell<'_>) {
    let Ok(client) = Client::builder().timeout(PATIENCE).build() else {
        return tell.check(Check::skipped("presigned upload", "no HTTP client"));
    };
    let stem = format!("{folder}/strongroom-probe/{}", Ids::Random.next().simple());
    let stem = stem.trim_start_matches('/').to_owned();
    let run = RoundTrip { store, clock, client, stem };
    run.step("upload and download", run.through_the_server(), tell).await;
    run.step("metadata", run.metadata(), tell).await;
    run.step("listing", run.listing(), tell).await;
    run.step("presigned upload and download", run.presigned(), tell).await;
    run.step("expired URL", run.expired(), tell).await;
    run.step("expired download URL", run.expired_download(), tell).await;
    run.step("changed header", run.changed_header(), tell).await;
    run.step("large file in parts", run.in_parts(), tell).await;
    run.step("clean-up", run.clean_up(), tell).await;
}

impl RoundTrip<'_> {
    async fn step(
        &self,
        name: &'static str,
        work: impl Future<Output = Done>,
        tell: &mut Tell<'_>,
    ) {
        let begun = Instant::now();
        let late = || Err(broken("not done within 30 seconds", "look at the way to the store"));
        let check = match tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| late()) {
            Ok(seen) => Check::ok(name, seen),
            Err(Broken { seen, advice }) => Check::fail(name, seen, advice),
        };
        tell.check(check.took(begun.elapsed()));
    }

    fn key(&self, part: &str) -> Result<ObjectKey, Broken> {
        let key = ObjectKey::new(format!("{}-{part}", self.stem));
        key.map_err(|e| broken(e.to_string(), "AWS_S3_FOLDER_PREFIX must be part of a key"))
    }

    async fn through_the_server(&self) -> Done {
        let (sent, key) = (content(100_000), self.key("through")?);
        let object = NewObject::new(key.clone(), KIND.to_owned());
        let body = futures::stream::iter([Ok(sent.clone())]).boxed();
        self.store.put(&object, Size::Exactly(sent.len() as u64), body).await?;
        self.compare(&key, None, &sent).await?;
        Ok(format!("{} bytes were written and came back the same", sent.len()))
    }

    /// Reads an object and compares it with what was sent.
    async fn compare(
        &self,
        key: &ObjectKey,
        range: Option<ByteRange>,
        sent: &[u8],
    ) -> Result<(), Broken> {
        let got = self.store.get(key, None, range).await?;
        let got: Vec<Bytes> = got.stream.try_collect().await?;
        if digest(&SHA256, &got.concat()).as_ref() == digest(&SHA256, sent).as_ref() {
            return Ok(());
        }
        Err(broken("other bytes came back than were sent", "do not use this store for documents"))
    }

    async fn metadata(&self) -> Done {
        let info = self.store.head(&self.key("through")?, None).await?;
        if info.size == 100_000 && info.content_type.as_deref() == Some(KIND) {
            return Ok(format!("size and type are kept; ETag {}", info.etag));
        }
        let kind = info.content_type.as_deref().unwrap_or("none");
        let seen = format!("the store says {} bytes of type {kind}", info.size);
        Err(broken(seen, "a proxy between here and the store may change what is sent"))
    }

    /// The list of the store names what was written, and nothing that was not.
    async fn listing(&self) -> Done {
        let listed = self.store.list_under(&self.stem).await?;
        let key = self.key("through")?;
        let named = |object: &ListedObject| object.key == key.as_str() && object.size == 100_000;
        if listed.len() == 1 && listed.iter().all(named) {
            return Ok("the object is listed under its folder, with its size".to_owned());
        }
        let seen = format!("{} objects are listed where one was written", listed.len());
        Err(broken(seen, "a cache between here and the store may answer for it"))
    }

    fn sign(&self, part: &str, sent: &[u8], ago: Duration) -> Result<PresignedRequest, Broken> {
        let put = PresignPut {
            key: self.key(part)?,
            content_type: KIND.to_owned(),
            size: Size::Exactly(sent.len() as u64),
            sha256: None,
        };
        Ok(self.store.presign_put(&put, UploadMethod::Put, MINUTE, self.clock.now() - ago)?)
    }

    async fn send(&self, request: &PresignedRequest, body: Bytes) -> Result<StatusCode, Broken> {
        let mut call = self.client.put(&request.url).body(body);
        for (name, value) in &request.headers {
            call = call.header(name, value);
        }
        Ok(call.send().await.map_err(unreached)?.status())
    }

    async fn presigned(&self) -> Done {
        let sent = content(20_000);
        let request = self.sign("presigned", &sent, Duration::ZERO)?;
        let status = self.send(&request, sent.clone()).await?;
        if !status.is_success() {
            let advice = "a proxy must not change Host or headers; the clock must be right";
            return Err(broken(format!("the upload is answered {status}"), advice));
        }
        let (key, answer) = (self.key("presigned")?, AnswerHeaders::default());
        let now = self.clock.now();
        let request = self.store.presign_get(&key, None, &answer, MINUTE, now)?;
        let got = self.client.get(&request.url).send().await.map_err(unreached)?;
        let status = got.status();
        let got = got.bytes().await.map_err(unreached)?;
        if !status.is_success() || got != sent {
            let seen = format!("the download is answered {status} with {} bytes", got.len());
            return Err(broken(seen, "the keys need s3:GetObject"));
        }
        Ok(format!("{} bytes went up and came back the same, by URLs alone", sent.len()))
    }

    async fn expired(&self) -> Done {
        let sent = content(10);
        let request = self.sign("expired", &sent, Duration::from_hours(2))?;
        let status = self.send(&request, sent).await?;
        self.refused(status, "an upload URL that ended two hours ago")
    }

    async fn expired_download(&self) -> Done {
        let (key, answer) = (self.key("presigned")?, AnswerHeaders::default());
        let then = self.clock.now() - Duration::from_hours(2);
        let request = self.store.presign_get(&key, None, &answer, MINUTE, then)?;
        let status = self.client.get(&request.url).send().await.map_err(unreached)?.status();
        if status == StatusCode::NOT_FOUND {
            let advice = "repair the check before this one, whose object it asks for";
            return Err(broken("there is nothing to download", advice));
        }
        self.refused(status, "a download URL that ended two hours ago")
    }

    async fn changed_header(&self) -> Done {
        let sent = content(10);
        let mut request = self.sign("changed", &sent, Duration::ZERO)?;
        for (name, value) in &mut request.headers {
            if name == "content-type" {
                "text/html".clone_into(value);
            }
        }
        let status = self.send(&request, sent).await?;
        self.refused(status, "an upload with another type than was signed")
    }

    #[expect(clippy::unused_self, reason = "it reads as the other steps do")]
    fn refused(&self, status: StatusCode, what: &str) -> Done {
        if status.is_client_error() {
            return Ok(format!("{what} is refused ({status})"));
        }
        let advice = "do not use this store: whoever has a URL can do more than was allowed";
        Err(broken(format!("{what} is answered {status}"), advice))
    }

    async fn in_parts(&self) -> Done {
        let (sent, key) = (content(PART + (1 << 20)), self.key("parts")?);
        let object = NewObject::new(key.clone(), KIND.to_owned());
        let upload = self.store.begin_parts(&object).await?;
        let done = self.send_parts(&upload, &sent).await;
        if done.is_err() {
            let _ = self.store.abort_parts(&upload).await;
        }
        done?;
        let across = ByteRange::Inclusive(PART as u64 - 1000, PART as u64 + 999);
        self.compare(&key, Some(across), &sent[PART - 1000..PART + 1000]).await?;
        self.compare(&key, None, &sent).await?;
        Ok("six megabytes in two parts came back the same, whole and in part".to_owned())
    }

    async fn send_parts(&self, upload: &PartialUpload, sent: &Bytes) -> Result<(), Broken> {
        for (number, part) in (1_u32..).zip([sent.slice(..PART), sent.slice(PART..)]) {
            let size = Some(part.len() as u64);
            let now = self.clock.now();
            let request = self.store.presign_part(upload, number, size, MINUTE, now)?;
            let status = self.send(&request, part).await?;
            if !status.is_success() {
                let seen = format!("part {number} is answered {status}");
                return Err(broken(seen, "the keys need s3:PutObject for parts too"));
            }
        }
        let parts = self.store.parts(upload).await?;
        Ok(self.store.complete_parts(upload, &parts).await?)
    }

    /// Every object, also after one of them could not be removed.
    async fn clean_up(&self) -> Done {
        let mut done = Ok("every object of this test is gone, in every version".to_owned());
        for part in ["through", "presigned", "expired", "changed", "parts"] {
            done = self.remove(part).await.and(done);
        }
        done
    }

    async fn remove(&self, part: &str) -> Result<(), Broken> {
        let key = self.key(part)?;
        self.store.purge(&key).await?;
        if matches!(self.store.head(&key, None).await, Err(StoreError::NotFound)) {
            return Ok(());
        }
        let advice = "the keys need s3:DeleteObject and s3:DeleteObjectVersion";
        Err(broken(format!("{} is still there", key.as_str()), advice))
    }
}

fn unreached(e: reqwest::Error) -> Broken {
    let seen = format!("the presigned URL cannot be reached from here: {}", e.without_url());
    broken(seen, "presigned URLs begin with STRONGROOM_PUBLIC_URL (local store) or S3_ENDPOINT")
}

/// Bytes that no two positions share by accident.
fn content(length: usize) -> Bytes {
    (0..length).map(|i| b' ' + u8::try_from((i * 7 + (i >> 8) * 13) % 90).unwrap_or(0)).collect()
}
