//! What the language offers, from the declarations themselves: native actions, libraries and their documentation; and its own
//! words, from its reference.
mod language;

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

/// What a name means: a module (`git` for `std/git` too), one entry of it (`git.checkout`), a word of the language (`wait`), or
/// `language`, its whole reference.
///
/// # Errors
/// What to look for instead.
pub fn find(name: &str) -> Result<Module, String> {
    let modules = modules();
    let called =
        |wanted: &str| modules.iter().filter(|m| m.name == wanted || short(&m.name) == wanted).collect::<Vec<_>>();
    if let Some(module) = called(name).first() {
        let mut module = Module::clone(module);
        let library = format!("std/{name}");
        if modules.iter().any(|other| other.name == library) {
            module.about.push_str(&format!("\nThe library has more: `rbk docs {library}`."));
        }
        return Ok(module);
    }
    if let Some((module, entry)) = name.rsplit_once('.')
        && let these = called(module)
        && !these.is_empty()
    {
        let of = |module: &Module| {
            let entries: Vec<Entry> = module.entries.iter().filter(|e| e.name == entry).cloned().collect();
            (!entries.is_empty()).then(|| Module { entries, about: String::new(), name: module.name.clone() })
        };
        let found: Vec<Module> = these.iter().copied().filter_map(of).collect();
        return match found.as_slice() {
            [] => {
                let near = did_you_mean(entry, these.iter().flat_map(|m| &m.entries).map(|e| e.name.as_str()));
                let near = near.map(|near| format!("did you mean `{module}.{near}`?"));
                Err(near.unwrap_or_else(|| format!("`rbk docs {module}` lists what it has")))
            }
            [one] => Ok(one.clone()),
            several => {
                let names: Vec<&str> = several.iter().map(|m| m.name.as_str()).collect();
                let about = format!("It is in {}.", names.join(" and in "));
                let entries = several.iter().flat_map(|m| m.entries.clone()).collect();
                Ok(Module { name: name.to_owned(), about, entries })
            }
        };
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
        [] if name == "language" => Ok(language::whole()),
        several => {
            if let Some(word) = language::word(name) {
                return Ok(word);
            }
            if !several.is_empty() {
                return Err(format!("there is {}", several.join(", ")));
            }
            let mut names: Vec<&str> = modules.iter().map(|module| short(&module.name)).collect();
            names.extend(modules.iter().flat_map(|m| m.entries.iter().map(|e| e.name.as_str())));
            names.extend(language::words());
            let near = did_you_mean(name, names);
            Err(near
                .map_or_else(|| "`rbk docs` lists every module".to_owned(), |near| format!("did you mean `{near}`?")))
        }
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
