//! From pixels to the file of a picture: made smaller, turned, on white, without anything else.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, Rgb, RgbImage};

use super::{Facts, Format, Job, Picture, Unfit, Window};

/// Of JPEG, from 1 to 100.
const QUALITY: u8 = 82;

/// What goes with the pixels.
pub(super) struct Frame {
    pub pixels: DynamicImage,
    /// How they have to be turned to be seen upright.
    pub orientation: Orientation,
    /// How many pages the file has.
    pub pages: u32,
    /// Which values are shown.
    pub window: Option<Window>,
}

impl Frame {
    /// The one page of a file.
    pub const fn only(pixels: DynamicImage, orientation: Orientation) -> Self {
        Self { pixels, orientation, pages: 1, window: None }
    }
}

/// Makes the picture that is asked for.
pub(super) fn finish(job: &Job, frame: Frame) -> Result<Picture, Unfit> {
    let mut pixels = shrink(frame.pixels, job.size.side());
    // Turned when it is small: the same picture for less memory.
    pixels.apply_orientation(frame.orientation);
    let (width, height) = (pixels.width(), pixels.height());
    let bytes = encode(job.format, &on_white(pixels)).map_err(|_| Unfit::Unsupported)?;
    let facts = Facts { width, height, pages: frame.pages, window: frame.window };
    Ok(Picture { facts, bytes })
}

/// At most `side` pixels on the longer side; never more than there are.
fn shrink(pixels: DynamicImage, side: u32) -> DynamicImage {
    let longest = pixels.width().max(pixels.height());
    if longest <= side {
        return pixels;
    }
    // Far too large: first by the mean of whole blocks, which is quick, then smoothly.
    let near = if longest > side * 4 { pixels.thumbnail(side * 2, side * 2) } else { pixels };
    near.resize(side, side, FilterType::Triangle)
}

/// Eight bits a channel, and what is transparent on white.
fn on_white(pixels: DynamicImage) -> DynamicImage {
    if !pixels.color().has_alpha() {
        let coloured = pixels.color().has_color();
        return if coloured { pixels.into_rgb8().into() } else { pixels.into_luma8().into() };
    }
    let from = pixels.into_rgba8();
    let mut onto = RgbImage::new(from.width(), from.height());
    for (to, of) in onto.pixels_mut().zip(from.pixels()) {
        let [red, green, blue, alpha] = of.0.map(u32::from);
        let mix = |value: u32| {
            u8::try_from((value * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
        };
        *to = Rgb([mix(red), mix(green), mix(blue)]);
    }
    onto.into()
}

fn encode(format: Format, pixels: &DynamicImage) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    if format.picture_type() == "image/png" {
        pixels.write_with_encoder(PngEncoder::new(&mut bytes))?;
    } else {
        pixels.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
    }
    Ok(bytes)
}

/// Pixels in steps of grey, a byte each.
pub(super) fn grey(width: u32, height: u32, values: Vec<u8>) -> Result<DynamicImage, Unfit> {
    GrayImage::from_raw(width, height, values).map(Into::into).ok_or(Unfit::Damaged)
}

/// Pixels in colour, three bytes each.
pub(super) fn colour(width: u32, height: u32, values: Vec<u8>) -> Result<DynamicImage, Unfit> {
    RgbImage::from_raw(width, height, values).map(Into::into).ok_or(Unfit::Damaged)
}
