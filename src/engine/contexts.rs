//! `with …`: where the commands inside run.
use std::sync::Arc;

use crate::check::program::ContextUse;
use crate::engine::call::Context;
use crate::engine::cx::Cx;
use crate::engine::failure::Stop;
use crate::engine::names::Names;
use crate::engine::{calls, eval};
use crate::value::{Record, Secret, SmolStr, Value, show};

/// Left to right, after those that are already there.
pub(super) async fn enter<'p>(cx: &Cx<'p>, uses: &'p [ContextUse]) -> Result<Arc<[Context]>, Stop> {
    let mut contexts = cx.contexts.to_vec();
    for entered in uses {
        contexts.push(one(cx, entered).await?);
    }
    Ok(contexts.into())
}

async fn one<'p>(cx: &Cx<'p>, entered: &'p ContextUse) -> Result<Context, Stop> {
    Ok(match entered {
        ContextUse::Dir(dir) => match eval::eval(cx, dir).await?.expose().0 {
            Value::Str(dir) => Context::Dir(dir.clone()),
            other => return Err(cx.unfit(format!("a directory is a string, not {}", show::kind(other)), dir.span)),
        },
        ContextUse::Env(vars) => match eval::eval(cx, vars).await?.expose() {
            (Value::Record(vars), secret) => Context::Env(environment(vars, secret)),
            (other, _) => {
                return Err(cx.unfit(format!("variables are a record, not {}", show::kind(other)), vars.span));
            }
        },
        ContextUse::Ssh(host) => Context::Ssh(eval::eval(cx, host).await?),
        ContextUse::Sudo(None) => Context::Sudo(None),
        ContextUse::Sudo(Some(user)) => Context::Sudo(Some(eval::eval(cx, user).await?)),
        ContextUse::Stdin(input) => Context::Stdin(eval::eval(cx, input).await?),
        ContextUse::Connection(on) => Context::Connection(calls::connection(cx, on).await?),
        // `companion` starts it, and enters what stands before and behind.
        ContextUse::Running(running) => {
            return Err(cx.unfit("a process beside the block is started by itself", running.command.span));
        }
        ContextUse::User { context, args } => {
            let names = Names::child(&cx.world.globals);
            for (name, value) in args {
                names.bind(*name, eval::eval(cx, value).await?);
            }
            let Some(user) = cx.world.program().contexts.get(context.0 as usize) else {
                return Ok(Context::Wrap { argv: Vec::new(), reparses: false, carries_env: true });
            };
            let argv = match eval::eval(&Cx { names, ..cx.clone() }, &user.argv).await? {
                Value::List(argv) => argv.to_vec(),
                other => vec![other],
            };
            Context::Wrap { argv, reparses: user.reparses, carries_env: user.carries_env }
        }
    })
}

fn environment(vars: &Record, secret: Option<&SmolStr>) -> Vec<(SmolStr, Value)> {
    let hide = |value: &Value| match secret {
        Some(name) => Secret::hide(name.clone(), value.clone()),
        None => value.clone(),
    };
    vars.0.iter().map(|(key, value)| (key.clone(), hide(value))).collect()
}
