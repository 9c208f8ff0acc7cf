/// The name of a finite set that a misspelt one most likely means.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let long = wrong.chars().count();
    let limit = (long / 3).clamp(1, 3);
    names
        .into_iter()
        .filter(|name| *name != wrong)
        .map(|name| (strsim::osa_distance(wrong, name), name))
        // `y` is not a misspelt `x`.
        .filter(|(distance, name)| *distance <= limit && distance * 2 <= long.max(name.chars().count()))
        .min()
        .map(|(_, name)| name)
}
