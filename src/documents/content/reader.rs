//! Reading bytes by range, wherever they are.
//!
//! Invariant: nothing here holds more than a few pieces of a file; what reads without an end is
//! stopped by the source's own bounds.

use std::cell::RefCell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use super::verdict::{Stop, damaged};

/// Bytes that are somewhere.
pub trait Source {
    /// How many there are.
    fn size(&self) -> u64;

    /// Some of them from `at` on: at least one, none at the end and beyond it.
    fn chunk(&mut self, at: u64) -> Result<&[u8], Stop>;
}

impl Source for &[u8] {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn chunk(&mut self, at: u64) -> Result<&[u8], Stop> {
        Ok(usize::try_from(at).ok().and_then(|at| self.get(at..)).unwrap_or_default())
    }
}

/// What a format's rules read with.
pub struct Reader<'s>(&'s mut dyn Source);

impl<'s> Reader<'s> {
    /// Reads from here.
    pub fn new(source: &'s mut dyn Source) -> Self {
        Self(source)
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.0.size()
    }

    /// Some bytes from `at` on; none at the end.
    pub fn chunk(&mut self, at: u64) -> Result<&[u8], Stop> {
        self.0.chunk(at)
    }

    /// The bytes from `at` on, at most `most` of them; fewer at the end.
    pub fn read(&mut self, at: u64, most: usize) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        while bytes.len() < most {
            let piece = self.0.chunk(at.saturating_add(bytes.len() as u64))?;
            if piece.is_empty() {
                break;
            }
            bytes.extend_from_slice(&piece[..piece.len().min(most - bytes.len())]);
        }
        Ok(bytes)
    }

    /// Exactly this many bytes; a file that ends before is damaged.
    pub fn exact(&mut self, at: u64, count: usize) -> Result<Vec<u8>, Stop> {
        let bytes = self.read(at, count)?;
        if bytes.len() == count { Ok(bytes) } else { damaged() }
    }

    /// The same, of a length that is known.
    pub fn array<const N: usize>(&mut self, at: u64) -> Result<[u8; N], Stop> {
        match <[u8; N]>::try_from(self.read(at, N)?) {
            Ok(bytes) => Ok(bytes),
            Err(_) => damaged(),
        }
    }

    /// The last bytes, at most `most`, and where they begin.
    pub fn tail(&mut self, most: usize) -> Result<(u64, Vec<u8>), Stop> {
        let at = self.size().saturating_sub(most as u64);
        Ok((at, self.read(at, most)?))
    }

    /// Where this byte stands next, from `at` on.
    pub fn find(&mut self, byte: u8, mut at: u64) -> Result<Option<u64>, Stop> {
        loop {
            let piece = self.0.chunk(at)?;
            if piece.is_empty() {
                return Ok(None);
            }
            match memchr::memchr(byte, piece) {
                Some(found) => return Ok(Some(at + found as u64)),
                None => at += piece.len() as u64,
            }
        }
    }

    /// Whether all bytes from `at` to the end are zero.
    pub fn only_zeros(&mut self, mut at: u64) -> Result<bool, Stop> {
        loop {
            let piece = self.0.chunk(at)?;
            if piece.is_empty() {
                return Ok(true);
            }
            if piece.iter().any(|&byte| byte != 0) {
                return Ok(false);
            }
            at += piece.len() as u64;
        }
    }
}

/// A reader for libraries that want to read and seek. What stopped it is left in `stopped`.
pub(super) struct Seeking<'r, 's> {
    reader: &'r mut Reader<'s>,
    at: u64,
    stopped: Rc<RefCell<Option<Stop>>>,
}

impl<'r, 's> Seeking<'r, 's> {
    pub fn new(reader: &'r mut Reader<'s>, stopped: &Rc<RefCell<Option<Stop>>>) -> Self {
        Self { reader, at: 0, stopped: Rc::clone(stopped) }
    }
}

impl Read for Seeking<'_, '_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        match self.reader.chunk(self.at) {
            Ok(piece) => {
                let count = piece.len().min(to.len());
                to[..count].copy_from_slice(&piece[..count]);
                self.at += count as u64;
                Ok(count)
            }
            Err(stop) => {
                *self.stopped.borrow_mut() = Some(stop);
                Err(io::Error::other("the bytes cannot be read"))
            }
        }
    }
}

impl Seek for Seeking<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.reader.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::other("before the beginning"))?;
        Ok(self.at)
    }
}
