//! The `rbk` command. Everything happens in `rbk::front::cli`.
use std::process::ExitCode;

fn main() -> ExitCode {
    rbk::front::cli::main()
}
