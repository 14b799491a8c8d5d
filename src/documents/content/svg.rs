//! SVG: text whose root is `svg`. Scripts in it are kept: it is never shown without a sandbox,
//! and there is a cleaned rendition for those who want to look at it.

use quick_xml::events::Event;

use super::reader::Reader;
use super::text::is_text;
use super::verdict::{Reason, Stop, other_type, refuse};

/// The root element has to begin within this many bytes.
const ROOT_WITHIN: usize = 64 * 1024;
/// How many entities a drawing may declare; drawing programs name their namespaces so.
const MAX_ENTITIES: usize = 64;
/// The largest drawing that can be cleaned, in bytes.
pub const MAX_CLEANED: u64 = 4 << 20;

pub(super) fn check(reader: &mut Reader<'_>) -> Result<(), Stop> {
    let mut at = 0;
    while at < reader.size() {
        let piece = reader.chunk(at)?;
        if !is_text(piece) {
            return other_type();
        }
        at += piece.len() as u64;
    }
    let head = reader.read(0, ROOT_WITHIN)?;
    if memchr::memmem::find_iter(&head, b"<!ENTITY").count() > MAX_ENTITIES {
        return refuse(
            Reason::ArchiveBounds,
            "The drawing declares more than 64 entities; save it again without them.",
        );
    }
    let mut parser = quick_xml::Reader::from_reader(&head[..]);
    let mut place = Vec::new();
    loop {
        match parser.read_event_into(&mut place) {
            Ok(Event::Start(root) | Event::Empty(root)) => {
                let svg = root.local_name().as_ref() == b"svg".as_slice();
                return if svg { Ok(()) } else { other_type() };
            }
            Ok(Event::Text(text)) if !text.trim_ascii().is_empty() => return other_type(),
            Ok(Event::Eof) | Err(_) => return other_type(),
            Ok(_) => {}
        }
        place.clear();
    }
}

/// The drawing without scripts, links to elsewhere and whatever else is no drawing; none where it
/// is not well-formed, or grows beyond what is reasonable.
pub fn clean(drawing: &[u8]) -> Option<Vec<u8>> {
    let mut filter = svg_hush::Filter::new();
    filter.set_data_url_filter(svg_hush::data_url_filter::allow_standard_images);
    let most = usize::try_from(2 * MAX_CLEANED).ok()?;
    let mut cleaned = Bounded { bytes: Vec::new(), most };
    filter.filter(drawing, &mut cleaned).ok()?;
    Some(cleaned.bytes)
}

/// Memory that takes so much and no more.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl std::io::Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + piece.len() > self.most {
            return Err(std::io::Error::other("the drawing grows too large"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
