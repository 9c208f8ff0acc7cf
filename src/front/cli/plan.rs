//! `rbk plan FILE`: what would run, what undoes what, how long it may take. Runs nothing.
use clap::{Args, ValueEnum};

use super::inputs::Inputs;
use super::{OK, REFUSED, complain, open};
use crate::plan;
use crate::report::outside::{Channel, Outside};
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
        Ok(text) => {
            Outside::new(Channel::Out).text(&text);
            OK
        }
        Err(code) => code,
    }
}

fn planned(args: &Plan, say: Say) -> Result<String, u8> {
    let opened = open(&args.file, say)?;
    let Some(program) = opened.program.filter(|program| program.book.is_some()) else {
        complain(&format!("there is no runbook in `{}`: it is a library", args.file), None);
        return Err(REFUSED);
    };
    let params = args.inputs.known(&program, &opened.sources)?;
    let format = match args.format {
        Shape::Human => Format::Human,
        Shape::Json => Format::Json,
        Shape::Markdown => Format::Markdown,
        Shape::Mermaid => Format::Mermaid,
    };
    Ok(render(&plan::plan(&program, &opened.sources, &params), format))
}
