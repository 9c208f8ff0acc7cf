//! The one integration binary: a module for each door and each promise.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods
)]
mod cases;
mod check;
mod cli;
mod colours;
mod crash;
mod docs;
mod embedded;
mod engine;
mod examples;
mod far;
mod files;
mod flow;
mod fmt;
mod full;
mod http;
mod journal;
mod lab;
mod lint;
mod lock;
mod look;
mod plan;
mod postgres;
mod proxy;
mod redis;
mod repl;
mod resume;
mod run;
mod running;
mod runs;
mod samples;
mod shell;
mod stage;
mod stdlib;
mod syntax;
mod team;
mod tidy;
mod values;
