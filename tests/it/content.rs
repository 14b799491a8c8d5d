//! What may come in: one table of files, the same verdicts behind every door.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use futures::StreamExt as _;
use http::{Method, Request, header};
use serde_json::{Value, json};
use strongroom::access::DEFAULT_CLINIC;
use strongroom::documents::content::Reason;
use strongroom::store::ObjectKey;
use uuid::Uuid;

use crate::bad_files::{self, File, Verdict};
use crate::faulty_proxy::{Fault, Proxy};
use crate::garage::Account;
use crate::made_files::{SVG, docx, part, sample};
use crate::on_every_ground;
use crate::process::Seeded;
use crate::support::{Answer, Sample, TestApp, form_of, pdf};

on_every_ground!(
    a_refused_upload_says_why_everywhere,
    a_name_that_deceives_is_refused_at_every_door,
    limits_of_families_and_categories_hold_at_every_door,
    what_is_too_large_to_be_looked_into_is_refused_before_its_first_byte,
    a_table_of_excels_type_comes_in_by_its_name,
    a_drawing_is_shown_without_its_scripts_and_kept_with_them,
    a_category_is_suggested_by_the_name_and_only_suggested,
);

/// The table goes where sealed files are taken.
mod table {
    use super::every_file_gets_its_verdict_behind_every_door;

    crate::with_variables!(
        &[("STRONGROOM_SEALED_UPLOADS", "true")];
        every_file_gets_its_verdict_behind_every_door,
    );

    mod garage {
        crate::with_variables!(
            @ garage_with, &[("STRONGROOM_SEALED_UPLOADS", "true")],
            every_file_gets_its_verdict_behind_every_door
        );
    }
}

/// A way for a file to come in. Another one is a line here and an arm in each match.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Door {
    /// A presigned PUT, then confirm.
    Presigned,
    /// A presigned form, then confirm.
    Form,
    /// Through the server.
    Through,
    /// In parts, then complete.
    Parts,
    /// A form under a patient's path, all in one call.
    Record,
    /// A form of guide 001, the file before what is said of it.
    File,
    /// In parts that Uppy's client cuts as it likes.
    Uppy,
}

impl Door {
    /// Those where an upload is announced first.
    pub const ALL: [Self; 4] = [Self::Presigned, Self::Form, Self::Through, Self::Parts];
    pub const EVERY: [Self; 7] = [
        Self::Presigned,
        Self::Form,
        Self::Through,
        Self::Parts,
        Self::Record,
        Self::File,
        Self::Uppy,
    ];

    /// Asks to be let in: what the first call answers, which for a form is the only one.
    pub async fn knock(self, app: &TestApp, mut asked: Value) -> Answer {
        let path = match self {
            Self::Record | Self::File => {
                let size = usize::try_from(asked["size"].as_u64().unwrap()).unwrap();
                let bytes = of_size(asked["contentType"].as_str().unwrap(), size);
                return self.send_form(app, &asked, &bytes).await.1;
            }
            Self::Uppy => return app.post(&app.admin(), UPPY, asked_by_uppy(&asked)).await,
            Self::Form => {
                asked["method"] = json!("POST");
                "/api/docs/presign-upload"
            }
            Self::Parts => "/api/docs/multipart",
            Self::Presigned | Self::Through => "/api/docs/presign-upload",
        };
        app.post(&app.admin(), path, asked).await
    }

    /// Brings a file in: its id, and what the call answers that makes the document.
    pub async fn bring(self, app: &TestApp, asked: Value, bytes: &[u8]) -> (String, Answer) {
        let admin = app.admin();
        if matches!(self, Self::Record | Self::File) {
            return self.send_form(app, &asked, bytes).await;
        }
        if self == Self::Uppy {
            return bring_by_uppy(app, &asked, bytes).await;
        }
        if self == Self::Parts {
            let id = app.upload_parts(&admin, asked, bytes).await;
            let path = format!("/api/docs/multipart/{id}/complete");
            let answer = app.post(&admin, &path, json!({})).await;
            return (id, answer);
        }
        let begun = self.knock(app, asked).await.expect(201).json();
        let id = begun["id"].as_str().unwrap().to_owned();
        match self {
            Self::Presigned => drop(app.put(&begun, bytes).await.expect(200)),
            Self::Form => {
                let sent = app.send_form(&begun, &[], bytes).await;
                assert!(sent.status.is_success(), "{}", sent.status);
            }
            _ => {
                let request = Request::builder()
                    .method(Method::PUT)
                    .uri(format!("/api/docs/{id}/content"))
                    .header(&admin.header.0, &admin.header.1);
                let answer = app.send(request.body(Body::from(bytes.to_vec())).unwrap()).await;
                return (id, answer);
            }
        }
        let answer = app.post(&admin, "/api/docs/confirm", json!({ "id": id })).await;
        (id, answer)
    }

