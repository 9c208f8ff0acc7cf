//! Actions, contexts and used runbooks: elaborated once, when first called, each in the names of its own file.
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;
use crate::value::{SmolStr, Type, Value};

use super::elab::{Elab, Here};
use super::modules::{ModuleId, State};
use super::program::{
    Action, ActionId, Block, Body, ContextId, Effect, Expr, ExprKind, NameId, NameKind, Param, StmtKind, Undo,
    UserContext,
};
use super::scope::Scopes;
use super::steps::BodyOf;

/// What a body that is elaborated in between must not touch.
pub(super) struct Outside {
    here: Here,
    scopes: Scopes,
    unknown: Vec<(SmolStr, Diagnostic)>,
    effect: Effect,
    undoes: bool,
}

/// What a finished body was found to do.
#[derive(Clone, Copy)]
pub(super) struct Done {
    effect: Effect,
    undoes: bool,
}

impl<'a> Elab<'a> {
    /// Leave the current body for the top level of a file.
    pub(super) fn step_out(&mut self, to: ModuleId) -> Outside {
        let outside = Outside {
            here: self.here.clone(),
            scopes: std::mem::take(&mut self.scopes),
            unknown: std::mem::take(&mut self.unknown),
            effect: std::mem::take(&mut self.effect),
            undoes: std::mem::take(&mut self.undoes),
        };
        self.enter_module(to);
        outside
    }

    /// Back again; what the body in between did is returned.
    pub(super) fn step_in(&mut self, outside: Outside) -> Done {
        self.settle_unknown();
        self.here = outside.here;
        self.scopes = outside.scopes;
        self.unknown = outside.unknown;
        Done {
            effect: std::mem::replace(&mut self.effect, outside.effect),
            undoes: std::mem::replace(&mut self.undoes, outside.undoes),
        }
    }

    /// The action at an index of a file. None when it calls itself, which the caller reports.
    pub(super) fn action_at(&mut self, id: ModuleId, index: usize) -> Option<ActionId> {
        let declared = self.modules.get_mut(id.0)?.actions.get_mut(index)?;
        let (name, item) = (declared.name.clone(), declared.item);
        if let Err(known) = declared.state.begin() {
            return known;
        }
        let tree = self.module(id)?.tree.clone();
        let written = tree.items.get(item)?;
        let ast::ItemKind::Action(action) = &written.kind else { return None };
        let outside = self.step_out(id);
        let params = self.params(&action.params);
        let body = self.body(&action.body, BodyOf::Action);
        let did = self.step_in(outside);
        let done = self.push_action(Action {
            name: self.called(id, &name.text),
            doc: written.doc.clone(),
            params,
            returns: returned(&body.block),
            body,
            effect: did.effect,
            timeout: None,
            span: written.span,
        });
        self.action_undoes.push(did.undoes);
        if let Some(declared) = self.modules.get_mut(id.0).and_then(|m| m.actions.get_mut(index)) {
            declared.state = State::Done(done);
        }
        Some(done)
    }

    pub(super) fn push_action(&mut self, action: Action) -> ActionId {
        let id = ActionId(u32::try_from(self.program.actions.len()).unwrap_or(u32::MAX));
        self.program.actions.push(action);
        id
    }

