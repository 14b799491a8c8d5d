//! A disk that is really full: a small file system of its own under the data directory.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::crash::{open, unnamed};
use crate::process::{Read, Seeded, Server, files, put, sha256};

const MIB: usize = 1 << 20;

/// A file system in memory that has a fixed size; gone when dropped.
struct SmallDisk {
    folder: TempDir,
    as_root: bool,
}

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let options = format!("size={size},mode=0777");
        let path = folder.path().to_str().unwrap().to_owned();
        let mount = ["mount", "-t", "tmpfs", "-o", &options, "tmpfs", &path];
        let run = |args: &[&str]| Command::new(args[0]).args(&args[1..]).output();
        let direct = run(&mount).expect("mount(8) is installed");
        if direct.status.success() {
            return Self { folder, as_root: false };
        }
        let sudo = run(&[&["sudo", "-n"], &mount[..]].concat());
        assert!(
            sudo.is_ok_and(|done| done.status.success()),
            "this test mounts a small file system and needs root or sudo without a password: {}",
            String::from_utf8_lossy(&direct.stderr)
        );
        Self { folder, as_root: true }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut command = Command::new(if self.as_root { "sudo" } else { "umount" });
        if self.as_root {
            command.args(["-n", "umount"]);
        }
        let _ = command.arg("-l").arg(self.path()).status();
    }
}

/// One upload; the document, or which step was refused with what.
async fn try_upload(server: &Server, token: &str, bytes: &[u8]) -> Result<Value, (u16, String)> {
    let asked = crate::process::asked(bytes.len() as u64);
    let begun = server.post(token, "/api/docs/presign-upload", &asked).await;
    if begun.status != 201 {
        return Err((begun.status, begun.code()));
    }
    let begun = begun.json();
    let sent = put(&server.http, &begun).body(bytes.to_vec()).send().await;
    let sent = Read::of(sent).await;
    if sent.status != 200 {
        return Err((sent.status, sent.s3_code()));
    }
    let confirmed = server.confirm(token, &begun).await;
    if confirmed.status != 201 {
        return Err((confirmed.status, confirmed.code()));
    }
    Ok(confirmed.json())
}

/// Uploads until there is no room; what was confirmed, and how the end was told.
async fn fill(
    server: &Server,
    token: &str,
    random: &mut Seeded,
    size: usize,
) -> (Vec<(Value, String)>, (u16, String)) {
    let mut done = Vec::new();
    loop {
        let bytes = random.pdf(size);
        match try_upload(server, token, &bytes).await {
            Ok(document) => done.push((document, sha256(&bytes))),
            Err(told) => return (done, told),
        }
        assert!(done.len() < 100_000, "the disk never fills up");
    }
}

async fn all_read_well(server: &Server, token: &str, documents: &[(Value, String)]) {
    for (document, sha) in documents {
        let read = server.content(token, document).await;
        assert!(read.status == 200 && read.whole, "{}", String::from_utf8_lossy(&read.body));
        assert_eq!(sha256(&read.body), *sha);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_uploads_and_loses_nothing() {
    let disk = SmallDisk::mount("24m");
    let data = disk.path().join("data");
    let mut server = Server::start(&[("STRONGROOM_DATA_DIR", data.to_str().unwrap())]).await;
    let token = server.token("admin");
    let (filler, crumb) = (disk.path().join("filler"), disk.path().join("crumb"));
    std::fs::write(&filler, vec![1; 8 * MIB]).unwrap();
    std::fs::write(&crumb, vec![1; MIB / 2]).unwrap();
    let mut random = Seeded(3);

    let (mut documents, told) = fill(&server, &token, &mut random, MIB).await;
    assert!(documents.len() >= 3, "{} fit", documents.len());
    assert_eq!(told, (507, "InsufficientStorage".to_owned()));
    assert!(files(&server.store().join("tmp")).is_empty(), "a half-written file is left");
    // A read needs a few blocks for its event: it is right or refused, and right with some room.
    for (document, sha) in &documents {
        let read = server.content(&token, document).await;
        let right = read.status == 200 && read.whole && sha256(&read.body) == *sha;
        assert!(right || read.code() == "storage_full", "{}", read.status);
    }
    std::fs::remove_file(&crumb).unwrap();
    all_read_well(&server, &token, &documents).await;

    let second = disk.path().join("second-crumb");
    std::fs::remove_file(&filler).unwrap();
    std::fs::write(&second, vec![1; MIB / 2]).unwrap();
    let (more, told) = fill(&server, &token, &mut random, MIB).await;
    assert!(more.len() >= 3, "without a restart only {} more fit", more.len());
    assert_eq!(told.0, 507);
    documents.extend(more);

    server.stop().await;
    // Opening the databases takes some room too.
    std::fs::remove_file(&second).unwrap();
    server.restart().await;
    is_sound(&server, &token, &documents).await;
}

/// To the last block: then not even the trail can be written, and nothing is served without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_without_a_single_block_left_recovers_without_a_restart() {
    let disk = SmallDisk::mount("24m");
    let data = disk.path().join("data");
    let mut server = Server::start(&[("STRONGROOM_DATA_DIR", data.to_str().unwrap())]).await;
    let token = server.token("admin");
    let mut random = Seeded(4);
    let bytes = random.pdf(MIB);
    let document = server.upload(&token, &bytes).await;
    let documents = [(document, sha256(&bytes))];

    let filler = disk.path().join("filler");
    fill_up(&filler);
    let mut refused = 0;
    for _ in 0..200 {
        match try_upload(&server, &token, &random.pdf(3000)).await {
            Ok(_) => {}
            Err((status, code)) => {
                assert!(status == 507 || status == 503, "{status} {code}");
                refused += 1;
            }
        }
        let read = server.content(&token, &documents[0].0).await;
        assert!([200, 503, 507].contains(&read.status), "{}", read.status);
        assert!(read.status != 200 || read.whole && sha256(&read.body) == documents[0].1);
    }
    assert!(refused > 100, "only {refused} refused");

    std::fs::remove_file(&filler).unwrap();
    all_read_well(&server, &token, &documents).await;
    try_upload(&server, &token, &random.pdf(MIB)).await.expect("an upload after space was made");
    server.kill9();
    server.restart().await;
    is_sound(&server, &token, &documents).await;
}

/// Takes what room there is, to the last block.
fn fill_up(filler: &Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(filler).unwrap();
    for size in [MIB, 4096, 1] {
        while file.write_all(&vec![1; size]).is_ok() {}
    }
}

async fn is_sound(server: &Server, token: &str, documents: &[(Value, String)]) {
    all_read_well(server, token, documents).await;
    assert!(files(&server.store().join("tmp")).is_empty());
    let left = unnamed(server).await;
    assert!(left.is_empty(), "files without a row: {left:?}");
    for database in ["store/index.sqlite", "strongroom.sqlite"] {
        let mut conn = open(&server.data.join(database)).await;
        let (sound,): (String,) =
            sqlx::query_as("pragma integrity_check").fetch_one(&mut conn).await.unwrap();
        assert_eq!(sound, "ok", "{database}");
    }
}
