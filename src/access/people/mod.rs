//! People beyond their names and passwords: whose documents they see, and the first of them all.

pub mod rows;
