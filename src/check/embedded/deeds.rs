//! What statements of Postgres do to whole tables: rows that all change, and locks that everybody waits for.
use std::ops::Range;

use squawk_parser::{EntryPoint, LexedStr, StrStep, SyntaxKind as Kind};

use super::sql;

/// One of them, with the bytes of its statement or of its part of an `ALTER TABLE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    pub what: What,
    pub at: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    UpdatesAll,
    DeletesAll,
    /// A `CREATE`, `ALTER` or `DROP` that can stand in a transaction.
    Defines,
    /// The name of a new table, in capitals, without its schema.
    Makes(String),
    /// Reads or writes all of a table while others wait for it.
    Locks {
        /// In capitals, without its schema; none where it names no table.
        table: Option<String>,
        why: &'static str,
        instead: &'static str,
    },
}

/// A node of the grammar that is not closed yet.
struct Open {
    kind: Kind,
    /// Its first token.
    from: usize,
    inside: Vec<Kind>,
}

/// Of a text that can be read; of any other, nothing.
#[must_use]
pub fn deeds(text: &str) -> Vec<Deed> {
    if !sql::within_limits(text) {
        return Vec::new();
    }
    let lexed = LexedStr::new(text);
    let parsed = EntryPoint::SourceFile.parse(&lexed.to_input());
    let mut unread = lexed.errors().next().map(|(range, message)| (range.start as usize, message.to_owned()));
    let mut tokens: Vec<(Kind, Range<usize>)> = Vec::new();
    let (mut open, mut found, mut pos) = (Vec::<Open>::new(), Vec::new(), 0);
    lexed.intersperse_trivia(&parsed, &mut |step| match step {
        StrStep::Token { kind, text } => {
            if !matches!(kind, Kind::WHITESPACE | Kind::COMMENT) {
                tokens.push((kind, pos..pos + text.len()));
            }
            pos += text.len();
        }
        StrStep::Enter { kind } => open.push(Open { kind, from: tokens.len(), inside: Vec::new() }),
        StrStep::Exit => {
            let Some(node) = open.pop() else { return };
            // What is only planned, or happens later, is nothing yet.
            let later = open.iter().any(|o| matches!(o.kind, Kind::EXPLAIN | Kind::CREATE_RULE));
            let own = tokens.get(node.from..).unwrap_or_default();
            let own = own.strip_suffix(&[(Kind::SEMICOLON, pos.saturating_sub(1)..pos)]).unwrap_or(own);
            let altered = open.iter().find(|o| o.kind == Kind::ALTER_TABLE).map_or(0, |o| o.from);
            let before = tokens.get(altered..).unwrap_or_default();
            if !later
                && let (Some(what), Some((_, first)), Some((_, last))) =
                    (what(&node, own, before, text), own.first(), own.last())
            {
                found.push(Deed { what, at: first.start..last.end });
            }
            if !later
                && open.len() == 1
                && defines(own)
                && let (Some((_, first)), Some((_, last))) = (own.first(), own.last())
            {
                found.push(Deed { what: What::Defines, at: first.start..last.end });
            }
            if let Some(outer) = open.last_mut() {
                outer.inside.push(node.kind);
                outer.inside.extend(node.inside);
            }
        }
        StrStep::Error { msg, pos } => {
            unread.get_or_insert_with(|| (pos, msg.to_owned()));
        }
    });
    match unread {
        Some((from, message)) if !sql::is_let_through(text, from, &message) => Vec::new(),
        Some(_) | None => found,
    }
}

/// A statement that changes what there is, and can stand in a transaction with others.
fn defines(own: &[(Kind, Range<usize>)]) -> bool {
    let kind = |n: usize| own.get(n).map(|(kind, _)| *kind);
    let opens = matches!(kind(0), Some(Kind::CREATE_KW | Kind::ALTER_KW | Kind::DROP_KW));
    let alone = matches!(
        kind(1),
        Some(Kind::DATABASE_KW | Kind::SYSTEM_KW | Kind::TABLESPACE_KW | Kind::ROLE_KW | Kind::USER_KW)
    );
    opens && !alone && own.iter().all(|(kind, _)| *kind != Kind::CONCURRENTLY_KW)
}

/// `own`: the tokens of the node; `outer`: those of the `ALTER TABLE` around it so far.
fn what(node: &Open, own: &[(Kind, Range<usize>)], outer: &[(Kind, Range<usize>)], text: &str) -> Option<What> {
    let has = |kind: Kind| own.iter().any(|(k, _)| *k == kind);
    let locks = |table, why, instead| Some(What::Locks { table, why, instead });
    let altered = || name(outer, Kind::TABLE_KW, text);
    match node.kind {
        Kind::UPDATE if !has(Kind::WHERE_KW) => Some(What::UpdatesAll),
        Kind::DELETE if !has(Kind::WHERE_KW) => Some(What::DeletesAll),
        Kind::CREATE_TABLE | Kind::CREATE_TABLE_AS => Some(What::Makes(name(own, Kind::TABLE_KW, text)?)),
        Kind::CREATE_INDEX if !has(Kind::CONCURRENTLY_KW) => locks(
            name(own, Kind::ON_KW, text),
            "nobody writes to the table until the index is built",
            "`CREATE INDEX CONCURRENTLY`, by itself and not in a transaction",
        ),
        Kind::REINDEX if !has(Kind::CONCURRENTLY_KW) => locks(
            name(own, Kind::TABLE_KW, text),
            "nobody writes to the table, and many cannot read it, until the index is built",
            "`REINDEX … CONCURRENTLY`",
        ),
        Kind::VACUUM if has(Kind::FULL_KW) => {
            locks(None, "the table is copied, and nobody reads it meanwhile", "`VACUUM` without `FULL`, or `pg_repack`")
        }
        Kind::CLUSTER => locks(None, "the table is copied, and nobody reads it meanwhile", "`pg_repack`"),
        Kind::SET_TYPE => locks(
            altered(),
            "the table is copied, and nobody reads it meanwhile",
            "add a column of the new type, fill it in parts, then change the names",
        ),
        Kind::ADD_CONSTRAINT if !node.inside.contains(&Kind::NOT_VALID) && !has(Kind::INDEX_KW) => locks(
            altered(),
            "every row is looked at while others wait",
            "add it with `NOT VALID` and then `VALIDATE CONSTRAINT`; a unique one `USING INDEX` of an index that is there",
        ),
        Kind::SET_NOT_NULL => locks(
            altered(),
            "every row is looked at while nobody reads the table",
            "add `CHECK (c IS NOT NULL) NOT VALID`, validate it, then `SET NOT NULL` looks at nothing",
        ),
        Kind::ADD_COLUMN if has(Kind::STORED_KW) || volatile(own, text) => locks(
            altered(),
            "the table is copied, and nobody reads it meanwhile",
            "add the column without a default, then fill it in parts",
        ),
        _ => None,
    }
}

