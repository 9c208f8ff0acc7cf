//! `rbk plan FILE`: what would run, what undoes what, how long it may take. Runs nothing.
use clap::Args;

use super::inputs::Inputs;
use super::{OK, open};
use crate::report::story::Say;

/// Show what would run, what undoes what and how long it may take
#[derive(Args)]
pub struct Plan {
    /// The runbook, or `-`
    file: String,
    #[command(flatten)]
    inputs: Inputs,
}

pub fn plan(args: &Plan) -> u8 {
    let _ = &args.inputs;
    match open(&args.file, Say::Normal) {
        Ok(_) => OK,
        Err(code) => code,
    }
}
