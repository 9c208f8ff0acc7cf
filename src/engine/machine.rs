//! The engine around one run: events go in, the tasks run until nothing is ready, commands come out.
use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use self_cell::self_cell;

use crate::check::program::{NameId, Program};
use crate::engine::Inputs;
use crate::engine::bug::Bug;
use crate::engine::call::Path;
use crate::engine::console::{self, Came, Turn};
use crate::engine::doubt::{End, Lost};
use crate::engine::event::{self, Command, Event, Extent, Failure, FailureKind, Input, Progress, QuestionId};
use crate::engine::executor::Tasks;
use crate::engine::extent::{self, Undoable};
use crate::engine::failure::Fault;
use crate::engine::record::Record;
use crate::engine::world::{AskedBack, World};
use crate::engine::{run, undo};
use crate::value::lost::lost_in;
use crate::value::{Connection, SmolStr, Value};

/// What a run borrows.
pub(super) struct Ground {
    pub programs: Programs,
    pub inputs: Inputs,
    pub bug: Option<Bug>,
}

/// A program, and the one that goes on from it: what runs borrows from each.
pub(super) struct Programs {
    program: Arc<Program>,
    next: OnceCell<Box<Programs>>,
}

impl Programs {
    pub fn new(program: Arc<Program>) -> Programs {
        Programs { program, next: OnceCell::new() }
    }

    /// Put one behind the last.
    fn add(&self, program: Arc<Program>) -> &Program {
        let mut last = self;
        while let Some(next) = last.next.get() {
            last = next;
        }
        &last.next.get_or_init(|| Box::new(Programs::new(program))).program
    }
}

pub(super) struct Machine<'p> {
    world: Rc<World<'p>>,
    tasks: Tasks<'p>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Running,
    Ended,
}

self_cell!(
    pub(super) struct Run {
        owner: Ground,
        #[not_covariant]
        dependent: Machine,
    }
);

impl Run {
    pub fn make(ground: Ground) -> Run {
        Run::new(ground, |ground| Machine {
            world: Rc::new(World::new(&ground.programs.program, &ground.inputs, ground.bug)),
            tasks: Tasks::default(),
            state: State::New,
        })
    }

    pub fn on(&mut self, input: Input) -> Vec<Command> {
        self.with_dependent_mut(|_, machine| machine.on(input))
    }

    /// From now on with this program.
    pub fn go_on_with(&mut self, program: Arc<Program>) {
        self.with_dependent_mut(|ground, machine| machine.world.go_on_with(ground.programs.add(program)));
    }

    pub fn entries(&self) -> Vec<(u32, Came)> {
        self.with_dependent(|_, machine| machine.world.desk.entries.borrow().clone())
    }

    pub fn connections(&self) -> Vec<(NameId, Arc<Connection>)> {
        let mut found = Vec::new();
        let mut add = |name: NameId, value: &Value| {
            if let Value::Connection(on) = value {
                found.push((name, on.clone()));
            }
        };
        self.with_dependent(|_, machine| machine.world.globals.each(&mut add));
        found
    }

    pub fn goes_back(&self) -> bool {
        self.with_dependent(|_, machine| machine.world.back.get())
    }

    pub fn missing(&self) -> Option<String> {
        self.with_dependent(|_, machine| machine.world.missing.borrow().clone())
    }

    pub fn under_way(&self) -> Option<Extent> {
        self.with_dependent(|_, machine| machine.world.undoing.borrow().as_ref().map(|(_, what)| what.clone()))
    }

    pub fn undoable(&self, extent: &Extent) -> Vec<Undoable> {
        self.with_dependent(|_, machine| extent::undoable(&machine.world.tree, extent))
    }
}

