//! What Amazon GuardDuty Malware Protection for S3 says of an object, in its tag.
//!
//! GuardDuty scans each new object of a bucket by itself and tags it ("Monitoring S3 object scans
//! using GuardDuty managed tags", Amazon GuardDuty user guide). Whoever uploads cannot set the tag:
//! `x-amz-tagging` would have to be signed, and no request of ours signs it.

use super::{ScanError, Unscannable, Verdict};

/// The tag's key.
pub const TAG: &str = "GuardDutyMalwareScanStatus";

/// Reads the verdict out of an object's tags. The tag names no signature; GuardDuty's findings do.
pub fn verdict_of_tag(tags: &[(String, String)]) -> Result<Verdict, ScanError> {
    let Some((_, said)) = tags.iter().find(|(name, _)| name == TAG) else {
        return Err(ScanError::NotYet);
    };
    match said.as_str() {
        "NO_THREATS_FOUND" => Ok(Verdict::Clean),
        "THREATS_FOUND" => Ok(Verdict::Infected { signature: "GuardDuty.ThreatsFound".to_owned() }),
        "UNSUPPORTED" => Ok(Verdict::Unscannable(Unscannable::Unsupported)),
        "ACCESS_DENIED" => Ok(Verdict::Unscannable(Unscannable::AccessDenied)),
        "FAILED" => Ok(Verdict::Unscannable(Unscannable::Failed)),
        other => Err(ScanError::Failed(super::reply::plain(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Verdict, ScanError> {
        verdict_of_tag(&[("a".into(), "NO_THREATS_FOUND".into()), (TAG.into(), value.into())])
    }

    #[test]
    fn only_the_one_word_is_clean() {
        assert_eq!(read("NO_THREATS_FOUND").unwrap(), Verdict::Clean);
        for bad in ["THREATS_FOUND", "UNSUPPORTED", "ACCESS_DENIED", "FAILED"] {
            assert!(!matches!(read(bad), Ok(Verdict::Clean) | Err(_)), "{bad}");
        }
        assert!(matches!(read("no_threats_found"), Err(ScanError::Failed(_))));
        let other = [("x".to_owned(), "NO_THREATS_FOUND".to_owned())];
        assert!(matches!(verdict_of_tag(&other), Err(ScanError::NotYet)));
    }
}
