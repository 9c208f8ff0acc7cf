//! Which node of a cluster has which keys.
use std::sync::Arc;

use redis::Value as Reply;

use super::target::Address;

const SLOTS: u16 = 16_384;

/// Ranges of slots and their masters, as one node told.
#[derive(Clone, Debug, Default)]
pub struct Slots(Vec<(u16, u16, Address)>);

impl Slots {
    /// From `CLUSTER SLOTS`. A node that does not know its own name is the one that was asked.
    ///
    /// # Errors
    /// Something else was answered.
    pub fn read(reply: &Reply, asked: &Address) -> Result<Slots, String> {
        let strange = || "the answer to CLUSTER SLOTS is not understood".to_owned();
        let Reply::Array(ranges) = reply else { return Err(strange()) };
        let mut slots = Vec::with_capacity(ranges.len());
        for range in ranges {
            let Reply::Array(parts) = range else { return Err(strange()) };
            let [Reply::Int(from), Reply::Int(to), Reply::Array(master), ..] = parts.as_slice() else {
                return Err(strange());
            };
            let [host, Reply::Int(port), ..] = master.as_slice() else { return Err(strange()) };
            let host = match host {
                Reply::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                _ => String::new(),
            };
            let number = |n: i64| u16::try_from(n).map_err(|_| strange());
            slots.push((number(*from)?, number(*to)?, address(&host, number(*port)?, asked)));
        }
        if slots.is_empty() {
            return Err("no node of the cluster has any keys yet".to_owned());
        }
        Ok(Slots(slots))
    }

    #[must_use]
    pub fn master(&self, slot: u16) -> Option<&Address> {
        self.0.iter().find(|(from, to, _)| (*from..=*to).contains(&slot)).map(|(_, _, address)| address)
    }

    /// Each once.
    #[must_use]
    pub fn masters(&self) -> Vec<Address> {
        let mut found: Vec<Address> = Vec::new();
        for (_, _, address) in &self.0 {
            if !found.contains(address) {
                found.push(address.clone());
            }
        }
        found
    }

    /// One slot has moved.
    pub fn moved(&mut self, slot: u16, to: Address) {
        self.0.insert(0, (slot, slot, to));
    }
}

fn address(host: &str, port: u16, asked: &Address) -> Address {
    match (host, asked) {
        ("" | "?", Address::Tcp(asked, _)) => Address::Tcp(asked.clone(), port),
        (host, _) => Address::Tcp(Arc::from(host), port),
    }
}

/// `3999 127.0.0.1:6381`: what follows MOVED and ASK.
#[must_use]
pub fn redirect(details: &str, asked: &Address) -> Option<(u16, Address)> {
    let (slot, place) = details.trim().split_once(' ')?;
    let (host, port) = place.rsplit_once(':')?;
    Some((slot.parse().ok()?, address(host.trim_matches(['[', ']']), port.parse().ok()?, asked)))
}

/// The slot of a key: of what stands in its first `{…}`, where there is something.
#[must_use]
pub fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|b| *b == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|b| *b == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    });
    // CRC-16/XMODEM.
    let crc = tag.unwrap_or(key).iter().fold(0u16, |crc, byte| {
        (0..8).fold(
            crc ^ (u16::from(*byte) << 8),
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 },
        )
    });
    crc % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(slot(b"123456789"), 0x31C3);
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(slot(b"foo{}{bar}"), slot(b"foo{}{bar}"));
        assert_ne!(slot(b"foo{}{bar}"), slot(b"bar"));
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
    }

    #[test]
    fn a_redirect_names_a_node() {
        let asked = Address::Tcp("h".into(), 1);
        assert_eq!(redirect("3999 127.0.0.1:6381", &asked), Some((3999, Address::Tcp("127.0.0.1".into(), 6381))));
        assert_eq!(redirect("3999 :6381", &asked), Some((3999, Address::Tcp("h".into(), 6381))));
        assert_eq!(redirect("3999", &asked), None);
    }
}