/// A default that differs from row to row.
fn volatile(own: &[(Kind, Range<usize>)], text: &str) -> bool {
    let defaults = own.iter().position(|(k, _)| *k == Kind::DEFAULT_KW);
    let words = defaults.and_then(|at| own.get(at..)).unwrap_or_default();
    words.iter().filter_map(|(_, at)| text.get(at.clone())).any(|word| {
        ["random", "gen_random_uuid", "uuid_generate_v4", "uuidv7", "clock_timestamp", "nextval"]
            .iter()
            .any(|v| word.eq_ignore_ascii_case(v))
    })
}

/// The table that is named behind `word`: `ON shop.orders`, `TABLE IF NOT EXISTS orders`.
fn name(tokens: &[(Kind, Range<usize>)], word: Kind, text: &str) -> Option<String> {
    let at = tokens.iter().position(|(k, _)| *k == word)?;
    let fill = |k: Kind| matches!(k, Kind::IF_KW | Kind::NOT_KW | Kind::EXISTS_KW | Kind::ONLY_KW);
    let mut rest = tokens.get(at + 1..)?.iter().skip_while(|(k, _)| fill(*k));
    let mut last = rest.next()?;
    while let (Some((Kind::DOT, _)), Some(next)) = (rest.next(), rest.next()) {
        last = next;
    }
    Some(text.get(last.1.clone())?.trim_matches('"').to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(&'static str, &str)> {
        let kind = |what: &What| match what {
            What::UpdatesAll => "update",
            What::DeletesAll => "delete",
            What::Makes(_) => "makes",
            What::Locks { .. } => "locks",
            What::Defines => "defines",
        };
        let told = |d: &Deed| d.what != What::Defines;
        deeds(text).into_iter().filter(told).map(|d| (kind(&d.what), text.get(d.at).unwrap_or(""))).collect()
    }

    #[test]
    fn what_a_statement_does_and_where() {
        for (sql, want) in [
            ("UPDATE t SET a = 1; SELECT 1", vec![("update", "UPDATE t SET a = 1")]),
            ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", vec![("delete", "DELETE FROM t RETURNING *")]),
            ("UPDATE t SET a = 1 WHERE b; DELETE FROM t WHERE CURRENT OF c; EXPLAIN DELETE FROM t", vec![]),
            ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 1", vec![]),
            ("SELECT 1 FROM t FOR UPDATE; CREATE RULE r AS ON INSERT TO t DO DELETE FROM u", vec![]),
            ("CREATE INDEX i ON s.t (a)", vec![("locks", "CREATE INDEX i ON s.t (a)")]),
            ("CREATE INDEX CONCURRENTLY i ON t (a); REINDEX TABLE CONCURRENTLY t; VACUUM t", vec![]),
            ("VACUUM FULL t", vec![("locks", "VACUUM FULL t")]),
            ("ALTER TABLE t ALTER a TYPE bigint, ADD b int DEFAULT 1", vec![("locks", "TYPE bigint")]),
            (
                "ALTER TABLE t ADD b uuid DEFAULT gen_random_uuid()",
                vec![("locks", "ADD b uuid DEFAULT gen_random_uuid()")],
            ),
            ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", vec![("locks", "ADD CONSTRAINT c CHECK (a > 0)")]),
            ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID, VALIDATE CONSTRAINT d", vec![]),
            ("ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i", vec![]),
        ] {
            assert_eq!(said(sql), want, "{sql}");
        }
    }

    #[test]
    fn a_table_is_known_by_its_name() {
        let names = |sql: &str| {
            let told = |d: &Deed| d.what != What::Defines;
            let named = deeds(sql).into_iter().filter(told).map(|d| match d.what {
                What::Makes(name) => Some(name),
                What::Locks { table, .. } => table,
                What::UpdatesAll | What::DeletesAll | What::Defines => None,
            });
            named.collect::<Vec<_>>()
        };
        let of = |name: &str| vec![Some(name.to_owned())];
        assert_eq!(names("CREATE TABLE IF NOT EXISTS a.\"b\" (c int)"), of("B"));
        assert_eq!(names("CREATE INDEX ON a.b (c)"), of("B"));
        assert_eq!(names("ALTER TABLE IF EXISTS ONLY b ALTER c TYPE int"), of("B"));
    }
}
