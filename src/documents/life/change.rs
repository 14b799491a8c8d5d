//! Changes of a document's row alone: to the trash and back, legal hold, release.
//!
//! All have one shape: find, ask the policy, one conditional update with its event, and the row as
//! it is then. Zero rows changed: the same transaction says why.

use serde_json::json;

use super::rows::{self, Decided};
use super::{check_reason, one_successor, refused};
use crate::access::{Audited, Call};
use crate::app::App;
use crate::db::DbError;
use crate::documents::read::locate;
use crate::documents::rows::{self as documents, Reference};
use crate::documents::successors::as_seen;
use crate::documents::{Document, DocumentError, Release, State};
use crate::ids::DocumentId;
use crate::sensitive::Phi;
use crate::time::Timestamp;

/// What is to be done.
#[derive(Debug)]
pub enum Change {
    /// Into the trash; the bytes stay.
    Trash,
    /// Back from the trash.
    Restore,
    /// Under legal hold, for a reason.
    Hold(Phi<String>),
    /// Free of legal hold, for a reason.
    Lift(Phi<String>),
    /// Shown to the patient, or not.
    Release(Release, Option<Phi<String>>),
}

impl Change {
    const fn reason(&self) -> Option<&Phi<String>> {
        match self {
            Self::Hold(reason) | Self::Lift(reason) => Some(reason),
            Self::Release(_, reason) => reason.as_ref(),
            Self::Trash | Self::Restore => None,
        }
    }

    /// Whether there is nothing left to do.
    fn is_done(&self, document: &Document) -> bool {
        match self {
            Self::Trash | Self::Restore => false,
            Self::Hold(reason) => {
                document.hold_reason.as_ref().is_some_and(|held| held.reveal() == reason.reveal())
            }
            Self::Lift(_) => document.hold_reason.is_none(),
            // What a word on an upload says against what it replaces depends on when it was said.
            Self::Release(release, _) => document.release == *release && !is_coming(document),
        }
    }

    async fn make(
        &self,
        tx: &mut Audited,
        of: Decided<'_>,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, DbError> {
        match self {
            Self::Trash => rows::mark_deleted(tx, of, by, now).await,
            Self::Restore => rows::mark_restored(tx, of, now).await,
            Self::Hold(reason) => rows::set_hold(tx, of, reason, by, now).await,
            Self::Lift(_) => rows::lift_hold(tx, of, now).await,
            Self::Release(release, _) => rows::set_release(tx, of, *release, now).await,
        }
    }

    fn detail(&self) -> Option<serde_json::Value> {
        let reason = self.reason().map(Phi::reveal);
        match self {
            Self::Trash | Self::Restore => None,
            Self::Hold(_) => Some(json!({ "hold": true, "reason": reason })),
            Self::Lift(_) => Some(json!({ "hold": false, "reason": reason })),
            Self::Release(to, _) => Some(json!({ "release": to.as_str(), "reason": reason })),
        }
    }
}

/// Whether an upload has yet to become a document.
const fn is_coming(document: &Document) -> bool {
    matches!(document.state, State::Pending | State::Scanning)
}

/// Makes one change; the document as it is then.
pub async fn change(
    app: &App,
    call: &Call,
    id: DocumentId,
    change: &Change,
) -> Result<Document, DocumentError> {
    change.reason().map_or(Ok(()), check_reason)?;
    let found = locate(app, call, &Reference::Id(id)).await?;
    let grant = call.authorize(found.facts(Document::target)).await?;
    let repeated = json!({ "repeated": true });
    if change.is_done(grant.look(&found)) {
        return as_seen(app, call, grant.read(found, Some(repeated)).await?).await;
    }
    let (by, now) = (call.caller.effective_user(), app.clock.now());
    let mut tx = grant.begin().await?;
    let decided = Decided::on(grant.look(&found));
    let changed = change.make(&mut tx, decided, by.as_str(), now).await;
    let changed = changed.map_err(one_successor)?;
    let now_found = documents::find(&mut tx, call.clinic(), &Reference::Id(id)).await?;
    let now_found = now_found.ok_or(DocumentError::NotFound)?;
    if changed {
        return as_seen(app, call, tx.read(now_found, change.detail()).await?).await;
    }
    let document = grant.look(&now_found);
    if Decided::on(document) == decided && change.is_done(document) {
        return as_seen(app, call, tx.read(now_found, Some(repeated)).await?).await;
    }
    Err(match change {
        _ if Decided::on(document) != decided => DocumentError::ChangedMeanwhile,
        Change::Trash => refused(document, now),
        _ => DocumentError::WrongState(document.state),
    })
}
