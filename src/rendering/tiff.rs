//! TIFF, page by page. Pages are a chain of directories whose beginning stands in the header
//! (TIFF 6.0, section 2; `BigTIFF` with eight bytes for four): the decoder reads the first of them,
//! so the header is made to name the page that is wanted.

use super::paint::{Frame, finish};
use super::{Format, Job, Picture, Unfit, check_page, raster};

/// The most pages that are looked for.
const MAX_PAGES: usize = 10_000;

pub(super) fn draw(job: &Job, mut bytes: Vec<u8>) -> Result<Picture, Unfit> {
    let layout = Layout::of(&bytes).ok_or(Unfit::Damaged)?;
    let pages = layout.pages(&bytes).ok_or(Unfit::Damaged)?;
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    let page = check_page(job, count)?;
    let begin = pages.get(page as usize).copied().ok_or(Unfit::Damaged)?;
    layout.begin_at(&mut bytes, begin);
    let frame = raster::decode(Format::Tiff, bytes)?;
    finish(job, Frame { pages: count, ..frame })
}

/// How numbers stand in a file.
struct Layout {
    little: bool,
    big: bool,
}

impl Layout {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(..4)? {
            b"II*\0" => Some(Self { little: true, big: false }),
            b"MM\0*" => Some(Self { little: false, big: false }),
            b"II+\0" => Some(Self { little: true, big: true }),
            b"MM\0+" => Some(Self { little: false, big: true }),
            _ => None,
        }
    }

    /// The number of `length` bytes at a place.
    fn number(&self, bytes: &[u8], at: u64, length: u64) -> Option<u64> {
        let begin = usize::try_from(at).ok()?;
        let end = begin.checked_add(usize::try_from(length).ok()?)?;
        let digits = bytes.get(begin..end)?.iter().copied().map(u64::from);
        let join = |sum: u64, digit: u64| (sum << 8) | digit;
        Some(if self.little { digits.rev().fold(0, join) } else { digits.fold(0, join) })
    }

    /// How long the number of a place in the file is, in bytes. That of the first directory stands
    /// as far into the header.
    const fn width(&self) -> u8 {
        if self.big { 8 } else { 4 }
    }

    /// Where each directory begins. A chain that bites its tail ends there.
    fn pages(&self, bytes: &[u8]) -> Option<Vec<u64>> {
        let width = u64::from(self.width());
        let (count_width, entry) = if self.big { (8, 20) } else { (2, 12) };
        let mut next = self.number(bytes, width, width)?;
        let mut pages = Vec::new();
        while next != 0 && pages.len() < MAX_PAGES && !pages.contains(&next) {
            pages.push(next);
            let entries = self.number(bytes, next, count_width)?;
            let end = entries.checked_mul(entry)?.checked_add(next)?.checked_add(count_width)?;
            next = self.number(bytes, end, width)?;
        }
        Some(pages)
    }

    fn begin_at(&self, bytes: &mut [u8], begin: u64) {
        let width = usize::from(self.width());
        let digits = begin.to_be_bytes();
        let digits = &digits[8 - width..];
        for (index, digit) in digits.iter().enumerate() {
            let at = if self.little { width - 1 - index } else { index };
            if let Some(byte) = bytes.get_mut(width + at) {
                *byte = *digit;
            }
        }
    }
}
