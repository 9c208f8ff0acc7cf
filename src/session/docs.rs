//! What the language offers, from the declarations themselves: native actions, libraries and their documentation.
use crate::check::stdlib;
use crate::diag::did_you_mean;
use crate::source::{Sources, Span};
use crate::syntax;
use crate::syntax::ast::{Item, ItemKind};

/// A provider or a library.
#[derive(Clone, Debug)]
pub struct Module {
    /// `http`, `std/git`.
    pub name: String,
    /// The comment that its file begins with.
    pub about: String,
    pub entries: Vec<Entry>,
}

/// Something that can be called.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    /// As declared, without the body.
    pub signature: String,
    pub doc: String,
}

/// Providers first, then libraries.
#[must_use]
pub fn modules() -> Vec<Module> {
    let natives = stdlib::NATIVES.iter().map(|(name, text)| read((*name).to_owned(), text));
    natives.chain(stdlib::LIBRARIES.iter().map(|(name, text)| read(format!("std/{name}"), text))).collect()
}

/// What a name means: a module (`git` for `std/git` too), or one entry of it (`git.checkout`).
///
/// # Errors
/// What to look for instead.
pub fn find(name: &str) -> Result<Module, String> {
    let modules = modules();
    let named = |wanted: &str| {
        modules.iter().find(|module| module.name == wanted || module.name.strip_prefix("std/") == Some(wanted)).cloned()
    };
    if let Some(module) = named(name) {
        return Ok(module);
    }
    if let Some((module, entry)) = name.rsplit_once('.')
        && let Some(module) = named(module)
    {
        let entries: Vec<Entry> = module.entries.iter().filter(|e| e.name == entry).cloned().collect();
        if entries.is_empty() {
            let near = did_you_mean(entry, module.entries.iter().map(|e| e.name.as_str()));
            let near = near.map(|near| format!("did you mean `{}.{near}`?", short(&module.name)));
            return Err(near.unwrap_or_else(|| format!("`rbk docs {}` lists what it has", short(&module.name))));
        }
        return Ok(Module { entries, about: String::new(), ..module });
    }
    // A bare name: wherever it is declared.
    let everywhere = modules.iter().filter_map(|module| {
        let entry = module.entries.iter().find(|entry| entry.name == name)?;
        Some((module, entry))
    });
    let found: Vec<String> =
        everywhere.map(|(module, entry)| format!("{}.{}", short(&module.name), entry.name)).collect();
    match found.as_slice() {
        [only] => find(only),
        [] => {
            let names = modules.iter().map(|module| short(&module.name));
            let near =
                did_you_mean(name, names.chain(modules.iter().flat_map(|m| m.entries.iter().map(|e| e.name.as_str()))));
            Err(near
                .map_or_else(|| "`rbk docs` lists every module".to_owned(), |near| format!("did you mean `{near}`?")))
        }
        many => Err(format!("there is {}", many.join(", "))),
    }
}

/// All that is declared in one text.
#[must_use]
pub fn module(file: &str, text: &str) -> Module {
    read(file.to_owned(), text)
}

/// What is declared in one text, where something of this name is.
#[must_use]
pub fn declared(file: &str, text: &str, name: &str) -> Option<Module> {
    let module = read(file.to_owned(), text);
    let entries: Vec<Entry> = module.entries.into_iter().filter(|entry| entry.name == name).collect();
    (!entries.is_empty()).then(|| Module { name: module.name, about: String::new(), entries })
}

fn short(name: &str) -> &str {
    name.strip_prefix("std/").unwrap_or(name)
}

fn read(name: String, text: &str) -> Module {
    let mut sources = Sources::default();
    let file = sources.add(&*name, text);
    let parsed = syntax::parse(file, text);
    let entries = parsed.ast.items.iter().filter_map(|item| entry(item, &sources)).collect();
    Module { name, about: about(text), entries }
}

/// The first comment of a file: single `#`, before anything else.
fn about(text: &str) -> String {
    let comment =
        text.lines().take_while(|line| line.starts_with('#') && !line.starts_with("##") && !line.starts_with("#!"));
    comment.map(|line| line.trim_start_matches('#').trim()).collect::<Vec<_>>().join("\n")
}

fn entry(item: &Item, sources: &Sources) -> Option<Entry> {
    let (name, end) = match &item.kind {
        ItemKind::Extern(action) => (&action.name.text, item.span.end),
        ItemKind::Action(action) => (&action.name.text, action.body.span.start),
        ItemKind::Context(context) => (&context.name.text, context.argv.span.start),
        ItemKind::Runbook(_)
        | ItemKind::Use(_)
        | ItemKind::Let(_)
        | ItemKind::Secret(_)
        | ItemKind::Connect(_)
        | ItemKind::Reads(_) => return None,
    };
    let text = sources.text(Span { end, ..item.span });
    let start = text.find(|c: char| c != '#').unwrap_or(0);
    let declared = text.lines().skip_while(|line| line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let declared = if start > 0 { declared } else { text.to_owned() };
    let signature = declared.trim_end_matches(['{', '=', ' ', '\n']).trim().to_owned();
    Some(Entry { name: name.to_string(), signature, doc: item.doc.clone().unwrap_or_default() })
}
