//! `/api/uppy`: the contract of `@uppy/aws-s3`, call by call; and tickets, by every wrong way.

use std::time::Duration;

use http::{Method, header};
use serde_json::{Value, json};
use strongroom::access::api_keys::{NewKey, create_key, revoke_key};
use strongroom::access::{DEFAULT_CLINIC, Role};
use strongroom::http::Code;
use strongroom::time::Timestamp;

use crate::browser::sign_in;
use crate::on_every_ground;
use crate::support::{Answer, Caller, TestApp, pdf};

on_every_ground!(
    a_small_file_goes_by_form_and_is_confirmed_by_its_key,
    a_large_file_goes_in_parts_of_any_size_and_comes_out_identical,
    refusals_have_the_words_that_the_clients_know,
    what_a_page_says_of_a_file_is_read_as_browsers_write_it,
    a_ticket_is_good_for_what_it_was_made_for_and_nothing_else,
    a_tickets_scope_is_the_same_for_the_same_and_tells_nothing,
    a_ticket_that_is_forged_expired_or_altered_is_refused,
    a_ticket_reaches_only_uploads_that_began_with_it_and_no_more_than_it_may,
    a_ticket_ends_with_the_key_or_session_or_right_it_came_from,
    an_upload_by_cookie_comes_from_our_own_pages,
);

const PART: usize = 5 << 20;

fn query(sample: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(sample).finish()
}

/// A page's upload of the sample PDF.
fn params(more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("filename", "referral-letter.pdf"),
        ("type", "application/pdf"),
        ("metadata[name]", "referral-letter.pdf"),
        ("metadata[category]", "medical_records"),
        ("metadata[colour]", "red"),
        ("metadata[relativePath]", "null"),
    ];
    pairs.extend_from_slice(more);
    format!("/s3/params?{}", query(&pairs))
}

const FOR_ONE: (&str, &str) = ("metadata[patientId]", "patient-1");

async fn document(app: &TestApp, id: &Value) -> Value {
    let path = format!("/api/docs/{}", id.as_str().unwrap());
    app.get(&app.admin(), &path).await.expect(200).json()
}

async fn a_small_file_goes_by_form_and_is_confirmed_by_its_key(app: &TestApp) {
    let (admin, sample) = (app.admin(), pdf());
    // A client whose base ends in a slash asks with two.
    for base in ["/api/uppy", "/api/uppy/"] {
        let path = format!("{base}{}", params(&[FOR_ONE]));
        let begun = app.get(&admin, &path).await.expect(200).json();
        assert_eq!((&begun["method"], begun.get("error")), (&json!("POST"), None));
        assert_eq!(begun["fields"]["bucket"], app.app.store.bucket());
        assert!(begun["fields"]["key"].as_str().unwrap().contains("incoming/"));
        assert_eq!(begun["expires"], 900);
        let sent = app.send_form(&begun, &[], &sample.bytes).await;
        assert!(sent.status.is_success(), "{}", String::from_utf8_lossy(&sent.body));
        assert!(sent.headers.contains_key(header::ETAG));
        let confirm = json!({ "key": begun["fields"]["key"] });
        let made = app.post(&admin, "/api/uppy/s3/confirm", confirm.clone()).await.expect(201);
        assert_eq!(made.json()["id"], begun["id"]);
        app.post(&admin, "/api/docs/confirm", confirm).await.expect(200);
        let seen = document(app, &begun["id"]).await;
        assert_eq!(
            (&seen["state"], &seen["size"]),
            (&json!("available"), &json!(sample.bytes.len()))
        );
        assert_eq!(seen["category"], "medical-records");
        assert_eq!(seen["patientId"], "patient-1");
    }
    // Its size is bounded by the type, or by what the page says.
    let limit = app.app.config.uploads.max_document;
    let begun = app.get(&admin, &format!("/api/uppy{}", params(&[FOR_ONE]))).await.expect(200);
    let policy = begun.json()["fields"]["policy"].as_str().unwrap().to_owned();
    let policy = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, policy);
    let policy: Value = serde_json::from_slice(&policy.unwrap()).unwrap();
    let range = json!(["content-length-range", 1, limit]);
    assert!(policy["conditions"].as_array().unwrap().contains(&range), "{policy}");
    let said = params(&[FOR_ONE, ("metadata[size]", "7")]);
    let begun = app.get(&admin, &format!("/api/uppy{said}")).await.expect(200).json();
    assert!(app.send_form(&begun, &[], &sample.bytes).await.status.is_client_error());
}