    /// A form: row, bytes and confirmation in one call. What it was about tells which row it made.
    async fn send_form(self, app: &TestApp, asked: &Value, bytes: &[u8]) -> (String, Answer) {
        let admin = app.admin();
        let of = Uuid::now_v7().to_string();
        let category = asked["category"].as_str().unwrap();
        let said = [("category", category), ("entityType", "appointment"), ("entityId", &of)];
        let file = (asked["filename"].as_str().unwrap(), asked["contentType"].as_str().unwrap());
        let (path, (kind, form)) = match self {
            Self::Record => ("/api/patients/patient-1/records", form_of(&said, file, bytes, &[])),
            _ => ("/api/v2/aws/s3/upload", form_of(&[], file, bytes, &said)),
        };
        let request = Request::builder().method(Method::POST).uri(path);
        let request = request.header(&admin.header.0, &admin.header.1);
        let request = request.header(header::CONTENT_TYPE, kind).body(Body::from(form));
        let answer = app.send(request.unwrap()).await;
        let path = format!(
            "/api/docs?entityType=appointment&entityId={of}&state=available,refused,abandoned"
        );
        let items = app.get(&admin, &path).await.expect(200).json()["items"].clone();
        (items[0]["id"].as_str().unwrap_or_default().to_owned(), answer)
    }
}

/// Where Uppy begins an upload in parts.
const UPPY: &str = "/api/uppy/s3/multipart";

fn asked_by_uppy(asked: &Value) -> Value {
    let metadata = json!({
        "patientId": "patient-1", "category": asked["category"], "size": asked["size"],
    });
    json!({ "filename": asked["filename"], "type": asked["contentType"], "metadata": metadata })
}

/// A sound file of a type and of exactly this size.
fn of_size(mime: &str, size: usize) -> Vec<u8> {
    match mime {
        "image/jpeg" => {
            let mut bytes = sample("knee-xray.jpg");
            assert!(bytes.len() <= size, "{size}");
            bytes.resize(size, 0);
            bytes
        }
        "application/dicom" => Seeded(7).dicom(size),
        "text/csv" => vec![b'1'; size],
        _ => Seeded(7).pdf(size),
    }
}

/// As Uppy does: a part's URL, the part, and all of them put together.
async fn bring_by_uppy(app: &TestApp, asked: &Value, bytes: &[u8]) -> (String, Answer) {
    let admin = app.admin();
    let made = app.post(&admin, UPPY, asked_by_uppy(asked)).await.expect(200).json();
    let id = made["uploadId"].as_str().unwrap().to_owned();
    let (mut parts, size) = (Vec::new(), 8 << 20);
    for (at, piece) in bytes.chunks(size).enumerate() {
        let number = at + 1;
        let path = format!("/api/uppy/s3/multipart/{id}/{number}?key=k");
        let signed = app.get(&admin, &path).await.expect(200).json();
        let put = json!({ "url": signed["url"], "headers": {} });
        let sent = app.put(&put, piece).await.expect(200);
        let etag = sent.headers[header::ETAG].to_str().unwrap();
        parts.push(json!({ "PartNumber": number, "ETag": etag }));
    }
    let path = format!("/api/uppy/s3/multipart/{id}/complete?key=k");
    let answer = app.post(&admin, &path, json!({ "parts": parts })).await;
    (id, answer)
}

fn asked(file: &File) -> Value {
    json!({
        "patientId": "patient-1", "filename": file.name, "contentType": file.mime,
        "size": file.bytes.len(), "category": "other",
    })
}

/// The verdict, as the answer tells it.
fn verdict(answer: &Answer) -> Verdict {
    if answer.status.is_success() {
        return Verdict::Good;
    }
    let told = answer.json();
    match (answer.status.as_u16(), told["code"].as_str()) {
        (422, Some("content_mismatch")) => Verdict::OtherType,
        (422, Some("content_refused")) => {
            let reason = told["errors"]["content"].as_str().unwrap();
            let known = Reason::ALL;
            Verdict::Refused(known.map(Reason::as_str).into_iter().find(|r| *r == reason).unwrap())
        }
        _ => panic!("{} {told}", answer.status),
    }
}

