//! Entries.
use serde::{Deserialize, Serialize};

use super::event::WireEvent;
use super::leaf::{Hide, Leaf, Show};
use super::value::{self, time};
use crate::engine::{CallId, Input, Part};
use crate::journal::{Door, Entry, Holder, Reason, Text, Trouble};
use crate::value::Nanos;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Wire {
    Taken {
        #[serde(with = "WireDoor")]
        door: Door,
        #[serde(with = "WireHolder")]
        holder: Holder,
        wall: String,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        reasons: Vec<(String, Leaf)>,
    },
    Heard {
        /// Nanoseconds of running time.
        at: i64,
        event: WireEvent,
        wall: String,
    },
    Entered {
        number: u32,
        text: Leaf,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        part: Option<WirePart>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        gone: Vec<u32>,
        /// Names and texts.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        texts: Vec<(String, String)>,
        wall: String,
    },
    Noted {
        who: Leaf,
        text: Leaf,
        wall: String,
    },
    Intent {
        call: u64,
        key: Leaf,
    },
    Proof {
        call: u64,
        proof: value::Wire,
    },
    Connected {
        name: Leaf,
        address: Leaf,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        server: Option<Leaf>,
        wall: String,
    },
    LockTaken {
        lock: Leaf,
        by: String,
        who: Leaf,
        wall: String,
    },
    LeftEnded {
        call: u64,
        what: Leaf,
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<String>,
        wall: String,
    },
    Stopped {
        why: Leaf,
        /// Running time and event of each.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        last: Vec<(i64, WireEvent)>,
        wall: String,
    },
    Closed {
        who: Leaf,
        reason: Leaf,
        wall: String,
    },
}

/// Of the runbook of a console.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WirePart {
    Book { name: String, text: String, params: Vec<(Leaf, value::Wire)> },
    Unit(u32),
    Instead(u32),
    Past(u32),
    End,
    Success,
}

fn wire_part(part: &Part, hide: &Hide<'_>) -> Result<Option<WirePart>, Trouble> {
    Ok(match part {
        Part::Own => None,
        Part::Book { name, text, params } => {
            let params = params.iter().map(|(name, value)| Ok((hide.text(name)?, hide.value(value)?)));
            let params = params.collect::<Result<_, Trouble>>()?;
            Some(WirePart::Book { name: name.clone(), text: text.clone(), params })
        }
        Part::Unit(unit) => Some(WirePart::Unit(*unit)),
        Part::Instead(unit) => Some(WirePart::Instead(*unit)),
        Part::Past(unit) => Some(WirePart::Past(*unit)),
        Part::End => Some(WirePart::End),
        Part::Success => Some(WirePart::Success),
    })
}