/// Begins an upload in parts; its path and its key.
async fn create(app: &TestApp, who: &Caller, metadata: Value) -> (String, Value) {
    let body = json!({ "filename": "notes.txt", "type": "text/plain", "metadata": metadata });
    let begun = app.post(who, "/api/uppy/s3/multipart", body).await.expect(200).json();
    assert_eq!(begun["bucket"], app.app.store.bucket());
    (format!("/api/uppy/s3/multipart/{}", begun["uploadId"].as_str().unwrap()), begun)
}

async fn send_part(app: &TestApp, who: &Caller, path: &str, number: u32, bytes: &[u8]) -> String {
    let signed = app.get(who, &format!("{path}/{number}?key=k+k")).await.expect(200).json();
    let url = signed["url"].as_str().unwrap();
    // Nothing but the host: the clients set no header.
    assert!(url.contains("X-Amz-SignedHeaders=host&"), "{url}");
    assert!(url.contains("X-Amz-Expires=3600"), "{url}");
    assert_eq!(signed["expires"], 900);
    let sent = app.put_with(url, &[], bytes.to_vec()).await.expect(200);
    sent.headers[header::ETAG].to_str().unwrap().to_owned()
}

async fn a_large_file_goes_in_parts_of_any_size_and_comes_out_identical(app: &TestApp) {
    let admin = app.admin();
    let bytes = vec![b'n'; 2 * PART + 1017];
    let metadata = json!({ "patientId": "patient-1", "category": "imaging", "nothing": null,
        "entityType": "appointment", "entityId": 17, "size": bytes.len() });
    let (path, begun) = create(app, &admin, metadata).await;
    let (first, rest) = bytes.split_at(PART + 1000);
    let quoted = send_part(app, &admin, &path, 1, first).await;
    assert!(quoted.starts_with('"'), "{quoted}");
    let listed = app.get(&admin, &format!("{path}?key=k")).await.expect(200).json();
    assert_eq!(listed[0], json!({ "PartNumber": 1, "Size": first.len(), "ETag": quoted }));
    let other = send_part(app, &admin, &path, 2, rest).await;
    let batch = app.get(&admin, &format!("{path}/batch?key=k&partNumbers=1,2")).await.expect(200);
    let urls = batch.json()["presignedUrls"].as_object().unwrap().clone();
    assert_eq!(urls.keys().collect::<Vec<_>>(), ["1", "2"]);
    // One ETag with its quotes, one without.
    let parts = json!({ "parts": [{ "PartNumber": 1, "ETag": quoted },
        { "PartNumber": 2, "ETag": other.trim_matches('"') }] });
    let complete = format!("{path}/complete?key=k");
    let done = app.post(&admin, &complete, parts.clone()).await.expect(200).json();
    assert_eq!((&done["key"], done.get("error")), (&begun["key"], None));
    assert_eq!((&done["id"], &done["documentId"]), (&begun["uploadId"], &begun["uploadId"]));
    assert!(done["location"].as_str().unwrap().ends_with("/content"), "{done}");
    assert_eq!(app.post(&admin, &complete, parts).await.expect(200).json(), done);
    let seen = document(app, &done["id"]).await;
    assert_eq!((&seen["size"], &seen["entityId"]), (&json!(bytes.len()), &json!("17")));
    let content = format!("/api/docs/{}/content", done["id"].as_str().unwrap());
    assert!(app.get(&admin, &content).await.expect(200).body == bytes);
    // Given up: an empty object, also when it is said twice; a document is not taken away so.
    let (path, begun) = create(app, &admin, json!({ "patientId": "patient-1" })).await;
    send_part(app, &admin, &path, 1, first).await;
    for _ in 0..2 {
        let gone = app.delete(&admin, &format!("{path}?key=k")).await.expect(200);
        assert_eq!(gone.json(), json!({}));
    }
    assert_eq!(document(app, &begun["uploadId"]).await["state"], "abandoned");
    let document = format!("/api/uppy/s3/multipart/{}?key=k", done["id"].as_str().unwrap());
    assert_eq!(app.delete(&admin, &document).await.expect(409).code(), "wrong_state");
}

