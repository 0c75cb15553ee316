//! What is wrong with the settings: key, value, rule, fix.

use std::fmt;

/// One thing to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key, or the name that should have been one.
    pub(crate) key: String,
    /// The value as it was given; `None` where there is none or it is secret.
    pub(crate) value: Option<String>,
    /// Where it was given.
    pub(crate) place: String,
    /// What must hold.
    pub(crate) rule: String,
    /// What to do about it.
    pub(crate) fix: String,
}

/// `key = value (place): rule; fix`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, " ({}): {}; {}", self.place, self.rule, self.fix)
    }
}

/// All that is wrong, in the order of the places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        write!(f, "{count} {} in the configuration", if count == 1 { "problem" } else { "problems" })?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

/// A fix for an unknown name: the nearest known one, or where to look.
pub(crate) fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let few = (word.len() / 3).clamp(1, 4);
    let near = known.map(|name| (distance(word, name), name)).filter(|(errors, _)| *errors <= few).min();
    near.map_or_else(
        || "`vitals config show` lists all keys".to_owned(),
        |(_, name)| format!("did you mean `{name}`?"),
    )
}

/// Insertions, deletions and replacements from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    // A word from outside may be of any length; no name of ours is that long.
    if from.len() > 64 {
        return usize::MAX;
    }
    let mut last: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = i;
        let mut left = i + 1;
        for (place, b) in last.iter_mut().skip(1).zip(to.chars()) {
            left = (corner + usize::from(a != b)).min(*place + 1).min(left + 1);
            corner = std::mem::replace(place, left);
        }
        if let Some(first) = last.first_mut() {
            *first = i + 1;
        }
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::{distance, suggestion};

    #[test]
    fn the_distance_counts_typing_errors() {
        for (from, to, errors) in
            [("", "", 0), ("log", "log", 0), ("lag", "log", 1), ("kitten", "sitting", 3), ("", "dir", 3)]
        {
            assert_eq!(distance(from, to), errors, "{from} {to}");
            assert_eq!(distance(to, from), errors, "{to} {from}");
        }
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = || ["log.dir", "log.durability", "instance"].into_iter();
        assert_eq!(suggestion("log.durabilty", known()), "did you mean `log.durability`?");
        assert_eq!(suggestion("telemetry", known()), "`vitals config show` lists all keys");
        assert_eq!(suggestion(&"x".repeat(9_000), known()), "`vitals config show` lists all keys");
    }
}
