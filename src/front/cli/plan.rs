//! `rbk plan FILE`: what would run, what undoes what, how long it may take. Runs nothing.
use clap::{Args, ValueEnum};

use super::inputs::Inputs;
use super::refused::Refused;
use super::{OK, open};
use crate::plan;
use crate::report::plan::{Format, render};
use crate::report::story::Say;

/// Show what would run, what undoes what and how long it may take
#[derive(Args)]
pub struct Plan {
    /// The runbook, or `-`
    file: String,
    #[command(flatten)]
    inputs: Inputs,
    /// How the plan is written
    #[arg(long, value_enum, default_value_t = Shape::Human)]
    format: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// A tree
    Human,
    /// One JSON object
    Json,
    /// For a review or a wiki page
    Markdown,
    /// A flow chart
    Mermaid,
}

pub fn plan(args: &Plan, say: Say) -> u8 {
    match planned(args, say) {
        Ok(text) => super::say(|out| {
            out.text(&text);
            OK
        }),
        Err(refused) => refused.tell(),
    }
}

fn planned(args: &Plan, say: Say) -> Result<String, Refused> {
    let (program, sources) = open(&args.file, say)?;
    let params = args.inputs.known(&program, &sources)?;
    let format = match args.format {
        Shape::Human => Format::Human,
        Shape::Json => Format::Json,
        Shape::Markdown => Format::Markdown,
        Shape::Mermaid => Format::Mermaid,
    };
    Ok(render(&plan::plan(&program, &sources, &params), format))
}
