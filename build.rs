//! How the program is linked.
#![allow(clippy::print_stdout, reason = "it is how a build script speaks")]
#![allow(clippy::disallowed_methods, reason = "cargo says in the environment what is built")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // At an address of its own choice, the loader would write 23,000 pointers into 100 pages at each start: half of what
    // `rbk --version` takes. Heap, stack and libraries stay where nobody can guess them.
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
