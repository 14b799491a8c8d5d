//! The process that draws one picture: a line that says what, the file behind it, one answer.
//!
//! It holds no key and no credential: its environment is empty and what it is given comes through
//! a pipe. Before it reads the first byte it gives up what it does not need: memory beyond a
//! bound, time beyond a bound, and every way to open a file or a connection.

use std::io::{self, BufRead, Read, Write};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Facts, Job, MAX_SOURCE, Picture, Reply, Unfit, draw};

/// The most memory, bytes of addresses: the program, the file, its pixels.
const MEMORY: u64 = 1536 << 20;
/// The most time on a processor, seconds.
const SECONDS: u64 = 15;

/// Draws what standard input asks for onto standard output.
pub fn run() -> io::Result<()> {
    give_up()?;
    answer(&mut io::stdin().lock(), &mut io::stdout().lock())
}

/// Gives up what a decoder does not need. There is no way back.
fn give_up() -> io::Result<()> {
    let none = Some(0);
    // Standard input, output and error stay open; nothing can be opened, in their place neither.
    for (resource, most) in [
        (Resource::As, Some(MEMORY)),
        (Resource::Cpu, Some(SECONDS)),
        (Resource::Core, none),
        (Resource::Fsize, none),
        (Resource::Nproc, none),
        (Resource::Nofile, none),
    ] {
        setrlimit(resource, Rlimit { current: most, maximum: most })?;
    }
    Ok(())
}

/// Reads a job and its file, and writes what came of it.
fn answer(input: &mut impl BufRead, output: &mut impl Write) -> io::Result<()> {
    let mut line = String::new();
    input.take(4096).read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    let mut bytes = Vec::new();
    input.take(MAX_SOURCE + 1).read_to_end(&mut bytes)?;
    let (reply, file) = match draw(&job, bytes) {
        Ok(Picture { facts, bytes }) => (Reply::Drawn(facts), bytes),
        Err(unfit) => (Reply::Unfit(unfit), Vec::new()),
    };
    let mut head = serde_json::to_vec(&reply)?;
    head.push(b'\n');
    output.write_all(&head)?;
    output.write_all(&file)?;
    output.flush()
}

/// What a worker has written, read again.
pub(super) fn read(written: &[u8]) -> Option<Result<Picture, Unfit>> {
    let end = written.iter().position(|&byte| byte == b'\n')?;
    let (head, file) = written.split_at(end);
    match serde_json::from_slice(head).ok()? {
        Reply::Unfit(unfit) => Some(Err(unfit)),
        Reply::Drawn(facts) => {
            let facts: Facts = facts;
            Some(Ok(Picture { facts, bytes: file[1..].to_vec() }))
        }
    }
}