async fn every_file_gets_its_verdict_behind_every_door(app: &TestApp) {
    let files: Vec<_> = bad_files::all().into_iter().chain(bad_files::large()).collect();
    // Every file behind every door on one ground; on the others each file has a door of its turn.
    let everywhere = app.app.db.engine() == "sqlite";
    let doors = |turn: usize| {
        let all = Door::EVERY.into_iter().enumerate();
        all.filter(move |(at, _)| everywhere || turn % Door::EVERY.len() == *at)
    };
    let cases = files.iter().enumerate();
    let cases = cases.flat_map(|(turn, file)| doors(turn).map(move |(_, door)| (file, door)));
    let wrong: Vec<_> = futures::stream::iter(cases)
        .map(async |(file, door)| {
            let (id, answer) = door.bring(app, asked(file), &file.bytes).await;
            let state = app.get(&app.admin(), &format!("/api/docs/{id}")).await.json();
            let expected = if file.verdict == Verdict::Good { "available" } else { "refused" };
            let right = verdict(&answer) == file.verdict && state["state"] == expected;
            (!right).then(|| format!("{} at {door:?}: {:?} {state}", file.what, verdict(&answer)))
        })
        .buffer_unordered(4)
        .filter_map(async |wrong| wrong)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn a_refused_upload_says_why_everywhere(app: &TestApp) {
    let bytes = docx(&[part("word/vbaProject.bin", "x")]);
    let file = bad_files::file("letter.docx", bytes, Verdict::Refused("macros"));
    for door in Door::EVERY {
        let (id, answer) = door.bring(app, asked(&file), &file.bytes).await;
        let told = answer.expect(422).json();
        assert_eq!(
            (&told["code"], &told["errors"]["content"]),
            (&json!("content_refused"), &json!("macros"))
        );
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains("macros") && detail.contains("save it as .docx"), "{detail}");
        let row = app.get(&app.admin(), &format!("/api/docs/{id}")).await.expect(200).json();
        assert_eq!(row["state"], "refused");
        assert_eq!(row["stateReason"], "content_refused: macros");
        let key = ObjectKey::new(row["key"].as_str().unwrap()).unwrap();
        assert!(app.app.store.head(&key, None).await.is_err(), "{door:?}: the object is there");
        let events = app.events(DEFAULT_CLINIC).await;
        let last = events.iter().rfind(|event| event.outcome == "failed").unwrap();
        assert_eq!(last.code.as_deref(), Some("content_refused"));
        let detail = format!("{:?}", last.detail);
        assert!(detail.contains("refused") && detail.contains("macros"), "{detail}");
        app.get(&app.admin(), &format!("/api/docs/{id}/content")).await.expect(409);
    }
    // Of another type: which, as far as one can see.
    let picture = bad_files::all().into_iter().find(|file| file.mime == "image/jpeg").unwrap();
    let file = bad_files::file("letter.pdf", picture.bytes, Verdict::OtherType);
    let (id, answer) = Door::Through.bring(app, asked(&file), &file.bytes).await;
    let told = answer.expect(422);
    assert_eq!(told.code(), "content_mismatch");
    let detail = told.json()["detail"].as_str().unwrap().to_owned();
    let words =
        "The type is not what was announced to presign-upload: the bytes look like image/jpeg.";
    assert!(detail.starts_with(words), "{detail}");
    let row = app.get(&app.admin(), &format!("/api/docs/{id}")).await.expect(200).json();
    assert_eq!(row["stateReason"], "content_mismatch: type");
}

async fn a_name_that_deceives_is_refused_at_every_door(app: &TestApp) {
    let long = format!("{}.pdf", "n".repeat(10_000));
    for name in [
        "a.php.pdf",
        "a.pdf.exe",
        "a\u{202E}fdp.pdf",
        "a\u{200B}.pdf",
        "a\u{1}.pdf",
        "a%00.pdf",
        "a.pdf.",
        "CON.pdf",
        "../a.pdf",
        "a.jpg",
        long.as_str(),
    ] {
        for door in Door::EVERY {
            // Old browsers name a form's file by its path, so that is left aside.
            if name.contains('/') && matches!(door, Door::Record | Door::File) {
                continue;
            }
            let mut asked = pdf().asked("patient-1");
            asked["filename"] = json!(name);
            let answer = door.knock(app, asked).await;
            let told = answer.json();
            assert_eq!(answer.status.as_u16(), 422, "{name:?} at {door:?}: {told}");
            assert!(told["errors"]["filename"].is_string(), "{name:?} at {door:?}: {told}");
        }
    }
    assert!(app.rows().await.is_empty());
}