impl Machine<'_> {
    fn on(&mut self, input: Input) -> Vec<Command> {
        let world = self.world.clone();
        let goes_on = match input.event {
            Event::Rollback { .. } => !world.killed.get(),
            Event::Resumed { .. } => true,
            _ => false,
        };
        if self.state == State::Ended && !goes_on {
            return Vec::new();
        }
        world.now.set(input.at.max(world.now.get()));
        match input.event {
            Event::Start if self.state == State::New => {
                self.state = State::Running;
                world.queue.spawn(run::run(world.clone()), |()| {});
            }
            Event::Start => {}
            Event::Resumed { now } => world.resumed(now),
            Event::Ended(id, outcome) => {
                outcome.result.as_ref().ok().and_then(lost_in).into_iter().for_each(|name| world.came_without(name));
                world.ended(id, End::Outcome(outcome));
            }
            Event::Doubted(id) => world.ended(id, End::Lost(Lost::Doubted)),
            Event::Failed(id, outcome) => world.ended(id, End::Lost(Lost::Failed(outcome))),
            Event::Unstarted(id) => world.ended(id, End::Lost(Lost::Unstarted)),
            Event::Fired(id) => world.fired(id),
            Event::Answered(id, answer) => world.answered(id, Ok(answer)),
            Event::Unanswered(id, why) => unanswered(&world, id, why),
            Event::Parked(_, why) => parked(&world, why),
            Event::Stop => stop(&world),
            Event::Rollback { why, what } => {
                back(&world, AskedBack { why, what });
                if self.state == State::Ended {
                    self.state = State::Running;
                    world.queue.spawn(run::again(world.clone()), |()| {});
                }
            }
            Event::Enter(number) => console::turn(&world, Turn::Enter(number)),
            Event::Undo { what, walls } => console::turn(&world, Turn::Undo(what, walls)),
            Event::Keep(failed) => console::turn(&world, Turn::Keep(failed)),
            Event::Kill => kill(&world),
        }
        self.tasks.run(&world.queue);
        let mut commands = world.take_commands();
        if commands.iter().any(|command| matches!(command, Command::Finish(_))) {
            self.state = State::Ended;
            self.tasks.clear(&world.queue);
            if world.planted(Bug::CommandAfterFinish) {
                commands.push(Command::Tell(Progress::Log { path: Path::default(), text: "after the end".to_owned() }));
            }
        }
        commands
    }
}

/// The first signal: cancels the way forward; on the way back it changes nothing.
fn stop(world: &World<'_>) {
    if is_console(world) && !world.back.get() {
        return console::stop(world);
    }
    if world.back.get() {
        let text = "the run is being undone already; a second signal stops it where it is".to_owned();
        return world.tell(Progress::Log { path: Path::default(), text });
    }
    world.forward.cancel(world, signal());
}

/// A person wants the way back: there is no other from here on.
fn back(world: &World<'_>, asked: AskedBack) {
    world.wanted.set(true);
    if !world.back.replace(true) {
        world.record(Record::Back);
    }
    if let Some(under_way) = undo::renewed(world) {
        if under_way != asked.what {
            world.asked_back.replace(Some(asked));
        }
        return;
    }
    let why = asked.why.clone();
    world.asked_back.replace(Some(asked));
    if let Some(scope) = &*world.celebrating.borrow() {
        scope.end(world, fault(why.clone()));
    }
    world.forward.cancel(world, fault(why));
    // Also what stands behind a point of no return, and did not hear an earlier signal.
    world.disturbed.set(true);
    world.queue.wake_all();
}

/// On the way forward as a signal does, with its own reason; on the way back it is a no.
fn unanswered(world: &World<'_>, id: QuestionId, why: String) {
    if is_console(world) {
        console::cancel(world, fault(why.clone()));
    } else if !world.back.get() {
        world.forward.cancel(world, fault(why.clone()));
    }
    world.answered(id, Err(why));
}

/// On the way back the reason of that stays the run's own.
fn parked(world: &World<'_>, why: String) {
    if world.back.get() {
        world.warn(&Path::default(), why);
    } else {
        world.forward.cancel(world, fault(why));
    }
    kill(world);
}

fn is_console(world: &World<'_>) -> bool {
    world.program().console.is_some()
}

pub(super) fn signal() -> Fault {
    fault(event::SIGNALLED.to_owned())
}

pub(super) fn fault(why: String) -> Fault {
    let failure = Failure::new(FailureKind::Cancelled, why);
    Fault { step: SmolStr::default(), path: Path::default(), failure, exhausted: false }
}

/// The second: running calls are ended and nothing more starts. Once more: nothing is waited for.
fn kill(world: &World<'_>) {
    if world.killed.replace(true) {
        return run::finish(world, event::End::Stopped, Some(signal().report()));
    }
    world.disturbed.set(true);
    world.queue.wake_all();
}