    /// As a caller writes it: `git.checkout`, `drain` in its own file.
    fn called(&self, id: ModuleId, name: &str) -> SmolStr {
        let file = self.module(id).map_or("", |m| m.name.as_str());
        let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".rbk");
        if id == ModuleId(0) { SmolStr::new(name) } else { SmolStr::new(format!("{stem}.{name}")) }
    }

    pub(super) fn context_at(&mut self, id: ModuleId, index: usize) -> Option<ContextId> {
        let declared = self.modules.get_mut(id.0)?.contexts.get_mut(index)?;
        let item = declared.item;
        if let Err(known) = declared.state.begin() {
            return known;
        }
        let tree = self.module(id)?.tree.clone();
        let written = tree.items.get(item)?;
        let ast::ItemKind::Context(context) = &written.kind else { return None };
        let outside = self.step_out(id);
        let params = self.params(&context.params);
        let argv = self.expect(&context.argv, &Type::List(Box::new(Type::Str)), "the words of a context");
        self.step_in(outside);
        let done = ContextId(u32::try_from(self.program.contexts.len()).unwrap_or(u32::MAX));
        self.program.contexts.push(UserContext {
            name: self.called(id, &context.name.text),
            params,
            reparses: context.reparses,
            carries_env: context.carries_env,
            argv,
            span: written.span,
        });
        if let Some(declared) = self.modules.get_mut(id.0).and_then(|m| m.contexts.get_mut(index)) {
            declared.state = State::Done(done);
        }
        Some(done)
    }

    /// Parameters of an action or a context. A default reads no other parameter: it is filled in at the call.
    fn params(&mut self, written: &[ast::Param]) -> Vec<Param> {
        let mut params: Vec<Param> = Vec::with_capacity(written.len());
        let defaults: Vec<_> = written
            .iter()
            .map(|p| {
                let ty = self.param_type(p);
                let what = format!("the default of `{}`", p.name.text);
                let default = p.default.as_ref().map(|d| self.pure(&what, |elab| elab.expect(d, &ty, &what)));
                (ty, default)
            })
            .collect();
        for (p, (ty, default)) in written.iter().zip(defaults) {
            let name = self.bind(&p.name, ty.clone(), NameKind::Param);
            let condition = self.where_(p.condition.as_ref(), name);
            params.push(Param { name, doc: p.doc.clone(), ty, default, condition });
        }
        params
    }

    /// The `where` of a parameter.
    pub(super) fn where_(&mut self, written: Option<&ast::Expr>, name: NameId) -> Option<Expr> {
        let written = written?;
        let cond = self.pure("a `where`", |elab| elab.condition(written));
        if self.limits(&cond, name) {
            self.harmless.push(name);
        }
        Some(cond)
    }

    /// The type of a parameter; code of a place belongs to native actions only.
    pub(super) fn param_type(&mut self, param: &ast::Param) -> Type {
        let ty = self.type_of(&param.ty);
        if matches!(ty, Type::Code(_) | Type::Nothing) {
            self.report(
                Diagnostic::error(
                    Code::TypeMismatch,
                    format!("`{}` cannot be code that is passed on", param.name.text),
                    param.ty.span,
                    "only native actions take this",
                )
                .help("pass the values, and write the code as a literal where it is used"),
            );
            return Type::Unknown;
        }
        ty
    }

    /// A used runbook as an action: its parameters, its deadline as a timeout, its handlers dropped.
    pub(super) fn book_action(&mut self, id: ModuleId, span: Span) -> Option<ActionId> {
        let declared = self.modules.get_mut(id.0)?.book.as_mut()?;
        let item = declared.item;
        if let Err(known) = declared.state.begin() {
            return known;
        }
        let tree = self.module(id)?.tree.clone();
        let written = tree.items.get(item)?;
        let ast::ItemKind::Runbook(runbook) = &written.kind else { return None };
        let outside = self.step_out(id);
        let read = self.book_parts(runbook, Some(span));
        let did = self.step_in(outside);
        let stem = self.module(id).map_or("", |m| m.name.as_str());
        let stem = stem.rsplit('/').next().unwrap_or(stem).trim_end_matches(".rbk");
        let done = self.push_action(Action {
            name: SmolStr::new(stem),
            doc: written.doc.clone(),
            params: read.params,
            body: Body { block: read.body, undo: Undo::Nothing },
            returns: Type::Nothing,
            effect: did.effect,
            timeout: read.header.deadline,
            span: written.span,
        });
        self.action_undoes.push(did.undoes);
        self.locks.extend(read.header.locks);
        if let Some(within) = &read.header.rollback_within
            && let ExprKind::Value(Value::Duration(needs)) = within.kind
        {
            self.budgets.push((span, needs, within.span));
        }
        if let Some(book) = self.modules.get_mut(id.0).and_then(|m| m.book.as_mut()) {
            book.state = State::Done(done);
        }
        Some(done)
    }
}

/// The type of the last statement when it is `return`.
fn returned(block: &Block) -> Type {
    match block.stmts.last().map(|s| &s.kind) {
        Some(StmtKind::Return(value)) => value.ty.clone(),
        _ => Type::Nothing,
    }
}
