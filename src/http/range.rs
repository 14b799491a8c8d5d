//! The `Range` header (RFC 9110 section 14), one range only.

use super::{ApiError, Code};

/// Bytes from `start` up to and not including `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// The span asked for of a body of `size` bytes.
///
/// `None` where the header is absent, malformed or asks for several ranges: RFC 9110 lets a
/// server answer such a request with the whole. A range that lies outside is refused.
pub fn parse(header: Option<&str>, size: u64) -> Result<Option<Span>, ApiError> {
    let Some(spec) = header.and_then(|h| h.trim().strip_prefix("bytes=")) else {
        return Ok(None);
    };
    let Some((first, last)) = spec.split_once('-') else { return Ok(None) };
    let (first, last) = (first.trim(), last.trim());
    if spec.contains(',') || ![first, last].iter().all(|s| s.bytes().all(|b| b.is_ascii_digit())) {
        return Ok(None);
    }
    let outside = || {
        let detail = format!("The document has {size} bytes; ask for a range within them.");
        ApiError::new(Code::RangeNotSatisfiable, detail)
    };
    let number = |s: &str| s.parse::<u64>().unwrap_or(u64::MAX);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => Ok(None),
        (true, false) => match number(last).min(size) {
            0 => Err(outside()),
            suffix => Ok(Some(Span { start: size - suffix, end: size })),
        },
        (false, _) => {
            let start = number(first);
            let end = if last.is_empty() { size } else { number(last).saturating_add(1).min(size) };
            if !last.is_empty() && number(last) < start {
                return Ok(None);
            }
            if start >= size { Err(outside()) } else { Ok(Some(Span { start, end })) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(header: &str, size: u64) -> Option<(u64, u64)> {
        parse(Some(header), size).unwrap().map(|s| (s.start, s.end))
    }

    #[test]
    fn ranges_are_read_as_rfc_9110_says() {
        assert_eq!(span("bytes=0-9", 100), Some((0, 10)));
        assert_eq!(span("bytes=90-", 100), Some((90, 100)));
        assert_eq!(span("bytes=-5", 100), Some((95, 100)));
        assert_eq!(span("bytes=-500", 100), Some((0, 100)));
        assert_eq!(span("bytes=50-5000", 100), Some((50, 100)));
        for whole in ["bytes=5-1", "bytes=-", "bytes=a-b", "items=0-1", "bytes=0-1,3-4", ""] {
            assert_eq!(span(whole, 100), None, "{whole}");
        }
    }

    #[test]
    fn a_range_outside_the_body_is_refused() {
        for bad in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(parse(Some(bad), 100).unwrap_err().code, Code::RangeNotSatisfiable);
        }
    }
}
