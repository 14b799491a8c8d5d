//! What the documents say is true: their commands run, their tables are the code's.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use strongroom::config::example;
use strongroom::http::Code;

use crate::process::{Server, variable};

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Runs lines of shell as somebody would who has the server's folder and address; what they print.
fn run(server: &Server, script: &str) -> String {
    let script = script
        .replace("target/debug/strongroom", env!("CARGO_BIN_EXE_strongroom"))
        .replace("http://127.0.0.1:8080", &server.url);
    let mut shell = Command::new("bash");
    shell.args(["-e", "-o", "pipefail", "-c", &script]);
    shell.current_dir(env!("CARGO_MANIFEST_DIR"));
    for (name, value) in server.command(&[]).get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    if let Some(python) = variable("STRONGROOM_TEST_PYTHON") {
        let tools = Path::new(&python).parent().unwrap().display().to_string();
        shell.env("PATH", format!("{tools}:{}", variable("PATH").unwrap_or_default()));
    }
    let done = shell.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{script}\n--- printed\n{printed}\n--- said\n{said}");
    printed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_of_the_readme_can_be_pasted() {
    let server = Server::start(&[]).await;
    let readme = document("README.md");
    let blocks: Vec<&str> =
        readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 7, "a block of commands was added or taken away");
    let printed = run(&server, &blocks.join("\n"));
    assert!(printed.contains("\"expiresIn\":900"), "{printed}");
    assert!(printed.contains("\"state\":\"available\""), "{printed}");
    assert!(printed.contains("the same bytes came back"), "{printed}");
    assert!(printed.contains("\"code\":\"not_found\""), "{printed}");
    assert!(printed.contains("\"outcome\":\"denied\""), "{printed}");
    assert!(printed.contains("chest-ct.dcm"), "a file was put: {printed}");
    assert!(printed.contains(".pdf\n"), "the S3 client lists the document: {printed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_that_the_server_prints_can_be_pasted() {
    let server = Server::start(&[]).await;
    let tour = document("src/cli/tour.txt").replace("{url}", &server.url);
    let (_, commands) = tour.split_once("\n\n    export").unwrap();
    let printed = run(&server, &format!("export{commands}"));
    assert!(printed.contains("the same bytes came back"), "{printed}");
}

#[test]
fn every_variable_stands_in_the_documentation_as_in_the_code() {
    assert!(
        document("docs/configure.md").ends_with(&example::markdown()),
        "docs/configure.md ends with what `strongroom config example --markdown` prints"
    );
}

#[test]
fn every_error_code_stands_in_the_documentation_as_in_the_code() {
    let mut table = String::from("| code | status | meaning |\n|---|---|---|\n");
    for code in Code::ALL {
        let status = code.status().as_u16();
        let _ = writeln!(table, "| `{}` | {status} | {} |", code.as_str(), code.title());
    }
    assert!(document("docs/api.md").contains(&table), "docs/api.md should hold:\n{table}");
}
