//! The run's side of a run that this process drives: what is written next, and whether it may go on.
use super::clock::boot;
use super::lease::{Held, Taking, Watch};
use super::line::PAUSE;
use super::write::{More, New};
use super::{Postgres, trouble};
use crate::journal::chain::{self, Hash};
use crate::journal::codec::{self, Hide};
use crate::journal::seal::{self, Seal};
use crate::journal::tip::{Tip, leaves_nothing, to_nanos};
use crate::journal::trouble::{driven, no_such_run, not_driven};
use crate::journal::written::{Written, closing, written};
use crate::journal::{Entry, Head, Holder, Kind, Lapse, Standing, State, Trouble};
use crate::value::redact::Redactor;
use crate::value::{Nanos, SmolStr, Timestamp};

/// A run that this process drives.
pub struct Driven {
    pub no: i64,
    pub watch: Watch,
    head: Hash,
    tip: Tip,
    seal: Seal,
    /// What was sent and not answered: it may be there, and is sent again as it was.
    sent: Option<Sent>,
    /// How far the running time was when the last holder died.
    pub lived: Option<Nanos>,
}

struct Sent {
    entries: Vec<Entry>,
    rows: Vec<Written>,
    /// Behind them.
    tip: Tip,
}

impl Postgres {
    pub(super) fn insert(
        &mut self,
        head: &Head,
        holder: &Holder,
        first: &[Entry],
        wall: Timestamp,
    ) -> Result<(), Trouble> {
        let salt = seal::salt()?;
        let seal = Seal::new(&head.run, &salt, self.key.clone());
        let hashes: Vec<String> = head.texts.iter().map(|text| chain::of_text(&text.text)).collect();
        let body = codec::head(head, hashes.clone(), &salt, &seal)?;
        let of_head = chain::first(&body);
        let start = Tip { count: 0, hash: of_head, last: to_nanos(wall), state: State::Open, wrote: false };
        let (tip, entries) = written(start, first, &Hide { secrets: &Redactor::default(), seal: &seal })?;
        let texts = hashes.into_iter().zip(head.texts.iter().map(|text| text.text.clone().into_bytes()));
        let new = New {
            run: head.run.clone(),
            head: body,
            texts: texts.collect(),
            entries,
            sum: tip.sum(&of_head),
            tip: tip.clone(),
            holder: holder.clone(),
        };
        let (no, watch) = self.worker.ask(async move |line| line.begin(new).await)?;
        let driven = Driven { no, watch, head: of_head, tip, seal, sent: None, lived: None };
        self.driven.insert(head.run.clone(), driven);
        Ok(())
    }

    /// Waits until the lease of a holder that says nothing has run out.
    pub(super) fn drive(&mut self, run: &str, holder: &Holder) -> Result<(), Trouble> {
        let mut before: Option<Held> = None;
        let (no, watch, lived) = loop {
            let (id, by) = (SmolStr::from(run), holder.clone());
            match self.worker.ask(async move |line| line.try_take(id, &by).await)? {
                Taking::Ours { no, watch, lived } => break (no, watch, lived.map(Nanos)),
                Taking::NoRun => return Err(no_such_run(run)),
                Taking::Held(held) => {
                    if before.as_ref().is_some_and(|before| held.lives(before)) {
                        return Err(driven(run, &held.holder, Some(&held.since), &holder.host_name));
                    }
                    std::thread::sleep(held.left.unwrap_or_default().min(PAUSE));
                    before.get_or_insert(held);
                }
            }
        };
        let taken = self.end_of(run, no).and_then(|(body, tip)| {
            let seal = codec::read_head(&body)?.seal(self.key.clone())?;
            Ok(Driven { no, watch, head: chain::first(&body), tip, seal, sent: None, lived })
        });
        match taken {
            Ok(driven) => {
                self.driven.insert(run.into(), driven);
                Ok(())
            }
            Err(trouble) => {
                self.worker.ask(async move |line| line.release(no).await)?;
                Err(trouble)
            }
        }
    }

