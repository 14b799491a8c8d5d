//! Tests of tokens, with keys made at run time.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents,
};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn config() -> JwtConfig {
    JwtConfig {
        secret: Secret::new(b"0123456789abcdef0123456789abcdef".to_vec()),
        jwks: None,
        issuer: None,
        audience: None,
        claims: ClaimNames::default(),
    }
}

fn claims() -> Value {
    json!({ "sub": "dr", "roles": ["clinician"], "exp": NOW.seconds() + 60 })
}

#[allow(clippy::needless_pass_by_value, reason = "every call makes the value it passes")]
fn with(changes: Value) -> Value {
    let mut all = claims();
    for (name, value) in changes.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn signed(head: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let text = format!("{}.{}", b64(head.to_string()), b64(claims.to_string()));
    let signature = b64(sign(text.as_bytes()));
    format!("{text}.{signature}")
}

fn hs256(secret: &[u8], claims: &Value) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let sign = |text: &[u8]| hmac::sign(&key, text).as_ref().to_vec();
    signed(&json!({ "alg": "HS256" }), claims, sign)
}

async fn check(config: JwtConfig, token: &str) -> Result<Identity, AuthError> {
    Verifier::new(config).unwrap().verify(token, NOW).await
}

/// The answer to a token of the right secret with these claims.
async fn says(config: JwtConfig, claims: Value) -> Result<Identity, AuthError> {
    let token = hs256(config.secret.reveal(), &claims);
    check(config, &token).await
}

