//! Tests of API keys on SQLite.

use super::*;
use crate::access::DEFAULT_CLINIC;
use crate::db::DatabaseUrl;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

async fn database() -> (tempfile::TempDir, Db) {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("db.sqlite"));
    (folder, Db::open(&url).await.unwrap())
}

async fn made(db: &Db, expires_at: Option<Timestamp>) -> (ApiKey, Secret<String>) {
    let new = NewKey {
        name: "portal".to_owned(),
        role: Role::Service,
        clinic: Some(DEFAULT_CLINIC),
        expires_at,
    };
    let mut tx = db.begin().await.unwrap();
    let made = create_key(&mut tx, &Ids::counted(), NOW, new).await.unwrap();
    tx.commit().await.unwrap();
    made
}

async fn revoke(db: &Db, id: ApiKeyId) -> bool {
    let mut tx = db.begin().await.unwrap();
    let revoked = revoke_key(&mut tx, id, NOW).await.unwrap();
    tx.commit().await.unwrap();
    revoked
}

/// The reason for the log and the message for the caller.
async fn refusal(keys: &ApiKeys, text: &str, now: Timestamp) -> (&'static str, &'static str) {
    match keys.check(text, now).await {
        Err(AuthError::Invalid { reason, message }) => (reason, message),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_key_is_known_by_its_text_and_only_its_hash_is_kept() {
    let (_folder, db) = database().await;
    let (key, text) = made(&db, None).await;
    let text = text.reveal();
    assert_eq!((text.len(), &text[..4]), (4 + 32 + 1 + 43, "srk_"));
    let holder = ApiKeys::new(db.clone()).check(text, NOW).await.unwrap();
    assert_eq!((holder.api_key, holder.roles), (Some(key.id), vec![Role::Service]));
    assert_eq!(holder.user.as_str(), format!("key:{}", key.id));
    let mut reader = db.reader().await.unwrap();
    let row = rows::find_key(&mut reader, key.id).await.unwrap().unwrap();
    assert_eq!(row.secret_hash.len(), 32);
    assert_eq!(list_keys(&mut reader).await.unwrap(), [key]);
}

#[tokio::test]
async fn unknown_tampered_expired_and_revoked_keys_get_one_answer_for_different_reasons() {
    let (_folder, db) = database().await;
    let (revoked, revoked_text) = made(&db, None).await;
    assert!(revoke(&db, revoked.id).await);
    assert!(!revoke(&db, revoked.id).await);
    let keys = ApiKeys::new(db.clone());
    let mut tx = db.begin().await.unwrap();
    let ids = Ids::Random;
    let new = NewKey {
        name: "short".to_owned(),
        role: Role::Staff,
        clinic: None,
        expires_at: Some(NOW + Duration::from_mins(1)),
    };
    let (_, text) = create_key(&mut tx, &ids, NOW, new).await.unwrap();
    tx.commit().await.unwrap();
    let text = text.reveal().clone();
    keys.check(&text, NOW + Duration::from_secs(59)).await.unwrap();

    let mut tampered = text.clone();
    let other = if tampered.as_bytes()[50] == b'A' { "B" } else { "A" };
    tampered.replace_range(50..51, other);
    let unknown = text.replace(&text[4..36], &"0".repeat(32));
    let refusals = [
        refusal(&keys, &text, NOW + Duration::from_mins(1)).await,
        refusal(&keys, revoked_text.reveal(), NOW).await,
        refusal(&keys, &tampered, NOW).await,
        refusal(&keys, &unknown, NOW).await,
        refusal(&keys, "srk_short", NOW).await,
    ];
    let reasons: std::collections::BTreeSet<_> = refusals.iter().map(|r| r.0).collect();
    assert_eq!(reasons.len(), refusals.len(), "{reasons:?}");
    assert!(refusals.iter().all(|r| r.1 == refusals[0].1));
}

#[tokio::test]
async fn a_key_revoked_beside_a_running_server_works_for_five_seconds_at_most() {
    let (_folder, db) = database().await;
    let (key, text) = made(&db, None).await;
    let keys = ApiKeys::new(db.clone());
    keys.check(text.reveal(), NOW).await.unwrap();
    revoke(&db, key.id).await;
    keys.check(text.reveal(), NOW + Duration::from_millis(4_999)).await.unwrap();
    let (reason, _) = refusal(&keys, text.reveal(), NOW + BELIEVED).await;
    assert_eq!(reason, "the key was revoked");
}
