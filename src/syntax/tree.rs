//! What pest found, as one flat array: sixteen bytes a node, children behind their parent.
//! Comments have no nodes; trailing blanks, which pest counts to the rule before them, are cut off.
use pest::iterators::Pairs;
use pest::{Parser, Token};

use super::grammar::{Grammar, Rule};

pub(super) struct Tree<'t> {
    pub text: &'t str,
    nodes: Vec<Flat>,
}

struct Flat {
    rule: Rule,
    start: u32,
    end: u32,
    /// The node behind this one's last descendant.
    next: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Node<'t> {
    tree: &'t Tree<'t>,
    at: u32,
}

#[derive(Clone, Copy)]
pub(super) struct Kids<'t> {
    tree: &'t Tree<'t>,
    at: u32,
    end: u32,
}

impl<'t> Tree<'t> {
    /// The nodes of a whole text; nothing when it nests too deeply to be read.
    pub fn new(text: &'t str) -> Option<Tree<'t>> {
        let mut tree = Tree { text, nodes: Vec::with_capacity(text.len() / 4) };
        let mut at = if text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        while at < text.len() {
            let piece = Grammar::parse(Rule::piece, text.get(at..)?).ok()?;
            let end = tree.add(at, piece);
            if end == at {
                return None;
            }
            at = end;
        }
        Some(tree)
    }

    /// The nodes of a piece that starts at `base`, and where it ends.
    fn add(&mut self, base: usize, piece: Pairs<'t, Rule>) -> usize {
        let mut open: Vec<u32> = Vec::new();
        let mut at = base;
        for token in piece.tokens() {
            match token {
                Token::Start { rule, .. } if is_silent(rule) => {}
                Token::Start { rule, pos } => {
                    open.push(small(self.nodes.len()));
                    self.nodes.push(Flat { rule, start: small(base + pos.pos()), end: 0, next: 0 });
                }
                Token::End { rule, pos } => {
                    at = base + pos.pos();
                    if is_silent(rule) {
                        continue;
                    }
                    let next = small(self.nodes.len());
                    if let Some(node) = open.pop().and_then(|at| self.nodes.get_mut(at as usize)) {
                        let written = self.text.as_bytes().get(node.start as usize..at).unwrap_or(b"");
                        let blanks = written.iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
                        node.end = node.start + small(written.len() - blanks.count());
                        node.next = next;
                    }
                }
            }
        }
        at
    }

    pub fn kids(&'t self) -> Kids<'t> {
        Kids { tree: self, at: 0, end: small(self.nodes.len()) }
    }

    /// Every node of a rule.
    pub fn all(&'t self, rule: Rule) -> impl Iterator<Item = Node<'t>> {
        (0..small(self.nodes.len())).map(move |at| Node { tree: self, at }).filter(move |n| n.rule() == rule)
    }

    fn flat(&self, at: u32) -> Option<&Flat> {
        self.nodes.get(at as usize)
    }
}

/// Rules that are tokens of pest only because pest has no silent atomic ones.
fn is_silent(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::piece
            | Rule::n
            | Rule::g
            | Rule::gap
            | Rule::blank
            | Rule::next
            | Rule::below
            | Rule::rest
            | Rule::comment
            | Rule::text_d
            | Rule::text_dd
            | Rule::text_b
            | Rule::text_l
            | Rule::text_s
            | Rule::text_ss
            | Rule::text_p
            | Rule::bad_text
            | Rule::lead
            | Rule::more
            | Rule::wrap
            | Rule::escape
    )
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl<'t> Node<'t> {
    pub fn rule(self) -> Rule {
        self.tree.flat(self.at).map_or(Rule::bad, |f| f.rule)
    }

    pub fn start(self) -> usize {
        self.tree.flat(self.at).map_or(0, |f| f.start as usize)
    }

    pub fn end(self) -> usize {
        self.tree.flat(self.at).map_or(0, |f| f.end as usize)
    }

    pub fn text(self) -> &'t str {
        self.tree.text.get(self.start()..self.end()).unwrap_or("")
    }

    /// The whole text this node is of.
    pub fn source(self) -> &'t str {
        self.tree.text
    }

    fn next(self) -> u32 {
        self.tree.flat(self.at).map_or(u32::MAX, |f| f.next)
    }

    pub fn kids(self) -> Kids<'t> {
        Kids { tree: self.tree, at: self.at + 1, end: self.next() }
    }

    /// The holes below this node, those inside other holes left out.
    pub fn holes(self) -> impl Iterator<Item = Node<'t>> {
        self.outside_holes().filter(|n| n.rule() == Rule::hole)
    }

    /// The innermost bracket or quote below (or at) this node that nothing closes.
    pub fn unclosed(self) -> Option<Node<'t>> {
        let open = self.outside_holes().find(|n| n.rule() == Rule::open)?;
        (self.at..open.at).rev().map(|at| Node { tree: self.tree, at }).find(|n| n.next() == open.next())
    }

    /// Every node of a rule below this one.
    pub fn below(self, rule: Rule) -> impl Iterator<Item = Node<'t>> {
        (self.at + 1..self.next()).map(move |at| Node { tree: self.tree, at }).filter(move |n| n.rule() == rule)
    }

    /// Every node of one of the rules below this one.
    pub fn below_any(self, rules: &[Rule]) -> impl Iterator<Item = Node<'t>> {
        (self.at + 1..self.next()).map(move |at| Node { tree: self.tree, at }).filter(|n| rules.contains(&n.rule()))
    }

    fn outside_holes(self) -> impl Iterator<Item = Node<'t>> {
        let mut at = self.at + 1;
        std::iter::from_fn(move || {
            let node = Node { tree: self.tree, at };
            if at >= self.next() {
                return None;
            }
            at = if node.rule() == Rule::hole { node.next() } else { at + 1 };
            Some(node)
        })
    }
}

impl<'t> Iterator for Kids<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        let node = self.peek()?;
        self.at = node.next();
        Some(node)
    }

    /// Exact, so that what is collected takes no more room than it needs: a tree is mostly lists of one or two.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let (mut count, mut rest) = (0, *self);
        while let Some(node) = rest.peek() {
            rest.at = node.next();
            count += 1;
        }
        (count, Some(count))
    }
}

impl<'t> Kids<'t> {
    pub fn peek(&self) -> Option<Node<'t>> {
        (self.at < self.end).then_some(Node { tree: self.tree, at: self.at })
    }

    /// The next node if it is of this rule.
    pub fn eat(&mut self, rule: Rule) -> Option<Node<'t>> {
        self.peek().filter(|n| n.rule() == rule).inspect(|n| self.at = n.next())
    }
}
