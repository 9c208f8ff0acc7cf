//! `rbk explain CODE`: what a finding means and the way out.
use clap::Args;

use super::{OK, REFUSED, complain, say};
use crate::diag::{Code, did_you_mean};
use crate::report::outside::Outside;
use crate::report::style::{Line, Tone};

/// Explain a code that `rbk check` prints
#[derive(Args)]
pub struct Explain {
    /// Like `missing-rollback`; without it, every code is listed
    code: Option<String>,
}

pub fn explain(args: &Explain) -> u8 {
    let Some(name) = &args.code else { return say(list) };
    let Some(code) = Code::find(name.trim()) else {
        let help = match did_you_mean(name, Code::ALL.iter().map(|code| code.name())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`rbk explain` lists every code".to_owned(),
        };
        complain(&format!("no code is named `{name}`"), Some(&help));
        return REFUSED;
    };
    say(|out| {
        out.markdown(code.documentation());
        OK
    })
}

fn list(out: &mut Outside) -> u8 {
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or(0);
    for code in Code::ALL {
        let name = format!("{:width$}  ", code.name());
        out.line(&Line::new(0).put(Tone::Strong, name).put(Tone::Plain, code.summary()));
    }
    OK
}
