//! Where a text nests deepest, by its brackets alone: for the message when nesting is all that is known to be wrong.

/// The bracket at the greatest depth.
pub(super) fn deepest(text: &str) -> (usize, usize) {
    let (mut depth, mut most, mut place) = (0_usize, 0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > most {
                    (most, place) = (depth, at);
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    (place, (place + 1).min(text.len()))
}
