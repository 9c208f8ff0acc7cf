//! A run from its start, each entry checked against the one before.
use rusqlite::{Connection, OptionalExtension};

use super::chain::{self, Hash};
use super::trouble::{damaged, lost, of};
use super::write::find;
use super::{Sqlite, tip, witness};
use crate::engine::CallId;
use crate::journal::codec::{self, Show};
use crate::journal::seal::Print;
use crate::journal::{Entry, Head, Trouble};
use crate::value::{SmolStr, Value};

impl Sqlite {
    pub(super) fn read(&mut self, run: &str) -> Result<(Head, Vec<Entry>), Trouble> {
        let wrong = |e: rusqlite::Error| of(&self.path, &e);
        let seen = witness::of(&self.dir, find(&self.path, &self.db, run)?.0);
        // One moment of the journal, also while another process goes on writing.
        let moment = self.db.unchecked_transaction().map_err(wrong)?;
        let (no, body) = find(&self.path, &moment, run)?;
        let first = chain::first(&body);
        let tip = tip::read(&self.path, &moment, no, &first)?;
        if let Some(seen) = seen.filter(|seen| seen.is_beyond(&first, &tip)) {
            return Err(lost(&self.path, run, &seen, &tip));
        }
        let head = codec::read_head(&body).map_err(|e| within(run, "the head", e))?;
        if head.run != run {
            return Err(damaged(&self.path, &format!("run {run} is not the one it says")));
        }
        let seal = head.seal(self.key.clone())?;
        let show = Show { seal: &seal };
        let texts = head.texts.iter().map(|text| self.text(&moment, &text.name, &text.sha256));
        let texts = texts.collect::<Result<_, _>>()?;
        let head = head.open(texts, &show)?;
        let mut entries = Vec::with_capacity(usize::try_from(tip.count).unwrap_or(0));
        let mut prints = Vec::new();
        let (mut count, mut hash) = (0_i64, first);
        {
            let mut all =
                moment.prepare_cached("SELECT no, hash, body FROM entry WHERE run = ?1 ORDER BY no").map_err(wrong)?;
            let mut rows = all.query([no]).map_err(wrong)?;
            while let Some(row) = rows.next().map_err(wrong)? {
                count += 1;
                let broken = || damaged(&self.path, &format!("entry {count} of run {run} is not what was written"));
                let (Ok(is), Ok(says), Ok(body)) =
                    (row.get::<_, i64>(0), row.get::<_, Hash>(1), row.get_ref(2).and_then(|body| Ok(body.as_blob()?)))
                else {
                    return Err(broken());
                };
                hash = chain::next(&hash, body);
                if is != count || says != hash {
                    return Err(broken());
                }
                let at = |e| within(run, &format!("entry {count}"), e);
                let sealed = codec::read(body).map_err(at)?;
                prints.extend(codec::printed(&sealed));
                entries.push(codec::open(sealed, &show).map_err(at)?);
            }
        }
        if count != tip.count || hash != tip.hash {
            let how = format!("run {run} has {} entries, and {count} are found", tip.count);
            return Err(damaged(&self.path, &how));
        }
        drop(moment);
        self.prints.extend(prints.into_iter().map(|(call, print)| ((SmolStr::from(run), call), print)));
        Ok((head, entries))
    }

    fn text(&self, db: &Connection, name: &str, hash: &str) -> Result<String, Trouble> {
        let mut find = db.prepare_cached("SELECT text FROM text WHERE sha256 = ?1").map_err(|e| of(&self.path, &e))?;
        let found = find.query_row([hash], |row| row.get::<_, String>(0)).optional().map_err(|e| of(&self.path, &e))?;
        found
            .filter(|text| chain::of_text(text) == hash)
            .ok_or_else(|| damaged(&self.path, &format!("the text of `{name}` is not what was written")))
    }

    pub(super) fn printed_alike(&self, run: &str, call: CallId, value: &Value) -> Option<bool> {
        let print: Print = *self.prints.get(&(SmolStr::from(run), call))?;
        let (_, body) = find(&self.path, &self.db, run).ok()?;
        let seal = codec::read_head(&body).ok()?.seal(None).ok()?;
        match value.expose().0 {
            Value::Str(text) => Some(seal.print(text) == print),
            _ => Some(false),
        }
    }
}

fn within(run: &str, what: &str, trouble: Trouble) -> Trouble {
    Trouble { message: format!("{what} of run {run} cannot be read: {}", trouble.message), ..trouble }
}
