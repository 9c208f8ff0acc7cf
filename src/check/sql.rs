//! Whether SQL text only reads. A fence, not a proof: a function can hide anything, the server's READ ONLY stands behind it.
use crate::check::shell::text::{self, Symbol};
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast::Part;

/// Functions that act on the server, on other sessions or on files even inside a READ ONLY transaction. `*`: any ending.
const ACTING: &[&str] = &[
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_switch_wal",
    "pg_switch_xlog",
    "pg_promote",
    "pg_create_restore_point",
    "pg_wal_replay_pause",
    "pg_wal_replay_resume",
    "pg_backup_start",
    "pg_backup_stop",
    "pg_start_backup",
    "pg_stop_backup",
    "pg_create_physical_replication_slot",
    "pg_create_logical_replication_slot",
    "pg_copy_physical_replication_slot",
    "pg_copy_logical_replication_slot",
    "pg_drop_replication_slot",
    "pg_replication_slot_advance",
    "pg_replication_origin_*",
    "pg_logical_slot_get_*",
    "pg_logical_emit_message",
    "pg_stat_reset*",
    "pg_stat_statements_reset",
    "pg_log_backend_memory_contexts",
    "pg_advisory_*",
    "pg_try_advisory_*",
    "pg_notify",
    "pg_file_*",
    "pg_import_system_collations",
    "lo_*",
    "lowrite",
    "loread",
    "dblink*",
    "set_config",
    "nextval",
    "setval",
];

/// What a statement may open with and still only read.
const READING: &[&str] = &["select", "with", "show", "explain", "table", "values", "fetch", "describe", "desc", "use"];

const CONTROL: &[&str] = &[
    "begin",
    "start",
    "commit",
    "end",
    "rollback",
    "abort",
    "savepoint",
    "release",
    "prepare",
    "set",
    "reset",
    "discard",
    "lock",
    "notify",
    "listen",
    "unlisten",
    "do",
    "call",
    "execute",
    "deallocate",
    "declare",
    "close",
    "move",
    "load",
    "checkpoint",
];

/// Statements that take parameters, by their first word; all others get quoted literals.
pub const TAKES_PARAMETERS: [&str; 10] =
    ["select", "insert", "update", "delete", "merge", "values", "with", "table", "call", "explain"];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// In lower case, unless it was quoted.
    Word(String),
    Open,
    Semicolon,
    Other,
}

struct Finding {
    message: String,
    span: Span,
}

/// The error for a reading query whose literal text is known to do more than read.
#[must_use]
pub fn write_in_read(parts: &[Part]) -> Option<Diagnostic> {
    let finding = find(&tokens(&placed(parts)))?;
    Some(
        Diagnostic::error(Code::WriteInReadSql, finding.message, finding.span, "this does more than read").help(
            "run it with `exec` on the connection, in a step that says how it is undone (`rollback none \"why\"` when nothing is)",
        ),
    )
}

fn placed(parts: &[Part]) -> Vec<(char, Span)> {
    let placed = text::symbols(parts).into_iter().map(|p| match p.symbol {
        Symbol::Char(c) => (c, p.span),
        // A value is a bind parameter: an operand like any other.
        Symbol::Hole(_) => ('$', p.span),
    });
    placed.collect()
}

/// A value in this text is sent beside it, not in it.
#[must_use]
pub fn binds(parts: &[Part]) -> bool {
    let tokens = tokens(&placed(parts));
    let first = tokens.iter().find(|(t, _)| matches!(t, Token::Word(_)));
    first.is_some_and(|(t, _)| is_word(t, &TAKES_PARAMETERS))
}

/// The text is one or more statements that only read, as far as can be seen.
#[must_use]
pub fn reads(text: &str) -> bool {
    // `\!`, `\copy`, `\o`: psql's own commands do anything.
    if text.trim_start().starts_with('\\') || text.contains("\n\\") || text.contains("; \\") {
        return false;
    }
    let chars: Vec<(char, Span)> = text.chars().map(|c| (c, Span::default())).collect();
    let tokens = tokens(&chars);
    tokens.iter().any(|(t, _)| matches!(t, Token::Word(_))) && find(&tokens).is_none()
}

/// Functions of those above whose effect goes with its transaction.
const REVOCABLE: &[&str] =
    &["set_config", "nextval", "pg_notify", "lo_*", "lowrite", "loread", "pg_import_system_collations"];

