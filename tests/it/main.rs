//! Every integration test in one program: one link instead of many.

mod tidy;
