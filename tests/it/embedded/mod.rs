//! Shell and SQL inside scripts: what rbk refuses before the run, beside what a real bash and a real server refuse.
mod anything;
mod literals;
mod shell;
mod sql;

use crate::stage::repo;

/// The texts of a file of `tests/fixtures/embedded`, and `changed` more, each one of them with a word or a sign taken out, put
/// in or moved: the same ones every time.
fn texts(file: &str, signs: &[&str], changed: usize) -> Vec<String> {
    let text = std::fs::read_to_string(repo("tests/fixtures/embedded").join(file)).unwrap();
    let mut texts: Vec<String> = text.trim_end().split("\n----\n").map(str::to_owned).collect();
    let whole = texts.len();
    let mut chance = fastrand::Rng::with_seed(7);
    while texts.len() < whole + changed {
        let mut text = texts[chance.usize(..whole)].clone();
        let cut = |text: &str, chance: &mut fastrand::Rng| {
            let words: Vec<usize> = text.match_indices(|c: char| !c.is_alphanumeric()).map(|(i, _)| i).collect();
            words.get(chance.usize(..words.len().max(1))).copied().unwrap_or(0)
        };
        let (a, b) = (cut(&text, &mut chance), cut(&text, &mut chance));
        match chance.u8(..5) {
            0 => drop(text.remove(a)),
            1 | 2 => text.insert_str(a, signs[chance.usize(..signs.len())]),
            3 => text.replace_range(a.min(b)..a.max(b).min(a.min(b) + 12), ""),
            _ => text.truncate(a.max(20)),
        }
        texts.push(text);
    }
    texts
}

/// How often the real one and rbk agree, and where rbk alone refuses.
#[derive(Default)]
struct Compared {
    accepted: usize,
    refused: usize,
    found: usize,
    alone: Vec<String>,
}

impl Compared {
    fn add(&mut self, text: &str, real: bool, ours: Option<rbk::check::embedded::Fault>) {
        match (real, ours) {
            (true, None) => self.accepted += 1,
            (true, Some(fault)) => self.alone.push(format!("{}\n{text}\n", fault.message)),
            (false, ours) => {
                self.refused += 1;
                self.found += usize::from(ours.is_some());
            }
        }
    }
}
