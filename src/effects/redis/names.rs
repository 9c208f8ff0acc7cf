//! How the keys of a server begin, for somebody who types: a few pages of SCAN, and no value.
use std::collections::BTreeSet;
use std::sync::Arc;

use redis::cmd;

use super::keys::page;
use super::pool::Pool;
use super::reach::Reach;
use super::session::Asks;
use super::target::Target;
use super::wrong::Trace;
use crate::value::Connection;

/// Pages of all servers together, and keys in one: a server with millions of keys is asked for no more.
const PAGES: usize = 20;
const KEYS: usize = 100;
/// In bytes: what is longer is no name.
const LONGEST: usize = 200;

/// By a connection of its own, which ends with it. `label`: what the server calls that. A key is cut behind its last `:`, one
/// without stands whole. None: the server does not say.
pub async fn prefixes(on: &Arc<Connection>, label: &str) -> Option<BTreeSet<String>> {
    let target = Target::new(on).ok()?;
    let (pool, trace) = (Pool::default(), Trace::default());
    let mut reach = Reach::new(&pool, on, &target, label);
    let masters = reach.masters().await.ok()?;
    let pages = (PAGES / masters.len().max(1)).max(1);
    let mut found = BTreeSet::new();
    for master in masters.iter().take(PAGES) {
        let mut cursor = b"0".to_vec();
        for _ in 0..pages {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("COUNT").arg(KEYS);
            let reply = reach.at(master, &[scan], Asks::Reads, &trace).await.ok()?.into_iter().next();
            let (next, keys) = page(reply).ok()?;
            found.extend(keys.into_iter().filter_map(beginning));
            if next == b"0" {
                break;
            }
            cursor = next;
        }
    }
    Some(found)
}

fn beginning(key: Vec<u8>) -> Option<String> {
    let mut key = String::from_utf8(key).ok()?;
    if let Some(last) = key.rfind(':') {
        key.truncate(last + 1);
    }
    (key.len() <= LONGEST).then_some(key)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_key_is_cut_behind_its_last_colon() {
        let beginning = |key: &[u8]| super::beginning(key.to_vec());
        assert_eq!(beginning(b"session:7:cart").as_deref(), Some("session:7:"));
        assert_eq!(beginning(b"celery").as_deref(), Some("celery"));
        assert_eq!((beginning(&[b'x'; 201]), beginning(b"\xff:a")), (None, None));
    }
}
