//! Calls a minute, open uploads and quotas, tried as those would who are over them.

use futures::future::join_all;
use http::{Method, Request, header};
use serde_json::{Value, json};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::http::layers::Peer;
use strongroom::ids::ClinicId;

use crate::contract::expect_problem;
use crate::support::{Answer, Caller, OTHER_CLINIC, TestApp, invoice, pdf};
use crate::with_variables;

const PRESIGN: &str = "/api/docs/presign-upload";

async fn begin(app: &TestApp, who: &Caller) -> Answer {
    app.post(who, PRESIGN, pdf().asked("patient-1")).await
}

async fn begin_sized(app: &TestApp, who: &Caller, size: u64) -> Answer {
    let mut asked = pdf().asked("patient-1");
    asked["size"] = json!(size);
    app.post(who, PRESIGN, asked).await
}

/// Begins an upload as a service that acts for somebody of the front desk.
async fn begin_for(app: &TestApp, service: &Caller, person: &str, size: u64) -> Answer {
    let mut asked = invoice().asked("patient-1");
    asked["size"] = json!(size);
    let headers = [
        ("authorization", service.header.1.as_str()),
        ("x-acting-user", person),
        ("x-acting-role", "staff"),
    ];
    app.request(Method::POST, PRESIGN, &headers, Some(asked)).await
}

fn seconds(answer: &Answer) -> u64 {
    answer.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap()
}

/// Calls until one is refused, which must happen after as many as are allowed and those that the
/// time it takes allows besides.
async fn until_refused(least: usize, call: impl AsyncFn() -> Answer) -> Answer {
    for count in 0..1_000 {
        let answer = call().await;
        if answer.status != 200 {
            assert!(count >= least, "refused after {count}");
            return answer;
        }
    }
    panic!("1000 calls were let through");
}

mod rates {
    use super::*;

    with_variables!(
        &[
            ("STRONGROOM_RATE_PER_CALLER", "20"),
            ("STRONGROOM_RATE_PER_CLINIC", "60"),
            ("STRONGROOM_RATE_PER_ADDRESS", "5"),
        ];
        who_calls_too_often_is_told_when_to_come_back_and_is_let_in_then,
        a_flood_of_one_caller_slows_nobody_else_and_leaves_one_event_a_minute,
        who_acts_for_people_is_counted_as_each_of_them_and_as_itself,
        a_clinic_is_counted_apart_from_others,
        strangers_are_counted_by_address_and_callers_with_a_credential_are_not,
        health_contract_and_figures_are_free,
    );

    async fn who_calls_too_often_is_told_when_to_come_back_and_is_let_in_then(app: &TestApp) {
        let admin = app.admin();
        let refused = until_refused(20, async || app.get(&admin, "/api/docs").await).await;
        expect_problem(&refused, 429, "too_many_requests");
        let wait = seconds(&refused);
        assert!((1..=3).contains(&wait), "60 s / 20: {wait}");
        let header = |name| refused.headers[name].to_str().unwrap();
        assert_eq!(header("ratelimit-policy"), "\"caller\";q=20;w=60");
        assert_eq!(header("ratelimit"), format!("\"caller\";r=0;t={wait}"));
        app.clock.shift_seconds(i64::try_from(wait).unwrap());
        app.get(&admin, "/api/docs").await.expect(200);
        app.clock.shift_seconds(60);
        for _ in 0..20 {
            app.get(&admin, "/api/docs").await.expect(200);
        }
    }

