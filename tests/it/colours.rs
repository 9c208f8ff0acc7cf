//! The colours of an editor: `grammar/rbk.tmLanguage.json` for VS Code and GitHub, and made from it `grammar/rbk.sublime-syntax` for
//! bat and Sublime Text. What they call a comment, a string, a command is what the parser says it is.
use std::ops::Range;

use rbk::print::pieces::{Kind, pieces};
use rbk::source::FileId;
use rbk::syntax::parse;
use serde_json::{Map, Value, json};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxDefinition, SyntaxSet, SyntaxSetBuilder};

use crate::stage::repo;

fn grammar() -> Value {
    serde_json::from_str(&std::fs::read_to_string(repo("grammar/rbk.tmLanguage.json")).unwrap()).unwrap()
}

/// The same grammar as contexts: a pair of `begin` and `end` is a context that is pushed and popped.
fn contexts(grammar: &Value) -> String {
    let mut contexts = Map::new();
    contexts.insert("main".into(), patterns(&grammar["patterns"]));
    for (name, part) in grammar["repository"].as_object().unwrap() {
        let own = part.get("match").or_else(|| part.get("begin")).is_some();
        contexts
            .insert(name.clone(), if own { Value::Array(vec![pattern(part)]) } else { patterns(&part["patterns"]) });
    }
    let syntax = json!({
        "name": grammar["name"], "file_extensions": grammar["fileTypes"], "first_line_match": grammar["firstLineMatch"],
        "scope": grammar["scopeName"], "contexts": contexts,
    });
    let head = "%YAML 1.2\n# Made from rbk.tmLanguage.json by the tests: BLESS=1 writes it.\n---\n";
    let body = serde_json::to_string_pretty(&syntax).unwrap();
    // The number of a capture is a number there, which JSON has no keys of.
    let number = regex::Regex::new(r#"(?m)^( *)"(\d+)": "#).unwrap();
    format!("{head}{}\n", number.replace_all(&body, "$1$2: "))
}

fn patterns(list: &Value) -> Value {
    list.as_array().unwrap().iter().map(pattern).collect()
}

fn pattern(part: &Value) -> Value {
    let mut made = Map::new();
    if let Some(name) = part["include"].as_str() {
        return json!({ "include": name.strip_prefix('#').unwrap() });
    }
    if let Some(matched) = part.get("match") {
        made.insert("match".into(), matched.clone());
        made.extend(part.get("name").map(|name| ("scope".into(), name.clone())));
        made.extend(captures(&part["captures"]));
        return made.into();
    }
    made.insert("match".into(), part["begin"].clone());
    made.extend(captures(&part["beginCaptures"]));
    let mut inside = Vec::new();
    inside.extend(part.get("name").map(|name| json!({ "meta_scope": name })));
    inside.extend(part.get("contentName").map(|name| json!({ "meta_content_scope": name })));
    let mut end = Map::from_iter([("match".into(), part["end"].clone()), ("pop".into(), true.into())]);
    end.extend(captures(&part["endCaptures"]));
    inside.push(end.into());
    inside.extend(patterns(&part["patterns"]).as_array().unwrap().clone());
    made.insert("push".into(), inside.into());
    made.into()
}

fn captures(list: &Value) -> Option<(String, Value)> {
    let named = list.as_object()?.iter().map(|(n, capture)| (n.clone(), capture["name"].clone()));
    Some(("captures".into(), named.collect::<Map<_, _>>().into()))
}

#[test]
fn bat_has_the_same_grammar_as_an_editor() {
    let made = contexts(&grammar());
    let file = repo("grammar/rbk.sublime-syntax");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == made, "grammar/rbk.sublime-syntax is not what rbk.tmLanguage.json makes: BLESS=1 writes it");
}

fn colours() -> SyntaxSet {
    let mut builder = SyntaxSetBuilder::new();
    builder.add(SyntaxDefinition::load_from_str(&contexts(&grammar()), true, None).unwrap());
    builder.build()
}

/// The scopes of each stretch of a text.
fn scopes(set: &SyntaxSet, text: &str) -> Vec<(Range<usize>, Vec<Scope>)> {
    let mut state = ParseState::new(set.find_syntax_by_extension("rbk").unwrap());
    let (mut stack, mut found, mut start) = (ScopeStack::new(), Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let mut at = 0;
        for (to, op) in state.parse_line(line, set).unwrap() {
            found.push((start + at..start + to, stack.scopes.clone()));
            stack.apply(&op).unwrap();
            at = to;
        }
        found.push((start + at..start + line.len(), stack.scopes.clone()));
        start += line.len();
    }
    found.retain(|(range, _)| !range.is_empty());
    found
}

