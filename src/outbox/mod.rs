//! What webhooks are to be told: a row for each of them that asked, written in the commit of the
//! change itself (decision 0019). Who sends the rows stands in `webhooks/`.
//!
//! Invariants:
//! - A change that is committed has its rows, one that is not has none.
//! - One change is told once to each webhook, however often its call is repeated: document, event
//!   and the time the document changed name it.
//! - No row holds a file name, or anything else that is more than an opaque id or a word of ours.

pub mod rows;

use std::fmt;
use std::time::Duration;

use crate::audit::{Event, Outcome};
use crate::db::{DbError, Tx};
use crate::ids::{DeliveryId, DocumentId, Ids};

/// How long it is still noted what a webhook misses that was switched off because it takes nothing:
/// as long as messages are kept.
const MISSED: Duration = Duration::from_hours(30 * 24);

macro_rules! happenings {
    ($($(#[$doc:meta])* $name:ident => $text:literal),* $(,)?) => {
        /// Something a webhook can be told of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Happening { $($(#[$doc])* $name,)* }

        impl Happening {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The name that clients see; it never changes.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

happenings! {
    /// A document can be read: it was confirmed, and the scanner, where there is one, let it pass.
    Available => "document.available",
    /// The scanner found something, or could not say.
    Quarantined => "document.quarantined",
    /// It goes before the scanner once more, and cannot be read until that has spoken.
    Scanning => "document.scanning",
    /// What was uploaded was not what was announced; there is no document.
    Refused => "document.refused",
    /// A newer document took its place.
    Superseded => "document.superseded",
    /// Its metadata were changed.
    Edited => "document.edited",
    /// It belongs to another patient now.
    Moved => "document.moved",
    /// The patient may see it.
    Released => "document.released",
    /// The patient may not see it any more.
    Withdrawn => "document.withdrawn",
    /// It went to the trash.
    Deleted => "document.deleted",
    /// It came back from the trash.
    Restored => "document.restored",
    /// Its bytes were erased for good.
    Purged => "document.purged",
    /// It must not be erased.
    Held => "document.held",
    /// It may be erased again.
    HoldLifted => "document.hold_lifted",
    /// An upload ended without a document: given up, or nobody completed it in time.
    Abandoned => "upload.abandoned",
    /// A test, which is sent only when it is asked for.
    Test => "webhook.test",
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Happening {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().filter(|h| **h != Self::Test);
        known.clone().find(|h| h.as_str() == text).copied().ok_or_else(|| {
            let known: Vec<_> = known.map(|h| h.as_str()).collect();
            format!("must be * or some of {}", known.join(", "))
        })
    }
}

/// How a document is after the change.
#[derive(Clone, Copy, Debug, Default)]
struct After<'a> {
    state: &'a str,
    held: bool,
    released: bool,
    moved: bool,
}

/// What an event of the trail is to a webhook, given how its document is afterwards. Actions have
/// the names of the trail; one that does not stand here tells nobody anything.
fn told(action: &str, outcome: Outcome, after: After<'_>) -> Option<Happening> {
    use Happening as H;
    let by_state = match after.state {
        "available" => Some(H::Available),
        "quarantined" => Some(H::Quarantined),
        "refused" => Some(H::Refused),
        _ => None,
    };
    match (outcome, action) {
        (Outcome::Denied, _) => None,
        // A form announces an upload and carries it to its end in one call.
        (Outcome::Failed, "upload.begin") if after.state == "abandoned" => Some(H::Abandoned),
        (_, "upload.begin" | "upload.confirm" | "upload.receive" | "document.scan") => {
            by_state.filter(|h| outcome == Outcome::Granted || *h == H::Refused)
        }
        (Outcome::Failed, _) => None,
        (_, "upload.abort" | "upload.abandon") => Some(H::Abandoned),
        (_, "document.rescan") => Some(H::Scanning),
        (_, "document.edit") if after.moved => Some(H::Moved),
        (_, "document.edit") => Some(H::Edited),
        (_, "document.release") if after.released => Some(H::Released),
        (_, "document.release") => Some(H::Withdrawn),
        (_, "document.delete") => Some(H::Deleted),
        (_, "document.restore") => Some(H::Restored),
        // Decided is not done: the store may be away.
        (_, "content.erase") => Some(H::Purged),
        (_, "document.hold") if after.held => Some(H::Held),
        (_, "document.hold") => Some(H::HoldLifted),
        _ => None,
    }
}

/// Whether an event may have something to tell, whatever became of the document: most have not,
/// and cost nothing here. A call that found its work done says so in the event.
fn may_tell(event: &Event) -> bool {
    let said = |key: &str| event.detail.as_ref().and_then(|detail| detail.get(key));
    let repeated = said("repeated").and_then(serde_json::Value::as_bool) == Some(true);
    let states = ["available", "quarantined", "refused", "abandoned"];
    let tells = |state| told(event.action, event.outcome, After { state, ..After::default() });
    event.subject.kind == Some("document")
        && !repeated
        && states.into_iter().any(|state| tells(state).is_some())
}

/// Whether the event says that the document went to another patient.
fn is_move(event: &Event) -> bool {
    let changed = event.detail.as_ref().and_then(|detail| detail.get("changed"));
    let fields = changed.and_then(serde_json::Value::as_array);
    fields.is_some_and(|fields| fields.iter().any(|field| field == "patient"))
}

/// Writes what the webhooks of the event's clinic are to be told of it; whether there is anything.
pub async fn note(tx: &mut Tx, event: &Event, ids: &Ids) -> Result<bool, DbError> {
    if !may_tell(event) {
        return Ok(false);
    }
    let document = event.subject.id.as_deref().and_then(|id| id.parse::<DocumentId>().ok());
    let (Some(clinic), Some(document)) = (event.clinic, document) else { return Ok(false) };
    let mut noted = false;
    for listener in rows::listeners(tx, clinic, document, event.at - MISSED).await? {
        let after = After {
            state: &listener.document_state,
            held: listener.held,
            released: listener.released,
            moved: is_move(event),
        };
        let Some(happening) = told(event.action, event.outcome, after) else { continue };
        let mut tell = async |happening: Happening, about: DocumentId, other| {
            if !listener.asked_for(happening) {
                return Ok(());
            }
            let id = DeliveryId::from_uuid(ids.next());
            let message = rows::NewDelivery { id, happening, about, other, at: event.at };
            noted |= rows::insert_delivery(tx, clinic, &listener, &message).await?;
            Ok::<_, DbError>(())
        };
        tell(happening, document, listener.supersedes).await?;
        if let (Happening::Available, Some(old)) = (happening, listener.supersedes) {
            tell(Happening::Superseded, old, Some(document)).await?;
        }
    }
    Ok(noted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(state: &str) -> After<'_> {
        After { state, ..After::default() }
    }

    #[test]
    fn a_confirm_tells_what_became_of_the_document() {
        let confirm = |outcome, state| told("upload.confirm", outcome, at(state));
        assert_eq!(confirm(Outcome::Granted, "available"), Some(Happening::Available));
        assert_eq!(confirm(Outcome::Granted, "scanning"), None);
        assert_eq!(confirm(Outcome::Failed, "refused"), Some(Happening::Refused));
        assert_eq!(confirm(Outcome::Failed, "available"), None, "somebody else confirmed it");
        assert_eq!(confirm(Outcome::Denied, "available"), None);
        let scan = |state| told("document.scan", Outcome::Granted, at(state));
        assert_eq!(scan("available"), Some(Happening::Available));
        assert_eq!(scan("quarantined"), Some(Happening::Quarantined));
        let rescan = |outcome| told("document.rescan", outcome, at("scanning"));
        assert_eq!(rescan(Outcome::Granted), Some(Happening::Scanning));
        assert_eq!(rescan(Outcome::Failed), None);
    }

    #[test]
    fn one_action_that_goes_both_ways_is_told_by_how_the_document_is_afterwards() {
        let after = |action, after| told(action, Outcome::Granted, after);
        let (yes, no) = (true, false);
        let held = |held| After { held, ..at("available") };
        assert_eq!(after("document.hold", held(yes)), Some(Happening::Held));
        assert_eq!(after("document.hold", held(no)), Some(Happening::HoldLifted));
        let released = |released| After { released, ..at("available") };
        assert_eq!(after("document.release", released(yes)), Some(Happening::Released));
        assert_eq!(after("document.release", released(no)), Some(Happening::Withdrawn));
        let moved = |moved| After { moved, ..at("available") };
        assert_eq!(after("document.edit", moved(yes)), Some(Happening::Moved));
        assert_eq!(after("document.edit", moved(no)), Some(Happening::Edited));
    }

    #[test]
    fn an_upload_that_begins_tells_what_the_same_call_made_of_it() {
        let begin = |outcome, state| told("upload.begin", outcome, at(state));
        assert_eq!(begin(Outcome::Granted, "pending"), None);
        assert_eq!(begin(Outcome::Granted, "scanning"), None);
        assert_eq!(begin(Outcome::Granted, "available"), Some(Happening::Available));
        assert_eq!(begin(Outcome::Granted, "quarantined"), Some(Happening::Quarantined));
        assert_eq!(begin(Outcome::Failed, "refused"), Some(Happening::Refused));
        assert_eq!(begin(Outcome::Failed, "abandoned"), Some(Happening::Abandoned));
        assert_eq!(begin(Outcome::Failed, "available"), None);
        assert_eq!(begin(Outcome::Denied, "refused"), None);
    }

    #[test]
    fn what_only_looks_or_fails_tells_nothing() {
        for action in ["document.read", "document.list", "document.purge", "wire.read", "x"] {
            for outcome in [Outcome::Granted, Outcome::Denied, Outcome::Failed] {
                for state in ["pending", "available", "abandoned"] {
                    assert_eq!(told(action, outcome, at(state)), None, "{action}");
                }
            }
        }
        assert_eq!(told("document.delete", Outcome::Failed, at("deleted")), None);
        let deleted = told("document.delete", Outcome::Granted, at("deleted"));
        assert_eq!(deleted, Some(Happening::Deleted));
    }

    #[test]
    fn an_event_that_may_be_asked_for_reads_back_and_others_are_refused_with_the_list() {
        for happening in Happening::ALL.iter().filter(|h| **h != Happening::Test) {
            assert_eq!(happening.as_str().parse(), Ok(*happening));
        }
        for wrong in ["", "document", "webhook.test", "document.*"] {
            let said = wrong.parse::<Happening>().unwrap_err();
            assert!(
                said.contains("document.available") && !said.contains("webhook.test"),
                "{said}"
            );
        }
    }
}