    async fn a_flood_of_one_caller_slows_nobody_else_and_leaves_one_event_a_minute(app: &TestApp) {
        let (flood, other) = (app.staff(), app.auditor());
        let calls = join_all((0..60).map(|_| app.get(&flood, "/api/docs"))).await;
        let passed = calls.iter().filter(|answer| answer.status == 200).count();
        assert!((20..=24).contains(&passed), "{passed}");
        assert!(calls.iter().all(|answer| [200, 429].contains(&answer.status.as_u16())));
        app.get(&other, "/api/audit").await.expect(200);
        let refusals = async || {
            let events = app.events(DEFAULT_CLINIC).await;
            let slowed = events.iter().filter(|e| e.code.as_deref() == Some("too_many_requests"));
            slowed.map(|e| (e.actor_id.clone(), e.outcome.clone())).collect::<Vec<_>>()
        };
        let one = ("test-staff".to_owned(), "failed".to_owned());
        assert_eq!(refusals().await, std::slice::from_ref(&one));
        app.clock.shift_seconds(61);
        join_all((0..40).map(|_| app.get(&flood, "/api/docs"))).await;
        assert_eq!(refusals().await, [one.clone(), one], "the next minute");
    }

    async fn who_acts_for_people_is_counted_as_each_of_them_and_as_itself(app: &TestApp) {
        let service = app.service();
        let acting = async |person: &str| {
            let headers = [
                ("authorization", service.header.1.as_str()),
                ("x-acting-user", person),
                ("x-acting-role", "staff"),
            ];
            app.request(Method::GET, "/api/docs", &headers, None).await
        };
        for person in ["anna", "otto"] {
            for _ in 0..10 {
                acting(person).await.expect(200);
            }
        }
        let refused = until_refused(0, async || acting("erin").await).await;
        assert_eq!(refused.headers["ratelimit-policy"], "\"caller\";q=20;w=60");
        // The same person through two services is one person.
        let other = app.token("other-service", Role::Service, DEFAULT_CLINIC, &[]);
        let headers = [
            ("authorization", other.header.1.as_str()),
            ("x-acting-user", "anna"),
            ("x-acting-role", "staff"),
        ];
        let call = async || app.request(Method::GET, "/api/docs", &headers, None).await;
        let refused = until_refused(10, call).await;
        assert_eq!(refused.headers["ratelimit-policy"], "\"person\";q=20;w=60");
    }

    async fn a_clinic_is_counted_apart_from_others(app: &TestApp) {
        for user in 0..6 {
            let who = app.token(&format!("user-{user}"), Role::Staff, DEFAULT_CLINIC, &[]);
            for _ in 0..10 {
                app.get(&who, "/api/docs").await.expect(200);
            }
        }
        let refused = until_refused(0, async || app.get(&app.admin(), "/api/docs").await).await;
        assert_eq!(refused.headers["ratelimit-policy"], "\"clinic\";q=60;w=60");
        assert_eq!(seconds(&refused), 1);
        app.get(&app.stranger(), "/api/docs").await.expect(200);
    }

    async fn strangers_are_counted_by_address_and_callers_with_a_credential_are_not(app: &TestApp) {
        let from = async |address: &str, token: Option<&str>| {
            let mut request = Request::builder().uri("/api/docs").header(header::HOST, "127.0.0.1");
            if let Some(token) = token {
                request = request.header(header::AUTHORIZATION, token);
            }
            let mut request = request.body(axum::body::Body::empty()).unwrap();
            request.extensions_mut().insert(Peer(address.parse().unwrap()));
            app.send(request).await
        };
        let ours = app.admin().header.1;
        for wrong in [None, Some("Bearer x"), None, Some("Bearer a.b.c"), None] {
            from("192.0.2.1:40", wrong).await.expect(401);
        }
        let refused = from("192.0.2.1:41", Some("Bearer x")).await;
        expect_problem(&refused, 429, "too_many_requests");
        assert!((1..=12).contains(&seconds(&refused)));
        // Behind the same proxy.
        from("192.0.2.1:42", Some(&ours)).await.expect(200);
        from("192.0.2.2:40", None).await.expect(401);
        assert!(app.events(DEFAULT_CLINIC).await.iter().all(|e| e.outcome == "granted"));
    }

    async fn health_contract_and_figures_are_free(app: &TestApp) {
        for _ in 0..30 {
            for path in ["/healthz", "/readyz", "/openapi.json"] {
                app.request(Method::GET, path, &[], None).await.expect(200);
            }
        }
    }
}

