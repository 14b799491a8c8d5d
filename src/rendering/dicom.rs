//! DICOM, frame by frame: steps of grey through a window, colours as they are meant.

use dicom_object::{DefaultDicomObject, Tag};
use dicom_pixeldata::{
    DecodedPixelData, Lut, PhotometricInterpretation as Photometric, PixelDecoder as _,
    PixelRepresentation, PlanarConfiguration, Rescale, VoiLutFunction, WindowLevel,
    WindowLevelTransform,
};
use image::DynamicImage;
use image::metadata::Orientation;

use super::paint::{Frame, colour, finish, grey};
use super::{Job, Picture, Unfit, Window, check_page, check_pixels};

const FRAMES: Tag = Tag(0x0028, 0x0008);
const ROWS: Tag = Tag(0x0028, 0x0010);
const COLUMNS: Tag = Tag(0x0028, 0x0011);
const PIXELS: Tag = Tag(0x7FE0, 0x0010);
/// Red, green and blue of a palette: what it is like, and its values (PS3.3, C.7.6.3.1.5).
const PALETTE: [(Tag, Tag); 3] = [
    (Tag(0x0028, 0x1101), Tag(0x0028, 0x1201)),
    (Tag(0x0028, 0x1102), Tag(0x0028, 0x1202)),
    (Tag(0x0028, 0x1103), Tag(0x0028, 0x1203)),
];

pub(super) fn draw(job: &Job, bytes: &[u8]) -> Result<Picture, Unfit> {
    let object = dicom_object::from_reader(bytes).map_err(|_| Unfit::Damaged)?;
    let number = |tag| object.element_opt(tag).ok()??.to_int::<u32>().ok();
    // Reports, waveforms and the like have no picture.
    let (Some(rows), Some(columns), true) =
        (number(ROWS), number(COLUMNS), object.element_opt(PIXELS).is_ok_and(|e| e.is_some()))
    else {
        return Err(Unfit::Unsupported);
    };
    check_pixels(columns, rows, 6)?;
    let pages = number(FRAMES).unwrap_or(1).max(1);
    let index = check_page(job, pages)?;
    let frame = object.decode_pixel_data_frame(index).map_err(|_| Unfit::Unsupported)?;
    let (pixels, window) = if frame.samples_per_pixel() == 1 {
        one_value(&object, &frame, job.window)?
    } else {
        (three_values(&frame)?, None)
    };
    finish(job, Frame { pixels, orientation: Orientation::NoTransforms, pages, window })
}

/// A value a pixel: of a palette, or a step of grey.
fn one_value(
    object: &DefaultDicomObject,
    frame: &DecodedPixelData<'_>,
    asked: Option<Window>,
) -> Result<(DynamicImage, Option<Window>), Unfit> {
    let (width, height) = (frame.columns(), frame.rows());
    if *frame.photometric_interpretation() == Photometric::PaletteColor {
        let values = samples(frame).ok_or(Unfit::Unsupported)?;
        let [red, green, blue] = PALETTE.map(|tags| Ramp::of(object, tags));
        let (red, green, blue) =
            (red.ok_or(Unfit::Damaged)?, green.ok_or(Unfit::Damaged)?, blue.ok_or(Unfit::Damaged)?);
        let mixed = values.iter().flat_map(|&v| [red.at(v), green.at(v), blue.at(v)]);
        return Ok((colour(width, height, mixed.collect())?, None));
    }
    // Bits come as black and white already.
    if frame.bits_allocated() == 1 {
        return Ok((grey(width, height, frame.data().to_vec())?, None));
    }
    let values = samples(frame).ok_or(Unfit::Unsupported)?;
    let rescale = frame.rescale().ok().and_then(|all| all.first().copied());
    let rescale = rescale.unwrap_or(Rescale { slope: 1.0, intercept: 0.0 });
    let window =
        asked.or_else(|| of_file(frame)).unwrap_or_else(|| widest(frame, &values, rescale));
    let function = frame.voi_lut_function().ok().flatten().and_then(|all| all.first().copied());
    let level = WindowLevel { center: window.center, width: window.width };
    let lut = Lut::<u8>::new_rescale_and_window_8bit(
        frame.bits_stored(),
        is_signed(frame),
        rescale,
        WindowLevelTransform::new(function.unwrap_or(VoiLutFunction::Linear), level),
    );
    let lut = lut.map_err(|_| Unfit::Unsupported)?;
    let inverted = *frame.photometric_interpretation() == Photometric::Monochrome1;
    let turn = |value: u8| if inverted { u8::MAX - value } else { value };
    let shown = lut.map_iter(values.iter().copied()).map(turn).collect();
    Ok((grey(width, height, shown)?, Some(window)))
}

fn is_signed(frame: &DecodedPixelData<'_>) -> bool {
    frame.pixel_representation() == PixelRepresentation::Signed
}

