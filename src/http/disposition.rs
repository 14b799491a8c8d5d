//! `Content-Disposition` for every file name (RFC 6266, RFC 8187).

use std::fmt::Write as _;

/// Whether a browser shows the file or saves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Shown in the page.
    Inline,
    /// Saved to disk.
    Attachment,
}

/// The header's value. The plain `filename` is ASCII with everything doubtful replaced; where
/// that loses something, `filename*` carries the exact name.
pub fn header_value(disposition: Disposition, file_name: &str) -> String {
    let kind = match disposition {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    };
    let plain: String = file_name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '/' | '%' | ';' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let mut value = format!("{kind}; filename=\"{plain}\"");
    if plain != file_name {
        value.push_str("; filename*=UTF-8''");
        for byte in file_name.bytes() {
            // attr-char of RFC 8187 section 3.2.1
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                value.push(char::from(byte));
            } else {
                let _ = write!(value, "%{byte:02X}");
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;

    #[test]
    fn plain_names_stay_plain_and_others_carry_both_forms() {
        assert_eq!(
            header_value(Disposition::Inline, "knee x-ray.jpg"),
            "inline; filename=\"knee x-ray.jpg\""
        );
        assert_eq!(
            header_value(Disposition::Attachment, "Röntgen \"1\".pdf"),
            "attachment; filename=\"R_ntgen _1_.pdf\"; filename*=UTF-8''R%C3%B6ntgen%20%221%22.pdf"
        );
    }

    proptest! {
        #[test]
        fn no_file_name_breaks_out_of_the_header(name in "\\PC*|[\\x00-\\x7f]*") {
            let value = header_value(Disposition::Attachment, &name);
            prop_assert!(http::HeaderValue::from_str(&value).is_ok());
            prop_assert!(value.is_ascii());
            prop_assert_eq!(value.matches('"').count(), 2);
        }

        #[test]
        fn whoever_reads_the_header_has_the_name_again(name in "[^\\p{Cc}]{1,60}") {
            let value = header_value(Disposition::Inline, &name);
            let (plain, exact) = match value.split_once("; filename*=UTF-8''") {
                Some((plain, exact)) => (plain, Some(exact)),
                None => (value.as_str(), None),
            };
            let plain = plain.strip_prefix("inline; filename=\"").unwrap();
            let read = match exact {
                Some(exact) => percent_decode_str(exact).decode_utf8().unwrap().into_owned(),
                None => plain.strip_suffix('"').unwrap().to_owned(),
            };
            prop_assert_eq!(read, name);
        }
    }
}
