//! What a store was seen to do. A store that says yes and does nothing is treated as one that says
//! no: what it lacks is provided by the rest of the house or refused, never pretended.

use super::UploadMethod;

/// What a store does, as far as the life of a document depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Abilities {
    /// Every write of a key makes a version of its own that can be read by its id.
    pub versions: bool,
    /// A write with `If-None-Match: *` is refused where the key exists.
    pub create_only: bool,
    /// An upload whose bytes differ from the SHA-256 it announces is refused.
    pub sha256: bool,
    /// Uploads by form, with their policy enforced.
    pub forms: bool,
    /// Objects may come to lie in an archive (by a lifecycle rule, or nobody can tell).
    pub archives: bool,
}

impl Abilities {
    /// Whether a signed upload could be sent a second time and replace what was confirmed. Its
    /// object must then be copied to a key that no URL was ever signed for.
    pub const fn can_be_replaced(self, method: UploadMethod) -> bool {
        // A form has no field for a condition.
        let create_only = self.create_only && matches!(method, UploadMethod::Put);
        !self.versions && !create_only
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_store_without_versions_and_conditions_lets_an_upload_be_replaced() {
        let none = Abilities {
            versions: false,
            create_only: false,
            sha256: true,
            forms: true,
            archives: false,
        };
        assert!(none.can_be_replaced(UploadMethod::Put));
        let create_only = Abilities { create_only: true, ..none };
        assert!(!create_only.can_be_replaced(UploadMethod::Put));
        assert!(create_only.can_be_replaced(UploadMethod::Form));
        let versions = Abilities { versions: true, ..none };
        assert!(!versions.can_be_replaced(UploadMethod::Form));
    }
}