    /// Where it ends is written anew, behind whatever is there of it.
    pub(super) fn close_damaged(
        &mut self,
        run: &str,
        holder: &Holder,
        closed: &Entry,
        wall: Timestamp,
    ) -> Result<(), Trouble> {
        let head = self.head(run)?;
        let id = SmolStr::from(run);
        let last = self.worker.ask(async move |line| line.last(&id).await)?;
        let (tip, rows) = closing(run, &head, last, closed, wall)?;
        let sum = tip.sum(&chain::first(&head));
        let (id, by) = (SmolStr::from(run), holder.clone());
        if self.worker.ask(async move |line| line.put_down(&id, &by, &tip, sum, &rows).await)? {
            return Ok(());
        }
        Err(not_driven(run).with_help("another process drives it: wait for its end"))
    }

    pub(super) fn held_by(&self, run: &str) -> Result<Option<Lapse>, Trouble> {
        let id = SmolStr::from(run);
        let held = self.worker.ask(async move |line| line.look(&id).await)?;
        Ok(held.and_then(|held| Some(Lapse { holder: held.holder, within: held.left? })))
    }

    /// At least half of the lease is left, or it is whole again.
    pub(super) fn for_long_enough(&mut self, run: &str) -> Result<(), Trouble> {
        let mine = self.driven.get(run).ok_or_else(|| not_driven(run))?;
        let (no, watch) = (mine.no, mine.watch.clone());
        let held = watch.lock().clone();
        if let Some(lost) = held.lost {
            return Err(lost);
        }
        if held.until.saturating_sub(boot()) >= self.length / 2 {
            return Ok(());
        }
        let renewed = self.worker.ask(async move |line| line.renew(no).await);
        renewed.map_err(|why| match why.kind {
            Kind::Unkept | Kind::Full | Kind::Sealed if watch.lock().until <= boot() => trouble::over(run, &why),
            Kind::Unkept | Kind::Full | Kind::Sealed | Kind::Lost => why,
        })
    }

    pub(super) fn keep(
        &mut self,
        run: &str,
        entries: &[Entry],
        secrets: &Redactor,
        standing: Option<Standing>,
    ) -> Result<(), Trouble> {
        let mine = self.driven.get_mut(run).ok_or_else(|| not_driven(run))?;
        if let Some(lost) = mine.watch.lock().lost.clone() {
            return Err(lost);
        }
        let hide = Hide { secrets, seal: &mine.seal };
        // A sealed secret never looks the same twice: what may be there already is not written anew.
        let again = mine.sent.take().filter(|sent| entries.starts_with(&sent.entries));
        let (start, mut rows, known) = match again {
            Some(sent) => (sent.tip, sent.rows, sent.entries.len()),
            None => (mine.tip.clone(), Vec::new(), 0),
        };
        let (behind, more) = written(start, entries.get(known..).unwrap_or_default(), &hide)?;
        rows.extend(more);
        let tip = match standing {
            Some(Standing { state, wrote, wall }) => Tip { state, wrote, last: to_nanos(wall), ..behind.clone() },
            None => behind.clone(),
        };
        let more = More {
            no: mine.no,
            before: (mine.tip.count, mine.tip.hash),
            entries: rows,
            sum: tip.sum(&mine.head),
            tip: tip.clone(),
            frees: standing.is_some_and(|standing| leaves_nothing(standing.state)),
        };
        let (kept, more) = self.worker.ask(async move |line| Ok((line.append(&more).await, more)))?;
        match kept {
            Ok(()) => {
                mine.tip = tip;
                Ok(())
            }
            Err(trouble) => {
                mine.sent = Some(Sent { entries: entries.to_vec(), rows: more.entries, tip: behind });
                Err(trouble)
            }
        }
    }
}
