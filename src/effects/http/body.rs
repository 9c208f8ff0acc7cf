//! What a request carries: JSON, a form, a text, a file, or a form of several parts. Files are read while they are sent.
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use reqwest::header::HeaderValue;
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use super::value;
use crate::effects::file::within;
use crate::engine::{Arg, Context};
use crate::value::{Record, SmolStr, Value, json, show};

/// How much of a file is in memory at once.
const CHUNK: usize = 1 << 16;

/// The pieces of a body, in order; files not yet opened.
#[derive(Clone, Debug, Default)]
pub(in crate::effects) struct Outgoing(Vec<Piece>);

#[derive(Clone, Debug)]
enum Piece {
    Bytes(Bytes),
    File(PathBuf),
}

type Made = (Option<HeaderValue>, Outgoing);

/// Its content type and pieces.
///
/// # Errors
/// Several bodies at once; values without a text; paths that are none here.
pub(super) fn body(args: &[(SmolStr, Arg)], contexts: &[Context]) -> Result<Made, String> {
    let given: Vec<(&str, &Value)> = ["json", "form", "body", "file", "multipart"]
        .into_iter()
        .filter_map(|name| value(args, name).map(|value| (name, value)))
        .collect();
    let (name, value) = match given.as_slice() {
        [] => return Ok((None, Outgoing::default())),
        [one] => *one,
        [(first, _), (second, _), ..] => return Err(format!("`{first}` and `{second}` are two bodies: send one")),
    };
    let fixed = |kind: &'static str| Some(HeaderValue::from_static(kind));
    Ok(match name {
        "json" => (fixed("application/json"), Outgoing::text(json::to_json_exposed(value).to_string())),
        "form" => {
            let Value::Record(fields) = value.expose().0 else { return Err("`form` is a record".to_owned()) };
            (fixed("application/x-www-form-urlencoded"), Outgoing::text(form(fields)?))
        }
        "body" => (fixed("text/plain; charset=utf-8"), Outgoing::text(show::text(value)?)),
        "file" => {
            let path = show::text(value).map_err(|e| format!("`file`: {e}"))?;
            (
                fixed("application/octet-stream"),
                Outgoing(vec![Piece::File(within(contexts, &path).map_err(|e| format!("`file`: {e}"))?)]),
            )
        }
        _ => {
            let Value::Record(fields) = value.expose().0 else { return Err("`multipart` is a record".to_owned()) };
            multipart(fields, contexts)?
        }
    })
}

fn form(fields: &Record) -> Result<String, String> {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in &fields.0 {
        let items = match value.expose().0 {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        for item in items {
            out.append_pair(key, &show::text(item).map_err(|e| format!("the field `{key}`: {e}"))?);
        }
    }
    Ok(out.finish())
}

/// A record with `file`: that file; anything else: its text.
fn multipart(fields: &Record, contexts: &[Context]) -> Result<Made, String> {
    // As good as never in what is sent: 190 random bits.
    let boundary: String = std::iter::repeat_with(fastrand::alphanumeric).take(32).collect();
    let mut pieces = Vec::new();
    for (key, value) in &fields.0 {
        let wrong = |e: String| format!("the part `{key}`: {e}");
        let name = quoted(key).map_err(wrong)?;
        match value.expose().0 {
            Value::Record(part) => {
                let text = |wanted: &str| match part.get(wanted) {
                    None | Some(Value::Null) => Ok(None),
                    Some(value) => show::text(value).map(Some).map_err(|e| wrong(format!("`{wanted}`: {e}"))),
                };
                if let Some((other, _)) = part.0.iter().find(|(k, _)| !["file", "name", "type"].contains(&k.as_str())) {
                    return Err(wrong(format!("`{other}` is none of `file`, `name` and `type`")));
                }
                let path = text("file")?.ok_or_else(|| wrong("a record names a `file`".to_owned()))?;
                let local = within(contexts, &path).map_err(wrong)?;
                let own = || Path::new(&path).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
                let shown = quoted(&text("name")?.unwrap_or_else(own)).map_err(wrong)?;
                let kind = text("type")?.unwrap_or_else(|| "application/octet-stream".to_owned());
                if HeaderValue::from_str(&kind).is_err() {
                    return Err(wrong(format!("`{}` is not a content type", show::brief(&kind))));
                }
                pieces.push(Piece::Bytes(Bytes::from(format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{shown}\"\r\n\
                     Content-Type: {kind}\r\n\r\n"
                ))));
                pieces.push(Piece::File(local));
                pieces.push(Piece::Bytes(Bytes::from_static(b"\r\n")));
            }
            _ => {
                let text = show::text(value).map_err(wrong)?;
                pieces.push(Piece::Bytes(Bytes::from(format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
                ))));
            }
        }
    }
    pieces.push(Piece::Bytes(Bytes::from(format!("--{boundary}--\r\n"))));
    let kind =
        HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).map_err(|e| e.to_string())?;
    Ok((Some(kind), Outgoing(pieces)))
}

