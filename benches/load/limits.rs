//! What this machine can do at most, measured in the same run: hashing and sealing on one core,
//! bytes over loopback, writes that reach the disk.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest;
use serde::Serialize;

use crate::Failure;

const BLOCK: usize = 64 * 1024;
const SPAN: Duration = Duration::from_millis(500);

/// The limits; throughput in MB/s (1,000,000 bytes).
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// SHA-256 on one core, MB/s.
    pub sha256: f64,
    /// AES-256-GCM on one core, MB/s.
    pub aes_gcm: f64,
    /// TCP over loopback, one connection, MB/s.
    pub loopback: f64,
    /// 4 KiB appended and followed by fdatasync, per second.
    pub fdatasync: f64,
    /// One sequential write of 64 MiB with one fdatasync, MB/s.
    pub disk: f64,
}

/// Measures them all; some three seconds. `dir` is where the server's data will be.
pub fn measure(dir: &Path) -> Result<Limits, Failure> {
    Ok(Limits {
        sha256: sha256(),
        aes_gcm: aes_gcm()?,
        loopback: loopback()?,
        fdatasync: fdatasync(dir)?,
        disk: disk(dir)?,
    })
}

/// Rounds a second of something done again and again for half a second.
#[allow(clippy::cast_precision_loss)]
fn per_second(mut round: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    let began = Instant::now();
    let mut rounds = 0_u64;
    while began.elapsed() < SPAN {
        round()?;
        rounds += 1;
    }
    Ok(rounds as f64 / began.elapsed().as_secs_f64())
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(blocks: f64) -> f64 {
    blocks * BLOCK as f64 / 1e6
}

fn sha256() -> f64 {
    let block = vec![7_u8; BLOCK];
    let rate = per_second(|| {
        std::hint::black_box(digest::digest(&digest::SHA256, &block));
        Ok(())
    });
    rate.map(megabytes).unwrap_or_default()
}

fn aes_gcm() -> Result<f64, Failure> {
    let broken = |_| Failure::from("AES-256-GCM cannot be used");
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[1; 32]).map_err(broken)?);
    let mut block = vec![7_u8; BLOCK];
    let rate = per_second(|| {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag =
            key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut block).map_err(broken)?;
        let _ = std::hint::black_box(tag);
        Ok(())
    })?;
    Ok(megabytes(rate))
}

fn loopback() -> Result<f64, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let reader = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        let mut block = vec![0; BLOCK];
        while stream.read(&mut block)? > 0 {}
        Ok(())
    });
    let mut stream = TcpStream::connect(address)?;
    let block = vec![7_u8; BLOCK];
    let rate = per_second(|| Ok(stream.write_all(&block)?))?;
    drop(stream);
    let _ = reader.join();
    Ok(megabytes(rate))
}

fn fdatasync(dir: &Path) -> Result<f64, Failure> {
    let path = dir.join("limit");
    let mut file = File::create(&path)?;
    let block = [7_u8; 4096];
    let rate = per_second(|| {
        file.write_all(&block)?;
        Ok(file.sync_data()?)
    })?;
    std::fs::remove_file(path)?;
    Ok(rate)
}

#[allow(clippy::cast_precision_loss)]
fn disk(dir: &Path) -> Result<f64, Failure> {
    const BLOCKS: usize = 1024;
    let path = dir.join("limit");
    let block = vec![7_u8; BLOCK];
    let began = Instant::now();
    let mut file = File::create(&path)?;
    for _ in 0..BLOCKS {
        file.write_all(&block)?;
    }
    file.sync_data()?;
    let rate = BLOCKS as f64 / began.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(megabytes(rate))
}
