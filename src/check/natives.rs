//! Signatures of native actions, read from `stdlib/native/*.rbk` when first used.
use std::rc::Rc;

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

/// Providers read so far.
#[derive(Debug, Default)]
pub(super) struct Natives(Vec<(&'static str, Rc<[Rc<Native>]>)>);

/// Providers whose actions are called by their name: `http.get(…)`.
pub(super) const NAMESPACES: [&str; 2] = ["file", "http"];

/// The provider of actions that are called by their bare names.
pub(super) const BARE: &str = "secret";

impl Elab<'_> {
    /// The actions of a provider; nothing when there is no such provider.
    pub(super) fn natives(&mut self, provider: &str) -> Rc<[Rc<Native>]> {
        if let Some((_, known)) = self.natives.0.iter().find(|(name, _)| *name == provider) {
            return Rc::clone(known);
        }
        let Some((name, text)) = stdlib::native(provider) else { return Rc::from([]) };
        let file = self.sources.add(format!("<std>/native/{name}.rbk"), text);
        let parsed = syntax::parse(file, text);
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
        let actions: Rc<[Rc<Native>]> = actions.into();
        self.natives.0.push((name, Rc::clone(&actions)));
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
