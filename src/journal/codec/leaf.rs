//! A text or bytes, in the clear or hidden. A text stands as a JSON string, what is hidden as an object.
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::journal::seal::{Print, Seal};
use crate::journal::{Trouble, lost};
use crate::value::SmolStr;
use crate::value::redact::Redactor;

/// How secrets leave the memory.
#[derive(Clone, Copy, Debug)]
pub struct Hide<'a> {
    pub secrets: &'a Redactor,
    pub seal: &'a Seal,
}

/// How they come back.
#[derive(Clone, Copy, Debug)]
pub struct Show<'a> {
    pub seal: &'a Seal,
}

pub enum Leaf {
    Clear(String),
    Hidden(Hidden),
}

/// A secret: sealed, or left out.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hidden {
    /// The secret's name.
    pub of: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub print: Option<u16>,
}

/// What of a hidden thing is known again.
pub enum Opened {
    Found(Vec<u8>),
    Lost(String),
}

impl Hide<'_> {
    /// Data: where a secret is in it, all of it is hidden.
    pub fn text(&self, text: &str) -> Result<Leaf, Trouble> {
        Ok(match self.secrets.find(text) {
            Some(name) => Leaf::Hidden(self.hidden(&name, text.as_bytes())?),
            None => Leaf::Clear(text.to_owned()),
        })
    }

    /// A sentence for people: left out is the secret alone.
    pub fn said(&self, text: &str) -> Result<Leaf, Trouble> {
        let Some(name) = self.secrets.find(text) else { return Ok(Leaf::Clear(text.to_owned())) };
        let hidden = self.hidden(&name, text.as_bytes())?;
        Ok(match hidden.sealed {
            Some(_) => Leaf::Hidden(hidden),
            None => Leaf::Clear(self.secrets.replace(text, lost).into_owned()),
        })
    }

    pub fn said_if(&self, text: Option<&String>) -> Result<Option<Leaf>, Trouble> {
        text.map(|text| self.said(text)).transpose()
    }

    pub fn hidden(&self, name: &str, bytes: &[u8]) -> Result<Hidden, Trouble> {
        Ok(Hidden { of: name.to_owned(), sealed: self.seal.close(bytes)?, print: None })
    }

    pub fn print(&self, text: &str) -> Print {
        self.seal.print(text)
    }
}

impl Show<'_> {
    pub fn opened(&self, hidden: Hidden) -> Result<Opened, Trouble> {
        let bytes = hidden.sealed.map(|sealed| self.seal.open(&sealed)).transpose()?.flatten();
        Ok(bytes.map_or_else(|| Opened::Lost(lost(&hidden.of)), Opened::Found))
    }

    pub fn text(&self, leaf: Leaf) -> Result<String, Trouble> {
        match leaf {
            Leaf::Clear(text) => Ok(text),
            Leaf::Hidden(hidden) => match self.opened(hidden)? {
                Opened::Found(bytes) => {
                    String::from_utf8(bytes).map_err(|_| Trouble::new("what was sealed as text is none"))
                }
                Opened::Lost(word) => Ok(word),
            },
        }
    }

    pub fn text_if(&self, leaf: Option<Leaf>) -> Result<Option<String>, Trouble> {
        leaf.map(|leaf| self.text(leaf)).transpose()
    }

    pub fn word(&self, leaf: Leaf) -> Result<SmolStr, Trouble> {
        self.text(leaf).map(SmolStr::from)
    }
}

impl Serialize for Leaf {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Leaf::Clear(text) => to.serialize_str(text),
            Leaf::Hidden(hidden) => hidden.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Leaf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Leaf, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Leaf;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or what is hidden")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Leaf, E> {
                Ok(Leaf::Clear(text.to_owned()))
            }
            fn visit_string<E: de::Error>(self, text: String) -> Result<Leaf, E> {
                Ok(Leaf::Clear(text))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Leaf, A::Error> {
                Hidden::deserialize(MapAccessDeserializer::new(map)).map(Leaf::Hidden)
            }
        }
        from.deserialize_any(Either)
    }
}