async fn limits_of_families_and_categories_hold_at_every_door(_: &TestApp) {
    let small = [
        ("STRONGROOM_MAX_UPLOAD", "60MB"),
        ("STRONGROOM_MAX_IMAGE", "100KB"),
        ("STRONGROOM_MAX_DOCUMENT", "250KB"),
        ("STRONGROOM_MAX_MEDICAL", "500KB"),
        ("STRONGROOM_MAX_BY_CATEGORY", "invoices=10KB"),
    ];
    let app = &TestApp::with(&small).await;
    let told = app.get(&app.patient("patient-1"), "/api/docs/limits").await.expect(200).json();
    assert_eq!(told["maxBytesInParts"], 60_000_000);
    assert_eq!(told["categories"], json!([{ "category": "invoices", "maxBytes": 10_000 }]));
    for (mime, name, category, limit) in [
        ("image/jpeg", "a.jpg", "imaging", 100_000_u64),
        ("application/pdf", "a.pdf", "other", 250_000),
        ("application/dicom", "a.dcm", "imaging", 500_000),
        ("application/pdf", "a.pdf", "invoices", 10_000),
    ] {
        let types = told["types"].as_array().unwrap();
        let of_type = types.iter().find(|accepted| accepted["contentType"] == mime).unwrap();
        let own = if category == "invoices" { 10_000 } else { u64::MAX };
        assert_eq!(of_type["maxBytes"].as_u64().unwrap().min(own), limit);
        let extension = name.rsplit_once('.').unwrap().1;
        assert!(of_type["extensions"].as_array().unwrap().contains(&json!(extension)));
        for door in Door::EVERY {
            let of_parts = if category == "invoices" { limit } else { 60_000_000 };
            let in_parts = matches!(door, Door::Parts | Door::Uppy);
            let limit = if in_parts { of_parts } else { limit };
            let asked = |size: u64| {
                json!({
                    "patientId": "patient-1", "filename": name, "contentType": mime,
                    "size": size, "category": category,
                })
            };
            let what = format!("{mime}, {category}, {door:?}");
            let over = door.knock(app, asked(limit + 1)).await;
            assert_eq!(over.status.as_u16(), 413, "{what}: one byte more than {limit}");
            assert_eq!(over.code(), "file_too_large");
            let fits = door.knock(app, asked(limit)).await;
            assert!(fits.status.is_success(), "{what}: {limit}: {}", fits.status);
        }
    }
}

/// What has to be read whole to be looked into is refused before its first byte where it is larger
/// than may be read.
async fn what_is_too_large_to_be_looked_into_is_refused_before_its_first_byte(app: &TestApp) {
    let told = app.get(&app.patient("patient-1"), "/api/docs/limits").await.expect(200).json();
    let walked = 512 << 20;
    for (mime, name, limit) in [
        ("image/jpeg", "a.jpg", walked),
        ("image/gif", "a.gif", walked),
        ("image/svg+xml", "a.svg", walked),
        ("application/pdf", "a.pdf", 5_000_000_000_u64),
        ("application/dicom", "a.dcm", 5_000_000_000),
    ] {
        let types = told["types"].as_array().unwrap();
        let of_type = types.iter().find(|accepted| accepted["contentType"] == mime).unwrap();
        assert_eq!(of_type["maxBytesInParts"], limit, "{mime}");
        for door in [Door::Parts, Door::Uppy] {
            let asked = |size: u64| {
                json!({
                    "patientId": "patient-1", "filename": name, "contentType": mime,
                    "size": size, "category": "other",
                })
            };
            let over = door.knock(app, asked(limit + 1)).await;
            assert_eq!(over.expect(413).code(), "file_too_large", "{mime} at {door:?}");
            let fits = door.knock(app, asked(limit)).await;
            assert!(fits.status.is_success(), "{mime} at {door:?}: {}", fits.status);
        }
    }
}