fn within(scopes: &[Scope], outer: &str) -> bool {
    let outer = Scope::new(outer).unwrap();
    scopes.iter().any(|scope| outer.is_prefix_of(*scope))
}

/// What the colours get wrong in a text that is a program: where, and how.
fn wrong(set: &SyntaxSet, text: &str) -> Option<String> {
    let parsed = parse(FileId(0), text);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let coloured = scopes(set, text);
    let shown = |range: &Range<usize>| text[range.clone()].trim().to_owned();
    for piece in pieces(text, &parsed.ast) {
        for (range, scopes) in &coloured {
            let range = range.start.max(piece.range.start)..range.end.min(piece.range.end);
            if range.is_empty() || shown(&range).is_empty() {
                continue;
            }
            let (comment, string) = (within(scopes, "comment"), within(scopes, "string"));
            let (hole, command) = (within(scopes, "meta.interpolation"), within(scopes, "keyword.control.command"));
            let right = match piece.kind {
                // A comment in a command is the shell's.
                Kind::Comment => comment && !string && !hole,
                Kind::Text => string || hole,
                Kind::Command => string || hole || command || shown(&range) == "\"\"\"",
                Kind::Word | Kind::Mark => !comment && !string && !hole,
                Kind::Number => within(scopes, "constant") && !comment && !string && !hole,
            };
            if !right {
                let scopes: Vec<String> = scopes.iter().map(|scope| scope.build_string()).collect();
                let line = text[..range.start].lines().count();
                let around: Vec<&str> = text.lines().skip(line.saturating_sub(3)).take(4).collect();
                let around = around.join("\n");
                return Some(format!("{:?} is {:?}, but coloured {scopes:?}, in\n{around}", shown(&range), piece.kind));
            }
        }
    }
    None
}

#[test]
fn the_colours_of_every_program_here_are_what_the_parser_says() {
    let set = colours();
    let programs = crate::fmt::corpus();
    let wrong: Vec<String> = programs.iter().filter_map(|text| wrong(&set, text)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), programs.len(), wrong.join("\n\n"));
}

/// The scopes of a word in a line.
fn scopes_of(set: &SyntaxSet, text: &str, word: &str) -> Vec<String> {
    let at = text.find(word).unwrap();
    let coloured = scopes(set, text);
    let (_, scopes) = coloured.iter().find(|(range, _)| range.contains(&at)).unwrap();
    scopes.iter().map(|scope| scope.build_string()).collect()
}

#[test]
fn what_undoes_is_told_from_what_does() {
    let set = colours();
    let text = "step \"a\" retry 2 {\n  $ cp #{from} b\n  rollback { $ rm b }\n  irreversible \"x\"\n}\n";
    assert_eq!(scopes_of(&set, text, "step").last().unwrap(), "keyword.control.rbk");
    assert_eq!(scopes_of(&set, text, "retry").last().unwrap(), "storage.modifier.rbk");
    assert_eq!(scopes_of(&set, text, "rollback").last().unwrap(), "keyword.control.undo.rbk");
    assert_eq!(scopes_of(&set, text, "irreversible").last().unwrap(), "keyword.control.undo.rbk");
    assert!(scopes_of(&set, text, "from").contains(&"meta.interpolation.rbk".to_owned()));
}

#[test]
fn every_word_of_the_language_has_a_colour() {
    let pest = std::fs::read_to_string(repo("grammar/rbk.pest")).unwrap();
    let set = colours();
    let is_word = |w: &&str| w.len() > 1 && w.bytes().all(|b| b.is_ascii_lowercase());
    // What other languages write, which is answered by a message.
    let foreign = ["elif", "elsif", "catch", "except"];
    for word in pest
        .lines()
        .filter(|l| !l.starts_with("//"))
        .flat_map(|l| l.split('"').skip(1).step_by(2))
        .map(str::trim)
        .filter(is_word)
    {
        if foreign.contains(&word) {
            continue;
        }
        let line = if word == "env" { "carries env\n".to_owned() } else { format!("{word} \"x\"\n") };
        let scopes = scopes_of(&set, &line, word);
        assert!(scopes.len() > 1, "`{word}` has no colour");
    }
}
