//! The command; everything it does stands in the library.

fn main() -> std::process::ExitCode {
    strongroom::cli::main()
}
