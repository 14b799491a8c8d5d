//! What pictures are made of which files, in this process.

use std::io::Cursor;

use image::{DynamicImage, GenericImageView as _, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use super::*;

#[path = "../../tests/it/made_pictures.rs"]
mod made_pictures;

use made_pictures::{Dicom, jpeg_turned, pdf_of, tiff_of};

fn job(format: Format, size: PictureSize, page: u32) -> Job {
    Job { format, size, page, window: None }
}

fn sample(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/samples/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What is drawn, seen again.
fn seen(job: &Job, bytes: Vec<u8>) -> (Facts, DynamicImage) {
    let picture = draw(job, bytes).unwrap();
    let format = match job.format.picture_type() {
        "image/png" => ImageFormat::Png,
        _ => ImageFormat::Jpeg,
    };
    let pixels = image::load_from_memory_with_format(&picture.bytes, format).unwrap();
    assert_eq!((picture.facts.width, picture.facts.height), pixels.dimensions());
    (picture.facts, pixels)
}

/// Whether a pixel is about this colour.
fn about(pixels: &DynamicImage, at: (u32, u32), colour: [u8; 3]) -> bool {
    let found = pixels.to_rgb8().get_pixel(at.0, at.1).0;
    found.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 24)
}

fn file(pixels: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    pixels.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

const RED: [u8; 3] = [220, 30, 30];
const BLUE: [u8; 3] = [30, 30, 220];

/// Red on the left, blue on the right.
fn two_halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| Rgb(if x < width / 2 { RED } else { BLUE }))
}

#[test]
fn every_sample_that_is_a_picture_is_drawn_in_both_sizes() {
    for (name, format, longer) in [
        ("knee-xray.jpg", Format::Jpeg, 640),
        ("wound-photo.png", Format::Png, 400),
        ("phone-photo.heic", Format::Heic, 480),
        ("chest-ct.dcm", Format::Dicom, 128),
        ("consent.tiff", Format::Tiff, 877),
        ("scan.webp", Format::WebP, 877),
        ("diagram.gif", Format::Gif, 240),
        ("referral-letter.pdf", Format::Pdf, 1600),
    ] {
        for size in [PictureSize::Thumb, PictureSize::Page] {
            let (facts, pixels) = seen(&job(format, size, 1), sample(name));
            // Never larger than it is; paper has no size in pixels.
            assert_eq!(facts.width.max(facts.height), longer.min(size.side()), "{name}");
            assert_eq!(facts.pages, if format == Format::Tiff { 2 } else { 1 }, "{name}");
            let grey = pixels.to_luma8();
            let (low, high) = (grey.iter().min().unwrap(), grey.iter().max().unwrap());
            assert!(high - low > 50, "{name} is empty: {low} to {high}");
        }
    }
}

#[test]
fn a_photograph_is_shown_upright_and_says_nothing_of_where_it_was_taken() {
    let flat = file(two_halves(64, 32), ImageFormat::Jpeg);
    for (orientation, size, red, blue) in [
        (1, (64, 32), (8, 16), (56, 16)),
        (3, (64, 32), (56, 16), (8, 16)),
        (6, (32, 64), (16, 8), (16, 56)),
        (8, (32, 64), (16, 56), (16, 8)),
    ] {
        let turned = jpeg_turned(&flat, orientation, b"CANARY in a note");
        assert!(turned.windows(6).any(|six| six == b"CANARY"));
        let picture = draw(&job(Format::Jpeg, PictureSize::Thumb, 1), turned.clone()).unwrap();
        assert!(!picture.bytes.windows(4).any(|four| four == b"Exif" || four == b"CANA"));
        let (_, pixels) = seen(&job(Format::Jpeg, PictureSize::Thumb, 1), turned);
        assert_eq!(pixels.dimensions(), size, "{orientation}");
        assert!(about(&pixels, red, RED) && about(&pixels, blue, BLUE), "{orientation}");
    }
}

