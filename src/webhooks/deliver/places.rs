//! Who is served at once: so many webhooks, of one clinic and of those that are away fewer, so that
//! nobody waits for receivers of somebody else that do not answer.

use std::collections::HashMap;

use crate::ids::{ClinicId, WebhookId};
use crate::webhooks::rows::Webhook;

/// Webhooks that are served at once.
pub(super) const PLACES: usize = 32;
/// Of these, how many of one clinic.
const OF_A_CLINIC: usize = 8;
/// Of these, how many that are away.
const AWAY: usize = 16;
/// How many are kept for those that are away: they may be back.
const KEPT_FOR_AWAY: usize = 4;

/// The places that are taken.
#[derive(Default)]
pub(super) struct Places(HashMap<WebhookId, (ClinicId, bool)>);

impl Places {
    /// Takes a place for a webhook, if it has none and one is free for it.
    pub(super) fn take(&mut self, webhook: &Webhook) -> bool {
        let (clinic, away) = (webhook.clinic_id, webhook.is_away());
        let alike = self.0.values().filter(|place| place.1 == away).count();
        let of_clinic = self.0.values().filter(|place| place.0 == clinic).count();
        let most = if away { AWAY } else { PLACES - KEPT_FOR_AWAY };
        let free = self.0.len() < PLACES && alike < most && of_clinic < OF_A_CLINIC;
        if !free || self.0.contains_key(&webhook.id) {
            return false;
        }
        self.0.insert(webhook.id, (clinic, away));
        true
    }

    /// Gives a webhook's place back.
    pub(super) fn give_back(&mut self, id: WebhookId) {
        self.0.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::time::Timestamp;

    fn webhook(id: u128, clinic: u128, away: bool) -> Webhook {
        let at = Timestamp::from_micros(0);
        Webhook {
            id: WebhookId::from_uuid(Uuid::from_u128(id)),
            clinic_id: ClinicId::from_uuid(Uuid::from_u128(clinic)),
            url: String::new(),
            events: String::new(),
            description: None,
            secret_salt: Uuid::nil(),
            old_salt: None,
            old_salt_until: None,
            created_at: at,
            created_by: String::new(),
            updated_at: at,
            disabled_at: None,
            disabled_reason: None,
            failing_since: None,
            failed_at: None,
            rests_until: away.then_some(at),
        }
    }

    #[test]
    fn neither_one_clinic_nor_the_dead_take_every_place_and_nobody_has_two() {
        let mut places = Places::default();
        let of_one = (0..20).filter(|id| places.take(&webhook(*id, 1, false))).count();
        assert_eq!(of_one, 8);
        places.give_back(WebhookId::from_uuid(Uuid::from_u128(0)));
        assert!(!places.take(&webhook(1, 1, false)), "it has one");
        assert!(places.take(&webhook(8, 1, false)));
        let dead = (100..200).filter(|id| places.take(&webhook(*id, *id, true))).count();
        assert_eq!(dead, 16);
        let others = (200..300).filter(|id| places.take(&webhook(*id, *id, false))).count();
        assert_eq!(others, 8, "all are taken");
    }

    #[test]
    fn those_that_are_away_are_asked_however_many_others_there_are() {
        let mut places = Places::default();
        let alive = (0..100).filter(|id| places.take(&webhook(*id, *id, false))).count();
        assert_eq!(alive, 28);
        assert!(places.take(&webhook(500, 500, true)));
    }
}
