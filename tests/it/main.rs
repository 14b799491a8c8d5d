//! Every integration test in one program: one link instead of many.

mod life;
mod support;
mod tidy;
