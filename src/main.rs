//! Parse, run, exit code.

fn main() -> std::process::ExitCode {
    retake::cli::run(std::env::args_os())
}