/// The text is known to do what no transaction takes back: it ends sessions, writes a server's files, runs a program.
#[must_use]
pub fn acts(text: &str) -> bool {
    let chars: Vec<(char, Span)> = text.chars().map(|c| (c, Span::default())).collect();
    let tokens = tokens(&chars);
    let called = |i: usize| matches!(tokens.get(i + 1), Some((Token::Open, _)));
    let lasting = |name: &str| {
        name == "lo_export" || ACTING.iter().any(|p| fits(p, name)) && !REVOCABLE.iter().any(|p| fits(p, name))
    };
    tokens.iter().enumerate().any(|(i, (t, _))| matches!(t, Token::Word(w) if called(i) && lasting(w)))
        || tokens.split(|(t, _)| *t == Token::Semicolon).any(copies_outside)
}

/// `COPY … TO 'file'`, `COPY … FROM PROGRAM …`.
fn copies_outside(tokens: &[(Token, Span)]) -> bool {
    let has = |word: &[&str]| tokens.iter().any(|(t, _)| is_word(t, word));
    tokens.first().is_some_and(|(t, _)| is_word(t, &["copy"]))
        && (has(&["program"]) || has(&["to"]) && !has(&["stdout"]))
}

/// Which way the client copies: `COPY … FROM STDIN`, `COPY … TO STDOUT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    In,
    Out,
}

/// One statement that copies from or to its client, and nothing else.
#[must_use]
pub fn copies(text: &str) -> Option<Copies> {
    let chars: Vec<(char, Span)> = text.chars().map(|c| (c, Span::default())).collect();
    let tokens = tokens(&chars);
    let mut statements = tokens.split(|(t, _)| *t == Token::Semicolon).filter(|s| !s.is_empty());
    let (copy, None) = (statements.next()?, statements.next()) else { return None };
    if !is_word(&copy.first()?.0, &["copy"]) {
        return None;
    }
    // `STDIN` and `STDOUT` mean the same to the server: what counts is `FROM` or `TO`, the last one: a query may stand before.
    let client = |word: &Token| is_word(word, &["stdin", "stdout"]);
    copy.windows(2).rev().find_map(|pair| match pair {
        [(from, _), (word, _)] if client(word) && is_word(from, &["from"]) => Some(Copies::In),
        [(to, _), (word, _)] if client(word) && is_word(to, &["to"]) => Some(Copies::Out),
        _ => None,
    })
}

fn find(tokens: &[(Token, Span)]) -> Option<Finding> {
    tokens.split(|(t, _)| *t == Token::Semicolon).find_map(statement)
}

fn statement(tokens: &[(Token, Span)]) -> Option<Finding> {
    let words: Vec<(&str, Span)> = tokens
        .iter()
        .filter_map(|(t, s)| match t {
            Token::Word(w) => Some((w.as_str(), *s)),
            Token::Open | Token::Semicolon | Token::Other => None,
        })
        .collect();
    let (first, span) = *words.first()?;
    if CONTROL.contains(&first) {
        let message = match first {
            "notify" => "`NOTIFY` sends a message: a reading query must not".to_owned(),
            "do" | "call" | "execute" => {
                format!("`{}` runs code of its own: a reading query must not", first.to_uppercase())
            }
            _ => format!("`{}` changes the session or the transaction: a reading query must not", first.to_uppercase()),
        };
        return Some(Finding { message, span });
    }
    if first == "copy" {
        let to = words.iter().any(|(w, _)| *w == "to");
        let stdout = words.iter().any(|(w, _)| *w == "stdout");
        return (!to || !stdout).then(|| Finding {
            message: "`COPY` to a program, a file or a table writes: a reading query must not".to_owned(),
            span,
        });
    }
    if !READING.contains(&first) {
        return Some(Finding { message: format!("`{}` writes: a reading query must not", first.to_uppercase()), span });
    }
    inside(tokens, first)
}

/// What may hide inside a statement that opens like a read.
fn inside(tokens: &[(Token, Span)], first: &str) -> Option<Finding> {
    let analyses = first == "explain" && tokens.iter().any(|(t, _)| is_word(t, &["analyze", "analyse"]));
    for (i, (token, span)) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let next = tokens.get(i + 1).map(|(t, _)| t);
        let called = next == Some(&Token::Open);
        if called && ACTING.iter().any(|p| fits(p, word)) {
            return Some(Finding {
                message: format!("`{word}` acts on the server: a reading query must not"),
                span: *span,
            });
        }
        let opens = i == 0 || matches!(tokens.get(i - 1), Some((Token::Open | Token::Other, _)));
        let after_explain = analyses && i <= 4;
        let writes = is_word(token, &["insert", "update", "delete", "merge"]);
        let modifies = writes
            && !called
            && (first == "with" && opens || after_explain || first == "with" && i > 0 && is_dml(token, next));
        if modifies {
            return Some(Finding {
                message: format!("`{}` writes: a reading query must not", word.to_uppercase()),
                span: *span,
            });
        }
        if first != "explain" && word == "into" && matches!(next, Some(Token::Word(_))) && i > 0 {
            return Some(Finding {
                message: "`SELECT … INTO` creates a table: a reading query must not".to_owned(),
                span: *span,
            });
        }
    }
    None
}