fn reason(answer: Result<Identity, AuthError>) -> &'static str {
    match answer {
        Err(AuthError::Invalid { reason, .. }) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn an_issued_token_is_accepted_and_says_what_it_was_issued_for() {
    let mut config = config();
    config.issuer = Some("strongroom".to_owned());
    config.audience = Some("files".to_owned());
    config.claims.roles = "realm_access.roles".to_owned();
    let clinic = "00000000-0000-7000-8000-000000000009".parse().unwrap();
    let request = TokenRequest {
        user: UserId::new("ann"),
        roles: vec![Role::Patient],
        clinic: Some(clinic),
        patients: vec![PatientId::new("p-1"), PatientId::new("p-2")],
        ttl: Duration::from_mins(1),
    };
    let token = issue_token(&config, request.clone(), NOW);
    let TokenRequest { user, roles, clinic, patients, .. } = request;
    let identity = check(config, token.reveal()).await.unwrap();
    let until = (NOW + Duration::from_mins(1)).whole_seconds();
    assert_eq!(identity, Identity { user, roles, clinic, patients, until });
}

#[tokio::test]
async fn roles_are_an_array_or_text_and_unknown_ones_are_passed_over() {
    for roles in [
        json!(["nurse", "staff", "auditor"]),
        json!("staff nurse auditor"),
        json!("auditor, staff"),
    ] {
        let identity = says(config(), with(json!({ "roles": roles }))).await.unwrap();
        assert_eq!(identity.roles, [Role::Staff, Role::Auditor]);
    }
    for roles in [json!(["nurse"]), json!(""), json!(7), Value::Null] {
        let error = says(config(), with(json!({ "roles": roles }))).await.unwrap_err();
        for role in Role::ALL {
            assert!(error.to_string().contains(role.as_str()), "{error}");
        }
    }
}

#[tokio::test]
async fn a_claim_is_found_by_its_whole_name_or_by_its_path() {
    let mut config = config();
    config.claims.roles = "https://clinic.example/roles".to_owned();
    config.claims.clinic = "org.clinic".to_owned();
    let changes = json!({
        "https://clinic.example/roles": ["staff"],
        "org": { "clinic": "00000000-0000-7000-8000-000000000009" },
    });
    let identity = says(config, with(changes)).await.unwrap();
    assert_eq!(identity.roles, [Role::Staff]);
    assert!(identity.clinic.is_some());
}

#[tokio::test]
async fn a_wrong_secret_a_changed_claim_and_no_algorithm_are_refused() {
    let wrong = hs256(&[1; 32], &claims());
    assert_eq!(reason(check(config(), &wrong).await), "the signature is wrong");
    let good = hs256(config().secret.reveal(), &claims());
    let (rest, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = rest.split_once('.').unwrap();
    let swapped = format!("{head}.{}.{signature}", b64(with(json!({ "sub": "eve" })).to_string()));
    assert_eq!(reason(check(config(), &swapped).await), "the signature is wrong");
    for alg in ["none", "None", "NONE", "", "HS512", "hs256"] {
        for signature in [Vec::new(), b"x".to_vec()] {
            let token = signed(&json!({ "alg": alg }), &claims(), |_| signature.clone());
            let why = reason(check(config(), &token).await);
            assert_eq!(why, "the algorithm is not one that is configured", "{alg}");
        }
    }
    let critical = json!({ "alg": "HS256", "crit": ["exp"] });
    let key = hmac::Key::new(hmac::HMAC_SHA256, config().secret.reveal());
    let token = signed(&critical, &claims(), |text| hmac::sign(&key, text).as_ref().to_vec());
    assert!(reason(check(config(), &token).await).contains("critical"));
}

#[tokio::test]
async fn times_are_checked_with_half_a_minute_of_leeway() {
    let at = |name: &str, offset: i64| with(json!({ name: NOW.seconds() + offset }));
    says(config(), at("exp", -29)).await.unwrap();
    says(config(), with(json!({ "exp": 1_700_000_060.5 }))).await.unwrap();
    assert!(matches!(says(config(), at("exp", -30)).await, Err(AuthError::Expired)));
    says(config(), at("nbf", 30)).await.unwrap();
    assert_eq!(reason(says(config(), at("nbf", 31)).await), "nbf is in the future");
    let mut endless = claims();
    endless.as_object_mut().unwrap().remove("exp");
    assert_eq!(reason(says(config(), endless).await), "exp is missing");
    for exp in [json!("tomorrow"), json!(null), json!([1])] {
        reason(says(config(), with(json!({ "exp": exp }))).await);
    }
}

#[tokio::test]
async fn issuer_and_audience_are_checked_where_they_are_configured() {
    let strict = || JwtConfig {
        issuer: Some("idp".to_owned()),
        audience: Some("files".to_owned()),
        ..config()
    };
    for aud in [json!("files"), json!(["other", "files"])] {
        says(strict(), with(json!({ "iss": "idp", "aud": aud }))).await.unwrap();
    }
    for (iss, aud) in [
        (json!("idp"), json!("other")),
        (json!("idp"), json!([])),
        (json!("idp"), Value::Null),
        (json!("evil"), json!("files")),
        (json!(["idp"]), json!("files")),
        (Value::Null, json!("files")),
    ] {
        reason(says(strict(), with(json!({ "iss": iss, "aud": aud }))).await);
    }
}

#[tokio::test]
async fn a_token_without_a_usable_subject_is_refused() {
    for sub in
        [json!(""), json!("  "), json!(7), Value::Null, json!("a\nb"), json!("x".repeat(257))]
    {
        reason(says(config(), with(json!({ "sub": sub }))).await);
    }
    let clinic = with(json!({ "clinic_id": "north" }));
    assert_eq!(reason(says(config(), clinic).await), "the clinic is no UUID");
}

#[test]
fn a_secret_that_could_be_guessed_is_refused_at_start() {
    let weak = JwtConfig { secret: Secret::new(vec![1; 31]), ..config() };
    assert!(matches!(Verifier::new(weak), Err(SetupError::WeakSecret(31))));
}

/// A key pair made for one test.
enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Pair {
    fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    fn jwk(&self, kid: &str) -> Value {
        let mut jwk = match self {
            Self::Rsa(pair) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": b64(parts.n), "e": b64(parts.e) })
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]),
                        "y": b64(&point[33..]) })
            }
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(pair.public_key()) })
            }
        };
        (jwk["kid"], jwk["use"]) = (json!(kid), json!("sig"));
        jwk
    }

    fn token(&self, alg: &str, kid: &str) -> String {
        signed(&json!({ "alg": alg, "kid": kid }), &claims(), |text| self.sign(alg, text))
    }

    fn sign(&self, alg: &str, text: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let padding = if alg == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                pair.sign(padding, &random, text, &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, text).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(text).as_ref().to_vec(),
        }
    }
}