async fn refusals_have_the_words_that_the_clients_know(app: &TestApp) {
    let admin = app.admin();
    let (path, _) = create(app, &admin, json!({ "patientId": "patient-1" })).await;
    let name = "s3: the \"filename\" query parameter is required and must be a non-empty string";
    let field = "s3: the \"filename\" field is required and must be a non-empty string";
    let kind = "s3: content type must be a string";
    let key = "s3: the object key must be passed as a query parameter. For example: \
               \"?key=abc.jpg\"";
    let part = "s3: the part number must be a number between 1 and 10000.";
    let list = "s3: the part numbers must be passed as a comma separated query parameter. For \
                example: \"?partNumbers=4,6,7,21\"";
    let parts = "s3: `parts` must be an array of {ETag, PartNumber} objects.";
    let base = "/api/uppy/s3".to_owned();
    let get = |path: String| (Method::GET, path, None);
    let post = |path: String, body: Value| (Method::POST, path, Some(body));
    for ((method, path, body), text) in [
        (get(format!("{base}/params?type=text%2Fplain")), name),
        (get(format!("{base}/params?filename=")), name),
        (post(format!("{base}/multipart"), json!({ "filename": "", "type": "x" })), field),
        (post(format!("{base}/multipart"), json!({ "filename": 7 })), field),
        (post(format!("{base}/multipart"), json!({ "filename": "x", "type": 7 })), kind),
        (get(path.clone()), key),
        (get(format!("{path}?key=")), key),
        (get(format!("{path}/1")), key),
        (get(format!("{path}/batch?partNumbers=1")), key),
        (post(format!("{path}/complete"), json!({ "parts": [] })), key),
        ((Method::DELETE, path.clone(), None), key),
        (get(format!("{path}/0?key=k")), part),
        (get(format!("{path}/x?key=k")), part),
        (get(format!("{path}/10001?key=k")), part),
        (get(format!("{path}/batch?key=k&partNumbers=1,x")), part),
        (get(format!("{path}/batch?key=k")), list),
        (post(format!("{path}/complete?key=k"), json!({ "parts": "x" })), parts),
        (post(format!("{path}/complete?key=k"), json!({ "parts": [{ "ETag": "a" }] })), parts),
    ] {
        let answer = app.call(&admin, method.clone(), &path, body).await.expect(400);
        let said = answer.json();
        assert_eq!((&said["error"], &said["message"]), (&json!(text), &json!(text)), "{path}");
    }
    for base in ["/api/uppy/s3/sts", "/api/uppy//s3/sts", "/api/uppy/t/x/s3/sts"] {
        let answer = app.get(&admin, base).await.expect(400).json();
        assert!(answer["message"].as_str().unwrap().contains("does not support STS"), "{base}");
    }
    // Ids are opaque to the client; one that is none of ours names nothing.
    for id in ["up%2F1", "x", "00000000-0000-7000-8000-000000000000"] {
        let path = format!("/api/uppy/s3/multipart/{id}?key=k");
        assert_eq!(app.get(&admin, &path).await.expect(404).code(), "not_found");
    }
}

async fn what_a_page_says_of_a_file_is_read_as_browsers_write_it(app: &TestApp) {
    let admin = app.admin();
    let ask = async |pairs: &[(&str, &str)]| {
        app.get(&admin, &format!("/api/uppy/s3/params?{}", query(pairs))).await
    };
    // No type, as for DICOM everywhere: it goes by the name.
    for kind in ["undefined", "null", "", "application/octet-stream"] {
        let begun = ask(&[("filename", "ct.dcm"), ("type", kind), FOR_ONE]).await.expect(200);
        let seen = document(app, &begun.json()["id"]).await;
        assert_eq!(seen["contentType"], "application/dicom", "{kind}");
    }
    // A plus is a space, and the texts of nothing are nothing.
    let path = "/api/uppy/s3/params?filename=a+b.pdf&type=application%2Fpdf&metadata%5BpatientId\
                %5D=null&metadata%5Bcategory%5D=undefined&metadata%5Bsize%5D=";
    let seen = document(app, &app.get(&admin, path).await.expect(200).json()["id"]).await;
    assert_eq!((&seen["filename"], &seen["category"]), (&json!("a b.pdf"), &json!("other")));
    assert_eq!(seen.get("patientId"), None);
    let file = [("filename", "a.pdf"), ("type", "application/pdf")];
    for (field, value, named) in [
        ("metadata[category]", "surprise", "category"),
        ("metadata[size]", "many", "size"),
        ("metadata[sha256]", "00", "sha256"),
        ("metadata[entityId]", "7", "entityType"),
        ("metadata[supersedes]", "x", "supersedes"),
    ] {
        let refused = ask(&[file[0], file[1], (field, value)]).await.expect(422).json();
        assert!(refused["errors"][named].is_string(), "{refused}");
    }
    let large = ask(&[file[0], file[1], ("metadata[size]", "99000000")]).await.expect(413);
    assert_eq!(large.code(), "file_too_large");
    let body = json!({ "filename": "a.pdf", "type": "application/pdf",
        "metadata": { "size": 6_000_000_000_u64 } });
    app.post(&admin, "/api/uppy/s3/multipart", body).await.expect(413);
    let other = ask(&[("filename", "a.exe"), ("type", "text/html")]).await.expect(415).json();
    assert!(other["message"].as_str().unwrap().contains("Accepted types"), "{other}");
}

