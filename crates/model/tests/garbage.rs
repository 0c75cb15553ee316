//! No text makes the compiler panic, hang or forget to say what is wrong.

use model::time::EventTime;
use model::{compile, review, suite};
use proptest::prelude::*;
use std::fmt::Write as _;

const B2B: &str = include_str!("../../../deploy/models/b2b.yaml");

/// A text either compiles or has problems, each at a place within it.
fn judged(text: &str) {
    match compile(text) {
        Ok(compiled) => {
            assert!(!compiled.plan.signals.is_empty());
            let reviewed = review(text, EventTime(0)).map(|review| review.compiled);
            assert_eq!(reviewed, Ok(compiled), "{text}");
        }
        Err(problems) => {
            assert!(!problems.0.is_empty(), "refused without a reason:\n{text}");
            assert!(problems.0.is_sorted());
            let lines = u32::try_from(text.lines().count() + 1).unwrap_or(u32::MAX);
            for problem in &problems.0 {
                assert!((1..=lines).contains(&problem.line) && problem.column >= 1, "{problem}");
                assert!(!problem.message.is_empty() && !problem.fix.is_empty(), "{problem}");
                assert!(problem.to_string().lines().count() == 1, "{problem}");
            }
        }
    }
}

/// Words and signs that mean something to YAML or to the language.
const PIECES: [&str; 40] = [
    "a",
    "- ",
    ": ",
    "\n",
    "  ",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "? ",
    "&x ",
    "*x",
    "!t ",
    "---\n",
    "...\n",
    "|\n",
    ">\n",
    "'",
    "\"",
    "#",
    "\t",
    "%YAML 1.2\n",
    "\\x",
    "\u{0}",
    "é",
    "\u{2028}",
    "\r\n",
    "<<",
    "~",
    "format: 1\n",
    "signals:\n",
    "count: login",
    "over: 28d",
    "99999999999999999999",
    "-1",
    "1e9",
    "60%",
    "@",
    "`",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn garbage_is_judged(text in any::<String>()) {
        judged(&text);
    }

    #[test]
    fn garbage_that_looks_like_yaml_is_judged(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        judged(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_model_with_something_put_in_or_taken_out_is_judged(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..30_usize, 0..PIECES.len()), 1..4),
    ) {
        let mut text: Vec<char> = B2B.chars().collect();
        for (at, taken, piece) in edits {
            let at = at.index(text.len());
            let end = (at + taken).min(text.len());
            text.splice(at..end, PIECES[piece].chars());
        }
        judged(&text.into_iter().collect::<String>());
    }

    #[test]
    fn a_model_with_lines_moved_is_judged(
        moves in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let mut lines: Vec<&str> = B2B.lines().collect();
        for (from, to) in moves {
            let line = lines.remove(from.index(lines.len()));
            lines.insert(to.index(lines.len() + 1), line);
        }
        judged(&lines.join("\n"));
    }

    #[test]
    fn a_model_with_words_exchanged_is_judged(
        swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let mut words: Vec<&str> = B2B.split_inclusive(|c: char| !c.is_alphanumeric()).collect();
        for (a, b) in swaps {
            let (a, b) = (a.index(words.len()), b.index(words.len()));
            words.swap(a, b);
        }
        judged(&words.concat());
    }
}

#[test]
fn long_and_wide_texts_are_judged_in_no_time() {
    let fill = |piece: &str| piece.repeat((1 << 20) / piece.len());
    for piece in [
        "[", "{", "- ", "? ", "a: ", "a,", "[]", "{}\n", "'", "\"", "\\", "&a ", "!a ", "|\n", "#", "\t",
        "- - -\n",
    ] {
        judged(&fill(piece));
        judged(&format!("signals: [{}]", fill(piece).split_at((1 << 20) - 64).0));
    }
    let mut keys = String::from("format: 1\nsignals:\n");
    for i in 0..40_000 {
        writeln!(keys, "  s{i}: {{ ratio: t{i}, to: u{i} }}").unwrap();
    }
    judged(keys.get(..1 << 20).unwrap_or(&keys));
    let mut deep = String::from("format: 1\nsignals:\n");
    for i in 0..511 {
        writeln!(deep, "  s{i}: {{ ratio: s{}, to: s{} }}", i + 1, i + 1).unwrap();
    }
    judged(&format!("{deep}  s511: {{ count: login, over: 7d }}\n"));
}

const TESTS: &str = include_str!("../../../deploy/models/low-touch.test.yaml");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_test_file_with_something_put_in_or_taken_out_is_judged(
        at in 0..TESTS.len(),
        length in 0..40_usize,
        put in 0..PIECES.len(),
    ) {
        let plan = compile(include_str!("../../../deploy/models/low-touch.yaml")).unwrap().plan;
        let mut text = TESTS.to_owned();
        let end = (at + length).min(text.len());
        if text.is_char_boundary(at) && text.is_char_boundary(end) {
            text.replace_range(at..end, PIECES[put]);
        }
        if let Err(problems) = suite::read(&text, &plan) {
            prop_assert!(!problems.0.is_empty());
            prop_assert!(problems.0.iter().all(|it| !it.message.is_empty() && !it.fix.is_empty()), "{problems}");
        }
    }
}
