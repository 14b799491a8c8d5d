//! The embedded S3 endpoint through programs that people really use: boto3, the AWS command line,
//! rclone. What they check stands in `tests/clients`; one line a check.

use std::process::Command;

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
