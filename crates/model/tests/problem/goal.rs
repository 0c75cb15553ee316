//! Goals, measures, curves.

use super::spoiled;
use rstest::rstest;

#[rstest]
#[case::statement(
    "    statement: Customers use it.\n",
    "",
    "19:5: goals.use: `statement` is missing; add `statement: Customers work in the product every week.`"
)]
#[case::priority(
    "    owner: product",
    "    owner: product\n    priority: 0",
    "21:15: goals.use.priority: 0 is out of range; write 1 to 1000"
)]
#[case::weight(
    "    weight: 1\n",
    "    weight: -1\n",
    "21:13: goals.use.weight: -1 is out of range; write 0 to 1000000"
)]
#[case::fraction(
    "    weight: 1\n",
    "    weight: 0.5\n",
    "21:13: goals.use.weight: 0.5 is not a whole number; round it"
)]
#[case::zero(
    "    weight: 1\n",
    "    weight: 0\n",
    "18:3: goals: all weights are zero, so there is no score; give a goal and one of its measures in the score a weight above 0"
)]
#[case::kind(
    "kind: activity",
    "kind: actvity",
    "24:22: goals.use.measures.quiet.kind: unknown word `actvity`; did you mean `activity`?"
)]
#[case::in_score(
    "kind: activity",
    "kind: activity, in_score: yes",
    "24:42: goals.use.measures.quiet.in_score: unknown word `yes`; choose from true, false"
)]
#[case::target_unit(
    "target: 20",
    "target: 20%",
    "23:51: goals.use.measures.logins.target: `20%` has a unit where a bare number belongs; write it like `20`"
)]
#[case::orphan(
    "      share: {",
    "      shore: {",
    "25:7: goals.use.measures.shore: unknown signal `shore`; did you mean `share`?"
)]
#[case::twice(
    "goals:\n",
    "goals:\n  more: { statement: s, owner: o, weight: 1, measures: { quiet: { kind: leading, weight: 1, curve: { 1d: 0, 9d: 1 } } } }\n",
    "25:7: goals.use.measures.quiet: `quiet` is already measured at goals.more.measures.quiet; measure a signal once"
)]
#[case::curve_unit(
    "{ 14d: 100, 60d: 0 }",
    "{ 14: 100, 60d: 0 }",
    "24:52: goals.use.measures.quiet.curve.14: `14` is not a span of time; write it like `14d`"
)]
#[case::curve_order(
    "{ 14d: 100, 60d: 0 }",
    "{ 60d: 0, 2w: 100 }",
    "24:60: goals.use.measures.quiet.curve.2w: 14d does not follow 60d; order the points from the least value up"
)]
#[case::curve_same(
    "{ 14d: 100, 60d: 0 }",
    "{ 14d: 100, 2w: 0 }",
    "24:62: goals.use.measures.quiet.curve.2w: 14d does not follow 14d; order the points from the least value up"
)]
#[case::curve_points(
    "{ 14d: 100, 60d: 0 }",
    "{ 14d: 100 }",
    "24:50: goals.use.measures.quiet.curve: a curve of 1 points; write 2 to 32 points, such as `{ 0: 0, 10: 100 }`"
)]
#[case::curve_range(
    "{ 14d: 100, 60d: 0 }",
    "{ 14d: 101, 60d: 0 }",
    "24:57: goals.use.measures.quiet.curve.14d: 101 is out of range; write 0 to 100"
)]
#[case::percent(
    "{ 10%: 0, 80%: 100 }",
    "{ 0.1: 0, 80%: 100 }",
    "25:51: goals.use.measures.share.curve.0.1: `0.1` is not a percentage; write it like `10%`"
)]
#[case::many_marks(
    "60d: 0",
    "3000d: 0",
    "10:10: signals.quiet: its curve and limits ask for 3032 steps, at most 2000 can be; use shorter spans, fewer points or a greater `publish_change`"
)]
fn goals_and_measures(#[case] good: &str, #[case] bad: &str, #[case] told: &str) {
    assert_eq!(spoiled(good, bad), told);
}

#[test]
fn more_measures_than_the_fold_has_bits_for_are_a_problem() {
    let mut text =
        String::from("format: 1\nmodel: wide\nscore: { bands: { healthy: 70, at-risk: 0 } }\nsignals:\n");
    for i in 0..129 {
        let over = if i < 71 { format!("{}h", i + 1) } else { format!("{}d", i - 68) };
        text += &format!("  s{i}: {{ count: login, over: {over} }}\n");
    }
    text += "goals:\n";
    for goal in 0..3 {
        text += &format!("  g{goal}: {{ statement: x, owner: x, weight: 1, measures: {{\n");
        for i in goal * 43..(goal + 1) * 43 {
            text += &format!("    s{i}: {{ kind: leading, weight: 1, curve: {{ 0: 0, 9: 100 }} }},\n");
        }
        text += "  } }\n";
    }
    let problems = super::problems(&text);
    assert!(problems.contains("129 measures; at most 128 are possible; leave out"), "{problems}");
}