fn set(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn file_config(path: &Path) -> JwtConfig {
    JwtConfig { jwks: Some(JwksSource::File(path.to_owned())), ..config() }
}

#[tokio::test]
async fn tokens_of_every_algorithm_are_checked_with_the_keys_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let (rsa, ec, ed) = (Pair::rsa(), Pair::ec(), Pair::ed());
    std::fs::write(&path, set(&[rsa.jwk("r"), ec.jwk("e"), ed.jwk("d")])).unwrap();
    let verifier = Verifier::new(file_config(&path)).unwrap();
    let good = [
        rsa.token("RS256", "r"),
        rsa.token("PS256", "r"),
        ec.token("ES256", "e"),
        ed.token("EdDSA", "d"),
        hs256(config().secret.reveal(), &claims()),
    ];
    for token in &good {
        assert_eq!(verifier.verify(token, NOW).await.unwrap().user, UserId::new("dr"));
    }
    let without_kid = signed(&json!({ "alg": "ES256" }), &claims(), |t| ec.sign("ES256", t));
    verifier.verify(&without_kid, NOW).await.unwrap();
    let bad = [
        rsa.token("ES256", "r"),
        rsa.token("RS256", "e"),
        ec.token("ES256", "d"),
        Pair::rsa().token("RS256", "r"),
        Pair::ec().token("ES256", "e"),
    ];
    for token in &bad {
        reason(verifier.verify(token, NOW).await);
    }
}

#[tokio::test]
async fn a_public_key_is_never_taken_for_the_shared_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let (rsa, ec) = (Pair::rsa(), Pair::ec());
    let text = set(&[rsa.jwk("r"), ec.jwk("e")]);
    std::fs::write(&path, &text).unwrap();
    let verifier = Verifier::new(file_config(&path)).unwrap();
    verifier.verify(&rsa.token("RS256", "r"), NOW).await.unwrap();
    let (Pair::Rsa(rsa), Pair::Ec(ec)) = (&rsa, &ec) else { unreachable!() };
    let modulus = RsaPublicKeyComponents::<Vec<u8>>::from(rsa.public_key()).n;
    let publicly_known =
        [rsa.public_key().as_ref(), &modulus, ec.public_key().as_ref(), text.as_bytes(), b""];
    for secret in publicly_known {
        let token = hs256(secret, &claims());
        assert_eq!(reason(verifier.verify(&token, NOW).await), "the signature is wrong");
    }
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_or_are_shared_secrets_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let (good, other) = (Pair::ec(), Pair::ec());
    let (mut encryption, mut unsaid, mut mixed) =
        (other.jwk("enc"), other.jwk("unsaid"), other.jwk("mixed"));
    encryption["use"] = json!("enc");
    unsaid.as_object_mut().unwrap().remove("use");
    mixed["alg"] = json!("RS256");
    let shared = json!({ "kty": "oct", "k": b64([1; 32]), "kid": "oct", "use": "sig" });
    let keys = [good.jwk("good"), encryption, unsaid, mixed, shared, json!("nonsense")];
    std::fs::write(&path, set(&keys)).unwrap();
    let verifier = Verifier::new(file_config(&path)).unwrap();
    verifier.verify(&good.token("ES256", "good"), NOW).await.unwrap();
    verifier.verify(&other.token("ES256", "unsaid"), NOW).await.unwrap();
    for kid in ["enc", "mixed"] {
        reason(verifier.verify(&other.token("ES256", kid), NOW).await);
    }
    reason(verifier.verify(&hs256(&[1; 32], &claims()), NOW).await);
}

