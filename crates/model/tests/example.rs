//! The example models in `deploy/models` compile without warnings, into plans that are pinned; and so does what its page
//! shows.

use model::plan::{Operator, WHOLE};
use model::{Compiled, compile, operator};

const B2B: &str = include_str!("../../../deploy/models/b2b.yaml");
const PAGE: &str = include_str!("../../../deploy/models/README.md");
const OULAD: &str = include_str!("../../../deploy/models/oulad.yaml");

fn compiled(text: &str) -> Result<Compiled, String> {
    compile(text).map_err(|problems| problems.to_string())
}

#[test]
fn the_example_models_compile_without_warnings() {
    for text in [B2B, OULAD] {
        let warnings: Vec<String> =
            compiled(text).unwrap().warnings.iter().map(ToString::to_string).collect();
        assert!(warnings.is_empty(), "{warnings:#?}");
    }
}

#[test]
fn the_plan_of_the_b2b_model_is_as_reviewed() {
    let mut plan = compiled(B2B).unwrap().plan;
    for signal in &mut plan.signals {
        if let Operator::SinceLast { marks, .. } | Operator::Until { marks, .. } = &mut signal.operator {
            // There are hundreds: how many, the first and the last.
            let count = i64::try_from(marks.len()).unwrap();
            *marks = vec![count, marks[0], marks[marks.len() - 1]];
        }
    }
    insta::assert_debug_snapshot!("b2b", plan);
}

#[test]
fn weights_and_sizes_of_the_example_models_are_within_their_bounds() {
    for text in [B2B, OULAD] {
        let plan = compiled(text).unwrap().plan;
        assert_eq!(plan.measures.iter().map(|measure| measure.base_weight).sum::<u32>(), WHOLE);
        let bytes = operator::bytes_per_account(&plan);
        assert!((200..8_000).contains(&bytes), "{bytes} bytes an account");
    }
}

/// The fragments of the page, one after the other.
fn fragments() -> String {
    PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split_once("```")).map(|(yaml, _)| yaml).collect()
}

#[test]
fn the_fragments_of_the_page_are_a_model() {
    let compiled = compiled(&fragments()).unwrap();
    let told = compiled.warnings.iter().map(ToString::to_string);
    // It shows more signals than it needs.
    let warnings: Vec<String> = told.filter(|warning| !warning.contains("nobody uses")).collect();
    assert!(warnings.is_empty(), "{warnings:#?}");
    assert!(compiled.plan.rules.len() == 3 && compiled.plan.caps.len() == 2, "{:?}", compiled.plan);
}

/// What the language lists where an unknown word stands instead of `good`; without what is for later.
fn known(good: &str, spoiled: &str) -> Option<Vec<String>> {
    const LATER: [&str; 8] =
        ["percentile", "change", "calendar", "of", "calendars", "milestones", "profiles", "trend_over"];
    assert!(fragments().contains(good), "{good}");
    let told = compiled(&fragments().replacen(good, spoiled, 1)).err()?;
    let (_, listed) = told.split_once("choose from ")?;
    let listed = listed.lines().next()?.split(", ").map(str::to_owned);
    Some(listed.filter(|word| !LATER.contains(&word.as_str())).collect())
}

#[test]
fn the_page_shows_every_operator_and_key() {
    let operators = known("{ open: support", "{ zzzzzzzz: support").unwrap();
    assert_eq!(operators.len(), 17);
    for operator in operators {
        assert!(fragments().contains(&format!("{{ {operator}: ")), "{operator}");
    }
    for (place, spoiled) in [
        ("format: 1", "zzzzzzzz: 1\nformat: 1"),
        ("  login: { ", "  login: { zzzzzzzz: 1, "),
        ("{ mean: score, ", "{ mean: score, zzzzzzzz: 1, "),
        ("{ latest: score, ", "{ latest: score, zzzzzzzz: 1, "),
        ("{ trend: logins, against: own", "{ trend: logins, zzzzzzzz: 1, against: own"),
        ("      review: { ", "      review: { zzzzzzzz: 1, "),
        ("    priority: 1 ", "    zzzzzzzz: 1\n    priority: 1 "),
        ("    cohort: { outcome", "    zzzzzzzz: 1\n    cohort: { outcome"),
        ("  nps: { plan: 36, ", "  nps: { zzzzzzzz: 1, plan: 36, "),
        ("    target: { ", "    target: { zzzzzzzz: 1, "),
        ("  band_margin: 2", "  zzzzzzzz: 1\n  band_margin: 2"),
        ("  - { name: gone-quiet, ", "  - { name: gone-quiet, zzzzzzzz: 1, "),
        ("    for: 2d", "    zzzzzzzz: 1\n    for: 2d"),
    ] {
        let keys = known(place, spoiled).unwrap();
        assert!(keys.len() > 1, "{place}: {keys:?}");
        for key in keys {
            assert!(
                PAGE.contains(&format!("{key}:")) || PAGE.contains(&format!("`{key}`")),
                "{place}: {key}"
            );
        }
    }
}
