//! People beyond their names: their passwords, whose documents they see, and the first of them all.

pub mod rows;