mod behind_a_proxy {
    use super::*;

    with_variables!(
        &[
            ("STRONGROOM_RATE_PER_ADDRESS", "5"),
            ("STRONGROOM_TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.200"),
        ];
        strangers_behind_a_trusted_proxy_are_counted_each_by_their_own_address,
        what_somebody_else_says_about_where_it_came_from_changes_nothing,
    );

    async fn from(app: &TestApp, peer: &str, forwarded: &str, token: Option<&str>) -> Answer {
        let mut request = Request::builder().uri("/api/docs").header(header::HOST, "127.0.0.1");
        request = request.header("x-forwarded-for", forwarded);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let mut request = request.body(axum::body::Body::empty()).unwrap();
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        app.send(request).await
    }

    async fn strangers_behind_a_trusted_proxy_are_counted_each_by_their_own_address(app: &TestApp) {
        for _ in 0..5 {
            from(app, "10.0.0.1:40", "198.51.100.1", None).await.expect(401);
        }
        // Through another proxy, and with something of their own before it, they are the same.
        let refused = from(app, "10.0.0.2:41", "203.0.113.5, 198.51.100.1", None).await;
        expect_problem(&refused, 429, "too_many_requests");
        from(app, "10.0.0.1:42", "198.51.100.1, 192.0.2.200", None).await.expect(429);
        from(app, "10.0.0.1:43", "198.51.100.2", None).await.expect(401);
        let body = json!({ "username": "nobody", "password": "wrong wrong wrong" }).to_string();
        let sign_in = async |forwarded: &str| {
            let request = Request::builder().method(Method::POST).uri("/api/session");
            let request = request.header(header::HOST, "127.0.0.1");
            let request = request.header(header::CONTENT_TYPE, "application/json");
            let request = request.header("x-forwarded-for", forwarded);
            let request = request.header(header::ORIGIN, &app.app.config.server.public_url);
            let mut request = request.body(axum::body::Body::from(body.clone())).unwrap();
            request.extensions_mut().insert(Peer("10.0.0.1:44".parse().unwrap()));
            app.send(request).await.status.as_u16()
        };
        assert_eq!(sign_in("198.51.100.1").await, 429);
        assert_eq!(sign_in("198.51.100.3").await, 401);
        // The trail names them, and not the proxy.
        let ours = app.admin().header.1;
        from(app, "10.0.0.1:45", "198.51.100.1", Some(&ours)).await.expect(200);
        let events = app.events(DEFAULT_CLINIC).await;
        assert_eq!(events.last().unwrap().remote_addr.as_deref(), Some("198.51.100.1"));
    }

    async fn what_somebody_else_says_about_where_it_came_from_changes_nothing(app: &TestApp) {
        for number in 0..5 {
            let forged = format!("203.0.113.{number}");
            from(app, "198.51.100.9:40", &forged, None).await.expect(401);
        }
        from(app, "198.51.100.9:40", "203.0.113.99", None).await.expect(429);
        let ours = app.admin().header.1;
        from(app, "198.51.100.9:40", "10.0.0.1", Some(&ours)).await.expect(200);
        let events = app.events(DEFAULT_CLINIC).await;
        assert_eq!(events.last().unwrap().remote_addr.as_deref(), Some("198.51.100.9"));
    }
}

mod open_uploads {
    use super::*;

    with_variables!(
        &[
            ("STRONGROOM_MAX_OPEN_UPLOADS", "10"),
            ("STRONGROOM_MAX_OPEN_UPLOADS_PER_CLINIC", "25"),
        ];
        of_two_hundred_uploads_begun_at_once_ten_are_open,
        a_clinic_has_a_limit_of_its_own,
        what_a_service_begins_counts_as_its_own_whoever_it_acts_for,
        what_is_confirmed_aborted_or_expired_makes_room,
    );

