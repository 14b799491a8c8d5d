//! Documents that a lifecycle rule has moved to an archive class, over the API; moto plays AWS.

use aws_sdk_s3::types::{MetadataDirective, StorageClass};
use serde_json::json;

use crate::garage::Account;
use crate::support::{TestApp, pdf};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_document_says_so_and_is_brought_back_on_request() {
    let bucket = Account::moto().bucket().await;
    bucket.move_to_glacier_after(90).await;
    let app = TestApp::in_bucket(bucket.clone(), &[]).await;
    let admin = app.admin();
    let document = app.upload(&admin, "patient-1", &pdf()).await;
    let path = format!("/api/docs/{}", document["id"].as_str().unwrap());
    let path = |rest: &str| format!("{path}{rest}");
    app.get(&admin, &path("/download")).await.expect(200);

    // What the rule does after ninety days.
    let key = document["key"].as_str().unwrap();
    let copy = bucket.client.copy_object().bucket(&bucket.name).key(key);
    let copy = copy.copy_source(format!("{}/{key}", bucket.name));
    let copy = copy.metadata_directive(MetadataDirective::Copy);
    copy.storage_class(StorageClass::Glacier).send().await.unwrap();
    app.clock.shift_seconds(91 * 24 * 3600);
    let admin = app.admin();

    for rest in ["/download", "/content"] {
        let refused = app.get(&admin, &path(rest)).await.expect(409);
        assert_eq!(refused.code(), "archived");
        assert!(refused.json()["detail"].as_str().unwrap().contains("retrieval"));
    }
    let told = app.get(&admin, &path("/retrieval")).await.expect(200).json();
    assert_eq!(told, json!({ "state": "archived", "storageClass": "GLACIER" }));
    let asked = app.post(&admin, &path("/retrieval"), json!({ "days": 2 })).await.expect(202);
    assert_eq!(asked.json()["state"], "retrieving");
    // moto brings it back at once, AWS within hours.
    let told = app.get(&admin, &path("/retrieval")).await.expect(200).json();
    assert_eq!(told["state"], "retrieved", "{told}");
    app.post(&admin, &path("/retrieval"), json!({})).await.expect(200);
    let content = app.get(&admin, &path("/content")).await.expect(200);
    assert!(content.body == pdf().bytes);
    app.get(&admin, &path("/download")).await.expect(200);
    app.clock.shift_seconds(-91 * 24 * 3600);
    let trail = app.trail().await;
    let refused = "test-admin content.read failed:archived document";
    assert!(trail.iter().any(|line| line == refused), "{trail:?}");
    app.leave().await;
}
