//! The engine around one run: events go in, the tasks run until nothing is ready, commands come out.
use std::rc::Rc;
use std::sync::Arc;

use self_cell::self_cell;

use crate::check::program::Program;
use crate::engine::Inputs;
use crate::engine::bug::Bug;
use crate::engine::call::Path;
use crate::engine::event::{Command, End, Ending, Event, Failure, FailureKind, Input, Outcome, Progress};
use crate::engine::executor::Tasks;
use crate::engine::failure::Fault;
use crate::engine::record::Record;
use crate::engine::run;
use crate::engine::world::World;
use crate::value::SmolStr;

/// What a run borrows.
pub(super) struct Ground {
    pub program: Arc<Program>,
    pub inputs: Inputs,
    pub bug: Option<Bug>,
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
            world: Rc::new(World::new(&ground.program, &ground.inputs, ground.bug)),
            tasks: Tasks::default(),
            state: State::New,
        })
    }

    pub fn on(&mut self, input: Input) -> Vec<Command> {
        self.with_dependent_mut(|_, machine| machine.on(input))
    }
}

impl Machine<'_> {
    fn on(&mut self, input: Input) -> Vec<Command> {
        if self.state == State::Ended {
            return Vec::new();
        }
        let world = self.world.clone();
        world.now.set(input.at.max(world.now.get()));
        match input.event {
            Event::Start if self.state == State::New => {
                self.state = State::Running;
                world.queue.spawn(run::run(world.clone()), |()| {});
            }
            Event::Start => {}
            Event::Resumed { now } => world.clock.set((now, world.now.get())),
            Event::Ended(id, outcome) => world.ended(id, outcome),
            Event::Doubted(id) => world.ended(id, Box::new(interrupted(Ending::Unknown, IN_DOUBT))),
            Event::Unstarted(id) => world.ended(id, Box::new(interrupted(Ending::None, NOT_STARTED))),
            Event::Fired(id) => world.fired(id),
            Event::Answered(id, answer) => world.answered(id, answer),
            Event::Unanswered(_, why) => cancel(&world, why),
            Event::Stop => stop(&world),
            Event::Rollback { why } => back(&world, why),
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
    if world.back.get() {
        let text = "the run is being undone already; a second signal stops it where it is".to_owned();
        return world.tell(Progress::Log { path: Path::default(), text });
    }
    world.forward.cancel(world, signal());
}

const IN_DOUBT: &str = "interrupted while it ran; whether it happened is not known";
const NOT_STARTED: &str = "interrupted before it started";

fn interrupted(ending: Ending, message: &str) -> Outcome {
    Outcome::failed(ending, Failure::new(FailureKind::Cancelled, message))
}

/// A person wants the way back: there is no other from here on.
fn back(world: &World<'_>, why: String) {
    if !world.back.replace(true) {
        world.record(Record::Back);
    }
    world.forward.cancel(world, fault(why));
}

/// As a signal does, with its own reason.
fn cancel(world: &World<'_>, why: String) {
    if world.back.get() {
        return world.tell(Progress::Log { path: Path::default(), text: why });
    }
    world.forward.cancel(world, fault(why));
}

fn signal() -> Fault {
    fault("stopped by a signal".to_owned())
}

fn fault(why: String) -> Fault {
    let failure = Failure::new(FailureKind::Cancelled, why);
    Fault { step: SmolStr::default(), path: Path::default(), failure, exhausted: false }
}

/// The second: running calls are ended and nothing more starts. Once more: nothing is waited for.
fn kill(world: &World<'_>) {
    if world.killed.replace(true) {
        return run::finish(world, End::Stopped, Some(signal().report()));
    }
    world.disturbed.set(true);
    world.queue.wake_all();
}
