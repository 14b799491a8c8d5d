//! Webhooks when something is wrong: receivers that are dead, changed or removed meanwhile, a
//! database that fails, a store that does not erase.

use std::time::{Duration, Instant};

use futures::future::join_all;
use http::Method;
use serde_json::{Value, json};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::ids::ClinicId;
use strongroom::webhooks::{Sent, rows};
use uuid::Uuid;

use crate::faulty_proxy::{Fault, Proxy};
use crate::garage::Account;
use crate::process::{PATIENCE, PAUSE};
use crate::support::{OTHER_CLINIC, TestApp, pdf};
use crate::webhooks::{deliveries, make, path, send};
use crate::webhooks_receiver::{Receiver, Reply};
use crate::with_variables;

const PRIVATE: &[(&str, &str)] = &[("STRONGROOM_WEBHOOK_ALLOW_PRIVATE", "true")];

with_variables!(
    super::PRIVATE;
    dead_receivers_of_some_clinics_keep_another_clinics_waiting_for_nothing,
    a_receiver_that_is_away_is_asked_with_one_message_until_it_is_back,
    a_receiver_that_does_not_want_a_message_is_sent_the_others,
    a_secret_that_is_made_while_something_else_changes_is_the_one_that_signs,
    a_webhook_is_removed_while_documents_change_and_neither_is_refused,
    a_quiet_webhook_is_not_switched_off_by_one_failure,
    a_failure_of_the_database_costs_no_other_message_its_answer,
    what_happens_while_a_webhook_is_off_for_failing_waits_for_it,
);

/// A server that takes connections and never answers.
async fn dead() -> (String, tokio::net::TcpListener) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}/hooks", listener.local_addr().unwrap()), listener)
}

/// Waits for something that is to come by itself.
async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn dead_receivers_of_some_clinics_keep_another_clinics_waiting_for_nothing(app: &TestApp) {
    let (url, _silent) = dead().await;
    let third = ClinicId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0003));
    for clinic in [OTHER_CLINIC, third] {
        let admin = app.token("their-admin", Role::Admin, clinic, &[]);
        for _ in 0..20 {
            app.post(&admin, "/api/webhooks", json!({ "url": url })).await.expect(201);
        }
        for _ in 0..8 {
            app.upload(&admin, "patient-1", &pdf()).await;
        }
    }
    let receiver = Receiver::start().await;
    make(app, &app.admin(), &receiver, json!(["*"])).await;
    app.upload(&app.admin(), "patient-1", &pdf()).await;
    app.clock.shift_seconds(1);
    let began = Instant::now();
    tokio::select! {
        () = strongroom::webhooks::run(&app.app) => {}
        () = until("nothing came", async || receiver.got().len() == 1) => {}
    }
    assert!(began.elapsed() < Duration::from_secs(10), "it waited for the dead");
}

async fn a_receiver_that_is_away_is_asked_with_one_message_until_it_is_back(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let webhook = make(app, &admin, &receiver, json!(["*"])).await;
    for _ in 0..12 {
        app.upload(&admin, "patient-1", &pdf()).await;
    }
    receiver.answers(&[Reply::Status(503); 6]);
    let sent = send(app).await;
    assert!(
        (1..=4).contains(&sent.again) && sent.delivered == 0,
        "not one after another: {sent:?}"
    );
    let known = receiver.got().len();
    assert_eq!(send(app).await, Sent::default(), "it has a rest");
    app.clock.shift_seconds(6);
    assert_eq!(send(app).await, Sent { again: 1, ..Sent::default() });
    app.clock.shift_seconds(6 * 60);
    // What is left of the six, and then one that is taken.
    for _ in 0..6 - known - 1 {
        assert_eq!(send(app).await.again, 1);
        app.clock.shift_seconds(6 * 60);
    }
    assert_eq!(send(app).await, Sent { delivered: 1, ..Sent::default() });
    assert_eq!(send(app).await.delivered, 11, "it is back");
    assert!(deliveries(app, &webhook).await.iter().all(|d| d["state"] == "delivered"));
}

