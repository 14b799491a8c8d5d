//! Every door through which a document comes in tells webhooks the same: that it is there, that it
//! took another's place, that it was refused, that nothing came of it.

use axum::body::{Body, Bytes};
use futures::stream;
use http::{Method, Request, header};
use serde_json::{Value, json};
use strongroom::documents::scan_due;
use strongroom::webhooks::send_due;

use crate::support::{Answer, TestApp, form_of, pdf};
use crate::webhooks_receiver::Receiver;
use crate::with_variables;

with_variables!(
    &[("STRONGROOM_WEBHOOK_ALLOW_PRIVATE", "true")];
    whichever_door_a_document_comes_through_webhooks_are_told_the_same,
    an_upload_by_form_that_comes_to_nothing_is_told_as_abandoned,
    who_may_not_upload_by_form_tells_nobody_anything,
);

const PATIENT: &str = "7f1c5c0e-4d7c-4c1b-9a54-2f0f3f1c2d3e";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Presigned,
    PresignedForm,
    ThroughServer,
    Parts,
    Record,
    RecordFieldsFirst,
    FileByKey,
    UppySingle,
    UppyParts,
}

const DOORS: [Door; 9] = [
    Door::Presigned,
    Door::PresignedForm,
    Door::ThroughServer,
    Door::Parts,
    Door::Record,
    Door::RecordFieldsFirst,
    Door::FileByKey,
    Door::UppySingle,
    Door::UppyParts,
];

fn id_of(answer: &Answer) -> Option<String> {
    let id = answer.json()["id"].as_str().map(str::to_owned);
    id.filter(|_| answer.status.is_success())
}

/// Takes bytes in that are said to be a PDF, in the place of another document where one is named;
/// the document's id, where it became one.
async fn bring(app: &TestApp, door: Door, bytes: &[u8], instead: Option<&str>) -> Option<String> {
    let admin = app.admin();
    match door {
        Door::Presigned | Door::PresignedForm | Door::ThroughServer => {
            announced(app, door, bytes, instead).await
        }
        Door::Parts => {
            let mut asked = pdf().asked(PATIENT);
            (asked["size"], asked["supersedes"]) = (json!(bytes.len()), json!(instead));
            let id = app.upload_parts(&admin, asked, bytes).await;
            let complete = format!("/api/docs/multipart/{id}/complete");
            id_of(&app.post(&admin, &complete, json!({})).await)
        }
        Door::Record | Door::RecordFieldsFirst | Door::FileByKey => {
            let mut fields = vec![("category", "imaging")];
            fields.extend(instead.map(|id| ("supersedes", id)));
            let mut path = format!("/api/patients/{PATIENT}/records");
            if door == Door::FileByKey {
                fields.extend([("entityType", "patient"), ("entityId", PATIENT)]);
                "/api/v2/aws/s3/upload".clone_into(&mut path);
            }
            let first = door == Door::RecordFieldsFirst;
            let (before, behind) =
                if first { (&fields[..], &[][..]) } else { (&[][..], &fields[..]) };
            let form = form_of(before, (pdf().name, pdf().mime), bytes, behind);
            id_of(&app.post_form(&admin, &path, form).await)
        }
        Door::UppySingle => {
            let mut pairs = vec![("filename", pdf().name), ("type", pdf().mime)];
            pairs.extend([("metadata[patientId]", PATIENT), ("metadata[category]", "imaging")]);
            pairs.extend(instead.map(|id| ("metadata[supersedes]", id)));
            let query =
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            let begun = app.get(&admin, &format!("/api/uppy/s3/params?{query}")).await;
            let begun = begun.expect(200).json();
            assert!(app.send_form(&begun, &[], bytes).await.status.is_success());
            let key = json!({ "key": begun["fields"]["key"] });
            id_of(&app.post(&admin, "/api/uppy/s3/confirm", key).await)
        }
        Door::UppyParts => uppy_parts(app, bytes, instead).await,
    }
}

async fn announced(
    app: &TestApp,
    door: Door,
    bytes: &[u8],
    instead: Option<&str>,
) -> Option<String> {
    let admin = app.admin();
    let mut asked = pdf().asked(PATIENT);
    (asked["size"], asked["supersedes"]) = (json!(bytes.len()), json!(instead));
    if door == Door::PresignedForm {
        asked["method"] = json!("POST");
    }
    let begun = app.post(&admin, "/api/docs/presign-upload", asked).await.expect(201).json();
    match door {
        Door::ThroughServer => {
            let path = format!("/api/docs/{}/content", begun["id"].as_str().unwrap());
            let request = Request::builder().method(Method::PUT).uri(path);
            let request = request.header(&admin.header.0, &admin.header.1);
            return id_of(&app.send(request.body(Body::from(bytes.to_vec())).unwrap()).await);
        }
        Door::PresignedForm => {
            assert!(app.send_form(&begun, &[], bytes).await.status.is_success());
        }
        _ => assert!(app.put(&begun, bytes).await.status.is_success()),
    }
    id_of(&app.post(&admin, "/api/docs/confirm", json!({ "id": begun["id"] })).await)
}

async fn uppy_parts(app: &TestApp, bytes: &[u8], instead: Option<&str>) -> Option<String> {
    let admin = app.admin();
    let mut metadata = json!({ "patientId": PATIENT, "category": "imaging" });
    if let Some(id) = instead {
        metadata["supersedes"] = json!(id);
    }
    let asked = json!({ "filename": pdf().name, "type": pdf().mime, "metadata": metadata });
    let begun = app.post(&admin, "/api/uppy/s3/multipart", asked).await.expect(200).json();
    let path = format!("/api/uppy/s3/multipart/{}", begun["uploadId"].as_str().unwrap());
    let signed = app.get(&admin, &format!("{path}/1?key=k")).await.expect(200).json();
    let sent = app.put_with(signed["url"].as_str().unwrap(), &[], bytes.to_vec()).await;
    let etag = sent.expect(200).headers[header::ETAG].to_str().unwrap().to_owned();
    let parts = json!({ "parts": [{ "PartNumber": 1, "ETag": etag }] });
    id_of(&app.post(&admin, &format!("{path}/complete?key=k"), parts).await)
}