fn part(wire: Option<WirePart>, show: &Show<'_>) -> Result<Part, Trouble> {
    Ok(match wire {
        None => Part::Own,
        Some(WirePart::Book { name, text, params }) => {
            let params = params.into_iter().map(|(name, value)| Ok((show.word(name)?, show.value(value)?)));
            Part::Book { name, text, params: params.collect::<Result<_, Trouble>>()? }
        }
        Some(WirePart::Unit(unit)) => Part::Unit(unit),
        Some(WirePart::Instead(unit)) => Part::Instead(unit),
        Some(WirePart::Past(unit)) => Part::Past(unit),
        Some(WirePart::End) => Part::End,
        Some(WirePart::Success) => Part::Success,
    })
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Door", rename_all = "snake_case")]
enum WireDoor {
    Run,
    Resume,
    Rollback,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Holder", deny_unknown_fields)]
pub struct WireHolder {
    host_name: String,
    user: String,
    pid: i32,
    started: u64,
}

pub fn wire(entry: &Entry, hide: &Hide<'_>) -> Result<Wire, Trouble> {
    Ok(match entry {
        Entry::Taken { door, holder, wall, reasons } => Wire::Taken {
            door: *door,
            holder: holder.clone(),
            wall: wall.to_string(),
            reasons: reasons
                .iter()
                .map(|reason| Ok((reason.option.to_string(), hide.said(&reason.text)?)))
                .collect::<Result<_, _>>()?,
        },
        Entry::Heard { input, wall } => {
            Wire::Heard { at: input.at.0, event: hide.event(&input.event)?, wall: wall.to_string() }
        }
        Entry::Entered { number, text, part, gone, texts, wall } => Wire::Entered {
            number: *number,
            text: hide.said(text)?,
            part: wire_part(part, hide)?,
            gone: gone.clone(),
            texts: texts.iter().map(|text| (text.name.clone(), text.text.clone())).collect(),
            wall: wall.to_string(),
        },
        Entry::Noted { who, text, wall } => {
            Wire::Noted { who: hide.said(who)?, text: hide.said(text)?, wall: wall.to_string() }
        }
        Entry::Intent { call, key } => Wire::Intent { call: call.0, key: hide.said(key)? },
        Entry::Proof { call, proof } => Wire::Proof { call: call.0, proof: hide.value(proof)? },
        Entry::Connected { name, address, server, wall } => Wire::Connected {
            name: hide.text(name)?,
            address: hide.said(address)?,
            server: server.as_deref().map(|server| hide.text(server)).transpose()?,
            wall: wall.to_string(),
        },
        Entry::LockTaken { lock, by, who, wall } => {
            Wire::LockTaken { lock: hide.text(lock)?, by: by.to_string(), who: hide.text(who)?, wall: wall.to_string() }
        }
        Entry::LeftEnded { call, what, by, wall } => Wire::LeftEnded {
            call: call.0,
            what: hide.said(what)?,
            by: by.as_ref().map(ToString::to_string),
            wall: wall.to_string(),
        },
        Entry::Stopped { why, last, wall } => Wire::Stopped {
            why: hide.said(why)?,
            last: last.iter().map(|input| Ok((input.at.0, hide.event(&input.event)?))).collect::<Result<_, _>>()?,
            wall: wall.to_string(),
        },
        Entry::Closed { who, reason, wall } => {
            Wire::Closed { who: hide.said(who)?, reason: hide.said(reason)?, wall: wall.to_string() }
        }
    })
}

pub fn entry(wire: Wire, show: &Show<'_>) -> Result<Entry, Trouble> {
    Ok(match wire {
        Wire::Taken { door, holder, wall, reasons } => Entry::Taken {
            door,
            holder,
            wall: time(&wall)?,
            reasons: reasons
                .into_iter()
                .map(|(option, text)| Ok(Reason { option: option.into(), text: show.text(text)? }))
                .collect::<Result<_, _>>()?,
        },
        Wire::Heard { at, event, wall } => {
            Entry::Heard { input: Input { at: Nanos(at), event: show.event(event)? }, wall: time(&wall)? }
        }
        Wire::Entered { number, text, part: of, gone, texts, wall } => Entry::Entered {
            number,
            text: show.text(text)?,
            part: part(of, show)?,
            gone,
            texts: texts.into_iter().map(|(name, text)| Text { name, text }).collect(),
            wall: time(&wall)?,
        },
        Wire::Noted { who, text, wall } => {
            Entry::Noted { who: show.text(who)?, text: show.text(text)?, wall: time(&wall)? }
        }
        Wire::Intent { call, key } => Entry::Intent { call: CallId(call), key: show.text(key)? },
        Wire::Proof { call, proof } => Entry::Proof { call: CallId(call), proof: show.value(proof)? },
        Wire::Connected { name, address, server, wall } => Entry::Connected {
            name: show.word(name)?,
            address: show.text(address)?,
            server: server.map(|server| show.text(server)).transpose()?,
            wall: time(&wall)?,
        },
        Wire::LockTaken { lock, by, who, wall } => {
            Entry::LockTaken { lock: show.text(lock)?, by: by.into(), who: show.text(who)?, wall: time(&wall)? }
        }
        Wire::LeftEnded { call, what, by, wall } => {
            Entry::LeftEnded { call: CallId(call), what: show.text(what)?, by: by.map(Into::into), wall: time(&wall)? }
        }
        Wire::Stopped { why, last, wall } => Entry::Stopped {
            why: show.text(why)?,
            last: last
                .into_iter()
                .map(|(at, event)| Ok(Input { at: Nanos(at), event: show.event(event)? }))
                .collect::<Result<_, _>>()?,
            wall: time(&wall)?,
        },
        Wire::Closed { who, reason, wall } => {
            Entry::Closed { who: show.text(who)?, reason: show.text(reason)?, wall: time(&wall)? }
        }
    })
}
