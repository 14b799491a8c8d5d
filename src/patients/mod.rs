//! Patients: so far, who cares for whom.

pub mod api;