async fn listen(app: &TestApp) -> Receiver {
    let receiver = Receiver::start().await;
    app.post(&app.admin(), "/api/webhooks", json!({ "url": receiver.url })).await.expect(201);
    receiver
}

/// What came of what waits, one line a message: event, document, and the other one of it.
async fn told(app: &TestApp, receiver: &Receiver, known: usize) -> Vec<[String; 3]> {
    send_due(&app.app).await.unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |message: Value| {
        let data = &message["data"];
        let other = [&data["supersedes"], &data["supersededBy"]].map(text).concat();
        [text(&message["type"]), text(&data["id"]), other]
    };
    let mut lines: Vec<_> = receiver.got().iter().skip(known).map(|got| line(got.json())).collect();
    lines.sort();
    lines
}

async fn whichever_door_a_document_comes_through_webhooks_are_told_the_same(app: &TestApp) {
    let receiver = listen(app).await;
    for door in DOORS {
        let known = receiver.got().len();
        let old = bring(app, door, &pdf().bytes, None).await.expect("a document");
        let new = bring(app, door, &pdf().bytes, Some(&old)).await.expect("a newer one");
        let refused = bring(app, door, &vec![b'x'; 2_000], None).await;
        assert_eq!(refused, None, "{door:?}");
        let (refusals, told): (Vec<_>, Vec<_>) =
            told(app, &receiver, known).await.into_iter().partition(|l| l[0] == "document.refused");
        let line = |event: &str, id: &str, other: &str| [event, id, other].map(str::to_owned);
        let mut expected = vec![
            line("document.available", &old, ""),
            line("document.available", &new, &old),
            line("document.superseded", &old, &new),
        ];
        expected.sort();
        assert_eq!(told, expected, "{door:?}");
        assert_eq!(refusals.len(), 1, "{door:?}: {refusals:?}");
    }
}

async fn an_upload_by_form_that_comes_to_nothing_is_told_as_abandoned(app: &TestApp) {
    let (admin, receiver) = (app.admin(), listen(app).await);
    for path in [format!("/api/patients/{PATIENT}/records"), "/api/v2/aws/s3/upload".to_owned()] {
        let known = receiver.got().len();
        let (kind, whole) = form_of(&[], (pdf().name, pdf().mime), &pdf().bytes, &[]);
        let piece = Bytes::from(whole[..2_000].to_vec());
        let broken = [Ok(piece), Err(std::io::Error::other("the line is dead"))];
        let request = Request::builder().method(Method::POST).uri(&path);
        let request = request.header(&admin.header.0, &admin.header.1);
        let request = request.header(header::CONTENT_TYPE, kind);
        let body = Body::from_stream(stream::iter(broken));
        app.send(request.body(body).unwrap()).await.expect(400);
        let told = told(app, &receiver, known).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0][0], "upload.abandoned", "{told:?}");
        // A form that does not hold what it must ends as refused.
        let wrong = form_of(&[], (pdf().name, pdf().mime), &pdf().bytes, &[("colour", "red")]);
        app.post_form(&admin, &path, wrong).await.expect(422);
        let told = self::told(app, &receiver, known + 1).await;
        assert_eq!((told.len(), told[0][0].as_str()), (1, "document.refused"), "{told:?}");
    }
}

async fn who_may_not_upload_by_form_tells_nobody_anything(app: &TestApp) {
    let receiver = listen(app).await;
    let path = "/api/v2/aws/s3/upload";
    let of_other = [("entityType", "patient"), ("entityId", "patient-9"), ("category", "imaging")];
    let form = form_of(&[], (pdf().name, pdf().mime), &pdf().bytes, &of_other);
    // Whose it is comes behind the file: only then is it known that they may not.
    app.post_form(&app.clinician(), path, form).await.expect(403);
    assert!(told(app, &receiver, 0).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malware_that_comes_by_form_is_told_and_so_is_that_it_is_scanned_again() {
    let address = crate::clamd::shared();
    let app = TestApp::with(&[
        ("STRONGROOM_SCANNER", "clamd"),
        ("CLAMD_ADDRESS", address.as_str()),
        ("STRONGROOM_WEBHOOK_ALLOW_PRIVATE", "true"),
    ])
    .await;
    let (admin, receiver) = (app.admin(), listen(&app).await);
    let form = form_of(&[], ("notes.txt", "text/plain"), &crate::clamd::infected_text().bytes, &[]);
    let path = format!("/api/patients/{PATIENT}/records");
    let record = app.post_form(&admin, &path, form).await.expect(201).json();
    scan_due(&app.app, false).await.unwrap();
    let id = record["id"].as_str().unwrap();
    let lines = told(&app, &receiver, 0).await;
    assert_eq!(lines, [["document.quarantined", id, ""].map(str::to_owned)]);
    let scan = format!("/api/docs/{id}/scan");
    app.post(&admin, &scan, json!({})).await.expect(202);
    assert_eq!(told(&app, &receiver, 1).await[0][0], "document.scanning");
    scan_due(&app.app, false).await.unwrap();
    assert_eq!(told(&app, &receiver, 2).await[0][0], "document.quarantined");
    app.check().await;
}
