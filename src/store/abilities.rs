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
    /// Whether the URL of an upload could be used a second time: its object must then be moved to
    /// a key that no URL was ever signed for. Versions alone are not enough: they can be suspended
    /// between two looks, and what is written again would pile up under the document's key.
    pub const fn can_be_reused(self, method: UploadMethod) -> bool {
        // A form has no field for a condition.
        !(self.create_only && matches!(method, UploadMethod::Put))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_conditional_put_is_good_for_once() {
        let none = Abilities {
            versions: true,
            create_only: false,
            sha256: true,
            forms: true,
            archives: false,
        };
        assert!(none.can_be_reused(UploadMethod::Put));
        let create_only = Abilities { create_only: true, ..none };
        assert!(!create_only.can_be_reused(UploadMethod::Put));
        assert!(create_only.can_be_reused(UploadMethod::Form));
    }
}
