//! Real scanners: the daemon that `make test` starts, daemons that a test may end, and things that
//! only look like one. And files with something inside.

use std::fs::File;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use strongroom::scanning::test_file;
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::process::{until, variable};
use crate::samples::{DOCX, Sample};

/// What the daemons call the test file.
pub const SIGNATURE: &str = "Strongroom.Test.Eicar.UNOFFICIAL";

fn set_by_make_test(name: &str) -> String {
    variable(name).unwrap_or_else(|| panic!("{name} is set by `make test`, which starts clamd"))
}

/// Runs each test on every ground, with the scanner of the test run.
macro_rules! on_every_ground_with_clamd {
    ($($name:ident),* $(,)?) => {
        mod sqlite { $($crate::clamd::with_clamd!(with, $name);)* }
        mod postgres { $($crate::clamd::with_clamd!(postgres_with, $name);)* }
        mod garage { $($crate::clamd::with_clamd!(garage_with, $name);)* }
    };
}

macro_rules! with_clamd {
    ($ground:ident, $name:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let address = crate::clamd::shared();
            let variables = [("STRONGROOM_SCANNER", "clamd"), ("CLAMD_ADDRESS", address.as_str())];
            let app = crate::support::TestApp::$ground(&variables).await;
            super::$name(&app).await;
            app.check().await;
            app.leave().await;
        }
    };
}

pub(crate) use {on_every_ground_with_clamd, with_clamd};

/// The address of the daemon of the test run.
pub fn shared() -> String {
    set_by_make_test("STRONGROOM_TEST_CLAMD")
}

/// A daemon of a test's own.
pub struct Clamd {
    child: Option<Child>,
    folder: TempDir,
}

impl Clamd {
    /// With these lines in its configuration.
    pub async fn start(options: &[&str]) -> Self {
        let mut clamd = Self::prepare(options);
        clamd.restart().await;
        clamd
    }

    /// One that is not running yet.
    pub fn prepare(options: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let at = folder.path();
        std::fs::create_dir(at.join("signatures")).unwrap();
        std::fs::create_dir(at.join("tmp")).unwrap();
        let signature = format!("Strongroom.Test.Eicar:0:*:{}\n", hex::encode(test_file()));
        std::fs::write(at.join("signatures/test.ndb"), signature).unwrap();
        let mut text = format!(
            "Foreground yes\nLocalSocket {0}/clamd.sock\nDatabaseDirectory {0}/signatures\n\
             TemporaryDirectory {0}/tmp\nMaxThreads 16\n",
            at.display()
        );
        text.extend(options.iter().flat_map(|line| [*line, "\n"]));
        std::fs::write(at.join("clamd.conf"), text).unwrap();
        Self { child: None, folder }
    }

    pub fn address(&self) -> String {
        format!("unix:{}/clamd.sock", self.folder.path().display())
    }

    /// Starts it, on the same address as before.
    pub async fn restart(&mut self) {
        self.kill();
        let at = self.folder.path();
        let log = File::options().create(true).append(true).open(at.join("log")).unwrap();
        let mut command = Command::new(set_by_make_test("STRONGROOM_TEST_CLAMD_PROGRAM"));
        command.arg("-c").arg(at.join("clamd.conf")).stdin(Stdio::null());
        self.child = Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let socket = at.join("clamd.sock");
        until("clamd answers", || {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "{}", std::fs::read_to_string(at.join("log")).unwrap());
            std::os::unix::net::UnixStream::connect(&socket).ok()
        })
        .await;
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Takes away the room where it spools what it is sent, as a full disk does, or gives it back.
    pub fn has_room(&self, has: bool) {
        let (room, away) = (self.folder.path().join("tmp"), self.folder.path().join("away"));
        let (from, to) = if has { (away, room) } else { (room, away) };
        std::fs::rename(from, to).unwrap();
    }