#[tokio::test]
async fn keys_roll_over_with_the_file_and_a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("jwks.json");
    let (old, new) = (Pair::ec(), Pair::rsa());
    let verifier = Verifier::new(file_config(&path)).unwrap();
    let missing = verifier.verify(&old.token("ES256", "old"), NOW).await;
    assert!(matches!(missing, Err(AuthError::Unavailable(_))), "{missing:?}");
    std::fs::write(&path, set(&[old.jwk("old")])).unwrap();
    let later = |seconds| NOW + Duration::from_secs(seconds);
    verifier.verify(&old.token("ES256", "old"), later(1)).await.unwrap();
    std::fs::write(&path, "{ half a fi").unwrap();
    verifier.verify(&old.token("ES256", "old"), later(2)).await.unwrap();
    std::fs::write(&path, set(&[new.jwk("new")])).unwrap();
    reason(verifier.verify(&new.token("RS256", "new"), later(2)).await);
    verifier.verify(&new.token("RS256", "new"), later(3)).await.unwrap();
    reason(verifier.verify(&old.token("ES256", "old"), later(3)).await);
}

/// Serves key sets, one a request, then only failures; counts the requests.
fn serve(answers: Vec<String>) -> (String, Arc<AtomicUsize>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let n = counted.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let answer = answers.get(n).map_or_else(
                || "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
                |body| {
                    format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                        body.len()
                    )
                },
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, count)
}

#[tokio::test]
async fn an_unknown_key_is_looked_up_once_a_minute_and_the_last_good_set_is_kept() {
    let (old, new, forged) = (Pair::ec(), Pair::ec(), Pair::ec());
    let (url, count) = serve(vec![set(&[old.jwk("old")]), set(&[old.jwk("old"), new.jwk("new")])]);
    let jwks = Some(JwksSource::Url(url));
    let verifier = Verifier::new(JwtConfig { jwks, ..config() }).unwrap();
    let far = with(json!({ "exp": NOW.seconds() + 10_000 }));
    let token = |pair: &Pair, kid: &str| {
        signed(&json!({ "alg": "ES256", "kid": kid }), &far, |text| pair.sign("ES256", text))
    };
    let (old, new) = (token(&old, "old"), token(&new, "new"));
    let later = |seconds| NOW + Duration::from_secs(seconds);
    let reads = || count.load(Ordering::SeqCst);

    verifier.verify(&old, NOW).await.unwrap();
    reason(verifier.verify(&new, later(59)).await);
    assert_eq!(reads(), 1);
    verifier.verify(&new, later(60)).await.unwrap();
    assert_eq!(reads(), 2);
    for _ in 0..3 {
        reason(verifier.verify(&token(&forged, "forged"), later(61)).await);
    }
    assert_eq!(reads(), 2);
    verifier.verify(&old, later(659)).await.unwrap();
    assert_eq!(reads(), 2);
    verifier.verify(&old, later(660)).await.unwrap();
    assert_eq!(reads(), 3);
    verifier.verify(&old, later(719)).await.unwrap();
    assert_eq!(reads(), 3);
}

#[tokio::test]
async fn calls_at_once_wait_for_one_read_of_the_keys() {
    let pair = Pair::ec();
    let (url, count) = serve(vec![set(&[pair.jwk("e")])]);
    let jwks = Some(JwksSource::Url(url));
    let verifier = Verifier::new(JwtConfig { jwks, ..config() }).unwrap();
    let token = pair.token("ES256", "e");
    let calls = (0..8).map(|_| verifier.verify(&token, NOW));
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

/// Prints what a token costs (`--no-capture`).
#[tokio::test]
async fn a_token_of_the_shared_secret_is_checked_many_times_over_in_a_second() {
    let verifier = Verifier::new(config()).unwrap();
    let token = hs256(config().secret.reveal(), &claims());
    let began = std::time::Instant::now();
    for _ in 0..1000 {
        verifier.verify(&token, NOW).await.unwrap();
    }
    let each = began.elapsed() / 1000;
    println!("an HS256 token: {each:?}");
    assert!(each < Duration::from_millis(1), "{each:?}");
}
