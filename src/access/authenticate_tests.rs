//! Tests of the door as a whole: one credential a request, origins, care teams.

use http::HeaderValue;

use super::*;
use crate::access::api_keys::{NewKey, create_key};
use crate::access::jwt::{ClaimNames, TokenRequest, issue_token};
use crate::access::rows;
use crate::access::users::{NewUser, add_user};
use crate::access::{CallerKind, DEFAULT_CLINIC, Role};
use crate::db::DatabaseUrl;
use crate::ids::{Ids, PatientId, UserId};

struct House {
    _folder: tempfile::TempDir,
    db: Db,
    clock: Clock,
    jwt: JwtConfig,
    door: Authenticator,
}

async fn house(public_url: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("db.sqlite"));
    let (db, clock) = (Db::open(&url).await.unwrap(), Clock::default());
    let jwt = JwtConfig {
        secret: Secret::new(vec![7; 32]),
        jwks: None,
        issuer: None,
        audience: None,
        claims: ClaimNames::default(),
    };
    let config = AuthConfig {
        jwt: jwt.clone(),
        public_url: public_url.parse().unwrap(),
        allowed_origins: vec!["https://app.example:8443".parse().unwrap()],
        session_idle: Duration::from_mins(15),
    };
    let door = Authenticator::new(config, db.clone(), clock.clone()).unwrap();
    House { _folder: folder, db, clock, jwt, door }
}

impl House {
    fn token(&self) -> String {
        let request = TokenRequest {
            user: UserId::new("dr"),
            roles: vec![Role::Clinician],
            clinic: None,
            patients: Vec::new(),
            ttl: Duration::from_mins(1),
        };
        issue_token(&self.jwt, request, self.clock.now()).into_revealed()
    }

    async fn key(&self) -> String {
        let new =
            NewKey { name: "k".to_owned(), role: Role::Staff, clinic: None, expires_at: None };
        let mut tx = self.db.begin().await.unwrap();
        let (_, text) = create_key(&mut tx, &Ids::counted(), self.clock.now(), new).await.unwrap();
        tx.commit().await.unwrap();
        text.into_revealed()
    }

    /// A `Cookie` header of a new session.
    async fn cookie(&self) -> String {
        let password = Secret::new("right password".to_owned());
        let user = NewUser {
            name: "ann".to_owned(),
            password: password.clone(),
            role: Role::Admin,
            clinic: None,
        };
        add_user(&self.db, user, self.clock.now()).await.unwrap();
        let cookie = self.door.log_in("ann", password).await.unwrap().set_cookie().unwrap();
        let text = cookie.to_str().unwrap();
        text.split(';').next().unwrap().to_owned()
    }

    async fn call(
        &self,
        method: Method,
        headers: &[(&'static str, &str)],
    ) -> Result<Caller, AuthError> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_str(value).unwrap());
        }
        self.door.identify(&map, &method).await
    }
}

#[tokio::test]
async fn a_caller_is_known_by_token_by_key_in_either_header_and_by_cookie() {
    let house = house("http://127.0.0.1:8080").await;
    let bearer = format!("Bearer {}", house.token());
    let caller = house.call(Method::POST, &[("authorization", &bearer)]).await.unwrap();
    assert_eq!((caller.kind, caller.clinic), (CallerKind::User, DEFAULT_CLINIC));
    let key = house.key().await;
    let bearer = format!("bearer {key}");
    for header in [("authorization", bearer.as_str()), ("x-api-key", &key)] {
        let caller = house.call(Method::POST, &[header]).await.unwrap();
        assert_eq!((caller.kind, caller.roles), (CallerKind::ApiKey, vec![Role::Staff]));
    }
    let cookie = format!("theme=dark; {}", house.cookie().await);
    let caller = house.call(Method::GET, &[("cookie", &cookie)]).await.unwrap();
    assert_eq!((caller.kind, caller.user), (CallerKind::Session, UserId::new("ann")));
}

#[tokio::test]
async fn more_than_one_credential_at_once_is_refused() {
    let house = house("http://127.0.0.1:8080").await;
    let (bearer, key) = (format!("Bearer {}", house.token()), house.key().await);
    let cookie = house.cookie().await;
    let all = [("authorization", bearer.as_str()), ("x-api-key", &key), ("cookie", &cookie)];
    for (one, other) in [(0, 1), (0, 2), (1, 2), (0, 0), (1, 1)] {
        let answer = house.call(Method::GET, &[all[one], all[other]]).await;
        assert!(matches!(answer, Err(AuthError::BadRequest { .. })), "{answer:?}");
    }
}