/// The stored values of a frame of one value a pixel, moved down to the lowest bit.
fn samples(frame: &DecodedPixelData<'_>) -> Option<Vec<u16>> {
    let (stored, high) = (frame.bits_stored(), frame.high_bit());
    if stored == 0 || stored > frame.bits_allocated() {
        return None;
    }
    let shift = (high + 1).saturating_sub(stored).min(15);
    let data = frame.data();
    match frame.bits_allocated() {
        8 => Some(data.iter().map(|&value| u16::from(value) >> shift).collect()),
        16 => {
            let pairs = data.chunks_exact(2);
            Some(pairs.map(|two| u16::from_ne_bytes([two[0], two[1]]) >> shift).collect())
        }
        _ => None,
    }
}

/// The window that the file names first.
fn of_file(frame: &DecodedPixelData<'_>) -> Option<Window> {
    let found = frame.window().ok()??.first().copied()?;
    let sound = found.center.is_finite() && found.width.is_finite() && found.width >= 1.0;
    sound.then_some(Window { center: found.center, width: found.width })
}

/// The window that shows every value there is.
fn widest(frame: &DecodedPixelData<'_>, values: &[u16], rescale: Rescale) -> Window {
    let stored = u32::from(frame.bits_stored());
    let size = 1_i32 << stored.min(16);
    let meant = |value: u16| {
        let value = i32::from(value) & (size - 1);
        let value = if is_signed(frame) && value >= size / 2 { value - size } else { value };
        rescale.apply(f64::from(value))
    };
    let (low, high) = values
        .iter()
        .map(|&value| meant(value))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if !(low.is_finite() && high.is_finite()) {
        return Window { center: 0.0, width: 1.0 };
    }
    // The lowest value is black and the highest white: half a value beside the middle.
    Window { center: f64::midpoint(low, high) + 0.5, width: high - low + 1.0 }
}

/// Red, green and blue of a pixel, whichever way they stand.
fn three_values(frame: &DecodedPixelData<'_>) -> Result<DynamicImage, Unfit> {
    let (width, height) = (frame.columns(), frame.rows());
    if frame.samples_per_pixel() != 3 {
        return Err(Unfit::Unsupported);
    }
    let mut values: Vec<u8> = match frame.bits_allocated() {
        8 => frame.data().to_vec(),
        16 => {
            let down = frame.bits_stored().saturating_sub(8).min(8);
            let pairs = frame.data().chunks_exact(2);
            let high = pairs.map(|two| u16::from_ne_bytes([two[0], two[1]]) >> down);
            high.map(|value| u8::try_from(value).unwrap_or(u8::MAX)).collect()
        }
        _ => return Err(Unfit::Unsupported),
    };
    if frame.planar_configuration() == PlanarConfiguration::PixelFirst {
        let plane = values.len() / 3;
        values = (0..plane).flat_map(|at| [0, 1, 2].map(|of| values[of * plane + at])).collect();
    }
    match frame.photometric_interpretation() {
        Photometric::Rgb => {}
        Photometric::YbrFull => {
            for pixel in values.chunks_exact_mut(3) {
                pixel.copy_from_slice(&rgb(pixel[0], pixel[1], pixel[2]));
            }
        }
        _ => return Err(Unfit::Unsupported),
    }
    colour(width, height, values)
}

/// What a brightness and two differences of colour are as red, green, blue (PS3.3, C.7.6.3.1.2).
fn rgb(bright: u8, blue: u8, red: u8) -> [u8; 3] {
    let (bright, blue, red) = (f32::from(bright), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    let mixed =
        [bright + 1.402 * red, bright - 0.344_136 * blue - 0.714_136 * red, bright + 1.772 * blue];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
    mixed.map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// One colour of a palette.
struct Ramp {
    /// The value that the first entry is for; what is below it has the same.
    first: i32,
    entries: Vec<u8>,
}

impl Ramp {
    fn of(object: &DefaultDicomObject, (about, values): (Tag, Tag)) -> Option<Self> {
        let about = object.element_opt(about).ok()??.to_multi_int::<i32>().ok()?;
        let [count, first, bits] = about[..] else { return None };
        let values = object.element_opt(values).ok()??.to_bytes().ok()?;
        // 0 says 65,536. Entries of 16 bits are little-endian once they are read.
        let count = if count == 0 { 65_536 } else { usize::try_from(count).ok()? };
        let entries: Vec<u8> = if bits == 8 && values.len() < count * 2 {
            values.iter().copied().take(count).collect()
        } else {
            values
                .chunks_exact(2)
                .map(|two| two[1].max(if bits == 8 { two[0] } else { 0 }))
                .collect()
        };
        (!entries.is_empty()).then_some(Self { first, entries })
    }

    fn at(&self, value: u16) -> u8 {
        let index = usize::try_from(i32::from(value) - self.first).unwrap_or_default();
        self.entries[index.min(self.entries.len() - 1)]
    }
}
