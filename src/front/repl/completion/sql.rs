//! What may stand at a place of an SQL statement: tables where a table stands, else columns of those that it names.
use std::collections::BTreeSet;

use crate::session::names::Table;

/// Behind these stands a table.
const TABLES: &[&str] = &["analyze", "copy", "from", "into", "join", "only", "table", "truncate", "update", "vacuum"];

/// Behind these stands none, and none of them is an alias.
const OTHERS: &[&str] = &[
    "and",
    "as",
    "by",
    "cross",
    "delete",
    "except",
    "for",
    "full",
    "group",
    "having",
    "inner",
    "insert",
    "intersect",
    "left",
    "limit",
    "natural",
    "not",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "returning",
    "right",
    "select",
    "set",
    "union",
    "using",
    "values",
    "where",
    "with",
];

/// A table as a statement names it.
#[derive(Debug, PartialEq, Eq)]
struct Mentioned {
    schema: Option<String>,
    name: String,
    alias: Option<String>,
}

/// Where the word begins that `before` ends with, and what it could be. `after`: the rest of the statement.
pub fn offered(tables: &[Table], before: &str, after: &str) -> (usize, Vec<String>) {
    let start = before.rfind(|c| !is_word(c)).map_or(0, |at| at + before.get(at..).map_or(1, first));
    let (lead, word) = before.split_at(start);
    if lead.matches('\'').count() % 2 == 1 {
        return (start, Vec::new());
    }
    let tokens = tokens(lead);
    let mentioned = mentioned(&self::tokens(&format!("{before}{after}")));
    let found = match tokens.as_slice() {
        [.., of, dot] if dot == "." => members(tables, &mentioned, of),
        all => match all.iter().rposition(|token| is_keyword(token)) {
            None => BTreeSet::new(),
            Some(at) if names_a_table(all.get(at..).unwrap_or_default()) => places(tables, word),
            Some(_) => columns(tables, &mentioned),
        },
    };
    (start, found.into_iter().map(str::to_owned).collect())
}

fn first(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

fn is_keyword(token: &str) -> bool {
    TABLES.contains(&token) || OTHERS.contains(&token)
}

/// `from a, `, not `insert into a (`
fn names_a_table(tokens: &[String]) -> bool {
    tokens.first().is_some_and(|word| TABLES.contains(&word.as_str())) && tokens.iter().all(|token| token != "(")
}

/// Words in small letters, and marks; texts and comments are left out.
fn tokens(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '\'' => rest.get(1..).and_then(|body| body.find('\'')).map_or(rest.len(), |at| at + 2),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(len);
        if !c.is_whitespace() && c != '\'' && !token.starts_with("--") {
            found.push(token.to_lowercase());
        }
        rest = after;
    }
    found
}

fn mentioned(tokens: &[String]) -> Vec<Mentioned> {
    let word =
        |at: usize| tokens.get(at).map(String::as_str).filter(|token| token.starts_with(is_word) && !is_keyword(token));
    let is = |at: usize, text: &str| tokens.get(at).is_some_and(|token| token == text);
    let (mut found, mut at) = (Vec::new(), 0);
    // A table is expected; another one after a comma.
    let (mut expected, mut list) = (false, false);
    while let Some(token) = tokens.get(at) {
        if is_keyword(token) {
            expected = TABLES.contains(&token.as_str());
            list = token == "from";
        } else if is(at, ",") {
            expected = list;
        } else if let Some(name) = word(at).filter(|_| expected) {
            let (schema, name) = match word(at + 2).filter(|_| is(at + 1, ".")) {
                Some(inner) => (Some(name.to_owned()), inner.to_owned()),
                None => (None, name.to_owned()),
            };
            at += if schema.is_some() { 2 } else { 0 };
            at += usize::from(is(at + 1, "as"));
            found.push(Mentioned { schema, name, alias: word(at + 1).map(str::to_owned) });
            expected = false;
        }
        at += 1;
    }
    found
}

