//! Who cares for whom: what a clinician may see where the clinic is not open to all of them.

pub mod rows;
