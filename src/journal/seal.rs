//! How a secret stands in the journal: encrypted for those who have the key, or not at all.
use std::cell::{Cell, OnceCell};
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{hkdf, hmac, pbkdf2};

use super::{Kind, Trouble};

/// What makes a passphrase slow to guess.
const ROUNDS: NonZeroU32 = match NonZeroU32::new(600_000) {
    Some(n) => n,
    None => NonZeroU32::MIN,
};

/// What `RBK_JOURNAL_KEY` holds. Its `Debug` shows nothing.
#[derive(Clone)]
pub enum Key {
    /// 32 bytes, given as Base64.
    Bytes([u8; 32]),
    Passphrase(String),
}

impl Key {
    /// Base64 of 32 bytes, or any other text as a passphrase; nothing of an empty text.
    #[must_use]
    pub fn new(text: &str) -> Option<Key> {
        if text.is_empty() {
            return None;
        }
        let bytes = STANDARD.decode(text.trim()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        Some(bytes.map_or_else(|| Key::Passphrase(text.to_owned()), Key::Bytes))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// 16 bits of a keyed hash: two different secrets are almost always told apart, and next to nothing is given away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print(pub u16);

/// Seals for one run.
pub struct Seal {
    run: String,
    salt: Vec<u8>,
    key: Option<Key>,
    /// Made when it is first needed: a passphrase takes a while.
    cipher: OnceCell<LessSafeKey>,
    /// Something sealed was to be opened, and there is no key.
    missed: Cell<bool>,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Seal({})", self.run)
    }
}

/// Random bytes for one run; public.
///
/// # Errors
/// The system gives no random numbers.
pub fn salt() -> Result<[u8; 16], Trouble> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| no_random())?;
    Ok(salt)
}

impl Seal {
    #[must_use]
    pub fn new(run: &str, salt: &[u8], key: Option<Key>) -> Seal {
        Seal { run: run.to_owned(), salt: salt.to_owned(), key, cipher: OnceCell::new(), missed: Cell::new(false) }
    }

    /// Base64, for those who have the key; nothing without one.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn close(&self, bytes: &[u8]) -> Result<Option<String>, Trouble> {
        let Some(cipher) = self.cipher()? else { return Ok(None) };
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| no_random())?;
        let mut sealed = bytes.to_owned();
        let done = cipher.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(self.run.as_bytes()),
            &mut sealed,
        );
        done.map_err(|_| Trouble::new("a secret cannot be sealed: it is too long"))?;
        Ok(Some(STANDARD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// What was sealed; nothing without a key.
    ///
    /// # Errors
    /// It was sealed with another key.
    pub fn open(&self, sealed: &str) -> Result<Option<Vec<u8>>, Trouble> {
        let Some(cipher) = self.cipher()? else {
            self.missed.set(true);
            return Ok(None);
        };
        let mut bytes = STANDARD.decode(sealed).map_err(|_| self.wrong_key())?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN).ok_or_else(|| self.wrong_key())?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| self.wrong_key())?;
        let opened = cipher.open_in_place(nonce, Aad::from(self.run.as_bytes()), text);
        opened.map(|text| Some(text.to_owned())).map_err(|_| self.wrong_key())
    }

    /// Why something was not opened for want of a key.
    #[must_use]
    pub fn missed(&self) -> Option<Trouble> {
        let message = || format!("the secrets of run {} are sealed, and `RBK_JOURNAL_KEY` is not set", self.run);
        self.missed.get().then(|| self.sealed(message()))
    }

    #[must_use]
    pub fn print(&self, text: &str) -> Print {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.salt), text.as_bytes());
        Print(tag.as_ref().iter().take(2).fold(0, |all, byte| all << 8 | u16::from(*byte)))
    }

    fn cipher(&self) -> Result<Option<&LessSafeKey>, Trouble> {
        let Some(key) = &self.key else { return Ok(None) };
        if let Some(cipher) = self.cipher.get() {
            return Ok(Some(cipher));
        }
        let mut derived = [0; 32];
        match key {
            Key::Passphrase(text) => {
                pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, ROUNDS, &self.salt, text.as_bytes(), &mut derived);
            }
            Key::Bytes(bytes) => {
                let root = hkdf::Salt::new(hkdf::HKDF_SHA256, &self.salt).extract(bytes);
                let filled = root.expand(&[b"rbk journal"], hkdf::HKDF_SHA256).and_then(|okm| okm.fill(&mut derived));
                filled.map_err(|_| self.wrong_key())?;
            }
        }
        let key = UnboundKey::new(&CHACHA20_POLY1305, &derived).map_err(|_| self.wrong_key())?;
        Ok(Some(self.cipher.get_or_init(|| LessSafeKey::new(key))))
    }

    fn wrong_key(&self) -> Trouble {
        self.sealed(format!("`RBK_JOURNAL_KEY` does not open the secrets of run {}", self.run))
    }

    fn sealed(&self, message: String) -> Trouble {
        let help = format!(
            "set the key that the run was started with; if it is lost, undo by hand what the run did, and end it: \
             `rbk close {} --reason …`",
            self.run
        );
        Trouble { kind: Kind::Sealed, ..Trouble::new(message).with_help(help) }
    }
}

fn no_random() -> Trouble {
    Trouble::new("the system gives no random numbers")
}