#[test]
fn what_is_transparent_is_shown_on_white() {
    let glass = RgbaImage::from_fn(20, 20, |x, _| Rgba([0, 0, 0, if x < 10 { 0 } else { 255 }]));
    let (_, pixels) = seen(&job(Format::Png, PictureSize::Thumb, 1), file(glass, ImageFormat::Png));
    assert!(about(&pixels, (3, 10), [255; 3]) && about(&pixels, (17, 10), [0; 3]));
}

/// A PNG of one pixel that says it has this size (PNG, section 11.2.1).
fn png_that_says(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = file(DynamicImage::new_luma8(1, 1), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, &bytes[12..29]);
    bytes[29..33].copy_from_slice(&u32::try_from(sum).unwrap().to_be_bytes());
    bytes
}

#[test]
fn pixels_are_counted_before_they_are_decoded() {
    let dimensions = |format, bytes| {
        assert_eq!(draw(&job(format, PictureSize::Thumb, 1), bytes), Err(Unfit::Dimensions));
    };
    dimensions(Format::Png, png_that_says(60_000, 60_000));
    dimensions(Format::Tiff, tiff_of(&[(30_000, 30_000, 0)], true));
    let dicom = Dicom { rows: 60_000, columns: 60_000, ..Dicom::default() };
    dimensions(Format::Dicom, dicom.file());
    let none = draw(
        &job(Format::Dicom, PictureSize::Thumb, 1),
        Dicom { rows: 0, ..Dicom::default() }.file(),
    );
    assert_eq!(none, Err(Unfit::Damaged));
}

#[test]
fn every_page_of_a_tiff_is_its_own_in_both_orders_of_bytes() {
    for little in [true, false] {
        let bytes = tiff_of(&[(8, 8, 10), (8, 16, 120), (24, 8, 250)], little);
        for (page, size, grey) in [(1, (8, 8), 10), (2, (8, 16), 120), (3, (24, 8), 250)] {
            let (facts, pixels) = seen(&job(Format::Tiff, PictureSize::Page, page), bytes.clone());
            assert_eq!((facts.pages, pixels.dimensions()), (3, size));
            assert!(about(&pixels, (4, 4), [grey; 3]), "page {page}");
        }
        let none = draw(&job(Format::Tiff, PictureSize::Page, 4), bytes);
        assert_eq!(none, Err(Unfit::NoPage(3)));
    }
    // A chain that bites its tail has an end.
    let mut round = tiff_of(&[(8, 8, 10), (8, 8, 120)], true);
    let first = round[4..8].to_vec();
    let end = round.len() - 4;
    round[end..].copy_from_slice(&first);
    let none = draw(&job(Format::Tiff, PictureSize::Page, 3), round);
    assert_eq!(none, Err(Unfit::NoPage(2)));
}

#[test]
fn every_page_of_a_pdf_is_its_own() {
    let bytes = pdf_of(&[RED, BLUE]);
    for (page, colour) in [(1, RED), (2, BLUE)] {
        let (facts, pixels) = seen(&job(Format::Pdf, PictureSize::Thumb, page), bytes.clone());
        assert_eq!((facts.pages, pixels.dimensions()), (2, (160, 320)));
        assert!(about(&pixels, (80, 160), colour), "page {page}");
        assert!(about(&pixels, (2, 2), [255; 3]), "paper is white");
    }
    let none = draw(&job(Format::Pdf, PictureSize::Thumb, 3), bytes);
    assert_eq!(none, Err(Unfit::NoPage(2)));
}

