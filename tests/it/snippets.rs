//! The calls the guides tell an app to paste, in a real browser and as they stand there:
//! `tests/browser/snippets.mjs`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::browser::{self, Served, sign_in};
use crate::support::pdf;

async fn run(served: &Served) -> Vec<(String, Value)> {
    let app = &served.app;
    let input = json!({
        "base": served.url,
        "pages": served.pages,
        "cookie": sign_in(app).await,
        "pdf": STANDARD.encode(&pdf().bytes),
    });
    let runtime = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        browser::run("snippets", &input, |asked| {
            // A confirmed object may have moved: the key that was told stays a name of it.
            let confirm = json!({ "key": asked["key"] });
            let again = async { app.post(&app.admin(), "/api/docs/confirm", confirm).await };
            runtime.block_on(again).expect(200).json()
        })
    })
}

async fn look_at(served: &Served) {
    let told = run(served).await;
    let [(_, flow), (_, by_key)] = told.as_slice() else { panic!("{told:#?}") };
    assert_eq!(flow["type"], "application/pdf");
    assert_eq!(flow["viewed"], json!({ "status": 200, "same": true }));
    let path = format!("/api/docs/{}", flow["id"].as_str().unwrap());
    let document = served.app.get(&served.app.admin(), &path).await.expect(200).json();
    assert_eq!(document["state"], "available");
    assert_eq!((&document["patientId"], &document["category"]), (&json!("123"), &json!("other")));
    assert_eq!(document["uploadedBy"], "page-user");

    assert_eq!(by_key["status"], 201, "{by_key}");
    assert_eq!(by_key["presigned"], json!({ "same": true }));
    assert_eq!(by_key["direct"], json!({ "type": "application/pdf", "same": true }));
    let lists = |name: &str| by_key[name].as_array().unwrap().contains(&by_key["key"]);
    assert!(lists("listed"), "{by_key}");
    assert_eq!(by_key["deleted"], 200, "{by_key}");
    assert!(!lists("left"), "{by_key}");
    served.app.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_guides_calls_run_unchanged_in_a_browser_on_the_local_store() {
    let served = Served::local().await;
    look_at(&served).await;
    served.app.leave().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_guides_calls_run_unchanged_in_a_browser_on_garage() {
    let served = Served::garage().await;
    look_at(&served).await;
    served.app.leave().await;
}
