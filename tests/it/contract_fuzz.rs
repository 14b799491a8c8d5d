//! The contract against the running server: Schemathesis asks everything the contract allows, and
//! much that it does not, in every role. What it does stands in `tests/clients/contract_fuzz.py`.
//!
//! Small here, the same requests each time. For a long run: `STRONGROOM_FUZZ_EXAMPLES` (random
//! requests for each operation) and `STRONGROOM_TEST_SEED`.

use std::process::Command;

use serde_json::{Map, Value};
use strongroom::scanning::test_file;

use crate::clamd::shared;
use crate::process::{Server, variable};
use crate::support::TestApp;

/// Every role's credential. An API key stands for the service.
fn tokens(server: &Server) -> Value {
    let mut tokens = Map::new();
    for role in ["admin", "clinician", "staff", "auditor"] {
        tokens.insert(role.to_owned(), server.token(role).into());
    }
    let args = ["--user", "test-patient-user", "--role", "patient", "--patient", "test-patient"];
    let patient = server.told(&[&["token"][..], &args].concat());
    tokens.insert("patient".to_owned(), patient.into());
    let key = server.told(&["key", "create", "--name", "fuzz", "--role", "service"]);
    tokens.insert("service".to_owned(), key.into());
    Value::Object(tokens)
}

async fn holds(vars: &[(&str, &str)], roles: &str, wrong: &str) {
    let python = variable("STRONGROOM_TEST_PYTHON")
        .expect("STRONGROOM_TEST_PYTHON is set by `make test`, which makes the environment");
    let clamd = shared();
    let scanner = [
        ("STRONGROOM_SCANNER", "clamd"),
        ("CLAMD_ADDRESS", clamd.as_str()),
        ("STRONGROOM_SEALED_UPLOADS", "true"),
    ];
    let server = Server::start(&[vars, &scanner].concat()).await;
    let mut command = Command::new(python);
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/contract_fuzz.py"));
    command.args(["--url", &server.url, "--roles", roles, "--wrong", wrong]);
    command.args(["--examples", &variable("STRONGROOM_FUZZ_EXAMPLES").unwrap_or("2".to_owned())]);
    command.args(["--seed", &variable("STRONGROOM_TEST_SEED").unwrap_or("1".to_owned())]);
    command.env("STRONGROOM_FUZZ_TOKENS", tokens(&server).to_string());
    command.env("STRONGROOM_FUZZ_INFECTED", String::from_utf8(test_file()).unwrap());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let done = tokio::task::block_in_place(|| command.output()).unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}\n{wrong}");
    // It ends with 1 also where an operation gave nobody a good answer.
    let clean = said.lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!(clean, roles.split(',').count(), "{said}");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_role_gets_an_answer_that_the_contract_does_not_know() {
    holds(&[], "admin,clinician,staff,patient,service,auditor,nobody", "admin").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_does_one_with_postgresql() {
    let (name, url) = TestApp::database().await;
    holds(&[("DATABASE_URL", &url)], "admin,clinician,patient", "nobody").await;
    TestApp::drop_database(&name).await;
}