/// A name between quotes, as browsers write it.
fn quoted(name: &str) -> Result<String, String> {
    if name.contains('\0') {
        return Err("a name cannot hold a NUL character".to_owned());
    }
    Ok(name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A"))
}

impl Outgoing {
    pub(super) fn text(text: String) -> Outgoing {
        Outgoing(vec![Piece::Bytes(Bytes::from(text))])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As it is sent, with its files open and its length known; nothing when there is no body.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) async fn sendable(&self) -> Result<Option<reqwest::Body>, String> {
        Ok(match self.0.as_slice() {
            [] => None,
            [Piece::Bytes(bytes)] => Some(reqwest::Body::from(bytes.clone())),
            _ => Some(reqwest::Body::wrap(self.open().await?)),
        })
    }

    async fn open(&self) -> Result<Opened, String> {
        let mut opened = Opened::default();
        for piece in &self.0 {
            let (piece, length) = match piece {
                Piece::Bytes(bytes) => (Ready::Bytes(bytes.clone()), bytes.len() as u64),
                Piece::File(path) => {
                    let about = |e: io::Error| crate::effects::file::about(path, &e);
                    let file = File::open(path).await.map_err(about)?;
                    let found = file.metadata().await.map_err(about)?;
                    if !found.is_file() {
                        return Err(format!("`{}` is not a file", show::escape(&path.display().to_string())));
                    }
                    (Ready::File { file, left: found.len(), path: path.clone() }, found.len())
                }
            };
            opened.left += length;
            opened.pieces.push_back(piece);
        }
        Ok(opened)
    }
}

#[derive(Debug)]
enum Ready {
    Bytes(Bytes),
    File { file: File, left: u64, path: PathBuf },
}

/// A body on its way.
#[derive(Debug, Default)]
struct Opened {
    pieces: VecDeque<Ready>,
    left: u64,
}

impl Body for Opened {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            let bytes = match self.pieces.front_mut() {
                None => return Poll::Ready(None),
                Some(Ready::File { left: 0, .. }) => Bytes::new(),
                Some(Ready::Bytes(bytes)) => std::mem::take(bytes),
                Some(Ready::File { file, left, path }) => {
                    let mut room = vec![0; usize::try_from(*left).unwrap_or(CHUNK).min(CHUNK)];
                    let mut buffer = ReadBuf::new(&mut room);
                    ready!(Pin::new(file).poll_read(task, &mut buffer))?;
                    let read = buffer.filled().len();
                    if read == 0 {
                        let shown = show::escape(&path.display().to_string()).into_owned();
                        let message = format!("`{shown}` became shorter while it was sent");
                        return Poll::Ready(Some(Err(io::Error::other(message))));
                    }
                    *left -= read as u64;
                    room.truncate(read);
                    Bytes::from(room)
                }
            };
            if !matches!(self.pieces.front(), Some(Ready::File { left: 1.., .. })) {
                self.pieces.pop_front();
            }
            if !bytes.is_empty() {
                self.left -= bytes.len() as u64;
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