/// Makes a ticket; its base.
async fn ticket(app: &TestApp, who: &Caller, asked: Value) -> String {
    let most = asked["maxSize"].as_u64();
    let made = app.post(who, "/api/uppy/tickets", asked).await.expect(201).json();
    let public = &app.app.config.server.public_url;
    let base = made["companionEndpoint"].as_str().unwrap().strip_prefix(public.as_str()).unwrap();
    assert_eq!(base, format!("/api/uppy/t/{}", made["ticket"].as_str().unwrap()));
    // Whoever has only the ticket could not ask for it.
    let limits = app.get(who, "/api/docs/limits").await.expect(200).json();
    let Some(most) = most else {
        assert_eq!(made["limits"], limits);
        return base.to_owned();
    };
    assert_eq!(made["limits"]["maxBytesInParts"], most);
    for (by_ticket, other) in
        made["limits"]["types"].as_array().unwrap().iter().zip(limits["types"].as_array().unwrap())
    {
        assert_eq!(by_ticket["contentType"], other["contentType"]);
        assert_eq!(by_ticket["maxBytes"], most.min(other["maxBytes"].as_u64().unwrap()));
    }
    base.to_owned()
}

/// A call without any credential but what is in the path.
async fn bare(app: &TestApp, method: Method, path: &str, body: Option<Value>) -> Answer {
    app.request(method, path, &[], body).await
}

async fn by_ticket(app: &TestApp, base: &str, more: &[(&str, &str)]) -> Answer {
    bare(app, Method::GET, &format!("{base}{}", params(more)), None).await
}