fn meant<'t>(tables: &'t [Table], one: &Mentioned) -> impl Iterator<Item = &'t Table> {
    let (schema, name) = (one.schema.clone(), one.name.clone());
    tables.iter().filter(move |table| {
        table.name == name && schema.as_ref().map_or(table.visible, |schema| *schema == table.schema)
    })
}

/// Behind `of.`: columns of a table, or tables of a schema.
fn members<'t>(tables: &'t [Table], mentioned: &[Mentioned], of: &str) -> BTreeSet<&'t str> {
    let called = |one: &&Mentioned| one.alias.as_deref() == Some(of) || one.name == of;
    let columns = mentioned.iter().filter(called).flat_map(|one| meant(tables, one)).flat_map(|table| &table.columns);
    let inside = tables.iter().filter(|table| table.schema == of).map(|table| &table.name);
    columns.chain(inside).map(String::as_str).collect()
}

/// What a table's name can begin with; the server's own only once something of it is typed.
fn places<'t>(tables: &'t [Table], word: &str) -> BTreeSet<&'t str> {
    let wanted = tables.iter().filter(|table| !table.system || !word.is_empty());
    wanted.map(|table| if table.visible { table.name.as_str() } else { table.schema.as_str() }).collect()
}

/// Of the tables that are named; of all but the server's own where none is.
fn columns<'t>(tables: &'t [Table], mentioned: &[Mentioned]) -> BTreeSet<&'t str> {
    let own = tables.iter().filter(|table| !table.system && mentioned.is_empty());
    let named = mentioned.iter().flat_map(|one| meant(tables, one));
    own.chain(named).flat_map(|table| &table.columns).map(String::as_str).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(schema: &str, name: &str, visible: bool, columns: &[&str]) -> Table {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Table { schema: schema.into(), name: name.into(), visible, system: schema == "pg_catalog", columns }
    }

    /// What is offered where `|` stands.
    fn at(sql: &str) -> Vec<String> {
        let tables = [
            table("public", "orders", true, &["id", "customer", "placed"]),
            table("public", "customers", true, &["id", "name"]),
            table("audit", "log", false, &["who", "what"]),
            table("pg_catalog", "pg_locks", true, &["mode"]),
        ];
        let (before, after) = sql.split_once('|').unwrap();
        let (start, mut found) = offered(&tables, before, after);
        found.retain(|one| one.starts_with(&before[start..]));
        found
    }

    #[test]
    fn a_table_stands_behind_from_and_its_kind() {
        for sql in
            ["SELECT * FROM o|", "select 1 from customers c, o|", "delete from o|", "UPDATE o|", "insert into o|"]
        {
            assert_eq!(at(sql), ["orders"], "{sql}");
        }
        assert_eq!(at("select 1 from |"), ["audit", "customers", "orders"]);
        assert_eq!(at("select 1 from pg_|"), ["pg_locks"]);
        assert_eq!(at("select 1 from audit.|"), ["log"]);
        assert_eq!(at("select count(*) from (select * from cust|"), ["customers"]);
    }

    #[test]
    fn a_column_is_one_of_the_tables_that_are_named() {
        assert_eq!(at("select | from orders"), ["customer", "id", "placed"]);
        assert_eq!(at("select pl|"), ["placed"]);
        assert_eq!(at("select w| from audit.log"), ["what", "who"]);
        assert_eq!(at("select 1 from orders as o join customers c on o.id = c.|"), ["id", "name"]);
        assert_eq!(at("select o.c| from orders o"), ["customer"]);
        assert_eq!(at("insert into orders (cu|"), ["customer"]);
        assert_eq!(at("update customers set n|"), ["name"]);
        assert_eq!(at("select mo| from pg_locks"), ["mode"]);
        assert_eq!(at("select 1 from nobody where i|"), Vec::<String>::new());
    }

    #[test]
    fn nothing_is_offered_in_a_text_or_where_nobody_knows() {
        for sql in ["select 'i|", "|", "o|", "select 1 from orders where name = 'o|'"] {
            assert_eq!(at(sql), Vec::<String>::new(), "{sql}");
        }
        assert_eq!(at("select 'from customers', i| from orders -- join customers"), ["id"]);
    }
}
