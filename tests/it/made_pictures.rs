//! Pictures made in code: turned photographs, pages of TIFF and PDF, DICOM with every field under
//! our control.
//!
//! It knows nothing of the rest of the tests, so that the drawing's own tests read it as well.

#![allow(dead_code, reason = "each of those who read it uses some of it")]

use std::fmt::Write as _;

/// A JPEG whose EXIF says how to turn it, and holds a note.
pub fn jpeg_turned(jpeg: &[u8], orientation: u16, note: &[u8]) -> Vec<u8> {
    let length = u32::try_from(note.len()).unwrap();
    let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0".to_vec();
    // The note stands behind the directory: 8 + 2 + 2 * 12 + 4 bytes.
    exif.extend([&0x010E_u16.to_le_bytes()[..], &[2, 0], &length.to_le_bytes()].concat());
    exif.extend(38_u32.to_le_bytes());
    exif.extend([&0x0112_u16.to_le_bytes()[..], &[3, 0, 1, 0, 0, 0]].concat());
    exif.extend(u32::from(orientation).to_le_bytes());
    exif.extend([0; 4]);
    exif.extend(note);
    let segment = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xFF, 0xE1], &segment, &exif, &jpeg[2..]].concat()
}

/// A TIFF of grey pages: width, height and grey of each.
pub fn tiff_of(pages: &[(u32, u32, u8)], little: bool) -> Vec<u8> {
    let two = |n: u16| if little { n.to_le_bytes() } else { n.to_be_bytes() };
    let four = |n: u32| if little { n.to_le_bytes() } else { n.to_be_bytes() };
    let mut out = if little { b"II".to_vec() } else { b"MM".to_vec() };
    out.extend(two(42));
    let mut link = out.len();
    out.extend(four(0));
    for &(width, height, grey) in pages {
        let strip = u32::try_from(out.len()).unwrap();
        let said = width as usize * height as usize;
        // Of a page that is only said to be large, nothing is there.
        let size = if said > 1 << 20 { 16 } else { said };
        out.extend(std::iter::repeat_n(grey, size));
        out.extend(std::iter::repeat_n(0, out.len() % 2));
        let begin = u32::try_from(out.len()).unwrap();
        out[link..link + 4].copy_from_slice(&four(begin));
        let size = u32::try_from(size).unwrap();
        let entries = [
            (256, width),
            (257, height),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, strip),
            (277, 1),
            (278, height),
            (279, size),
        ];
        out.extend(two(u16::try_from(entries.len()).unwrap()));
        for (tag, value) in entries {
            out.extend([&two(tag)[..], &two(4), &four(1), &four(value)].concat());
        }
        link = out.len();
        out.extend(four(0));
    }
    out
}

/// A PDF whose pages of 100 by 200 points have a field of one colour each.
pub fn pdf_of(pages: &[[u8; 3]]) -> Vec<u8> {
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
    let kids: Vec<_> = (0..pages.len()).map(|n| format!("{} 0 R", 3 + 2 * n)).collect();
    let (kids, count) = (kids.join(" "), pages.len());
    objects.push(format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>"));
    for (n, colour) in pages.iter().enumerate() {
        let [red, green, blue] = colour.map(|part| f32::from(part) / 255.0);
        let drawing = format!("{red:.3} {green:.3} {blue:.3} rg 10 10 80 180 re f");
        let content = 4 + 2 * n;
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 200] /Contents {content} 0 R >>"
        ));
        let length = drawing.len();
        objects.push(format!("<< /Length {length} >>\nstream\n{drawing}\nendstream"));
    }
    let mut out = "%PDF-1.7\n".to_owned();
    let mut places = Vec::new();
    for (n, object) in objects.iter().enumerate() {
        places.push(out.len());
        writeln!(out, "{} 0 obj\n{object}\nendobj", n + 1).unwrap();
    }
    let (begin, count) = (out.len(), objects.len() + 1);
    write!(out, "xref\n0 {count}\n0000000000 65535 f \n").unwrap();
    for place in places {
        writeln!(out, "{place:010} 00000 n ").unwrap();
    }
    let trailer = format!("trailer\n<< /Size {count} /Root 1 0 R >>");
    writeln!(out, "{trailer}\nstartxref\n{begin}\n%%EOF").unwrap();
    out.into_bytes()
}

