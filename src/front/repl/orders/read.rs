//! What there is to read: `:help`, `:docs`, `:explain`.
use super::{ALL, Desk, Done, Order};
use crate::front::cli::{docs as listed, explain as codes};
use crate::journal::Trouble;
use crate::report::style::{Line, Tone};
use crate::session::docs::find;

/// `help NAME`: the name; empty where `help` stands alone.
pub fn asked(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("help")?;
    let name = rest.trim();
    let is_name = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | ':' | '-'));
    (is_name && (rest.is_empty() || rest.starts_with(char::is_whitespace))).then_some(name)
}

pub fn help(desk: &mut Desk, _: &str) -> Done {
    let first =
        ["a statement runs, an expression shows its value", "`help NAME` tells what can be called, as `rbk docs` does"];
    let first = first.into_iter().map(|text| Line::new(0).put(Tone::Plain, text));
    desk.say(&first.chain(ALL.iter().map(one)).collect::<Vec<_>>());
    Ok(None)
}

fn one(order: &Order) -> Line {
    let name = order.names.first().copied().unwrap_or_default();
    let line = Line::new(0).put(Tone::Strong, format!("{:<28}", format!("{name} {}", order.words)));
    line.put(Tone::Plain, order.does)
}

pub fn docs(desk: &mut Desk, name: &str) -> Done {
    if let Some(order) = ALL.iter().find(|order| order.names.contains(&name)) {
        desk.say(&[one(order)]);
        return Ok(None);
    }
    let own = desk.console.documented(name);
    let mut screen = desk.out.borrow_mut();
    let out = screen.outside();
    match (name, own) {
        ("", _) => listed::list(out),
        (_, Some(module)) => listed::show(&module, out),
        (name, None) => {
            let wrong = |help: String| Trouble::new(format!("nothing is named `{name}`")).with_help(help);
            listed::show(&find(name).map_err(wrong)?, out);
        }
    }
    Ok(None)
}

pub fn explain(desk: &mut Desk, name: &str) -> Done {
    let code = codes::named(Some(name).filter(|name| !name.is_empty()))?;
    codes::page(code, desk.out.borrow_mut().outside());
    Ok(None)
}

#[cfg(test)]
mod tests {
    #[test]
    fn help_is_asked_for_by_name() {
        let asked = super::asked;
        assert_eq!(
            (asked("help"), asked("help  db.value"), asked("help :undo")),
            (Some(""), Some("db.value"), Some(":undo"))
        );
        assert_eq!(
            (asked("helper"), asked("help(1)"), asked("help + 1"), asked("let help = 1")),
            (None, None, None, None)
        );
    }
}