    async fn of_two_hundred_uploads_begun_at_once_ten_are_open(app: &TestApp) {
        let admin = app.admin();
        let answers = join_all((0..200).map(|_| begin(app, &admin))).await;
        let begun = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(begun, 10);
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            expect_problem(answer, 429, "too_many_open_uploads");
            assert_eq!(seconds(answer), 60);
            assert!(answer.json()["detail"].as_str().unwrap().contains("10 uploads open"));
        }
        assert_eq!(app.rows().await.len(), 10, "nothing of the others is kept");
        let granted = app.events(DEFAULT_CLINIC).await;
        assert_eq!(granted.iter().filter(|e| e.outcome == "granted").count(), 10);
        // In parts it is the same limit, and another caller has their own.
        let parts = app.post(&admin, "/api/docs/multipart", pdf().asked("patient-1")).await;
        expect_problem(&parts, 429, "too_many_open_uploads");
        begin(app, &app.service()).await.expect(201);
    }

    async fn what_a_service_begins_counts_as_its_own_whoever_it_acts_for(app: &TestApp) {
        let service = app.service();
        let people: Vec<_> = (0..40).map(|n| format!("person-{n}")).collect();
        let calls = people.iter().map(|person| begin_for(app, &service, person, 2_000));
        let answers = join_all(calls).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
        let refused = begin_for(app, &service, "somebody-else", 2_000).await;
        expect_problem(&refused, 429, "too_many_open_uploads");
        assert!(refused.json()["detail"].as_str().unwrap().contains("10 uploads open"));
        begin(app, &service).await.expect(429);
        // Another service has its own, for the same people; a person is counted through both.
        let other = app.token("other-service", Role::Service, DEFAULT_CLINIC, &[]);
        for _ in 0..9 {
            begin_for(app, &other, "anna", 2_000).await.expect(201);
        }
        let third = app.token("third-service", Role::Service, DEFAULT_CLINIC, &[]);
        begin_for(app, &third, "anna", 2_000).await.expect(201);
        begin_for(app, &third, "anna", 2_000).await.expect(429);
        begin_for(app, &third, "otto", 2_000).await.expect(201);
    }

    async fn a_clinic_has_a_limit_of_its_own(app: &TestApp) {
        let who =
            |n: usize, clinic: ClinicId| app.token(&format!("user-{n}"), Role::Admin, clinic, &[]);
        let callers: Vec<_> = (0..100).map(|n| who(n % 5, DEFAULT_CLINIC)).collect();
        let answers = join_all(callers.iter().map(|caller| begin(app, caller))).await;
        let begun = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(begun, 25);
        let refused = begin(app, &who(9, DEFAULT_CLINIC)).await;
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("Your clinic has 25 uploads open"), "{detail}");
        begin(app, &who(0, OTHER_CLINIC)).await.expect(201);
    }

    async fn what_is_confirmed_aborted_or_expired_makes_room(app: &TestApp) {
        let admin = app.admin();
        let mut begun = Vec::new();
        for _ in 0..9 {
            begun.push(begin(app, &admin).await.expect(201).json());
        }
        let parts = app.post(&admin, "/api/docs/multipart", pdf().asked("patient-1")).await;
        let parts = parts.expect(201).json();
        begin(app, &admin).await.expect(429);
        app.put(&begun[0], pdf().bytes).await.expect(200);
        app.post(&admin, "/api/docs/confirm", json!({ "id": begun[0]["id"] })).await.expect(201);
        begin(app, &admin).await.expect(201);
        begin(app, &admin).await.expect(429);
        let path = format!("/api/docs/multipart/{}", parts["uploadId"].as_str().unwrap());
        app.delete(&admin, &path).await.expect(204);
        begin(app, &admin).await.expect(201);
        begin(app, &admin).await.expect(429);
        app.clock.shift_seconds(2 * 3600);
        strongroom::upkeep::run_once(&app.app, false).await.unwrap();
        let admin = app.admin();
        let answers = join_all((0..12).map(|_| begin(app, &admin))).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 10);
    }
}

mod far_from_the_limit {
    use super::*;

