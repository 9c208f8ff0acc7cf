//! The head of a run. Its texts are kept beside it, once for all runs; here stand their hashes.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::leaf::{Hide, Leaf, Show};
use super::value::{Wire, time};
use crate::engine::OnFailure;
use crate::journal::entry::{self, Place, Text};
use crate::journal::seal::Seal;
use crate::journal::{Trouble, seal};
use crate::value::redact::Redactor;

/// What stands in the journal of the first thing that is written of a run.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    pub run: String,
    pub semantics: u32,
    pub rbk: String,
    pub book: String,
    pub started: String,
    #[serde(with = "WireOnFailure")]
    on_failure: OnFailure,
    params: Vec<(Leaf, Wire)>,
    pub texts: Vec<TextRef>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    reads: Vec<String>,
    #[serde(with = "WirePlace")]
    pub place: Place,
    /// Base64; each run has its own.
    pub salt: String,
}

/// A text by what it says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRef {
    pub name: String,
    /// SHA-256 of the text, in hex.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "OnFailure", rename_all = "snake_case")]
enum WireOnFailure {
    Rollback,
    Stop,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Place", deny_unknown_fields)]
struct WirePlace {
    host: String,
    host_name: String,
    user: String,
    dir: String,
    variables: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

/// # Errors
/// A secret cannot be sealed.
pub fn head(head: &entry::Head, hashes: Vec<String>, salt: &[u8], seal: &Seal) -> Result<Vec<u8>, Trouble> {
    let mut secrets = Redactor::default();
    for (_, value) in &head.params {
        if let (value, Some(name)) = value.expose() {
            secrets.learn(name, value);
        }
    }
    let hide = Hide { secrets: &secrets, seal };
    let params = head.params.iter().map(|(name, value)| Ok((hide.text(name)?, hide.value(value)?)));
    super::to_bytes(Head {
        run: head.run.to_string(),
        semantics: head.semantics,
        rbk: head.version.to_string(),
        book: head.book.clone(),
        started: head.started.to_string(),
        on_failure: head.on_failure,
        params: params.collect::<Result<_, Trouble>>()?,
        texts: head
            .texts
            .iter()
            .zip(hashes)
            .map(|(text, sha256)| TextRef { name: text.name.clone(), sha256 })
            .collect(),
        reads: head.reads.iter().map(ToString::to_string).collect(),
        place: head.place.clone(),
        salt: STANDARD.encode(salt),
    })
}

/// # Errors
/// A newer rbk wrote it.
pub fn read_head(bytes: &[u8]) -> Result<Head, Trouble> {
    super::from_bytes(bytes)
}

impl Head {
    /// # Errors
    /// The salt is none.
    pub fn seal(&self, key: Option<seal::Key>) -> Result<Seal, Trouble> {
        let salt = STANDARD.decode(&self.salt).map_err(|_| Trouble::new("the salt of the run cannot be read"))?;
        Ok(Seal::new(&self.run, &salt, key))
    }

    /// # Errors
    /// The key is another one.
    pub fn open(self, texts: Vec<String>, show: &Show<'_>) -> Result<entry::Head, Trouble> {
        Ok(entry::Head {
            run: self.run.into(),
            semantics: self.semantics,
            version: self.rbk.into(),
            book: self.book,
            started: time(&self.started)?,
            on_failure: self.on_failure,
            params: self
                .params
                .into_iter()
                .map(|(name, value)| Ok((show.word(name)?, show.value(value)?)))
                .collect::<Result<_, Trouble>>()?,
            texts: self
                .texts
                .into_iter()
                .zip(texts)
                .map(|(text, content)| Text { name: text.name, text: content })
                .collect(),
            reads: self.reads.into_iter().map(Into::into).collect(),
            place: self.place,
        })
    }
}
