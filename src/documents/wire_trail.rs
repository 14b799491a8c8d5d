//! The embedded S3 endpoint's accesses, in the trail.
//!
//! Every byte that goes out and every access with the endpoint's own credentials is an event,
//! written before it happens; where the trail cannot be written the endpoint answers 503. An
//! upload to a document's presigned URL is not one of its own: it was recorded when it was allowed
//! and is again when it is confirmed.
//!
//! What waits for the malware scanner or is quarantined is given to nobody: not by a link that was
//! issued before, and not with the operator's own keys.

use std::sync::Arc;

use async_trait::async_trait;

use crate::access::{Action, DEFAULT_CLINIC, write};
use crate::app::App;
use crate::audit::{Actor, Event, Outcome, Subject};
use crate::db::{Db, DbError};
use crate::documents::State;
use crate::documents::rows::{self, KeyOwner};
use crate::http::Code;
use crate::ids::{EventId, Ids};
use crate::store::local::{LocalStore, Most, Wire, WireAccess, WireObserver, WireRefusal};
use crate::time::Clock;

/// What gives out an object's bytes; a copy tells of its source as one of them.
const READS: [&str; 1] = ["GetObject"];

/// Writes an event for each access that needs one.
pub struct WireTrail {
    db: Db,
    clock: Clock,
    ids: Ids,
    /// The endpoint's bucket.
    bucket: String,
}

#[async_trait]
impl WireObserver for WireTrail {
    async fn before(&self, access: &WireAccess) -> Result<Most, WireRefusal> {
        self.record(access).await.unwrap_or_else(|e| {
            tracing::error!(error = %e, "the trail cannot be written");
            Err(WireRefusal::NotRecorded)
        })
    }
}

impl WireTrail {
    /// Writes into the trail of a server.
    pub fn of(app: &App) -> Self {
        Self {
            db: app.db.clone(),
            clock: app.clock.clone(),
            ids: app.ids.clone(),
            bucket: app.store.bucket().to_owned(),
        }
    }

    /// The S3 endpoint of a server's own store.
    pub fn wire(app: &App, store: &Arc<LocalStore>) -> Wire {
        let origins = app.config.server.allowed_origins.clone();
        let wire = store.wire(Arc::new(Self::of(app)), origins);
        wire.with_patience(app.config.uploads.body_timeout)
    }

    async fn record(&self, access: &WireAccess) -> Result<Result<Most, WireRefusal>, DbError> {
        let action = action(access.operation);
        let owner = self.owner(access).await?;
        let bytes = ["PutObject", "UploadPart", "PostObject"].contains(&access.operation);
        if access.presigned && bytes {
            match owner.as_ref().map(|owner| (owner.state, owner.byte_size)) {
                // Of parts, all of them together: none of them is the document.
                Some((State::Pending, most))
                    if access.length.is_some_and(|it| access.beside.saturating_add(it) > most) =>
                {
                    return Ok(Err(WireRefusal::TooLarge));
                }
                // Recorded when it was allowed, and again when it is confirmed.
                Some((State::Pending, most)) => return Ok(Ok(Most(Some(most)))),
                // Its object is gone for good, and the URL may not bring another.
                Some((State::Refused | State::Abandoned | State::Purged, _)) => {
                    return Ok(Err(WireRefusal::Ended));
                }
                // A form has no condition: what is a document already it would only add to.
                Some(_) if access.operation == "PostObject" => {
                    return Ok(Err(WireRefusal::Ended));
                }
                _ => {}
            }
        }
        let unscanned = READS.contains(&access.operation)
            && owner.as_ref().is_some_and(|owner| owner.state.awaits_scanner());
        let mut event = self.event(action, access, owner);
        if unscanned {
            event.outcome = Outcome::Denied;
            event.code = Some(Code::WrongState.as_str());
        }
        write(&self.db, &event).await?;
        Ok(if unscanned { Err(WireRefusal::Unscanned) } else { Ok(Most::default()) })
    }

    async fn owner(&self, access: &WireAccess) -> Result<Option<KeyOwner>, DbError> {
        let mut reader = self.db.reader().await?;
        match &access.key {
            Some(key) => rows::owner_of_key(&mut reader, &self.bucket, key.as_str()).await,
            None => Ok(None),
        }
    }

    fn event(&self, action: Action, access: &WireAccess, owner: Option<KeyOwner>) -> Event {
        let (clinic, subject) = match owner {
            Some(owner) => (
                owner.clinic_id,
                Subject {
                    kind: Some("document"),
                    id: Some(owner.id.to_string()),
                    patient: owner.patient_id,
                },
            ),
            // What belongs to no clinic is told to the installation's own.
            None => (
                DEFAULT_CLINIC,
                Subject {
                    kind: Some("object"),
                    id: access.key.as_ref().map(|key| key.as_str().to_owned()),
                    patient: None,
                },
            ),
        };
        let holder = if access.presigned { "presigned" } else { "s3" };
        let (id, roles) = (access.access_key_id.clone(), String::new());
        let who = (Actor { kind: holder, id, roles, on_behalf_of: None }, Some(clinic));
        let stamp = (EventId::from_uuid(self.ids.next()), self.clock.now());
        let own = || self.ids.next().simple().to_string();
        let origin = (access.request_id.clone().unwrap_or_else(own), access.remote);
        let event = Event::granted(stamp, action.as_str(), who, subject, origin);
        Event { detail: Some(serde_json::json!({ "operation": access.operation })), ..event }
    }
}

/// What an S3 operation is in the words of the trail.
fn action(operation: &str) -> Action {
    if operation.starts_with("List") {
        Action::WireList
    } else if operation.starts_with("Get") || operation.starts_with("Head") {
        Action::WireRead
    } else if operation.starts_with("Delete") || operation.starts_with("Abort") {
        Action::WireDelete
    } else {
        Action::WireWrite
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_read_counts_as_a_change() {
        assert_eq!(action("GetObject"), Action::WireRead);
        assert_eq!(action("ListObjectsV2"), Action::WireList);
        assert_eq!(action("DeleteObjects"), Action::WireDelete);
        assert_eq!(action("CopyObject"), Action::WireWrite);
        assert_eq!(action("Anything"), Action::WireWrite);
    }
}