    with_variables!(
        &[("STRONGROOM_MAX_OPEN_UPLOADS", "100")];
        the_limit_is_exact_where_callers_begin_at_ease_and_then_take_turns,
    );

    async fn the_limit_is_exact_where_callers_begin_at_ease_and_then_take_turns(app: &TestApp) {
        let admin = app.admin();
        let answers = join_all((0..160).map(|_| begin(app, &admin))).await;
        let begun = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(begun, 100);
    }
}

mod daily {
    use super::*;

    with_variables!(
        &[
            ("STRONGROOM_QUOTA_DAILY_PER_CALLER", "1MB"),
            ("STRONGROOM_QUOTA_DAILY_PER_CLINIC", "1500KB"),
        ];
        bytes_of_a_day_are_counted_by_caller_and_clinic_and_the_next_day_is_new,
        uploads_begun_at_once_do_not_pass_the_days_quota,
        bytes_that_a_service_announces_count_as_its_own_and_as_the_persons,
    );

    async fn bytes_that_a_service_announces_count_as_its_own_and_as_the_persons(app: &TestApp) {
        let (service, other) =
            (app.service(), app.token("other-service", Role::Service, DEFAULT_CLINIC, &[]));
        begin_for(app, &service, "anna", 600_000).await.expect(201);
        let refused = begin_for(app, &service, "otto", 500_000).await;
        expect_problem(&refused, 429, "daily_quota_exceeded");
        begin_for(app, &service, "otto", 400_000).await.expect(201);
        let refused = begin_for(app, &other, "anna", 450_000).await;
        expect_problem(&refused, 429, "daily_quota_exceeded");
        begin_for(app, &other, "anna", 400_000).await.expect(201);
    }

    async fn bytes_of_a_day_are_counted_by_caller_and_clinic_and_the_next_day_is_new(
        app: &TestApp,
    ) {
        let (admin, service) = (app.admin(), app.service());
        begin_sized(app, &admin, 600_000).await.expect(201);
        let refused = begin_sized(app, &admin, 400_001).await;
        expect_problem(&refused, 429, "daily_quota_exceeded");
        let wait = seconds(&refused);
        assert!((1..=86_400).contains(&wait), "{wait}");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("600000 of the 1000000 bytes"), "{detail}");
        begin_sized(app, &admin, 400_000).await.expect(201);
        let refused = begin_sized(app, &service, 500_001).await;
        expect_problem(&refused, 429, "daily_quota_exceeded");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("Your clinic has announced 1000000"), "{detail}");
        // What was refused was not counted.
        begin_sized(app, &service, 500_000).await.expect(201);
        begin_sized(app, &app.stranger(), 900_000).await.expect(201);
        app.clock.shift_seconds(i64::try_from(wait).unwrap());
        let admin = app.admin();
        begin_sized(app, &admin, 1_000_000).await.expect(201);
        app.clock.shift_seconds(3 * 86_400);
        let ran = strongroom::upkeep::run_once(&app.app, false).await.unwrap();
        let forgot = ran.iter().find(|ran| ran.task == "forget").unwrap();
        assert!(forgot.did.contains(&("days", 7)), "{forgot:?}");
    }

    async fn uploads_begun_at_once_do_not_pass_the_days_quota(app: &TestApp) {
        let admin = app.admin();
        let answers = join_all((0..30).map(|_| begin_sized(app, &admin, 100_000))).await;
        let begun = answers.iter().filter(|answer| answer.status == 201).count();
        // Midnight may come in between.
        assert!([10, 20].contains(&begun), "{begun}");
    }
}

mod open {
    use super::*;

    with_variables!(
        &[
            ("STRONGROOM_QUOTA_DAILY_PER_CALLER", "30MB"),
            ("STRONGROOM_QUOTA_DAILY_PER_CLINIC", "45MB"),
        ];
        what_nobody_knew_the_size_of_counts_as_what_came_and_what_came_to_nothing_not_at_all,
    );

