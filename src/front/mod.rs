//! The doors. Each talks to `session` and `report`, never to the engine.
pub mod cli;
pub mod repl;