#[test]
fn steps_of_grey_go_through_the_window_that_is_asked_for() {
    let values: Vec<u16> = vec![0, 100, 200, 300];
    let dicom = Dicom { rows: 1, columns: 4, pixels: values, ..Dicom::default() };
    let shown = |dicom: &Dicom, window: Option<(f64, f64)>| {
        let window = window.map(|(center, width)| Window { center, width });
        let job = Job { window, ..job(Format::Dicom, PictureSize::Page, 1) };
        let (facts, pixels) = seen(&job, dicom.file());
        (pixels.to_luma8().into_raw(), facts.window)
    };
    // Nothing said: from the lowest value to the highest.
    let (all, window) = shown(&dicom, None);
    assert_eq!((all[0], all[3]), (0, 255));
    assert_eq!(window, Some(Window { center: 150.5, width: 301.0 }));
    let (narrow, window) = shown(&dicom, Some((150.0, 100.0)));
    assert_eq!((narrow[0], narrow[1], narrow[2], narrow[3]), (0, 0, 255, 255));
    assert_eq!(window, Some(Window { center: 150.0, width: 100.0 }));
    // As the file says, with its values moved first.
    let named = Dicom { window: Some((-900.0, 101.0)), intercept: -1000, ..dicom.clone() };
    let (bytes, window) = shown(&named, None);
    assert_eq!((bytes[0], bytes[2]), (0, 255));
    assert_eq!(window, Some(Window { center: -900.0, width: 101.0 }));
    let turned = Dicom { photometric: "MONOCHROME1", ..dicom };
    let (inverse, _) = shown(&turned, None);
    assert_eq!((inverse[0], inverse[3]), (255, 0));
}

#[test]
fn values_below_zero_and_frames_of_a_dicom_file_are_read() {
    let pixels = vec![0xFF9C, 0, 100, 0xFF9C];
    let signed = Dicom { rows: 1, columns: 2, frames: 2, signed: true, pixels, ..Dicom::default() };
    let of = |page| job(Format::Dicom, PictureSize::Page, page);
    let (facts, first) = seen(&of(1), signed.file());
    assert_eq!((facts.pages, first.to_luma8().into_raw()), (2, vec![0, 255]));
    let (_, second) = seen(&of(2), signed.file());
    assert_eq!(second.to_luma8().into_raw(), [255, 0]);
    assert_eq!(draw(&of(3), signed.file()), Err(Unfit::NoPage(2)));
    // More frames said than are there.
    let short = Dicom { frames: 9, ..signed };
    assert_eq!(draw(&of(9), short.file()), Err(Unfit::Unsupported));
}

#[test]
fn colours_of_a_dicom_file_are_those_that_are_meant() {
    let page = job(Format::Dicom, PictureSize::Page, 1);
    let red = |photometric, planar, bytes: &[u8]| {
        let dicom = Dicom { rows: 1, columns: 2, photometric, planar, ..Dicom::default() };
        seen(&page, dicom.colour_file(bytes)).1.to_rgb8().into_raw()
    };
    let want = vec![255, 0, 0, 0, 0, 255];
    assert_eq!(red("RGB", 0, &[255, 0, 0, 0, 0, 255]), want);
    assert_eq!(red("RGB", 1, &[255, 0, 0, 0, 0, 255]), want);
    let near = red("YBR_FULL", 0, &[76, 85, 255, 29, 255, 107]);
    assert!(near.iter().zip(want).all(|(a, b)| a.abs_diff(b) < 4), "{near:?}");
}

#[test]
fn no_bytes_make_drawing_fail() {
    let samples = [
        ("knee-xray.jpg", Format::Jpeg),
        ("wound-photo.png", Format::Png),
        ("phone-photo.heic", Format::Heic),
        ("chest-ct.dcm", Format::Dicom),
        ("consent.tiff", Format::Tiff),
        ("scan.webp", Format::WebP),
        ("diagram.gif", Format::Gif),
        ("referral-letter.pdf", Format::Pdf),
    ];
    for (name, format) in samples {
        let whole = sample(name);
        for part in [0, 1, 3, 8, 40, 300, whole.len() / 2] {
            let mut bytes = whole[..part.min(whole.len())].to_vec();
            let _ = draw(&job(format, PictureSize::Thumb, 1), bytes.clone());
            bytes.reverse();
            let _ = draw(&job(format, PictureSize::Thumb, 1), bytes);
        }
        for (other, _) in samples {
            let _ = draw(&job(format, PictureSize::Thumb, 1), sample(other));
        }
    }
}