    /// Begins an upload of up to 25 MB, as a service that acts for somebody.
    async fn begin_open(app: &TestApp, service: &Caller) -> Answer {
        let mut asked = invoice().asked("patient-1");
        asked.as_object_mut().unwrap().remove("size");
        let who = [
            ("authorization", service.header.1.as_str()),
            ("x-acting-user", "anna"),
            ("x-acting-role", "staff"),
        ];
        app.request(Method::POST, PRESIGN, &who, Some(asked)).await
    }

    async fn what_nobody_knew_the_size_of_counts_as_what_came_and_what_came_to_nothing_not_at_all(
        app: &TestApp,
    ) {
        let service = app.service();
        let confirm = async |begun: &Value, content: Vec<u8>| {
            app.put(begun, content).await.expect(200);
            let asked = json!({ "id": begun["id"] });
            app.post(&service, "/api/docs/confirm", asked).await
        };
        let first = begin_open(app, &service).await.expect(201).json();
        expect_problem(&begin_open(app, &service).await, 429, "daily_quota_exceeded");
        confirm(&first, invoice().bytes).await.expect(201);
        let second = begin_open(app, &service).await.expect(201).json();
        expect_problem(&begin_open(app, &service).await, 429, "daily_quota_exceeded");
        confirm(&second, b"MZ".to_vec()).await.expect(422);
        begin_open(app, &service).await.expect(201);
        // What came still counts.
        let rest = 30_000_000 - 25_000_000 - invoice().bytes.len() as u64;
        let more = begin_for(app, &service, "anna", rest + 1).await;
        expect_problem(&more, 429, "daily_quota_exceeded");
        begin_for(app, &service, "anna", rest).await.expect(201);
    }
}

mod kept {
    use super::*;

    with_variables!(
        &[("STRONGROOM_QUOTA_PER_CLINIC", "3000000")];
        a_clinic_keeps_no_more_than_its_quota_and_what_ends_makes_room,
        what_is_kept_is_read_from_the_figures_and_not_counted_again,
    );

    async fn what_is_kept_is_read_from_the_figures_and_not_counted_again(app: &TestApp) {
        begin_sized(app, &app.admin(), 3_000_000).await.expect(201);
        begin_sized(app, &app.admin(), 3_000_000).await.expect(507);
        app.sql("delete from document_counts; delete from document_count_deltas").await.unwrap();
        app.clock.shift_seconds(2);
        begin_sized(app, &app.admin(), 3_000_000).await.expect(201);
    }

    async fn a_clinic_keeps_no_more_than_its_quota_and_what_ends_makes_room(app: &TestApp) {
        let admin = app.admin();
        let answers = join_all((0..5).map(|_| begin_sized(app, &admin, 1_000_000))).await;
        let begun: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(begun.len(), 3);
        let refused = begin_sized(app, &admin, 1).await;
        expect_problem(&refused, 507, "quota_exceeded");
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("3000000 of 3000000 bytes"), "{detail}");
        begin_sized(app, &app.stranger(), 1_000_000).await.expect(201);
        app.clock.shift_seconds(2 * 3600);
        strongroom::upkeep::run_once(&app.app, false).await.unwrap();
        let begun: Value = begin_sized(app, &app.admin(), 3_000_000).await.expect(201).json();
        assert!(begun["id"].is_string());
    }
}

mod off {
    use super::*;

    with_variables!(
        &[
            ("STRONGROOM_RATE_PER_CALLER", "0"),
            ("STRONGROOM_RATE_PER_CLINIC", "0"),
            ("STRONGROOM_MAX_OPEN_UPLOADS", "0"),
            ("STRONGROOM_MAX_OPEN_UPLOADS_PER_CLINIC", "0"),
        ];
        zero_is_no_limit,
    );

    async fn zero_is_no_limit(app: &TestApp) {
        let admin = app.admin();
        for _ in 0..3 {
            let answers = join_all((0..50).map(|_| begin(app, &admin))).await;
            assert!(answers.iter().all(|answer| answer.status == 201));
        }
    }
}
