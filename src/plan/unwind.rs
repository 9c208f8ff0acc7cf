//! The order of the unwinding: the forward structure in reverse.
use super::{Kind, Node, UndoKind};
use crate::value::Nanos;

/// One entry, or a group of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unwind {
    pub path: String,
    pub kind: UnwindKind,
    /// The step, the action, or what the group is.
    pub name: String,
    /// What runs, or why nothing does.
    pub text: String,
    pub timeout: Option<Nanos>,
    pub inside: Vec<Unwind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnwindKind {
    Rollback,
    /// Nothing to undo: unwinding passes through.
    None,
    /// A person must; unwinding passes.
    Manual,
    /// Once reached, nothing that comes after this line is undone.
    Wall,
    /// Once reached, what its block did before is kept.
    Commit,
    /// Undone at once, with the bound of the way forward.
    Together,
    /// Only if the way forward went through here.
    IfTaken,
    Finally,
}

impl UnwindKind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnwindKind::Rollback => "rollback",
            UnwindKind::None => "none",
            UnwindKind::Manual => "manual",
            UnwindKind::Wall => "point_of_no_return",
            UnwindKind::Commit => "commit",
            UnwindKind::Together => "together",
            UnwindKind::IfTaken => "if_taken",
            UnwindKind::Finally => "finally",
        }
    }
}

pub fn unwind(nodes: &[Node]) -> Vec<Unwind> {
    let mut out = forward(nodes);
    reverse(&mut out);
    out
}

fn reverse(entries: &mut [Unwind]) {
    entries.reverse();
    for entry in entries {
        reverse(&mut entry.inside);
    }
}

/// In the order of the way forward. `finally` comes last in its block's undo, so first here.
fn forward(nodes: &[Node]) -> Vec<Unwind> {
    let mut out = Vec::new();
    for node in nodes.iter().filter(|n| n.kind == Kind::Finally) {
        let text = node.children.iter().map(|c| c.text.as_str()).collect::<Vec<_>>().join("; ");
        out.push(entry(node, UnwindKind::Finally, "finally".to_owned(), text));
    }
    for node in nodes {
        one(node, &mut out);
    }
    out
}

fn entry(node: &Node, kind: UnwindKind, name: String, text: String) -> Unwind {
    Unwind { path: node.path.clone(), kind, name, text, timeout: None, inside: Vec::new() }
}

fn group(node: &Node, kind: UnwindKind, name: &str, inside: Vec<Unwind>, out: &mut Vec<Unwind>) {
    if !inside.is_empty() {
        out.push(Unwind { inside, ..entry(node, kind, name.to_owned(), String::new()) });
    }
}

fn one(node: &Node, out: &mut Vec<Unwind>) {
    match node.kind {
        Kind::Finally => {}
        Kind::Commit => out.push(entry(node, UnwindKind::Commit, "commit".to_owned(), node.text.clone())),
        Kind::Parallel => group(node, UnwindKind::Together, "in parallel", forward(&node.children), out),
        Kind::For if node.text.contains("at once") => {
            let mut inside = Vec::new();
            for element in &node.children {
                group(element, UnwindKind::IfTaken, &element.text, forward(&element.children), &mut inside);
            }
            group(node, UnwindKind::Together, &node.text, inside, out);
        }
        Kind::If => {
            let (other, then): (Vec<Node>, Vec<Node>) =
                node.children.iter().cloned().partition(|n| n.kind == Kind::Else);
            group(node, UnwindKind::IfTaken, &format!("if {}", node.text), forward(&then), out);
            for branch in other {
                group(&branch, UnwindKind::IfTaken, "else", forward(&branch.children), out);
            }
        }
        Kind::Try => {
            let (other, body): (Vec<Node>, Vec<Node>) =
                node.children.iter().cloned().partition(|n| n.kind == Kind::Else);
            group(node, UnwindKind::IfTaken, "try, if it went well", forward(&body), out);
            for branch in other {
                group(&branch, UnwindKind::IfTaken, "else", forward(&branch.children), out);
            }
        }
        Kind::Choose => {
            for option in &node.children {
                let name = format!("option \"{}\"", option.text);
                group(option, UnwindKind::IfTaken, &name, forward(&option.children), out);
            }
        }
        _ => {
            let inside = forward(&node.children);
            match (&node.when, inside.is_empty()) {
                (Some(when), false) => {
                    group(node, UnwindKind::IfTaken, &format!("when {when}"), inside, out);
                }
                _ => out.extend(inside),
            }
            let Some(undo) = &node.undo else { return };
            let kind = match undo.kind {
                UndoKind::Rollback => UnwindKind::Rollback,
                UndoKind::None => UnwindKind::None,
                UndoKind::Manual => UnwindKind::Manual,
                UndoKind::Irreversible => UnwindKind::Wall,
            };
            let mut own = entry(node, kind, node.text.clone(), undo.text.clone());
            own.timeout = undo.timeout;
            out.push(own);
        }
    }
}
