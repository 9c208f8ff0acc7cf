//! Each entry's hash is over the hash of the one before and itself: what was changed later does not fit.
use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

pub fn first(head: &[u8]) -> Hash {
    Sha256::new().chain_update(b"rbk run\0").chain_update(head).finalize().into()
}

pub fn next(before: &Hash, entry: &[u8]) -> Hash {
    Sha256::new().chain_update(before).chain_update(entry).finalize().into()
}

/// Of a text that is kept once for all runs.
pub fn of_text(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
