//! `rbk docs [NAME]`: what can be called, from the declarations themselves, and the words of the language.
use clap::Args;

use super::{OK, REFUSED, complain, say};
use crate::report::outside::Outside;
use crate::report::style::{Line, Tone};
use crate::session::docs::{Entry, Module, find, modules};

/// Show what can be called, and what a word of the language means
#[derive(Args)]
pub struct Docs {
    /// A module (`http`, `std/git`), one action (`git.checkout`), a word of the language (`wait`), or `language` for its whole reference;
    /// without it, every module is listed
    name: Option<String>,
}

pub fn docs(args: &Docs) -> u8 {
    let Some(name) = &args.name else {
        return say(|out| {
            list(out);
            OK
        });
    };
    match find(name) {
        Ok(module) => say(|out| {
            show(&module, out);
            OK
        }),
        Err(help) => {
            complain(&format!("nothing is named `{name}`"), Some(&help));
            REFUSED
        }
    }
}

/// Every module and what it has.
pub fn list(out: &mut Outside) {
    for module in modules() {
        out.line(&heading(&module));
        let names: Vec<&str> = module.entries.iter().map(|entry| entry.name.as_str()).collect();
        out.line(&Line::new(1).put(Tone::Dim, names.join(" ")));
    }
    let more = "  The reference; one word of it: `rbk docs wait`.";
    out.line(&Line::new(0).put(Tone::Strong, "language").put(Tone::Plain, more));
}

fn heading(module: &Module) -> Line {
    let first = module.about.lines().next().unwrap_or_default();
    let line = Line::new(0).put(Tone::Strong, &module.name);
    if first.is_empty() { line } else { line.put(Tone::Plain, format!("  {first}")) }
}

/// A module: what it is for, and what it has.
pub fn show(module: &Module, out: &mut Outside) {
    if !module.about.is_empty() {
        out.line(&Line::new(0).put(Tone::Strong, &module.name));
        module.about.lines().for_each(|line| out.line(&Line::new(0).put(Tone::Plain, line)));
        out.line(&Line::new(0));
    }
    for (i, entry) in module.entries.iter().enumerate() {
        if i > 0 {
            out.line(&Line::new(0));
        }
        one(entry, out);
    }
}

fn one(entry: &Entry, out: &mut Outside) {
    entry.signature.lines().for_each(|line| out.line(&Line::new(0).put(Tone::Doing, line)));
    let depth = usize::from(!entry.signature.is_empty());
    entry.doc.lines().for_each(|line| out.line(&Line::new(depth).put(Tone::Plain, line)));
}
