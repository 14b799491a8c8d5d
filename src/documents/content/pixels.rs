//! How large a picture may be, by what its header says: a few bytes must not unpack to gigabytes
//! at whoever shows them (OWASP ASVS 5.0, 5.2.6).

use super::verdict::{Reason, Stop, damaged, refuse};

/// Longest side, in pixels: what a JPEG can say.
pub const MAX_SIDE: u64 = 65_535;
/// Most pixels of one picture: an A3 page scanned at 1,200 dots per inch has 278 million.
pub const MAX_PIXELS: u64 = 300_000_000;

/// Checks the size of a picture; one without pixels is damaged.
pub(super) fn check(width: impl Into<u64>, height: impl Into<u64>) -> Result<(), Stop> {
    let (width, height) = (width.into(), height.into());
    if width == 0 || height == 0 {
        return damaged();
    }
    if width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS {
        return refuse(
            Reason::Dimensions,
            "The picture is larger than 65,535 pixels on a side or 300 million in all; send a \
             smaller one.",
        );
    }
    Ok(())
}
