//! The real `@uppy/aws-s3` 5 and 6 in a real browser: what they upload is there, whole, under the
//! right patient and category, whichever way they say who they are.

use std::time::Duration;

use serde_json::{Value, json};
use strongroom::access::Role;

use crate::browser::{self, Served, sign_in};
use crate::support::TestApp;

/// What the page's script makes of a seed.
fn text_of(seed: u64, size: u64) -> Vec<u8> {
    (0..size).map(|i| b'a' + u8::try_from((i * 7 + (i >> 10) + seed) % 26).unwrap()).collect()
}

async fn run(served: &Served, can_expire: bool) -> Vec<(String, Value)> {
    let app = &served.app;
    let bearer = app.lasting_token("test-admin", Role::Admin, Duration::from_hours(12));
    let asked = json!({ "patientId": "patient-1", "category": "lab-results", "maxFiles": 50 });
    app.care("patient-1").await;
    let clinician = app.lasting_token("test-clinician", Role::Clinician, Duration::from_hours(12));
    let made = app.post(&clinician, "/api/uppy/tickets", asked).await;
    let input = json!({
        "base": format!("{}/api/uppy", served.url),
        "pages": served.pages,
        "bearer": bearer.header.1,
        "cookie": sign_in(app).await,
        "ticket": made.expect(201).json()["companionEndpoint"],
        "canExpire": can_expire,
    });
    tokio::task::block_in_place(|| {
        browser::run("uppy", &input, |asked| {
            assert_eq!(asked["ask"], "shift");
            app.clock.shift_seconds(asked["seconds"].as_i64().unwrap());
            json!({})
        })
    })
}

/// Looks at what came of each scenario, as an admin does later.
async fn look_at(app: &TestApp, told: &[(String, Value)]) {
    for (name, result) in told {
        let version = &name[..1];
        let (_, what) = name.split_once(": ").unwrap();
        match what {
            "cancelled" => {
                assert_eq!(result["status"], 200, "{name}");
                let path = format!("/api/docs/{}", result["uploadId"].as_str().unwrap());
                let row = app.get(&app.admin(), &path).await.expect(200).json();
                assert_eq!(row["state"], "abandoned", "{name}");
            }
            "a refusal" => {
                let said = result["error"].as_str().unwrap();
                assert!(said.contains("must end in .txt"), "{name}: {said}");
                assert_eq!(said.starts_with("Companion request failed: "), version == "6");
            }
            _ => uploaded(app, name, what, result).await,
        }
    }
}

async fn uploaded(app: &TestApp, name: &str, what: &str, result: &Value) {
    assert_eq!(result["failed"], 0, "{name}: {result}");
    let file = &result["file"];
    let key = result["body"]["key"].as_str().unwrap();
    let document = &result["document"];
    assert_eq!(document["state"], "available", "{name}: {document}");
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    let seen = app.get(&app.admin(), &path).await.expect(200).json();
    assert_eq!(
        (&seen["patientId"], &seen["category"]),
        (&json!("patient-1"), &json!("lab-results"))
    );
    assert_eq!((&seen["filename"], &seen["size"]), (&file["name"], &file["size"]), "{name}");
    let bytes = app.get(&app.admin(), &format!("{path}/content")).await.expect(200).body;
    let wanted = text_of(file["seed"].as_u64().unwrap(), file["size"].as_u64().unwrap());
    assert!(bytes == wanted, "{name}: other bytes came");
    let who = match name.split(['y', ':']).nth(1).unwrap().trim() {
        "header" => "test-admin",
        "cookie" => "page-user",
        _ => "test-clinician",
    };
    assert_eq!(seen["uploadedBy"], who, "{name}");
    match what {
        "one request" => assert!(key.starts_with("incoming/"), "{name}: {key}"),
        "paused and resumed" => assert_eq!(result["atPause"], json!([1]), "{name}"),
        "left and taken up again" => {
            assert_eq!(result["puts"], 2, "{name}: what was there is sent");
        }
        "an expired part" => {
            let refused = result["refused"].as_array().unwrap();
            assert_eq!(refused.len(), 1, "{name}: {result}");
            let said = refused[0].as_str().unwrap();
            assert!(said.contains("<Message>Request has expired</Message>"), "{said}");
            // Version 5 signs again by itself; version 6 tells its user, who tries again.
            assert_eq!(result["first"].is_string(), name.starts_with('6'), "{name}: {result}");
        }
        _ => {}
    }
    if what != "one request" && name.starts_with('5') {
        assert_eq!(result["body"]["documentId"], document["id"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uppy_5_and_6_upload_from_a_browser_to_the_local_store() {
    let served = Served::local().await;
    let told = run(&served, true).await;
    assert_eq!(told.len(), 20, "{told:#?}");
    look_at(&served.app, &told).await;
    served.app.check().await;
    served.app.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uppy_5_and_6_upload_from_a_browser_to_garage() {
    let served = Served::garage().await;
    let told = run(&served, false).await;
    assert_eq!(told.len(), 18, "{told:#?}");
    look_at(&served.app, &told).await;
    served.app.check().await;
    served.app.leave().await;
}
