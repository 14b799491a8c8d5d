//! PDFs of any size, made while they are sent; the benchmark sends them too.

/// What stands before and behind the bytes of a PDF of this size, which are one stream of it: any
/// bytes will do. It takes some 300 bytes by itself.
pub fn around_pdf(size: u64) -> (Vec<u8>, Vec<u8>) {
    let before = |length: u64| {
        let objects = [
            "%PDF-1.7\n".to_owned(),
            "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_owned(),
            "2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n".to_owned(),
            format!("3 0 obj\n<</Length {length:010}>>\nstream\n"),
        ];
        let mut at = 0;
        let place = |object: &String| {
            let place = at;
            at += object.len();
            place
        };
        let places: Vec<_> = objects.iter().map(place).collect();
        (objects.concat(), places)
    };
    let behind = |table: u64| {
        let mut text = "\nendstream\nendobj\nxref\n0 4\n0000000000 65535 f \n".to_owned();
        text.extend(before(0).1[1..].iter().map(|place| format!("{place:010} 00000 n \n")));
        text + &format!("trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{table:010}\n%%EOF\n")
    };
    let (head, tail) = (before(0).0.len() as u64, behind(0).len() as u64);
    let length = size.saturating_sub(head + tail);
    // The table begins behind the end of the stream and of its object.
    let tail = behind(head + length + 18);
    (before(length).0.into_bytes(), tail.into_bytes())
}

/// A PDF of exactly these bytes in its stream.
pub fn pdf_around(bytes: &[u8]) -> Vec<u8> {
    let (head, tail) = around_pdf(0);
    let (head, tail) = around_pdf((head.len() + bytes.len() + tail.len()) as u64);
    [&head[..], bytes, &tail].concat()
}
