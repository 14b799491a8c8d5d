//! Whether presigned requests are what they say: a sender who changes one is refused.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use time::OffsetDateTime;

use super::bucket::Bucket;
use super::errors::http_date;
use super::examine::{Examined, Verdict, seen, unsent};
use crate::store::{ObjectKey, PresignPut, PresignedRequest, Size};
use crate::time::Timestamp;

const RIGHT: &[u8] = b"strongroom presigned";
/// Of the same length.
const WRONG: &[u8] = b"strongroom PRESIGNED";
/// How far clocks may be apart before it is worth a word.
const APART: u64 = 60;

impl Bucket {
    pub async fn examine_presigned(&self, key: &str) -> Examined {
        let now = self.clock.now();
        let failed = |what: String| seen(Verdict::Failed, what);
        let key = ObjectKey::new(key).map_err(|e| failed(e.to_string()))?;
        let signing = self.keys.get().map_err(|reason| failed(reason.to_string()))?;
        let sha256 = digest(&SHA256, RIGHT).as_ref().try_into().ok();
        let put = PresignPut {
            key,
            content_type: "text/plain".to_owned(),
            size: Size::Exactly(RIGHT.len() as u64),
            sha256: None,
        };
        let sign = |put: &PresignPut, now: Timestamp| {
            let signed = signing.presigner.put(put, false, Duration::from_mins(1), now);
            signed.map_err(|e| failed(e.to_string()))
        };
        let plain = sign(&put, now)?;
        let summed = sign(&PresignPut { sha256, ..put.clone() }, now)?;
        let over = sign(&put, now - Duration::from_hours(1))?;
        let mut typed = plain.clone();
        for (name, value) in &mut typed.headers {
            if name == "content-type" {
                "text/html".clone_into(value);
            }
        }
        let tries: [(&str, &PresignedRequest, &'static [u8]); 4] = [
            ("another type", &typed, RIGHT),
            ("another length", &plain, &RIGHT[1..]),
            ("another SHA-256", &summed, WRONG),
            ("a URL whose time is over", &over, RIGHT),
        ];
        let mut taken = Vec::new();
        for (what, request, bytes) in tries {
            let status = send(request, bytes).await.map_err(|e| unsent(&e))?.0;
            if (200..300).contains(&status) {
                taken.push(what);
            }
        }
        for request in [&plain, &summed] {
            let status = send(request, RIGHT).await.map_err(|e| unsent(&e))?.0;
            if !(200..300).contains(&status) {
                let what = format!("A presigned PUT as it was signed was answered {status}.");
                return Err(failed(what));
            }
        }
        if taken.is_empty() {
            let what = "A presigned PUT was taken as signed, and refused with another type, \
                        length, SHA-256 and after its time.";
            return Ok(seen(Verdict::Works, what));
        }
        let what = format!("A presigned PUT was taken with {}.", taken.join(", with "));
        Ok(seen(Verdict::Lies, what))
    }

    pub async fn examine_clock(&self) -> Examined {
        let signing = self.keys.get().map_err(|reason| seen(Verdict::Failed, &*reason))?;
        let key = ObjectKey::new(self.place.key("strongroom-probe/clock"));
        let key = key.map_err(|e| seen(Verdict::Failed, e.to_string()))?;
        let answer = crate::store::AnswerHeaders::default();
        let minute = Duration::from_mins(1);
        let get = signing.presigner.get(&key, None, &answer, minute, self.clock.now());
        let get = get.map_err(|e| seen(Verdict::Failed, e.to_string()))?;
        let (_, date) = send(&get, b"").await.map_err(|e| unsent(&e))?;
        let Some(date) = date.as_deref().and_then(http_date) else {
            return Ok(seen(Verdict::Unknown, "The store does not say what time it is."));
        };
        let apart = date.seconds().abs_diff(self.clock.now().seconds());
        let verdict = if apart > APART { Verdict::Failed } else { Verdict::Works };
        let at = OffsetDateTime::from_unix_timestamp(date.seconds()).ok().map(Timestamp::from);
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        Ok(seen(verdict, format!("The store's clock says {at}; ours differs by {apart} seconds.")))
    }
}

/// Sends a presigned request with this body; status and `Date` of the answer.
async fn send(
    request: &PresignedRequest,
    body: &'static [u8],
) -> Result<(u16, Option<String>), reqwest::Error> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let mut call = if request.method == "PUT" {
        client.put(&request.url).body(body)
    } else {
        client.get(&request.url)
    };
    for (name, value) in &request.headers {
        // The client counts for itself.
        if name != "content-length" {
            call = call.header(name, value);
        }
    }
    let answer = call.send().await.map_err(reqwest::Error::without_url)?;
    let date = answer.headers().get("date").and_then(|date| date.to_str().ok());
    Ok((answer.status().as_u16(), date.map(str::to_owned)))
}
