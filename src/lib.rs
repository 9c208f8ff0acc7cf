//! rbk: a declarative language for runbooks. See `docs/architecture.md` for the flow; each folder's `mod.rs` is its front page.
pub mod check;
pub mod diag;
pub mod effects;
pub mod engine;
pub mod front;
pub mod journal;
pub mod lint;
pub mod plan;
pub mod print;
pub mod report;
pub mod run;
pub mod session;
pub mod source;
pub mod state;
pub mod syntax;
pub mod value;