async fn a_ticket_is_good_for_what_it_was_made_for_and_nothing_else(app: &TestApp) {
    app.care("patient-1").await;
    app.care("patient-2").await;
    let clinician = app.clinician();
    let asked = json!({ "patientId": "patient-1", "category": "medical-records",
        "entityType": "appointment", "entityId": "a-1", "maxSize": 1_000_000 });
    let base = ticket(app, &clinician, asked).await;
    // What it was made for need not be said again, and cannot be said otherwise.
    for more in [&[][..], &[FOR_ONE], &[("metadata[entityId]", "a-1")]] {
        let begun = by_ticket(app, &base, more).await.expect(200).json();
        let seen = document(app, &begun["id"]).await;
        assert_eq!(seen["patientId"], "patient-1");
        assert_eq!(
            (&seen["entityType"], &seen["entityId"]),
            (&json!("appointment"), &json!("a-1"))
        );
        assert_eq!(seen["uploadedBy"], "test-clinician");
    }
    for (field, value, named) in [
        ("metadata[patientId]", "patient-2", "patientId"),
        ("metadata[category]", "imaging", "category"),
        ("metadata[entityId]", "a-2", "entityId"),
        ("metadata[size]", "1000001", "size"),
    ] {
        let path = format!(
            "{base}/s3/params?{}",
            query(&[("filename", "a.pdf"), ("type", "application/pdf"), (field, value),])
        );
        let refused = bare(app, Method::GET, &path, None).await.expect(422).json();
        assert!(refused["errors"][named].is_string(), "{refused}");
    }
    let begun = by_ticket(app, &base, &[]).await.expect(200).json();
    let sent = app.send_form(&begun, &[], &vec![b'%'; 1_000_001]).await;
    assert!(sent.status.is_client_error(), "{}", sent.status);
    assert!(app.send_form(&begun, &[], &pdf().bytes).await.status.is_success());
    let confirm = Some(json!({ "key": begun["fields"]["key"] }));
    bare(app, Method::POST, &format!("{base}/s3/confirm"), confirm).await.expect(201);
    // It opens no other door, wherever it is shown.
    let text = base.rsplit('/').next().unwrap();
    for (name, value) in [("authorization", format!("Bearer {text}")), ("x-api-key", text.into())] {
        let answer = app.request(Method::GET, "/api/docs", &[(name, &value)], None).await;
        assert_eq!(answer.expect(401).code(), "invalid_credential");
    }
    for path in [format!("{base}/docs"), format!("{base}/tickets"), format!("{base}/../docs")] {
        assert!(matches!(bare(app, Method::GET, &path, None).await.status.as_u16(), 404 | 405));
    }
    bare(app, Method::POST, "/api/uppy/tickets", Some(json!({}))).await.expect(401);
    // Beside it no other credential and nobody to act for; a cookie comes by itself.
    for name in ["authorization", "x-api-key", "x-acting-user", "x-clinic-id"] {
        let path = format!("{base}{}", params(&[]));
        app.request(Method::GET, &path, &[(name, "x")], None).await.expect(400);
    }
    let cookie = [("cookie", "strongroom_session=nothing")];
    app.request(Method::GET, &format!("{base}{}", params(&[])), &cookie, None).await.expect(200);
    // The trail names the person and the ticket, and nothing holds its text.
    let events = app.events(DEFAULT_CLINIC).await;
    let confirmed = events.iter().find(|e| e.action == "upload.confirm").unwrap();
    assert_eq!(confirmed.actor_id, "test-clinician");
    let made = events.iter().find(|e| e.action == "upload.ticket").unwrap();
    let told = format!("{confirmed:?}");
    assert!(told.contains(made.target_id.as_deref().unwrap()), "{told}");
    let failed = events.iter().find(|e| e.outcome == "failed").unwrap();
    assert!(format!("{failed:?}").contains(made.target_id.as_deref().unwrap()), "{failed:?}");
    assert!(!format!("{events:?}").contains(&text[text.len() - 20..]), "the trail holds it");
}

async fn a_tickets_scope_is_the_same_for_the_same_and_tells_nothing(app: &TestApp) {
    let (admin, clinician) = (app.admin(), app.clinician());
    app.care("patient-1").await;
    let scope = async |who: &Caller, asked: Value| {
        let made = app.post(who, "/api/uppy/tickets", asked).await.expect(201).json();
        made["scope"].as_str().unwrap().to_owned()
    };
    let one = json!({ "patientId": "patient-1", "category": "imaging" });
    let own = scope(&admin, one.clone()).await;
    assert_eq!(own, scope(&admin, one.clone()).await);
    // How much and how long is no matter of what it is for.
    let less = json!({ "patientId": "patient-1", "category": "imaging", "maxFiles": 1,
        "maxSize": 9, "expiresIn": 60 });
    assert_eq!(own, scope(&admin, less).await);
    let mut all = vec![own, scope(&clinician, one).await];
    for other in [
        json!({ "patientId": "patient-2", "category": "imaging" }),
        json!({ "patientId": "patient-1", "category": "other" }),
        json!({ "patientId": "patient-1" }),
        json!({ "patientId": "patient-1", "entityType": "appointment", "entityId": "a-1" }),
        json!({ "patientId": "patient-1", "entityType": "appointment", "entityId": "a-2" }),
        json!({ "entityType": "appointment", "entityId": "patient-1" }),
        json!({}),
    ] {
        all.push(scope(&admin, other).await);
    }
    let each: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(each.len(), all.len(), "{all:?}");
    assert!(all.iter().all(|scope| scope.len() == 22 && !scope.contains("patient")), "{all:?}");
}

