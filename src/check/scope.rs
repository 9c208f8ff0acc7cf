//! Which names can be seen where. A step hides nothing; bodies of `if`, `for`, `parallel`, `try` are scopes.
use crate::value::SmolStr;

use super::program::NameId;

/// The scopes of one body, outermost first.
#[derive(Debug, Default)]
pub(super) struct Scopes {
    frames: Vec<Frame>,
}

#[derive(Debug, Default)]
struct Frame {
    names: Vec<(SmolStr, NameId)>,
    /// Set in scopes that were left: a reader out here is told that it may be unset.
    left: Vec<(SmolStr, NameId)>,
}

impl Scopes {
    /// One scope that knows these names.
    pub(super) fn with(names: Vec<(SmolStr, NameId)>) -> Scopes {
        Scopes { frames: vec![Frame { names, left: Vec::new() }, Frame::default()] }
    }

    /// More names around the current scope.
    pub(super) fn know(&mut self, names: Vec<(SmolStr, NameId)>) {
        if let Some(outermost) = self.frames.first_mut() {
            outermost.names.extend(names);
        }
    }

    /// What the current scope has bound.
    pub(super) fn bound(&self) -> Vec<(SmolStr, NameId)> {
        self.frames.last().map(|frame| frame.names.clone()).unwrap_or_default()
    }

    pub(super) fn enter(&mut self) {
        self.frames.push(Frame::default());
    }

    pub(super) fn leave(&mut self) {
        if let Some(gone) = self.frames.pop()
            && let Some(around) = self.frames.last_mut()
        {
            around.left.extend(gone.names.into_iter().filter(|(name, _)| name != "it" && name != "failure"));
            around.left.extend(gone.left);
        }
    }

    /// A binding that can be seen from here.
    pub(super) fn visible(&self, name: &str) -> Option<NameId> {
        self.frames.iter().rev().find_map(|f| f.names.iter().rev().find(|(n, _)| n == name).map(|(_, id)| *id))
    }

    /// A binding in a scope that was left, the latest first.
    pub(super) fn hidden(&self, name: &str) -> Option<NameId> {
        self.frames.iter().rev().find_map(|f| f.left.iter().rev().find(|(n, _)| n == name).map(|(_, id)| *id))
    }

    pub(super) fn bind(&mut self, name: SmolStr, id: NameId) {
        if let Some(frame) = self.frames.last_mut() {
            frame.names.push((name, id));
        }
    }

    /// Everything that can be seen, for suggestions.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.frames.iter().rev().flat_map(|f| f.names.iter().map(|(n, _)| n.as_str()))
    }

    /// Everything that was bound, also in scopes that were left.
    pub(super) fn ever(&self, name: &str) -> Option<NameId> {
        self.visible(name).or_else(|| self.hidden(name))
    }
}
