//! "Did you mean …?": the known word nearest to an unknown one.

/// A fix for an unknown word: the nearest known one, or the list of all.
pub(crate) fn suggestion<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(near) = near(word, known.iter().copied()) {
        return near;
    }
    if known.is_empty() {
        return "there is none to choose from".to_owned();
    }
    let mut fix = String::from("choose from ");
    for (i, word) in known.iter().take(24).enumerate() {
        if i > 0 {
            fix.push_str(", ");
        }
        fix.push_str(word);
    }
    if known.len() > 24 {
        fix.push_str(", …");
    }
    fix
}

/// Asks for a known word that is nearly the same, if there is one.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    nearest(word, &known).map(|near| format!("did you mean `{near}`?"))
}

/// The known word with the least number of typing errors, if these are few for its length.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let letters: Vec<char> = word.chars().take(65).collect();
    if letters.len() > 64 {
        return None;
    }
    let near = known.iter().filter_map(|candidate| {
        let few = match letters.len().max(candidate.len()) {
            0..=3 => 1,
            4..=6 => 2,
            _ => 3,
        };
        let errors = distance(&letters, candidate, few);
        (errors <= few && errors < letters.len()).then_some((errors, *candidate))
    });
    near.min_by_key(|(errors, _)| *errors).map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours from one word to the other (optimal string
/// alignment); more than `few` where the lengths alone say so.
fn distance(from: &[char], to: &str, few: usize) -> usize {
    let to: Vec<char> = to.chars().take(65).collect();
    if from.len().abs_diff(to.len()) > few {
        return few + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = last;
        last = row;
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let known = ["login", "feature-usage", "support", "over"];
        for (word, fix) in [
            ("logn", "did you mean `login`?"),
            ("lgoin", "did you mean `login`?"),
            ("feature_usage", "did you mean `feature-usage`?"),
            ("ovre", "did you mean `over`?"),
            ("billing", "choose from login, feature-usage, support, over"),
            ("", "choose from login, feature-usage, support, over"),
        ] {
            assert_eq!(suggestion(word, known), fix, "{word}");
        }
        assert_eq!(suggestion("x", []), "there is none to choose from");
    }
}
