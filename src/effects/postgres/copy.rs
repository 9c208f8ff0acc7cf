//! `COPY` between a table and a file of this machine. A file appears whole or not at all; rows stay all or not at all.
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::fs::{self, OpenOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio_postgres::Error;

use super::commit::commit;
use super::failure;
use super::session::Session;
use super::statement::Statement;
use super::work::{Place, Worked};
use super::write::begin;
use crate::check::sql::Copies;
use crate::engine::{Ending, Failure, FailureKind};
use crate::value::Value;

/// Read from a file at once.
const PIECE: usize = 64 << 10;

/// The file, and which way it goes.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    pub path: &'a Path,
    pub way: Copies,
}

enum Wrong {
    Server(Error),
    File(std::io::Error),
}

/// The bytes written, as a size; or the rows taken.
pub async fn copy(session: &Session, statement: &Statement, file: File<'_>, place: &Place<'_>) -> Worked {
    if statement.copy() != Some(file.way) {
        let (name, form) = match file.way {
            Copies::In => ("copy_in", "COPY t FROM STDIN (FORMAT csv)"),
            Copies::Out => ("copy_out", "COPY (SELECT …) TO STDOUT (FORMAT csv)"),
        };
        let failure = Failure::new(FailureKind::Value, format!("`{name}` takes one statement `{form}`"));
        return Worked::failed(Ending::None, failure);
    }
    match file.way {
        Copies::In => taken(session, statement, file.path, place).await,
        Copies::Out if place.in_tx => {
            let failure = Failure::new(FailureKind::Value, "`copy_out` writes a file: no transaction takes that back");
            Worked::failed(Ending::None, failure.with_help("write it before or after `transaction`"))
        }
        Copies::Out => sent(session, statement, file.path, place).await,
    }
}

fn wrong(wrong: &Wrong, statement: &Statement, path: &Path, place: &Place<'_>) -> Failure {
    match wrong {
        Wrong::Server(e) => failure::of(place.name, e, Some(statement)),
        Wrong::File(e) => Failure::new(FailureKind::Failed, format!("`{}`: {e}", path.display())),
    }
}

async fn sent(session: &Session, statement: &Statement, path: &Path, place: &Place<'_>) -> Worked {
    let client = &session.client;
    if fs::symlink_metadata(path).await.is_ok() {
        let failure = Failure::new(FailureKind::Failed, format!("`{}` is there already", path.display()));
        return Worked::failed(Ending::None, failure.with_help("remove it first, or choose another name"));
    }
    if let Err(e) = client.batch_execute(&begin("BEGIN READ ONLY", session, place)).await {
        let failure = failure::of(place.name, &e, Some(statement));
        return Worked { healthy: !failure::is_broken(&e), ..Worked::untouched(failure) };
    }
    let beside = beside(path);
    let written = write(session, statement, &beside).await;
    let healthy = client.batch_execute("ROLLBACK").await.is_ok();
    let placed = match written {
        // A link is refused where a file has come to be meanwhile.
        Ok(size) => fs::hard_link(&beside, path).await.map(|()| size).map_err(Wrong::File),
        Err(e) => Err(e),
    };
    let removed = match fs::remove_file(&beside).await {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => false,
        Ok(()) | Err(_) => true,
    };
    match placed {
        Ok(size) => Worked { healthy, ..Worked::done(Value::Size(i64::try_from(size).unwrap_or(i64::MAX))) },
        Err(e) => {
            let ending = if removed { Ending::None } else { Ending::Some };
            Worked { healthy, ..Worked::failed(ending, wrong(&e, statement, path, place)) }
        }
    }
}

/// In the same directory, so that it can be put in its place in one step.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".rbk-{:016x}", fastrand::u64(..)));
    path.with_file_name(name)
}

async fn write(session: &Session, statement: &Statement, path: &Path) -> Result<u64, Wrong> {
    let mut rows = std::pin::pin!(session.client.copy_out(statement.sql.as_str()).await.map_err(Wrong::Server)?);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).await.map_err(Wrong::File)?;
    let mut file = BufWriter::with_capacity(PIECE, file);
    let mut size = 0;
    while let Some(piece) = rows.next().await {
        let piece = piece.map_err(Wrong::Server)?;
        file.write_all(&piece).await.map_err(Wrong::File)?;
        size += piece.len() as u64;
    }
    file.flush().await.map_err(Wrong::File)?;
    file.into_inner().sync_all().await.map_err(Wrong::File)?;
    Ok(size)
}

async fn taken(session: &Session, statement: &Statement, path: &Path, place: &Place<'_>) -> Worked {
    let client = &session.client;
    // Before anything is said to the server.
    let file = match fs::File::open(path).await {
        Ok(file) => file,
        Err(e) => return Worked::failed(Ending::None, wrong(&Wrong::File(e), statement, path, place)),
    };
    if !place.in_tx
        && let Err(e) = client.batch_execute(&begin(session.begin(), session, place)).await
    {
        let failure = failure::of(place.name, &e, Some(statement));
        return Worked { healthy: !failure::is_broken(&e), ..Worked::untouched(failure) };
    }
    match read(session, statement, file).await {
        Err(e) => {
            let broken = matches!(&e, Wrong::Server(e) if failure::is_broken(e));
            let healthy = !broken && (place.in_tx || client.batch_execute("ROLLBACK").await.is_ok());
            Worked { healthy, ..Worked::failed(Ending::None, wrong(&e, statement, path, place)) }
        }
        Ok(rows) => {
            let rows = Value::Int(i64::try_from(rows).unwrap_or(i64::MAX));
            if place.in_tx { Worked::done(rows) } else { commit(session, rows, place).await }
        }
    }
}

async fn read(session: &Session, statement: &Statement, mut file: fs::File) -> Result<u64, Wrong> {
    let sink = session.client.copy_in::<_, Bytes>(statement.sql.as_str()).await.map_err(Wrong::Server)?;
    let mut sink = std::pin::pin!(sink);
    loop {
        let mut piece = vec![0; PIECE];
        // What was sent is called back when the sink goes.
        let n = file.read(&mut piece).await.map_err(Wrong::File)?;
        piece.truncate(n);
        // The end says why when a piece was not taken.
        if n == 0 || sink.send(Bytes::from(piece)).await.is_err() {
            return sink.finish().await.map_err(Wrong::Server);
        }
    }
}
