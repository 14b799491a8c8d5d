//! Files that were sealed before they came: taken only where the operator says so, kept as they
//! are, opened by nobody here.

use http::header;
use serde_json::json;

use crate::content::Door;
use crate::made_files::{AGE, opened, sealed};
use crate::on_every_ground;
use crate::support::{Sample, TestApp, pdf};
use crate::with_variables;

fn letter() -> Sample {
    let bytes = sealed(&pdf().bytes);
    Sample { name: "referral-letter.pdf.age", mime: AGE, category: "other", bytes }
}

mod off {
    use super::sealed_files_come_in_nowhere_unless_the_operator_takes_them;
    super::on_every_ground!(sealed_files_come_in_nowhere_unless_the_operator_takes_them);
}

with_variables!(
    &[("STRONGROOM_SEALED_UPLOADS", "true")];
    a_sealed_file_comes_back_as_it_went_and_is_never_shown,
    a_sealed_name_hides_no_program,
);

async fn sealed_files_come_in_nowhere_unless_the_operator_takes_them(app: &TestApp) {
    let told = app.get(&app.staff(), "/api/docs/limits").await.expect(200).json();
    let types = told["types"].as_array().unwrap();
    assert!(types.len() >= 15 && types.iter().all(|of| of["contentType"] != AGE), "{told}");
    let letter = letter();
    for door in Door::ALL {
        let answer = door.knock(app, letter.asked("patient-1")).await;
        let told = answer.expect(415).json();
        assert_eq!(told["code"], "unsupported_type", "{door:?}");
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains("Sealed files are not taken here"), "{detail}");
        assert!(detail.contains("application/pdf") && !detail.contains(AGE), "{detail}");
    }
    for door in [Door::Record, Door::File] {
        let (_, answer) = door.bring(app, letter.asked("patient-1"), &letter.bytes).await;
        assert_eq!(answer.expect(415).code(), "unsupported_type", "{door:?}");
    }
    let create = json!({ "filename": letter.name, "type": AGE, "metadata": {} });
    let path = "/api/uppy/s3/multipart";
    let told = app.post(&app.admin(), path, create).await.expect(415);
    assert_eq!(told.code(), "unsupported_type");
    assert!(app.rows().await.is_empty() && app.objects().await.is_empty());
}

async fn a_sealed_file_comes_back_as_it_went_and_is_never_shown(app: &TestApp) {
    let admin = app.admin();
    let told = app.get(&app.staff(), "/api/docs/limits").await.expect(200).json();
    let of = told["types"].as_array().unwrap().iter().find(|of| of["contentType"] == AGE);
    // As large as the largest that may be inside.
    let expected = json!({
        "contentType": AGE, "extensions": ["age"], "maxBytes": 50_000_000,
        "maxBytesInParts": 5_000_000_000_u64,
    });
    assert_eq!(of, Some(&expected));
    let configured = app.get(&admin, "/api/config").await.expect(200).json();
    assert_eq!(configured["sealedUploads"], true);

    let letter = letter();
    let document = app.upload(&admin, "patient-1", &letter).await;
    assert_eq!((&document["state"], &document["contentType"]), (&json!("available"), &json!(AGE)));
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    let shown = app.get(&admin, &format!("{path}/content?disposition=inline")).await.expect(200);
    let disposition = shown.headers[header::CONTENT_DISPOSITION].to_str().unwrap();
    assert!(disposition.starts_with("attachment"), "{disposition}");
    assert!(shown.body == letter.bytes);
    assert!(opened(&shown.body) == pdf().bytes, "age does not find the letter in it");
    assert_eq!(app.get(&admin, &format!("{path}/preview")).await.code(), "no_preview");

    app.upload(&admin, "patient-1", &pdf()).await;
    for (family, count) in [("sealed", 1), ("document", 1), ("document,sealed", 2), (AGE, 1)] {
        let found = app.get(&admin, &format!("/api/docs?type={family}")).await.expect(200).json();
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{family}");
    }
}

async fn a_sealed_name_hides_no_program(app: &TestApp) {
    let ask = async |name: &'static str| {
        Door::Presigned.knock(app, Sample { name, ..letter() }.asked("patient-1")).await
    };
    for name in ["evil.exe.age", "page.html.age", "a.pdf.js.age", "letter.pdf", "letter", ".age"] {
        let told = ask(name).await.expect(422).json();
        assert!(told["errors"]["filename"].is_string(), "{name}: {told}");
    }
    for name in ["letter.age", "Dr. Test v1.2.docx.age", "IM000001.AGE"] {
        ask(name).await.expect(201);
    }
}

/// There is no signature in ciphertext: that nothing was found is not called clean.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scanner_sees_nothing_of_what_is_inside_a_sealed_file() {
    let address = crate::clamd::shared();
    let variables = [
        ("STRONGROOM_SEALED_UPLOADS", "true"),
        ("STRONGROOM_SCANNER", "clamd"),
        ("CLAMD_ADDRESS", address.as_str()),
    ];
    let app = TestApp::with(&variables).await;
    let admin = app.admin();
    let malware = crate::clamd::infected_text();
    let hidden = Sample { name: "a.age", mime: AGE, bytes: sealed(&malware.bytes), ..malware };
    let document = app.upload(&admin, "patient-1", &hidden).await;
    let done = strongroom::documents::scan_due(&app.app, false).await.unwrap();
    assert_eq!((done.passed, done.quarantined), (1, 0), "{done:?}");
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    let told = app.get(&admin, &path).await.expect(200).json();
    assert_eq!(
        (&told["state"], &told["scanVerdict"]),
        (&json!("available"), &json!("unscannable"))
    );
    assert_eq!(told["stateReason"], "not scanned: sealed before it came");
    app.check().await;
}