async fn a_receiver_that_does_not_want_a_message_is_sent_the_others(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    make(app, &admin, &receiver, json!(["*"])).await;
    for _ in 0..12 {
        app.upload(&admin, "patient-1", &pdf()).await;
    }
    receiver.answers(&[Reply::Status(422); 3]);
    assert_eq!(send(app).await, Sent { delivered: 9, again: 3, failed: 0 });
}

async fn a_secret_that_is_made_while_something_else_changes_is_the_one_that_signs(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let webhook = make(app, &admin, &receiver, json!(["*"])).await;
    let id = webhook["id"].as_str().unwrap().parse().unwrap();
    let (path, rotate) = (path(&webhook), format!("{}/rotate-secret", path(&webhook)));
    for round in 0..15 {
        let change = async |text: String| {
            let body = json!({ "description": text });
            app.call(&admin, Method::PATCH, &path, Some(body)).await.expect(200).json()
        };
        let (rotated, ..) = tokio::join!(
            app.call(&admin, Method::POST, &rotate, None),
            change(format!("a{round}")),
            change(format!("b{round}")),
        );
        let secret = rotated.expect(200).json()["secret"].as_str().unwrap().to_owned();
        let mut reader = app.app.db.reader().await.unwrap();
        let row = rows::find(&mut reader, DEFAULT_CLINIC, id).await.unwrap().unwrap();
        drop(reader);
        let signs = app.app.secrets.webhook(id, row.secret_salt).unwrap();
        assert_eq!(signs.text().into_revealed(), secret, "round {round}");
        let said = row.description.unwrap();
        assert!(said.ends_with(&round.to_string()), "{said} in round {round}");
    }
}

async fn a_webhook_is_removed_while_documents_change_and_neither_is_refused(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    for _ in 0..3 {
        let webhooks = join_all((0..12).map(|_| make(app, &admin, &receiver, json!(["*"])))).await;
        let sample = pdf();
        let documents = join_all((0..12).map(|_| app.upload(&admin, "patient-1", &sample))).await;
        let changes = documents.iter().map(|document| {
            let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
            async move { app.delete(&app.admin(), &path).await.status.as_u16() }
        });
        let removals = webhooks.iter().map(|webhook| {
            let path = path(webhook);
            async move { app.delete(&app.admin(), &path).await.status.as_u16() }
        });
        let (deleted, removed) = tokio::join!(join_all(changes), join_all(removals));
        assert_eq!(deleted, [200; 12]);
        assert_eq!(removed, [204; 12]);
    }
    assert_eq!(send(app).await, Sent::default());
    // What nobody is told any more is forgotten like the rest.
    app.clock.shift_seconds(31 * 86_400);
    strongroom::upkeep::run_once(&app.app, false).await.unwrap();
}

async fn a_quiet_webhook_is_not_switched_off_by_one_failure(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let webhook = make(app, &admin, &receiver, json!(["*"])).await;
    receiver.answers(&[Reply::Status(503); 11]);
    app.upload(&admin, "patient-1", &pdf()).await;
    while deliveries(app, &webhook).await[0]["state"] == "pending" {
        send(app).await;
        app.clock.shift_seconds(3600);
    }
    // Nothing happens for a week.
    app.clock.shift_seconds(7 * 86_400);
    let test = format!("{}/test", path(&webhook));
    app.call(&app.admin(), Method::POST, &test, None).await.expect(202);
    assert_eq!(send(app).await.again, 1);
    let shown = app.get(&app.admin(), &path(&webhook)).await.expect(200).json();
    assert_eq!(shown["enabled"], true, "{shown}");
    app.clock.shift_seconds(6);
    assert_eq!(send(app).await.delivered, 1);
    assert_eq!(receiver.got().len(), 12);
}

/// From here on no message of this event can be taken up for sending.
async fn break_sending(app: &TestApp) {
    let sql = match app.app.db.engine() {
        "postgres" => {
            "create function broken_sending() returns trigger language plpgsql as \
             $$ begin raise exception 'broken'; end $$; \
             create trigger broken_sending before update on webhook_deliveries for each row \
             when (new.event = 'document.deleted') execute function broken_sending()"
        }
        _ => {
            "create trigger broken_sending before update on webhook_deliveries \
             when new.event = 'document.deleted' begin select raise(abort, 'broken'); end"
        }
    };
    app.sql(sql).await.unwrap();
}

