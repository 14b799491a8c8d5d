//! Pictures of documents: thumbnails, and pages large enough to read.
//!
//! This floor knows bytes and pictures; whose they are and who may see them is the domain's.
//! Decoders read what anybody may have sent, so they do not run in the server: each picture is
//! drawn by a process of its own ([`worker`]) that is given the bytes through a pipe and nothing
//! else, may use so much memory and time, can open no file, and is ended when it does not end
//! (decision 0020).
//!
//! Invariants:
//! - How many pixels a file says it has is read before any of them is decoded.
//! - Nothing of a file but its pixels goes into a picture: no place, no name, no profile.
//! - The server holds no more of a file than the piece it is passing on.

mod dicom;
mod heic;
mod paint;
mod pdf;
mod raster;
mod renderer;
#[cfg(test)]
mod tests;
mod tiff;
pub mod worker;

use serde::{Deserialize, Serialize};

pub use renderer::{RenderError, Renderer};

/// What makes pictures, by number: one that was made by another is made again.
pub const MAKER: i64 = 1;

/// The largest file that is looked at, bytes.
const MAX_SOURCE: u64 = 128 << 20;
/// The most pixels of a picture that is decoded.
const MAX_PIXELS: u64 = 100_000_000;
/// The most bytes its pixels may take.
const MAX_PIXEL_BYTES: u64 = 512 << 20;

/// Formats that pictures are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF: its first picture.
    Gif,
    /// WebP: its first picture.
    WebP,
    /// TIFF, page by page.
    Tiff,
    /// HEIC.
    Heic,
    /// DICOM, frame by frame.
    Dicom,
    /// PDF, page by page.
    Pdf,
}

impl Format {
    /// The format of a media type; none: no picture is made of it.
    pub fn of(mime: &str) -> Option<Self> {
        Some(match mime {
            "image/jpeg" => Self::Jpeg,
            "image/png" => Self::Png,
            "image/gif" => Self::Gif,
            "image/webp" => Self::WebP,
            "image/tiff" => Self::Tiff,
            "image/heic" => Self::Heic,
            "application/dicom" => Self::Dicom,
            "application/pdf" => Self::Pdf,
            _ => return None,
        })
    }

    /// The media type of a picture of it. Steps of grey say something in DICOM, so they are kept.
    pub const fn picture_type(self) -> &'static str {
        match self {
            Self::Dicom => "image/png",
            _ => "image/jpeg",
        }
    }
}

/// How large a picture is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureSize {
    /// For a list.
    Thumb,
    /// To read.
    Page,
}

impl PictureSize {
    /// As stored, asked for and told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thumb => "thumb",
            Self::Page => "page",
        }
    }

    /// The most pixels of the longer side.
    pub const fn side(self) -> u32 {
        match self {
            Self::Thumb => 320,
            Self::Page => 1600,
        }
    }
}

/// Which values of a DICOM picture are shown between black and white (PS3.3, C.11.2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The value in the middle.
    pub center: f64,
    /// How many values from black to white; at least 1.
    pub width: f64,
}

/// What is to be drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// What the file is.
    pub format: Format,
    /// How large the picture is to be.
    pub size: PictureSize,
    /// Which page or frame, from 1.
    pub page: u32,
    /// Which values are shown; none: as the file says. For DICOM only.
    pub window: Option<Window>,
}

/// What there is to know of a picture beside its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// How many pages or frames the file has.
    pub pages: u32,
    /// Which values are shown, for DICOM in steps of grey.
    pub window: Option<Window>,
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// What there is to know of it.
    pub facts: Facts,
    /// The file.
    pub bytes: Vec<u8>,
}

/// Why no picture can be made of a file, today or tomorrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfit {
    /// It has more pixels than are decoded.
    Dimensions,
    /// It is larger than what is looked at.
    TooLarge,
    /// It takes more time or memory than there is for one.
    TooComplex,
    /// It cannot be read.
    Damaged,
    /// It asks for a password.
    Encrypted,
    /// It is built in a way that is not read here.
    Unsupported,
    /// It has no such page; how many it has.
    NoPage(u32),
}

impl Unfit {
    /// Those that a row keeps.
    const KEPT: [Self; 6] = [
        Self::Dimensions,
        Self::TooLarge,
        Self::TooComplex,
        Self::Damaged,
        Self::Encrypted,
        Self::Unsupported,
    ];

    /// As stored and told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dimensions => "dimensions",
            Self::TooLarge => "too_large",
            Self::TooComplex => "too_complex",
            Self::Damaged => "damaged",
            Self::Encrypted => "encrypted",
            Self::Unsupported => "unsupported",
            Self::NoPage(_) => "no_page",
        }
    }

    /// What a row says.
    pub fn find(text: &str) -> Option<Self> {
        Self::KEPT.into_iter().find(|unfit| unfit.as_str() == text)
    }
}

/// What a worker answers: this as one line of JSON, and the file behind it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reply {
    Drawn(Facts),
    Unfit(Unfit),
}

/// Draws a picture of a file, in this process: only a worker should.
fn draw(job: &Job, bytes: Vec<u8>) -> Result<Picture, Unfit> {
    if bytes.len() as u64 > MAX_SOURCE {
        return Err(Unfit::TooLarge);
    }
    match job.format {
        Format::Jpeg | Format::Png | Format::Gif | Format::WebP => raster::draw(job, bytes),
        Format::Tiff => tiff::draw(job, bytes),
        Format::Heic => heic::draw(job, &bytes),
        Format::Dicom => dicom::draw(job, &bytes),
        Format::Pdf => pdf::draw(job, bytes),
    }
}

/// Whether so many pixels of so many bytes each are decoded.
fn check_pixels(width: u32, height: u32, bytes_each: u64) -> Result<(), Unfit> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Unfit::Damaged);
    }
    if pixels > MAX_PIXELS || pixels.saturating_mul(bytes_each) > MAX_PIXEL_BYTES {
        return Err(Unfit::Dimensions);
    }
    Ok(())
}

/// The index of the page that is asked for.
fn check_page(job: &Job, pages: u32) -> Result<u32, Unfit> {
    match job.page.checked_sub(1) {
        Some(index) if index < pages => Ok(index),
        _ => Err(Unfit::NoPage(pages)),
    }
}