/// A DICOM file of 16 bits a value; the colours of [`Self::colour_file`] have 8.
#[derive(Clone)]
pub struct Dicom {
    pub rows: u16,
    pub columns: u16,
    pub frames: u16,
    pub photometric: &'static str,
    pub planar: u16,
    pub signed: bool,
    pub intercept: i32,
    pub window: Option<(f64, f64)>,
    pub pixels: Vec<u16>,
}

impl Default for Dicom {
    fn default() -> Self {
        Self {
            rows: 1,
            columns: 1,
            frames: 1,
            photometric: "MONOCHROME2",
            planar: 0,
            signed: false,
            intercept: 0,
            window: None,
            pixels: vec![0],
        }
    }
}

fn element(tag: (u16, u16), kind: [u8; 2], value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if matches!(&kind, b"UI" | b"OB") { 0 } else { b' ' });
    }
    let mut out = [tag.0.to_le_bytes(), tag.1.to_le_bytes(), kind].concat();
    if matches!(&kind, b"OB" | b"OW") {
        out.extend([0, 0]);
        out.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
    } else {
        out.extend(u16::try_from(value.len()).unwrap().to_le_bytes());
    }
    [out, value].concat()
}

impl Dicom {
    /// In steps of grey.
    pub fn file(&self) -> Vec<u8> {
        let pixels: Vec<u8> = self.pixels.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.with(1, 16, element((0x7FE0, 0x0010), *b"OW", &pixels))
    }

    /// In colours.
    pub fn colour_file(&self, bytes: &[u8]) -> Vec<u8> {
        self.with(3, 8, element((0x7FE0, 0x0010), *b"OB", bytes))
    }

    fn with(&self, samples: u16, bits: u16, pixels: Vec<u8>) -> Vec<u8> {
        const CAPTURE: &[u8] = b"1.2.840.10008.5.1.4.1.1.7";
        let meta = [
            element((2, 1), *b"OB", &[0, 1]),
            element((2, 2), *b"UI", CAPTURE),
            element((2, 3), *b"UI", b"1.2.3.4"),
            element((2, 0x10), *b"UI", b"1.2.840.10008.1.2.1"),
            element((2, 0x12), *b"UI", b"1.2.3"),
        ]
        .concat();
        let length = u32::try_from(meta.len()).unwrap().to_le_bytes();
        let number = |tag, value: u16| element((0x28, tag), *b"US", &value.to_le_bytes());
        let text = |tag, value: String| element((0x28, tag), *b"DS", value.as_bytes());
        let mut out = [vec![0; 128], b"DICM".to_vec()].concat();
        out.extend(element((2, 0), *b"UL", &length));
        out.extend(meta);
        out.extend(element((8, 0x16), *b"UI", CAPTURE));
        out.extend(element((8, 0x18), *b"UI", b"1.2.3.4"));
        out.extend(element((0x10, 0x10), *b"PN", b"CANARY^Name"));
        out.extend(number(2, samples));
        out.extend(element((0x28, 4), *b"CS", self.photometric.as_bytes()));
        if samples == 3 {
            out.extend(number(6, self.planar));
        }
        out.extend(element((0x28, 8), *b"IS", self.frames.to_string().as_bytes()));
        for (tag, value) in [
            (0x10, self.rows),
            (0x11, self.columns),
            (0x100, bits),
            (0x101, bits),
            (0x102, bits - 1),
            (0x103, u16::from(self.signed)),
        ] {
            out.extend(number(tag, value));
        }
        if let Some((center, width)) = self.window {
            out.extend(text(0x1050, center.to_string()));
            out.extend(text(0x1051, width.to_string()));
        }
        out.extend(text(0x1052, self.intercept.to_string()));
        out.extend(text(0x1053, "1".to_owned()));
        out.extend(pixels);
        out
    }
}
