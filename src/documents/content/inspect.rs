//! Whether bytes are what they are said to be, and nothing else besides.
//!
//! A pure function over [`Source`]: no picture is decoded, no archive is unpacked to a disk, and
//! never more than a few pieces of a file are in memory.

use super::reader::{Reader, Source};
use super::verdict::Stop;
use super::{
    FileType, Format, HEAD_BYTES, age, compound, dicom, foreign, gif, heic, jpeg, ooxml, pdf, png,
    svg,
};
use super::{Unfit, text, tiff, webp};
use ooxml::Program;

/// Looks into the bytes of a file that was announced to be of a type.
pub fn inspect(source: &mut dyn Source, file_type: &FileType) -> Result<(), Stop> {
    let looked = look(source, file_type);
    if matches!(looked, Err(Stop::Unfit(Unfit::OtherType(_)))) {
        return Err(Stop::Unfit(Unfit::OtherType(recognise(source, file_type))));
    }
    looked
}

/// What bytes that are not of the announced type look like.
fn recognise(source: &mut dyn Source, announced: &FileType) -> Option<&'static str> {
    let head = Reader::new(source).read(0, HEAD_BYTES).ok()?;
    FileType::guess(&head).filter(|seen| *seen != announced.mime)
}

fn look(source: &mut dyn Source, file_type: &FileType) -> Result<(), Stop> {
    let reader = &mut Reader::new(source);
    match file_type.format {
        Format::Jpeg => one_thing(reader, jpeg::check),
        Format::Png => one_thing(reader, png::check),
        Format::Gif => one_thing(reader, gif::check),
        Format::WebP => one_thing(reader, webp::check),
        Format::Heic => one_thing(reader, heic::check),
        Format::Tiff => one_thing(reader, tiff::check),
        Format::Svg => alone(reader, svg::check),
        Format::Pdf => pdf::check(reader),
        Format::Doc => compound::check(reader, Program::Word),
        Format::Xls => compound::check(reader, Program::Excel),
        Format::Docx => ooxml::check(reader, Program::Word),
        Format::Xlsx => ooxml::check(reader, Program::Excel),
        Format::Text => alone(reader, text::check),
        Format::Age => one_thing(reader, age::check),
        Format::Dicom => {
            dicom::check(reader)?;
            foreign::no_zip(reader)
        }
    }
}

type Check = fn(&mut Reader<'_>) -> Result<(), Stop>;

/// What is hidden in a file is told before what is wrong with it.
fn one_thing(reader: &mut Reader<'_>, check: Check) -> Result<(), Stop> {
    let checked = check(reader);
    if matches!(checked, Err(Stop::Store(_) | Stop::Unfit(Unfit::OtherType(_)))) {
        return checked;
    }
    foreign::no_zip(reader)?;
    foreign::no_pdf(reader)?;
    foreign::no_markup(reader)?;
    checked
}

fn alone(reader: &mut Reader<'_>, check: Check) -> Result<(), Stop> {
    check(reader)?;
    foreign::no_zip(reader)?;
    foreign::no_pdf(reader)
}