    /// How many files it was sent, by its own log.
    pub fn files_seen(&self) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        log.lines().filter(|line| line.starts_with("instream(")).count()
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Something that listens and is no scanner.
pub struct Impostor {
    pub address: String,
    task: JoinHandle<()>,
    busy: Arc<AtomicBool>,
}

/// What it does with those who connect.
#[derive(Clone, Copy)]
pub enum Manner {
    /// It takes everything in and never says a word, but to PING.
    Hangs,
    /// It says this, whatever it is sent.
    Says(&'static [u8]),
    /// It hangs up after so many bytes.
    HangsUpAfter(usize),
    /// It says this of a file in which the test file is, and hangs up; others are clean to it. No
    /// real daemon can be made to crash on a file.
    ChokesSaying(&'static [u8]),
    /// It says nothing of a file in which the test file is; others are clean to it.
    HangsOver,
}

impl Impostor {
    pub async fn with(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let busy = Arc::new(AtomicBool::new(false));
        let at_work = Arc::clone(&busy);
        let task = tokio::spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                open.spawn(receive(connection, manner, Arc::clone(&at_work)));
            }
        });
        Self { address, task, busy }
    }

    /// Waits until it has been sent something of a file.
    pub async fn busy(&self) {
        until("a file comes", || self.busy.load(Ordering::Relaxed).then_some(())).await;
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(mut connection: tokio::net::TcpStream, manner: Manner, busy: Arc<AtomicBool>) {
    use tokio::io::AsyncWriteExt as _;
    let mut buffer = vec![0; 64 * 1024];
    let (mut come, mut file) = (0, Vec::new());
    while let Ok(count @ 1..) = connection.read(&mut buffer).await {
        if come == 0 && buffer.starts_with(b"zPING") {
            let _ = connection.write_all(b"PONG\0").await;
            return;
        }
        come += count;
        busy.store(true, Ordering::Relaxed);
        match manner {
            Manner::Says(text) => {
                let _ = connection.write_all(text).await;
                return;
            }
            Manner::HangsUpAfter(most) if come >= most => return,
            Manner::ChokesSaying(_) | Manner::HangsOver => {
                file.extend_from_slice(&buffer[..count]);
                let Some(clean) = is_clean(&file) else { continue };
                match manner {
                    _ if clean => {
                        let _ = connection.write_all(b"stream: OK\0").await;
                        return;
                    }
                    Manner::ChokesSaying(text) => {
                        let _ = connection.write_all(text).await;
                        return;
                    }
                    _ => {}
                }
            }
            Manner::Hangs | Manner::HangsUpAfter(_) => {}
        }
    }
}

/// Whether the test file is not in what was sent; none: it has not all come.
fn is_clean(sent: &[u8]) -> Option<bool> {
    let (mut rest, mut file) = (sent.strip_prefix(b"zINSTREAM\0")?, Vec::new());
    loop {
        let (length, behind) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 {
            let held = test_file();
            return Some(!file.windows(held.len()).any(|bytes| bytes == held));
        }
        file.extend_from_slice(behind.get(..length)?);
        rest = &behind[length..];
    }
}

/// The test file as a text, inside a Word document, and attached to a PDF.
pub fn infected() -> Vec<Sample> {
    let text = Sample {
        name: "notes.txt",
        mime: "text/plain",
        category: "intake-forms",
        bytes: test_file(),
    };
    vec![
        text,
        made("docx", "treatment-plan.docx", DOCX),
        made("pdf", "letter.pdf", "application/pdf"),
    ]
}

/// The plainest of them.
pub fn infected_text() -> Sample {
    infected().remove(0)
}

fn made(kind: &str, name: &'static str, mime: &'static str) -> Sample {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new("python3");
    command.arg(format!("{root}/tests/clients/infected.py")).arg(kind);
    command.arg(format!("{root}/samples/treatment-plan.docx"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&test_file()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    let plain = test_file();
    let hidden = !done.stdout.windows(plain.len()).any(|bytes| bytes == plain);
    assert!(hidden, "what is inside has to be compressed");
    Sample { name, mime, category: "medical-records", bytes: done.stdout }
}

/// A PDF that opens with a password only.
pub fn locked_pdf() -> Sample {
    made("locked", "letter.pdf", "application/pdf")
}
