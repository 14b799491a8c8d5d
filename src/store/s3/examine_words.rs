//! What follows from a finding: what Strongroom does about it, and what an operator should do.

use super::examine::Verdict;

/// What Strongroom does about it.
pub(super) fn consequence(name: &str, works: bool) -> &'static str {
    match (name, works) {
        ("credentials" | "reach", false) => {
            "Nothing that needs the store works; records stay readable."
        }
        ("write", false) => {
            "Uploads answer 503, or what is deleted for good stays in the bucket, until this is \
             put right."
        }
        ("versions", true) => "Each document is pinned to the version that was checked.",
        ("versions", false) => {
            "Where create-only writes are missing too, an upload is copied to a key that no URL \
             was ever signed for before it is checked."
        }
        ("createOnly", true) => "An upload URL works once.",
        ("createOnly", false) => {
            "An upload URL can be used again while it lasts; without versions its object is copied \
             away before it is checked."
        }
        ("sha256", true) => "A damaged upload is refused by the store itself.",
        ("sha256", false) => "The server reads each upload once itself when it is confirmed.",
        ("forms", true) => "Uploads by form are offered.",
        ("forms", false) => "Uploads by form are refused; PUT is offered.",
        ("archives", true) => "Documents are looked at for being archived before they are served.",
        ("archives", false) => "Documents are taken to be readable at once.",
        ("tags", false) => "A scanner that leaves its verdict in a tag cannot be used.",
        ("objectLock", false) => {
            "Holds are kept by Strongroom alone; the store does not add to it."
        }
        ("encryption", false) => "Encryption at rest is up to the store's disks.",
        ("archiveClasses", false) => "Documents cannot be moved to an archive.",
        ("multipart", false) => "Large uploads and those from the pages fail.",
        ("copyCondition", false) => {
            "The original is looked at again after a copy; if it changed, the copy is removed."
        }
        ("ranges", false) => "Previews and resumed downloads fail.",
        ("presignedPut", false) => "What is uploaded is checked when it is confirmed, not before.",
        ("clock", false) => "Signed URLs expire early or late by as much.",
        _ => "Nothing needs to be done.",
    }
}

/// What an operator should do about it; none: nothing.
pub(super) fn advice(name: &str, verdict: Verdict) -> Option<&'static str> {
    use Verdict::{Failed, Lies, Missing};
    Some(match (name, verdict) {
        ("credentials", Failed) => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or their …_FILE, or the role) to a \
             key that the store knows and that has not ended"
        }
        ("reach", Failed) => {
            "create the bucket, or correct AWS_S3_DOCUMENTS_BUCKET_NAME, AWS_REGION or \
             S3_ENDPOINT; the keys need s3:ListBucket"
        }
        ("write", Failed) => {
            "allow the keys s3:PutObject, s3:GetObject and s3:DeleteObject; in a bucket with \
             versions s3:DeleteObjectVersion and s3:ListBucketVersions too"
        }
        ("versions", Missing) => {
            "turn the bucket's versioning on; where the store has none nothing needs to be done"
        }
        ("versions", Failed) => "allow the keys s3:PutObject and s3:GetObjectVersion",
        ("createOnly", Missing | Lies) => {
            "turn the bucket's versioning on, which makes up for it; where the store has none \
             nothing needs to be done"
        }
        ("archives", Failed) => "allow the keys s3:GetLifecycleConfiguration",
        ("tags", Missing | Lies) => "do not set STRONGROOM_SCANNER=guardduty with this store",
        ("tags", Failed) => "allow the keys s3:PutObjectTagging and s3:GetObjectTagging",
        ("objectLock", Missing | Lies) => {
            "nothing, unless the store is to keep holds as well: then make the bucket with object \
             lock"
        }
        ("encryption", Missing) => "see to it that the store encrypts its disks",
        ("encryption", Lies) => {
            "correct AWS_KMS_KEY_ID, and allow the keys kms:GenerateDataKey with it"
        }
        ("archiveClasses", Missing | Lies) => {
            "keep all documents in the store's ordinary class: no lifecycle rule to an archive"
        }
        ("multipart", Failed) => {
            "allow the keys s3:AbortMultipartUpload, s3:ListMultipartUploadParts and \
             s3:ListBucketMultipartUploads; look at what a proxy before the store does with POST"
        }
        ("multipart", Lies | Missing) => "use another store: the pages upload in parts",
        ("copyCondition", Failed) => "allow the keys s3:GetObject and s3:PutObject",
        ("ranges", Lies | Missing | Failed) => {
            "look for a proxy or cache before the store that drops the header Range"
        }
        ("presignedPut", Lies) => {
            "look for a proxy before the store that changes requests; without one, do not use \
             this store: whoever has a URL can do more than was allowed"
        }
        ("presignedPut", Failed) => {
            "a proxy before the store must pass Host, the query and x-amz-… headers on unchanged; \
             the clock must be right"
        }
        ("clock", Failed) => "set the clocks of this machine and of the store (NTP)",
        (_, Failed) => "look into the store's log; what is written above was answered by it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_of_a_failure_is_told_what_to_do() {
        let names = ["credentials", "reach", "write", "multipart", "presignedPut", "sha256"];
        for name in names {
            let told = advice(name, Verdict::Failed).unwrap_or_default();
            assert!(!told.is_empty(), "{name}");
            assert_ne!(told, consequence(name, false), "{name}");
            assert_eq!(advice(name, Verdict::Works), None, "{name}");
        }
    }
}