async fn a_ticket_that_is_forged_expired_or_altered_is_refused(app: &TestApp) {
    let admin = app.admin();
    let base = ticket(app, &admin, json!({ "patientId": "patient-1", "expiresIn": 60 })).await;
    by_ticket(app, &base, &[]).await.expect(200);
    let last = base.chars().next_back().unwrap();
    let altered = format!("{}{}", &base[..base.len() - 3], if last == 'A' { "BBA" } else { "AAA" });
    let forged = format!("/api/uppy/t/srt_{}_{}", "0".repeat(32), "A".repeat(43));
    for wrong in
        [altered, forged, "/api/uppy/t/x".into(), "/api/uppy/t/srt_".into(), base.to_uppercase()]
    {
        let answer = by_ticket(app, &wrong, &[]).await;
        assert!(matches!(answer.status.as_u16(), 401 | 404), "{wrong}: {}", answer.status);
        if answer.status == 401 {
            assert_eq!(answer.code(), "invalid_credential");
        }
    }
    // The clock goes on by itself, too; the machine may be slow.
    app.clock.shift_seconds(45);
    by_ticket(app, &base, &[]).await.expect(200);
    app.clock.shift_seconds(15);
    assert_eq!(by_ticket(app, &base, &[]).await.expect(401).code(), "invalid_credential");
    for (field, value) in [
        ("expiresIn", json!(0)),
        ("expiresIn", json!(43_201)),
        ("maxFiles", json!(0)),
        ("maxFiles", json!(1_001)),
        ("maxSize", json!(0)),
        ("category", json!("surprise")),
        ("entityId", json!("alone")),
        ("patientId", json!(" ")),
        ("colour", json!("red")),
    ] {
        let answer = app.post(&admin, "/api/uppy/tickets", json!({ field: value })).await;
        assert_eq!(answer.expect(422).code(), "invalid_fields", "{field}");
    }
    // It lives no longer than what it was made with.
    let short = app.lasting_token("test-admin", Role::Admin, Duration::from_mins(5));
    let made = app.post(&short, "/api/uppy/tickets", json!({})).await.expect(201).json();
    let end = Timestamp::parse(made["expiresAt"].as_str().unwrap()).unwrap();
    assert!(end <= app.clock.now() + Duration::from_mins(5), "{made}");
}