/// Browsers on Windows take the type of `.csv` from Excel.
async fn a_table_of_excels_type_comes_in_by_its_name(app: &TestApp) {
    let bytes = b"a;b\n1;2\n".to_vec();
    for door in Door::EVERY {
        let file = File {
            what: "a table",
            name: "values.CSV",
            mime: "application/vnd.ms-excel",
            bytes: bytes.clone(),
            verdict: Verdict::Good,
        };
        let (id, answer) = door.bring(app, asked(&file), &file.bytes).await;
        assert_eq!(verdict(&answer), Verdict::Good, "{door:?}");
        let row = app.get(&app.admin(), &format!("/api/docs/{id}")).await.expect(200).json();
        assert_eq!(row["contentType"], "text/csv", "{door:?}");
    }
    // A file that is called so and is an old table is neither.
    let old = bad_files::all().into_iter().find(|file| file.what == "an old table").unwrap();
    let file = File { name: "values.csv", ..old };
    let (_, answer) = Door::Through.bring(app, asked(&file), &file.bytes).await;
    assert_eq!(verdict(&answer), Verdict::OtherType);
}

async fn a_drawing_is_shown_without_its_scripts_and_kept_with_them(app: &TestApp) {
    let admin = app.admin();
    let sample = Sample {
        name: "drawing.svg",
        mime: "image/svg+xml",
        category: "other",
        bytes: SVG.as_bytes().to_vec(),
    };
    let document = app.upload(&admin, "patient-1", &sample).await;
    let path = format!("/api/docs/{}/content", document["id"].as_str().unwrap());
    let kept = app.get(&admin, &format!("{path}?disposition=inline")).await.expect(200);
    assert!(kept.body == sample.bytes, "the original is not as it was");
    let shown = kept.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(shown.starts_with("attachment"), "{shown}");
    let cleaned =
        app.get(&admin, &format!("{path}?harmless=true&disposition=inline")).await.expect(200);
    let text = String::from_utf8(cleaned.body.clone()).unwrap();
    assert!(text.contains("<circle") && !text.contains("alert"), "{text}");
    let policy = cleaned.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    assert_eq!(cleaned.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(cleaned.headers[header::CONTENT_TYPE], "image/svg+xml");
    let shown = cleaned.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(shown.starts_with("inline"), "{shown}");
    // What is no drawing has no such rendition; a drawing that is none cannot be cleaned.
    let letter = app.upload(&admin, "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}/content?harmless=true", letter["id"].as_str().unwrap());
    let answer = app.get(&admin, &path).await.expect(400);
    assert_eq!(answer.code(), "bad_request");
    assert!(answer.json()["detail"].as_str().unwrap().contains("Only SVG"));
    let broken = Sample { bytes: SVG.replace("</svg>", "</g>").into_bytes(), ..sample.clone() };
    let broken = app.upload(&admin, "patient-1", &broken).await;
    let path = format!("/api/docs/{}/content?harmless=true", broken["id"].as_str().unwrap());
    let answer = app.get(&admin, &path).await.expect(400);
    assert!(answer.json()["detail"].as_str().unwrap().contains("not well-formed"));
    let large = format!("{SVG}<!--{}-->", "x".repeat(4 << 20)).into_bytes();
    let large = app.upload(&admin, "patient-1", &Sample { bytes: large, ..sample }).await;
    let path = format!("/api/docs/{}/content?harmless=true", large["id"].as_str().unwrap());
    let answer = app.get(&admin, &path).await.expect(400);
    assert!(answer.json()["detail"].as_str().unwrap().contains("4 MiB"));
    app.get(&app.patient("patient-2"), &path).await.expect(404);
}

async fn a_category_is_suggested_by_the_name_and_only_suggested(app: &TestApp) {
    let ask = async |name: &str| {
        let path = format!("/api/docs/category-suggestion?filename={name}");
        app.get(&app.staff(), &path).await
    };
    let told = ask("Lab%20results%202024.pdf").await.expect(200).json();
    assert_eq!(told, json!({ "category": "lab-results", "keyword": "lab" }));
    assert_eq!(ask("IMG_0001.jpg").await.expect(200).json(), json!({ "category": null }));
    assert!(ask("a%00.pdf").await.expect(422).json()["errors"]["filename"].is_string());
    let mut asked = Sample { name: "lab results.pdf", ..pdf() }.asked("patient-1");
    asked.as_object_mut().unwrap().remove("category");
    let begun = app.post(&app.admin(), "/api/docs/presign-upload", asked).await.expect(201).json();
    let path = format!("/api/docs/{}", begun["id"].as_str().unwrap());
    assert_eq!(app.get(&app.admin(), &path).await.expect(200).json()["category"], "other");
    app.get(&app.auditor(), "/api/docs/category-suggestion?filename=a.pdf").await.expect(403);
}

/// A network that fails while a file is looked into says nothing of the file; and looking does not
/// take more requests than it has to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_under_an_inspection_is_no_verdict() {
    let bucket = Account::garage().bucket().await;
    let proxy = Proxy::before(&bucket.account.endpoint).await;
    let app = TestApp::in_bucket(bucket.through(&proxy.url()), &[]).await;
    let admin = app.admin();
    for (name, bytes) in [("small.pdf", pdf().bytes), ("large.pdf", Seeded(1).pdf(3_000_000))] {
        let sample = Sample { name: "a.pdf", bytes, ..pdf() };
        let begun = app.post(&admin, "/api/docs/presign-upload", sample.asked("patient-1")).await;
        let begun = begun.expect(201).json();
        app.put(&begun, sample.bytes.clone()).await.expect(200);
        let confirm = json!({ "id": begun["id"] });
        proxy.plan(|request| match request.method {
            Method::GET => Fault::Answer(503),
            _ => Fault::None,
        });
        let failed = app.post(&admin, "/api/docs/confirm", confirm.clone()).await;
        assert_eq!(failed.expect(503).code(), "store_unavailable", "{name}");
        proxy.always(Fault::None);
        let (before, _) = proxy.counts();
        app.post(&admin, "/api/docs/confirm", confirm).await.expect(201);
        let (after, _) = proxy.counts();
        println!("{name}: confirmed with {} requests to the store", after - before);
        assert!(after - before <= 8, "{name}: {} requests", after - before);
    }
    // What the attempts that failed had moved is cleared up.
    app.clock.shift_seconds(7 * 3600);
    let ran = strongroom::upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!(ran[0].failed, 0, "{ran:?}");
    app.clock.shift_seconds(-7 * 3600);
    app.check().await;
    app.leave().await;
}

