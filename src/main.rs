//! The `rbk` command. Everything happens in `rbk::front::cli`.
use std::process::ExitCode;

fn main() -> ExitCode {
    rbk::front::cli::main()
}

/// Before `main`, std opens `/dev/null` in place of a closed stream: what is written there would seem to get out.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "nothing else runs before std does that")]
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = rbk::report::outside::look_whether_closed;
