//! What the tables of a server and their columns are called, for somebody who types: the catalog is read, no row of a table.
use tokio_postgres::SimpleQueryMessage;

use super::connect;
use super::target::Target;
use crate::value::Connection;

/// A table, a view, or what else can stand behind FROM. Its names need no quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    pub schema: String,
    pub name: String,
    /// It is found without its schema.
    pub visible: bool,
    /// The server's own.
    pub system: bool,
    pub columns: Vec<String>,
}

/// Partitions are left out, and so is what is too much for a list.
const TABLES: &str = "BEGIN READ ONLY; SET LOCAL statement_timeout = '2s'; \
    SELECT n.nspname, c.relname, pg_table_is_visible(c.oid), n.nspname IN ('pg_catalog', 'information_schema') AS system, \
      (SELECT string_agg(a.attname, ' ') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 \
       AND NOT a.attisdropped AND quote_ident(a.attname) = a.attname) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND n.nspname !~ '^pg_(toast|temp)' \
      AND quote_ident(n.nspname) = n.nspname AND quote_ident(c.relname) = c.relname \
    ORDER BY system, c.relname LIMIT 5000; COMMIT";

/// By a session of its own, which ends with it. `label`: what the server calls that. None: it does not say.
pub async fn tables(on: &Connection, label: &str) -> Option<Vec<Table>> {
    let target = Target::new(on, label).ok()?;
    let session = connect::open(&target).await.ok()?;
    let said = session.client.simple_query(TABLES).await.ok()?;
    let cell = |row: &tokio_postgres::SimpleQueryRow, at: usize| row.get(at).unwrap_or_default().to_owned();
    let table = |row: &tokio_postgres::SimpleQueryRow| Table {
        schema: cell(row, 0),
        name: cell(row, 1),
        visible: cell(row, 2) == "t",
        system: cell(row, 3) == "t",
        columns: cell(row, 4).split_whitespace().map(str::to_owned).collect(),
    };
    let rows = said.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(table(row)),
        _ => None,
    });
    Some(rows.collect())
}