#[tokio::test]
async fn nothing_shown_is_missing_and_another_scheme_is_invalid() {
    let house = house("http://127.0.0.1:8080").await;
    let nothing = house.call(Method::GET, &[("cookie", "theme=dark")]).await;
    assert!(matches!(nothing, Err(AuthError::Missing)), "{nothing:?}");
    for value in ["Basic YTpi", "Bearer", "Bearer ", "Bearer a.b.c", "Bearer srk_1"] {
        let answer = house.call(Method::GET, &[("authorization", value)]).await;
        assert!(matches!(answer, Err(AuthError::Invalid { .. })), "{value}: {answer:?}");
    }
}

#[tokio::test]
async fn a_write_with_the_cookie_must_come_from_our_own_pages_or_an_allowed_origin() {
    let house = house("https://files.example/").await;
    let cookie = house.cookie().await;
    assert!(cookie.starts_with("__Host-"));
    let from = async |method: Method, origins: &[&str]| {
        let origins = origins.iter().map(|origin| ("origin", *origin));
        let headers: Vec<_> = origins.chain([("cookie", cookie.as_str())]).collect();
        house.call(method, &headers).await
    };
    for own in ["https://files.example", "https://app.example:8443"] {
        from(Method::DELETE, &[own]).await.unwrap();
    }
    from(Method::GET, &[]).await.unwrap();
    from(Method::HEAD, &["https://evil.example"]).await.unwrap();
    let foreign: [&[&str]; 7] = [
        &[],
        &["null"],
        &["https://evil.example"],
        &["http://files.example"],
        &["https://files.example:444"],
        &["https://files.example.evil.example"],
        &["https://files.example", "https://evil.example"],
    ];
    for origins in foreign {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = from(method, origins).await;
            let origin = matches!(answer, Err(AuthError::ForeignOrigin));
            assert!(origin, "{origins:?}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn the_session_of_a_request_can_be_ended() {
    let house = house("http://127.0.0.1:8080").await;
    let cookie = house.cookie().await;
    let mut headers = HeaderMap::new();
    headers.insert("cookie", HeaderValue::from_str(&cookie).unwrap());
    let session = house.door.session_id(&headers).unwrap();
    let mut tx = house.db.begin().await.unwrap();
    assert!(rows::end_session(&mut tx, session, house.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    let answer = house.call(Method::GET, &[("cookie", &cookie)]).await;
    assert!(matches!(answer, Err(AuthError::Invalid { .. })), "{answer:?}");
}

#[tokio::test]
async fn no_refusal_repeats_what_was_shown() {
    let house = house("http://127.0.0.1:8080").await;
    let (key, canary) = (house.key().await, "CANARY");
    let tampered = format!("{}{canary}", &key[..key.len() - canary.len()]);
    for header in [
        ("authorization", format!("Bearer {canary}.b.c")),
        ("x-api-key", tampered),
        ("cookie", format!("strongroom_session={canary}")),
    ] {
        let error = house.call(Method::GET, &[(header.0, &header.1)]).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(canary), "{error:?}");
    }
}

#[tokio::test]
async fn a_care_team_is_kept_a_patient_and_a_clinic() {
    let house = house("http://127.0.0.1:8080").await;
    let (patient, user) = (PatientId::new("p-1"), UserId::new("dr"));
    let elsewhere = "00000000-0000-7000-8000-000000000002".parse().unwrap();
    let (now, clinic) = (house.clock.now(), DEFAULT_CLINIC);
    let mut tx = house.db.begin().await.unwrap();
    let tx = &mut tx;
    assert!(rows::add_to_care_team(tx, clinic, &patient, &user, &user, now).await.unwrap());
    assert!(!rows::add_to_care_team(tx, clinic, &patient, &user, &user, now).await.unwrap());
    assert!(rows::is_in_care_team(tx, clinic, &patient, &user).await.unwrap());
    assert!(!rows::is_in_care_team(tx, elsewhere, &patient, &user).await.unwrap());
    assert!(!rows::is_in_care_team(tx, clinic, &PatientId::new("p-2"), &user).await.unwrap());
    let team = rows::list_care_team(tx, clinic, &patient).await.unwrap();
    assert_eq!(team.iter().map(|row| &row.user_id).collect::<Vec<_>>(), [&user]);
    assert!(rows::remove_from_care_team(tx, clinic, &patient, &user).await.unwrap());
    assert!(!rows::remove_from_care_team(tx, clinic, &patient, &user).await.unwrap());
}
