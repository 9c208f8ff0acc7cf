//! A run as a picture: a line for each step, undo, call, wait and question on one axis of time. SVG that stands in a page; its
//! colours are the page's (`.done`, `.failed`, …), and each bar says in words what it is.
use std::fmt::Write;

use super::Past;
use super::bars::{Bar, How, Kind};
use super::incident::cleaned;
use super::markup::escape;
use crate::value::Timestamp;

/// Lines of one picture; of more the calls are left out first.
const MOST: usize = 200;

const WIDTH: f64 = 1000.0;
/// Where the axis begins and ends.
const FROM: f64 = 330.0;
const TO: f64 = 980.0;
const LINE: f64 = 20.0;
const TOP: f64 = 30.0;
/// Characters of a name that fit before the axis.
const NAME: usize = 46;

/// A mark for each colour: nobody has to tell them apart.
pub const MARKS: [(How, &str); 9] = [
    (How::Done, "✓"),
    (How::AlreadyDone, "="),
    (How::Skipped, "-"),
    (How::Undone, "↩"),
    (How::Failed, "✗"),
    (How::Cancelled, "■"),
    (How::InDoubt, "?"),
    (How::Waited, "…"),
    (How::Open, "▸"),
];

#[must_use]
pub fn mark(how: How) -> &'static str {
    MARKS.iter().find(|(found, _)| *found == how).map_or("", |(_, mark)| mark)
}

/// Nothing when nothing took time.
#[must_use]
pub fn svg(past: &Past, bars: &[Bar]) -> Option<String> {
    let all: Vec<&Bar> = if bars.len() > MOST {
        bars.iter().filter(|bar| bar.kind != Kind::Action).take(MOST).collect()
    } else {
        bars.iter().collect()
    };
    let (start, end) = (past.head.started, all.iter().map(|bar| bar.end).max()?.max(past.last()));
    let axis = Axis { start, length: nanos(start, end).max(1.0) };
    let height = TOP + LINE * number(all.len()) + 10.0;
    let mut out = String::new();
    let title = format!("{}: what took how long", cleaned(past, &past.head.book));
    let _ = writeln!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"picture-title picture-text\" xmlns=\"http://www.w3.org/2000/svg\">\n<title id=\"picture-title\">{}</title>\n<desc id=\"picture-text\">{} bars from {} to {} UTC; the table of steps below says the same in words.</desc>",
        escape(&title),
        all.len(),
        start.strftime("%F %T"),
        end.strftime("%F %T"),
    );
    for tick in 0..=4 {
        let part = f64::from(tick) / 4.0;
        let x = FROM + (TO - FROM) * part;
        let anchor = if tick == 4 {
            "end"
        } else if tick == 0 {
            "start"
        } else {
            "middle"
        };
        let _ = writeln!(
            out,
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{height}\"/><text class=\"hour\" x=\"{x:.1}\" y=\"18\" text-anchor=\"{anchor}\">{}</text>",
            axis.hour(part)
        );
    }
    for (i, bar) in all.iter().enumerate() {
        line(past, &axis, bar, TOP + LINE * number(i), &mut out);
    }
    out.push_str("</svg>\n");
    Some(out)
}

/// How many bars the picture leaves out.
#[must_use]
pub fn left_out(bars: &[Bar]) -> usize {
    if bars.len() <= MOST {
        return 0;
    }
    bars.len() - bars.iter().filter(|bar| bar.kind != Kind::Action).take(MOST).count()
}

struct Axis {
    start: Timestamp,
    /// Nanoseconds.
    length: f64,
}

impl Axis {
    fn at(&self, time: Timestamp) -> f64 {
        FROM + (TO - FROM) * (nanos(self.start, time) / self.length).clamp(0.0, 1.0)
    }

    #[allow(clippy::cast_possible_truncation, reason = "between two times")]
    fn hour(&self, part: f64) -> String {
        let at = jiff::SignedDuration::from_nanos((self.length * part) as i64);
        let at = self.start.checked_add(at).unwrap_or(self.start);
        let format = if self.length < 10e9 { "%H:%M:%S%.3f" } else { "%T" };
        at.strftime(format).to_string()
    }
}

#[allow(clippy::cast_precision_loss, reason = "a place in a picture")]
fn nanos(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_nanos() as f64
}

fn number(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

fn line(past: &Past, axis: &Axis, bar: &Bar, y: f64, out: &mut String) {
    let name = cleaned(past, &bar.name);
    let what = match bar.kind {
        Kind::Undo => "undo of ",
        Kind::Step | Kind::Aside | Kind::Action | Kind::Wait | Kind::Question | Kind::Away => "",
    };
    let indent = 12.0 * number(bar.depth.min(8));
    let room = NAME - 2 * bar.depth.min(8);
    let mut label: String = format!("{what}{name}").chars().take(room).collect();
    if label.chars().count() < what.chars().count() + name.chars().count() {
        label.push('…');
    }
    let words =
        format!("{what}{name}: {}, from {}, took {}", bar.how.words(), bar.start.strftime("%F %T UTC"), bar.lasted());
    let (x, end) = (axis.at(bar.start), axis.at(bar.end));
    // What was over at once is seen too.
    let width = (end - x).max(3.0);
    let _ = writeln!(
        out,
        "<g class=\"{kind} {how}\"><title>{}</title><text x=\"{:.0}\" y=\"{:.1}\">{} {}</text><rect x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\"/></g>",
        escape(&words),
        8.0 + indent,
        y + 14.0,
        mark(bar.how),
        escape(&label),
        y + 4.0,
        LINE - 8.0,
        kind = bar.kind.name(),
        how = bar.how.name(),
    );
}
