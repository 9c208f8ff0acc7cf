//! `rbk explain CODE`: what a finding means and the way out.
use clap::Args;

use super::refused::Refused;
use super::{OK, say};
use crate::diag::{Code, did_you_mean};
use crate::journal::Trouble;
use crate::report::outside::Outside;
use crate::report::style::{Line, Tone};

/// Explain a code that `rbk check` prints
#[derive(Args)]
pub struct Explain {
    /// Like `missing-rollback`; without it, every code is listed
    code: Option<String>,
}

pub fn explain(args: &Explain) -> u8 {
    match named(args.code.as_deref()) {
        Ok(code) => say(|out| {
            page(code, out);
            OK
        }),
        Err(trouble) => Refused::from(trouble).tell(),
    }
}

/// The code of this name; none was named, and all are meant.
///
/// # Errors
/// There is none of this name.
pub fn named(name: Option<&str>) -> Result<Option<Code>, Trouble> {
    let Some(name) = name.map(str::trim) else { return Ok(None) };
    let Some(code) = Code::find(name) else {
        let help = match did_you_mean(name, Code::ALL.iter().map(|code| code.name())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`rbk explain` lists every code".to_owned(),
        };
        return Err(Trouble::new(format!("no code is named `{name}`")).with_help(help));
    };
    Ok(Some(code))
}

/// What a code means, or the list of them.
pub fn page(code: Option<Code>, out: &mut Outside) {
    if let Some(code) = code {
        return out.markdown(code.documentation());
    }
    let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or(0);
    for code in Code::ALL {
        let name = format!("{:width$}  ", code.name());
        out.line(&Line::new(0).put(Tone::Strong, name).put(Tone::Plain, code.summary()));
    }
}