async fn a_failure_of_the_database_costs_no_other_message_its_answer(app: &TestApp) {
    let (admin, slow, other) = (app.admin(), Receiver::start().await, Receiver::start().await);
    // Whatever fails first, something else fails again soon.
    for _ in 0..6 {
        make(app, &admin, &other, json!(["document.deleted"])).await;
    }
    let webhook = make(app, &admin, &slow, json!(["*"])).await;
    let beside = make(app, &admin, &other, json!(["document.available"])).await;
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    app.upload(&admin, "patient-1", &pdf()).await;
    app.delete(&admin, &format!("/api/docs/{}", document["id"].as_str().unwrap())).await;
    break_sending(app).await;
    app.clock.shift_seconds(1);
    slow.answers(&[Reply::Slow(Duration::from_secs(1)); 2]);
    other.answers(&[Reply::Slow(Duration::from_secs(1)); 2]);
    let taken = async |webhook: &Value| {
        let messages = deliveries(app, webhook).await;
        messages.iter().filter(|message| message["state"] == "delivered").count()
    };
    let began = Instant::now();
    tokio::select! {
        () = strongroom::webhooks::run(&app.app) => {}
        () = until("an answer was lost", async || {
            taken(&webhook).await == 2 && taken(&beside).await == 2
        }) => {}
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!((slow.got().len(), other.got().len()), (2, 2), "sent twice");
}

async fn what_happens_while_a_webhook_is_off_for_failing_waits_for_it(app: &TestApp) {
    let (admin, receiver) = (app.admin(), Receiver::start().await);
    let webhook = make(app, &admin, &receiver, json!(["*"])).await;
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    receiver.answers(&[Reply::Status(500); 40]);
    let test = format!("{}/test", path(&webhook));
    let mut days = 0;
    while app.get(&app.admin(), &path(&webhook)).await.json()["enabled"] == true {
        app.call(&app.admin(), Method::POST, &test, None).await;
        send(app).await;
        app.clock.shift_seconds(86_400);
        days += 1;
        assert!(days < 10, "it is never switched off");
    }
    assert_eq!(days, 6, "five days without a message that was taken, looked at once a day");
    let document = format!("/api/docs/{}", document["id"].as_str().unwrap());
    app.delete(&app.admin(), &document).await.expect(200);
    app.post(&app.admin(), &format!("{document}/restore"), json!({})).await.expect(200);
    let known = receiver.got().len();
    assert_eq!(send(app).await, Sent::default());
    let on = json!({ "enabled": true });
    app.call(&app.admin(), Method::PATCH, &path(&webhook), Some(on)).await.expect(200);
    receiver.forgets();
    while send(app).await != Sent::default() {}
    let told: Vec<_> =
        receiver.got()[known..].iter().map(|got| got.json()["type"].clone()).collect();
    assert!(told.contains(&json!("document.deleted")), "{told:?}");
    assert!(told.contains(&json!("document.restored")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_is_told_when_the_bytes_are_gone_and_not_before() {
    let bucket = Account::garage().bucket().await;
    let proxy = Proxy::before(&bucket.account.endpoint).await;
    let app = TestApp::in_bucket(bucket.through(&proxy.url()), PRIVATE).await;
    let receiver = Receiver::start().await;
    make(&app, &app.admin(), &receiver, json!(["document.purged"])).await;
    let document = app.upload(&app.admin(), "patient-1", &pdf()).await;
    proxy.plan(|request| match request.method {
        Method::GET | Method::HEAD => Fault::None,
        _ => Fault::Answer(503),
    });
    let purge = format!("/api/docs/{}?permanent=true", document["id"].as_str().unwrap());
    app.delete(&app.admin(), &purge).await.expect(202);
    assert_eq!(send(&app).await, Sent::default(), "the bytes are still there");
    proxy.always(Fault::None);
    app.delete(&app.admin(), &purge).await.expect(200);
    assert_eq!(send(&app).await.delivered, 1);
    assert_eq!(receiver.got()[0].json()["data"]["id"], document["id"]);
    assert_eq!(send(&app).await, Sent::default(), "once");
    app.check().await;
    app.leave().await;
}
