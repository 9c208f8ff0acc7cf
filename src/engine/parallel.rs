//! `for`, and what runs at once. The first element that is not ok, by order of events, stops the others and is the result.
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use crate::check::flow::bounds::Field;
use crate::check::program::{Block, Expr, NameId, Stmt};
use crate::engine::block;
use crate::engine::call::Segment;
use crate::engine::cx::{Cx, Mode};
use crate::engine::eval;
use crate::engine::event::{Failure, FailureKind};
use crate::engine::executor::Slot;
use crate::engine::failure::{Flow, Next, Stop};
use crate::engine::names::Names;
use crate::engine::record::Record;
use crate::engine::scope::Scope;
use crate::engine::tree::{Node, Par, Seq};
use crate::engine::world::World;
use crate::value::{Value, show};

/// Start each in order, at most `bound` at once, and hear of each end in the order they come. No more are started once
/// `next` has said no; those that run are awaited.
pub(super) async fn bounded<'p, E, T, F>(
    world: &Rc<World<'p>>,
    bound: usize,
    elements: impl IntoIterator<Item = E>,
    start: impl Fn(E) -> F,
    mut next: impl FnMut(T) -> bool,
) where
    T: 'p,
    F: Future<Output = T> + 'p,
{
    let ends = Slot::new();
    let mut elements = elements.into_iter();
    let (mut running, mut open) = (0, true);
    loop {
        while open && running < bound.max(1) {
            let Some(element) = elements.next() else { break };
            running += 1;
            let (ends, queue) = (ends.clone(), Rc::clone(world));
            world.queue.spawn(start(element), move |result| ends.put(&queue.queue, result));
        }
        if running == 0 {
            return;
        }
        let result = ends.take(&world.queue).await;
        running -= 1;
        open &= next(result);
    }
}

pub(super) async fn each<'p>(
    cx: &Cx<'p>,
    name: NameId,
    list: &'p Expr,
    parallel: Option<&'p Expr>,
    body: &'p Block,
) -> Flow {
    let value = eval::eval(cx, list).await?;
    eval::whole(cx, &value, list.span)?;
    let (items, secret) = match value.expose() {
        (Value::List(items), secret) => (items.clone(), secret.cloned()),
        (other, _) => return Err(cx.unfit(format!("`for` needs a list, not {}", show::kind(other)), list.span)),
    };
    cx.world.record(Record::Loop { path: cx.path.clone(), list: value.clone() });
    let elements = items.iter().enumerate().map(|(i, item)| {
        let item = match &secret {
            Some(name) => crate::value::Secret::hide(name.clone(), item.clone()),
            None => item.clone(),
        };
        let path = cx.path.join(Segment::Element(u32::try_from(i).unwrap_or(u32::MAX)));
        let names = Names::child(&cx.names);
        names.bind(name, item);
        (path, names)
    });
    let Some(bound) = parallel else {
        for (path, names) in elements {
            cx.check()?;
            let element = Cx { path, ..cx.clone() };
            if let Next::Return(value) = block::inner(&element, body, None, names).await? {
                return Ok(Next::Return(value));
            }
        }
        return Ok(Next::Go);
    };
    let bound = eval::count(cx, Field::Parallel, bound).await?;
    at_once(
        cx,
        usize::try_from(bound).unwrap_or(usize::MAX),
        elements,
        |here| async move { block::body(&here, body).await },
    )
    .await
}

pub(super) async fn block<'p>(cx: &Cx<'p>, block: &'p Block) -> Flow {
    let elements = block.stmts.iter().map(|stmt| (stmt, cx.path.clone(), Names::child(&cx.names)));
    let elements: Vec<(&'p Stmt, _, _)> = elements.collect();
    let bound = elements.len();
    let stmts: Vec<_> = elements.iter().map(|(stmt, _, _)| *stmt).collect();
    let stmts = RefCell::new(stmts.into_iter());
    at_once(cx, bound, elements.into_iter().map(|(_, path, names)| (path, names)), |here| {
        let stmt = stmts.borrow_mut().next();
        async move {
            match stmt {
                Some(stmt) => block::one(&here, stmt).await,
                None => Ok(Next::Go),
            }
        }
    })
    .await
}

async fn at_once<'p, F>(
    cx: &Cx<'p>,
    bound: usize,
    elements: impl Iterator<Item = (crate::engine::call::Path, Rc<Names>)>,
    run: impl Fn(Cx<'p>) -> F,
) -> Flow
where
    F: Future<Output = Flow> + 'p,
{
    let par = Rc::new(Par { bound, children: RefCell::default() });
    cx.seq.push(Node::Par(par.clone()));
    let scope = Scope::child(&cx.scope);
    let mut first: Option<Stop> = None;
    let start = |(path, names)| {
        let seq: Rc<Seq<'p>> = Rc::default();
        par.children.borrow_mut().push(seq.clone());
        run(Cx { path, names, seq, scope: scope.clone(), beside: cx.beside + 1, ..cx.clone() })
    };
    bounded(&cx.world, bound, elements, start, |result: Flow| {
        if let (Err(stop), None) = (&result, &first) {
            // Inside an undo all run to their end.
            if cx.mode == Mode::Forward {
                let failure = Failure::new(FailureKind::Cancelled, "another one failed");
                scope.cancel(&cx.world, cx.fault(failure));
            }
            first = Some(stop.clone());
        }
        cx.mode != Mode::Forward || (first.is_none() && !cx.cancelled())
    })
    .await;
    match first {
        Some(stop) => Err(stop),
        None => {
            cx.check()?;
            Ok(Next::Go)
        }
    }
}
