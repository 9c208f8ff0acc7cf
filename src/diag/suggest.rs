/// The name of a finite set that a misspelt one most likely means.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wrong.to_lowercase();
    let long = wrong.chars().count();
    let limit = (long / 3).clamp(1, 3);
    names
        .into_iter()
        .filter(|name| *name != wrong)
        .map(|name| (distance(&lower, &name.to_lowercase()), name))
        // `y` is not a misspelt `x`.
        .filter(|(distance, name)| *distance <= limit && distance * 2 <= long.max(name.chars().count()))
        .min()
        .map(|(_, name)| name)
}

/// How many letters differ; of `sodu` and `sudo`, which have the same ones, one.
fn distance(a: &str, b: &str) -> usize {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    if a.len() > 3 && a != b && sorted(a) == sorted(b) { 1 } else { strsim::osa_distance(a, b) }
}
