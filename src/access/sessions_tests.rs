//! Tests of sessions, log-in throttling and the cookie.

use super::*;
use crate::access::users::{NewUser, add_user, hash_password};
use crate::access::{DEFAULT_CLINIC, Role};
use crate::db::DatabaseUrl;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const IDLE: Duration = Duration::from_mins(15);

async fn house() -> (tempfile::TempDir, Db, Sessions) {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("db.sqlite"));
    let db = Db::open(&url).await.unwrap();
    let user = NewUser {
        name: "ann".to_owned(),
        password: secret("right password"),
        role: Role::Admin,
        clinic: None,
    };
    add_user(&db, user, NOW).await.unwrap();
    let sessions = Sessions::new(db.clone(), IDLE, false);
    (folder, db, sessions)
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn signed_in(sessions: &Sessions) -> SessionCookie {
    sessions.log_in("ann", secret("right password"), NOW).await.unwrap()
}

fn minutes(n: u64) -> Duration {
    Duration::from_mins(n)
}

#[tokio::test]
async fn a_session_ends_after_a_quarter_of_an_hour_without_use() {
    let (_folder, _db, sessions) = house().await;
    let cookie = signed_in(&sessions).await;
    let token = cookie.token.reveal();
    let holder = sessions.check(token, NOW + minutes(14)).await.unwrap();
    assert_eq!((holder.user.as_str(), holder.clinic), ("ann", Some(DEFAULT_CLINIC)));
    sessions.check(token, NOW + minutes(28)).await.unwrap();
    let late = sessions.check(token, NOW + minutes(43)).await;
    assert!(matches!(late, Err(AuthError::Expired)), "{late:?}");
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours_however_much_it_is_used() {
    let (_folder, _db, sessions) = house().await;
    let cookie = signed_in(&sessions).await;
    for n in 1..72 {
        sessions.check(cookie.token.reveal(), NOW + minutes(10 * n)).await.unwrap();
    }
    let late = sessions.check(cookie.token.reveal(), NOW + minutes(720)).await;
    assert!(matches!(late, Err(AuthError::Expired)), "{late:?}");
}

#[tokio::test]
async fn the_last_use_is_written_at_most_once_a_minute() {
    let (_folder, db, sessions) = house().await;
    let cookie = signed_in(&sessions).await;
    let seen = async || {
        let mut reader = db.reader().await.unwrap();
        rows::find_session(&mut reader, cookie.session).await.unwrap().unwrap().last_seen_at
    };
    sessions.check(cookie.token.reveal(), NOW + Duration::from_secs(59)).await.unwrap();
    assert_eq!(seen().await, NOW);
    sessions.check(cookie.token.reveal(), NOW + minutes(1)).await.unwrap();
    assert_eq!(seen().await, NOW + minutes(1));
}

#[tokio::test]
async fn a_session_ends_with_signing_out_a_new_password_and_a_user_shut_out() {
    let (_folder, db, sessions) = house().await;
    let (out, renewed) = (signed_in(&sessions).await, signed_in(&sessions).await);
    let mut tx = db.begin().await.unwrap();
    assert!(rows::end_session(&mut tx, out.session, NOW).await.unwrap());
    tx.commit().await.unwrap();
    sessions.check(renewed.token.reveal(), NOW).await.unwrap();
    let hash = hash_password(secret("another password")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(rows::set_password(&mut tx, DEFAULT_CLINIC, "ann", &hash, None, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let shut = sessions.log_in("ann", secret("another password"), NOW).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(rows::disable_user(&mut tx, DEFAULT_CLINIC, "ann", NOW).await.unwrap());
    tx.commit().await.unwrap();
    let begun = std::time::Instant::now();
    let again = sessions.log_in("ann", secret("another password"), NOW).await;
    assert!(matches!(again, Err(LogInError::Wrong)), "{again:?}");
    assert!(begun.elapsed() >= WRONG_TAKES, "the time tells that the password is right");
    // To be let in again brings no session back.
    let mut tx = db.begin().await.unwrap();
    assert!(rows::enable_user(&mut tx, DEFAULT_CLINIC, "ann").await.unwrap());
    tx.commit().await.unwrap();
    for cookie in [out, renewed, shut] {
        let ended = sessions.check(cookie.token.reveal(), NOW).await;
        assert!(matches!(ended, Err(AuthError::Invalid { .. })), "{ended:?}");
    }
    sessions.log_in("ann", secret("another password"), NOW).await.unwrap();
}

#[tokio::test]
async fn a_tampered_or_foreign_cookie_opens_nothing() {
    let (_folder, _db, sessions) = house().await;
    let cookie = signed_in(&sessions).await;
    let token = cookie.token.reveal();
    let other = signed_in(&sessions).await;
    let swapped = format!("{}{}", &token[..32], &other.token.reveal()[32..]);
    for token in ["", "x", &token[..40], &swapped] {
        let refused = sessions.check(token, NOW).await;
        assert!(matches!(refused, Err(AuthError::Invalid { .. })), "{token}: {refused:?}");
    }
}

/// What signing in with a wrong password answers, as a word.
async fn guess(sessions: &Sessions, name: &str, now: Timestamp) -> &'static str {
    match sessions.log_in(name, secret("wrong password"), now).await {
        Err(LogInError::Wrong) => "wrong",
        Err(LogInError::Locked { .. }) => "locked",
        Ok(_) | Err(LogInError::Busy | LogInError::Unavailable(_)) => "something else",
    }
}

#[tokio::test]
async fn guessing_locks_a_name_whether_or_not_somebody_has_it() {
    let (_folder, _db, sessions) = house().await;
    for name in ["ann", "nobody"] {
        let mut answers = Vec::new();
        for second in [0, 1, 2, 3, 4, 5, 63, 64, 65, 183, 184] {
            answers.push(guess(&sessions, name, NOW + Duration::from_secs(second)).await);
        }
        assert_eq!(
            answers,
            [
                "wrong", "wrong", "wrong", "wrong", "wrong", // the fifth locks for a minute
                "locked", "locked", "wrong", // the sixth for two
                "locked", "locked", "wrong",
            ],
            "{name}"
        );
    }
    let locked = sessions.log_in("ann", secret("right password"), NOW + minutes(4)).await;
    assert!(matches!(locked, Err(LogInError::Locked { .. })), "{locked:?}");
    let later = NOW + minutes(60);
    sessions.log_in("ann", secret("right password"), later).await.unwrap();
    assert_eq!(guess(&sessions, "ann", later).await, "wrong");
    assert_eq!(guess(&sessions, "ann", later).await, "wrong");
}

#[tokio::test]
async fn guesses_sent_at_once_do_not_slip_past_the_lock() {
    let (_folder, _db, sessions) = house().await;
    let answers = futures::future::join_all((0..12).map(|_| guess(&sessions, "ann", NOW))).await;
    let tried = answers.iter().filter(|answer| **answer == "wrong").count();
    assert!((5..=6).contains(&tried), "{answers:?}");
}

#[test]
fn the_cookie_is_guarded_and_on_https_bound_to_this_host() {
    let cookie = |https| SessionCookie {
        session: SessionId::from_uuid(uuid::Uuid::nil()),
        token: secret("t"),
        https,
    };
    let shown = |https| cookie(https).set_cookie().unwrap().to_str().unwrap().to_owned();
    assert_eq!(
        shown(true),
        "__Host-strongroom_session=t; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict; Secure"
    );
    assert_eq!(
        shown(false),
        "strongroom_session=t; Max-Age=43200; Path=/; HttpOnly; SameSite=Strict"
    );
    assert!(SessionCookie::clear(true).unwrap().to_str().unwrap().contains("=; Max-Age=0;"));
    assert!(!format!("{:?}", cookie(true)).contains("\"t\""));
}