fn is_word(token: &Token, words: &[&str]) -> bool {
    matches!(token, Token::Word(w) if words.contains(&w.as_str()))
}

/// `insert into`, `delete from`, `merge into`, `update t`: not `for update`.
fn is_dml(token: &Token, next: Option<&Token>) -> bool {
    let Some(next) = next else { return false };
    is_word(token, &["insert", "merge"]) && is_word(next, &["into"])
        || is_word(token, &["delete"]) && is_word(next, &["from"])
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(head) => name.starts_with(head),
        None => pattern == name,
    }
}

/// Words and brackets; strings, numbers, comments and operators are only passed over.
fn tokens(chars: &[(char, Span)]) -> Vec<(Token, Span)> {
    let at = |i: usize| chars.get(i).map(|(c, _)| *c);
    let mut out = Vec::new();
    let mut i = 0;
    while let Some((c, span)) = chars.get(i).copied() {
        let start = i;
        match c {
            '-' if at(i + 1) == Some('-') => i = until(chars, i, |j| at(j) == Some('\n')),
            '/' if at(i + 1) == Some('*') => i = comment(chars, i),
            '\'' => {
                let escapes = start > 0 && matches!(at(start - 1), Some('e' | 'E'));
                i = string(chars, i, '\'', escapes);
                out.push((Token::Other, span));
            }
            '"' => {
                i = string(chars, i, '"', false);
                let name = chars.get(start + 1..i.saturating_sub(1)).unwrap_or(&[]).iter().map(|(c, _)| *c).collect();
                out.push((Token::Word(name), to(chars, span, i)));
            }
            '$' => match dollar_quote(chars, i) {
                Some(end) => {
                    i = end;
                    out.push((Token::Other, span));
                }
                None => {
                    i += 1;
                    out.push((Token::Other, span));
                }
            },
            '(' => {
                i += 1;
                out.push((Token::Open, span));
            }
            ';' => {
                i += 1;
                out.push((Token::Semicolon, span));
            }
            c if c.is_alphabetic() || c == '_' => {
                i = until(chars, i, |j| !at(j).is_some_and(|c| c.is_alphanumeric() || c == '_'));
                let word: String =
                    chars.get(start..i).unwrap_or(&[]).iter().flat_map(|(c, _)| c.to_lowercase()).collect();
                out.push((Token::Word(word), to(chars, span, i)));
            }
            c => {
                i += 1;
                // A dot joins a schema and a name: the name is still called.
                if !c.is_whitespace() && c != '.' {
                    out.push((Token::Other, span));
                }
            }
        }
    }
    out
}

fn to(chars: &[(char, Span)], from: Span, end: usize) -> Span {
    chars.get(end.saturating_sub(1)).map_or(from, |(_, last)| from.to(*last))
}

fn until(chars: &[(char, Span)], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|j| stop(*j)).unwrap_or(chars.len())
}

fn comment(chars: &[(char, Span)], from: usize) -> usize {
    let mut depth = 0u32;
    let mut i = from;
    while let Some((c, _)) = chars.get(i) {
        let next = chars.get(i + 1).map(|(c, _)| *c);
        match (c, next) {
            ('/', Some('*')) => {
                depth += 1;
                i += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return i;
                }
            }
            _ => i += 1,
        }
    }
    i
}

fn string(chars: &[(char, Span)], from: usize, quote: char, escapes: bool) -> usize {
    let mut i = from + 1;
    while let Some((c, _)) = chars.get(i) {
        if escapes && *c == '\\' {
            i += 2;
        } else if *c == quote {
            if chars.get(i + 1).map(|(c, _)| *c) != Some(quote) {
                return i + 1;
            }
            i += 2;
        } else {
            i += 1;
        }
    }
    i
}

