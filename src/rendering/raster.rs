//! JPEG, PNG, GIF and WebP, and what is decoded like them.

use std::io::Cursor;

use image::error::{ImageError, LimitErrorKind};
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use super::paint::{Frame, finish};
use super::{Format, Job, MAX_PIXEL_BYTES, Picture, Unfit, check_page, check_pixels};

/// The largest side that is decoded, pixels.
const MAX_SIDE: u32 = 65_535;

pub(super) fn draw(job: &Job, bytes: Vec<u8>) -> Result<Picture, Unfit> {
    check_page(job, 1)?;
    finish(job, decode(job.format, bytes)?)
}

/// The first picture of a file, as it lies there.
pub(super) fn decode(format: Format, bytes: Vec<u8>) -> Result<Frame, Unfit> {
    let format = match format {
        Format::Png => ImageFormat::Png,
        Format::Gif => ImageFormat::Gif,
        Format::WebP => ImageFormat::WebP,
        Format::Tiff => ImageFormat::Tiff,
        _ => ImageFormat::Jpeg,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_PIXEL_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| unfit(&e))?;
    let (width, height) = decoder.dimensions();
    check_pixels(width, height, u64::from(decoder.color_type().bytes_per_pixel()))?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let pixels = DynamicImage::from_decoder(decoder).map_err(|e| unfit(&e))?;
    Ok(Frame::only(pixels, orientation))
}

fn unfit(e: &ImageError) -> Unfit {
    match e {
        ImageError::Limits(limit) => match limit.kind() {
            LimitErrorKind::InsufficientMemory => Unfit::TooComplex,
            _ => Unfit::Dimensions,
        },
        ImageError::Unsupported(_) => Unfit::Unsupported,
        _ => Unfit::Damaged,
    }
}
