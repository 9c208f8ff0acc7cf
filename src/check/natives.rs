//! Signatures of native actions, read from `stdlib/native/*.rbk` when first used.
use std::cell::RefCell;
use std::rc::Rc;

use crate::source::FileId;
use crate::syntax::{self, ast};
use crate::value::types::Place;
use crate::value::{SmolStr, Type};

use super::elab::{Elab, Here};
use super::program::{Effect, Expr};
use super::scope::Scopes;
use super::stdlib;

#[derive(Debug)]
pub(super) struct Native {
    pub name: SmolStr,
    pub params: Vec<NativeParam>,
    pub returns: Type,
    pub effect: Effect,
    pub idempotent: bool,
}

#[derive(Debug)]
pub(super) struct NativeParam {
    pub name: SmolStr,
    pub ty: Type,
    pub default: Option<Expr>,
}

impl NativeParam {
    /// The place its text is code of.
    pub(super) fn place(&self) -> Option<Place> {
        if let Type::Code(place) = self.ty { Some(place) } else { None }
    }
}

/// The actions of one provider.
pub(super) type Provider = Rc<[Rc<Native>]>;

thread_local! {
    /// Providers read so far: they are the same for every script.
    static READ: RefCell<Vec<(&'static str, Provider)>> = const { RefCell::new(Vec::new()) };
}

/// Providers whose actions are called by their name: `http.get(…)`.
pub(super) const NAMESPACES: [&str; 3] = ["file", "http", "runs"];

/// The file of what stands in no file that a person reads: its spans have no text.
const NOWHERE: FileId = FileId(u32::MAX);

/// The provider of actions that are called by their bare names.
pub(super) const BARE: &str = "secret";

impl Elab<'_> {
    /// The actions of a provider; nothing when there is no such provider.
    pub(super) fn natives(&mut self, provider: &str) -> Provider {
        let known = READ.with_borrow(|read| read.iter().find(|(name, _)| *name == provider).map(|(_, n)| Rc::clone(n)));
        if let Some(known) = known {
            return known;
        }
        let Some((name, text)) = stdlib::native(provider) else { return Rc::from([]) };
        let parsed = syntax::parse(NOWHERE, text);
        let module = self.here.module;
        let here = std::mem::replace(&mut self.here, Here::at(module));
        let scopes = std::mem::take(&mut self.scopes);
        let mut actions = Vec::new();
        for item in &parsed.ast.items {
            if let ast::ItemKind::Extern(action) = &item.kind {
                actions.push(Rc::new(self.native_signature(action)));
            }
        }
        self.here = here;
        self.scopes = scopes;
        let actions: Provider = actions.into();
        READ.with_borrow_mut(|read| read.push((name, Rc::clone(&actions))));
        actions
    }

    pub(super) fn native(&mut self, provider: &str, name: &str) -> Option<Rc<Native>> {
        self.natives(provider).iter().find(|n| n.name == name).map(Rc::clone)
    }

    fn native_signature(&mut self, action: &ast::Extern) -> Native {
        self.scopes = Scopes::with(Vec::new());
        let params = action
            .params
            .iter()
            .map(|p| NativeParam {
                name: p.name.text.clone(),
                ty: self.type_of(&p.ty),
                default: p.default.as_ref().map(|d| self.expr(d)),
            })
            .collect();
        Native {
            name: action.name.text.clone(),
            params,
            returns: action.returns.as_ref().map_or(Type::Nothing, |ty| self.type_of(ty)),
            effect: match action.effect.text.as_str() {
                "read" => Effect::Read,
                "notify" => Effect::Notify,
                _ => Effect::Write,
            },
            idempotent: action.idempotent,
        }
    }
}