/// `$$ … $$`, `$tag$ … $tag$`: where it ends.
fn dollar_quote(chars: &[(char, Span)], from: usize) -> Option<usize> {
    let mut end = from + 1;
    while chars.get(end).is_some_and(|(c, _)| c.is_alphanumeric() || *c == '_') {
        end += 1;
    }
    if chars.get(end).map(|(c, _)| *c) != Some('$') {
        return None;
    }
    let tag: Vec<char> = chars.get(from..=end)?.iter().map(|(c, _)| *c).collect();
    let close = (end + 1..chars.len())
        .find(|i| chars.get(*i..*i + tag.len()).is_some_and(|slice| slice.iter().map(|(c, _)| c).eq(tag.iter())));
    Some(close.map_or(chars.len(), |c| c + tag.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(sql: &str) -> Option<String> {
        let parts = [Part::Text { text: sql.into(), span: Span::new(crate::source::FileId(0), 0, sql.len()) }];
        write_in_read(&parts).map(|d| d.message)
    }

    #[test]
    fn reading_queries_pass() {
        for sql in [
            "SELECT count(*) FROM pg_stat_activity",
            "select setting::int from pg_settings where name = 'max_connections'",
            "WITH t AS (SELECT 1) SELECT * FROM t",
            "SELECT 'pg_terminate_backend(1); DROP TABLE t' -- pg_reload_conf()",
            "SELECT updated_at, delete FROM events FOR UPDATE",
            "SHOW server_version;",
            "EXPLAIN SELECT 1",
            "(SELECT 1) UNION (SELECT 2)",
            "SELECT $$ insert into x $$",
            "COPY t TO STDOUT",
            "SELECT pg_advisory FROM t",
        ] {
            assert_eq!(says(sql), None, "{sql}");
        }
    }

    #[test]
    fn g4_what_acts_inside_read_only_is_refused() {
        for sql in [
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
            "SELECT pg_catalog.pg_reload_conf()",
            "SELECT \"pg_switch_wal\"()",
            "select pg_advisory_lock (1)",
            "SELECT pg_try_advisory_xact_lock(1)",
            "SELECT lo_unlink(1)",
            "SELECT * FROM dblink('x', 'y')",
            "SELECT set_config('a', 'b', false)",
            "COPY t TO PROGRAM 'cat > /tmp/x'",
            "COPY (SELECT 1) TO '/tmp/x'",
            "NOTIFY x",
            "SELECT 1; COMMIT; DELETE FROM t",
            "SET TRANSACTION READ WRITE",
            "DELETE FROM t",
            "WITH d AS (DELETE FROM t RETURNING 1) SELECT * FROM d",
            "WITH s AS (SELECT 1) INSERT INTO t SELECT * FROM s",
            "EXPLAIN ANALYZE DELETE FROM t",
            "SELECT * INTO t2 FROM t",
            "DO $$ begin end $$",
        ] {
            assert!(says(sql).is_some(), "{sql}");
        }
    }

    #[test]
    fn what_no_transaction_takes_back_is_known() {
        for sql in [
            "SELECT pg_terminate_backend(1)",
            "COPY t TO PROGRAM 'x'",
            "COPY t TO '/tmp/x'",
            "COPY t FROM PROGRAM 'x'",
            "SELECT 1; SELECT pg_reload_conf()",
            "SELECT lo_export(1, '/tmp/x')",
        ] {
            assert!(acts(sql), "{sql}");
        }
        for sql in ["INSERT INTO t VALUES ('pg_reload_conf()')", "SELECT pg_notify('a', 'b')", "COPY t FROM STDIN"] {
            assert!(!acts(sql), "{sql}");
        }
    }

    #[test]
    fn which_way_a_client_copies() {
        assert_eq!(copies("COPY (SELECT a FROM stdin) TO STDOUT (FORMAT csv);"), Some(Copies::Out));
        assert_eq!(copies("copy t (a, b) from stdin with csv"), Some(Copies::In));
        for sql in ["COPY t TO '/tmp/x'", "COPY t FROM STDIN; DROP TABLE t", "SELECT 1", "COPY t TO PROGRAM 'x'", ""] {
            assert_eq!(copies(sql), None, "{sql}");
        }
    }

    #[test]
    fn the_place_is_the_function() {
        let sql = "SELECT pg_reload_conf()";
        let parts = [Part::Text { text: sql.into(), span: Span::new(crate::source::FileId(0), 10, 10 + sql.len()) }];
        let span = write_in_read(&parts).unwrap().span();
        assert_eq!((span.start, span.end), (17, 31));
    }
}