async fn a_ticket_reaches_only_uploads_that_began_with_it_and_no_more_than_it_may(app: &TestApp) {
    let admin = app.admin();
    let asked = json!({ "patientId": "patient-1", "maxFiles": 2 });
    let (one, two) = (ticket(app, &admin, asked.clone()).await, ticket(app, &admin, asked).await);
    let create = async |base: &str| {
        let body = json!({ "filename": "notes.txt", "type": "text/plain" });
        bare(app, Method::POST, &format!("{base}/s3/multipart"), Some(body)).await
    };
    let begun = create(&one).await.expect(200).json();
    let id = begun["uploadId"].as_str().unwrap();
    let (own, _) = self::create(app, &admin, json!({ "patientId": "patient-1" })).await;
    let own = own.rsplit('/').next().unwrap();
    for (base, id, status) in [(&one, id, 200), (&two, id, 404), (&one, own, 404)] {
        let path = format!("{base}/s3/multipart/{id}");
        let parts = Some(json!({ "parts": [{ "PartNumber": 1, "ETag": "x" }] }));
        let list = bare(app, Method::GET, &format!("{path}?key=k"), None).await;
        assert_eq!(list.status, status);
        let sign = bare(app, Method::GET, &format!("{path}/1?key=k"), None).await;
        assert_eq!(sign.status, status);
        let complete = format!("{path}/complete?key=k");
        let complete = bare(app, Method::POST, &complete, parts).await.status.as_u16();
        assert_eq!(complete, if status == 200 { 422 } else { 404 });
        if status == 404 {
            bare(app, Method::DELETE, &format!("{path}?key=k"), None).await.expect(404);
        }
    }
    // What was refused does not count; two at once and one place left is one upload.
    let wrong = json!({ "filename": "a.exe", "type": "text/plain" });
    bare(app, Method::POST, &format!("{one}/s3/multipart"), Some(wrong)).await.expect(422);
    let (a, b) = tokio::join!(create(&one), create(&one));
    let mut statuses = [a.status.as_u16(), b.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(create(&one).await.expect(409).code(), Code::TicketUsedUp.as_str());
    bare(app, Method::GET, &format!("{one}/s3/multipart/{id}?key=k"), None).await.expect(200);
}

async fn a_ticket_ends_with_the_key_or_session_or_right_it_came_from(app: &TestApp) {
    let new = NewKey { name: "app".into(), role: Role::Service, clinic: None, expires_at: None };
    let mut tx = app.app.db.begin().await.unwrap();
    let (key, text) = create_key(&mut tx, &app.app.ids, app.clock.now(), new).await.unwrap();
    tx.commit().await.unwrap();
    app.care("patient-1").await;
    let acting = [
        ("x-api-key", text.reveal().as_str()),
        ("x-acting-user", "test-clinician"),
        ("x-acting-role", "clinician"),
    ];
    let body = Some(json!({ "patientId": "patient-1" }));
    let made = app.request(Method::POST, "/api/uppy/tickets", &acting, body).await.expect(201);
    let base = format!("/api/uppy/t/{}", made.json()["ticket"].as_str().unwrap());
    let begun = by_ticket(app, &base, &[]).await.expect(200).json();
    assert_eq!(document(app, &begun["id"]).await["uploadedBy"], "test-clinician");
    let events = app.events(DEFAULT_CLINIC).await;
    let event = events.iter().find(|e| e.action == "upload.begin").unwrap();
    assert_eq!(event.actor_id, format!("key:{}", key.id));
    assert_eq!(event.on_behalf_of.as_deref(), Some("test-clinician"));
    // The policy is asked anew each time.
    let member = "/api/patients/patient-1/care-team/test-clinician";
    app.delete(&app.admin(), member).await.expect(204);
    by_ticket(app, &base, &[]).await.expect(403);
    app.care("patient-1").await;
    by_ticket(app, &base, &[]).await.expect(200);
    let mut tx = app.app.db.begin().await.unwrap();
    assert!(revoke_key(&mut tx, key.id, app.clock.now()).await.unwrap());
    tx.commit().await.unwrap();
    app.clock.shift_seconds(6);
    assert_eq!(by_ticket(app, &base, &[]).await.expect(401).code(), "invalid_credential");
    // A session's ends with signing out.
    let cookie = sign_in(app).await;
    let origin = app.app.config.server.public_url.clone();
    let page = [("cookie", cookie.as_str()), ("origin", &origin)];
    let body = Some(json!({ "patientId": "patient-1" }));
    let made = app.request(Method::POST, "/api/uppy/tickets", &page, body).await.expect(201);
    let base = format!("/api/uppy/t/{}", made.json()["ticket"].as_str().unwrap());
    by_ticket(app, &base, &[]).await.expect(200);
    app.request(Method::DELETE, "/api/session", &page, None).await.expect(204);
    assert_eq!(by_ticket(app, &base, &[]).await.expect(401).code(), "invalid_credential");
    // Who may not upload may not make one.
    let asked = json!({ "patientId": "patient-1", "category": "lab-results" });
    for who in [app.patient("patient-2"), app.auditor(), app.staff()] {
        app.post(&who, "/api/uppy/tickets", asked.clone()).await.expect(403);
    }
    app.clock.shift_seconds(50 * 3600);
    ticket(app, &app.admin(), json!({})).await;
    app.clock.shift_seconds(-50 * 3600);
    let ended = by_ticket(app, &base, &[]).await.expect(401);
    assert_eq!(ended.code(), "invalid_credential", "it is forgotten");
}

async fn an_upload_by_cookie_comes_from_our_own_pages(app: &TestApp) {
    let cookie = sign_in(app).await;
    let own = app.app.config.server.public_url.clone();
    let path = format!("/api/uppy{}", params(&[FOR_ONE]));
    for (more, status) in [
        (&[][..], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("origin", own.as_str())], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("origin", "https://evil.example.com")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", own.as_str()), ("sec-fetch-site", "cross-site")], 200),
    ] {
        let headers: Vec<_> = [("cookie", cookie.as_str())].iter().chain(more).copied().collect();
        for method in [Method::GET, Method::HEAD] {
            let answer = app.request(method.clone(), &path, &headers, None).await;
            assert_eq!(answer.status, status, "{method} {more:?}");
        }
    }
    let body = json!({ "filename": "a.txt", "type": "text/plain" });
    let headers = [("cookie", cookie.as_str())];
    let path = "/api/uppy/s3/multipart";
    app.request(Method::POST, path, &headers, Some(body.clone())).await.expect(403);
    let headers = [("cookie", cookie.as_str()), ("origin", &own)];
    app.request(Method::POST, path, &headers, Some(body)).await.expect(200);
}
