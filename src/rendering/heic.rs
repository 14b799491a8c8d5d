//! HEIC: the one picture it is about, turned and cut as it says.

use heic_rs::{DecodeOptions, Error, PixelLayout};
use image::metadata::Orientation;

use super::paint::{Frame, colour, finish};
use super::{Job, MAX_PIXELS, Picture, Unfit, check_page, check_pixels};

pub(super) fn draw(job: &Job, bytes: &[u8]) -> Result<Picture, Unfit> {
    check_page(job, 1)?;
    let said = heic_rs::probe(bytes).map_err(|e| unfit(&e))?;
    check_pixels(said.width, said.height, 3)?;
    let options = DecodeOptions {
        layout: PixelLayout::Rgb8,
        max_pixels: Some(MAX_PIXELS),
        decode_alpha: false,
        ..DecodeOptions::default()
    };
    let image = heic_rs::decode(bytes, &options).map_err(|e| unfit(&e))?;
    let pixels = colour(image.width, image.height, image.data)?;
    finish(job, Frame::only(pixels, Orientation::NoTransforms))
}

fn unfit(e: &Error) -> Unfit {
    match e {
        Error::PixelLimit { .. } => Unfit::Dimensions,
        Error::Unsupported(_) => Unfit::Unsupported,
        _ => Unfit::Damaged,
    }
}
