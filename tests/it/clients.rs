//! The embedded S3 endpoint through programs that people really use: boto3, the AWS command line,
//! rclone. What they check stands in `tests/clients`; one line a check.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use strongroom::config::CloudFrontConfig;
use strongroom::sensitive::Secret;
use strongroom::store::s3::CloudFront;
use strongroom::store::{AnswerHeaders, ObjectKey};
use strongroom::time::Timestamp;

use crate::process::{Server, variable};
use crate::s3::S3;

async fn passes(script: &str) {
    let python = variable("STRONGROOM_TEST_PYTHON")
        .expect("STRONGROOM_TEST_PYTHON is set by `make test`, which makes the environment");
    let server = Server::start(&[]).await;
    let s3 = S3::of(&server);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");
    let mut command = Command::new(python);
    command.arg(format!("{folder}/{script}")).args(["--go-on", "--endpoint", &s3.endpoint]);
    command.args(["--bucket", &s3.bucket, "--region", &s3.region]);
    command.env("AWS_ACCESS_KEY_ID", &s3.access_key_id);
    command.env("AWS_SECRET_ACCESS_KEY", &s3.secret_access_key);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let done = tokio::task::block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}\n{wrong}");
    let checks = said.lines().filter(|line| line.starts_with("ok ")).count();
    assert!(checks >= 5, "only {checks} checks: {said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_finds_everything_as_in_s3() {
    passes("boto3_check.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_aws_command_line_finds_everything_as_in_s3() {
    passes("aws_check.py").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rclone_finds_everything_as_in_s3() {
    passes("rclone_check.py").await;
}

#[test]
fn a_cloudfront_url_is_the_one_that_botocore_signs() {
    let python = variable("STRONGROOM_TEST_PYTHON")
        .expect("STRONGROOM_TEST_PYTHON is set by `make test`, which makes the environment");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/cloudfront_oracle.py");
    let done = Command::new(python).arg(script).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    let now = Timestamp::from_micros(told["now"].as_i64().unwrap() * 1_000_000 + 678_901);
    for form in ["pkcs1", "pkcs8"] {
        let cloudfront = CloudFront::new(&CloudFrontConfig {
            url: text(&told["distribution"]).unwrap(),
            key_pair_id: text(&told["keyPair"]).unwrap(),
            private_key: Secret::new(text(&told[form]).unwrap()),
        })
        .unwrap();
        let cases = told["cases"].as_array().unwrap();
        assert!(cases.len() >= 4, "{cases:?}");
        for case in cases {
            let key = ObjectKey::new(case["key"].as_str().unwrap()).unwrap();
            let answer = AnswerHeaders {
                content_type: text(&case["type"]),
                content_disposition: text(&case["disposition"]),
            };
            let expires = Duration::from_secs(case["expires"].as_u64().unwrap());
            let version = case["version"].as_str();
            let signed = cloudfront.sign_get(&key, version, &answer, expires, now).unwrap();
            assert_eq!(Some(&*signed.url), case["url"].as_str(), "{key}");
        }
    }
}
