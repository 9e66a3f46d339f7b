//! "Did you mean": the closest of the known names.

/// A hint that names the closest of `known` to `name`, or lists them when none is close and they are few.
#[must_use]
pub(crate) fn hint(name: &str, known: &[&str]) -> Option<String> {
    const LISTED: usize = 24;
    if known.is_empty() {
        return None;
    }
    let listed = known.iter().take(LISTED).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let more = known.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    match closest(name, known.iter().copied()) {
        Some(closest) => Some(format!("did you mean \"{closest}\"? there are {listed}{more}")),
        None => Some(format!("there are {listed}{more}")),
    }
}

/// The closest of `known` to `name`, the first of several; none where all are far from it.
#[must_use]
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.into_iter().map(|candidate| (distance(name, candidate), candidate));
    let (least, closest) = distances.min_by_key(|(distance, _)| *distance)?;
    (least <= 2.max(name.chars().count() / 3)).then_some(closest)
}

/// Whether one is likely meant by the other: they are the same but for case and two letters.
#[must_use]
pub(crate) fn is_close(name: &str, known: &str) -> bool {
    distance(name, known) <= 2
}

/// Edit distance, ignoring case, where swapping two neighbours is one edit; O(len × len), for names only.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            table[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let substitution = table[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
                    let edited = substitution.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                    let swaps = i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
                    if swaps { edited.min(table[i - 2][j - 2] + 1) } else { edited }
                }
            };
        }
    }
    table[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn the_closest_name_is_suggested() {
        assert_eq!(
            hint("lable", &["late", "label"]).unwrap(),
            "did you mean \"label\"? there are \"late\", \"label\""
        );
    }

    #[test]
    fn far_names_are_listed() {
        assert_eq!(hint("xyzzy", &["late"]).unwrap(), "there are \"late\"");
    }
}
