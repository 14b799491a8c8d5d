//! PDF, page by page, on white paper.

use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings, render};
use image::metadata::Orientation;
use image::{DynamicImage, RgbaImage};

use super::paint::{Frame, finish};
use super::{Job, Picture, Unfit, check_page};

pub(super) fn draw(job: &Job, bytes: Vec<u8>) -> Result<Picture, Unfit> {
    let pdf = Pdf::new(bytes).map_err(unfit)?;
    let pages = u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX);
    if pages == 0 {
        return Err(Unfit::Damaged);
    }
    let index = check_page(job, pages)?;
    let page = pdf.pages().get(index as usize).ok_or(Unfit::Damaged)?;
    let (width, height) = page.render_dimensions();
    let longest = width.max(height);
    if !(longest.is_finite() && longest >= 1.0 && width > 0.0 && height > 0.0) {
        return Err(Unfit::Damaged);
    }
    #[allow(clippy::cast_precision_loss, reason = "hundreds of pixels")]
    let scale = job.size.side() as f32 / longest;
    // No side may round to nothing.
    let settings = PixmapSettings {
        x_scale: scale.max(1.0 / width),
        y_scale: scale.max(1.0 / height),
        bg_color: WHITE,
    };
    let (cache, reading) = (RenderCache::new(), InterpreterSettings::default());
    let drawn = render(page, &cache, &reading, &RenderSettings::default(), &settings);
    let (width, height) = (u32::from(drawn.width()), u32::from(drawn.height()));
    let pixels = RgbaImage::from_raw(width, height, drawn.data_as_u8_slice().to_vec());
    let pixels = DynamicImage::from(pixels.ok_or(Unfit::Damaged)?);
    finish(job, Frame { pages, ..Frame::only(pixels, Orientation::NoTransforms) })
}

fn unfit(e: LoadPdfError) -> Unfit {
    match e {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Unfit::Encrypted,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => Unfit::Unsupported,
        LoadPdfError::Decryption(_) | LoadPdfError::Invalid => Unfit::Damaged,
    }
}
