//! The tables, made at first use, and how an older journal becomes one of this version.
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error};

use super::trouble;
use crate::effects::postgres::reach::{Way, said};
use crate::journal::Trouble;

/// Each makes the next version of the one before; never changed once it was released. What an append changes stands apart
/// from what never does.
const STEPS: &[&str] = &[
    "
    CREATE TABLE rbk.version (version bigint NOT NULL);
    CREATE TABLE rbk.text (sha256 text PRIMARY KEY, text bytea NOT NULL);
    CREATE TABLE rbk.run (
        no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text NOT NULL UNIQUE, head bytea NOT NULL
    );
    CREATE TABLE rbk.tip (
        run bigint PRIMARY KEY, count bigint NOT NULL, hash bytea NOT NULL, last bigint NOT NULL, state text NOT NULL,
        wrote boolean NOT NULL, sum bytea NOT NULL, epoch bigint NOT NULL, host text NOT NULL, \"user\" text NOT NULL,
        pid integer NOT NULL, started bigint NOT NULL, since timestamptz NOT NULL, lease timestamptz
    ) WITH (fillfactor = 50);
    CREATE TABLE rbk.entry (
        run bigint, no bigint, hash bytea NOT NULL, body bytea NOT NULL, PRIMARY KEY (run, no)
    );
    CREATE TABLE rbk.lock (name text PRIMARY KEY, run bigint NOT NULL, since bigint NOT NULL, taken_from text);
",
    "
    ALTER TABLE rbk.tip ADD COLUMN wanted text[];
",
    "
    ALTER TABLE rbk.tip ADD COLUMN lived bigint;
",
];

/// Of all processes one at a time looks and makes: `rbk` and a number.
const ALONE: &str = "BEGIN; SELECT pg_catalog.pg_advisory_xact_lock(7496043, 1)";
const VERSION: &str = "SELECT coalesce(max(version), 0) FROM rbk.version";
/// Whether there is a schema, whether it is a journal, and whether it holds anything.
const LOOK: &str = "SELECT count(DISTINCT n.oid), count(c.oid) FILTER (WHERE c.relname = 'version'), count(c.oid)
     FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid WHERE n.nspname = 'rbk'";

/// A journal of this version is there from now on.
///
/// # Errors
/// A newer rbk made it, the schema is another program's, or this role may not make it.
pub async fn prepare(client: &Client, way: &Way) -> Result<(), Trouble> {
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    match version(client).await {
        Ok(found) if fits(found, known, way)? => return Ok(()),
        Ok(_) => {}
        Err(e) if is_missing(&e) => {}
        Err(e) => return Err(trouble::of(way, &e)),
    }
    client.batch_execute(ALONE).await.map_err(|e| trouble::of(way, &e))?;
    make(client, way, known).await
}

async fn version(client: &Client) -> Result<i64, Error> {
    client.query_typed_one(VERSION, &[]).await?.try_get(0)
}

fn is_missing(e: &Error) -> bool {
    matches!(e.code(), Some(&SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME))
}

fn fits(found: i64, known: i64, way: &Way) -> Result<bool, Trouble> {
    if found <= known {
        return Ok(found == known);
    }
    Err(Trouble::new(format!(
        "the journal at `{}` was made by a newer rbk (its version is {found}, rbk {} knows {known})",
        way.place(),
        env!("CARGO_PKG_VERSION")
    ))
    .with_help("use that rbk, or name another database by `--journal` or `RBK_JOURNAL`"))
}

/// All missing steps at once or none; a session that fails here is closed, and with it the transaction.
async fn make(client: &Client, way: &Way, known: i64) -> Result<(), Trouble> {
    let wrong = |e: Error| trouble::of(way, &e);
    let unmade = |e: Error| trouble::unmade(way, &e);
    let look = client.query_typed_one(LOOK, &[]).await.map_err(wrong)?;
    let count = |i: usize| look.try_get::<_, i64>(i).map_err(wrong);
    let found = match (count(0)?, count(1)?, count(2)?) {
        (0, ..) => {
            client.batch_execute("CREATE SCHEMA rbk").await.map_err(unmade)?;
            0
        }
        (_, _, 0) => 0,
        (_, 0, _) => {
            return Err(Trouble::new(format!("the schema `rbk` at `{}` is not a journal of rbk", way.place()))
                .with_help("name another database by `--journal` or `RBK_JOURNAL`"));
        }
        // Another process was faster, or it is an older one.
        _ => version(client).await.map_err(wrong)?,
    };
    if !fits(found, known, way)? {
        for step in STEPS.iter().skip(usize::try_from(found).unwrap_or(0)) {
            client.batch_execute(step).await.map_err(unmade)?;
        }
        let note = format!("DELETE FROM rbk.version; INSERT INTO rbk.version VALUES ({known})");
        client.batch_execute(&note).await.map_err(unmade)?;
    }
    client.batch_execute("COMMIT").await.map_err(|e| {
        let message = format!("the journal's tables at `{}` could not be made: {}", way.place(), said(&e));
        Trouble::new(message).with_help("try again; what is not whole is not there")
    })
}