/// However long a store takes, that says nothing of the file either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_slow_under_an_inspection_is_no_verdict() {
    let bucket = Account::garage().bucket().await;
    let proxy = Proxy::before(&bucket.account.endpoint).await;
    let app = TestApp::in_bucket(bucket.through(&proxy.url()), &[]).await;
    let admin = app.admin();
    let large = bad_files::large().into_iter().find(|file| file.what == "a large picture").unwrap();
    let sample =
        Sample { name: "a.jpg", mime: "image/jpeg", category: "imaging", bytes: large.bytes };
    let begun = app.post(&admin, "/api/docs/presign-upload", sample.asked("patient-1")).await;
    let begun = begun.expect(201).json();
    app.put(&begun, sample.bytes.clone()).await.expect(200);
    let confirm = json!({ "id": begun["id"] });
    let passed = Arc::new(AtomicI64::new(0));
    let (clock, seconds) = (app.clock.clone(), Arc::clone(&passed));
    proxy.plan(move |request| {
        // Each piece that is looked at takes three minutes by the server's clock.
        if request.method == Method::GET && request.headers.contains_key(header::RANGE) {
            clock.shift_seconds(180);
            seconds.fetch_add(180, Ordering::Relaxed);
        }
        Fault::None
    });
    let slow = app.post(&admin, "/api/docs/confirm", confirm.clone()).await;
    assert_eq!(slow.expect(503).code(), "store_unavailable");
    proxy.always(Fault::None);
    assert!(passed.load(Ordering::Relaxed) > 0, "nothing was read by range");
    app.clock.shift_seconds(-passed.load(Ordering::Relaxed));
    let path = format!("/api/docs/{}", begun["id"].as_str().unwrap());
    assert_eq!(app.get(&admin, &path).await.expect(200).json()["state"], "pending");
    app.post(&admin, "/api/docs/confirm", confirm).await.expect(201);
    // What the attempt that failed had moved is cleared up.
    app.clock.shift_seconds(7 * 3600);
    let ran = strongroom::upkeep::run_once(&app.app, false).await.unwrap();
    assert_eq!(ran[0].failed, 0, "{ran:?}");
    app.clock.shift_seconds(-7 * 3600);
    app.check().await;
    app.leave().await;
}
