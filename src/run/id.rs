//! Run ids: short, in the order of time, good to say on the telephone.
use crate::value::{SmolStr, Timestamp};

/// Without the letters and digits that are mistaken for each other.
const LETTERS: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";

/// `20261121-1854-k3f9`: the minute (UTC), and four random letters.
#[must_use]
pub fn new(now: Timestamp) -> SmolStr {
    let random: String =
        (0..4).filter_map(|_| LETTERS.get(fastrand::usize(..LETTERS.len()))).map(|b| char::from(*b)).collect();
    SmolStr::from(format!("{}-{random}", now.strftime("%Y%m%d-%H%M")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_is_the_minute_and_four_letters() {
        let id = super::new("2026-11-21T18:54:59Z".parse().unwrap());
        assert!(id.starts_with("20261121-1854-"), "{id}");
        assert_eq!(id.len(), 18);
        let other = super::new("2026-11-21T18:54:59Z".parse().unwrap());
        assert_ne!(id, other);
    }
}
